//! Reads the whole log of a database from its channel.

use super::codec::{self, DecodeError, RecordBody};
use super::replay::Entry;
use serde_json::json;

use crate::discord::model::{Message, SUPPRESS_EMBEDS};
use crate::discord::{CallError, Patience, routes};
use crate::engine::Shared;
use crate::host::Host;

/// Everything of ours that stands in the log channel.
#[derive(Debug, Default)]
pub struct LogContents {
    pub entries: Vec<Entry>,
    /// Messages that claim to be records and cannot be used.
    pub damaged: Vec<Damaged>,
}

impl LogContents {
    pub fn highest_epoch(&self) -> Option<u64> {
        self.entries.iter().map(|entry| entry.record.epoch).max()
    }

    /// The version of a record that this code is too old for.
    pub fn newer_format(&self) -> Option<u32> {
        self.damaged.iter().find_map(|damaged| match damaged.why {
            DecodeError::Newer(version) => Some(version),
            DecodeError::Damaged(_) => None,
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged {
    pub message: u64,
    /// As its first line says.
    pub seq: u64,
    pub why: DecodeError,
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

/// Reads all messages of `author` in the log channel.
///
/// # Errors
/// [`ReadError`]; a part of the log is never taken for the whole.
pub(crate) async fn read<H: Host>(
    shared: &Shared<H>,
    channel: u64,
    author: u64,
) -> Result<LogContents, ReadError> {
    let mut found = LogContents::default();
    for message in shared
        .own_messages(channel, author, Patience::COMMAND)
        .await
        .map_err(ReadError::Call)?
    {
        let message = show_embeds(shared, message).await?;
        let text = match codec::locate(&message) {
            RecordBody::NotARecord => continue,
            RecordBody::Inline(text) => Ok(text),
            RecordBody::Attachment { url } => {
                let bytes = shared.client.download(&url, Patience::COMMAND).await;
                let bytes = bytes.map_err(|error| ReadError::File {
                    message: message.id,
                    error,
                })?;
                codec::file_text(&bytes)
            }
        };
        match text.and_then(|text| codec::decode(&text)) {
            Ok((record, link)) => found.entries.push(Entry {
                record,
                link,
                message: message.id,
            }),
            Err(why) => found.damaged.push(Damaged {
                message: message.id,
                seq: codec::title_seq(&message.content).unwrap_or_default(),
                why,
            }),
        }
    }
    Ok(found)
}

/// A moderator can hide the embeds of a message, and with them the record that stands in them.
/// They are shown again, and then read.
async fn show_embeds<H: Host>(shared: &Shared<H>, message: Message) -> Result<Message, ReadError> {
    let is_record = codec::title_seq(&message.content).is_some();
    if !is_record || message.flags & SUPPRESS_EMBEDS == 0 {
        return Ok(message);
    }
    let route = routes::edit_message(message.channel_id, message.id);
    let payload = json!({ "flags": message.flags & !SUPPRESS_EMBEDS });
    let client = &shared.client;
    let shown = client.send(&route, &payload, &[], Patience::COMMAND).await;
    shown.map_err(ReadError::Call)
}
