//! The object dies at every single step - request or storage write, on either side of it - of a
//! fixed scenario, and whatever had been acknowledged is there afterwards, once.

use crate::host::Side;
use crate::world::{World, content, shown_rows};

/// The scenario's inserts; `run` stops at the crash and says which were acknowledged.
const KEYS: [&str; 3] = ["a", "b", "c"];

fn insert(key: &str) -> String {
    format!(r#"/dbc_insert database:prod table:users key:{key} value_json:{{"id":"{key}"}}"#)
}

fn scenario(world: &mut World) -> Vec<&'static str> {
    let mut acknowledged = Vec::new();
    world.run("/dbc_init database:prod");
    world.run("/dbc_table_create database:prod table:users pk:id");
    for key in KEYS {
        if content(&world.run(&insert(key))).starts_with("Stored") {
            acknowledged.push(key);
        }
    }
    world.settle();
    acknowledged
}

fn check(world: &mut World, acknowledged: &[&str], at: &str) {
    // Whatever the crash interrupted can be finished by doing it again.
    world.ok("/dbc_init database:prod");
    let created = world.reply("/dbc_table_create database:prod table:users pk:id");
    assert!(
        created.contains("is created") || created.contains("already"),
        "{at}: {created}"
    );
    for key in KEYS {
        let get = world.reply(&format!("/dbc_get database:prod table:users key:{key}"));
        let there = get.contains("rev 1");
        assert!(there || get.contains("has no row"), "{at}: {get}");
        assert!(there || !acknowledged.contains(&key), "{at}: lost {key}");
        let again = world.reply(&insert(key));
        let expected = if there { "already" } else { "Stored" };
        assert!(again.contains(expected), "{at}: {again}");
    }
    world.settle();
    let rows = shown_rows(world, "users");
    for key in KEYS {
        assert_eq!(rows[key].len(), 1, "{at}: messages of {key}");
    }
    let names = ["dbcord-prod", "dbc-log", "dbc-catalog", "table-users"];
    let state = world.state();
    for name in names {
        let channels = state["channels"].as_array().unwrap();
        let found = channels.iter().filter(|c| c["name"] == name).count();
        assert_eq!(found, 1, "{at}: channels called {name}");
    }
    assert_eq!(
        world.messages("dbc-catalog").len(),
        1,
        "{at}: {:#?}",
        world.messages("dbc-catalog")
    );
    // And cold, from the log alone.
    world.lose_storage();
    for key in KEYS {
        world.ok(&format!("/dbc_get database:prod table:users key:{key}"));
    }
}

#[test]
fn a_crash_at_any_step_loses_nothing_acknowledged() {
    let mut dry = World::new(1);
    scenario(&mut dry);
    let steps = dry.steps();
    assert!(steps > 30, "the scenario has only {steps} steps");
    for side in [Side::Before, Side::After] {
        for step in 1..=steps {
            let mut world = World::new(1);
            world.crash_at(step, side);
            let acknowledged = scenario(&mut world);
            assert!(world.crash_is_over(), "step {step} was never reached");
            check(&mut world, &acknowledged, &format!("{side:?} step {step}"));
        }
    }
}

#[test]
fn a_deferred_command_whose_object_dies_still_gets_its_answer() {
    let mut slow = 0;
    for side in [Side::Before, Side::After] {
        for step in 1..=6 {
            let mut world = World::with_table(2);
            world.fault_on_log_post(discord_sim::FaultKind::Delay, 1);
            world.crash_at(step, side);
            let view = world.run(&insert("a"));
            world.cancel_crash();
            let deferred = view
                .delivery
                .body
                .as_ref()
                .is_some_and(|body| body["type"] == 5);
            if !deferred {
                continue;
            }
            slow += 1;
            let reply = content(&view);
            let there = world
                .reply("/dbc_get database:prod table:users key:a")
                .contains("rev 1");
            assert_eq!(view.state, "answered", "{side:?} step {step}: {reply}");
            assert_eq!(
                there,
                reply.contains("Stored") || reply.contains("had been committed"),
                "{side:?} step {step}: {reply}"
            );
        }
    }
    assert!(slow >= 4, "only {slow} runs were deferred");
}
