//! Rows that were deleted for good: once a checkpoint stands without them, every message that still
//! has a copy is deleted - their records in the log, and the files of earlier checkpoints.
//!
//! A record may hold other rows as well. It goes only when each of those stands in a segment that
//! was read back just now, and in a message of its own, or was committed again.

mod again;
mod copies;
mod messages;
mod tables;

use std::collections::BTreeSet;

use super::attachments;
use super::checkpoint::file_sum::FileSum;
use super::checkpoint::manifest::FileEntry;
use super::checkpoint::plan;
use super::checkpoint::store::Unreadable;
use super::commit::{Contents, PostError};
use super::database::{Database, Opened};
use super::load::AFTER_DAMAGE_MS;
use super::log::read::{LogReader, ReadError};
use super::log::{CommitId, Link, Op};
use super::materialize::Progress;
use super::state::{Erasure, Row};
use crate::discord::model::created_ms;
use crate::discord::{CallError, Patience, routes};
use crate::error::{Error, Result};
use crate::host::{Host, Level, UnixMillis};
use crate::limits::{DISORDER_MS, INTERACTION_TOKEN_MS};
use copies::{Copies, Found, copies};
use messages::Channels;

/// When to go on after something that only time or the materializer can change.
const LATER_MS: u64 = 15_000;
/// What failed is tried again after that, then after twice that, and so on.
const RETRY_LONGEST_MS: u64 = 30 * 60_000;

/// So often a commit that takes many messages is given up for commands that come meanwhile: each time a part of
/// it is posted in vain.
const GIVES_WAY: u32 = 6;

/// So many fit a message, also where Discord does not let files be read back.
const GAPS_A_RECORD: usize = 64;

/// How far the search for copies has come.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// When to try again to load a table that could not be loaded.
    loads_again_at: UnixMillis,
    /// Files of the newest checkpoint that were read back.
    verified: BTreeSet<FileSum>,
    /// Channels of tables that had such rows.
    channels: Channels,
    log: Option<LogReader>,
    /// Known once the log was read to its beginning.
    copies: Option<Copies>,
    /// How often a commit was given up for commands.
    gave_way: u32,
    failed: u32,
    not_before: UnixMillis,
    /// Why it does not go on.
    stalled: Option<String>,
}

