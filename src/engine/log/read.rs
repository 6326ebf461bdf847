//! Reads the log of a database from its channel, newest first, a page at a time.

use std::collections::hash_map::Entry as Slot;
use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use futures_util::future::{join_all, try_join};
use serde_json::json;

use super::codec::{self, DecodeError, RecordBody};
use super::notice::{self, Takeover};
use super::record::{Link, Record};
use super::replay::{self, Entry};
use crate::discord::model::{Message, SUPPRESS_EMBEDS, created_ms, first_id_at};
use crate::discord::{CallError, Patience, routes};
use crate::engine::Shared;
use crate::engine::checkpoint::store;
use crate::engine::checkpoint::text_file::{TextRef, is_part};
use crate::host::{Host, UnixMillis};
use crate::limits::{DISORDER_MS, MESSAGE_PAGE};

/// Records' files that are fetched side by side: one connection less than a Worker has. Nothing else is done with
/// the database meanwhile.
const RECORDS_AT_ONCE: usize = 5;

/// What of a log channel has been read so far.
#[derive(Debug, Default)]
pub struct LogReader {
    channel: u64,
    /// Whether it is known that there is something in it.
    has_records: bool,
    /// Every record that could be read. The same record in two messages is one commit; the older
    /// message stands for it.
    pub records: HashMap<Link, Entry>,
    /// Further messages with a record that is known already.
    pub twins: Vec<(Link, u64)>,
    /// Messages that claim to be records and cannot be used.
    pub damaged: Vec<Damaged>,
    /// Records that stand in files not fetched yet.
    unfetched: Vec<Unfetched>,
    /// Deployments that asked for this log.
    pub takeovers: Vec<Takeover>,
    /// Everything else of ours, by message: what checkpoints consist of, and what records stand in that were
    /// not fetched.
    pub others: BTreeMap<u64, Message>,
    /// The messages that have the text of a record that was fetched, by that of the record.
    pub texts: BTreeMap<u64, Vec<u64>>,
    /// The oldest message read so far, whoever wrote it.
    oldest: Option<u64>,
    newest: Option<u64>,
    is_complete: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged {
    pub message: u64,
    /// As its first line says.
    pub seq: u64,
    pub why: DecodeError,
}

#[derive(Debug, Clone)]
struct Unfetched {
    message: u64,
    seq: u64,
    file: Place,
}

/// Where a record stands that is not in its message.
#[derive(Debug, Clone)]
enum Place {
    Attachment { url: String },
    Text(TextRef),
}

/// Why the log cannot be read now.
#[derive(Debug, Clone, PartialEq)]
pub enum ReadError {
    Call(CallError),
    /// A record's file cannot be fetched.
    File {
        message: u64,
        error: CallError,
    },
    /// The messages that have a record's text are gone, or not what they were.
    Text {
        message: u64,
        why: String,
    },
    /// Nothing is shown where something is known to be: so Discord answers who lacks Read Message
    /// History.
    Hidden {
        log: u64,
    },
}

impl From<CallError> for ReadError {
    fn from(error: CallError) -> Self {
        ReadError::Call(error)
    }
}

impl ReadError {
    /// Whether a record's file or text cannot be had, and could not in a moment.
    pub fn is_refused(&self) -> bool {
        matches!(
            self,
            ReadError::Text { .. }
                | ReadError::File {
                    error: CallError::Refused { .. },
                    ..
                }
        )
    }

    /// Whether that says nothing of what stands in the log: it may be over in a moment, or once the bot
    /// may read it.
    pub fn is_passing(&self) -> bool {
        match self {
            ReadError::Call(error) | ReadError::File { error, .. } => error.is_passing(),
            ReadError::Hidden { .. } => true,
            ReadError::Text { .. } => false,
        }
    }
}

impl LogReader {
    /// Reads a log that may be empty.
    pub fn new(channel: u64) -> Self {
        LogReader {
            channel,
            ..LogReader::default()
        }
    }

    /// Reads a log that is known to have records.
    pub fn of_records(channel: u64) -> Self {
        LogReader {
            has_records: true,
            ..LogReader::new(channel)
        }
    }

    pub fn channel(&self) -> u64 {
        self.channel
    }

    /// Whether there is nothing older than what was read.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Whether a message of ours was read, whatever it holds.
    pub fn shows(&self, message: u64) -> bool {
        let mut records = self.records.values();
        records.any(|entry| entry.message == message)
            || self.twins.iter().any(|(_, twin)| *twin == message)
            || self
                .damaged
                .iter()
                .any(|damaged| damaged.message == message)
            || self.unfetched.iter().any(|file| file.message == message)
            || self.others.contains_key(&message)
    }

    /// Whether the log that was read goes up to this commit.
    pub fn reads_up_to(&self, head: Option<Link>) -> bool {
        head.is_none_or(|head| self.records.contains_key(&head))
    }

