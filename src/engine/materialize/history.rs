//! Earlier revisions that wait to be posted into their row's thread. Best effort: the log has them
//! all, so what would take too much memory is left out.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::history_message::Ending;
use super::mirror::Mirror;
use super::work::Item;
use crate::engine::log::CommitId;
use crate::engine::state::{Row, Table};
use crate::host::UnixMillis;

/// How many revisions wait at most, and how long their documents are together.
const WAITING: usize = 1_000;
const WAITING_BYTES: usize = 1 << 20;
/// Whose threads are, as many are remembered: of others Discord is asked again.
const KNOWN_THREADS: usize = 4_096;

/// A revision that is no longer the row's.
#[derive(Debug, Clone)]
pub(super) struct Past {
    pub table: u32,
    pub key: Box<str>,
    pub row: Row,
    pub ending: Ending,
    /// The commit that replaced it.
    pub by: CommitId,
    /// An object before this one may have posted it.
    pub is_recalled: bool,
}

/// A revision that was replaced before the opening, and that its table's segments have.
#[derive(Debug)]
struct Awaited {
    /// The revision that replaced it.
    rev: u64,
    ending: Ending,
    by: CommitId,
}

#[derive(Debug, Default)]
pub(super) struct History {
    waiting: VecDeque<Past>,
    bytes: usize,
    /// By table and key, until the table is loaded.
    awaited: BTreeMap<(u32, Box<str>), Awaited>,
    /// The oldest that storage knows to be waiting.
    pub stored_from: Option<CommitId>,
    /// Threads that were used and are to be archived again.
    open: BTreeSet<(u32, Box<str>)>,
    /// Threads that are known to be ours and not somebody else's.
    ours: BTreeSet<u64>,
    /// Discord has no room for another active thread until about then.
    pub rests_until: UnixMillis,
    /// How many were left out since somebody last asked.
    left_out: usize,
}

impl History {
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// What a row was that still waits.
    pub fn of_row(&self, table: u32, key: &str) -> impl Iterator<Item = &Row> {
        let mut waiting = self.waiting.iter();
        let next = move || waiting.find(|past| past.table == table && *past.key == *key);
        std::iter::from_fn(next).map(|past| &past.row)
    }

    /// What was waiting when the database was last closed: behind what is older.
    pub fn recall(&mut self, past: Past) {
        let at = self.waiting.partition_point(|other| other.by <= past.by);
        self.insert(at, past);
    }

    /// The same of a revision that will be known once its table is loaded.
    pub fn await_row(&mut self, table: u32, key: &str, rev: u64, ending: Ending, by: CommitId) {
        let first = Awaited { rev, ending, by };
        self.awaited.entry((table, key.into())).or_insert(first);
    }

    /// Rows as the segments of their table have them.
    pub fn table_read(&mut self, table: u32, rows: &BTreeMap<String, Row>) {
        let awaited = std::mem::take(&mut self.awaited);
        for ((of, key), Awaited { rev, ending, by }) in awaited {
            // What was committed again was that revision already.
            let is_past = |row: &&Row| row.is_shown() && !row.hard && row.rev < rev;
            if of != table {
                self.awaited.insert((of, key), Awaited { rev, ending, by });
            } else if let Some(row) = rows.get(&*key).filter(is_past) {
                self.recall(Past {
                    table,
                    key,
                    row: row.clone(),
                    ending,
                    by,
                    is_recalled: true,
                });
            }
        }
    }

    /// The commit from which on something waits.
    pub fn from(&self) -> Option<CommitId> {
        let waiting = self.waiting.iter().map(|past| past.by);
        let awaited = self.awaited.values().map(|awaited| awaited.by);
        waiting.chain(awaited).min()
    }

    /// What is next to do for a table's history, if anything is.
    pub fn next(&self, id: u32, table: &Table, is_scanned: bool) -> Option<(CommitId, Item)> {
        let first = self.first(id);
        let mut awaited = self.awaited.iter().filter(|((of, _), _)| *of == id);
        let oldest = first.map(|past| past.by);
        let oldest = oldest.or_else(|| awaited.next().map(|(_, awaited)| awaited.by));
        if let Some(at) = oldest.filter(|_| !table.is_loaded) {
            return Some((at, Item::Load { table: id }));
        }
        if let Some(past) = first {
            let row = table.rows.get(&*past.key);
            let has_message = row.is_some_and(|row| row.shown.message.is_some());
            // After an opening, a row may have a message that is not known of.
            let item = if past.is_recalled && !has_message && !is_scanned {
                Item::Scan { table: id }
            } else {
                Item::History { table: id }
            };
            return Some((past.by, item));
        }
        self.to_archive(id)?;
        Some((table.created, Item::History { table: id }))
    }

    /// A row's thread was read, and has these revisions already.
    pub fn thread_read(&mut self, table: u32, key: &str, seen: &BTreeSet<(u64, CommitId)>) {
        let is_of = |past: &Past| past.table == table && &*past.key == key;
        self.retain(|past| !is_of(past) || !seen.contains(&(past.row.rev, past.row.at)));
        for past in self.waiting.iter_mut().filter(|past| is_of(past)) {
            past.is_recalled = false;
        }
        // Whoever posted there last may not have come to archive it.
        self.thread_used(table, key);
    }

