//! Threads on messages: starting them, what they hold, and when they go.

mod archiving;

use discord_sim::permissions;
use serde_json::{Value, json};

use crate::support::{World, text};

/// Starts a thread on a new message in `general`; gives its id, which is also the message's.
fn thread(world: &mut World) -> String {
    let id = world.say("starter");
    start(
        world,
        &id,
        json!({"name": "history", "auto_archive_duration": 60}),
    )
    .unwrap();
    id
}

fn start(world: &mut World, message: &str, form: Value) -> Result<Value, (u16, u64)> {
    let path = format!("{}/{message}/threads", world.messages());
    let answer = world.post(&path, form);
    match answer.status {
        201 => Ok(answer.body),
        _ => Err(answer.refusal()),
    }
}

fn messages_in(thread: &str) -> String {
    format!("/channels/{thread}/messages")
}

fn metadata(world: &mut World, thread: &str) -> Value {
    world.get(&format!("/channels/{thread}")).ok()["thread_metadata"].clone()
}

fn ids(list: &Value) -> Vec<String> {
    let threads = list["threads"].as_array().unwrap();
    threads.iter().map(|thread| text(&thread["id"])).collect()
}

#[test]
fn a_thread_has_its_messages_id_and_shows_on_it() {
    let mut world = World::new();
    let id = world.say("starter");
    let made = start(
        &mut world,
        &id,
        json!({"name": " history ", "rate_limit_per_user": 5}),
    )
    .unwrap();
    let bot = json!(world.discord.application().bot_user_id);
    assert_eq!(
        (&made["id"], &made["type"], &made["name"]),
        (&json!(id), &json!(11), &json!("history"))
    );
    assert_eq!(
        (&made["parent_id"], &made["owner_id"]),
        (&json!(world.general()), &bot)
    );
    assert_eq!(
        (&made["message_count"], &made["member_count"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(made["thread_metadata"]["auto_archive_duration"], 1_440);
    assert_eq!(
        (&made["member"]["user_id"], &made["rate_limit_per_user"]),
        (&bot, &json!(5))
    );

    let path = world.messages();
    let starter = world.get(&format!("{path}/{id}")).ok();
    assert_eq!(
        (&starter["flags"], &starter["thread"]["id"]),
        (&json!(1 << 5), &json!(id))
    );
    let inside = world.get(&messages_in(&id)).ok();
    assert_eq!(
        (&inside[0]["type"], &inside[0]["content"]),
        (&json!(21), &json!(""))
    );
    assert_eq!(inside[0]["referenced_message"]["content"], "starter");
    assert_eq!(inside[0]["message_reference"]["message_id"], json!(id));
    assert_eq!(inside[1], Value::Null);

    world.rest();
    let channels = world
        .get(&format!("/guilds/{}/channels", world.guild.guild_id))
        .ok();
    assert_eq!(
        channels.as_array().unwrap().len(),
        1,
        "threads are no channels of the guild"
    );
}

#[test]
fn a_message_can_have_one_thread_ever() {
    let mut world = World::new();
    let id = thread(&mut world);
    let again = json!({"name": "again"});
    assert_eq!(start(&mut world, &id, again.clone()), Err((400, 160004)));
    world.delete(&format!("/channels/{id}")).ok();
    let path = world.messages();
    let starter = world.get(&format!("{path}/{id}")).ok();
    assert_eq!(
        (&starter["flags"], &starter["thread"]),
        (&json!(0), &Value::Null)
    );
    assert_eq!(start(&mut world, &id, again), Err((400, 160004)));
    assert_eq!(
        world.get(&format!("/channels/{id}")).refusal(),
        (404, 10003)
    );
}

#[test]
fn forms_and_permissions_are_checked() {
    let mut world = World::new();
    let id = world.say("x");
    for form in [
        json!({}),
        json!({"name": ""}),
        json!({"name": "  "}),
        json!({"name": "x".repeat(101)}),
        json!({"name": "x", "auto_archive_duration": 61}),
        json!({"name": "x", "rate_limit_per_user": 21_601}),
    ] {
        assert_eq!(
            start(&mut world, &id, form.clone()),
            Err((400, 50035)),
            "{form}"
        );
        world.rest();
    }
    assert_eq!(
        start(&mut world, "1", json!({"name": "x"})),
        Err((404, 10008))
    );
    let guild = world.guild.guild_id;
    let without = permissions::BOT_DEFAULT & !permissions::CREATE_PUBLIC_THREADS;
    world.discord.set_bot_permissions(guild, without).unwrap();
    assert_eq!(
        start(&mut world, &id, json!({"name": "x"})),
        Err((403, 50013))
    );
}

#[test]
fn in_threads_it_takes_the_permission_for_threads() {
    let mut world = World::new();
    let id = thread(&mut world);
    let guild = world.guild.guild_id;
    let bits = permissions::BOT_DEFAULT & !permissions::SEND_MESSAGES_IN_THREADS;
    world.discord.set_bot_permissions(guild, bits).unwrap();
    let hello = json!({"content": "x"});
    assert_eq!(
        world.post(&messages_in(&id), hello.clone()).refusal(),
        (403, 50013)
    );
    let bits = permissions::BOT_DEFAULT & !permissions::SEND_MESSAGES;
    world.discord.set_bot_permissions(guild, bits).unwrap();
    let files: &[(&str, &str, &[u8])] = &[("files[0]", "a.txt", b"a")];
    world.upload("POST", &messages_in(&id), &hello, files).ok();
    let path = world.messages();
    assert_eq!(world.post(&path, hello).refusal(), (403, 50013));
}

#[test]
fn a_thread_inherits_its_channels_overwrites() {
    let mut world = World::new();
    let bot = world.discord.application().bot_user_id;
    let guild = world.guild.guild_id;
    let channel = world.channel(json!({"name": "rows", "permission_overwrites": [
        {"id": guild, "type": 0, "deny": "1024", "allow": "0"},
        {"id": bot, "type": 1, "allow": "1024", "deny": "0"},
    ]}));
    let sent = world
        .post(
            &format!("/channels/{channel}/messages"),
            json!({"content": "x"}),
        )
        .ok();
    let id = text(&sent["id"]);
    let path = format!("/channels/{channel}/messages/{id}/threads");
    world.post(&path, json!({"name": "history"})).ok();
    let seen = |world: &mut World| {
        world
            .act("member", "GET", &format!("/channels/{id}"), &Value::Null)
            .status
    };
    assert_eq!(seen(&mut world), 403);
    let active = format!("/guilds/{guild}/threads/active");
    assert_eq!(
        ids(&world.act("member", "GET", &active, &Value::Null).ok()),
        Vec::<String>::new()
    );
    assert_eq!(ids(&world.get(&active).ok()), vec![id.clone()]);
    let overwrite = format!("/channels/{id}/permissions/{bot}");
    let everything = permissions::BOT_DEFAULT | permissions::MANAGE_ROLES;
    world
        .discord
        .set_bot_permissions(guild, everything)
        .unwrap();
    assert_eq!(
        world
            .put(&overwrite, json!({"type": 1, "allow": "0"}))
            .refusal(),
        (400, 50024)
    );
}

#[test]
fn messages_are_counted_and_posting_joins() {
    let mut world = World::new();
    let id = thread(&mut world);
    let path = messages_in(&id);
    let sent = world.post(&path, json!({"content": "rev 1"})).ok();
    world
        .act("member", "POST", &path, &json!({"content": "hm"}))
        .ok();
    let edited = world
        .patch(
            &format!("{path}/{}", text(&sent["id"])),
            json!({"content": "rev one"}),
        )
        .ok();
    assert_eq!(edited["content"], "rev one");
    world.delete(&format!("{path}/{}", text(&sent["id"]))).ok();
    let seen = world.get(&format!("/channels/{id}")).ok();
    let counts =
        ["message_count", "total_message_sent", "member_count"].map(|name| seen[name].clone());
    assert_eq!(counts, [json!(1), json!(2), json!(2)]);
    let starter = text(&world.get(&format!("{path}?limit=100")).ok()[1]["id"]);
    assert_eq!(
        world.delete(&format!("{path}/{starter}")).refusal(),
        (403, 50021)
    );
}

#[test]
fn strangers_may_not_change_a_thread_and_deleting_takes_a_permission() {
    let mut world =
        World::with_bot_permissions(permissions::BOT_DEFAULT & !permissions::MANAGE_THREADS);
    let id = thread(&mut world);
    let channel = format!("/channels/{id}");
    for form in [
        json!({"name": "x"}),
        json!({"archived": true}),
        json!({"auto_archive_duration": 1440}),
    ] {
        assert_eq!(
            world.act("member", "PATCH", &channel, &form).refusal(),
            (403, 50013),
            "{form}"
        );
    }
    assert_eq!(
        world
            .patch(&channel, json!({"rate_limit_per_user": 1}))
            .refusal(),
        (403, 50013)
    );
    assert_eq!(world.delete(&channel).refusal(), (403, 50013));
    world.act("owner", "DELETE", &channel, &Value::Null).ok();
    assert_eq!(world.get(&channel).refusal(), (404, 10003));
}

#[test]
fn a_thread_outlives_its_starter_but_not_its_channel() {
    let mut world = World::new();
    let channel = world.channel(json!({"name": "rows"}));
    let path = format!("/channels/{channel}/messages");
    let id = text(&world.post(&path, json!({"content": "x"})).ok()["id"]);
    world
        .post(&format!("{path}/{id}/threads"), json!({"name": "history"}))
        .ok();
    let inside = world
        .upload(
            "POST",
            &messages_in(&id),
            &json!({}),
            &[("files[0]", "a", b"a")],
        )
        .ok();
    world.delete(&format!("{path}/{id}")).ok();
    let page = world.get(&messages_in(&id)).ok();
    assert_eq!(
        (&page[0]["id"], &page[1]["referenced_message"]),
        (&inside["id"], &Value::Null)
    );
    world.delete(&format!("/channels/{channel}")).ok();
    assert_eq!(
        world.get(&format!("/channels/{id}")).refusal(),
        (404, 10003)
    );
    assert_eq!(world.discord.counts()["files"], 0);
}

#[test]
fn a_thread_on_an_older_message_is_announced_in_the_channel() {
    let mut world = World::new();
    let id = world.say("row");
    world.rest();
    start(&mut world, &id, json!({"name": "u_1"})).unwrap();
    let path = world.messages();
    let newest = world.get(&format!("{path}?limit=1")).ok()[0].clone();
    assert_eq!(
        (&newest["type"], &newest["content"]),
        (&json!(18), &json!("u_1"))
    );
    assert_eq!(newest["message_reference"]["channel_id"], json!(id));
    let notice = format!("{path}/{}", text(&newest["id"]));
    assert_eq!(
        world.patch(&notice, json!({"content": "mine"})).refusal(),
        (403, 50021)
    );
    world.delete(&notice).ok();
}
