//! Files of checkpoints in the log's channel: as attachments, or as text where those cannot be
//! read back.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::file_sum::FileSum;
use super::manifest::{FileEntry, Manifest, ManifestRef, Place};
use super::text_file::{self, SeenPart, TextPart};
use crate::discord::model::Message;
use crate::discord::multipart::File;
use crate::discord::{CallError, Draft, Patience, routes};
use crate::engine::{Shared, attachments, describe};
use crate::error::{Error, ErrorKind, Result, Written};
use crate::host::Host;

/// Posts one part of a file of text; its message.
///
/// # Errors
/// When it cannot be put there.
pub(super) async fn post_part<H: Host>(
    shared: &Shared<H>,
    log: u64,
    name: &str,
    part: &TextPart,
    patience: Patience,
) -> Result<u64> {
    let draft = Draft {
        content: &part.content,
        embeds: &part.embeds,
        identity: Some(&format!("{log}:{}", part.content)),
        ..Draft::default()
    };
    let message = post(shared, log, name, &draft, patience).await?;
    let is_right = text_file::parse(&message).is_some_and(|part| part.bytes.is_some());
    if message.channel_id == log && is_right {
        return Ok(message.id);
    }
    let why = CallError::Malformed(
        "what it stored is not what it was sent; the bot may lack Embed Links".to_owned(),
    );
    Err(not_stored(log, name, &why))
}

/// Posts a file as an attachment.
///
/// # Errors
/// When it cannot be put there.
pub(super) async fn post_attachment<H: Host>(
    shared: &Shared<H>,
    log: u64,
    name: &str,
    bytes: &Bytes,
    sum: FileSum,
) -> Result<Place> {
    let file = File {
        name: name.to_owned(),
        content_type: "application/gzip",
        bytes: bytes.clone(),
    };
    let draft = Draft {
        content: &text_file::attachment_title(name, sum),
        files: &[file],
        identity: Some(&format!("{log}:{name}:{sum}")),
        ..Draft::default()
    };
    let message = post(shared, log, name, &draft, Patience::BESIDE_COMMITS).await?;
    let stored = message.attachments.first();
    if message.channel_id != log || stored.is_none_or(|file| file.size != bytes.len() as u64) {
        let why = CallError::Malformed(
            "what it stored is not what it was sent; the bot may lack Attach Files".to_owned(),
        );
        return Err(not_stored(log, name, &why));
    }
    Ok(Place::Attachment {
        message: message.id,
        index: 0,
    })
}

async fn post<H: Host>(
    shared: &Shared<H>,
    log: u64,
    name: &str,
    draft: &Draft<'_>,
    patience: Patience,
) -> Result<Message> {
    let route = routes::create_message(log);
    let client = &shared.client;
    let posted = client.send_draft::<Message>(&route, draft, patience);
    posted.await.map_err(|error| not_stored(log, name, &error))
}

/// Why a file cannot be had.
#[derive(Debug)]
pub(in crate::engine) struct Unreadable {
    pub error: Error,
    /// Whether that may be over in a moment, so that it says nothing of the file.
    pub is_passing: bool,
}

impl Unreadable {
    fn new(log: u64, name: &str, error: &CallError) -> Self {
        Unreadable {
            error: unreadable(log, name, error),
            is_passing: error.is_passing(),
        }
    }
}

/// Whatever else is wrong stays so.
impl From<Error> for Unreadable {
    fn from(error: Error) -> Self {
        Unreadable {
            error,
            is_passing: false,
        }
    }
}

impl From<Unreadable> for Error {
    fn from(unreadable: Unreadable) -> Self {
        unreadable.error
    }
}

/// Fetches a file and checks that it is the one.
///
/// # Errors
/// When it cannot be read, or is not what it was.
pub(in crate::engine) async fn get<H: Host>(
    shared: &Shared<H>,
    log: u64,
    seen: &BTreeMap<u64, Message>,
    file: &FileEntry,
) -> Result<Bytes, Unreadable> {
    let bytes = match &file.place {
        Place::Attachment { message, index } => {
            get_attachment(shared, log, seen, *message, *index).await
        }
        Place::Text { messages } => get_text(shared, log, seen, messages, file.sum).await,
    };
    let bytes = bytes.map_err(|error| Unreadable::new(log, &file.name, &error))?;
    if FileSum::of(&bytes) == file.sum {
        return Ok(bytes);
    }
    let why = CallError::Malformed("its checksum is another".to_owned());
    Err(Unreadable::new(log, &file.name, &why))
}

