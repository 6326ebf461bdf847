//! What a commit changes in what the channels should show.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::history::Past;
use super::history_message::Ending;
use super::mirror::Mirror;
use crate::engine::log::{CommitId, Op, Record};
use crate::engine::state::{Index, Row, State, Superseded};

/// Takes in a commit that was just applied to `state`.
pub(super) fn take_in(
    mirror: &mut Mirror,
    record: &Record,
    state: &State,
    superseded: Vec<Superseded>,
) {
    let at = record.id();
    let tables = tables_of(record, state);
    let mut replaced: BTreeMap<(u32, String), VecDeque<Superseded>> = BTreeMap::new();
    for old in superseded {
        let row = (old.table, old.key.clone());
        replaced.entry(row).or_default().push_back(old);
    }
    for (number, (op, table)) in record.ops.iter().zip(tables).enumerate() {
        let Some(table) = table else { continue };
        match op {
            Op::CreateTable { .. } | Op::SetSchema { .. } => mirror.cards.want(table, at),
            Op::RenameTable { .. } => {
                let indexes = state.indexes_of(table).map(Index::id);
                for view in std::iter::once(table).chain(indexes) {
                    mirror.cards.want(view, at);
                    if mirror.channel(view).is_some() {
                        mirror.renames.insert(view, at);
                    }
                }
            }
            Op::CreateIndex { id, .. } => {
                mirror.cards.want(*id, at);
                mirror.table_behind(state, *id);
            }
            Op::Put { key, rev, .. } | Op::Delete { key, rev, .. } => {
                // They are in the order of the ops, and the first op may have replaced nothing.
                let old = replaced.get_mut(&(table, key.clone()));
                let old = old.filter(|old| old.front().is_some_and(|old| old.row.rev < *rev));
                let before = old.and_then(VecDeque::pop_front);
                row_written(mirror, record, number, (table, key), before, state);
            }
            Op::Init { .. }
            | Op::Takeover { .. }
            | Op::Checkpoint { .. }
            | Op::Erased { .. }
            | Op::DropDatabase { .. }
            | Op::DropTable { .. }
            | Op::DropIndex { .. } => {}
        }
    }
    let mut dropped = mirror.known_tables();
    dropped.extend(mirror.cards.known_tables());
    dropped.retain(|&view| state.view(view).is_none());
    let drops = |op: &Op| matches!(op, Op::DropTable { .. } | Op::DropIndex { .. });
    if record.ops.iter().any(drops) {
        mirror.cards.table_dropped();
        for table in dropped {
            mirror.forget_table(table, at);
        }
    }
}

fn row_written(
    mirror: &mut Mirror,
    record: &Record,
    number: usize,
    (table, key): (u32, &str),
    before: Option<Superseded>,
    state: &State,
) {
    if state.table_by_id(table).is_none_or(|(_, t)| !t.mirror) {
        return;
    }
    // As of this op: the row may be there again at the end of the record.
    let is_hard = is_hard(record, number);
    if is_hard {
        mirror.history.forget_row(table, key);
    }
    if let Some(Superseded { row, .. }) = before {
        mirror.work(table).unwant(row.at, key);
        let was_shown = row.is_shown() || Some(row.at) <= mirror.mirrored();
        if was_shown && !row.hard && !is_hard {
            mirror.history.push(Past {
                table,
                key: key.into(),
                row,
                ending: Ending {
                    at: record.at,
                    by: author(record, number),
                },
                by: record.id(),
                is_recalled: false,
            });
        }
    }
    mirror.work(table).want(record.id(), key);
    for index in state.indexes_of(table) {
        // Where its values stay the same, its message does as well.
        let row = index.view.rows.get(key);
        if let Some(row) = row.filter(|row| row.at == record.id()) {
            mirror.work(index.id()).want(row.at, key);
        }
    }
}

/// Whether the op with this number deletes a row so that no copy of it remains.
fn is_hard(record: &Record, number: usize) -> bool {
    matches!(record.ops.get(number), Some(Op::Delete { hard: true, .. }))
}

/// Whether it was another revision: what is committed again, since a record is to go, stays as it is.
fn is_replaced(record: &Record, old: &Superseded) -> bool {
    match record.ops.get(old.op) {
        Some(Op::Put { rev, .. } | Op::Delete { rev, .. }) => old.row.rev < *rev,
        _ => false,
    }
}

/// Something that the log tells of a row's past: what a commit replaced, where that is known.
#[derive(Debug)]
pub(in crate::engine) struct Recalled {
    table: u32,
    key: String,
    row: Option<Row>,
    /// The revision that replaced it.
    rev: u64,
    /// It was deleted for good, and nothing of the past is to be told any more.
    is_hard: bool,
    ending: Ending,
    by: CommitId,
    op: usize,
}

