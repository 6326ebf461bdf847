//! `include`: rows in the place of the keys that name them.

use crate::engine::query::{Json, Kind};
use crate::engine::schema::Reference;
use crate::engine::state::{State, Table};
use crate::error::{Error, ErrorKind, Result};
use crate::text::{inline, near_or_known};

const OPTION: &str = "include";
/// References that may be followed, one after the other.
const DEPTH: usize = 2;
/// References in one question.
const REFERENCES: usize = 20;
/// What all rows of an answer may be with what is included (our own rule: they are in memory twice).
const BYTES: usize = 16 * 1024 * 1024;

/// Which references are to be followed, as a tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Include(Vec<Branch>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Branch {
    field: String,
    inner: Vec<Branch>,
}

/// The same as the schemas have it now.
#[derive(Debug)]
pub struct Join {
    reference: Reference,
    /// The id of the table whose rows are included.
    pub table: u32,
    pub inner: Vec<Join>,
}

impl Include {
    /// Reads `author,author.team`.
    ///
    /// # Errors
    /// What is no list of fields, or leads too far.
    pub fn parse(text: &str) -> Result<Include> {
        let mut tree = Vec::new();
        for (number, path) in text.split(',').map(str::trim).enumerate() {
            let names: Vec<&str> = path.split('.').collect();
            let refused = |why: &str| {
                let message = format!("`{}` {why}", inline(path));
                Err(Error::invalid(OPTION, message).hint("Like `author`, or `author,author.team`."))
            };
            if names.iter().any(|name| name.is_empty()) {
                return refused("is no field.");
            }
            if names.len() > DEPTH {
                return refused(
                    "leads too far: a reference of an included row is followed, not those of that one.",
                );
            }
            if number == REFERENCES {
                return refused("is one too many: at most 20 references are followed.");
            }
            add(&mut tree, &names);
        }
        Ok(Include(tree))
    }

    /// Looks the references up in the schemas.
    ///
    /// # Errors
    /// A field that is no reference, with the nearest that is.
    pub fn resolve(&self, state: &State, table: &Table) -> Result<Vec<Join>> {
        joins(&self.0, state, table)
    }
}

/// Adds a path to a tree, unless it is there.
fn add(branches: &mut Vec<Branch>, names: &[&str]) {
    let Some((first, rest)) = names.split_first() else {
        return;
    };
    match branches.iter_mut().find(|branch| branch.field == *first) {
        Some(known) => add(&mut known.inner, rest),
        None => {
            let mut inner = Vec::new();
            add(&mut inner, rest);
            branches.push(Branch {
                field: (*first).to_owned(),
                inner,
            });
        }
    }
}

/// At most [`DEPTH`] deep.
fn joins(branches: &[Branch], state: &State, table: &Table) -> Result<Vec<Join>> {
    if branches.is_empty() {
        return Ok(Vec::new());
    }
    let bound = table.schema.bound(&table.pk)?;
    let references = bound.map_or(&[][..], |bound| &bound.references);
    let join = |branch: &Branch| {
        let mut found = references.iter();
        let found = found.find(|(reference, _)| reference.field == branch.field);
        let (reference, id) = found.ok_or_else(|| no_reference(&branch.field, references))?;
        let inner = match state.table_by_id(*id) {
            Some((_, named)) => joins(&branch.inner, state, named)?,
            None => Vec::new(),
        };
        Ok(Join {
            reference: reference.clone(),
            table: *id,
            inner,
        })
    };
    branches.iter().map(join).collect()
}

fn no_reference(field: &str, references: &[(Reference, u32)]) -> Error {
    let message = format!(
        "`{}` is no reference in the schema of its table.",
        inline(field)
    );
    let known = references.iter().map(|(reference, _)| &*reference.field);
    let known: Vec<&str> = known.collect();
    let none = || {
        "It has none: `/dbc_schema_set` makes one of a property, by `{\"ref\":\"users\"}`."
            .to_owned()
    };
    let hint = near_or_known(field, &known).unwrap_or_else(none);
    Error::invalid(OPTION, message).hint(hint)
}

/// The tables that joins lead to, by id.
pub fn tables(joins: &[Join], found: &mut Vec<u32>) {
    for join in joins {
        found.push(join.table);
        tables(&join.inner, found);
    }
}

/// Writes rows with what they name.
#[derive(Debug)]
pub struct Joined<'a> {
    state: &'a State,
    /// How many bytes may still be written.
    left: usize,
    /// Rows that were looked up.
    pub examined: usize,
}

impl<'a> Joined<'a> {
    pub fn new(state: &'a State) -> Self {
        Joined {
            state,
            left: BYTES,
            examined: 0,
        }
    }

    /// A row, with the rows that it names in the place of their keys, and `null` for those that are
    /// not there.
    ///
    /// # Errors
    /// When all rows so far are too much.
    pub fn row(&mut self, joins: &[Join], doc: &str) -> Result<String> {
        let mut out = String::new();
        self.document(joins, doc, &mut out)?;
        Ok(out)
    }

    fn document(&mut self, joins: &[Join], doc: &str, out: &mut String) -> Result<()> {
        if joins.is_empty() {
            return self.write(doc, out);
        }
        let mut before = "{\"";
        for (name, value) in Json::new(doc).fields() {
            self.write(before, out)?;
            before = ",\"";
            self.write(name.raw(), out)?;
            self.write("\":", out)?;
            let join = joins.iter().find(|join| name.eq_str(&join.reference.field));
            match join {
                Some(join) if join.reference.is_list && value.kind() == Kind::Array => {
                    let mut before = "[";
                    for item in value.items() {
                        self.write(before, out)?;
                        before = ",";
                        self.named(join, item, out)?;
                    }
                    self.write(if before == "[" { "[]" } else { "]" }, out)?;
                }
                Some(join) if !join.reference.is_list => self.named(join, value, out)?,
                _ => self.write(value.text(), out)?,
            }
        }
        self.write(if before == "{\"" { "{}" } else { "}" }, out)
    }

    /// The row that a value names; what names none stays as it is.
    fn named(&mut self, join: &Join, value: Json<'_>, out: &mut String) -> Result<()> {
        let key = match value.kind() {
            Kind::String | Kind::Number => join.reference.item_key(&value.to_value()),
            _ => None,
        };
        let Some(key) = key else {
            return self.write(value.text(), out);
        };
        self.examined += 1;
        let table = self.state.table_by_id(join.table);
        let row = table.and_then(|(_, table)| table.rows.get(&key));
        match row.and_then(|row| row.doc.as_deref()) {
            Some(doc) => self.document(&join.inner, doc, out),
            None => self.write("null", out),
        }
    }

    fn write(&mut self, text: &str, out: &mut String) -> Result<()> {
        let too_large = || {
            let message = format!(
                "the rows with what they name would be more than {} MiB.",
                BYTES >> 20
            );
            Error::new(ErrorKind::TooLarge, message)
                .option(OPTION)
                .hint("Ask for less at once, by `limit`.")
        };
        self.left = self.left.checked_sub(text.len()).ok_or_else(too_large)?;
        out.push_str(text);
        Ok(())
    }
}
