//! Two deployments with one token: whose the log is, and what becomes of what the other wrote.

use crate::host::Side;
use crate::world::{World, content, get, insert, shown_rows};
use discord_sim::{Fault, FaultKind};

pub const TAKE_OVER: &str = "/dbc_init database:prod takeover:true";
pub const INSPECT: &str = "/dbc_inspect database:prod";
/// A little more than what whoever does not know the log has to wait.
pub const WAIT_MS: u64 = 61_000;

/// Row `a` is there, written by deployment 0; deployment 1 has waited as new storage must.
pub fn two_deployments(seed: u64) -> World {
    let mut world = World::with_row(seed);
    let other = world.deploy_another();
    get_to_know(&mut world, other);
    world.point_at(0);
    world
}

/// The same, and deployment 1 gets the commands.
pub fn at_the_other(seed: u64) -> World {
    let mut world = two_deployments(seed);
    world.point_at(1);
    world
}

fn get_to_know(world: &mut World, deployment: usize) {
    world.point_at(deployment);
    world.refused(INSPECT);
    world.wait(WAIT_MS);
    let refused = world.refused(INSPECT);
    assert!(refused.contains("belongs to another"), "{refused}");
}

pub fn take_over(world: &mut World, deployment: usize) {
    world.point_at(deployment);
    let reply = world.ok(TAKE_OVER);
    assert!(reply.contains("is being taken over"), "{reply}");
    assert!(!reply.contains("`private`"), "{reply}");
}

/// Asks until the wait for a takeover is over; the reply that is none of it.
fn after_the_wait(world: &mut World, command: &str) -> String {
    for _ in 0..60 {
        let reply = world.reply(command);
        if !reply.contains("Try again in") {
            return reply;
        }
        world.wait(2_000);
    }
    panic!("the wait has no end")
}

/// What its client knows of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Written,
    NotWritten,
    Unknown,
}

pub fn fate(reply: &str) -> Fate {
    if reply.starts_with("Stored") || reply.contains("had been committed by then") {
        Fate::Written
    } else if reply.contains("Nothing was written") {
        Fate::NotWritten
    } else {
        Fate::Unknown
    }
}

pub fn agrees(world: &mut World, key: &str, fate: Fate) {
    let reply = after_the_wait(world, &get(key));
    let is_there = match fate {
        Fate::Written => true,
        Fate::NotWritten => false,
        Fate::Unknown => return,
    };
    let expected = if is_there { "· rev 1" } else { "has no row" };
    assert!(reply.contains(expected), "{key} is {fate:?}: {reply}");
}

#[test]
fn another_deployment_is_refused_and_told_why() {
    let mut world = World::with_row(1);
    let other = world.deploy_another();
    world.point_at(other);
    let refused = world.refused(&get("a"));
    assert!(refused.contains("storage is new"), "{refused}");
    world.wait(WAIT_MS);
    for command in [get("a"), insert("b"), INSPECT.to_owned()] {
        let refused = world.refused(&command);
        assert!(refused.contains("belongs to another"), "{refused}");
        assert!(refused.contains("takeover:true"), "{refused}");
    }
    assert!(world.refused(&insert("b")).contains("Nothing was written"));
    world.point_at(0);
    world.ok(&get("a"));
    world.ok(&insert("b"));
    let refused = world.refused(TAKE_OVER);
    assert!(refused.contains("this deployment already"), "{refused}");
}

