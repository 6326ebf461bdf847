//! `dbcord-live` against the simulator: whatever happens, the guild is left as it was.

mod support;

use serde_json::{Value, json};
use support::{Finished, Simulator};

const TOUR: [&str; 8] = [
    "init",
    "create table",
    "insert",
    "get",
    "inspect",
    "materialize",
    "get, closed and reopened",
    "get, with storage wiped",
];

fn live(simulator: &Simulator, arguments: &[&str]) -> Finished {
    let mut program = simulator.program(env!("CARGO_BIN_EXE_dbcord-live"));
    Finished::of(program.args(arguments)).never_says(&[&simulator.token])
}

/// The third column of a fact's line.
#[track_caller]
fn observed(finished: &Finished, fact: &str) -> String {
    let mut lines = finished
        .stdout
        .lines()
        .map(|line| line.split('|').map(str::trim));
    let found = lines.find_map(|mut cells| (cells.next() == Some(fact)).then(|| cells.nth(1)));
    let cell = found.flatten();
    cell.unwrap_or_else(|| panic!("no fact {fact:?} in:\n{}", finished.all()))
        .to_owned()
}

#[test]
fn the_tour_succeeds_facts_are_told_and_nothing_stays() {
    let simulator = Simulator::start();
    let before = simulator.channels();
    let finished = live(&simulator, &["--quick"]).ends(0).says(&[
        "The tour went as expected.",
        "(dbc-log)",
        "fact ",
        "| expected",
    ]);
    for step in TOUR {
        let line = format!("ok      {step}: ");
        assert!(
            finished.stdout.contains(&line),
            "no {line:?} in:\n{}",
            finished.all()
        );
    }
    assert_eq!(simulator.channels(), before);
    for (fact, expected) in [
        ("limit: create message", "5 / 5 s"),
        ("limit: delete fresh message", "3 / 1 s"),
        (
            "limit: create message in two channels",
            "same hash, counted apart",
        ),
        ("limit: topic edits", "2 passed, then HTTP 429"),
        (
            "content: white space at the ends",
            "trimmed; inside unaltered",
        ),
        ("content: directions", "removed U+202A"),
        ("altered, and not escaped by dbcord", "none"),
        ("attachment: download from here", "HTTP 200"),
        ("attachment: its URL is good for", "24.0 h"),
        ("nonce: again after 0 s", "the first message comes back"),
        (
            "nonce: again in another channel",
            "the first message comes back, with its own channel_id",
        ),
        (
            "nonce: again after the message's deletion",
            "HTTP 404, code 10008",
        ),
        ("deletion: bulk, older than 14 days", "HTTP 400, code 50034"),
        (
            "limit: edits of messages older than an hour",
            "not observed",
        ),
    ] {
        let observed = observed(&finished, fact);
        assert!(observed.starts_with(expected), "{fact}: {observed}");
    }
    assert!(!observed(&finished, "search: a new message appears").is_empty());
}

#[test]
fn after_a_failed_step_everything_is_removed_all_the_same() {
    let simulator = Simulator::start();
    let before = simulator.channels();
    let fault = json!({
        "fault": "status", "method": "POST", "path": "/messages$", "times": 0,
        "status": 403, "body": {"code": 50_013, "message": "Missing Permissions"},
    });
    simulator.control("POST", "/sim/faults", &fault);
    live(&simulator, &["--quick"]).ends(1).says(&[
        "FAILED  init: ",
        "code 50013",
        "removed ",
        "The tour did not go as expected.",
    ]);
    assert_eq!(simulator.channels(), before);
}

#[test]
fn a_channel_whose_creation_was_never_confirmed_is_removed_too() {
    let simulator = Simulator::start();
    let before = simulator.channels();
    let fault = json!({
        "fault": "lost_response", "method": "POST", "path": "/guilds/[0-9]+/channels$", "skip": 1,
    });
    simulator.control("POST", "/sim/faults", &fault);
    live(&simulator, &["--quick"]).ends(0);
    assert_eq!(simulator.channels(), before);
}

#[test]
fn what_cannot_be_removed_is_named() {
    let simulator = Simulator::start();
    let fault = json!({
        "fault": "status", "method": "DELETE", "path": "^/channels/[0-9]+$", "skip": 2,
        "status": 403, "body": {"code": 50_013, "message": "Missing Permissions"},
    });
    simulator.control("POST", "/sim/faults", &fault);
    let before = simulator.channels();
    let finished = live(&simulator, &["--quick"])
        .ends(1)
        .says(&["not everything could be removed", "by hand"]);
    let left: Vec<_> = simulator
        .channels()
        .into_iter()
        .filter(|c| !before.contains(c))
        .collect();
    let [(id, name)] = left.as_slice() else {
        panic!("{left:?}");
    };
    finished.says(&[&format!("STAYS    {id} ({name}): ")]);
}

