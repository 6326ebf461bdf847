use bytes::Bytes;
use discord_sim::InteractionSpec;
use http::Response;
use serde_json::json;

use super::{answer, original, payload, run, world};
use crate::support::{multipart, text};

#[test]
fn a_public_answer_is_a_message_and_an_ephemeral_one_is_not() {
    let mut world = world();
    let path = world.messages();
    let delivery = run(&mut world, "/plain");
    let view = answer(
        &mut world,
        delivery.interaction_id,
        &json!({"type": 4, "data": {"content": "hi"}}),
    );
    assert_eq!((view.state, view.ephemeral), ("answered", false));
    assert_eq!(view.reply.unwrap()["content"], "hi");
    let page = world.get(&path).ok();
    assert_eq!(
        page[0]["interaction_metadata"]["id"],
        json!(delivery.interaction_id)
    );
    assert_eq!(page[0]["type"], 20);

    let delivery = run(&mut world, "/plain");
    let view = answer(
        &mut world,
        delivery.interaction_id,
        &json!({"type": 4, "data": {"content": "psst", "flags": 64}}),
    );
    assert!(view.ephemeral);
    assert_eq!(view.reply.unwrap()["flags"], 64);
    assert_eq!(world.get(&path).ok().as_array().unwrap().len(), 1);
    let edited = world
        .patch(
            &original(&world, &delivery.token),
            json!({"content": "hush"}),
        )
        .ok();
    assert_eq!(
        (&edited["content"], &edited["flags"]),
        (&json!("hush"), &json!(64))
    );
    assert_eq!(
        world.get(&path).ok().as_array().unwrap().len(),
        1,
        "not by an edit either"
    );
}

#[test]
fn a_deferred_answer_is_finished_by_a_patch() {
    let mut world = world();
    let delivery = run(&mut world, "/plain");
    let (id, path) = (delivery.interaction_id, original(&world, &delivery.token));
    assert_eq!(
        world.patch(&path, json!({"content": "early"})).refusal(),
        (404, 10015),
        "not before the first answer"
    );
    let view = answer(&mut world, id, &json!({"type": 5}));
    assert_eq!((view.state, view.reply.is_none()), ("deferred", true));
    assert_eq!(world.get(&path).ok()["flags"], 128);
    world.now += 60_000;
    assert_eq!(world.patch(&path, json!({})).refusal(), (400, 50006));
    let payload = json!({"content": "done", "attachments": [{"id": 0}]});
    let done = world
        .upload("PATCH", &path, &payload, &[("files[0]", "r.json", b"{}")])
        .ok();
    assert_eq!(
        (&done["flags"], &done["attachments"][0]["filename"]),
        (&json!(0), &json!("r.json"))
    );
    let view = world.discord.interaction(id).unwrap();
    assert_eq!(
        (view.state, view.reply.unwrap()["content"].clone()),
        ("answered", json!("done"))
    );
    assert_eq!(world.delete(&path).status, 204);
    assert_eq!(world.get(&path).refusal(), (404, 10008));
    assert!(world.discord.interaction(id).unwrap().reply.is_none());
}

#[test]
fn the_first_answer_has_three_seconds() {
    let mut world = world();
    let delivery = run(&mut world, "/plain");
    world.now += 3_000;
    assert_eq!(
        answer(&mut world, delivery.interaction_id, &json!({"type": 5})).state,
        "deferred"
    );

    let delivery = run(&mut world, "/plain");
    world.now += 3_001;
    let view = answer(
        &mut world,
        delivery.interaction_id,
        &json!({"type": 4, "data": {"content": "late"}}),
    );
    assert_eq!((view.state, view.delivery.status), ("failed", Some(200)));
    assert_eq!(world.discord.traffic(0).last().unwrap().late, Some(true));
    assert_eq!(
        world
            .patch(&original(&world, &delivery.token), json!({"content": "x"}))
            .refusal(),
        (404, 10015)
    );

    let delivery = run(&mut world, "/plain");
    let view = world
        .discord
        .answered(world.now, delivery.interaction_id, None)
        .unwrap();
    assert_eq!((view.state, view.delivery.status), ("failed", None));
}

