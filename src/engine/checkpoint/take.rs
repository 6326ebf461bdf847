//! Taking checkpoints: beside the commits, which go on meanwhile. Files first, then one record
//! that names them; what fails on the way leaves only files that nothing names.

use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;

use super::manifest::{FileEntry, Manifest, ManifestRef};
use super::plan::{self, Channel, Plan};
use super::upload::{TEXT_FILE_BYTES, Upload};
use crate::discord::Patience;
use crate::engine::attachments::{self, Access};
use crate::engine::commit::{Contents, PostError};
use crate::engine::database::{Database, Opened, Tail};
use crate::engine::log::{CommitId, Op};
use crate::engine::materialize::Progress;
use crate::engine::not_written;
use crate::engine::state::{State, Stored, StoredSegment, Table};
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, Level, UnixMillis};
use crate::limits::SEGMENT_BYTES;

/// A checkpoint is due when so much of the log is not covered by one.
const TAIL_RECORDS: usize = 64;
const TAIL_BYTES: usize = 256 * 1024;
/// Or so many changes of what messages show.
const UNRECORDED: usize = 50;
/// Or everything is shown, and nobody has written for so long;
const QUIET_MS: u64 = 2_000;
/// but not for so few commits, which an opening reads and applies with the page that it reads anyway.
const FEW_RECORDS: usize = 32;
const FEW_BYTES: usize = 16 * 1024;
/// Unless there are no more rows than this: then hardly anything is written again.
const FEW_ROWS: u64 = 100;
/// A failed one is tried again after this, then after twice that, and so on.
const RETRY_MS: u64 = 10_000;
const RETRY_LONGEST_MS: u64 = 60 * 60_000;
/// A step is a message; or the record and, before it, a look whether the log is still ours.
const STEP_REQUESTS: u64 = 2;
/// What a checkpoint of one file takes.
const CHECKPOINT_REQUESTS: u64 = 4;
/// A manifest up to this length stands in its record, which then never needs a file.
const INLINE: usize = 4_500;

/// What text is posted with.
const PATIENCE: Patience = Patience::BESIDE_COMMITS;

/// A checkpoint that was begun.
#[derive(Debug)]
struct Taking {
    plan: Plan,
    epoch: u64,
    /// The tail when it was laid out.
    before: Tail,
    log: u64,
    /// Whether files are posted as text.
    as_text: bool,
    /// The file on its way: the first of the plan's that is not stored.
    upload: Option<Upload>,
    /// Files that are there as a whole, in the plan's order.
    stored: Vec<Rc<FileEntry>>,
    manifest: Option<Manifesting>,
}

/// A manifest on its way. The catalog is always text: it must be there when no file can be read.
#[derive(Debug)]
enum Manifesting {
    Inline(Box<Manifest>),
    Text(Upload),
}

impl Manifesting {
    fn of(manifest: Manifest, plan: &Plan) -> Result<Manifesting> {
        if manifest.inline_len() <= INLINE {
            return Ok(Manifesting::Inline(Box::new(manifest)));
        }
        let name = format!("manifest.{}.json.gz", plan.head.id.seq());
        Upload::as_text(&name, manifest.pack(), std::iter::empty()).map(Manifesting::Text)
    }
}

/// How the last attempts went.
#[derive(Debug, Default)]
pub(in crate::engine) struct Attempts {
    begun: Option<Box<Taking>>,
    /// Whether one is to be taken whatever was committed since: a table's segments cannot be read.
    pub is_wanted: bool,
    failed: u32,
    not_before: UnixMillis,
    /// Why the last one failed.
    pub stalled: Option<String>,
}

impl Attempts {
    /// Whether one is under way.
    pub fn is_begun(&self) -> bool {
        self.begun.is_some()
    }
}

