//! Rows as messages show them, and what memory knows of them on top.

use std::collections::BTreeMap;

use crate::engine::digest::RowSum;
use crate::engine::log::CommitId;
use crate::engine::materialize::row_message::Seen;
use crate::engine::query::plan::{Access, Plan, SCAN, Source};
use crate::engine::state::{Row, State, Table, covered_by};
use crate::planted::{Bug, is_planted};

/// Rows that were read from channels.
#[derive(Debug, Clone)]
pub struct Gathered {
    pub source: Source,
    /// The table's id.
    pub table: u32,
    /// Of each key what its message of the newest commit shows; one without a document that is `hard` is one
    /// whose document could not be read. After the overlay, what has no document is in memory.
    pub rows: BTreeMap<String, Row>,
    /// Of all documents.
    pub bytes: usize,
    /// Keys that an index's channel tells of, and whose rows no message was found of.
    pub keys: Vec<String>,
    pub report: Report,
}

/// What was read, and what became of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Messages that were found, or read.
    pub messages: usize,
    /// Of these, what was out of date: of rows that are deleted or were changed since, or altered by hand.
    pub dropped: usize,
    /// Rows whose document does not fit their message and could not be had.
    pub unreadable: usize,
    /// Rows that an index tells of and whose message was not found.
    pub lost: usize,
    /// Rows that nothing found, and that are in memory since they were changed lately.
    pub added: usize,
    /// Rows that the channel did not show at the last checkpoint.
    pub behind: u64,
    /// Up to which commit all channels show everything, where that is known.
    pub shown: Option<CommitId>,
    /// How often Discord had no index yet.
    pub waits: u32,
    /// Discord does not find old messages yet.
    pub is_deep: bool,
    /// Why it was not done as it would have been best.
    pub because: Option<String>,
    /// Where this part began; it was the first otherwise.
    pub from: Option<u64>,
    /// Where the next part begins; there is none otherwise.
    pub rest: Option<u64>,
}

impl Gathered {
    /// Nothing yet, of the part that begins at `from`.
    pub fn new(source: Source, table: u32, from: Option<u64>) -> Gathered {
        Gathered {
            source,
            table,
            bytes: 0,
            rows: BTreeMap::new(),
            keys: Vec::new(),
            report: Report {
                from,
                ..Report::default()
            },
        }
    }

    /// Takes in what a message shows of a row; `doc` is its document, where that could be had.
    pub fn take(&mut self, head: CommitId, seen: Seen, doc: Option<String>) {
        let is_whole = seen.is_tombstone || doc.is_some();
        let sum = RowSum::of(
            self.table,
            &seen.key,
            seen.rev,
            doc.as_deref().unwrap_or_default(),
        );
        if seen.at > head || (is_whole && sum != seen.sum) {
            self.report.dropped += 1;
            return;
        }
        let row = Row {
            hard: !is_whole,
            ..Row::new(seen.rev, doc.map(Into::into), seen.at)
        };
        let known = self.rows.get(&seen.key).map(|known| known.at);
        self.report.dropped += usize::from(known.is_some());
        if known.is_none_or(|known| known < row.at) {
            self.bytes += row.doc.as_ref().map_or(0, |doc| doc.len());
            self.rows.insert(seen.key, row);
        }
    }

    /// Puts what memory has of the table over what messages show, and leaves the rows that are there. What
    /// was changed lately need not be in any message; it belongs to the first part.
    pub fn overlay(&mut self, state: &State, table: &Table) {
        if is_planted(Bug::OverlayDropped) {
            return;
        }
        let view = match &self.source {
            Source::Search(searches) => searches.index.and_then(|index| state.view(index)),
            _ => None,
        };
        let covered = covered_by(&table.stored.segments);
        // What the answer says to be shown is so since reading began. The rest may have got into a message, and
        // a checkpoint, behind the reader's back. What is read in parts may meet that message in a later one.
        let shown = self.report.shown;
        let is_whole = self.report.from.is_none() && self.report.rest.is_none();
        let is_new = |key: &str, row: &Row| {
            let is_shown = |row: &Row| row.is_shown();
            !table.is_loaded
                || row.generation > covered
                || (is_whole && shown.is_some_and(|shown| row.at > shown))
                || !row.is_shown()
                || view.is_some_and(|view| !view.rows.get(key).is_none_or(is_shown))
        };
        let is_first = self.report.from.is_none();
        let in_memory = |row: &Row| Row::new(row.rev, None, row.at);
        let mut there = BTreeMap::new();
        for (key, row) in std::mem::take(&mut self.rows) {
            match table.rows.get(&key) {
                Some(now) => {
                    self.report.dropped += usize::from(now.at != row.at);
                    if now.doc.is_some() && (is_first || !is_new(&key, now)) {
                        there.insert(key, in_memory(now));
                    }
                }
                None if table.is_loaded => self.report.dropped += 1,
                None if row.doc.is_some() => {
                    there.insert(key, row);
                }
                None => self.report.unreadable += usize::from(row.hard),
            }
        }
        for key in std::mem::take(&mut self.keys) {
            match table.rows.get(&key) {
                Some(now) if now.doc.is_some() && (is_first || !is_new(&key, now)) => {
                    there.insert(key, in_memory(now));
                }
                Some(_) => {}
                None if table.is_loaded => self.report.dropped += 1,
                None => self.report.lost += usize::from(!there.contains_key(&key)),
            }
        }
        if is_first {
            for (key, row) in &table.rows {
                if row.doc.is_some() && is_new(key, row) && !there.contains_key(key) {
                    self.report.added += 1;
                    there.insert(key.clone(), in_memory(row));
                }
            }
        }
        self.rows = there;
    }

    /// The way that was gone, as a plan.
    pub fn plan(&self, sorts: bool) -> Plan {
        Plan {
            access: Access::Elsewhere,
            name: match &self.source {
                Source::Search(searches) => searches.name.clone(),
                _ => SCAN.to_owned(),
            },
            rows: self.rows.len(),
            is_at_least: false,
            sorts,
            cost: 0,
        }
    }

    /// What cursors of the part that begins there have in front.
    pub fn prefix(&self, from: Option<u64>) -> String {
        let letter = letter(&self.source);
        from.map_or(String::new(), |from| format!("{letter}{from}."))
    }
}

/// What cursors of parts begin with: a part of one channel means nothing in another one.
pub fn letter(source: &Source) -> String {
    match source {
        Source::Search(searches) => match searches.index {
            Some(index) => format!("i{index}-"),
            None => "s".to_owned(),
        },
        _ => "c".to_owned(),
    }
}
