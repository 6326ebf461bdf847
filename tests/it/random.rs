//! Random commands under random misfortune, against a model of what must be true.
//!
//! `DBCORD_SEED=n` runs that seed alone; `DBCORD_SEEDS=n` runs that many.

use std::collections::BTreeMap;

use crate::host::Side;
use crate::world::{World, content, shown_rows};
use discord_sim::{Fault, FaultKind};

const OPERATIONS: usize = 25;
const KEYS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// What the replies so far allow to be true of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Absent,
    Present,
    /// Somebody was told that it is not known.
    Either,
}

#[test]
fn replies_are_true_whatever_happens() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    if let Some(seed) = number("DBCORD_SEED") {
        return run(seed);
    }
    for seed in 0..number("DBCORD_SEEDS").unwrap_or(120) {
        // The test runner shows this when the run fails.
        println!("DBCORD_SEED={seed}");
        run(seed);
    }
}

fn run(seed: u64) {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut world = World::with_table(seed);
    let mut known: BTreeMap<&str, Known> = KEYS.map(|key| (key, Known::Absent)).into();
    for _ in 0..OPERATIONS {
        if random.u8(..3) == 0 {
            misfortune(&mut world, &mut random);
        }
        let key = KEYS[random.usize(..KEYS.len())];
        let knowledge = known.get_mut(key).unwrap();
        if random.bool() {
            insert(&mut world, key, knowledge);
        } else {
            get(&mut world, key, knowledge);
        }
        world.cancel_crash();
        if random.u8(..4) == 0 {
            world.clear_faults();
        }
    }
    world.clear_faults();
    world.wait(3_700_000);
    // Storage may have been wiped just before.
    world.reply("/dbc_inspect database:prod");
    world.wait(61_000);
    world.settle();
    for round in ["warm", "cold", "wiped"] {
        for (key, knowledge) in &mut known {
            get(&mut world, key, knowledge);
            assert_ne!(*knowledge, Known::Either, "{round}: {key} is still unknown");
        }
        world.settle();
        check_channels(&world, &known, round);
        match round {
            "warm" => world.evict(),
            _ => world.lose_storage(),
        }
    }
}

fn misfortune(world: &mut World, random: &mut fastrand::Rng) {
    let kinds = [
        FaultKind::LostRequest,
        FaultKind::LostResponse,
        FaultKind::Delay,
        FaultKind::Status,
    ];
    match random.u8(..8) {
        0 => world.evict(),
        1 if random.bool() => world.wipe_storage(),
        1 => world.lose_storage(),
        2 | 3 => {
            let side = if random.bool() {
                Side::Before
            } else {
                Side::After
            };
            world.crash_at(random.u64(1..12), side);
        }
        _ => {
            let methods = [None, Some("POST"), Some("GET")];
            let kind = kinds[random.usize(..kinds.len())];
            world.fault(Fault {
                method: methods[random.usize(..3)].map(str::to_owned),
                skip: random.u64(..4),
                times: random.u64(1..6),
                ms: Some(random.u64(500..13_000)),
                status: Some([500, 502, 503, 429][random.usize(..4)]),
                ..Fault::new(kind)
            });
        }
    }
}

fn insert(world: &mut World, key: &str, known: &mut Known) {
    let line =
        format!(r#"/dbc_insert database:prod table:users key:{key} value_json:{{"id":"{key}"}}"#);
    let reply = content(&world.run(&line));
    let stored = reply.starts_with("Stored") || reply.contains("had been committed");
    let taken = reply.contains("already (revision 1)");
    let refused = reply.contains("Nothing was written");
    *known = match *known {
        Known::Present if stored => panic!("{key} was stored twice: {reply}"),
        Known::Absent if taken => panic!("{key} is taken, and nobody was told: {reply}"),
        _ if stored || taken => Known::Present,
        before if refused => before,
        Known::Present => Known::Present,
        // No answer at all, or one that says that it cannot know.
        Known::Absent | Known::Either => Known::Either,
    };
}

fn get(world: &mut World, key: &str, known: &mut Known) {
    let reply = world.reply(&format!("/dbc_get database:prod table:users key:{key}"));
    if reply.contains("· rev 1 ·") {
        assert_ne!(
            *known,
            Known::Absent,
            "{key} is there, and nobody stored it: {reply}"
        );
        *known = Known::Present;
    } else if reply.contains("has no row") {
        assert_ne!(*known, Known::Present, "{key} is lost: {reply}");
        *known = Known::Absent;
    }
}

fn check_channels(world: &World, known: &BTreeMap<&str, Known>, round: &str) {
    let rows = shown_rows(world, "users");
    for (key, known) in known {
        let messages = rows.get(*key).map_or(0, Vec::len);
        let expected = usize::from(*known == Known::Present);
        assert_eq!(messages, expected, "{round}: messages of {key}");
    }
    assert_eq!(world.messages("dbc-catalog").len(), 1, "{round}: cards");
}
