//! Channels whose mark or type somebody changed by hand: what is left in them is not forgotten, and
//! an announcement channel is as good as any.

use crate::crud::on_users;
use crate::takeover::INSPECT;
use crate::world::{World, content, get, insert, shown_rows};
use discord_sim::{GuildSpec, InteractionSpec};
use serde_json::json;

const SECRET: &str =
    r#"/dbc_insert database:prod table:users key:secret value_json:{"iban":"DE02"}"#;

fn patch(world: &mut World, channel: &str, change: serde_json::Value) {
    let patched = world.by_hand("PATCH", &format!("/channels/{channel}"), Some(change));
    assert!(patched.status().is_success());
}

/// Deletes the row for good; what is said in the end.
fn delete_for_good(world: &mut World) -> String {
    let line = on_users("dbc_delete", "key:secret hard:true");
    let sent = world.send(InteractionSpec::text(world.guild.guild_id, &line));
    world.wait_for(sent);
    world.settle();
    world.wait(3_600_000);
    content(&world.wait_for(sent))
}

/// The table's channel lost its mark, and the table has another one now. Comes back with the first.
fn with_a_channel_left(world: &mut World) -> String {
    world.ok(SECRET);
    world.settle();
    world.wait(120_000);
    let channel = world.channel_id("table-users");
    patch(world, &channel, json!({"topic": "our users"}));
    world.evict();
    world.ok(&insert("c"));
    world.settle();
    world.wait(120_000);
    channel
}

#[test]
fn the_last_copy_is_not_gone_while_an_unmarked_channel_shows_it() {
    let mut world = World::with_table(39);
    let left = with_a_channel_left(&mut world);
    let told = world.ok(INSPECT);
    assert!(told.contains(&format!("⚠️ <#{left}>")), "{told}");
    assert!(told.contains("rows of table `users`"), "{told}");
    let told = delete_for_good(&mut world);
    assert!(world.state().to_string().contains("DE02"));
    assert!(!told.contains("The last copy is gone"), "{told}");
    assert!(told.contains(&format!("<#{left}>")), "{told}");
    // It is remembered, and forgotten once it is gone.
    world.evict();
    assert!(world.ok(INSPECT).contains(&left));
    world.by_hand("DELETE", &format!("/channels/{left}"), None);
    assert!(!world.ok(INSPECT).contains(&left));
    world.ok(SECRET);
    world.settle();
    assert!(delete_for_good(&mut world).contains("The last copy is gone"));
    assert!(!world.state().to_string().contains("DE02"));
}

#[test]
fn a_channel_left_that_gets_its_mark_back_goes() {
    let mut world = World::with_table(40);
    let left = with_a_channel_left(&mut world);
    patch(
        &mut world,
        &left,
        json!({"topic": "dbcord:1:table:prod:users:1"}),
    );
    world.evict();
    world.ok(&insert("d"));
    world.settle();
    let state = world.state();
    let mut channels = state["channels"].as_array().unwrap().iter();
    assert!(
        channels.all(|channel| channel["id"] != left.as_str()),
        "{state:#}"
    );
    assert!(!world.ok(INSPECT).contains(&left));
    assert_eq!(shown_rows(&world, "users").len(), 3);
}

