//! The removal of a dropped database goes on by itself until nothing is left, and says what it waits
//! for.

use crate::world::{World, insert};
use discord_sim::{Fault, FaultKind};
use serde_json::json;

const DROP: &str = "/dbc_database_drop database:prod confirm:prod";

/// Channels that are ours.
fn left(world: &World) -> Vec<String> {
    let state = world.state();
    let channels = state["channels"].as_array().unwrap();
    let names = channels.iter().map(|c| c["name"].as_str().unwrap());
    let ours = ["dbcord-prod", "dbc-log", "dbc-catalog", "table-users"];
    let names = names.filter(|name| ours.contains(name));
    names.map(str::to_owned).collect()
}

fn refuse_deletions(world: &mut World, status: u16, skip: u64) {
    world.fault(Fault {
        method: Some("DELETE".into()),
        path: Some("^/channels/[0-9]+$".into()),
        status: Some(status),
        body: Some(json!({"code": 50013, "message": "Missing Permissions"})),
        times: 0,
        skip,
        ..Fault::new(FaultKind::Status)
    });
}

#[test]
fn it_goes_on_after_an_eviction_at_any_time() {
    for status in [403, 503] {
        for skip in [0, 1, 3] {
            for pause in [0, 100, 700, 5_000, 400_000] {
                let at = format!("{status} after {skip}, {pause} ms");
                let mut world = World::with_table(1);
                world.be_quiet();
                world.ok(&insert("a"));
                world.settle();
                refuse_deletions(&mut world, status, skip);
                world.ok(DROP);
                world.wait(pause);
                world.evict();
                world.wait(3_600_000);
                assert!(!left(&world).is_empty(), "{at}");
                world.evict();
                world.clear_faults();
                // Nobody types anything.
                world.wait(2 * 3_600_000);
                assert_eq!(left(&world), Vec::<String>::new(), "{at}");
                let known =
                    world.with_storage(|storage| storage.keys().cloned().collect::<Vec<_>>());
                assert!(
                    !known.iter().any(|key| key.starts_with("db/prod/")),
                    "{at}: {known:?}"
                );
            }
        }
    }
}

#[test]
fn what_it_waits_for_is_said_and_nothing_else() {
    let mut world = World::with_table(2);
    world.ok(&insert("a"));
    world.settle();
    // What the background waited for before says nothing of the removal.
    world.fault_on_posts(
        "table-users",
        Fault {
            status: Some(403),
            body: Some(json!({"code": 50001, "message": "Missing Access"})),
            times: 0,
            ..Fault::new(FaultKind::Status)
        },
    );
    world.ok(&insert("b"));
    world.wait(20_000);
    let inspected = world.ok("/dbc_inspect database:prod");
    assert!(inspected.contains("Missing Access"), "{inspected}");
    world.clear_faults();
    refuse_deletions(&mut world, 403, 1);
    world.ok(DROP);
    for is_evicted in [false, true] {
        world.wait(3_000);
        if is_evicted {
            world.evict();
        }
        let listed = world.ok("/dbc_databases");
        assert!(listed.contains("being removed"), "{listed}");
        assert!(listed.contains("Missing Permissions"), "{listed}");
        assert!(!listed.contains("Missing Access"), "{listed}");
        let refused = world.refused("/dbc_inspect database:prod");
        assert!(refused.contains("Waiting: "), "{refused}");
        assert!(refused.contains("Missing Permissions"), "{refused}");
    }
    // What is over is not told any more, whether something else is in the way or not.
    world.clear_faults();
    let path_of = |name: &str| Some(format!("^/channels/{}$", world.channel_id(name)));
    let (log, category) = (path_of("dbc-log"), path_of("dbcord-prod"));
    world.fault(Fault {
        method: Some("DELETE".into()),
        path: category,
        ms: Some(8_000),
        ..Fault::new(FaultKind::Delay)
    });
    for _ in 0..400 {
        if left(&world).len() > 1 {
            world.wait(1_000);
        }
    }
    assert_eq!(left(&world), ["dbc-log"]);
    let listed = world.ok("/dbc_databases");
    assert!(!listed.contains("waiting"), "{listed}");
    world.clear_faults();
    world.fault(Fault {
        method: Some("DELETE".into()),
        path: log,
        status: Some(503),
        body: None,
        times: 0,
        ..Fault::new(FaultKind::Status)
    });
    world.wait(600_000);
    assert_eq!(left(&world), ["dbc-log"]);
    let listed = world.ok("/dbc_databases");
    assert!(
        listed.contains("waiting: ") && listed.contains("503"),
        "{listed}"
    );
    assert!(!listed.contains("Missing Permissions"), "{listed}");
    world.clear_faults();
    world.wait(600_000);
    assert_eq!(left(&world), Vec::<String>::new());
    assert!(world.ok("/dbc_databases").contains("no database"));
}
