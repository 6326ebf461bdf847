//! Rows that were deleted for good: once a checkpoint stands without them, every message that still
//! has a copy is deleted - their records in the log, and the files of earlier checkpoints.
//!
//! A record may hold other rows as well. It goes only when each of those stands in a segment that
//! was read back just now, and in a message of its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::checkpoint::file_sum::FileSum;
use super::checkpoint::{plan, text_file};
use super::commit::{Contents, PostError};
use super::database::{Database, Opened};
use super::log::read::LogReader;
use super::log::replay::{self, Entry};
use super::log::{CommitId, Link, Op, Record};
use super::materialize::Progress;
use super::state::{Erasure, Row};
use crate::discord::model::created_ms;
use crate::discord::{CallError, Patience, routes};
use crate::error::{Error, Result};
use crate::host::{Host, Level, UnixMillis};
use crate::limits::{DISORDER_MS, INTERACTION_TOKEN_MS};

/// When to go on after something that only time or the materializer can change.
const LATER_MS: u64 = 15_000;

/// When to try again to load a table that could not be loaded: each try reads the whole log, and most
/// often somebody has to do something first.
const AFTER_DAMAGE_MS: u64 = 5 * 60_000;

/// So many fit a message, also where Discord does not let files be read back.
const GAPS_A_RECORD: usize = 64;

/// How far the search for copies has come.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// When to try again to load a table that could not be loaded.
    loads_again_at: UnixMillis,
    /// Files of the newest checkpoint that were read back.
    verified: BTreeSet<FileSum>,
    log: Option<LogReader>,
    /// Known once the log was read to its beginning.
    copies: Option<Copies>,
}

/// What is to go from the log.
#[derive(Debug, Default)]
struct Copies {
    /// Messages to be deleted, oldest last.
    messages: Vec<u64>,
    /// What the log does not say yet of how its history goes on past them.
    gaps: Vec<(Link, Option<Link>)>,
}

/// What comes next.
enum Step {
    /// Nothing is to be erased.
    Nothing,
    /// It is not time yet.
    Wait(UnixMillis),
    /// A table must be loaded to know whether its messages are gone.
    Load(String),
    Go,
}

/// How a piece of work ended.
enum Stepped {
    Done,
    More,
    Wait(UnixMillis),
}

impl<H: Host> Database<H> {
    /// Goes on removing copies, within the budget of requests.
    pub async fn erase(&self, stop_at: u64) -> Progress {
        loop {
            let now = self.shared.host.now();
            match self.opened().map(|opened| next(&opened, now)) {
                Err(_) | Ok(Step::Nothing) => return Progress::Done,
                Ok(Step::Wait(until)) => return Progress::More(until),
                Ok(_) if self.shared.client.requests_sent() >= stop_at => {
                    return Progress::More(now);
                }
                Ok(Step::Load(table)) => {
                    if let Err(error) = self.load_table(&table).await {
                        let again = now + AFTER_DAMAGE_MS;
                        // Nothing to note where it was closed meanwhile.
                        let _ = self.with_opened(|opened| opened.search.loads_again_at = again);
                        return self.erasing_failed(&error);
                    }
                }
                Ok(Step::Go) => {
                    // Taken out while it is worked on; a closed database starts over.
                    let taken = self.with_opened(|opened| std::mem::take(&mut opened.search));
                    let Ok(mut search) = taken else {
                        return Progress::Done;
                    };
                    let stepped = self.erase_step(&mut search).await;
                    let kept = self.with_opened(|opened| opened.search = search);
                    match (stepped, kept) {
                        (Ok(Stepped::Done), _) | (_, Err(_)) => return Progress::Done,
                        (Ok(Stepped::More), _) => {}
                        (Ok(Stepped::Wait(until)), _) => return Progress::More(until),
                        (Err(error), _) => return self.erasing_failed(&error),
                    }
                }
            }
        }
    }

    /// Whether copies are left of rows that were deleted for good up to a commit.
    pub fn is_erasing(&self, epoch: u64, seq: u64) -> bool {
        let is_older = |erasure: &Erasure| erasure.at <= CommitId(epoch, seq);
        let opened = self.opened();
        opened.is_ok_and(|opened| opened.state.erasing.iter().any(is_older))
    }

