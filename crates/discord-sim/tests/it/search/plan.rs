//! Plans: what they say, when they change, and that the seed decides.

use discord_sim::{Config, Discord, SearchOddity, SearchPlan};
use serde_json::json;

use super::{found, search, seeded, touch, write};
use crate::support::World;

const ODDITIES: [SearchOddity; 8] = [
    SearchOddity::Unindexed,
    SearchOddity::DeepIndex,
    SearchOddity::Lag,
    SearchOddity::Straggler,
    SearchOddity::Ghost,
    SearchOddity::InexactTotal,
    SearchOddity::ShortPage,
    SearchOddity::LostDigits,
];

/// Writes, changes and searches for some minutes; all the answers.
fn run(seed: u64, plan: SearchPlan) -> Vec<String> {
    let mut world = seeded(seed, plan);
    let mut ids = Vec::new();
    let mut answers = Vec::new();
    for n in 0..150 {
        world.now += 1_700;
        ids.push(write(&mut world, "owner", &format!("alpha beta m{n}")));
        if n % 5 == 4 {
            touch(
                &mut world,
                "DELETE",
                &ids.remove(n / 5),
                &serde_json::Value::Null,
            );
            touch(
                &mut world,
                "PATCH",
                &ids[n / 5],
                &json!({"content": format!("beta alpha {n}")}),
            );
        }
        for query in [
            "content=alpha+beta&limit=25".to_owned(),
            format!("content=m{n}"),
        ] {
            let answer = search(&mut world, &query);
            world.now += 1_100;
            answers.push(format!("{} {}", answer.status, answer.body));
        }
    }
    answers
}

#[test]
fn the_same_seed_gives_the_same_answers() {
    let first = run(3, SearchPlan::usual());
    assert!(first == run(3, SearchPlan::usual()));
    assert!(first != run(4, SearchPlan::usual()));
    assert!(first[0].starts_with("202"));
}

#[test]
fn each_oddity_makes_a_difference_of_its_own() {
    let calm = run(3, SearchPlan::calm());
    let alone = ODDITIES.map(|oddity| {
        let rate = if oddity == SearchOddity::Straggler {
            0.2
        } else {
            0.9
        };
        run(3, SearchPlan::calm().rate(oddity, rate))
    });
    for (n, one) in alone.iter().enumerate() {
        let differs = *one != calm && !alone[..n].contains(one);
        assert!(differs, "{:?}", ODDITIES[n]);
    }
}

#[test]
fn odd_is_the_default_and_searches_draw_nothing_else() {
    assert_eq!(Config::default().search, SearchPlan::usual());
    // Attachment ids and latencies come from elsewhere.
    let latencies = |searches: usize| {
        let mut discord = Discord::new(Config {
            latency_ms: (0, 1_000),
            message_content_intent: true,
            ..Config::default()
        });
        let guild = discord.create_guild(1_700_000_000_000, discord_sim::GuildSpec::named("g"));
        let mut world = World {
            discord,
            guild,
            now: 1_700_000_000_000,
        };
        for _ in 0..searches {
            search(&mut world, "");
        }
        let request = world.request("GET", "/users/@me").body(bytes::Bytes::new());
        let outcome = world.discord.handle(world.now, request.unwrap());
        let discord_sim::Outcome::Responded { after, .. } = outcome else {
            panic!("{outcome:?}")
        };
        after
    };
    // Each request draws one latency, a search like any other.
    let plain = |count: usize| {
        let mut rng = fastrand::Rng::with_seed(0);
        (0..=count).map(|_| rng.u64(0..=1_000)).last().unwrap()
    };
    assert_eq!(latencies(3).as_millis() as u64, plain(3));
}

#[test]
fn a_change_of_plan_counts_in_hindsight() {
    let mut world = seeded(0, SearchPlan::calm().rate(SearchOddity::Lag, 1.0));
    write(&mut world, "owner", "alpha");
    assert!(found(&mut world, "content=alpha").is_empty());
    world.discord.set_search_plan(SearchPlan::calm()).unwrap();
    assert_eq!(found(&mut world, "content=alpha"), ["alpha"]);
}

#[test]
fn plans_that_make_no_sense_are_refused() {
    let plan = SearchPlan::calm();
    for wrong in [
        plan.clone().rate(SearchOddity::Lag, 1.1),
        plan.clone().rate(SearchOddity::Lag, -0.1),
        plan.clone().rate(SearchOddity::Lag, f64::NAN),
        plan.clone().lasting(SearchOddity::Lag, 2, 1),
        plan.clone().lasting(SearchOddity::Ghost, 1, 3_600_001),
    ] {
        let shown = format!("{wrong:?}");
        let mut discord = Discord::new(Config::default());
        assert!(discord.set_search_plan(wrong).is_err(), "{shown}");
    }
    let written = json!({"rates": {"lag": 1, "inexact_total": 0.5}, "ms": {"lag": [1, 2]}});
    let read: SearchPlan = serde_json::from_value(written).unwrap();
    let same = plan
        .rate(SearchOddity::Lag, 1.0)
        .rate(SearchOddity::InexactTotal, 0.5)
        .lasting(SearchOddity::Lag, 1, 2);
    assert_eq!(read, same);
    let empty: SearchPlan = serde_json::from_value(json!({})).unwrap();
    assert_eq!(empty, SearchPlan::calm());
}

#[test]
fn single_answers_can_be_ordered_as_faults() {
    let mut world = seeded(0, SearchPlan::calm());
    let fault = discord_sim::Fault {
        path: Some("/messages/search$".to_owned()),
        status: Some(202),
        body: Some(
            json!({"message": "m", "code": 110_000, "documents_indexed": 0, "retry_after": 0}),
        ),
        ..discord_sim::Fault::new(discord_sim::FaultKind::Status)
    };
    world.discord.inject(fault).unwrap();
    assert_eq!(search(&mut world, "").refusal(), (202, 110_000));
    search(&mut world, "").ok();
}
