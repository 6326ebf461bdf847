//! What the channels are known to show, and what is still to be done.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::log::{CommitId, Op, Record};
use crate::engine::object_storage::Hints;
use crate::engine::state::{State, Superseded};
use crate::host::UnixMillis;

/// One thing that a channel should show and may not show yet, ordered by age.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Work {
    /// The commit that asks for it.
    pub at: CommitId,
    pub item: Item,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Item {
    Card { table: u32 },
    Row { table: u32, key: String },
}

#[derive(Debug, Default)]
pub struct Mirror {
    /// Table channels by table id.
    channels: BTreeMap<u32, u64>,
    /// The message and the commit that it shows, for rows whose message this object has seen.
    rows: BTreeMap<u32, BTreeMap<String, (u64, CommitId)>>,
    pending: BTreeSet<Work>,
    /// Tables whose channel may hold rows that this object has not seen.
    unread: BTreeSet<u32>,
    /// The same of cards.
    catalog_unread: bool,
    /// As stored: everything up to here is shown.
    mirrored: Option<CommitId>,
    /// Until when to leave a channel alone: a table's, or the catalog's for none.
    resting: BTreeMap<Option<u32>, UnixMillis>,
    /// Whether the channels were looked at since the database was opened.
    is_verified: bool,
    /// Why the last piece of work was not done.
    pub stalled: Option<String>,
}

impl Mirror {
    /// After a cold open: whatever is newer than the stored mark may be shown or not.
    pub(crate) fn after_open(state: &State, hints: &Hints) -> Mirror {
        let mut mirror = Mirror {
            channels: hints.tables.clone(),
            mirrored: hints.mirrored,
            ..Mirror::default()
        };
        let newer = |at: CommitId| hints.mirrored.is_none_or(|mirrored| at > mirrored);
        for table in state.tables.values() {
            if newer(table.created) {
                mirror.catalog_unread = true;
                mirror.want(table.created, Item::Card { table: table.id });
            }
            for (key, row) in table.rows.iter().filter(|(_, row)| newer(row.at)) {
                mirror.unread.insert(table.id);
                mirror.want_row(row.at, table.id, key);
            }
        }
        mirror
    }

    /// A commit of this object's own.
    pub(crate) fn committed(
        &mut self,
        record: &Record,
        state: &State,
        _superseded: Vec<Superseded>,
    ) {
        let at = record.id();
        for op in &record.ops {
            match op {
                Op::Init { .. }
                | Op::Takeover { .. }
                | Op::Checkpoint { .. }
                | Op::DropDatabase { .. }
                | Op::RenameTable { .. }
                | Op::DropTable { .. } => {}
                Op::CreateTable { id, .. } => self.want(at, Item::Card { table: *id }),
                Op::Put { table, key, .. } | Op::Delete { table, key, .. } => {
                    if let Some(table) = state.tables.get(table) {
                        self.want_row(at, table.id, key);
                    }
                }
            }
        }
    }

    pub(crate) fn unrecorded(&self) -> usize {
        0
    }

    pub(crate) fn checkpoint_taken(&mut self) {}

    pub(crate) fn scan_from(&self, _table: u32) -> Option<u64> {
        None
    }

    pub fn backlog(&self) -> usize {
        self.pending.len()
    }

    /// The oldest piece of work whose channel is not to be left alone.
    pub(crate) fn next(&self, now: UnixMillis) -> Option<Work> {
        let rests = |work: &&Work| {
            let until = self.resting.get(&work.item.channel());
            until.is_some_and(|&until| now < until)
        };
        self.pending.iter().find(|work| !rests(work)).cloned()
    }

    /// When work that has to wait can go on.
    pub(super) fn rested_at(&self) -> Option<UnixMillis> {
        let waiting = |work: &Work| self.resting.get(&work.item.channel()).copied();
        self.pending.iter().filter_map(waiting).min()
    }

    pub(super) fn rest(&mut self, item: &Item, until: UnixMillis) {
        self.resting.insert(item.channel(), until);
    }

    pub(super) fn is_verified(&self) -> bool {
        self.is_verified
    }

    /// Compares what is remembered with the channels that carry our marks. Those that do not are
    /// lost: deleted, or no longer ours.
    pub(super) fn verify(&mut self, found: &BTreeMap<u32, u64>, state: &State) {
        self.is_verified = true;
        let lost = |(table, channel): (&u32, &u64)| {
            let ours = found.get(table) == Some(channel);
            (!ours).then_some(*table)
        };
        let lost: Vec<u32> = self.channels.iter().filter_map(lost).collect();
        for table in lost {
            self.channel_lost(table, state);
        }
    }

