//! Channels that the bot may not see or read for a while.

use crate::crud::on_users;
use crate::erase::{HARD_DELETE, SECRET, everything, insert_secret};
use crate::world::{World, content, get, insert, shown_rows};
use dbcord_simulation::harness::outside::Side;
use discord_sim::{Fault, FaultKind, permissions};

const INSPECT: &str = "/dbc_inspect database:prod";

fn channels(world: &World) -> usize {
    world.state()["channels"].as_array().unwrap().len()
}

#[test]
fn a_channel_that_may_not_be_read_is_not_taken_for_an_empty_one() {
    let mut world = World::new(8);
    world.ok("/dbc_init database:prod");
    world.ok("/dbc_table_create database:prod table:users pk:id");
    world.ok(&insert("a"));
    world.ok(&insert_secret("s"));
    // Longer than Discord remembers nonces.
    world.wait(1_200_000);
    assert_eq!(world.messages("table-users").len(), 2);
    world.fault_on_posts(
        "table-users",
        Fault {
            times: 2,
            ..Fault::new(FaultKind::LostRequest)
        },
    );
    world.ok(&insert("b"));
    world.wait(40_000);
    assert_eq!(world.messages("table-users").len(), 3);
    // Discord answers with empty lists; everything else goes on.
    world.deny_bot("table-users", permissions::READ_MESSAGE_HISTORY);
    world.wait(60_000);
    world.deny_bot("table-users", 0);
    world.settle();
    assert_eq!(world.messages("table-users").len(), 3);
    world.evict();
    world.ok(HARD_DELETE);
    world.settle();
    assert!(!everything(&world).contains(SECRET), "a copy is left");
}

