//! Checkpoints: opening costs little, whatever was written before; and what a checkpoint covers is
//! read from it exactly.

use std::collections::BTreeMap;

use crate::crud::on_users;
use crate::world::{World, get, insert, shown_rows};
use dbcord_simulation::harness::ledger::Event;
use discord_sim::FaultKind;
use serde_json::{Value, json};

/// Requests that a command cost, by method and path.
pub fn requests_of(world: &mut World, command: &str) -> (String, Vec<String>) {
    let before = world.requests().len();
    let reply = world.reply(command);
    let sent = world.requests().split_off(before);
    let sent = sent
        .into_iter()
        .map(|(method, path, _)| format!("{method} {path}"));
    (reply, sent.collect())
}

/// Of the log's messages: records that are checkpoints, and files of checkpoints.
fn checkpoints(world: &World) -> (usize, usize) {
    let log = world.messages("dbc-log");
    let files = log.iter().filter(|text| text.starts_with("§ "));
    (world.checkpoints(), files.count())
}

#[test]
fn a_quiet_database_is_checkpointed_and_opens_from_it() {
    let mut world = World::with_table(1);
    for key in ["a", "b", "c"] {
        world.ok(&insert(key));
    }
    world.settle();
    let (records, files) = checkpoints(&world);
    assert!(
        records >= 1 && files >= 1,
        "{:#?}",
        world.messages("dbc-log")
    );
    let quiet = world.requests().len();
    world.wait(3_600_000);
    assert_eq!(world.requests().len(), quiet, "nothing is left to do");
    world.evict();
    let (reply, sent) = requests_of(&mut world, &get("b"));
    assert!(reply.contains("rev 1"), "{reply}");
    // The newest page, then the file, whose address came with the page.
    assert_eq!(sent.len(), 3, "{sent:#?}");
    world.ok(&insert("d"));
    world.settle();
    for key in ["a", "b", "c", "d"] {
        world.ok(&get(key));
    }
    world.lose_storage();
    for key in ["a", "b", "c", "d"] {
        world.ok(&get(key));
    }
}

#[test]
fn a_long_log_is_not_read_again() {
    let mut world = World::with_table(2);
    for n in 0..150 {
        world.ok(&insert(&format!("k{n}")));
    }
    world.settle();
    assert!(checkpoints(&world).0 >= 2);
    world.evict();
    let (reply, sent) = requests_of(&mut world, &get("k77"));
    assert!(reply.contains("rev 1"), "{reply}");
    assert!(sent.len() <= 6, "{sent:#?}");
    for n in 0..150 {
        world.ok(&get(&format!("k{n}")));
    }
    let state: Value = world.state();
    assert!(state.is_object());
}

