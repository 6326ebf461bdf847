//! A table that is shown ends with one channel, and one that is not with none, whatever became of the
//! requests that made and renamed channels.

use crate::materialize_edits::update;
use crate::materialize_late::arrive;
use crate::world::{World, insert, shown_rows};
use discord_sim::{Fault, FaultKind};
use serde_json::{Value, json};

const CREATE: &str = "/dbc_table_create database:prod table:notes pk:id";
const DROP: &str = "/dbc_table_drop database:prod table:notes confirm:notes";
const WRITE: &str = r#"/dbc_insert database:prod table:notes key:a value_json:{}"#;
/// The table that every world begins with has id 1.
const NOTES: u32 = 2;

/// The channels that carry the mark of the table with this id.
fn marked(world: &World, table: u32) -> Vec<Value> {
    let state = world.state();
    let channels = state["channels"].as_array().unwrap().iter();
    let is_marked = |channel: &&Value| {
        let topic = channel["topic"].as_str().unwrap_or_default();
        let mark = topic.split_whitespace().next().unwrap_or_default();
        mark.starts_with("dbcord:1:table:prod:") && mark.ends_with(&format!(":{table}"))
    };
    channels.filter(is_marked).cloned().collect()
}

fn names(channels: &[Value]) -> Vec<&str> {
    let names = channels.iter().map(|channel| channel["name"].as_str());
    names.map(Option::unwrap).collect()
}

/// A channel with a mark of ours, made by hand.
fn copy_by_hand(world: &mut World, mark: &str) -> String {
    let body =
        json!({"name": "table-copy", "type": 0, "topic": format!("dbcord:1:table:prod:{mark}")});
    let path = format!("/guilds/{}/channels", world.guild.guild_id);
    let made = world.by_hand("POST", &path, Some(body));
    let made: Value = serde_json::from_slice(made.body()).unwrap();
    made["id"].as_str().unwrap().to_owned()
}

fn set_topic(world: &mut World, channel: &str, topic: &str) {
    let body = Some(json!({ "topic": topic }));
    let set = world.by_hand("PATCH", &format!("/channels/{channel}"), body);
    assert!(set.status().is_success());
}

/// A world in which table `notes` was just created, and the request that makes its channel meets this.
fn with_notes(kind: FaultKind, ms: u64) -> World {
    let mut world = World::with_table(1);
    world.fault(Fault {
        method: Some("POST".into()),
        path: Some("^/guilds/[0-9]+/channels$".into()),
        ms: Some(ms),
        ..Fault::new(kind)
    });
    world.ok(CREATE);
    world
}

/// A world in which table `users` has two channels, and the id of the newer one: the older was lost,
/// and another made; then its mark came back.
fn with_two_channels() -> (World, Value) {
    let mut world = World::with_row(1);
    let older = world.channel_id("table-users");
    set_topic(&mut world, &older, "mine");
    world.evict();
    world.ok(&update("a", 1));
    world.settle();
    let newer = marked(&world, 1)[0]["id"].clone();
    assert_ne!(newer, older.as_str());
    set_topic(&mut world, &older, "dbcord:1:table:prod:users:1");
    (world, newer)
}

#[test]
fn a_table_renamed_while_its_channel_is_being_made_gives_the_channel_its_name() {
    let mut world = with_notes(FaultKind::Delay, 3_000);
    world.wait(1_000);
    world.ok("/dbc_table_rename database:prod table:notes to:drafts");
    world.settle();
    let channels = marked(&world, NOTES);
    assert_eq!(names(&channels), ["table-drafts"]);
    let topic = channels[0]["topic"].as_str().unwrap();
    assert!(
        topic.starts_with("dbcord:1:table:prod:drafts:2 "),
        "{topic}"
    );
}

#[test]
fn a_channel_that_arrives_late_does_not_stay_beside_the_table_s_own() {
    for is_evicted in [false, true] {
        for ms in [25_000, 45_000] {
            let mut world = with_notes(FaultKind::Late, ms);
            world.ok(WRITE);
            if is_evicted {
                world.wait(2_000);
                world.evict();
                world.ok("/dbc_inspect database:prod");
            }
            world.wait(ms);
            arrive(&mut world);
            let at = format!("evicted: {is_evicted}, late by {ms}");
            assert_eq!(marked(&world, NOTES).len(), 2, "{at}");
            world.settle();
            let channels = marked(&world, NOTES);
            assert_eq!(names(&channels), ["table-notes"], "{at}");
            assert_eq!(shown_rows(&world, "notes")["a"].len(), 1, "{at}");
        }
    }
}

#[test]
fn a_channel_that_arrives_after_its_table_was_dropped_does_not_stay() {
    for is_evicted in [false, true] {
        let mut world = with_notes(FaultKind::Late, 30_000);
        world.wait(2_000);
        if is_evicted {
            world.evict();
        }
        world.ok(DROP);
        world.wait(40_000);
        arrive(&mut world);
        world.settle();
        let channels = marked(&world, NOTES);
        assert!(channels.is_empty(), "evicted: {is_evicted}: {channels:?}");
    }
}

