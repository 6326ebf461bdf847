use serde_json::json;

use crate::support::{World, text};

#[test]
fn the_same_nonce_returns_the_same_message_even_from_another_channel() {
    let mut world = World::new();
    let other = world.channel(json!({"name": "other"}));
    let path = world.messages();
    let body = |content: &str| json!({"content": content, "nonce": "n1", "enforce_nonce": true});
    let first = world.post(&path, body("first")).ok();
    assert_eq!(first["nonce"], "n1");
    let again = world.post(&path, body("second")).ok();
    assert_eq!(
        (&again["id"], &again["content"]),
        (&first["id"], &json!("first"))
    );
    let elsewhere = world
        .post(&format!("/channels/{other}/messages"), body("third"))
        .ok();
    assert_eq!(
        (&elsewhere["id"], &elsewhere["channel_id"]),
        (&first["id"], &first["channel_id"])
    );
    assert_eq!(world.get(&path).ok().as_array().unwrap().len(), 1);
}

#[test]
fn after_deletion_the_nonce_answers_unknown_message() {
    let mut world = World::new();
    let path = world.messages();
    let body = json!({"content": "x", "nonce": 7, "enforce_nonce": true});
    let id = text(&world.post(&path, body.clone()).ok()["id"]);
    world.delete(&format!("{path}/{id}")).ok();
    assert_eq!(world.post(&path, body).refusal(), (404, 10008));
}

#[test]
fn without_the_flag_nothing_is_checked() {
    let mut world = World::new();
    let path = world.messages();
    let body = json!({"content": "x", "nonce": "n"});
    let first = world.post(&path, body.clone()).ok();
    let second = world.post(&path, body.clone()).ok();
    assert_ne!(first["id"], second["id"]);
    let mut strict = body;
    strict["enforce_nonce"] = json!(true);
    assert_eq!(
        world.post(&path, strict).ok()["id"],
        second["id"],
        "an unenforced use counts as a use"
    );
}

#[test]
fn nonces_are_per_author_and_for_some_minutes() {
    let mut world = World::new();
    let path = world.messages();
    let body = json!({"content": "x", "nonce": "n", "enforce_nonce": true});
    let first = world.post(&path, body.clone()).ok();
    let person = world.act("owner", "POST", &path, &body).ok();
    assert_ne!(first["id"], person["id"]);
    world.now += 4 * 60 * 1_000;
    assert_eq!(world.post(&path, body.clone()).ok()["id"], first["id"]);
    world.now += 61 * 1_000;
    assert_ne!(world.post(&path, body).ok()["id"], first["id"]);
}

#[test]
fn a_nonce_has_at_most_25_characters() {
    let mut world = World::new();
    let path = world.messages();
    for nonce in [json!("x".repeat(26)), json!(1.5), json!({}), json!(true)] {
        let refused = world.post(&path, json!({"content": "x", "nonce": nonce}));
        assert!(
            refused.body.pointer("/errors/nonce/_errors").is_some(),
            "{}",
            refused.body
        );
        world.rest();
    }
    world
        .post(&path, json!({"content": "x", "nonce": "x".repeat(25)}))
        .ok();
}

#[test]
fn a_repetition_with_a_file_is_recognised_too() {
    let mut world = World::new();
    let path = world.messages();
    let payload = json!({"nonce": "f", "enforce_nonce": true});
    let first = world
        .upload("POST", &path, &payload, &[("files[0]", "a", b"a")])
        .ok();
    let again = world
        .upload("POST", &path, &payload, &[("files[0]", "a", b"a")])
        .ok();
    assert_eq!(first["id"], again["id"]);
    assert_eq!(first["attachments"][0]["id"], again["attachments"][0]["id"]);
}
