//! Large rows that stand in text, when records that hold them have to go because of other rows.

use crate::crud::{on_users, with_file};

use crate::text_commits::{document, put, refuse_files_in_channels};
use crate::world::{World, get, insert};

/// Two rows of one commit, of which the first is deleted for good.
fn with_two(seed: u64, first: &str, second: &str) -> World {
    let mut world = World::with_table(seed);
    refuse_files_in_channels(&mut world);
    world.ok(&insert("small"));
    let ops = format!(
        r#"[{{"op":"insert","table":"users","key":"b","value":{first}}},{{"op":"insert","table":"users","key":"c","value":{second}}}]"#,
    );
    let told = with_file(&mut world, "/dbc_transact database:prod ops_file:@f", ops);
    assert!(told.contains("Committed"), "{told}");
    world.settle();
    world.ok(&on_users("dbc_delete", "key:b hard:true"));
    world
}

#[test]
fn a_large_row_outlives_its_segment_also_after_an_eviction() {
    for evicts in [false, true] {
        let (first, second) = (document(9_000, 2), document(12_000, 3));
        let mut world = with_two(1, &first.to_string(), &second.to_string());
        if evicts {
            world.wait(30_000);
            world.evict();
        }
        world.wait(3_600_000);
        world.settle();
        let inspected = world.ok("/dbc_inspect database:prod");
        assert!(!inspected.contains("copies still being"), "{inspected}");
        let log = world.messages("dbc-log");
        let is_again = |text: &&String| text.starts_with('#') && text.contains("users/c put");
        assert_eq!(log.iter().filter(is_again).count(), 1, "evicted: {evicts}");
        world.evict();
        world.delete_messages("dbc-log", |text| text.starts_with("§ delta"));
        world.ok(&get("c"));
    }
}

#[test]
fn commands_do_not_wait_for_a_large_row_that_is_committed_again() {
    let mut world = with_two(2, "{}", &document(120_000, 3).to_string());
    let update = |n: u64| on_users("dbc_update", &format!("key:small patch_json:{{\"n\":{n}}}"));
    for n in 0..600 {
        world.wait(1_000);
        let began = world.now();
        world.ok(&update(n));
        let took = world.now() - began;
        assert!(took < 5_000, "command {n}: {took} ms");
    }
    // It is seen through once it has given way often enough.
    for n in 600..1_500 {
        world.wait(1_000);
        world.ok(&update(n));
    }
    let log = world.messages("dbc-log");
    let is_again = |text: &&String| text.starts_with('#') && text.contains("users/c put");
    assert_eq!(log.iter().filter(is_again).count(), 1);
    world.wait(3_600_000);
    let inspected = world.ok("/dbc_inspect database:prod");
    assert!(!inspected.contains("copies still being"), "{inspected}");
}

#[test]
fn large_commits_while_copies_are_removed_are_kept() {
    let mut world = World::with_table(3);
    refuse_files_in_channels(&mut world);
    let keys = ["a", "b", "c", "d", "e", "f"];
    for key in keys {
        assert!(put(&mut world, key, "insert", &document(9_000, 1)).contains("Stored"));
    }
    world.settle();
    for n in 0..80 {
        if n % 12 == 0
            && let Some(key) = keys.get(n as usize / 12)
        {
            world.ok(&on_users("dbc_delete", &format!("key:{key} hard:true")));
        }
        world.wait(500 + 1_700 * (n * 7 % 23));
        let reply = put(&mut world, &format!("k{n}"), "insert", &document(12_000, n));
        assert!(reply.contains("Stored"), "{reply}");
        if n % 17 == 16 {
            world.evict();
        }
    }
    world.evict();
    world.ok(&get("k0"));
    world.wait(3_600_000);
    world.lose_storage();
    let counted = world.ok(&on_users("dbc_count", ""));
    assert!(counted.starts_with("80 rows"), "{counted}");
}
