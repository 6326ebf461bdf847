//! `/applications`: docs `resources/application`. Its commands are in `commands`.

use http::Method;
use serde_json::json;

use super::{Call, Entry, Reply, rule};
use crate::core::Discord;
use crate::core::error::{ApiError, ApiResult};

/// GATEWAY_MESSAGE_CONTENT_LIMITED: the intent as an application in few servers has it, without review.
const MESSAGE_CONTENT_LIMITED: u64 = 1 << 19;

pub(super) const ROUTES: &[Entry] = &[Entry::new(
    Method::GET,
    "/applications/@me",
    current,
    rule("applications/me", 10, 10_000),
)];

fn current(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let application = &discord.application;
    if call.actor != application.bot_user_id {
        return Err(ApiError::unauthorized());
    }
    let bot = discord
        .users
        .get(&application.bot_user_id)
        .ok_or_else(ApiError::unknown_user)?;
    let owner = crate::core::guild::User {
        id: crate::core::id::Id(application.id.0 - 4_194_304),
        name: "developer".to_owned(),
        bot: false,
    };
    let flags = if discord.config.message_content_intent {
        MESSAGE_CONTENT_LIMITED
    } else {
        0
    };
    Reply::ok(json!({
        "id": application.id,
        "name": "dbcord",
        "icon": null,
        "description": "",
        "type": null,
        "bot": bot.json(),
        "bot_public": true,
        "bot_require_code_grant": false,
        "verify_key": application.public_key,
        "flags": flags,
        "flags_new": flags.to_string(),
        "max_participants": null,
        "redirect_uris": [],
        "interactions_endpoint_url": discord.interactions_endpoint,
        "role_connections_verification_url": null,
        "owner": owner.json(),
        "approximate_guild_count": discord.guilds.len(),
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0,
        "team": null,
        "eligible_oauth2_scopes": [],
        "integration_types_config": {"0": {}},
    }))
}
