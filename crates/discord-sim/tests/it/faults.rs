use std::time::Duration;

use bytes::Bytes;
use discord_sim::{Config, Discord, Fault, FaultKind, GuildSpec, Outcome};
use serde_json::json;

use crate::support::{START_MS, World};

fn post(world: &mut World) -> Outcome {
    let path = world.messages();
    let request = world
        .request("POST", &path)
        .header("content-type", "application/json");
    let request = request
        .body(Bytes::from_static(b"{\"content\":\"x\"}"))
        .unwrap();
    world.discord.handle(world.now, request)
}

fn count(world: &mut World) -> usize {
    let path = world.messages();
    world.get(&path).ok().as_array().unwrap().len()
}

#[test]
fn a_lost_request_changes_nothing_and_a_lost_response_does() {
    let mut world = World::new();
    world
        .discord
        .inject(Fault::new(FaultKind::LostRequest))
        .unwrap();
    assert!(matches!(post(&mut world), Outcome::LostRequest));
    assert_eq!(count(&mut world), 0);
    world
        .discord
        .inject(Fault::new(FaultKind::LostResponse))
        .unwrap();
    assert!(matches!(post(&mut world), Outcome::LostResponse));
    assert_eq!(count(&mut world), 1);
    let log = world.discord.traffic(0);
    assert_eq!((log[0].fault, log[0].status), (Some("lost_request"), None));
    assert_eq!(
        log[0].request,
        Some(json!({"content": "x"})),
        "what was lost is known"
    );
    assert_eq!(
        (log[2].fault, log[2].status),
        (Some("lost_response"), Some(200))
    );
    assert!(
        matches!(post(&mut world), Outcome::Responded { .. }),
        "once only"
    );
}

#[test]
fn faults_choose_their_requests() {
    let mut world = World::new();
    let fault = Fault {
        method: Some("post".to_owned()),
        path: Some("^/channels/[0-9]+/messages$".to_owned()),
        skip: 1,
        times: 2,
        status: Some(500),
        body: Some(json!({"message": "500: Internal Server Error", "code": 0})),
        ..Fault::new(FaultKind::Status)
    };
    world.discord.inject(fault).unwrap();
    let path = world.messages();
    let statuses: Vec<u16> = (0..4)
        .map(|_| world.post(&path, json!({"content": "x"})).status)
        .collect();
    assert_eq!(statuses, [200, 500, 500, 200]);
    assert_eq!(count(&mut world), 2);
}

#[test]
fn an_egress_block_has_no_headers_to_go_by() {
    let mut world = World::new();
    world
        .discord
        .inject(Fault {
            times: 0,
            status: Some(429),
            ..Fault::new(FaultKind::EgressBlock)
        })
        .unwrap();
    let blocked = world.get("/users/@me");
    assert_eq!(blocked.refusal(), (429, 0));
    assert!(
        blocked.body["message"]
            .as_str()
            .unwrap()
            .starts_with("You are being blocked from accessing our API")
    );
    assert!(
        blocked
            .headers
            .keys()
            .all(|name| !name.as_str().starts_with("x-ratelimit") && name != "retry-after")
    );
    world.discord.clear_faults();
    world.get("/users/@me").ok();
}

#[test]
fn delays_and_latency_come_from_the_seed() {
    let run = |seed| {
        let mut discord = Discord::new(Config {
            seed,
            latency_ms: (10, 90),
            ..Config::default()
        });
        let guild = discord.create_guild(START_MS, GuildSpec::named("g"));
        let mut world = World {
            discord,
            guild,
            now: START_MS,
        };
        world
            .discord
            .inject(Fault {
                skip: 2,
                ms: Some(1_000),
                ..Fault::new(FaultKind::Delay)
            })
            .unwrap();
        let mut after = Vec::new();
        for _ in 0..3 {
            match post(&mut world) {
                Outcome::Responded { after: wait, .. } => after.push(wait),
                lost => panic!("{lost:?}"),
            }
        }
        after
    };
    let waits = run(5);
    assert!(
        waits[..2]
            .iter()
            .all(|wait| (10..=90).contains(&wait.as_millis()))
    );
    assert!(waits[2] >= Duration::from_millis(1_010));
    assert_eq!(waits, run(5));
    assert_ne!(waits, run(6));
}

#[test]
fn faults_that_make_no_sense_are_refused() {
    let mut world = World::new();
    for fault in [
        Fault {
            path: Some("(".to_owned()),
            ..Fault::new(FaultKind::LostRequest)
        },
        Fault {
            method: Some("not a method".to_owned()),
            ..Fault::new(FaultKind::LostRequest)
        },
        Fault {
            status: Some(99),
            ..Fault::new(FaultKind::Status)
        },
        Fault {
            status: Some(500),
            ..Fault::new(FaultKind::EgressBlock)
        },
    ] {
        assert!(world.discord.inject(fault).is_err());
    }
}

#[test]
fn the_log_tells_everything_but_the_token() {
    let mut world = World::new();
    let path = world.messages();
    let files: &[(&str, &str, &[u8])] = &[("files[0]", "a.txt", b"abc")];
    world
        .upload(
            "POST",
            &format!("{path}?x=1"),
            &json!({"content": "x"}),
            files,
        )
        .ok();
    let log = world.discord.traffic(0);
    let line = serde_json::to_value(&log[0]).unwrap();
    assert_eq!(
        (&line["n"], &line["direction"], &line["method"]),
        (&json!(0), &json!("rest"), &json!("POST"))
    );
    assert_eq!(
        (&line["path"], &line["authorization"]),
        (&json!(format!("{path}?x=1")), &json!("bot"))
    );
    assert_eq!(
        (&line["request"], &line["status"]),
        (&json!({"content": "x"}), &json!(200))
    );
    assert_eq!(
        line["files"],
        json!([{"field": "files[0]", "filename": "a.txt", "size": 3}])
    );
    assert_eq!(line["response_headers"]["x-ratelimit-limit"], "5");
    assert!(line["response"]["id"].is_string());
    assert!(
        !line
            .to_string()
            .contains(&world.discord.application().bot_token)
    );
    assert_eq!(world.discord.traffic(1).len(), 0);
    assert_eq!(world.discord.traffic(u64::MAX).len(), 0);
}

#[test]
fn a_bounded_log_keeps_the_latest_and_their_numbers() {
    let mut discord = Discord::new(Config {
        traffic_kept: 3,
        ..Config::default()
    });
    let guild = discord.create_guild(START_MS, GuildSpec::named("g"));
    let mut world = World {
        discord,
        guild,
        now: START_MS,
    };
    for n in 1..=20 {
        world.get("/users/@me");
        let log = world.discord.traffic(0);
        assert!((n.min(3)..6).contains(&log.len()), "{} of {n}", log.len());
        assert_eq!(log[log.len() - 1].n, n as u64 - 1);
    }
    assert_eq!(world.discord.traffic_next(), 20);
    let latest: Vec<u64> = world
        .discord
        .traffic(18)
        .iter()
        .map(|exchange| exchange.n)
        .collect();
    assert_eq!(latest, [18, 19]);
}
