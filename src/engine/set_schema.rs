//! Schemas of tables: setting one, taking it away, and showing what there is.

use serde_json::{Map, Value};

use super::commit::{Committed, Need, Touch};
use super::database::Database;
use super::document::{self, Document};
use super::log::{Op, Origin};
use super::row::references;
use super::schema::Schema;
use super::state::{Batch, Bound, State, TableView, Validate, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::text::{did_you_mean, inline, truncate};

/// Rows that are told of when a schema does not fit what there is.
const TOLD: usize = 5;
/// Characters that are told of each.
const TOLD_CHARS: usize = 200;

/// What a table's schema is to be.
#[derive(Debug, Clone)]
pub struct NewSchema {
    /// None to take it away.
    pub fields: Option<Map<String, Value>>,
    /// The option that it came in.
    pub option: &'static str,
    pub validate: Validate,
    /// The version that must still count then.
    pub if_version: Option<u32>,
}

/// A schema that was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetSchema {
    /// The number of the version that counts now.
    pub version: u32,
    /// Rows that were held against it.
    pub rows: usize,
    pub misfits: Misfits,
}

/// Rows that do not fit a schema.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Misfits {
    pub rows: usize,
    /// The first of them, and what is wrong with them.
    pub first: Vec<String>,
}

/// What became of a wish to set a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Set(Committed<SetSchema>),
    /// It is what counts already: this version, or none at all.
    AsBefore(Option<u32>),
}

/// A schema as people are shown it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownSchema {
    pub version: Version,
    /// Compact JSON, with the names that tables have now; none where it was taken away, or its text is
    /// not kept.
    pub text: Option<String>,
    pub is_current: bool,
    /// All that is remembered, oldest first.
    pub history: Vec<Version>,
}

impl<H: Host> Database<H> {
    /// Sets a table's schema, or takes it away.
    ///
    /// # Errors
    /// What is no schema for this table; when it is to be strict, rows that break it.
    pub async fn set_schema(
        &self,
        origin: &Origin,
        table: &str,
        new: NewSchema,
    ) -> Result<Outcome> {
        let compiled = match &new.fields {
            Some(fields) => Some(Schema::new(new.option, fields)?),
            None => None,
        };
        let mut needs = vec![Need {
            table: table.to_owned(),
            touch: Touch::Rows,
        }];
        for reference in compiled.iter().flat_map(Schema::refs) {
            needs.push(Need {
                table: reference.table.clone(),
                touch: Touch::Rows,
            });
        }
        if new.validate == Validate::Off || compiled.is_none() {
            needs.clear();
        }
        self.confirm_tenure().await?;
        {
            let opened = self.opened()?;
            let batch = Batch::new(&self.name, &opened.state, 0);
            let found = batch.table(table)?;
            if let Some(same) = as_before(&opened.state, &batch, &found, &new, compiled.as_ref())? {
                return Ok(Outcome::AsBefore(same));
            }
        }
        let table = table.to_owned();
        let build = move |batch: &mut Batch<'_>| set(batch, &table, &new);
        self.write_to(origin, needs, build).await.map(Outcome::Set)
    }

    /// A table's schema: the one that counts, or the version of this number.
    ///
    /// # Errors
    /// No such table, no schema, or no such version.
    pub async fn schema(&self, table: &str, version: Option<u32>) -> Result<ShownSchema> {
        self.confirm_tenure().await?;
        let opened = self.opened()?;
        let found = opened.state.table(&self.name, table)?;
        let history = found.schema.versions().to_vec();
        let Some(last) = history.last() else {
            return Err(none_at_all(&self.name, table));
        };
        let number = version.unwrap_or(last.number);
        let version = history.iter().find(|version| version.number == number);
        let version = version.ok_or_else(|| no_such_version(&history, number))?;
        let name_of = |id: u32| Some(opened.state.table_by_id(id)?.0.to_owned());
        Ok(ShownSchema {
            text: version.text(&name_of),
            is_current: number == last.number && version.schema.is_some(),
            version: version.clone(),
            history,
        })
    }
}

/// Whether the wish changes nothing; then the version that counts.
fn as_before(
    state: &State,
    batch: &Batch<'_>,
    table: &TableView,
    new: &NewSchema,
    compiled: Option<&Schema>,
) -> Result<Option<Option<u32>>> {
    let (current, compiled) = match (table.schema.current(), compiled) {
        (None, None) => return Ok(Some(None)),
        (Some(current), Some(compiled)) => (current, compiled),
        _ => return Ok(None),
    };
    let name_of = |id: u32| Some(state.table_by_id(id)?.0.to_owned());
    let is_same = current.validate == new.validate
        && current.text(&name_of).as_deref() == Some(compiled.text())
        && current.refs == references_of(batch, new.option, compiled)?;
    Ok(is_same.then_some(Some(current.number)))
}

