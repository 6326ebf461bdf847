//! What the background may send at a time, and what commands wait for: work of any size goes on from
//! one alarm to the next.

use std::collections::BTreeMap;

use crate::world::{World, content, get, insert};
use dbcord_simulation::harness::ledger::{Event, Sent};
use discord_sim::{Fault, FaultKind, InteractionSpec};
use serde_json::{Value, json};

/// The most requests of one alarm.
fn most_of_an_alarm(ledger: &[Sent]) -> usize {
    let mut alarms: BTreeMap<Event, usize> = BTreeMap::new();
    for sent in ledger {
        if matches!(sent.event, Event::Alarm(_)) {
            *alarms.entry(sent.event).or_default() += 1;
        }
    }
    alarms.into_values().max().unwrap_or_default()
}

fn transact(ops: &[Value]) -> String {
    let ops = Value::from(ops);
    format!("/dbc_transact database:prod ops_json:{ops}")
}

fn put(table: &str, key: &str, row: Value) -> Value {
    json!({"op": "upsert", "table": table, "key": key, "value": row})
}

/// Writes rows that take so many bytes and do not pack well, each in a commit of its own.
fn fill(world: &mut World, table: &str, rows: usize, bytes: usize) {
    let mut random = fastrand::Rng::with_seed(7);
    for n in 0..rows {
        let text: String = (0..bytes).map(|_| random.alphanumeric()).collect();
        world.ok(&transact(&[put(
            table,
            &format!("r{n}"),
            json!({ "t": text }),
        )]));
    }
}

/// Files of checkpoints are deleted by hand: what they had is in the log still.
fn lose_segments(world: &mut World) {
    world.delete_messages("dbc-log", |text| {
        text.starts_with("§ ") && !text.starts_with("§ manifest.")
    });
}

#[test]
fn an_alarm_keeps_within_its_share_whatever_it_has_to_read() {
    let mut world = World::with_table(51);
    let tables: Vec<String> = (0..6).map(|n| format!("t{n}")).collect();
    let all = |round: u32| -> Vec<Value> {
        let ops = tables
            .iter()
            .map(|table| put(table, "a", json!({ "n": round })));
        ops.collect()
    };
    for table in &tables {
        world.ok(&format!(
            "/dbc_table_create database:prod table:{table} pk:id"
        ));
    }
    for round in 0..300 {
        world.ok(&transact(&all(round)));
    }
    world.settle();
    world.ok(&transact(&all(300)));
    // Each table is put together from its messages and the whole log, and all of them are needed for
    // the next checkpoint.
    world.refuse_files();
    world.evict();
    world.keep_ledger();
    let before = world.checkpoints();
    world.settle();
    let ledger = world.take_ledger();
    assert!(ledger.len() > 60, "{} requests", ledger.len());
    let most = most_of_an_alarm(&ledger);
    assert!(most <= 25, "{most} requests of one alarm");
    assert!(world.checkpoints() > before);
    for table in &tables {
        let row = world.ok(&format!("/dbc_get database:prod table:{table} key:a"));
        assert!(row.contains("300"), "{row}");
    }
}

#[test]
fn a_table_of_many_messages_is_checkpointed_although_objects_come_and_go() {
    let mut world = World::new(52);
    world.refuse_files();
    world.ok("/dbc_init database:prod");
    for table in ["users", "posts"] {
        world.ok(&format!(
            "/dbc_table_create database:prod table:{table} pk:id mirror:false"
        ));
    }
    fill(&mut world, "users", 150, 3_000);
    world.settle();
    let parts = |world: &World| {
        let log = world.messages("dbc-log");
        let parts = log.iter().filter(|text| text.contains(" · part "));
        parts.count()
    };
    lose_segments(&mut world);
    let (before, taken) = (parts(&world), world.checkpoints());
    world.evict();
    world.keep_ledger();
    for round in 0..8 {
        world.ok(&transact(&[put("posts", "p", json!({ "n": round }))]));
        // The table is written anew as a whole, which takes longer than any of these objects lives.
        world.ok(&get("r0"));
        world.wait(30_000);
        world.evict();
    }
    assert!(world.checkpoints() > taken);
    let posted = parts(&world) - before;
    assert!((50..100).contains(&posted), "{posted} messages");
    assert!(most_of_an_alarm(&world.take_ledger()) <= 25);
    for n in 0..150 {
        world.ok(&get(&format!("r{n}")));
    }
}

#[test]
fn a_file_of_text_is_no_larger_than_a_page_of_messages() {
    let mut world = World::new(53);
    world.refuse_files();
    world.ok("/dbc_init database:prod");
    world.ok("/dbc_table_create database:prod table:users pk:id mirror:false");
    fill(&mut world, "users", 300, 3_500);
    world.settle();
    lose_segments(&mut world);
    world.evict();
    world.ok(&get("r0"));
    world.settle();
    let log = world.messages("dbc-log");
    let of = |text: &String| {
        let (_, part) = text.split_once(" · part ")?;
        let (_, of) = part.split_once(' ')?.0.split_once('/')?;
        of.parse::<usize>().ok()
    };
    let most = log.iter().filter_map(of).max();
    assert!(most > Some(90) && most <= Some(100), "{most:?}");
    world.evict();
    world.keep_ledger();
    for n in 0..300 {
        world.ok(&get(&format!("r{n}")));
    }
    let ledger = world.take_ledger();
    let reads = ledger.iter().filter(|sent| sent.method == "GET").count();
    assert!(reads <= 5, "{reads} requests");
}

