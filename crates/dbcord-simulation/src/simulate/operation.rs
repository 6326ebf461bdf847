//! What clients ask for.

use super::doc::{Doc, Field, Name};
use super::place::{Cell, TABLES, has_rules};
use super::query::{Filter, Query, Via};
use super::rules::{INDEXES, Schema, Validate};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    Insert,
    Upsert,
    Replace,
}

/// What an update changes; the rest stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Patch {
    pub v: u64,
    pub balance: Option<i64>,
    pub edit: Option<Edit>,
}

/// What an update does to a field of a row with rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Edit {
    pub name: Name,
    pub to: To,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum To {
    Set(Field),
    Unset,
    /// So much more.
    Inc(i16),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    Put(Mode, Doc),
    Patch(Patch),
    Delete {
        /// No copy is to remain.
        is_hard: bool,
    },
    /// Back to the document of that revision.
    Restore(u64),
}

/// A change of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Change {
    pub cell: Cell,
    pub action: Action,
    pub if_rev: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Command {
    Get(Cell),
    Change(Change),
    /// All or nothing.
    Transact(Vec<Change>),
    /// The revisions that a row had.
    Past(Cell),
    Create {
        table: u8,
        /// Whether its rows are shown as messages.
        is_shown: bool,
    },
    Rename {
        table: u8,
        to: u8,
    },
    Drop(u8),
    /// A question about the rows of a table.
    Ask {
        table: u8,
        query: Query,
    },
    /// The same, of rows that do not come from memory as a matter of course: answers may be out of date, and
    /// nothing follows from them.
    AskElsewhere {
        table: u8,
        via: Via,
        query: Query,
    },
    /// All rows that match are changed, or none.
    Many {
        table: u8,
        filter: Filter,
        /// None to delete them.
        edit: Option<Edit>,
        /// How many they have to be.
        expect: Option<usize>,
    },
    SetSchema {
        table: u8,
        /// None to take it away.
        schema: Option<Schema>,
        validate: Validate,
    },
    ShowSchema(u8),
    /// An index is made: one of [`INDEXES`].
    MakeIndex {
        table: u8,
        index: u8,
    },
    DropIndex {
        table: u8,
        index: u8,
    },
}

impl Command {
    /// The rows that it is about: all that a table can have, where it is about the table. A change of a row
    /// with rules is about all such rows.
    pub fn cells(&self) -> Vec<Cell> {
        let of_change = |change: &Change| {
            let cell = change.cell;
            let others = Cell::with_rules().filter(move |_| has_rules(cell.table));
            std::iter::once(cell).chain(others.filter(move |other| *other != cell))
        };
        match self {
            Command::Get(cell) | Command::Past(cell) => vec![*cell],
            Command::Change(change) => of_change(change).collect(),
            Command::Transact(changes) => changes.iter().flat_map(of_change).collect(),
            Command::Create { table, .. } | Command::Drop(table) | Command::ShowSchema(table) => {
                Cell::of_table(*table).collect()
            }
            Command::Rename { table, to } => {
                Cell::of_table(*table).chain(Cell::of_table(*to)).collect()
            }
            Command::Ask { table, query } | Command::AskElsewhere { table, query, .. } => {
                query.cells(*table)
            }
            Command::Many { table, .. } => {
                let others = Cell::with_rules().filter(|_| has_rules(*table));
                Cell::of_table(*table).chain(others).collect()
            }
            Command::SetSchema { .. } | Command::MakeIndex { .. } | Command::DropIndex { .. } => {
                Cell::with_rules().collect()
            }
        }
    }

    pub fn changes(&self) -> &[Change] {
        match self {
            Command::Change(change) => std::slice::from_ref(change),
            Command::Transact(changes) => changes,
            _ => &[],
        }
    }

    pub fn is_read(&self) -> bool {
        matches!(
            self,
            Command::Get(_)
                | Command::Past(_)
                | Command::Ask { .. }
                | Command::AskElsewhere { .. }
                | Command::ShowSchema(_)
        )
    }
}

