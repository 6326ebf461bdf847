//! The values that a row has in an index.

use sha2::{Digest as _, Sha256};

use super::Definition;
use crate::engine::digest::first_8_bytes;
use crate::engine::query::Json;
use crate::engine::query::path::Key;
use crate::limits::INDEX_ROW_BYTES;

/// The values of a row as the bytes that they are sorted by ([`crate::engine::query::order`]), each once and in order; none
/// where a sparse index leaves the row out. Those of several fields stand one after the other.
///
/// Of a list, each item is one. Where several fields have lists, only the first of them counts item by
/// item, and the others by their first: writes of such rows are refused ([`unfit`]).
pub fn values(index: &Definition, document: Json<'_>) -> Vec<Vec<u8>> {
    let mut values: Vec<Vec<u8>> = vec![Vec::new()];
    let mut is_there = false;
    for path in index.paths() {
        let mut keys: Vec<Vec<u8>> = Vec::new();
        path.visit_keys(document, &mut |key| {
            is_there |= !matches!(key, Key::Missing);
            let mut bytes = Vec::new();
            key.encode(&mut bytes);
            keys.push(bytes);
        });
        keys.sort_unstable();
        keys.dedup();
        if values.len() > 1 {
            keys.truncate(1);
        }
        let with = |value: &Vec<u8>| {
            let with = keys.iter().map(|key| [value.as_slice(), key].concat());
            with.collect::<Vec<_>>()
        };
        values = values.iter().flat_map(with).collect();
    }
    if index.sparse && !is_there {
        return Vec::new();
    }
    values.sort_unstable();
    values.dedup();
    values
}

/// A value of the row as it stands in the document, for people.
pub fn display(index: &Definition, document: Json<'_>, value: &[u8]) -> String {
    let mut rest = value;
    let mut shown: Vec<String> = Vec::new();
    for path in index.paths() {
        let mut found = None;
        path.visit_keys(document, &mut |key| {
            let mut bytes = Vec::new();
            key.encode(&mut bytes);
            // No value's bytes begin another's.
            if found.is_none() && rest.starts_with(&bytes) {
                found = Some((bytes.len(), text(key)));
            }
        });
        if let Some((len, text)) = found {
            rest = rest.get(len..).unwrap_or_default();
            shown.push(text);
        }
    }
    shown.join(", ")
}

fn text(key: Key<'_>) -> String {
    match key {
        Key::Missing => "nothing".to_owned(),
        Key::EmptyList => "[]".to_owned(),
        Key::Value(value) => value.text().to_owned(),
    }
}

/// Whether a row has a value in the index.
pub fn is_indexed(index: &Definition, document: Json<'_>) -> bool {
    !index.sparse
        || index.paths().iter().any(|path| {
            let mut is_there = false;
            path.visit_keys(document, &mut |key| {
                is_there |= !matches!(key, Key::Missing);
            });
            is_there
        })
}

/// The word by which messages with this value are found in the index's channel: no other index's, and
/// letters only, so that Discord's search takes it for one word; words with digits are reported to be found
/// unreliably.
pub fn token(index: u32, value: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update(index.to_be_bytes());
    hash.update(value);
    let mut word = "dx".to_owned();
    for byte in first_8_bytes(&hash.finalize()).to_be_bytes() {
        word.extend([byte >> 4, byte & 15].map(|half| char::from(b'a' + half)));
    }
    word
}

/// Why an index does not have a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unfit<'a> {
    /// Lists in two of its fields. Their items could be put together in too many ways.
    ParallelLists(&'a str, &'a str),
    /// So many bytes of values.
    TooLong(usize),
}

