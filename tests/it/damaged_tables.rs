//! A table whose rows cannot be had: the others go on as if nothing had happened, and nothing of it
//! gets lost that may still be read one day.

use crate::erase::{HARD_DELETE, SECRET, everything, insert_secret, no_copy_is_left};
use crate::world::{World, get, insert};
use discord_sim::{Fault, FaultKind};
use serde_json::Value;

fn insert_into(table: &str, key: &str) -> String {
    insert(key).replace("users", table)
}

fn message_of(world: &World, key: &str) -> Value {
    let channel = world.channel("table-users").unwrap();
    let mut messages = channel["messages"].as_array().unwrap().iter();
    let start = format!("**{key}**");
    let is_so = |message: &&Value| message["content"].as_str().unwrap().starts_with(&start);
    messages.find(is_so).unwrap()["id"].clone()
}

/// The segments of `users` have `a` and `b`, and the log has neither any more.
fn with_rows_in_segments(seed: u64) -> World {
    let mut world = World::with_table(seed);
    world.ok("/dbc_table_create database:prod table:posts pk:id");
    for key in ["a", "b"] {
        world.ok(&insert(key));
    }
    world.settle();
    world.delete_messages("dbc-log", |text| text.contains("users/a put"));
    world.delete_message("table-users", "**a**");
    world
}

#[test]
fn the_other_tables_are_checkpointed() {
    let mut world = with_rows_in_segments(1);
    world.delete_messages("dbc-log", |text| text.starts_with("§ "));
    world.evict();
    assert!(world.refused(&get("b")).contains("cannot be read"));
    for n in 0..70 {
        world.ok(&insert_into("posts", &format!("p{n}")));
    }
    world.settle();
    let inspected = world.ok("/dbc_inspect database:prod");
    assert!(inspected.contains("commits since: 0"), "{inspected}");
    let users = inspected.lines().find(|line| line.contains("`users`"));
    assert!(users.unwrap().contains("cannot be read"), "{inspected}");
    let cards = world.messages("dbc-catalog");
    let says_so = |table: &str| {
        let card = cards.iter().find(|text| text.contains(table)).unwrap();
        card.contains("cannot be read")
    };
    assert!(says_so("**users**") && !says_so("**posts**"), "{cards:#?}");
    // It is known without another try, and opening costs what it always does.
    world.evict();
    let inspected = world.ok("/dbc_inspect database:prod");
    assert!(inspected.contains("cannot be read"), "{inspected}");
    world.evict();
    let before = world.requests().len();
    world.ok(&get("p33").replace("users", "posts"));
    let sent = world.requests().split_off(before);
    assert!(sent.len() <= 4, "{sent:#?}");
    // What it was told to do: nothing of the table can be brought back.
    assert!(world.refused(&insert("c")).contains("/dbc_table_drop"));
    world.ok("/dbc_table_drop database:prod table:users confirm:users");
    world.settle();
    let inspected = world.ok("/dbc_inspect database:prod");
    assert!(!inspected.contains("cannot be read"), "{inspected}");
}