#[test]
fn a_takeover_deposes_the_owner_and_can_be_taken_back() {
    let mut world = at_the_other(2);
    let reply = world.ok("/dbc_init database:prod takeover:true private:false");
    assert!(reply.contains("is being taken over"), "{reply}");
    assert!(reply.contains("`private` has no effect"), "{reply}");
    for command in [get("a"), insert("b"), TAKE_OVER.to_owned()] {
        let refused = world.refused(&command);
        assert!(refused.contains("being taken over"), "{refused}");
        assert!(refused.contains("Try again in"), "{refused}");
    }
    // The former owner has looked at the log long ago, so it looks again, and stops.
    world.point_at(0);
    let refused = world.refused(&get("a"));
    assert!(refused.contains("being taken over by another"), "{refused}");
    world.wait(WAIT_MS);
    world.point_at(1);
    world.ok(&get("a"));
    world.ok(&insert("b"));
    world.settle();
    // Cold, it reads who owns the log.
    world.point_at(0);
    world.evict();
    let refused = world.refused(&insert("c"));
    assert!(refused.contains("takeover:true"), "{refused}");
    assert!(refused.contains("Nothing was written"), "{refused}");
    take_over(&mut world, 0);
    world.wait(WAIT_MS);
    for key in ["a", "b"] {
        world.ok(&get(key));
    }
    world.ok(&insert("c"));
    world.point_at(1);
    let refused = world.refused(&get("c"));
    assert!(refused.contains("takeover:true"), "{refused}");
    world.point_at(0);
    world.settle();
    assert_eq!(shown_rows(&world, "users").len(), 3);
    // What it had before it was deposed is no floor any more.
    world.evict();
    world.ok(&get("c"));
    world.lose_storage();
    world.ok(&get("c"));
}

/// Both deployments are asked to write all the time while the second takes over. Nobody may be told
/// that a row is there or is not and be wrong in the end.
fn both_write_during_a_takeover(seed: u64, stale_ms: u64, between_ms: u64) {
    let mut world = two_deployments(seed);
    // The owner has looked at the log just before the notice: its lease is as long as can be.
    world.ok(&insert("before"));
    take_over(&mut world, 1);
    world.stale_reads(stale_ms);
    let mut fates = vec![("before".to_owned(), Fate::Written)];
    let mut asked = Vec::new();
    let until = world.now() + 150_000;
    let mut number = 0;
    while world.now() < until {
        for deployment in [0, 1] {
            let key = format!("k{number}-{deployment}");
            world.point_at(deployment);
            let id = world.begin(&insert(&key));
            asked.push((key, id));
        }
        number += 1;
        world.wait(between_ms);
    }
    for (key, id) in asked {
        let fate = fate(&content(&world.wait_for(id)));
        fates.push((key, fate));
    }
    world.calm();
    let written = |deployment: &str| {
        let of_it =
            |(key, fate): &&(String, Fate)| key.ends_with(deployment) && *fate == Fate::Written;
        fates.iter().filter(of_it).count()
    };
    assert!(written("-0") > 0, "the owner writes for a while");
    assert!(written("-1") > 0, "then the new one does");
    world.point_at(1);
    // Nothing depends on what it remembers.
    world.evict();
    for (key, fate) in fates {
        agrees(&mut world, &key, fate);
    }
}

#[test]
fn what_both_said_while_one_took_over_stays_true() {
    for seed in 0..4 {
        both_write_during_a_takeover(seed, 0, 1_500 + 400 * seed);
    }
}

#[test]
fn it_stays_true_where_reads_are_out_of_date_by_a_third_of_the_wait() {
    for seed in 10..14 {
        both_write_during_a_takeover(seed, 19_000, 1_700 + 300 * seed);
    }
}

#[test]
fn of_two_that_take_over_at_once_the_last_one_owns_the_log() {
    let mut world = two_deployments(3);
    let third = world.deploy_another();
    get_to_know(&mut world, third);
    let mut notices = Vec::new();
    for deployment in [1, third] {
        world.point_at(deployment);
        notices.push(world.begin(TAKE_OVER));
    }
    for id in notices {
        let reply = content(&world.wait_for(id));
        assert!(reply.contains("is being taken over"), "{reply}");
    }
    world.wait(WAIT_MS);
    let owners = |world: &mut World| {
        let mut owns = |deployment: &usize| {
            world.point_at(*deployment);
            let key = format!("of-{deployment}");
            fate(&world.reply(&insert(&key))) == Fate::Written
        };
        let all = 0..=third;
        all.filter(|deployment| owns(deployment))
            .collect::<Vec<_>>()
    };
    let first = owners(&mut world);
    assert_eq!(first.len(), 1, "{first:?}");
    world.wait(WAIT_MS);
    for deployment in 0..=third {
        world.point_at(deployment);
        let reply = world.reply(&get("a"));
        let owns = first.contains(&deployment);
        assert_eq!(!reply.starts_with('❌'), owns, "{deployment}: {reply}");
    }
}