#[test]
fn of_several_channels_the_one_that_is_remembered_stays() {
    let (mut world, newer) = with_two_channels();
    world.evict();
    world.ok(&update("a", 2));
    world.settle();
    let channels = marked(&world, 1);
    assert_eq!(channels.len(), 1, "{channels:?}");
    assert_eq!(channels[0]["id"], newer);
    let messages = channels[0]["messages"].as_array().unwrap();
    assert_eq!(messages.len(), 1, "{messages:?}");
}

#[test]
fn of_several_channels_the_one_that_the_checkpoint_names_stays_when_storage_is_new() {
    let (mut world, newer) = with_two_channels();
    world.lose_storage();
    world.ok(&update("a", 2));
    world.settle();
    let channels = marked(&world, 1);
    assert_eq!(channels.len(), 1, "{channels:?}");
    assert_eq!(channels[0]["id"], newer);
}

#[test]
fn a_copy_in_which_people_write_is_left_alone() {
    let mut world = World::with_row(1);
    let own = world.channel_id("table-users");
    let copy = copy_by_hand(&mut world, "users:1");
    let body = Some(json!({"content": "hello"}));
    let path = format!("/channels/{copy}/messages");
    assert!(world.by_hand("POST", &path, body).status().is_success());
    world.evict();
    world.ok(&update("a", 1));
    world.settle();
    assert_eq!(marked(&world, 1).len(), 2);
    assert_eq!(world.channel_id("table-users"), own);
    assert_eq!(shown_rows(&world, "users")["a"].len(), 1);
}

#[test]
fn a_marked_channel_of_a_table_that_is_not_shown_goes() {
    let mut world = World::with_table(1);
    world.ok(&format!("{CREATE} mirror:false"));
    world.settle();
    copy_by_hand(&mut world, "notes:2");
    world.evict();
    world.ok(&insert("a"));
    world.settle();
    let channels = marked(&world, NOTES);
    assert!(channels.is_empty(), "{channels:?}");
}

#[test]
fn a_row_counts_as_gone_for_good_only_when_it_is_in_no_spare_channel_either() {
    let mut world = World::with_row(1);
    let copy = copy_by_hand(&mut world, "users:1");
    let refused = Fault {
        method: Some("DELETE".into()),
        path: Some(format!("^/channels/{copy}$")),
        status: Some(403),
        times: 0,
        body: Some(json!({"code": 50013, "message": "Missing Permissions"})),
        ..Fault::new(FaultKind::Status)
    };
    world.fault(refused);
    world.evict();
    world.ok("/dbc_delete database:prod table:users key:a hard:true");
    // Enough for a checkpoint while the channel still waits, and longer than records of the row must
    // stay in the log for anything else.
    for n in 0..70 {
        world.ok(&insert(&format!("k{n}")));
    }
    world.wait(7_200_000);
    let inspected = world.reply("/dbc_inspect database:prod");
    assert!(
        inspected.contains("copies still being removed"),
        "{inspected}"
    );
    world.clear_faults();
    world.settle();
    assert_eq!(marked(&world, 1).len(), 1);
    let inspected = world.reply("/dbc_inspect database:prod");
    assert!(
        !inspected.contains("copies still being removed"),
        "{inspected}"
    );
}

#[test]
fn a_card_that_the_list_does_not_show_yet_is_not_posted_again() {
    let mut world = World::with_table(40);
    world.ok("/dbc_table_create database:prod table:posts pk:id");
    world.settle();
    world.evict();
    world.stale_reads(4_000);
    // The first card is posted at once; for the second change the catalog has to be read.
    world.ok("/dbc_table_create database:prod table:new pk:id mirror:false");
    world.ok(r#"/dbc_schema_set database:prod table:posts schema_json:{"properties":{"n":"int"}}"#);
    world.ok("/dbc_insert database:prod table:new key:a value_json:{}");
    world.wait(60_000);
    world.stale_reads(0);
    world.settle();
    world.wait(600_000);
    let cards = world.messages("dbc-catalog");
    let of_new = cards.iter().filter(|card| card.starts_with("**new**"));
    assert_eq!(of_new.count(), 1, "{cards:?}");
    // One that somebody deletes is missed all the same.
    world.delete_message("dbc-catalog", "**new**");
    world.evict();
    world.ok("/dbc_table_create database:prod table:other pk:id mirror:false");
    world.ok(r#"/dbc_schema_set database:prod table:posts remove:true"#);
    world.settle();
    let cards = world.messages("dbc-catalog");
    let of_new = cards.iter().filter(|card| card.starts_with("**new**"));
    assert_eq!(of_new.count(), 1, "{cards:?}");
}
