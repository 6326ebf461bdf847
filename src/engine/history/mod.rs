//! A row's earlier revisions: from the log, as far back as it goes, and from there on from the
//! thread of the row's message.

mod thread;
mod trace;

use std::collections::HashMap;

use super::commit::{Committed, Need, Touch};
use super::database::Database;
use super::document::{self, Document};
use super::log::read::{LogReader, ReadError};
use super::log::{CommitId, Link, Origin};
use super::row::store::{Place, store, store_as_is};
use super::row::{Changed, no_such_row};
use super::state::{Batch, Row};
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, UnixMillis};
use crate::text::inline;

use trace::Trace;

/// Pages of the log, and of the thread, that are read for one question.
const PAGES: usize = 20;
/// Commits whose files are fetched along with that of the commit that is looked at.
const FETCHED_AHEAD: u64 = 4;

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

impl Before {
    /// Whether the log has no answer.
    fn is_cut(self) -> bool {
        matches!(self, Before::CutOff | Before::FarBack)
    }
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
    /// There was a document, and it was too much to keep.
    pub is_left_out: bool,
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

impl Revision {
    fn of(row: Row, by: Option<Author>) -> Self {
        Revision {
            rev: row.rev,
            at: row.at,
            doc: row.doc,
            is_left_out: false,
            hard: row.hard,
            by,
        }
    }
}

impl<H: Host> Database<H> {
    /// The revisions of a row, deletions among them.
    ///
    /// # Errors
    /// No such table, a key that never had a row, or a log that cannot be read now.
    pub async fn row_history(&self, table: &str, key: &str, depth: Depth) -> Result<History> {
        self.load_table_for_reading(table).await?;
        let (mut trace, shown, log, mut next) = {
            let opened = self.opened()?;
            let found = opened.state.table(&self.name, table)?;
            let current = found.rows.get(key).cloned();
            let current = current.ok_or_else(|| no_such_row(&self.name, table, key, None))?;
            // What comes after the head is not acknowledged yet, so nobody may see it.
            let head = opened.state.head;
            let shown = current.shown;
            let trace = Trace::new(table, found.id, key, current).keeping(depth);
            (trace, shown, opened.log, head)
        };
        let head = next;
        let failed = |error: ReadError| self.unreadable(&error);
        let mut reader = LogReader::of_records(log);
        let mut pages = 0;
        let mut gaps: HashMap<Link, Option<Link>> = HashMap::new();
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
                gaps.extend(entry.record.gaps());
                trace.add(&entry.record);
            } else if let Some(before) = gaps.remove(&link) {
                // It goes, or is gone, because another row was deleted for good.
                next = before;
            } else if reader.has_unfetched_from(link.id.seq()) {
                // A few at a time: a page of them may be more than fits into memory.
                let from = link.id.seq().saturating_sub(FETCHED_AHEAD);
                reader.fetch(&self.shared, from).await.map_err(failed)?;
            } else if reader.is_complete() {
                break Before::CutOff;
            } else if pages == PAGES {
                break Before::FarBack;
            } else {
                pages += 1;
                reader.older(&self.shared).await.map_err(failed)?;
            }
        };
        if pages > 0 && next == head {
            return Err(Error::new(
                ErrorKind::Unavailable,
                format!(
                    "the log of database `{}` does not show its newest commit yet.",
                    self.name
                ),
            )
            .hint("Try again in a minute."));
        }
        // Where another row's deletion took the record along, it may only be on its way there.
        for row in self.opened()?.mirror.waiting_revisions(trace.id, key) {
            trace.posted(Revision::of(row, None), None);
        }
        // A thread has the id of the message that it belongs to.
        let thread = shown.message_id().filter(|_| shown.thread);
        let before = match (before, thread) {
            // What went from the log along with another row may stand there as well.
            (before, Some(thread)) if before.is_cut() || trace.has_a_hole() => {
                self.go_on_in_thread(&mut trace, thread, depth, before)
                    .await?
            }
            _ => before,
        };
        if let Depth::Revisions(wanted) = depth {
            trace.revisions.truncate(wanted);
        }
        Ok(History {
            revisions: trace.revisions,
            before,
        })
    }

    /// Puts the document of an earlier revision in the place of what the row is now, deleted or
    /// not; what that came to.
    ///
    /// # Errors
    /// A revision that is not known any more, or that has no document to restore.
    pub async fn restore_row(
        &self,
        origin: &Origin,
        table: &str,
        key: &str,
        rev: u64,
    ) -> Result<Committed<Changed>> {
        let depth = Depth::Revision(rev);
        let history = self.row_history(table, key, depth).await?;
        let doc = self.restorable(&history, table, key, rev)?;
        let id = self.opened()?.state.table(&self.name, table)?.id;
        let newest = history.revisions.first().map(|newest| newest.rev);
        let (name, key) = (table.to_owned(), key.to_owned());
        let build = move |batch: &mut Batch<'_>| {
            let table = batch.table(&name)?;
            let before = batch.row(&table, &key);
            // Somebody may have been faster: the table may be another, the row gone for good.
            let before = before.filter(|row| table.id == id && !row.hard);
            let before = before.ok_or_else(|| no_such_row(batch.database(), &name, &key, None))?;
            // It may even be gone for good and inserted again: what was found must not come back then.
            if newest.is_some_and(|newest| newest != before.rev) {
                return Err(Error::new(
                    ErrorKind::Conflict,
                    format!(
                        "row `{}` in table `{name}` of database `{}` was changed meanwhile: it is at revision {}.",
                        inline(&key),
                        batch.database(),
                        before.rev
                    ),
                )
                .hint("Look at `/dbc_history`, then try again."));
            }
            let place = Place {
                table: &table,
                key: &key,
                rev: before.rev + 1,
                option: "rev",
                may_stay: false,
            };
            if table.schema.current().is_none() {
                return store_as_is(batch, &place, doc.clone());
            }
            let fields = document::fields(doc.text()).map_err(|error| {
                let message = format!("revision {rev} cannot be read as a document ({error}).");
                Error::new(ErrorKind::Corrupt, message).hint("Report this: it is a bug.")
            })?;
            store(batch, &place, fields)
        };
        let need = Need {
            table: table.to_owned(),
            touch: Touch::Put,
        };
        self.write_to(origin, vec![need], build).await
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
        if found.hard {
            let message = format!("revision {rev} of {place} is its deletion for good.");
            return Err(refused(ErrorKind::InvalidInput, message)
                .hint("Nothing before it is kept; `/dbc_insert` makes a new row."));
        }
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
            Before::Nothing | Before::More if self.revisions.last().is_some_and(|r| r.hard) => {
                "The row was deleted for good after that, so nothing of it is kept.".to_owned()
            }
            Before::Nothing | Before::More => {
                "It was replaced before it was shown, and the log does not have it any more."
                    .to_owned()
            }
        }
    }
}
