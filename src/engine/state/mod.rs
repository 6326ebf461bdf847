//! A database in memory: what the log adds up to.

mod batch;
mod index;
mod stored;
mod table;
mod table_schema;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::index::Definition;
use super::log::replay::Entry;
use super::log::{CommitId, Link, Op, Record};
use crate::discord::model::created_ms;
use crate::error::Result;
use crate::host::UnixMillis;
use crate::limits::INTERACTION_TOKEN_MS;

pub(in crate::engine) use batch::being_removed;
pub use batch::{Batch, RowView, TableView};
pub use index::Index;
pub use stored::{Stored, StoredPart, StoredSegment, covered_by};
pub use table::{Row, Shown, Table, sum_of};
pub use table_schema::{Bound, TableSchema, Validate, Version};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Whether `/dbc_init` made the channels private; none until it has committed.
    pub private: Option<bool>,
    /// The object that writes the log; none in a log from before owners were named.
    pub owner: Option<String>,
    /// The message by which the owner announced its takeover; 0 where there was none.
    pub tenure: u64,
    /// `/dbc_database_drop` has committed.
    pub is_dropped: bool,
    pub tables: BTreeMap<String, Table>,
    /// By id.
    pub indexes: BTreeMap<u32, Index>,
    /// The highest id of a table or index ever given, so that none is given twice.
    pub last_table_id: u32,
    /// Rows that were deleted for good and of which copies may be left.
    pub erasing: Vec<Erasure>,
    /// The newest commit; none until the first.
    pub head: Option<Link>,
    /// Commits by the interaction that asked for them, for longer than its token lives.
    pub outcomes: BTreeMap<String, CommitId>,
    /// How many checkpoints were begun; what changes now will be in the next.
    pub generation: u32,
}

/// A row that was deleted for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// The table's name then.
    pub table: String,
    pub table_id: u32,
    pub key: String,
    /// The commit that deleted it.
    pub at: CommitId,
}

/// A revision that a commit put another in the place of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Superseded {
    pub table: u32,
    pub key: String,
    pub row: Row,
    /// Which of the commit's ops did.
    pub op: usize,
}

/// A record that does not fit the state it is applied to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ApplyError {
    UnknownTable {
        at: CommitId,
        table: String,
    },
    /// The table is not what the record says it is afterwards.
    Mismatch {
        at: CommitId,
        table: String,
    },
}

impl State {
    /// The newest commit, if there is one.
    pub fn head_id(&self) -> Option<CommitId> {
        self.head.map(|head| head.id)
    }

    /// The table with this id, and its name.
    pub fn table_by_id(&self, id: u32) -> Option<(&str, &Table)> {
        let mut tables = self.tables.iter();
        let (name, table) = tables.find(|(_, table)| table.id == id)?;
        Some((name, table))
    }

    /// The same, to change it.
    pub fn table_by_id_mut(&mut self, id: u32) -> Option<&mut Table> {
        self.tables.values_mut().find(|table| table.id == id)
    }

    /// Whether the row of a table, or of an index's, was deleted for good after this commit, and copies may
    /// be left.
    pub fn is_erased_since(&self, view: u32, key: &str, at: CommitId) -> bool {
        let table = self.indexes.get(&view).map_or(view, |index| index.of);
        let mut erasing = self.erasing.iter();
        erasing.any(|erasure| erasure.table_id == table && erasure.key == key && at < erasure.at)
    }

    /// The table of this name.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::error::ErrorKind) with the nearest names.
    pub fn table(&self, database: &str, name: &str) -> Result<&Table> {
        self.tables.get(name).ok_or_else(|| {
            let known: Vec<String> = self.tables.keys().cloned().collect();
            batch::no_such_table(database, name, &known)
        })
    }

    /// Notes why a table's rows cannot be had, or that they can; whether that is news.
    pub fn set_damage(&mut self, id: u32, damage: Option<Box<str>>) -> bool {
        match self.table_by_id_mut(id) {
            Some(table) if table.damage != damage => {
                table.damage = damage;
                true
            }
            _ => false,
        }
    }

