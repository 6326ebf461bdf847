//! `dbcord-register` against the simulator.

mod support;

use serde_json::{Value, json};
use support::{Finished, Simulator};

fn register(simulator: &Simulator, arguments: &[&str]) -> Finished {
    let mut program = simulator.program(env!("CARGO_BIN_EXE_dbcord-register"));
    Finished::of(program.args(arguments))
}

fn commands_path(simulator: &Simulator) -> String {
    format!(
        "/applications/{}/guilds/{}/commands",
        simulator.application, simulator.guild
    )
}

fn registered(simulator: &Simulator) -> Vec<Value> {
    let commands = simulator.rest("GET", &commands_path(simulator), &Value::Null);
    commands.as_array().expect("a list").clone()
}

#[test]
fn added_then_unchanged_then_mended() {
    let simulator = Simulator::start();
    let all = dbcord::commands::registration().len();
    register(&simulator, &[])
        .ends(0)
        .says(&[
            "+ /dbc_init added",
            "+ /dbc_get added",
            &format!("server {}", simulator.guild),
        ])
        .never_says(&["unchanged", "removed", &simulator.token]);
    assert_eq!(registered(&simulator).len(), all);
    register(&simulator, &[])
        .ends(0)
        .says(&[&format!("all {all} are up to date")]);

    let mut commands = registered(&simulator);
    commands.retain(|command| command["name"] != "dbc_help");
    for command in &mut commands {
        if command["name"] == "dbc_get" {
            command["description"] = json!("Something else");
        }
    }
    commands.push(json!({"name": "foreign", "description": "From an older version", "type": 1}));
    simulator.rest("PUT", &commands_path(&simulator), &json!(commands));
    register(&simulator, &[]).ends(0).says(&[
        "+ /dbc_help added",
        "~ /dbc_get changed",
        "- /foreign removed",
        &format!("{} unchanged", all - 2),
    ]);
    let names = registered(&simulator);
    assert_eq!(names.len(), all);
    assert!(names.iter().all(|command| command["name"] != "foreign"));
}

#[test]
fn a_dry_run_changes_nothing() {
    let simulator = Simulator::start();
    register(&simulator, &["--dry-run"])
        .ends(0)
        .says(&["+ /dbc_init would be added"]);
    assert_eq!(registered(&simulator), [] as [Value; 0]);
}

#[test]
fn everywhere_is_not_one_server() {
    let simulator = Simulator::start();
    register(&simulator, &["--global"])
        .ends(0)
        .says(&["Commands of every server", "+ /dbc_init added"]);
    assert_eq!(registered(&simulator), [] as [Value; 0]);
}

#[test]
fn printing_talks_to_nobody() {
    let simulator = Simulator::start();
    let mut program = simulator.program(env!("CARGO_BIN_EXE_dbcord-register"));
    program
        .env_remove("DISCORD_BOT_TOKEN")
        .env("DISCORD_API_BASE", "http://127.0.0.1:1");
    let printed = Finished::of(program.arg("--print")).ends(0);
    let definitions: Vec<Value> = serde_json::from_str(&printed.stdout).expect("JSON");
    assert_eq!(definitions, dbcord::commands::registration());
}

#[test]
fn a_wrong_token_is_named_but_not_shown() {
    let simulator = Simulator::start();
    let mut program = simulator.program(env!("CARGO_BIN_EXE_dbcord-register"));
    Finished::of(program.env("DISCORD_BOT_TOKEN", "not.the.token"))
        .ends(1)
        .says(&["HTTP 401", "DISCORD_BOT_TOKEN is wrong"])
        .never_says(&["not.the.token"]);
    assert_eq!(registered(&simulator), [] as [Value; 0]);
}

#[test]
fn a_server_without_the_application_is_told_apart() {
    let simulator = Simulator::start();
    register(&simulator, &["--guild", "123456789"])
        .ends(1)
        .says(&["HTTP 403, code 50001", "invite it"]);
}

#[test]
fn what_cannot_be_meant_is_refused() {
    let simulator = Simulator::start();
    for (arguments, problem) in [
        (&["--guild", "home"][..], "not an id"),
        (&["--guild", "1", "--global"], "exclude each other"),
        (&["--fast"], "--help"),
    ] {
        register(&simulator, arguments).ends(1).says(&[problem]);
    }
    let mut program = simulator.program(env!("CARGO_BIN_EXE_dbcord-register"));
    Finished::of(program.env_remove("DISCORD_BOT_TOKEN"))
        .ends(1)
        .says(&["DISCORD_BOT_TOKEN is not set"]);
}
