//! A log that Discord shows empty, as it does where the bot lacks Read Message History: nothing is
//! learnt from that, nothing is acknowledged meanwhile, and everything goes on when it is over.

use crate::crud::on_users;
use crate::takeover::{self, INSPECT, WAIT_MS, two_deployments};
use crate::world::{World, get, insert};

const READ_HISTORY: u64 = 1 << 16;

fn says_what_to_do(reply: &str, world: &World) {
    assert!(reply.starts_with('❌'), "{reply}");
    assert!(reply.contains("Read Message History"), "{reply}");
    assert!(reply.contains("Nothing is lost"), "{reply}");
    let log = format!("<#{}>", world.channel_id("dbc-log"));
    assert!(reply.contains(&log), "{reply}");
}

#[test]
fn a_log_that_shows_nothing_does_not_confirm_whose_it_is() {
    let mut world = two_deployments(30);
    takeover::take_over(&mut world, 1);
    let began = world.now();
    world.point_at(0);
    world.deny_bot("dbc-log", READ_HISTORY);
    world.wait(50_000);
    let told = world.reply(&insert("early"));
    assert!(told.contains("Nothing was written"), "{told}");
    world.deny_bot("dbc-log", 0);
    let left = WAIT_MS - (world.now() - began);
    world.wait(left);
    world.point_at(1);
    world.ok(&get("a"));
    world.point_at(0);
    let told = world.reply(&insert("lost"));
    world.point_at(1);
    world.wait(3_000);
    let found = world.reply(&get("lost"));
    assert!(
        !(told.starts_with("Stored") && found.starts_with('❌')),
        "told: {told}\nfound: {found}"
    );
}

#[test]
fn nothing_is_acknowledged_while_the_log_cannot_be_read() {
    let mut world = World::with_table(31);
    world.ok(&insert("a"));
    world.settle();
    world.deny_bot("dbc-log", READ_HISTORY);
    for n in 0..3 {
        world.wait(25_000);
        let told = world.refused(&insert(&format!("k{n}")));
        says_what_to_do(&told, &world);
        assert!(told.contains("Nothing was written"), "{told}");
        for command in [&get("a"), INSPECT, "/dbc_init database:prod"] {
            let told = world.refused(command);
            says_what_to_do(&told, &world);
        }
    }
    world.deny_bot("dbc-log", 0);
    world.ok(&get("a"));
    world.ok(&insert("k0"));
    let told = world.ok("/dbc_init database:prod");
    assert!(told.contains("nothing was missing"), "{told}");
}

#[test]
fn a_log_without_read_message_history_is_named_as_that() {
    let mut world = World::with_table(32);
    world.ok(&insert("a"));
    world.settle();
    world.wait(60_000);
    world.ok(&get("a"));
    world.deny_bot("dbc-log", READ_HISTORY);
    let hot = world.refused(&on_users("dbc_history", "key:a"));
    says_what_to_do(&hot, &world);
    world.evict();
    for command in [&get("a"), &insert("b"), INSPECT, "/dbc_init database:prod"] {
        let cold = world.refused(command);
        says_what_to_do(&cold, &world);
    }
    world.deny_bot("dbc-log", 0);
    world.ok(&get("a"));
}

/// What is known of the log is a notice of its own then, and the wait that began with it.
#[test]
fn a_takeover_waits_for_a_log_that_can_be_read() {
    let mut world = two_deployments(33);
    takeover::take_over(&mut world, 1);
    world.deny_bot("dbc-log", READ_HISTORY);
    world.wait(WAIT_MS);
    let told = world.refused(&get("a"));
    says_what_to_do(&told, &world);
    world.deny_bot("dbc-log", 0);
    world.ok(&get("a"));
    world.ok(&insert("b"));
}

/// A log in which nothing but other people's messages can be seen is no better.
#[test]
fn a_look_that_lacks_what_must_be_visible_is_none() {
    let mut world = World::with_table(34);
    world.ok(&insert("a"));
    world.settle();
    let log = world.channel_id("dbc-log");
    let path = format!("/channels/{log}/messages");
    let content = serde_json::json!({ "content": "hello" });
    world.wait(60_000);
    world.ok(&get("a"));
    let posted = world.by_hand("POST", &path, Some(content));
    assert!(posted.status().is_success());
    // Of the log's own messages only those can be seen that are older than five minutes: none.
    world.wait(25_000);
    world.ok(&get("a"));
    world.wait(25_000);
    world.stale_reads(300_000);
    let told = world.refused(&insert("b"));
    assert!(told.contains("Nothing was written"), "{told}");
    world.stale_reads(0);
    world.ok(&insert("b"));
    // As much as reads may be out of date.
    world.wait(25_000);
    world.stale_reads(19_000);
    world.ok(&insert("c"));
    world.wait(21_000);
    world.ok(&insert("d"));
}
