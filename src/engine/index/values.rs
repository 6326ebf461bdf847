//! The values that a row has in an index.

use sha2::{Digest as _, Sha256};

use super::Definition;
use crate::engine::digest::first_8_bytes;
use crate::engine::query::Json;
use crate::engine::query::path::Key;

/// The values of a row as the bytes that they are sorted by ([`crate::engine::query::order`]), each once and in order; none
/// where a sparse index leaves the row out. Those of several fields stand one after the other.
///
/// Of a list, each item is one. Where several fields have lists, only the first of them counts item by
/// item, and the others by their first: writes of such rows are refused ([`has_parallel_lists`]).
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

/// Two fields of an index in which a row has lists. Their items could be put together in so many ways
/// that no index has them.
pub(super) fn has_parallel_lists<'a>(
    index: &'a Definition,
    document: Json<'_>,
) -> Option<(&'a str, &'a str)> {
    let has_several = |path: &&crate::engine::query::Path| {
        let mut keys = 0;
        path.visit_keys(document, &mut |_| keys += 1);
        keys > 1
    };
    let mut lists = index.paths().iter().filter(has_several);
    Some((lists.next()?.as_str(), lists.next()?.as_str()))
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
        let lists = has_parallel_lists(&both, Json::new(&lists));
        assert_eq!(lists, Some(("a", "b.c")));
        assert_eq!(has_parallel_lists(&both, Json::new(&doc.to_string())), None);
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
