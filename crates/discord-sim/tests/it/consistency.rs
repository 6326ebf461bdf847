//! Faults after which Discord is right, only not yet or not in order: late requests, stale reads, ids that lie.

use discord_sim::{Fault, FaultKind, Outcome};
use serde_json::{Value, json};

use crate::support::{World, text};

fn arm(world: &mut World, kind: FaultKind, ms: u64) {
    let fault = Fault {
        ms: Some(ms),
        ..Fault::new(kind)
    };
    world.discord.inject(fault).unwrap();
}

/// Sends a request that nothing is heard of.
fn unheard(world: &mut World, method: &str, path: &str, body: &Value) {
    let request = world
        .request(method, path)
        .header("content-type", "application/json")
        .body(bytes::Bytes::from(body.to_string()))
        .unwrap();
    let outcome = world.discord.handle(world.now, request);
    assert!(matches!(outcome, Outcome::LostResponse), "{outcome:?}");
}

fn contents(world: &mut World) -> Vec<String> {
    let path = world.messages();
    let page = world.get(&path).ok();
    let page = page.as_array().unwrap();
    page.iter()
        .map(|message| text(&message["content"]))
        .collect()
}

#[test]
fn a_late_request_is_carried_out_at_its_own_time() {
    let mut world = World::new();
    let path = world.messages();
    arm(&mut world, FaultKind::Late, 7_000);
    unheard(&mut world, "POST", &path, &json!({"content": "late"}));
    let due = world.now + 7_000;
    assert_eq!(world.discord.next_due(), Some(due));
    world.now = due - 1;
    assert_eq!(contents(&mut world), Vec::<String>::new());
    world.now = due + 2_000;
    world.say("after it");
    assert_eq!(contents(&mut world), ["after it", "late"]);
    assert_eq!(world.discord.next_due(), None);
    let late = world.get(&format!("{path}?limit=100")).ok()[1].clone();
    let id: discord_sim::Id = text(&late["id"]).parse().unwrap();
    assert_eq!(id.created_ms(), due, "not when the next request came");

    let log = world.discord.traffic(0);
    assert_eq!((log[0].fault, log[0].status), (Some("late"), None));
    let arrival = log
        .iter()
        .find(|exchange| exchange.fault == Some("late_arrival"))
        .unwrap();
    assert_eq!((arrival.at, arrival.status), (due, Some(200)));
}

#[test]
fn late_edits_and_deletions_arrive_in_the_order_of_their_times() {
    let mut world = World::new();
    let id = world.say("first");
    let message = format!("{}/{id}", world.messages());
    arm(&mut world, FaultKind::Late, 5_000);
    unheard(&mut world, "PATCH", &message, &json!({"content": "older"}));
    arm(&mut world, FaultKind::Late, 3_000);
    unheard(&mut world, "PATCH", &message, &json!({"content": "newer"}));
    arm(&mut world, FaultKind::Late, 9_000);
    unheard(&mut world, "DELETE", &message, &Value::Null);
    world.now += 3_000;
    world.discord.advance(world.now);
    assert_eq!(contents(&mut world), ["newer"]);
    world.now += 2_000;
    assert_eq!(
        contents(&mut world),
        ["older"],
        "sent first, carried out last"
    );
    world.now += 4_000;
    assert_eq!(contents(&mut world), Vec::<String>::new());
}

#[test]
fn reads_are_never_late_and_a_late_nonce_still_counts() {
    let mut world = World::new();
    arm(&mut world, FaultKind::Late, 1_000);
    assert_eq!(contents(&mut world), Vec::<String>::new());
    let path = world.messages();
    let form = json!({"content": "x", "nonce": "n", "enforce_nonce": true});
    unheard(&mut world, "POST", &path, &form);
    let sent = world.post(&path, form).ok();
    world.now += 1_000;
    assert_eq!(
        contents(&mut world),
        ["x"],
        "the late one met the nonce of the other"
    );
    world.now += 2_000;
    assert_eq!(world.get(&path).ok()[0]["id"], sent["id"]);
}