    /// Whether the rows of the table are in memory, if there is such a table.
    pub fn is_loaded(&self, name: &str) -> bool {
        self.tables.get(name).is_none_or(|table| table.is_loaded)
    }

    /// Applies a commit that follows the head, and checks its sums against its ops. What it
    /// replaced comes back.
    ///
    /// # Errors
    /// [`ApplyError`]; the state is then of no use any more.
    pub fn apply(&mut self, entry: &Entry, now: UnixMillis) -> Result<Vec<Superseded>, ApplyError> {
        let record = &entry.record;
        let at = record.id();
        let mut touched = BTreeSet::new();
        let mut superseded = Vec::new();
        for (number, op) in record.ops.iter().enumerate() {
            let table = match op {
                Op::SetSchema { table, .. } => self.set_schema(record, number, table),
                op => self.apply_op(op, (at, number), &mut superseded),
            };
            touched.extend(table.map_err(|table| ApplyError::UnknownTable { at, table })?);
        }
        for (name, table) in &mut self.tables {
            let stated = record.sum.get(name);
            match stated {
                // Without its rows, the table's sum is what the record says.
                Some(&sum) if !table.is_loaded => table.sum = sum,
                Some(&sum) if table.sum == sum => {}
                None if !touched.contains(&table.id) => {}
                _ => {
                    let table = name.clone();
                    return Err(ApplyError::Mismatch { at, table });
                }
            }
        }
        if let Some(unknown) = record
            .sum
            .keys()
            .find(|name| !self.tables.contains_key(*name))
        {
            let table = unknown.clone();
            return Err(ApplyError::Mismatch { at, table });
        }
        self.remember_outcomes(record, now);
        self.head = Some(entry.link);
        Ok(superseded)
    }

    /// Notes who asked for a commit.
    pub fn remember_outcomes(&mut self, record: &Record, now: UnixMillis) {
        for part in &record.by {
            let interaction = &part.origin.interaction;
            // Background work asks for itself, and never twice.
            if !interaction.is_empty() && is_recent(interaction, now) {
                self.outcomes.insert(interaction.clone(), record.id());
            }
        }
    }

    /// Applies one op; the id of the table whose sum it changed or made, or the name of one that
    /// is not there.
    fn apply_op(
        &mut self,
        op: &Op,
        (at, number): (CommitId, usize),
        superseded: &mut Vec<Superseded>,
    ) -> Result<Option<u32>, String> {
        let (Some((name, key)), Some(row)) = (op.row(), Row::after(op, at)) else {
            return self.apply_to_catalog(op, at);
        };
        let row = Row {
            generation: self.generation + 1,
            ..row
        };
        let table = self.tables.get_mut(name).ok_or_else(|| name.to_owned())?;
        let before = table.rows.get(key).and_then(|row| row.doc.as_deref());
        let indexes = self.indexes.values_mut();
        for index in indexes.filter(|index| index.of == table.id) {
            index.row_written(key, before, &row, row.generation);
        }
        if row.hard {
            self.erasing.push(Erasure {
                table: name.to_owned(),
                table_id: table.id,
                key: key.to_owned(),
                at,
            });
        }
        if let Some(row) = table.set(key, row) {
            superseded.push(Superseded {
                table: table.id,
                key: key.to_owned(),
                row,
                op: number,
            });
        }
        Ok(Some(table.id))
    }

