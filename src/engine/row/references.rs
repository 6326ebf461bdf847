//! Rows that name other rows: that these are there.

use serde_json::{Map, Value};

use crate::engine::schema::{VIOLATIONS, Violation};
use crate::engine::state::{Batch, Bound, TableView};
use crate::text::inline;

/// The rows that a document names and that are not there, at most [`VIOLATIONS`].
pub(in crate::engine) fn missing(
    batch: &Batch<'_>,
    bound: &Bound,
    fields: &Map<String, Value>,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (reference, table) in &bound.references {
        let keys = reference.keys(fields);
        if keys.is_empty() {
            continue;
        }
        let table = batch.table_by_id(*table);
        let name = table
            .as_ref()
            .map_or(&*reference.table, |table| &table.name);
        for key in keys
            .iter()
            .filter(|key| is_gone(batch, table.as_ref(), key))
        {
            if violations.len() == VIOLATIONS {
                return violations;
            }
            let field = inline(&reference.field);
            let message = format!(
                "`{field}` must name a row of table `{}`, and `{}` is not there",
                inline(name),
                inline(key)
            );
            violations.push(Violation::of_reference(&field, message));
        }
    }
    violations
}

/// Whether there is no such row.
fn is_gone(batch: &Batch<'_>, table: Option<&TableView>, key: &str) -> bool {
    let row = table.and_then(|table| batch.row(table, key));
    row.is_none_or(|row| row.doc.is_none())
}
