//! Writes that are being put together for one commit: each is validated against the state plus the
//! ones before it, and taken back alone when it is refused.

mod indexes;
mod references;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use self::references::Naming;
use super::{State, Table, TableSchema, Version};
use crate::engine::digest::{RowSum, TableSum};
use crate::engine::index::Definition;
use crate::engine::log::{CommitId, Op, codec};
use crate::error::{Error, ErrorKind, Result};
use crate::host::UnixMillis;
use crate::limits::COMMIT_BYTES;
use crate::text::{inline, near_or_known};

/// The state as it will be once the ops so far are committed.
pub struct Batch<'a> {
    database: &'a str,
    base: &'a State,
    /// When the writes are evaluated: the time of their record.
    at: UnixMillis,
    /// Tables that the ops touched; none for a name that no longer has a table.
    tables: BTreeMap<String, Option<TableView>>,
    /// Rows that the ops wrote, by table id and key.
    rows: BTreeMap<(u32, String), StagedRow>,
    /// Indexes that the ops made, or none where they dropped one, by id.
    indexes: BTreeMap<u32, Option<(u32, Rc<Definition>)>>,
    /// Values of unique indexes that ops gave rows, and by which op, or took from them.
    values: BTreeMap<HeldValue, Option<usize>>,
    /// What rows name: those of tables that were asked for, and all that ops wrote.
    naming: Naming<'a>,
    /// Tables whose rows in the state are in `naming`.
    is_read: BTreeSet<u32>,
    last_table_id: u32,
    is_dropped: bool,
    ops: Vec<Op>,
    /// About how long the ops are as JSON.
    bytes: usize,
    /// Where the write begins that is being added.
    began: Savepoint,
    undo: Vec<Undo>,
}

/// A table as a write sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableView {
    pub id: u32,
    pub name: String,
    pub pk: String,
    pub mirror: bool,
    pub schema: TableSchema,
    pub sum: TableSum,
}

/// A row as a write sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowView<'a> {
    pub rev: u64,
    /// None in a tombstone.
    pub doc: Option<&'a str>,
    /// Deleted, and no copy of it is to remain anywhere.
    pub hard: bool,
}

#[derive(Debug, Clone)]
struct StagedRow {
    rev: u64,
    doc: Option<Box<str>>,
    hard: bool,
    /// Which op it is of.
    op: usize,
}

/// An index, a value in it, and the row that has it.
type HeldValue = (u32, Vec<u8>, String);

/// What a step of staging replaced.
enum Undo {
    Table(String, Option<Option<TableView>>),
    Row((u32, String), Option<StagedRow>),
    Index(u32, Option<Option<(u32, Rc<Definition>)>>),
    Value(HeldValue, Option<Option<usize>>),
    LastTableId(u32),
    Dropped,
}

/// A point that a batch can be taken back to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Savepoint {
    ops: usize,
    bytes: usize,
    undo: usize,
}

impl<'a> Batch<'a> {
    pub fn new(database: &'a str, base: &'a State, at: UnixMillis) -> Self {
        Batch {
            database,
            base,
            at,
            tables: BTreeMap::new(),
            rows: BTreeMap::new(),
            indexes: BTreeMap::new(),
            values: BTreeMap::new(),
            naming: Naming::default(),
            is_read: BTreeSet::new(),
            last_table_id: base.last_table_id,
            is_dropped: base.is_dropped,
            ops: Vec::new(),
            bytes: 0,
            began: Savepoint::default(),
            undo: Vec::new(),
        }
    }

    pub fn database(&self) -> &str {
        self.database
    }

    /// The time that all writes in it share, whatever a clock says meanwhile.
    pub fn at(&self) -> UnixMillis {
        self.at
    }

    /// About how many bytes of JSON the ops so far are.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many ops there are so far.
    pub fn op_count(&self) -> usize {
        self.ops.len()
    }

    /// How many ops were added since.
    pub fn ops_since(&self, savepoint: Savepoint) -> usize {
        self.ops.len().saturating_sub(savepoint.ops)
    }

    /// Whether what was added since is about tables and the rest about rows, or the other way round.
    /// The two do not go into one record: that of a row may have to go for good, and whoever follows
    /// the log back must still learn what tables were called.
    pub fn is_mixed_since(&self, savepoint: Savepoint) -> bool {
        let is_of_row = |op: &Op| op.row().is_some();
        let before = self.ops.get(..savepoint.ops).and_then(<[Op]>::last);
        let since = self.ops.get(savepoint.ops..).and_then(<[Op]>::first);
        before
            .zip(since)
            .is_some_and(|(a, b)| is_of_row(a) != is_of_row(b))
    }

    /// The table of this name.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] with the nearest names.
    pub fn table(&self, name: &str) -> Result<TableView> {
        self.find_table(name)
            .ok_or_else(|| no_such_table(self.database, name, &self.table_names()))
    }

    pub fn find_table(&self, name: &str) -> Option<TableView> {
        match self.tables.get(name) {
            Some(staged) => staged.clone(),
            None => self.base.tables.get(name).map(|table| view(name, table)),
        }
    }

