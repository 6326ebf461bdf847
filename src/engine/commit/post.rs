//! One record in the log: one message, stored as ours, and then applied.

use std::collections::BTreeMap;

use crate::discord::model::Message;
use crate::discord::{CallError, Draft, Patience, routes};
use crate::engine::attachments::{self, Access};
use crate::engine::checkpoint::text_file;
use crate::engine::checkpoint::upload::Upload;
use crate::engine::database::{Covered, Database};
use crate::engine::digest::TableSum;
use crate::engine::log::codec::{self, Encoded};
use crate::engine::log::record::{VERSION, WITH_RULES, crc_text};
use crate::engine::log::replay::Entry;
use crate::engine::log::{CommitId, Op, Part, Record};
use crate::engine::object_storage::Floor;
use crate::engine::state::State;
use crate::engine::{describe, not_written};
use crate::error::{Error, ErrorKind, Result, Written};
use crate::host::{Host, Level, UnixMillis};
use crate::limits::TEXT_COMMIT_BYTES;

/// What a record is made of, but for its place in the log.
#[derive(Debug, Default)]
pub(in crate::engine) struct Contents {
    pub by: Vec<Part>,
    pub ops: Vec<Op>,
    pub sum: BTreeMap<String, TableSum>,
    /// The time that was written into it already; the time of posting where there is none.
    pub at: Option<UnixMillis>,
    /// Whether it is given up for commands that come while its text is posted.
    pub gives_way: bool,
}

pub(in crate::engine) enum PostError {
    /// It is certain that nothing was committed.
    NotWritten(Error),
    /// The same, since no message can hold it.
    TooLarge(Error),
    /// The record may be in the log, or get there late.
    Unknown(Error),
}

impl PostError {
    /// What to tell somebody to whom it is all the same.
    pub fn into_error(self) -> Error {
        match self {
            PostError::NotWritten(error)
            | PostError::TooLarge(error)
            | PostError::Unknown(error) => error,
        }
    }
}

impl<H: Host> Database<H> {
    /// Posts one record and stores it as the last one. The caller holds the writer's lock. When
    /// the record may be in the log all the same, the database is closed, so that its (epoch, seq)
    /// is never used for another; when it is certain that it is not, nothing has happened.
    pub(in crate::engine) async fn append(
        &self,
        contents: Contents,
    ) -> Result<CommitId, PostError> {
        if self.warning.is_some() {
            return Err(PostError::NotWritten(self.closed()));
        }
        let appended = self.try_to_append(contents).await;
        match &appended {
            Err(PostError::Unknown(_)) => {
                self.close();
                // It may surface after the log was read without it. Whoever opens the database
                // next rules that out, before anybody is told what is there.
                self.is_unsettled.set(true);
                if let Err(error) = self.keys().store_unsettled().await {
                    let line = format!("database {}: {error}", self.name);
                    self.shared.host.log(Level::Error, &line);
                }
            }
            Ok(_) if self.is_unsettled.get() && self.keys().forget_unsettled().await.is_ok() => {
                self.is_unsettled.set(false);
            }
            _ => {}
        }
        appended
    }

    async fn try_to_append(&self, contents: Contents) -> Result<CommitId, PostError> {
        let gives_way = contents.gives_way;
        let (record, log) = self.next_record(contents).map_err(PostError::NotWritten)?;
        let mut encoded =
            codec::encode(&record).map_err(|bytes| PostError::TooLarge(self.too_large(bytes)))?;
        if encoded.file.is_some() {
            // A commit that cannot be read back is no commit.
            let catalog = self.claimed().map_err(PostError::NotWritten)?.catalog;
            let access = attachments::ensured(&self.shared, catalog.unwrap_or(log)).await;
            if access.map_err(PostError::NotWritten)? == Access::Refused {
                encoded = self.in_text(log, encoded, gives_way).await?;
            }
        }
        let message = self.post(log, &encoded).await?;
        self.confirm_commit().await?;
        let floor = Floor {
            link: encoded.link,
            message,
        };
        let stored = self.keys().store_floor(&floor).await;
        stored.map_err(PostError::Unknown)?;
        let entry = Entry {
            record,
            link: encoded.link,
            message,
        };
        self.applied(&entry).map_err(PostError::Unknown)?;
        Ok(encoded.link.id)
    }

    fn next_record(&self, contents: Contents) -> Result<(Record, u64)> {
        let opened = self.claimed()?;
        let Contents {
            by, ops, sum, at, ..
        } = contents;
        let prev = opened.state.head;
        let seq = prev.map_or(1, |prev| prev.id.seq() + 1);
        // Nobody could read it.
        if seq > codec::LAST {
            return Err(self.no_number_left());
        }
        let record = Record {
            v: version(&ops, &opened.state),
            epoch: opened.epoch,
            seq,
            prev,
            at: at.unwrap_or_else(|| self.shared.host.now()),
            by,
            ops,
            sum,
        };
        Ok((record, opened.log))
    }

