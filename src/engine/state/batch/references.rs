//! What writes ask about rows that name other rows.

use std::borrow::Cow;

use super::{Batch, TableView, view};
use crate::engine::query::Json;
use crate::engine::state::Bound;

impl Batch<'_> {
    /// The table with this id, under the name that it has now.
    pub fn table_by_id(&self, id: u32) -> Option<TableView> {
        let staged = self.tables.values().flatten();
        let mut staged = staged.filter(|table| table.id == id);
        if let Some(table) = staged.next() {
            return Some(table.clone());
        }
        let (name, table) = self.base.table_by_id(id)?;
        // Staged under this name is another one, or none.
        (!self.tables.contains_key(name)).then(|| view(name, table))
    }

    /// The tables whose schema has a reference to this one.
    pub fn tables_naming(&self, id: u32) -> Vec<TableView> {
        let staged = self.tables.values().flatten();
        let staged = staged.filter(|table| table.schema.names(id)).cloned();
        let base = self.base.tables.iter();
        let base = base.filter(|(name, table)| {
            table.schema.names(id) && !self.tables.contains_key(name.as_str())
        });
        let mut tables: Vec<TableView> = base.map(|(name, table)| view(name, table)).collect();
        tables.extend(staged);
        tables
    }

    /// The rows that are not deleted, as they will be, with their documents. The table must be loaded.
    pub fn live_rows(&self, table: &TableView) -> impl Iterator<Item = (&str, &str)> {
        let id = table.id;
        let base = self.base.table_by_id(id);
        let base = base.into_iter().flat_map(|(_, table)| table.live());
        let base = base.filter(move |(key, ..)| !self.rows.contains_key(&(id, (*key).to_owned())));
        let staged = self.rows.range((id, String::new())..);
        let staged = staged.take_while(move |((of, _), _)| *of == id);
        let staged = staged.filter_map(|((_, key), row)| Some((key.as_str(), row.doc.as_deref()?)));
        base.map(|(key, _, doc)| (key, doc)).chain(staged)
    }

    /// The keys of the rows of `table` that name `key` of the table with the id `named`. Both must be
    /// loaded.
    pub fn rows_naming(&mut self, table: &TableView, named: u32, key: &str) -> Vec<String> {
        let Ok(Some(bound)) = table.schema.enforced(&table.pk) else {
            return Vec::new();
        };
        if self.is_read.insert(table.id)
            && let Some((_, base)) = self.base.table_by_id(table.id)
        {
            for (row, _, doc) in base.live() {
                self.naming.note(table.id, bound, Cow::Borrowed(row), doc);
            }
        }
        let names_it = |row: &str| {
            let row = self.row(table, row).and_then(|row| row.doc);
            row.is_some_and(|doc| {
                let mut references = bound.references.iter().filter(|(_, id)| *id == named);
                references.any(|(reference, _)| {
                    let keys = reference.keys_of(Json::new(doc));
                    keys.iter().any(|named| named == key)
                })
            })
        };
        let rows = self.naming.rows(table.id, key).filter(|row| names_it(row));
        let mut rows: Vec<String> = rows.map(str::to_owned).collect();
        // What was written again was noted again.
        rows.sort_unstable();
        rows.dedup();
        rows
    }

    /// Notes what a row that is written names.
    pub(super) fn note_named(&mut self, table: &TableView, key: &str, doc: &str) {
        if let Ok(Some(bound)) = table.schema.enforced(&table.pk) {
            let row = Cow::Owned(key.to_owned());
            self.naming.note(table.id, bound, row, doc);
        }
    }
}

/// Rows by what they name, or named before: whoever asks looks at the rows.
#[derive(Debug, Default)]
pub struct Naming<'a> {
    /// By the last bits of the named key's checksum.
    buckets: Vec<Vec<Named<'a>>>,
}

#[derive(Debug)]
struct Named<'a> {
    /// The id of the table that the row is in.
    table: u32,
    /// The checksum of the key that it names.
    sum: u32,
    row: Cow<'a, str>,
}

/// So that a look at one costs little with as many rows as memory has room for.
const BUCKETS: usize = 4_096;

impl<'a> Naming<'a> {
    fn note(&mut self, table: u32, bound: &Bound, row: Cow<'a, str>, doc: &str) {
        let doc = Json::new(doc);
        for key in bound.references.iter().flat_map(|(r, _)| r.keys_of(doc)) {
            if self.buckets.is_empty() {
                self.buckets.resize_with(BUCKETS, Vec::new);
            }
            let sum = crc32fast::hash(key.as_bytes());
            if let Some(bucket) = self.buckets.get_mut(bucket(sum)) {
                let row = row.clone();
                bucket.push(Named { table, sum, row });
            }
        }
    }

    fn rows(&self, table: u32, key: &str) -> impl Iterator<Item = &str> {
        let sum = crc32fast::hash(key.as_bytes());
        let bucket = self.buckets.get(bucket(sum)).into_iter().flatten();
        let rows = bucket.filter(move |named| (named.table, named.sum) == (table, sum));
        rows.map(|named| named.row.as_ref())
    }
}

fn bucket(sum: u32) -> usize {
    sum as usize % BUCKETS
}
