//! Finding things, and whether the one who asks may.

use super::Discord;
use super::error::{ApiError, ApiResult};
use super::guild::channel::{Channel, ChannelKind};
use super::guild::{GuildState, permissions};
use super::id::Id;
use super::message::Message;

impl Discord {
    pub(crate) fn guild(&self, id: Id) -> ApiResult<&GuildState> {
        self.guilds.get(&id).ok_or_else(ApiError::unknown_guild)
    }

    /// A guild that `actor` is in. To strangers it is as if it did not exist.
    pub(crate) fn own_guild(&self, id: Id, actor: Id) -> ApiResult<&GuildState> {
        let guild = self.guild(id)?;
        if guild.members.contains_key(&actor) {
            Ok(guild)
        } else {
            Err(ApiError::unknown_guild())
        }
    }

    pub(crate) fn channel(&self, id: Id) -> ApiResult<&Channel> {
        self.channels.get(&id).ok_or_else(ApiError::unknown_channel)
    }

    pub(crate) fn channel_mut(&mut self, id: Id) -> ApiResult<&mut Channel> {
        self.channels
            .get_mut(&id)
            .ok_or_else(ApiError::unknown_channel)
    }

    /// A user's permissions in a channel. A thread has those of the channel that it is in.
    pub(crate) fn permissions_in(&self, channel: &Channel, user: Id) -> u64 {
        let in_thread = channel.thread.is_some();
        let place = match channel.parent_id {
            Some(parent) if in_thread => self.channels.get(&parent),
            _ => Some(channel),
        };
        self.guilds
            .get(&channel.guild_id)
            .zip(place)
            .map_or(0, |(guild, place)| {
                guild.permissions_in(place, user, in_thread)
            })
    }

    /// A channel that `actor` may see, and what else they may do there: 50001 without VIEW_CHANNEL.
    pub(crate) fn visible_channel(&self, id: Id, actor: Id) -> ApiResult<(&Channel, u64)> {
        let channel = self.channel(id)?;
        let bits = self.permissions_in(channel, actor);
        // A category shows when one of its channels does (docs `resources/channel`, "Obfuscated Channels").
        let shows = |channel: &Channel| {
            self.permissions_in(channel, actor) & permissions::VIEW_CHANNEL != 0
        };
        let through_child = || {
            channel.kind == ChannelKind::Category
                && self
                    .channels
                    .values()
                    .any(|child| child.parent_id == Some(channel.id) && shows(child))
        };
        if bits & permissions::VIEW_CHANNEL == 0 && !through_child() {
            return Err(ApiError::missing_access());
        }
        Ok((channel, bits))
    }

    /// A text channel or thread in which `actor` holds all of `needed`.
    pub(crate) fn text_channel(
        &self,
        id: Id,
        actor: Id,
        needed: u64,
    ) -> ApiResult<(&Channel, u64)> {
        let (channel, bits) = self.visible_channel(id, actor)?;
        if !channel.is_textual() {
            return Err(ApiError::not_a_text_channel());
        }
        need(bits, needed)?;
        Ok((channel, bits))
    }

    pub(crate) fn message(&self, channel: Id, id: Id) -> ApiResult<&Message> {
        self.channel(channel)?
            .messages
            .get(&id)
            .ok_or_else(ApiError::unknown_message)
    }

    /// Takes a message and its files out of its channel.
    pub(crate) fn remove_message(&mut self, channel_id: Id, id: Id) -> Option<Message> {
        let channel = self.channels.get_mut(&channel_id)?;
        let message = channel.messages.remove(&id)?;
        let place = (channel.guild_id, channel_id, id);
        self.index.note_gone(self.latest_ms, place, &message);
        let before = Some(message.clone());
        self.journal.note(self.latest_ms, channel_id, id, before);
        if let Some(thread) = &mut channel.thread {
            thread.message_count = thread.message_count.saturating_sub(1);
        }
        for attachment in &message.attachments {
            self.files.remove(&attachment.id);
        }
        Some(message)
    }

    /// Takes a channel out with all that is in it, its threads too. Channels of a category stay, without it.
    pub(crate) fn remove_channel(&mut self, id: Id) -> Option<Channel> {
        let channel = self.channels.remove(&id)?;
        self.index.note_channel_gone(id);
        let threads = self.threads_of(id).map(|thread| thread.id);
        for thread in threads.collect::<Vec<_>>() {
            self.remove_channel(thread);
        }
        for attachment in channel
            .messages
            .values()
            .flat_map(|message| &message.attachments)
        {
            self.files.remove(&attachment.id);
        }
        if channel.kind == ChannelKind::Category {
            for child in self
                .channels
                .values_mut()
                .filter(|child| child.parent_id == Some(id))
            {
                child.parent_id = None;
            }
        }
        Some(channel)
    }

    /// Takes a member out of a guild. A bot takes its managed role and its commands there along.
    pub(crate) fn remove_member(&mut self, guild_id: Id, user: Id) {
        let Some(guild) = self.guilds.get_mut(&guild_id) else {
            return;
        };
        guild.members.remove(&user);
        guild.roles.retain(|_, role| role.bot_id != Some(user));
        if user == self.application.bot_user_id {
            guild.commands_scope = false;
            self.commands.forget(Some(guild_id));
        }
    }

    /// The threads in a channel, oldest first.
    pub(crate) fn threads_of(&self, channel: Id) -> impl Iterator<Item = &Channel> {
        self.channels
            .values()
            .filter(move |other| other.thread.is_some() && other.parent_id == Some(channel))
    }

    /// The channels of a guild, threads apart, in the order in which they are shown.
    pub(crate) fn guild_channels(&self, guild: Id) -> Vec<&Channel> {
        let mut channels: Vec<&Channel> = self
            .channels
            .values()
            .filter(|c| c.guild_id == guild && c.thread.is_none())
            .collect();
        channels.sort_by_key(|channel| (channel.position, channel.id));
        channels
    }
}

/// 50013 unless `bits` hold all of `needed`.
pub(crate) fn need(bits: u64, needed: u64) -> ApiResult<()> {
    if bits & needed == needed {
        Ok(())
    } else {
        Err(ApiError::missing_permissions())
    }
}