    pub fn push(&mut self, past: Past) {
        self.insert(self.waiting.len(), past);
    }

    fn insert(&mut self, at: usize, past: Past) {
        self.bytes = self.bytes.saturating_add(bytes(&past));
        self.waiting.insert(at, past);
        while self.waiting.len() > WAITING || self.bytes > WAITING_BYTES {
            let Some(oldest) = self.waiting.pop_front() else {
                return;
            };
            self.bytes = self.bytes.saturating_sub(bytes(&oldest));
            self.left_out += 1;
        }
    }

    /// How many were left out since this was last asked.
    pub fn take_left_out(&mut self) -> usize {
        std::mem::take(&mut self.left_out)
    }

    /// The oldest of a table's.
    pub fn first(&self, table: u32) -> Option<&Past> {
        self.waiting.iter().find(|past| past.table == table)
    }

    /// A thread of the table's that nothing more is to be posted into.
    pub fn to_archive(&self, table: u32) -> Option<&str> {
        let mut open = self.open.iter().filter(|(of, _)| *of == table);
        let is_used = |key: &str| {
            let mut waiting = self.waiting.iter();
            waiting.any(|past| past.table == table && &*past.key == key)
        };
        open.find(|(_, key)| !is_used(key)).map(|(_, key)| &**key)
    }

    /// Takes the one that `by` replaced from the queue: it was posted, or cannot be.
    pub fn done(&mut self, table: u32, key: &str, by: CommitId) {
        self.retain(|past| past.table != table || &*past.key != key || past.by != by);
    }

    /// The row's thread is not archived any more.
    pub fn thread_used(&mut self, table: u32, key: &str) {
        self.open.insert((table, key.into()));
    }

    pub fn is_ours(&self, thread: u64) -> bool {
        self.ours.contains(&thread)
    }

    pub fn note_ours(&mut self, thread: u64) {
        if self.ours.len() >= KNOWN_THREADS {
            self.ours.clear();
        }
        self.ours.insert(thread);
    }

    pub fn thread_archived(&mut self, table: u32, key: &str) {
        self.open.remove(&(table, key.into()));
    }

    /// Nothing of the row's is to be posted any more.
    pub fn forget_row(&mut self, table: u32, key: &str) {
        self.retain(|past| past.table != table || &*past.key != key);
        self.awaited.remove(&(table, key.into()));
        self.thread_archived(table, key);
    }

    pub fn forget_table(&mut self, table: u32) {
        self.retain(|past| past.table != table);
        self.awaited.retain(|(of, _), _| *of != table);
        self.open.retain(|(of, _)| *of != table);
    }

    fn retain(&mut self, keep: impl Fn(&Past) -> bool) {
        self.waiting.retain(keep);
        self.bytes = self.waiting.iter().map(bytes).sum();
    }
}

impl Mirror {
    /// Whether earlier revisions are still to be posted.
    pub(in crate::engine) fn has_history(&self) -> bool {
        self.history.from().is_some()
    }

    /// A table's rows were read, and will be loaded.
    pub(in crate::engine) fn table_read(&mut self, table: u32, rows: &BTreeMap<String, Row>) {
        self.history.table_read(table, rows);
    }
}

fn bytes(past: &Past) -> usize {
    past.key.len() + past.row.doc.as_ref().map_or(0, |doc| doc.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(key: &str, seq: u64, bytes: usize) -> Past {
        let doc = "x".repeat(bytes).into_boxed_str();
        Past {
            table: 1,
            key: key.into(),
            row: Row::new(1, Some(doc), CommitId(1, seq)),
            ending: Ending { at: 0, by: None },
            by: CommitId(1, seq + 1),
            is_recalled: false,
        }
    }

    #[test]
    fn too_many_push_out_the_oldest() {
        let mut history = History::default();
        for seq in 0..WAITING as u64 + 2 {
            history.push(past("k", seq, 1));
        }
        assert_eq!((history.len(), history.take_left_out()), (WAITING, 2));
        assert_eq!(history.first(1).map(|past| past.by), Some(CommitId(1, 3)));
        history.push(past("k", 9_999, WAITING_BYTES));
        assert_eq!(history.len(), 0);
        history.push(past("k", 10_000, 5));
        assert_eq!(history.len(), 1);
    }

    #[test]
    fn a_thread_is_archived_once_nothing_waits_for_it() {
        let mut history = History::default();
        history.push(past("a", 1, 1));
        history.push(past("a", 2, 1));
        history.thread_used(1, "a");
        history.done(1, "a", CommitId(1, 2));
        assert_eq!(history.to_archive(1), None);
        history.done(1, "a", CommitId(1, 3));
        assert_eq!(history.to_archive(1), Some("a"));
        history.thread_archived(1, "a");
        assert_eq!(history.to_archive(1), None);
    }
}
