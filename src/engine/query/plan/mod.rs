//! Planning: which rows to look at for a query, and in which order they come.
//!
//! Pure: a query and what is known of a table in, ways to the rows out, the cheapest first. All of them
//! give the same answer, since each row is held against the whole filter; they differ in how many rows that
//! takes.

mod bounds;
mod elsewhere;
mod words;

use std::fmt;

use super::filter::Filter;
use super::path::Path;
use super::sort::Sort;
use crate::engine::index::{Definition, Entries};
pub use bounds::{Bounds, Range};
pub use elsewhere::{MEMORY, SCAN, Source, Standing, Via, Way};
pub use words::{IndexChannel, Searches, Shows, searches};

/// What sorting a row costs beside looking at it: rows come from an index in order, or are kept and
/// compared.
const SORTING: usize = 2;
/// How many of an index's values are counted at most to tell how good it is.
const COUNTED: usize = 10_000;

/// A query as far as plans depend on it.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    pub filter: &'a Filter,
    pub sort: &'a Sort,
    /// Rows after which there is nothing more to do; none where all are needed.
    pub enough: Option<usize>,
}

/// What is known of a table.
#[derive(Debug, Clone)]
pub struct Statistics<'a> {
    /// The field with the key.
    pub pk: &'a str,
    pub rows: usize,
    pub indexes: Vec<IndexStatistics<'a>>,
}

/// What is known of an index.
#[derive(Debug, Clone, Copy)]
pub struct IndexStatistics<'a> {
    pub id: u32,
    pub definition: &'a Definition,
    pub entries: &'a Entries,
}

/// A way to the rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// By their keys.
    Keys(Vec<String>),
    /// By parts of an index, all of which a row that matches stands in.
    Index {
        id: u32,
        bounds: Bounds,
        /// Whether the rows are to come in the index's order, which is the one asked for.
        order: Option<Direction>,
    },
    /// All of them.
    Scan,
    /// Not by this table in memory: they were read from messages.
    Elsewhere,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Ascending,
    Descending,
}

/// A way, and what it is thought to take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub access: Access,
    /// For people.
    pub name: String,
    /// Rows to be looked at.
    pub rows: usize,
    /// Whether that many are looked at, or more.
    pub is_at_least: bool,
    /// Whether rows have to be sorted.
    pub sorts: bool,
    /// In rows looked at.
    pub cost: usize,
}

/// What was considered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plans {
    pub chosen: Plan,
    /// The others, the best first.
    pub rejected: Vec<Plan>,
    /// Indexes that are of no use, and why.
    pub useless: Vec<(String, &'static str)>,
}

/// Finds the ways there are, and chooses one.
pub fn plan(question: &Question<'_>, table: &Statistics<'_>) -> Plans {
    let conditions = question.filter.conditions();
    let is_sorted = !question.sort.fields().is_empty();
    let mut plans = vec![of_scan(question, table)];
    if let Some(keys) = keys(question.filter, table.pk) {
        let rows = keys.len();
        plans.push(Plan {
            name: "KEYS".to_owned(),
            access: Access::Keys(keys),
            rows,
            is_at_least: false,
            sorts: is_sorted,
            cost: cost(rows, is_sorted),
        });
    }
    let mut useless = Vec::new();
    for index in &table.indexes {
        let bounds = bounds::of_index(conditions, index.definition, index.entries.has_lists());
        match of_index(question, index, bounds) {
            Ok(plan) => plans.push(plan),
            Err(why) => useless.push((index.definition.label().to_owned(), why)),
        }
    }
    // Of two that cost the same, the one that was found first: keys before indexes, older indexes first.
    plans.sort_by_key(|plan| (plan.cost, matches!(plan.access, Access::Scan)));
    let mut plans = plans.into_iter();
    let chosen = plans.next().unwrap_or_else(|| of_scan(question, table));
    Plans {
        chosen,
        rejected: plans.collect(),
        useless,
    }
}

fn of_scan(question: &Question<'_>, table: &Statistics<'_>) -> Plan {
    let is_sorted = !question.sort.fields().is_empty();
    // Rows come by their keys, and it ends when there are enough.
    let enough = question
        .enough
        .filter(|_| !is_sorted && matches_all(question));
    let rows = enough.map_or(table.rows, |enough| enough.min(table.rows));
    Plan {
        access: Access::Scan,
        name: "SCAN".to_owned(),
        rows,
        is_at_least: false,
        sorts: is_sorted,
        cost: cost(rows, is_sorted),
    }
}

fn matches_all(question: &Question<'_>) -> bool {
    question.filter.conditions().is_empty()
}

