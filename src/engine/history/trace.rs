//! One row, followed back in time.

use super::{Author, Depth, Revision};
use crate::engine::log::{Op, Record};
use crate::engine::state::Row;
use crate::limits::ATTACHMENT_BYTES;

/// How much of documents is kept: no more than a file holds in which they are shown.
const DOCUMENT_BYTES: usize = ATTACHMENT_BYTES;

/// Follows one row back through the records of the log, newest first.
pub(super) struct Trace {
    /// What the row's table was called at this point.
    table: String,
    pub id: u32,
    pub key: String,
    pub revisions: Vec<Revision>,
    pub is_at_the_beginning: bool,
    /// The only revision whose document is wanted, if it is one.
    only: Option<u64>,
}

impl Trace {
    /// What the row is now is known in any case; the log adds who and when.
    pub fn new(table: &str, id: u32, key: &str, current: Row) -> Self {
        Trace {
            table: table.to_owned(),
            id,
            key: key.to_owned(),
            revisions: vec![Revision::of(current, None)],
            is_at_the_beginning: false,
            only: None,
        }
    }

    /// Keeps the documents that a history of this depth is asked for.
    pub fn keeping(mut self, depth: Depth) -> Self {
        if let Depth::Revision(wanted) = depth {
            self.only = Some(wanted);
        }
        self
    }

    /// The revision, without its document where that is not wanted or one too many.
    fn kept(&self, revision: Revision) -> Revision {
        let Some(doc) = &revision.doc else {
            return revision;
        };
        let others = self.revisions.iter().filter(|r| r.rev != revision.rev);
        let used: usize = others.filter_map(|r| r.doc.as_deref()).map(str::len).sum();
        let is_kept = match self.only {
            Some(wanted) => revision.rev == wanted,
            None => used + doc.len() <= DOCUMENT_BYTES,
        };
        if is_kept {
            return revision;
        }
        Revision {
            doc: None,
            is_left_out: true,
            ..revision
        }
    }

    pub fn reaches(&self, depth: Depth) -> bool {
        match depth {
            // Until its commit is found, nobody knows whose doing a revision is.
            Depth::Revisions(wanted) => {
                let last = self.revisions.get(wanted.saturating_sub(1));
                last.is_some_and(|last| last.by.is_some())
            }
            Depth::Revision(wanted) => {
                let last = self.revisions.last();
                last.is_some_and(|last| last.rev <= wanted)
            }
        }
    }

    /// Whether a revision is missing among those found: its record had a row in it that was
    /// deleted for good.
    pub fn has_a_hole(&self) -> bool {
        let mut pairs = self.revisions.iter().zip(self.revisions.iter().skip(1));
        let begins_late = |first: &Revision| first.rev > 1 && !first.hard;
        pairs.any(|(newer, older)| newer.rev > older.rev + 1)
            || (self.is_at_the_beginning && self.revisions.last().is_some_and(begins_late))
    }

    pub fn add(&mut self, record: &Record) {
        for (index, op) in record.ops.iter().enumerate().rev() {
            if self.is_at_the_beginning {
                return;
            }
            match op {
                Op::RenameTable { table, to } if *to == self.table => {
                    self.table.clone_from(table);
                }
                // Before that, the name was another table's.
                Op::CreateTable { id, .. } if *id == self.id => self.is_at_the_beginning = true,
                op if op.row() == Some((&self.table, &self.key)) => {
                    if let Some(row) = Row::after(op, record.id()) {
                        self.found(Revision::of(row, author(record, index)));
                    }
                }
                _ => {}
            }
        }
    }

    fn found(&mut self, revision: Revision) {
        let revision = self.kept(revision);
        // The record of the deletion may have gone before those of what it deleted.
        let is_gone = |newer: &Revision| newer.hard && newer.rev > revision.rev;
        if self.revisions.last().is_some_and(is_gone) {
            self.is_at_the_beginning = true;
            return;
        }
        // Of what was to leave no copy, the log may have one that is on its way out.
        self.is_at_the_beginning = revision.rev == 1 || revision.hard;
        match self.revisions.last_mut() {
            Some(last) if last.rev == revision.rev => *last = revision,
            _ => self.revisions.push(revision),
        }
    }

    /// Takes in a revision that the row's thread has, newest first; it tells who made the next.
    pub fn posted(&mut self, revision: Revision, next: Option<Author>) {
        let revision = self.kept(revision);
        let newer = |known: &Revision| known.rev > revision.rev;
        let place = self.revisions.partition_point(newer);
        // The thread has those of the log as well.
        let is_known = self.revisions.get(place);
        let is_known = is_known.is_some_and(|known| known.rev == revision.rev);
        let after = self.revisions.get_mut(..place).unwrap_or_default();
        // Nothing before a deletion for good may be shown.
        if is_known || after.iter().any(|known| known.hard) {
            return;
        }
        let Some(last) = after.last_mut() else {
            return;
        };
        if revision.rev + 1 == last.rev && last.by.is_none() {
            last.by = next;
        }
        self.is_at_the_beginning |= revision.rev == 1;
        self.revisions.insert(place, revision);
    }
}

