//! Reads the whole log of a database from its channel.

use super::codec::{self, DecodeError, Place};
use super::replay::Entry;
use crate::discord::model::Message;
use crate::discord::{CallError, Client, Patience, routes};
use crate::host::Host;
use crate::limits::MESSAGE_PAGE;

/// Everything of ours that stands in the log channel.
#[derive(Debug, Default)]
pub struct Found {
    pub entries: Vec<Entry>,
    /// Messages that claim to be records and cannot be used.
    pub damaged: Vec<Damaged>,
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
pub async fn read<H: Host>(
    client: &Client<H>,
    channel: u64,
    author: u64,
) -> Result<Found, ReadError> {
    let mut found = Found::default();
    for message in own_messages(client, channel, author, Patience::COMMAND)
        .await
        .map_err(ReadError::Call)?
    {
        let text = match codec::locate(&message) {
            Place::NotARecord => continue,
            Place::Inline(text) => Ok(text),
            Place::Attachment { url } => {
                let bytes = client.download(&url, Patience::COMMAND).await;
                let bytes = bytes.map_err(|error| ReadError::File {
                    message: message.id,
                    error,
                })?;
                codec::file_text(&bytes).map(str::to_owned)
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

/// All messages of `author` in a channel, newest first, page by page. Other people's messages
/// have no say in a channel of ours.
///
/// # Errors
/// See [`CallError`].
pub async fn own_messages<H: Host>(
    client: &Client<H>,
    channel: u64,
    author: u64,
    patience: Patience,
) -> Result<Vec<Message>, CallError> {
    let mut messages = Vec::new();
    let mut before = None;
    loop {
        let route = routes::messages(channel, before);
        let page: Vec<Message> = client.get(&route, patience).await?;
        let full = page.len() >= MESSAGE_PAGE;
        before = page.iter().map(|message| message.id).min();
        messages.extend(
            page.into_iter()
                .filter(|message| message.author.id == author),
        );
        if !full {
            return Ok(messages);
        }
    }
}
