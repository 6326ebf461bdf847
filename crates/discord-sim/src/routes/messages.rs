//! `/channels/{id}/messages`: docs `resources/message`.

use http::Method;
use serde_json::{Value, json};

use super::{Call, Entry, Matched, Reply, rule};
use crate::core::Discord;
use crate::core::error::{ApiError, ApiResult, FormErrors, form_error};
use crate::core::form::Form;
use crate::core::guild::permissions;
use crate::core::guild::thread::Touch;
use crate::core::id::Id;
use crate::core::message::apply::Authorship;
use crate::core::message::draft::{Draft, Purpose};
use crate::core::message::{Kind, Message, Reference, content, flags};
use crate::core::ratelimit::{Rule, seconds};
use crate::core::store::need;

/// Reported: creating and editing show the same bucket and are counted apart.
const WRITE: Rule = rule("messages/write", 5, 5_000);
/// Reported: deletions of messages older than two weeks are limited far more.
const DELETE_OLD: Rule = rule("messages/delete-old", 30, 120_000);
const OLD_MS: u64 = 14 * 24 * 60 * 60 * 1_000;

/// Edits of messages older than an hour, in a channel; reported, and announced by no header.
const OLD_EDITS_MAX: usize = 3;
const OLD_EDITS_WINDOW_MS: u64 = 6_000;
const OLD_EDIT_AGE_MS: u64 = 60 * 60 * 1_000;

const LIST_MAX: i64 = 100;
const LIST_DEFAULT: usize = 50;

pub(super) const ROUTES: &[Entry] = &[
    Entry::new(
        Method::GET,
        "/channels/{channel_id}/messages",
        list,
        rule("messages/list", 5, 1_000),
    ),
    Entry::new(
        Method::POST,
        "/channels/{channel_id}/messages",
        create,
        WRITE,
    ),
    Entry::new(
        Method::POST,
        "/channels/{channel_id}/messages/bulk-delete",
        bulk_delete,
        rule("messages/bulk-delete", 1, 1_000),
    ),
    Entry::new(
        Method::GET,
        "/channels/{channel_id}/messages/{message_id}",
        get,
        rule("messages/get", 5, 1_000),
    ),
    Entry::new(
        Method::PATCH,
        "/channels/{channel_id}/messages/{message_id}",
        edit,
        WRITE,
    ),
    Entry {
        method: Method::DELETE,
        path: "/channels/{channel_id}/messages/{message_id}",
        handler: delete,
        rule: rule("messages/delete", 3, 1_000),
        rule_for: Some(delete_rule),
        interaction: false,
    },
];

fn delete_rule(_: &Discord, now: u64, matched: &Matched) -> Rule {
    let id = matched
        .param("message_id")
        .parse()
        .unwrap_or(Id(u64::MAX >> 1));
    if now.saturating_sub(id.created_ms()) > OLD_MS {
        DELETE_OLD
    } else {
        matched.entry.rule
    }
}

fn get(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let needed = permissions::READ_MESSAGE_HISTORY;
    let (channel, _) = discord.text_channel(call.id("channel_id")?, call.actor, needed)?;
    let messages = discord.journal.messages(channel, call.bend.as_of);
    let message = messages
        .get(&call.id("message_id")?)
        .ok_or_else(ApiError::unknown_message)?;
    Reply::ok(discord.show_to(call.actor, call.now, message))
}

/// Newest first, whichever way the page was asked for. Without READ_MESSAGE_HISTORY the list is empty (docs, "Get
/// Channel Messages").
fn list(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let (channel, bits) = discord.text_channel(call.id("channel_id")?, call.actor, 0)?;
    let limit = call
        .query_int("limit", 1, LIST_MAX)?
        .unwrap_or(LIST_DEFAULT);
    let (before, after, around) = (
        call.query_id("before")?,
        call.query_id("after")?,
        call.query_id("around")?,
    );
    if [before, after, around].iter().flatten().count() > 1 {
        return Err(form_error(
            &[],
            "MUTUALLY_EXCLUSIVE",
            "Only one of before, after and around may be passed.",
        ));
    }
    if bits & permissions::READ_MESSAGE_HISTORY == 0 {
        return Reply::ok(json!([]));
    }
    let messages = discord.journal.messages(channel, call.bend.as_of);
    let page: Vec<&Message> = if let Some(after) = after {
        let from = (std::ops::Bound::Excluded(after), std::ops::Bound::Unbounded);
        let mut page: Vec<_> = messages
            .range(from)
            .take(limit)
            .map(|(_, message)| message)
            .collect();
        page.reverse();
        page
    } else if let Some(around) = around {
        let older = messages
            .range(..around)
            .rev()
            .take(limit / 2)
            .map(|(_, message)| message);
        let mut page: Vec<_> = older.collect();
        page.reverse();
        let room = limit - page.len();
        page.extend(
            messages
                .range(around..)
                .take(room.min(limit.div_ceil(2)))
                .map(|(_, message)| message),
        );
        page.reverse();
        page
    } else {
        let before = before.unwrap_or(Id(u64::MAX));
        messages
            .range(..before)
            .rev()
            .take(limit)
            .map(|(_, message)| message)
            .collect()
    };
    Reply::ok(
        page.into_iter()
            .map(|message| discord.show_to(call.actor, call.now, message))
            .collect(),
    )
}

