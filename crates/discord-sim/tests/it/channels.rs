use discord_sim::GuildSpec;
use serde_json::{Value, json};

use crate::support::{World, text};

#[test]
fn a_text_channels_name_is_tidied_and_a_categorys_is_not() {
    let mut world = World::new();
    let path = format!("/guilds/{}/channels", world.guild.guild_id);
    let category = world.post(&path, json!({"name": "DBCord Prod", "type": 4}));
    assert_eq!(category.status, 201);
    assert_eq!(
        (&category.body["name"], &category.body["type"]),
        (&json!("DBCord Prod"), &json!(4))
    );
    let parent = text(&category.body["id"]);
    let channel = world
        .post(
            &path,
            json!({"name": " Table  Users.v2! ", "topic": "dbcord:1:table", "parent_id": parent}),
        )
        .ok();
    assert_eq!(channel["name"], "table-usersv2");
    assert_eq!(
        (&channel["topic"], &channel["parent_id"]),
        (&json!("dbcord:1:table"), &json!(parent))
    );
    assert_eq!(
        world
            .get(&format!("/channels/{}", text(&channel["id"])))
            .ok(),
        channel
    );
}

#[test]
fn names_topics_and_parents_are_checked() {
    let mut world = World::new();
    let path = format!("/guilds/{}/channels", world.guild.guild_id);
    let general = world.general();
    for (body, field) in [
        (json!({}), "name"),
        (json!({"name": ""}), "name"),
        (json!({"name": "..."}), "name"),
        (json!({"name": "x".repeat(101)}), "name"),
        (json!({"name": "x", "topic": "x".repeat(1_025)}), "topic"),
        (json!({"name": "x", "type": 2}), "type"),
        (json!({"name": "x", "parent_id": "1"}), "parent_id"),
        (json!({"name": "x", "parent_id": general}), "parent_id"),
        (json!({"name": "x", "parent_id": "abc"}), "parent_id"),
        (
            json!({"name": "x", "permission_overwrites": [{"id": "1", "type": 0}]}),
            "permission_overwrites",
        ),
    ] {
        let refused = world.post(&path, body);
        assert_eq!(refused.refusal(), (400, 50035), "{field}");
        assert!(
            refused.body["errors"][field].is_object(),
            "{field}: {}",
            refused.body
        );
        world.rest();
    }
}

#[test]
fn a_category_holds_fifty_and_a_guild_five_hundred() {
    let mut world = World::new();
    let path = format!("/guilds/{}/channels", world.guild.guild_id);
    let mut parent = Value::Null;
    // 9 full categories make 459, with `general` 460.
    for n in 0..9 {
        parent = json!(world.channel(json!({"name": format!("c{n}"), "type": 4})));
        world.rest();
        for m in 0..50 {
            world.channel(json!({"name": format!("t{m}"), "parent_id": parent}));
            world.now += 2_000;
        }
    }
    let refused = world.post(&path, json!({"name": "x", "parent_id": parent}));
    assert_eq!(
        refused.body["errors"]["parent_id"]["_errors"][0]["code"],
        "CHANNEL_PARENT_MAX_CHANNELS"
    );
    for n in 0..40 {
        world.now += 2_000;
        world.channel(json!({"name": format!("x{n}")}));
    }
    world.rest();
    assert_eq!(
        world.post(&path, json!({"name": "x"})).refusal(),
        (400, 30013)
    );
    let shown = world.get(&path).ok();
    assert_eq!(shown.as_array().unwrap().len(), 500);
}

#[test]
fn name_and_topic_change_twice_in_ten_minutes() {
    let mut world = World::new();
    let id = world.channel(json!({"name": "x"}));
    let path = format!("/channels/{id}");
    world.patch(&path, json!({"topic": "1"})).ok();
    world.patch(&path, json!({"topic": "1"})).ok();
    world.patch(&path, json!({"name": "y"})).ok();
    let refused = world.patch(&path, json!({"topic": "2"}));
    assert_eq!(refused.status, 429);
    assert_ne!(
        refused.header("x-ratelimit-remaining"),
        "0",
        "no header announced it"
    );
    assert_eq!(refused.header("retry-after"), "600");
    world.patch(&path, json!({"position": 3})).ok();
    world.now += 10 * 60 * 1_000;
    assert_eq!(world.patch(&path, json!({"topic": "2"})).ok()["topic"], "2");
}

