//! What the index holds of one message: what it said and says, and from when until when each is found.

use super::filter::Query;
use super::plan::{Odds, SearchOddity};
use super::words::{Word, has_in_order, words};
use crate::core::guild::channel::Channel;
use crate::core::id::Id;
use crate::core::message::Message;

/// What the index was told of one message.
#[derive(Debug, Default)]
pub(super) struct Document {
    changes: u32,
    /// Oldest first. The last is the message as it is, or as it was when it was deleted.
    versions: Vec<Version>,
}

#[derive(Debug)]
pub(super) struct Version {
    /// Counted from 0, with those that are forgotten.
    number: u32,
    since_ms: u64,
    /// When it was replaced or deleted.
    gone_ms: Option<u64>,
    words: Option<Box<[u64]>>,
    /// The message, where it is no longer in its channel like that.
    past: Option<Box<Message>>,
}

impl Document {
    pub(super) fn is_empty(&self) -> bool {
        self.versions.is_empty()
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.versions.len()
    }

    /// The message is now as it is in its channel.
    pub(super) fn begin(&mut self, now: u64) {
        self.versions.push(Version {
            number: self.changes,
            since_ms: now,
            gone_ms: None,
            words: None,
            past: None,
        });
        self.changes += 1;
    }

    /// The message is no longer as it was.
    pub(super) fn end(&mut self, now: u64) {
        if let Some(last) = self.versions.last_mut() {
            last.gone_ms = last.gone_ms.or(Some(now));
        }
    }

    /// Keeps what the message was, for the version that ended just now, unless that was dropped at once.
    pub(super) fn keep_past(&mut self, before: Option<&Message>) {
        let ended = |version: &&mut Version| version.gone_ms.is_some() && version.past.is_none();
        if let Some(version) = self.versions.iter_mut().rev().find(ended) {
            version.past = before.cloned().map(Box::new);
        }
    }

    pub(super) fn past(&self, number: u32) -> Option<&Message> {
        let mut versions = self.versions.iter();
        versions
            .find(|version| version.number == number)?
            .past
            .as_deref()
    }

    /// From when until when each version is found, the newest first.
    ///
    /// A version stays until a newer one is found, so an edit never makes its message vanish; a deletion ends them all.
    fn spans(&self, id: Id, odds: &Odds) -> impl Iterator<Item = (u64, Option<u64>)> {
        let mut newer_ms: Option<u64> = None;
        let mut end_ms: Option<u64> = None;
        self.versions.iter().rev().map(move |version| {
            let thing = (id.0, u64::from(version.number));
            let from = version.since_ms.saturating_add(odds.lag_ms(thing));
            let ghost = version
                .gone_ms
                .map(|gone| gone.saturating_add(odds.ghost_ms(thing)));
            let until = match newer_ms {
                None => {
                    end_ms = ghost;
                    ghost
                }
                Some(newer) => {
                    let until = ghost.map_or(newer, |ghost| ghost.max(newer));
                    Some(end_ms.map_or(until, |end| end.min(until)))
                }
            };
            newer_ms = Some(newer_ms.map_or(from, |newer| newer.min(from)));
            (from, until)
        })
    }

    /// The newest version that is found at `now` and for which `score` gives one.
    pub(super) fn find<T>(
        &mut self,
        now: u64,
        id: Id,
        odds: &Odds,
        mut score: impl FnMut(&mut Version) -> Option<T>,
    ) -> Option<(u32, T)> {
        let found = |(from, until): (u64, Option<u64>)| {
            from <= now && until.is_none_or(|until| now < until)
        };
        if let [version] = self.versions.as_mut_slice()
            && version.gone_ms.is_none()
        {
            // As most are.
            let lag = odds.lag_ms((id.0, u64::from(version.number)));
            let from = version.since_ms.saturating_add(lag);
            return found((from, None))
                .then(|| score(version))
                .flatten()
                .map(|score| (version.number, score));
        }
        let spans: Vec<_> = self.spans(id, odds).collect();
        let versions = self.versions.iter_mut().rev().zip(spans);
        versions
            .filter(|(_, span)| found(*span))
            .find_map(|(version, _)| score(version).map(|score| (version.number, score)))
    }

    /// Drops the versions whose time is over.
    pub(super) fn forget(&mut self, now: u64, id: Id, odds: &Odds) {
        if self
            .versions
            .iter()
            .all(|version| version.gone_ms.is_none())
        {
            return;
        }
        let mut over: Vec<bool> = self
            .spans(id, odds)
            .map(|(_, until)| until.is_some_and(|until| until <= now))
            .collect();
        // They came newest first.
        self.versions.retain(|_| !over.pop().unwrap_or(false));
    }

    /// When the next version's time is over.
    pub(super) fn next_expiry(&self, id: Id, odds: &Odds) -> Option<u64> {
        self.spans(id, odds).filter_map(|(_, until)| until).min()
    }
}

impl Version {
    pub(super) fn message<'a>(&'a self, id: Id, live: &'a Channel) -> Option<&'a Message> {
        let past = self.past.as_deref();
        past.or_else(|| live.messages.get(&id))
    }

    /// How well its words are those of a query, or `None` where they are not.
    pub(super) fn score(
        &mut self,
        id: Id,
        live: &Channel,
        query: &Query,
        odds: &Odds,
    ) -> Option<(usize, usize)> {
        let Some(wanted) = &query.words else {
            return Some((0, 0));
        };
        let lost = |word: &Word| {
            word.has_digit && odds.strikes(SearchOddity::LostDigits, (id.0, word.hash))
        };
        if wanted.iter().any(lost) {
            return None;
        }
        if self.words.is_none() {
            // Content alone: that embeds are often not indexed is reported.
            let all = words(&self.message(id, live)?.content);
            self.words = Some(all.iter().map(|word| word.hash).collect());
        }
        let own = self.words.as_deref().unwrap_or_default();
        if !has_in_order(own, wanted, query.slop) {
            return None;
        }
        let occurs = |word: &&u64| wanted.iter().any(|wanted| wanted.hash == **word);
        Some(match query.by_relevance {
            true => (own.iter().filter(occurs).count(), own.len()),
            false => (0, 0),
        })
    }
}