/// Why the index does not have a row with this document, if it does not. Tells it without making the values.
pub(super) fn unfit<'a>(index: &'a Definition, document: Json<'_>) -> Option<Unfit<'a>> {
    let mut list: Option<(&str, usize, usize)> = None;
    let mut bytes_beside = 0;
    let mut scratch = Vec::new();
    for path in index.paths() {
        let (mut keys, mut bytes) = (0, 0usize);
        path.visit_keys(document, &mut |key| {
            scratch.clear();
            key.encode(&mut scratch);
            keys += 1;
            bytes += scratch.len();
        });
        match list {
            _ if keys <= 1 => bytes_beside += bytes,
            None => list = Some((path.as_str(), keys, bytes)),
            Some((other, ..)) => return Some(Unfit::ParallelLists(other, path.as_str())),
        }
    }
    // What stands beside the items of a list stands with each of them.
    let (_, items, bytes) = list.unwrap_or(("", 1, 0));
    let bytes = bytes_beside.saturating_mul(items).saturating_add(bytes);
    (bytes > INDEX_ROW_BYTES).then_some(Unfit::TooLong(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::query::order::encoded;
    use serde_json::json;

    fn index(fields: &str, sparse: bool) -> Definition {
        Definition::parse("field", fields, false, sparse).unwrap()
    }

    fn found(index: &Definition, doc: &serde_json::Value) -> Vec<Vec<u8>> {
        let text = doc.to_string();
        let values = values(index, Json::new(&text));
        assert_eq!(!values.is_empty(), is_indexed(index, Json::new(&text)));
        values
    }

    #[test]
    fn a_list_has_a_value_an_item() {
        let tags = index("tags", false);
        let found = |doc| found(&tags, &doc);
        assert_eq!(found(json!({"tags": "x"})), [encoded(&json!("x"))]);
        assert_eq!(
            found(json!({"tags": ["y", "x", "x", 1.0, 1]})),
            [
                encoded(&json!(1)),
                encoded(&json!("x")),
                encoded(&json!("y"))
            ]
        );
        assert_eq!(found(json!({})), [encoded(&json!(null))]);
        assert_eq!(found(json!({"tags": []})).len(), 1);
        assert_ne!(found(json!({"tags": []})), found(json!({})));
    }

    #[test]
    fn several_fields_stand_one_after_the_other() {
        let both = index("a,b.c", false);
        let doc = json!({"a": [2, 1], "b": {"c": "x"}});
        let with = |a| [encoded(&json!(a)), encoded(&json!("x"))].concat();
        assert_eq!(found(&both, &doc), [with(1), with(2)]);
        let text = doc.to_string();
        assert_eq!(display(&both, Json::new(&text), &with(2)), r#"2, "x""#);
        let lists = json!({"a": [1, 2], "b": {"c": [3, 4]}}).to_string();
        let lists = unfit(&both, Json::new(&lists));
        assert_eq!(lists, Some(Unfit::ParallelLists("a", "b.c")));
        assert_eq!(unfit(&both, Json::new(&doc.to_string())), None);
    }

    #[test]
    fn values_that_are_too_long_together_are_told_before_they_are_made() {
        let both = index("text,list", false);
        for (letters, items, is_too_long) in [
            (60_000, 0, false),
            (70_000, 0, true),
            (20, 1_000, false),
            (20_000, 3, false),
            (20_000, 4, true),
            (1_000_000, 100_000, true),
        ] {
            let list: Vec<usize> = (0..items).collect();
            let doc = json!({"text": "x".repeat(letters), "list": list}).to_string();
            let doc = Json::new(&doc);
            let unfit = unfit(&both, doc);
            assert_eq!(unfit.is_some(), is_too_long, "{letters} {items} {unfit:?}");
            if !is_too_long {
                let bytes: usize = values(&both, doc).iter().map(Vec::len).sum();
                assert!(bytes <= INDEX_ROW_BYTES, "{bytes}");
            }
        }
    }

    #[test]
    fn a_sparse_index_leaves_out_what_has_no_field() {
        let both = index("a,b", true);
        assert!(found(&both, &json!({"c": 1})).is_empty());
        assert_eq!(found(&both, &json!({"b": null})).len(), 1);
        assert_eq!(
            found(&index("a", false), &json!({"c": 1})),
            [encoded(&json!(null))]
        );
    }
}
