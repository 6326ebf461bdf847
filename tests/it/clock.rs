//! A clock that steps back while an object lives.

use crate::takeover::{take_over, two_deployments};
use crate::world::{World, get, insert};

#[test]
fn a_clock_that_steps_back_does_not_make_a_lease_longer() {
    let mut world = two_deployments(1);
    world.point_at(0);
    world.ok(&get("a"));
    world.set_clock_back(120_000);
    take_over(&mut world, 1);
    // Readers keep the former owner in memory.
    for _ in 0..13 {
        world.wait(5_000);
        world.point_at(0);
        world.reply(&get("a"));
    }
    world.point_at(1);
    world.ok(&insert("b"));
    world.point_at(0);
    let read = world.refused(&get("b"));
    assert!(!read.contains("has no row"), "{read}");
    let written = world.refused(&insert("c"));
    assert!(written.contains("Nothing was written"), "{written}");
    world.point_at(1);
    world.refused(&get("c"));
}

#[test]
fn everything_goes_on_where_the_clock_steps_back_now_and_then() {
    let mut world = World::with_table(2);
    for (number, behind) in [0, 7_000, 1_000, 600_000, 0, 3_600_000].iter().enumerate() {
        world.set_clock_back(*behind);
        let key = format!("k{number}");
        let stored = world.ok(&insert(&key));
        assert!(stored.starts_with("Stored"), "{stored}");
        world.ok(&get(&key));
        world.wait(25_000);
        world.ok(&get(&key));
        if number % 2 == 1 {
            world.evict();
        }
    }
    world.settle();
    world.set_clock_back(0);
    world.settle();
    assert_eq!(world.messages("table-users").len(), 6);
    world.evict();
    for number in 0..6 {
        world.ok(&get(&format!("k{number}")));
    }
}
