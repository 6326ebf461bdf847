//! The database as it would be if clients came one after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::answer::{Answer, Content, Refusal, Told};
use super::linear::Call;
use super::operation::{Action, Cell, Change, Command, Doc, LASTING, Mode, is_passing};
use super::typed::PAST_AT_MOST;

/// A command, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Request {
    /// A Discord user.
    pub user: u64,
    pub command: Command,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Those that are there.
    pub tables: BTreeMap<u8, Table>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// Whether its rows are shown as messages; none where nobody was told how it was made.
    pub is_shown: Option<bool>,
    /// By key.
    rows: BTreeMap<u8, Row>,
}

/// A row and its past, as far as that is sure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// So many of the first revisions are not known: several orders may explain how the row got
    /// where it is.
    forgotten: u64,
    revisions: Vec<Revision>,
    /// What marks the documents of revisions that are forgotten, and not deleted for good.
    past: Rc<BTreeSet<u64>>,
    /// The last deletion for good of those; 0 where there was none.
    erased: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Revision {
    /// None where the row was deleted.
    doc: Option<Doc>,
    /// Deleted, and no copy of what was before is to remain.
    is_hard: bool,
    /// Whose it is, and by which command, where that is sure.
    by: Option<(u64, &'static str)>,
}

impl Default for Database {
    fn default() -> Database {
        let lasting = |table| {
            let table_of_rows = Table {
                is_shown: Some(true),
                ..Table::default()
            };
            (table, table_of_rows)
        };
        Database {
            tables: (0..LASTING).map(lasting).collect(),
        }
    }
}

impl Database {
    pub fn invoke(&mut self, request: &Request) -> Answer {
        let user = request.user;
        match &request.command {
            Command::Get(cell) => self.read(*cell),
            Command::Past(cell) => self.past(*cell),
            Command::Change(change) => match self.apply(user, std::slice::from_ref(change)) {
                Ok(()) => Answer::Done(Some(self.rev(change.cell))),
                Err(refusal) => Answer::Refused(refusal),
            },
            Command::Transact(changes) => match self.apply(user, changes) {
                Ok(()) => Answer::Done(None),
                Err(refusal) => Answer::Refused(refusal),
            },
            Command::Create { table, is_shown } => {
                if self.tables.contains_key(table) {
                    return Answer::Refused(Refusal::TableTaken);
                }
                let created = Table {
                    is_shown: Some(*is_shown),
                    ..Table::default()
                };
                self.tables.insert(*table, created);
                Answer::Done(None)
            }
            Command::Rename { table, to } => match self.tables.get(table) {
                None => Answer::Refused(Refusal::NoTable),
                Some(_) if self.tables.contains_key(to) => Answer::Refused(Refusal::TableTaken),
                Some(_) => {
                    let renamed = self.tables.remove(table).unwrap_or_default();
                    self.tables.insert(*to, renamed);
                    Answer::Done(None)
                }
            },
            Command::Drop(table) => match self.tables.remove(table) {
                None => Answer::Refused(Refusal::NoTable),
                Some(dropped) => {
                    let rows = dropped.rows.values();
                    let there = rows.filter(|row| row.current().is_some());
                    Answer::Done(Some(there.count() as u64))
                }
            },
        }
    }

    /// Carries a command out; whether that may be its answer.
    pub fn answers(&mut self, request: &Request, answer: &Answer) -> bool {
        if let (Command::Past(cell), Answer::Past(told)) = (&request.command, answer) {
            return self.row(*cell).is_some_and(|row| row.has_past(told));
        }
        let actual = self.invoke(request);
        match (&actual, answer) {
            (
                Answer::Row { rev, .. },
                Answer::Row {
                    rev: said,
                    doc: None,
                },
            ) => rev == said,
            (Answer::Done(_), Answer::Done(None)) => true,
            // Tables are looked for before anything is validated.
            (Answer::Refused(_), Answer::Refused(Refusal::NoTable)) => {
                let mut cells = request.command.cells().into_iter();
                cells.any(|cell| !self.tables.contains_key(&cell.table))
            }
            _ => actual == *answer,
        }
    }

    pub fn row(&self, cell: Cell) -> Option<&Row> {
        self.tables.get(&cell.table)?.rows.get(&cell.key)
    }

    /// The row's revision; 0 where there never was one.
    pub fn rev(&self, cell: Cell) -> u64 {
        self.row(cell).map_or(0, Row::rev)
    }

    pub fn current(&self, cell: Cell) -> Option<Doc> {
        self.row(cell).and_then(Row::current)
    }

    pub fn is_gone_for_good(&self, cell: Cell) -> bool {
        self.row(cell).is_some_and(Row::is_gone_for_good)
    }

    /// Whether a history of the row has all that came after its last deletion for good.
    pub fn is_told_whole(&self, cell: Cell) -> bool {
        let row = self.row(cell);
        row.is_none_or(|row| row.rev() - row.erased() < PAST_AT_MOST as u64)
    }

    pub fn read(&self, cell: Cell) -> Answer {
        if !self.tables.contains_key(&cell.table) {
            return Answer::Refused(Refusal::NoTable);
        }
        match self.current(cell) {
            Some(doc) => Answer::Row {
                rev: self.rev(cell),
                doc: Some(doc),
            },
            None if self.is_gone_for_good(cell) => Answer::Gone,
            None => Answer::Absent(self.rev(cell)),
        }
    }

    /// What an order of commands had for effects: the commands that changed something, and with
    /// each the marks of the documents that it deleted for good.
    pub fn carry_out(&mut self, order: Vec<(Request, Answer)>) -> Vec<(Request, BTreeSet<u64>)> {
        let mut effects = Vec::new();
        for (request, _) in order {
            let [cell] = request.command.cells()[..] else {
                if matches!(self.invoke(&request), Answer::Done(_)) {
                    effects.push((request, BTreeSet::new()));
                }
                continue;
            };
            let before = self.row(cell).map(Row::values).unwrap_or_default();
            if matches!(self.invoke(&request), Answer::Done(_)) {
                let is_erased = self.is_gone_for_good(cell);
                effects.push((request, if is_erased { before } else { BTreeSet::new() }));
            }
        }
        effects
    }

    /// Forgets of tables whether they are shown where a call of unknown outcome may have made them
    /// otherwise: what can be read of them is the same.
    pub fn doubt_how_tables_were_made(&mut self, calls: &[Call]) {
        for call in calls.iter().filter(|call| call.is_unknown()) {
            let Command::Create { is_shown, .. } = call.command else {
                continue;
            };
            // It may have been renamed since.
            let passing = self
                .tables
                .iter_mut()
                .filter(|(table, _)| is_passing(**table));
            for (_, table) in passing.filter(|(_, table)| table.is_shown != Some(is_shown)) {
                table.is_shown = None;
            }
        }
    }

    /// Forgets how rows got where they are.
    pub fn forget(&mut self) {
        let tables = self.tables.values_mut();
        for row in tables.flat_map(|table| table.rows.values_mut()) {
            row.forget();
        }
    }

    /// A document that was there before anything else.
    pub fn begin_with(&mut self, cell: Cell, doc: Doc) {
        self.push(cell, Revision::of(Some(doc)));
    }

    /// What can be answered to whoever asks for the row's past, in short.
    fn past(&self, cell: Cell) -> Answer {
        match self.row(cell) {
            _ if !self.tables.contains_key(&cell.table) => Answer::Refused(Refusal::NoTable),
            None => Answer::Absent(0),
            Some(_) => Answer::Past(Vec::new()),
        }
    }

    fn push(&mut self, cell: Cell, revision: Revision) {
        let table = self.tables.entry(cell.table).or_default();
        let row = table.rows.entry(cell.key).or_default();
        row.revisions.push(revision);
    }

    /// All or nothing.
    pub fn apply(&mut self, user: u64, changes: &[Change]) -> Result<(), Refusal> {
        let before = (changes.len() > 1).then(|| self.clone());
        let name = match changes {
            [change] => Command::Change(*change).name(),
            _ => "dbc_transact",
        };
        for change in changes {
            if let Err(refusal) = self.apply_one((user, name), change) {
                // One that stands alone has changed nothing.
                if let Some(before) = before {
                    *self = before;
                }
                return Err(refusal);
            }
        }
        Ok(())
    }

    fn apply_one(&mut self, by: (u64, &'static str), change: &Change) -> Result<(), Refusal> {
        let cell = change.cell;
        if !self.tables.contains_key(&cell.table) {
            return Err(Refusal::NoTable);
        }
        let current = self.current(cell);
        let rev = self.rev(cell);
        if matches!(change.action, Action::Put(Mode::Insert, _)) {
            if current.is_some() {
                return Err(Refusal::Taken);
            }
        } else if current.is_none() && !self.may_be_absent(change) {
            return Err(Refusal::Missing);
        }
        if change.if_rev.is_some_and(|wanted| wanted != rev) {
            return Err(Refusal::OtherRevision);
        }
        let next = match change.action {
            Action::Put(_, doc) => Revision::of(Some(doc)),
            Action::Delete { is_hard } => Revision {
                is_hard,
                ..Revision::of(None)
            },
            Action::Restore(to) if to == rev && current.is_some() => {
                return Err(Refusal::SameRevision);
            }
            Action::Restore(to) => {
                // A deletion has no document to go back to, and there is no way past one for good.
                let earlier = self.row(cell).and_then(|row| row.document(to));
                Revision::of(Some(earlier.ok_or(Refusal::Missing)?))
            }
            Action::Patch(patch) => Revision::of(current.map(|doc| Doc {
                v: patch.v,
                balance: patch.balance.unwrap_or(doc.balance),
                ..doc
            })),
        };
        let by = Some(by);
        self.push(cell, Revision { by, ..next });
        Ok(())
    }

    /// Whether the change can be made where there is no row.
    fn may_be_absent(&self, change: &Change) -> bool {
        match change.action {
            Action::Put(mode, _) => mode != Mode::Replace,
            Action::Restore(_) => true,
            // Of a deleted row there are copies left.
            Action::Delete { is_hard: true } => {
                self.rev(change.cell) > 0 && !self.is_gone_for_good(change.cell)
            }
            Action::Patch(_) | Action::Delete { .. } => false,
        }
    }
}

impl Revision {
    fn of(doc: Option<Doc>) -> Revision {
        Revision {
            doc,
            is_hard: false,
            by: None,
        }
    }

    fn is(&self, told: &Told) -> bool {
        let says_so = match (told.content, self.doc) {
            (Content::Is(told), Some(doc)) => told == doc,
            (Content::Unread, Some(_)) => true,
            (Content::Deleted, None) => !self.is_hard,
            (Content::DeletedForGood, None) => self.is_hard,
            _ => false,
        };
        let told_by = told.by.as_ref().map(|by| (by.user, &*by.command));
        says_so && (self.by.is_none() || told_by.is_none() || self.by == told_by)
    }
}

impl Row {
    pub fn rev(&self) -> u64 {
        self.forgotten + self.revisions.len() as u64
    }

    fn current(&self) -> Option<Doc> {
        self.revisions.last().and_then(|revision| revision.doc)
    }

    fn is_gone_for_good(&self) -> bool {
        self.revisions
            .last()
            .is_some_and(|revision| revision.is_hard)
    }

    fn revision(&self, rev: u64) -> Option<&Revision> {
        let index = rev.checked_sub(self.forgotten + 1)?;
        self.revisions.get(usize::try_from(index).ok()?)
    }

    /// The document of a revision, unless it was deleted for good since.
    fn document(&self, rev: u64) -> Option<Doc> {
        let doc = self.revision(rev)?.doc?;
        (rev > self.erased()).then_some(doc)
    }

    /// The revision of the last deletion for good; 0 where there was none.
    fn erased(&self) -> u64 {
        let last = self.revisions.iter().rposition(|known| known.is_hard);
        last.map_or(self.erased, |last| self.forgotten + last as u64 + 1)
    }

    /// What marks the documents that the row had, but for those that were deleted for good.
    fn values(&self) -> BTreeSet<u64> {
        let from = self.revisions.iter().rposition(|known| known.is_hard);
        let kept = self.revisions.iter().skip(from.unwrap_or(0));
        let kept = kept.filter_map(|revision| Some(revision.doc?.v));
        let past = from.is_none().then(|| self.past.iter().copied());
        kept.chain(past.into_iter().flatten()).collect()
    }

    fn forget(&mut self) {
        self.past = Rc::new(self.values());
        self.erased = self.erased();
        let rev = self.rev();
        let Some(mut last) = self.revisions.pop() else {
            return;
        };
        last.by = None;
        self.forgotten = rev - 1;
        self.revisions = vec![last];
    }

    /// Whether a history may say so.
    fn has_past(&self, told: &[Told]) -> bool {
        let is_newest = told.first().is_some_and(|first| first.rev == self.rev());
        let is_known = |told: &Told| match self.revision(told.rev) {
            Some(revision) => revision.is(told),
            // Nobody knows any more.
            None => true,
        };
        // Nothing is told of what was deleted for good, but that there were deletions.
        let is_kept = |told: &Told| {
            told.rev >= self.erased()
                || matches!(told.content, Content::Deleted | Content::DeletedForGood)
        };
        is_newest && told.iter().all(|told| is_kept(told) && is_known(told))
    }
}
