//! In which order rows come.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use serde_json::{Map, Value};

use super::json::Json;
use super::order;
use super::path::{Path, PathError};
use crate::engine::document;
use crate::error::{Error, Result};
use crate::text::inline;

/// How many fields rows are sorted by, at most. MongoDB has the same limit.
pub const SORT_FIELDS: usize = 32;

/// Fields to sort by, the first first. Rows that are equal in all of them come by their keys, so that the
/// order is total and a cursor can go on anywhere in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sort {
    fields: Vec<SortField>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortField {
    pub path: Path,
    pub descending: bool,
}

impl Sort {
    /// Reads `a,-b.c` or `{"a":1,"b.c":-1}`.
    ///
    /// # Errors
    /// Names the option, the field and what may stand there.
    pub fn parse(option: &'static str, text: &str) -> Result<Sort> {
        if text.trim_start().starts_with('{') {
            return Sort::new(option, &document::parse_query(option, text)?);
        }
        let mut sort = Sort::default();
        for field in text.split(',').map(str::trim) {
            let (path, descending) = match field.strip_prefix('-') {
                Some(path) => (path.trim_start(), true),
                None => (field, false),
            };
            sort.push(option, path, descending, Path::typed)?;
        }
        Ok(sort)
    }

    /// The same from JSON.
    ///
    /// # Errors
    /// As [`Sort::parse`].
    pub fn new(option: &'static str, source: &Map<String, Value>) -> Result<Sort> {
        let mut sort = Sort::default();
        for (path, direction) in source {
            let descending = match direction.as_f64() {
                Some(1.0) => false,
                Some(-1.0) => true,
                _ => {
                    let path = inline(path);
                    let given = inline(&direction.to_string());
                    let message =
                        format!("`{path}` goes with 1, upwards, or -1, downwards, not `{given}`.");
                    return Err(Error::invalid(option, message));
                }
            };
            sort.push(option, path, descending, Path::parse)?;
        }
        Ok(sort)
    }

    /// The fields; none where rows come by their keys alone.
    pub fn fields(&self) -> &[SortField] {
        &self.fields
    }

    /// Puts into `out` the bytes by which a row is sorted: less bytes come first, and no two rows of a table
    /// have the same. A list counts as its least item, or its greatest where the order is descending.
    pub fn key(&self, document: Json<'_>, row_key: &str, out: &mut Vec<u8>) {
        out.clear();
        for field in &self.fields {
            let begin = out.len();
            field.path.visit_keys(document, &mut |key| {
                let next = out.len();
                key.encode(out);
                if next > begin && field.is_later(out, begin, next) {
                    out.truncate(next);
                } else {
                    out.drain(begin..next);
                }
            });
            if field.descending {
                order::invert(out.get_mut(begin..).unwrap_or_default());
            }
        }
        order::encode_str(row_key, out);
    }

    fn push(
        &mut self,
        option: &'static str,
        path: &str,
        descending: bool,
        parse: fn(&str) -> Result<Path, PathError>,
    ) -> Result<()> {
        let parsed = parse(path).map_err(|error| {
            let message = format!("`{}` is no path to sort by: {error}.", inline(path));
            let example = "For example `name,-age`, where `-` sorts down, or `{\"first name\":1,\"age\":-1}`.";
            Error::invalid(option, message).hint(example)
        })?;
        if self.fields.iter().any(|field| field.path == parsed) {
            let message = format!("`{}` stands twice.", inline(path));
            return Err(Error::invalid(option, message));
        }
        if self.fields.len() == SORT_FIELDS {
            let message = format!("rows are sorted by at most {SORT_FIELDS} fields.");
            return Err(Error::invalid(option, message));
        }
        self.fields.push(SortField {
            path: parsed,
            descending,
        });
        Ok(())
    }
}

impl SortField {
    /// Of two keys in `out`, whether the second, from `next` on, comes after the first.
    fn is_later(&self, out: &[u8], begin: usize, next: usize) -> bool {
        let (first, second) = (out.get(begin..next), out.get(next..));
        if self.descending {
            second < first
        } else {
            second > first
        }
    }
}

/// The first rows of an order, without sorting the others.
#[derive(Debug)]
pub struct Top<T> {
    limit: usize,
    /// All there were, while they are below the limit.
    few: Vec<Entry<T>>,
    /// From then on, the first so far, the last of them on top.
    first: BinaryHeap<Entry<T>>,
}

#[derive(Debug)]
struct Entry<T> {
    key: Vec<u8>,
    row: T,
}

impl<T> Top<T> {
    /// For at most `limit` rows.
    pub fn new(limit: usize) -> Top<T> {
        Top {
            limit,
            few: Vec::new(),
            first: BinaryHeap::new(),
        }
    }

    /// Takes a row with its [`Sort::key`], if it is one of the first so far. What it does not keep comes back:
    /// the row, or the one whose place it takes.
    pub fn offer(&mut self, key: &[u8], row: T) -> Option<T> {
        if let Some(mut last) = self.first.peek_mut() {
            if key >= last.key.as_slice() {
                return Some(row);
            }
            last.key.clear();
            last.key.extend_from_slice(key);
            return Some(std::mem::replace(&mut last.row, row));
        }
        if self.few.len() >= self.limit {
            return Some(row);
        }
        let key = key.to_vec();
        self.few.push(Entry { key, row });
        if self.few.len() == self.limit {
            self.first = BinaryHeap::from(std::mem::take(&mut self.few));
        }
        None
    }

    /// The rows in order, with their keys.
    pub fn into_sorted(mut self) -> Vec<(Vec<u8>, T)> {
        // One of the two is empty.
        self.few.extend(self.first);
        self.few.sort_unstable();
        let rows = self.few.into_iter();
        rows.map(|entry| (entry.key, entry.row)).collect()
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

#[cfg(test)]
mod tests;
