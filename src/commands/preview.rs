//! What `/dbc_update_many` and `/dbc_delete_many` would do.

use super::{results, warnings};
use crate::engine::database::Database;
use crate::engine::many::Many;
use crate::error::Result;
use crate::host::Host;
use crate::interactions::Reply;
use crate::text::{inline, utf16_len};

/// Keys that are named.
const NAMED: usize = 20;
/// Characters of them all, so that the reply fits a message.
const NAMED_CHARS: usize = 900;

/// The number that somebody expects.
pub(super) fn expected(given: Option<i64>) -> Option<usize> {
    given.map(|given| usize::try_from(given).unwrap_or_default())
}

/// That there is nothing to do.
pub(super) fn nothing(database: &str, table: &str) -> Reply {
    Reply::new(format!(
        "No row of `{database}.{table}` matches; nothing was written."
    ))
}

/// Tries it, and tells what would become of how many rows, and which the first of them are.
pub(super) async fn of<H: Host>(database: &Database<H>, many: &Many, what: &str) -> Result<Reply> {
    let tried = database.rehearse_many(many).await?;
    let count = tried.keys.len();
    if count == 0 {
        return Ok(nothing(&database.name, &many.table));
    }
    let changed = &tried.changed;
    let mut text = format!(
        "{} of `{}.{}` match and would be {what}; nothing was written. With `expect:{count}`, it is done only if it is still so many.",
        results::rows_of(count),
        database.name,
        many.table,
    );
    if changed.unchanged > 0 {
        text.push_str(&format!(
            "\n{} of them are like that already.",
            changed.unchanged
        ));
    }
    if changed.deleted > 0 {
        let rows = results::rows_of(changed.deleted);
        text.push_str(&format!(
            "\nDeleted along, since they name it, would be {rows}."
        ));
    }
    if changed.cleared > 0 {
        let rows = results::rows_of(changed.cleared);
        text.push_str(&format!("\nWhat goes would no longer be named by {rows}."));
    }
    text.push('\n');
    text.push_str(&named(&tried.keys));
    text.push_str(&warnings(changed));
    Ok(Reply::new(text))
}

/// The first of the keys.
fn named(keys: &[String]) -> String {
    let mut named: Vec<String> = Vec::new();
    let mut room = NAMED_CHARS;
    for key in keys.iter().take(NAMED) {
        let key = format!("`{}`", inline(key));
        let Some(left) = room.checked_sub(utf16_len(&key)) else {
            break;
        };
        room = left;
        named.push(key);
    }
    if keys.len() > named.len() {
        named.push(format!("and {} more", keys.len() - named.len()));
    }
    named.join(", ")
}