#[test]
fn a_token_has_fifteen_minutes() {
    let mut world = world();
    let delivery = run(&mut world, "/plain");
    let path = original(&world, &delivery.token);
    answer(&mut world, delivery.interaction_id, &json!({"type": 5}));
    world.now += 15 * 60 * 1_000;
    world.get(&path).ok();
    world.now += 1;
    assert_eq!(
        world.patch(&path, json!({"content": "x"})).refusal(),
        (401, 50027)
    );
    let view = world.discord.interaction(delivery.interaction_id).unwrap();
    assert_eq!(view.state, "failed");
    let other = path.replace(&delivery.token, "nonsense");
    assert_eq!(world.get(&other).refusal(), (404, 10015));
}

#[test]
fn answers_that_discord_would_refuse_fail_the_interaction() {
    let mut world = world();
    for body in [
        json!({}),
        json!({"type": 1}),
        json!({"type": 7}),
        json!({"type": 4}),
        json!({"type": 4, "data": {"content": "x".repeat(2_001)}}),
        json!({"type": 4, "data": {"content": "x", "flags": 128}}),
        json!({"type": 4, "data": {"embeds": [{"title": "x".repeat(257)}]}}),
        json!({"type": 5, "data": {"flags": 4}}),
        json!({"type": 8, "data": {"choices": []}}),
    ] {
        let delivery = run(&mut world, "/plain");
        let view = answer(&mut world, delivery.interaction_id, &body);
        assert_eq!(view.state, "failed", "{body}");
    }
    for response in [
        Response::builder().status(500).body(Bytes::new()),
        Response::builder().body(Bytes::from_static(b"{\"type\":5}")),
        Response::builder()
            .header("content-type", "application/json")
            .body(Bytes::from_static(b"{")),
    ] {
        let delivery = run(&mut world, "/plain");
        let view = world
            .discord
            .answered(world.now, delivery.interaction_id, Some(response.unwrap()))
            .unwrap();
        assert_eq!(view.state, "failed");
    }
    let page = world.messages();
    assert_eq!(world.get(&page).ok(), json!([]));
}

#[test]
fn an_answer_can_bring_files() {
    let mut world = world();
    let delivery = run(&mut world, "/plain");
    let body = json!({"type": 4, "data": {"content": "x", "attachments": [{"id": 0, "filename": "a.csv"}]}});
    let (kind, bytes) = multipart(&body, &[("files[0]", "a", b"1,2")]);
    let response = Response::builder()
        .header("content-type", kind)
        .body(bytes)
        .unwrap();
    let view = world
        .discord
        .answered(world.now, delivery.interaction_id, Some(response))
        .unwrap();
    assert_eq!(view.reply.unwrap()["attachments"][0]["filename"], "a.csv");
}

#[test]
fn followups_come_after_and_right_after_a_deferral_take_its_place() {
    let mut world = world();
    let delivery = run(&mut world, "/plain");
    let hook = format!(
        "/webhooks/{}/{}",
        world.discord.application().id,
        delivery.token
    );
    assert_eq!(
        world.post(&hook, json!({"content": "x"})).refusal(),
        (404, 10015)
    );
    answer(
        &mut world,
        delivery.interaction_id,
        &json!({"type": 5, "data": {"flags": 64}}),
    );
    let first = world.post(&hook, json!({"content": "first"})).ok();
    assert_eq!(first["flags"], 64, "it is the deferred answer");
    let view = world.discord.interaction(delivery.interaction_id).unwrap();
    assert_eq!((view.state, view.followups.len()), ("answered", 0));
    world.now += 2_000;
    let second = world.post(&hook, json!({"content": "second"})).ok();
    assert_eq!(
        second["interaction_metadata"]["original_response_message_id"],
        first["id"]
    );
    let message = format!("{hook}/messages/{}", text(&second["id"]));
    assert_eq!(
        world.patch(&message, json!({"content": "2nd"})).ok()["content"],
        "2nd"
    );
    let view = world.discord.interaction(delivery.interaction_id).unwrap();
    assert_eq!(view.followups[0]["content"], "2nd");
    assert_eq!(world.delete(&message).status, 204);
    assert_eq!(world.get(&message).refusal(), (404, 10008));
}

