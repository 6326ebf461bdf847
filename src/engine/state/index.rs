//! An index in memory, and what its channel is to show.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Row, State, Stored, Table};
use crate::engine::index::{Definition, Entries, is_indexed, values};
use crate::engine::log::CommitId;
use crate::engine::query::Json;
use crate::planted::{Bug, is_planted};

/// An index of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    pub definition: Rc<Definition>,
    /// The table's id.
    pub of: u32,
    /// What its channel shows. A row here says by which commit the table's row of that key got its values,
    /// and has no document; a hard one is to have no message. Its id is the index's: ids of tables and
    /// indexes are given from one counter.
    pub view: Table,
    /// While the table is loaded.
    pub entries: Entries,
}

impl Index {
    /// An index without entries. `mirror` is the table's.
    pub fn new(id: u32, of: u32, definition: Definition, mirror: bool, created: CommitId) -> Self {
        Index {
            definition: Rc::new(definition),
            of,
            view: Table::new(id, "", mirror, created),
            entries: Entries::default(),
        }
    }

    pub fn id(&self) -> u32 {
        self.view.id
    }

    /// What the index is called in files of checkpoints, where no table is called so.
    pub fn file_name(&self, table: &str) -> String {
        format!("{table}.idx{}", self.id())
    }

    /// Takes in what became of a row of the table. `before` is its document before, as far as that is
    /// known, and `row` what the table has now.
    pub(super) fn row_written(
        &mut self,
        key: &str,
        before: Option<&str>,
        row: &Row,
        generation: u32,
    ) {
        let after = row.doc.as_deref();
        let is_loaded = self.view.is_loaded;
        if is_loaded {
            let stays = is_planted(Bug::EntriesStay) && after.is_some();
            if let Some(before) = before.filter(|_| !stays) {
                self.entries.remove(&self.definition, key, before);
            }
            if let Some(after) = after {
                self.entries.insert(&self.definition, key, after);
            }
        }
        if !self.view.mirror {
            return;
        }
        let values = |doc: Option<&str>| {
            let values = doc.map(|doc| values(&self.definition, Json::new(doc)));
            values.unwrap_or_default()
        };
        let has = values(after);
        let is_known = self.view.rows.contains_key(key);
        // Nothing to show, now or before; or the message says it already.
        if is_loaded && (has == values(before)) && (is_known || has.is_empty()) {
            return;
        }
        let of_index = Row {
            hard: has.is_empty(),
            generation,
            ..Row::new(row.rev, None, row.at)
        };
        self.view.set(key, of_index);
    }

    /// Takes in the table's rows once they are in memory, and what the index's channel is known to show, if
    /// it is.
    pub(super) fn load(
        &mut self,
        rows: &BTreeMap<String, Row>,
        shown: Option<BTreeMap<String, Row>>,
        generation: u32,
    ) {
        // What the channel has is not known then, nor of which rows.
        let is_unknown = shown.is_none();
        let live = rows.iter();
        let live = live.filter_map(|(key, row)| Some((key.as_str(), row, row.doc.as_deref()?)));
        let docs = live.clone().map(|(key, _, doc)| (key, doc));
        self.entries = Entries::of(&self.definition, docs);
        // Rows without documents have no sum that could be wrong.
        let _ = self.view.load(shown.unwrap_or_default());
        if !self.view.mirror {
            return;
        }
        for (key, row) in rows {
            if self.view.rows.contains_key(key) {
                continue;
            }
            let doc = row.doc.as_deref();
            let has_value = doc.is_some_and(|doc| is_indexed(&self.definition, Json::new(doc)));
            if has_value || is_unknown {
                let row = Row {
                    generation,
                    hard: !has_value,
                    ..Row::new(row.rev, None, row.at.max(self.view.created))
                };
                self.view.rows.insert(key.clone(), row);
            }
        }
    }
}

impl State {
    /// The indexes of a table, oldest first.
    pub fn indexes_of(&self, table: u32) -> impl Iterator<Item = &Index> {
        self.indexes.values().filter(move |index| index.of == table)
    }

