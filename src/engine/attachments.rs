//! Whether files put into Discord can be read back from here. Discord has refused its attachment
//! host to Workers on purpose, so this is tried before anything relies on it.

use super::{Shared, not_written};
use crate::discord::model::Message;
use crate::discord::multipart::File;
use crate::discord::{CallError, Draft, Patience, routes};
use crate::error::Result;
use crate::host::{Host, Level};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Readable,
    Refused,
}

/// Where the finding is kept. Only a good one is believed later: a refusal is tried again.
const KEY: &str = "attachments";
const READABLE: &str = "readable";
/// What the message with the file says, for those who see it in passing.
const NOTICE: &str = "dbcord checks whether it can read attachments. This message can be deleted.";

/// Whether an attachment posted to `channel` can be read back, tried where that is not known to be so.
///
/// # Errors
/// When that cannot be found out.
pub(super) async fn ensured<H: Host>(shared: &Shared<H>, channel: u64) -> Result<Access> {
    let known = access(shared).await;
    if known == Some(Access::Readable) {
        return Ok(Access::Readable);
    }
    let probed = probe(shared, channel).await;
    probed.map_err(|error| not_written("Trying whether attachments can be read", &error))
}

/// What is known so far.
pub(super) async fn access<H: Host>(shared: &Shared<H>) -> Option<Access> {
    if shared.attachments.get().is_none() {
        let stored = shared.host.load(KEY).await.ok().flatten();
        if stored.as_deref() == Some(READABLE) {
            shared.attachments.set(Some(Access::Readable));
        }
    }
    shared.attachments.get()
}

/// Takes back what was known: a file could not be read after all. Unless that was refused, nothing
/// is known now.
pub(super) async fn forget<H: Host>(shared: &Shared<H>, why: &CallError) {
    let is_refused = matches!(why, CallError::Refused { .. });
    let known = is_refused.then_some(Access::Refused);
    shared.attachments.set(known);
    if let Err(error) = shared.host.remove(KEY).await {
        let line = format!("attachment access stays noted: {error}");
        shared.host.log(Level::Warn, &line);
    }
}

/// Posts a small file, reads it back, and removes the message.
pub(super) async fn probe<H: Host>(shared: &Shared<H>, channel: u64) -> Result<Access, CallError> {
    remove_left_over(shared, channel).await?;
    let text = format!("dbcord attachment check {:016x}\n", shared.host.next_u64());
    let file = File {
        name: "check.txt".to_owned(),
        content_type: "text/plain",
        bytes: text.clone().into(),
    };
    let draft = Draft {
        content: NOTICE,
        files: &[file],
        identity: Some(&format!("{channel}:{text}")),
        ..Draft::default()
    };
    let route = routes::create_message(channel);
    let client = &shared.client;
    let message: Message = client.send_draft(&route, &draft, Patience::COMMAND).await?;
    let url = message.attachments.first().map(|file| file.url.as_str());
    let access = match url {
        None => Access::Refused,
        Some(url) => match client.download(url, Patience::COMMAND).await {
            Ok(bytes) if bytes == text.as_bytes() => Access::Readable,
            Ok(_) | Err(CallError::Refused { .. }) => Access::Refused,
            Err(error) => return Err(error),
        },
    };
    remove(shared, &message).await;
    shared.attachments.set(Some(access));
    if access == Access::Readable
        && let Err(error) = shared.host.store(KEY, READABLE).await
    {
        let line = format!("attachment access was not noted: {error}");
        shared.host.log(Level::Warn, &line);
    }
    Ok(access)
}

/// Removes what a check left behind whose object died before it was done.
async fn remove_left_over<H: Host>(shared: &Shared<H>, channel: u64) -> Result<(), CallError> {
    let me = shared.me().await?;
    let route = routes::messages(channel, None);
    let newest: Vec<Message> = shared.client.get(&route, Patience::COMMAND).await?;
    let ours = |message: &&Message| message.author.id == me && message.content == NOTICE;
    for message in newest.iter().filter(ours) {
        remove(shared, message).await;
    }
    Ok(())
}

async fn remove<H: Host>(shared: &Shared<H>, message: &Message) {
    let route = routes::delete_message(message.channel_id, message.id);
    if let Err(error) = shared.client.delete(&route, Patience::COMMAND).await {
        let line = format!("the attachment check {} stays: {error}", message.id);
        shared.host.log(Level::Warn, &line);
    }
}
