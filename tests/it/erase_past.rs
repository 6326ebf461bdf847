//! Rows deleted for good take records along in which other rows have their past: that stays.

use crate::erase::{HARD_DELETE, SECRET, insert_secret, no_copy_is_left};
use crate::world::{World, insert};

/// A world where row `a` of table `q`, which is not shown, has three revisions, and `users` then
/// has a row that is deleted for good.
fn with_a_past_in_between(seed: u64) -> World {
    let mut world = World::with_table(seed);
    world.ok("/dbc_table_create database:prod table:q pk:id mirror:false");
    let on_q = |command: &str, rest: &str| format!("/{command} database:prod table:q key:a {rest}");
    world.ok(&on_q("dbc_insert", r#"value_json:{"id":"a","n":1}"#));
    world.ok(&insert_secret("x"));
    world.ok(&on_q("dbc_update", r#"patch_json:{"n":2}"#));
    world.ok(&on_q("dbc_delete", ""));
    world.ok(&insert_secret("y"));
    world.ok("/dbc_update database:prod table:users key:y patch_json:{\"n\":2}");
    world
}

fn has_its_past(world: &mut World) {
    let history = world.ok("/dbc_history database:prod table:q key:a");
    assert_eq!(history.matches("**rev").count(), 3, "{history}");
    assert!(!history.contains("lder"), "{history}");
}

#[test]
fn the_past_of_other_rows_stays() {
    let mut world = with_a_past_in_between(7);
    for key in ["y", "x"] {
        world.ok(&format!(
            "/dbc_delete database:prod table:users key:{key} hard:true"
        ));
        world.wait(3_600_000);
        has_its_past(&mut world);
    }
    no_copy_is_left(&world);
    world.lose_storage();
    has_its_past(&mut world);
    world.ok("/dbc_restore_row database:prod table:q key:a rev:2");
    let row = world.ok("/dbc_get database:prod table:q key:a");
    assert!(row.contains("\"n\": 2"), "{row}");
}

#[test]
fn the_past_of_other_rows_stays_when_the_removal_is_interrupted() {
    let mut world = with_a_past_in_between(8);
    // The messages of the row's records are old enough to go at different times.
    world.ok(&insert_secret("z"));
    for n in 0..3 {
        world.wait(400_000);
        world.ok(&format!(
            "/dbc_update database:prod table:users key:z patch_json:{{\"n\":{n}}}"
        ));
        world.ok(&insert(&format!("k{n}")));
    }
    for key in ["x", "z", "y"] {
        world.ok(&format!(
            "/dbc_delete database:prod table:users key:{key} hard:true"
        ));
    }
    for _ in 0..120 {
        world.wait(15_000);
        world.evict();
    }
    world.settle();
    no_copy_is_left(&world);
    has_its_past(&mut world);
}

#[test]
fn what_went_along_with_another_row_is_found_in_the_thread() {
    let mut world = World::with_table(9);
    world.ok(&insert("a"));
    world.ok(&format!(
        r#"/dbc_transact database:prod ops_json:[{{"op":"insert","table":"users","key":"s","value":{{"word":"{SECRET}"}}}},{{"op":"update","table":"users","key":"a","patch":{{"n":2}}}}]"#
    ));
    world.settle();
    world.ok(r#"/dbc_update database:prod table:users key:a patch_json:{"n":3}"#);
    world.settle();
    world.ok(HARD_DELETE);
    world.wait(3_600_000);
    no_copy_is_left(&world);
    let history = world.ok("/dbc_history database:prod table:users key:a");
    assert_eq!(history.matches("**rev").count(), 3, "{history}");
    world.ok("/dbc_restore_row database:prod table:users key:a rev:2");
}

#[test]
fn a_revision_that_went_along_with_another_row_was_not_deleted_for_good() {
    let mut world = World::with_table(10);
    world.ok("/dbc_table_create database:prod table:q pk:id mirror:false");
    world.ok("/dbc_insert database:prod table:q key:a value_json:{}");
    world.ok(&format!(
        r#"/dbc_transact database:prod ops_json:[{{"op":"insert","table":"users","key":"s","value":{{"word":"{SECRET}"}}}},{{"op":"update","table":"q","key":"a","patch":{{"n":2}}}}]"#
    ));
    world.ok(r#"/dbc_update database:prod table:q key:a patch_json:{"n":3}"#);
    world.ok(HARD_DELETE);
    world.wait(3_600_000);
    let told = world.refused("/dbc_restore_row database:prod table:q key:a rev:2");
    assert!(told.contains("replaced before it was shown"), "{told}");
    assert!(!told.contains("for good"), "{told}");
    world.ok("/dbc_restore_row database:prod table:q key:a rev:1");
}
