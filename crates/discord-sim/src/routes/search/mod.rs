//! `/guilds/{id}/messages/search`: docs `resources/message`, "Search Guild Messages".

mod form;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Call, Entry, Reply, rule};
use crate::core::Discord;
use crate::core::error::{ApiError, ApiResult};
use crate::core::guild::channel::Channel;
use crate::core::guild::permissions::{READ_MESSAGE_HISTORY, VIEW_CHANNEL};
use crate::core::id::Id;
use crate::core::search::Found;
use crate::core::search::filter::Query;
use crate::core::store::need;

pub(super) const ROUTES: &[Entry] = &[Entry::new(
    Method::GET,
    "/guilds/{guild_id}/messages/search",
    search,
    // No figure is published.
    rule("guilds/messages/search", 5, 5_000),
)];

/// Refused without the privileged MESSAGE_CONTENT intent: the endpoint is "restricted according to whether" the application
/// has it. The code is that of the other route that needs an intent. People are answered the same, since no index is kept
/// for them alone.
fn search(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let guild = discord.own_guild(call.id("guild_id")?, call.actor)?.id;
    if !discord.config.message_content_intent {
        return Err(ApiError::missing_access());
    }
    let query = form::read(&call.query)?;
    let readable = readable(discord, call.actor, guild, &query)?;
    match discord.search(call.now, guild, &readable, &query) {
        Found::NotIndexed {
            documents_indexed,
            retry_after_s,
        } => Ok(Reply {
            status: StatusCode::ACCEPTED,
            body: Some(json!({
                "message": "Index not yet available. Try again later",
                "code": 110_000,
                "documents_indexed": documents_indexed,
                "retry_after": retry_after_s,
            })),
        }),
        Found::Page {
            total,
            hits,
            documents_indexed,
        } => {
            // One array for each message: the surroundings that it was made for are no longer returned (docs, footnote).
            let messages: Vec<Value> = hits
                .iter()
                .filter_map(|hit| discord.shown_hit(hit))
                .map(|message| {
                    let mut shown = discord.show_to(call.actor, call.now, message);
                    shown["hit"] = json!(true);
                    json!([shown])
                })
                .collect();
            let mut body = json!({
                "doing_deep_historical_index": documents_indexed.is_some(),
                "total_results": total,
                "messages": messages,
            });
            if let Some(count) = documents_indexed {
                body["documents_indexed"] = json!(count);
            }
            put_threads(
                discord,
                call.actor,
                hits.iter().map(|hit| hit.channel),
                &mut body,
            );
            Reply::ok(body)
        }
    }
}

/// The channels and threads that are to be searched.
///
/// Docs: "requires the `READ_MESSAGE_HISTORY` permission", which nobody has without VIEW_CHANNEL. What is not named is left
/// out without a word. Of what is named the docs do not speak: whatever may not be read is refused, and a channel does not
/// stand for its threads.
fn readable(discord: &Discord, actor: Id, guild: Id, query: &Query) -> ApiResult<Vec<Id>> {
    let needed = VIEW_CHANNEL | READ_MESSAGE_HISTORY;
    for id in &query.channels {
        let (channel, bits) = discord.visible_channel(*id, actor)?;
        if channel.guild_id != guild {
            return Err(ApiError::unknown_channel());
        }
        if !channel.is_textual() {
            return Err(ApiError::wrong_channel_type());
        }
        need(bits, needed)?;
    }
    let may_read = |channel: &Channel| discord.permissions_in(channel, actor) & needed == needed;
    let named = !query.channels.is_empty();
    let all: Vec<&Channel> = if named {
        let named = query.channels.iter();
        named.filter_map(|id| discord.channels.get(id)).collect()
    } else {
        let of_guild = discord.channels.values();
        of_guild
            .filter(|channel| {
                channel.guild_id == guild && channel.is_textual() && may_read(channel)
            })
            .collect()
    };
    if all.is_empty() {
        return Err(ApiError::missing_permissions());
    }
    // Docs: `include_nsfw` is "whether to include results from age-restricted channels (default false)".
    let restricted = |channel: &Channel| {
        let parent = channel.parent_id.filter(|_| channel.thread.is_some());
        let parent = parent.and_then(|id| discord.channels.get(&id));
        channel.nsfw || parent.is_some_and(|parent| parent.nsfw)
    };
    let searched = all
        .into_iter()
        .filter(|channel| query.include_nsfw || !restricted(channel));
    Ok(searched.map(|channel| channel.id).collect())
}

/// Docs: `threads?` are "the threads that contain the returned messages", `members?` "a thread member object for each returned
/// thread the current user has joined".
fn put_threads(discord: &Discord, actor: Id, channels: impl Iterator<Item = Id>, body: &mut Value) {
    let mut ids: Vec<Id> = channels.collect();
    ids.sort_unstable();
    ids.dedup();
    let found = ids.iter().filter_map(|id| discord.channels.get(id));
    let threads: Vec<&Channel> = found.filter(|channel| channel.thread.is_some()).collect();
    if threads.is_empty() {
        return;
    }
    let member = |channel: &&Channel| channel.thread.as_ref()?.member_json(channel.id, actor);
    let members: Vec<Value> = threads.iter().filter_map(member).collect();
    body["threads"] = threads.iter().map(|channel| channel.json(actor)).collect();
    if !members.is_empty() {
        body["members"] = json!(members);
    }
}
