//! Archiving, unarchiving and locking.

use discord_sim::permissions;
use discord_sim::{Config, Discord, GuildSpec};
use serde_json::json;

use super::{ids, messages_in, metadata, start, thread};
use crate::support::{START_MS, World, text};

const HOUR_MS: u64 = 60 * 60 * 1_000;

#[test]
fn quiet_threads_archive_themselves_and_a_message_brings_them_back() {
    let mut world = World::new();
    let id = thread(&mut world);
    world.now += HOUR_MS / 2;
    world
        .post(&messages_in(&id), json!({"content": "still here"}))
        .ok();
    world.now += HOUR_MS - 1;
    assert_eq!(metadata(&mut world, &id)["archived"], false);
    world.now += 1;
    let archived = metadata(&mut world, &id);
    assert_eq!(archived["archived"], true);

    let list = format!("/channels/{}/threads/archived/public", world.general());
    let page = world.get(&list).ok();
    assert_eq!(
        (ids(&page), &page["has_more"]),
        (vec![id.clone()], &json!(false))
    );
    assert_eq!(page["members"][0]["id"], json!(id));
    let at = text(&archived["archive_timestamp"]).replace('+', "%2B");
    assert_eq!(
        ids(&world.get(&format!("{list}?before={at}")).ok()),
        Vec::<String>::new()
    );

    world
        .post(&messages_in(&id), json!({"content": "again"}))
        .ok();
    assert_eq!(metadata(&mut world, &id)["archived"], false);
    assert_eq!(ids(&world.get(&list).ok()), Vec::<String>::new());
    world.now += HOUR_MS;
    assert_eq!(
        metadata(&mut world, &id)["archived"],
        true,
        "an hour after that message"
    );
}

#[test]
fn nothing_but_a_new_message_can_be_done_in_an_archived_thread() {
    let mut world = World::new();
    let id = thread(&mut world);
    let path = messages_in(&id);
    let message = format!(
        "{path}/{}",
        text(&world.post(&path, json!({"content": "x"})).ok()["id"])
    );
    let channel = format!("/channels/{id}");
    let archived = world.patch(&channel, json!({"archived": true})).ok();
    assert_eq!(
        archived["thread_metadata"]["archived"], true,
        "its creator may"
    );
    world.get(&message).ok();
    assert_eq!(
        world.patch(&message, json!({"content": "y"})).refusal(),
        (400, 50083)
    );
    assert_eq!(world.delete(&message).refusal(), (400, 50083));
    assert_eq!(
        world.patch(&channel, json!({"name": "new"})).refusal(),
        (400, 50083)
    );
    let back = world
        .patch(&channel, json!({"archived": false, "name": "new"}))
        .ok();
    assert_eq!(
        (&back["name"], &back["thread_metadata"]["archived"]),
        (&json!("new"), &json!(false))
    );
    let noted = world.get(&format!("{path}?limit=1")).ok();
    assert_eq!(
        (&noted[0]["type"], &noted[0]["content"]),
        (&json!(4), &json!("new"))
    );
    world.delete(&message).ok();
}

#[test]
fn a_locked_thread_is_for_moderators() {
    let mut world =
        World::with_bot_permissions(permissions::BOT_DEFAULT & !permissions::MANAGE_THREADS);
    let id = thread(&mut world);
    let (path, channel) = (messages_in(&id), format!("/channels/{id}"));
    let hello = json!({"content": "x"});
    let message = format!(
        "{path}/{}",
        text(&world.post(&path, hello.clone()).ok()["id"])
    );
    assert_eq!(
        world.patch(&channel, json!({"locked": true})).refusal(),
        (403, 50013)
    );
    world
        .act("owner", "PATCH", &channel, &json!({"locked": true}))
        .ok();
    assert_eq!(world.post(&path, hello.clone()).refusal(), (400, 160005));
    assert_eq!(
        world.patch(&message, hello.clone()).refusal(),
        (400, 160005)
    );
    world
        .act("owner", "PATCH", &channel, &json!({"archived": true}))
        .ok();
    assert_eq!(world.post(&path, hello.clone()).refusal(), (400, 160005));
    assert_eq!(
        world.patch(&channel, json!({"archived": false})).refusal(),
        (400, 160005)
    );
    world.act("owner", "POST", &path, &hello).ok();
    assert_eq!(metadata(&mut world, &id)["archived"], false);
    world
        .act("owner", "PATCH", &channel, &json!({"locked": false}))
        .ok();
    world.post(&path, hello).ok();
}

#[test]
fn active_threads_are_capped_and_archived_ones_do_not_count() {
    let mut discord = Discord::new(Config {
        active_threads_max: 2,
        ..Config::default()
    });
    let guild = discord.create_guild(START_MS, GuildSpec::named("g"));
    let mut world = World {
        discord,
        guild,
        now: START_MS,
    };
    let first = thread(&mut world);
    let second = thread(&mut world);
    let third = world.say("third");
    assert_eq!(
        start(&mut world, &third, json!({"name": "x"})),
        Err((400, 160006))
    );
    world
        .patch(&format!("/channels/{first}"), json!({"archived": true}))
        .ok();
    start(&mut world, &third, json!({"name": "x"})).unwrap();
    let hello = json!({"content": "x"});
    assert_eq!(
        world.post(&messages_in(&first), hello.clone()).refusal(),
        (400, 160006)
    );
    let unarchive = json!({"archived": false});
    assert_eq!(
        world
            .patch(&format!("/channels/{first}"), unarchive)
            .refusal(),
        (400, 160006)
    );
    let active = world
        .get(&format!("/guilds/{}/threads/active", world.guild.guild_id))
        .ok();
    assert_eq!(ids(&active), [third, second.clone()]);
    world.post(&messages_in(&second), hello).ok();
}

#[test]
fn a_late_unarchiving_needs_membership() {
    let mut world = World::new();
    let id = thread(&mut world);
    let channel = format!("/channels/{id}");
    world.patch(&channel, json!({"archived": true})).ok();
    let back = json!({"archived": false});
    assert_eq!(
        world.act("member", "PATCH", &channel, &back).refusal(),
        (403, 50013)
    );
    world
        .act(
            "member",
            "POST",
            &messages_in(&id),
            &json!({"content": "me too"}),
        )
        .ok();
    world.patch(&channel, json!({"archived": true})).ok();
    world.act("member", "PATCH", &channel, &back).ok();
}
