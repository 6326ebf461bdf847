//! `/webhooks/{application}/{token}`: answers to interactions after the first.
//!
//! Docs `interactions/receiving-and-responding`, "Followup Messages". Webhooks of channels are not simulated.

use http::Method;

use super::{Call, Entry, Reply, rule};
use crate::core::Discord;
use crate::core::error::ApiResult;
use crate::core::id::Id;
use crate::core::interactions::webhook::Which;
use crate::core::ratelimit::Rule;

const EXECUTE: Rule = rule("webhooks/execute", 5, 2_000);
const MESSAGES: Rule = rule("webhooks/messages", 5, 2_000);

const WEBHOOK: &str = "/webhooks/{webhook_id}/{webhook_token}";
const ORIGINAL: &str = "/webhooks/{webhook_id}/{webhook_token}/messages/@original";
const FOLLOWUP: &str = "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}";

pub(super) const ROUTES: &[Entry] = &[
    Entry::interaction(Method::POST, WEBHOOK, follow_up, EXECUTE),
    Entry::interaction(Method::GET, ORIGINAL, get, MESSAGES),
    Entry::interaction(Method::PATCH, ORIGINAL, edit, MESSAGES),
    Entry::interaction(Method::DELETE, ORIGINAL, delete, MESSAGES),
    Entry::interaction(Method::GET, FOLLOWUP, get, MESSAGES),
    Entry::interaction(Method::PATCH, FOLLOWUP, edit, MESSAGES),
    Entry::interaction(Method::DELETE, FOLLOWUP, delete, MESSAGES),
];

fn target(call: &Call) -> ApiResult<(Id, &str, Which)> {
    let which = match call.text("message_id") {
        "" => Which::Original,
        _ => Which::Followup(call.id("message_id")?),
    };
    Ok((call.id("webhook_id")?, call.text("webhook_token"), which))
}

fn follow_up(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let (application, token, _) = target(call)?;
    Reply::ok(discord.follow_up(call.now, application, token, &call.body)?)
}

fn get(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let (application, token, which) = target(call)?;
    Reply::ok(discord.get_answer(call.now, application, token, which)?)
}

fn edit(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let (application, token, which) = target(call)?;
    Reply::ok(discord.edit_answer(call.now, application, token, which, &call.body)?)
}

fn delete(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let (application, token, which) = target(call)?;
    discord.delete_answer(call.now, application, token, which)?;
    Reply::no_content()
}
