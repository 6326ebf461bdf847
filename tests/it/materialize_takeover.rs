//! Two objects with the same database for a while: the one that was replaced spoils nothing of what
//! the other shows.

use crate::materialize_edits::update;
use crate::world::{World, insert, shown_rows};
use discord_sim::{Fault, FaultKind};

#[test]
fn an_object_that_was_replaced_does_not_take_newer_rows_for_wrong_ones() {
    let mut world = World::with_table(1);
    // The row's message is posted, and nobody hears of it: the object waits, and then asks again.
    world.fault_on_posts("table-users", Fault::new(FaultKind::LostResponse));
    world.ok(&insert("a"));
    world.wait(2_000);
    assert_eq!(shown_rows(&world, "users")["a"].len(), 1);
    world.replace();
    world.ok(&update("a", 2));
    world.settle();
    let rows = shown_rows(&world, "users");
    assert_eq!(rows["a"].len(), 1, "{rows:?}");
    assert!(rows["a"][0].starts_with("**a** · rev 2\n"), "{rows:?}");
}
