//! A row's earlier revisions stand in a thread on its message.

use crate::crud::on_users;
use crate::materialize_edits::{delete, hard_delete, update};
use crate::world::{World, insert};
use discord_sim::{Fault, FaultKind};
use serde_json::{Value, json};

/// The row's thread.
fn thread(world: &World, key: &str) -> Option<Value> {
    let state = world.state();
    let threads = state["threads"].as_array().unwrap();
    threads.iter().find(|thread| thread["name"] == key).cloned()
}

/// What of ours stands in it, oldest first.
fn history(world: &World, key: &str) -> Vec<String> {
    thread(world, key).map_or_else(Vec::new, |thread| history_in(&thread))
}

fn history_in(thread: &Value) -> Vec<String> {
    let messages = thread["messages"].as_array().unwrap().iter();
    let contents = messages.map(|message| message["content"].as_str().unwrap().to_owned());
    contents
        .filter(|content| content.starts_with("**rev "))
        .collect()
}

#[test]
fn earlier_revisions_are_kept_in_order_and_the_thread_is_archived() {
    let mut world = World::with_table(1);
    world.ok(&insert("a"));
    world.settle();
    for n in 1..4 {
        world.ok(&update("a", n));
        world.settle();
    }
    world.ok(&delete("a"));
    world.settle();
    world.ok(&insert("a"));
    world.settle();
    let past = history(&world, "a");
    assert_eq!(past.len(), 5, "{past:#?}");
    for (n, message) in past.iter().enumerate() {
        assert!(
            message.starts_with(&format!("**rev {}**", n + 1)),
            "{message}"
        );
    }
    assert!(past[0].contains("with /dbc_update") && past[3].contains("with /dbc_delete"));
    assert!(past[1].contains("\"n\": 1") && past[4].contains(" · deleted · until <t:"));
    let thread = thread(&world, "a").unwrap();
    assert_eq!(thread["thread_metadata"]["archived"], true);
}

#[test]
fn discords_announcement_of_a_thread_does_not_stay_between_the_rows() {
    let mut world = World::with_table(1);
    for key in ["a", "b"] {
        world.ok(&insert(key));
    }
    world.settle();
    world.wait(60_000);
    world.ok(&update("a", 1));
    world.ok(&update("b", 1));
    world.settle();
    assert_eq!(history(&world, "a").len() + history(&world, "b").len(), 2);
    let messages = world.messages("table-users");
    assert_eq!(messages.len(), 2, "{messages:#?}");
}

#[test]
fn a_guild_full_of_threads_stops_no_row() {
    let mut world = World::with_table(1);
    world.fault(Fault {
        method: Some("POST".into()),
        path: Some("/threads$".into()),
        status: Some(400),
        body: Some(json!({"code": 160_006, "message": "Maximum number of active threads reached"})),
        times: 2,
        ..Fault::new(FaultKind::Status)
    });
    world.ok(&insert("a"));
    world.settle();
    world.ok(&update("a", 1));
    world.wait(60_000);
    world.ok(&insert("b"));
    world.wait(60_000);
    let rows = world.messages("table-users");
    assert!(rows.len() == 2 && rows[0].contains("rev 2"), "{rows:#?}");
    assert!(
        world
            .ok("/dbc_inspect database:prod")
            .contains("earlier revisions 1")
    );
    world.wait(3_600_000);
    assert_eq!(history(&world, "a").len(), 1);
}

#[test]
fn a_lost_answer_makes_no_second_thread_and_no_second_revision() {
    for path in ["/threads$", "/messages$"] {
        let mut world = World::with_table(1);
        world.ok(&insert("a"));
        world.settle();
        let skip = u64::from(path == "/messages$");
        world.fault(Fault {
            method: Some("POST".into()),
            path: Some(path.to_owned()),
            skip,
            ..Fault::new(FaultKind::LostResponse)
        });
        world.ok(&update("a", 1));
        world.settle();
        assert_eq!(history(&world, "a").len(), 1, "{path}");
    }
}