    /// The index of a table over these fields.
    pub fn index(&self, table: u32, name: &str) -> Option<&Index> {
        self.indexes_of(table)
            .find(|index| index.definition.name() == name)
    }

    /// Every table and every index by what its channel shows.
    pub fn views(&self) -> impl Iterator<Item = &Table> {
        let indexes = self.indexes.values().map(|index| &index.view);
        self.tables.values().chain(indexes)
    }

    /// The same, to change them.
    pub fn views_mut(&mut self) -> impl Iterator<Item = &mut Table> {
        let indexes = self.indexes.values_mut().map(|index| &mut index.view);
        self.tables.values_mut().chain(indexes)
    }

    /// What the channel of the table or index with this id shows.
    pub fn view(&self, id: u32) -> Option<&Table> {
        match self.indexes.get(&id) {
            Some(index) => Some(&index.view),
            None => self.table_by_id(id).map(|(_, table)| table),
        }
    }

    pub fn view_mut(&mut self, id: u32) -> Option<&mut Table> {
        if self.indexes.contains_key(&id) {
            return self.indexes.get_mut(&id).map(|index| &mut index.view);
        }
        self.table_by_id_mut(id)
    }

    /// The table that the id is of, or the one that the index with that id is of, and its name.
    pub fn table_of_view(&self, id: u32) -> Option<(&str, &Table)> {
        let table = self.indexes.get(&id).map_or(id, |index| index.of);
        self.table_by_id(table)
    }

    /// Takes in the rows of a table and what its indexes' channels show, by index.
    ///
    /// # Errors
    /// As [`Table::load`].
    pub(in crate::engine) fn load(
        &mut self,
        table: u32,
        rows: BTreeMap<String, Row>,
        mut shown: BTreeMap<u32, BTreeMap<String, Row>>,
    ) -> Result<(), ()> {
        let generation = self.generation + 1;
        let Some(found) = self.tables.values_mut().find(|found| found.id == table) else {
            return Ok(());
        };
        found.load(rows)?;
        let indexes = self.indexes.values_mut();
        for index in indexes.filter(|index| index.of == table) {
            let is_new = index.view.stored == Stored::default();
            let shown = shown.remove(&index.id());
            let shown = shown.or(is_new.then(BTreeMap::new));
            index.load(&found.rows, shown, generation);
        }
        Ok(())
    }

    /// Makes an index of a table that is there.
    pub(super) fn add_index(&mut self, mut index: Index) {
        let generation = self.generation + 1;
        let mut tables = self.tables.values();
        if let Some(table) = tables.find(|table| table.id == index.of) {
            index.view.is_loaded = false;
            if table.is_loaded {
                index.load(&table.rows, Some(BTreeMap::new()), generation);
            }
        }
        self.indexes.insert(index.id(), index);
    }

    /// The row of the table that a row of this view is about, and what its message is to state as the
    /// checksum; none where the view has no such row.
    pub fn stated_sum(&self, view: u32, key: &str) -> Option<crate::engine::digest::RowSum> {
        use crate::engine::digest::RowSum;
        let row = self.view(view)?.rows.get(key)?;
        let text = match self.indexes.get(&view) {
            None => row.doc.as_deref().unwrap_or_default().to_owned(),
            Some(index) => self.tokens(index, key).join(" "),
        };
        Some(RowSum::of(view, key, row.rev, &text))
    }

    /// The words that a row's message in an index's channel is found by, one a value.
    pub fn tokens(&self, index: &Index, key: &str) -> Vec<String> {
        let row = self.table_by_id(index.of);
        let row = row.and_then(|(_, table)| table.rows.get(key)?.doc.as_deref());
        let values = row.map(|doc| values(&index.definition, Json::new(doc)));
        let values = values.unwrap_or_default().into_iter();
        values
            .map(|value| crate::engine::index::token(index.id(), &value))
            .collect()
    }
}
