//! Tables, and the rows that they can have.

pub const DATABASE: &str = "prod";
pub const TABLES: [&str; 6] = ["users", "orders", "teams", "members", "drafts", "notes"];
/// The first ones have accounts.
pub const BANKS: u8 = 2;
/// Those after them have schemas, references and indexes that change.
pub const TEAMS: u8 = 2;
pub const MEMBERS: u8 = 3;
/// So many of the tables are there all the time; the others come and go, and change names.
pub const LASTING: u8 = 4;
/// So many keys are used in those that come and go.
const PASSING_KEYS: u8 = 2;
/// The last two are accounts, in tables that have them: nothing but transfers changes them.
pub const KEYS: [&str; 7] = ["a", "b", "c", "d", "e", "x", "y"];
pub const ACCOUNTS: usize = 2;
/// What each account has in the beginning.
pub const BALANCE: i64 = 100;
/// The keys of teams, which members name.
const NUMBERS: [&str; 3] = ["1", "2", "3"];
const MEMBER_KEYS: u8 = 4;

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
        let keys = match table {
            TEAMS => NUMBERS.len() as u8,
            MEMBERS => MEMBER_KEYS,
            table if is_passing(table) => PASSING_KEYS,
            _ => KEYS.len() as u8,
        };
        (0..keys).map(move |key| Cell { table, key })
    }

    /// Of all tables with rules.
    pub fn with_rules() -> impl Iterator<Item = Cell> {
        [TEAMS, MEMBERS].into_iter().flat_map(Cell::of_table)
    }

    pub fn is_account(self) -> bool {
        self.table < BANKS && usize::from(self.key) >= KEYS.len() - ACCOUNTS
    }

    pub fn table(self) -> &'static str {
        TABLES[usize::from(self.table)]
    }

    pub fn key(self) -> &'static str {
        match self.table {
            TEAMS => NUMBERS[usize::from(self.key)],
            _ => KEYS[usize::from(self.key)],
        }
    }
}

/// Whether the table comes and goes.
pub fn is_passing(table: u8) -> bool {
    table >= LASTING
}

/// Whether the table has schemas, references and indexes that change: what happens to one of its rows
/// may depend on any other row of these tables.
pub fn has_rules(table: u8) -> bool {
    matches!(table, TEAMS | MEMBERS)
}

/// The field that the table's index is over, where it has one and no other; `v` is never the same in two rows.
pub fn indexed(table: u8) -> &'static str {
    match table {
        1 => "balance",
        _ => "v",
    }
}

impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.table(), self.key())
    }
}
