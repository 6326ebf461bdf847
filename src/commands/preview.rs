//! What `/dbc_update_many` and `/dbc_delete_many` would do.

use super::results;
use crate::engine::database::Database;
use crate::engine::find::{Find, Include};
use crate::engine::many::Many;
use crate::engine::query::plan::Via;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::interactions::Reply;
use crate::text::inline;

/// Keys that are named.
const NAMED: usize = 20;

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
    if let Some(expected) = many.expect.filter(|&expected| expected != count) {
        let message = format!("{count} rows match, not {expected}.");
        return Err(Error::new(ErrorKind::Conflict, message)
            .option("expect")
            .hint("Look at them with `/dbc_find`, then decide."));
    }
    let mut keys: Vec<String> = rows
        .rows
        .iter()
        .map(|row| format!("`{}`", inline(&row.key)))
        .collect();
    if count > keys.len() {
        keys.push(format!("and {} more", count - keys.len()));
    }
    let named = match keys.is_empty() {
        true => String::new(),
        false => format!("\n{}", keys.join(", ")),
    };
    Ok(Reply::new(format!(
        "{} of `{}.{}` would be {what}; nothing was written. With `expect:{count}`, it is done only if it is still so many. · {}{named}",
        results::rows_of(count),
        database.name,
        many.table,
        results::cost(&cost)
    )))
}
