//! Row messages are edited, not piled up: updates, deletions, old messages, duplicates,
//! and what people do by hand.

use crate::crud::on_users;
use crate::world::{World, get, insert, shown_rows};
use discord_sim::{Fault, FaultKind};
use serde_json::Value;

const HOUR_MS: u64 = 3_600_000;

pub fn update(key: &str, n: u64) -> String {
    on_users(
        "dbc_update",
        &format!(r#"key:{key} patch_json:{{"n":{n}}}"#),
    )
}

pub fn delete(key: &str) -> String {
    on_users("dbc_delete", &format!("key:{key}"))
}

pub fn hard_delete(key: &str) -> String {
    on_users("dbc_delete", &format!("key:{key} hard:true"))
}

/// A fault for edits of messages in a channel.
pub fn fault_on_edits(world: &mut World, channel: &str, fault: Fault) {
    let channel = world.channel_id(channel);
    world.fault(Fault {
        method: Some("PATCH".to_owned()),
        path: Some(format!("^/channels/{channel}/messages/[0-9]+$")),
        ..fault
    });
}

/// The one message of a row.
#[track_caller]
fn message_of(world: &World, key: &str) -> Value {
    let channel = world.channel("table-users").unwrap();
    let messages = channel["messages"].as_array().unwrap().iter();
    let about = |message: &&Value| {
        let content = message["content"].as_str().unwrap();
        let content = content.trim_start_matches("~~");
        content.starts_with(&format!("**{key}**"))
    };
    let found: Vec<&Value> = messages.filter(about).collect();
    assert_eq!(found.len(), 1, "messages of {key}: {found:#?}");
    found[0].clone()
}

pub fn content_of(world: &World, key: &str) -> String {
    message_of(world, key)["content"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// Requests that changed something outside of the log, since the first `before`: checkpoints come
/// in their own time.
fn changes(world: &World, before: usize) -> Vec<(String, String)> {
    let log = format!("/channels/{}/", world.channel_id("dbc-log"));
    let requests = world.requests();
    let changes = requests[before..].iter().filter(|(method, path, _)| {
        method != "GET" && path.starts_with("/channels") && !path.starts_with(&log)
    });
    changes.map(|(m, p, _)| (m.clone(), p.clone())).collect()
}

#[test]
fn an_update_edits_the_message_and_a_deletion_strikes_it_through() {
    let mut world = World::with_table(1);
    world.ok(&insert("a"));
    world.settle();
    let id = message_of(&world, "a")["id"].clone();
    world.ok(&update("a", 7));
    world.settle();
    let message = message_of(&world, "a");
    assert_eq!(message["id"], id);
    let content = message["content"].as_str().unwrap();
    assert!(content.starts_with("**a** · rev 2\n") && content.contains("\"n\": 7"));
    world.ok(&delete("a"));
    world.settle();
    let content = content_of(&world, "a");
    assert!(
        content.starts_with("~~**a**~~ · rev 3 · deleted\n-# at "),
        "{content}"
    );
    world.ok(&insert("a"));
    world.settle();
    let message = message_of(&world, "a");
    assert_eq!(message["id"], id);
    assert!(
        message["content"]
            .as_str()
            .unwrap()
            .starts_with("**a** · rev 4\n")
    );
}

#[test]
fn once_quiet_after_every_kind_of_change_nothing_more_is_sent() {
    let mut world = World::with_table(2);
    for key in ["a", "b", "c"] {
        world.ok(&insert(key));
    }
    world.settle();
    world.ok(&update("a", 1));
    world.ok(&delete("b"));
    world.ok(&hard_delete("c"));
    world.settle();
    let before = world.requests().len();
    world.evict();
    world.ok(&get("a"));
    world.settle();
    world.wait(2 * HOUR_MS);
    assert_eq!(changes(&world, before), []);
}

#[test]
fn a_cold_open_with_nothing_but_the_log_ends_the_same() {
    let mut world = World::with_table(3);
    for key in ["a", "b", "c", "d"] {
        world.ok(&insert(key));
    }
    world.settle();
    world.ok(&update("a", 1));
    world.ok(&delete("b"));
    world.settle();
    let before = world.messages("table-users");
    world.lose_storage();
    world.ok(&get("a"));
    world.settle();
    assert_eq!(world.messages("table-users"), before);
    world.ok(&update("c", 2));
    world.settle();
    assert!(content_of(&world, "c").contains("rev 2"));
}

#[test]
fn a_hard_deletion_leaves_no_copy_in_the_channel() {
    let mut world = World::with_table(1);
    world.ok(&insert("kept"));
    world.ok(&insert("secret"));
    world.settle();
    world.ok(&update("secret", 1));
    world.settle();
    world.ok(&hard_delete("secret"));
    world.settle();
    let state = world.state();
    let users = world.channel("table-users").unwrap();
    assert!(!users.to_string().contains("secret"), "{users:#}");
    let threads = state["threads"].as_array().unwrap();
    let left = threads.iter().filter(|t| t.to_string().contains("secret"));
    // The starter's trace in a thread has no content, and the name is taken out.
    assert_eq!(left.count(), 0, "{threads:#?}");
    assert!(
        world
            .reply("/dbc_inspect database:prod")
            .contains("backlog: 0")
    );
    world.lose_storage();
    world.ok(&get("kept"));
    world.settle();
    assert_eq!(shown_rows(&world, "users").len(), 1);
}

#[test]
fn edits_of_old_messages_wait_and_fresh_ones_do_not() {
    let mut world = World::with_table(1);
    for n in 0..8 {
        world.ok(&insert(&format!("old{n}")));
    }
    world.settle();
    world.wait(2 * HOUR_MS);
    for n in 0..8 {
        world.ok(&update(&format!("old{n}"), n));
    }
    world.ok(&insert("new"));
    world.wait(15_000);
    assert!(
        shown_rows(&world, "users").contains_key("new"),
        "new rows wait for old ones"
    );
    world.settle();
    for n in 0..8 {
        let content = content_of(&world, &format!("old{n}"));
        assert!(content.contains("rev 2"), "{content}");
    }
    let refused = world.requests();
    let edits = refused.iter().filter(|(method, ..)| method == "PATCH");
    let refused = edits.filter(|(.., status)| *status == Some(429)).count();
    assert!((1..8).contains(&refused), "{refused} edits were refused");
}

#[test]
fn a_message_deleted_by_hand_before_its_update_is_posted_again() {
    let mut world = World::with_table(1);
    world.ok(&insert("a"));
    world.ok(&insert("b"));
    world.settle();
    world.delete_message("table-users", "**a**");
    world.ok(&update("a", 5));
    world.settle();
    assert!(content_of(&world, "a").contains("rev 2"));
    assert!(content_of(&world, "b").contains("rev 1"));
}

#[test]
fn a_message_deleted_by_hand_is_missed_by_the_next_opening_that_works_there() {
    let mut world = World::with_table(1);
    for key in ["a", "b", "c"] {
        world.ok(&insert(key));
    }
    world.settle();
    world.wait(120_000);
    world.delete_message("table-users", "**b**");
    world.evict();
    world.ok(&insert("d"));
    world.settle();
    let rows = shown_rows(&world, "users");
    for key in ["a", "b", "c", "d"] {
        assert_eq!(rows.get(key).map_or(0, Vec::len), 1, "{key}");
    }
}

#[test]
fn an_edit_whose_answer_is_lost_is_found_to_be_right() {
    let mut world = World::with_table(1);
    world.ok(&insert("a"));
    world.settle();
    fault_on_edits(
        &mut world,
        "table-users",
        Fault::new(FaultKind::LostResponse),
    );
    world.ok(&update("a", 1));
    world.settle();
    assert!(content_of(&world, "a").contains("rev 2"));
    let reply = world.reply("/dbc_inspect database:prod");
    assert!(reply.contains("backlog: 0"), "{reply}");
}

#[test]
fn of_several_messages_of_a_row_the_newest_commit_stays() {
    let mut world = World::with_table(1);
    world.ok(&insert("warm"));
    world.settle();
    world.ok(&insert("a"));
    world.post_late(400_000);
    world.settle();
    world.wait(500_000);
    let channel = world.channel("table-users").unwrap();
    let twins = channel["messages"].as_array().unwrap().iter();
    let twins: Vec<Value> = twins
        .filter(|m| m["content"].as_str().unwrap().starts_with("**a**"))
        .map(|m| m["id"].clone())
        .collect();
    assert_eq!(twins.len(), 2);
    // Both show rev 1; an update edits the second, which is the one that was answered for, and
    // history hangs on it.
    world.ok(&update("a", 1));
    world.settle();
    world.lose_storage();
    world.ok(&get("a"));
    world.settle();
    let kept = message_of(&world, "a");
    assert!(kept["content"].as_str().unwrap().contains("rev 2"));
    let threads = world.state()["threads"].clone();
    assert_eq!(
        threads[0]["id"], kept["id"],
        "the message without the history stayed"
    );
}

#[test]
fn a_row_that_outgrows_its_message_gets_a_file_and_loses_it_again() {
    let mut world = World::with_table(1);
    world.ok(&insert("a"));
    world.settle();
    for (text, files) in [
        ("x".repeat(3_000), 1),
        ("y".repeat(3_000), 1),
        ("z".into(), 0),
    ] {
        let patch = format!(r#"key:a patch_json:{{"t":"{text}"}}"#);
        world.ok(&on_users("dbc_update", &patch));
        world.settle();
        let message = message_of(&world, "a");
        let attached = message["attachments"].as_array().unwrap();
        assert_eq!(attached.len(), files, "{message:#}");
        assert!(message.to_string().contains(&text[..1]));
    }
}

#[test]
fn a_table_that_is_not_mirrored_has_no_channel_and_a_card_that_says_so() {
    let mut world = World::with_table(1);
    world.ok("/dbc_table_create database:prod table:quiet pk:id mirror:false");
    world.ok(r#"/dbc_insert database:prod table:quiet key:a value_json:{"id":"a"}"#);
    world.ok(r#"/dbc_update database:prod table:quiet key:a patch_json:{"n":1}"#);
    world.settle();
    assert!(world.channel("table-quiet").is_none());
    let cards = world.messages("dbc-catalog");
    let card = cards.iter().find(|card| card.contains("quiet")).unwrap();
    assert!(card.contains("not shown as messages"), "{card}");
    let reply = world.reply("/dbc_inspect database:prod");
    assert!(
        reply.contains("backlog: 0") && reply.contains("not shown as messages"),
        "{reply}"
    );
}

#[test]
fn an_update_right_after_the_insert_is_shown_once() {
    let mut world = World::with_table(1);
    world.ok(&insert("a"));
    for n in 0..5 {
        world.ok(&update("a", n));
    }
    world.settle();
    let content = content_of(&world, "a");
    assert!(
        content.contains("rev 6") && content.contains("\"n\": 4"),
        "{content}"
    );
}
