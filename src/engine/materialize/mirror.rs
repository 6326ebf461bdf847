//! What the channels are known to show, and what is still to be done.
//!
//! What a row's message shows stands in the state, beside the row. The rest is here.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;

use super::cards::Cards;
use super::history::History;
use super::late::Late;
use super::marks::ChannelDrop;
use super::table_work::{Audit, TableWork};
use super::work::{Item, Lane, Next, Rank};
use super::{FENCE_MS, LATE_MS};
use crate::engine::log::{CommitId, Record};
use crate::engine::object_storage::Hints;
use crate::engine::state::{Row, Shown, State, Superseded};
use crate::host::UnixMillis;

/// When the last request that was sent under a mark of [`Hints::worked_at`] can no longer arrive:
/// the mark is renewed every 5 s, a piece of work may take 25 s to send its last request.
const LATE_WORK_MS: u64 = FENCE_MS + 25_000 + LATE_MS;

#[derive(Debug, Default)]
pub struct Mirror {
    /// Table channels by table id.
    pub(super) channels: BTreeMap<u32, u64>,
    pub(super) tables: BTreeMap<u32, TableWork>,
    pub(super) cards: Cards,
    /// Tables whose channel does not have its name yet, with the commit that renamed it.
    pub(super) renames: BTreeMap<u32, CommitId>,
    /// Channels to be deleted, by channel.
    pub(super) drops: BTreeMap<u64, ChannelDrop>,
    /// Channels that may show rows and are left alone, with the table whose they were.
    pub(super) left: BTreeMap<u64, u32>,
    /// Whether channels of tables may appear of which this object does not know.
    pub(super) late_channels: Late,
    pub(super) history: History,
    /// As stored: everything up to here is shown.
    pub(super) mirrored: Option<CommitId>,
    /// As stored: when the channels were last about to be changed.
    worked_at: Option<UnixMillis>,
    /// The head when the database was opened.
    opened_at: Option<CommitId>,
    /// When the commits were made that work waits for, as far as this object made them.
    times: BTreeMap<CommitId, UnixMillis>,
    /// Until when to leave a lane alone, and why.
    resting: BTreeMap<Lane, (UnixMillis, String)>,
    /// Whether the channels were looked at since the database was opened.
    pub(super) is_verified: bool,
    /// Whether something was not shown yet when the database was opened.
    pub(super) was_behind: bool,
    /// Changes of what rows show since the last checkpoint.
    unrecorded: usize,
    /// Why everything waits, if it does.
    stalled: Option<String>,
}

/// How much is still to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backlog {
    pub rows: usize,
    pub cards: usize,
    /// Channels to be renamed or deleted.
    pub channels: usize,
    pub history: usize,
    /// Since when the oldest of it waits, or earlier than that.
    pub since: Option<UnixMillis>,
}

impl Mirror {
    /// After an opening. Tables that are `behind` may have rows that are not shown; up to the
    /// messages in `scan_from`, what their channels hold is known.
    pub(crate) fn after_open(
        state: &State,
        hints: &Hints,
        behind: &BTreeSet<u32>,
        scan_from: &BTreeMap<u32, u64>,
        now: UnixMillis,
    ) -> Mirror {
        let head = state.head_id();
        let is_behind = hints.mirrored < head;
        let mut mirror = Mirror {
            channels: hints.tables.clone(),
            left: hints.left.clone(),
            mirrored: hints.mirrored,
            worked_at: hints.worked_at,
            opened_at: head,
            was_behind: is_behind,
            ..Mirror::default()
        };
        mirror.take_in_dropped(state);
        mirror.cards = Cards::unread(is_behind);
        for table in state.views() {
            if hints.mirrored.is_none_or(|at| table.created > at) {
                mirror.cards.want(table.id, table.created);
            }
        }
        for (&table, &message) in scan_from {
            mirror.work(table).scan_from(message);
        }
        for &table in behind {
            mirror.table_behind(state, table);
        }
        // What whoever had the database before sent last may not have arrived yet.
        let late_until = hints.worked_at.map(|at| at.saturating_add(LATE_WORK_MS));
        if let Some(until) = late_until.filter(|&until| is_behind && now < until) {
            mirror.cards.late(until);
            mirror.late_channels.extend(until);
            for &table in behind {
                mirror.work(table).late(until);
            }
        }
        // Storage is new, and what was done since the last checkpoint is unknown.
        if hints.mirrored.is_none() {
            for table in state.views().filter(|view| view.mirror) {
                mirror.work(table.id).audit = Audit::Due;
            }
        }
        mirror
    }