#[test]
fn a_table_without_its_segments_is_read_back_from_its_messages() {
    let mut world = World::with_table(3);
    for key in ["a", "b", "c", "d"] {
        world.ok(&insert(key));
    }
    world.settle();
    world.ok("/dbc_table_create database:prod table:posts pk:id");
    world.ok(r#"/dbc_insert database:prod table:posts key:p value_json:{"id":"p"}"#);
    world.settle();
    // The files of all checkpoints are gone, and so are the records that they cover.
    world.delete_messages("dbc-log", |text| {
        text.starts_with("§ ") || (text.contains(" put") && text.contains("users/"))
    });
    world.evict();
    for key in ["a", "b", "c", "d"] {
        world.ok(&get(key));
    }
    world.ok(&insert("e"));
    world.settle();
    // And are kept again.
    assert!(checkpoints(&world).1 >= 1);
    world.evict();
    let (reply, sent) = requests_of(&mut world, &get("d"));
    assert!(reply.contains("rev 1"), "{reply}");
    assert!(sent.len() <= 3, "{sent:#?}");
}

#[test]
fn a_table_that_nothing_gives_back_is_said_to_be_lost_and_the_others_go_on() {
    let mut world = World::with_table(4);
    for key in ["a", "b"] {
        world.ok(&insert(key));
    }
    world.ok("/dbc_table_create database:prod table:posts pk:id");
    world.settle();
    world.delete_messages("dbc-log", |text| {
        text.starts_with("§ ") || text.contains("users/a put")
    });
    world.delete_message("table-users", "**a**");
    world.evict();
    let reply = world.refused(&get("b"));
    assert!(reply.contains("are not the 2 that it has"), "{reply}");
    assert!(world.refused(&insert("c")).contains("Nothing was written"));
    world.ok(r#"/dbc_insert database:prod table:posts key:p value_json:{"id":"p"}"#);
}

#[test]
fn a_commit_in_a_file_made_while_a_checkpoint_is_taken_is_read() {
    let mut world = World::with_table(5);
    world.ok(&insert("a"));
    // The answer to the checkpoint's file is slow; meanwhile a commit goes ahead of its record.
    world.fault_on_log_post(FaultKind::Delay, 1);
    world.wait(4_000);
    let text = "é`".repeat(2_000);
    world.ok(&format!(
        r#"/dbc_insert database:prod table:users key:large value_json:{{"id":"large","t":"{text}"}}"#
    ));
    world.wait(4_000);
    world.evict();
    let log = world.messages("dbc-log");
    let large = log.iter().position(|text| text.contains("users/large put"));
    let checkpoint = log
        .iter()
        .rposition(|text| text.contains("· checkpoint of"));
    assert!(large < checkpoint, "{log:#?}");
    world.ok(&get("a"));
    world.run(&get("large"));
    world.ok(r#"/dbc_update database:prod table:users key:large patch_json:{"n":1}"#);
}

#[test]
fn where_attachments_are_refused_checkpoints_are_text() {
    let mut world = World::new(6);
    world.refuse_files();
    world.ok("/dbc_init database:prod");
    world.ok("/dbc_table_create database:prod table:users pk:id");
    for n in 0..80 {
        let text = format!(
            "{:x}",
            (n + 1u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834)
        );
        world.ok(&format!(
            r#"/dbc_insert database:prod table:users key:k{n} value_json:{{"id":"k{n}","t":"{}"}}"#,
            text.repeat(5)
        ));
    }
    world.settle();
    let parts = world.messages("dbc-log");
    let parts = parts
        .iter()
        .filter(|text| text.contains(" · part "))
        .count();
    assert!(parts >= 1, "{:#?}", world.messages("dbc-log"));
    assert!(world.ok("/dbc_inspect database:prod").contains("refused"));
    world.evict();
    let (reply, sent) = requests_of(&mut world, &get("k7"));
    assert!(reply.contains("rev 1"), "{reply}");
    assert!(sent.len() < 20, "{sent:#?}");
    // So are large commits.
    let text = "é`".repeat(2_500);
    let large = format!(
        r#"/dbc_insert database:prod table:users key:large value_json:{{"id":"large","t":"{text}"}}"#
    );
    world.ok(&large);
    world.lose_storage();
    world.ok(&get("large"));
    for n in 0..80 {
        world.ok(&get(&format!("k{n}")));
    }
}

#[test]
fn files_that_are_refused_later_are_made_up_for_by_messages() {
    let mut world = World::with_table(7);
    for key in ["a", "b", "c"] {
        world.ok(&insert(key));
    }
    world.settle();
    world.refuse_files();
    world.evict();
    for key in ["a", "b", "c"] {
        world.ok(&get(key));
    }
    world.ok(&insert("d"));
    world.settle();
    world.evict();
    world.ok(&get("d"));
}

#[test]
fn a_row_that_was_read_back_from_the_log_keeps_its_message() {
    let mut world = World::with_table(8);
    // Too long for a message, so that the document stands in a file beside it.
    let long = "x".repeat(2_500);
    let long = format!(r#"{{"id":"a","t":"{long}"}}"#);
    world.ok(&format!(
        "/dbc_insert database:prod table:users key:a value_json:{long}"
    ));
    world.settle();
    let ids = |world: &World| {
        let channel = world.channel("table-users").unwrap();
        let messages = channel["messages"].as_array().unwrap().iter();
        messages.map(|m| m["id"].clone()).collect::<Vec<Value>>()
    };
    let before = ids(&world);
    world.refuse_files();
    world.evict();
    world.ok(&on_users("dbc_update", r#"key:a patch_json:{"t":"short"}"#));
    world.settle();
    assert_eq!(ids(&world), before);
    let rows = shown_rows(&world, "users");
    assert!(rows["a"][0].starts_with("**a** · rev 2\n"), "{rows:?}");
}

#[test]
fn the_background_keeps_within_its_share_with_a_checkpoint() {
    let mut world = World::with_table(31);
    world.ok("/dbc_table_create database:prod table:posts pk:id");
    world.keep_ledger();
    for table in ["users", "posts"] {
        for some in 0..20 {
            let keys = (0..10).map(|n| format!("r{}", some * 10 + n));
            let ops: Value = keys
                .map(|key| json!({"op": "insert", "table": table, "key": key, "value": {}}))
                .collect();
            world.ok(&format!("/dbc_transact database:prod ops_json:{ops}"));
        }
    }
    world.settle();
    let mut alarms: BTreeMap<Event, usize> = BTreeMap::new();
    for sent in world.take_ledger() {
        if matches!(sent.event, Event::Alarm(_)) {
            *alarms.entry(sent.event).or_default() += 1;
        }
    }
    let most = alarms.values().max().copied().unwrap_or_default();
    assert!((20..=25).contains(&most), "{most} requests of one alarm");
}

#[test]
fn writers_wait_for_one_request_of_a_checkpoint() {
    let mut world = World::with_table(32);
    world.keep_ledger();
    let ops: Value = (0..30)
        .map(|n| json!({"op": "insert", "table": "users", "key": format!("r{n}"), "value": {}}))
        .collect();
    world.ok(&format!("/dbc_transact database:prod ops_json:{ops}"));
    world.settle();
    let log = format!("/channels/{}/messages", world.channel_id("dbc-log"));
    let ledger = world.take_ledger();
    let of_log: Vec<_> = ledger
        .iter()
        .filter(|sent| sent.path.ends_with(&log) && matches!(sent.event, Event::Alarm(_)))
        .map(|sent| sent.method.as_str())
        .collect();
    // Showing the rows takes longer than a look at the log is good for, so there are looks; none comes
    // after the record, which alone takes the writer's lock.
    let posts = of_log.iter().filter(|method| **method == "POST").count();
    assert_eq!((posts, of_log.last()), (2, Some(&"POST")), "{of_log:?}");
    assert!(of_log.contains(&"GET"), "{of_log:?}");
}