/// What a commit before the opening replaced; `state` is as it was after it. Of a table that is not
/// loaded, what the first commit replaced stands in its segments.
pub(in crate::engine) fn recalled(
    record: &Record,
    superseded: Vec<Superseded>,
    state: &State,
) -> Vec<Recalled> {
    let by = record.id();
    let ending = |number| Ending {
        at: record.at,
        by: author(record, number),
    };
    let is_known: BTreeSet<usize> = superseded.iter().map(|old| old.op).collect();
    let superseded = superseded.into_iter();
    let known = superseded.filter(|old| is_replaced(record, old));
    let known = known.map(|old| Recalled {
        table: old.table,
        key: old.key,
        rev: old.row.rev + 1,
        row: Some(old.row),
        is_hard: is_hard(record, old.op),
        ending: ending(old.op),
        by,
        op: old.op,
    });
    let ops = record.ops.iter().enumerate();
    let unknown = ops.filter_map(|(op, written)| {
        let (Op::Put {
            table, key, rev, ..
        }
        | Op::Delete {
            table, key, rev, ..
        }) = written
        else {
            return None;
        };
        let found = state.tables.get(table).filter(|found| !found.is_loaded)?;
        (*rev > 1 && !is_known.contains(&op)).then(|| Recalled {
            table: found.id,
            key: key.clone(),
            row: None,
            rev: *rev,
            is_hard: is_hard(record, op),
            ending: ending(op),
            by,
            op,
        })
    });
    let mut all: Vec<Recalled> = known.chain(unknown).collect();
    all.sort_by_key(|recalled| recalled.op);
    all
}

impl Mirror {
    /// Takes in what may have been waiting for its thread when the database was last closed: what
    /// was replaced after everything was shown, and from where on storage knows that it waits.
    pub(in crate::engine) fn recall(
        &mut self,
        recalled: Vec<Recalled>,
        state: &State,
        waits_from: Option<CommitId>,
    ) {
        self.history.stored_from = waits_from;
        let Some(mirrored) = self.mirrored() else {
            // Storage is new: nothing is known of what was shown.
            return;
        };
        for recalled in recalled {
            let Recalled {
                table,
                key,
                row,
                rev,
                ending,
                by,
                ..
            } = recalled;
            if recalled.is_hard {
                self.history.forget_row(table, &key);
                continue;
            }
            let waits = by > mirrored || waits_from.is_some_and(|from| by >= from);
            let found = state.table_by_id(table).filter(|(_, found)| found.mirror);
            let is_hard = |row: &Row| row.hard;
            let now = found.and_then(|(_, found)| found.rows.get(&key));
            if !waits || found.is_none() || now.is_none_or(is_hard) {
                continue;
            }
            match row {
                None => self.history.await_row(table, &key, rev, ending, by),
                Some(row) if row.at <= mirrored && !row.hard => self.history.recall(Past {
                    table,
                    key: key.into(),
                    row,
                    ending,
                    by,
                    is_recalled: true,
                }),
                // It was never shown.
                Some(_) => {}
            }
            // What is to be done in a table's channel is asked of the tables that have work.
            self.work(table);
        }
    }
}

/// Who asked for the op with this number, and with what command.
fn author(record: &Record, number: usize) -> Option<(u64, String)> {
    let origin = record.origin_of(number)?;
    Some((origin.user.parse().ok()?, origin.command.clone()))
}

/// The table that each op is about, as far as it is still there: names may change hands within a
/// record, so they are followed back from its end.
fn tables_of(record: &Record, state: &State) -> Vec<Option<u32>> {
    let mut names: BTreeMap<&str, u32> = BTreeMap::new();
    names.extend(
        state
            .tables
            .iter()
            .map(|(name, table)| (name.as_str(), table.id)),
    );
    let mut tables: Vec<Option<u32>> = Vec::new();
    for op in record.ops.iter().rev() {
        tables.push(match op {
            Op::CreateTable { table, .. } => names.remove(table.as_str()),
            Op::RenameTable { table, to } => {
                let id = names.remove(to.as_str());
                if let Some(id) = id {
                    names.insert(table, id);
                }
                id
            }
            Op::Put { table, .. }
            | Op::Delete { table, .. }
            | Op::CreateIndex { table, .. }
            | Op::SetSchema { table, .. }
            | Op::DropIndex { table, .. } => names.get(table.as_str()).copied(),
            Op::DropTable { table } => {
                names.remove(table.as_str());
                None
            }
            Op::Init { .. }
            | Op::Takeover { .. }
            | Op::Checkpoint { .. }
            | Op::Erased { .. }
            | Op::DropDatabase { .. } => None,
        });
    }
    tables.reverse();
    tables
}
