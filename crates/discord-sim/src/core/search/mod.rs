//! The index that guilds are searched by, and how far it is behind.
//!
//! Docs `resources/message`, "Search Guild Messages". What happens to messages is noted as it happens; what of it the index
//! shows is worked out when somebody searches, from the plan of that time: with [`SearchPlan::calm`] the index is at once
//! what it should be.
//!
//! An index is kept only for an application that may search. Texts are cut into words when they are first looked at.

mod document;
pub(crate) mod filter;
pub(crate) mod plan;
pub(crate) mod words;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use self::document::Document;
use self::filter::Query;
use self::plan::{Odds, SearchOddity, SearchPlan};
use super::config::Config;
use super::guild::channel::Channel;
use super::id::Id;
use super::message::Message;
use super::{Discord, Problem};

/// How long after a change in a guild messages still "are actively being created or deleted" there. Not documented.
const CHANGING_MS: u64 = 60_000;

/// The most that a client is told to wait for an index, in seconds.
const RETRY_AFTER_S_MAX: u64 = 5;

#[derive(Debug)]
pub(crate) struct SearchIndex {
    /// Whether anybody may search, so that it is worth the trouble.
    kept: bool,
    odds: Odds,
    /// By channel and message.
    documents: BTreeMap<Id, BTreeMap<Id, Document>>,
    guilds: BTreeMap<Id, Activity>,
    /// When to look which old versions of a message nobody finds any more.
    expiry: BTreeSet<(u64, Id, Id)>,
    /// Searches so far; two that are alike are not answered alike.
    searches: u64,
}

#[derive(Debug, Default)]
struct Activity {
    /// When the guild was searched first, in Unix milliseconds.
    searched_ms: Option<u64>,
    changed_ms: Option<u64>,
}

/// A message that a search found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hit {
    pub(crate) channel: Id,
    pub(crate) id: Id,
    version: u32,
    /// How often the words occur in how many.
    score: (usize, usize),
}

/// What a search comes to.
pub(crate) enum Found {
    /// HTTP 202: there is no index yet.
    NotIndexed {
        documents_indexed: usize,
        retry_after_s: u64,
    },
    Page {
        total: usize,
        hits: Vec<Hit>,
        /// Set while the index is still being taken back to the oldest messages.
        documents_indexed: Option<usize>,
    },
}

impl Discord {
    /// Lets search be as odd as a plan says, from now on and for all that happened before; only ghosts that are gone do not
    /// come back.
    ///
    /// # Errors
    ///
    /// If its rates are none or its times are more than an oddity can last.
    pub fn set_search_plan(&mut self, plan: SearchPlan) -> Result<(), Problem> {
        self.index.odds = Odds::new(self.config.seed, &plan)?;
        self.config.search = plan;
        Ok(())
    }

    /// Switches the privileged intent MESSAGE_CONTENT on or off, as in the developer portal. When it comes on, what is
    /// there is indexed as if it always had been; what was deleted before leaves no ghosts.
    pub fn set_message_content_intent(&mut self, on: bool) {
        self.config.message_content_intent = on;
        if self.index.kept == on {
            return;
        }
        self.index.kept = on;
        self.index.documents.clear();
        self.index.expiry.clear();
        if on {
            for channel in self.channels.values() {
                for message in channel.messages.values() {
                    let since = message.edited_ms.unwrap_or(message.posted_ms);
                    let place = (channel.guild_id, channel.id, message.id);
                    self.index.note(since, place, None);
                }
            }
        }
    }

    /// Searches those of a guild's channels, of which all may be read.
    pub(crate) fn search(&mut self, now: u64, guild: Id, channels: &[Id], query: &Query) -> Found {
        self.index.forget(now);
        self.index
            .search(now, guild, channels, query, &self.channels)
    }

