//! Reads the log of a database from its channel, newest first, a page at a time.

use std::collections::hash_map::Entry as Slot;
use std::collections::{BTreeMap, HashMap};

use futures_util::future::{try_join, try_join_all};
use serde_json::json;

use super::codec::{self, DecodeError, RecordBody};
use super::notice::{self, Takeover};
use super::record::{Link, Record};
use super::replay::Entry;
use crate::discord::model::{Message, SUPPRESS_EMBEDS, created_ms};
use crate::discord::{CallError, Patience, routes};
use crate::engine::Shared;
use crate::host::{Host, UnixMillis};
use crate::limits::MESSAGE_PAGE;

/// Files that are fetched side by side: one connection less than a Worker has.
const FILES_AT_ONCE: usize = 5;

/// What of a log channel has been read so far.
#[derive(Debug, Default)]
pub struct LogReader {
    channel: u64,
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
    /// Everything else of ours, by message: what checkpoints consist of.
    pub others: BTreeMap<u64, Message>,
    /// The oldest message read so far, whoever wrote it.
    oldest: Option<u64>,
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
    url: String,
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
}

impl From<CallError> for ReadError {
    fn from(error: CallError) -> Self {
        ReadError::Call(error)
    }
}

impl ReadError {
    /// The call that failed.
    pub fn into_call(self) -> CallError {
        match self {
            ReadError::Call(error) | ReadError::File { error, .. } => error,
        }
    }
}

impl LogReader {
    pub fn new(channel: u64) -> Self {
        LogReader {
            channel,
            ..LogReader::default()
        }
    }

    pub fn channel(&self) -> u64 {
        self.channel
    }

    /// Whether there is nothing older than what was read.
    pub fn is_complete(&self) -> bool {
        self.is_complete
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
        let route = routes::messages(self.channel, self.oldest);
        let page = shared.client.get::<Vec<Message>>(&route, Patience::COMMAND);
        let (me, page) = try_join(shared.me(), page).await?;
        if page.len() < MESSAGE_PAGE {
            self.is_complete = true;
        }
        let ids = page.iter().map(|message| message.id);
        self.oldest = ids.chain(self.oldest).min();
        for message in page.into_iter().filter(|m| m.author.id == me) {
            let message = show_embeds(shared, message).await?;
            self.add(message);
        }
        Ok(())
    }

    /// Fetches the records that stand in files, but for those that a checkpoint has made
    /// unnecessary.
    ///
    /// # Errors
    /// [`ReadError::File`] for the first that cannot be fetched.
    pub(crate) async fn fetch<H: Host>(
        &mut self,
        shared: &Shared<H>,
        from_seq: u64,
    ) -> Result<(), ReadError> {
        let (wanted, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.unfetched)
            .into_iter()
            .partition(|file| file.seq >= from_seq);
        self.unfetched = rest;
        for some in wanted.chunks(FILES_AT_ONCE) {
            let fetched = some.iter().map(|file| async {
                let bytes = shared.client.download(&file.url, Patience::COMMAND).await;
                bytes.map_err(|error| ReadError::File {
                    message: file.message,
                    error,
                })
            });
            for (file, bytes) in some.iter().zip(try_join_all(fetched).await?) {
                let decoded = codec::file_text(&bytes).and_then(|text| codec::decode(&text));
                self.decoded(file.message, file.seq, decoded);
            }
        }
        Ok(())
    }

    fn add(&mut self, message: Message) {
        let seq = codec::title_seq(&message.content).unwrap_or_default();
        match codec::locate(&message) {
            RecordBody::Inline(text) => self.decoded(message.id, seq, codec::decode(&text)),
            RecordBody::Attachment { url } => self.unfetched.push(Unfetched {
                message: message.id,
                seq,
                url,
            }),
            RecordBody::NotARecord => match notice::parse(&message) {
                Some(takeover) => self.takeovers.push(takeover),
                None => {
                    self.others.insert(message.id, message);
                }
            },
        }
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

/// A moderator can hide the embeds of a message, and with them the record that stands in them.
/// They are shown again, and then read.
async fn show_embeds<H: Host>(shared: &Shared<H>, message: Message) -> Result<Message, ReadError> {
    let is_ours = codec::title_seq(&message.content).is_some()
        || crate::engine::checkpoint::text_file::is_part(&message.content);
    if !is_ours || message.flags & SUPPRESS_EMBEDS == 0 {
        return Ok(message);
    }
    let route = routes::edit_message(message.channel_id, message.id);
    let payload = json!({ "flags": message.flags & !SUPPRESS_EMBEDS });
    let client = &shared.client;
    let shown = client.send(&route, &payload, &[], Patience::COMMAND).await;
    shown.map_err(ReadError::Call)
}
