//! Answers that are owed arrive, and stay what they were.

use crate::world::{World, content, get, insert};
use discord_sim::{Fault, FaultKind, InteractionSpec};
use serde_json::json;

#[test]
fn an_owed_answer_is_given_when_discord_is_back() {
    let mut world = World::with_table(1);
    world.fault_on_log_post(FaultKind::Delay, 1);
    // The webhook endpoint is down for a minute or so, well within the token's 15.
    world.fault(Fault {
        method: Some("PATCH".into()),
        path: Some("^/webhooks/".into()),
        status: Some(503),
        times: 9,
        ..Fault::new(FaultKind::Status)
    });
    let view = world.run(&insert("a"));
    assert_eq!(
        view.state,
        "answered",
        "{} {:?}",
        content(&view),
        world.requests().iter().rev().take(12).collect::<Vec<_>>()
    );
}

#[test]
fn an_owed_answer_outlives_an_egress_block() {
    let mut world = World::with_table(1);
    world.fault_on_log_post(FaultKind::Delay, 1);
    world.fault(Fault {
        method: Some("PATCH".into()),
        path: Some("^/webhooks/".into()),
        ..Fault::new(FaultKind::EgressBlock)
    });
    let view = world.run(&insert("a"));
    assert_eq!(view.state, "answered", "{}", content(&view));
}

#[test]
fn a_reply_whose_file_is_refused_comes_without_it() {
    let mut world = World::with_table(1);
    let text = "x".repeat(2_500);
    world.ok(&format!(
        r#"/dbc_insert database:prod table:users key:a value_json:{{"id":"a","t":"{text}"}}"#
    ));
    world.fault(Fault {
        method: Some("PATCH".into()),
        path: Some("^/webhooks/".into()),
        status: Some(413),
        body: Some(json!({"message":"Request entity too large","code":40005})),
        ..Fault::new(FaultKind::Status)
    });
    let view = world.run(&get("a"));
    assert_eq!(view.state, "answered", "{}", content(&view));
}

#[test]
fn a_delivered_reply_is_never_overwritten() {
    let mut world = World::with_table(2);
    let text = "x".repeat(2_500);
    world.ok(&format!(
        r#"/dbc_insert database:prod table:users key:big value_json:{{"id":"big","t":"{text}"}}"#
    ));
    world.settle();
    // X is deferred, its object dies.
    world.fault_on_posts(
        "dbc-log",
        Fault {
            ms: Some(8_000),
            ..Fault::new(FaultKind::Delay)
        },
    );
    let x = world.send(InteractionSpec::text(world.guild.guild_id, &insert("a")));
    world.wait(4_000);
    world.evict();
    world.clear_faults();
    // The alarm settles X: its PATCH is slow. Meanwhile Y is answered with a file, by an edit.
    world.fault(Fault {
        method: Some("PATCH".into()),
        path: Some("^/webhooks/".into()),
        ms: Some(4_000),
        times: 1,
        ..Fault::new(FaultKind::Delay)
    });
    world.wait(15_900);
    let mut ys = vec![];
    for _ in 0..12 {
        let y = world.send(InteractionSpec::text(world.guild.guild_id, &get("big")));
        ys.push(y);
        world.wait(150);
    }
    world.wait_for(x);
    world.settle();
    for y in ys {
        let view = world.with_discord(|d| d.interaction(y)).unwrap();
        let c = content(&view);
        assert!(!c.contains("interrupted"), "{c}");
    }
}

#[test]
fn nobody_waits_in_the_queue_beyond_the_token() {
    let mut world = World::with_table(1);
    world.ok(&insert("warm"));
    world.settle();
    // Discord swallows what is posted to the log; everything else works.
    world.fault_on_posts(
        "dbc-log",
        Fault {
            times: 0,
            ..Fault::new(FaultKind::LostRequest)
        },
    );
    let mut sent = vec![];
    for n in 0..20 {
        sent.push(world.send(InteractionSpec::text(
            world.guild.guild_id,
            &insert(&format!("q{n}")),
        )));
    }
    world.wait(1_800_000);
    world.clear_faults();
    let mut bad = 0;
    for id in sent {
        let v = world.wait_for(id);
        if v.state != "answered" {
            bad += 1;
            println!("{} {:?}", v.state, v.failure);
        }
    }
    world.settle();
    assert_eq!(bad, 0, "never answered");
}

#[test]
fn an_interrupted_init_is_not_called_undone() {
    let mut world = World::new(1);
    world.post_late(90_000);
    let id = world.send(InteractionSpec::text(
        world.guild.guild_id,
        "/dbc_init database:prod",
    ));
    world.wait(6_000);
    world.evict();
    let view = world.wait_for(id);
    world.wait(120_000);
    let reply = world.reply("/dbc_inspect database:prod");
    assert!(!(content(&view).contains("Nothing was committed") && reply.contains("last commit")));
}

#[test]
fn an_answer_that_cannot_be_given_leaves_no_row_in_object_storage() {
    const WORD: &str = "swordfish";
    let mut world = World::with_table(7);
    world.ok(&format!(
        r#"/dbc_insert database:prod table:users key:a value_json:{{"id":"a","word":"{WORD}"}}"#
    ));
    world.settle();
    let update = r#"/dbc_update database:prod table:users key:a patch_json:{"n":1}"#;
    let history = "/dbc_history database:prod table:users key:a";
    for command in [get("a"), history.to_owned(), update.to_owned()] {
        world.evict();
        // Reading the log takes longer than an answer may.
        let log = world.channel_id("dbc-log");
        world.fault(Fault {
            method: Some("GET".into()),
            path: Some(format!("^/channels/{log}/messages")),
            ms: Some(4_000),
            ..Fault::new(FaultKind::Delay)
        });
        world.fault(Fault {
            method: Some("PATCH".into()),
            path: Some("^/webhooks/".into()),
            status: Some(503),
            times: 6,
            ..Fault::new(FaultKind::Status)
        });
        let spec = discord_sim::InteractionSpec::text(world.guild.guild_id, &command);
        let id = world.send(spec);
        for _ in 0..60 {
            world.wait(500);
            world.with_storage(|storage| {
                for (key, value) in storage.iter() {
                    assert!(!value.contains(WORD), "{key}: {value}");
                }
            });
        }
        let view = world.wait_for(id);
        let said = content(&view);
        assert_eq!(view.state, "answered", "{said}");
        assert!(!said.contains("503"), "{said}");
    }
}
