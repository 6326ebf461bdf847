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

    let mut commands = dbcord::commands::registration();
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
fn a_rejected_definition_is_named_by_its_field() {
    let simulator = Simulator::start();
    let too_long = json!([{"code": "BASE_TYPE_BAD_LENGTH", "message": "Must be between 1 and 100 in length."}]);
    let body = json!({
        "code": 50_035, "message": "Invalid Form Body",
        "errors": {"3": {"description": {"_errors": too_long}}},
    });
    let fault = json!({"fault": "status", "method": "PUT", "path": "/commands$", "status": 400, "body": body});
    simulator.control("POST", "/sim/faults", &fault);
    register(&simulator, &[]).ends(1).says(&[
        "HTTP 400, code 50035",
        "3.description: Must be between 1 and 100 in length.",
        "A definition was rejected.",
        &format!("Nothing was changed in server {}.", simulator.guild),
    ]);
}

#[test]
fn a_limit_and_a_failure_in_passing_are_sat_out() {
    let simulator = Simulator::start();
    let limit =
        json!({"message": "You are being rate limited.", "retry_after": 0.3, "global": false});
    for (method, status, body) in [("GET", 429, limit), ("PUT", 502, json!("Bad Gateway"))] {
        let fault = json!({
            "fault": "status", "method": method, "path": "/commands$", "status": status, "body": body,
        });
        simulator.control("POST", "/sim/faults", &fault);
    }
    register(&simulator, &[])
        .ends(0)
        .says(&["+ /dbc_init added"]);
}

#[test]
fn an_outage_is_told_from_a_refusal() {
    let simulator = Simulator::start();
    let fault =
        json!({"fault": "lost_response", "method": "PUT", "path": "/commands$", "times": 0});
    simulator.control("POST", "/sim/faults", &fault);
    register(&simulator, &[])
        .ends(1)
        .says(&["did not answer", "running this again is safe"]);
    register(&simulator, &["--api-base", "http://127.0.0.1:1/api"])
        .ends(1)
        .says(&["could not be reached", "Is http://127.0.0.1:1/api right"]);
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
