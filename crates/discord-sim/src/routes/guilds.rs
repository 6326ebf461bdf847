//! `/guilds`: docs `resources/guild`. Channels and roles of a guild are in `channels` and `roles`.

use http::Method;

use super::{Call, Entry, Reply, rule};
use crate::core::Discord;
use crate::core::error::{ApiError, ApiResult};
use crate::core::guild::permissions;
use crate::core::store::need;

pub(super) const ROUTES: &[Entry] = &[
    Entry::new(
        Method::GET,
        "/guilds/{guild_id}",
        get,
        rule("guilds", 10, 10_000),
    ),
    Entry::new(
        Method::GET,
        "/guilds/{guild_id}/members/{user_id}",
        member,
        rule("members", 5, 1_000),
    ),
    Entry::new(
        Method::GET,
        "/guilds/{guild_id}/members",
        members,
        rule("members/list", 10, 10_000),
    ),
    Entry::new(
        Method::DELETE,
        "/guilds/{guild_id}/members/{user_id}",
        kick,
        rule("members/kick", 5, 1_000),
    ),
    Entry::new(
        Method::DELETE,
        "/users/@me/guilds/{guild_id}",
        leave,
        rule("users/me/guilds/leave", 5, 5_000),
    ),
];

fn get(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let guild = discord.own_guild(call.id("guild_id")?, call.actor)?;
    Reply::ok(guild.json(call.query_flag("with_counts")?))
}

fn member(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let guild = discord.own_guild(call.id("guild_id")?, call.actor)?;
    let user = discord
        .users
        .get(&call.id("user_id")?)
        .ok_or_else(ApiError::unknown_user)?;
    let member = guild
        .members
        .get(&user.id)
        .ok_or_else(ApiError::unknown_member)?;
    Reply::ok(member.json(user))
}

/// Refused for want of the privileged GUILD_MEMBERS intent (docs, "List Guild Members").
fn members(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    discord.own_guild(call.id("guild_id")?, call.actor)?;
    Err(ApiError::missing_access())
}

fn kick(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let guild = discord.own_guild(call.id("guild_id")?, call.actor)?;
    let user = call.id("user_id")?;
    need(
        guild.base_permissions(call.actor).unwrap_or(0),
        permissions::KICK_MEMBERS,
    )?;
    if !guild.members.contains_key(&user) {
        return Err(ApiError::unknown_member());
    }
    if guild.rank(call.actor) <= guild.rank(user) {
        return Err(ApiError::missing_permissions());
    }
    let guild = guild.id;
    discord.remove_member(guild, user);
    Reply::no_content()
}

fn leave(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let guild = discord.own_guild(call.id("guild_id")?, call.actor)?;
    if guild.owner_id == call.actor {
        return Err(ApiError::owner_cannot_leave());
    }
    let guild = guild.id;
    discord.remove_member(guild, call.actor);
    Reply::no_content()
}
