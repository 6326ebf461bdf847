//! Tables and databases: renamed, dropped, listed.

use crate::crud::{on_users, refused, shown};
use crate::world::{World, get, insert};
use discord_sim::{Fault, FaultKind};
use serde_json::json;

#[test]
fn a_renamed_table_keeps_what_it_has() {
    let mut world = World::with_table(1);
    world.ok(&insert("a"));
    let reply = world.ok("/dbc_table_rename database:prod table:users to:members");
    assert!(
        reply.contains("`users` of database `prod` is now `members` (commit #"),
        "{reply}"
    );
    world.evict();
    let reply = world.ok("/dbc_get database:prod table:members key:a");
    assert!(reply.contains("rev 1 · commit #"), "{reply}");
    refused(&mut world, &get("a"), &["`table`", "`users`", "`members`"]);
    world.ok(r#"/dbc_update database:prod table:members key:a patch_json:{"n":1}"#);
    // The old name is free.
    world.ok("/dbc_table_create database:prod table:users pk:id");
    world.refused(&get("a"));
    for (line, words) in [
        (
            "/dbc_table_rename database:prod table:members to:users",
            ["`to`", "`users` already"],
        ),
        (
            "/dbc_table_rename database:prod table:members to:members",
            ["`to`", "already"],
        ),
        (
            "/dbc_table_rename database:prod table:members to:My Table",
            ["`to`", "`my_table` would do"],
        ),
        (
            "/dbc_table_rename database:prod table:membres to:x",
            ["`table`", "`members`"],
        ),
    ] {
        refused(&mut world, line, &words);
    }
}

#[test]
fn a_dropped_table_is_gone_and_the_next_of_its_name_begins_anew() {
    let mut world = World::with_table(2);
    world.ok(&insert("a"));
    world.ok(&insert("b"));
    let drop =
        |confirm: &str| format!("/dbc_table_drop database:prod table:users confirm:{confirm}");
    for wrong in ["Users", "user", "yes"] {
        refused(
            &mut world,
            &drop(wrong),
            &["`confirm`", "`users`", "Nothing was written"],
        );
    }
    refused(
        &mut world,
        "/dbc_table_drop database:prod table:usres confirm:usres",
        &["`table`", "`users`"],
    );
    let reply = world.ok(&drop("users"));
    assert!(
        reply.contains("`users` of database `prod` is dropped, with 2 rows (commit #"),
        "{reply}"
    );
    world.evict();
    let told = world.refused(&get("a"));
    assert!(told.contains("no table `users`"), "{told}");
    world.ok("/dbc_table_create database:prod table:users pk:name");
    world.refused(&get("a"));
    let reply = world.ok(&insert("a"));
    assert!(reply.contains("as revision 1"), "{reply}");
    assert_eq!(shown(&world.ok(&get("a"))), json!({"name":"a","id":"a"}));
}

#[test]
fn writes_that_meet_a_drop_are_refused() {
    let mut world = World::with_table(3);
    let lines = [
        insert("before"),
        "/dbc_table_drop database:prod table:users confirm:users".to_owned(),
        insert("after"),
    ];
    let replies = world.all_at_once(&lines);
    assert!(replies[0].starts_with("Stored"), "{replies:?}");
    assert!(
        replies[1].contains("is dropped, with 1 row "),
        "{replies:?}"
    );
    assert!(replies[2].contains("no table `users`"), "{replies:?}");
}

#[test]
fn a_table_can_do_without_a_channel() {
    let mut world = World::with_table(4);
    let reply = world.ok("/dbc_table_create database:prod table:events pk:id mirror:false");
    assert!(reply.contains("no channel"), "{reply}");
    world.ok(r#"/dbc_insert database:prod table:events key:a value_json:{"n":1}"#);
    world.evict();
    let reply = world.ok("/dbc_get database:prod table:events key:a");
    assert_eq!(shown(&reply)["n"], 1);
    assert!(!reply.contains("[message]"), "{reply}");
}

#[test]
fn the_card_of_a_table_without_a_channel_goes_also_when_nobody_remembers_it() {
    let mut world = World::with_table(4);
    world.ok("/dbc_table_create database:prod table:notes pk:id mirror:false");
    world.settle();
    world.evict();
    world.ok("/dbc_table_drop database:prod table:notes confirm:notes");
    world.settle();
    let cards = world.messages("dbc-catalog");
    assert!(!cards.concat().contains("**notes**"), "{cards:?}");
}

#[test]
fn a_table_without_a_channel_needs_no_room() {
    let mut world = World::with_table(5);
    let guild = world.guild.guild_id;
    let channels = world.state()["channels"].as_array().unwrap().len();
    for n in channels..500 {
        let body = json!({"name": format!("filler-{n}"), "type": 0});
        let path = format!("/guilds/{guild}/channels");
        assert!(
            world
                .by_hand("POST", &path, Some(body))
                .status()
                .is_success()
        );
    }
    refused(
        &mut world,
        "/dbc_table_create database:prod table:posts pk:id",
        &["`table`", "500", "`mirror:false`"],
    );
    world.ok("/dbc_table_create database:prod table:posts pk:id mirror:false");
}

/// Keeps the channels of what was dropped from being removed.
fn keep_channels(world: &mut World) {
    world.fault(Fault {
        method: Some("DELETE".into()),
        status: Some(500),
        times: 0,
        ..Fault::new(FaultKind::Status)
    });
}

#[test]
fn a_dropped_database_says_so_to_everybody() {
    let mut world = World::with_table(6);
    world.ok(&insert("a"));
    world.settle();
    keep_channels(&mut world);
    for wrong in ["Prod", "users"] {
        refused(
            &mut world,
            &format!("/dbc_database_drop database:prod confirm:{wrong}"),
            &["`confirm`", "`prod`", "Nothing was written"],
        );
    }
    let reply = world.ok("/dbc_database_drop database:prod confirm:prod");
    assert!(reply.contains("`prod` is dropped (commit #"), "{reply}");
    world.wait(60_000);
    let told = world.refused(&get("a"));
    assert!(told.contains("Waiting: Discord did not answer"), "{told}");
    for _ in 0..2 {
        for line in [
            get("a"),
            insert("b"),
            on_users("dbc_delete", "key:a"),
            on_users("dbc_history", "key:a"),
            "/dbc_transact database:prod ops_json:[]".to_owned(),
            "/dbc_table_create database:prod table:t pk:id".to_owned(),
            "/dbc_table_drop database:prod table:users confirm:users".to_owned(),
            "/dbc_table_rename database:prod table:users to:t".to_owned(),
            "/dbc_database_drop database:prod confirm:prod".to_owned(),
            "/dbc_init database:prod".to_owned(),
        ] {
            let told = world.refused(&line);
            assert!(
                told.contains("was dropped and is being removed"),
                "{line}: {told}"
            );
        }
        // Another object knows it as well.
        world.evict();
    }
    world.ok("/dbc_init database:test");
}

#[test]
fn nothing_is_said_of_messages_of_a_table_that_has_none() {
    let mut world = World::with_table(12);
    world.ok("/dbc_table_create database:prod table:q pk:id mirror:false");
    for (table, is_shown) in [("users", true), ("q", false)] {
        world.ok(&format!(
            "/dbc_insert database:prod table:{table} key:a value_json:{{}}"
        ));
        for line in [
            format!("/dbc_delete database:prod table:{table} key:a hard:true"),
            format!("/dbc_table_rename database:prod table:{table} to:{table}_2"),
            format!("/dbc_table_drop database:prod table:{table}_2 confirm:{table}_2"),
        ] {
            let reply = world.ok(&line);
            let is_said = reply.contains("hannel") || reply.contains("its message");
            assert_eq!(is_said, is_shown, "{reply}");
        }
    }
}

#[test]
fn writes_that_meet_the_drop_of_a_database_are_refused() {
    let mut world = World::with_table(7);
    world.settle();
    keep_channels(&mut world);
    let lines = [
        insert("before"),
        "/dbc_database_drop database:prod confirm:prod".to_owned(),
        insert("after"),
        "/dbc_database_drop database:prod confirm:prod".to_owned(),
    ];
    let replies = world.all_at_once(&lines);
    assert!(replies[0].starts_with("Stored"), "{replies:?}");
    assert!(replies[1].contains("is dropped"), "{replies:?}");
    for late in &replies[2..] {
        assert!(late.contains("being removed"), "{late}");
        assert!(late.contains("Nothing was written"), "{late}");
    }
}

#[test]
fn databases_are_listed_open_or_not() {
    let mut world = World::new(8);
    assert!(world.ok("/dbc_databases").contains("no database"));
    world.ok("/dbc_init database:prod");
    world.ok("/dbc_table_create database:prod table:users pk:id");
    world.ok(&insert("a"));
    world.ok("/dbc_init database:empty");
    world.settle();
    let log = world.channel_id("dbc-log");
    let reply = world.ok("/dbc_databases");
    let lines: Vec<&str> = reply.lines().collect();
    assert_eq!(lines.len(), 2, "{reply}");
    assert!(
        lines[0].starts_with("`empty` · tables: 0 · rows: 0 · log: <#"),
        "{reply}"
    );
    assert_eq!(
        lines[1],
        format!("`prod` · tables: 1 · rows: 1 · log: <#{log}>")
    );
    // Channels of indexes are none of tables.
    world.ok("/dbc_index_create database:prod table:users field:n");
    world.settle();
    world.evict();
    let reply = world.ok("/dbc_databases");
    assert!(
        reply.contains("`prod` · table channels: 1 · not open now"),
        "{reply}"
    );
    keep_channels(&mut world);
    world.ok("/dbc_database_drop database:prod confirm:prod");
    let reply = world.ok("/dbc_databases");
    assert!(reply.contains("`prod` · dropped, being removed"), "{reply}");
}