#[test]
fn autocomplete_sends_what_is_typed_and_takes_choices() {
    let mut world = world();
    let mut spec = InteractionSpec::text(world.guild.guild_id, "/put count:4 database:pr");
    spec.autocomplete = Some("database".to_owned());
    let delivery = world.discord.interact(world.now, spec.clone()).unwrap();
    let sent = payload(&delivery);
    assert_eq!(sent["type"], 4);
    assert_eq!(
        sent["data"]["options"][1],
        json!({"name": "database", "type": 3, "value": "pr", "focused": true})
    );
    let choices = json!([{"name": "prod", "value": "prod"}]);
    let view = answer(
        &mut world,
        delivery.interaction_id,
        &json!({"type": 8, "data": {"choices": choices}}),
    );
    assert_eq!((view.state, json!(view.choices)), ("answered", choices));
    assert_eq!(
        world.get(&original(&world, &delivery.token)).refusal(),
        (404, 10015)
    );

    for wrong in [
        json!({"type": 4, "data": {"content": "x"}}),
        json!({"type": 8}),
        json!({"type": 8, "data": {"choices": [{"name": "x", "value": 1}]}}),
        json!({"type": 8, "data": {"choices": [{"name": "x".repeat(101), "value": "x"}]}}),
        json!({"type": 8, "data": {"choices": vec![json!({"name": "x", "value": "x"}); 26]}}),
    ] {
        let delivery = world.discord.interact(world.now, spec.clone()).unwrap();
        assert_eq!(
            answer(&mut world, delivery.interaction_id, &wrong).state,
            "failed",
            "{wrong}"
        );
    }
    spec.text = Some("/put".to_owned());
    let delivery = world.discord.interact(world.now, spec.clone()).unwrap();
    assert_eq!(payload(&delivery)["data"]["options"][0]["value"], "");
    spec.autocomplete = Some("mode".to_owned());
    assert!(
        world
            .discord
            .interact(world.now, spec)
            .unwrap_err()
            .text
            .contains("no autocomplete")
    );
}

#[test]
fn the_callback_route_answers_too_but_only_once() {
    let mut world = world();
    let delivery = run(&mut world, "/plain");
    let id = delivery.interaction_id;
    let path = format!("/interactions/{id}/{}/callback", delivery.token);
    assert_eq!(
        world
            .post(
                &format!("/interactions/{id}/wrong/callback"),
                json!({"type": 5})
            )
            .refusal(),
        (404, 10062)
    );
    let accepted = Response::builder().status(202).body(Bytes::new()).unwrap();
    assert_eq!(
        world
            .discord
            .answered(world.now, id, Some(accepted))
            .unwrap()
            .state,
        "pending"
    );
    let body = json!({"type": 4, "data": {"content": "hi"}});
    let answer = world
        .post(&format!("{path}?with_response=true"), body.clone())
        .ok();
    assert_eq!(answer["resource"]["message"]["content"], "hi");
    assert_eq!(world.post(&path, body).refusal(), (400, 40060));
    assert_eq!(world.discord.interaction(id).unwrap().state, "answered");
}

#[test]
fn a_replay_is_the_same_request() {
    let mut world = world();
    let delivery = run(&mut world, "/plain");
    answer(&mut world, delivery.interaction_id, &json!({"type": 5}));
    let again = world.discord.delivery(delivery.interaction_id).unwrap();
    assert_eq!(
        (&again.body, &again.headers),
        (&delivery.body, &delivery.headers)
    );
    world
        .discord
        .redelivered(world.now, delivery.interaction_id, None);
    assert_eq!(
        world
            .discord
            .interaction(delivery.interaction_id)
            .unwrap()
            .state,
        "deferred"
    );
}