impl<H: Host> Database<H> {
    /// Takes a checkpoint if one is due, or goes on with the one that was begun, as far as the budget
    /// of requests goes; when to look again.
    pub async fn checkpoint_if_due(&self, stop_at: u64) -> Progress {
        let now = self.shared.host.now();
        match self.checkpoint_due(now) {
            None => Progress::Done,
            Some(at) if at > now => Progress::More(at),
            Some(_) => match self.go_on_with_checkpoint(stop_at).await {
                // Commits that went on meanwhile may be worth the next one.
                Ok(Some(_)) => {
                    let next = self.checkpoint_due(now);
                    next.map_or(Progress::Done, Progress::More)
                }
                Ok(None) => Progress::More(self.shared.host.now()),
                Err(error) => self.checkpoint_failed(&error),
            },
        }
    }

    /// How many requests to leave for a checkpoint that is due, however much else there is to do.
    pub fn checkpoint_share(&self) -> u64 {
        let now = self.shared.host.now();
        match self.checkpoint_due(now) {
            Some(at) if at <= now => CHECKPOINT_REQUESTS,
            _ => 0,
        }
    }

    fn checkpoint_due(&self, now: UnixMillis) -> Option<UnixMillis> {
        let opened = self.opened().ok()?;
        due(&opened, now)
    }

    /// Goes on with the checkpoint that was begun, or begins one of everything committed so far; none
    /// when the budget is used up before it is taken.
    async fn go_on_with_checkpoint(&self, stop_at: u64) -> Result<Option<CommitId>> {
        if self.budget_is_used_up(stop_at) {
            return Ok(None);
        }
        // Taken out while it is worked on; whoever closes the database ends it.
        let begun = self.with_opened(|opened| opened.checkpoints.begun.take())?;
        let mut taking = match begun {
            Some(taking) => taking,
            None => Box::new(self.begin().await?),
        };
        loop {
            if self.budget_is_used_up(stop_at) {
                self.with_opened(|opened| {
                    if opened.epoch == taking.epoch {
                        opened.checkpoints.begun = Some(taking);
                    }
                })?;
                return Ok(None);
            }
            match self.checkpoint_step(&mut taking).await {
                Ok(Some(id)) => return Ok(Some(id)),
                Ok(None) => {}
                Err(error) => {
                    // What is posted already need not be posted again.
                    self.with_opened(|opened| {
                        if error.kind == ErrorKind::Unavailable && opened.epoch == taking.epoch {
                            opened.checkpoints.begun = Some(taking);
                        }
                    })?;
                    return Err(error);
                }
            }
        }
    }

    /// Whether no step fits any more.
    fn budget_is_used_up(&self, stop_at: u64) -> bool {
        self.shared.client.requests_sent() + STEP_REQUESTS > stop_at
    }

    async fn begin(&self) -> Result<Taking> {
        // Again each time, since rows may be deleted for good while a table is loaded.
        while let Some(table) = self.to_load()?.first() {
            if let Err(error) = self.load_table(table).await {
                let is_damaged = |opened: &Opened| {
                    let table = opened.state.tables.get(table);
                    table.is_none_or(|table| table.damage.is_some())
                };
                // One that cannot be loaded is no reason to leave the others out.
                if !is_damaged(&*self.opened()?) {
                    return Err(error);
                }
            }
        }
        let access = attachments::access(&self.shared).await;
        let taking = self.lay_out(access == Some(Access::Refused))?;
        if taking.plan.files.is_empty() || access.is_some() {
            return Ok(taking);
        }
        match self.try_attachments(taking.log).await? {
            Access::Readable => Ok(taking),
            // What is text is laid out in other files.
            Access::Refused => {
                drop(taking);
                self.lay_out(true)
            }
        }
    }

