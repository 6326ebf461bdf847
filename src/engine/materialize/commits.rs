//! What a commit changes in what the channels should show.

use std::collections::{BTreeMap, VecDeque};

use super::history::Past;
use super::history_message::Ending;
use super::mirror::Mirror;
use crate::engine::log::{Op, Part, Record};
use crate::engine::state::{State, Superseded};

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
            Op::CreateTable { .. } => mirror.cards.want(table, at),
            Op::RenameTable { .. } => {
                mirror.cards.want(table, at);
                if mirror.channel(table).is_some() {
                    mirror.renames.insert(table, at);
                }
            }
            Op::Put { key, rev, .. } | Op::Delete { key, rev, .. } => {
                // They are in the order of the ops, and the first op may have replaced nothing.
                let old = replaced.get_mut(&(table, key.clone()));
                let old = old.filter(|old| old.front().is_some_and(|old| old.row.rev < *rev));
                let before = old.and_then(VecDeque::pop_front);
                let is_hard = matches!(op, Op::Delete { hard: true, .. });
                row_written(mirror, record, number, (table, key), is_hard, before, state);
            }
            Op::Init { .. }
            | Op::Takeover { .. }
            | Op::Checkpoint { .. }
            | Op::Erased { .. }
            | Op::DropDatabase { .. }
            | Op::DropTable { .. } => {}
        }
    }
    let mut dropped = mirror.known_tables();
    dropped.extend(mirror.cards.known_tables());
    dropped.retain(|&table| state.table_by_id(table).is_none());
    let drops = |op: &Op| matches!(op, Op::DropTable { .. });
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
    is_hard: bool,
    before: Option<Superseded>,
    state: &State,
) {
    if state.table_by_id(table).is_none_or(|(_, t)| !t.mirror) {
        return;
    }
    // As of this op: the row may be there again at the end of the record.
    if is_hard {
        mirror.history.forget_row(table, key);
    }
    if let Some(Superseded { row, .. }) = before {
        mirror.work(table).unwant(row.at, key);
        let was_shown = row.is_shown() || Some(row.at) <= mirror.mirrored();
        if was_shown && !row.hard && !is_hard {
            mirror.remember(Past {
                table,
                key: key.into(),
                row,
                ending: Ending {
                    at: record.at,
                    by: origin(&record.by, number),
                },
                by: record.id(),
            });
        }
    }
    mirror.work(table).want(record.id(), key);
}

/// Who asked for the op with this number, and with what command: each part has its ops in order.
fn origin(by: &[Part], number: usize) -> Option<(u64, String)> {
    let mut end = 0;
    let part = by.iter().find(|part| {
        end += part.ops;
        number < end
    })?;
    let user = part.origin.user.parse().ok()?;
    Some((user, part.origin.command.clone()))
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
            Op::Put { table, .. } | Op::Delete { table, .. } => names.get(table.as_str()).copied(),
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