#[test]
fn a_deleted_channel_takes_its_messages_along() {
    let mut world = World::new();
    let category = world.channel(json!({"name": "c", "type": 4}));
    let id = world.channel(json!({"name": "x", "parent_id": category}));
    world
        .post(&format!("/channels/{id}/messages"), json!({"content": "x"}))
        .ok();
    world.delete(&format!("/channels/{category}")).ok();
    assert_eq!(
        world.get(&format!("/channels/{id}")).ok()["parent_id"],
        Value::Null
    );
    assert_eq!(world.delete(&format!("/channels/{id}")).ok()["name"], "x");
    assert_eq!(
        world.get(&format!("/channels/{id}/messages")).refusal(),
        (404, 10003)
    );
}

#[test]
fn a_new_channel_takes_its_categorys_overwrites_unless_it_brings_its_own() {
    let mut world = World::new();
    let overwrite = json!([{"id": world.guild.guild_id, "type": 0, "allow": "0", "deny": "2048"}]);
    let category =
        world.channel(json!({"name": "c", "type": 4, "permission_overwrites": overwrite}));
    let path = format!("/guilds/{}/channels", world.guild.guild_id);
    let follows = world
        .post(&path, json!({"name": "x", "parent_id": category}))
        .ok();
    assert_eq!(follows["permission_overwrites"], overwrite);
    let own = world
        .post(
            &path,
            json!({"name": "y", "parent_id": category, "permission_overwrites": []}),
        )
        .ok();
    assert_eq!(own["permission_overwrites"], json!([]));
}

#[test]
fn channels_can_be_reordered_and_moved() {
    let mut world = World::new();
    let category = world.channel(json!({"name": "c", "type": 4}));
    let id = world.channel(json!({"name": "x"}));
    let path = format!("/guilds/{}/channels", world.guild.guild_id);
    let moves = json!([{"id": id, "position": 9, "parent_id": category}]);
    assert_eq!(world.patch(&path, moves).status, 204);
    let moved = world.get(&format!("/channels/{id}")).ok();
    assert_eq!(
        (&moved["position"], &moved["parent_id"]),
        (&json!(9), &json!(category))
    );
    assert_eq!(
        world.patch(&path, json!([{"id": "1"}])).refusal(),
        (400, 50035)
    );
}

#[test]
fn the_guild_and_its_people_can_be_read() {
    let mut world = World::new();
    let guild = world.guild.guild_id;
    let bot = world.discord.application().bot_user_id;
    let body = world.get(&format!("/guilds/{guild}?with_counts=true")).ok();
    assert_eq!(body["approximate_member_count"], 3);
    assert_eq!(world.get("/users/@me").ok()["id"], json!(bot));
    assert_eq!(world.get("/users/@me/guilds").ok()[0]["id"], json!(guild));
    assert_eq!(
        world.get("/applications/@me").ok()["id"],
        json!(world.discord.application().id)
    );
    let member = world.get(&format!("/guilds/{guild}/members/{bot}")).ok();
    let roles = world.get(&format!("/guilds/{guild}/roles")).ok();
    let managed = roles
        .as_array()
        .unwrap()
        .iter()
        .find(|role| role["managed"] == true)
        .unwrap();
    assert_eq!(member["roles"], json!([managed["id"]]));
    assert_eq!(managed["tags"]["bot_id"], json!(bot));
    assert_eq!(world.get("/guilds/1").refusal(), (404, 10004));
    assert_eq!(
        world.get(&format!("/guilds/{guild}/members/1")).refusal(),
        (404, 10013)
    );
}

#[test]
fn text_and_announcement_channels_become_each_other_where_the_guild_has_news() {
    let mut plain = World::new();
    let general = format!("/channels/{}", plain.general());
    let refused = plain.patch(&general, json!({"type": 5}));
    assert_eq!(refused.refusal(), (400, 50035));
    let mut world = World::with(GuildSpec {
        news: true,
        ..GuildSpec::named("g")
    });
    let general = format!("/channels/{}", world.general());
    world.patch(&general, json!({"topic": "hello"})).ok();
    let changed = world.patch(&general, json!({"type": 5})).ok();
    assert_eq!(
        (&changed["type"], &changed["topic"]),
        (&json!(5), &json!("hello"))
    );
    let message = world.post(&format!("{general}/messages"), json!({"content": "x"}));
    let path = format!("{general}/messages/{}/threads", text(&message.ok()["id"]));
    assert_eq!(world.post(&path, json!({"name": "t"})).body["type"], 10);
    let refused = world.patch(&general, json!({"type": 4}));
    assert_eq!(refused.refusal(), (400, 50035));
    assert_eq!(world.patch(&general, json!({"type": 0})).ok()["type"], 0);
    let path = format!("/guilds/{}/channels", world.guild.guild_id);
    assert_eq!(
        world.post(&path, json!({"name": "n", "type": 5})).body["type"],
        5
    );
}
