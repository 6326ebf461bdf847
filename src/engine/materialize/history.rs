//! Earlier revisions that wait to be posted into their row's thread. Best effort: the log has them
//! all, so what would take too much memory is left out.

use std::collections::{BTreeSet, VecDeque};

use super::history_message::Ending;
use crate::engine::log::CommitId;
use crate::engine::state::Row;
use crate::host::UnixMillis;

/// How many revisions wait at most, and how long their documents are together.
const WAITING: usize = 1_000;
const WAITING_BYTES: usize = 1 << 20;

/// A revision that is no longer the row's.
#[derive(Debug, Clone)]
pub(super) struct Past {
    pub table: u32,
    pub key: Box<str>,
    pub row: Row,
    pub ending: Ending,
    /// The commit that replaced it.
    pub by: CommitId,
}

#[derive(Debug, Default)]
pub(super) struct History {
    waiting: VecDeque<Past>,
    bytes: usize,
    /// Threads that were used and are to be archived again.
    open: BTreeSet<(u32, Box<str>)>,
    /// Discord has no room for another active thread until about then.
    pub rests_until: UnixMillis,
    /// How many were left out since somebody last asked.
    left_out: usize,
}

impl History {
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    pub fn push(&mut self, past: Past) {
        self.bytes = self.bytes.saturating_add(bytes(&past));
        self.waiting.push_back(past);
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

    /// Takes the one that replaced `by` from the queue: it was posted, or cannot be.
    pub fn done(&mut self, table: u32, key: &str, by: CommitId) {
        self.retain(|past| past.table != table || &*past.key != key || past.by != by);
    }

    pub fn opened(&mut self, table: u32, key: &str) {
        self.open.insert((table, key.into()));
    }

    pub fn archived(&mut self, table: u32, key: &str) {
        self.open.remove(&(table, key.into()));
    }

    /// Nothing of the row's is to be posted any more.
    pub fn forget_row(&mut self, table: u32, key: &str) {
        self.retain(|past| past.table != table || &*past.key != key);
        self.archived(table, key);
    }

    pub fn forget_table(&mut self, table: u32) {
        self.retain(|past| past.table != table);
        self.open.retain(|(of, _)| *of != table);
    }

    fn retain(&mut self, keep: impl Fn(&Past) -> bool) {
        self.waiting.retain(keep);
        self.bytes = self.waiting.iter().map(bytes).sum();
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
        history.opened(1, "a");
        history.done(1, "a", CommitId(1, 2));
        assert_eq!(history.to_archive(1), None);
        history.done(1, "a", CommitId(1, 3));
        assert_eq!(history.to_archive(1), Some("a"));
        history.archived(1, "a");
        assert_eq!(history.to_archive(1), None);
    }
}