#[test]
fn announcement_channels_are_as_good_as_others() {
    let config = discord_sim::Config {
        seed: 41,
        base_url: "http://discord.test".to_owned(),
        message_content_intent: true,
        ..discord_sim::Config::default()
    };
    let guild = GuildSpec {
        news: true,
        ..GuildSpec::named("Test guild")
    };
    let mut world = World::in_guild(config, guild);
    world.ok("/dbc_init database:prod");
    world.ok("/dbc_table_create database:prod table:users pk:id");
    world.ok(SECRET);
    world.settle();
    for name in ["dbc-log", "dbc-catalog", "table-users"] {
        let channel = world.channel_id(name);
        patch(&mut world, &channel, json!({"type": 5}));
    }
    world.evict();
    world.ok(&on_users("dbc_update", r#"key:secret patch_json:{"n":1}"#));
    world.settle();
    world.lose_storage();
    world.ok(&get("secret"));
    world.ok(&insert("c"));
    world.settle();
    let state = world.state();
    let channels = state["channels"].as_array().unwrap().iter();
    let of_users = channels.filter(|channel| channel["name"] == "table-users");
    assert_eq!(of_users.count(), 1);
    assert!(delete_for_good(&mut world).contains("The last copy is gone"));
    assert!(!world.state().to_string().contains("DE02"));
}

#[test]
fn a_log_without_its_mark_is_warned_of_with_what_to_write() {
    let mut world = World::with_table(42);
    world.ok(&insert("a"));
    world.settle();
    let log = world.channel_id("dbc-log");
    patch(&mut world, &log, json!({"topic": "our log"}));
    world.evict();
    world.ok(&insert("b"));
    let told = world.ok(INSPECT);
    let mark = "`dbcord:1:log:prod`";
    assert!(told.contains(mark) && told.contains(&log), "{told}");
    let told = world.refused("/dbc_init database:prod");
    assert!(
        told.contains(mark) && told.contains("holds all data"),
        "{told}"
    );
    world.wipe_storage();
    let told = world.refused("/dbc_init database:prod");
    assert!(told.contains(mark), "{told}");
}

#[test]
fn topics_are_not_shown_raw() {
    let mut world = World::with_table(37);
    let guild = world.guild.guild_id;
    for topic in ["dbcord:1:log:Prod", "dbcord:1:log:x`||spoiler||<@1>"] {
        let body = json!({"name":"x","type":0,"topic":topic});
        world.by_hand("POST", &format!("/guilds/{guild}/channels"), Some(body));
    }
    let told = world.ok("/dbc_databases");
    assert!(!told.contains("x`||spoiler||"), "{told}");
    let told = world.refused("/dbc_get database:prood table:users key:a");
    assert!(!told.contains("`Prod`"), "{told}");
}

#[test]
fn a_channel_that_got_another_table_s_mark_may_show_rows_of_the_first() {
    let mut world = World::with_table(43);
    world.ok("/dbc_table_create database:prod table:posts pk:id");
    world.ok(SECRET);
    world.ok(&insert("a").replace("users", "posts"));
    world.settle();
    world.wait(1_200_000);
    let channels = ["table-users", "table-posts"].map(|name| world.channel(name).unwrap());
    let [users, posts] = &channels;
    for (channel, other) in [(users, posts), (posts, users)] {
        let topic = json!({"topic": other["topic"]});
        patch(&mut world, channel["id"].as_str().unwrap(), topic);
    }
    world.evict();
    world.ok(&insert("c"));
    world.settle();
    let told = delete_for_good(&mut world);
    assert!(world.state().to_string().contains("DE02"));
    assert!(!told.contains("The last copy is gone"), "{told}");
    let left = users["id"].as_str().unwrap();
    assert!(told.contains(&format!("<#{left}>")), "{told}");
}

#[test]
fn a_channel_left_is_known_to_whoever_comes_with_new_storage() {
    for is_taken_over in [false, true] {
        let mut world = World::with_table(44);
        let left = with_a_channel_left(&mut world);
        world.wait(1_200_000);
        if is_taken_over {
            let other = world.deploy_another();
            world.point_at(other);
            world.reply("/dbc_init database:prod takeover:true");
            world.wait(61_000);
        } else {
            world.lose_storage();
        }
        world.ok(&get("c"));
        assert!(world.ok(INSPECT).contains(&left));
        let told = delete_for_good(&mut world);
        assert!(world.state().to_string().contains("DE02"));
        assert!(!told.contains("The last copy is gone"), "{told}");
        assert!(told.contains(&format!("<#{left}>")), "{told}");
        world.by_hand("DELETE", &format!("/channels/{left}"), None);
        assert!(!world.ok(INSPECT).contains(&left));
    }
}