    /// One piece of work.
    async fn erase_step(&self, search: &mut Search) -> Result<Stepped> {
        if let Some(file) = self.file_to_verify(search)? {
            self.file(&file).await?;
            search.verified.insert(file.sum);
            return Ok(Stepped::More);
        }
        let channel = self.opened()?.log;
        let log = search.log.get_or_insert_with(|| LogReader::new(channel));
        if !log.is_complete() {
            let read = log.older(&self.shared).await;
            read.map_err(|error| self.unreadable(&error))?;
            return Ok(Stepped::More);
        }
        let fetched = log.fetch(&self.shared, 0).await;
        fetched.map_err(|error| self.unreadable(&error))?;
        if search.copies.is_none() {
            search.copies = copies(&*self.opened()?, log);
        }
        let Some(copies) = &mut search.copies else {
            return Ok(Stepped::Wait(self.shared.host.now() + LATER_MS));
        };
        if let Some(&message) = copies.messages.last() {
            // Until then a record may be needed to tell somebody what became of a command.
            let is_record = !log.others.contains_key(&message);
            let until = created_ms(message).saturating_add(INTERACTION_TOKEN_MS);
            if is_record && until > self.shared.host.now() {
                return Ok(Stepped::Wait(until));
            }
            // First, since nobody can tell any more once the first is gone.
            if !copies.gaps.is_empty() {
                let some = copies.gaps.len().min(GAPS_A_RECORD);
                let some = copies.gaps.get(..some).unwrap_or_default().to_vec();
                let count = some.len();
                self.note_gaps(some).await?;
                copies.gaps.drain(..count);
                return Ok(Stepped::More);
            }
            self.delete_copy(channel, message).await?;
            copies.messages.pop();
            return Ok(Stepped::More);
        }
        self.note_erased().await.map(|()| Stepped::Done)
    }

    fn file_to_verify(
        &self,
        search: &Search,
    ) -> Result<Option<super::checkpoint::manifest::FileEntry>> {
        let opened = self.opened()?;
        let mut files = opened.state.stored_files();
        let file = files.find(|file| !search.verified.contains(&file.sum));
        Ok(file.cloned())
    }

    async fn delete_copy(&self, channel: u64, message: u64) -> Result<()> {
        let route = routes::delete_message(channel, message);
        let deleted = self.shared.client.delete(&route, Patience::BACKGROUND);
        match deleted.await {
            Err(error) if !error.is_unknown_message() => Err(self.not_deleted(&error)),
            _ => Ok(()),
        }
    }

    /// Commits that the copies are gone.
    async fn note_erased(&self) -> Result<()> {
        let _writer = self.writer_beside_commits().await?;
        let up_to = {
            let opened = self.opened()?;
            let erased = opened.state.erasing.iter().map(|erasure| erasure.at);
            let covered = opened.covered_head();
            erased.filter(|at| Some(*at) <= covered).max()
        };
        let Some(up_to) = up_to else {
            return Ok(());
        };
        let gaps = Vec::new();
        self.append_erased(Op::Erased { up_to, gaps }).await
    }

    /// Commits where the history goes on past records that are about to go: whoever follows another
    /// row back finds its way then.
    async fn note_gaps(&self, gaps: Vec<(Link, Option<Link>)>) -> Result<()> {
        let _writer = self.writer_beside_commits().await?;
        // A closed database has to be opened first.
        drop(self.opened()?);
        let up_to = CommitId::default();
        self.append_erased(Op::Erased { up_to, gaps }).await
    }

    /// The caller holds the writer's lock.
    async fn append_erased(&self, erased: Op) -> Result<()> {
        let contents = Contents {
            ops: vec![erased],
            ..Contents::default()
        };
        let appended = self.append(contents).await;
        appended.map_err(PostError::into_error)?;
        self.ask_for_alarm().await;
        Ok(())
    }

    fn not_deleted(&self, error: &CallError) -> Error {
        super::not_written(
            &format!("Removing copies from the log of database `{}`", self.name),
            error,
        )
    }

    fn erasing_failed(&self, error: &Error) -> Progress {
        let line = format!(
            "database {}: copies are not removed yet: {error}",
            self.name
        );
        self.shared.host.log(Level::Warn, &line);
        Progress::More(self.shared.host.now() + LATER_MS)
    }
}

