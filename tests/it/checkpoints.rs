//! Checkpoints: opening costs little, whatever was written before; and what a checkpoint covers is
//! read from it exactly.

use crate::world::{World, get, insert};
use serde_json::Value;

/// Requests that a command cost, by method and path.
fn requests_of(world: &mut World, command: &str) -> (String, Vec<String>) {
    let before = world.requests().len();
    let reply = world.reply(command);
    let sent = world.requests().split_off(before);
    let sent = sent
        .into_iter()
        .map(|(method, path, _)| format!("{method} {path}"));
    (reply, sent.collect())
}

/// Sections of the log's messages: records that are checkpoints, and files of checkpoints.
fn checkpoints(world: &World) -> (usize, usize) {
    let log = world.messages("dbc-log");
    let records = log
        .iter()
        .filter(|text| text.contains("· checkpoint of commit"));
    let files = log.iter().filter(|text| text.starts_with("§ "));
    (records.count(), files.count())
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
