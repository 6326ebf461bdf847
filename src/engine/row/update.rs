//! Changing some fields of a row.

use serde_json::{Map, Value};

use super::store::{Place, store};
use super::{Change, Changed, no_such_row};
use crate::engine::document;
use crate::engine::merge_patch;
use crate::engine::query::update::{Now, Update, is_update};
use crate::engine::state::Batch;
use crate::error::{Error, ErrorKind, Result};
use crate::text::inline;

/// What an update makes of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Patch {
    /// A JSON Merge Patch.
    Merge(Map<String, Value>),
    /// Operators, whose outcome depends on what they meet.
    Operators(Update),
}

impl Patch {
    /// Names that begin with `$` at the top are operators.
    ///
    /// # Errors
    /// Refuses operators that make no sense, or other names beside them.
    pub fn parse(option: &'static str, patch: Map<String, Value>) -> Result<Patch> {
        Ok(match is_update(option, &patch)? {
            true => Patch::Operators(Update::parse(option, &patch)?),
            false => {
                check_names(option, &patch)?;
                Patch::Merge(patch)
            }
        })
    }
}

/// Refuses names in a merge patch that would make fields which no query reaches, and which whoever wrote them
/// did not mean.
fn check_names(option: &'static str, patch: &Map<String, Value>) -> Result<()> {
    let mut inside = vec![patch];
    while let Some(fields) = inside.pop() {
        for (name, value) in fields {
            let shown = inline(name);
            if name.contains('.') {
                let message = format!("`{shown}` is no field: a merge patch has names, not paths.");
                return Err(Error::invalid(option, message).hint(format!(
                    "Write `{{\"$set\":{{\"{shown}\":…}}}}`, or nest the objects."
                )));
            }
            if name.starts_with('$') {
                let message =
                    format!("`{shown}` is no field, and operators stand at the top of a patch.");
                return Err(Error::invalid(option, message).hint(
                    "For example `{\"$set\":{\"address.zip\":…}}`. Dates and ids are strings.",
                ));
            }
            inside.extend(value.as_object());
        }
    }
    Ok(())
}

/// Applies a patch to the row; what it came to.
pub(super) fn update(
    batch: &mut Batch<'_>,
    change: &Change,
    patch: &Patch,
    option: &'static str,
) -> Result<Changed> {
    let table = batch.table(&change.table)?;
    let before = batch.row(&table, &change.key);
    let live = before.and_then(|row| Some((row.rev, row.doc?)));
    let (rev, doc) = live.ok_or_else(|| {
        let error = no_such_row(batch.database(), &change.table, &change.key, before);
        // Of a tombstone there is more to say.
        match error.hint {
            Some(_) => error,
            None => error.hint("`/dbc_insert` makes a new row."),
        }
    })?;
    change.check_rev(batch.database(), rev)?;
    let mut fields = document::fields(doc).map_err(|error| {
        let (table, key) = (&change.table, inline(&change.key));
        let message =
            format!("row `{key}` of table `{table}` cannot be read as a document ({error}).");
        Error::new(ErrorKind::Corrupt, message).hint("Report this: it is a bug.")
    })?;
    let key_before = fields.get(&table.pk).cloned();
    match patch {
        Patch::Merge(patch) => merge_patch::apply(&mut fields, patch),
        Patch::Operators(update) => {
            update.apply(&mut fields, &Now(batch.at()))?;
        }
    }
    if fields.get(&table.pk) != key_before.as_ref() {
        return Err(Error::invalid(
            option,
            format!(
                "the primary key `{}` of a row cannot change; it is {} `{}`.",
                table.pk,
                key_before.as_ref().map_or("the string", |key| match key {
                    Value::Number(_) => "the number",
                    _ => "the string",
                }),
                inline(&change.key)
            ),
        )
        .hint("Leave the field out of the patch. To move a row to another key, insert it there and delete it here, in one `/dbc_transact`."));
    }
    let place = Place {
        table: &table,
        key: &change.key,
        rev: rev + 1,
        option,
        may_stay: true,
    };
    store(batch, &place, fields)
}
