//! The database as it would be if clients came one after the other.

mod enforce;
mod evaluate;
mod row;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use enforce::Deletion;
pub use evaluate::{sort, values};
use row::Revision;
pub use row::{Row, Signature};

use super::answer::{Answer, Refusal, Shown};
use super::doc::Doc;
use super::linear::Call;
use super::operation::{Action, Change, Command, Edit, Mode, Patch};
use super::place::{Cell, LASTING, has_rules, is_passing};
use super::query::Filter;
use super::rules::{Schema, Validate};
use super::typed::PAST_AT_MOST;

/// A command, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Request {
    /// A Discord user.
    pub user: u64,
    pub command: Command,
}

/// Copies share what is the same in them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Database {
    /// Those that are there.
    pub tables: BTreeMap<u8, Rc<Table>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Table {
    /// Whether its rows are shown as messages; none where nobody was told how it was made.
    pub is_shown: Option<bool>,
    /// By key.
    rows: BTreeMap<u8, Rc<Row>>,
    /// Of its schema; 0 where it never had one.
    version: u64,
    schema: Option<(Schema, Validate)>,
    /// Which of all possible indexes it has, a bit each; where that is not kept track of, none.
    indexes: u8,
}

impl Default for Database {
    fn default() -> Database {
        let lasting = |table| {
            let table_of_rows = Table {
                is_shown: Some(true),
                ..Table::default()
            };
            (table, Rc::new(table_of_rows))
        };
        Database {
            tables: (0..LASTING).map(lasting).collect(),
        }
    }
}

impl Database {
    pub fn invoke(&mut self, request: &Request) -> Answer {
        let by = Some((request.user, request.command.name()));
        let done = match &request.command {
            Command::Get(cell) => return self.read(*cell),
            Command::Past(cell) => return self.past(*cell),
            Command::Ask { table, query } => {
                return match self.answer(*table, query) {
                    Some(found) => Answer::Found(found),
                    None => Answer::Refused(Refusal::NoTable),
                };
            }
            // Nothing follows from it.
            Command::AskElsewhere { .. } => return Answer::Unread,
            Command::ShowSchema(table) => return self.schema(*table),
            Command::Change(change) => self
                .apply(by, std::slice::from_ref(change))
                .map(|()| Some(self.rev(change.cell))),
            Command::Transact(changes) => self.apply(by, changes).map(|()| None),
            Command::Many {
                table,
                filter,
                edit,
                expect,
            } => self
                .apply_to_many(by, (*table, filter), *edit, *expect)
                .map(|matched| Some(matched as u64)),
            Command::SetSchema {
                table,
                schema,
                validate,
            } => self.set_schema(*table, *schema, *validate).map(Some),
            Command::MakeIndex { table, index } => self.make_index(*table, *index).map(|()| None),
            Command::DropIndex { table, index } => self.drop_index(*table, *index).map(|()| None),
            Command::Create { .. } | Command::Rename { .. } | Command::Drop(_) => {
                self.change_table(&request.command)
            }
        };
        match done {
            Ok(told) => Answer::Done(told),
            Err(refusal) => Answer::Refused(refusal),
        }
    }

    fn change_table(&mut self, command: &Command) -> Result<Option<u64>, Refusal> {
        match command {
            Command::Create { table, is_shown } => {
                if self.tables.contains_key(table) {
                    return Err(Refusal::TableTaken);
                }
                let created = Table {
                    is_shown: Some(*is_shown),
                    ..Table::default()
                };
                self.tables.insert(*table, Rc::new(created));
                Ok(None)
            }
            Command::Rename { table, to } => match self.tables.get(table) {
                None => Err(Refusal::NoTable),
                Some(_) if self.tables.contains_key(to) => Err(Refusal::TableTaken),
                Some(_) => {
                    let renamed = self.tables.remove(table).unwrap_or_default();
                    self.tables.insert(*to, renamed);
                    Ok(None)
                }
            },
            Command::Drop(table) => {
                let dropped = self.tables.remove(table).ok_or(Refusal::NoTable)?;
                let rows = dropped.rows.values();
                let there = rows.filter(|row| row.current().is_some());
                Ok(Some(there.count() as u64))
            }
            _ => Ok(None),
        }
    }