    /// One message, or the record; the checkpoint once it is committed.
    async fn checkpoint_step(&self, taking: &mut Taking) -> Result<Option<CommitId>> {
        if let Some((name, file)) = taking.plan.files.get_mut(taking.stored.len()) {
            let upload = match &mut taking.upload {
                Some(upload) => upload,
                none => none.insert(self.upload(name, &file.bytes, taking.as_text)?),
            };
            if let Some(entry) = upload.step(&self.shared, taking.log, PATIENCE).await? {
                taking.upload = None;
                taking.stored.push(Rc::new(entry));
                // Nobody needs them any more, and there may be much of them.
                file.bytes = Bytes::new();
            }
            return Ok(None);
        }
        let keeps = {
            let opened = self.opened()?;
            if opened.epoch != taking.epoch {
                return Err(self.closed());
            }
            let (manifest, keeps) = taking.plan.finish(&opened.state, &taking.stored);
            if taking.manifest.is_none() {
                taking.manifest = Some(Manifesting::of(manifest, &taking.plan)?);
            }
            keeps
        };
        let manifest = match &mut taking.manifest {
            Some(Manifesting::Inline(manifest)) => ManifestRef::Inline(manifest.clone()),
            Some(Manifesting::Text(upload)) => {
                match upload.step(&self.shared, taking.log, PATIENCE).await? {
                    Some(entry) => ManifestRef::Text(entry.text_ref()),
                    None => return Ok(None),
                }
            }
            None => return Err(self.closed()),
        };
        self.commit_checkpoint(taking, manifest, keeps)
            .await
            .map(Some)
    }

    async fn commit_checkpoint(
        &self,
        taking: &Taking,
        manifest: ManifestRef,
        mut keeps: BTreeMap<u32, Stored>,
    ) -> Result<CommitId> {
        let _writer = self.writer_beside_commits().await?;
        if self.opened()?.epoch != taking.epoch {
            return Err(self.closed());
        }
        let contents = Contents {
            ops: vec![Op::Checkpoint {
                head: taking.plan.head,
                manifest,
            }],
            ..Contents::default()
        };
        let appended = self.append(contents).await;
        let id = appended.map_err(PostError::into_error)?;
        self.with_opened(|opened| {
            let mut is_wanted = false;
            for table in opened.state.views_mut() {
                let Some(stored) = keeps.remove(&table.id) else {
                    continue;
                };
                // Its segments could not be read meanwhile, and it was put together without them: what
                // is named here is of no use.
                let segments = &table.stored.segments;
                if segments.is_empty() && taking.plan.keeps_segments(table.id) {
                    is_wanted = true;
                } else {
                    table.stored = stored;
                }
            }
            opened.tail = Tail {
                records: opened.tail.records.saturating_sub(taking.before.records),
                bytes: opened.tail.bytes.saturating_sub(taking.before.bytes),
            };
            opened.checkpoints = Attempts {
                is_wanted,
                ..Attempts::default()
            };
        })?;
        Ok(id)
    }

    fn to_load(&self) -> Result<Vec<String>> {
        let opened = self.opened()?;
        Ok(plan::to_load(&opened.state).map(str::to_owned).collect())
    }

    /// Finds out whether files can be read back.
    async fn try_attachments(&self, log: u64) -> Result<Access> {
        // The catalog, since a check that a crash left behind is removed by the next one there.
        let channel = self.opened()?.catalog.unwrap_or(log);
        let tried = attachments::probe(&self.shared, channel).await;
        tried.map_err(|error| {
            let doing = format!("Database `{}`: trying whether files can be read", self.name);
            not_written(&doing, &error)
        })
    }

    fn upload(&self, name: &str, bytes: &Bytes, as_text: bool) -> Result<Upload> {
        if !as_text {
            return Ok(Upload::as_attachment(name, bytes.clone()));
        }
        let opened = self.opened()?;
        // What is older than the newest checkpoint may be removed at any time.
        let covered = opened.covered.as_ref();
        let since = covered.map_or(0, |covered| covered.message);
        let head = covered.map(|covered| covered.head).unwrap_or_default();
        let seen = opened.seen.range(since..).map(|(_, message)| message);
        let seen = seen.filter(|message| !plan::is_from_before(&message.content, head));
        Upload::as_text(name, bytes.clone(), seen)
    }

