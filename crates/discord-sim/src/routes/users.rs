//! `/users`: docs `resources/user`.

use http::Method;
use serde_json::json;

use super::{Call, Entry, Reply, rule};
use crate::core::Discord;
use crate::core::error::{ApiError, ApiResult};

pub(super) const ROUTES: &[Entry] = &[
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

fn get(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let user = discord
        .users
        .get(&call.id("user_id")?)
        .ok_or_else(ApiError::unknown_user)?;
    Reply::ok(user.json())
}
