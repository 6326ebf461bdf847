//! Threads: docs `resources/channel` for starting, changing and listing them, `resources/guild` for the active ones.

use http::Method;
use serde_json::{Value, json};

use super::{Call, Entry, Reply, rule};
use crate::core::Discord;
use crate::core::error::{ApiError, ApiResult, FormErrors};
use crate::core::form::Form;
use crate::core::guild::channel::{Channel, ChannelKind};
use crate::core::guild::permissions;
use crate::core::guild::thread::{AUTO_ARCHIVE_DEFAULT, AUTO_ARCHIVE_MINUTES, Thread};
use crate::core::id::Id;
use crate::core::message::{Kind, Reference};

const NAME_MAX: usize = 100;
const SLOWMODE_S_MAX: i64 = 21_600;
const LIST_MAX: i64 = 100;
const LIST_DEFAULT: usize = 50;
/// From this age on, a thread from a message is announced by a message of its own in the channel. The docs say "older"
/// and "currently set to a very small value" (`topics/threads`, "New Message Types"); the figure is an assumption.
const ANNOUNCED_FROM_MS: u64 = 5_000;

pub(super) const ROUTES: &[Entry] = &[
    Entry::new(
        Method::POST,
        "/channels/{channel_id}/messages/{message_id}/threads",
        start,
        rule("threads/start", 10, 10_000),
    ),
    Entry::new(
        Method::GET,
        "/channels/{channel_id}/threads/archived/public",
        archived,
        rule("threads/archived", 5, 1_000),
    ),
    Entry::new(
        Method::GET,
        "/guilds/{guild_id}/threads/active",
        active,
        rule("threads/active", 5, 1_000),
    ),
];

fn start(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let (channel_id, id) = (call.id("channel_id")?, call.id("message_id")?);
    let needed = permissions::CREATE_PUBLIC_THREADS | permissions::READ_MESSAGE_HISTORY;
    let (channel, _) = discord.text_channel(channel_id, call.actor, needed)?;
    if !channel.kind.is_text() {
        return Err(ApiError::wrong_channel_type());
    }
    let guild_id = channel.guild_id;
    let kind = match channel.kind {
        ChannelKind::Announcement => ChannelKind::AnnouncementThread,
        _ => ChannelKind::PublicThread,
    };
    let mut starter = channel
        .messages
        .get(&id)
        .ok_or_else(ApiError::unknown_message)?
        .clone();
    let mut errors = FormErrors::default();
    let mut form = Form::new(&call.body.payload, Vec::new(), &mut errors);
    form.require("name");
    let fields = read(&mut form);
    errors.finish()?;
    if starter.kind != Kind::Ordinary {
        return Err(ApiError::system_message());
    }
    if starter.had_thread {
        return Err(ApiError::has_a_thread());
    }
    discord.room_for_active_thread(guild_id)?;

    let name = fields.name.unwrap_or_default();
    let mut thread = Channel::new(id, guild_id, kind, name.clone());
    thread.parent_id = Some(channel_id);
    thread.rate_limit_per_user = fields.rate_limit_per_user.unwrap_or(0);
    let minutes = fields.auto_archive_minutes.unwrap_or(AUTO_ARCHIVE_DEFAULT);
    thread.thread = Some(Thread::started(call.now, call.actor, minutes));
    discord.channels.insert(id, thread);
    discord.watch_thread(id);
    let age_ms = call.now.saturating_sub(starter.created_ms);
    starter.had_thread = true;
    discord.keep(starter);
    let from = Reference {
        channel: channel_id,
        message: Some(id),
    };
    discord.note(
        call.now,
        id,
        call.actor,
        Kind::ThreadStarter,
        "",
        Some(from),
    );
    if age_ms >= ANNOUNCED_FROM_MS {
        let to = Reference {
            channel: id,
            message: None,
        };
        discord.note(
            call.now,
            channel_id,
            call.actor,
            Kind::ThreadCreated,
            &name,
            Some(to),
        );
    }
    Reply::created(discord.channel(id)?.json(call.actor))
}

/// What a form says of a thread.
struct Fields {
    name: Option<String>,
    auto_archive_minutes: Option<i64>,
    rate_limit_per_user: Option<i64>,
}

fn read(form: &mut Form<'_>) -> Fields {
    let name = form.string("name", 1, NAME_MAX);
    let name = name.map(|name| name.trim().to_owned());
    if name.as_ref().is_some_and(String::is_empty) {
        form.fail(
            "name",
            "BASE_TYPE_BAD_LENGTH",
            format!("Must be between 1 and {NAME_MAX} in length."),
        );
    }
    Fields {
        name,
        auto_archive_minutes: form.choice("auto_archive_duration", AUTO_ARCHIVE_MINUTES),
        rate_limit_per_user: form.integer("rate_limit_per_user", 0, SLOWMODE_S_MAX),
    }
}

