//! Guilds, roles, members and users.

pub(crate) mod channel;
pub mod permissions;
pub(crate) mod thread;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use self::channel::Channel;
use self::permissions::Adjustment;
use super::id::Id;
use super::time::iso8601;

/// Channels of all types in a guild, threads apart.
pub(crate) const CHANNELS_MAX: usize = 500;
/// Channels in a category.
pub(crate) const CATEGORY_CHANNELS_MAX: usize = 50;
/// Roles in a guild, `@everyone` included.
pub(crate) const ROLES_MAX: usize = 250;

#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) bot: bool,
}

impl User {
    /// A `UserResponse`.
    pub(crate) fn json(&self) -> Value {
        let mut user = json!({
            "id": self.id,
            "username": self.name,
            "avatar": null,
            "discriminator": if self.bot { "4242" } else { "0" },
            "public_flags": 0,
            "flags": 0,
            "banner": null,
            "accent_color": null,
            "global_name": if self.bot { Value::Null } else { json!(self.name) },
            "avatar_decoration_data": null,
            "collectibles": null,
            "primary_guild": null,
        });
        if self.bot {
            user["bot"] = json!(true);
        }
        user
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) permissions: u64,
    pub(crate) position: i64,
    pub(crate) color: i64,
    pub(crate) hoist: bool,
    pub(crate) mentionable: bool,
    /// The bot whose role this is; nobody can give, take or delete it.
    pub(crate) bot_id: Option<Id>,
}

impl Role {
    pub(crate) fn json(&self) -> Value {
        let mut role = json!({
            "id": self.id,
            "name": self.name,
            "description": null,
            "permissions": self.permissions.to_string(),
            "position": self.position,
            "color": self.color,
            "colors": {"primary_color": self.color, "secondary_color": null, "tertiary_color": null},
            "hoist": self.hoist,
            "managed": self.bot_id.is_some(),
            "mentionable": self.mentionable,
            "icon": null,
            "unicode_emoji": null,
            "flags": 0,
        });
        if let Some(bot) = self.bot_id {
            role["tags"] = json!({"bot_id": bot});
        }
        role
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) roles: Vec<Id>,
    pub(crate) joined_ms: u64,
}

impl Member {
    /// A `GuildMemberResponse`.
    pub(crate) fn json(&self, user: &User) -> Value {
        json!({
            "avatar": null,
            "banner": null,
            "communication_disabled_until": null,
            "flags": 0,
            "joined_at": iso8601(self.joined_ms),
            "nick": null,
            "pending": false,
            "premium_since": null,
            "roles": self.roles,
            "user": user.json(),
            "mute": false,
            "deaf": false,
        })
    }
}

/// A guild without its channels, which stand beside the guilds so that a channel id finds them directly.
#[derive(Clone, Debug)]
pub(crate) struct GuildState {
    pub(crate) id: Id,
    pub(crate) name: String,
    pub(crate) owner_id: Id,
    pub(crate) roles: BTreeMap<Id, Role>,
    pub(crate) members: BTreeMap<Id, Member>,
    /// Whether the bot's invitation included `applications.commands`.
    pub(crate) commands_scope: bool,
    /// Whether it has the feature `NEWS`.
    pub(crate) news: bool,
}

impl GuildState {
    /// A member's permissions in the whole guild; `None` for strangers.
    pub(crate) fn base_permissions(&self, user: Id) -> Option<u64> {
        let member = self.members.get(&user)?;
        let role_bits = |id: &Id| self.roles.get(id).map_or(0, |role| role.permissions);
        Some(permissions::base(
            user == self.owner_id,
            role_bits(&self.id),
            member.roles.iter().map(role_bits),
        ))
    }

    /// A member's permissions in a channel, or in a thread of this channel, implicit losses included; nothing for
    /// strangers.
    ///
    /// SEND_MESSAGES "has no effect in threads" (docs `topics/threads`, "Permissions"): there it stands for
    /// SEND_MESSAGES_IN_THREADS.
    pub(crate) fn permissions_in(&self, channel: &Channel, user: Id, in_thread: bool) -> u64 {
        let (Some(base), Some(member)) = (self.base_permissions(user), self.members.get(&user))
        else {
            return 0;
        };
        let adjustment = |id: Id| {
            channel.overwrites.get(&id).map(|overwrite| Adjustment {
                allow: overwrite.allow,
                deny: overwrite.deny,
            })
        };
        let roles = member.roles.iter().filter_map(|role| adjustment(*role));
        let mut bits = permissions::in_channel(base, adjustment(self.id), roles, adjustment(user));
        if in_thread {
            bits &= !permissions::SEND_MESSAGES;
            if bits & permissions::SEND_MESSAGES_IN_THREADS != 0 {
                bits |= permissions::SEND_MESSAGES;
            }
        }
        permissions::implicit(bits)
    }

    /// The highest position among a member's roles; the owner is above all.
    pub(crate) fn rank(&self, user: Id) -> i64 {
        if user == self.owner_id {
            return i64::MAX;
        }
        let Some(member) = self.members.get(&user) else {
            return -1;
        };
        member
            .roles
            .iter()
            .filter_map(|id| self.roles.get(id))
            .map(|role| role.position)
            .max()
            .unwrap_or(0)
    }

    /// A `MyGuildResponse`.
    pub(crate) fn summary(&self, user: Id, permissions: u64, with_counts: bool) -> Value {
        let mut guild = json!({
            "id": self.id,
            "name": self.name,
            "icon": null,
            "banner": null,
            "owner": user == self.owner_id,
            "permissions": permissions.to_string(),
            "features": self.features(),
        });
        if with_counts {
            self.put_counts(&mut guild);
        }
        guild
    }

    fn features(&self) -> &'static [&'static str] {
        if self.news { &["NEWS"] } else { &[] }
    }

    fn put_counts(&self, guild: &mut Value) {
        guild["approximate_member_count"] = json!(self.members.len());
        guild["approximate_presence_count"] = json!(1);
    }

    /// A `GuildWithCountsResponse`, the counts left out unless asked for.
    pub(crate) fn json(&self, with_counts: bool) -> Value {
        let mut guild = json!({
            "id": self.id,
            "name": self.name,
            "icon": null,
            "description": null,
            "home_header": null,
            "splash": null,
            "discovery_splash": null,
            "features": self.features(),
            "banner": null,
            "owner_id": self.owner_id,
            "application_id": null,
            "region": "us-east",
            "afk_channel_id": null,
            "afk_timeout": 300,
            "system_channel_id": null,
            "system_channel_flags": 0,
            "widget_enabled": false,
            "widget_channel_id": null,
            "verification_level": 0,
            "roles": self.roles.values().map(Role::json).collect::<Vec<_>>(),
            "default_message_notifications": 0,
            "mfa_level": 0,
            "explicit_content_filter": 0,
            "max_presences": null,
            "max_members": 500_000,
            "max_stage_video_channel_users": 50,
            "max_video_channel_users": 25,
            "vanity_url_code": null,
            "premium_tier": 0,
            "premium_subscription_count": 0,
            "preferred_locale": "en-US",
            "rules_channel_id": null,
            "safety_alerts_channel_id": null,
            "public_updates_channel_id": null,
            "premium_progress_bar_enabled": false,
            "nsfw": false,
            "nsfw_level": 0,
            "emojis": [],
            "stickers": [],
            "incidents_data": null,
        });
        if with_counts {
            self.put_counts(&mut guild);
        }
        guild
    }
}