    /// Whether there are records that stand in files and were not fetched.
    pub fn has_unfetched(&self) -> bool {
        !self.unfetched.is_empty()
    }

    /// Whether one of them may be of the commit with this number.
    pub fn has_unfetched_from(&self, seq: u64) -> bool {
        self.unfetched.iter().any(|file| file.seq >= seq)
    }

    /// Whether everything posted since `time` was read, as far as Discord shows it.
    pub fn reaches(&self, time: UnixMillis) -> bool {
        self.is_complete || self.oldest.is_some_and(|oldest| created_ms(oldest) <= time)
    }

    /// When the oldest message that was read was posted; the beginning of time once all was.
    pub fn reached(&self) -> UnixMillis {
        match self.oldest {
            Some(oldest) if !self.is_complete => created_ms(oldest),
            _ => 0,
        }
    }

    pub fn highest_epoch(&self) -> Option<u64> {
        self.records.keys().map(|link| link.id.epoch()).max()
    }

    /// The version of a record that this code is too old for.
    pub fn newer_format(&self) -> Option<u32> {
        self.damaged.iter().find_map(|damaged| match damaged.why {
            DecodeError::Newer(version) => Some(version),
            DecodeError::Damaged(_) => None,
        })
    }

    /// Reads the next older page, or the newest.
    ///
    /// # Errors
    /// [`ReadError`]; a part of a page is never taken for the whole.
    pub(crate) async fn older<H: Host>(&mut self, shared: &Shared<H>) -> Result<(), ReadError> {
        let page = page(shared, self.channel, self.oldest);
        let (me, mut page) = try_join(shared.me(), page).await?;
        if page.is_empty() {
            page = self.instead_of_nothing(shared).await?;
        } else if page.len() < MESSAGE_PAGE {
            self.is_complete = true;
        }
        let ids = || page.iter().map(|message| message.id);
        self.newest = ids().chain(self.newest).max();
        self.oldest = ids().chain(self.oldest).min();
        for message in page.into_iter().filter(|m| m.author.id == me) {
            let message = show_embeds(shared, message).await?;
            self.add(message);
        }
        Ok(())
    }

    /// An empty page is the end of the log only if a page that must have something in it has: the one
    /// that begins with the oldest message read. It shows what is before that, too.
    async fn instead_of_nothing<H: Host>(
        &mut self,
        shared: &Shared<H>,
    ) -> Result<Vec<Message>, ReadError> {
        let hidden = ReadError::Hidden { log: self.channel };
        let Some(oldest) = self.oldest else {
            self.is_complete = true;
            return match self.has_records {
                true => Err(hidden),
                false => Ok(Vec::new()),
            };
        };
        let mut page = page(shared, self.channel, Some(oldest.saturating_add(1))).await?;
        if page.iter().all(|message| message.id != oldest) {
            return Err(hidden);
        }
        self.is_complete = page.len() < MESSAGE_PAGE;
        page.retain(|message| message.id != oldest);
        Ok(page)
    }

    /// Fetches the records that stand in files, but for those that a checkpoint has made
    /// unnecessary.
    ///
    /// # Errors
    /// [`ReadError::File`] for the first that cannot be fetched. Those that cannot stay unfetched.
    pub(crate) async fn fetch<H: Host>(
        &mut self,
        shared: &Shared<H>,
        from_seq: u64,
    ) -> Result<(), ReadError> {
        let (wanted, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.unfetched)
            .into_iter()
            .partition(|file| file.seq >= from_seq);
        self.unfetched = rest;
        let mut failed = None;
        let mut chunks = wanted.chunks(RECORDS_AT_ONCE);
        for some in chunks.by_ref() {
            let fetched = some.iter().map(|file| self.file(shared, file));
            for (file, bytes) in some.iter().zip(join_all(fetched).await) {
                match bytes {
                    Ok(bytes) => {
                        let decoded =
                            codec::file_text(&bytes).and_then(|text| codec::decode(&text));
                        self.decoded(file.message, file.seq, decoded);
                        if let Place::Text(text) = &file.file {
                            // It is in memory once.
                            for part in &text.messages {
                                self.others.remove(part);
                            }
                            self.texts.insert(file.message, text.messages.clone());
                        }
                    }
                    Err(error) => {
                        self.unfetched.push(file.clone());
                        failed.get_or_insert(error);
                    }
                }
            }
            // What is refused may be one file alone; anything else is the host.
            if failed.as_ref().is_some_and(|error| !error.is_refused()) {
                break;
            }
        }
        self.unfetched.extend(chunks.flatten().cloned());
        failed.map_or(Ok(()), Err)
    }

