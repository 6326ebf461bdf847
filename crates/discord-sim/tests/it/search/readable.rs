//! Who may search, and where.

use discord_sim::{GuildSpec, Id, permissions};
use serde_json::json;

use super::{calm, found, search, write};
use crate::support::{World, text};

/// A text channel with a message of the owner's in it; gives the channel's id.
fn channel_saying(world: &mut World, form: serde_json::Value, content: &str) -> String {
    let id = world.channel(form);
    say_in(world, &id, content);
    id
}

fn say_in(world: &mut World, channel: &str, content: &str) {
    let path = format!("/channels/{channel}/messages");
    world
        .act("owner", "POST", &path, &json!({"content": content}))
        .ok();
}

fn without(bits: u64) -> u64 {
    permissions::BOT_DEFAULT & !bits
}

#[test]
fn the_intent_is_needed() {
    let mut world = World::new();
    assert_eq!(search(&mut world, "content=x").refusal(), (403, 50001));
    world
        .discord
        .set_search_plan(discord_sim::SearchPlan::calm())
        .unwrap();
    write(&mut world, "owner", "before it");
    world.discord.set_message_content_intent(true);
    write(&mut world, "owner", "after it");
    assert_eq!(found(&mut world, "content=it"), ["after it", "before it"]);
    world.discord.set_message_content_intent(false);
    assert_eq!(search(&mut world, "content=x").refusal(), (403, 50001));
}

#[test]
fn the_guild_must_be_ones_own() {
    let mut world = calm();
    assert_eq!(
        world.get("/guilds/1/messages/search").refusal(),
        (404, 10004)
    );
    let path = format!("/users/@me/guilds/{}", world.guild.guild_id);
    world.delete(&path).ok();
    assert_eq!(search(&mut world, "").refusal(), (404, 10004));
}

#[test]
fn history_must_be_readable_somewhere() {
    let mut world = calm();
    write(&mut world, "owner", "alpha");
    let guild = world.guild.guild_id;
    for bits in [permissions::READ_MESSAGE_HISTORY, permissions::VIEW_CHANNEL] {
        world
            .discord
            .set_bot_permissions(guild, without(bits))
            .unwrap();
        assert_eq!(search(&mut world, "content=alpha").refusal(), (403, 50013));
    }
    world
        .discord
        .set_bot_permissions(guild, without(0))
        .unwrap();
    assert_eq!(found(&mut world, "content=alpha"), ["alpha"]);
}

#[test]
fn channels_that_may_not_be_read_are_left_out_or_refused_by_name() {
    let mut world = calm();
    let bot = world.discord.application().bot_user_id;
    let deny = |bits: u64| json!([{"id": bot, "type": 1, "allow": "0", "deny": bits.to_string()}]);
    let hidden = channel_saying(&mut world, json!({"name": "hidden"}), "alpha hidden");
    let mute = channel_saying(&mut world, json!({"name": "mute"}), "alpha mute");
    let open = channel_saying(&mut world, json!({"name": "open"}), "alpha open");
    for (channel, bits) in [
        (&hidden, permissions::VIEW_CHANNEL),
        (&mute, permissions::READ_MESSAGE_HISTORY),
    ] {
        let path = format!("/channels/{channel}");
        let form = json!({"permission_overwrites": deny(bits)});
        world.act("owner", "PATCH", &path, &form).ok();
    }
    assert_eq!(found(&mut world, "content=alpha"), ["alpha open"]);
    let named = |world: &mut World, ids: &[&str]| {
        let ids: Vec<String> = ids.iter().map(|id| format!("channel_id={id}")).collect();
        search(world, &ids.join("&")).refusal()
    };
    assert_eq!(named(&mut world, &[&open, &hidden]), (403, 50001));
    assert_eq!(named(&mut world, &[&open, &mute]), (403, 50013));
    assert_eq!(
        found(&mut world, &format!("channel_id={open}")),
        ["alpha open"]
    );
}