    /// The rows of the table are in memory now.
    pub fn table_loaded(&mut self, state: &mut State, table: u32) {
        let work = self.tables.entry(table).or_default();
        work.to_load = false;
        if std::mem::take(&mut work.is_lost) {
            self.forget_messages(state, table);
        }
        self.want_rows(state, table);
    }

    /// The table has another channel than the one that the newest checkpoint's messages are in, or what that
    /// has of its messages cannot be read.
    pub(crate) fn channel_replaced(&mut self, table: u32) {
        let work = self.work(table);
        work.scan_anew();
        work.is_lost = true;
        work.to_load = true;
        self.mirrored = None;
    }

    /// Rows that are newer than what is known to be shown.
    fn want_rows(&mut self, state: &State, table: u32) {
        let Some(found) = state.view(table).filter(|view| view.mirror) else {
            self.tables.remove(&table);
            return;
        };
        let mirrored = self.mirrored;
        let is_wanted = |row: &Row| !row.is_shown() && Some(row.at) > mirrored;
        let work = self.tables.entry(table).or_default();
        for (key, row) in found.rows.iter().filter(|(_, row)| is_wanted(row)) {
            work.want(row.at, key);
        }
    }

    pub(super) fn table_behind(&mut self, state: &State, table: u32) {
        match state.view(table) {
            Some(found) if found.is_loaded => self.want_rows(state, table),
            Some(found) if found.mirror => self.work(table).to_load = true,
            _ => {}
        }
    }

    /// The messages of the table's rows are gone.
    pub(super) fn forget_messages(&mut self, state: &mut State, table: u32) {
        let Some(found) = state.view(table) else {
            return;
        };
        let shown = found.rows.iter();
        let shown = shown.filter(|(_, row)| row.shown != Shown::default());
        let shown: Vec<String> = shown.map(|(key, _)| key.clone()).collect();
        for key in shown {
            self.show(state, table, &key, Shown::default());
        }
    }

    /// A commit of this object's own.
    pub(crate) fn committed(
        &mut self,
        record: &Record,
        state: &State,
        superseded: Vec<Superseded>,
    ) {
        self.times.insert(record.id(), record.at);
        super::commits::take_in(self, record, state, superseded);
    }

    /// How many rows, cards and channels do not show what the state says.
    pub fn backlog(&self) -> usize {
        let rows: usize = self.tables.values().map(TableWork::len).sum();
        rows + self.cards.len() + self.renames.len() + self.drops.len()
    }

    /// Earlier revisions of a row that are to be posted into its thread.
    pub fn waiting_revisions(&self, table: u32, key: &str) -> Vec<Row> {
        self.history.of_row(table, key).cloned().collect()
    }

    /// The backlog by kind, with what is best effort.
    pub fn backlog_by_kind(&self) -> Backlog {
        let since = self.oldest().map(|at| {
            let known = self.times.get(&at).copied();
            // An epoch is not later than what is committed in it.
            known.unwrap_or(at.epoch())
        });
        Backlog {
            rows: self.tables.values().map(TableWork::len).sum(),
            cards: self.cards.len(),
            channels: self.renames.len() + self.drops.len(),
            history: self.history.len(),
            since,
        }
    }

    /// How many rows of a table are not shown, as far as they are in memory.
    pub fn behind(&self, table: u32) -> u64 {
        self.tables.get(&table).map_or(0, |work| work.len() as u64)
    }

    /// The highest message id up to which every message of ours in the table's channel is
    /// accounted for in what the rows are known to show.
    pub fn scan_from(&self, table: u32) -> Option<u64> {
        self.tables.get(&table)?.accounted_for()
    }

