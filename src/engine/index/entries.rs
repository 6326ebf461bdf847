//! An index in memory.

use std::collections::BTreeSet;
use std::ops::Bound;

use super::{Definition, values};
use crate::engine::query::Json;

/// Values and the keys of the rows that have them, in order: by value, then by key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entries {
    sorted: BTreeSet<Entry>,
    /// Rows that have a value.
    rows: usize,
}

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// How the bytes begin. It stands beside others in the tree's nodes, so that a search seldom has to go
    /// after the bytes themselves.
    begin: u64,
    /// The value, then the key: no value begins another.
    bytes: Box<[u8]>,
    value_bytes: usize,
}

impl Entry {
    fn new(value: &[u8], key: &str) -> Entry {
        let bytes = [value, key.as_bytes()].concat();
        // What is shorter ends in zeros: less than whatever it begins, or equal, and then the bytes decide.
        let mut begin = [0; 8];
        for (to, from) in begin.iter_mut().zip(&bytes) {
            *to = *from;
        }
        Entry {
            begin: u64::from_be_bytes(begin),
            bytes: bytes.into(),
            value_bytes: value.len(),
        }
    }

    /// Only to look for others beside it.
    fn at(bytes: &[u8]) -> Entry {
        Entry::new(bytes, "")
    }

    pub fn value(&self) -> &[u8] {
        self.bytes.get(..self.value_bytes).unwrap_or_default()
    }

    /// The row's key.
    pub fn key(&self) -> &str {
        let key = self.bytes.get(self.value_bytes..).unwrap_or_default();
        std::str::from_utf8(key).unwrap_or_default()
    }
}

impl Entries {
    /// Of rows, by key and document.
    pub fn of<'a>(index: &Definition, rows: impl Iterator<Item = (&'a str, &'a str)>) -> Entries {
        let mut entries = Entries::default();
        for (key, doc) in rows {
            entries.insert(index, key, doc);
        }
        entries
    }

    pub fn insert(&mut self, index: &Definition, key: &str, doc: &str) {
        let values = values(index, Json::new(doc));
        self.rows += usize::from(!values.is_empty());
        let entries = values.iter().map(|value| Entry::new(value, key));
        self.sorted.extend(entries);
    }

    pub fn remove(&mut self, index: &Definition, key: &str, doc: &str) {
        let values = values(index, Json::new(doc));
        self.rows -= usize::from(!values.is_empty());
        for value in values {
            self.sorted.remove(&Entry::new(&value, key));
        }
    }

    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// Rows that have a value.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Whether a row has several values, so that rows come several times.
    pub fn has_lists(&self) -> bool {
        self.sorted.len() > self.rows
    }

    /// The keys of the rows that have exactly this value.
    pub fn holders<'a>(&'a self, value: &[u8]) -> impl Iterator<Item = &'a str> + use<'a> {
        let value = value.to_vec();
        let from = self.sorted.range(Entry::at(&value)..);
        let holders = from.take_while(move |entry| entry.value() == value);
        holders.map(Entry::key)
    }

    /// The entries whose bytes are from `from` on and less than `to`, in order.
    pub fn range<'a>(
        &'a self,
        from: &[u8],
        to: Option<&[u8]>,
    ) -> impl DoubleEndedIterator<Item = &'a Entry> + use<'a> {
        let end = to.map_or(Bound::Unbounded, |to| Bound::Excluded(Entry::at(to)));
        let begin = Entry::at(from);
        // The other way round there is nothing, and the map panics.
        let is_some = to.is_none_or(|to| from < to);
        let range = is_some.then(|| self.sorted.range((Bound::Included(begin), end)));
        range.into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::query::order::encoded;
    use proptest::prelude::*;
    use serde_json::json;

    fn index() -> Definition {
        Definition::parse("field", "a", false, true).unwrap()
    }

    proptest! {
        /// However rows come and go, the entries are those of the rows that are there.
        #[test]
        fn entries_are_those_of_the_rows(
            writes in prop::collection::vec((0u8..5, prop::option::of(crate::engine::query::json::tests::json())), 0..30),
        ) {
            let index = index();
            let mut rows = std::collections::BTreeMap::new();
            let mut entries = Entries::default();
            for (key, value) in writes {
                let key = format!("k{key}");
                let before: Option<String> = match value {
                    Some(value) => {
                        let doc = json!({"a": value}).to_string();
                        entries_insert(&mut entries, &index, &key, &doc, rows.get(&key));
                        rows.insert(key, doc)
                    }
                    None => {
                        let before = rows.remove(&key);
                        if let Some(doc) = &before { entries.remove(&index, &key, doc); }
                        before
                    }
                };
                drop(before);
                let live = rows.iter().map(|(key, doc)| (key.as_str(), doc.as_str()));
                prop_assert_eq!(&entries, &Entries::of(&index, live));
            }
        }
    }

    fn entries_insert(
        entries: &mut Entries,
        index: &Definition,
        key: &str,
        doc: &str,
        before: Option<&String>,
    ) {
        if let Some(before) = before {
            entries.remove(index, key, before);
        }
        entries.insert(index, key, doc);
    }

    #[test]
    fn ranges_are_half_open_and_holders_exact() {
        let docs = [
            ("b", r#"{"a":1}"#),
            ("a", r#"{"a":1}"#),
            ("c", r#"{"a":[2,10]}"#),
            ("d", "{}"),
        ];
        let entries = Entries::of(&index(), docs.into_iter());
        assert_eq!(
            (entries.len(), entries.rows(), entries.has_lists()),
            (4, 3, true)
        );
        let one = encoded(&json!(1));
        assert_eq!(entries.holders(&one).collect::<Vec<_>>(), ["a", "b"]);
        let keys = |from: i32, to: i32| {
            let (from, to) = (encoded(&json!(from)), encoded(&json!(to)));
            entries
                .range(&from, Some(&to))
                .map(|entry| entry.key().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(keys(1, 2), ["a", "b"]);
        assert_eq!(keys(1, 11), ["a", "b", "c", "c"]);
        assert!(keys(3, 3).is_empty() && keys(5, 1).is_empty());
    }
}
