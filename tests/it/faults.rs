//! A network that loses things, and a Discord that says no.

use crate::world::{World, content, insert, shown_rows};
use discord_sim::{Fault, FaultKind, InteractionSpec};
use serde_json::json;

const INSERT: &str = r#"/dbc_insert database:prod table:users key:a value_json:{"id":"a"}"#;
const GET: &str = "/dbc_get database:prod table:users key:a";

/// Records in the log that put the row.
fn puts(world: &World) -> usize {
    let log = world.messages("dbc-log");
    log.iter()
        .filter(|text| text.contains("\"op\":\"put\""))
        .count()
}

#[test]
fn a_lost_answer_to_a_commit_is_one_commit() {
    for kind in [FaultKind::LostResponse, FaultKind::LostRequest] {
        let mut world = World::with_table(1);
        world.fault_on_log_post(kind, 1);
        assert!(world.ok(INSERT).contains("Stored"));
        world.settle();
        assert_eq!(puts(&world), 1);
        assert_eq!(shown_rows(&world, "users")["a"].len(), 1);
        world.evict();
        world.ok(GET);
    }
}

#[test]
fn a_commit_nobody_answers_for_is_looked_up_in_the_log() {
    // Every attempt is carried out, and no answer ever comes back.
    let mut world = World::with_table(2);
    world.fault_on_log_post(FaultKind::LostResponse, 4);
    assert!(world.ok(INSERT).contains("Stored"));
    assert_eq!(puts(&world), 1);
    // Every attempt is lost: then it is certain that nothing was written, and said so.
    let mut world = World::with_table(2);
    world.fault_on_log_post(FaultKind::LostRequest, 4);
    let reply = world.refused(INSERT);
    assert!(reply.contains("Nothing was written"), "{reply}");
    assert_eq!(puts(&world), 0);
    world.refused(GET);
    world.ok(INSERT);
}

#[test]
fn when_discord_is_gone_the_outcome_is_said_to_be_unknown() {
    let mut world = World::with_table(3);
    world.fault(Fault {
        method: Some("POST".into()),
        path: Some("/channels/[0-9]+/messages$".into()),
        times: 0,
        ..Fault::new(FaultKind::LostResponse)
    });
    world.fault(Fault {
        method: Some("GET".into()),
        times: 0,
        status: Some(503),
        ..Fault::new(FaultKind::Status)
    });
    let reply = world.refused(INSERT);
    assert!(reply.contains("not known whether"), "{reply}");
    assert!(reply.contains("/dbc_get"), "{reply}");
    world.clear_faults();
    world.ok(GET);
    assert_eq!(puts(&world), 1);
}

#[test]
fn refusals_are_passed_on_and_nothing_is_written() {
    let cases = [
        (
            401,
            json!({"message": "401: Unauthorized", "code": 0}),
            "DISCORD_BOT_TOKEN",
        ),
        (
            403,
            json!({"message": "Missing Permissions", "code": 50013}),
            "Missing Permissions",
        ),
    ];
    for (status, body, word) in cases {
        let mut world = World::with_table(4);
        world.fault(Fault {
            method: Some("POST".into()),
            status: Some(status),
            body: Some(body),
            ..Fault::new(FaultKind::Status)
        });
        let reply = world.refused(INSERT);
        assert!(
            reply.contains(word) && reply.contains("Nothing was written"),
            "{reply}"
        );
        world.settle();
        assert_eq!(puts(&world), 0);
        world.ok(INSERT);
    }
}

#[test]
fn an_outage_is_said_and_hot_reads_go_on() {
    let mut world = World::with_table(5);
    world.ok(INSERT);
    world.settle();
    world.fault(Fault {
        status: Some(503),
        times: 0,
        ..Fault::new(FaultKind::Status)
    });
    assert!(world.ok(GET).contains("rev 1"));
    // Interaction endpoints are down as well: the answer has to come at once or not at all.
    world.clear_faults();
    world.fault(Fault {
        path: Some("^/(channels|guilds|users)".into()),
        status: Some(503),
        times: 0,
        ..Fault::new(FaultKind::Status)
    });
    let insert = INSERT.replace("key:a", "key:b").replace("\"a\"", "\"b\"");
    let reply = world.refused(&insert);
    assert!(reply.contains("503"), "{reply}");
    world.clear_faults();
    world.settle();
    assert_eq!(puts(&world), 1);
}