    /// Everything that needs the state as it is now, in one stretch.
    fn lay_out(&self, as_text: bool) -> Result<Taking> {
        let file_bytes = if as_text {
            TEXT_FILE_BYTES
        } else {
            SEGMENT_BYTES
        };
        self.with_opened(|opened| {
            let Some(head) = opened.state.head else {
                return Err(self.closed());
            };
            // It may have been closed and opened again while tables were loaded.
            if plan::to_load(&opened.state).next().is_some() {
                return Err(self.closed());
            }
            opened.state.generation += 1;
            let generation = opened.state.generation;
            let channels = opened.state.views().map(|table| {
                let channel = Channel {
                    id: opened.mirror.channel(table.id),
                    scan_from: opened.mirror.scan_from(table.id),
                };
                (table.id, channel)
            });
            let channels: BTreeMap<u32, Channel> = channels.collect();
            let plan = plan::plan(&opened.state, head, generation, &channels, file_bytes);
            let mut plan = plan.map_err(|why| {
                Error::new(
                    ErrorKind::TooLarge,
                    format!(
                        "Database `{}`: a checkpoint is not possible: {why}.",
                        self.name
                    ),
                )
            })?;
            plan.left = opened.mirror.left_entries();
            plan.dropped = opened.mirror.dropped_entries();
            opened.mirror.checkpoint_taken();
            Ok(Taking {
                plan,
                epoch: opened.epoch,
                before: opened.tail,
                log: opened.log,
                as_text,
                upload: None,
                stored: Vec::new(),
                manifest: None,
            })
        })?
    }

    fn checkpoint_failed(&self, error: &Error) -> Progress {
        let line = format!("database {}: no checkpoint: {error}", self.name);
        self.shared.host.log(Level::Warn, &line);
        let now = self.shared.host.now();
        let again = self.with_opened(|opened| {
            let attempts = &mut opened.checkpoints;
            let pause = RETRY_MS << attempts.failed.min(10);
            attempts.failed += 1;
            attempts.not_before = now + pause.min(RETRY_LONGEST_MS);
            attempts.stalled = Some(error.message.clone());
            attempts.not_before
        });
        again.map_or(Progress::Done, Progress::More)
    }
}

/// From when on a checkpoint is due, if one is.
fn due(opened: &Opened, now: UnixMillis) -> Option<UnixMillis> {
    let not_before = opened.checkpoints.not_before;
    if opened.state.is_dropped {
        return None;
    }
    if opened.checkpoints.begun.is_some() {
        return Some(not_before.max(now));
    }
    let tail = opened.tail;
    let is_large = tail.records >= TAIL_RECORDS
        || tail.bytes >= TAIL_BYTES
        || opened.mirror.unrecorded() >= UNRECORDED;
    if is_large {
        return Some(not_before.max(now));
    }
    // The log tells of revisions that are not in their thread yet, as long as no checkpoint covers it.
    let is_posted = !opened.mirror.has_history() || !opened.state.erasing.is_empty();
    let is_shown = opened.mirror.backlog() == 0 && is_posted;
    let is_due = is_shown && is_worth_taking(opened);
    is_due.then(|| not_before.max(opened.written_at + QUIET_MS))
}

/// Whether a checkpoint is to be taken of what there is, once everything is quiet. Writing large
/// tables' rows again after every commit would cost far more than the commit.
pub(in crate::engine) fn is_worth_taking(opened: &Opened) -> bool {
    let (tail, unrecorded) = (opened.tail, opened.mirror.unrecorded());
    // A table that could not be loaded for a while kept what it shared with a deleted row.
    let can_leave = plan::can_leave(&opened.state);
    if opened.checkpoints.is_wanted || can_leave {
        return true;
    }
    if tail.records == 0 && unrecorded == 0 {
        return false;
    }
    let covered = opened.covered_head();
    let mut erasing = opened.state.erasing.iter();
    let is_waited_for = erasing.any(|erasure| Some(erasure.at) > covered);
    let is_much =
        tail.records >= FEW_RECORDS || tail.bytes >= FEW_BYTES || unrecorded >= UNRECORDED;
    is_much || is_waited_for || rows(&opened.state) <= FEW_ROWS
}

/// How many rows the tables have, tombstones among them.
fn rows(state: &State) -> u64 {
    let of_table = |table: &Table| {
        let segments = table.stored.segments.iter();
        let stored: u64 = segments.map(StoredSegment::lines).sum();
        stored.max(table.rows.len() as u64)
    };
    state.tables.values().map(of_table).sum()
}
