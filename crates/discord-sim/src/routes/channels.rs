//! Channels: docs `resources/channel`, and `resources/guild` for making and listing them.

use std::collections::BTreeMap;

use http::Method;
use serde_json::Value;

use super::overwrites;
use super::{Call, Entry, Reply, rule};
use crate::core::Discord;
use crate::core::error::{ApiError, ApiResult, FormErrors, form_error};
use crate::core::form::Form;
use crate::core::guild::channel::{Channel, ChannelKind, text_channel_name};
use crate::core::guild::{CATEGORY_CHANNELS_MAX, CHANNELS_MAX, permissions};
use crate::core::id::Id;
use crate::core::ratelimit::{Rule, seconds};
use crate::core::store::need;

const NAME_MAX: usize = 100;
const TOPIC_MAX: usize = 1_024;
/// Changes of name or topic in [`RENAME_WINDOW_MS`]; reported, and announced by no header.
const RENAMES_MAX: usize = 2;
const RENAME_WINDOW_MS: u64 = 10 * 60 * 1_000;
const EDIT: Rule = rule("channels/edit", 10, 15_000);

pub(super) const ROUTES: &[Entry] = &[
    Entry::new(
        Method::GET,
        "/guilds/{guild_id}/channels",
        list,
        rule("guilds/channels", 10, 10_000),
    ),
    Entry::new(
        Method::POST,
        "/guilds/{guild_id}/channels",
        create,
        rule("guilds/channels/create", 10, 15_000),
    ),
    Entry::new(
        Method::PATCH,
        "/guilds/{guild_id}/channels",
        reorder,
        rule("guilds/channels/order", 5, 15_000),
    ),
    Entry::new(
        Method::GET,
        "/channels/{channel_id}",
        get,
        rule("channels", 10, 10_000),
    ),
    Entry::new(Method::PATCH, "/channels/{channel_id}", modify, EDIT),
    Entry::new(Method::DELETE, "/channels/{channel_id}", delete, EDIT),
];

fn get(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let (channel, _) = discord.visible_channel(call.id("channel_id")?, call.actor)?;
    Reply::ok(channel.json(call.actor))
}

/// Channels that the actor cannot see are left out; a category shows when one of its channels does (docs
/// `resources/channel`, "Obfuscated Channels").
fn list(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let guild = discord.own_guild(call.id("guild_id")?, call.actor)?;
    let channels = discord.guild_channels(guild.id);
    let sees = |channel: &Channel| {
        guild.permissions_in(channel, call.actor, false) & permissions::VIEW_CHANNEL != 0
    };
    let shown = |channel: &&&Channel| {
        sees(channel)
            || channels
                .iter()
                .any(|child| child.parent_id == Some(channel.id) && sees(child))
    };
    Reply::ok(
        channels
            .iter()
            .filter(shown)
            .map(|channel| channel.json(call.actor))
            .collect(),
    )
}

/// What a channel form asks for; the outer `Option` is whether it was sent.
struct Wanted {
    name: Option<String>,
    topic: Option<Option<String>>,
    parent_id: Option<Option<Id>>,
    position: Option<i64>,
    nsfw: Option<bool>,
    rate_limit_per_user: Option<i64>,
    overwrites: Option<BTreeMap<Id, crate::core::guild::channel::Overwrite>>,
}

/// Reads a form for a channel of this kind.
fn read(
    discord: &Discord,
    mut form: Form<'_>,
    guild: Id,
    kind: ChannelKind,
    this: Option<Id>,
) -> ApiResult<Wanted> {
    let guild = discord.guild(guild)?;
    let mut name = form.string("name", 1, NAME_MAX);
    if kind.is_text() {
        name = name.map(|name| text_channel_name(&name));
    } else {
        name = name.map(|name| name.trim().to_owned());
    }
    if name.as_ref().is_some_and(String::is_empty) {
        form.fail(
            "name",
            "BASE_TYPE_BAD_LENGTH",
            format!("Must be between 1 and {NAME_MAX} in length."),
        );
    }
    let topic = form
        .has("topic")
        .then(|| form.string("topic", 0, TOPIC_MAX));
    let parent_id = form.has("parent_id").then(|| form.snowflake("parent_id"));
    if let Some(Some(parent)) = parent_id {
        check_parent(discord, &mut form, guild.id, kind, parent, this);
    }
    Ok(Wanted {
        name,
        topic: topic.map(|topic| {
            topic
                .map(|topic| topic.trim().to_owned())
                .filter(|topic| !topic.is_empty())
        }),
        parent_id,
        position: form.integer("position", 0, i64::from(i32::MAX)),
        nsfw: form.boolean("nsfw"),
        rate_limit_per_user: form.integer("rate_limit_per_user", 0, 21_600),
        overwrites: overwrites::read(&mut form, guild),
    })
}

