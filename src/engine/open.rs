//! Opening a database: claim it, read its log, and only then believe what was read.

use std::time::Duration;

use super::commit::{Contents, PostError};
use super::database::{Database, Opened};
use super::layout;
use super::log;
use super::log::read::{LogContents, ReadError};
use super::log::replay::{self, ChainError, Entry};
use super::materialize::Mirror;
use super::object_storage::{Floor, Hints};
use super::state::{ApplyError, State};
use super::{not_written, unknown_database};
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

impl OpenError {
    /// The error that somebody who named the database is told.
    pub fn for_user(self, database: &str) -> Error {
        match self {
            OpenError::NoSuchDatabase { known } => unknown_database(database, &known),
            OpenError::Failed(error) => error,
        }
    }
}

impl From<Error> for OpenError {
    fn from(error: Error) -> Self {
        OpenError::Failed(error)
    }
}

impl<H: Host> Database<H> {
    /// Opens the database. The caller holds the writer's lock. The steps are those of
    /// `docs/architecture.md`, "Opening a database".
    pub(super) async fn open_locked(&self) -> Result<(), OpenError> {
        if self.is_open() {
            return Ok(());
        }
        self.close();
        let mut hints = self.keys().hints().await?;
        let log = match hints.log {
            Some(log) => log,
            None => self.find_channels(&mut hints).await?,
        };
        let floor = self.keys().floor().await?;
        let epoch = self.claim(None).await?;
        let (epoch, history) = self.history(&mut hints, log, epoch, floor.as_ref()).await?;
        let state = self.replay(&history)?;
        if hints.log.is_none() {
            hints.log = Some(log);
            self.keys().store_hints(&hints).await?;
        }
        // The head may be somebody's commit that was never stored. Then it is built on and that is
        // stored, so that nobody can ever again read the log without it.
        let is_settled = state.head == floor.map(|floor| floor.link);
        let mirror = Mirror::after_open(&state, &hints);
        let backlog = mirror.backlog();
        self.opened.replace(Some(Opened {
            epoch,
            log,
            catalog: hints.catalog,
            category: hints.category,
            state,
            mirror,
            is_settled,
        }));
        if !is_settled {
            self.settle_head().await?;
        }
        if backlog > 0 {
            self.ask_for_alarm().await;
        }
        Ok(())
    }

