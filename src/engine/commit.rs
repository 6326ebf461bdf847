//! The commit: one message in the log, and what to do when nobody knows whether it got there.

use super::attachments;
use super::database::Database;
use super::log::codec::{self, Encoded};
use super::log::record::{VERSION, crc_text};
use super::log::replay::Entry;
use super::log::{CommitId, Op, Origin, Record};
use super::memo::Floor;
use super::open::OpenError;
use super::state::State;
use super::{describe, not_written};
use crate::discord::model::Message;
use crate::discord::{CallError, Draft, Patience, routes};
use crate::error::{Error, ErrorKind, Result, Written};
use crate::host::{Host, Level};

/// A commit that is durable: posted, and stored as ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    pub id: CommitId,
    /// The log's channel and the message in it.
    pub channel: u64,
    pub message: u64,
}

pub(super) enum PostError {
    /// It is certain that nothing was committed.
    NotWritten(Error),
    /// The record may be in the log, or get there late.
    Unknown(Error),
}

impl<H: Host> Database<H> {
    /// Commits what `build` makes of the current state. Validation and building happen in one
    /// stretch without an await, after everything before them is durable.
    ///
    /// # Errors
    /// What `build` refuses; or what the commit failed on, saying whether it went through.
    pub async fn write(
        &self,
        origin: &Origin,
        build: impl FnOnce(&State) -> Result<Vec<Op>>,
    ) -> Result<Committed> {
        let _writer = self.writer.lock().await;
        self.open_for_writing().await?;
        let ops = {
            let opened = self.opened()?;
            if let Some(outcome) = opened.state.outcomes.get(&origin.interaction) {
                return Err(already_done(outcome.id));
            }
            build(&opened.state)?
        };
        match self.append(vec![origin.clone()], ops).await {
            Ok(committed) => {
                self.ask_for_alarm().await;
                Ok(committed)
            }
            Err(PostError::NotWritten(error)) => Err(error),
            Err(PostError::Unknown(error)) => {
                // Whatever is known by now may be outdated: claim anew, and read.
                self.close();
                self.find_out(origin, error).await
            }
        }
    }

    async fn open_for_writing(&self) -> Result<()> {
        match self.open_locked().await {
            Ok(()) => Ok(()),
            Err(OpenError::Failed(error)) => Err(error),
            Err(OpenError::NoSuchDatabase { known }) => {
                Err(super::unknown_database(&self.name, &known))
            }
        }
    }

    /// Settles a commit whose fate is unknown by reading the log under a new epoch. If the record
    /// is not there, an empty one is posted first: with that stored, the lost one is void even if
    /// it surfaces later, and only then may anyone be told that nothing was written.
    async fn find_out(&self, origin: &Origin, error: Error) -> Result<Committed> {
        let unknown = |error: &Error, why: &Error| {
            let message = format!(
                "{} Reading the log to find out failed as well: {}",
                error.message, why.message
            );
            Error::new(ErrorKind::Unavailable, message)
                .written(Written::Unknown)
                .hint("Before you try again, look whether it is there (for example with `/dbc_get` or `/dbc_inspect`).")
        };
        if let Err(why) = self.open_for_writing().await {
            return Err(unknown(&error, &why));
        }
        if let Some(committed) = self.committed(&origin.interaction) {
            self.ask_for_alarm().await;
            return Ok(committed);
        }
        match self.settle_head().await {
            Ok(()) => Err(error.written(Written::No)),
            Err(why) => Err(unknown(&error, &why)),
        }
    }

    /// What became of an interaction's write, told so that it stays true: if the log does not have
    /// it, the log is settled first.
    ///
    /// # Errors
    /// When that cannot be found out now.
    pub async fn final_outcome(&self, interaction: &str) -> Result<Option<CommitId>> {
        let _writer = self.writer.lock().await;
        self.open_for_writing().await?;
        if let Some(committed) = self.committed(interaction) {
            return Ok(Some(committed.id));
        }
        self.settle_head().await?;
        Ok(None)
    }

    fn committed(&self, interaction: &str) -> Option<Committed> {
        let opened = self.opened.borrow();
        let opened = opened.as_ref()?;
        let outcome = opened.state.outcomes.get(interaction)?;
        Some(Committed {
            id: outcome.id,
            channel: opened.log,
            message: outcome.message,
        })
    }

    /// Posts one record and stores it as the last one. The caller holds the writer's lock. When
    /// the record may be in the log all the same, the database is closed, so that its (epoch, seq)
    /// is never used for another; when it is certain that it is not, nothing has happened.
    pub(super) async fn append(
        &self,
        by: Vec<Origin>,
        ops: Vec<Op>,
    ) -> Result<Committed, PostError> {
        let (record, log) = self.next_record(by, ops).map_err(PostError::NotWritten)?;
        let encoded =
            codec::encode(&record).map_err(|bytes| PostError::NotWritten(self.too_large(bytes)))?;
        if encoded.file.is_some() {
            // A commit that cannot be read back is no commit.
            let catalog = self.opened().map_err(PostError::NotWritten)?.catalog;
            let checked = attachments::ensure_readable(&self.shared, catalog.unwrap_or(log));
            let readable = checked.await;
            readable.map_err(PostError::NotWritten)?;
        }
        let message = match self.post(log, &encoded).await {
            Err(error @ PostError::Unknown(_)) => {
                self.close();
                return Err(error);
            }
            posted => posted?,
        };
        let floor = Floor {
            link: encoded.link,
            message,
        };
        if let Err(error) = self.memo().store_floor(&floor).await {
            self.close();
            return Err(PostError::Unknown(error));
        }
        let entry = Entry {
            record,
            link: encoded.link,
            message,
        };
        self.applied(&entry).map_err(PostError::Unknown)?;
        Ok(Committed {
            id: encoded.link.id,
            channel: log,
            message,
        })
    }

