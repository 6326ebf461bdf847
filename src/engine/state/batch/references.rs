//! What writes ask about rows that name other rows.

use std::borrow::Cow;

use super::{Batch, TableView, view};
use crate::engine::query::Json;
use crate::engine::schema::OnDelete;
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

    /// The rows of `table` that seem to name `key` of the table with the id `named`, by references that
    /// cascade or by others: few others have the same checksum. Both tables must be loaded.
    pub fn rows_naming(
        &mut self,
        table: &TableView,
        (named, key): (u32, &str),
        cascades: bool,
    ) -> Vec<String> {
        let Ok(Some(bound)) = table.schema.enforced(&table.pk) else {
            return Vec::new();
        };
        if self.is_read.insert(table.id)
            && let Some((_, base)) = self.base.table_by_id(table.id)
        {
            for (row, _, doc) in base.live() {
                let row = Cow::Borrowed(row);
                self.naming.note(table.id, bound, (row, STORED), doc);
            }
        }
        let sum = sum((table.id, named), cascades, key);
        let rows = self.naming.rows(sum).filter(|named| {
            let row = self.rows.get(&(table.id, named.row.clone().into_owned()));
            row.map_or(STORED, |row| version(row.op)) == named.version
        });
        let mut rows: Vec<String> = rows.map(|named| named.row.clone().into_owned()).collect();
        // It may name it in several places.
        rows.sort_unstable();
        rows.dedup();
        rows
    }

    /// The op that deleted the row, where the last that wrote it did.
    pub fn deleted_by(&self, table: u32, key: &str) -> Option<usize> {
        let row = self.rows.get(&(table, key.to_owned()))?;
        row.doc.is_none().then_some(row.op)
    }

    /// Notes what a row names that an op writes.
    pub(super) fn note_named(&mut self, table: &TableView, key: &str, doc: &str, op: usize) {
        if let Ok(Some(bound)) = table.schema.enforced(&table.pk) {
            let row = (Cow::Owned(key.to_owned()), version(op));
            self.naming.note(table.id, bound, row, doc);
        }
    }
}

/// Rows by what they name, or named before.
#[derive(Debug, Default)]
pub struct Naming<'a> {
    /// By the last bits of the checksum.
    buckets: Vec<Vec<Named<'a>>>,
}

#[derive(Debug)]
struct Named<'a> {
    /// The checksum of what it names, and how.
    sum: u32,
    /// Which writing of the row it is, so that of one that was written again nothing old is looked at.
    version: u32,
    row: Cow<'a, str>,
}

/// The version of a row that no op wrote.
const STORED: u32 = 0;

fn version(op: usize) -> u32 {
    u32::try_from(op + 1).unwrap_or(u32::MAX)
}

/// The checksum of a key that rows of the first table name in the second.
fn sum((of, named): (u32, u32), cascades: bool, key: &str) -> u32 {
    let mut sum = crc32fast::Hasher::new_with_initial(named);
    sum.update(&of.to_be_bytes());
    sum.update(&[u8::from(cascades)]);
    sum.update(key.as_bytes());
    sum.finalize()
}

/// So that a look at one costs little with as many rows as memory has room for.
const BUCKETS: usize = 4_096;

impl<'a> Naming<'a> {
    fn note(&mut self, table: u32, bound: &Bound, (row, version): (Cow<'a, str>, u32), doc: &str) {
        for (reference, named) in &bound.references {
            let cascades = reference.on_delete == OnDelete::Cascade;
            for key in reference.keys_of(Json::new(doc)) {
                if self.buckets.is_empty() {
                    self.buckets.resize_with(BUCKETS, Vec::new);
                }
                let sum = sum((table, *named), cascades, &key);
                let Some(bucket) = self.buckets.get_mut(bucket(sum)) else {
                    continue;
                };
                let is_noted = |last: &Named<'_>| {
                    (last.sum, last.version) == (sum, version) && last.row == row
                };
                if !bucket.last().is_some_and(is_noted) {
                    let row = row.clone();
                    bucket.push(Named { sum, version, row });
                }
            }
        }
    }

    fn rows(&self, sum: u32) -> impl Iterator<Item = &Named<'a>> {
        let bucket = self.buckets.get(bucket(sum)).into_iter().flatten();
        bucket.filter(move |named| named.sum == sum)
    }
}

fn bucket(sum: u32) -> usize {
    sum as usize % BUCKETS
}
