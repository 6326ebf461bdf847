//! Which tables the ops of the log are about: what a table was called changes, and names come again.

use std::collections::{BTreeSet, HashMap};

use crate::engine::database::Opened;
use crate::engine::log::read::LogReader;
use crate::engine::log::{CommitId, Op, replay};
use crate::engine::state::Erasure;

/// The names that a table has had, as far as the log tells.
pub(super) fn names_of(erasure: &Erasure, log: &LogReader) -> BTreeSet<String> {
    let mut names = BTreeSet::from([erasure.table.clone()]);
    let ops = || {
        log.records
            .values()
            .flat_map(|entry| entry.record.ops.iter())
    };
    loop {
        let former = ops().find_map(|op| match op {
            Op::RenameTable { table, to } if names.contains(to) && !names.contains(table) => {
                Some(table.clone())
            }
            _ => None,
        });
        match former {
            Some(former) => names.insert(former),
            None => return names,
        };
    }
}

/// For every commit of the chain, the tables that its ops are about: names come again, ids do not.
pub(super) fn table_ids(opened: &Opened, log: &LogReader) -> HashMap<CommitId, Vec<Option<u32>>> {
    let tables = opened.state.tables.iter();
    let mut names: HashMap<&str, Named> = tables
        .map(|(name, table)| (name.as_str(), Named::Is(table.id)))
        .collect();
    // What the tables were that have been dropped since, by the order in which that is found out.
    let mut dropped: Vec<Option<u32>> = Vec::new();
    let mut named: HashMap<CommitId, Vec<Option<Named>>> = HashMap::new();
    for link in replay::walk_past_gaps(&log.records, opened.state.head).links {
        let Some(entry) = log.records.get(&link) else {
            break;
        };
        let mut of_ops: Vec<Option<Named>> = Vec::new();
        for op in entry.record.ops.iter().rev() {
            of_ops.push(match op {
                Op::CreateTable { table, id, .. } => {
                    let found = names.remove(table.as_str());
                    if let Some(Named::Dropped(at)) = found
                        && let Some(place) = dropped.get_mut(at)
                    {
                        *place = Some(*id);
                    }
                    found
                }
                Op::RenameTable { table, to } => names.remove(to.as_str()).inspect(|&found| {
                    names.insert(table, found);
                }),
                Op::DropTable { table } => {
                    let found = Named::Dropped(dropped.len());
                    dropped.push(None);
                    names.insert(table, found);
                    Some(found)
                }
                Op::Put { table, .. }
                | Op::Delete { table, .. }
                | Op::CreateIndex { table, .. }
                | Op::DropIndex { table, .. } => names.get(table.as_str()).copied(),
                _ => None,
            });
        }
        of_ops.reverse();
        named.insert(link.id, of_ops);
    }
    let id = |named: Option<Named>| match named? {
        Named::Is(id) => Some(id),
        Named::Dropped(at) => dropped.get(at).copied().flatten(),
    };
    let ids = |of_ops: Vec<Option<Named>>| of_ops.into_iter().map(id).collect();
    let named = named.into_iter();
    named
        .map(|(commit, of_ops)| (commit, ids(of_ops)))
        .collect()
}

/// What a name stood for at some point of the history.
#[derive(Debug, Clone, Copy)]
enum Named {
    Is(u32),
    /// A table that was dropped later. The log says which one it was further back.
    Dropped(usize),
}
