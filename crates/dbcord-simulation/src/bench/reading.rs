//! What a read costs, hot and cold; and the pace at which rows are shown, since the table is there.

use super::guild::{Guild, ROWS_A_COMMIT, row, span_s};
use super::{Goal, Measurement, Scale};

const ROW_BYTES: usize = 200;

pub fn measure(scale: &Scale) -> Vec<Measurement> {
    let mut guild = Guild::new();
    guild.table("users", true);
    guild.world.take_ledger();
    let rows = (0..scale.rows).map(|n| row(n, ROW_BYTES));
    guild.fill("users", rows, ROWS_A_COMMIT);
    guild.world.settle();
    let channel = guild.world.channel_id("table-users");
    let ledger = guild.world.take_ledger();
    let posts: Vec<_> = ledger.iter().filter(|s| s.is_post_to(&channel)).collect();
    let pace = posts.len() as f64 / span_s(posts.iter().copied());

    let mut all = vec![Measurement::new(
        "rows shown in a table's channel",
        pace,
        "a second",
    )];
    guild.rest();
    all.extend(cold(&mut guild, scale, "with the channel hint", 3));
    let hot = guild.timed(guild.get("users", &key(1)));
    let hot = Measurement::count("get of a loaded table", hot.requests, "requests");
    all.push(hot.goal(Goal::Exactly(0.0)));
    guild.rest();
    let timed = guild.timed(guild.put("users", &row(scale.rows, ROW_BYTES)));
    let name = format!("cold insert, {} rows, with the channel hint", scale.rows);
    all.extend(timed.both(&name));
    guild.rest();
    let hints = |storage: &mut std::collections::BTreeMap<String, String>| {
        storage.retain(|key, _| !key.ends_with("/hints"));
    };
    guild.world.with_storage(hints);
    all.extend(cold(&mut guild, scale, "without it", 4));
    all
}

fn cold(guild: &mut Guild, scale: &Scale, how: &str, most: u32) -> [Measurement; 2] {
    let timed = guild.timed(guild.get("users", &key(scale.rows / 2)));
    let [requests, in_sequence] = timed.both(&format!("cold get, {} rows, {how}", scale.rows));
    [requests, in_sequence.at_most(most)]
}

fn key(number: usize) -> String {
    format!("k{number:06}")
}
