//! Sequences of events that once broke a guarantee.

use crate::world::{World, content, get, insert};
use discord_sim::{Fault, FaultKind, InteractionSpec};
use serde_json::json;

fn forbid_posts(world: &mut World, channel: &str) {
    let fault = Fault {
        times: 0,
        status: Some(403),
        body: Some(json!({"message": "Missing Permissions", "code": 50013})),
        ..Fault::new(FaultKind::Status)
    };
    world.fault_on_posts(channel, fault);
}

/// A document whose record needs a file.
fn large(key: &str) -> String {
    let text = "xéy".repeat(1_900);
    format!(
        r#"/dbc_insert database:prod table:users key:{key} value_json:{{"id":"{key}","t":"{text}"}}"#
    )
}

#[test]
fn a_table_that_is_not_loaded_is_not_taken_for_empty_under_its_new_name() {
    let mut world = World::with_table(1);
    for key in ["a", "b"] {
        world.ok(&insert(key));
    }
    world.settle();
    world.evict();
    let guild = world.guild.guild_id;
    let mut send = |text: &str| world.send(InteractionSpec::text(guild, text));
    let first = send("/dbc_table_create database:prod table:other pk:id");
    world.wait(450);
    let mut send = |text: &str| world.send(InteractionSpec::text(guild, text));
    let rename = send("/dbc_table_rename database:prod table:users to:people");
    let over =
        send(r#"/dbc_insert database:prod table:people key:a value_json:{"id":"a","stolen":1}"#);
    world.wait_for(first);
    assert!(!content(&world.wait_for(rename)).starts_with('❌'));
    let reply = content(&world.wait_for(over));
    assert!(reply.contains("already (revision 1)"), "{reply}");
    for key in ["a", "b"] {
        let reply = world.ok(&get(key).replace("users", "people"));
        assert!(!reply.contains("stolen"), "{reply}");
    }
}

#[test]
fn nothing_was_written_is_not_said_after_a_stale_read() {
    for skip in 1..6 {
        let mut world = World::with_table(2);
        let guild = world.guild.guild_id;
        let id = world.send(InteractionSpec::text(guild, &insert("x")));
        assert!(content(&world.wait_for(id)).contains("Stored"));
        for n in 0..230 {
            world.ok(&insert(&format!("k{n}")));
        }
        world.evict();
        let log = world.channel_id("dbc-log");
        world.fault(Fault {
            method: Some("GET".to_owned()),
            path: Some(format!("/channels/{log}/messages$")),
            skip,
            ms: Some(5_000),
            ..Fault::new(FaultKind::StaleRead)
        });
        // As if the object had died between its floor and its answer.
        let owed = json!({
            "interaction": id.0, "application": 1, "token": "t", "command": "dbc_insert",
            "database": "prod", "writes": true, "since": world.now(),
        });
        world.with_storage(|s| s.insert(format!("pending/{id}"), owed.to_string()));
        world.ok(&insert("wake"));
        world.wait(60_000);
        let traffic = world.traffic();
        assert!(
            !traffic.contains("Nothing was written. Run it again."),
            "{skip}"
        );
        assert!(traffic.contains("It had been committed by then"), "{skip}");
    }
}

#[test]
fn a_checkpoint_that_was_begun_under_another_epoch_is_begun_anew() {
    let mut world = World::with_table(5);
    world.ok(&insert("a"));
    world.fault_on_log_post(FaultKind::Delay, 1);
    world.wait(3_000);
    world.fault_on_log_post(FaultKind::LostRequest, 4);
    world.run(&insert("b"));
    world.wait(600_000);
    let before = world.checkpoints();
    for n in 0..70 {
        world.ok(&insert(&format!("k{n}")));
    }
    world.settle();
    assert!(world.checkpoints() > before);
}

#[test]
fn a_record_that_cannot_be_read_back_is_void_before_it_is_deleted() {
    let mut world = World::with_table(6);
    world.ok(&insert("a"));
    world.settle();
    forbid_posts(&mut world, "table-users");
    world.fault(Fault::new(FaultKind::AttachmentsRefused));
    let log = world.channel_id("dbc-log");
    world.fault(Fault {
        method: Some("DELETE".to_owned()),
        path: Some(format!("/channels/{log}/messages/[0-9]+$")),
        times: 4,
        ms: Some(90_000),
        ..Fault::new(FaultKind::Late)
    });
    let reply = content(&world.run(&large("large")));
    assert!(reply.contains("Nothing was written"), "{reply}");
    world.wait(200_000);
    world.evict();
    world.ok(&get("a"));
    world.refused(&get("large"));
    world.ok(&insert("z"));
}

#[test]
fn a_checkpoint_that_arrives_late_hides_no_file() {
    let mut world = World::with_table(7);
    world.ok(&large("l1"));
    // The checkpoint's file passes, its record is late.
    let late = Fault {
        skip: 1,
        ms: Some(40_000),
        ..Fault::new(FaultKind::Late)
    };
    world.fault_on_posts("dbc-log", late);
    world.wait(8_000);
    forbid_posts(&mut world, "table-users");
    world.evict();
    assert!(content(&world.run(&large("l2"))).contains("Stored"));
    world.evict();
    world.wait(60_000);
    world.evict();
    for key in ["l1", "l2"] {
        let reply = content(&world.run(&get(key)));
        assert!(reply.contains("rev 1"), "{reply}");
    }
    world.ok(&insert("z"));
}