    /// A found message as it is to be shown: as it is, or as it was; `None` where nothing is left of it.
    ///
    /// The index holds no texts; messages are fetched from where they are kept (Discord's blog, "How Discord Indexes
    /// Billions of Messages"). That a deleted message is still shown is reported. For one that has been edited since,
    /// both are assumed to happen.
    pub(crate) fn shown_hit(&self, hit: &Hit) -> Option<&Message> {
        let current = self.channels.get(&hit.channel)?.messages.get(&hit.id);
        let past = self.index.past(hit);
        let thing = (hit.id.0, u64::from(hit.version));
        let as_it_was = self.index.odds.choose(SearchOddity::Ghost, thing, 0, 2) == 0;
        match (current, past) {
            (Some(_), Some(past)) if as_it_was => Some(past),
            (current, past) => current.or(past),
        }
    }
}

impl SearchIndex {
    pub(crate) fn new(config: &Config) -> SearchIndex {
        let odds = Odds::new(config.seed, &config.search);
        SearchIndex {
            kept: config.message_content_intent,
            odds: odds.unwrap_or_else(|_| Odds::calm(config.seed)),
            documents: BTreeMap::new(),
            guilds: BTreeMap::new(),
            expiry: BTreeSet::new(),
            searches: 0,
        }
    }

    /// A message was put into its channel, new or in place of what it was before. `place` is guild, channel and message.
    pub(crate) fn note(&mut self, now: u64, place: (Id, Id, Id), before: Option<&Message>) {
        if self.kept {
            self.change(now, place, before, true);
        }
    }

    /// A message was taken out of its channel.
    pub(crate) fn note_gone(&mut self, now: u64, place: (Id, Id, Id), before: &Message) {
        if self.kept {
            self.change(now, place, Some(before), false);
        }
    }

    /// A channel is gone, and with it whatever could be found there.
    pub(crate) fn note_channel_gone(&mut self, channel: Id) {
        self.documents.remove(&channel);
    }

    fn change(
        &mut self,
        now: u64,
        place: (Id, Id, Id),
        before: Option<&Message>,
        still_there: bool,
    ) {
        let (guild, channel, id) = place;
        self.forget(now);
        self.guilds.entry(guild).or_default().changed_ms = Some(now);
        let documents = self.documents.entry(channel).or_default();
        let document = documents.entry(id).or_default();
        document.end(now);
        if still_there {
            document.begin(now);
        }
        document.forget(now, id, &self.odds);
        document.keep_past(before);
        if let Some(at) = document.next_expiry(id, &self.odds) {
            self.expiry.insert((at, channel, id));
        } else if document.is_empty() {
            documents.remove(&id);
        }
    }

    /// Drops the versions that nobody finds any more.
    fn forget(&mut self, now: u64) {
        while let Some(&(at, channel, id)) = self.expiry.first()
            && at <= now
        {
            self.expiry.pop_first();
            let Some(documents) = self.documents.get_mut(&channel) else {
                continue;
            };
            let Some(document) = documents.get_mut(&id) else {
                continue;
            };
            document.forget(now, id, &self.odds);
            if let Some(at) = document.next_expiry(id, &self.odds) {
                self.expiry.insert((at, channel, id));
            } else if document.is_empty() {
                documents.remove(&id);
            }
        }
    }

    fn past(&self, hit: &Hit) -> Option<&Message> {
        let document = self.documents.get(&hit.channel)?.get(&hit.id)?;
        document.past(hit.version)
    }

