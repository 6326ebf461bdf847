//! What people do to the bot's channels.

use discord_sim::Id;
use serde_json::{Value, json};

use crate::support::{World, text};

#[test]
fn a_moderator_deletes_messages_and_hides_embeds() {
    let mut world = World::new();
    let path = world.messages();
    let general = world.general();
    let sent = world
        .post(&path, json!({"embeds": [{"description": "data"}]}))
        .ok();
    let id: Id = text(&sent["id"]).parse().unwrap();
    world
        .discord
        .suppress_embeds_by_hand(world.now, general, id)
        .unwrap();
    let hidden = world.get(&format!("{path}/{id}")).ok();
    assert_eq!(
        (&hidden["embeds"], &hidden["flags"]),
        (&json!([]), &json!(4))
    );

    let others: Vec<String> = (0..3).map(|n| world.say(&n.to_string())).collect();
    let mut gone: Vec<String> = (0..4)
        .map(|_| {
            world
                .discord
                .delete_any_by_hand(world.now, general)
                .unwrap()
                .to_string()
        })
        .collect();
    gone.sort();
    let mut all = others;
    all.push(id.to_string());
    all.sort();
    assert_eq!(gone, all, "each once");
    let none = world
        .discord
        .delete_any_by_hand(world.now, general)
        .unwrap_err();
    assert_eq!(none.status, 404);
    let again = world
        .discord
        .delete_by_hand(world.now, general, id)
        .unwrap_err();
    assert!(again.text.contains("10008"), "{again}");
}

#[test]
fn a_moderator_renames_and_a_stranger_writes() {
    let mut world = World::new();
    let channel = world.channel(json!({"name": "table-users", "topic": "dbcord:1:table:users"}));
    let id: Id = channel.parse().unwrap();
    world
        .discord
        .rename_by_hand(world.now, id, "people")
        .unwrap();
    world
        .discord
        .set_topic_by_hand(world.now, id, None)
        .unwrap();
    let seen = world.get(&format!("/channels/{channel}")).ok();
    assert_eq!(
        (&seen["name"], &seen["topic"]),
        (&json!("people"), &Value::Null)
    );
    let third = world
        .discord
        .set_topic_by_hand(world.now, id, Some("x"))
        .unwrap_err();
    assert_eq!(third.status, 429, "people have that limit too");

    let message = world
        .discord
        .post_by_hand(world.now, id, "what is this?")
        .unwrap();
    let seen = world
        .get(&format!("/channels/{channel}/messages/{message}"))
        .ok();
    assert_eq!(seen["author"]["username"], "owner");
    world.discord.delete_channel_by_hand(world.now, id).unwrap();
    assert_eq!(
        world.get(&format!("/channels/{channel}")).refusal(),
        (404, 10003)
    );
    let missing = world.discord.post_by_hand(world.now, id, "x").unwrap_err();
    assert_eq!(missing.text, format!("there is no channel {id}"));
}