#[test]
fn commits_on_it_outlive_a_checkpoint_without_it() {
    let mut world = with_rows_in_segments(2);
    world.ok(&insert("c"));
    world.ok(r#"/dbc_update database:prod table:users key:b patch_json:{"n":2}"#);
    let message = message_of(&world, "b");
    world.refuse_files();
    world.evict();
    world.refused(&get("c"));
    for n in 0..70 {
        world.ok(&insert_into("posts", &format!("p{n}")));
    }
    world.settle();
    // What the checkpoint covers is not needed from the log again.
    world.delete_messages("dbc-log", |text| text.contains("users/c put"));
    world.delete_messages("dbc-log", |text| text.contains("users/b put"));
    world.evict();
    world.refused(&get("c"));
    world.clear_faults();
    world.evict();
    assert!(world.ok(&get("a")).contains("rev 1"));
    assert!(world.ok(&get("b")).contains("rev 2"));
    assert!(world.ok(&get("c")).contains("rev 1"));
    world.settle();
    let inspected = world.ok("/dbc_inspect database:prod");
    assert!(!inspected.contains("cannot be read"), "{inspected}");
    let cards = world.messages("dbc-catalog");
    assert!(!cards.concat().contains("cannot be read"), "{cards:#?}");
    // Each row has its one message, although the last segment does not know of b's.
    world.ok(r#"/dbc_update database:prod table:users key:b patch_json:{"n":3}"#);
    world.settle();
    let rows = world.messages("table-users");
    assert_eq!(rows.len(), 3, "{rows:#?}");
    assert_eq!(message_of(&world, "b"), message);
    world.evict();
    assert!(world.ok(&get("b")).contains("rev 3"));
}

#[test]
fn a_row_that_was_deleted_for_good_is_not_said_to_be_gone_while_its_file_may_have_it() {
    let mut world = with_rows_in_segments(3);
    world.ok(&insert_into("posts", "s"));
    world.settle();
    // Both tables are in one file now, beside the one of `users` alone.
    world.ok(&insert("c"));
    world.ok(&insert_secret("t").replace("users", "posts"));
    world.settle();
    world.refuse_files();
    world.evict();
    world.refused(&get("c"));
    world.ok(&insert_into("posts", "u"));
    world.ok("/dbc_delete database:prod table:posts key:t hard:true");
    world.settle();
    let inspected = world.ok("/dbc_inspect database:prod");
    assert!(
        inspected.contains("copies still being removed: 1"),
        "{inspected}"
    );
    // Once the file can be read again, the background finds out by itself.
    world.clear_faults();
    world.wait(3_600_000);
    let inspected = world.ok("/dbc_inspect database:prod");
    assert!(!inspected.contains("copies"), "{inspected}");
    no_copy_is_left(&world);
    world.evict();
    for key in ["a", "b", "c"] {
        world.ok(&get(key));
    }
}

/// Row `x` of `posts`, which has no channel, stood in one record with a row that was deleted for good,
/// so that nothing but a file has it.
fn with_rows_in_a_file_alone(seed: u64, after: &str) -> World {
    let mut world = World::with_table(seed);
    world.ok("/dbc_table_create database:prod table:posts pk:id mirror:false");
    world.ok(&format!(
        r#"/dbc_transact database:prod ops_json:[{{"op":"insert","table":"users","key":"s","value":{{"word":"{SECRET}"}}}},{{"op":"insert","table":"posts","key":"x","value":{{}}}},{{"op":"insert","table":"posts","key":"y","value":{{}}}}]"#
    ));
    world.ok(&format!(
        r#"/dbc_transact database:prod ops_json:[{{"op":"update","table":"users","key":"s","patch":{{"n":1}}}},{after}]"#
    ));
    world.settle();
    world.ok(HARD_DELETE);
    world.wait(3_600_000);
    assert!(!everything(&world).contains(SECRET));
    world.evict();
    world
}

#[test]
fn what_fails_for_a_moment_is_not_called_damage() {
    let mut world = with_rows_in_segments(4);
    world.evict();
    world.fault(Fault {
        method: Some("GET".into()),
        path: Some("/attachments/".into()),
        status: Some(503),
        times: 0,
        ..Fault::new(FaultKind::Status)
    });
    let reply = world.refused(&get("a"));
    assert!(!reply.contains("dbc_table_drop"), "{reply}");
    assert!(reply.contains("Try again"), "{reply}");
    world.clear_faults();
    world.evict();
    let inspected = world.ok("/dbc_inspect database:prod");
    assert!(!inspected.contains("cannot be read"), "{inspected}");
    world.ok(&get("a"));
}

#[test]
fn a_channel_that_may_not_be_read_is_no_damage() {
    let mut world = World::with_table(6);
    for key in ["a", "b"] {
        world.ok(&insert(key));
    }
    world.settle();
    world.delete_messages("dbc-log", |text| text.contains("users/a put"));
    world.evict();
    world.refuse_files();
    world.deny_bot(
        "table-users",
        discord_sim::permissions::READ_MESSAGE_HISTORY,
    );
    let reply = world.refused(&get("a"));
    assert!(!reply.contains("dbc_table_drop"), "{reply}");
    assert!(reply.contains("Read Message History"), "{reply}");
    world.deny_bot("table-users", 0);
    world.ok(&get("a"));
}

#[test]
fn a_table_put_together_again_goes_on_counting_revisions() {
    let delete = r#"{"op":"delete","table":"posts","key":"x"}"#;
    let mut world = with_rows_in_a_file_alone(5, delete);
    world.refuse_files();
    let reply = world.ok("/dbc_insert database:prod table:posts key:x value_json:{}");
    assert!(reply.contains("revision 3"), "{reply}");
    world.ok("/dbc_get database:prod table:posts key:y");
}