fn of_index(
    question: &Question<'_>,
    index: &IndexStatistics<'_>,
    bounds: Option<Bounds>,
) -> Result<Plan, &'static str> {
    let order = order(question.sort, index, bounds.as_ref());
    let is_sorted = !question.sort.fields().is_empty();
    let is_whole = bounds.is_none();
    let bounds = match bounds {
        Some(bounds) => bounds,
        None if order.is_none() => {
            return Err(match is_sorted {
                true => "neither the filter nor the order is by its fields",
                false => "the filter has no condition that it can answer",
            });
        }
        // What it leaves out would be missing.
        None if index.definition.sparse => {
            return Err("it is sparse, and rows may be missing in it");
        }
        None => Bounds {
            ranges: vec![Range {
                from: Vec::new(),
                to: vec![u8::MAX],
                is_point: false,
            }],
            fixed: 0,
            used: 0,
        },
    };
    // In its order, it ends when there are enough; how many do not match on the way, nobody knows.
    let enough = question.enough.filter(|_| order.is_some());
    let values = match is_whole {
        true => index.entries.len(),
        false if is_of_single_rows(index.definition, &bounds) => bounds.ranges.len(),
        // One more tells whether there are more.
        false => {
            let wanted = enough.map_or(COUNTED, |enough| enough.saturating_add(1).min(COUNTED));
            count(&bounds, index.entries, wanted)
        }
    };
    let ends_early = is_whole && matches_all(question);
    let rows = match enough {
        Some(enough) if ends_early || !is_whole => enough.min(values),
        _ => values,
    };
    let sorts = is_sorted && order.is_none();
    Ok(Plan {
        name: format!("INDEX {}", index.definition.label()),
        access: Access::Index {
            id: index.id,
            bounds,
            order,
        },
        rows,
        is_at_least: values == COUNTED || (rows < values && !ends_early),
        sorts,
        // A row of an index is found by its key.
        cost: cost(rows, sorts).saturating_add(1 + rows / 4),
    })
}

/// Whether each of the ranges has one row at most, so that nothing need be counted.
fn is_of_single_rows(index: &Definition, bounds: &Bounds) -> bool {
    let is_whole_value = bounds.used == index.paths().len();
    index.unique && is_whole_value && bounds.ranges.iter().all(|range| range.is_point)
}

/// The values within bounds, up to so many.
fn count(bounds: &Bounds, entries: &Entries, most: usize) -> usize {
    let ranges = bounds.ranges.iter();
    let within = ranges.flat_map(|range| entries.range(&range.from, Some(&range.to)));
    within.take(most).count()
}

fn cost(rows: usize, sorts: bool) -> usize {
    let each = if sorts { 1 + SORTING } else { 1 };
    rows.saturating_mul(each)
}

/// In which direction the index has its rows in the order that is asked for, if in any: by its fields from
/// one on to its last, with those before fixed to one value.
fn order(sort: &Sort, index: &IndexStatistics<'_>, bounds: Option<&Bounds>) -> Option<Direction> {
    let fields = sort.fields();
    let first = fields.first()?;
    let paths = index.definition.paths();
    let skipped = paths.len().checked_sub(fields.len())?;
    let fixed = bounds.map_or(0, |bounds| bounds.fixed);
    // Rows with several values come at the place of their least or greatest.
    if skipped > fixed || index.entries.has_lists() {
        return None;
    }
    let is_same = |(path, field): (&Path, &super::sort::SortField)| {
        *path == field.path && field.descending == first.descending
    };
    let by = paths.get(skipped..)?;
    by.iter()
        .zip(fields)
        .all(is_same)
        .then_some(match first.descending {
            true => Direction::Descending,
            false => Direction::Ascending,
        })
}

/// The keys that rows must have, where the filter says so.
fn keys(filter: &Filter, pk: &str) -> Option<Vec<String>> {
    let path = Path::parse(pk).ok()?;
    let values = bounds::values_of(filter.conditions(), &path)?;
    let mut keys: Vec<String> = values.into_iter().filter_map(key).collect();
    keys.sort_unstable();
    keys.dedup();
    Some(keys)
}

/// The key of a row whose field has this value; none where no row can have it.
fn key(value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => Some(match number.as_f64() {
            // 7.0 is 7, whose key is written so.
            Some(float) if !number.is_i64() && !number.is_u64() && float.fract() == 0.0 => {
                // And -0.0 is 0.
                format!("{:.0}", float + 0.0)
            }
            _ => number.to_string(),
        }),
        _ => None,
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Direction::Ascending => "ascending",
            Direction::Descending => "descending",
        })
    }
}

#[cfg(test)]
mod tests;