/// `PATCH /channels/{thread}`.
///
/// Who may is told differently by `topics/threads`, "Editing & Deleting Threads", and by `resources/channel`, "Modify
/// Channel". The former is more exact and is followed, but for one thing: that a thread's creator may unarchive it
/// although it is locked contradicts everything else that is said of locking.
pub(super) fn modify(discord: &mut Discord, call: &Call, id: Id) -> ApiResult<Reply> {
    let (channel, bits) = discord.visible_channel(id, call.actor)?;
    let Some(thread) = &channel.thread else {
        return Err(ApiError::wrong_channel_type());
    };
    let mut errors = FormErrors::default();
    let mut form = Form::new(&call.body.payload, Vec::new(), &mut errors);
    let fields = read(&mut form);
    let archived = form.boolean("archived");
    let locked = form.boolean("locked");
    errors.finish()?;

    let moderates = bits & permissions::MANAGE_THREADS != 0;
    let owns = thread.owner_id == call.actor;
    let unarchives = thread.archived && archived == Some(false);
    let own_fields = fields.name.is_some()
        || fields.auto_archive_minutes.is_some()
        || archived.is_some_and(|archived| archived != thread.archived && archived);
    let moderated_fields = locked.is_some_and(|locked| locked != thread.locked)
        || fields.rate_limit_per_user.is_some();
    let refused = moderated_fields && !moderates
        || own_fields && !(moderates || owns)
        || unarchives && !moderates && bits & permissions::SEND_MESSAGES == 0
        || unarchives && !moderates && !thread.members.contains_key(&call.actor);
    if refused {
        return Err(ApiError::missing_permissions());
    }
    if thread.locked && !moderates && (own_fields || unarchives) {
        return Err(ApiError::thread_locked());
    }
    if thread.archived && archived != Some(false) && (own_fields || moderated_fields) {
        return Err(ApiError::thread_archived());
    }
    if unarchives {
        discord.room_for_active_thread(channel.guild_id)?;
    }

    let renamed = fields.name.filter(|name| *name != channel.name);
    let channel = discord.channel_mut(id)?;
    if renamed.is_some() {
        super::channels::count_rename(channel, call.now)?;
    }
    if let Some(name) = &renamed {
        channel.name.clone_from(name);
    }
    channel.rate_limit_per_user = fields
        .rate_limit_per_user
        .unwrap_or(channel.rate_limit_per_user);
    if let Some(thread) = &mut channel.thread {
        if let Some(minutes) = fields.auto_archive_minutes
            && minutes != thread.auto_archive_minutes
        {
            thread.auto_archive_minutes = minutes;
            thread.archive_changed_ms = call.now;
            thread.active_ms = call.now;
        }
        thread.locked = locked.unwrap_or(thread.locked);
        if unarchives {
            thread.set_archived(call.now, false);
        }
    }
    if let Some(name) = renamed {
        discord.note(call.now, id, call.actor, Kind::NameChange, &name, None);
    }
    // After the note, which would bring the thread back.
    if archived == Some(true)
        && let Some(thread) = &mut discord.channel_mut(id)?.thread
    {
        thread.set_archived(call.now, true);
    }
    discord.watch_thread(id);
    Reply::ok(discord.channel(id)?.json(call.actor))
}

/// Public threads that are archived, the one archived last first.
fn archived(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let needed = permissions::READ_MESSAGE_HISTORY;
    let (channel, _) = discord.text_channel(call.id("channel_id")?, call.actor, needed)?;
    if !channel.kind.is_text() {
        return Err(ApiError::wrong_channel_type());
    }
    let limit = call
        .query_int("limit", 2, LIST_MAX)?
        .unwrap_or(LIST_DEFAULT);
    let before = call.query_time("before")?.unwrap_or(u64::MAX);
    let mut threads: Vec<(u64, &Channel)> = discord
        .threads_of(channel.id)
        .filter_map(|channel| {
            let thread = channel.thread.as_ref().filter(|thread| thread.archived)?;
            Some((thread.archive_changed_ms, channel))
        })
        .filter(|(at, _)| *at < before)
        .collect();
    threads.sort_by_key(|(at, channel)| std::cmp::Reverse((*at, channel.id)));
    let has_more = threads.len() > limit;
    let page: Vec<&Channel> = threads
        .into_iter()
        .take(limit)
        .map(|(_, channel)| channel)
        .collect();
    Reply::ok(listing(&page, call.actor, has_more))
}

/// Active threads of the channels that the actor sees, the newest first.
fn active(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let guild = discord.own_guild(call.id("guild_id")?, call.actor)?.id;
    let sees = |channel: &&Channel| {
        discord.permissions_in(channel, call.actor) & permissions::VIEW_CHANNEL != 0
    };
    let mut threads: Vec<&Channel> = discord.active_threads(guild).filter(sees).collect();
    threads.reverse();
    Reply::ok(listing(&threads, call.actor, false))
}

/// A `ThreadsResponse`.
fn listing(threads: &[&Channel], reader: Id, has_more: bool) -> Value {
    let members: Vec<Value> = threads
        .iter()
        .filter_map(|channel| channel.thread.as_ref()?.member_json(channel.id, reader))
        .collect();
    let threads: Vec<Value> = threads.iter().map(|channel| channel.json(reader)).collect();
    json!({"threads": threads, "members": members, "has_more": has_more})
}