    fn apply_to_catalog(&mut self, op: &Op, at: CommitId) -> Result<Option<u32>, String> {
        match op {
            Op::Init { private, owner, .. } => {
                self.private = Some(*private);
                self.owner.clone_from(owner);
            }
            Op::Takeover { owner, notice } => {
                self.owner = Some(owner.clone());
                self.tenure = *notice;
            }
            // What it says is in the state already; where its files are is noted by who took it,
            // or was read before.
            Op::Checkpoint { .. } => {}
            Op::Erased { up_to, .. } => self.erasing.retain(|erasure| erasure.at > *up_to),
            Op::DropDatabase { .. } => self.is_dropped = true,
            Op::CreateTable {
                table,
                id,
                pk,
                mirror,
            } => {
                self.last_table_id = self.last_table_id.max(*id);
                let new = Table::new(*id, pk, *mirror, at);
                self.tables.insert(table.clone(), new);
                return Ok(Some(*id));
            }
            Op::RenameTable { table, to } => {
                let renamed = self.tables.remove(table).ok_or_else(|| table.clone())?;
                let id = renamed.id;
                self.tables.insert(to.clone(), renamed);
                return Ok(Some(id));
            }
            Op::DropTable { table } => {
                let dropped = self.tables.remove(table).ok_or_else(|| table.clone())?;
                self.indexes.retain(|_, index| index.of != dropped.id);
            }
            Op::CreateIndex {
                table,
                id,
                fields,
                unique,
                sparse,
            } => {
                let of = self.tables.get(table).ok_or_else(|| table.clone())?;
                self.last_table_id = self.last_table_id.max(*id);
                // One that makes no sense was not written by us, and nothing depends on it.
                if let Some(definition) = Definition::of(fields, *unique, *sparse) {
                    let index = Index::new(*id, of.id, definition, of.mirror, at);
                    self.add_index(index);
                }
            }
            Op::DropIndex { id, .. } => {
                self.indexes.remove(id);
            }
            Op::SetSchema { .. } | Op::Put { .. } | Op::Delete { .. } => {}
        }
        Ok(None)
    }

    /// Notes what a row's message shows now. Nothing where there is no such row any more.
    pub fn set_shown(&mut self, view: u32, key: &str, shown: Shown) {
        let generation = self.generation + 1;
        let view = self.view_mut(view);
        if let Some(row) = view.and_then(|view| view.rows.get_mut(key)) {
            row.shown = shown;
            row.generation = generation;
        }
    }

    /// Forgets outcomes that nobody can ask for any more.
    pub fn forget_old_outcomes(&mut self, now: UnixMillis) {
        self.outcomes
            .retain(|interaction, _| is_recent(interaction, now));
    }
}