    /// How often what a row shows has changed since the last checkpoint.
    pub fn unrecorded(&self) -> usize {
        self.unrecorded
    }

    /// A checkpoint has what all rows show.
    pub fn checkpoint_taken(&mut self) {
        self.unrecorded = 0;
    }

    /// What to do next outside of the lanes that are `busy`.
    pub(super) fn next(&mut self, state: &State, now: UnixMillis, busy: &BTreeSet<Lane>) -> Next {
        let mut next = Next::Nothing;
        let resting = &self.resting;
        let mut offer = |lane: Lane, offered: Next| {
            if busy.contains(&lane) || offered == Next::Nothing {
                return;
            }
            let rests = resting.get(&lane).map(|(until, _)| *until);
            let offered = match rests.filter(|&until| now < until) {
                Some(until) => Next::At(until),
                None => offered,
            };
            next = std::mem::replace(&mut next, Next::Nothing).or(offered);
        };
        let channels = &self.channels;
        let waits = self.cards.waits_for_channel(state, channels);
        for table in state.views() {
            let id = table.id;
            let has_channel = channels.contains_key(&id);
            let lane = Lane::Table(id);
            if let Some(at) = waits.get(&id) {
                offer(
                    lane,
                    Next::Work(Rank::Due(*at), Item::Channel { table: id }),
                );
            }
            let Some(work) = self.tables.get_mut(&id) else {
                continue;
            };
            let due = work.next(id, table, has_channel, now, self.opened_at);
            let due = if state.indexes.contains_key(&id) {
                after_rows(due, table.created)
            } else {
                due
            };
            let is_due = matches!(due, Next::Work(..));
            offer(lane, due);
            if is_due || !has_channel {
                continue;
            }
            let past = self.history.next(id, table, work.scan.is_done);
            if let Some((at, item)) = past {
                let work = Next::Work(Rank::BestEffort(at), item);
                let rests = self.history.rests_until;
                offer(lane, if now < rests { Next::At(rests) } else { work });
            } else if let Some(at) = work.audit_at() {
                let item = if table.is_loaded {
                    Item::Audit { table: id }
                } else {
                    Item::Load { table: id }
                };
                let work = Next::Work(Rank::BestEffort(table.created), item);
                offer(lane, if now < at { Next::At(at) } else { work });
            }
        }
        offer(
            Lane::Catalog,
            self.cards.next(state, channels, self.opened_at, now),
        );
        for (&table, &at) in &self.renames {
            let item = Item::Rename { table };
            offer(item.lane(), Next::Work(Rank::Due(at), item));
        }
        for (&channel, drop) in &self.drops {
            let item = Item::Drop { channel };
            offer(item.lane(), Next::Work(Rank::Due(drop.at), item));
        }
        if let Some(until) = self.late_channels.until() {
            let work = Next::Work(Rank::BestEffort(CommitId::default()), Item::Look);
            let next = if now < until { Next::At(until) } else { work };
            offer(Lane::Guild, next);
        }
        next
    }

    pub(super) fn rest(&mut self, lane: Lane, until: UnixMillis, why: &str) {
        self.resting.insert(lane, (until, why.to_owned()));
    }

    pub(super) fn went_well(&mut self, lane: Lane) {
        self.resting.remove(&lane);
        self.stalled = None;
    }

    pub(super) fn stall(&mut self, why: &str) {
        self.stalled = Some(why.to_owned());
    }

    /// Whether something is to be shown that can be shown now.
    pub(super) fn has_work(&mut self, state: &State, now: UnixMillis) -> bool {
        let next = self.next(state, now, &BTreeSet::new());
        self.is_unverified_behind() || matches!(next, Next::Work(..))
    }

    /// Why something waits, if anything does.
    pub fn stalled(&self) -> Option<&str> {
        let resting = self.resting.values().next();
        let resting = resting.map(|(_, why)| why.as_str());
        self.stalled.as_deref().or(resting)
    }

    pub fn channel(&self, table: u32) -> Option<u64> {
        self.channels.get(&table).copied()
    }

    pub(super) fn channels(&self) -> &BTreeMap<u32, u64> {
        &self.channels
    }

