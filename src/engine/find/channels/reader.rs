//! Reading rows from messages, with a bounded number of requests: what is left over is read by the next
//! command, from where this one ended.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

use super::gathered::Gathered;
use crate::discord::model::{Message, SearchAnswer, created_ms, first_id_at};
use crate::discord::rate_limit::millis;
use crate::discord::routes::{self, Route};
use crate::discord::search::{Pages, Wanted};
use crate::discord::{CallError, Patience};
use crate::engine::cannot_read;
use crate::engine::database::Database;
use crate::engine::log::CommitId;
use crate::engine::materialize::{index_message, row_message};
use crate::engine::query::plan::Searches;
use crate::host::Host;
use crate::limits::{
    LONGEST_SLEEP_MS, MESSAGE_PAGE, READING_BYTES, READING_REQUESTS, SEARCH_PAUSE_MS, SEARCH_TRIES,
};
use crate::text::escape_markdown;

/// Of all requests, those that are left for what a search leads to: files in the table's channel, and rows
/// from an index's.
const FOR_FILES: u32 = READING_REQUESTS / 4;
const FOR_ROWS: u32 = READING_REQUESTS / 2;
/// How much later than its entry in an index a row's message comes, where the entry does not have a link: both
/// channels are written side by side.
const SOON_MS: u64 = 60_000;

/// Why nothing was read.
#[derive(Debug)]
pub enum Stop {
    /// Discord has no index of the guild's messages yet.
    NotIndexed,
    /// It would take more requests than a command may send.
    TooMany,
    /// The channel of this table or index was deleted.
    Gone(u32),
    Call(CallError),
}

impl From<CallError> for Stop {
    fn from(error: CallError) -> Stop {
        Stop::Call(error)
    }
}

pub struct Reader<'a, H> {
    database: &'a Database<H>,
    /// The bot.
    me: u64,
    head: CommitId,
    /// The table's.
    channel: u64,
    gathered: &'a mut Gathered,
    /// Requests that may still be sent.
    left: u32,
}

impl<'a, H: Host> Reader<'a, H> {
    pub fn new(
        database: &'a Database<H>,
        (me, head): (u64, CommitId),
        channel: u64,
        gathered: &'a mut Gathered,
    ) -> Self {
        Reader {
            database,
            me,
            head,
            channel,
            gathered,
            left: READING_REQUESTS,
        }
    }

    /// Reads the table's channel, oldest messages first.
    pub async fn scan(&mut self) -> Result<(), Stop> {
        let mut after = self.gathered.report.from.unwrap_or_default();
        while self.may_send() {
            let mut page = self
                .page(&routes::messages_after(self.channel, after))
                .await?;
            page.sort_by_key(|message| message.id);
            for message in &page {
                if !self.take(message).await? {
                    self.gathered.report.rest = Some(message.id.saturating_sub(1));
                    return Ok(());
                }
                self.gathered.report.messages += 1;
            }
            match page.last() {
                Some(last) if page.len() >= MESSAGE_PAGE => after = last.id,
                _ => return Ok(()),
            }
        }
        self.gathered.report.rest = Some(after);
        Ok(())
    }

