use bytes::Bytes;
use discord_sim::{Config, Discord, FaultKind, FaultPlan, GuildSpec, Outcome};
use http::Request;
use serde_json::json;

use crate::support::{START_MS, World};

/// Every kind, often enough to be met in a few hundred requests.
fn all_kinds(seed: u64) -> FaultPlan {
    [
        FaultKind::LostRequest,
        FaultKind::LostResponse,
        FaultKind::Late,
        FaultKind::Delay,
        FaultKind::Status,
        FaultKind::StatusAfter,
        FaultKind::RateLimit,
        FaultKind::EgressBlock,
        FaultKind::AttachmentsRefused,
        FaultKind::StaleRead,
        FaultKind::IdsOutOfOrder,
    ]
    .into_iter()
    .fold(FaultPlan::new(seed), |plan, kind| plan.rate(kind, 0.04))
}

fn world(plan: FaultPlan) -> World {
    let mut discord = Discord::new(Config::default());
    let guild = discord.create_guild(START_MS, GuildSpec::named("g"));
    discord.set_fault_plan(Some(plan)).unwrap();
    World {
        discord,
        guild,
        now: START_MS,
    }
}

/// Posts, reads and fetches for a while; what each request met.
fn run(plan: FaultPlan) -> (Vec<Option<&'static str>>, World) {
    let mut world = world(plan);
    let path = world.messages();
    for n in 0..600 {
        let request = match n % 3 {
            0 => world
                .request("POST", &path)
                .header("content-type", "application/json")
                .body(Bytes::from(format!("{{\"content\":\"{n}\"}}"))),
            1 => world.request("GET", &path).body(Bytes::new()),
            _ => Request::get("/attachments/1/2/a.txt").body(Bytes::new()),
        };
        drop(world.discord.handle(world.now, request.unwrap()));
        world.now += 700;
    }
    let log = world.discord.traffic(0);
    (log.iter().map(|exchange| exchange.fault).collect(), world)
}

#[test]
fn the_same_seed_gives_the_same_faults_and_every_kind_comes() {
    let (first, _) = run(all_kinds(3));
    assert_eq!(first, run(all_kinds(3)).0);
    assert_ne!(first, run(all_kinds(4)).0);
    for kind in [
        "lost_request",
        "lost_response",
        "late",
        "late_arrival",
        "delay",
        "status",
        "status_after",
        "rate_limit",
        "egress_block",
        "attachments_refused",
        "stale_read",
        "ids_out_of_order",
    ] {
        assert!(first.contains(&Some(kind)), "{kind}");
    }
    assert!(first.contains(&None));
}

/// Asks until the answer is that status, at most a thousand times, half a second apart.
fn wait_for(world: &mut World, status: u16, ask: fn(&mut World) -> u16) {
    let met = (0..1_000).any(|_| {
        world.now += 500;
        ask(world) == status
    });
    assert!(met, "{status} never came");
}

fn api(world: &mut World) -> u16 {
    world.get("/users/@me").status
}

fn cdn(world: &mut World) -> u16 {
    let request = Request::get("/attachments/1/2/a.txt").body(Bytes::new());
    world.send(request.unwrap()).status
}

#[test]
fn a_block_of_the_address_lasts_and_leaves_the_attachment_host_alone() {
    let plan = FaultPlan::new(5)
        .rate(FaultKind::EgressBlock, 0.01)
        .lasting(FaultKind::EgressBlock, 10_000, 10_000);
    let mut world = world(plan);
    wait_for(&mut world, 403, api);
    assert_eq!(world.get("/users/@me").header("x-ratelimit-limit"), "");
    for _ in 0..99 {
        world.now += 100;
        assert_eq!((api(&mut world), cdn(&mut world)), (403, 404));
    }
    world.now += 100;
    assert_eq!(api(&mut world), 200);
    wait_for(&mut world, 429, api);
}

#[test]
fn a_refusing_attachment_host_lasts_and_ends_with_the_plan() {
    let plan = FaultPlan::new(5)
        .rate(FaultKind::AttachmentsRefused, 0.01)
        .lasting(FaultKind::AttachmentsRefused, 20_000, 20_000);
    let mut world = world(plan);
    wait_for(&mut world, 403, cdn);
    for _ in 0..99 {
        world.now += 100;
        assert_eq!(cdn(&mut world), 403);
    }
    assert_eq!(api(&mut world), 200);
    world.discord.set_fault_plan(None).unwrap();
    assert_eq!(cdn(&mut world), 404);
}

#[test]
fn nothing_happens_outside_of_its_time_or_after_its_end() {
    let everything = FaultPlan::new(1).rate(FaultKind::LostRequest, 1.0);
    let mut world = world(
        everything
            .clone()
            .between(START_MS + 1_000, START_MS + 2_000),
    );
    world.get("/users/@me").ok();
    world.now += 1_000;
    let request = world
        .request("GET", "/users/@me")
        .body(Bytes::new())
        .unwrap();
    let lost = world.discord.handle(world.now, request);
    assert!(matches!(lost, Outcome::LostRequest));
    world.now += 1_000;
    world.get("/users/@me").ok();
    world.discord.set_fault_plan(Some(everything)).unwrap();
    world.discord.set_fault_plan(None).unwrap();
    world.get("/users/@me").ok();
}

#[test]
fn arming_a_fault_does_not_change_the_rest_of_the_plan() {
    let plain = run(all_kinds(9)).0;
    let mut world = world(all_kinds(9));
    let fault = discord_sim::Fault {
        path: Some("^/nowhere$".to_owned()),
        ..discord_sim::Fault::new(FaultKind::Status)
    };
    world.discord.inject(fault).unwrap();
    let path = world.messages();
    let request = world.request("GET", "/nowhere").body(Bytes::new()).unwrap();
    drop(world.discord.handle(world.now, request));
    for n in 1..5 {
        let request = match n % 3 {
            1 => world.request("GET", &path).body(Bytes::new()),
            0 => world.request("POST", &path).body(Bytes::new()),
            _ => Request::get("/attachments/1/2/a.txt").body(Bytes::new()),
        };
        drop(world.discord.handle(world.now, request.unwrap()));
    }
    let met: Vec<_> = world
        .discord
        .traffic(0)
        .iter()
        .map(|exchange| exchange.fault)
        .collect();
    assert_eq!(met[0], Some("status"));
    assert_eq!(met[1..5], plain[1..5]);
}

#[test]
fn plans_that_make_no_sense_are_refused() {
    let plan = FaultPlan::new(1);
    for wrong in [
        plan.clone().rate(FaultKind::Late, 1.1),
        plan.clone().rate(FaultKind::Late, -0.1),
        plan.clone().rate(FaultKind::Late, f64::NAN),
        plan.clone()
            .rate(FaultKind::Late, 0.6)
            .rate(FaultKind::Delay, 0.6),
        plan.clone().lasting(FaultKind::Late, 2, 1),
        plan.clone().lasting(FaultKind::StaleRead, 1, 60_001),
    ] {
        let shown = format!("{wrong:?}");
        let mut discord = Discord::new(Config::default());
        assert!(discord.set_fault_plan(Some(wrong)).is_err(), "{shown}");
    }
    let written = json!({"seed": 1, "rates": {"late": 0.5}, "ms": {"late": [1, 2]}, "until_ms": 9});
    let read: FaultPlan = serde_json::from_value(written).unwrap();
    let same = plan
        .rate(FaultKind::Late, 0.5)
        .lasting(FaultKind::Late, 1, 2)
        .between(0, 9);
    assert_eq!(read, same);
}
