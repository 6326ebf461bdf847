//! What clients ask for: the operations, how they are typed, and what their replies say.

use discord_sim::{Id, InteractionSpec};
use serde_json::{Map, Value, json};

pub const DATABASE: &str = "prod";
pub const TABLES: [&str; 2] = ["users", "orders"];
/// The last two are accounts: nothing but transfers changes them.
pub const KEYS: [&str; 7] = ["a", "b", "c", "d", "e", "x", "y"];
pub const ACCOUNTS: usize = 2;
/// What each account has in the beginning.
pub const BALANCE: i64 = 100;

/// The longest text of an option.
const OPTION: usize = 6_000;
/// Options whose text can come as a file, too.
const FILES: &[(&str, &str)] = &[("value_json", "value_file"), ("ops_json", "ops_file")];

/// A row's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    pub table: u8,
    pub key: u8,
}

impl Cell {
    pub fn all() -> impl Iterator<Item = Cell> {
        let cells = |table| (0..KEYS.len() as u8).map(move |key| Cell { table, key });
        (0..TABLES.len() as u8).flat_map(cells)
    }

    pub fn is_account(self) -> bool {
        usize::from(self.key) >= KEYS.len() - ACCOUNTS
    }

    pub fn table(self) -> &'static str {
        TABLES[usize::from(self.table)]
    }

    pub fn key(self) -> &'static str {
        KEYS[usize::from(self.key)]
    }
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

impl Doc {
    pub fn json(self, key: &str) -> Value {
        // A back-tick takes six characters in a message, so that padding reaches every tier.
        let pad = "`".repeat(self.pad as usize);
        json!({"id": key, "v": self.v, "balance": self.balance, "pad": pad})
    }

    /// None when it is not a document of this key, whole.
    pub fn parse(key: &str, text: &str) -> Option<Doc> {
        let value: Value = serde_json::from_str(text).ok()?;
        let doc = Doc {
            v: value["v"].as_u64()?,
            balance: value["balance"].as_i64()?,
            pad: u32::try_from(value["pad"].as_str()?.len()).ok()?,
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
    Delete,
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
}

impl Command {
    pub fn cells(&self) -> Vec<Cell> {
        match self {
            Command::Get(cell) => vec![*cell],
            Command::Change(change) => vec![change.cell],
            Command::Transact(changes) => changes.iter().map(|change| change.cell).collect(),
        }
    }

    pub fn changes(&self) -> &[Change] {
        match self {
            Command::Get(_) => &[],
            Command::Change(change) => std::slice::from_ref(change),
            Command::Transact(changes) => changes,
        }
    }

    pub fn spec(&self, guild: Id) -> InteractionSpec {
        let (name, mut options) = self.typed();
        let mut file = None;
        for (option, of_file) in FILES {
            let text = options.get(*option).and_then(Value::as_str);
            if text.is_some_and(|text| self.comes_as_file(text)) {
                file = options.remove(*option);
                options.insert((*of_file).to_owned(), json!("@f"));
            }
        }
        let spec = InteractionSpec::command(guild, name, options);
        match file {
            Some(Value::String(text)) => spec.file("f", text.into_bytes()),
            _ => spec,
        }
    }

    /// What is too long for an option, and some of the rest.
    fn comes_as_file(&self, text: &str) -> bool {
        let first = self.changes().first().map(|change| change.action);
        let is_eighth = matches!(first, Some(Action::Put(_, doc)) if doc.v.is_multiple_of(8));
        text.len() > OPTION || is_eighth
    }

    fn typed(&self) -> (&'static str, Map<String, Value>) {
        let mut options = Map::new();
        let mut option = |name: &str, value: Value| options.insert(name.to_owned(), value);
        option("database", json!(DATABASE));
        let name = match self {
            Command::Get(cell) => {
                option("table", json!(cell.table()));
                option("key", json!(cell.key()));
                "dbc_get"
            }
            Command::Transact(changes) => {
                let ops: Value = changes.iter().map(Change::op).collect();
                option("ops_json", json!(ops.to_string()));
                "dbc_transact"
            }
            Command::Change(change) => {
                option("table", json!(change.cell.table()));
                option("key", json!(change.cell.key()));
                if let Some(rev) = change.if_rev {
                    option("if_rev", json!(rev));
                }
                match change.action {
                    Action::Put(mode, doc) => {
                        option("value_json", json!(doc.json(change.cell.key()).to_string()));
                        if mode != Mode::Insert {
                            option("mode", json!(mode.name()));
                        }
                        "dbc_insert"
                    }
                    Action::Patch(patch) => {
                        option("patch_json", json!(patch.json().to_string()));
                        "dbc_update"
                    }
                    Action::Delete => "dbc_delete",
                    Action::Restore(rev) => {
                        option("rev", json!(rev));
                        "dbc_restore_row"
                    }
                }
            }
        };
        (name, options)
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
            Action::Delete => write!(f, "delete {cell}")?,
            Action::Restore(rev) => write!(f, "restore {cell} to revision {rev}")?,
        }
        match self.if_rev {
            Some(rev) => write!(f, " if revision {rev}"),
            None => Ok(()),
        }
    }
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Mode::Insert => "insert",
            Mode::Upsert => "upsert",
            Mode::Replace => "replace",
        }
    }
}