#[test]
fn a_second_message_of_a_row_that_was_deleted_for_good_goes_too() {
    let mut world = World::with_table(9);
    world.ok(&insert("a"));
    world.ok(&insert_secret("s"));
    world.settle();
    world.wait(1_200_000);
    // An earlier version left it, say.
    let shown = world.messages("table-users");
    let secret = shown.iter().find(|text| text.contains(SECRET)).unwrap();
    world.post_as_bot("table-users", secret);
    // It is so far back that the newest page does not have it, and all before was read.
    for part in 0..3 {
        let ops = (0..45).map(|number| {
            format!(r#"{{"op":"insert","table":"users","key":"k{part}_{number}","value":{{}}}}"#)
        });
        let ops: Vec<_> = ops.collect();
        world.ok(&format!(
            "/dbc_transact database:prod ops_json:[{}]",
            ops.join(",")
        ));
    }
    world.settle();
    let view = world.run(HARD_DELETE);
    world.settle();
    let said = content(&world.with_discord(|discord| discord.interaction(view.id).unwrap()));
    assert!(
        !everything(&world).contains(SECRET),
        "a copy is left: {said}"
    );
    assert_eq!(shown_rows(&world, "users").len(), 136);
}

#[test]
fn a_table_whose_channel_is_hidden_for_a_while_is_not_posted_again() {
    let mut world = World::with_table(10);
    for key in ["a", "b"] {
        world.ok(&insert(key));
    }
    world.settle();
    let before = channels(&world);
    for channel in ["table-users", "dbc-catalog"] {
        world.deny_bot(channel, permissions::VIEW_CHANNEL);
    }
    world.evict();
    world.ok(&insert("c"));
    world.ok("/dbc_table_create database:prod table:posts pk:id");
    world.wait(600_000);
    let inspected = world.ok(INSPECT);
    assert!(
        inspected.contains("View Channel") || inspected.contains("Missing Access"),
        "{inspected}"
    );
    world.evict();
    world.ok(&insert("d"));
    world.wait(600_000);
    for channel in ["table-users", "dbc-catalog"] {
        world.deny_bot(channel, 0);
    }
    world.settle();
    assert_eq!(channels(&world), before + 1, "another channel was made");
    assert_eq!(shown_rows(&world, "users").len(), 4);
    assert_eq!(world.messages("table-users").len(), 4);
    assert_eq!(world.messages("dbc-catalog").len(), 2);
    world.ok(&get("d"));
}

#[test]
fn cards_are_not_posted_again_while_the_catalog_may_not_be_read() {
    let mut world = World::with_table(12);
    world.ok(&insert("a"));
    world.settle();
    world.wait(1_200_000);
    world.deny_bot("dbc-catalog", permissions::READ_MESSAGE_HISTORY);
    world.ok("/dbc_table_create database:prod table:posts pk:id");
    // Before anything of it is shown.
    world.evict();
    world.wait(600_000);
    world.deny_bot("dbc-catalog", 0);
    world.wait(600_000);
    assert_eq!(world.messages("dbc-catalog").len(), 2);
}

#[test]
fn a_dropped_database_does_not_end_while_a_channel_of_it_is_hidden() {
    for is_evicted in [false, true] {
        let mut world = World::with_table(11);
        world.ok(&insert("a"));
        world.settle();
        world.deny_bot("table-users", permissions::VIEW_CHANNEL);
        world.ok("/dbc_database_drop database:prod confirm:prod");
        world.wait(60_000);
        if is_evicted {
            world.evict();
        }
        world.wait(600_000);
        assert!(world.channel("dbc-log").is_some(), "it is not removed yet");
        world.deny_bot("table-users", 0);
        world.settle();
        assert!(world.channel("table-users").is_none());
        assert!(world.channel("dbc-log").is_none());
    }
}

/// The index's channel cannot be seen, read or written while the row changes and goes.
#[test]
fn values_in_a_hidden_channel_of_an_index_are_copies_until_they_are_gone() {
    let changes = [
        None,
        Some(("dbc_update", r#"key:s patch_json:{"word":"w"}"#)),
        Some(("dbc_delete", "key:s")),
    ];
    for lacks in [
        permissions::VIEW_CHANNEL,
        permissions::READ_MESSAGE_HISTORY,
        permissions::SEND_MESSAGES,
    ] {
        for change in changes {
            let what = format!("{lacks}, {change:?}");
            let mut world = World::with_table(13);
            world.ok(&on_users("dbc_index_create", "field:word"));
            world.ok(&insert_secret("s"));
            world.settle();
            world.wait(1_200_000);
            world.deny_bot("idx-users-word", lacks);
            if let Some((command, options)) = change {
                world.ok(&on_users(command, options));
                world.wait(60_000);
                world.lose_storage();
            }
            world.ok(HARD_DELETE);
            for minute in 0..40 {
                world.wait(60_000);
                let told = world.ok(INSPECT).contains("copies still being removed");
                let is_left = everything(&world).contains(SECRET);
                assert!(told || !is_left, "{what}: nobody is told of a copy");
                if minute == 20 {
                    world.evict();
                }
            }
            world.deny_bot("idx-users-word", 0);
            world.settle();
            world.wait(7_200_000);
            assert!(
                !everything(&world).contains(SECRET),
                "{what}: a copy is left"
            );
        }
    }
}

#[test]
fn a_channel_that_is_hidden_while_its_table_is_renamed_gets_the_new_name() {
    for step in 1..=8 {
        for side in [Side::Before, Side::After] {
            let mut world = World::with_table(50);
            world.ok("/dbc_table_create database:prod table:notes pk:id");
            world.settle();
            world.wait(3_660_000);
            world.ok(&insert("a"));
            world.deny_bot("table-notes", permissions::VIEW_CHANNEL);
            world.ok("/dbc_table_rename database:prod table:notes to:drafts");
            world.wait(253);
            world.crash_anywhere_at(step, side);
            world.reply("/dbc_table_create database:prod table:notes pk:id");
            world.reply("/dbc_count database:prod table:users");
            world.wait(317);
            world.calm();
            world.deny_bot("table-notes", 0);
            world.wait(3_660_000);
            world.ok("/dbc_count database:prod table:users");
            let state = world.state();
            let topics: Vec<&str> = state["channels"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(|c| c["topic"].as_str())
                .collect();
            let of_drafts = topics
                .iter()
                .filter(|topic| topic.contains(":prod:drafts:"));
            assert_eq!(
                of_drafts.count(),
                1,
                "{step} {side:?}: {topics:?} {}",
                world.reply(INSPECT)
            );
        }
    }
}