fn check_parent(
    discord: &Discord,
    form: &mut Form<'_>,
    guild: Id,
    kind: ChannelKind,
    parent: Id,
    this: Option<Id>,
) {
    let category = discord
        .channels
        .get(&parent)
        .filter(|channel| channel.guild_id == guild);
    let children = discord
        .channels
        .values()
        .filter(|c| c.parent_id == Some(parent) && Some(c.id) != this)
        .count();
    if kind == ChannelKind::Category {
        form.fail(
            "parent_id",
            "CHANNEL_PARENT_INVALID_TYPE",
            "Categories cannot have subcategories",
        );
    } else if category.is_none() {
        form.fail(
            "parent_id",
            "CHANNEL_PARENT_INVALID",
            "Category does not exist",
        );
    } else if category.is_some_and(|channel| channel.kind != ChannelKind::Category) {
        form.fail("parent_id", "CHANNEL_PARENT_INVALID_TYPE", "Not a category");
    } else if children >= CATEGORY_CHANNELS_MAX {
        let message =
            format!("Maximum number of channels in category reached ({CATEGORY_CHANNELS_MAX})");
        form.fail("parent_id", "CHANNEL_PARENT_MAX_CHANNELS", message);
    }
}

fn check_news(discord: &Discord, form: &mut Form<'_>, guild: Id) -> ApiResult<()> {
    if !discord.guild(guild)?.news {
        form.fail(
            "type",
            "CHANNEL_TYPE_INVALID",
            "This guild has no announcement channels.",
        );
    }
    Ok(())
}

fn create(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let guild_id = call.id("guild_id")?;
    let base = discord
        .own_guild(guild_id, call.actor)?
        .base_permissions(call.actor)
        .unwrap_or(0);
    let mut errors = FormErrors::default();
    let mut form = Form::new(&call.body.payload, Vec::new(), &mut errors);
    form.require("name");
    let kind = match form.choice("type", &[0, 4, 5]) {
        Some(4) => ChannelKind::Category,
        Some(5) => {
            check_news(discord, &mut form, guild_id)?;
            ChannelKind::Announcement
        }
        _ => ChannelKind::Text,
    };
    let wanted = read(discord, form, guild_id, kind, None)?;
    errors.finish()?;
    let parent = wanted
        .parent_id
        .flatten()
        .and_then(|id| discord.channels.get(&id));
    // In a category, the category's overwrites decide.
    let held = parent.map_or(base, |parent| discord.permissions_in(parent, call.actor));
    need(held, permissions::MANAGE_CHANNELS)?;
    if let Some(overwrites) = &wanted.overwrites {
        overwrites::check(base, base, overwrites.values())?;
    }
    if discord.guild_channels(guild_id).len() >= CHANNELS_MAX {
        return Err(ApiError::too_many_channels());
    }
    // A new channel starts in step with its category unless the request says otherwise.
    let inherited = parent.map(|parent| parent.overwrites.clone());
    let position = wanted
        .position
        .unwrap_or_else(|| discord.next_position(guild_id, kind));
    let id = discord.ids.next(call.now);
    let channel = Channel {
        topic: wanted.topic.flatten().filter(|_| kind.is_text()),
        parent_id: wanted.parent_id.flatten(),
        position,
        nsfw: wanted.nsfw.unwrap_or(false),
        rate_limit_per_user: wanted.rate_limit_per_user.unwrap_or(0),
        overwrites: wanted.overwrites.or(inherited).unwrap_or_default(),
        ..Channel::new(id, guild_id, kind, wanted.name.unwrap_or_default())
    };
    let body = channel.json(call.actor);
    discord.channels.insert(channel.id, channel);
    Reply::created(body)
}