impl Search {
    /// Why it does not go on, where it was last tried in vain.
    pub fn stalled(&self) -> Option<&str> {
        self.stalled.as_deref()
    }
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

/// Whether it is known what is to go.
enum Known {
    Copies(Copies),
    NotYet(Stepped),
}

impl<H: Host> Database<H> {
    /// Goes on removing copies and what is void, within the budget of requests.
    pub async fn erase(&self, stop_at: u64) -> Progress {
        if let Some(until) = self.remove_void(stop_at).await {
            return Progress::More(until);
        }
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
                    if stepped.is_ok() {
                        (search.failed, search.stalled) = (0, None);
                    }
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

    /// Removes records from the log that could not be read back; when to go on, if there is more to do.
    /// They are void, since the head was settled without them.
    async fn remove_void(&self, stop_at: u64) -> Option<UnixMillis> {
        loop {
            let now = self.shared.host.now();
            let next = self
                .opened()
                .map(|opened| (opened.log, opened.void.first().copied()));
            let Ok((log, Some(message))) = next else {
                return None;
            };
            if self.shared.client.requests_sent() >= stop_at {
                return Some(now);
            }
            if let Err(error) = self.delete_copy(log, message).await {
                return match self.erasing_failed(&error) {
                    Progress::More(until) => Some(until),
                    Progress::Done => None,
                };
            }
            // Whoever closed it meanwhile starts over.
            let removed = self.with_opened(|opened| opened.void.remove(&message));
            if removed.is_ok() {
                self.store_hints().await;
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
            if let Err(broken) = self.file(&file).await {
                return Err(self.do_without(&file, broken).await);
            }
            search.verified.insert(file.sum);
            return Ok(Stepped::More);
        }
        if let Some(stepped) = self.look_for_messages(&mut search.channels).await? {
            return Ok(stepped);
        }
        let channel = self.opened()?.log;
        let log = search
            .log
            .get_or_insert_with(|| LogReader::of_records(channel));
        if !log.is_complete() {
            let read = log.older(&self.shared).await;
            read.map_err(|error| self.unreadable(&error))?;
            return Ok(Stepped::More);
        }
        if let Err(error) = log.fetch(&self.shared, 0).await {
            let head = self.opened()?.state.head;
            if let ReadError::Text { message, .. } = error
                && log.give_up_void(message, head)
            {
                self.delete_copy(channel, message).await?;
                return Ok(Stepped::More);
            }
            // Somebody may put it right meanwhile.
            *log = LogReader::of_records(channel);
            return Err(self.unreadable(&error));
        }
        if search.copies.is_none() {
            match self.known_copies(log, &mut search.gave_way).await? {
                Known::Copies(copies) => search.copies = Some(copies),
                Known::NotYet(stepped) => return Ok(stepped),
            }
        }
        match &mut search.copies {
            Some(copies) if !copies.messages.is_empty() => {
                self.remove_next(channel, log, copies).await
            }
            _ => self.note_erased().await.map(|()| Stepped::Done),
        }
    }

    /// What is to go from the log, which was read to its beginning.
    async fn known_copies(&self, log: &mut LogReader, gave_way: &mut u32) -> Result<Known> {
        let access = attachments::access(&self.shared).await;
        let found = {
            // While nothing is on its way, what no record refers to is nobody's.
            let _writer = self.writer.lock().await;
            let opened = self.opened()?;
            // Which tables the ops are about is known from the head back.
            let is_read = log.reads_up_to(opened.state.head);
            is_read.then(|| copies(&opened, log, access))
        };
        Ok(Known::NotYet(match found {
            None => {
                let read = log.newer(&self.shared).await;
                read.map_err(|error| self.unreadable(&error))?;
                match log.reads_up_to(self.opened()?.state.head) {
                    true => Stepped::More,
                    false => Stepped::Wait(self.shared.host.now() + LATER_MS),
                }
            }
            Some(Found::Copies(copies)) => return Ok(Known::Copies(copies)),
            Some(Found::Load(table)) => {
                self.load_table(&table).await?;
                Stepped::More
            }
            Some(Found::Again(_)) => {
                let gives_way = *gave_way < GIVES_WAY;
                *gave_way += 1;
                self.commit_again(log, gives_way).await?;
                *gave_way = 0;
                Stepped::More
            }
            Some(Found::Needed) => Stepped::Wait(self.shared.host.now() + LATER_MS),
        }))
    }

    /// Deletes the next message, once that may be, and what has to be noted before is.
    async fn remove_next(
        &self,
        channel: u64,
        log: &LogReader,
        copies: &mut Copies,
    ) -> Result<Stepped> {
        let Some(&message) = copies.messages.last() else {
            return Ok(Stepped::More);
        };
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
        Ok(Stepped::More)
    }

    fn file_to_verify(&self, search: &Search) -> Result<Option<FileEntry>> {
        let opened = self.opened()?;
        let mut files = opened.state.stored_files();
        let file = files.find(|file| !search.verified.contains(&file.sum));
        Ok(file.cloned())
    }

    /// A file of the newest checkpoint cannot be had: the next one writes what it has anew, from memory or
    /// from what the tables' messages and the log say. What it waits for until then.
    async fn do_without(&self, file: &FileEntry, broken: Unreadable) -> Error {
        if broken.is_passing {
            return broken.into();
        }
        // Nor can it where the log may not be read, and then nothing is wrong with it.
        if let Err(hidden) = self.look_at_log().await {
            return hidden;
        }
        let unloaded = self.with_opened(|opened| opened.do_without(file.sum));
        for table in unloaded.unwrap_or_default() {
            if let Err(error) = self.load_table(&table).await {
                return error;
            }
        }
        self.ask_for_alarm().await;
        broken.into()
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

    /// Commits again what nothing else would tell once records are gone.
    async fn commit_again(&self, log: &LogReader, gives_way: bool) -> Result<()> {
        let _writer = self.writer_beside_commits().await?;
        // With the lock, since a command may have written the same rows.
        let access = attachments::access(&self.shared).await;
        let found = copies(&*self.opened()?, log, access);
        match found {
            Found::Again(contents) => {
                let contents = Contents {
                    gives_way,
                    ..contents
                };
                self.append_beside(contents).await
            }
            Found::Copies(_) | Found::Load(_) | Found::Needed => Ok(()),
        }
    }

    async fn append_erased(&self, erased: Op) -> Result<()> {
        let ops = vec![erased];
        let contents = Contents {
            ops,
            ..Contents::default()
        };
        self.append_beside(contents).await
    }

    /// The caller holds the writer's lock.
    async fn append_beside(&self, contents: Contents) -> Result<()> {
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
        let now = self.shared.host.now();
        let again = self.with_opened(|opened| {
            let search = &mut opened.search;
            let pause = LATER_MS << search.failed.min(10);
            search.failed += 1;
            search.not_before = now + pause.min(RETRY_LONGEST_MS);
            let hint = error.hint.as_deref().unwrap_or_default();
            search.stalled = Some(format!("{} {hint}", error.message));
            search.not_before
        });
        again.map_or(Progress::Done, Progress::More)
    }
}

fn next(opened: &Opened, now: UnixMillis) -> Step {
    let erasing = &opened.state.erasing;
    let Some(newest) = erasing.iter().map(|erasure| erasure.at).max() else {
        return Step::Nothing;
    };
    if now < opened.search.not_before {
        return Step::Wait(opened.search.not_before);
    }
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
    // A table is in no segment at the moment, and needs the log; or files are on their way.
    if opened.checkpoints.is_wanted || opened.checkpoints.is_begun() {
        return Step::Wait(now + LATER_MS);
    }
    let settled_at = created_ms(covered.since_erasure).saturating_add(DISORDER_MS);
    if now < settled_at {
        return Step::Wait(settled_at);
    }
    // A message may yet arrive, or be put back to what it said before.
    if opened.mirror.is_late() {
        return Step::Wait(now + LATER_MS);
    }
    // Their channels have messages until they are deleted.
    if opened.mirror.may_have_dropped() {
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
        let indexes = opened.state.indexes_of(table.id).map(|index| &index.view);
        let views = std::iter::once(table)
            .chain(indexes)
            .filter(|view| view.mirror);
        let mut rows = views.filter_map(|view| view.rows.get(&erasure.key));
        let is_left = |row: &Row| {
            let is_shown = Some(row.at) <= opened.mirror.mirrored();
            row.at >= erasure.at && row.shown.at < erasure.at && !is_shown
        };
        if rows.any(is_left) {
            return Step::Wait(now + LATER_MS);
        }
    }
    Step::Go
}