fn next(opened: &Opened, now: UnixMillis) -> Step {
    let erasing = &opened.state.erasing;
    let Some(newest) = erasing.iter().map(|erasure| erasure.at).max() else {
        return Step::Nothing;
    };
    // The checkpoint is taken once everything is shown.
    let covered = opened.covered.as_ref();
    let Some(covered) = covered.filter(|covered| covered.head >= newest) else {
        return Step::Wait(now + LATER_MS);
    };
    // What cannot be read now may have a copy, and may be needed to read the rest back.
    let mut tables = opened.state.tables.iter();
    if let Some((name, _)) = tables.find(|(_, table)| table.damage.is_some()) {
        let again = opened.search.loads_again_at;
        return match now < again {
            true => Step::Wait(again),
            false => Step::Load(name.clone()),
        };
    }
    // Once it could, the next checkpoint does without the file.
    if plan::has_what_leaves(&opened.state) {
        return Step::Wait(now + LATER_MS);
    }
    let settled_at = created_ms(covered.message).saturating_add(DISORDER_MS);
    if now < settled_at {
        return Step::Wait(settled_at);
    }
    // A message may yet arrive, or be put back to what it said before.
    if opened.mirror.is_late() {
        return Step::Wait(now + LATER_MS);
    }
    for erasure in erasing {
        let Some((name, table)) = opened.state.table_by_id(erasure.table_id) else {
            continue;
        };
        if !table.is_loaded {
            return Step::Load(name.to_owned());
        }
        // Also where the key was used again since: its message and thread are those of before.
        let row = table.rows.get(&erasure.key);
        let is_left = |row: &Row| {
            let is_shown = Some(row.at) <= opened.mirror.mirrored();
            row.at >= erasure.at && row.shown.at < erasure.at && !is_shown
        };
        if row.is_some_and(|row| table.mirror && is_left(row)) {
            return Step::Wait(now + LATER_MS);
        }
    }
    Step::Go
}

/// The messages that have a copy; none while one of them is still needed.
fn copies(opened: &Opened, log: &LogReader) -> Option<Copies> {
    let covered = opened.covered.as_ref()?;
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
    let mut all = records.iter();
    if !all.all(|entry| {
        let ids = ids.get(&entry.record.id());
        ids.is_none_or(|ids| is_kept_elsewhere(opened, &entry.record, ids))
    }) {
        return None;
    }
    let in_use: BTreeSet<u64> = opened
        .state
        .stored_files()
        .flat_map(|file| file.place.messages().iter().copied())
        .chain(covered.manifest.iter().copied())
        .collect();
    let parts = log.others.values().filter(|message| {
        message.id < covered.message
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
    let removed = records.iter().map(|entry| entry.link).collect();
    let gaps = gaps(&removed, log);
    Some(Copies { messages, gaps })
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

/// The names that a table has had, as far as the log tells.
fn names_of(erasure: &Erasure, log: &LogReader) -> BTreeSet<String> {
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
fn table_ids(opened: &Opened, log: &LogReader) -> HashMap<CommitId, Vec<Option<u32>>> {
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
                Op::Put { table, .. } | Op::Delete { table, .. } => {
                    names.get(table.as_str()).copied()
                }
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

/// Whether the log is not needed for any row that a record wrote: it was written again since, or
/// its message shows it.
fn is_kept_elsewhere(opened: &Opened, record: &Record, ids: &[Option<u32>]) -> bool {
    let (state, mirrored) = (&opened.state, opened.mirror.mirrored());
    let is_shown = |row: &Row| row.is_shown() || Some(row.at) <= mirrored;
    record.ops.iter().zip(ids).all(|(op, id)| match op {
        Op::Put { key, .. } => {
            // A table that was dropped needs nothing.
            let table = id.and_then(|id| state.table_by_id(id));
            table.is_none_or(|(_, table)| {
                if !table.is_loaded {
                    let is_all_shown = state.head_id() <= mirrored;
                    let is_behind = table.stored.behind > 0 && !is_all_shown;
                    return !is_behind && table.rows.is_empty();
                }
                let row = table.rows.get(key);
                row.is_none_or(|row| row.at > record.id() || is_shown(row) || !table.mirror)
            })
        }
        _ => true,
    })
}
