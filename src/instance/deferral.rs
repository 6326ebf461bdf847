//! Answers that are owed: a deferred interaction gets its reply by an edit, whatever happens to
//! the object meanwhile.

use std::rc::Rc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use twilight_model::application::interaction::application_command::{
    CommandData, CommandOptionValue,
};

use super::Instance;
use crate::commands;
use crate::discord::multipart::{File, file_name};
use crate::discord::{CallError, Draft, original};
use crate::host::{Host, Level, StorageError, UnixMillis};
use crate::interactions::{Interaction, Reply};
use crate::limits::INTERACTION_TOKEN_MS;

const PREFIX: &str = "pending/";
/// A running command is left alone for this long before the alarm looks after it.
const LOOK_AFTER_MS: u64 = 20_000;

/// A deferred interaction, as stored: enough to find out what became of it and to tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OwedReply {
    pub interaction: u64,
    pub application: u64,
    pub token: String,
    pub command: String,
    pub database: Option<String>,
    /// Whether the command could have changed anything.
    pub writes: bool,
    pub since: UnixMillis,
}

impl OwedReply {
    pub fn new(interaction: &Interaction, data: &CommandData, now: UnixMillis) -> Self {
        let database = data.options.iter().find_map(|option| match &option.value {
            CommandOptionValue::String(name) if option.name == "database" => Some(name.clone()),
            _ => None,
        });
        OwedReply {
            interaction: interaction.id.get(),
            application: interaction.application_id.get(),
            token: interaction.token.clone(),
            command: data.name.clone(),
            database,
            writes: commands::writes(&data.name),
            since: now,
        }
    }

    fn key(&self) -> String {
        format!("{PREFIX}{}", self.interaction)
    }

    fn expired(&self, now: UnixMillis) -> bool {
        now >= self.since.saturating_add(INTERACTION_TOKEN_MS)
    }
}

impl<H: Host> Instance<H> {
    /// Stores that an answer is owed, and sets the alarm in case this object does not live to
    /// give it.
    pub(super) async fn remember(&self, owed: &OwedReply) -> Result<(), StorageError> {
        let text = serde_json::to_string(owed).map_err(|e| StorageError(e.to_string()))?;
        self.host.store(&owed.key(), &text).await?;
        self.host.wake_at(self.host.now() + LOOK_AFTER_MS).await
    }

    pub(super) async fn forget(&self, owed: &OwedReply) {
        if let Err(error) = self.host.remove(&owed.key()).await {
            let line = format!("interaction {}: {error}", owed.interaction);
            self.host.log(Level::Warn, &line);
        }
    }

    /// Edits the reply into the deferred answer. What cannot be delivered stays owed: the alarm
    /// then reads from the log what became of it.
    pub(super) async fn deliver(&self, owed: &OwedReply, reply: &Reply) {
        self.running.borrow_mut().insert(owed.interaction);
        self.try_to_deliver(owed, reply).await;
        self.running.borrow_mut().remove(&owed.interaction);
    }

    async fn try_to_deliver(&self, owed: &OwedReply, reply: &Reply) {
        let file = reply.file.as_ref().map(|(name, text)| File {
            name: file_name(name),
            content_type: "application/json",
            bytes: Bytes::from(text.clone()),
        });
        let draft = Draft {
            content: &reply.shown(),
            files: file.as_slice(),
            ..Draft::default()
        };
        let client = self.engine.client();
        let (application, token) = (owed.application, &owed.token);
        let sent = original::edit(client, application, token, &draft).await;
        if let Err(error) = &sent {
            let id = owed.interaction;
            let line = format!("interaction {id}: the reply was not delivered: {error}");
            self.host.log(Level::Warn, &line);
        }
        // A refusal stays one; anything else may pass, so the answer is still owed.
        if matches!(sent, Ok(()) | Err(CallError::Refused { .. })) {
            self.forget(owed).await;
        }
    }

    /// Settles what earlier objects left owing. Whether anything is still to be settled.
    pub(super) async fn pay_owed(self: &Rc<Self>) -> bool {
        let stored = match self.host.load_prefix(PREFIX).await {
            Ok(stored) => stored,
            Err(error) => {
                self.host
                    .log(Level::Error, &format!("pending answers: {error}"));
                return true;
            }
        };
        let mut left = false;
        for (key, text) in stored {
            let Ok(owed) = serde_json::from_str::<OwedReply>(&text) else {
                self.host.log(
                    Level::Error,
                    &format!("{key} cannot be read and is dropped"),
                );
                let _ = self.host.remove(&key).await;
                continue;
            };
            if self.running.borrow().contains(&owed.interaction) {
                left = true;
            } else if owed.expired(self.host.now()) {
                self.forget(&owed).await;
            } else {
                let reply = self.what_became_of(&owed).await;
                left |= reply.is_none();
                if let Some(reply) = reply {
                    self.deliver(&owed, &reply).await;
                }
            }
        }
        left
    }

    /// Finds out from the log what became of a command whose object is gone. None when that
    /// cannot be told yet.
    async fn what_became_of(&self, owed: &OwedReply) -> Option<Reply> {
        let interrupted = |outcome: &str| {
            let command = &owed.command;
            Some(Reply::new(format!(
                "`/{command}` was interrupted. {outcome}"
            )))
        };
        let (true, Some(name)) = (owed.writes, &owed.database) else {
            return interrupted("Run it again.");
        };
        let database = match self.engine.database(name).await {
            Ok(database) => database,
            Err(error) if error.kind == crate::error::ErrorKind::NotFound => {
                return interrupted("Nothing was committed. Run it again.");
            }
            Err(error) if error.kind == crate::error::ErrorKind::Unavailable => return None,
            Err(error) => return interrupted(&format!("What became of it is unknown: {error}")),
        };
        match database.final_outcome(&owed.interaction.to_string()).await {
            Ok(Some(at)) => interrupted(&format!(
                "It had been committed by then, as commit #{}.",
                at.seq()
            )),
            Ok(None) => interrupted("Nothing was written. Run it again."),
            Err(error) => {
                let line = format!("interaction {}: {error}", owed.interaction);
                self.host.log(Level::Warn, &line);
                None
            }
        }
    }
}