#[test]
fn a_notice_whose_answer_is_lost_is_posted_once() {
    let mut world = at_the_other(4);
    world.fault_on_log_post(FaultKind::LostResponse, 1);
    world.ok(TAKE_OVER);
    assert_eq!(notices(&world), 1);
    world.wait(WAIT_MS);
    world.ok(&get("a"));
}

#[test]
fn a_notice_that_nobody_answered_says_to_try_again() {
    let mut world = at_the_other(5);
    world.fault_on_log_post(FaultKind::LostResponse, 20);
    let refused = world.refused(TAKE_OVER);
    assert!(refused.contains("Run the command again"), "{refused}");
    world.clear_faults();
    // It stands in the log, and stops the owner; nobody owns the log until it is completed.
    assert!(notices(&world) > 0);
    world.point_at(0);
    world.refused(&get("a"));
    world.point_at(1);
    world.wait(WAIT_MS);
    let refused = world.refused(&get("a"));
    assert!(refused.contains("takeover:true"), "{refused}");
    world.ok(TAKE_OVER);
    world.wait(WAIT_MS);
    world.ok(&get("a"));
    world.ok(&insert("b"));
}

#[test]
fn a_notice_that_never_left_changes_nothing() {
    let mut world = at_the_other(6);
    world.fault_on_posts(
        "dbc-log",
        Fault {
            times: 0,
            status: Some(403),
            ..Fault::new(FaultKind::Status)
        },
    );
    assert!(world.refused(TAKE_OVER).contains("Nothing was written"));
    world.clear_faults();
    world.point_at(0);
    world.ok(&get("a"));
    world.ok(&insert("b"));
}

pub fn notices(world: &World) -> usize {
    let log = world.messages("dbc-log");
    log.iter().filter(|text| text.starts_with('⚑')).count()
}

#[test]
fn a_crash_at_any_step_of_a_takeover_loses_nothing() {
    for side in [Side::Before, Side::After] {
        for step in 1.. {
            let mut world = at_the_other(7);
            world.crash_at(step, side);
            world.reply(TAKE_OVER);
            let in_command = world.crash_is_over();
            world.wait(WAIT_MS);
            world.reply(&insert("b"));
            let is_over = !world.crash_is_over();
            world.cancel_crash();
            world.wait(WAIT_MS);
            let reply = after_the_wait(&mut world, &get("a"));
            if reply.starts_with('❌') {
                // The notice or its wait did not get so far; then that is what it says.
                assert!(in_command && reply.contains("takeover:true"), "{reply}");
                world.ok(TAKE_OVER);
                world.wait(WAIT_MS);
                world.ok(&get("a"));
            }
            world.ok(&insert("c"));
            world.point_at(0);
            world.refused(&get("a"));
            if is_over {
                assert!(step > 8, "a takeover has only {step} steps");
                break;
            }
        }
    }
}

#[test]
fn whoever_takes_over_and_loses_storage_meanwhile_can_begin_anew() {
    let mut world = two_deployments(8);
    take_over(&mut world, 1);
    world.wait(30_000);
    world.wipe_storage();
    let refused = world.refused(&get("a"));
    assert!(refused.contains("storage is new"), "{refused}");
    world.wait(WAIT_MS);
    let refused = world.refused(&get("a"));
    assert!(refused.contains("takeover:true"), "{refused}");
    take_over(&mut world, 1);
    world.wait(WAIT_MS);
    world.ok(&get("a"));
    // Once it owns the log, its storage can be lost like anybody's.
    world.lose_storage();
    world.ok(&get("a"));
    world.ok(&insert("b"));
}

/// Requests that read the newest page of the log.
fn looks_at_the_log(world: &World) -> usize {
    let log = format!("/channels/{}/messages", world.channel_id("dbc-log"));
    let requests = world.requests();
    let is_look =
        |(method, path, _): &&(String, String, Option<u16>)| method == "GET" && path.contains(&log);
    requests.iter().filter(is_look).count()
}