    pub fn table_names(&self) -> Vec<String> {
        let base = self.base.tables.keys();
        let staged = self.tables.iter();
        let mut names: Vec<String> = base
            .filter(|name| !self.tables.contains_key(*name))
            .chain(staged.filter_map(|(name, table)| table.as_ref().map(|_| name)))
            .cloned()
            .collect();
        names.sort_unstable();
        names
    }

    /// A row, or its tombstone. The table must be loaded.
    pub fn row(&self, table: &TableView, key: &str) -> Option<RowView<'_>> {
        if let Some(row) = self.rows.get(&(table.id, key.to_owned())) {
            return Some(RowView {
                rev: row.rev,
                doc: row.doc.as_deref(),
                hard: row.hard,
            });
        }
        let (_, base) = self.base.table_by_id(table.id)?;
        let row = base.rows.get(key)?;
        Some(RowView {
            rev: row.rev,
            doc: row.doc.as_deref(),
            hard: row.hard,
        })
    }

    /// The state before the ops.
    pub fn base(&self) -> &'a State {
        self.base
    }

    /// The table's rows that are not deleted, with their documents, in no order. It must be loaded.
    pub fn documents(&self, table: &TableView) -> impl Iterator<Item = (&str, &str)> {
        let base = self.base.table_by_id(table.id);
        let base = base.into_iter().flat_map(|(_, table)| table.live());
        let base = base.filter(move |(key, ..)| !self.is_staged(table, key));
        let base = base.map(|(key, _, doc)| (key, doc));
        base.chain(self.staged_documents(table))
    }

    /// Those of them that the ops wrote.
    pub fn staged_documents(&self, table: &TableView) -> impl Iterator<Item = (&str, &str)> {
        let id = table.id;
        let staged = self.rows.range((id, String::new())..);
        let staged = staged.take_while(move |((of, _), _)| *of == id);
        staged.filter_map(|((_, key), row)| Some((key.as_str(), row.doc.as_deref()?)))
    }

    /// Whether the ops wrote a row of the table, or deleted it.
    pub fn is_staged(&self, table: &TableView, key: &str) -> bool {
        !self.rows.is_empty() && self.rows.contains_key(&(table.id, key.to_owned()))
    }

    /// An id that no table or index of this database ever had.
    pub fn next_table_id(&self) -> u32 {
        self.last_table_id.saturating_add(1)
    }

    /// Adds an op, which the caller has validated.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] when it names a table that is not there; a conflict once the
    /// database is dropped.
    pub fn push(&mut self, op: Op) -> Result<()> {
        let bytes = self.bytes + op.size();
        // Of this write alone: one that is too large together with others goes into the next record.
        if bytes - self.began.bytes > COMMIT_BYTES {
            return Err(too_large(self.database));
        }
        if self.is_dropped {
            return Err(being_removed(self.database));
        }
        if let Op::Put { key, rev, .. } | Op::Delete { key, rev, .. } = &op
            && *rev > codec::LAST
        {
            return Err(no_revision_left(self.database, key));
        }
        match &op {
            Op::Init { .. } | Op::Takeover { .. } | Op::Checkpoint { .. } | Op::Erased { .. } => {}
            Op::DropDatabase { .. } => {
                self.is_dropped = true;
                self.undo.push(Undo::Dropped);
            }
            Op::CreateTable {
                table,
                id,
                pk,
                mirror,
            } => {
                self.undo.push(Undo::LastTableId(self.last_table_id));
                self.last_table_id = self.last_table_id.max(*id);
                let view = TableView {
                    id: *id,
                    name: table.clone(),
                    pk: pk.clone(),
                    mirror: *mirror,
                    schema: TableSchema::default(),
                    sum: TableSum::default(),
                };
                self.stage_table(table, Some(view));
            }
            Op::RenameTable { table, to } => {
                let mut view = self.table(table)?;
                view.name.clone_from(to);
                self.stage_table(table, None);
                self.stage_table(to, Some(view));
            }
            Op::DropTable { table } => {
                self.table(table)?;
                self.stage_table(table, None);
            }
            Op::CreateIndex {
                table,
                id,
                fields,
                unique,
                sparse,
            } => {
                let of = self.table(table)?.id;
                self.undo.push(Undo::LastTableId(self.last_table_id));
                self.last_table_id = self.last_table_id.max(*id);
                let definition = Definition::of(fields, *unique, *sparse);
                self.stage_index(*id, definition.map(|definition| (of, Rc::new(definition))));
            }
            Op::DropIndex { table, id } => {
                self.table(table)?;
                self.stage_index(*id, None);
            }
            Op::SetSchema { table, .. } => {
                let mut view = self.table(table)?;
                // Where it will stand is known once it is committed.
                if let Some(version) = Version::of(&op, CommitId::default(), self.at, "") {
                    view.schema = view.schema.with(version);
                }
                self.stage_table(table, Some(view));
                // What rows name is what the schema says that they name.
                self.is_read.clear();
            }
            Op::Put {
                table,
                key,
                rev,
                doc,
            } => {
                let row = StagedRow {
                    rev: *rev,
                    doc: Some(doc.text().into()),
                    hard: false,
                    op: self.ops.len(),
                };
                self.stage_row(table, key, row)?;
            }
            Op::Delete {
                table,
                key,
                rev,
                hard,
            } => {
                let row = StagedRow {
                    rev: *rev,
                    doc: None,
                    hard: *hard,
                    op: self.ops.len(),
                };
                self.stage_row(table, key, row)?;
            }
        }
        self.ops.push(op);
        self.bytes = bytes;
        Ok(())
    }

    /// Where a write begins.
    pub fn savepoint(&mut self) -> Savepoint {
        self.began = Savepoint {
            ops: self.ops.len(),
            bytes: self.bytes,
            undo: self.undo.len(),
        };
        self.began
    }

    /// Takes back everything since.
    pub fn roll_back(&mut self, to: Savepoint) {
        self.ops.truncate(to.ops);
        self.bytes = to.bytes;
        while self.undo.len() > to.undo {
            match self.undo.pop() {
                Some(Undo::Table(name, Some(before))) => {
                    self.tables.insert(name, before);
                }
                Some(Undo::Table(name, None)) => {
                    self.tables.remove(&name);
                }
                Some(Undo::Row(key, Some(before))) => {
                    self.rows.insert(key, before);
                }
                Some(Undo::Row(key, None)) => {
                    self.rows.remove(&key);
                }
                Some(Undo::Index(id, Some(before))) => {
                    self.indexes.insert(id, before);
                }
                Some(Undo::Index(id, None)) => {
                    self.indexes.remove(&id);
                }
                Some(Undo::Value(value, Some(before))) => {
                    self.values.insert(value, before);
                }
                Some(Undo::Value(value, None)) => {
                    self.values.remove(&value);
                }
                Some(Undo::LastTableId(before)) => self.last_table_id = before,
                Some(Undo::Dropped) => self.is_dropped = false,
                None => {}
            }
        }
    }

    /// The ops, and what each table that they touched will be.
    pub fn finish(self) -> (Vec<Op>, BTreeMap<String, TableSum>) {
        // Also of tables that were renamed only: their sums then stand under the new name.
        let touched = self.tables.into_iter();
        let sums = touched.filter_map(|(name, table)| Some((name, table?.sum)));
        (self.ops, sums.collect())
    }

    fn stage_table(&mut self, name: &str, table: Option<TableView>) {
        let before = self.tables.insert(name.to_owned(), table);
        self.undo.push(Undo::Table(name.to_owned(), before));
    }

    fn stage_row(&mut self, table: &str, key: &str, row: StagedRow) -> Result<()> {
        let mut view = self.table(table)?;
        self.stage_values(&view, key, row.doc.as_deref())?;
        let before = self.row(&view, key);
        if let Some((rev, doc)) = before.and_then(|row| Some((row.rev, row.doc?))) {
            view.sum.remove(RowSum::of(view.id, key, rev, doc));
        }
        if let Some(doc) = &row.doc {
            self.note_named(&view, key, doc, row.op);
            view.sum.add(RowSum::of(view.id, key, row.rev, doc));
        }
        let place = (view.id, key.to_owned());
        let before = self.rows.insert(place.clone(), row);
        self.undo.push(Undo::Row(place, before));
        self.stage_table(table, Some(view));
        Ok(())
    }
}

