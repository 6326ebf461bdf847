//! Taking checkpoints: beside the commits, which go on meanwhile. Files first, then one record
//! that names them; what fails on the way leaves only files that nothing names.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::manifest::{Manifest, ManifestRef, Place};
use super::plan::{self, Channel, Plan};
use super::store;
use crate::engine::attachments;
use crate::engine::commit::{Contents, PostError};
use crate::engine::database::{Database, Opened, Tail};
use crate::engine::log::{CommitId, Op};
use crate::engine::materialize::Progress;
use crate::engine::not_written;
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, Level, UnixMillis};

/// A checkpoint is due when so much of the log is not covered by one.
const TAIL_RECORDS: usize = 64;
const TAIL_BYTES: usize = 256 * 1024;
/// Or so many changes of what messages show.
const UNRECORDED: usize = 50;
/// Or everything is shown, and nobody has written for so long.
const QUIET_MS: u64 = 2_000;
/// A failed one is tried again after this, then after twice that, and so on.
const RETRY_MS: u64 = 10_000;
const RETRY_LONGEST_MS: u64 = 60 * 60_000;
/// A manifest up to this length stands in its record, which then never needs a file.
const INLINE: usize = 4_500;

/// How the last attempts went.
#[derive(Debug, Clone, Default)]
pub(in crate::engine) struct Attempts {
    failed: u32,
    not_before: UnixMillis,
    /// Why the last one failed.
    pub stalled: Option<String>,
}

impl<H: Host> Database<H> {
    /// Takes a checkpoint if one is due; when to look again.
    pub async fn checkpoint_if_due(&self) -> Progress {
        let now = self.shared.host.now();
        let due = match self.opened() {
            Ok(opened) => due(&opened, now),
            Err(_) => return Progress::Done,
        };
        match due {
            None => Progress::Done,
            Some(at) if at > now => Progress::More(at),
            Some(_) => match self.take_checkpoint().await {
                Ok(_) => Progress::Done,
                Err(error) => self.checkpoint_failed(&error),
            },
        }
    }

    /// Takes a checkpoint of everything committed so far.
    ///
    /// # Errors
    /// Nothing that was committed is affected.
    pub async fn take_checkpoint(&self) -> Result<CommitId> {
        for table in self.changed_and_not_loaded()? {
            self.load_table(&table).await?;
        }
        let (plan, epoch, before, log) = self.lay_out()?;
        self.try_attachments(&plan, log).await?;
        let mut stored = Vec::new();
        for (name, file) in &plan.files {
            let entry = store::put(&self.shared, log, name, &file.bytes).await?;
            stored.push(Rc::new(entry));
        }
        let (manifest, keeps) = {
            let opened = self.opened()?;
            plan.finish(&opened.state, &stored)
        };
        let manifest = self.place(manifest, log, &plan).await?;
        let _writer = self.writer.lock().await;
        if self.opened()?.epoch != epoch {
            return Err(self.closed());
        }
        let contents = Contents {
            ops: vec![Op::Checkpoint {
                head: plan.head,
                manifest,
            }],
            ..Contents::default()
        };
        let id = self.append(contents).await.map_err(|error| match error {
            PostError::NotWritten(error)
            | PostError::TooLarge(error)
            | PostError::Unknown(error) => error,
        })?;
        self.with_opened(|opened| {
            let mut keeps = keeps;
            for table in opened.state.tables.values_mut() {
                if let Some(stored) = keeps.remove(&table.id) {
                    table.stored = stored;
                }
            }
            opened.tail = Tail {
                records: opened.tail.records.saturating_sub(before.records),
                bytes: opened.tail.bytes.saturating_sub(before.bytes),
            };
            opened.checkpoints = Attempts::default();
        })?;
        Ok(id)
    }

    fn changed_and_not_loaded(&self) -> Result<Vec<String>> {
        let opened = self.opened()?;
        let tables = opened.state.tables.iter();
        let changed = tables.filter(|(_, table)| !table.is_loaded && !table.rows.is_empty());
        Ok(changed.map(|(name, _)| name.clone()).collect())
    }

    /// Finds out whether files can be read back, unless that is known.
    async fn try_attachments(&self, plan: &Plan, log: u64) -> Result<()> {
        let is_known = attachments::access(&self.shared).await.is_some();
        if plan.files.is_empty() || is_known {
            return Ok(());
        }
        // The catalog, since a check that a crash left behind is removed by the next one there.
        let channel = self.opened()?.catalog.unwrap_or(log);
        let tried = attachments::probe(&self.shared, channel).await;
        tried.map(|_| ()).map_err(|error| {
            let doing = format!("Database `{}`: trying whether files can be read", self.name);
            not_written(&doing, &error)
        })
    }

    /// Everything that needs the state as it is now, in one stretch.
    fn lay_out(&self) -> Result<(Plan, u64, Tail, u64)> {
        self.with_opened(|opened| {
            let Some(head) = opened.state.head else {
                return Err(self.closed());
            };
            opened.state.generation += 1;
            let generation = opened.state.generation;
            let channels = opened.state.tables.values().map(|table| {
                let channel = Channel {
                    id: opened.mirror.channel(table.id),
                    scan_from: opened.mirror.scan_from(table.id),
                };
                (table.id, channel)
            });
            let channels: BTreeMap<u32, Channel> = channels.collect();
            let plan = plan::plan(&opened.state, head, generation, &channels);
            let plan = plan.map_err(|why| {
                Error::new(
                    ErrorKind::TooLarge,
                    format!(
                        "Database `{}`: a checkpoint is not possible: {why}.",
                        self.name
                    ),
                )
            })?;
            opened.mirror.checkpoint_taken();
            Ok((plan, opened.epoch, opened.tail, opened.log))
        })?
    }

    /// Puts the manifest where the record can refer to it.
    async fn place(&self, manifest: Manifest, log: u64, plan: &Plan) -> Result<ManifestRef> {
        if manifest.inline_len() <= INLINE {
            return Ok(ManifestRef::Inline(Box::new(manifest)));
        }
        let bytes = manifest.pack();
        let name = format!("manifest.{}.json.gz", plan.head.id.seq());
        // The catalog is always text: it must be there when no file can be read.
        match store::put_text(&self.shared, log, &name, &bytes).await? {
            Place::Text { messages } => Ok(ManifestRef::Text {
                messages,
                sum: super::file_sum::FileSum::of(&bytes),
                bytes: bytes.len() as u64,
            }),
            Place::Attachment { .. } => Err(self.closed()),
        }
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
    let unrecorded = opened.mirror.unrecorded();
    let tail = opened.tail;
    if (tail.records == 0 && unrecorded == 0) || opened.state.is_dropped {
        return None;
    }
    let not_before = opened.checkpoints.not_before;
    let is_large =
        tail.records >= TAIL_RECORDS || tail.bytes >= TAIL_BYTES || unrecorded >= UNRECORDED;
    if is_large {
        return Some(not_before.max(now));
    }
    let is_shown = opened.mirror.backlog() == 0;
    is_shown.then(|| not_before.max(opened.written_at + QUIET_MS))
}
