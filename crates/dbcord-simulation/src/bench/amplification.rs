//! What checkpoints write again of what was written before.

use serde_json::json;

use super::guild::{Guild, row};
use super::{Measurement, Scale};

const ROW_BYTES: usize = 200;
/// Commits that a table is filled with.
const COMMITS: usize = 100;
/// Between two updates: every one is by itself.
const PAUSE_MS: u64 = 10_000;

pub fn measure(scale: &Scale) -> Vec<Measurement> {
    let mut all = Vec::new();
    let name = |what: &str| format!("{} rows in {COMMITS} commits: {what}", scale.rows);
    for mirror in [false, true] {
        let mut guild = Guild::new();
        guild.table("users", mirror);
        guild.world.take_ledger();
        let rows = (0..scale.rows).map(|n| row(n, ROW_BYTES));
        let written = guild.fill("users", rows, scale.rows.div_ceil(COMMITS));
        guild.world.settle();
        let what = if mirror {
            "segments a byte written, until all are shown"
        } else {
            "segments a byte written"
        };
        all.push(ratio(&mut guild, name(what), written));
        if !mirror {
            all.push(updates(&mut guild, scale));
        }
    }
    all
}

/// Single rows of the table that was filled are updated.
fn updates(guild: &mut Guild, scale: &Scale) -> Measurement {
    let mut random = fastrand::Rng::with_seed(1);
    let mut written = 0;
    for _ in 0..scale.updates {
        let row = row(random.usize(..scale.rows), ROW_BYTES);
        let patch = json!({ "text": row["text"] }).to_string();
        written += row.to_string().len() as u64;
        let update = json!({"table": "users", "key": row["id"], "patch_json": patch});
        guild.timed(guild.spec("dbc_update", update));
        guild.world.wait(PAUSE_MS);
    }
    guild.world.settle();
    let Scale { updates, rows, .. } = scale;
    let name = format!("{updates} updates of single rows of {rows}: segments a byte written");
    ratio(guild, name, written)
}

/// Bytes that the background posted to the log for each byte of rows.
fn ratio(guild: &mut Guild, name: String, written: u64) -> Measurement {
    let ledger = guild.world.take_ledger();
    let posted = ledger
        .iter()
        .filter(|s| s.is_background() && s.is_post_to(&guild.log));
    let posted: u64 = posted.map(|sent| sent.bytes).sum();
    Measurement::new(name, posted as f64 / written as f64, "bytes")
}
