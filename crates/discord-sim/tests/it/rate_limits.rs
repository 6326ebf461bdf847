use discord_sim::{Fault, FaultKind, InteractionSpec};
use http::Request;
use serde_json::json;

use crate::support::{START_MS, USER_AGENT, World};

#[test]
fn five_messages_in_five_seconds_a_channel() {
    let mut world = World::new();
    let other = world.channel(json!({"name": "other"}));
    let path = world.messages();
    let mut bucket = String::new();
    for remaining in (0..5).rev() {
        let answer = world.post(&path, json!({"content": "x"}));
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("x-ratelimit-limit"), "5");
        assert_eq!(
            answer.header("x-ratelimit-remaining"),
            remaining.to_string()
        );
        bucket = answer.header("x-ratelimit-bucket").to_owned();
        world.now += 100;
    }
    let refused = world.post(&path, json!({"content": "x"}));
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("x-ratelimit-reset-after"), "4.500");
    assert_eq!(refused.header("retry-after"), "5");
    assert_eq!(refused.header("x-ratelimit-scope"), "user");
    assert_eq!(refused.body["retry_after"], json!(4.5));
    assert_eq!(refused.body["global"], json!(false));
    let reset = (START_MS + 60_000 + 5_000) as f64 / 1_000.0;
    assert_eq!(refused.header("x-ratelimit-reset"), format!("{reset:.3}"));

    let elsewhere = world.post(
        &format!("/channels/{other}/messages"),
        json!({"content": "x"}),
    );
    assert_eq!(elsewhere.status, 200);
    assert_eq!(
        elsewhere.header("x-ratelimit-bucket"),
        bucket,
        "the hash does not name the channel"
    );
    world.now += 4_500;
    world.post(&path, json!({"content": "x"})).ok();
}

#[test]
fn a_refused_request_changes_nothing_and_refused_forms_count() {
    let mut world = World::new();
    let path = world.messages();
    for _ in 0..5 {
        assert_eq!(world.post(&path, json!({})).refusal(), (400, 50006));
    }
    assert_eq!(world.post(&path, json!({"content": "x"})).status, 429);
    assert_eq!(world.get(&path).ok(), json!([]));
}

#[test]
fn fifty_requests_a_second_in_all() {
    let mut world = World::new();
    let channels: Vec<String> = (0..11)
        .map(|n| {
            world.now += 5_000;
            world.channel(json!({"name": format!("c{n}")}))
        })
        .collect();
    world.rest();
    let mut sent = 0;
    let mut last = 200;
    let mut refused = None;
    for channel in &channels {
        for _ in 0..5 {
            let answer = world.post(
                &format!("/channels/{channel}/messages"),
                json!({"content": "x"}),
            );
            last = answer.status;
            sent += u32::from(last == 200);
            if last == 429 {
                refused = Some(answer);
            }
        }
    }
    assert_eq!((sent, last), (50, 429));
    let refused = refused.unwrap();
    assert_eq!(refused.body["global"], true);
    assert_eq!(
        (
            refused.header("x-ratelimit-scope"),
            refused.header("x-ratelimit-global")
        ),
        ("global", "true")
    );
    world.now += 1_000;
    world.get("/users/@me").ok();
}

#[test]
fn interaction_endpoints_are_outside_the_global_limit() {
    let mut world = World::new();
    let path = world.commands();
    world
        .put(&path, json!([{"name": "x", "description": "x"}]))
        .ok();
    let guild = world.guild.guild_id;
    let delivery = world
        .discord
        .interact(world.now, InteractionSpec::text(guild, "/x"))
        .unwrap();
    let answer = http::Response::builder().header("content-type", "application/json");
    let answer = answer
        .body(bytes::Bytes::from_static(b"{\"type\":5}"))
        .unwrap();
    world
        .discord
        .answered(world.now, delivery.interaction_id, Some(answer))
        .unwrap();
    for user in 0..60 {
        world.get(&format!("/users/{user}"));
        world.get(&format!("/guilds/{user}"));
    }
    assert_eq!(world.get("/users/@me").body["global"], true);
    let original = format!(
        "/webhooks/{}/{}/messages/@original",
        world.discord.application().id,
        delivery.token
    );
    world.patch(&original, json!({"content": "done"})).ok();
}

#[test]
fn old_and_young_messages_have_different_deletion_limits() {
    let mut world = World::new();
    let young = world.say("young");
    let answer = world.delete(&format!("{}/{young}", world.messages()));
    assert_eq!(answer.header("x-ratelimit-limit"), "3");
    let old = world.say("old");
    world.now += 15 * 24 * 60 * 60 * 1_000;
    let answer = world.delete(&format!("{}/{old}", world.messages()));
    assert_eq!(
        (
            answer.header("x-ratelimit-limit"),
            answer.header("x-ratelimit-reset-after")
        ),
        ("30", "120.000")
    );
}

#[test]
fn ten_thousand_invalid_requests_ban_the_client() {
    let mut world = World::new();
    let invalid = || {
        let request = Request::get("/api/v10/users/@me").header("user-agent", USER_AGENT);
        request
            .header("authorization", "Bot wrong")
            .body(bytes::Bytes::new())
            .unwrap()
    };
    for _ in 0..9_999 {
        assert_eq!(world.send(invalid()).refusal(), (401, 0));
    }
    world.get("/users/@me").ok();
    assert_eq!(world.discord.invalid_requests(world.now), 9_999);
    world.send(invalid());
    let banned = world.get("/users/@me");
    assert_eq!(
        (banned.status, banned.body.clone()),
        (429, json!("error code: 1015"))
    );
    assert_eq!(banned.header("retry-after"), "");
    assert_eq!(banned.header("x-ratelimit-scope"), "");
    world.now += 60 * 60 * 1_000;
    world.get("/users/@me").ok();
}

#[test]
fn invalid_requests_are_forgotten_after_ten_minutes() {
    let mut world = World::new();
    for _ in 0..6 {
        world.post("/applications/1/commands", json!({}));
    }
    assert_eq!(
        world.discord.invalid_requests(world.now),
        1,
        "five were 404, the sixth met its limit"
    );
    world.now += 10 * 60 * 1_000;
    assert_eq!(world.discord.invalid_requests(world.now), 0);
}

#[test]
fn faults_do_not_count() {
    let mut world = World::new();
    world
        .discord
        .inject(Fault {
            times: 20,
            status: Some(429),
            ..Fault::new(FaultKind::Status)
        })
        .unwrap();
    for _ in 0..20 {
        assert_eq!(world.get("/users/@me").status, 429);
    }
    assert_eq!(world.discord.invalid_requests(world.now), 0);
    assert_eq!(world.get("/users/@me").header("x-ratelimit-remaining"), "9");
}