/// The manifest that a checkpoint's record refers to.
///
/// # Errors
/// When it cannot be read, or is damaged.
pub(in crate::engine) async fn manifest<H: Host>(
    shared: &Shared<H>,
    log: u64,
    seen: &BTreeMap<u64, Message>,
    manifest: &ManifestRef,
) -> Result<Manifest> {
    let damaged = |why: String| Error::new(ErrorKind::Corrupt, why);
    match manifest {
        ManifestRef::Inline(manifest) => {
            let checked = manifest.check().map(|()| (**manifest).clone());
            checked.map_err(|error| damaged(error.to_string()))
        }
        ManifestRef::Text(text) => {
            let bytes = get_text(shared, log, seen, &text.messages, text.sum).await;
            let bytes = bytes.map_err(|error| match error {
                // Its messages are gone, or not what they were.
                CallError::Malformed(why) => damaged(format!("the manifest: {why}")),
                error => unreadable(log, "manifest", &error),
            })?;
            Manifest::unpack(&bytes, text.sum).map_err(|error| damaged(error.to_string()))
        }
    }
}

async fn get_attachment<H: Host>(
    shared: &Shared<H>,
    log: u64,
    seen: &BTreeMap<u64, Message>,
    message: u64,
    index: usize,
) -> Result<Bytes, CallError> {
    let url = |message: &Message| message.attachments.get(index).map(|file| file.url.clone());
    if let Some(url) = seen.get(&message).and_then(url) {
        match shared.client.download(&url, Patience::COMMAND).await {
            // The address is good for about a day.
            Err(CallError::Refused { .. }) => {}
            fetched => return fetched,
        }
    }
    let route = routes::message(log, message);
    let message: Message = shared.client.get(&route, Patience::COMMAND).await?;
    let url = url(&message)
        .ok_or_else(|| CallError::Malformed("its message has no such file".to_owned()))?;
    let fetched = shared.client.download(&url, Patience::COMMAND).await;
    if let Err(error @ CallError::Refused { status: 403, .. }) = &fetched {
        // The address is new, so it is us: the next checkpoint is text.
        attachments::forget(shared, error).await;
    }
    fetched
}

/// Fetches a text file, as far as it is not among what was `seen`.
///
/// # Errors
/// [`CallError::Malformed`] when its messages are gone, or not what they were.
pub(in crate::engine) async fn get_text<H: Host>(
    shared: &Shared<H>,
    log: u64,
    seen: &BTreeMap<u64, Message>,
    messages: &[u64],
    sum: FileSum,
) -> Result<Bytes, CallError> {
    let known = messages
        .iter()
        .filter_map(|id| text_file::parse(seen.get(id)?));
    let mut parts: Vec<SeenPart> = known.filter(|part| part.bytes.is_some()).collect();
    let is_there = |parts: &[SeenPart], id: &u64| parts.iter().any(|part| part.message == *id);
    let mut missing: Vec<u64> = messages.to_vec();
    missing.retain(|id| !is_there(&parts, id));
    // They were posted one after the other, so a page has most of them.
    while let Some(&newest) = missing.iter().max() {
        let route = routes::messages(log, Some(newest.saturating_add(1)));
        let page: Vec<Message> = shared.client.get(&route, Patience::COMMAND).await?;
        let reached = page.iter().map(|message| message.id).min();
        let found = page.iter().filter(|message| missing.contains(&message.id));
        parts.extend(found.filter_map(text_file::parse));
        // What the page should have shown is gone, and missed below.
        missing.retain(|id| reached.is_some_and(|reached| *id < reached));
    }
    text_file::join(parts, sum).map_err(|error| CallError::Malformed(error.to_string()))
}

fn not_stored(log: u64, name: &str, error: &CallError) -> Error {
    let failed = describe(&format!("Storing `{name}`"), error, Written::No);
    let needed = "View Channels, Send Messages, Embed Links and Attach Files";
    with_cure(failed, log, needed, error)
}

fn unreadable(log: u64, name: &str, error: &CallError) -> Error {
    let failed = describe(&format!("Reading `{name}`"), error, Written::ReadOnly);
    with_cure(failed, log, "View Channels and Read Message History", error)
}

fn with_cure(failed: Error, log: u64, needed: &str, error: &CallError) -> Error {
    match error {
        CallError::Refused { status: 403, .. } => {
            failed.hint(format!("The bot needs {needed} in <#{log}>."))
        }
        _ => failed,
    }
}
