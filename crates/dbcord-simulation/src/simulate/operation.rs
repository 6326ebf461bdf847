//! What clients ask for.

use serde_json::{Value, json};

pub const DATABASE: &str = "prod";
pub const TABLES: [&str; 4] = ["users", "orders", "drafts", "notes"];
/// The field that an index of each is over, if it has one; `v` is never the same in two rows.
pub const INDEXED: [&str; 4] = ["v", "balance", "v", "v"];
/// So many of the tables are there all the time; the others come and go, and change names.
pub const LASTING: u8 = 2;
/// So many keys are used in those that come and go.
const PASSING_KEYS: u8 = 2;
/// The last two are accounts, in tables that last: nothing but transfers changes them.
pub const KEYS: [&str; 7] = ["a", "b", "c", "d", "e", "x", "y"];
pub const ACCOUNTS: usize = 2;
/// What each account has in the beginning.
pub const BALANCE: i64 = 100;

/// A row's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    pub table: u8,
    pub key: u8,
}

impl Cell {
    pub fn all() -> impl Iterator<Item = Cell> {
        (0..TABLES.len() as u8).flat_map(Cell::of_table)
    }

    pub fn of_table(table: u8) -> impl Iterator<Item = Cell> {
        let keys = if is_passing(table) {
            PASSING_KEYS
        } else {
            KEYS.len() as u8
        };
        (0..keys).map(move |key| Cell { table, key })
    }

    pub fn is_account(self) -> bool {
        !is_passing(self.table) && usize::from(self.key) >= KEYS.len() - ACCOUNTS
    }

    pub fn table(self) -> &'static str {
        TABLES[usize::from(self.table)]
    }

    pub fn key(self) -> &'static str {
        KEYS[usize::from(self.key)]
    }
}

/// Whether the table comes and goes.
pub fn is_passing(table: u8) -> bool {
    table >= LASTING
}

impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.table(), self.key())
    }
}

/// A document, as far as it differs from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Doc {
    /// Unique to the write that made it.
    pub v: u64,
    pub balance: i64,
    /// Characters of padding: what decides in which part of a message it goes.
    pub pad: u32,
}

/// Padding from here on is of letters that have nothing to do with each other.
const LARGE: u32 = 900;

fn ideograph(place: u32) -> char {
    let mixed = place.wrapping_add(1).wrapping_mul(0x9e37_79b9);
    let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x85eb_ca6b);
    char::from_u32(0x4e00 + (mixed >> 13) % 0x5000).unwrap_or('一')
}

impl Doc {
    pub fn json(self, key: &str) -> Value {
        let pad = match self.pad {
            // A back-tick takes six characters in a message, so that padding reaches every tier.
            0..LARGE => "`".repeat(self.pad as usize),
            // Packing makes these little smaller, so that text takes several messages.
            LARGE.. => (0..self.pad).map(ideograph).collect(),
        };
        json!({"id": key, "v": self.v, "balance": self.balance, "pad": pad})
    }

    /// None when it is not a document of this key, whole.
    pub fn parse(key: &str, text: &str) -> Option<Doc> {
        let value: Value = serde_json::from_str(text).ok()?;
        let doc = Doc {
            v: value["v"].as_u64()?,
            balance: value["balance"].as_i64()?,
            pad: u32::try_from(value["pad"].as_str()?.chars().count()).ok()?,
        };
        (value == doc.json(key)).then_some(doc)
    }
}

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
}

impl Command {
    /// The rows that it is about: all that a table can have, where it is about the table.
    pub fn cells(&self) -> Vec<Cell> {
        match self {
            Command::Get(cell) | Command::Past(cell) => vec![*cell],
            Command::Change(change) => vec![change.cell],
            Command::Transact(changes) => changes.iter().map(|change| change.cell).collect(),
            Command::Create { table, .. } | Command::Drop(table) => {
                Cell::of_table(*table).collect()
            }
            Command::Rename { table, to } => {
                Cell::of_table(*table).chain(Cell::of_table(*to)).collect()
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
        matches!(self, Command::Get(_) | Command::Past(_))
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
            }
            Action::Patch(patch) => write!(f, "update {cell} v={}", patch.v)?,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_whole_or_not_at_all() {
        let doc = Doc {
            v: 7,
            balance: -3,
            pad: 2,
        };
        let text = doc.json("a").to_string();
        assert_eq!(Doc::parse("a", &text), Some(doc));
        assert_eq!(Doc::parse("b", &text), None);
        assert_eq!(Doc::parse("a", &text.replace("``", "`x")), None);
    }
}