    /// Posts a record's text, which means nothing yet; the message that makes it a commit.
    async fn in_text(
        &self,
        log: u64,
        encoded: Encoded,
        gives_way: bool,
    ) -> Result<Encoded, PostError> {
        let packed = encoded.packed().unwrap_or_default();
        if packed.len() > TEXT_COMMIT_BYTES {
            return Err(PostError::TooLarge(self.too_large_for_text(packed.len())));
        }
        let name = text_file::name_of_record(encoded.link.id.seq());
        let failed =
            |error: Error| PostError::NotWritten(error.about(&format!("Database `{}`", self.name)));
        let mut upload = Upload::as_text(&name, packed, std::iter::empty()).map_err(failed)?;
        let patience = match gives_way {
            true => Patience::BESIDE_COMMITS,
            false => Patience::COMMAND,
        };
        loop {
            if gives_way && !self.queue.borrow().is_empty() {
                return Err(PostError::NotWritten(self.gave_way()));
            }
            let step = upload.step(&self.shared, log, patience).await;
            if let Some(file) = step.map_err(failed)? {
                return Ok(codec::refer(encoded, file.text_ref()));
            }
        }
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
                    Err(error) => Err(self.rule_out(&doing, log, &message, error).await),
                }
            }
            Ok(message) => Err(self.altered(&doing, log, &message, encoded).await),
            // Deleted by hand: what opening finds instead is told at the next command.
            Err(error) if error.is_not_found() => {
                self.close();
                let error = not_written(&doing, &error);
                Err(PostError::NotWritten(error.hint(format!(
                    "The log channel of database `{}` was deleted. `/dbc_init` says what can be done.",
                    self.name
                ))))
            }
            Err(error) if error.may_have_happened() => Err(unknown(&doing, &error)),
            Err(error) => {
                let failed = not_written(&doing, &error);
                Err(PostError::NotWritten(match error {
                    CallError::Refused { status: 403, .. } => failed.hint(needed(log, encoded)),
                    _ => failed,
                }))
            }
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
                attachments::forget(&self.shared, &error).await;
                Err(error)
            }
        }
    }

    /// A record that is in the log and cannot be read back is no commit. It is made void first, by an
    /// empty record of a new epoch on its predecessor, and deleted only then: a deletion may be late,
    /// and until it is carried out somebody could read the record after all and build on it.
    async fn rule_out(
        &self,
        doing: &str,
        log: u64,
        message: &Message,
        why: CallError,
    ) -> PostError {
        let claimed = match self.claim_again().await {
            Ok(()) => Box::pin(self.try_to_append(Contents::default())).await,
            Err(error) => Err(PostError::Unknown(error)),
        };
        match claimed {
            Ok(_) => {
                if !self.withdraw(log, message, &why).await {
                    self.withdraw_later(message.id).await;
                }
                PostError::NotWritten(not_written(doing, &why))
            }
            Err(_) => unknown(doing, &why),
        }
    }

    /// Discord took the message but holds something else.
    async fn altered(
        &self,
        doing: &str,
        log: u64,
        message: &Message,
        encoded: &Encoded,
    ) -> PostError {
        let why = CallError::Malformed("what it stored is not what it was sent".to_owned());
        let is_a_record = match codec::locate(message) {
            codec::RecordBody::Inline(text) => codec::decode(&text).is_ok(),
            codec::RecordBody::Text(_) => true,
            codec::RecordBody::Attachment { .. } | codec::RecordBody::NotARecord => false,
        };
        // Somebody else's record, or another of ours, stays.
        if message.channel_id == log && !is_a_record {
            self.withdraw(log, message, &why).await;
        }
        let error = describe(doing, &why, Written::Unknown);
        PostError::Unknown(match lacking(message, encoded) {
            Some(permission) => error.hint(format!(
                "The bot lacks {permission} in <#{log}>: give it that, then try again."
            )),
            None => error,
        })
    }

    /// Removes a message that nobody will ever be able to read as the record it should be, so that
    /// it is not taken for a damaged commit. What that leaves is found out by reading the log.
    /// Whether it is gone.
    async fn withdraw(&self, log: u64, message: &Message, why: &CallError) -> bool {
        let line = format!("database {}: log message {}: {why}", self.name, message.id);
        self.shared.host.log(Level::Error, &line);
        let route = routes::delete_message(log, message.id);
        let deleted = self.shared.client.delete(&route, Patience::COMMAND).await;
        match deleted {
            Err(error) if !error.is_unknown_message() => {
                let line = format!("log message {} stays: {error}", message.id);
                self.shared.host.log(Level::Warn, &line);
                false
            }
            _ => true,
        }
    }

    /// The background removes it, whatever becomes of this object.
    async fn withdraw_later(&self, message: u64) {
        let noted = self.with_opened(|opened| opened.void.insert(message));
        if noted.is_ok() && self.store_hints().await {
            self.ask_for_alarm().await;
        }
    }

    /// Takes a durable commit into memory.
    fn applied(&self, entry: &Entry) -> Result<()> {
        let now = self.shared.host.now();
        let applied = self.with_claimed(|opened| {
            opened.is_settled = true;
            let before = opened.tail;
            opened.state.forget_old_outcomes(now);
            opened.tail.add(&entry.record);
            if opened.tail != before {
                opened.written_at = now;
            }
            if let Some(covered) = Covered::by(entry) {
                opened.covered_by(covered);
            }
            opened.known.add(entry.message, now);
            let superseded = opened.state.apply(entry, now)?;
            let mirror = &mut opened.mirror;
            mirror.committed(&entry.record, &opened.state, superseded);
            Ok(())
        })?;
        applied.map_err(|why| {
            // The sums were computed from this very state, so this is a bug; memory is not to be
            // trusted any more, the log is.
            self.close();
            self.does_not_add_up(&why).written(Written::Yes)
        })
    }

    /// Asks for the alarm, which brings the channels up to date. Failing that, the next open does.
    pub(in crate::engine) async fn ask_for_alarm(&self) {
        let now = self.shared.host.now();
        if let Err(error) = self.shared.host.wake_at(now).await {
            let line = format!("database {}: the alarm was not set: {error}", self.name);
            self.shared.host.log(Level::Warn, &line);
        }
    }

    fn no_number_left(&self) -> Error {
        Error::new(
            ErrorKind::Corrupt,
            format!(
                "Database `{}`: its newest commit has the highest number that there is, so no other can follow.",
                self.name
            ),
        )
        .hint("Report this: the record is forged. What is stored can still be read.")
    }

    fn gave_way(&self) -> Error {
        let message = format!(
            "Database `{}`: commands came while a commit was posted that can wait.",
            self.name
        );
        Error::new(ErrorKind::Unavailable, message).hint("It is tried again.")
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

    fn too_large_for_text(&self, bytes: usize) -> Error {
        Error::new(
            ErrorKind::TooLarge,
            format!(
                "Database `{}`: the commit would be {bytes} bytes long, packed. Discord does not let this Worker read files back, so it would have to stand in messages, of which a channel takes five in five seconds: {} KiB are the most.",
                self.name,
                TEXT_COMMIT_BYTES >> 10
            ),
        )
        .hint("Write less at once: store less in one row, or split it over several.")
    }
}