impl Patch {
    fn json(self) -> Value {
        let mut patch = json!({ "v": self.v });
        if let Some(balance) = self.balance {
            patch["balance"] = json!(balance);
        }
        patch
    }
}

impl Change {
    /// As an element of a transaction's list.
    fn op(&self) -> Value {
        let mut op = json!({"table": self.cell.table(), "key": self.cell.key()});
        match self.action {
            Action::Put(mode, doc) => {
                op["op"] = json!(mode.name());
                op["value"] = doc.json(self.cell.key());
            }
            Action::Patch(patch) => {
                op["op"] = json!("update");
                op["patch"] = patch.json();
            }
            Action::Delete => op["op"] = json!("delete"),
            Action::Restore(_) => unreachable!("no transaction restores a row"),
        }
        if let Some(rev) = self.if_rev {
            op["if_rev"] = json!(rev);
        }
        op
    }
}

/// What a reply lets its reader conclude.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Row {
        rev: u64,
        /// None where the document stands in a file that could not be fetched.
        doc: Option<Doc>,
    },
    /// With the revision of its deletion; 0 where there never was a row.
    Absent(u64),
    /// Committed, with the revision where the reply names it.
    Done(Option<u64>),
    Refused(Refusal),
    /// For sure not written, for a reason that has nothing to do with what is stored.
    NotWritten,
    /// Nobody knows, or nobody said.
    Unknown,
    /// A read that failed.
    Unread,
    /// A reply that must never come.
    Wrong(String),
}

/// Reasons that tell something about the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    Taken,
    Missing,
    OtherRevision,
    /// Back to where it is.
    SameRevision,
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Answer::Row {
                rev,
                doc: Some(doc),
            } => {
                write!(f, "at revision {rev}, v={}, balance {}", doc.v, doc.balance)
            }
            Answer::Row { rev, doc: None } => write!(f, "at revision {rev}"),
            Answer::Absent(rev) => write!(f, "absent since revision {rev}"),
            other => write!(f, "{other:?}"),
        }
    }
}

impl Answer {
    /// Reads a reply; `file` is the document where it stands in a file.
    pub fn read(command: &Command, reply: &str, file: Option<&str>) -> Answer {
        match command {
            Command::Get(cell) => read_row(*cell, reply, file),
            Command::Change(_) | Command::Transact(_) => read_change(reply),
        }
    }
}

fn read_row(cell: Cell, reply: &str, file: Option<&str>) -> Answer {
    if reply.contains("has no row") {
        let deleted = number_after(reply, "It was deleted as of revision ");
        return Answer::Absent(deleted.unwrap_or_default());
    }
    let Some(rev) = number_after(reply, "· rev ") else {
        return Answer::Unread;
    };
    let inline = reply
        .split_once("```json\n")
        .and_then(|(_, rest)| rest.rsplit_once("\n```"))
        .map(|(json, _)| json);
    let Some(text) = inline.or(file) else {
        return Answer::Row { rev, doc: None };
    };
    match Doc::parse(cell.key(), text) {
        Some(doc) => Answer::Row {
            rev,
            doc: Some(doc),
        },
        None => Answer::Wrong(format!(
            "{cell} was read as something that nobody wrote: {text}"
        )),
    }
}

