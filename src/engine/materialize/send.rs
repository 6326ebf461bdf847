//! Posting, editing and removing messages of ours.

use serde_json::json;

use super::{Overflow, Stop};
use crate::discord::model::Message;
use crate::discord::multipart::File;
use crate::discord::{CallError, Client, Draft, Patience, routes};
use crate::engine::attachments::{self, Access};
use crate::engine::database::Database;
use crate::host::{Host, Io};

/// An edit is sent once: an attempt that was not answered may arrive after a later edit, so whoever
/// asked for it has to know.
const ONCE: Patience = Patience {
    attempts: 1,
    ..Patience::BACKGROUND
};

/// Edits a message, whose file is the given one from then on, or none.
pub(super) async fn edit<H: Io>(
    client: &Client<H>,
    channel: u64,
    message: u64,
    content: &str,
    file: Option<&File>,
) -> Result<Message, CallError> {
    let draft = Draft {
        content,
        files: file.map(std::slice::from_ref).unwrap_or_default(),
        ..Draft::default()
    };
    let mut payload = draft.payload();
    // What the list does not name is dropped.
    if let Some(fields) = payload.as_object_mut() {
        fields.entry("attachments").or_insert_with(|| json!([]));
    }
    let route = routes::edit_message(channel, message);
    client.send(&route, &payload, draft.files, ONCE).await
}

impl<H: Host> Database<H> {
    /// What becomes of documents that are too long for a message's text.
    pub(super) async fn overflow(&self) -> Overflow {
        match attachments::access(&self.shared).await {
            Some(Access::Refused) => Overflow::Cut,
            _ => Overflow::File,
        }
    }

    /// Posts a message; `identity` makes it this one and no other.
    pub(super) async fn post_message(
        &self,
        channel: u64,
        content: &str,
        file: Option<&File>,
        identity: &str,
    ) -> Result<Message, CallError> {
        let route = routes::create_message(channel);
        let client = &self.shared.client;
        let draft = Draft {
            content,
            files: file.map(std::slice::from_ref).unwrap_or_default(),
            identity: Some(identity),
            ..Draft::default()
        };
        let posted = client.send_draft(&route, &draft, Patience::BACKGROUND);
        match posted.await {
            // Discord remembers the nonce of a message that somebody deleted meanwhile.
            Err(error) if error.is_unknown_message() => {
                let again = format!("{identity}:{:016x}", self.shared.host.next_u64());
                let draft = Draft {
                    identity: Some(&again),
                    ..draft
                };
                client
                    .send_draft(&route, &draft, Patience::BACKGROUND)
                    .await
            }
            posted => posted,
        }
    }

    /// Removes a message of ours; one that is gone already is as good. Whether it was there.
    pub(super) async fn delete_message(&self, channel: u64, message: u64) -> Result<bool, Stop> {
        let route = routes::delete_message(channel, message);
        let deleted = self.shared.client.delete(&route, Patience::BACKGROUND);
        match deleted.await {
            Ok(()) => Ok(true),
            Err(error) if error.is_unknown_message() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