#[test]
fn a_kept_message_tells_the_limit_on_old_edits() {
    let simulator = Simulator::start();
    let before = simulator.channels();
    live(&simulator, &["--quick", "--keep"])
        .ends(0)
        .says(&["Kept, as asked"]);
    let kept = simulator.channels();
    assert!(kept.len() > before.len());
    let past_the_hour = json!({"advance_ms": 61 * 60 * 1_000});
    simulator.control("POST", "/sim/clock", &past_the_hour);
    let finished = live(&simulator, &["--quick"]).ends(0);
    assert!(
        observed(&finished, "limit: edits of messages older than an hour")
            .starts_with("3 passed, then HTTP 429, code 30046"),
        "{}",
        finished.all()
    );
    assert_eq!(
        simulator.channels(),
        kept,
        "another run's channels are not touched"
    );
}

#[test]
fn trouble_is_told_before_anything_is_made() {
    let simulator = Simulator::start();
    let before = simulator.channels();
    let program = || simulator.program(env!("CARGO_BIN_EXE_dbcord-live"));
    Finished::of(program().env("DISCORD_BOT_TOKEN", "not.the.token"))
        .ends(1)
        .says(&[
            "HTTP 401",
            "DISCORD_BOT_TOKEN is wrong",
            "Nothing was changed.",
        ])
        .never_says(&["not.the.token"]);
    Finished::of(program().env("DISCORD_BOT_TOKEN", "two\nlines"))
        .ends(1)
        .says(&["characters that no bot token has"]);
    Finished::of(program().args(["--guild", "123456789"]))
        .ends(1)
        .says(&["not in guild 123456789"]);
    Finished::of(program().env("DBCORD_GUILD_ID", "1,2"))
        .ends(1)
        .says(&["choose one with --guild"]);
    Finished::of(program().args(["--api-base", "http://127.0.0.1:1/api"]))
        .ends(1)
        .says(&["could not be reached", "Is http://127.0.0.1:1/api right"]);
    let path = format!("/sim/guilds/{}/bot-permissions", simulator.guild);
    simulator.control("PUT", &path, &json!({"permissions": "3072"}));
    live(&simulator, &["--quick"])
        .ends(1)
        .says(&["lacks permissions", "Manage Channels", "Attach Files"])
        .never_says(&["View Channels"]);
    assert_eq!(simulator.channels(), before);
}

#[test]
fn help_needs_no_settings() {
    let simulator = Simulator::start();
    let mut program = simulator.program(env!("CARGO_BIN_EXE_dbcord-live"));
    program
        .env_remove("DISCORD_BOT_TOKEN")
        .env_remove("DBCORD_GUILD_ID");
    Finished::of(program.arg("--help"))
        .ends(0)
        .says(&["Usage: scripts/live", "--nonce-minutes"]);
    let nothing = simulator.control("GET", "/sim/traffic?since=0", &Value::Null);
    assert_eq!(nothing["exchanges"], json!([]));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_tour_but_not_the_cleaning_up() {
    use std::io::{BufRead, BufReader, Read};
    use std::process::{Command, Stdio};

    let simulator = Simulator::start_with(&["--latency-ms", "20..20"]);
    let before = simulator.channels();
    let mut program = simulator.program(env!("CARGO_BIN_EXE_dbcord-live"));
    let mut running = program
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program runs");
    let mut stdout = BufReader::new(running.stdout.take().expect("piped"));
    let mut printed = String::new();
    while !printed.contains("ok      init") {
        assert_ne!(
            stdout.read_line(&mut printed).expect("text"),
            0,
            "{printed}"
        );
    }
    let id = running.id().to_string();
    let interrupted = Command::new("kill").args(["-INT", &id]).status();
    assert!(interrupted.expect("kill runs").success());
    stdout.read_to_string(&mut printed).expect("text");
    let status = running.wait().expect("it ends");
    assert_eq!(status.code(), Some(1), "{printed}");
    assert!(printed.contains("Interrupted"), "{printed}");
    assert_eq!(simulator.channels(), before, "{printed}");
}

#[test]
fn a_reader_that_goes_away_leaves_nothing_behind() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    let simulator = Simulator::start();
    let before = simulator.channels();
    let mut program = simulator.program(env!("CARGO_BIN_EXE_dbcord-live"));
    program.arg("--quick").stdout(Stdio::piped());
    let mut running = program.spawn().expect("the program runs");
    let mut first = String::new();
    let stdout = running.stdout.take().expect("piped");
    BufReader::new(stdout).read_line(&mut first).expect("text");
    assert!(first.contains("Test guild"), "{first}");
    let status = running.wait().expect("it ends");
    assert_eq!(status.code(), Some(0));
    assert_eq!(simulator.channels(), before);
}
