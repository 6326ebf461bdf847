//! The one place where a document becomes a row: its key put in, its missing properties filled in,
//! held against the table's schema, and what it names looked up.

use serde_json::{Map, Number, Value};

use super::{Changed, check_size, references};
use crate::engine::document::Document;
use crate::engine::log::Op;
use crate::engine::schema::{self, KeyType, Violation};
use crate::engine::state::{Batch, Bound, TableView, Validate};
use crate::error::Result;
use crate::text::inline;

/// The row that is written.
pub(in crate::engine) struct Place<'a> {
    pub table: &'a TableView,
    pub key: &'a str,
    /// Its revision from now on.
    pub rev: u64,
    /// The option that the document came in.
    pub option: &'static str,
    /// Whether a row that is like that already stays as it is, and gets no revision.
    pub may_stay: bool,
}

/// Adds a document to what is to be committed, in the form that the table's schema gives it.
///
/// # Errors
/// What the schema forbids, and rows that would be too large.
pub(in crate::engine) fn store(
    batch: &mut Batch<'_>,
    place: &Place<'_>,
    mut fields: Map<String, Value>,
) -> Result<Changed> {
    let table = place.table;
    let bound = table.schema.enforced(&table.pk)?;
    if !fields.contains_key(&table.pk) {
        let key = key_value(place.key, bound);
        fields.shift_insert(0, table.pk.clone(), key);
    }
    let mut violations = Vec::new();
    if let Some(bound) = bound {
        match bound.schema.fill_defaults(&mut fields) {
            Ok(()) => violations.extend(bound.schema.validate(&fields).err().unwrap_or_default()),
            Err(violation) => violations.push(violation),
        }
    }
    check_size(place.option, &fields)?;
    let stored = store_as_is(batch, place, Document::new(&fields))?;
    if let Some(bound) = bound {
        // With the row in place, since it may name itself.
        violations.extend(references::missing(batch, bound, &fields));
    }
    let mut changed = judge(place, bound, &violations)?;
    (changed.rev, changed.unchanged) = (stored.rev, stored.unchanged);
    Ok(changed)
}

/// Adds a document that is held against nothing.
pub(in crate::engine) fn store_as_is(
    batch: &mut Batch<'_>,
    place: &Place<'_>,
    doc: Document,
) -> Result<Changed> {
    let before = batch.row(place.table, place.key);
    if let Some(row) = before.filter(|row| place.may_stay && row.doc == Some(doc.text())) {
        return Ok(Changed::nothing(row.rev));
    }
    batch.push(Op::Put {
        table: place.table.name.clone(),
        key: place.key.to_owned(),
        rev: place.rev,
        doc,
    })?;
    Ok(Changed::to(place.rev))
}

/// What becomes of a write with these violations.
pub(super) fn judge(
    place: &Place<'_>,
    bound: Option<&Bound>,
    violations: &[Violation],
) -> Result<Changed> {
    let mut changed = Changed::to(place.rev);
    let Some(bound) = bound.filter(|_| !violations.is_empty()) else {
        return Ok(changed);
    };
    let name = &place.table.name;
    let error = schema::refusal(place.option, name, violations);
    // What is too large is so in any mode.
    let is_large = error.kind == crate::error::ErrorKind::TooLarge;
    if is_large || bound.validate == Validate::Strict {
        return Err(error.hint("`/dbc_schema_show` shows the schema."));
    }
    changed.warn(format!("`{}`: {}", inline(place.key), error.message));
    Ok(changed)
}

/// The key as its field has it: a number where the schema wants one and it can be one.
fn key_value(key: &str, bound: Option<&Bound>) -> Value {
    let wants_number = bound.is_some_and(|bound| bound.key == KeyType::Whole);
    // Only as JSON writes it: otherwise the field would be another key than the row's.
    let number = || {
        let natural = key.parse::<u64>().map(Number::from);
        let number = natural.or_else(|_| key.parse::<i64>().map(Number::from));
        number.ok().filter(|number| number.to_string() == key)
    };
    match wants_number.then(number).flatten() {
        Some(number) => Value::Number(number),
        None => Value::from(key),
    }
}
