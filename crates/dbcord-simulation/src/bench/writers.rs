//! Many writers at once, each of which writes again as soon as it has its answer.

use std::collections::BTreeMap;

use discord_sim::Id;
use serde_json::json;

use super::guild::Guild;
use super::{Goal, Measurement, Scale};
use crate::harness::world::content;

/// Writers give up after this: a write without an answer would never end the run.
const LONGEST_MS: u64 = 60_000;

pub fn measure(scale: &Scale) -> Vec<Measurement> {
    let mut guild = Guild::new();
    guild.table("users", true);
    guild.world.take_ledger();
    let ends = guild.world.now() + scale.writers_s * 1_000;
    let mut pending: BTreeMap<Id, (usize, u64)> = BTreeMap::new();
    let (mut writes, mut acknowledged) = (0, 0);
    let mut latencies: Vec<u64> = Vec::new();
    let write = |guild: &mut Guild, writer: usize, writes: &mut usize| {
        *writes += 1;
        let row = json!({"id": format!("w{writer}"), "n": writes});
        let spec = guild.put("users", &row);
        (guild.world.send(spec), (writer, guild.world.now()))
    };
    for writer in 0..scale.writers {
        pending.extend([write(&mut guild, writer, &mut writes)]);
    }
    while !pending.is_empty() {
        let answers = guild.world.next_answers(LONGEST_MS);
        assert!(
            !answers.is_empty(),
            "{} writes have no answer",
            pending.len()
        );
        for view in answers {
            let Some((writer, begun)) = pending.remove(&view.id) else {
                continue;
            };
            latencies.push(guild.world.now() - begun);
            acknowledged += usize::from(content(&view).starts_with("Stored"));
            if guild.world.now() < ends {
                pending.extend([write(&mut guild, writer, &mut writes)]);
            }
        }
    }
    let ledger = guild.world.take_ledger();
    let log = guild.log.clone();
    let commits = ledger
        .iter()
        .filter(|s| s.is_post_to(&log) && !s.is_background());
    let name = |what: &str| {
        let Scale {
            writers, writers_s, ..
        } = scale;
        format!("{writers} writers for {writers_s} s: {what}")
    };
    latencies.sort_unstable();
    let share = |share: f64| {
        let at = (latencies.len() as f64 * share).ceil() as usize;
        latencies.get(at.saturating_sub(1)).copied().unwrap_or(0) as f64 / 1_000.0
    };
    let limited = guild.world.observed().limited.len();
    vec![
        Measurement::count(name("writes"), writes, "writes"),
        Measurement::count(name("not acknowledged"), writes - acknowledged, "writes")
            .goal(Goal::Exactly(0.0)),
        Measurement::count(name("commits"), commits.count(), "messages"),
        Measurement::new(name("half are acknowledged within"), share(0.5), "s"),
        Measurement::new(name("99 of 100 within"), share(0.99), "s").goal(Goal::Below(2.5)),
        Measurement::count(name("refused by a rate limit"), limited, "requests")
            .goal(Goal::Exactly(0.0)),
    ]
}
