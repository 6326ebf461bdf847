//! Answering from rows in memory: exactly, as of the last acknowledged commit. Each answer ends its filter's
//! question, see [`Filter::end`]: what costs too much is refused here, whoever asks.

use std::collections::BTreeMap;

use super::cursor::Cursor;
use super::filter::Filter;
use super::json::{Json, Kind};
use super::order;
use super::path::{Go, Path};
use super::sort::{Sort, Top};
use crate::error::Result;

/// A row that is asked about: its key and its document as compact JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate<'a> {
    pub key: &'a str,
    pub doc: &'a str,
}

/// Which rows, in which order, and which part of them.
#[derive(Debug, Clone)]
pub struct Query<'q> {
    pub filter: &'q Filter,
    pub sort: &'q Sort,
    /// Where the page before ended.
    pub after: Option<Cursor>,
    pub skip: usize,
    pub limit: usize,
    /// Whether rows come in the order of `sort`, where there is one; otherwise by their keys.
    pub in_order: bool,
}

/// Some of the rows that match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<'a> {
    pub rows: Vec<Candidate<'a>>,
    /// The last of them, where there are more.
    pub next: Option<Cursor>,
    /// Rows that were looked at.
    pub examined: usize,
    /// Rows that match, from the beginning of the page on; none where nobody looked at all of them.
    pub matched: Option<usize>,
}

/// The page that is asked for of rows.
///
/// # Errors
/// As [`Filter::end`].
pub fn find<'a>(rows: impl Iterator<Item = Candidate<'a>>, query: &Query<'_>) -> Result<Page<'a>> {
    // One more tells whether there are more.
    let wanted = query.skip.saturating_add(query.limit).saturating_add(1);
    let mut page = if query.sort.fields().is_empty() || query.in_order {
        first(rows, query, wanted)
    } else {
        sorted(rows, query, wanted)
    };
    query.filter.end()?;
    let is_more = page.rows.len() == wanted;
    page.rows.truncate(wanted - 1);
    page.rows = page.rows.split_off(query.skip.min(page.rows.len()));
    let last = page.rows.last().filter(|_| is_more);
    page.next = last.map(|row| {
        let mut sort_key = Vec::new();
        query.sort.key(Json::new(row.doc), row.key, &mut sort_key);
        Cursor {
            sort_key,
            row_key: row.key.to_owned(),
        }
    });
    Ok(page)
}

/// The first that match, of rows that come in order.
fn first<'a>(
    rows: impl Iterator<Item = Candidate<'a>>,
    query: &Query<'_>,
    wanted: usize,
) -> Page<'a> {
    let mut page = Page {
        rows: Vec::new(),
        next: None,
        examined: 0,
        matched: None,
    };
    let mut place = Vec::new();
    for row in rows {
        let document = Json::new(row.doc);
        // What is before the page need not be looked at.
        if let Some(after) = &query.after {
            query.sort.key(document, row.key, &mut place);
            if place <= after.sort_key {
                continue;
            }
        }
        page.examined += 1;
        if query.filter.matches(document) {
            page.rows.push(row);
            if page.rows.len() >= wanted {
                return page;
            }
        }
    }
    page.matched = Some(page.rows.len());
    page
}

/// The first that match, of rows that come in any order.
fn sorted<'a>(
    rows: impl Iterator<Item = Candidate<'a>>,
    query: &Query<'_>,
    wanted: usize,
) -> Page<'a> {
    let after = query.after.as_ref().map(|after| after.sort_key.as_slice());
    let mut top = Top::new(wanted);
    let mut place = Vec::new();
    let (mut examined, mut matched) = (0, 0);
    for row in rows {
        let document = Json::new(row.doc);
        examined += 1;
        if !query.filter.matches(document) {
            continue;
        }
        query.sort.key(document, row.key, &mut place);
        if after.is_some_and(|after| *place <= *after) {
            continue;
        }
        matched += 1;
        top.offer(&place, row);
    }
    let rows = top.into_sorted().into_iter();
    Page {
        rows: rows.map(|(_, row)| row).collect(),
        next: None,
        examined,
        matched: Some(matched),
    }
}

/// How many rows match, and how many were looked at.
///
/// # Errors
/// As [`Filter::end`].
pub fn count<'a>(
    rows: impl Iterator<Item = Candidate<'a>>,
    filter: &Filter,
) -> Result<(usize, usize)> {
    let counted = rows.fold((0, 0), |(matched, examined), row| {
        let is_match = filter.matches(Json::new(row.doc));
        (matched + usize::from(is_match), examined + 1)
    });
    filter.end().map(|()| counted)
}

/// The keys of the rows that match, as they come.
///
/// # Errors
/// As [`Filter::end`].
pub fn keys<'a>(
    rows: impl Iterator<Item = Candidate<'a>>,
    filter: &Filter,
) -> Result<Vec<&'a str>> {
    let rows = rows.filter(|row| filter.matches(Json::new(row.doc)));
    let keys = rows.map(|row| row.key).collect();
    filter.end().map(|()| keys)
}

