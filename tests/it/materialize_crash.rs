//! The object dies at every single step of updates and deletions, and the channels end as they
//! would have without.

use crate::host::Side;
use crate::materialize_edits::{delete, hard_delete, update};
use crate::world::{World, insert};

const KEYS: [&str; 3] = ["a", "b", "c"];

fn start() -> World {
    let mut world = World::with_table(1);
    for key in KEYS {
        world.ok(&insert(key));
    }
    world.settle();
    world
}

fn scenario(world: &mut World) {
    world.run(&update("a", 1));
    world.run(&delete("b"));
    world.run(&hard_delete("c"));
    world.settle();
}

/// The commands that did not get through are given again; one that did is refused or changes no
/// more than a revision.
fn finish(world: &mut World) {
    world.cancel_crash();
    let row = world.reply("/dbc_get database:prod table:users key:a");
    if row.contains("rev 1") {
        world.ok(&update("a", 1));
    }
    if world
        .reply("/dbc_get database:prod table:users key:b")
        .contains("rev 1")
    {
        world.ok(&delete("b"));
    }
    if world
        .reply("/dbc_get database:prod table:users key:c")
        .contains("rev 1")
    {
        world.ok(&hard_delete("c"));
    }
    world.settle();
}

/// First lines of the row messages, in order.
fn heads(world: &World) -> Vec<String> {
    let messages = world.messages("table-users");
    let mut heads: Vec<String> = messages
        .iter()
        .map(|message| message.lines().next().unwrap_or_default().to_owned())
        .collect();
    heads.sort();
    heads
}

#[test]
fn a_crash_at_any_step_ends_with_the_same_channels() {
    let mut dry = start();
    let before = dry.steps();
    scenario(&mut dry);
    let steps = dry.steps() - before;
    let expected = heads(&dry);
    assert_eq!(expected, ["**a** · rev 2", "~~**b**~~ · rev 2 · deleted"]);
    assert!(steps > 20, "the scenario has only {steps} steps");
    for side in [Side::Before, Side::After] {
        for step in 1..=steps {
            let mut world = start();
            world.crash_at(step, side);
            scenario(&mut world);
            finish(&mut world);
            // An announcement of a thread may be left where its maker died; rows may not.
            let rows: Vec<String> = heads(&world);
            let rows: Vec<&String> = rows.iter().filter(|head| head.contains("rev ")).collect();
            assert_eq!(
                rows,
                expected.iter().collect::<Vec<_>>(),
                "{side:?} step {step}"
            );
            // And cold, with a look at everything.
            world.lose_storage();
            world.ok("/dbc_inspect database:prod");
            world.settle();
            assert_eq!(heads(&world), expected, "{side:?} step {step}, cold");
        }
    }
}
