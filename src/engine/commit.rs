//! The commit: one message in the log, and what to do when nobody knows whether it got there.

use super::attachments;
use super::database::Database;
use super::log::codec::{self, Encoded};
use super::log::record::{VERSION, crc_text};
use super::log::replay::Entry;
use super::log::{CommitId, Op, Origin, Record};
use super::object_storage::Floor;
use super::state::State;
use super::{describe, not_written};
use crate::discord::model::{Message, created_ms};
use crate::discord::{CallError, Draft, Patience, routes};
use crate::error::{Error, ErrorKind, Result, Written};
use crate::host::{Host, Level};
use crate::limits::INTERACTION_TOKEN_MS;

/// How long after it was asked for a write may begin.
const QUEUE_MS: u64 = INTERACTION_TOKEN_MS * 2 / 3;

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
    ) -> Result<CommitId> {
        let _writer = self.writer.lock().await;
        self.still_answerable(origin)?;
        self.open_locked_for_user().await?;
        let ops = {
            let opened = self.opened()?;
            if let Some(&at) = opened.state.outcomes.get(&origin.interaction) {
                return Err(already_done(at));
            }
            build(&opened.state)?
        };
        match self.append(vec![origin.clone()], ops).await {
            Ok(id) => {
                self.ask_for_alarm().await;
                Ok(id)
            }
            Err(PostError::NotWritten(error)) => Err(error),
            Err(PostError::Unknown(error)) => self.find_out(origin, error).await,
        }
    }

    /// A command that waited in the queue for most of its token's life is not begun: its outcome
    /// might never reach whoever asked.
    fn still_answerable(&self, origin: &Origin) -> Result<()> {
        let now = self.shared.host.now();
        let asked_at = origin.interaction.parse().map_or(now, created_ms);
        if now.saturating_sub(asked_at) < QUEUE_MS {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Unavailable,
            format!(
                "the command waited too long for others that write to database `{}`.",
                self.name
            ),
        )
        .hint("Run it again."))
    }

    /// Settles a commit whose fate is unknown by reading the log under a new epoch. If the record
    /// is not there, an empty one is posted first: with that stored, the lost one is void even if
    /// it surfaces later, and only then may anyone be told that nothing was written.
    async fn find_out(&self, origin: &Origin, error: Error) -> Result<CommitId> {
        let unknown = |error: &Error, why: &Error| {
            let message = format!(
                "{} Reading the log to find out failed as well: {}",
                error.message, why.message
            );
            Error::new(ErrorKind::Unavailable, message)
                .written(Written::Unknown)
                .hint("Before you try again, look whether it is there (for example with `/dbc_get` or `/dbc_inspect`).")
        };
        // `append` closed the database: this claims anew, and reads.
        if let Err(why) = self.open_locked_for_user().await {
            return Err(unknown(&error, &why));
        }
        if let Some(id) = self.outcome(&origin.interaction) {
            self.ask_for_alarm().await;
            return Ok(id);
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
        self.open_locked_for_user().await?;
        if let Some(id) = self.outcome(interaction) {
            return Ok(Some(id));
        }
        self.settle_head().await?;
        Ok(None)
    }

    fn outcome(&self, interaction: &str) -> Option<CommitId> {
        let opened = self.opened.borrow();
        opened.as_ref()?.state.outcomes.get(interaction).copied()
    }

    /// Posts one record and stores it as the last one. The caller holds the writer's lock. When
    /// the record may be in the log all the same, the database is closed, so that its (epoch, seq)
    /// is never used for another; when it is certain that it is not, nothing has happened.
    pub(super) async fn append(
        &self,
        by: Vec<Origin>,
        ops: Vec<Op>,
    ) -> Result<CommitId, PostError> {
        let (record, log) = self.next_record(by, ops).map_err(PostError::NotWritten)?;
        let encoded =
            codec::encode(&record).map_err(|bytes| PostError::NotWritten(self.too_large(bytes)))?;
        if encoded.file.is_some() {
            // A commit that cannot be read back is no commit.
            let catalog = self.claimed().map_err(PostError::NotWritten)?.catalog;
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
        if let Err(error) = self.keys().store_floor(&floor).await {
            self.close();
            return Err(PostError::Unknown(error));
        }
        let entry = Entry {
            record,
            link: encoded.link,
            message,
        };
        self.applied(&entry).map_err(PostError::Unknown)?;
        Ok(encoded.link.id)
    }

    fn next_record(&self, by: Vec<Origin>, ops: Vec<Op>) -> Result<(Record, u64)> {
        let opened = self.claimed()?;
        let sum = opened.state.sums_after(&ops).map_err(|table| {
            Error::new(
                ErrorKind::NotFound,
                format!("there is no table `{table}` in database `{}`.", self.name),
            )
        })?;
        let prev = opened.state.head;
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
            Ok(message) if holds(&message, log, encoded) => {
                match self.read_back(&message, encoded).await {
                    Ok(()) => Ok(message.id),
                    Err(error) => Err(self.withdraw(&doing, log, &message, error).await),
                }
            }
            Ok(message) => Err(self.altered(&doing, log, &message).await),
            // Deleted by hand: what opening finds instead is told at the next command.
            Err(error) if error.is_not_found() => {
                self.close();
                let error = not_written(&doing, &error);
                Err(PostError::NotWritten(error.hint(format!(
                    "The log channel of database `{}` was deleted. `/dbc_init` says what can be done.",
                    self.name
                ))))
            }
            Err(error) if error.may_have_happened() => Err(PostError::Unknown(describe(
                &doing,
                &error,
                Written::Unknown,
            ))),
            Err(error) => Err(PostError::NotWritten(not_written(&doing, &error))),
        }
    }

    /// Fetches the file of a record that stands in one: a commit that cannot be read is none.
    async fn read_back(&self, message: &Message, encoded: &Encoded) -> Result<(), CallError> {
        let (Some(file), Some(stored)) = (&encoded.file, message.attachments.first()) else {
            return Ok(());
        };
        let bytes = self.shared.client.download(&stored.url, Patience::COMMAND);
        match bytes.await {
            Ok(bytes) if bytes == file.bytes => Ok(()),
            Ok(_) => Err(CallError::Malformed(
                "its file came back altered".to_owned(),
            )),
            Err(error) => {
                attachments::forget(&self.shared).await;
                Err(error)
            }
        }
    }

    /// Discord took the message but holds something else.
    async fn altered(&self, doing: &str, log: u64, message: &Message) -> PostError {
        let why = CallError::Malformed(
            "what it stored is not what it was sent; the bot may lack Embed Links or Attach Files"
                .to_owned(),
        );
        let is_a_record = match codec::locate(message) {
            codec::RecordBody::Inline(text) => codec::decode(&text).is_ok(),
            codec::RecordBody::Attachment { .. } | codec::RecordBody::NotARecord => false,
        };
        // Somebody else's record, or another of ours, stays.
        if message.channel_id != log || is_a_record {
            return PostError::Unknown(describe(doing, &why, Written::Unknown));
        }
        self.withdraw(doing, log, message, why).await
    }

    /// Removes a message that nobody will ever be able to read as the record it should be, so that
    /// it is not taken for a damaged commit. What that leaves is found out by reading the log.
    async fn withdraw(
        &self,
        doing: &str,
        log: u64,
        message: &Message,
        why: CallError,
    ) -> PostError {
        let line = format!("database {}: log message {}: {why}", self.name, message.id);
        self.shared.host.log(Level::Error, &line);
        let route = routes::delete_message(log, message.id);
        let deleted = self.shared.client.delete(&route, Patience::COMMAND).await;
        if let Err(error) = deleted {
            let line = format!("log message {} stays: {error}", message.id);
            self.shared.host.log(Level::Warn, &line);
        }
        PostError::Unknown(describe(doing, &why, Written::Unknown))
    }

    /// Takes a durable commit into memory.
    fn applied(&self, entry: &Entry) -> Result<()> {
        let now = self.shared.host.now();
        let applied = self.with_claimed(|opened| {
            opened.is_settled = true;
            opened.state.forget_old_outcomes(now);
            let applied = opened.state.apply(entry, now);
            opened.mirror.committed(&entry.record, &opened.state);
            applied
        })?;
        applied.map_err(|why| {
            // The sums were computed from this very state, so this is a bug; memory is not to be
            // trusted any more, the log is.
            self.close();
            self.does_not_add_up(&why).written(Written::Yes)
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
        (codec::RecordBody::Inline(text), None) => {
            codec::decode(&text).is_ok_and(|(_, link)| link == encoded.link)
        }
        (codec::RecordBody::Attachment { .. }, Some(file)) => {
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
