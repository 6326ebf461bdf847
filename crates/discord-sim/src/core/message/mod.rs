//! Messages: what they hold, how they are drafted, checked and shown.

pub(crate) mod apply;
pub(crate) mod attachments;
pub(crate) mod components;
pub(crate) mod content;
pub(crate) mod draft;
pub(crate) mod embeds;
pub(crate) mod journal;
pub(crate) mod nonce;
mod show;

use serde_json::{Value, json};

use self::attachments::{Attachment, UrlSigner};
use super::guild::User;
use super::id::Id;
use super::time::iso8601;

/// Message flags (docs `resources/message`, "Message Flags").
pub(crate) mod flags {
    pub(crate) const SUPPRESS_EMBEDS: u64 = 1 << 2;
    pub(crate) const HAS_THREAD: u64 = 1 << 5;
    pub(crate) const EPHEMERAL: u64 = 1 << 6;
    pub(crate) const LOADING: u64 = 1 << 7;
    pub(crate) const SUPPRESS_NOTIFICATIONS: u64 = 1 << 12;
}

/// The interaction that a message answers.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) interaction_id: Id,
    pub(crate) user: User,
    pub(crate) guild_id: Id,
    pub(crate) command: String,
    /// Set on follow-ups.
    pub(crate) original_message: Option<Id>,
}

/// What a message is when it is neither a reply nor an answer to a command: what a person wrote, or what Discord itself
/// notes in a channel (docs `resources/message`, "Message Types").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ordinary = 0,
    NameChange = 4,
    Pinned = 6,
    ThreadCreated = 18,
    ThreadStarter = 21,
}

impl Kind {
    /// Whether the docs' table lets such a message be deleted.
    pub(crate) fn is_deletable(self) -> bool {
        !matches!(self, Kind::NameChange | Kind::ThreadStarter)
    }
}

/// What a message points at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reference {
    pub(crate) channel: Id,
    /// `None` where the channel itself is meant.
    pub(crate) message: Option<Id>,
}

#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) id: Id,
    pub(crate) channel_id: Id,
    pub(crate) author: User,
    pub(crate) content: String,
    pub(crate) embeds: Vec<Value>,
    pub(crate) components: Vec<Value>,
    pub(crate) attachments: Vec<Attachment>,
    pub(crate) flags: u64,
    pub(crate) tts: bool,
    pub(crate) mentions: content::Mentions,
    /// What its id says.
    pub(crate) created_ms: u64,
    /// When it was really carried out; ids can lie a little.
    pub(crate) posted_ms: u64,
    pub(crate) edited_ms: Option<u64>,
    pub(crate) pinned_ms: Option<u64>,
    pub(crate) nonce: Option<Value>,
    pub(crate) kind: Kind,
    /// The message that this one replies to, or that Discord notes something about.
    pub(crate) reference: Option<Reference>,
    /// A thread was started from it, and may be gone again: a message can only ever have one (docs `resources/channel`,
    /// "Start Thread from Message").
    pub(crate) had_thread: bool,
    /// Set on answers to interactions, which go through the application's webhook.
    pub(crate) origin: Option<Origin>,
    pub(crate) application_id: Option<Id>,
}

impl Message {
    /// Whether nothing at all would be seen.
    pub(crate) fn is_empty(&self) -> bool {
        self.content.is_empty()
            && self.embeds.is_empty()
            && self.attachments.is_empty()
            && self.components.is_empty()
            && self.flags & flags::LOADING == 0
    }

    fn kind_number(&self) -> u8 {
        match (self.kind, &self.origin, self.reference) {
            (Kind::Ordinary, Some(_), _) => 20,
            (Kind::Ordinary, None, Some(_)) => 19,
            (kind, _, _) => kind as u8,
        }
    }

    /// Whether it shows the message that it points at.
    pub(crate) fn shows_reference(&self) -> bool {
        matches!(self.kind, Kind::Ordinary | Kind::ThreadStarter)
    }

    /// A `MessageResponse` with attachment URLs good for a day from `now`.
    ///
    /// Embeds of a message with SUPPRESS_EMBEDS are kept but not shown: taking the flag off brings them back.
    pub(crate) fn json(&self, now: u64, urls: &UrlSigner) -> Value {
        let embeds: &[Value] = if self.flags & flags::SUPPRESS_EMBEDS == 0 {
            &self.embeds
        } else {
            &[]
        };
        let mut message = json!({
            "type": self.kind_number(),
            "content": self.content,
            "mentions": self.mentions.users.iter().map(User::json).collect::<Vec<_>>(),
            "mention_roles": self.mentions.roles,
            "attachments": self.attachments.iter().map(|a| a.json(self.channel_id, now, urls)).collect::<Vec<_>>(),
            "embeds": embeds,
            "timestamp": iso8601(self.created_ms),
            "edited_timestamp": self.edited_ms.map(iso8601),
            "flags": self.flags,
            "components": self.components,
            "id": self.id,
            "channel_id": self.channel_id,
            "author": self.author.json(),
            "pinned": self.pinned_ms.is_some(),
            "mention_everyone": self.mentions.everyone,
            "tts": self.tts,
        });
        if let Some(application) = self.application_id {
            message["application_id"] = json!(application);
        }
        if let Some(reference) = self.reference {
            message["message_reference"] = json!({"type": 0, "channel_id": reference.channel});
            if let Some(id) = reference.message {
                message["message_reference"]["message_id"] = json!(id);
            }
        }
        if let Some(origin) = &self.origin {
            message["webhook_id"] = json!(self.application_id);
            let mut metadata = json!({
                "id": origin.interaction_id,
                "type": 2,
                "user": origin.user.json(),
                "authorizing_integration_owners": {"0": origin.guild_id},
                "name": origin.command,
                "command_type": 1,
            });
            if let Some(original) = origin.original_message {
                metadata["original_response_message_id"] = json!(original);
            }
            message["interaction_metadata"] = metadata;
            if origin.original_message.is_none() {
                message["interaction"] = json!({
                    "id": origin.interaction_id,
                    "type": 2,
                    "name": origin.command,
                    "user": origin.user.json(),
                });
            }
        }
        message
    }
}
