//! Threads: channels that hang on a message of another channel.
//!
//! Docs `topics/threads`, and `resources/channel` for the fields.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::channel::Channel;
use super::permissions;
use crate::core::Discord;
use crate::core::error::{ApiError, ApiResult};
use crate::core::id::Id;
use crate::core::message::Message;
use crate::core::time::iso8601;

/// Minutes without activity after which a thread archives itself.
pub(crate) const AUTO_ARCHIVE_MINUTES: &[i64] = &[60, 1_440, 4_320, 10_080];
/// What a thread gets whose maker names no time. Not documented; one day is what Discord's client preselects.
pub(crate) const AUTO_ARCHIVE_DEFAULT: i64 = 1_440;
/// `member_count` stops here.
const MEMBERS_SHOWN_MAX: usize = 50;

/// What a channel has when it is a thread.
#[derive(Clone, Debug)]
pub(crate) struct Thread {
    /// Who started it.
    pub(crate) owner_id: Id,
    pub(crate) archived: bool,
    pub(crate) locked: bool,
    pub(crate) auto_archive_minutes: i64,
    /// When `archived` or `auto_archive_duration` last changed.
    pub(crate) archive_changed_ms: u64,
    /// When something last happened that puts off the archiving.
    pub(crate) active_ms: u64,
    pub(crate) created_ms: u64,
    /// Without the starter and without deleted ones.
    pub(crate) message_count: u64,
    /// Deleted ones included.
    pub(crate) total_message_sent: u64,
    /// Who joined, and when.
    pub(crate) members: BTreeMap<Id, u64>,
}

impl Thread {
    pub(crate) fn started(now: u64, owner_id: Id, auto_archive_minutes: i64) -> Thread {
        Thread {
            owner_id,
            archived: false,
            locked: false,
            auto_archive_minutes,
            archive_changed_ms: now,
            active_ms: now,
            created_ms: now,
            message_count: 0,
            total_message_sent: 0,
            members: BTreeMap::from([(owner_id, now)]),
        }
    }

    pub(super) fn json(&self, channel: &Channel, reader: Id) -> Value {
        let mut thread = json!({
            "id": channel.id,
            "type": channel.kind as u8,
            "flags": 0,
            "guild_id": channel.guild_id,
            "parent_id": channel.parent_id,
            "owner_id": self.owner_id,
            "name": channel.name,
            "last_message_id": channel.last_message_id,
            "rate_limit_per_user": channel.rate_limit_per_user,
            "message_count": self.message_count,
            "total_message_sent": self.total_message_sent,
            "member_count": self.members.len().min(MEMBERS_SHOWN_MAX),
            "thread_metadata": {
                "archived": self.archived,
                "archive_timestamp": iso8601(self.archive_changed_ms),
                "auto_archive_duration": self.auto_archive_minutes,
                "locked": self.locked,
                "create_timestamp": iso8601(self.created_ms),
            },
        });
        if let Some(member) = self.member_json(channel.id, reader) {
            thread["member"] = member;
        }
        thread
    }

    /// A `ThreadMemberResponse`, if that user joined.
    pub(crate) fn member_json(&self, thread: Id, user: Id) -> Option<Value> {
        let joined = *self.members.get(&user)?;
        Some(json!({"id": thread, "user_id": user, "join_timestamp": iso8601(joined), "flags": 0}))
    }

    /// When it archives itself if nothing happens.
    fn archives_ms(&self) -> u64 {
        let minutes = u64::try_from(self.auto_archive_minutes).unwrap_or_default();
        self.active_ms.saturating_add(minutes * 60 * 1_000)
    }

    pub(crate) fn set_archived(&mut self, now: u64, archived: bool) {
        if self.archived != archived {
            self.archived = archived;
            self.archive_changed_ms = now;
            if !archived {
                self.active_ms = now;
            }
        }
    }
}

/// What is done to a thread's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Touch {
    /// A new message, which brings an archived thread back.
    Post,
    /// An edit, a deletion or a pin.
    Change,
}

impl Discord {
    /// Whether the state of a thread lets `actor`, who holds `bits` there, do that. Other channels let everything.
    ///
    /// The docs say that messages of an archived thread can be deleted; callers were answered 50083 all the same
    /// (reported: undiscord #399, discord-delete #48), and a client that unarchives first is right either way.
    pub(crate) fn thread_permits(
        &self,
        channel: &Channel,
        bits: u64,
        touch: Touch,
    ) -> ApiResult<()> {
        let Some(thread) = &channel.thread else {
            return Ok(());
        };
        if thread.locked && bits & permissions::MANAGE_THREADS == 0 {
            return Err(ApiError::thread_locked());
        }
        match touch {
            Touch::Change if thread.archived => Err(ApiError::thread_archived()),
            Touch::Post if thread.archived => self.room_for_active_thread(channel.guild_id),
            Touch::Post | Touch::Change => Ok(()),
        }
    }

    /// Refuses with 160006 where the guild has as many active threads as it may.
    pub(crate) fn room_for_active_thread(&self, guild: Id) -> ApiResult<()> {
        if self.active_threads(guild).count() >= self.config.active_threads_max {
            return Err(ApiError::too_many_active_threads());
        }
        Ok(())
    }

    pub(crate) fn active_threads(&self, guild: Id) -> impl Iterator<Item = &Channel> {
        self.channels.values().filter(move |channel| {
            channel.guild_id == guild
                && channel
                    .thread
                    .as_ref()
                    .is_some_and(|thread| !thread.archived)
        })
    }

    /// Keeps count of a message that was just put into a thread: it wakes the thread, and its author joins.
    pub(crate) fn count_in_thread(&mut self, message: &Message) {
        let Some(channel) = self.channels.get_mut(&message.channel_id) else {
            return;
        };
        let Some(thread) = &mut channel.thread else {
            return;
        };
        thread.message_count += 1;
        thread.total_message_sent += 1;
        thread.active_ms = thread.active_ms.max(message.posted_ms);
        thread
            .members
            .entry(message.author.id)
            .or_insert(message.posted_ms);
        thread.set_archived(message.posted_ms, false);
        self.watch_thread(message.channel_id);
    }

    /// Remembers when to look whether a thread has fallen asleep.
    pub(crate) fn watch_thread(&mut self, id: Id) {
        if let Some(thread) = self
            .channels
            .get(&id)
            .and_then(|channel| channel.thread.as_ref())
            && !thread.archived
        {
            self.thread_watch.insert((thread.archives_ms(), id));
        }
    }

    /// Archives the threads in which nothing has happened for their time.
    pub(crate) fn archive_idle_threads(&mut self, now: u64) {
        while let Some(&(at, id)) = self.thread_watch.first()
            && at <= now
        {
            self.thread_watch.pop_first();
            let thread = self
                .channels
                .get_mut(&id)
                .and_then(|channel| channel.thread.as_mut());
            // Activity since then has put a later look on the list.
            if let Some(thread) = thread
                && thread.archives_ms() <= now
            {
                thread.set_archived(at, true);
            }
        }
    }
}
