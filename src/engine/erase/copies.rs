//! Which messages of the log still have a copy of a row that was deleted for good.

use std::collections::{BTreeMap, BTreeSet};

use super::again;
use super::tables::{names_of, table_ids};
use crate::engine::attachments::Access;
use crate::engine::checkpoint::{plan, text_file};
use crate::engine::commit::Contents;
use crate::engine::database::{Covered, Opened};
use crate::engine::log::read::LogReader;
use crate::engine::log::replay::Entry;
use crate::engine::log::{Link, Op, Record};
use crate::engine::state::{Erasure, Row};

/// What is to go from the log.
#[derive(Debug, Default)]
pub(super) struct Copies {
    /// Messages to be deleted, oldest last.
    pub messages: Vec<u64>,
    /// What the log does not say yet of how its history goes on past them.
    pub gaps: Vec<(Link, Option<Link>)>,
}

/// A record that is to go, and the tables that its ops are about.
pub(super) struct Going<'a> {
    pub record: &'a Record,
    pub ids: &'a [Option<u32>],
}

/// What became of the search.
pub(super) enum Found {
    Copies(Copies),
    /// Whether a record can go is only known with the rows of this table.
    Load(String),
    /// This is to be committed again before.
    Again(Contents),
    /// A record is still needed.
    Needed,
}

/// Whether something else tells what a record tells of its rows.
enum Kept {
    Yes,
    No,
    /// Only with this table's rows that is known.
    Load(String),
}

/// The messages that have a copy, once none of them is needed any more.
pub(super) fn copies(opened: &Opened, log: &LogReader, access: Option<Access>) -> Found {
    let Some(covered) = opened.covered.as_ref() else {
        return Found::Needed;
    };
    let ids = table_ids(opened, log);
    let is_erased = |record: &Record, at: usize, table: &str, key: &str| {
        let mut erasing = opened.state.erasing.iter();
        let id = ids.get(&record.id()).and_then(|ids| ids.get(at).copied());
        erasing.any(|erasure| {
            (record.id() < erasure.at || is_deleted_in_it(record, at, erasure))
                && erasure.key == key
                && match id {
                    Some(id) => id == Some(erasure.table_id),
                    // A void record: nobody knows what it took the name for.
                    None => names_of(erasure, log).contains(table),
                }
        })
    };
    let has_copy = |record: &Record| {
        let mut ops = record.ops.iter().enumerate();
        ops.any(|(at, op)| match op {
            Op::Put { table, key, .. } => is_erased(record, at, table, key),
            _ => false,
        })
    };
    let records = || log.records.values();
    // Past these the history goes on already, so that what their ops are about cannot be found any
    // more; but that they are to go was decided then.
    let noted = records().flat_map(|entry| entry.record.gaps());
    let noted: BTreeSet<Link> = noted.map(|(link, _)| link).collect();
    let is_to_go = |entry: &&Entry| noted.contains(&entry.link) || has_copy(&entry.record);
    let records: Vec<_> = records()
        .filter(|entry| entry.record.id() <= covered.head)
        .filter(is_to_go)
        .collect();
    let going = records.iter().filter_map(|entry| {
        let (record, ids) = (&entry.record, ids.get(&entry.record.id())?.as_slice());
        Some(Going { record, ids })
    });
    let going: Vec<Going<'_>> = going.collect();
    let mut is_needed = false;
    for going in &going {
        match is_kept_elsewhere(opened, going) {
            Kept::Yes => {}
            Kept::No => is_needed = true,
            Kept::Load(table) => return Found::Load(table),
        }
    }
    if is_needed {
        return Found::Needed;
    }
    if let Some(contents) = again::next(opened, &going, access) {
        return Found::Again(contents);
    }
    let messages = messages_of(opened, log, covered, &records);
    let removed = records.iter().map(|entry| entry.link).collect();
    let gaps = gaps(&removed, log);
    Found::Copies(Copies { messages, gaps })
}