#[test]
fn named_channels_are_text_channels_of_the_guild() {
    let mut world = calm();
    let category = world.channel(json!({"name": "group", "type": 4}));
    let named = |world: &mut World, id: &str| search(world, &format!("channel_id={id}")).refusal();
    assert_eq!(named(&mut world, &category), (400, 50024));
    assert_eq!(named(&mut world, "7"), (404, 10003));
    let other = world
        .discord
        .create_guild(world.now, GuildSpec::named("Other"));
    let general: Id = other.channel_id;
    assert_eq!(named(&mut world, &general.to_string()), (404, 10003));
    let path = format!(
        "/guilds/{}/messages/search?channel_id={general}",
        other.guild_id
    );
    assert_eq!(world.get(&path).ok()["total_results"], 0);
}

#[test]
fn other_guilds_are_not_searched() {
    let mut world = calm();
    write(&mut world, "owner", "alpha");
    let other = world
        .discord
        .create_guild(world.now, GuildSpec::named("Other"));
    let path = format!("/guilds/{}/messages/search?content=alpha", other.guild_id);
    assert_eq!(world.get(&path).ok()["messages"], json!([]));
}

#[test]
fn threads_are_searched_too_but_are_not_named_by_their_channel() {
    let mut world = calm();
    let starter = write(&mut world, "owner", "alpha starter");
    let path = format!("{}/{starter}/threads", world.messages());
    world.post(&path, json!({"name": "history"})).ok();
    say_in(&mut world, &starter, "alpha in the thread");
    assert_eq!(
        found(&mut world, "content=alpha"),
        ["alpha in the thread", "alpha starter"]
    );
    let general = world.general();
    let in_channel = format!("content=alpha&channel_id={general}");
    assert_eq!(found(&mut world, &in_channel), ["alpha starter"]);
    let in_thread = format!("content=alpha&channel_id={starter}");
    assert_eq!(found(&mut world, &in_thread), ["alpha in the thread"]);
    let archive = json!({"archived": true});
    world
        .act("owner", "PATCH", &format!("/channels/{starter}"), &archive)
        .ok();
    assert_eq!(
        found(&mut world, &in_thread),
        ["alpha in the thread"],
        "archived"
    );
}

#[test]
fn threads_come_with_the_messages_and_members_with_those_joined() {
    let mut world = calm();
    let mut threads = Vec::new();
    for n in 0..2 {
        let starter = write(&mut world, "owner", "starter");
        let path = format!("{}/{starter}/threads", world.messages());
        let form = json!({"name": format!("thread {n}")});
        world.act("owner", "POST", &path, &form).ok();
        say_in(&mut world, &starter, "alpha");
        threads.push(starter);
    }
    let plain = super::page(&mut world, "content=starter");
    assert!(plain.get("threads").is_none() && plain.get("members").is_none());
    let page = super::page(&mut world, "content=alpha");
    let ids: Vec<String> = page["threads"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| text(&one["id"]))
        .collect();
    assert_eq!(ids, threads);
    assert_eq!(page["threads"][0]["type"], 11);
    assert!(page.get("members").is_none(), "the bot has joined none");
    let path = format!("/channels/{}/messages", threads[1]);
    world.post(&path, json!({"content": "mine"})).ok();
    let page = super::page(&mut world, "content=alpha");
    let members = page["members"].as_array().unwrap();
    assert_eq!(members.len(), 1);
    assert_eq!(members[0]["id"], json!(threads[1]));
    assert_eq!(
        members[0]["user_id"],
        json!(world.discord.application().bot_user_id)
    );
}

#[test]
fn age_restricted_channels_are_searched_on_request() {
    let mut world = calm();
    let id = channel_saying(&mut world, json!({"name": "adult", "nsfw": true}), "alpha");
    let starter = text(&world.get(&format!("/channels/{id}/messages")).ok()[0]["id"]);
    let path = format!("/channels/{id}/messages/{starter}/threads");
    world.post(&path, json!({"name": "history"})).ok();
    say_in(&mut world, &starter, "alpha thread");
    let nothing: [&str; 0] = [];
    assert_eq!(found(&mut world, "content=alpha"), nothing);
    assert_eq!(found(&mut world, &format!("channel_id={id}")), nothing);
    assert_eq!(
        found(&mut world, "content=alpha&include_nsfw=false"),
        nothing
    );
    let both = ["alpha thread", "alpha"];
    assert_eq!(found(&mut world, "content=alpha&include_nsfw=true"), both);
}