    fn next_record(&self, by: Vec<Origin>, ops: Vec<Op>) -> Result<(Record, u64)> {
        let opened = self.opened()?;
        let sum = opened.state.sums_after(&ops).map_err(|table| {
            Error::new(
                ErrorKind::NotFound,
                format!("there is no table `{table}` in database `{}`.", self.name),
            )
        })?;
        let prev = opened.state.head.map(|head| head.link);
        let record = Record {
            v: VERSION,
            epoch: opened.epoch,
            seq: prev.map_or(1, |prev| prev.id.seq() + 1),
            prev,
            at: self.shared.host.now(),
            by,
            ops,
            sum,
        };
        Ok((record, opened.log))
    }

    /// One message, whatever it takes; the id of the message that has the record.
    async fn post(&self, log: u64, encoded: &Encoded) -> Result<u64, PostError> {
        let doing = format!("Writing to the log of database `{}`", self.name);
        let crc = crc_text(encoded.link.crc);
        let draft = Draft {
            content: &encoded.content,
            embeds: &encoded.embeds,
            files: encoded.file.as_slice(),
            identity: Some(&format!("{log}:{}:{crc}", encoded.link.id)),
        };
        let route = routes::create_message(log);
        let client = &self.shared.client;
        let sent = client
            .send_draft::<Message>(&route, &draft, Patience::COMMAND)
            .await;
        match sent {
            Ok(message) if holds(&message, log, encoded) => Ok(message.id),
            Ok(message) => Err(self.altered(&doing, log, &message).await),
            Err(error) if error.may_have_happened() => Err(PostError::Unknown(describe(
                &doing,
                &error,
                Written::Unknown,
            ))),
            Err(error) => Err(PostError::NotWritten(not_written(&doing, &error))),
        }
    }

    /// Discord took the message but holds something else. Where it is a maimed copy of ours, it
    /// goes, so that it cannot be taken for a damaged commit.
    async fn altered(&self, doing: &str, log: u64, message: &Message) -> PostError {
        self.shared.host.log(
            Level::Error,
            &format!(
                "database {}: log message {} came back altered",
                self.name, message.id
            ),
        );
        let maimed = message.channel_id == log
            && match codec::locate(message) {
                codec::Place::Inline(text) => codec::decode(&text).is_err(),
                codec::Place::Attachment { .. } | codec::Place::NotARecord => true,
            };
        if maimed {
            let route = routes::delete_message(log, message.id);
            let deleted = self.shared.client.delete(&route, Patience::COMMAND).await;
            if let Err(error) = deleted {
                self.shared.host.log(
                    Level::Warn,
                    &format!("log message {} stays: {error}", message.id),
                );
            }
        }
        let why = CallError::Malformed(
            "what it stored is not what it was sent; the bot may lack Embed Links or Attach Files"
                .to_owned(),
        );
        PostError::Unknown(describe(doing, &why, Written::Unknown))
    }

    /// Takes a durable commit into memory.
    fn applied(&self, entry: &Entry) -> Result<()> {
        let now = self.shared.host.now();
        let applied = self.with_opened(|opened| {
            opened.state.forget_old_outcomes(now);
            let applied = opened.state.apply(entry, now);
            opened.mirror.committed(&entry.record, &opened.state);
            applied
        })?;
        applied.map_err(|why| {
            // The sums were computed from this very state, so this is a bug; memory is not to be
            // trusted any more, the log is.
            self.close();
            let message = format!("Database `{}`: a commit did not apply: {why:?}", self.name);
            self.shared.host.log(Level::Error, &message);
            Error::new(ErrorKind::Corrupt, message).written(Written::Yes)
        })
    }

    /// Asks for the alarm, which brings the channels up to date. Failing that, the next open does.
    pub(super) async fn ask_for_alarm(&self) {
        let now = self.shared.host.now();
        if let Err(error) = self.shared.host.wake_at(now).await {
            let line = format!("database {}: the alarm was not set: {error}", self.name);
            self.shared.host.log(Level::Warn, &line);
        }
    }

    fn too_large(&self, bytes: usize) -> Error {
        Error::new(
            ErrorKind::TooLarge,
            format!(
                "Database `{}`: the commit would be {bytes} bytes long, and Discord takes files of at most {} MiB.",
                self.name,
                crate::limits::ATTACHMENT_BYTES >> 20
            ),
        )
        .hint("Write less at once.")
    }
}

/// Whether the message that Discord names is in our log and holds our record.
fn holds(message: &Message, log: u64, encoded: &Encoded) -> bool {
    if message.channel_id != log {
        return false;
    }
    match (codec::locate(message), &encoded.file) {
        (codec::Place::Inline(text), None) => {
            codec::decode(&text).is_ok_and(|(_, link)| link == encoded.link)
        }
        (codec::Place::Attachment { .. }, Some(file)) => {
            let first = message.attachments.first();
            message.content == encoded.content
                && first.is_some_and(|found| found.size == file.bytes.len() as u64)
        }
        _ => false,
    }
}

pub(super) fn already_done(at: CommitId) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!(
            "This very command was carried out already, as commit #{}; it is not run twice.",
            at.seq()
        ),
    )
    .written(Written::Yes)
}