fn create(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let channel_id = call.id("channel_id")?;
    let (channel, bits) =
        discord.text_channel(channel_id, call.actor, permissions::SEND_MESSAGES)?;
    discord.thread_permits(channel, bits, Touch::Post)?;
    let guild_id = channel.guild_id;
    let mut draft = Draft::read(&call.body.payload, &[], Purpose::Create)?;
    let embeds = draft.embeds.as_ref().map_or(0, Vec::len);
    permit(bits, &mut draft, call)?;
    // Where the embeds were all there was, the creation is refused after all.
    let nothing_else = draft
        .content
        .as_deref()
        .is_none_or(|text| content::clean(text).is_empty())
        && call.body.uploads.is_empty()
        && draft.components.as_ref().is_none_or(Vec::is_empty);
    if embeds > 0 && nothing_else {
        need(bits, permissions::EMBED_LINKS)?;
    }
    if draft.tts && bits & permissions::SEND_TTS_MESSAGES == 0 {
        draft.tts = false;
    }
    let reference = match &draft.reference {
        None => None,
        Some(reference) => {
            need(bits, permissions::READ_MESSAGE_HISTORY)?;
            match channel.messages.get(&reference.message) {
                Some(message) => Some((message.id, discord.show_to(call.actor, call.now, message))),
                None if reference.fail_if_not_exists => {
                    return Err(form_error(
                        &["message_reference"],
                        "MESSAGE_REFERENCE_UNKNOWN_MESSAGE",
                        "Unknown message",
                    ));
                }
                None => None,
            }
        }
    };
    if let (true, Some(nonce)) = (draft.enforce_nonce, &draft.nonce)
        && let Some((channel, message)) = discord.nonces.find(call.now, call.actor, nonce)
    {
        // Not necessarily of this channel, nor with this content: whoever asks must compare.
        let message = discord
            .message(channel, message)
            .map_err(|_| ApiError::unknown_message())?;
        return Reply::ok(with_nonce(
            discord.show_to(call.actor, call.now, message),
            message,
        ));
    }
    let author = discord
        .users
        .get(&call.actor)
        .cloned()
        .ok_or_else(ApiError::unknown_user)?;
    let by = Authorship {
        channel: channel_id,
        author,
        origin: None,
        flags: 0,
        early_ms: call.bend.early_ms,
    };
    let mut message = discord.compose(call.now, by, draft, &call.body.uploads)?;
    message.reference = reference.as_ref().map(|(id, _)| Reference {
        channel: channel_id,
        message: Some(*id),
    });
    if let Some(nonce) = &message.nonce {
        discord
            .nonces
            .remember(call.now, call.actor, nonce, channel_id, message.id);
    }
    let mut body = with_nonce(discord.show_to(call.actor, call.now, &message), &message);
    if let Some((_, referenced)) = reference {
        body["message_reference"]["guild_id"] = json!(guild_id);
        body["referenced_message"] = referenced;
    }
    discord.keep(message);
    Reply::ok(body)
}

/// The nonce comes back to whoever posts; later reads do not show it.
fn with_nonce(mut body: Value, message: &Message) -> Value {
    if let Some(nonce) = &message.nonce {
        body["nonce"] = nonce.clone();
    }
    body
}

/// Holds a draft against the author's permissions: files are refused without ATTACH_FILES; embeds without EMBED_LINKS are
/// taken out without a word, so that what is stored is not what was sent (reported: discord-api-docs #2601, #5648).
fn permit(bits: u64, draft: &mut Draft, call: &Call) -> ApiResult<()> {
    if !call.body.uploads.is_empty() {
        need(bits, permissions::ATTACH_FILES)?;
    }
    if bits & permissions::EMBED_LINKS == 0
        && let Some(embeds) = &mut draft.embeds
    {
        embeds.clear();
    }
    Ok(())
}

