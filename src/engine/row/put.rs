//! Storing a document as a whole.

use serde_json::{Map, Value};

use super::store::{Place, store, store_as_is};
use super::{Change, Changed, PutMode, check_bytes, no_such_row};
use crate::engine::document::{self, Document};
use crate::engine::names;
use crate::engine::state::{Batch, RowView};
use crate::error::{Error, ErrorKind, Result};
use crate::text::inline;

/// Puts `fields` in the place of what `mode` allows; what that came to.
pub(super) fn put(
    batch: &mut Batch<'_>,
    change: &Change,
    mode: PutMode,
    fields: &Map<String, Value>,
    option: &'static str,
) -> Result<Changed> {
    names::check_key("key", &change.key)?;
    check_names(option, fields)?;
    let table = batch.table(&change.table)?;
    let lacks_key = lacks_key(fields, &table.pk, &change.key, option)?;
    let has_schema = table.schema.current().is_some();
    let doc = (!has_schema).then(|| match lacks_key {
        true => Document::with_first(&table.pk, &change.key, fields),
        false => Document::new(fields),
    });
    if let Some(doc) = &doc {
        check_bytes(option, doc.text().len())?;
    }
    let before = batch.row(&table, &change.key);
    let live = before.filter(|row| row.doc.is_some());
    match (mode, live) {
        (PutMode::Insert, Some(row)) => return Err(taken(batch.database(), change, row)),
        (PutMode::Replace, None) => {
            return Err(no_such_row(
                batch.database(),
                &change.table,
                &change.key,
                before,
            ));
        }
        (_, Some(row)) => change.check_rev(batch.database(), row.rev)?,
        (_, None) => {}
    }
    let rev = before.map_or(0, |row| row.rev) + 1;
    let place = Place {
        table: &table,
        key: &change.key,
        rev,
        option,
        may_stay: true,
    };
    match doc {
        Some(doc) => store_as_is(batch, &place, doc),
        None => store(batch, &place, fields.clone()),
    }
}

/// Refuses operators where a document is to stand: it would take the place of the whole row.
fn check_names(option: &'static str, fields: &Map<String, Value>) -> Result<()> {
    let Some(name) = fields.keys().find(|name| name.starts_with('$')) else {
        return Ok(());
    };
    let message = format!(
        "`{}` is no field: names at the top of a document do not begin with `$`, and operators change rows that are there.",
        inline(name)
    );
    Err(Error::invalid(option, message)
        .hint("`/dbc_update` takes operators, and so does `update` in `/dbc_transact`."))
}

fn taken(database: &str, change: &Change, row: RowView<'_>) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!(
            "table `{}` of database `{database}` has a row with key `{}` already (revision {}).",
            change.table,
            inline(&change.key),
            row.rev
        ),
    )
    .option("key")
    .hint("Choose another key, or `upsert` to put this document in its place; `/dbc_get` shows the row that is there.")
}

/// Whether the document lacks its key in the primary-key field, which is checked when it is there.
fn lacks_key(
    fields: &Map<String, Value>,
    pk: &str,
    key: &str,
    option: &'static str,
) -> Result<bool> {
    let values = document::values(fields);
    let stated = match fields.get(pk) {
        None => {
            document::check_values(option, values + 1)?;
            return Ok(true);
        }
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) if number.is_i64() || number.is_u64() => number.to_string(),
        Some(other) => {
            let found = match other {
                // JSON has no whole number -0.
                Value::Number(number) => format!("`{number}`"),
                other => document::kind(other).to_owned(),
            };
            return Err(Error::invalid(
                option,
                format!("the primary key `{pk}` must be a string or a whole number; in the document it is {found}."),
            )
            .hint("Leave the field out: it is filled in from the key."));
        }
    };
    if stated == key {
        document::check_values(option, values)?;
        return Ok(false);
    }
    Err(Error::invalid(
        "key",
        format!(
            "the key is `{}`, but the primary key `{pk}` in the document is `{}`.",
            inline(key),
            inline(&stated)
        ),
    )
    .hint("Make them the same, or leave the field out: it is filled in."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn keyed(doc: Value, key: &str) -> Result<String> {
        let Value::Object(fields) = doc else {
            panic!("not an object")
        };
        let doc = match lacks_key(&fields, "id", key, "value_json")? {
            true => Document::with_first("id", key, &fields),
            false => Document::new(&fields),
        };
        Ok(doc.text().to_owned())
    }

    #[test]
    fn the_key_and_the_primary_key_agree() {
        assert_eq!(keyed(json!({"a":1}), "k").unwrap(), r#"{"id":"k","a":1}"#);
        assert_eq!(keyed(json!({}), "`\"").unwrap(), r#"{"id":"`\""}"#);
        assert_eq!(
            keyed(json!({"a":1,"id":7}), "7").unwrap(),
            r#"{"a":1,"id":7}"#
        );
        for (doc, option) in [
            (json!({"id":"other"}), "key"),
            (json!({"id":7.5}), "value_json"),
            (json!({"id":null}), "value_json"),
            (json!({"id":{}}), "value_json"),
        ] {
            assert_eq!(keyed(doc, "k").unwrap_err().option, Some(option));
        }
    }
}
