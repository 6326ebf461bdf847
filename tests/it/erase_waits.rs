//! What a row that was deleted for good waits for before its last copy is said to be gone.

use crate::erase::{HARD_DELETE, SECRET, everything, insert_secret};
use crate::world::{World, content, get, insert};
use discord_sim::{Fault, FaultKind, Id, permissions};

const DROP_TABLE: &str = "/dbc_table_drop database:prod table:users confirm:users";
const INSPECT: &str = "/dbc_inspect database:prod";

/// Row `s` of `users` is shown, and Discord has forgotten the nonces.
fn with_secret(seed: u64) -> World {
    let mut world = World::with_table(seed);
    world.ok("/dbc_table_create database:prod table:posts pk:id");
    world.ok(&insert_secret("s"));
    world.settle();
    world.wait(1_200_000);
    world
}

/// What the command's answer says now.
fn said(world: &World, id: Id) -> String {
    content(&world.with_discord(|discord| discord.interaction(id).unwrap()))
}

/// So many that a checkpoint is due.
fn write_much(world: &mut World) {
    for number in 0..70 {
        world.ok(&insert(&format!("p{number}")).replace("users", "posts"));
    }
}

fn is_gone_in_the_end(world: &mut World, id: Id) {
    world.settle();
    assert!(!everything(world).contains(SECRET), "a copy is left");
    let inspected = world.ok(INSPECT);
    assert!(!inspected.contains("copies"), "{inspected}");
    let _ = said(world, id);
}

#[test]
fn a_dropped_table_whose_channel_is_hidden_is_not_gone() {
    for is_evicted in [false, true] {
        let mut world = with_secret(1);
        world.deny_bot("table-users", permissions::VIEW_CHANNEL);
        let view = world.run(HARD_DELETE);
        world.ok(DROP_TABLE);
        write_much(&mut world);
        world.wait(60_000);
        if is_evicted {
            world.evict();
            world.ok(INSPECT);
        }
        world.wait(600_000);
        let text = said(&world, view.id);
        assert!(everything(&world).contains(SECRET));
        assert!(!text.contains("The last copy is gone"), "{text}");
        let inspected = world.ok(INSPECT);
        assert!(inspected.contains("copies"), "{inspected}");
        assert!(inspected.contains("View Channel"), "{inspected}");
        world.deny_bot("table-users", 0);
        is_gone_in_the_end(&mut world, view.id);
        assert!(world.channel("table-users").is_none());
    }
}

#[test]
fn a_dropped_table_whose_channel_cannot_be_deleted_is_not_gone() {
    let mut world = with_secret(2);
    let channel = world.channel_id("table-users");
    world.fault(Fault {
        method: Some("DELETE".into()),
        path: Some(format!("^/channels/{channel}")),
        status: Some(503),
        times: 0,
        ..Fault::new(FaultKind::Status)
    });
    let view = world.run(HARD_DELETE);
    world.ok(DROP_TABLE);
    write_much(&mut world);
    world.wait(600_000);
    let text = said(&world, view.id);
    assert!(everything(&world).contains(SECRET));
    assert!(!text.contains("The last copy is gone"), "{text}");
    world.clear_faults();
    is_gone_in_the_end(&mut world, view.id);
}

#[test]
fn an_empty_page_is_not_the_beginning_of_the_log() {
    let mut world = World::with_table(5);
    world.ok(&insert_secret("s"));
    for number in 0..130 {
        world.ok(&insert(&format!("k{number}")));
    }
    world.settle();
    world.wait(1_200_000);
    let path = format!("/channels/{}/messages", world.channel_id("dbc-log"));
    let view = world.run(HARD_DELETE);
    let started = world.now();
    let pages = |world: &World| {
        let requests = world.requests();
        let is_page = |(method, asked, _): &&(String, String, Option<u16>)| {
            method == "GET" && asked.split('?').next().unwrap().ends_with(&path)
        };
        requests.iter().filter(is_page).count()
    };
    // The checkpoint stands for a minute, and then the log is read: it is hidden after a page.
    world.wait(60_000);
    let mut before = pages(&world);
    while pages(&world) == before || world.now() < started + 60_000 {
        before = pages(&world);
        world.wait(10);
        assert!(world.now() < started + 3_600_000, "nobody reads the log");
    }
    world.deny_bot("dbc-log", permissions::READ_MESSAGE_HISTORY);
    world.wait(3_000);
    let text = said(&world, view.id);
    assert!(!text.contains("The last copy is gone"), "{text}");
    world.deny_bot("dbc-log", 0);
    is_gone_in_the_end(&mut world, view.id);
}

#[test]
fn a_table_that_nobody_has_loaded_is_loaded() {
    let mut world = World::with_table(3);
    world.ok("/dbc_table_create database:prod table:posts pk:id");
    for part in 0..4 {
        let ops = (0..30).map(|number| {
            format!(r#"{{"op":"insert","table":"posts","key":"k{part}_{number}","value":{{}}}}"#)
        });
        let ops: Vec<_> = ops.collect();
        world.ok(&format!(
            "/dbc_transact database:prod ops_json:[{}]",
            ops.join(",")
        ));
    }
    world.ok(&format!(
        r#"/dbc_transact database:prod ops_json:[{{"op":"insert","table":"users","key":"s","value":{{"word":"{SECRET}"}}}},{{"op":"insert","table":"posts","key":"x","value":{{}}}}]"#
    ));
    world.settle();
    let view = world.run(HARD_DELETE);
    world.wait(120_000);
    world.ok(r#"/dbc_update database:prod table:posts key:k0_0 patch_json:{"n":1}"#);
    world.wait(60_000);
    // Nobody has asked anything for a while.
    world.evict();
    let before = world.alarms();
    world.wait(3_600_000);
    assert!(world.alarms() - before < 100, "it goes on all day");
    is_gone_in_the_end(&mut world, view.id);
}

/// With a checkpoint every minute, one that stands for a minute as the newest never comes.
#[test]
fn it_goes_on_while_people_write() {
    let mut world = with_secret(6);
    let view = world.run(HARD_DELETE);
    let started = world.now();
    let mut number = 0;
    while !said(&world, view.id).contains("The last copy is gone") {
        number += 1;
        world.ok(&insert(&format!("k{number}")));
        world.wait(900);
        assert!(world.now() < started + 600_000, "{}", world.ok(INSPECT));
    }
    assert!(!everything(&world).contains(SECRET));
}

/// Also where nobody has loaded what the file has, and the rows are put together from their messages.
#[test]
fn a_file_that_is_gone_is_written_again() {
    for is_loaded in [false, true] {
        let mut world = World::with_table(7);
        world.ok("/dbc_table_create database:prod table:posts pk:id");
        for part in 0..4 {
            let insert = |number: usize| {
                format!(
                    r#"{{"op":"insert","table":"posts","key":"k{part}_{number}","value":{{}}}}"#
                )
            };
            let ops: Vec<_> = (0..30).map(insert).collect();
            let ops = ops.join(",");
            world.ok(&format!("/dbc_transact database:prod ops_json:[{ops}]"));
        }
        world.settle();
        world.ok(&insert_secret("s"));
        world.settle();
        world.wait(1_200_000);
        if !is_loaded {
            world.evict();
        }
        let view = world.run(HARD_DELETE);
        world.wait(20_000);
        world.delete_messages("dbc-log", |text| text.starts_with("§ "));
        is_gone_in_the_end(&mut world, view.id);
        // And they are in a segment again.
        world.delete_messages("table-posts", |_| true);
        world.evict();
        world.ok(&get("k3_7").replace("users", "posts"));
    }
}