    /// Channel and message that show the row as it is.
    pub fn row_message(&self, table: u32, row: &Row) -> Option<(u64, u64)> {
        let message = row.shown.message_id().filter(|_| row.is_shown())?;
        Some((self.channel(table)?, message))
    }

    /// Notes what a row's message shows now.
    pub(super) fn show(&mut self, state: &mut State, table: u32, key: &str, shown: Shown) {
        state.set_shown(table, key, shown);
        self.unrecorded += 1;
        if let Some(message) = shown.message_id() {
            self.work(table).posted(message);
        }
        let row = state.view(table).and_then(|view| view.rows.get(key));
        if let Some(row) = row.filter(|row| !row.is_shown()) {
            self.work(table).want(row.at, key);
            // Whoever opens the database next has to know.
            self.mirrored = self.mirrored.min(Some(just_below(row.at)));
        }
    }

    pub(super) fn work(&mut self, table: u32) -> &mut TableWork {
        self.tables.entry(table).or_default()
    }

    /// Tables that are known of here.
    pub(super) fn known_tables(&self) -> BTreeSet<u32> {
        let channels = self.channels.keys();
        channels.chain(self.tables.keys()).copied().collect()
    }

    /// Up to here everything is shown, whatever is remembered of single rows.
    pub fn mirrored(&self) -> Option<CommitId> {
        self.mirrored
    }

    pub(super) fn worked_at(&self) -> Option<UnixMillis> {
        self.worked_at
    }

    /// The channels are about to be changed.
    pub(super) fn work_begins(&mut self, now: UnixMillis) {
        self.worked_at = Some(now);
    }

    /// Whether requests may still arrive that change a table's channel unbidden, or that make
    /// another one, or one is there whose messages nobody keeps track of.
    pub fn is_late(&self) -> bool {
        let has_spare = self.drops.values().any(|drop| drop.is_spare);
        let is_late = self.late_channels.is_open() || has_spare;
        is_late || self.tables.values().any(TableWork::is_late)
    }

    /// Moves the mark up to just below the oldest work; whether it moved.
    pub(super) fn advance(&mut self, state: &State) -> bool {
        let unfinished = self.tables.values().any(TableWork::is_unfinished);
        let is_late = self.late_channels.is_open();
        if unfinished || is_late || self.is_unverified_behind() || self.cards.is_unfinished() {
            return false;
        }
        let reached = match self.oldest() {
            Some(oldest) => Some(just_below(oldest)),
            None => state.head_id(),
        };
        let moved = reached > self.mirrored;
        if moved {
            self.mirrored = reached;
            self.times = self.times.split_off(&reached.unwrap_or_default());
        }
        moved
    }

    /// The commit of the oldest work, history apart.
    fn oldest(&self) -> Option<CommitId> {
        let rows = self.tables.values().filter_map(TableWork::oldest);
        let renames = self.renames.values().copied();
        let drops = self.drops.values().map(|drop| drop.at);
        rows.chain(renames)
            .chain(drops)
            .chain(self.cards.oldest())
            .min()
    }

    /// Lowers the mark below the oldest work, so that whoever opens the database next knows.
    pub(super) fn rewind(&mut self, also: Option<CommitId>) {
        let oldest = self.oldest().into_iter().chain(also).min();
        if let Some(oldest) = oldest {
            self.mirrored = self.mirrored.min(Some(just_below(oldest)));
        }
    }
}

/// What a message shows that was posted or edited.
pub(super) fn shown(message: u64, at: CommitId, thread: bool) -> Shown {
    Shown {
        message: NonZeroU64::new(message),
        at,
        thread,
    }
}

/// What is due for an index that was made at this commit: the rows that were there then wait for all
/// others, which would wait for hours otherwise.
fn after_rows(next: Next, created: CommitId) -> Next {
    match next {
        Next::Work(Rank::Due(at), item) if at == created => Next::Work(Rank::BestEffort(at), item),
        next => next,
    }
}

fn just_below(at: CommitId) -> CommitId {
    CommitId(at.epoch(), at.seq().saturating_sub(1))
}
