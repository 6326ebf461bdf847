//! Tables and databases that are renamed or dropped take their channels along, and nobody else's.

use crate::host::Side;
use crate::world::{World, insert};
use discord_sim::{Fault, FaultKind};
use serde_json::{Value, json};

fn channel_names(world: &World) -> Vec<String> {
    let state = world.state();
    let channels = state["channels"].as_array().unwrap();
    let names = channels
        .iter()
        .map(|c| c["name"].as_str().unwrap().to_owned());
    names.collect()
}

const DROP_TABLE: &str = "/dbc_table_drop database:prod table:users confirm:users";
const DROP_DATABASE: &str = "/dbc_database_drop database:prod confirm:prod";

#[test]
fn a_renamed_table_renames_its_channel_and_its_card() {
    let mut world = World::with_table(1);
    world.ok(&insert("a"));
    world.settle();
    let id = world.channel_id("table-users");
    let card = world.channel("dbc-catalog").unwrap()["messages"][0]["id"].clone();
    world.ok("/dbc_table_rename database:prod table:users to:members");
    world.settle();
    let channel = world.channel("table-members").unwrap();
    assert_eq!(channel["id"], id);
    assert!(
        channel["topic"]
            .as_str()
            .unwrap()
            .starts_with("dbcord:1:table:prod:members:1 ")
    );
    let catalog = world.channel("dbc-catalog").unwrap();
    assert_eq!(catalog["messages"].as_array().unwrap().len(), 1);
    assert_eq!(catalog["messages"][0]["id"], card);
    assert!(
        catalog["messages"][0]["content"]
            .as_str()
            .unwrap()
            .starts_with("**members**")
    );
}

