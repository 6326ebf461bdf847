//! The indexes of a batch, and what unique ones allow.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Batch, TableView, Undo};
use crate::engine::index::{self, Definition};
use crate::engine::query::Json;
use crate::engine::row;
use crate::error::{Error, Result};
use crate::planted::{Bug, is_planted};

impl Batch<'_> {
    /// The indexes of a table, with their ids, oldest first.
    pub fn indexes(&self, table: u32) -> BTreeMap<u32, Rc<Definition>> {
        let base = self.base.indexes_of(table);
        let mut indexes: BTreeMap<u32, Rc<Definition>> = base
            .map(|index| (index.id(), Rc::clone(&index.definition)))
            .collect();
        for (&id, staged) in &self.indexes {
            match staged {
                Some((of, definition)) if *of == table => {
                    indexes.insert(id, Rc::clone(definition));
                }
                Some(_) => {}
                None => {
                    indexes.remove(&id);
                }
            }
        }
        indexes
    }

    pub(super) fn stage_index(&mut self, id: u32, index: Option<(u32, Rc<Definition>)>) {
        let before = self.indexes.insert(id, index);
        self.undo.push(Undo::Index(id, before));
    }

    /// Gives up the values of the row as it was, and takes those of the document that it will have. Whether
    /// another row has one is a question to the write as a whole: [`Batch::clash`].
    pub(super) fn stage_values(
        &mut self,
        table: &TableView,
        key: &str,
        doc: Option<&str>,
    ) -> Result<()> {
        for (id, index) in self.indexes(table.id) {
            if let Some(doc) = doc {
                index::check_values(&index, doc)?;
            }
            if !index.unique {
                continue;
            }
            let of = |doc: Option<&str>| {
                let values = doc.map(|doc| index::values(&index, Json::new(doc)));
                values.unwrap_or_default()
            };
            let before = of(self.row(table, key).and_then(|row| row.doc));
            let after = of(doc);
            let op = self.ops.len();
            for value in &before {
                if after.binary_search(value).is_err() {
                    self.stage_value(id, value, key, None);
                }
            }
            for value in &after {
                if before.binary_search(value).is_err() {
                    self.stage_value(id, value, key, Some(op));
                }
            }
        }
        Ok(())
    }

    fn stage_value(&mut self, index: u32, value: &[u8], key: &str, since: Option<usize>) {
        let held = (index, value.to_vec(), key.to_owned());
        let before = self.values.insert(held.clone(), since);
        self.undo.push(Undo::Value(held, before));
    }

    /// The first value that the write would give to two rows, or to one beside another that has it. Within
    /// the write, rows may have the same value for a while: they may swap theirs.
    pub fn clash(&self) -> Option<Clash> {
        for undo in self.undo.get(self.began.undo..)? {
            let Undo::Value((id, value, _), _) = undo else {
                continue;
            };
            let holders = || self.holders(*id, value);
            if holders().nth(1).is_none() {
                continue;
            }
            let definition = match self.indexes.get(id) {
                Some(staged) => staged.clone(),
                None => {
                    let base = self.base.indexes.get(id);
                    base.map(|index| (index.of, Rc::clone(&index.definition)))
                }
            };
            // One that is dropped allows whatever there is.
            let Some((of, index)) = definition else {
                continue;
            };
            // Whoever came second is to blame.
            let (_, first) = holders().min()?;
            let (op, second) = holders().filter(|(_, key)| *key != first).min()?;
            let table = self.table_by_id(of)?;
            let doc = self.row(&table, second).and_then(|row| row.doc)?;
            let place = row::place(self.database, &table.name, second);
            let error = index::clash(&index, &place, doc, value, first);
            let op = op.unwrap_or(self.began.ops);
            return Some(Clash { op, error });
        }
        None
    }

    /// The rows that have a value of a unique index, and which ops gave it to them.
    fn holders(&self, index: u32, value: &[u8]) -> impl Iterator<Item = (Option<usize>, &str)> {
        let value = value.to_vec();
        let base = self.base.indexes.get(&index).into_iter();
        let base = base.flat_map({
            let value = value.clone();
            move |index| index.entries.holders(&value)
        });
        let base = base.filter({
            let value = value.clone();
            move |key| {
                let held = (index, value.clone(), (*key).to_owned());
                !self.values.contains_key(&held)
            }
        });
        let staged = self.values.range((index, value.clone(), String::new())..);
        let staged = staged.take_while(move |((id, of, _), _)| *id == index && *of == value);
        let staged = staged.filter_map(|((.., key), since)| Some((Some((*since)?), key.as_str())));
        let seen = if is_planted(Bug::UniqueBesideBatch) {
            1
        } else {
            usize::MAX
        };
        let staged = staged.take(seen);
        base.map(|key| (None, key)).chain(staged)
    }
}

/// A value of a unique index that two rows would have.
pub struct Clash {
    /// The op that is to blame.
    pub op: usize,
    pub error: Error,
}