#[test]
fn a_thread_deleted_by_hand_is_not_made_again_and_stops_nothing() {
    let mut world = World::with_table(1);
    world.ok(&insert("a"));
    world.settle();
    world.ok(&update("a", 1));
    world.settle();
    let id = thread(&world, "a").unwrap()["id"].clone();
    let path = format!("/channels/{}", id.as_str().unwrap());
    assert!(world.by_hand("DELETE", &path, None).status().is_success());
    world.ok(&update("a", 2));
    world.settle();
    let rows = world.messages("table-users");
    assert!(rows.iter().any(|row| row.contains("rev 3")), "{rows:#?}");
    let reply = world.reply("/dbc_inspect database:prod");
    assert!(reply.contains("backlog: 0"), "{reply}");
}

#[test]
fn a_large_earlier_revision_is_a_file() {
    let mut world = World::with_table(1);
    let text = "x".repeat(3_000);
    world.ok(&on_users(
        "dbc_insert",
        &format!(r#"key:a value_json:{{"t":"{text}"}}"#),
    ));
    world.settle();
    world.ok(&on_users("dbc_update", r#"key:a patch_json:{"t":null}"#));
    world.settle();
    let thread = thread(&world, "a").unwrap();
    let messages = thread["messages"].as_array().unwrap();
    let past = messages
        .iter()
        .find(|m| m["content"].as_str().unwrap().starts_with("**rev 1**"));
    assert_eq!(past.unwrap()["attachments"].as_array().unwrap().len(), 1);
}

#[test]
fn a_long_history_goes_with_a_hard_deletion() {
    let mut world = World::with_table(1);
    world.ok(&insert("secret"));
    world.settle();
    for n in 1..9 {
        world.ok(&update("secret", n));
        world.settle();
    }
    assert_eq!(history(&world, "secret").len(), 8);
    world.ok(&hard_delete("secret"));
    world.settle();
    let state = world.state();
    let threads = state["threads"].as_array().unwrap();
    let left: Vec<_> = threads
        .iter()
        .flat_map(|thread| thread["messages"].as_array().unwrap())
        .filter(|message| message["content"].as_str().unwrap().starts_with("**rev "))
        .collect();
    assert!(left.is_empty(), "{left:#?}");
    assert!(!threads.iter().any(|thread| thread["name"] == "secret"));
    assert_eq!(world.messages("table-users"), Vec::<String>::new());
    let reply = world.ok("/dbc_inspect database:prod");
    assert!(reply.contains("backlog: 0"), "{reply}");
}

/// Row `a` with its thread, in a table that is in a checkpoint or not.
fn updated_once(seed: u64, is_checkpointed: bool) -> World {
    let mut world = World::with_table(seed);
    world.ok(&insert("a"));
    if is_checkpointed {
        world.settle();
    } else {
        world.wait(1_500);
    }
    world
}

#[test]
fn revisions_that_wait_for_their_thread_outlive_evictions() {
    for is_checkpointed in [false, true] {
        let mut world = updated_once(11, is_checkpointed);
        world.fault(Fault {
            method: Some("POST".into()),
            path: Some("/threads$".into()),
            status: Some(400),
            body: Some(
                json!({"code": 160_006, "message": "Maximum number of active threads reached"}),
            ),
            times: 3,
            ..Fault::new(FaultKind::Status)
        });
        for n in 1..4 {
            world.ok(&update("a", n));
            world.wait(10_000);
            world.evict();
        }
        world.settle();
        let past = history(&world, "a");
        assert_eq!(past.len(), 3, "{is_checkpointed}: {past:#?}");
        for (n, message) in past.iter().enumerate() {
            let start = format!("**rev {}**", n + 1);
            assert!(message.starts_with(&start), "{is_checkpointed}: {past:#?}");
            assert!(message.contains("with /dbc_update"), "{message}");
        }
        assert_eq!(world.messages("table-users").len(), 1);
        // It is known that nothing waits any more.
        world.evict();
        let quiet = world.requests().len();
        world.wait(3_600_000);
        assert_eq!(world.requests().len(), quiet);
    }
}

#[test]
fn a_revision_that_was_posted_by_the_object_before_is_not_posted_again() {
    for is_checkpointed in [false, true] {
        let mut world = updated_once(12, is_checkpointed);
        world.ok(&update("a", 1));
        world.settle();
        assert_eq!(history(&world, "a").len(), 1);
        let id = world.channel("table-users").unwrap()["messages"][0]["id"].clone();
        world.fault(Fault {
            method: Some("POST".into()),
            path: Some(format!("^/channels/{}/messages$", id.as_str().unwrap())),
            ms: Some(8_000),
            ..Fault::new(FaultKind::Delay)
        });
        world.ok(&update("a", 2));
        world.wait(4_000);
        assert_eq!(history(&world, "a").len(), 2, "posted, and not answered");
        world.clear_faults();
        // The next object comes to it only when Discord has forgotten the nonce.
        world.fault(Fault {
            path: Some("^/guilds/[0-9]+/channels$".into()),
            status: Some(503),
            times: 0,
            ..Fault::new(FaultKind::Status)
        });
        world.evict();
        world.wait(3_600_000);
        world.clear_faults();
        world.settle();
        let past = history(&world, "a");
        assert_eq!(past.len(), 2, "{is_checkpointed}: {past:#?}");
        let thread = thread(&world, "a").unwrap();
        assert_eq!(thread["thread_metadata"]["archived"], true);
    }
}

/// A thread that somebody else began on a row's message, with something in it.
pub fn begin_thread(world: &mut World) -> String {
    let channel = world.channel("table-users").unwrap();
    let message = channel["messages"][0]["id"].as_str().unwrap().to_owned();
    let id = channel["id"].as_str().unwrap();
    let path = format!("/channels/{id}/messages/{message}/threads");
    world.by_hand("POST", &path, Some(json!({"name": "about this row"})));
    let path = format!("/channels/{message}/messages");
    world.by_hand("POST", &path, Some(json!({"content": "mine"})));
    message
}

/// What people wrote in a thread of their own is theirs; what is ours in it goes with the row.
#[test]
fn a_thread_that_somebody_began_is_left_alone() {
    for (manages_threads, archived) in [(true, false), (true, true), (false, false)] {
        let mut world = World::with_table(1);
        if !manages_threads {
            world.deny_bot("table-users", 1 << 34);
        }
        world.ok(&insert("a"));
        world.settle();
        let id = begin_thread(&mut world);
        world.ok(&update("a", 1));
        world.settle();
        world.ok(&update("a", 2));
        world.settle();
        let theirs = thread(&world, "about this row").unwrap();
        assert_eq!(theirs["thread_metadata"]["archived"], false);
        assert_eq!(history_in(&theirs).len(), 2);
        // More than a page of theirs comes after ours.
        for n in 0..120 {
            let path = format!("/channels/{id}/messages");
            world.by_hand("POST", &path, Some(json!({"content": format!("mine {n}")})));
            world.wait(1_000);
        }
        let archive = json!({"archived": archived});
        world.by_hand("PATCH", &format!("/channels/{id}"), Some(archive));
        world.ok(&hard_delete("a"));
        world.settle();
        world.wait(600_000);
        let theirs = thread(&world, "about this row").unwrap();
        assert_eq!(history_in(&theirs), [""; 0]);
        assert_eq!(theirs["thread_metadata"]["archived"], archived);
        let messages = theirs["messages"].as_array().unwrap();
        let mine = messages
            .iter()
            .filter(|m| m["content"].as_str().unwrap().starts_with("mine"));
        assert_eq!(mine.count(), 121);
        assert!(
            world
                .ok("/dbc_inspect database:prod")
                .contains("backlog: 0")
        );
    }
}

/// The row's message was deleted by hand, so that nothing leads to its thread, which somebody began and
/// which has what the row was. What it has of another row stays.
#[test]
fn what_is_ours_in_a_thread_of_somebody_else_goes_although_the_message_is_gone() {
    for (key, left) in [("a", 0), ("b", 1)] {
        let mut world = World::with_table(1);
        world.ok(&insert(key));
        world.wait(1_500);
        let id = begin_thread(&mut world);
        world.ok(&update(key, 1));
        world.wait(1_500);
        assert_eq!(
            history_in(&thread(&world, "about this row").unwrap()).len(),
            1
        );
        let channel = world.channel_id("table-users");
        let path = format!("/channels/{channel}/messages/{id}");
        world.by_hand("DELETE", &path, None);
        world.evict();
        if key == "b" {
            world.ok(&insert("a"));
            world.ok(&update("a", 1));
        }
        world.ok(&hard_delete("a"));
        world.settle();
        world.wait(600_000);
        let theirs = thread(&world, "about this row").unwrap();
        assert_eq!(history_in(&theirs).len(), left, "{key}");
        assert!(theirs["messages"].to_string().contains("mine"));
    }
}
