//! Channels follow the state, whatever happened to them.

use crate::world::{World, get, insert, shown_rows};
use discord_sim::{Fault, FaultKind, InteractionSpec};
use serde_json::json;

#[test]
fn once_quiet_a_second_look_changes_nothing() {
    let mut world = World::with_table(2);
    world.ok(r#"/dbc_insert database:prod table:users key:a value_json:{"id":"a"}"#);
    world.settle();
    let state = world.state();
    let before = world.requests().len();
    world.evict();
    world.ok("/dbc_get database:prod table:users key:a");
    world.settle();
    assert_eq!(world.state(), state);
    let requests: Vec<_> = world.requests()[before..]
        .iter()
        .filter(|(_, path, _)| {
            path.starts_with("/channels")
                || path.starts_with("/guilds")
                || path.starts_with("/users")
        })
        .map(|(method, path, _)| format!("{method} {}", path.split('?').next().unwrap()))
        .collect();
    assert_eq!(requests.len(), 2, "{requests:?}");
}

#[test]
fn wiped_object_storage_loses_nothing_and_repeats_nothing() {
    let mut world = World::with_table(3);
    for n in 0..8 {
        world.ok(&format!(
            r#"/dbc_insert database:prod table:users key:k{n} value_json:{{"id":"k{n}"}}"#
        ));
    }
    world.settle();
    let shown = world.messages("table-users");
    let cards = world.messages("dbc-catalog");
    world.lose_storage();
    for n in 0..8 {
        world.ok(&format!("/dbc_get database:prod table:users key:k{n}"));
    }
    world.settle();
    assert_eq!(world.messages("table-users"), shown);
    assert_eq!(world.messages("dbc-catalog"), cards);
}

#[test]
fn a_table_channel_deleted_by_hand_is_made_again_with_its_rows() {
    let mut world = World::with_table(4);
    world.ok(r#"/dbc_insert database:prod table:users key:a value_json:{"id":"a"}"#);
    world.settle();
    let channel = world.channel("table-users").unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    world.by_hand("DELETE", &format!("/channels/{channel}"), None);
    world.ok(r#"/dbc_insert database:prod table:users key:b value_json:{"id":"b"}"#);
    world.settle();
    let rows = shown_rows(&world, "users");
    assert_eq!((rows["a"].len(), rows["b"].len()), (1, 1));
}

#[test]
fn a_deleted_row_message_is_posted_again_and_no_other() {
    let mut world = World::with_table(1);
    for key in ["a", "b"] {
        world.ok(&insert(key));
    }
    world.settle();
    world.wait(400_000);
    world.ok(&insert("c"));
    world.settle();
    world.delete_message("table-users", "**c**");
    world.lose_storage();
    let before = world.requests().len();
    world.ok(&get("a"));
    world.settle();
    let rows = shown_rows(&world, "users");
    assert!(
        world.requests().len() - before < 100,
        "{} requests",
        world.requests().len() - before
    );
    for key in ["a", "b", "c"] {
        assert_eq!(rows[key].len(), 1, "{key}");
    }
}

#[test]
fn a_row_message_deleted_before_it_was_noted_is_posted_again() {
    let mut world = World::with_table(1);
    for key in ["a", "b"] {
        world.ok(&insert(key));
    }
    world.settle();
    world.wait(400_000);
    // the answer to c's row post is lost; a moderator deletes the message while we wait for it
    world.fault_on_posts(
        "table-users",
        Fault {
            times: 1,
            ..Fault::new(FaultKind::LostResponse)
        },
    );
    world.ok(&insert("c"));
    world.wait(3_000);
    world.delete_message("table-users", "**c**");
    world.settle();
    let rows = shown_rows(&world, "users");
    for key in ["a", "b", "c"] {
        assert_eq!(rows.get(key).map_or(0, Vec::len), 1, "{key}");
    }
}

#[test]
fn a_remade_channel_is_finished_by_whoever_comes_next() {
    let mut world = World::with_table(1);
    for n in 0..12 {
        world.ok(&insert(&format!("k{n}")));
    }
    world.settle();
    world.delete_channel("table-users");
    world.ok(&insert("new"));
    world.wait(4_000);
    world.evict();
    world.ok(&get("k0"));
    world.settle();
    world.ok(&insert("newer"));
    world.settle();
    assert_eq!(shown_rows(&world, "users").len(), 14);
}

#[test]
fn init_does_not_make_a_lost_channel_forgotten() {
    let mut world = World::with_table(1);
    world.ok(&insert("a"));
    world.settle();
    world.delete_channel("table-users");
    world.ok("/dbc_init database:prod");
    world.settle();
    world.evict();
    world.ok(&insert("b"));
    world.settle();
    let rows = shown_rows(&world, "users");
    assert_eq!((rows.get("a").map_or(0, Vec::len), rows["b"].len()), (1, 1));
}

#[test]
fn a_remade_catalog_gets_its_cards_after_an_eviction() {
    let mut world = World::with_table(1);
    world.delete_channel("dbc-catalog");
    world.ok("/dbc_init database:prod");
    world.evict();
    world.settle();
    world.ok("/dbc_inspect database:prod");
    world.settle();
    assert_eq!(world.messages("dbc-catalog").len(), 1);
}

#[test]
fn a_table_channel_deleted_while_nothing_ran_is_made_again() {
    let mut world = World::with_table(1);
    world.ok(&insert("a"));
    world.settle();
    world.delete_channel("table-users");
    world.ok(&insert("b"));
    world.evict();
    world.settle();
    let rows = shown_rows(&world, "users");
    assert_eq!(
        (
            rows.get("a").map_or(0, Vec::len),
            rows.get("b").map_or(0, Vec::len)
        ),
        (1, 1)
    );
}

#[test]
fn a_catalog_deleted_while_nothing_ran_is_made_again() {
    let mut world = World::with_table(1);
    world.delete_channel("dbc-catalog");
    world.ok("/dbc_table_create database:prod table:posts pk:id");
    world.evict();
    world.ok(&insert("a"));
    world.settle();
    assert_eq!(shown_rows(&world, "users").get("a").map_or(0, Vec::len), 1);
    assert_eq!(world.messages("dbc-catalog").len(), 2);
}

#[test]
fn a_deleted_category_stops_nothing() {
    let mut world = World::with_table(1);
    world.delete_channel("dbcord-prod");
    world.ok("/dbc_table_create database:prod table:posts pk:id");
    world.ok(&insert("a"));
    world.settle();
    assert_eq!(shown_rows(&world, "users").get("a").map_or(0, Vec::len), 1);
}

#[test]
fn a_row_posted_without_an_answer_is_looked_for_first() {
    let mut world = World::with_table(1);
    let table_posts = "^/channels/[0-9]+/messages$".to_owned();
    world.ok(&insert("warm"));
    world.settle();
    world.fault_on_posts(
        "table-users",
        Fault {
            times: 1,
            ..Fault::new(FaultKind::LostResponse)
        },
    );
    let _ = table_posts;
    world.ok(&insert("a"));
    // Discord is down for seven minutes from then on
    world.wait(2_000);
    world.fault(Fault {
        path: Some("^/channels".into()),
        status: Some(503),
        times: 0,
        ..Fault::new(FaultKind::Status)
    });
    world.wait(420_000);
    world.clear_faults();
    world.settle();
    assert_eq!(shown_rows(&world, "users")["a"].len(), 1);
    world.lose_storage();
    world.ok(&get("a"));
    world.settle();
    assert_eq!(shown_rows(&world, "users")["a"].len(), 1);
}

#[test]
fn a_twin_that_arrives_late_is_removed_at_the_next_reading() {
    let mut world = World::with_table(1);
    world.ok(&insert("warm"));
    world.settle();
    world.ok(&insert("a"));
    world.post_late(400_000);
    world.settle();
    world.wait(500_000);
    world.lose_storage();
    world.ok(&get("a"));
    world.settle();
    assert_eq!(shown_rows(&world, "users")["a"].len(), 1);
}

#[test]
fn init_and_the_alarm_do_not_both_make_a_catalog() {
    let mut worst = 0;
    for delay in (0..1_500).step_by(50) {
        let mut world = World::with_table(1);
        world.delete_channel("dbc-catalog");
        let a = world.send(InteractionSpec::text(
            world.guild.guild_id,
            "/dbc_table_create database:prod table:posts pk:id",
        ));
        world.wait(delay);
        let b = world.send(InteractionSpec::text(
            world.guild.guild_id,
            "/dbc_init database:prod",
        ));
        world.wait_for(a);
        world.wait_for(b);
        world.settle();
        let n = world.state()["channels"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|c| c["name"] == "dbc-catalog")
            .count();
        if n > 1 {
            println!("delay {delay}: {n} catalogs");
        }
        worst = worst.max(n);
    }
    assert_eq!(worst, 1);
}

#[test]
fn a_channel_that_refuses_stops_no_other() {
    let mut world = World::with_table(1);
    world.ok("/dbc_table_create database:prod table:posts pk:id");
    world.ok(&insert("a"));
    world.settle();
    // Send Messages
    world.deny_bot("table-users", 1 << 11);
    world.ok(&insert("b"));
    world.ok(r#"/dbc_insert database:prod table:posts key:p value_json:{"id":"p"}"#);
    world.settle();
    assert_eq!(
        shown_rows(&world, "posts").get("p").map_or(0, Vec::len),
        1,
        "posts is not shown because users cannot be"
    );
}

#[test]
fn a_channel_that_cannot_be_read_is_not_taken_for_an_empty_one() {
    let mut world = World::with_table(1);
    for n in 0..3 {
        world.ok(&insert(&format!("k{n}")));
    }
    world.settle();
    world.wait(400_000);
    // Read Message History
    world.deny_bot("table-users", 1 << 16);
    world.lose_storage();
    world.ok(&get("k0"));
    world.settle();
    assert_eq!(shown_rows(&world, "users")["k0"].len(), 1);
}

#[test]
fn a_channel_without_our_mark_is_left_alone() {
    let mut world = World::with_table(1);
    world.ok(&insert("a"));
    world.settle();
    let table = world.channel_id("table-users");
    let r = world.by_hand(
        "PATCH",
        &format!("/channels/{table}"),
        Some(json!({"topic": "our chat now", "name": "chat"})),
    );
    assert!(r.status().is_success());
    world.evict();
    world.ok(&insert("b"));
    world.settle();
    assert_eq!(world.messages("chat").len(), 1);
}

#[test]
fn a_card_of_an_earlier_database_is_not_taken_for_ours() {
    let mut world = World::with_table(1);
    world.ok(&insert("a"));
    world.settle();
    // What the refusal recommends: log gone, delete the tables.
    world.delete_channel("dbc-log");
    world.delete_channel("table-users");
    world.evict();
    world.refused("/dbc_inspect database:prod");
    world.ok("/dbc_init database:prod");
    world.ok("/dbc_table_create database:prod table:posts pk:id");
    world.evict();
    world.settle();
    let cards = world.messages("dbc-catalog");
    assert!(cards.len() == 1 && cards[0].contains("posts"));
}

#[test]
fn closing_under_a_running_alarm_forgets_no_row() {
    let mut world = World::with_table(1);
    world.ok(&insert("warm"));
    world.settle();
    let log = world.channel_id("dbc-log");
    for n in 0..12 {
        world.ok(&insert(&format!("r{n}")));
    }
    world.fault_on_posts(
        "dbc-log",
        Fault {
            times: 5,
            ..Fault::new(FaultKind::Status)
        },
    );
    world.fault(Fault {
        method: Some("GET".into()),
        path: Some(format!("^/channels/{log}/messages$")),
        times: 5,
        ..Fault::new(FaultKind::Status)
    });
    world.clear_faults();
    world.settle();
    let shown = shown_rows(&world, "users").len();
    assert!(shown >= 13, "{shown}");
}
