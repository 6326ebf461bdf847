//! Whose the log is, and what is true of a commit that somebody lost sight of.

use crate::host::Side;
use crate::world::{World, content, insert};
use discord_sim::{Fault, FaultKind, InteractionSpec};
use serde_json::json;

const INSERT: &str = r#"/dbc_insert database:prod table:users key:a value_json:{"id":"a"}"#;
const GET: &str = "/dbc_get database:prod table:users key:a";

#[test]
fn a_commit_that_arrives_late_is_void_once_it_was_said_not_to_be_written() {
    let mut world = World::with_table(12);
    // The first attempt arrives after a minute and a half, all others never: by then it was said
    // that nothing was written, and that must stay true.
    world.post_late(90_000);
    world.fault_on_log_post(FaultKind::LostRequest, 3);
    let reply = world.refused(INSERT);
    assert!(reply.contains("Nothing was written"), "{reply}");
    world.wait(100_000);
    let log = world.messages("dbc-log");
    assert!(
        log.iter().any(|m| m.contains("users/a put")),
        "the late one has arrived"
    );
    world.refused(GET);
    world.evict();
    world.refused(GET);
    world.lose_storage();
    world.refused(GET);
    assert!(world.ok(INSERT).contains("Stored"));
    world.evict();
    world.ok(GET);
}

#[test]
fn a_commit_that_was_read_once_is_always_read() {
    // The object dies after its POST arrived and before it was stored. The next one reads the
    // record and serves it; if it did not make it its own, a later one could miss it.
    let mut world = World::with_table(13);
    world.crash_at(1, Side::After);
    world.run(INSERT);
    world.ok(GET);
    let log = world.channel("dbc-log").unwrap();
    let log_id = log["id"].as_str().unwrap();
    let newest = log["messages"].as_array().unwrap().last().unwrap();
    let newest = newest["id"].as_str().unwrap();
    world.by_hand(
        "DELETE",
        &format!("/channels/{log_id}/messages/{newest}"),
        None,
    );
    world.evict();
    // What is gone is missed, not forgotten.
    assert!(world.refused(&insert("b")).contains("does not show it"));
    assert!(world.ok(GET).starts_with("⚠️ read-only"));
}

#[test]
fn broken_object_storage_acknowledges_nothing() {
    let mut world = World::with_table(10);
    world.break_storage(true);
    let reply = world.refused(INSERT);
    assert!(reply.contains("storage failed"), "{reply}");
    assert!(
        !reply.contains("Nothing was written"),
        "it is in the log: {reply}"
    );
    world.break_storage(false);
    world.settle();
    world.ok(GET);
}

#[test]
fn a_clock_that_went_back_voids_nothing() {
    let mut world = World::with_table(6);
    world.ok(r#"/dbc_insert database:prod table:users key:a value_json:{"id":"a"}"#);
    world.settle();
    // Epochs come from the clock when storage is gone, and this clock is wrong.
    world.set_clock_back(50_000);
    world.lose_storage();
    world.ok(r#"/dbc_insert database:prod table:users key:b value_json:{"id":"b"}"#);
    world.evict();
    world.ok("/dbc_get database:prod table:users key:a");
    world.ok("/dbc_get database:prod table:users key:b");
}

#[test]
fn an_unsettled_head_is_shown_to_nobody() {
    // A commit is in the log, and nobody has stored it. Two people ask at once; the object cannot
    // make the commit its own, so it must not show it to either.
    let mut world = World::with_table(14);
    world.crash_at(1, Side::After);
    world.run(INSERT);
    world.fault_on_log_post(FaultKind::LostRequest, 4);
    let ask = InteractionSpec::text(world.guild.guild_id, GET);
    let first = world.send(ask.clone());
    world.wait(3_500);
    let second = world.send(ask);
    for id in [first, second] {
        let reply = content(&world.wait_for(id));
        // The second may come after the fault has passed; then it is settled, and shown.
        assert!(
            reply.starts_with('❌') || world.messages("dbc-log").len() > 3,
            "{reply}"
        );
        if id == first {
            assert!(reply.starts_with('❌'), "{reply}");
            let view = world
                .with_discord(|discord| discord.interaction(second))
                .unwrap();
            assert!(view.reply.is_none(), "{}", content(&view));
        }
    }
    world.ok(GET);
}

#[test]
fn what_is_not_known_stays_away_once_somebody_was_told_that_it_is_not_there() {
    let mut world = World::with_table(15);
    // The commit is on its way for a minute and a half, and the log cannot be read meanwhile.
    world.post_late(90_000);
    world.fault_on_log_post(FaultKind::LostRequest, 3);
    world.fault(Fault {
        method: Some("GET".to_owned()),
        status: Some(503),
        times: 0,
        ..Fault::new(FaultKind::Status)
    });
    let reply = world.refused(INSERT);
    assert!(reply.contains("not known whether"), "{reply}");
    world.clear_faults();
    world.evict();
    world.refused(GET);
    world.wait(100_000);
    let log = world.messages("dbc-log");
    let has_arrived = log.iter().any(|m| m.contains("users/a put"));
    assert!(has_arrived, "{log:#?}");
    world.evict();
    world.refused(GET);
    world.lose_storage();
    world.refused(GET);
}

#[test]
fn the_wait_of_new_storage_outlives_the_object_that_began_it() {
    let mut world = World::with_table(16);
    world.ok(INSERT);
    world.settle();
    world.wipe_storage();
    for _ in 0..3 {
        let reply = world.refused(GET);
        assert!(reply.contains("storage is new"), "{reply}");
        world.evict();
        world.wait(15_000);
    }
    world.wait(16_000);
    world.ok(GET);
}

#[test]
fn a_refusal_that_rests_on_a_commit_that_failed_is_not_given() {
    let mut world = World::with_table(17);
    world.ok(&insert("warm"));
    // While one commit is slow, two inserts of the same key wait and go together, and Discord
    // refuses their record: then neither is there, and nobody may be told of the other's row.
    world.fault_on_log_post(FaultKind::Delay, 1);
    let forbidden = Fault {
        status: Some(403),
        body: Some(json!({"message": "Missing Permissions", "code": 50013})),
        times: 0,
        ..Fault::new(FaultKind::Status)
    };
    world.fault_on_posts("dbc-log", forbidden);
    let guild = world.guild.guild_id;
    let slow = world.send(InteractionSpec::text(guild, &insert("slow")));
    // Long enough for commits to be spread, and for this one to be on its way.
    world.wait(3_000);
    let twins = [0, 1].map(|_| world.send(InteractionSpec::text(guild, INSERT)));
    assert!(content(&world.wait_for(slow)).contains("Stored"));
    for twin in twins {
        let reply = content(&world.wait_for(twin));
        assert!(reply.contains("Missing Permissions"), "{reply}");
    }
    world.clear_faults();
    world.refused(GET);
}
