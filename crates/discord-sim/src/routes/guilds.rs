//! `/guilds`: docs `resources/guild`. Channels and roles of a guild are in `channels` and `roles`.

use http::Method;

use super::{Call, Entry, Reply, rule};
use crate::core::Discord;
use crate::core::error::{ApiError, ApiResult};

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