    async fn file<H: Host>(
        &self,
        shared: &Shared<H>,
        file: &Unfetched,
    ) -> Result<Bytes, ReadError> {
        let message = file.message;
        let fetched = match &file.file {
            Place::Attachment { url } => shared.client.download(url, Patience::COMMAND).await,
            Place::Text(text) => {
                let (parts, sum) = (&text.messages, text.sum);
                store::get_text(shared, self.channel, &self.others, parts, sum).await
            }
        };
        fetched.map_err(|error| match (error, &file.file) {
            (CallError::Malformed(why), Place::Text(_)) => ReadError::Text { message, why },
            (error, _) => ReadError::File { message, error },
        })
    }

    /// Gives up a record whose text is gone, if the history back from this head has another with its number;
    /// whether it has.
    pub fn give_up_void(&mut self, message: u64, head: Option<Link>) -> bool {
        let links = replay::walk_past_gaps(&self.records, head).links;
        let is_void = |file: &Unfetched| {
            let mut links = links.iter();
            file.message == message && links.any(|link| link.id.seq() == file.seq)
        };
        let before = self.unfetched.len();
        self.unfetched.retain(|file| !is_void(file));
        self.unfetched.len() < before
    }

    /// Messages whose records stand in files that were not fetched, from this sequence number on.
    pub fn unfetched(&self, from_seq: u64) -> impl Iterator<Item = u64> {
        let files = self.unfetched.iter();
        let files = files.filter(move |file| file.seq >= from_seq);
        files.map(|file| file.message)
    }

    /// Reads what was posted since, a page of it.
    ///
    /// # Errors
    /// [`ReadError`].
    pub(crate) async fn newer<H: Host>(&mut self, shared: &Shared<H>) -> Result<(), ReadError> {
        // Ids of messages follow the order of commits but for this much.
        let from = created_ms(self.newest.unwrap_or_default()).saturating_sub(DISORDER_MS);
        let route = routes::messages_after(self.channel, first_id_at(from));
        let page = shared.client.get::<Vec<Message>>(&route, Patience::COMMAND);
        let (me, page) = try_join(shared.me(), page).await?;
        self.newest = page
            .iter()
            .map(|message| message.id)
            .chain(self.newest)
            .max();
        for message in page.into_iter().filter(|m| m.author.id == me) {
            if !self.shows(message.id) {
                let message = show_embeds(shared, message).await?;
                self.add(message);
            }
        }
        Ok(())
    }

    fn add(&mut self, message: Message) {
        let seq = codec::title_seq(&message.content).unwrap_or_default();
        match codec::locate(&message) {
            RecordBody::Inline(text) => self.decoded(message.id, seq, codec::decode(&text)),
            RecordBody::Attachment { url } => {
                self.away(message.id, seq, Place::Attachment { url });
            }
            RecordBody::Text(text) => self.away(message.id, seq, Place::Text(text)),
            RecordBody::NotARecord => match notice::parse(&message) {
                Some(takeover) => self.takeovers.push(takeover),
                None => {
                    self.others.insert(message.id, message);
                }
            },
        }
    }

    fn away(&mut self, message: u64, seq: u64, file: Place) {
        self.unfetched.push(Unfetched { message, seq, file });
    }

    fn decoded(&mut self, message: u64, seq: u64, decoded: Result<(Record, Link), DecodeError>) {
        match decoded {
            Ok((record, link)) => {
                let entry = Entry {
                    record,
                    link,
                    message,
                };
                match self.records.entry(link) {
                    Slot::Occupied(mut known) => {
                        let known = known.get_mut();
                        self.twins.push((link, known.message.max(message)));
                        known.message = known.message.min(message);
                    }
                    Slot::Vacant(place) => {
                        place.insert(entry);
                    }
                }
            }
            Err(why) => self.damaged.push(Damaged { message, seq, why }),
        }
    }
}

/// The messages before one, or the newest.
async fn page<H: Host>(
    shared: &Shared<H>,
    channel: u64,
    before: Option<u64>,
) -> Result<Vec<Message>, CallError> {
    let route = routes::messages(channel, before);
    shared.client.get(&route, Patience::COMMAND).await
}

/// A moderator can hide the embeds of a message, and with them the record that stands in them.
/// They are shown again, and then read.
async fn show_embeds<H: Host>(shared: &Shared<H>, message: Message) -> Result<Message, ReadError> {
    let is_ours = codec::title_seq(&message.content).is_some() || is_part(&message.content);
    if !is_ours || message.flags & SUPPRESS_EMBEDS == 0 {
        return Ok(message);
    }
    let route = routes::edit_message(message.channel_id, message.id);
    let payload = json!({ "flags": message.flags & !SUPPRESS_EMBEDS });
    let client = &shared.client;
    let shown = client.send(&route, &payload, &[], Patience::COMMAND).await;
    shown.map_err(ReadError::Call)
}