    pub fn channel(&self, table: u32) -> Option<u64> {
        self.channels.get(&table).copied()
    }

    pub(super) fn channels(&self) -> &BTreeMap<u32, u64> {
        &self.channels
    }

    /// Channel and message that show the row as of `at`.
    pub fn row_message(&self, table: u32, key: &str, at: CommitId) -> Option<(u64, u64)> {
        let (message, shown) = self.rows.get(&table)?.get(key)?;
        (*shown == at).then_some((self.channel(table)?, *message))
    }

    pub(super) fn is_unread(&self, table: u32) -> bool {
        self.unread.contains(&table)
    }

    pub(super) fn is_catalog_unread(&self) -> bool {
        self.catalog_unread
    }

    pub(super) fn mark_catalog_read(&mut self) {
        self.catalog_unread = false;
    }

    pub(super) fn mark_read(&mut self, table: u32) {
        self.unread.remove(&table);
    }

    /// The table has this channel; one that was just made shows nothing yet.
    pub(super) fn channel_found(&mut self, table: u32, channel: u64, is_new: bool, state: &State) {
        if is_new {
            self.channel_lost(table, state);
        }
        self.channels.insert(table, channel);
    }

    pub(super) fn mark_unread(&mut self, item: &Item) {
        match item {
            Item::Card { .. } => self.catalog_unread = true,
            Item::Row { table, .. } => {
                self.unread.insert(*table);
            }
        }
    }

    /// The channel is gone and everything in it with it.
    pub(super) fn channel_lost(&mut self, table: u32, state: &State) {
        self.channels.remove(&table);
        self.rows.remove(&table);
        if let Some((_, found)) = state.table_by_id(table) {
            for (key, row) in &found.rows {
                self.want_row(row.at, table, key);
            }
        }
        self.unread.remove(&table);
        self.rewind();
    }

    /// The catalog is gone and every card with it.
    pub(crate) fn catalog_lost(&mut self, state: &State) {
        for table in state.tables.values() {
            self.want(table.created, Item::Card { table: table.id });
        }
        self.catalog_unread = false;
        self.rewind();
    }

    pub(super) fn card_done(&mut self, table: u32) {
        self.pending
            .retain(|work| work.item != Item::Card { table });
    }

    pub(super) fn row_done(&mut self, work: &Work, message: u64) {
        if let Item::Row { table, key } = &work.item {
            let rows = self.rows.entry(*table).or_default();
            rows.insert(key.clone(), (message, work.at));
        }
        self.pending.remove(work);
    }

    pub(super) fn row_gone(&mut self, work: &Work) {
        self.pending.remove(work);
    }

    pub(super) fn row_adopted(&mut self, table: u32, key: &str, at: CommitId, message: u64) {
        let key = key.to_owned();
        let item = Item::Row { table, key };
        self.row_done(&Work { at, item }, message);
    }

    pub(super) fn mirrored(&self) -> Option<CommitId> {
        self.mirrored
    }

    /// Moves the mark up to just below the oldest work; whether it moved.
    pub(super) fn advance(&mut self, state: &State) -> bool {
        let reached = match self.pending.first() {
            Some(work) => Some(just_below(work.at)),
            None => state.head.map(|head| head.id),
        };
        let moved = reached > self.mirrored;
        if moved {
            self.mirrored = reached;
        }
        moved
    }

    /// Lowers the mark below the oldest work, so that whoever opens the database next knows.
    fn rewind(&mut self) {
        let below = self.pending.first().map(|work| just_below(work.at));
        if let Some(below) = below {
            self.mirrored = self.mirrored.min(Some(below));
        }
    }

    fn want(&mut self, at: CommitId, item: Item) {
        self.pending.insert(Work { at, item });
    }

    fn want_row(&mut self, at: CommitId, table: u32, key: &str) {
        let key = key.to_owned();
        self.want(at, Item::Row { table, key });
    }
}

impl Item {
    /// Whose channel it belongs into: a table's, or the catalog for none.
    fn channel(&self) -> Option<u32> {
        match self {
            Item::Card { .. } => None,
            Item::Row { table, .. } => Some(*table),
        }
    }
}

fn just_below(at: CommitId) -> CommitId {
    CommitId(at.epoch(), at.seq().saturating_sub(1))
}
