//! Requests before a write is acknowledged.

use serde_json::{Value, json};

use super::guild::{Guild, row};
use super::{Measurement, Scale};
use crate::harness::ledger::Sent;
use crate::harness::world::content;

const ROW_BYTES: usize = 100;
/// Longer than a look at the log is good for.
const PAUSE_MS: u64 = 60_000;

pub fn measure(scale: &Scale) -> Vec<Measurement> {
    let mut guild = Guild::new();
    for table in ["users", "posts", "likes"] {
        guild.table(table, false);
    }
    let mut all = single(&mut guild);
    all.push(whole_transaction(&mut guild, scale.burst));
    all.push(concurrent(&mut guild, scale.burst));
    all
}

fn single(guild: &mut Guild) -> Vec<Measurement> {
    let key = json!({"table": "users", "key": "a"});
    let with = |more: Value| {
        let mut options = key.clone();
        for (name, value) in more.as_object().into_iter().flatten() {
            options[name] = value.clone();
        }
        options
    };
    let insert = guild.spec("dbc_insert", with(json!({"value_json": "{}"})));
    let update = guild.spec("dbc_update", with(json!({"patch_json": "{\"n\":1}"})));
    let delete = guild.spec("dbc_delete", key.clone());
    let ops: Value = ["users", "posts", "likes"]
        .map(|table| json!({"op": "insert", "table": table, "key": "b", "value": {}}))
        .into();
    let transact = guild.spec("dbc_transact", json!({"ops_json": ops.to_string()}));
    // The log was looked at a moment ago, as it is while there is anything to do.
    guild.timed(guild.spec("dbc_inspect", json!({})));
    let mut all = Vec::new();
    for (name, spec) in [
        ("insert", insert),
        ("update", update),
        ("delete", delete),
        ("transaction over 3 tables", transact),
    ] {
        let timed = guild.timed(spec);
        let name = format!("{name}: before the acknowledgement");
        all.push(Measurement::count(name, timed.requests, "requests").at_most(1));
        guild.world.wait(2_000);
    }
    guild.world.wait(PAUSE_MS);
    let timed = guild.timed(guild.put("users", &json!({"id": "c"})));
    let name = "insert after a minute in which nobody looked at the log";
    all.extend(timed.both(name));
    all
}

fn whole_transaction(guild: &mut Guild, rows: usize) -> Measurement {
    guild.world.wait(5_000);
    guild.timed(guild.spec("dbc_inspect", json!({})));
    let ops: Vec<Value> = (0..rows)
        .map(|n| row(n, ROW_BYTES))
        .map(|row| json!({"op": "insert", "table": "posts", "key": row["id"], "value": row}))
        .collect();
    let from = guild.world.ledger().len();
    guild.timed(guild.transact(&ops));
    // Fetching the command's own file is no matter of the log.
    let is_of_log = |sent: &&Sent| !sent.is_answer() && !sent.path.contains("ephemeral");
    let ledger = guild.world.ledger();
    let requests = ledger.iter().skip(from).filter(is_of_log).count();
    let name = format!("{rows} rows in one transaction: before the acknowledgement");
    Measurement::count(name, requests, "requests").at_most(3)
}

fn concurrent(guild: &mut Guild, rows: usize) -> Measurement {
    guild.world.wait(5_000);
    guild.timed(guild.spec("dbc_inspect", json!({})));
    let from = guild.world.ledger().len();
    let sent: Vec<_> = (0..rows)
        .map(|n| {
            let spec = guild.put("likes", &row(n, ROW_BYTES));
            guild.world.send(spec)
        })
        .collect();
    for id in sent {
        let reply = content(&guild.world.wait_for(id));
        assert!(reply.starts_with("Stored"), "{reply}");
    }
    let ledger = guild.world.ledger();
    let requests = ledger.iter().skip(from).filter(|sent| !sent.is_answer());
    let name = format!("{rows} concurrent inserts: before all are acknowledged");
    Measurement::count(name, requests.count(), "requests").at_most(3)
}