fn modify(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let (channel, bits) = discord.visible_channel(call.id("channel_id")?, call.actor)?;
    if channel.thread.is_some() {
        let id = channel.id;
        return super::threads::modify(discord, call, id);
    }
    need(bits, permissions::MANAGE_CHANNELS)?;
    let (id, guild_id, mut kind) = (channel.id, channel.guild_id, channel.kind);
    let mut errors = FormErrors::default();
    let mut form = Form::new(&call.body.payload, Vec::new(), &mut errors);
    match form.choice("type", &[0, 4, 5]) {
        Some(0) if kind.is_text() => kind = ChannelKind::Text,
        // Only between text and announcement, and only in guilds with the feature (docs `resources/channel`,
        // "Modify Channel").
        Some(5) if kind.is_text() => {
            check_news(discord, &mut form, guild_id)?;
            kind = ChannelKind::Announcement;
        }
        Some(wanted) if wanted != kind as i64 => form.fail(
            "type",
            "CHANNEL_TYPE_INVALID",
            "A channel of this type cannot become one of that type.",
        ),
        _ => {}
    }
    let wanted = read(discord, form, guild_id, kind, Some(id))?;
    errors.finish()?;
    if let Some(overwrites) = &wanted.overwrites {
        need(bits, permissions::MANAGE_ROLES)?;
        let base = discord
            .guild(guild_id)?
            .base_permissions(call.actor)
            .unwrap_or(0);
        let old = &discord.channel(id)?.overwrites;
        overwrites::check(
            overwrites::grantable(discord, id, call.actor)?,
            base,
            overwrites
                .values()
                .filter(|new| old.get(&new.id) != Some(*new)),
        )?;
    }
    let channel = discord.channel_mut(id)?;
    let renames = wanted
        .name
        .as_ref()
        .is_some_and(|name| *name != channel.name)
        || wanted
            .topic
            .as_ref()
            .is_some_and(|topic| *topic != channel.topic);
    if renames {
        count_rename(channel, call.now)?;
    }
    if let Some(name) = wanted.name {
        channel.name = name;
    }
    channel.kind = kind;
    if let Some(topic) = wanted.topic.filter(|_| kind.is_text()) {
        channel.topic = topic;
    }
    if let Some(parent) = wanted.parent_id {
        channel.parent_id = parent;
    }
    if let Some(overwrites) = wanted.overwrites {
        channel.overwrites = overwrites;
    }
    channel.position = wanted.position.unwrap_or(channel.position);
    channel.nsfw = wanted.nsfw.unwrap_or(channel.nsfw);
    channel.rate_limit_per_user = wanted
        .rate_limit_per_user
        .unwrap_or(channel.rate_limit_per_user);
    Reply::ok(channel.json(call.actor))
}

/// Counts a change of name or topic, and refuses one too many.
pub(super) fn count_rename(channel: &mut Channel, now: u64) -> ApiResult<()> {
    channel
        .renames_ms
        .retain(|at| now.saturating_sub(*at) < RENAME_WINDOW_MS);
    if channel.renames_ms.len() >= RENAMES_MAX {
        let wait = channel.renames_ms[0] + RENAME_WINDOW_MS - now;
        return Err(ApiError::resource_rate_limited(seconds(wait)));
    }
    channel.renames_ms.push(now);
    Ok(())
}

fn delete(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let (channel, bits) = discord.visible_channel(call.id("channel_id")?, call.actor)?;
    need(
        bits,
        match channel.thread {
            Some(_) => permissions::MANAGE_THREADS,
            None => permissions::MANAGE_CHANNELS,
        },
    )?;
    let body = channel.json(call.actor);
    let id = channel.id;
    discord.remove_channel(id);
    Reply::ok(body)
}

/// `PATCH /guilds/{id}/channels`: positions, and moves between categories.
fn reorder(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let guild_id = call.id("guild_id")?;
    let base = discord
        .own_guild(guild_id, call.actor)?
        .base_permissions(call.actor)
        .unwrap_or(0);
    need(base, permissions::MANAGE_CHANNELS)?;
    let Value::Array(items) = &call.body.payload else {
        return Err(form_error(
            &[],
            "LIST_TYPE_CONVERT",
            "Only iterables may be used in a ListType",
        ));
    };
    let mut moves = Vec::new();
    let mut errors = FormErrors::default();
    for (n, item) in items.iter().enumerate() {
        let mut form = Form::new(item, vec![n.to_string()], &mut errors);
        form.require("id");
        let Some(id) = form.snowflake("id") else {
            continue;
        };
        let Some(channel) = discord
            .channels
            .get(&id)
            .filter(|channel| channel.guild_id == guild_id && channel.thread.is_none())
        else {
            form.fail("id", "CHANNEL_INVALID", "Unknown channel");
            continue;
        };
        let parent = form.has("parent_id").then(|| form.snowflake("parent_id"));
        if let Some(Some(parent)) = parent {
            check_parent(discord, &mut form, guild_id, channel.kind, parent, Some(id));
        }
        let position = form.integer("position", 0, i64::from(i32::MAX));
        let lock = form.boolean("lock_permissions").unwrap_or(false);
        moves.push((id, position, parent, lock));
    }
    errors.finish()?;
    for (id, position, parent, lock) in moves {
        let inherited = parent
            .flatten()
            .filter(|_| lock)
            .and_then(|p| discord.channels.get(&p))
            .map(|p| p.overwrites.clone());
        let Some(channel) = discord.channels.get_mut(&id) else {
            continue;
        };
        channel.position = position.unwrap_or(channel.position);
        channel.parent_id = parent.unwrap_or(channel.parent_id);
        channel.overwrites = inherited.unwrap_or_else(|| std::mem::take(&mut channel.overwrites));
    }
    Reply::no_content()
}

impl Discord {
    /// Behind the last channel of the same sort.
    pub(crate) fn next_position(&self, guild: Id, kind: ChannelKind) -> i64 {
        let positions = self
            .channels
            .values()
            .filter(|c| c.guild_id == guild && c.kind == kind)
            .map(|c| c.position);
        positions.max().map_or(0, |last| last.saturating_add(1))
    }
}