#[test]
fn an_egress_block_backs_off_and_is_shown() {
    let mut world = World::with_table(6);
    world.ok(INSERT);
    world.settle();
    world.fault(Fault {
        times: 1,
        ..Fault::new(FaultKind::EgressBlock)
    });
    let insert = INSERT.replace("key:a", "key:b").replace("\"a\"", "\"b\"");
    assert!(world.refused(&insert).contains("blocks the address"));
    let before = world.requests().len();
    assert!(world.refused(&insert).contains("blocks the address"));
    let sent = world.requests()[before..]
        .iter()
        .filter(|r| r.0 != "POST" || !r.1.contains("interactions"))
        .count();
    assert_eq!(sent, 0, "{:?}", &world.requests()[before..]);
    assert!(world.ok(GET).contains("rev 1"));
    world.wait(61_000);
    world.ok(&insert);
}

#[test]
fn a_slow_discord_is_answered_by_an_edit() {
    let mut world = World::with_table(7);
    world.fault_on_log_post(FaultKind::Delay, 1);
    let view = world.run(INSERT);
    assert_eq!(view.delivery.body.as_ref().unwrap()["type"], 5);
    assert!(view.ephemeral);
    assert!(content(&view).contains("Stored"));
    world.settle();
    assert!(!world.traffic().contains("` was interrupted."));
}

#[test]
fn a_reply_with_a_file_is_edited_in_and_stays() {
    let mut world = World::with_table(8);
    let text = "x".repeat(2_500);
    world.ok(&format!(
        r#"/dbc_insert database:prod table:users key:a value_json:{{"id":"a","t":"{text}"}}"#
    ));
    let view = world.run(GET);
    let id = view.id;
    assert_eq!(view.reply.unwrap()["attachments"][0]["filename"], "a.json");
    world.settle();
    let view = world
        .with_discord(|discord| discord.interaction(id))
        .unwrap();
    assert!(!content(&view).contains("interrupted"));
}

#[test]
fn a_replayed_interaction_runs_once() {
    let mut world = World::with_table(9);
    let id = world.send(InteractionSpec::text(world.guild.guild_id, INSERT));
    assert!(content(&world.wait_for(id)).contains("Stored"));
    assert!(world.replay(id).contains("handled already"));
    // After an eviction, the log remembers.
    world.evict();
    let reply = world.replay(id);
    assert!(
        reply.contains("carried out already, as commit #4"),
        "{reply}"
    );
    assert_eq!(puts(&world), 1);
}

#[test]
fn a_replay_is_known_again_behind_a_checkpoint_and_pages_of_commits() {
    let mut world = World::with_table(10);
    let id = world.send(InteractionSpec::text(world.guild.guild_id, INSERT));
    assert!(content(&world.wait_for(id)).contains("Stored"));
    for n in 0..130 {
        world.ok(&insert(&format!("k{n}")));
    }
    world.ok("/dbc_delete database:prod table:users key:a");
    world.evict();
    let reply = world.replay(id);
    assert!(reply.contains("carried out already"), "{reply}");
    assert_eq!(puts(&world), 131);
}

#[test]
fn a_record_that_discord_maims_is_no_commit() {
    let mut world = World::with_table(11);
    // Without Embed Links, Discord takes the message and drops its embeds.
    world.deny_bot("dbc-log", 1 << 14);
    let text = "x".repeat(2_500);
    let insert = format!(
        r#"/dbc_insert database:prod table:users key:a value_json:{{"id":"a","t":"{text}"}}"#
    );
    let reply = world.refused(&insert);
    assert!(
        reply.contains("Embed Links") && reply.contains("Nothing was written"),
        "{reply}"
    );
    world.refused(GET);
    assert!(
        world
            .messages("dbc-log")
            .iter()
            .all(|m| !m.contains("users/a put"))
    );
    world.ok(r#"/dbc_insert database:prod table:users key:b value_json:{"id":"b"}"#);
}

#[test]
fn a_lost_answer_while_channels_are_made_leaves_no_twin() {
    for kind in [FaultKind::LostResponse, FaultKind::LostRequest] {
        for skip in 0..3 {
            let mut world = World::new(14);
            world.fault(Fault {
                method: Some("POST".into()),
                path: Some("^/guilds/[0-9]+/channels$".into()),
                skip,
                ..Fault::new(kind)
            });
            world.reply("/dbc_init database:prod");
            world.ok("/dbc_init database:prod");
            world.settle();
            let state = world.state();
            let channels = state["channels"].as_array().unwrap();
            for name in ["dbcord-prod", "dbc-log", "dbc-catalog"] {
                let found = channels.iter().filter(|c| c["name"] == name).count();
                assert_eq!(found, 1, "{name} after {kind:?} of creation {skip}");
            }
        }
    }
}
