//! What a row may not be, for an index's sake.

use std::collections::BTreeMap;

use super::values::{Unfit, unfit};
use super::{Definition, display, values};
use crate::engine::query::Json;
use crate::engine::row;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::INDEX_ROW_BYTES;
use crate::text::{inline, truncate};

/// Characters of a value in an error.
const SHOWN: usize = 100;
/// Clashes that an error names.
const NAMED: usize = 5;

/// Refuses a row that no index has: with lists in two of its fields, or values of too many bytes.
///
/// # Errors
/// Names the index, and what is wrong.
pub fn check_values(index: &Definition, doc: &str) -> Result<()> {
    let Some(unfit) = unfit(index, Json::new(doc)) else {
        return Ok(());
    };
    let (what, hint) = match unfit {
        Unfit::ParallelLists(one, other) => (
            format!("lists in both `{}` and `{}`", inline(one), inline(other)),
            "Only one of an index's fields can be a list: change the row, or drop the index.",
        ),
        Unfit::TooLong(bytes) => (
            format!("{bytes} bytes of values, and may have {INDEX_ROW_BYTES},"),
            "What an index is over should be short: change the row, or drop the index.",
        ),
    };
    let message = format!("it has {what} in the index `{}`.", inline(&index.name()));
    Err(Error::invalid("value_json", message).hint(hint))
}

/// A write that would give a row the value of another. `place` is what an error about the row begins with.
pub fn clash(index: &Definition, place: &str, doc: &str, value: &[u8], holder: &str) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!(
            "{place} would have {} in the unique index `{}`, and row `{}` has that already.",
            shown(index, doc, value),
            inline(&index.name()),
            inline(holder)
        ),
    )
    .hint(format!(
        "Give it another value, or change row `{}` first.{}",
        inline(holder),
        if index.sparse {
            ""
        } else {
            " A missing field counts as null, unless the index is `sparse`."
        }
    ))
}

/// Refuses a unique index over rows of which several have the same value.
///
/// # Errors
/// Names the first of them.
pub fn clashes<'a>(
    index: &Definition,
    (database, table): (&str, &str),
    rows: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<()> {
    let mut holders: BTreeMap<Vec<u8>, Vec<(&'a str, &'a str)>> = BTreeMap::new();
    for (key, doc) in rows {
        check_values(index, doc).map_err(|error| {
            let place = row::place(database, table, key);
            error.option("field").about(&place)
        })?;
        if !index.unique {
            continue;
        }
        for value in values(index, Json::new(doc)) {
            let holders = holders.entry(value).or_default();
            if holders.len() <= NAMED {
                holders.push((key, doc));
            }
        }
    }
    holders.retain(|_, holders| holders.len() > 1);
    if holders.is_empty() {
        return Ok(());
    }
    let named = holders.iter().take(NAMED).map(|(value, holders)| {
        let doc = holders.first().map_or("", |(_, doc)| doc);
        let keys = holders.iter().take(NAMED);
        let mut keys: Vec<String> = keys.map(|(key, _)| format!("`{}`", inline(key))).collect();
        if holders.len() > NAMED {
            keys.push("others".to_owned());
        }
        format!("{} in rows {}", shown(index, doc, value), keys.join(", "))
    });
    let named: Vec<String> = named.collect();
    let more = match holders.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!("; and {more} more values"),
    };
    Err(Error::new(
        ErrorKind::Conflict,
        format!(
            "rows of table `{table}` in database `{database}` have the same value under `{}`: {}{more}.",
            inline(&index.name()),
            named.join("; ")
        ),
    )
    .option("unique")
    .hint("Make these rows differ first, or leave `unique` out. A missing field counts as null, unless the index is `sparse`."))
}

fn shown(index: &Definition, doc: &str, value: &[u8]) -> String {
    let shown = display(index, Json::new(doc), value);
    match shown.as_str() {
        "nothing" => "nothing".to_owned(),
        shown => format!("`{}`", inline(&truncate(shown, SHOWN))),
    }
}