    fn search(
        &mut self,
        now: u64,
        guild: Id,
        readable: &[Id],
        query: &Query,
        channels: &BTreeMap<Id, Channel>,
    ) -> Found {
        self.searches += 1;
        let this = (self.searches, guild.0);
        let activity = self.guilds.entry(guild).or_default();
        let first_ms = *activity.searched_ms.get_or_insert(now);
        let changing = activity
            .changed_ms
            .is_some_and(|at| now.saturating_sub(at) < CHANGING_MS);
        let ready_ms = first_ms.saturating_add(self.lasts_ms(SearchOddity::Unindexed, guild));
        if now < ready_ms {
            let done = progress(first_ms, now, ready_ms);
            return Found::NotIndexed {
                documents_indexed: (self.count(guild, channels) as f64 * done) as usize,
                retry_after_s: self.retry_after_s(this, ready_ms - now),
            };
        }
        let deep_ms = ready_ms.saturating_add(self.lasts_ms(SearchOddity::DeepIndex, guild));
        // Of the time before the first search, only so much is indexed.
        let reaches = 0.5 + 0.5 * progress(ready_ms, now, deep_ms);
        let (from_ms, documents_indexed) = if now < deep_ms {
            let history_ms = first_ms.saturating_sub(guild.created_ms()) as f64 * reaches;
            let indexed = (self.count(guild, channels) as f64 * reaches) as usize;
            (first_ms.saturating_sub(history_ms as u64), Some(indexed))
        } else {
            (0, None)
        };
        let mut hits = self.matches(now, from_ms, readable, query, channels);
        sort(&mut hits, query);
        let mut total = hits.len();
        hits = hits
            .into_iter()
            .skip(query.offset)
            .take(query.limit)
            .collect();
        if changing {
            total = self.inexact(this, total);
        }
        self.shorten(this, &mut hits);
        Found::Page {
            total,
            hits,
            documents_indexed,
        }
    }

    fn lasts_ms(&self, oddity: SearchOddity, guild: Id) -> u64 {
        self.odds.lasts_ms(oddity, (guild.0, 0)).unwrap_or(0)
    }

    /// Docs: "If the `retry_after` field is `0`, you should retry the request after a short delay." Nothing says that the
    /// index is there by then.
    fn retry_after_s(&self, this: (u64, u64), left_ms: u64) -> u64 {
        let choose = |n, end| self.odds.choose(SearchOddity::Unindexed, this, n, end);
        match choose(0, 4) {
            0 => 0,
            _ => (1 + choose(1, RETRY_AFTER_S_MAX)).min(left_ms.div_ceil(1_000)),
        }
    }

    /// Messages of a guild that are or were there.
    fn count(&self, guild: Id, channels: &BTreeMap<Id, Channel>) -> usize {
        let of_guild = channels
            .values()
            .filter(|channel| channel.guild_id == guild);
        let documents = of_guild.filter_map(|channel| self.documents.get(&channel.id));
        documents.map(BTreeMap::len).sum()
    }

    fn matches(
        &mut self,
        now: u64,
        from_ms: u64,
        readable: &[Id],
        query: &Query,
        channels: &BTreeMap<Id, Channel>,
    ) -> Vec<Hit> {
        let mut hits = Vec::new();
        let after = query.min_id.map_or(Bound::Unbounded, Bound::Excluded);
        let before = query.max_id.map_or(Bound::Unbounded, Bound::Excluded);
        // Such a range would be refused by the map.
        if query
            .min_id
            .zip(query.max_id)
            .is_some_and(|(min, max)| min >= max)
        {
            return hits;
        }
        let fits_all = query.fits_all();
        for channel in readable {
            let Some((documents, live)) =
                self.documents.get_mut(channel).zip(channels.get(channel))
            else {
                continue;
            };
            for (id, document) in documents.range_mut((after, before)) {
                if from_ms > 0 && id.created_ms() < from_ms {
                    continue;
                }
                let found = document.find(now, *id, &self.odds, |version| {
                    let score = version.score(*id, live, query, &self.odds)?;
                    let fits = |message| query.fits(message, channels);
                    (fits_all || version.message(*id, live).is_some_and(fits)).then_some(score)
                });
                hits.extend(found.map(|(version, score)| Hit {
                    channel: *channel,
                    id: *id,
                    version,
                    score,
                }));
            }
        }
        hits
    }

