//! `/channels/{id}/messages/pins`: docs `resources/message`, "Get Channel Pins" and those after it.

use http::Method;
use serde_json::{Value, json};

use super::{Call, Entry, Reply, rule};
use crate::core::Discord;
use crate::core::error::{ApiError, ApiResult};
use crate::core::guild::permissions;
use crate::core::guild::thread::Touch;
use crate::core::message::{Kind, Message, Reference};
use crate::core::ratelimit::Rule;
use crate::core::time::iso8601;

/// Pins in a channel.
const PINS_MAX: usize = 250;
const LIST_MAX: i64 = 50;
const LIST_DEFAULT: usize = 50;
const PIN: Rule = rule("messages/pins/change", 5, 5_000);
const MESSAGE: &str = "/channels/{channel_id}/messages/pins/{message_id}";

pub(super) const ROUTES: &[Entry] = &[
    Entry::new(
        Method::GET,
        "/channels/{channel_id}/messages/pins",
        list,
        rule("messages/pins", 5, 1_000),
    ),
    Entry::new(Method::PUT, MESSAGE, pin, PIN),
    Entry::new(Method::DELETE, MESSAGE, unpin, PIN),
];

/// Latest pin first. Without READ_MESSAGE_HISTORY the list is empty.
fn list(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let (channel, bits) = discord.text_channel(call.id("channel_id")?, call.actor, 0)?;
    let limit = call
        .query_int("limit", 1, LIST_MAX)?
        .unwrap_or(LIST_DEFAULT);
    let before = call.query_time("before")?.unwrap_or(u64::MAX);
    let may_read = bits & permissions::READ_MESSAGE_HISTORY != 0;
    let mut pins: Vec<(u64, &Message)> = channel
        .messages
        .values()
        .filter_map(|message| Some((message.pinned_ms?, message)))
        .filter(|(at, _)| may_read && *at < before)
        .collect();
    pins.sort_by_key(|(at, message)| std::cmp::Reverse((*at, message.id)));
    let has_more = pins.len() > limit;
    let show = |(at, message): (u64, &Message)| json!({"pinned_at": iso8601(at), "message": discord.show_to(call.actor, call.now, message)});
    let items: Vec<Value> = pins.into_iter().take(limit).map(show).collect();
    Reply::ok(json!({"items": items, "has_more": has_more}))
}

fn pin(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let mut message = target(discord, call)?;
    if message.pinned_ms.is_some() {
        return Reply::no_content();
    }
    if message.kind != Kind::Ordinary {
        return Err(ApiError::system_message());
    }
    let (channel, id) = (message.channel_id, message.id);
    let pins = discord
        .channel(channel)?
        .messages
        .values()
        .filter(|message| message.pinned_ms.is_some());
    if pins.count() >= PINS_MAX {
        return Err(ApiError::too_many_pins(PINS_MAX));
    }
    message.pinned_ms = Some(call.now);
    discord.keep(message);
    let reference = Reference {
        channel,
        message: Some(id),
    };
    discord.note(
        call.now,
        channel,
        call.actor,
        Kind::Pinned,
        "",
        Some(reference),
    );
    Reply::no_content()
}

fn unpin(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let mut message = target(discord, call)?;
    message.pinned_ms = None;
    discord.keep(message);
    Reply::no_content()
}

fn target(discord: &Discord, call: &Call) -> ApiResult<Message> {
    let needed = permissions::PIN_MESSAGES | permissions::READ_MESSAGE_HISTORY;
    let (channel, bits) = discord.text_channel(call.id("channel_id")?, call.actor, needed)?;
    let message = channel
        .messages
        .get(&call.id("message_id")?)
        .ok_or_else(ApiError::unknown_message)?;
    discord.thread_permits(channel, bits, Touch::Change)?;
    Ok(message.clone())
}