#[test]
fn renaming_more_often_than_discord_allows_ends_with_the_last_name_and_holds_up_no_row() {
    let mut world = World::with_table(1);
    for (from, to) in [("users", "b"), ("b", "c"), ("c", "d"), ("d", "e")] {
        let line = format!("/dbc_table_rename database:prod table:{from} to:{to}");
        world.ok(&line);
        world.wait(20_000);
    }
    world.ok(r#"/dbc_insert database:prod table:e key:a value_json:{"id":"a"}"#);
    world.wait(20_000);
    let names = channel_names(&world);
    let table = names
        .iter()
        .find(|name| name.starts_with("table-"))
        .unwrap()
        .clone();
    assert_ne!(table, "table-e", "the limit was never met");
    assert_eq!(world.messages(&table).len(), 1);
    world.settle();
    assert_eq!(world.messages("table-e").len(), 1);
}

#[test]
fn a_rename_is_finished_by_whoever_comes_next() {
    for side in [Side::Before, Side::After] {
        for step in 1..=12 {
            let mut world = World::with_table(1);
            world.crash_at(step, side);
            world.run("/dbc_table_rename database:prod table:users to:members");
            world.settle();
            world.cancel_crash();
            let tables = world.ok("/dbc_inspect database:prod");
            world.settle();
            let name = if tables.contains("`members`") {
                "members"
            } else {
                "users"
            };
            let names = channel_names(&world);
            assert!(
                names.contains(&format!("table-{name}")),
                "{side:?} {step}: {names:?}"
            );
            let cards = world.messages("dbc-catalog");
            assert_eq!(cards.len(), 1, "{side:?} {step}");
            assert!(
                cards[0].starts_with(&format!("**{name}**")),
                "{side:?} {step}: {cards:?}"
            );
        }
    }
}

#[test]
fn a_card_that_was_refused_is_not_forgotten_by_an_eviction() {
    let mut world = World::with_table(1);
    let catalog = world.channel_id("dbc-catalog");
    world.fault(Fault {
        method: Some("PATCH".into()),
        path: Some(format!("^/channels/{catalog}/messages/[0-9]+$")),
        status: Some(403),
        body: Some(json!({"code": 50013, "message": "Missing Permissions"})),
        ..Fault::new(FaultKind::Status)
    });
    world.ok("/dbc_table_rename database:prod table:users to:members");
    world.wait(60_000);
    world.evict();
    world.settle();
    let cards = world.messages("dbc-catalog");
    assert!(cards[0].starts_with("**members**"), "{cards:?}");
}

#[test]
fn a_dropped_table_takes_its_channel_and_its_card() {
    let mut world = World::with_table(1);
    world.ok("/dbc_table_create database:prod table:posts pk:id");
    world.ok(&insert("a"));
    world.settle();
    world.ok(DROP_TABLE);
    world.settle();
    assert!(world.channel("table-users").is_none());
    assert!(world.channel("table-posts").is_some());
    let cards = world.messages("dbc-catalog");
    assert!(cards.len() == 1 && cards[0].contains("posts"), "{cards:?}");
    // The name is free, and has a channel of its own again.
    world.ok("/dbc_table_create database:prod table:users pk:id");
    world.ok(&insert("b"));
    world.settle();
    assert_eq!(world.messages("table-users").len(), 1);
}

#[test]
fn a_table_dropped_while_its_rows_are_being_shown_leaves_nothing() {
    for delay in [0, 300, 900, 2_500] {
        let mut world = World::with_table(1);
        for n in 0..8 {
            world.ok(&insert(&format!("k{n}")));
        }
        world.wait(delay);
        world.ok(DROP_TABLE);
        world.settle();
        let names = channel_names(&world);
        assert!(
            !names.iter().any(|name| name.starts_with("table-")),
            "{delay}: {names:?}"
        );
        assert_eq!(world.messages("dbc-catalog").len(), 0, "{delay}");
    }
}

#[test]
fn a_crash_at_any_step_of_a_table_drop_leaves_nothing_of_it() {
    for side in [Side::Before, Side::After] {
        for step in 1..=14 {
            let mut world = World::with_table(1);
            world.ok(&insert("a"));
            world.settle();
            world.crash_at(step, side);
            world.run(DROP_TABLE);
            world.settle();
            world.cancel_crash();
            let is_dropped = !world.ok("/dbc_inspect database:prod").contains("`users`");
            world.settle();
            let is_gone = world.channel("table-users").is_none();
            assert_eq!(is_gone, is_dropped, "{side:?} step {step}");
            let cards = world.messages("dbc-catalog").len();
            assert_eq!(cards, usize::from(!is_dropped), "{side:?} step {step}");
        }
    }
}

#[test]
fn a_channel_whose_mark_was_taken_off_survives_its_tables_drop() {
    let mut world = World::with_table(1);
    world.ok(&insert("a"));
    world.settle();
    let id = world.channel_id("table-users");
    let body = json!({"topic": "ours now", "name": "chat"});
    let path = format!("/channels/{id}");
    assert!(
        world
            .by_hand("PATCH", &path, Some(body))
            .status()
            .is_success()
    );
    world.ok(DROP_TABLE);
    world.settle();
    assert_eq!(world.messages("chat").len(), 1);
}

#[test]
fn a_marked_channel_that_the_log_does_not_know_is_left_alone() {
    let mut world = World::with_table(1);
    let body = json!({"name": "table-later", "type": 0, "topic": "dbcord:1:table:prod:later:9"});
    let path = format!("/guilds/{}/channels", world.guild.guild_id);
    assert!(
        world
            .by_hand("POST", &path, Some(body))
            .status()
            .is_success()
    );
    world.evict();
    world.ok(&insert("a"));
    world.settle();
    assert!(world.channel("table-later").is_some());
}

fn check_gone(world: &mut World, at: &str) {
    let left: Vec<String> = channel_names(world);
    let ours = ["dbcord-prod", "dbc-log", "dbc-catalog", "table-users"];
    let left: Vec<&String> = left
        .iter()
        .filter(|name| ours.contains(&name.as_str()))
        .collect();
    assert!(left.is_empty(), "{at}: {left:?}");
    let reply = world.refused("/dbc_inspect database:prod");
    assert!(
        reply.contains("there is no database `prod`"),
        "{at}: {reply}"
    );
    // And the name can be used again.
    world.wait(60_000);
    world.ok("/dbc_init database:prod");
    world.ok("/dbc_table_create database:prod table:users pk:id");
    world.ok(&insert("again"));
    world.settle();
    assert_eq!(world.messages("table-users").len(), 1, "{at}");
}

#[test]
fn a_dropped_database_leaves_nothing_and_its_neighbours_alone() {
    let mut world = World::with_table(1);
    world.ok(&insert("a"));
    world.ok("/dbc_init database:other");
    world.ok("/dbc_table_create database:other table:things pk:id");
    world.settle();
    world.ok(DROP_DATABASE);
    world.settle();
    let names = channel_names(&world);
    assert!(names.contains(&"table-things".to_owned()), "{names:?}");
    world.ok("/dbc_inspect database:other");
    let log = names.iter().filter(|name| *name == "dbc-log").count();
    assert_eq!(log, 1, "{names:?}");
    assert!(!names.contains(&"dbcord-prod".to_owned()), "{names:?}");
}

#[test]
fn a_category_with_somebody_elses_channel_stays() {
    let mut world = World::with_table(1);
    let category = world.channel_id("dbcord-prod");
    let body = json!({"name": "lounge", "type": 0, "parent_id": category});
    let path = format!("/guilds/{}/channels", world.guild.guild_id);
    assert!(
        world
            .by_hand("POST", &path, Some(body))
            .status()
            .is_success()
    );
    world.ok(DROP_DATABASE);
    world.settle();
    let names = channel_names(&world);
    assert!(names.contains(&"lounge".to_owned()) && names.contains(&"dbcord-prod".to_owned()));
    assert!(!names.contains(&"dbc-log".to_owned()));
}

#[test]
fn a_crash_at_any_step_of_a_database_drop_leaves_nothing_of_it() {
    let mut dry = World::with_table(1);
    dry.ok(&insert("a"));
    dry.settle();
    let before = dry.steps();
    dry.ok(DROP_DATABASE);
    dry.settle();
    let steps = dry.steps() - before;
    assert!(steps > 12, "only {steps} steps");
    check_gone(&mut dry, "no crash");
    for side in [Side::Before, Side::After] {
        for step in 1..=steps {
            let at = format!("{side:?} step {step}");
            let mut world = World::with_table(1);
            world.ok(&insert("a"));
            world.settle();
            world.crash_at(step, side);
            world.run(DROP_DATABASE);
            world.settle();
            world.cancel_crash();
            // Whoever asks next finds it dropped, gone, or untouched.
            let reply = world.reply("/dbc_inspect database:prod");
            if reply.contains("last commit") {
                world.ok(DROP_DATABASE);
            }
            world.settle();
            check_gone(&mut world, &at);
        }
    }
}

#[test]
fn a_refused_deletion_is_tried_again() {
    let mut world = World::with_table(1);
    world.settle();
    world.fault(Fault {
        method: Some("DELETE".into()),
        path: Some("^/channels/[0-9]+$".into()),
        status: Some(403),
        body: Some(json!({"code": 50013, "message": "Missing Permissions"})),
        times: 3,
        ..Fault::new(FaultKind::Status)
    });
    world.ok(DROP_DATABASE);
    world.settle();
    check_gone(&mut world, "after refusals");
    let state: Value = world.state();
    assert!(state["channels"].is_array());
}
