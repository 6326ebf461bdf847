//! Opening a database: claim it, read its log, and only then believe what was read.

use std::time::Duration;

use super::commit::PostError;
use super::database::{Database, Opened};
use super::layout;
use super::log::codec::DecodeError;
use super::log::read::{Found, ReadError, read};
use super::log::replay::{self, ChainError, Entry};
use super::materialize::Mirror;
use super::memo::{Floor, Hints};
use super::not_written;
use super::state::{ApplyError, State};
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, Level};

/// How often the log is read again when it does not show what is known to be in it. Discord's
/// reads are eventually consistent. <https://docs.discord.com/developers/reference#consistency>
const STALE_READS: u32 = 4;
const STALE_PAUSE_MS: u64 = 750;

pub(super) enum OpenError {
    /// No channel is marked as this database's log.
    NoSuchDatabase {
        known: Vec<String>,
    },
    Failed(Error),
}

impl From<Error> for OpenError {
    fn from(error: Error) -> Self {
        OpenError::Failed(error)
    }
}

impl<H: Host> Database<H> {
    /// Opens the database. The caller holds the writer's lock.
    pub(super) async fn open_locked(&self) -> Result<(), OpenError> {
        if self.is_open() {
            return Ok(());
        }
        let doing = format!("Opening database `{}`", self.name);
        let mut hints = self.memo().hints().await?;
        let me = self.shared.me().await;
        let me = me.map_err(|error| not_written(&doing, &error))?;
        let log = match hints.log {
            Some(log) => log,
            None => self.find_channels(&mut hints).await?,
        };
        let floor = self.memo().floor().await?;
        let mut epoch = self.claim(None).await?;
        let mut stale_reads = 0;
        let (history, damaged) = loop {
            let found = match read(&self.shared.client, log, me).await {
                Ok(found) => found,
                // The hint may be of a channel that is gone: look once, then say so.
                Err(ReadError::Call(error)) if error.is_not_found() => {
                    return Err(self.log_is_gone(&mut hints, log).await);
                }
                Err(error) => return Err(self.unreadable(&error).into()),
            };
            // Somebody opened the log after we claimed our epoch: claim above, and read again,
            // so that whatever they wrote before our new claim is seen.
            let highest = found.entries.iter().map(|entry| entry.record.epoch).max();
            if let Some(other) = highest.filter(|&other| other > epoch) {
                epoch = self.claim(Some(other)).await?;
                continue;
            }
            let Found { entries, damaged } = found;
            if let Some(newer) = damaged.iter().find_map(|d| match d.why {
                DecodeError::Newer(version) => Some(version),
                DecodeError::Damaged(_) => None,
            }) {
                return Err(self.too_new(newer).into());
            }
            match self.settle(entries, floor.as_ref()) {
                Ok(history) => break (history, damaged),
                // The missing part may only be late.
                Err(_) if stale_reads < STALE_READS => {
                    stale_reads += 1;
                    let pause = STALE_PAUSE_MS * u64::from(stale_reads);
                    self.shared.host.sleep(Duration::from_millis(pause)).await;
                }
                Err(error) => return Err(error.into()),
            }
        };
        let head_seq = history.last().map_or(0, |entry| entry.link.id.seq());
        if let Some(newest) = damaged
            .iter()
            .filter(|d| d.seq > head_seq)
            .max_by_key(|d| d.seq)
        {
            // With a floor, everything acknowledged is in the history, so this never was.
            if floor.is_none() {
                return Err(self.damaged_head(newest.message, newest.seq, log).into());
            }
        }
        let now = self.shared.host.now();
        let mut state = State::default();
        for entry in &history {
            state
                .apply(entry, now)
                .map_err(|why| self.does_not_add_up(&why))?;
        }
        let unstored = state
            .head
            .filter(|head| floor.map(|floor| floor.link) != Some(head.link));
        if hints.log.is_none() {
            hints.log = Some(log);
            self.memo().store_hints(&hints).await?;
        }
        let mirror = Mirror::after_open(&state, &hints);
        let backlog = mirror.backlog();
        self.opened.replace(Some(Opened {
            epoch,
            log,
            catalog: hints.catalog,
            category: hints.category,
            state,
            mirror,
        }));
        if unstored.is_some() {
            // The head is somebody's unstored commit. Build on it and store that, so that nobody
            // can ever again read the log without it.
            self.settle_head().await?;
        }
        if backlog > 0 {
            self.ask_for_alarm().await;
        }
        Ok(())
    }

    /// Raises the epoch above everything known, durably, before the log is read.
    async fn claim(&self, seen: Option<u64>) -> Result<u64> {
        let stored = self.memo().epoch().await?;
        let above = stored.max(seen).map_or(0, |epoch| epoch.saturating_add(1));
        // The clock keeps epochs rising even when storage was wiped.
        let epoch = above.max(self.shared.host.now());
        self.memo().store_epoch(epoch).await?;
        Ok(epoch)
    }

    /// Posts an empty record on the head, which fixes what the head is for every later reader.
    pub(super) async fn settle_head(&self) -> Result<()> {
        let posted = self.append(Vec::new(), Vec::new()).await;
        posted.map(|_| ()).map_err(|error| {
            self.close();
            let (PostError::NotWritten(error) | PostError::Unknown(error)) = error;
            error
        })
    }

