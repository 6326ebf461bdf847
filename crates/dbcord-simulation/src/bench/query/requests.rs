//! What a query costs in requests to Discord, by each of the ways that there are to the rows: when the database
//! is out of memory, and when it has just been asked the same.

use discord_sim::{Discord, SearchPlan};
use serde_json::{Value, json};

use super::Scale;
use crate::bench::guild::{DATABASE, Guild, ROWS_A_COMMIT, Timed, row};
use crate::bench::{Goal, Measurement};

const ROW_BYTES: usize = 200;
/// As many as a page of a search has.
const ROWS_A_NAME: usize = 25;

/// Under virtual time, so the figures are the same on every machine.
pub fn measure(scale: &Scale) -> Vec<Measurement> {
    let rows = scale.stored_rows;
    let mut guild = Guild::new();
    // Its index is there, and up to date.
    let calm = |discord: &mut Discord| discord.set_search_plan(SearchPlan::calm());
    guild.world.with_discord(calm).expect("a plan");
    guild.table("users", true);
    let filled = (0..rows).map(|n| {
        let mut row = row(n, ROW_BYTES);
        row["name"] = json!(name(n % (rows / ROWS_A_NAME)));
        row
    });
    guild.fill("users", filled, ROWS_A_COMMIT);
    let index = format!("/dbc_index_create database:{DATABASE} table:users field:n");
    guild.world.ok(&index);
    let middle = rows / 2;
    let of_name = json!({ "name": name(1) });
    let ways = [
        ("KEYS", json!({"id": format!("k{middle:06}")}), None),
        ("INDEX n", json!({ "n": middle }), None),
        ("SCAN", json!({"text": {"$prefix": "ab"}}), None),
        ("SEARCH INDEX n", json!({ "n": middle }), Some("search")),
        ("SEARCH WORDS", of_name.clone(), Some("search")),
        ("CHANNEL SCAN", of_name, Some("scan")),
    ];
    let mut all = Vec::new();
    for (way, filter, via) in ways {
        guild.rest();
        let what = match way {
            "CHANNEL SCAN" => format!("the first part of {rows} rows by {way}"),
            _ => format!("find in {rows} rows by {way}"),
        };
        let cold = ask(&mut guild, way, &filter, via);
        all.extend(cold.both(&format!("cold: {what}")));
        // Discord's limit on searches is none of the way's.
        guild.world.wait(if via.is_some() { 6_000 } else { 0 });
        let hot = ask(&mut guild, way, &filter, via);
        let [requests, in_sequence] = hot.both(&format!("hot: {what}"));
        match via {
            None => all.push(requests.goal(Goal::Exactly(0.0))),
            Some(_) => all.extend([requests, in_sequence]),
        }
    }
    all
}

/// Three letters, a word that a search can find.
fn name(number: usize) -> String {
    let letter = |of: usize| char::from(b'a' + (number / of % 26) as u8);
    [letter(26 * 26), letter(26), letter(1)].iter().collect()
}

fn ask(guild: &mut Guild, way: &str, filter: &Value, via: Option<&str>) -> Timed {
    let mut find = json!({"table": "users", "where_json": filter.to_string()});
    if let Some(via) = via {
        find["via"] = json!(via);
    }
    let timed = guild.timed(guild.spec("dbc_find", find));
    let by = format!("by `{way}`");
    assert!(timed.reply.contains(&by), "{}", timed.reply);
    timed
}
