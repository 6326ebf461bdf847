//! A table in memory.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use super::{Stored, TableSchema, covered_by};
use crate::engine::digest::{RowSum, TableSum};
use crate::engine::log::{CommitId, Op};

/// A row, or the tombstone of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Counts on over deletions.
    pub rev: u64,
    /// The document as compact JSON; none in a tombstone.
    pub doc: Option<Box<str>>,
    /// The commit that wrote or deleted it.
    pub at: CommitId,
    /// Deleted, and no copy of it is to remain anywhere.
    pub hard: bool,
    pub shown: Shown,
    /// The checkpoint that will contain the last change of the row, or of its message.
    pub generation: u32,
}

/// What a row's message is known to show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shown {
    pub message: Option<NonZeroU64>,
    /// The commit that it shows.
    pub at: CommitId,
    /// Whether it has a thread with earlier revisions.
    pub thread: bool,
}

impl Shown {
    /// The message's id, where there is one.
    pub fn message_id(self) -> Option<u64> {
        self.message.map(NonZeroU64::get)
    }
}

impl Row {
    /// A row that no message shows yet.
    pub fn new(rev: u64, doc: Option<Box<str>>, at: CommitId) -> Self {
        Row {
            rev,
            doc,
            at,
            hard: false,
            shown: Shown::default(),
            generation: 0,
        }
    }

    /// The row that an op leaves, if it is of a row.
    pub fn after(op: &Op, at: CommitId) -> Option<Self> {
        match op {
            Op::Put { rev, doc, .. } => Some(Row::new(*rev, Some(doc.text().into()), at)),
            Op::Delete { rev, hard, .. } => Some(Row {
                hard: *hard,
                ..Row::new(*rev, None, at)
            }),
            _ => None,
        }
    }

    /// Its checksum in a table's digest; a tombstone has none.
    pub fn sum(&self, table: u32, key: &str) -> Option<RowSum> {
        let doc = self.doc.as_deref()?;
        Some(RowSum::of(table, key, self.rev, doc))
    }

    /// Whether its message says what the row says. A row that is to leave no copy has none.
    pub fn is_shown(&self) -> bool {
        self.shown.at == self.at && self.shown.message.is_some() != self.hard
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub id: u32,
    pub pk: String,
    pub created: CommitId,
    /// Whether its rows are shown as messages.
    pub mirror: bool,
    pub schema: TableSchema,
    /// Over the rows that are not deleted.
    pub sum: TableSum,
    /// With tombstones. Until the table is loaded, only what commits after the checkpoint wrote.
    pub rows: BTreeMap<String, Row>,
    pub is_loaded: bool,
    /// Why its rows could not be had when that was last tried.
    pub damage: Option<Box<str>>,
    /// What the newest checkpoint keeps of it.
    pub stored: Stored,
}

impl Table {
    /// A table without rows.
    pub fn new(id: u32, pk: &str, mirror: bool, created: CommitId) -> Self {
        Table {
            id,
            pk: pk.to_owned(),
            created,
            mirror,
            schema: TableSchema::default(),
            sum: TableSum::default(),
            rows: BTreeMap::new(),
            is_loaded: true,
            damage: None,
            stored: Stored::default(),
        }
    }

    /// The rows that changed after everything that its segments have. Of a table that is not loaded
    /// they are in memory all the same.
    pub fn changed(&self) -> impl Iterator<Item = (&str, &Row)> {
        self.changed_after(covered_by(&self.stored.segments))
    }

    /// The rows that changed after this generation.
    pub fn changed_after(&self, generation: u32) -> impl Iterator<Item = (&str, &Row)> {
        let rows = self.rows.iter().map(|(key, row)| (key.as_str(), row));
        rows.filter(move |(_, row)| row.generation > generation)
    }

    /// The rows that are not deleted, in key order, with their documents.
    pub fn live(&self) -> impl Iterator<Item = (&str, &Row, &str)> {
        self.rows
            .iter()
            .filter_map(|(key, row)| Some((key.as_str(), row, row.doc.as_deref()?)))
    }

    /// How many of the table's `rows` a channel does not show, at most, but for those in memory: all of them,
    /// unless it is the one that the checkpoint knows.
    pub fn behind(&self, channel: Option<u64>, rows: u64) -> u64 {
        match self.stored.channel {
            _ if self.is_loaded => 0,
            Some(known) if Some(known) == channel => self.stored.behind,
            _ => rows,
        }
    }

    /// Takes in the rows that the checkpoint keeps, below those that were written since.
    ///
    /// # Errors
    /// When the rows are not those that the table's sum stands for; nothing has changed then.
    pub(in crate::engine) fn load(&mut self, stored: BTreeMap<String, Row>) -> Result<(), ()> {
        let mut rows = stored;
        for (key, row) in &self.rows {
            let mut row = row.clone();
            if let Some(before) = rows.get(key)
                && row.shown == Shown::default()
            {
                row.shown = before.shown;
            }
            rows.insert(key.clone(), row);
        }
        if sum_of(self.id, &rows) != self.sum {
            return Err(());
        }
        self.rows = rows;
        self.is_loaded = true;
        Ok(())
    }

    /// Puts a row in the place of the one that is there, which comes back. What its message shows
    /// stays known.
    pub(super) fn set(&mut self, key: &str, mut row: Row) -> Option<Row> {
        let after = row.sum(self.id, key);
        let before = self.rows.get(key).map(|before| {
            row.shown = before.shown;
            before.sum(self.id, key)
        });
        if self.is_loaded {
            if let Some(before) = before.flatten() {
                self.sum.remove(before);
            }
            if let Some(after) = after {
                self.sum.add(after);
            }
        }
        match self.rows.get_mut(key) {
            Some(place) => Some(std::mem::replace(place, row)),
            None => self.rows.insert(key.to_owned(), row),
        }
    }
}

/// The sum of a table's rows.
pub fn sum_of(table: u32, rows: &BTreeMap<String, Row>) -> TableSum {
    let mut sum = TableSum::default();
    for row in rows.iter().filter_map(|(key, row)| row.sum(table, key)) {
        sum.add(row);
    }
    sum
}