/// The messages of records that are to go, and of files that nothing refers to; oldest last, and text after the
/// record that it is of.
fn messages_of(
    opened: &Opened,
    log: &LogReader,
    covered: &Covered,
    records: &[&Entry],
) -> Vec<u64> {
    let in_use: BTreeSet<u64> = opened
        .state
        .stored_files()
        .flat_map(|file| file.place.messages().iter().copied())
        .chain(covered.manifest.iter().copied())
        .chain(log.texts.values().flatten().copied())
        .collect();
    let parts = log.others.values().filter(|message| {
        (message.id < covered.message || plan::is_from_before(&message.content, covered.head))
            && text_file::is_part(&message.content)
            && !in_use.contains(&message.id)
    });
    let parts = parts.map(|message| message.id);
    let is_copy = |link: &Link| records.iter().any(|entry| entry.link == *link);
    let twins = log.twins.iter().filter(|(link, _)| is_copy(link));
    let twins = twins.map(|(_, message)| *message);
    let of_records = records.iter().map(|entry| entry.message).chain(twins);
    let mut messages: Vec<u64> = of_records.chain(parts).collect();
    messages.sort_unstable_by_key(|message| std::cmp::Reverse(*message));
    // Their text goes last: a record without it could not be read any more.
    let texts = messages.iter().filter_map(|message| log.texts.get(message));
    let mut all: Vec<u64> = texts.flatten().copied().collect();
    all.append(&mut messages);
    all
}

/// Whether the record that deleted the row for good did so after this op: they were committed
/// together.
fn is_deleted_in_it(record: &Record, at: usize, erasure: &Erasure) -> bool {
    let deletes = |op: &Op| matches!(op, Op::Delete { key, hard: true, .. } if *key == erasure.key);
    record.id() == erasure.at && record.ops.iter().skip(at).any(deletes)
}

/// How the history goes on past records that are to be removed, but for what the log says already.
fn gaps(removed: &BTreeSet<Link>, log: &LogReader) -> Vec<(Link, Option<Link>)> {
    let records = || log.records.values();
    let known: BTreeMap<Link, Option<Link>> =
        records().flat_map(|entry| entry.record.gaps()).collect();
    let prevs = |is_removed: bool| {
        let those = records().filter(move |entry| removed.contains(&entry.link) == is_removed);
        those.filter_map(|entry| entry.record.prev)
    };
    let reached: BTreeSet<Link> = prevs(false)
        .chain(known.values().copied().flatten())
        .collect();
    let inside: BTreeSet<Link> = prevs(true).collect();
    // A run is entered at its newest record, or where a void record branches off.
    let entries = removed
        .iter()
        .filter(|link| reached.contains(link) || !inside.contains(link));
    let entries = entries.filter(|link| !known.contains_key(link));
    let past = |entry: &Link| {
        let mut next = Some(*entry);
        while let Some(link) = next {
            next = match (known.get(&link), log.records.get(&link)) {
                (Some(before), _) => *before,
                (None, Some(entry)) if removed.contains(&link) => entry.record.prev,
                _ => break,
            };
        }
        next
    };
    entries.map(|entry| (*entry, past(entry))).collect()
}

/// Whether the log is not needed for any row that a record wrote: it was written again since, or its
/// message shows it. What has no message, or not all of it in one, is committed again.
fn is_kept_elsewhere(opened: &Opened, going: &Going<'_>) -> Kept {
    let (state, mirrored) = (&opened.state, opened.mirror.mirrored());
    let is_shown = |row: &Row| row.is_shown() || Some(row.at) <= mirrored;
    for (op, id) in going.record.ops.iter().zip(going.ids) {
        let Some((_, key)) = op.row() else { continue };
        // A table that was dropped needs nothing.
        let Some((name, table)) = id.and_then(|id| state.table_by_id(id)) else {
            continue;
        };
        let is_hard = matches!(op, Op::Delete { hard: true, .. });
        let has_no_message = again::has_no_message(table, is_hard);
        if !table.is_loaded {
            let is_all_shown = state.head_id() <= mirrored;
            let channel = opened.mirror.channel(table.id);
            let is_behind = table.behind(channel, table.sum.rows) > 0 && !is_all_shown;
            let written = Row::after(op, going.record.id());
            let is_cut = written.is_some_and(|row| again::is_cut(key, &row));
            if has_no_message || is_cut || is_behind || !table.rows.is_empty() {
                return Kept::Load(name.to_owned());
            }
            continue;
        }
        let row = table.rows.get(key);
        if row.is_some_and(|row| row.at <= going.record.id() && !has_no_message && !is_shown(row)) {
            return Kept::No;
        }
    }
    Kept::Yes
}
