//! What `/dbc_update_many` and `/dbc_delete_many` would do.

use super::results;
use crate::engine::database::Database;
use crate::engine::find::{Find, Include};
use crate::engine::many::Many;
use crate::engine::query::plan::Via;
use crate::error::Result;
use crate::host::Host;
use crate::interactions::Reply;
use crate::text::{inline, utf16_len};

/// Keys that are named.
const NAMED: usize = 20;
/// Characters of them all, so that the reply fits a message.
const NAMED_CHARS: usize = 1_200;

/// The number that somebody expects.
pub(super) fn expected(given: Option<i64>) -> Option<usize> {
    given.map(|given| usize::try_from(given).unwrap_or_default())
}

/// Tells how many rows would be `what`, and the first of them.
pub(super) async fn of<H: Host>(database: &Database<H>, many: &Many, what: &str) -> Result<Reply> {
    let find = Find {
        filter: many.filter.clone(),
        sort: None,
        select: None,
        include: Include::default(),
        skip: 0,
        limit: NAMED,
        cursor: None,
        via: Some(Via::Memory),
    };
    let (count, cost) = database.count(&many.table, &many.filter, find.via).await?;
    let (rows, _) = database.find(&many.table, &find).await?;
    many.check_number(&database.name, count)?;
    let mut keys: Vec<String> = Vec::new();
    let mut room = NAMED_CHARS;
    for row in &rows.rows {
        let key = format!("`{}`", inline(&row.key));
        let Some(left) = room.checked_sub(utf16_len(&key)) else {
            break;
        };
        room = left;
        keys.push(key);
    }
    if count > keys.len() {
        keys.push(format!("and {} more", count - keys.len()));
    }
    let named = match keys.is_empty() {
        true => String::new(),
        false => format!("\n{}", keys.join(", ")),
    };
    Ok(Reply::new(format!(
        "{} of `{}.{}` match and would be {what}; nothing was written. With `expect:{count}`, it is done only if it is still so many. · {}{named}",
        results::rows_of(count),
        database.name,
        many.table,
        results::cost(&cost)
    )))
}