/// Nobody knows what became of the record.
fn unknown(doing: &str, error: &CallError) -> PostError {
    PostError::Unknown(describe(doing, error, Written::Unknown))
}

/// What Discord wants of who posts such a record.
fn needed(log: u64, encoded: &Encoded) -> String {
    let also = match encoded.file {
        Some(_) => ", Attach Files",
        None => "",
    };
    format!(
        "The bot lacks a permission in <#{log}>: give it View Channels, Send Messages{also} and Embed Links there."
    )
}

/// The lowest format version whose readers understand these ops.
fn version(ops: &[Op], state: &State) -> u32 {
    let tells_of_rules = |op: &Op| match op {
        Op::SetSchema { .. } | Op::CreateIndex { .. } | Op::DropIndex { .. } => true,
        Op::Checkpoint { .. } => {
            let mut tables = state.tables.values();
            !state.indexes.is_empty() || tables.any(|table| !table.schema.is_none())
        }
        _ => false,
    };
    match ops.iter().any(tells_of_rules) {
        true => WITH_RULES,
        false => VERSION,
    }
}

/// The permission without which Discord drops what the message lacks.
fn lacking(message: &Message, encoded: &Encoded) -> Option<&'static str> {
    if !encoded.embeds.is_empty() && message.embeds.is_empty() {
        return Some("Embed Links");
    }
    let lacks_file = encoded.file.is_some() && message.attachments.is_empty();
    lacks_file.then_some("Attach Files")
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
        (codec::RecordBody::Text(_), None) => message.content == encoded.content,
        (codec::RecordBody::Attachment { .. }, Some(file)) => {
            let first = message.attachments.first();
            message.content == encoded.content
                && first.is_some_and(|found| found.size == file.bytes.len() as u64)
        }
        _ => false,
    }
}
