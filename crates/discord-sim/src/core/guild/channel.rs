//! Channels and their overwrites. Threads are channels too; what only they have is in [`Thread`].

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::core::guild::thread::Thread;
use crate::core::id::Id;
use crate::core::message::Message;

/// The channel types that this Discord knows (docs `resources/channel`, "Channel Types").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChannelKind {
    Text = 0,
    Category = 4,
    Announcement = 5,
    AnnouncementThread = 10,
    PublicThread = 11,
}

impl ChannelKind {
    /// Whether it is a channel that has messages and a topic, and that threads are started in.
    pub(crate) fn is_text(self) -> bool {
        matches!(self, ChannelKind::Text | ChannelKind::Announcement)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OverwriteKind {
    Role = 0,
    Member = 1,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Overwrite {
    pub(crate) id: Id,
    pub(crate) kind: OverwriteKind,
    pub(crate) allow: u64,
    pub(crate) deny: u64,
}

impl Overwrite {
    fn json(&self) -> Value {
        json!({
            "id": self.id,
            "type": self.kind as u8,
            "allow": self.allow.to_string(),
            "deny": self.deny.to_string(),
        })
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Channel {
    pub(crate) id: Id,
    pub(crate) guild_id: Id,
    pub(crate) kind: ChannelKind,
    pub(crate) name: String,
    pub(crate) topic: Option<String>,
    pub(crate) parent_id: Option<Id>,
    pub(crate) position: i64,
    pub(crate) nsfw: bool,
    pub(crate) rate_limit_per_user: i64,
    pub(crate) overwrites: BTreeMap<Id, Overwrite>,
    pub(crate) messages: BTreeMap<Id, Message>,
    /// Stays when that message is deleted, as it does at Discord.
    pub(crate) last_message_id: Option<Id>,
    /// Times of recent changes of name or topic.
    pub(crate) renames_ms: Vec<u64>,
    /// Times of recent edits of messages older than an hour.
    pub(crate) old_edits_ms: Vec<u64>,
    /// Set where the kind is a thread's.
    pub(crate) thread: Option<Thread>,
}

impl Channel {
    /// A text channel or category with nothing in it.
    pub(crate) fn new(id: Id, guild_id: Id, kind: ChannelKind, name: String) -> Channel {
        Channel {
            id,
            guild_id,
            kind,
            name,
            topic: None,
            parent_id: None,
            position: 0,
            nsfw: false,
            rate_limit_per_user: 0,
            overwrites: BTreeMap::new(),
            messages: BTreeMap::new(),
            last_message_id: None,
            renames_ms: Vec::new(),
            old_edits_ms: Vec::new(),
            thread: None,
        }
    }

    /// Whether it holds messages.
    pub(crate) fn is_textual(&self) -> bool {
        self.kind != ChannelKind::Category
    }

    /// A `GuildChannelResponse`, or a `ThreadResponse` with `reader`'s membership.
    pub(crate) fn json(&self, reader: Id) -> Value {
        if let Some(thread) = &self.thread {
            return thread.json(self, reader);
        }
        let mut channel = json!({
            "id": self.id,
            "type": self.kind as u8,
            "flags": 0,
            "guild_id": self.guild_id,
            "name": self.name,
            "parent_id": self.parent_id,
            "position": self.position,
            "permission_overwrites": self.overwrites.values().map(Overwrite::json).collect::<Vec<_>>(),
        });
        if self.kind.is_text() {
            channel["topic"] = json!(self.topic);
            channel["nsfw"] = json!(self.nsfw);
            channel["last_message_id"] = json!(self.last_message_id);
            channel["rate_limit_per_user"] = json!(self.rate_limit_per_user);
        }
        channel
    }

    /// The partial channel of an interaction payload.
    pub(crate) fn interaction_json(&self, reader: Id, permissions: u64) -> Value {
        let mut channel = self.json(reader);
        if let Value::Object(fields) = &mut channel {
            fields.remove("permission_overwrites");
        }
        channel["permissions"] = json!(permissions.to_string());
        channel
    }
}

/// A text channel's name as Discord stores it: lower case, `-` for white space, most ASCII punctuation dropped.
pub(crate) fn text_channel_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for c in name.trim().chars().flat_map(char::to_lowercase) {
        let c = if c.is_whitespace() { '-' } else { c };
        let dropped = c.is_control() || (c.is_ascii_punctuation() && c != '-' && c != '_');
        if dropped || (c == '-' && out.ends_with('-')) {
            continue;
        }
        out.push(c);
    }
    out
}