/// Adds the op, once it is known to be right.
fn set(batch: &mut Batch<'_>, name: &str, new: &NewSchema) -> Result<SetSchema> {
    let table = batch.table(name)?;
    let current = table.schema.current().map(|current| current.number);
    if new.if_version.is_some_and(|wanted| Some(wanted) != current) {
        let database = batch.database();
        let message =
            format!("the schema of table `{name}` in database `{database}` was changed meanwhile.");
        return Err(Error::new(ErrorKind::Conflict, message)
            .hint("`/dbc_schema_show` shows it: look, then decide."));
    }
    let mut set = SetSchema {
        version: 0,
        rows: 0,
        misfits: Misfits::default(),
    };
    let mut refs = Vec::new();
    if let Some(fields) = &new.fields {
        let schema = Schema::new(new.option, fields)?;
        refs = references_of(batch, new.option, &schema)?;
        let bound = Bound::new(new.option, schema, &table.pk, &refs, new.validate)?;
        if new.validate != Validate::Off {
            (set.rows, set.misfits) = misfits(batch, &table, &bound);
        }
        if new.validate == Validate::Strict && set.misfits.rows > 0 {
            return Err(broken(batch.database(), name, &set));
        }
    }
    batch.push(Op::SetSchema {
        table: name.to_owned(),
        schema: new.fields.as_ref().map(Document::new),
        refs,
        validate: match new.fields {
            Some(_) => new.validate,
            None => Validate::default(),
        },
    })?;
    let versions = batch.table(name)?.schema;
    set.version = versions.versions().last().map_or(0, |last| last.number);
    Ok(set)
}

/// The ids of the tables that a schema's references name.
fn references_of(batch: &Batch<'_>, option: &'static str, schema: &Schema) -> Result<Vec<u32>> {
    let references = schema.refs().iter();
    let id = |reference: &super::schema::Reference| match batch.find_table(&reference.table) {
        Some(table) => Ok(table.id),
        None => {
            let (field, table) = (inline(&reference.field), &reference.table);
            let message = format!(
                "`{field}` refers to table `{table}`, which database `{}` does not have.",
                batch.database()
            );
            let near = did_you_mean(table, &batch.table_names());
            let create = || "Create that table first, by `/dbc_table_create`.".to_owned();
            Err(Error::invalid(option, message).hint(near.unwrap_or_else(create)))
        }
    };
    references.map(id).collect()
}

/// Holds all rows against a schema: how many there are, and those that do not fit.
fn misfits(batch: &Batch<'_>, table: &TableView, bound: &Bound) -> (usize, Misfits) {
    let mut misfits = Misfits::default();
    let mut rows = 0;
    for (key, doc) in batch.live_rows(table) {
        rows += 1;
        let Ok(fields) = document::fields(doc) else {
            continue;
        };
        let mut violations = bound.schema.validate(&fields).err().unwrap_or_default();
        violations.extend(references::missing(batch, bound, &fields));
        let Some(first) = violations.first() else {
            continue;
        };
        misfits.rows += 1;
        if misfits.first.len() < TOLD {
            let told = format!("row `{}`: {}", inline(key), first.message);
            misfits.first.push(truncate(&told, TOLD_CHARS));
        }
    }
    (rows, misfits)
}

fn broken(database: &str, table: &str, set: &SetSchema) -> Error {
    let message = format!(
        "{} of table `{table}` in database `{database}` do not fit this schema: {}.",
        set.counted(),
        set.misfits.told()
    );
    Error::new(ErrorKind::Conflict, message).hint(
        "Change these rows or the schema; `validate:warn` sets it all the same, and tells of every write that breaks it.",
    )
}

impl SetSchema {
    /// `2 of 10 rows`
    pub fn counted(&self) -> String {
        format!("{} of {} rows", self.misfits.rows, self.rows)
    }
}

impl Misfits {
    /// The first of them, in words.
    pub fn told(&self) -> String {
        let more = match self.rows.saturating_sub(self.first.len()) {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        format!("{}{more}", self.first.join("; "))
    }
}

fn none_at_all(database: &str, table: &str) -> Error {
    let message = format!("table `{table}` of database `{database}` never had a schema.");
    Error::new(ErrorKind::NotFound, message)
        .option("table")
        .hint("`/dbc_schema_set` gives it one.")
}

fn no_such_version(history: &[Version], number: u32) -> Error {
    let (first, last) = (history.first(), history.last());
    let (first, last) = (first.map_or(0, |v| v.number), last.map_or(0, |v| v.number));
    let message = format!("version {number} of the schema is not known.");
    let hint = match number < first {
        true => format!("Versions {first} to {last} are remembered; the log has those before."),
        false => format!("The newest is {last}."),
    };
    Error::new(ErrorKind::NotFound, message)
        .option("version")
        .hint(hint)
}