    /// Docs: "when messages are actively being created or deleted, the `total_results` field may not be accurate".
    fn inexact(&self, this: (u64, u64), total: usize) -> usize {
        if !self.odds.strikes(SearchOddity::InexactTotal, this) {
            return total;
        }
        let most = (total as u64 / 10).max(1);
        let choose = |n, end| self.odds.choose(SearchOddity::InexactTotal, this, n, end);
        let off = usize::try_from(1 + choose(0, most)).unwrap_or(1);
        match choose(1, 2) {
            0 => total.saturating_sub(off),
            _ => total + off,
        }
    }

    /// Docs: "search may return slightly fewer results than the limit specified when messages have not been accessed for a
    /// long time". How long that is, is not said: here it is no time at all. Those left out are on no other page.
    fn shorten(&self, this: (u64, u64), hits: &mut Vec<Hit>) {
        if hits.is_empty() || !self.odds.strikes(SearchOddity::ShortPage, this) {
            return;
        }
        let choose = |n, end: usize| {
            let end = end as u64;
            let chosen = self.odds.choose(SearchOddity::ShortPage, this, n, end);
            usize::try_from(chosen).unwrap_or(0)
        };
        let missing = 1 + choose(0, hits.len() / 8 + 1);
        for n in 0..missing.min(hits.len()) {
            hits.remove(choose(1 + n as u64, hits.len()));
        }
    }
}

/// Docs: by time of creation, which is in the id, the newest first unless asked otherwise; "sort order is not respected when
/// sorting by relevance". What makes a message relevant is not documented: here it is the share of its words that were
/// asked for, and then its age.
fn sort(hits: &mut [Hit], query: &Query) {
    if query.by_relevance {
        hits.sort_unstable_by(|one, other| {
            let (a, b) = (one.score.0 * other.score.1, other.score.0 * one.score.1);
            b.cmp(&a).then(other.id.cmp(&one.id))
        });
    } else if query.ascending {
        hits.sort_unstable_by_key(|hit| hit.id);
    } else {
        hits.sort_unstable_by_key(|hit| Reverse(hit.id));
    }
}

/// How much of a time has passed, from 0 to 1.
fn progress(from: u64, now: u64, until: u64) -> f64 {
    if now >= until {
        return 1.0;
    }
    now.saturating_sub(from) as f64 / (until - from).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::config::GuildSpec;

    /// Documents, versions and times to look again that are held.
    fn held(discord: &Discord) -> (usize, usize, usize) {
        let index = &discord.index;
        let documents = index.documents.values().flat_map(BTreeMap::values);
        let versions = documents.clone().map(Document::len).sum();
        (documents.count(), versions, index.expiry.len())
    }

    #[test]
    fn what_nobody_finds_any_more_is_not_kept() {
        let mut discord = Discord::new(Config {
            message_content_intent: true,
            ..Config::default()
        });
        let mut now = 1_700_000_000_000;
        let guild = discord.create_guild(now, GuildSpec::named("Test guild"));
        let general = guild.channel_id;
        let mut last = None;
        for n in 0..2_000 {
            now += 1_000;
            let id = discord.post_by_hand(now, general, "text").unwrap();
            let old = last.replace(id);
            if let Some(old) = old {
                discord.delete_by_hand(now, general, old).unwrap();
            }
            let (documents, versions, times) = held(&discord);
            assert!(
                documents <= 92 && versions <= 92 && times <= 92,
                "after {n}"
            );
        }
        now += 100_000;
        discord.post_by_hand(now, general, "text").unwrap();
        assert_eq!(held(&discord), (2, 2, 0));
        discord.delete_channel_by_hand(now, general).unwrap();
        assert_eq!(held(&discord).0, 0);
    }

    #[test]
    fn without_the_intent_nothing_is_kept() {
        let mut discord = Discord::new(Config::default());
        let now = 1_700_000_000_000;
        let general = discord
            .create_guild(now, GuildSpec::named("Test guild"))
            .channel_id;
        let id = discord.post_by_hand(now, general, "text").unwrap();
        discord.delete_by_hand(now, general, id).unwrap();
        assert_eq!(held(&discord), (0, 0, 0));
    }
}