/// Whether an interaction's token can still be alive. What is no Discord id counts as recent.
fn is_recent(interaction: &str, now: UnixMillis) -> bool {
    interaction.parse::<u64>().map_or(true, |id| {
        created_ms(id).saturating_add(2 * INTERACTION_TOKEN_MS) > now
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::digest::TableSum;
    use crate::engine::document::Document;
    use crate::engine::log::record::{Origin, Part, Record, VERSION};
    use serde_json::{Map, json};

    fn put(table: &str, key: &str, rev: u64) -> Op {
        Op::Put {
            table: table.into(),
            key: key.into(),
            rev,
            doc: Document::new(&Map::from_iter([("rev".to_owned(), json!(rev))])),
        }
    }

    fn create(table: &str, id: u32) -> Op {
        Op::CreateTable {
            table: table.into(),
            id,
            pk: "id".into(),
            mirror: true,
        }
    }

    fn entry(state: &State, ops: Vec<Op>, interaction: &str) -> Entry {
        let seq = state.head.map_or(1, |head| head.id.seq() + 1);
        let mut batch = Batch::new("test", state, 0);
        let count = ops.len();
        for op in ops {
            batch.push(op).unwrap();
        }
        let (ops, sum) = batch.finish();
        let record = Record {
            v: VERSION,
            epoch: 1,
            seq,
            prev: state.head,
            at: 0,
            by: vec![Part {
                origin: Origin {
                    interaction: interaction.into(),
                    user: "1".into(),
                    command: "test".into(),
                },
                ops: count,
            }],
            sum,
            ops,
        };
        let link = Link {
            id: record.id(),
            crc: 0,
        };
        Entry {
            record,
            link,
            message: seq,
        }
    }

    #[test]
    fn sums_of_a_batch_are_the_sums_of_its_parts() {
        let ops = vec![
            create("t", 1),
            put("t", "a", 1),
            put("t", "b", 1),
            put("t", "a", 2),
        ];
        let mut at_once = State::default();
        let all = entry(&at_once, ops.clone(), "x");
        at_once.apply(&all, 0).unwrap();
        let mut one_by_one = State::default();
        for op in ops {
            let next = entry(&one_by_one, vec![op], "x");
            one_by_one.apply(&next, 0).unwrap();
        }
        let (a, b) = (&at_once.tables["t"], &one_by_one.tables["t"]);
        assert_eq!(a.sum, b.sum);
        assert_eq!(a.sum.rows, 2);
        assert_eq!(a.sum, sum_of(a.id, &a.rows));
    }

    #[test]
    fn a_record_that_does_not_add_up_is_noticed() {
        let mut state = State::default();
        state
            .apply(&entry(&state, vec![create("t", 1), create("v", 2)], "x"), 0)
            .unwrap();
        let right = entry(&state, vec![put("t", "a", 1)], "x");
        let mismatch = |change: fn(&mut Record)| {
            let (mut wrong, mut state) = (right.clone(), state.clone());
            change(&mut wrong.record);
            state.apply(&wrong, 0).unwrap_err()
        };
        for change in [
            |record: &mut Record| record.sum.get_mut("t").unwrap().digest ^= 1,
            |record: &mut Record| record.sum.clear(),
            |record: &mut Record| record.sum.extend([("u".into(), TableSum::default())]),
            |record: &mut Record| record.ops.clear(),
        ] {
            assert!(matches!(mismatch(change), ApplyError::Mismatch { .. }));
        }
        let unknown = mismatch(|record| record.ops = vec![put("u", "a", 1)]);
        assert!(matches!(unknown, ApplyError::UnknownTable { .. }));
    }

    #[test]
    fn a_deleted_row_goes_on_counting_its_revisions() {
        let mut state = State::default();
        let delete = |rev| Op::Delete {
            table: "t".into(),
            key: "a".into(),
            rev,
            hard: false,
        };
        for ops in [
            vec![create("t", 1)],
            vec![put("t", "a", 1), put("t", "b", 1)],
            vec![delete(2)],
        ] {
            state.apply(&entry(&state, ops, "x"), 0).unwrap();
        }
        let table = &state.tables["t"];
        assert_eq!((table.sum.rows, table.live().count()), (1, 1));
        assert_eq!(table.rows["a"].rev, 2);
        let sum = table.sum;
        let again = vec![put("t", "a", 3), delete(4)];
        state.apply(&entry(&state, again, "x"), 0).unwrap();
        assert_eq!(state.tables["t"].sum, sum);
    }

    #[test]
    fn names_of_tables_come_again_and_ids_do_not() {
        let mut state = State::default();
        let rename = Op::RenameTable {
            table: "t".into(),
            to: "u".into(),
        };
        for ops in [
            vec![create("t", 1), put("t", "a", 1)],
            vec![rename, put("u", "b", 1)],
            vec![Op::DropTable { table: "u".into() }, create("u", 2)],
        ] {
            state.apply(&entry(&state, ops, "x"), 0).unwrap();
        }
        assert_eq!(state.tables.keys().collect::<Vec<_>>(), ["u"]);
        assert_eq!((state.tables["u"].id, state.tables["u"].sum.rows), (2, 0));
    }

    #[test]
    fn outcomes_are_kept_for_as_long_as_somebody_may_ask() {
        let mut state = State::default();
        let id = 1_000_000_000u64 << 22;
        let (made_at, interaction) = (created_ms(id), id.to_string());
        state
            .apply(&entry(&state, vec![], &interaction), made_at)
            .unwrap();
        assert!(state.outcomes.contains_key(&interaction));
        state.forget_old_outcomes(made_at + 2 * INTERACTION_TOKEN_MS);
        assert!(state.outcomes.is_empty());
    }
}