#[test]
fn an_owner_looks_at_the_log_before_it_answers_what_may_be_out_of_date() {
    let mut world = two_deployments(9);
    world.ok(&get("a"));
    let mut before = looks_at_the_log(&world);
    let mut looks = |world: &World| {
        let now = looks_at_the_log(world);
        now - std::mem::replace(&mut before, now)
    };
    world.ok(&get("a"));
    assert_eq!(looks(&world), 0, "it has looked a moment ago");
    world.wait(15_000);
    world.ok(&get("a"));
    assert_eq!(looks(&world), 0, "less than 20 s ago");
    world.wait(6_000);
    world.ok(&get("a"));
    assert_eq!(looks(&world), 1, "more than 20 s ago");
    world.wait(15_000);
    world.ok(&insert("b"));
    assert_eq!(looks(&world), 0);
    world.wait(6_000);
    world.ok(&insert("c"));
    assert_eq!(looks(&world), 1, "a commit counts as much as an answer");
    for _ in 0..3 {
        world.wait(21_000);
        for reply in world.all_at_once(&vec![get("a"); 8]) {
            assert!(reply.contains("· rev 1"));
        }
        assert!((1..=8).contains(&looks(&world)));
    }
}

#[test]
fn a_deposed_owner_tells_nothing_of_rows_that_it_remembers() {
    let on_a = "database:prod table:users key:a";
    for command in [
        get("a"),
        insert("a"),
        format!(r#"/dbc_update {on_a} patch_json:{{"n":1}} if_rev:7"#),
        format!("/dbc_history {on_a}"),
        format!("/dbc_restore_row {on_a} rev:1"),
        INSPECT.to_owned(),
    ] {
        let mut world = two_deployments(12);
        take_over(&mut world, 1);
        world.wait(WAIT_MS);
        world.ok("/dbc_delete database:prod table:users key:a");
        world.point_at(0);
        let refused = world.refused(&command);
        assert!(refused.contains("takeover:true"), "{command}: {refused}");
    }
}

#[test]
fn an_owner_that_cannot_look_at_the_log_answers_nothing() {
    let mut world = two_deployments(10);
    world.ok(&get("a"));
    let log = world.channel_id("dbc-log");
    world.fault(Fault {
        method: Some("GET".to_owned()),
        path: Some(format!("^/channels/{log}/messages")),
        times: 0,
        status: Some(503),
        ..Fault::new(FaultKind::Status)
    });
    world.ok(&get("a"));
    world.wait(21_000);
    let refused = world.refused(&get("a"));
    assert!(refused.contains("still ours"), "{refused}");
    let refused = world.refused(&insert("b"));
    assert_eq!(fate(&refused), Fate::NotWritten, "{refused}");
    world.clear_faults();
    world.ok(&get("a"));
    world.refused(&get("b"));
}

#[test]
fn what_the_owner_had_not_shown_yet_is_shown_once_by_the_next() {
    let mut world = two_deployments(11);
    let keys: Vec<String> = (0..150).map(|number| format!("r{number}")).collect();
    let ops: Vec<String> = keys
        .iter()
        .map(|key| {
            format!(r#"{{"op":"insert","table":"users","key":"{key}","value":{{"id":"{key}"}}}}"#)
        })
        .collect();
    for part in [&ops[..50], &ops[50..100], &ops[100..]] {
        let line = format!("/dbc_transact database:prod ops_json:[{}]", part.join(","));
        assert!(line.len() < 6_000);
        world.ok(&line);
    }
    take_over(&mut world, 1);
    world.wait(WAIT_MS);
    // The former owner has its alarm, and nobody asks it anything.
    for key in &keys[..100] {
        let update = r#"patch_json:{"n":1}"#;
        world.ok(&format!(
            "/dbc_update database:prod table:users key:{key} {update}"
        ));
    }
    world.settle();
    world.wait(3_600_000);
    world.settle();
    let shown = shown_rows(&world, "users");
    for (index, key) in keys.iter().enumerate() {
        let messages = shown.get(key).map(Vec::as_slice).unwrap_or_default();
        let [message] = messages else {
            panic!("{key} has {} messages", messages.len());
        };
        let rev = if index < 100 { "· rev 2" } else { "· rev 1" };
        assert!(message.contains(rev), "{message}");
    }
    assert_eq!(shown.len(), keys.len() + 1);
}
