//! How a takeover begins, and what is told of one that does not come to its end.

use crate::host::Side;
use crate::takeover::{
    Fate, INSPECT, TAKE_OVER, WAIT_MS, agrees, at_the_other, fate, notices, take_over,
    two_deployments,
};
use crate::world::{World, content, get, insert};
use discord_sim::FaultKind;

#[test]
fn a_takeover_from_new_storage_takes_one_wait() {
    let mut world = World::with_row(31);
    world.deploy_another();
    world.stale_reads(19_000);
    let begun = world.now();
    take_over(&mut world, 1);
    // The owner goes on for as long as its lease lets it.
    world.point_at(0);
    let mut fates = Vec::new();
    for n in 0..8 {
        let key = format!("b{n}");
        fates.push((key.clone(), fate(&world.reply(&insert(&key)))));
        world.wait(2_000);
    }
    let is_written = |(_, fate): &&(String, Fate)| *fate == Fate::Written;
    assert!(fates.iter().filter(is_written).count() > 2, "{fates:?}");
    world.point_at(1);
    let waits = world.refused(&get("a"));
    assert!(waits.contains("is being taken over"), "{waits}");
    world.wait((begun + WAIT_MS).saturating_sub(world.now()));
    world.ok(&get("a"));
    for (key, fate) in fates {
        agrees(&mut world, &key, fate);
    }
    world.point_at(0);
    let refused = world.refused(&insert("c"));
    assert!(refused.contains("takeover:true"), "{refused}");
}

#[test]
fn what_is_not_there_is_not_taken_over_from_new_storage() {
    let mut world = World::with_table(32);
    world.deploy_another();
    world.point_at(1);
    let refused = world.refused("/dbc_init database:other takeover:true");
    assert!(
        refused.contains("there is no database `other`"),
        "{refused}"
    );
}

#[test]
fn a_takeover_whose_object_dies_says_what_became_of_it() {
    let (mut posted, mut told) = (0, 0);
    for step in 1..=12 {
        let mut world = at_the_other(41);
        world.be_quiet();
        // Slow enough to be deferred before it dies.
        world.fault_on_log_post(FaultKind::Delay, 1);
        let asked = world.begin(TAKE_OVER);
        world.wait(2_300);
        world.crash_at(step, Side::After);
        world.wait(200_000);
        world.cancel_crash();
        let view = world.answer_so_far(asked).expect("an answer");
        let said = content(&view);
        assert!(!said.contains("Nothing was written"), "{step}: {said}");
        posted += notices(&world);
        let is_here = world.reply(INSPECT).contains("last commit");
        let says_here = said.contains("belongs to this deployment now");
        assert!(!says_here || is_here, "{step}: {said}");
        told += usize::from(says_here);
    }
    assert!(told > 0, "no takeover was completed");
    assert!(posted >= 12, "a notice was posted in each run");
}

#[test]
fn a_takeover_whose_notice_is_posted_does_not_say_that_nothing_was_written() {
    let mut world = at_the_other(42);
    let mut told = 0;
    for passes in 0..6 {
        let before = notices(&world);
        world.flaky_storage(passes, 1);
        let reply = world.reply(TAKE_OVER);
        if reply.starts_with('❌') && notices(&world) > before {
            assert!(!reply.contains("Nothing was written"), "{passes}: {reply}");
            assert!(reply.contains("Run the command again"), "{passes}: {reply}");
            told += 1;
        }
        world.flaky_storage(0, 0);
        world.wait(WAIT_MS);
    }
    assert!(told > 0, "storage failed at other times");
}

#[test]
fn a_takeover_can_be_taken_back_at_once() {
    let mut world = two_deployments(21);
    world.ok(&get("a"));
    take_over(&mut world, 1);
    // The former owner looked at the log a moment ago, and knows nothing of it.
    take_over(&mut world, 0);
    world.wait(WAIT_MS);
    world.ok(&get("a"));
    world.point_at(1);
    let refused = world.refused(&get("a"));
    assert!(refused.contains("takeover:true"), "{refused}");
}