/// The values that a field has in the rows that match, in their order, each once; the elements of
/// arrays count by themselves, as in MongoDB. At most `limit` of them.
///
/// # Errors
/// As [`Filter::end`].
pub fn distinct<'a>(
    rows: impl Iterator<Item = Candidate<'a>>,
    filter: &Filter,
    path: &Path,
    limit: usize,
) -> Result<Distinct> {
    let mut values: BTreeMap<Vec<u8>, &'a str> = BTreeMap::new();
    let mut examined = 0;
    let mut scratch = Vec::new();
    let mut is_whole = true;
    for row in rows {
        examined += 1;
        let document = Json::new(row.doc);
        if !filter.matches(document) {
            continue;
        }
        let mut take = |value: Json<'a>| {
            scratch.clear();
            order::encode(value, &mut scratch);
            if values.contains_key(&scratch) {
                return;
            }
            if values.len() >= limit {
                is_whole = false;
            } else {
                values.insert(scratch.clone(), value.text());
            }
        };
        path.visit(document, &mut |value| {
            match value {
                Some(array) if array.kind() == Kind::Array => array.items().for_each(&mut take),
                Some(value) => take(value),
                None => {}
            }
            Go::On
        });
    }
    filter.end()?;
    Ok(Distinct {
        values: values.into_values().map(str::to_owned).collect(),
        examined,
        is_whole,
    })
}

/// See [`distinct`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distinct {
    /// As compact JSON.
    pub values: Vec<String>,
    pub examined: usize,
    /// Whether these are all of them.
    pub is_whole: bool,
}

#[cfg(test)]
mod tests {
    use super::super::json::tests::json;
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn filter(text: &str) -> Filter {
        Filter::parse("where_json", text).unwrap()
    }

    fn candidates(rows: &BTreeMap<String, String>) -> impl Iterator<Item = Candidate<'_>> {
        rows.iter().map(|(key, doc)| Candidate { key, doc })
    }

    proptest! {
        /// Page by page, everything comes once and in order.
        #[test]
        fn pages_make_up_the_whole(
            values in prop::collection::vec(json(), 0..30),
            sort in prop_oneof![Just(""), Just("a"), Just("-a"), Just("b,-a")],
            limit in 1usize..7,
        ) {
            let rows: BTreeMap<String, String> = values.iter().enumerate()
                .map(|(n, value)| (format!("k{n:02}"), json!({"a": value, "b": n % 3}).to_string()))
                .collect();
            let sort = if sort.is_empty() { Sort::default() } else { Sort::parse("sort", sort).unwrap() };
            let filter = filter("{}");
            let mut query = Query { filter: &filter, sort: &sort, after: None, skip: 0, limit: 100, in_order: false };
            let all = find(candidates(&rows), &query).unwrap();
            prop_assert_eq!(all.rows.len(), rows.len());
            prop_assert_eq!((all.matched, all.next.is_none()), (Some(rows.len()), true));
            let place = |row: &Candidate<'_>| {
                let mut place = Vec::new();
                query.sort.key(Json::new(row.doc), row.key, &mut place);
                place
            };
            prop_assert!(all.rows.iter().map(place).is_sorted());
            query.limit = limit;
            let mut paged = Vec::new();
            loop {
                let page = find(candidates(&rows), &query).unwrap();
                prop_assert!(page.rows.len() <= limit);
                paged.extend(page.rows);
                query.after = page.next;
                if query.after.is_none() { break }
            }
            prop_assert_eq!(&paged, &all.rows);
            let query = Query { skip: 3, limit: 100, after: None, ..query };
            let skipped = find(candidates(&rows), &query).unwrap().rows;
            prop_assert_eq!(skipped, all.rows.get(3..).unwrap_or_default());
        }
    }

    #[test]
    fn distinct_values_come_once_and_in_order() {
        let docs = [
            json!([2, "x"]),
            json!(1.0),
            json!(1),
            json!(null),
            json!({"b": 1}),
            json!("x"),
        ];
        let rows: BTreeMap<String, String> = docs
            .iter()
            .enumerate()
            .map(|(n, value)| (n.to_string(), json!({"a": value}).to_string()))
            .collect();
        let path = Path::parse("a").unwrap();
        let found = distinct(candidates(&rows), &filter("{}"), &path, 10).unwrap();
        assert_eq!(found.values, ["null", "1.0", "2", "\"x\"", "{\"b\":1}"]);
        assert!(found.is_whole);
        let found = distinct(candidates(&rows), &filter("{}"), &path, 2).unwrap();
        assert_eq!((found.values.len(), found.is_whole), (2, false));
        let one = filter(r#"{"a":1}"#);
        assert_eq!(count(candidates(&rows), &one).unwrap(), (2, 6));
        assert_eq!(keys(candidates(&rows), &one).unwrap(), ["1", "2"]);
    }
}