#[test]
fn a_stale_read_shows_the_past() {
    let mut world = World::new();
    let path = world.messages();
    let gone = world.say("gone");
    let edited = world.say("before");
    world.now += 10_000;
    world
        .patch(&format!("{path}/{edited}"), json!({"content": "after"}))
        .ok();
    world.delete(&format!("{path}/{gone}")).ok();
    let new = world.say("new");
    world.now += 3_000;
    let now = contents(&mut world);
    assert_eq!(now, ["new", "after"]);
    arm(&mut world, FaultKind::StaleRead, 3_000);
    assert_eq!(
        contents(&mut world),
        now,
        "all that was three seconds ago already"
    );
    arm(&mut world, FaultKind::StaleRead, 3_001);
    assert_eq!(contents(&mut world), ["before", "gone"]);
    arm(&mut world, FaultKind::StaleRead, 3_001);
    assert_eq!(world.get(&format!("{path}/{new}")).refusal(), (404, 10008));
    arm(&mut world, FaultKind::StaleRead, 3_001);
    assert_eq!(world.get(&format!("{path}/{gone}")).ok()["content"], "gone");
    assert_eq!(
        contents(&mut world),
        now,
        "once each, and nothing was changed by looking"
    );
}

#[test]
fn only_reads_of_messages_are_stale_and_only_for_a_minute() {
    let mut world = World::new();
    arm(&mut world, FaultKind::StaleRead, 60_000);
    let general = format!("/channels/{}", world.general());
    world.get(&general).ok();
    world.get(&format!("{general}/messages/pins")).ok();
    world.say("x");
    let posted = contents(&mut world);
    assert_eq!(posted, Vec::<String>::new(), "the fault was still there");
    for (kind, ms) in [
        (FaultKind::StaleRead, 60_001),
        (FaultKind::IdsOutOfOrder, 5_001),
    ] {
        let fault = Fault {
            ms: Some(ms),
            ..Fault::new(kind)
        };
        assert!(world.discord.inject(fault).is_err());
    }
}

#[test]
fn an_early_id_comes_before_older_messages() {
    let mut world = World::new();
    let first = world.say("first");
    world.now += 400;
    for content in ["second", "third"] {
        arm(&mut world, FaultKind::IdsOutOfOrder, 500);
        world.say(content);
    }
    let after = world.say("fourth");
    assert_eq!(contents(&mut world), ["fourth", "first", "third", "second"]);
    let path = format!("{}?after={first}", world.messages());
    let page = world.get(&path).ok();
    assert_eq!(
        page.as_array().unwrap().len(),
        1,
        "who pages by ids does not see them"
    );
    assert_eq!(page[0]["id"], json!(after));
    world.rest();
    let all = world.messages();
    let page = world.get(&all).ok();
    let mut ids: Vec<String> = page
        .as_array()
        .unwrap()
        .iter()
        .map(|m| text(&m["id"]))
        .collect();
    ids.dedup();
    assert_eq!(ids.len(), 4);
    assert!(
        text(&page[2]["timestamp"]) < text(&page[1]["timestamp"]),
        "the time is the id's"
    );
}

#[test]
fn a_status_after_says_no_to_what_was_done() {
    let mut world = World::new();
    let path = world.messages();
    world
        .discord
        .inject(Fault::new(FaultKind::StatusAfter))
        .unwrap();
    assert_eq!(world.post(&path, json!({"content": "x"})).status, 502);
    assert_eq!(contents(&mut world), ["x"]);
}

#[test]
fn a_spurious_limit_has_all_that_a_limit_has() {
    let mut world = World::new();
    let path = world.messages();
    arm(&mut world, FaultKind::RateLimit, 2_500);
    let refused = world.post(&path, json!({"content": "x"}));
    assert_eq!(
        (refused.status, refused.body["retry_after"].as_f64()),
        (429, Some(2.5))
    );
    assert_eq!(refused.body["global"], false);
    let headers = [
        "retry-after",
        "x-ratelimit-scope",
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset-after",
    ];
    assert_eq!(
        headers.map(|name| refused.header(name)),
        ["3", "shared", "5", "0", "2.500"]
    );
    let bucket = refused.header("x-ratelimit-bucket").to_owned();
    let sent = world.post(&path, json!({"content": "x"}));
    assert_eq!(sent.header("x-ratelimit-bucket"), bucket);
    assert_eq!(
        sent.header("x-ratelimit-remaining"),
        "4",
        "nothing was taken"
    );
    assert_eq!(world.discord.invalid_requests(world.now), 0);
}