    /// The history, if it contains what was stored last.
    fn settle(&self, entries: Vec<Entry>, floor: Option<&Floor>) -> Result<Vec<Entry>> {
        let history = replay::chain(entries).map_err(|error| self.broken(&error))?;
        match floor {
            Some(floor) if !history.iter().any(|entry| entry.link == floor.link) => {
                let seq = floor.link.id.seq();
                Err(Error::new(
                    ErrorKind::Corrupt,
                    format!(
                        "Database `{}`: commit #{seq} is known to be stored, but the log does not show it. Either Discord's answer is out of date, or the message was deleted by hand.",
                        self.name
                    ),
                )
                .hint("Try again in a minute. Until the log shows it, nothing is read or written, so that nothing gets lost."))
            }
            _ => Ok(history),
        }
    }

    /// Looks for this database among the guild's channels.
    async fn find_channels(&self, hints: &mut Hints) -> Result<u64, OpenError> {
        let doing = format!("Looking for database `{}`", self.name);
        let channels = self.shared.channels().await;
        let channels = channels.map_err(|error| not_written(&doing, &error))?;
        let databases = layout::discover(&channels);
        let found = databases.get(&self.name);
        match found.map(|found| found.logs.as_slice()) {
            None | Some([]) => Err(OpenError::NoSuchDatabase {
                known: databases.into_keys().collect(),
            }),
            Some(&[log]) => {
                let found = found.cloned().unwrap_or_default();
                hints.catalog = found.catalogs.first().copied();
                hints.category = found.category;
                hints.tables = found.tables;
                // Kept only once the database opened: see `open_locked`.
                Ok(log)
            }
            Some(several) => Err(self.several_logs(several).into()),
        }
    }

    async fn log_is_gone(&self, hints: &mut Hints, log: u64) -> OpenError {
        hints.log = None;
        match self.find_channels(hints).await {
            Err(OpenError::NoSuchDatabase { known }) => OpenError::NoSuchDatabase { known },
            Err(error) => error,
            Ok(other) => Error::new(
                ErrorKind::Corrupt,
                format!(
                    "Database `{}`: its log channel (id {log}) was deleted, and <#{other}> claims to be its log now.",
                    self.name
                ),
            )
            .hint("Nothing is read or written until this is settled: if the deletion was on purpose, delete the database's other channels too and run `/dbc_init` again.")
            .into(),
        }
    }

    pub(super) fn several_logs(&self, logs: &[u64]) -> Error {
        let logs: Vec<String> = logs.iter().map(|id| format!("<#{id}>")).collect();
        Error::new(
            ErrorKind::Corrupt,
            format!(
                "Database `{}` has several channels marked as its log: {}.",
                self.name,
                logs.join(", ")
            ),
        )
        .hint("Delete the one that is empty, then try again.")
    }

    fn unreadable(&self, error: &ReadError) -> Error {
        match error {
            ReadError::Call(error) => not_written(
                &format!("Reading the log of database `{}`", self.name),
                error,
            ),
            ReadError::File { message, error } => not_written(
                &format!(
                    "Database `{}`: fetching the file of log message {message}",
                    self.name
                ),
                error,
            ),
        }
    }

    fn broken(&self, error: &ChainError) -> Error {
        let ChainError::Missing { after, wanted } = error;
        Error::new(
            ErrorKind::Corrupt,
            format!(
                "Database `{}`: the log is broken. Commit #{} follows commit #{} ({wanted}), which is missing or damaged.",
                self.name,
                after.seq(),
                wanted.seq()
            ),
        )
        .hint("Nothing is read or written until the message is back. If it was edited or deleted by hand, its text is needed to mend the log.")
    }

    fn damaged_head(&self, message: u64, seq: u64, log: u64) -> Error {
        Error::new(
            ErrorKind::Corrupt,
            format!(
                "Database `{}`: the newest message of the log, #{seq}, is damaged, and whether it was ever acknowledged cannot be known: {}",
                self.name,
                self.shared.message_link(log, message)
            ),
        )
        .hint("If it is not needed, delete that message and try again.")
    }

    fn too_new(&self, version: u32) -> Error {
        Error::new(
            ErrorKind::Unavailable,
            format!(
                "Database `{}` was written by a newer version of dbcord (format {version}).",
                self.name
            ),
        )
        .hint("Deploy the newer version; this one leaves the database alone.")
    }

    fn does_not_add_up(&self, why: &ApplyError) -> Error {
        let (ApplyError::UnknownTable { at, table } | ApplyError::Mismatch { at, table }) = why;
        self.shared.host.log(
            Level::Error,
            &format!("database {}: replay stopped at {at}: {why:?}", self.name),
        );
        Error::new(
            ErrorKind::Corrupt,
            format!(
                "Database `{}`: commit #{} does not add up for table `{table}`: the rows after it are not those that its digest stands for.",
                self.name,
                at.seq()
            ),
        )
        .hint("Report this: it is a bug or a forged record. Nothing was changed.")
    }
}
