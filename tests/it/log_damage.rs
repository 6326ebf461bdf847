//! A log that people or Discord have tampered with.

use crate::world::{World, get, insert};
use dbcord::engine::log::codec;
use dbcord::engine::log::record::{Op, Record};
use serde_json::json;

const GET: &str = "/dbc_get database:prod table:users key:a";

fn world_with_row(seed: u64) -> (World, String, Vec<String>) {
    let mut world = World::with_table(seed);
    world.ok(r#"/dbc_insert database:prod table:users key:a value_json:{"id":"a"}"#);
    // Evicted before a checkpoint covers the row.
    world.wait(1_500);
    world.evict();
    let log = world.channel("dbc-log").unwrap();
    let ids = log["messages"].as_array().unwrap().iter();
    let ids = ids.map(|m| m["id"].as_str().unwrap().to_owned()).collect();
    (world, log["id"].as_str().unwrap().to_owned(), ids)
}

#[test]
fn a_record_deleted_by_hand_is_missed_and_named() {
    let (mut world, log, ids) = world_with_row(1);
    world.ok(&insert("c"));
    world.evict();
    world.by_hand(
        "DELETE",
        &format!("/channels/{log}/messages/{}", ids[3]),
        None,
    );
    let reply = world.refused(GET);
    assert!(reply.contains("#4") && reply.contains("missing"), "{reply}");
    let insert = r#"/dbc_insert database:prod table:users key:b value_json:{"id":"b"}"#;
    assert!(world.refused(insert).contains("Nothing was written"));
}

#[test]
fn the_newest_record_deleted_by_hand_is_missed_too() {
    let (mut world, log, ids) = world_with_row(2);
    world.by_hand(
        "DELETE",
        &format!("/channels/{log}/messages/{}", ids[3]),
        None,
    );
    let reply = world.refused(GET);
    assert!(reply.contains("read-only: commit #4 is missing"), "{reply}");
    let reply = world.refused(&insert("b"));
    assert!(
        reply.contains("#4") && reply.contains("does not show it"),
        "{reply}"
    );
}

#[test]
fn what_a_checkpoint_covers_may_be_deleted() {
    let (mut world, log, ids) = world_with_row(9);
    world.ok(GET);
    world.settle();
    for id in &ids {
        world.by_hand("DELETE", &format!("/channels/{log}/messages/{id}"), None);
    }
    world.evict();
    world.ok(GET);
    world.ok(&insert("b"));
}

#[test]
fn what_other_people_write_into_the_log_does_not_count() {
    let (mut world, log, _) = world_with_row(3);
    // A faultless record that follows the head, but for its author.
    let head = world.messages("dbc-log")[3].clone();
    let json = head
        .split("```json\n")
        .nth(1)
        .unwrap()
        .trim_end_matches("\n```");
    let (mut record, link) = codec::decode(json).unwrap();
    record.seq += 1;
    record.prev = Some(link);
    record.ops.clear();
    record.sum.clear();
    let forged = codec::encode(&record).unwrap().content;
    world.by_hand(
        "POST",
        &format!("/channels/{log}/messages"),
        Some(json!({"content": forged})),
    );
    assert_eq!(world.messages("dbc-log").len(), 5);
    world.ok(GET);
    let insert = r#"/dbc_insert database:prod table:users key:b value_json:{"id":"b"}"#;
    assert!(world.ok(insert).contains("commit #5"));
}

#[test]
fn a_deleted_log_is_not_replaced_while_its_tables_are_there() {
    let (mut world, log, _) = world_with_row(4);
    world.by_hand("DELETE", &format!("/channels/{log}"), None);
    world.evict();
    let reply = world.refused("/dbc_init database:prod");
    assert!(reply.contains("log of database `prod` is gone"), "{reply}");
    for name in ["table-users", "dbc-catalog", "dbcord-prod"] {
        let id = world.channel(name).unwrap()["id"]
            .as_str()
            .unwrap()
            .to_owned();
        world.by_hand("DELETE", &format!("/channels/{id}"), None);
    }
    assert!(world.ok("/dbc_init database:prod").contains("is ready"));
    world.refused(GET);
}

#[test]
fn a_log_that_may_not_be_read_is_not_taken_for_an_empty_one() {
    let (mut world, _, _) = world_with_row(5);
    let read_history = 1 << 16;
    world.deny_bot("dbc-log", read_history);
    world.lose_storage();
    let reply = world.refused("/dbc_init database:prod");
    assert!(reply.contains("cannot read the messages"), "{reply}");
    world.refused(GET);
    world.deny_bot("dbc-log", 0);
    world.ok("/dbc_init database:prod");
    world.ok(GET);
}

#[test]
fn a_log_whose_topic_or_access_was_changed_is_not_called_gone() {
    let (mut world, log, _) = world_with_row(6);
    let topic = world.channel("dbc-log").unwrap()["topic"].clone();
    world.by_hand(
        "PATCH",
        &format!("/channels/{log}"),
        Some(json!({"topic": "my topic"})),
    );
    let reply = world.refused("/dbc_init database:prod");
    assert!(
        reply.contains("mark in its topic") && !reply.contains("is gone"),
        "{reply}"
    );
    // Reads and writes go on: the log is where it was.
    world.evict();
    world.ok(GET);
    world.by_hand(
        "PATCH",
        &format!("/channels/{log}"),
        Some(json!({"topic": topic})),
    );
    let bot = world.with_discord(|discord| discord.application().bot_user_id);
    world.by_hand(
        "DELETE",
        &format!("/channels/{log}/permissions/{bot}"),
        None,
    );
    world.evict();
    let reply = world.refused("/dbc_init database:prod");
    assert!(reply.contains("permissions there were changed"), "{reply}");
}

#[test]
fn a_log_deleted_under_a_running_object_is_said_to_be_deleted() {
    let (mut world, log, _) = world_with_row(7);
    world.ok(GET);
    world.by_hand("DELETE", &format!("/channels/{log}"), None);
    let insert = r#"/dbc_insert database:prod table:users key:b value_json:{"id":"b"}"#;
    let reply = world.refused(insert);
    assert!(
        reply.contains("log channel of database `prod` was deleted"),
        "{reply}"
    );
    world.refused("/dbc_inspect database:prod");
}

#[test]
fn suppressed_embeds_are_shown_again_and_read() {
    let mut world = World::with_table(1);
    let text = "x".repeat(2_500);
    world.ok(&format!(
        r#"/dbc_insert database:prod table:users key:a value_json:{{"id":"a","t":"{text}"}}"#
    ));
    world.settle();
    let c = world.channel("dbc-log").unwrap();
    let m = c["messages"].as_array().unwrap().last().unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    world.by_hand(
        "PATCH",
        &format!("/channels/{}/messages/{m}", c["id"].as_str().unwrap()),
        Some(json!({"flags": 4})),
    );
    world.evict();
    world.lose_storage();
    let reply = world.reply(&get("a"));
    assert!(
        !reply.contains("delete that message"),
        "tells to delete an acknowledged commit"
    );
}

#[test]
fn a_broken_log_is_not_read_all_day() {
    let mut world = World::with_table(1);
    for n in 0..3 {
        world.ok(&insert(&format!("k{n}")));
    }
    world.delete_message("dbc-log", "users/k1 put");
    world.evict();
    let before = world.requests().len();
    world.settle();
    let n = world.requests().len() - before;
    assert!(n < 300, "{n} requests in a day");
}

/// Appends an empty record to the log that the newest one is followed by.
fn forge(world: &mut World, change: impl Fn(&mut Record)) {
    let head = world.messages("dbc-log").pop().unwrap();
    let json = head.split("```json\n").nth(1).unwrap();
    let (mut record, link) = codec::decode(json.trim_end_matches("\n```")).unwrap();
    record.seq += 1;
    record.prev = Some(link);
    record.ops.clear();
    record.sum.clear();
    record.by.clear();
    change(&mut record);
    let text = codec::encode(&record).unwrap().content;
    world.post_as_bot("dbc-log", &text);
}

#[test]
fn numbers_without_a_next_one_are_damage() {
    const MOST: u64 = 1 << 53;
    let put = |rev: u64| {
        let put = json!({"op": "put", "table": "users", "key": "a", "rev": rev, "doc": {}});
        serde_json::from_value::<Op>(put).unwrap()
    };
    type Change = Box<dyn Fn(&mut Record)>;
    let changes: [(&str, Change); 6] = [
        ("epoch", Box::new(|record| record.epoch = u64::MAX)),
        ("epoch", Box::new(|record| record.epoch = MOST)),
        ("seq", Box::new(|record| record.seq = u64::MAX)),
        ("seq", Box::new(|record| record.seq = MOST)),
        (
            "rev",
            Box::new(move |record| record.ops = vec![put(u64::MAX)]),
        ),
        ("rev", Box::new(move |record| record.ops = vec![put(MOST)])),
    ];
    for (number, (what, change)) in changes.into_iter().enumerate() {
        let mut world = World::with_table(1);
        world.ok(&insert("a"));
        world.settle();
        let now = world.now();
        forge(&mut world, |record| {
            record.epoch = now;
            change(record);
        });
        world.evict();
        let before = world.requests().len();
        // What it acknowledged itself is there, and nothing after that is believed.
        let reply = world.reply(&get("a"));
        let sent = world.requests().len() - before;
        assert!(sent < 40, "{number} {what}: {sent} requests, {reply}");
        assert!(reply.contains("· rev 1"), "{number} {what}: {reply}");
        world.ok(&insert("b"));
        world.ok(r#"/dbc_update database:prod table:users key:a patch_json:{"n":1}"#);
        world.settle();
        world.evict();
        world.ok(&get("b"));
    }
}

#[test]
fn an_epoch_far_in_the_future_can_be_claimed_above() {
    let mut world = World::with_table(2);
    world.ok(&insert("a"));
    world.settle();
    forge(&mut world, |record| record.epoch = (1 << 53) - 1);
    world.evict();
    let before = world.requests().len();
    let refused = world.refused(&get("a"));
    assert!(world.requests().len() < before + 40);
    assert!(refused.contains("epoch"), "{refused}");
}