fn author(record: &Record, op: usize) -> Option<Author> {
    let origin = record.origin_of(op)?;
    Some(Author {
        user: origin.user.clone(),
        command: origin.command.clone(),
        time: record.at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::document::Document;
    use crate::engine::log::record::VERSION;
    use crate::engine::log::{CommitId, Origin, Part};
    use serde_json::{Map, json};
    use std::collections::BTreeMap;

    fn record(seq: u64, ops: Vec<Op>) -> Record {
        Record {
            v: VERSION,
            epoch: 1,
            seq,
            prev: None,
            at: seq * 1_000,
            by: (1..=ops.len())
                .map(|n| Part {
                    origin: Origin {
                        interaction: n.to_string(),
                        user: format!("u{n}"),
                        command: "c".into(),
                    },
                    ops: 1,
                })
                .collect(),
            ops,
            sum: BTreeMap::new(),
        }
    }

    fn put(table: &str, key: &str, rev: u64) -> Op {
        Op::Put {
            table: table.into(),
            key: key.into(),
            rev,
            doc: Document::new(&Map::from_iter([("rev".to_owned(), json!(rev))])),
        }
    }

    fn delete(rev: u64, hard: bool) -> Op {
        let (table, key) = ("t".into(), "a".into());
        Op::Delete {
            table,
            key,
            rev,
            hard,
        }
    }

    fn create(id: u32) -> Op {
        Op::CreateTable {
            table: "t".into(),
            id,
            pk: "id".into(),
            mirror: true,
        }
    }

    fn row(rev: u64, doc: Option<&str>, seq: u64) -> Row {
        Row::new(rev, doc.map(Into::into), CommitId(1, seq))
    }

    /// Follows row `a` back through records given oldest first.
    fn trace(records: &[Record], table: &str, id: u32, current: Row) -> Trace {
        let mut trace = Trace::new(table, id, "a", current);
        for record in records.iter().rev() {
            trace.add(record);
        }
        trace
    }

    fn revs(trace: &Trace) -> Vec<u64> {
        trace.revisions.iter().map(|r| r.rev).collect()
    }

    #[test]
    fn a_row_is_followed_through_renames_and_not_into_another_table() {
        let rename = Op::RenameTable {
            table: "t".into(),
            to: "u".into(),
        };
        let records = [
            record(1, vec![create(1), put("t", "a", 1)]),
            record(2, vec![Op::DropTable { table: "t".into() }, create(2)]),
            record(3, vec![put("t", "b", 1), put("t", "a", 1)]),
            record(4, vec![put("t", "a", 2), rename, create(3)]),
            record(
                5,
                vec![put("t", "a", 1), put("u", "a", 3), put("u", "b", 2)],
            ),
        ];
        let found = trace(&records, "u", 2, row(3, Some("{}"), 5));
        assert_eq!(revs(&found), [3, 2, 1]);
        assert!(found.is_at_the_beginning);
        let users = found.revisions.iter().map(|r| r.by.clone().unwrap().user);
        assert_eq!(users.collect::<Vec<_>>(), ["u2", "u1", "u2"]);
        assert_eq!(found.revisions[1].doc.as_deref(), Some(r#"{"rev":2}"#));
        assert_eq!(found.revisions[2].at, CommitId(1, 3));
    }

    #[test]
    fn what_was_deleted_for_good_stays_so() {
        let records = [
            record(1, vec![create(1), put("t", "a", 1)]),
            record(2, vec![delete(2, true)]),
            record(3, vec![put("t", "a", 3)]),
        ];
        let found = trace(&records, "t", 1, row(3, Some("{}"), 3));
        assert_eq!(revs(&found), [3, 2]);
        assert!(found.is_at_the_beginning && found.revisions[1].hard);
    }

    #[test]
    fn what_was_deleted_for_good_stays_so_when_the_record_that_says_so_has_gone() {
        let records = [record(1, vec![create(1), put("t", "a", 1)])];
        let deleted = Row {
            hard: true,
            ..row(2, None, 2)
        };
        let found = trace(&records, "t", 1, deleted);
        assert_eq!((revs(&found), found.is_at_the_beginning), (vec![2], true));
    }

    #[test]
    fn documents_are_kept_as_far_as_there_is_room_or_only_the_one_that_is_wanted() {
        let large = "x".repeat(ATTACHMENT_BYTES / 2 - 100);
        let put = |rev: u64| Op::Put {
            table: "t".into(),
            key: "a".into(),
            rev,
            doc: Document::new(&Map::from_iter([("text".to_owned(), json!(large))])),
        };
        let records: Vec<Record> = (1..=5).map(|n| record(n, vec![put(n)])).collect();
        let kept = |depth| {
            let current = Row::after(&put(5), CommitId(1, 5)).unwrap();
            let mut trace = Trace::new("t", 1, "a", current).keeping(depth);
            for record in records.iter().rev() {
                trace.add(record);
            }
            let kept = trace.revisions.iter().filter(|r| !r.is_left_out);
            kept.map(|r| r.rev).collect::<Vec<_>>()
        };
        assert_eq!(kept(Depth::Revisions(5)), [5, 4]);
        assert_eq!(kept(Depth::Revision(2)), [2]);
    }

    #[test]
    fn a_log_that_begins_later_gives_what_it_has() {
        let records = [record(9, vec![delete(4, false)])];
        let found = trace(&records, "t", 1, row(4, None, 9));
        assert_eq!((revs(&found), found.is_at_the_beginning), (vec![4], false));
        assert_eq!(found.revisions[0].by.as_ref().unwrap().time, 9_000);
        assert!(found.reaches(Depth::Revision(4)));
        assert!(!found.reaches(Depth::Revision(3)));
        // Not even the last one's commit: who and when are not known then.
        let found = trace(&[], "t", 1, row(4, None, 9));
        assert_eq!(found.revisions[0].by, None);
        assert!(!found.reaches(Depth::Revisions(1)));
    }
}
