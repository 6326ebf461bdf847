//! The indexes of a batch, and what unique ones allow.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Batch, TableView, Undo};
use crate::engine::index::{self, Definition};
use crate::engine::query::Json;
use crate::error::Result;

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

    /// Gives up the values of the row as it was, and takes those of the document that it will have.
    pub(super) fn stage_values(
        &mut self,
        table: &TableView,
        key: &str,
        doc: Option<&str>,
    ) -> Result<()> {
        for (id, index) in self.indexes(table.id) {
            if let Some(doc) = doc {
                index::check_values(&index, &table.name, key, doc)?;
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
            for value in &after {
                let holder = self.holder(id, value).filter(|holder| *holder != key);
                if let (Some(holder), Some(doc)) = (holder, doc) {
                    let row = (key, doc);
                    return Err(index::clash(&index, &table.name, row, value, holder));
                }
            }
            let given_up = before
                .into_iter()
                .filter(|value| after.binary_search(value).is_err());
            let given_up = given_up.map(|value| (value, None)).collect::<Vec<_>>();
            let taken = after.iter().map(|value| (value.clone(), Some(key)));
            for (value, holder) in given_up.into_iter().chain(taken) {
                let place = (id, value);
                let holder = holder.map(str::to_owned);
                let before = self.holders.insert(place.clone(), holder);
                self.undo.push(Undo::Holder(place, before));
            }
        }
        Ok(())
    }

    /// The row that has a value of a unique index.
    fn holder(&self, index: u32, value: &[u8]) -> Option<&str> {
        match self.holders.get(&(index, value.to_vec())) {
            Some(staged) => staged.as_deref(),
            None => {
                let index = self.base.indexes.get(&index)?;
                index.entries.holders(value).next()
            }
        }
    }
}