fn read_change(reply: &str) -> Answer {
    let has = |text: &str| reply.contains(text);
    if let (false, Some((told, _))) = (reply.starts_with('❌'), reply.rsplit_once("(commit #")) {
        // A restored row's reply names the revision that it went back to, and then its new one.
        return Answer::Done(number_after_last(told, "revision "));
    }
    if has("had been committed by then")
        || has("was carried out already")
        || has("The write itself is committed")
    {
        return Answer::Done(None);
    }
    if !has("Nothing was written") {
        return Answer::Unknown;
    }
    if has("already (revision") {
        Answer::Refused(Refusal::Taken)
    } else if has("has no row") {
        Answer::Refused(Refusal::Missing)
    } else if has("is at revision") && has(", not ") {
        Answer::Refused(Refusal::OtherRevision)
    } else if has("is at revision") && has(" already.") {
        Answer::Refused(Refusal::SameRevision)
    } else if has("Option `rev`") {
        Answer::Refused(Refusal::Missing)
    } else {
        Answer::NotWritten
    }
}

fn number_after_last(text: &str, before: &str) -> Option<u64> {
    number_after(&text[text.rfind(before)?..], before)
}

fn number_after(text: &str, before: &str) -> Option<u64> {
    let (_, rest) = text.split_once(before)?;
    let digits = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    rest[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CELL: Cell = Cell { table: 0, key: 0 };
    const DOC: Doc = Doc {
        v: 7,
        balance: -3,
        pad: 2,
    };

    #[test]
    fn a_document_is_read_whole_or_not_at_all() {
        let text = DOC.json("a").to_string();
        assert_eq!(Doc::parse("a", &text), Some(DOC));
        assert_eq!(Doc::parse("b", &text), None);
        assert_eq!(Doc::parse("a", &text.replace("``", "`x")), None);
    }

    #[test]
    fn replies_are_understood() {
        let insert = Command::Change(Change {
            cell: CELL,
            action: Action::Put(Mode::Insert, DOC),
            if_rev: None,
        });
        for (reply, answer) in [
            (
                "Stored `a` in `prod.users` as revision 12 (commit #40).",
                Answer::Done(Some(12)),
            ),
            (
                "Restored `a` in `prod.users` to the document of revision 1, as revision 3 (commit #4).",
                Answer::Done(Some(3)),
            ),
            ("Committed 2 operations (commit #10).", Answer::Done(None)),
            (
                "`/dbc_insert` was interrupted. It had been committed by then, as commit #4.",
                Answer::Done(None),
            ),
            (
                "❌ Option `key`: table `users` of database `prod` has a row with key `a` already (revision 3). Nothing was written.",
                Answer::Refused(Refusal::Taken),
            ),
            (
                "❌ Discord is away. Nothing was written. Try again.",
                Answer::NotWritten,
            ),
            (
                "❌ Discord is away. It is not known whether the write was committed.",
                Answer::Unknown,
            ),
            ("no reply: failed", Answer::Unknown),
        ] {
            assert_eq!(Answer::read(&insert, reply, None), answer, "{reply}");
        }
        let get = Command::Get(CELL);
        let row = format!(
            "`a` in `prod.users` · rev 2 · commit #9\n```json\n{}\n```",
            DOC.json("a")
        );
        assert_eq!(
            Answer::read(&get, &row, None),
            Answer::Row {
                rev: 2,
                doc: Some(DOC)
            }
        );
        assert_eq!(
            Answer::read(
                &get,
                "❌ Option `key`: table `users` of database `prod` has no row with key `a`.",
                None
            ),
            Answer::Absent(0)
        );
        assert_eq!(
            Answer::read(
                &get,
                "❌ Table `users` of database `prod` has no row with key `a`. It was deleted as of revision 2. `/dbc_history` shows what it was.",
                None
            ),
            Answer::Absent(2)
        );
        assert_eq!(Answer::read(&get, "❌ Try again.", None), Answer::Unread);
    }
}
