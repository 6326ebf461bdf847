//! A row's earlier revisions: from the log, as far back as it goes.

use super::commit::Committed;
use super::database::Database;
use super::document::{self, Document};
use super::log::read::{LogReader, ReadError};
use super::log::{CommitId, Op, Origin, Record};
use super::not_written;
use super::row::no_such_row;
use super::state::{Batch, Row};
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, UnixMillis};
use crate::text::inline;

/// Pages of the log that are read for one question.
const PAGES: usize = 20;

/// What is known of a row's past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Newest first; the first is what the row is now.
    pub revisions: Vec<Revision>,
    pub before: Before,
}

/// What there is before the last revision of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Before {
    Nothing,
    /// More than was asked for.
    More,
    /// The log has been cut since.
    CutOff,
    /// Further back than is read for one question.
    FarBack,
}

/// How far back a history is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// So many revisions.
    Revisions(usize),
    /// Down to the revision of this number.
    Revision(u64),
}

/// A row as one commit left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    pub rev: u64,
    pub at: CommitId,
    /// Compact JSON; none where the row was deleted.
    pub doc: Option<Box<str>>,
    /// Deleted for good: nothing before it may be shown.
    pub hard: bool,
    /// Who asked for it and when, where the commit is still in the log.
    pub by: Option<Author>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    pub user: String,
    pub command: String,
    pub time: UnixMillis,
}

impl<H: Host> Database<H> {
    /// The revisions of a row, deletions among them.
    ///
    /// # Errors
    /// No such table, a key that never had a row, or a log that cannot be read now.
    pub async fn row_history(&self, table: &str, key: &str, depth: Depth) -> Result<History> {
        self.load_table_for_reading(table).await?;
        let (mut trace, log, mut next) = {
            let opened = self.opened()?;
            let found = opened.state.table(&self.name, table)?;
            let current = found.rows.get(key).cloned();
            let current = current.ok_or_else(|| no_such_row(&self.name, table, key, None))?;
            // What comes after the head is not acknowledged yet, so nobody may see it.
            let head = opened.state.head;
            (Trace::new(table, found.id, key, current), opened.log, head)
        };
        let head = next;
        let doing = format!("Reading the log of database `{}`", self.name);
        let failed = |error: ReadError| not_written(&doing, &error.into_call());
        let mut reader = LogReader::new(log);
        let mut pages = 0;
        let before = loop {
            if trace.is_at_the_beginning {
                break Before::Nothing;
            }
            if trace.reaches(depth) {
                break Before::More;
            }
            let Some(link) = next else {
                break Before::Nothing;
            };
            if let Some(entry) = reader.records.remove(&link) {
                next = entry.record.prev;
                trace.add(&entry.record);
            } else if reader.is_complete() {
                break Before::CutOff;
            } else if pages == PAGES {
                break Before::FarBack;
            } else {
                pages += 1;
                reader.older(&self.shared).await.map_err(failed)?;
                reader.fetch(&self.shared, 0).await.map_err(failed)?;
            }
        };
        if head.is_some() && next == head {
            return Err(Error::new(
                ErrorKind::Unavailable,
                format!(
                    "the log of database `{}` does not show its newest commit yet.",
                    self.name
                ),
            )
            .hint("Try again in a minute."));
        }
        Ok(History {
            revisions: trace.revisions,
            before,
        })
    }

