//! Rows: inserting and reading them.

use serde_json::{Map, Value};

use super::commit::Committed;
use super::database::Database;
use super::document::{self, Document};
use super::log::{CommitId, Op, Origin};
use super::names;
use super::state::Batch;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::text::inline;

/// A row as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub rev: u64,
    /// Compact JSON.
    pub doc: String,
    pub at: CommitId,
    /// Its message in the table's channel, once it is there and known.
    pub link: Option<String>,
}

impl<H: Host> Database<H> {
    /// Stores a new row; its revision.
    ///
    /// # Errors
    /// Bad JSON, a key that is taken or differs from the document's, or a commit that failed.
    pub async fn insert(
        &self,
        origin: &Origin,
        table: &str,
        key: &str,
        value_json: &str,
    ) -> Result<Committed<u64>> {
        names::check_key("key", key)?;
        let fields = document::parse("value_json", value_json)?;
        let (name, key) = (table.to_owned(), key.to_owned());
        let build = move |batch: &mut Batch<'_>| {
            let table = batch.table(&name)?;
            let doc = with_key(fields.clone(), &table.pk, &key)?;
            let before = batch.row(&table, &key);
            if let Some(row) = before.filter(|row| row.doc.is_some()) {
                return Err(Error::new(
                    ErrorKind::Conflict,
                    format!(
                        "table `{name}` of database `{}` has a row with key `{}` already (revision {}).",
                        batch.database(),
                        inline(&key),
                        row.rev
                    ),
                )
                .option("key")
                .hint("Choose another key; `/dbc_get` shows the row that is there."));
            }
            let rev = before.map_or(0, |row| row.rev) + 1;
            batch.push(Op::Put {
                table: name.clone(),
                key: key.clone(),
                rev,
                doc: Document(doc),
            })?;
            Ok(rev)
        };
        self.write(origin, &[table], build).await
    }

    /// Reads a row: exactly what the last acknowledged write made of it.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for the table; a missing row is `None`.
    pub async fn get(&self, table: &str, key: &str) -> Result<Option<Found>> {
        self.load_table_for_reading(table).await?;
        let opened = self.opened()?;
        let found = opened.state.table(&self.name, table)?;
        let live = found.rows.get(key);
        let live = live.and_then(|row| Some((row, row.doc.as_deref()?)));
        Ok(live.map(|(row, doc)| {
            let message = opened.mirror.row_message(found.id, row);
            Found {
                rev: row.rev,
                doc: doc.to_owned(),
                at: row.at,
                link: message.map(|(channel, id)| self.shared.message_link(channel, id)),
            }
        }))
    }
}

/// The document with its key in the primary-key field: checked when it is there, put first when
/// it is not.
fn with_key(mut fields: Map<String, Value>, pk: &str, key: &str) -> Result<Map<String, Value>> {
    let stated = match fields.get(pk) {
        None => {
            fields.shift_insert(0, pk.to_owned(), Value::from(key));
            return Ok(fields);
        }
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) if number.is_i64() || number.is_u64() => number.to_string(),
        Some(_) => {
            return Err(Error::invalid(
                "value_json",
                format!("the primary key `{pk}` must be a string or a whole number."),
            ));
        }
    };
    if stated == key {
        return Ok(fields);
    }
    Err(Error::invalid(
        "key",
        format!(
            "the key is `{}`, but the primary key `{pk}` in `value_json` is `{}`.",
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
        with_key(fields, "id", key).map(|fields| document::to_text(&fields))
    }

    #[test]
    fn the_key_and_the_primary_key_agree() {
        assert_eq!(keyed(json!({"a":1}), "k").unwrap(), r#"{"id":"k","a":1}"#);
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