fn view(name: &str, table: &Table) -> TableView {
    TableView {
        id: table.id,
        name: name.to_owned(),
        pk: table.pk.clone(),
        mirror: table.mirror,
        schema: table.schema.clone(),
        sum: table.sum,
    }
}

/// A write, or a read, that comes too late.
pub(in crate::engine) fn being_removed(database: &str) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!("database `{database}` was dropped and is being removed."),
    )
    .option("database")
    .hint("When its channels are gone, `/dbc_init` can make a new one of that name.")
}

fn no_revision_left(database: &str, key: &str) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!(
            "row `{}` of database `{database}` has the highest revision that there is.",
            inline(key)
        ),
    )
    .hint("Report this: a record is forged. The row can be inserted under another key.")
}

fn too_large(database: &str) -> Error {
    Error::new(
        ErrorKind::TooLarge,
        format!(
            "database `{database}`: this would write more than {} MiB in one commit.",
            COMMIT_BYTES >> 20
        ),
    )
    .hint("Write less at once.")
}

pub(super) fn no_such_table(database: &str, name: &str, known: &[String]) -> Error {
    let error = Error::new(
        ErrorKind::NotFound,
        format!(
            "there is no table `{}` in database `{database}`.",
            inline(name)
        ),
    )
    .option("table");
    let none =
        || format!("It has no tables yet: `/dbc_table_create database:{database} table:… pk:id`.");
    error.hint(near_or_known(name, known).unwrap_or_else(none))
}
