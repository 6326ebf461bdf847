use discord_sim::permissions;
use serde_json::json;

use crate::support::{World, text};

fn world() -> World {
    World::with_bot_permissions(permissions::BOT_DEFAULT | permissions::PIN_MESSAGES)
}

#[test]
fn pins_are_listed_latest_first_and_noted_in_the_channel() {
    let mut world = world();
    let pins = format!("{}/pins", world.messages());
    let ids = ["a", "b"].map(|content| world.say(content));
    for id in ids.iter().rev() {
        world.put(&format!("{pins}/{id}"), json!({})).ok();
        world.now += 1_000;
    }
    let page = world.get(&format!("{pins}?limit=1")).ok();
    assert_eq!(
        (&page["items"][0]["message"]["id"], &page["has_more"]),
        (&json!(ids[0]), &json!(true))
    );
    let before = text(&page["items"][0]["pinned_at"]).replace('+', "%2B");
    let page = world.get(&format!("{pins}?before={before}")).ok();
    assert_eq!(
        (&page["items"][0]["message"]["id"], &page["has_more"]),
        (&json!(ids[1]), &json!(false))
    );
    assert_eq!(page["items"][0]["message"]["pinned"], true);
    let path = world.messages();
    let newest = world.get(&format!("{path}?limit=1")).ok()[0].clone();
    assert_eq!(
        (&newest["type"], &newest["message_reference"]["message_id"]),
        (&json!(6), &json!(ids[0]))
    );

    world.delete(&format!("{pins}/{}", ids[0])).ok();
    world.delete(&format!("{path}/{}", ids[1])).ok();
    assert_eq!(world.get(&pins).ok()["items"], json!([]));
}

#[test]
fn pinning_takes_a_permission_and_is_limited() {
    let mut plain = World::new();
    let id = plain.say("x");
    let pin = format!("{}/pins/{id}", plain.messages());
    assert_eq!(plain.put(&pin, json!({})).refusal(), (403, 50013));

    let mut world = world();
    let pins = format!("{}/pins", world.messages());
    for n in 0..250 {
        world.now += 1_000;
        let id = world.say(&n.to_string());
        world.put(&format!("{pins}/{id}"), json!({})).ok();
    }
    world.rest();
    let id = world.say("one more");
    assert_eq!(
        world.put(&format!("{pins}/{id}"), json!({})).refusal(),
        (400, 30003)
    );
    assert_eq!(
        world.put(&format!("{pins}/1"), json!({})).refusal(),
        (404, 10008)
    );
    assert_eq!(
        world.get(&format!("{pins}?limit=51")).refusal(),
        (400, 50035)
    );
    assert_eq!(
        world.get(&format!("{pins}?before=yesterday")).refusal(),
        (400, 50035)
    );
}
