//! A day of a small community, against what the free plan has.

use discord_sim::InteractionSpec;
use serde_json::json;

use super::guild::{Guild, IDLE_MS, row};
use super::{Measurement, Scale};
use crate::harness::world::content;

const DAY_MS: u64 = 24 * 3_600_000;
const ROWS: usize = 200;
const ROW_BYTES: usize = 200;
/// Of the free plan, a day. <https://developers.cloudflare.com/durable-objects/platform/pricing/>
const ROWS_WRITTEN: u32 = 100_000;
/// Same page. A command is a request to the Worker and one to its object; an alarm is one too.
const REQUESTS: u32 = 100_000;

pub fn measure(scale: &Scale) -> Vec<Measurement> {
    let mut guild = Guild::new();
    guild.table("users", true);
    guild.fill("users", (0..ROWS).map(|n| row(n, ROW_BYTES)), ROWS);
    guild.rest();
    guild.world.take_ledger();
    let (steps, sent, alarms) = counts(&guild);
    let mut random = fastrand::Rng::with_seed(1);
    let commands = scale.writes_a_day + scale.reads_a_day;
    let mut times: Vec<u64> = (0..commands).map(|_| random.u64(..DAY_MS)).collect();
    times.sort_unstable();
    let mut is_write = vec![false; commands];
    is_write
        .iter_mut()
        .take(scale.writes_a_day)
        .for_each(|write| *write = true);
    random.shuffle(&mut is_write);
    let midnight = guild.world.now();
    for (time, is_write) in times.into_iter().zip(is_write) {
        let pause = (midnight + time).saturating_sub(guild.world.now());
        guild.world.wait(pause.min(IDLE_MS));
        if pause > IDLE_MS {
            guild.world.evict();
            guild.world.wait(pause - IDLE_MS);
        }
        let spec = command(&guild, &mut random, is_write);
        let id = guild.world.send(spec);
        let reply = content(&guild.world.wait_for(id));
        assert!(!reply.starts_with('❌'), "{reply}");
    }
    guild.rest();
    let (more_steps, more_sent, more_alarms) = counts(&guild);
    let to_discord = more_sent - sent;
    let stored = more_steps - steps - to_discord;
    let rung = more_alarms - alarms;
    let name = |what: &str| {
        let Scale {
            writes_a_day,
            reads_a_day,
            ..
        } = scale;
        format!("a day of {writes_a_day} writes and {reads_a_day} reads: {what}")
    };
    vec![
        Measurement::new(name("requests to Discord"), to_discord as f64, "requests"),
        Measurement::count(
            name("requests to the Worker and its object"),
            2 * commands + rung,
            "requests",
        )
        .at_most(REQUESTS),
        Measurement::new(
            name("rows written to object storage"),
            stored as f64,
            "rows",
        )
        .at_most(ROWS_WRITTEN),
    ]
}

fn command(guild: &Guild, random: &mut fastrand::Rng, is_write: bool) -> InteractionSpec {
    let key = format!("k{:06}", random.usize(..ROWS));
    if is_write {
        let patch = json!({ "n": random.u32(..) }).to_string();
        guild.spec(
            "dbc_update",
            json!({"table": "users", "key": key, "patch_json": patch}),
        )
    } else {
        guild.get("users", &key)
    }
}

/// Steps, requests and alarms so far: a step is a request or a write to storage.
fn counts(guild: &Guild) -> (u64, u64, usize) {
    let world = &guild.world;
    (world.steps(), world.observed().requests, world.alarms())
}
