//! Answers that are owed: a deferred interaction gets its reply by an edit, whatever happens to
//! the object meanwhile.

use std::rc::Rc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use twilight_model::application::interaction::application_command::CommandOptionValue;

use super::Instance;
use crate::commands;
use crate::discord::multipart::{File, file_name};
use crate::discord::{CallError, Draft, original};
use crate::error::{ErrorKind, Written};
use crate::host::{Host, Level, StorageError, UnixMillis};
use crate::interactions::reply::Watch;
use crate::interactions::{CommandData, Interaction, Reply};
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
    /// Whether it was to take the database over, which no commit tells of as its doing.
    #[serde(default)]
    pub takes_over: bool,
    /// The answer itself, where it is known.
    #[serde(default)]
    pub reply: Option<String>,
    /// Whether that has arrived, so that only what it waits for is left to be added.
    #[serde(default)]
    pub is_delivered: bool,
    /// What is to be added to the answer once it has happened.
    #[serde(default)]
    pub watch: Option<Box<Watch>>,
    pub since: UnixMillis,
}

impl OwedReply {
    pub fn new(interaction: &Interaction, data: &CommandData, now: UnixMillis) -> Self {
        let database = data.options.iter().find_map(|option| match &option.value {
            CommandOptionValue::String(name) if option.name == "database" => Some(name.clone()),
            _ => None,
        });
        let takes_over = data.options.iter().any(|option| {
            option.name == "takeover" && option.value == CommandOptionValue::Boolean(true)
        });
        OwedReply {
            interaction: interaction.id.get(),
            application: interaction.application_id.get(),
            token: interaction.token.clone(),
            command: data.name.clone(),
            database,
            writes: commands::writes(&data.name),
            takes_over,
            reply: None,
            is_delivered: false,
            watch: None,
            since: now,
        }
    }

    /// The same with its answer. That of a command that only reads has what it read, and is not kept:
    /// object storage never holds row data, and the command can be run again.
    pub fn answered(&self, reply: &Reply) -> Self {
        OwedReply {
            reply: self.writes.then(|| reply.shown()),
            watch: reply.watch.clone().or_else(|| self.watch.clone()),
            ..self.clone()
        }
    }

    fn key(&self) -> String {
        format!("{PREFIX}{}", self.interaction)
    }

    pub fn expired(&self, now: UnixMillis) -> bool {
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

    /// Edits the reply into the deferred answer. What cannot be delivered now stays owed, and the
    /// alarm tries again; so does what is to be added later. Whether it has arrived.
    pub(super) async fn deliver(&self, owed: &OwedReply, reply: &Reply) -> bool {
        self.running.borrow_mut().insert(owed.interaction);
        let is_settled = self.try_to_deliver(owed, reply).await;
        self.running.borrow_mut().remove(&owed.interaction);
        is_settled
    }

    async fn try_to_deliver(&self, owed: &OwedReply, reply: &Reply) -> bool {
        let mut sent = self.edit_original(owed, reply).await;
        if reply.file.is_some() && matches!(sent, Err(CallError::Refused { .. })) {
            // Better an answer without its file than none.
            let text = format!("{}\n(Discord refused the file.)", reply.content);
            sent = self.edit_original(owed, &Reply::new(text)).await;
        }
        let id = owed.interaction;
        let log = |level, line: String| self.host.log(level, &format!("interaction {id}: {line}"));
        let answered = owed.answered(reply);
        match sent {
            Ok(()) => {
                self.delivered(&answered).await;
                return true;
            }
            // A refusal stays one.
            Err(error @ CallError::Refused { .. }) => {
                log(Level::Warn, format!("the reply was refused: {error}"));
            }
            Err(error) => {
                log(Level::Warn, format!("the reply is still owed: {error}"));
                if let Err(error) = self.remember(&answered).await {
                    log(Level::Error, format!("and was not stored: {error}"));
                }
                return false;
            }
        }
        self.forget(owed).await;
        true
    }

    /// Notes that an answer has arrived. One that is to be added to stays owed; failing that,
    /// `/dbc_inspect` still tells.
    pub(super) async fn delivered(&self, answered: &OwedReply) {
        if answered.watch.is_none() {
            return self.forget(answered).await;
        }
        let kept = OwedReply {
            is_delivered: true,
            ..answered.clone()
        };
        if let Err(error) = self.remember(&kept).await {
            let line = format!("interaction {}: not watched: {error}", kept.interaction);
            self.host.log(Level::Warn, &line);
        }
    }

    async fn edit_original(&self, owed: &OwedReply, reply: &Reply) -> Result<(), CallError> {
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
        original::edit(client, owed.application, &owed.token, &draft).await
    }

    /// Pays what earlier objects, or earlier tries, left owing. Whether anything is left that has
    /// not arrived.
    pub(super) async fn pay_owed(self: &Rc<Self>) -> bool {
        let Some(keys) = self.owed().await else {
            return true;
        };
        let mut is_left = false;
        for key in keys {
            if let Some(owed) = self.load_owed(&key).await
                && !owed.is_delivered
            {
                is_left |= !self.pay(&owed).await;
            }
        }
        is_left
    }

    /// The keys of what is owed; none when storage does not tell.
    pub(super) async fn owed(&self) -> Option<Vec<String>> {
        match self.host.load_prefix(PREFIX).await {
            Ok(stored) => Some(stored.into_iter().map(|(key, _)| key).collect()),
            Err(error) => {
                let line = format!("owed answers: {error}");
                self.host.log(Level::Error, &line);
                None
            }
        }
    }

    /// What is owed still: while others were paid, this one may have been.
    pub(super) async fn load_owed(&self, key: &str) -> Option<OwedReply> {
        let text = self.host.load(key).await.ok().flatten()?;
        let Ok(owed) = serde_json::from_str::<OwedReply>(&text) else {
            let line = format!("{key} cannot be read and is dropped");
            self.host.log(Level::Error, &line);
            // Failing that, it is dropped the next time.
            let _ = self.host.remove(key).await;
            return None;
        };
        if owed.expired(self.host.now()) {
            self.forget(&owed).await;
            return None;
        }
        Some(owed)
    }

    /// Pays one; whether it has arrived.
    async fn pay(&self, owed: &OwedReply) -> bool {
        if self.running.borrow().contains(&owed.interaction) {
            return false;
        }
        let reply = match &owed.reply {
            Some(text) => Some(Reply::new(text.clone())),
            None => self.what_became_of(owed).await,
        };
        match reply {
            Some(reply) => self.deliver(owed, &reply).await,
            None => false,
        }
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
        let database = match self.engine.open(name).await {
            Ok(database) => database,
            // Where there is no database yet, its first commit may still be on its way.
            Err(error) if error.kind == ErrorKind::NotFound => {
                return interrupted(
                    "Whether it was carried out is not known. Run it again: what is there already is left alone.",
                );
            }
            Err(error) if error.kind == ErrorKind::Unavailable => return None,
            Err(error) if owed.takes_over => {
                let error = error.written(Written::ReadOnly);
                return interrupted(&format!(
                    "It was not completed, and whether its notice is in the log is not known; if it is, the other deployment has stopped. {error}"
                ));
            }
            Err(error) => {
                let error = error.written(Written::Unknown);
                return interrupted(&format!("What became of it is unknown: {error}"));
            }
        };
        if owed.takes_over {
            return interrupted(&format!(
                "Database `{name}` belongs to this deployment now."
            ));
        }
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
