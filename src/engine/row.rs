//! Rows: inserting and reading them.

use serde_json::{Map, Value};

use super::database::Database;
use super::document::{self, Document};
use super::log::{CommitId, Op, Origin};
use super::names;
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
    /// Stores a new row.
    ///
    /// # Errors
    /// Bad JSON, a key that is taken or differs from the document's, or a commit that failed.
    pub async fn insert(
        &self,
        origin: &Origin,
        table: &str,
        key: &str,
        value_json: &str,
    ) -> Result<CommitId> {
        names::check_key("key", key)?;
        let fields = document::parse("value_json", value_json)?;
        self.write(origin, |state| {
            let found = state.table(&self.name, table)?;
            let doc = with_key(fields, &found.pk, key)?;
            if let Some(row) = found.rows.get(key) {
                return Err(Error::new(
                    ErrorKind::Conflict,
                    format!(
                        "table `{table}` of database `{}` has a row with key `{}` already (revision {}).",
                        self.name,
                        inline(key),
                        row.rev
                    ),
                )
                .option("key")
                .hint("Choose another key; `/dbc_get` shows the row that is there."));
            }
            Ok(vec![Op::Put {
                table: table.to_owned(),
                key: key.to_owned(),
                rev: 1,
                doc: Document(doc),
            }])
        })
        .await
    }

    /// Reads a row: exactly what the last acknowledged write made of it.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] for the table; a missing row is `None`.
    pub fn get(&self, table: &str, key: &str) -> Result<Option<Found>> {
        let opened = self.opened()?;
        let found = opened.state.table(&self.name, table)?;
        Ok(found.rows.get(key).map(|row| {
            let message = opened.mirror.row_message(found.id, key, row.at);
            Found {
                rev: row.rev,
                doc: row.doc.to_string(),
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