    /// Puts the document of an earlier revision in the place of what the row is now, deleted or
    /// not; the new revision.
    ///
    /// # Errors
    /// A revision that is not known any more, or that has no document to restore.
    pub async fn restore_row(
        &self,
        origin: &Origin,
        table: &str,
        key: &str,
        rev: u64,
    ) -> Result<Committed<u64>> {
        let depth = Depth::Revision(rev);
        let history = self.row_history(table, key, depth).await?;
        let fields = self.restorable(&history, table, key, rev)?;
        let id = self.opened()?.state.table(&self.name, table)?.id;
        let (name, key) = (table.to_owned(), key.to_owned());
        let build = move |batch: &mut Batch<'_>| {
            let table = batch.table(&name)?;
            let before = batch.row(&table, &key);
            // Somebody may have been faster: the table may be another, the row gone for good.
            let before = before.filter(|row| table.id == id && !row.hard);
            let before = before.ok_or_else(|| no_such_row(batch.database(), &name, &key, None))?;
            let rev = before.rev + 1;
            batch.push(Op::Put {
                table: name.clone(),
                key: key.clone(),
                rev,
                doc: fields.clone(),
            })?;
            Ok(rev)
        };
        self.write(origin, &[table], build).await
    }

    /// The document of a revision, if it can be brought back.
    fn restorable(&self, history: &History, table: &str, key: &str, rev: u64) -> Result<Document> {
        let place = format!(
            "row `{}` in table `{table}` of database `{}`",
            inline(key),
            self.name
        );
        let refused = |kind, message: String| Error::new(kind, message).option("rev");
        let newest = history.revisions.first();
        if newest.is_some_and(|newest| newest.rev == rev && newest.doc.is_some()) {
            let message = format!("{place} is at revision {rev} already.");
            return Err(
                refused(ErrorKind::Conflict, message).hint("`/dbc_history` shows the others.")
            );
        }
        let found = history.revisions.iter().find(|known| known.rev == rev);
        let found = found.ok_or_else(|| {
            let message = format!("no revision {rev} of {place} is known.");
            refused(ErrorKind::NotFound, message).hint(history.why_not(rev))
        })?;
        let doc = found.doc.as_deref().ok_or_else(|| {
            let message =
                format!("revision {rev} of {place} is its deletion: there is no document in it.");
            refused(ErrorKind::InvalidInput, message)
                .hint("Take the one before; `/dbc_history` shows them.")
        })?;
        serde_json::from_str(doc).map_err(|error| {
            let message = format!("revision {rev} of {place} cannot be read ({error}).");
            refused(ErrorKind::Corrupt, message).hint("Report this: it is a bug.")
        })
    }
}

impl History {
    /// Why it has no such revision.
    fn why_not(&self, rev: u64) -> String {
        let newest = self.revisions.first().map_or(0, |newest| newest.rev);
        if rev > newest {
            return format!("The newest is {newest}.");
        }
        match self.before {
            Before::CutOff => "The log has been cut since then.".to_owned(),
            Before::FarBack => "It is further back in the log than can be read at once.".to_owned(),
            Before::Nothing | Before::More => {
                "The row was deleted for good after that, so nothing of it is kept.".to_owned()
            }
        }
    }
}

/// Follows one row back through the records of the log, newest first.
struct Trace {
    /// What the row's table was called at this point.
    table: String,
    id: u32,
    key: String,
    revisions: Vec<Revision>,
    is_at_the_beginning: bool,
}

impl Trace {
    /// What the row is now is known in any case; the log adds who and when.
    fn new(table: &str, id: u32, key: &str, current: Row) -> Self {
        Trace {
            table: table.to_owned(),
            id,
            key: key.to_owned(),
            revisions: vec![Revision {
                rev: current.rev,
                at: current.at,
                doc: current.doc,
                hard: current.hard,
                by: None,
            }],
            is_at_the_beginning: false,
        }
    }

    fn reaches(&self, depth: Depth) -> bool {
        let last = self.revisions.last();
        // Until its commit is found, nobody knows whose doing it is.
        let is_traced = last.is_some_and(|last| last.by.is_some());
        is_traced
            && match depth {
                Depth::Revisions(wanted) => self.revisions.len() >= wanted,
                Depth::Revision(wanted) => last.is_some_and(|last| last.rev <= wanted),
            }
    }

    fn add(&mut self, record: &Record) {
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
                Op::Put {
                    table,
                    key,
                    rev,
                    doc,
                } if *table == self.table && *key == self.key => self.found(Revision {
                    rev: *rev,
                    at: record.id(),
                    doc: Some(document::to_text(&doc.0).into()),
                    hard: false,
                    by: author(record, index),
                }),
                Op::Delete {
                    table,
                    key,
                    rev,
                    hard,
                } if *table == self.table && *key == self.key => self.found(Revision {
                    rev: *rev,
                    at: record.id(),
                    doc: None,
                    hard: *hard,
                    by: author(record, index),
                }),
                _ => {}
            }
        }
    }

    fn found(&mut self, revision: Revision) {
        // Of what was to leave no copy, the log may have one that is on its way out.
        self.is_at_the_beginning = revision.rev == 1 || revision.hard;
        match self.revisions.last_mut() {
            Some(last) if last.rev == revision.rev => *last = revision,
            _ => self.revisions.push(revision),
        }
    }
}

/// Who asked for an op: the parts' ops stand one after the other.
fn author(record: &Record, index: usize) -> Option<Author> {
    let mut end = 0;
    let part = record.by.iter().find(|part| {
        end += part.ops;
        index < end
    })?;
    Some(Author {
        user: part.origin.user.clone(),
        command: part.origin.command.clone(),
        time: record.at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::log::Part;
    use crate::engine::log::record::VERSION;
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
            doc: Document(Map::from_iter([("rev".to_owned(), json!(rev))])),
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
        assert!(!found.reaches(Depth::Revision(4)));
    }
}