fn edit(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let (channel_id, id) = (call.id("channel_id")?, call.id("message_id")?);
    let (channel, bits) = discord.text_channel(channel_id, call.actor, 0)?;
    let old = channel
        .messages
        .get(&id)
        .ok_or_else(ApiError::unknown_message)?
        .clone();
    discord.thread_permits(channel, bits, Touch::Change)?;
    if old.kind != Kind::Ordinary {
        return Err(ApiError::system_message());
    }
    if old.author.id != call.actor {
        return suppress(discord, call, old, bits);
    }
    let mut draft = Draft::read(&call.body.payload, &[], Purpose::Edit)?;
    permit(bits, &mut draft, call)?;
    if call.now.saturating_sub(old.created_ms) > OLD_EDIT_AGE_MS {
        count_old_edit(discord, call, channel_id)?;
    }
    let message = discord.revise(call.now, &old, draft, &call.body.uploads)?;
    let body = discord.show_to(call.actor, call.now, &message);
    discord.keep(message);
    Reply::ok(body)
}

/// An edit of someone else's message: nothing but its flags, and that with MANAGE_MESSAGES (docs, "Edit Message").
fn suppress(
    discord: &mut Discord,
    call: &Call,
    mut message: Message,
    bits: u64,
) -> ApiResult<Reply> {
    let only_flags = call.body.uploads.is_empty()
        && call
            .body
            .payload
            .as_object()
            .is_some_and(|fields| fields.len() == 1 && fields.contains_key("flags"));
    if !only_flags {
        return Err(ApiError::not_your_message());
    }
    need(bits, permissions::MANAGE_MESSAGES)?;
    let draft = Draft::read(&call.body.payload, &[], Purpose::Edit)?;
    let wanted = draft.flags.unwrap_or(0) & flags::SUPPRESS_EMBEDS;
    message.flags = message.flags & !flags::SUPPRESS_EMBEDS | wanted;
    let body = discord.show_to(call.actor, call.now, &message);
    discord.keep(message);
    Reply::ok(body)
}

fn count_old_edit(discord: &mut Discord, call: &Call, channel: Id) -> ApiResult<()> {
    let recent = &mut discord.channel_mut(channel)?.old_edits_ms;
    recent.retain(|at| call.now.saturating_sub(*at) < OLD_EDITS_WINDOW_MS);
    if recent.len() >= OLD_EDITS_MAX {
        let wait = recent[0] + OLD_EDITS_WINDOW_MS - call.now;
        return Err(ApiError::too_many_old_edits(seconds(wait)));
    }
    recent.push(call.now);
    Ok(())
}

fn delete(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let (channel_id, id) = (call.id("channel_id")?, call.id("message_id")?);
    let (channel, bits) = discord.text_channel(channel_id, call.actor, 0)?;
    let message = channel
        .messages
        .get(&id)
        .ok_or_else(ApiError::unknown_message)?;
    if message.author.id != call.actor {
        need(bits, permissions::MANAGE_MESSAGES)?;
    }
    discord.thread_permits(channel, bits, Touch::Change)?;
    if !message.kind.is_deletable() {
        return Err(ApiError::system_message());
    }
    discord.remove_message(channel_id, id);
    Reply::no_content()
}

/// Docs, "Bulk Delete Messages": ids that do not exist count towards the limits but do no harm.
fn bulk_delete(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let channel_id = call.id("channel_id")?;
    let (channel, bits) =
        discord.text_channel(channel_id, call.actor, permissions::MANAGE_MESSAGES)?;
    discord.thread_permits(channel, bits, Touch::Change)?;
    let mut errors = FormErrors::default();
    let mut form = Form::new(&call.body.payload, Vec::new(), &mut errors);
    form.require("messages");
    let count = form.raw("messages").and_then(Value::as_array).map(Vec::len);
    if count.is_some_and(|count| !(2..=100).contains(&count)) {
        return Err(ApiError::bulk_delete_count());
    }
    let ids = form.snowflakes("messages", 100);
    errors.finish()?;
    let ids = ids.unwrap_or_default();
    if ids
        .iter()
        .any(|id| call.now.saturating_sub(id.created_ms()) > OLD_MS)
    {
        return Err(ApiError::bulk_delete_age());
    }
    for id in ids {
        if discord
            .message(channel_id, id)
            .is_ok_and(|message| message.kind.is_deletable())
        {
            discord.remove_message(channel_id, id);
        }
    }
    Reply::no_content()
}
