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
                for sum in sums(bound, doc) {
                    let entry = (table.id, sum, Cow::Borrowed(row));
                    self.naming.insert(entry);
                }
            }
        }
        let sum = sum(key);
        let from = (table.id, sum, Cow::Borrowed(""));
        let entries = self.naming.range(from..);
        let entries = entries.take_while(|(id, of, _)| (*id, *of) == (table.id, sum));
        let names_it = |row: &&str| {
            let row = self.row(table, row).and_then(|row| row.doc);
            row.is_some_and(|doc| {
                let mut references = bound.references.iter().filter(|(_, id)| *id == named);
                references.any(|(reference, _)| {
                    let keys = reference.keys_of(Json::new(doc));
                    keys.iter().any(|named| named == key)
                })
            })
        };
        let rows = entries.map(|(_, _, row)| row.as_ref()).filter(names_it);
        rows.map(str::to_owned).collect()
    }

    /// Notes what a row that is written names.
    pub(super) fn note_named(&mut self, table: &TableView, key: &str, doc: &str) {
        if let Ok(Some(bound)) = table.schema.enforced(&table.pk) {
            for sum in sums(bound, doc) {
                let entry = (table.id, sum, Cow::Owned(key.to_owned()));
                self.naming.insert(entry);
            }
        }
    }
}

/// The checksums of the keys that a row names.
fn sums<'a>(bound: &'a Bound, doc: &'a str) -> impl Iterator<Item = u32> + use<'a> {
    let references = bound.references.iter();
    let keys = references.flat_map(|(reference, _)| reference.keys_of(Json::new(doc)));
    keys.map(|key| sum(&key))
}

fn sum(key: &str) -> u32 {
    crc32fast::hash(key.as_bytes())
}