    /// Carries a command out; whether that may be its answer.
    pub fn answers(&mut self, request: &Request, answer: &Answer) -> bool {
        if let (Command::Past(cell), Answer::Past(told)) = (&request.command, answer) {
            return self.row(*cell).is_some_and(|row| row.has_past(told));
        }
        if let (
            Command::SetSchema {
                table,
                schema,
                validate,
            },
            Answer::Refused(Refusal::AsBefore),
        ) = (&request.command, answer)
        {
            // Two who set the same at once may both be told that they did.
            let current = self.tables.get(table).and_then(|table| table.schema);
            return current == schema.map(|schema| (schema, *validate));
        }
        let actual = self.invoke(request);
        match (&actual, answer) {
            (Answer::Found(found), Answer::Found(told)) => found.is_told_as(told),
            // Which of several rows is in the way is a matter of their order.
            (
                Answer::Refused(Refusal::Kept | Refusal::Clash),
                Answer::Refused(Refusal::Kept | Refusal::Clash),
            ) => true,
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
        let row = self.tables.get(&cell.table)?.rows.get(&cell.key)?;
        Some(row)
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
        for (request, answer) in order {
            // Who was refused changed nothing, and who was told that it is so already neither.
            if request.command.is_read() || matches!(answer, Answer::Refused(_)) {
                continue;
            }
            let cells = request.command.cells();
            let was_gone = |cell: &Cell| self.is_gone_for_good(*cell);
            let before = cells.iter().filter(|cell| !was_gone(cell));
            let before: Vec<(Cell, BTreeSet<u64>)> = before
                .map(|cell| (*cell, self.row(*cell).map(Row::values).unwrap_or_default()))
                .collect();
            if matches!(self.invoke(&request), Answer::Done(_)) {
                let erased = before.into_iter();
                let erased = erased.filter(|(cell, _)| self.is_gone_for_good(*cell));
                effects.push((request, erased.flat_map(|(_, values)| values).collect()));
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
                Rc::make_mut(table).is_shown = None;
            }
        }
    }

    /// Forgets how rows got where they are.
    pub fn forget(&mut self) {
        let tables = self.tables.values_mut();
        for row in tables.flat_map(|table| Rc::make_mut(table).rows.values_mut()) {
            Rc::make_mut(row).forget();
        }
    }

    /// What can be answered to whoever asks for the row's past, in short.
    fn past(&self, cell: Cell) -> Answer {
        match self.row(cell) {
            _ if !self.tables.contains_key(&cell.table) => Answer::Refused(Refusal::NoTable),
            None => Answer::Absent(0),
            Some(_) => Answer::Past(Vec::new()),
        }
    }

    fn schema(&self, table: u8) -> Answer {
        let Some(found) = self.tables.get(&table) else {
            return Answer::Refused(Refusal::NoTable);
        };
        let shown = |(schema, validate): (Schema, Validate)| {
            let validate = validate.text().to_owned();
            (schema.json(), validate)
        };
        Answer::Schema(Shown {
            version: found.version,
            schema: found.schema.map(shown),
        })
    }

    fn table_mut(&mut self, table: u8) -> &mut Table {
        Rc::make_mut(self.tables.entry(table).or_default())
    }

    fn push(&mut self, cell: Cell, revision: Revision) {
        let row = self.table_mut(cell.table).rows.entry(cell.key).or_default();
        Rc::make_mut(row).push(revision);
    }

    /// All or nothing.
    pub fn apply(&mut self, by: Signature, changes: &[Change]) -> Result<(), Refusal> {
        let before = self.clone();
        self.carry(by, changes).inspect_err(|_| *self = before)
    }

    fn carry(&mut self, by: Signature, changes: &[Change]) -> Result<(), Refusal> {
        // Deletions that follow one another are one.
        let mut deletion = Deletion::default();
        for change in changes {
            if !matches!(change.action, Action::Delete { .. }) {
                self.finish_deletion(by, &mut deletion)?;
            }
            self.apply_one(by, change, &mut deletion)?;
        }
        self.finish_deletion(by, &mut deletion)?;
        self.check_unique()
    }

    /// What matches is changed, row by row in the order of their keys; how many that were.
    fn apply_to_many(
        &mut self,
        by: Signature,
        (table, filter): (u8, &Filter),
        edit: Option<Edit>,
        expect: Option<usize>,
    ) -> Result<usize, Refusal> {
        if !self.tables.contains_key(&table) {
            return Err(Refusal::NoTable);
        }
        let rows = self.matching(table, filter);
        if expect.is_some_and(|expect| expect != rows.len()) {
            return Err(Refusal::OtherNumber);
        }
        let before = self.clone();
        let mut deletion = Deletion::default();
        let change = |(cell, mut doc): (Cell, Doc)| match edit {
            None => {
                self.delete(by, cell, false, &mut deletion);
                Ok(())
            }
            Some(edit) => {
                doc.edit(edit)?;
                self.store(by, cell, doc, true)
            }
        };
        let matched = rows.len();
        let changed = rows.into_iter().try_for_each(change);
        changed
            .and_then(|()| self.finish_deletion(by, &mut deletion))
            .and_then(|()| self.check_unique())
            .inspect_err(|_| *self = before)
            .map(|()| matched)
    }

    fn apply_one(
        &mut self,
        by: Signature,
        change: &Change,
        deletion: &mut Deletion,
    ) -> Result<(), Refusal> {
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
        match change.action {
            Action::Put(_, doc) => self.store(by, cell, doc, true),
            Action::Delete { is_hard } => {
                self.delete(by, cell, is_hard, deletion);
                Ok(())
            }
            Action::Restore(to) if to == rev && current.is_some() => Err(Refusal::SameRevision),
            Action::Restore(to) => {
                // A deletion has no document to go back to, and there is no way past one for good.
                let earlier = self.row(cell).and_then(|row| row.document(to));
                self.store(by, cell, earlier.ok_or(Refusal::Missing)?, false)
            }
            Action::Patch(patch) => {
                let doc = patch.of(current.ok_or(Refusal::Missing)?)?;
                self.store(by, cell, doc, true)
            }
        }
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

impl Patch {
    /// What it makes of a document.
    fn of(self, doc: Doc) -> Result<Doc, Refusal> {
        let mut patched = Doc {
            v: self.v,
            balance: self.balance.unwrap_or(doc.balance),
            ..doc
        };
        self.edit.map_or(Ok(()), |edit| patched.edit(edit))?;
        Ok(patched)
    }
}
