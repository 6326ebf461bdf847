//! What a query costs in requests to Discord, by each of the ways that there are to the rows: when the database
//! is out of memory, and when its table is in it.

use serde_json::{Value, json};

use super::Scale;
use crate::bench::guild::{DATABASE, Guild, ROWS_A_COMMIT, Timed, row};
use crate::bench::{Goal, Measurement};

const ROW_BYTES: usize = 200;

/// Under virtual time, so the figures are the same on every machine.
pub fn measure(scale: &Scale) -> Vec<Measurement> {
    let rows = scale.stored_rows;
    let mut guild = Guild::new();
    guild.table("users", true);
    let filled = (0..rows).map(|n| row(n, ROW_BYTES));
    guild.fill("users", filled, ROWS_A_COMMIT);
    let index = format!("/dbc_index_create database:{DATABASE} table:users field:n");
    guild.world.ok(&index);
    let middle = rows / 2;
    let ways = [
        ("KEYS", json!({"id": format!("k{middle:06}")})),
        ("INDEX n", json!({ "n": middle })),
        ("SCAN", json!({"text": {"$prefix": "ab"}})),
    ];
    let mut all = Vec::new();
    for (way, filter) in ways {
        guild.rest();
        let [requests, in_sequence] =
            ask(&mut guild, way, &filter).both(&format!("cold find in {rows} rows by {way}"));
        all.extend([requests, in_sequence]);
        let hot = ask(&mut guild, way, &filter).requests;
        let hot = Measurement::count(format!("find by {way} in a loaded table"), hot, "requests");
        all.push(hot.goal(Goal::Exactly(0.0)));
    }
    all
}

fn ask(guild: &mut Guild, way: &str, filter: &Value) -> Timed {
    let find = json!({"table": "users", "where_json": filter.to_string()});
    let timed = guild.timed(guild.spec("dbc_find", find));
    let by = format!("by `{way}`");
    assert!(timed.reply.contains(&by), "{}", timed.reply);
    timed
}
