//! Channels are worked on side by side, within the requests that the background may send.

use std::collections::{BTreeMap, BTreeSet};

use crate::materialize_edits::update;
use crate::world::{World, insert, shown_rows};
use discord_sim::{Fault, FaultKind};

fn table_insert(table: &str, key: &str) -> String {
    format!(r#"/dbc_insert database:prod table:{table} key:{key} value_json:{{"id":"{key}"}}"#)
}

/// A world with several tables and rows in each, all committed and none shown.
fn with_tables(seed: u64, tables: &[&str], rows: usize) -> World {
    let mut world = World::new(seed);
    world.ok("/dbc_init database:prod");
    for table in tables {
        world.ok(&format!(
            "/dbc_table_create database:prod table:{table} pk:id"
        ));
    }
    world.settle();
    for table in tables {
        for n in 0..rows {
            world.ok(&table_insert(table, &format!("k{n}")));
        }
    }
    world
}

#[test]
fn several_tables_are_shown_and_no_alarm_sends_more_than_its_share() {
    let mut world = World::new(1);
    world.ok("/dbc_init database:prod");
    let tables = ["a", "b", "c", "d", "e"];
    let ops: Vec<String> = tables
        .iter()
        .flat_map(|table| {
            (0..12).map(move |n| {
                format!(r#"{{"op":"insert","table":"{table}","key":"k{n}","value":{{}}}}"#)
            })
        })
        .collect();
    for table in tables {
        world.ok(&format!(
            "/dbc_table_create database:prod table:{table} pk:id"
        ));
    }
    world.settle();
    let (alarms, requests) = (world.alarms(), world.requests().len());
    world.ok(&format!(
        "/dbc_transact database:prod ops_json:[{}]",
        ops.join(",")
    ));
    world.settle();
    for table in tables {
        assert_eq!(shown_rows(&world, table).len(), 12, "{table}");
    }
    let alarms = world.alarms() - alarms;
    let requests = world.requests().len() - requests;
    assert!(
        requests <= alarms * 25,
        "{requests} requests in {alarms} alarms"
    );
    assert!(alarms <= 6, "{alarms} alarms for {requests} requests");
}

#[test]
fn several_channels_are_worked_on_at_once_and_never_more_than_three() {
    let mut world = with_tables(1, &["a", "b", "c", "d", "e"], 3);
    world.settle();
    let tables = ["a", "b", "c", "d", "e"];
    for table in tables {
        assert_eq!(shown_rows(&world, table).len(), 3, "{table}");
    }
    // A slow channel holds up none of the others.
    let slow = world.channel_id("table-a");
    world.fault(Fault {
        method: Some("POST".into()),
        path: Some(format!("^/channels/{slow}/messages$")),
        ms: Some(9_000),
        times: 3,
        ..Fault::new(FaultKind::Delay)
    });
    let ops = tables
        .map(|table| format!(r#"{{"op":"insert","table":"{table}","key":"late","value":{{}}}}"#));
    world.ok(&format!(
        "/dbc_transact database:prod ops_json:[{}]",
        ops.join(",")
    ));
    world.wait(5_000);
    let shown: BTreeSet<&str> = tables
        .into_iter()
        .filter(|table| shown_rows(&world, table).contains_key("late"))
        .collect();
    assert!(shown.len() >= 4, "only {shown:?}");
    world.settle();
    assert_eq!(shown_rows(&world, "a").len(), 4);
}

#[test]
fn a_channel_that_is_rate_limited_holds_up_no_other() {
    let mut world = with_tables(1, &["a", "b"], 1);
    world.settle();
    let channel = world.channel_id("table-a");
    world.fault(Fault {
        method: Some("POST".into()),
        path: Some(format!("^/channels/{channel}/messages$")),
        ms: Some(120_000),
        times: 1,
        ..Fault::new(FaultKind::RateLimit)
    });
    world.ok(&table_insert("a", "x"));
    world.ok(&table_insert("b", "x"));
    world.wait(10_000);
    assert!(shown_rows(&world, "b").contains_key("x"));
    assert!(!shown_rows(&world, "a").contains_key("x"));
    let reply = world.ok("/dbc_inspect database:prod");
    assert!(
        reply.contains("rows 1") && reply.contains("waiting: "),
        "{reply}"
    );
    assert!(reply.contains("behind: 1"), "{reply}");
    world.settle();
    assert!(shown_rows(&world, "a").contains_key("x"));
}

#[test]
fn a_long_channel_is_read_in_pages_over_several_alarms() {
    let mut world = World::with_table(1);
    let ops: Vec<String> = (0..450)
        .map(|n| format!(r#"{{"op":"insert","table":"users","key":"k{n}","value":{{}}}}"#))
        .collect();
    for some in ops.chunks(90) {
        let line = format!("/dbc_transact database:prod ops_json:[{}]", some.join(","));
        world.ok(&line);
    }
    world.settle();
    let messages = world.messages("table-users");
    assert_eq!(messages.len(), 450);
    world.lose_storage();
    let before = world.requests().len();
    world.ok(&update("k3", 1));
    let alarms = world.alarms();
    world.settle();
    let after = world.messages("table-users");
    assert_eq!(after.len(), 450);
    let changed = messages.iter().zip(&after).filter(|(a, b)| a != b).count();
    assert_eq!(changed, 1);
    let requests = world.requests();
    let messages = format!("/channels/{}/messages", world.channel_id("table-users"));
    let posts = requests[before..]
        .iter()
        .filter(|(method, path, _)| method == "POST" && *path == messages);
    assert_eq!(posts.count(), 0);
    assert!(world.alarms() > alarms);
}

#[test]
fn a_replaced_object_stops_before_it_changes_a_channel() {
    let mut world = World::with_table(1);
    world.ok(&insert("a"));
    world.settle();
    world.ok(&insert("b"));
    world.break_storage(true);
    let before = world.requests().len();
    world.wait(60_000);
    let requests = world.requests();
    let sent: Vec<_> = requests[before..]
        .iter()
        .filter(|(m, ..)| m != "GET")
        .collect();
    assert!(sent.is_empty(), "{sent:?}");
    world.break_storage(false);
    world.settle();
    assert_eq!(shown_rows(&world, "users").len(), 2);
}

#[test]
fn random_changes_end_with_channels_that_say_what_the_state_says() {
    for seed in 0..6 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut world = with_tables(seed, &["users", "posts"], 2);
        let mut model: BTreeMap<(usize, String), u64> = BTreeMap::new();
        let tables = ["users", "posts"];
        for table in 0..2 {
            for n in 0..2 {
                model.insert((table, format!("k{n}")), 1);
            }
        }
        for _ in 0..40 {
            let table = rng.usize(..2);
            let key = format!("k{}", rng.u8(..6));
            let name = tables[table];
            let target = format!("database:prod table:{name} key:{key}");
            let line = match rng.u8(..6) {
                0..=2 => format!("/dbc_insert {target} mode:upsert value_json:{{}}"),
                3 => format!(r#"/dbc_update {target} patch_json:{{"n":{}}}"#, rng.u8(..)),
                4 => format!("/dbc_delete {target}"),
                _ => format!("/dbc_delete {target} hard:true"),
            };
            let reply = world.reply(&line);
            let rev = reply
                .split("revision ")
                .nth(1)
                .filter(|_| !reply.starts_with('❌'));
            if let Some(rev) = rev {
                let digits: String = rev.chars().take_while(char::is_ascii_digit).collect();
                let rev = digits.parse().unwrap();
                let at = (table, key);
                if line.contains("hard") {
                    model.remove(&at);
                } else {
                    model.insert(at, rev);
                }
            }
            match rng.u8(..8) {
                0 => world.evict(),
                1 => world.wait(rng.u64(..30_000)),
                2 => world.lose_storage(),
                3 => world.fault(Fault {
                    path: Some("^/channels".into()),
                    ms: Some(rng.u64(..50_000)),
                    times: 2,
                    skip: rng.u64(..4),
                    ..Fault::new(
                        *rng.choice(&[
                            FaultKind::LostRequest,
                            FaultKind::LostResponse,
                            FaultKind::Status,
                        ])
                        .unwrap(),
                    )
                }),
                _ => {}
            }
        }
        world.clear_faults();
        world.ok("/dbc_inspect database:prod");
        world.settle();
        for (table, name) in tables.iter().enumerate() {
            let mut shown = BTreeMap::new();
            for content in world.messages(&format!("table-{name}")) {
                let plain = content.trim_start_matches("~~").trim_start_matches("**");
                let (key, rest) = plain.split_once("**").unwrap();
                let rev = rest.split("rev ").nth(1).unwrap();
                let digits: String = rev.chars().take_while(char::is_ascii_digit).collect();
                let twin = shown.insert((table, key.to_owned()), digits.parse().unwrap());
                assert_eq!(twin, None, "seed {seed}: two messages of {key}");
            }
            let wanted = model.iter().filter(|((of, _), _)| *of == table);
            let wanted: BTreeMap<_, u64> = wanted.map(|(k, v)| (k.clone(), *v)).collect();
            assert_eq!(shown, wanted, "seed {seed}, {name}");
        }
    }
}