    /// Searches in a channel, newest messages first: the searches side by side, so that all of them have
    /// come equally far when it ends.
    pub async fn search(&mut self, searches: &Searches, channel: u64) -> Result<(), Stop> {
        let from = self.gathered.report.from;
        let left_over = match searches.index {
            Some(_) => FOR_ROWS,
            None => FOR_FILES,
        };
        let guild = self.database.shared.guild;
        let runs = searches.wanted();
        let mut runs: Vec<(Wanted, Pages)> =
            runs.map(|wanted| (wanted, Pages::below_id(from))).collect();
        let mut hits: BTreeMap<u64, Message> = BTreeMap::new();
        let mut rest = loop {
            let going_on = runs.iter_mut().filter(|(_, pages)| !pages.is_over());
            let last = going_on.max_by_key(|(_, pages)| pages.below().unwrap_or(u64::MAX));
            let Some((wanted, pages)) = last else {
                break None;
            };
            if self.left <= left_over {
                break Some(pages.below().unwrap_or(u64::MAX));
            }
            let route = routes::search(guild, (channel, self.me), wanted, pages.below());
            let answer = match self.ask(&route).await {
                Err(Stop::Call(error)) if error.is_unknown_channel() => {
                    return Err(Stop::Gone(searches.index.unwrap_or(self.gathered.table)));
                }
                answer => answer?,
            };
            self.gathered.report.is_deep |= answer.doing_deep_historical_index;
            let found = answer.messages.into_iter().flatten().flatten();
            let found: Vec<Message> = found.collect();
            let ids: Vec<u64> = found.iter().map(|message| message.id).collect();
            pages.took(&ids, answer.total_results);
            hits.extend(found.into_iter().map(|message| (message.id, message)));
        };
        if let Some(end) = rest {
            // Further down, not every search has been.
            hits.retain(|id, _| *id >= end);
            if end >= from.unwrap_or(u64::MAX) {
                return Err(Stop::TooMany);
            }
        }
        let rows = match searches.index {
            None => FetchedRows::default(),
            Some(_) => self.rows_of(&hits, channel).await?,
        };
        for (id, message) in hits.iter().rev() {
            let is_taken = match searches.index {
                None => self.take(message).await?,
                Some(_) => self.take_entry(message, channel, &rows).await?,
            };
            if !is_taken {
                rest = Some(id.saturating_add(1));
                break;
            }
            self.gathered.report.messages += 1;
        }
        self.gathered.report.rest = rest;
        Ok(())
    }

    /// Asks until there is an index.
    async fn ask(&mut self, route: &Route) -> Result<SearchAnswer, Stop> {
        while self.may_send() {
            let client = &self.database.shared.client;
            let answer: SearchAnswer = client.get(route, Patience::COMMAND).await?;
            if answer.messages.is_some() {
                return Ok(answer);
            }
            self.gathered.report.waits += 1;
            if self.gathered.report.waits >= SEARCH_TRIES {
                break;
            }
            let pause = millis(answer.retry_after).clamp(SEARCH_PAUSE_MS, LONGEST_SLEEP_MS);
            let pause = Duration::from_millis(pause);
            self.database.shared.host.sleep(pause).await;
        }
        Err(Stop::NotIndexed)
    }

    /// Takes in a message of the table's channel; not if that takes more requests or memory than there may be.
    async fn take(&mut self, message: &Message) -> Result<bool, Stop> {
        let Some(seen) = self.own(message, self.channel) else {
            return Ok(true);
        };
        if self.gathered.bytes > READING_BYTES {
            return Ok(false);
        }
        let mut doc = None;
        if seen.doc.is_some() || !self.is_in_memory(&seen.key) {
            if seen.doc.is_none() && seen.file.is_some() && !self.may_send() {
                return Ok(false);
            }
            doc = match self.database.document(&seen).await {
                Err(error) if error.is_passing() => return Err(error.into()),
                // A file that cannot be had, one way or another.
                doc => doc.unwrap_or_default(),
            };
        }
        self.gathered.take(self.head, seen, doc);
        Ok(true)
    }

    /// Fetches the rows that entries of an index lead to, those with the highest ids first, each with the 99
    /// messages before it; and whatever else, that of the newest entry, so that it goes on at all.
    async fn rows_of(
        &mut self,
        entries: &BTreeMap<u64, Message>,
        channel: u64,
    ) -> Result<FetchedRows, Stop> {
        let place = |entry| {
            let seen = self.own(entry, channel)?;
            (!self.is_in_memory(&seen.key)).then(|| self.place(entry))
        };
        let mut wanted: Vec<Place> = entries.values().rev().filter_map(place).collect();
        let newest = wanted.first().copied();
        wanted.sort_unstable_by_key(|place| Reverse(place.to));
        let mut rows = FetchedRows::default();
        for place in wanted.into_iter().chain(newest) {
            let left_over = match Some(place) == newest {
                true => FOR_FILES / 2,
                false => FOR_FILES / 2 + 1,
            };
            if !rows.has(place) && self.left > left_over && self.may_send() {
                let route = routes::messages(self.channel, place.to.checked_add(1));
                rows.add(place, self.page(&route).await?);
            }
        }
        // As a list of messages is where the bot may not read. Or the first ones were deleted.
        let is_empty = rows.messages.is_empty() && !rows.spans.is_empty();
        let is_to_check = is_empty && self.database.must_show_rows(self.gathered.table) == Ok(true);
        if is_to_check && self.may_send() {
            let newest = self.page(&routes::messages(self.channel, None)).await?;
            if newest.is_empty() {
                return Err(cannot_read(self.channel).into());
            }
        }
        Ok(rows)
    }

