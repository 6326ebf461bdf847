//! Copies of rows that were deleted for good, and of their neighbours, in places that are easily overlooked.

use crate::erase::{HARD_DELETE, SECRET, insert_secret, no_copy_is_left};
use crate::threads::begin_thread;
use crate::world::{World, content, get};
use discord_sim::permissions::READ_MESSAGE_HISTORY;
use serde_json::json;

const MANAGE_THREADS: u64 = 1 << 34;

/// A row that does not fit its message, in one record with what is to be deleted for good.
fn with_long_neighbour(world: &mut World) {
    let ops = json!([
        {"op": "insert", "table": "users", "key": "s", "value": {"word": SECRET}},
        {"op": "insert", "table": "users", "key": "l", "value": {"text": "x".repeat(3_000)}},
    ]);
    world.ok(&format!("/dbc_transact database:prod ops_json:{ops}"));
    world.settle();
}

/// Both the segment and the row's message have it in a file, which may be refused at any time.
#[test]
fn a_long_row_stays_where_no_file_is_needed() {
    let mut world = World::with_table(1);
    with_long_neighbour(&mut world);
    world.ok(HARD_DELETE);
    world.wait(1_000_000);
    // It is no earlier revision of itself.
    for _ in 0..2 {
        world.evict();
        world.settle();
        assert_eq!(world.state()["threads"], json!([]));
    }
    no_copy_is_left(&world);
    world.refuse_files();
    world.evict();
    assert!(world.ok(&get("l")).contains("rev 1"));
}

/// Where files are refused, the row's message has only its beginning.
#[test]
fn a_long_row_stays_where_its_segment_is_not_needed() {
    let mut world = World::new(1);
    world.refuse_files();
    world.ok("/dbc_init database:prod");
    world.ok("/dbc_table_create database:prod table:users pk:id");
    world.settle();
    with_long_neighbour(&mut world);
    world.ok(HARD_DELETE);
    world.settle();
    no_copy_is_left(&world);
    let is_file = |text: &str| text.starts_with("§ ") && !text.contains("manifest");
    world.delete_messages("dbc-log", is_file);
    world.evict();
    world.ok(&get("l"));
}

/// An object that is gone had begun a checkpoint: a file of it arrives after the checkpoint that does
/// without the row.
#[test]
fn a_file_that_arrives_late_is_a_copy() {
    for is_text in [false, true] {
        let mut world = World::new(1);
        if is_text {
            world.refuse_files();
        }
        world.ok("/dbc_init database:prod");
        world.ok("/dbc_table_create database:prod table:users pk:id");
        world.settle();
        world.wait(600_000);
        world.ok(&insert_secret("s"));
        while world.messages("table-users").is_empty() {
            world.wait(10);
        }
        world.post_late(30_000);
        world.wait(4_000);
        world.evict();
        let view = world.run(HARD_DELETE);
        world.settle();
        let said = content(&world.with_discord(|discord| discord.interaction(view.id).unwrap()));
        assert!(said.contains("The last copy is gone."), "{said}");
        let log = world.messages("dbc-log");
        let files = log.iter().filter(|text| text.starts_with("§ "));
        for file in files {
            assert!(!file.contains("delta.3."), "{file}");
        }
        no_copy_is_left(&world);
    }
}

/// Discord shows no message to who lacks Read Message History, in threads as in channels.
#[test]
fn a_thread_that_cannot_be_read_is_not_empty() {
    // Somebody else's is left, and one that may not be deleted is emptied.
    for (is_theirs, lacks) in [(true, 0), (false, MANAGE_THREADS)] {
        let mut world = World::with_table(1);
        world.deny_bot("table-users", lacks);
        world.ok(&insert_secret("s"));
        world.settle();
        if is_theirs {
            begin_thread(&mut world);
        }
        world.ok(r#"/dbc_update database:prod table:users key:s patch_json:{"word":"other"}"#);
        world.settle();
        world.wait(1_200_000);
        world.deny_bot("table-users", lacks | READ_MESSAGE_HISTORY);
        world.ok(HARD_DELETE);
        world.wait(600_000);
        world.deny_bot("table-users", lacks);
        world.settle();
        assert!(!world.ok("/dbc_inspect database:prod").contains("copies"));
        no_copy_is_left(&world);
    }
}
