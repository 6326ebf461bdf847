//! `/users`: docs `resources/user`.

use http::Method;
use serde_json::json;

use super::{Call, Entry, Reply, rule};
use crate::core::Discord;
use crate::core::error::{ApiError, ApiResult};

pub(super) const ROUTES: &[Entry] = &[
    Entry::new(
        Method::GET,
        "/users/@me/guilds",
        guilds,
        rule("users/me/guilds", 5, 5_000),
    ),
    Entry::new(
        Method::GET,
        "/users/@me",
        current,
        rule("users/me", 10, 10_000),
    ),
    Entry::new(
        Method::GET,
        "/users/{user_id}",
        get,
        rule("users", 30, 30_000),
    ),
];

fn current(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let user = discord
        .users
        .get(&call.actor)
        .ok_or_else(ApiError::unknown_user)?;
    let mut body = user.json();
    body["mfa_enabled"] = json!(false);
    body["locale"] = json!("en-US");
    body["premium_type"] = json!(0);
    body["verified"] = json!(true);
    body["email"] = json!(null);
    Reply::ok(body)
}

/// The guilds that the actor is in, in the order of their ids.
fn guilds(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let limit = call.query_int("limit", 1, 200)?.unwrap_or(200);
    let (before, after) = (call.query_id("before")?, call.query_id("after")?);
    let with_counts = call.query_flag("with_counts")?;
    let mine = discord.guilds.values().filter_map(|guild| {
        let bits = guild.base_permissions(call.actor)?;
        let inside = before.is_none_or(|before| guild.id < before)
            && after.is_none_or(|after| guild.id > after);
        inside.then(|| guild.summary(call.actor, bits, with_counts))
    });
    let page: Vec<_> = match before {
        // The page ends just before the id, so it is counted from there.
        Some(_) => {
            let all: Vec<_> = mine.collect();
            all[all.len().saturating_sub(limit)..].to_vec()
        }
        None => mine.take(limit).collect(),
    };
    Reply::ok(json!(page))
}

fn get(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let user = discord
        .users
        .get(&call.id("user_id")?)
        .ok_or_else(ApiError::unknown_user)?;
    Reply::ok(user.json())
}
