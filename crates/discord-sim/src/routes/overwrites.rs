//! Permission overwrites: reading them from requests, and `/channels/{id}/permissions`.
//!
//! Docs `resources/channel`, "Edit Channel Permissions", and `resources/guild`, "Create Guild Channel".

use std::collections::BTreeMap;

use http::Method;
use serde_json::Value;

use super::{Call, Entry, Reply, rule};
use crate::core::Discord;
use crate::core::error::{ApiError, ApiResult, FormErrors};
use crate::core::form::Form;
use crate::core::guild::channel::{Channel, Overwrite, OverwriteKind};
use crate::core::guild::{GuildState, permissions};
use crate::core::id::Id;
use crate::core::ratelimit::Rule;
use crate::core::store::need;

/// Overwrites in one request.
const OVERWRITES_MAX: usize = 100;
const RULE: Rule = rule("channels/permissions", 10, 15_000);

pub(super) const ROUTES: &[Entry] = &[
    Entry::new(
        Method::PUT,
        "/channels/{channel_id}/permissions/{overwrite_id}",
        put,
        RULE,
    ),
    Entry::new(
        Method::DELETE,
        "/channels/{channel_id}/permissions/{overwrite_id}",
        delete,
        RULE,
    ),
];

fn put(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let (channel, bits) = discord.visible_channel(call.id("channel_id")?, call.actor)?;
    need(bits, permissions::MANAGE_ROLES)?;
    not_a_thread(channel)?;
    let (channel, guild) = (channel.id, discord.guild(channel.guild_id)?);
    let mut errors = FormErrors::default();
    let form = Form::new(&call.body.payload, Vec::new(), &mut errors);
    let overwrite = read_one(form, Some(call.id("overwrite_id")?), guild);
    errors.finish()?;
    let Some(overwrite) = overwrite else {
        return Err(ApiError::unknown_overwrite());
    };
    let base = guild.base_permissions(call.actor).unwrap_or(0);
    check(grantable(discord, channel, call.actor)?, base, [&overwrite])?;
    discord
        .channel_mut(channel)?
        .overwrites
        .insert(overwrite.id, overwrite);
    Reply::no_content()
}

fn delete(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let (channel, bits) = discord.visible_channel(call.id("channel_id")?, call.actor)?;
    need(bits, permissions::MANAGE_ROLES)?;
    not_a_thread(channel)?;
    let channel = channel.id;
    let id = call.id("overwrite_id")?;
    discord
        .channel_mut(channel)?
        .overwrites
        .remove(&id)
        .ok_or_else(ApiError::unknown_overwrite)?;
    Reply::no_content()
}

/// Threads have their channel's overwrites and none of their own.
fn not_a_thread(channel: &Channel) -> ApiResult<()> {
    if channel.thread.is_some() {
        return Err(ApiError::wrong_channel_type());
    }
    Ok(())
}

/// Reads `permission_overwrites`, if sent.
pub(super) fn read(form: &mut Form<'_>, guild: &GuildState) -> Option<BTreeMap<Id, Overwrite>> {
    let items: &[Value] = form.list("permission_overwrites", OVERWRITES_MAX)?;
    let mut overwrites = BTreeMap::new();
    for (n, item) in items.iter().enumerate() {
        if let Some(overwrite) = read_one(form.item("permission_overwrites", n, item), None, guild)
        {
            overwrites.insert(overwrite.id, overwrite);
        }
    }
    Some(overwrites)
}

/// Reads one overwrite; its id stands in the path or in the form.
fn read_one(mut form: Form<'_>, id: Option<Id>, guild: &GuildState) -> Option<Overwrite> {
    let id = match id {
        Some(id) => id,
        None => {
            form.require("id");
            form.snowflake("id")?
        }
    };
    form.require("type");
    let kind = match form.choice("type", &[0, 1])? {
        0 => OverwriteKind::Role,
        _ => OverwriteKind::Member,
    };
    let known = match kind {
        OverwriteKind::Role => guild.roles.contains_key(&id),
        OverwriteKind::Member => guild.members.contains_key(&id),
    };
    if !known {
        form.fail(
            "id",
            "CHANNEL_OVERWRITE_INVALID",
            "Invalid permission overwrite target",
        );
    }
    let allow = form.bits("allow").unwrap_or(0) & permissions::ALL;
    let deny = form.bits("deny").unwrap_or(0) & permissions::ALL;
    Some(Overwrite {
        id,
        kind,
        allow,
        deny,
    })
}

/// The bits that `actor` may allow or deny in a channel that exists: those held in the guild or the parent category, or
/// any at all with an overwrite of their own that allows MANAGE_ROLES there (docs `resources/channel`, "Edit Channel
/// Permissions").
pub(super) fn grantable(discord: &Discord, channel: Id, actor: Id) -> ApiResult<u64> {
    let channel = discord.channel(channel)?;
    let guild = discord.guild(channel.guild_id)?;
    let base = guild.base_permissions(actor).unwrap_or(0);
    let parent = channel.parent_id.and_then(|id| discord.channels.get(&id));
    let in_parent = parent.map_or(0, |parent| guild.permissions_in(parent, actor, false));
    let own = channel.overwrites.get(&actor).map_or(0, |own| own.allow);
    Ok(if own & permissions::MANAGE_ROLES != 0 {
        permissions::ALL
    } else {
        base | in_parent
    })
}

/// Only bits that the actor holds can be allowed or denied, and MANAGE_ROLES in a channel only by administrators
/// (docs `resources/guild`, "Create Guild Channel", footnote on `permission_overwrites`).
pub(super) fn check<'a>(
    may: u64,
    base: u64,
    overwrites: impl IntoIterator<Item = &'a Overwrite>,
) -> ApiResult<()> {
    for overwrite in overwrites {
        let touched = overwrite.allow | overwrite.deny;
        need(may, touched)?;
        if touched & permissions::MANAGE_ROLES != 0 {
            need(base, permissions::ADMINISTRATOR)?;
        }
    }
    Ok(())
}
