//! The JSON that Discord sends to an interactions endpoint.
//!
//! Docs `interactions/receiving-and-responding`, "Interaction Structure".

use serde_json::{Value, json};

use crate::core::Discord;
use crate::core::guild::User;
use crate::core::id::Id;

pub(super) struct Source<'a> {
    pub(super) id: Id,
    pub(super) token: &'a str,
    pub(super) guild_id: Id,
    pub(super) channel_id: Id,
    pub(super) user: &'a User,
    /// 2 for a command, 4 for autocomplete.
    pub(super) kind: u8,
    pub(super) data: Value,
}

/// A command or autocomplete interaction from a guild.
pub(super) fn build(discord: &Discord, source: &Source<'_>) -> Value {
    let guild = discord.guilds.get(&source.guild_id);
    let channel = discord.channels.get(&source.channel_id);
    let bits = |user: Id| channel.map_or(0, |channel| discord.permissions_in(channel, user));
    let user_bits = bits(source.user.id);
    let mut member = guild
        .and_then(|g| g.members.get(&source.user.id))
        .map_or(json!({}), |m| m.json(source.user));
    member["permissions"] = json!(user_bits.to_string());
    json!({
        "id": source.id,
        "application_id": discord.application.id,
        "type": source.kind,
        "data": source.data,
        "guild": {"id": source.guild_id, "features": [], "locale": "en-US"},
        "guild_id": source.guild_id,
        "channel": channel.map(|channel| channel.interaction_json(source.user.id, user_bits)),
        "channel_id": source.channel_id,
        "member": member,
        "token": source.token,
        "version": 1,
        "app_permissions": bits(discord.application.bot_user_id).to_string(),
        "locale": "en-US",
        "guild_locale": "en-US",
        "entitlements": [],
        "entitlement_sku_ids": [],
        "authorizing_integration_owners": {"0": source.guild_id},
        "context": 0,
        "attachment_size_limit": discord.config.attachment_bytes_max,
    })
}

/// A PING. It comes from a person's DM with the application, as far as it comes from anywhere.
pub(super) fn ping(discord: &Discord, id: Id, token: &str) -> Value {
    let user = User {
        id: Id(discord.application.id.0 - 4_194_304),
        name: "developer".to_owned(),
        bot: false,
    };
    json!({
        "id": id,
        "application_id": discord.application.id,
        "type": 1,
        "token": token,
        "version": 1,
        "user": user.json(),
        "app_permissions": "0",
        "entitlements": [],
        "authorizing_integration_owners": {},
        "attachment_size_limit": discord.config.attachment_bytes_max,
    })
}