    /// Takes in the row that an index's entry leads to; not if that was not fetched.
    async fn take_entry(
        &mut self,
        entry: &Message,
        channel: u64,
        rows: &FetchedRows,
    ) -> Result<bool, Stop> {
        let Some(seen) = self.own(entry, channel) else {
            return Ok(true);
        };
        if !self.is_in_memory(&seen.key) {
            let place = self.place(entry);
            if !rows.has(place) {
                return Ok(false);
            }
            let head = format!("**{}** ", escape_markdown(&seen.key));
            let tombstone = format!("~~{}~~ ", head.trim_end());
            let begins = |text: &str| text.starts_with(&head) || text.starts_with(&tombstone);
            let messages = rows.messages.range(..=place.to).rev();
            let mut messages = messages.map(|(_, message)| message);
            let row = messages.find(|message| {
                begins(&message.content) && self.own(message, self.channel).is_some()
            });
            if let Some(row) = row {
                return self.take(row).await;
            }
        }
        self.gathered.keys.push(seen.key);
        Ok(true)
    }

    /// Where the row's message is that an entry is about. One that was posted when that was not known yet does
    /// not say so; then it followed soon.
    fn place(&self, entry: &Message) -> Place {
        match index_message::row(entry) {
            Some((channel, row)) if channel == self.channel => Place { from: row, to: row },
            _ => Place {
                from: entry.id,
                to: first_id_at(created_ms(entry.id).saturating_add(SOON_MS)),
            },
        }
    }

    /// What a message of ours says, and only of ours.
    fn own(&self, message: &Message, channel: u64) -> Option<row_message::Seen> {
        let is_own = message.author.id == self.me && message.channel_id == channel;
        is_own.then(|| row_message::parse(message)).flatten()
    }

    /// Whether memory knows better than any message.
    fn is_in_memory(&self, key: &str) -> bool {
        let Ok(opened) = self.database.claimed() else {
            return false;
        };
        let table = opened.state.table_by_id(self.gathered.table);
        table.is_some_and(|(_, table)| table.is_loaded || table.rows.contains_key(key))
    }

    /// Messages of the table's channel.
    async fn page(&self, route: &Route) -> Result<Vec<Message>, Stop> {
        let client = &self.database.shared.client;
        match client.get(route, Patience::COMMAND).await {
            Err(error) if error.is_unknown_channel() => Err(Stop::Gone(self.gathered.table)),
            page => page.map_err(Stop::Call),
        }
    }

    fn may_send(&mut self) -> bool {
        let left = self.left.checked_sub(1);
        self.left = left.unwrap_or_default();
        left.is_some()
    }
}

/// Between which ids a row's message is.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    from: u64,
    to: u64,
}

/// Messages of a table's channel around those that were asked for.
#[derive(Default)]
struct FetchedRows {
    messages: BTreeMap<u64, Message>,
    /// Between these ids, nothing else is there.
    spans: Vec<(u64, u64)>,
}

impl FetchedRows {
    fn has(&self, place: Place) -> bool {
        let mut spans = self.spans.iter();
        spans.any(|(from, to)| *from <= place.from && place.from <= *to)
    }

    fn add(&mut self, place: Place, page: Vec<Message>) {
        let lowest = page.iter().map(|message| message.id).min();
        let lowest = lowest
            .filter(|_| page.len() >= MESSAGE_PAGE)
            .unwrap_or_default();
        // What was asked for counts as fetched, whether it is there or not.
        self.spans.push((lowest.min(place.from), place.to));
        let page = page.into_iter();
        self.messages
            .extend(page.map(|message| (message.id, message)));
    }
}