    /// Reads the log until it shows everything that is known to be in it; with the epoch, which
    /// rises when the log turns out to have a higher one.
    async fn history(
        &self,
        hints: &mut Hints,
        log: u64,
        mut epoch: u64,
        floor: Option<&Floor>,
    ) -> Result<(u64, Vec<Entry>), OpenError> {
        let me = self.shared.me().await.map_err(|error| {
            let doing = format!("Opening database `{}`", self.name);
            not_written(&doing, &error)
        })?;
        let mut stale_reads = 0;
        loop {
            let contents = match log::read::read(&self.shared, log, me).await {
                Ok(contents) => contents,
                // The hint may be of a channel that is gone: look once, then say so.
                Err(ReadError::Call(error)) if error.is_not_found() => {
                    return Err(self.log_is_gone(hints, log).await);
                }
                Err(error) => return Err(self.unreadable(&error).into()),
            };
            // Somebody opened the log after we claimed our epoch: claim above, and read again,
            // so that whatever they wrote before our new claim is seen.
            if let Some(other) = contents.highest_epoch().filter(|&other| other >= epoch) {
                epoch = self.claim(Some(other)).await?;
                continue;
            }
            if let Some(version) = contents.newer_format() {
                return Err(self.too_new(version).into());
            }
            match self.chain_with_floor(contents, floor, log) {
                Ok(history) => return Ok((epoch, history)),
                // The missing part may only be late.
                Err(_) if stale_reads < STALE_READS => {
                    stale_reads += 1;
                    let pause = STALE_PAUSE_MS * u64::from(stale_reads);
                    self.shared.host.sleep(Duration::from_millis(pause)).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The history, if it has what was stored last.
    fn chain_with_floor(
        &self,
        contents: LogContents,
        floor: Option<&Floor>,
        log: u64,
    ) -> Result<Vec<Entry>> {
        let newest_damaged = contents.damaged.into_iter().max_by_key(|d| d.seq);
        let history = replay::chain(contents.entries).map_err(|error| self.broken(&error))?;
        let head_seq = history.last().map_or(0, |entry| entry.link.id.seq());
        match (floor, newest_damaged) {
            (Some(floor), _) if !history.iter().any(|entry| entry.link == floor.link) => {
                Err(self.floor_is_missing(floor))
            }
            // With a floor, everything acknowledged is in the history, so a damaged record beyond
            // the head never was; without one, nobody knows.
            (None, Some(damaged)) if damaged.seq > head_seq => {
                Err(self.damaged_head(damaged.message, damaged.seq, log))
            }
            _ => Ok(history),
        }
    }

    fn replay(&self, history: &[Entry]) -> Result<State> {
        let now = self.shared.host.now();
        let mut state = State::default();
        for entry in history {
            let applied = state.apply(entry, now);
            applied.map_err(|why| self.does_not_add_up(&why))?;
        }
        Ok(state)
    }

    /// Raises the epoch above everything known, durably, before the log is read.
    async fn claim(&self, seen: Option<u64>) -> Result<u64> {
        let stored = self.keys().epoch().await?;
        let above = stored.max(seen).map_or(0, |epoch| epoch.saturating_add(1));
        // The clock keeps epochs rising even when storage was wiped.
        let epoch = above.max(self.shared.host.now());
        self.keys().store_epoch(epoch).await?;
        Ok(epoch)
    }

    /// Posts an empty record on the head, which fixes what the head is for every later reader.
    pub(super) async fn settle_head(&self) -> Result<()> {
        match self.append(Contents::default()).await {
            Ok(_) => Ok(()),
            Err(
                PostError::NotWritten(error)
                | PostError::TooLarge(error)
                | PostError::Unknown(error),
            ) => {
                self.close();
                Err(error)
            }
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
            None => Err(OpenError::NoSuchDatabase {
                known: databases.into_keys().collect(),
            }),
            Some([]) => Err(Error::new(
                ErrorKind::NotFound,
                format!("database `{}` has channels here, but no log.", self.name),
            )
            .option("database")
            .hint("Run `/dbc_init`: it says what can be done.")
            .into()),
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
            ReadError::File { message, error } => {
                let doing = format!(
                    "Database `{}`: fetching the file of log message {message}",
                    self.name
                );
                let hint = "Discord's attachment host does not give it to this Worker now. The data is safe in the log; nothing is read or written until the file can be read again. Try again later.";
                let mut failed = not_written(&doing, error).hint(hint);
                failed.kind = ErrorKind::Unavailable;
                failed
            }
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
        .hint("Nothing is read or written, so that nothing gets lost. This version cannot mend a log from which a message was deleted; the `#table-` channels still show the rows, so keep them.")
    }

    fn floor_is_missing(&self, floor: &Floor) -> Error {
        Error::new(
            ErrorKind::Corrupt,
            format!(
                "Database `{}`: commit #{} is known to be stored, but the log does not show it. Either Discord's answer is out of date, or the message was deleted by hand.",
                self.name,
                floor.link.id.seq()
            ),
        )
        .hint("Try again in a minute. Until the log shows it, nothing is read or written, so that nothing gets lost. If it was deleted, this version cannot mend the log; the `#table-` channels still show the rows, so keep them.")
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
        .hint("Nothing is read or written until it can be read. If somebody edited the message or changed how it is shown, undo that; do not delete it unless you know that nobody was told that it is stored.")
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

    pub(super) fn does_not_add_up(&self, why: &ApplyError) -> Error {
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
        .hint("Report this: it is a bug or a forged record.")
    }
}
