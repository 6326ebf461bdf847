//! Requests of an object that is gone, or that nobody answered, arrive after what came later: the
//! channels end up right all the same, and nothing counts as shown before that is certain.

use crate::materialize_edits::{content_of, fault_on_edits, update};
use crate::world::{World, insert, shown_rows};
use discord_sim::{Fault, FaultKind};

const LATE_MS: [u64; 3] = [11_000, 25_000, 45_000];

fn late(ms: u64) -> Fault {
    Fault {
        ms: Some(ms),
        ..Fault::new(FaultKind::Late)
    }
}

/// More rows than one page, so that a look at the newest messages would not find the first.
fn fill(world: &mut World) {
    let rows: Vec<String> = (0..105)
        .map(|n| format!(r#"{{"op":"insert","table":"users","key":"k{n}","value":{{}}}}"#))
        .collect();
    for some in rows.chunks(60) {
        let ops = some.join(",");
        world.ok(&format!("/dbc_transact database:prod ops_json:[{ops}]"));
    }
    world.settle();
}

/// Everything that is under way arrives.
pub fn arrive(world: &mut World) {
    let now = world.now();
    world.with_discord(|discord| discord.advance(now));
}

/// A row whose first update is on its way to its message, for so long.
fn with_a_late_edit(late_ms: u64) -> World {
    let mut world = World::with_table(1);
    world.ok(&insert("a"));
    fill(&mut world);
    fault_on_edits(&mut world, "table-users", late(late_ms));
    world.ok(&update("a", 1));
    world
}

fn the_second_update_stays(world: &mut World, late_ms: u64) {
    world.wait(late_ms);
    arrive(world);
    world.settle();
    let content = content_of(world, "a");
    assert!(content.contains("rev 3"), "late by {late_ms}: {content}");
}

#[test]
fn an_edit_that_nobody_answered_does_not_stay() {
    for late_ms in LATE_MS {
        let mut world = with_a_late_edit(late_ms);
        world.wait(2_000);
        world.ok(&update("a", 2));
        the_second_update_stays(&mut world, late_ms);
    }
}

#[test]
fn an_edit_of_an_earlier_object_does_not_stay() {
    for late_ms in LATE_MS {
        let mut world = with_a_late_edit(late_ms);
        world.wait(2_000);
        world.evict();
        world.ok(&update("a", 2));
        the_second_update_stays(&mut world, late_ms);
    }
}

#[test]
fn an_edit_before_the_one_that_is_found_does_not_stay() {
    for late_ms in LATE_MS {
        let mut world = with_a_late_edit(late_ms);
        // The first edit is given up after 10 s, and the next one is answered.
        world.wait(2_000);
        world.ok(&update("a", 2));
        world.wait(8_500);
        world.evict();
        world.ok("/dbc_inspect database:prod");
        the_second_update_stays(&mut world, late_ms);
    }
}

#[test]
fn a_message_of_an_earlier_object_does_not_stay_beside_the_row_s_own() {
    for late_ms in LATE_MS {
        let mut world = World::with_table(1);
        world.ok(&insert("warm"));
        world.settle();
        world.fault_on_posts("table-users", late(late_ms));
        world.ok(&insert("a"));
        world.wait(2_000);
        world.evict();
        world.ok(&update("a", 1));
        world.wait(late_ms);
        arrive(&mut world);
        world.settle();
        let rows = shown_rows(&world, "users");
        assert_eq!(rows["a"].len(), 1, "late by {late_ms}: {rows:?}");
        assert!(rows["a"][0].starts_with("**a** · rev 2\n"), "{rows:?}");
    }
}

#[test]
fn a_card_s_earlier_edit_does_not_stay() {
    for is_evicted in [false, true] {
        let mut world = World::with_table(1);
        world.settle();
        fault_on_edits(&mut world, "dbc-catalog", late(25_000));
        world.ok("/dbc_table_rename database:prod table:users to:people");
        world.wait(2_000);
        if is_evicted {
            world.evict();
        }
        world.ok("/dbc_table_rename database:prod table:people to:members");
        world.wait(25_000);
        arrive(&mut world);
        world.settle();
        let catalog = world.channel("dbc-catalog").unwrap();
        let card = catalog["messages"][0]["content"].as_str().unwrap();
        assert!(card.starts_with("**members**"), "{is_evicted}: {card}");
    }
}
