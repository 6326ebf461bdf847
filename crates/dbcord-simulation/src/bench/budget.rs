//! How many requests the host sees from one event to the next, and what commands wait for, while
//! the background is busy.

use discord_sim::Id;
use serde_json::json;

use super::guild::{Guild, by_event, row};
use super::{Measurement, Scale};
use crate::harness::ledger::{Event, Sent};
use crate::harness::world::content;

/// The tables, and whether their rows are shown.
const TABLES: [(&str, bool); 3] = [("users", true), ("posts", true), ("notes", false)];
const ROW_BYTES: usize = 200;
/// Rows that are written together: so many fit the text of a command.
const ROWS_A_COMMIT: usize = 15;
/// Between two commands, at most.
const PAUSE_MS: u64 = 3_000;

pub fn measure(scale: &Scale) -> Vec<Measurement> {
    let mut all = busy(scale, false);
    all.extend(busy(scale, true));
    all
}

fn busy(scale: &Scale, files_refused: bool) -> Vec<Measurement> {
    let rows = scale.rows / 10;
    let mut guild = Guild::new();
    if files_refused {
        guild.world.refuse_files();
        // Whether files can be read is found out anew.
        guild.world.evict();
    }
    for (table, mirror) in TABLES {
        guild.table(table, mirror);
        for first in (0..rows).step_by(ROWS_A_COMMIT) {
            let until = rows.min(first + ROWS_A_COMMIT);
            let some = (first..until).map(|n| row(n, ROW_BYTES));
            guild.put_together(table, some);
        }
    }
    let mut random = fastrand::Rng::with_seed(1);
    let mut commands = Vec::new();
    for number in 0..scale.commands {
        guild.world.wait(random.u64(..PAUSE_MS));
        // Objects come and go in between. What opening and loading take, a command needs itself.
        if number % 50 == 49 {
            guild.world.evict();
            for (table, _) in TABLES {
                guild.timed(guild.get(table, "k000000"));
            }
        }
        let (table, _) = TABLES[random.usize(..TABLES.len())];
        let key = format!("k{:06}", random.usize(..rows));
        let spec = match random.u8(..4) {
            0 => guild.get(table, &key),
            1 => guild.put(table, &row(random.usize(..2 * rows), ROW_BYTES)),
            2 => guild.spec(
                "dbc_update",
                json!({"table": table, "key": key, "patch_json": format!("{{\"n\":{number}}}")}),
            ),
            _ => guild.put(table, &json!({"id": format!("new{number}")})),
        };
        let begun = guild.world.now();
        let id = guild.world.send(spec);
        let reply = content(&guild.world.wait_for(id));
        assert!(!reply.starts_with('❌'), "{reply}");
        commands.push((id, begun, guild.world.now()));
    }
    guild.world.settle();
    let ledger = guild.world.take_ledger();
    let waits = commands
        .iter()
        .map(|command| waited_for(&ledger, &guild.log, command));
    let most_waits = waits.max().unwrap_or(0);
    let events = by_event(&ledger);
    let background = events
        .iter()
        .filter(|(event, _)| matches!(event, Event::Alarm(_)));
    let background = background.map(|(_, &requests)| requests).max().unwrap_or(0);
    let observed = guild.world.observed();
    let how = if files_refused {
        "files refused"
    } else {
        "files allowed"
    };
    let name = |what: &str| format!("background and commands together, {how}: {what}");
    vec![
        Measurement::count(
            name("from one event to the next"),
            observed.window_max as usize,
            "requests",
        )
        .at_most(50),
        Measurement::count(name("of one alarm"), background, "requests").at_most(25),
        Measurement::count(
            name("background requests before a command"),
            most_waits,
            "requests",
        )
        .at_most(1),
        Measurement::new(
            name("refused by the host"),
            observed.over_budget as f64,
            "requests",
        )
        .at_most(0),
    ]
}

/// Requests of the background to the log that ended while a command waited to send its first.
/// Everything else that they could wait for, connections and other channels' limits, is their own.
fn waited_for(ledger: &[Sent], log: &str, &(id, begun, answered): &(Id, u64, u64)) -> usize {
    let own = ledger
        .iter()
        .find(|sent| sent.event == Event::Command(id) && !sent.is_answer());
    let until = own.map_or(answered, |sent| sent.sent_at);
    let is_waited_for = |sent: &&Sent| {
        let ended = sent.answered_at.is_some_and(|at| begun < at && at <= until);
        ended && sent.is_background() && sent.path.contains(&format!("/channels/{log}/"))
    };
    ledger.iter().filter(is_waited_for).count()
}