#[test]
fn nobody_waits_for_another_table_to_be_loaded() {
    let mut world = World::with_table(54);
    world.ok("/dbc_table_create database:prod table:posts pk:id");
    world.ok(&insert("a"));
    world.settle();
    let log = world.messages("dbc-log");
    let file = log.iter().rfind(|text| text.contains("· attached"));
    let file = file
        .and_then(|text| text.split(' ').nth(1))
        .unwrap()
        .to_owned();
    world.ok(&transact(&[put("posts", "p", json!({}))]));
    world.settle();
    // The alarm loads this one for the checkpoint.
    world.ok(&insert("b"));
    world.evict();
    world.fault(Fault {
        path: Some(file.replace('.', r"\.")),
        ms: Some(8_000),
        ..Fault::new(FaultKind::Delay)
    });
    world.keep_ledger();
    world.wait(3_000);
    let ledger = world.take_ledger();
    let loads = ledger.iter().filter(|sent| sent.path.ends_with(&file));
    assert_eq!(loads.count(), 1, "{ledger:#?}");
    let asked = world.now();
    world.ok("/dbc_get database:prod table:posts key:p");
    assert!(world.now() - asked < 2_000, "{} ms", world.now() - asked);
}

#[test]
fn few_commits_to_many_rows_wait_for_their_checkpoint() {
    let mut world = World::with_table(55);
    let key = |n: usize| format!("r{n}");
    for some in 0..6 {
        let rows = (0..20).map(|n| put("users", &key(some * 20 + n), json!({"n": 0})));
        world.ok(&transact(&rows.collect::<Vec<_>>()));
    }
    world.settle();
    let taken = world.checkpoints();
    assert!(taken > 0);
    let update = |n: usize| {
        format!(
            r#"/dbc_update database:prod table:users key:{} patch_json:{{"n":{}}}"#,
            key(n),
            n + 1
        )
    };
    for n in 0..20 {
        world.ok(&update(n));
        world.wait(10_000);
    }
    world.ok(&insert("new"));
    world.settle();
    assert_eq!(world.checkpoints(), taken);
    let shown = world.messages("table-users");

    // Opening costs no more than if there were one, and leaves nothing to do.
    world.evict();
    let before = world.requests().len();
    let reply = world.ok(&get("r7"));
    assert!(reply.contains("rev 2"), "{reply}");
    let requests = world.requests().len() - before;
    assert!(requests <= 4, "{requests} requests");
    world.wait(3_600_000);
    assert_eq!(world.requests().len(), before + requests);

    // What the rows' messages are is found out when it matters.
    for change in [update(7), update(30)] {
        world.ok(&change);
    }
    world.ok(r#"/dbc_update database:prod table:users key:new patch_json:{"n":1}"#);
    world.settle();
    assert_eq!(world.messages("table-users").len(), shown.len());
    assert_eq!(world.checkpoints(), taken);

    // After so many it is worth it.
    for n in 40..50 {
        world.ok(&update(n));
    }
    world.settle();
    assert_eq!(world.checkpoints(), taken + 1);

    // And a row deleted for good does not wait for others.
    world.ok("/dbc_delete database:prod table:users key:r1 hard:true");
    world.settle();
    assert_eq!(world.checkpoints(), taken + 2);
    assert!(!world.state().to_string().contains("**r1**"));
}

#[test]
fn a_checkpoint_leaves_room_for_the_commits_after_it() {
    let mut world = World::with_table(56);
    for n in 0..70 {
        world.ok(&insert(&format!("r{n}")));
    }
    world.settle();
    world.keep_ledger();
    let guild = world.guild.guild_id;
    let mut slowest = 0;
    for n in 0..200 {
        let asked = world.now();
        let spec = InteractionSpec::text(guild, &insert(&format!("s{n}")));
        let reply = content(&world.interact(spec));
        assert!(reply.starts_with("Stored"), "{reply}");
        slowest = slowest.max(world.now() - asked);
    }
    assert!(world.checkpoints() >= 3);
    assert!(slowest < 2_500, "{slowest} ms");
}

#[test]
fn files_that_are_refused_are_text_from_then_on() {
    let mut world = World::with_table(57);
    for key in ["a", "b", "c"] {
        world.ok(&insert(key));
    }
    world.settle();
    world.refuse_files();
    world.evict();
    // Put together from the messages, and then written anew although nobody wrote anything.
    world.ok(&get("a"));
    world.settle();
    let parts = |world: &World| {
        let log = world.messages("dbc-log");
        log.iter().filter(|text| text.contains(" · part ")).count()
    };
    assert_eq!(parts(&world), 1);
    world.evict();
    let before = world.requests().len();
    world.ok(&get("b"));
    let requests = world.requests().len() - before;
    assert!(requests <= 2, "{requests} requests");
}