impl std::fmt::Display for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Command::Get(cell) => write!(f, "get {cell}"),
            Command::Change(change) => write!(f, "{change}"),
            Command::Transact(changes) => {
                f.write_str("transact [")?;
                for (index, change) in changes.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{change}")?;
                }
                f.write_str("]")
            }
            Command::Past(cell) => write!(f, "history of {cell}"),
            Command::Create { table, is_shown } => {
                let shown = if *is_shown { "" } else { ", not shown" };
                write!(f, "create table {}{shown}", TABLES[usize::from(*table)])
            }
            Command::Rename { table, to } => {
                let (table, to) = (TABLES[usize::from(*table)], TABLES[usize::from(*to)]);
                write!(f, "rename table {table} to {to}")
            }
            Command::Drop(table) => write!(f, "drop table {}", TABLES[usize::from(*table)]),
            Command::Ask { table, query } => {
                write!(f, "in {}: {query}", TABLES[usize::from(*table)])
            }
            Command::AskElsewhere { table, via, query } => {
                let (table, via) = (TABLES[usize::from(*table)], via.text());
                write!(f, "in {table}, via {via}: {query}")
            }
            Command::Many {
                table,
                filter,
                edit,
                expect,
            } => {
                let table = TABLES[usize::from(*table)];
                match edit {
                    Some(edit) => write!(f, "of {table}, update{edit}")?,
                    None => write!(f, "of {table}, delete")?,
                }
                write!(f, " all with {}", filter.json())?;
                match expect {
                    Some(expect) => write!(f, ", which are {expect}"),
                    None => Ok(()),
                }
            }
            Command::SetSchema {
                table,
                schema,
                validate,
            } => {
                let table = TABLES[usize::from(*table)];
                match schema {
                    Some(schema) => {
                        let validate = validate.text();
                        write!(f, "schema of {table}, {validate}: {}", schema.json())
                    }
                    None => write!(f, "no schema for {table}"),
                }
            }
            Command::ShowSchema(table) => write!(f, "schema of {}", TABLES[usize::from(*table)]),
            Command::MakeIndex { table, index } => {
                let (table, index) = (TABLES[usize::from(*table)], &INDEXES[usize::from(*index)]);
                write!(f, "index of {table} over {index}")
            }
            Command::DropIndex { table, index } => {
                let (table, index) = (TABLES[usize::from(*table)], &INDEXES[usize::from(*index)]);
                write!(f, "drop the index of {table} over {index}")
            }
        }
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let cell = self.cell;
        match self.action {
            Action::Put(mode, doc) => {
                let (v, pad) = (doc.v, doc.pad);
                write!(f, "{} {cell} v={v} padded by {pad}", mode.name())?;
                if has_rules(cell.table) {
                    let short = Doc { pad: 0, ..doc };
                    write!(f, " {}", short.json(cell.key()))?;
                }
            }
            Action::Patch(patch) => {
                write!(f, "update {cell} v={}", patch.v)?;
                patch.edit.map_or(Ok(()), |edit| write!(f, "{edit}"))?;
            }
            Action::Delete { is_hard: false } => write!(f, "delete {cell}")?,
            Action::Delete { is_hard: true } => write!(f, "delete {cell} for good")?,
            Action::Restore(rev) => write!(f, "restore {cell} to revision {rev}")?,
        }
        match self.if_rev {
            Some(rev) => write!(f, " if revision {rev}"),
            None => Ok(()),
        }
    }
}

impl std::fmt::Display for Edit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = self.name.text();
        match self.to {
            To::Set(field) => {
                let value = field.json().unwrap_or_default();
                write!(f, " {name}={value}")
            }
            To::Unset => write!(f, " without {name}"),
            To::Inc(by) => write!(f, " {name}+={by}"),
        }
    }
}

impl Mode {
    pub fn name(self) -> &'static str {
        match self {
            Mode::Insert => "insert",
            Mode::Upsert => "upsert",
            Mode::Replace => "replace",
        }
    }
}

impl Action {
    /// What marks the document that it makes, if it makes one of its own.
    pub fn value(&self) -> Option<u64> {
        match self {
            Action::Put(_, doc) => Some(doc.v),
            Action::Patch(patch) => Some(patch.v),
            Action::Delete { .. } | Action::Restore(_) => None,
        }
    }
}
