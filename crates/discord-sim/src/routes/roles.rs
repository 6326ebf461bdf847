//! Roles of a guild and of its members: docs `resources/guild`.

use http::Method;
use serde_json::json;

use super::{Call, Entry, Reply, rule};
use crate::core::Discord;
use crate::core::error::{ApiError, ApiResult, FormErrors};
use crate::core::form::Form;
use crate::core::guild::{ROLES_MAX, Role, permissions};
use crate::core::id::Id;
use crate::core::ratelimit::Rule;
use crate::core::store::need;

const WRITE: Rule = rule("roles/write", 10, 10_000);

pub(super) const ROUTES: &[Entry] = &[
    Entry::new(
        Method::GET,
        "/guilds/{guild_id}/roles",
        list,
        rule("roles", 10, 10_000),
    ),
    Entry::new(Method::POST, "/guilds/{guild_id}/roles", create, WRITE),
    Entry::new(
        Method::GET,
        "/guilds/{guild_id}/roles/{role_id}",
        get,
        rule("role", 10, 10_000),
    ),
    Entry::new(
        Method::PATCH,
        "/guilds/{guild_id}/roles/{role_id}",
        modify,
        WRITE,
    ),
    Entry::new(
        Method::DELETE,
        "/guilds/{guild_id}/roles/{role_id}",
        delete,
        WRITE,
    ),
    Entry::new(
        Method::PUT,
        "/guilds/{guild_id}/members/{user_id}/roles/{role_id}",
        give,
        WRITE,
    ),
    Entry::new(
        Method::DELETE,
        "/guilds/{guild_id}/members/{user_id}/roles/{role_id}",
        take,
        WRITE,
    ),
];

fn list(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let guild = discord.own_guild(call.id("guild_id")?, call.actor)?;
    Reply::ok(guild.roles.values().map(Role::json).collect())
}

fn get(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let guild = discord.own_guild(call.id("guild_id")?, call.actor)?;
    let role = guild
        .roles
        .get(&call.id("role_id")?)
        .ok_or_else(ApiError::unknown_role)?;
    Reply::ok(role.json())
}

/// What a role form asks for.
struct Wanted {
    name: Option<String>,
    permissions: Option<u64>,
    color: Option<i64>,
    hoist: Option<bool>,
    mentionable: Option<bool>,
}

fn read(call: &Call) -> ApiResult<Wanted> {
    let mut errors = FormErrors::default();
    let mut form = Form::new(&call.body.payload, Vec::new(), &mut errors);
    let wanted = Wanted {
        name: form.string("name", 0, 100),
        permissions: form.bits("permissions"),
        color: form.integer("color", 0, 0xff_ffff),
        hoist: form.boolean("hoist"),
        mentionable: form.boolean("mentionable"),
    };
    errors.finish()?;
    Ok(wanted)
}

/// The guild's base permissions of the actor, who must hold MANAGE_ROLES.
fn manager(discord: &Discord, guild: Id, actor: Id) -> ApiResult<u64> {
    let bits = discord
        .own_guild(guild, actor)?
        .base_permissions(actor)
        .unwrap_or(0);
    need(bits, permissions::MANAGE_ROLES)?;
    Ok(bits)
}

/// A role below the actor's highest; only those can be changed, given or taken.
fn lower_role(discord: &mut Discord, guild: Id, role: Id, actor: Id) -> ApiResult<&mut Role> {
    let guild = discord
        .guilds
        .get_mut(&guild)
        .ok_or_else(ApiError::unknown_guild)?;
    let rank = guild.rank(actor);
    let role = guild
        .roles
        .get_mut(&role)
        .ok_or_else(ApiError::unknown_role)?;
    if role.position < rank {
        Ok(role)
    } else {
        Err(ApiError::missing_permissions())
    }
}

fn create(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let guild_id = call.id("guild_id")?;
    let held = manager(discord, guild_id, call.actor)?;
    let wanted = read(call)?;
    let id = discord.ids.next(call.now);
    let guild = discord
        .guilds
        .get_mut(&guild_id)
        .ok_or_else(ApiError::unknown_guild)?;
    if guild.roles.len() >= ROLES_MAX {
        return Err(ApiError::too_many_roles());
    }
    let everyone = guild
        .roles
        .get(&guild_id)
        .map_or(0, |role| role.permissions);
    let bits = wanted
        .permissions
        .map_or(everyone, |bits| bits & permissions::ALL);
    need(held, bits & !everyone)?;
    let role = Role {
        id,
        name: wanted.name.unwrap_or_else(|| "new role".to_owned()),
        permissions: bits,
        position: 1,
        color: wanted.color.unwrap_or(0),
        hoist: wanted.hoist.unwrap_or(false),
        mentionable: wanted.mentionable.unwrap_or(false),
        bot_id: None,
    };
    let body = role.json();
    guild.roles.insert(id, role);
    Reply::ok(body)
}

fn modify(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let guild_id = call.id("guild_id")?;
    let held = manager(discord, guild_id, call.actor)?;
    let wanted = read(call)?;
    let role = lower_role(discord, guild_id, call.id("role_id")?, call.actor)?;
    if let Some(bits) = wanted.permissions {
        let bits = bits & permissions::ALL;
        need(held, bits & !role.permissions)?;
        role.permissions = bits;
    }
    if let Some(name) = wanted.name {
        role.name = name;
    }
    role.color = wanted.color.unwrap_or(role.color);
    role.hoist = wanted.hoist.unwrap_or(role.hoist);
    role.mentionable = wanted.mentionable.unwrap_or(role.mentionable);
    Reply::ok(json!(role.json()))
}

fn delete(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let guild_id = call.id("guild_id")?;
    manager(discord, guild_id, call.actor)?;
    let role = lower_role(discord, guild_id, call.id("role_id")?, call.actor)?;
    if role.bot_id.is_some() || role.id == guild_id {
        return Err(ApiError::managed_role());
    }
    let id = role.id;
    if let Some(guild) = discord.guilds.get_mut(&guild_id) {
        guild.roles.remove(&id);
        for member in guild.members.values_mut() {
            member.roles.retain(|role| *role != id);
        }
    }
    for channel in discord
        .channels
        .values_mut()
        .filter(|channel| channel.guild_id == guild_id)
    {
        channel.overwrites.remove(&id);
    }
    Reply::no_content()
}

fn give(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    change(discord, call, |roles, id| {
        if !roles.contains(&id) {
            roles.push(id);
        }
    })
}

fn take(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    change(discord, call, |roles, id| roles.retain(|role| *role != id))
}

fn change(discord: &mut Discord, call: &Call, how: fn(&mut Vec<Id>, Id)) -> ApiResult<Reply> {
    let guild_id = call.id("guild_id")?;
    manager(discord, guild_id, call.actor)?;
    let role = lower_role(discord, guild_id, call.id("role_id")?, call.actor)?;
    if role.bot_id.is_some() || role.id == guild_id {
        return Err(ApiError::managed_role());
    }
    let role = role.id;
    let guild = discord
        .guilds
        .get_mut(&guild_id)
        .ok_or_else(ApiError::unknown_guild)?;
    let member = guild
        .members
        .get_mut(&call.id("user_id")?)
        .ok_or_else(ApiError::unknown_member)?;
    how(&mut member.roles, role);
    Reply::no_content()
}
