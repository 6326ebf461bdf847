//! A database in memory: what the log adds up to.

use std::collections::BTreeMap;

use super::digest::{RowSum, TableSum};
use super::document;
use super::log::replay::Entry;
use super::log::{CommitId, Link, Op};
use crate::discord::model::created_ms;
use crate::host::UnixMillis;
use crate::limits::INTERACTION_TOKEN_MS;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub rev: u64,
    /// The document as compact JSON.
    pub doc: Box<str>,
    /// The commit that wrote it.
    pub at: CommitId,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub id: u32,
    pub pk: String,
    pub created: CommitId,
    pub rows: BTreeMap<String, Row>,
    pub sum: TableSum,
}

impl Table {
    /// The checksum of one of this table's rows.
    pub fn row_sum(&self, key: &str, row: &Row) -> RowSum {
        RowSum::of(self.id, key, row.rev, &row.doc)
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Whether `/dbc_init` made the channels private; none until it has committed.
    pub private: Option<bool>,
    pub tables: BTreeMap<String, Table>,
    /// The highest table id ever given, so that none is given twice.
    pub last_table_id: u32,
    /// The newest commit; none until the first.
    pub head: Option<Link>,
    /// Commits by the interaction that asked for them, for longer than its token lives.
    pub outcomes: BTreeMap<String, CommitId>,
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
    /// The table with this id, and its name.
    pub fn table_by_id(&self, id: u32) -> Option<(&str, &Table)> {
        let mut tables = self.tables.iter();
        let (name, table) = tables.find(|(_, table)| table.id == id)?;
        Some((name, table))
    }

    /// What each touched table will be once `ops` are applied.
    ///
    /// # Errors
    /// The name of a table that does not exist.
    pub fn sums_after(&self, ops: &[Op]) -> Result<BTreeMap<String, TableSum>, String> {
        // Tables made and rows written by earlier ops of the same commit.
        let mut made: BTreeMap<&str, u32> = BTreeMap::new();
        let mut written: BTreeMap<(&str, &str), RowSum> = BTreeMap::new();
        let mut sums: BTreeMap<String, TableSum> = BTreeMap::new();
        for op in ops {
            match op {
                Op::Init { .. } => {}
                Op::CreateTable { table, id, .. } => {
                    made.insert(table, *id);
                    sums.insert(table.clone(), TableSum::default());
                }
                Op::Put {
                    table,
                    key,
                    rev,
                    doc,
                } => {
                    let stored = self.tables.get(table);
                    let id = made.get(table.as_str()).copied().or(stored.map(|t| t.id));
                    let id = id.ok_or_else(|| table.clone())?;
                    let sum = sums
                        .entry(table.clone())
                        .or_insert_with(|| stored.map(|t| t.sum).unwrap_or_default());
                    let row = RowSum::of(id, key, *rev, &document::to_text(&doc.0));
                    let before = written.insert((table, key), row).or_else(|| {
                        let table = stored?;
                        Some(table.row_sum(key, table.rows.get(key)?))
                    });
                    if let Some(before) = before {
                        sum.remove(before);
                    }
                    sum.add(row);
                }
            }
        }
        Ok(sums)
    }

    /// Applies a commit that follows the head, after checking its sums against its ops.
    ///
    /// # Errors
    /// [`ApplyError`]; the state is unchanged.
    pub fn apply(&mut self, entry: &Entry, now: UnixMillis) -> Result<(), ApplyError> {
        let record = &entry.record;
        let at = record.id();
        let sums = self
            .sums_after(&record.ops)
            .map_err(|table| ApplyError::UnknownTable { at, table })?;
        if sums != record.sum {
            let differs = |table: &&String| sums.get(*table) != record.sum.get(*table);
            let table = sums.keys().chain(record.sum.keys()).find(differs);
            return Err(ApplyError::Mismatch {
                at,
                table: table.cloned().unwrap_or_default(),
            });
        }
        for op in &record.ops {
            self.apply_op(op, at);
        }
        for (name, sum) in sums {
            if let Some(table) = self.tables.get_mut(&name) {
                table.sum = sum;
            }
        }
        for origin in &record.by {
            if is_recent(&origin.interaction, now) {
                self.outcomes.insert(origin.interaction.clone(), at);
            }
        }
        self.head = Some(entry.link);
        Ok(())
    }

    fn apply_op(&mut self, op: &Op, at: CommitId) {
        match op {
            Op::Init { private, .. } => self.private = Some(*private),
            Op::CreateTable { table, id, pk } => {
                self.last_table_id = self.last_table_id.max(*id);
                self.tables.insert(
                    table.clone(),
                    Table {
                        id: *id,
                        pk: pk.clone(),
                        created: at,
                        rows: BTreeMap::new(),
                        sum: TableSum::default(),
                    },
                );
            }
            Op::Put {
                table,
                key,
                rev,
                doc,
            } => {
                if let Some(table) = self.tables.get_mut(table) {
                    let row = Row {
                        rev: *rev,
                        doc: document::to_text(&doc.0).into(),
                        at,
                    };
                    table.rows.insert(key.clone(), row);
                }
            }
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
    use crate::engine::document::Document;
    use crate::engine::log::record::{Origin, Record, VERSION};
    use serde_json::{Map, json};

    fn put(table: &str, key: &str, rev: u64) -> Op {
        Op::Put {
            table: table.into(),
            key: key.into(),
            rev,
            doc: Document(Map::from_iter([("rev".to_owned(), json!(rev))])),
        }
    }

    fn create(table: &str, id: u32) -> Op {
        Op::CreateTable {
            table: table.into(),
            id,
            pk: "id".into(),
        }
    }

    fn entry(state: &State, ops: Vec<Op>, interaction: &str) -> Entry {
        let seq = state.head.map_or(1, |head| head.id.seq() + 1);
        let record = Record {
            v: VERSION,
            epoch: 1,
            seq,
            prev: state.head,
            at: 0,
            by: vec![Origin {
                interaction: interaction.into(),
                user: "1".into(),
                command: "test".into(),
            }],
            sum: state.sums_after(&ops).unwrap(),
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
        let recomputed = a
            .rows
            .iter()
            .fold(TableSum::default(), |mut sum, (key, row)| {
                sum.add(a.row_sum(key, row));
                sum
            });
        assert_eq!(a.sum, recomputed);
    }

    #[test]
    fn a_record_that_does_not_add_up_changes_nothing() {
        let mut state = State::default();
        state
            .apply(&entry(&state, vec![create("t", 1)], "x"), 0)
            .unwrap();
        let before = state.clone();
        let mut wrong = entry(&state, vec![put("t", "a", 1)], "x");
        wrong.record.sum.get_mut("t").unwrap().digest ^= 1;
        assert!(matches!(
            state.apply(&wrong, 0),
            Err(ApplyError::Mismatch { .. })
        ));
        let mut unknown = entry(&state, vec![put("t", "a", 1)], "x");
        unknown.record.ops = vec![put("u", "a", 1)];
        assert!(matches!(
            state.apply(&unknown, 0),
            Err(ApplyError::UnknownTable { .. })
        ));
        assert_eq!(state, before);
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
