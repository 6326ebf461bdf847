//! Keys that are used again after their row was deleted for good: the new row stays, and brings
//! nothing of the old one back.

use crate::crud::on_users;
use crate::erase::{HARD_DELETE, SECRET, commit_of, everything, insert_secret, no_copy_is_left};
use crate::world::{World, get, insert};

#[test]
fn an_eviction_brings_nothing_back_into_a_thread() {
    for is_checkpointed in [false, true] {
        for in_one_commit in [false, true] {
            let mut world = World::with_table(6);
            world.ok(&insert_secret("s"));
            world.wait(1_500);
            if is_checkpointed {
                world.settle();
            }
            if in_one_commit {
                // Those that wait while another is in flight go together.
                world.all_at_once(&[&insert("x"), HARD_DELETE, &insert("s")]);
            } else {
                world.ok(HARD_DELETE);
                world.ok(&insert("s"));
            }
            // Before anything of it is shown.
            world.evict();
            world.settle();
            let left = everything(&world).contains(SECRET);
            assert!(!left, "{is_checkpointed} {in_one_commit}: a copy is left");
        }
    }
}

#[test]
fn what_was_inserted_again_under_the_key_stays() {
    let mut world = World::with_table(2);
    world.ok(&insert_secret("s"));
    world.settle();
    world.ok(HARD_DELETE);
    world.ok(&insert("s"));
    world.settle();
    no_copy_is_left(&world);
    assert!(world.ok(&get("s")).contains("rev 3"));
    world.lose_storage();
    assert!(world.ok(&get("s")).contains("rev 3"));
    assert_eq!(world.messages("table-users").len(), 1);
}

#[test]
fn what_is_inserted_again_at_once_leaves_nothing_of_the_thread_before() {
    for is_evicted in [false, true] {
        let mut world = World::with_table(11);
        world.ok(&insert_secret("s"));
        world.settle();
        world.ok(&on_users("dbc_update", r#"key:s patch_json:{"n":1}"#));
        world.settle();
        assert!(!world.state()["threads"].as_array().unwrap().is_empty());
        world.ok(HARD_DELETE);
        world.ok(&insert("s"));
        if is_evicted {
            world.evict();
        }
        world.settle();
        no_copy_is_left(&world);
        assert!(world.ok(&get("s")).contains("rev 4"));
        assert_eq!(world.messages("table-users").len(), 1);
    }
}

#[test]
fn what_is_inserted_again_by_the_same_commit_brings_nothing_back() {
    let mut world = World::with_table(10);
    world.ok(&insert_secret("s"));
    world.settle();
    // The first is on its way while the others arrive, so that these go together.
    let replies = world.all_at_once(&[&insert("a"), HARD_DELETE, &insert("s")]);
    assert_eq!(
        commit_of(&replies[1]),
        commit_of(&replies[2]),
        "{replies:?}"
    );
    world.settle();
    no_copy_is_left(&world);
    assert!(world.ok(&get("s")).contains("rev 3"));
}

#[test]
fn a_message_that_took_the_place_of_the_one_that_is_remembered_goes_too() {
    let mut world = World::with_table(14);
    world.ok(&insert("s"));
    world.settle();
    // The checkpoint has the message of before; that of after is shown, and no checkpoint has it.
    world.ok(HARD_DELETE);
    world.ok(&insert_secret("s"));
    world.wait(1_800);
    assert!(world.messages("table-users")[0].contains(SECRET));
    world.evict();
    world.ok(HARD_DELETE);
    world.settle();
    no_copy_is_left(&world);
}
