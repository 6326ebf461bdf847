//! Commands that people run: what goes out, and what comes back.

mod answering;
mod asking;
mod files;

use bytes::Bytes;
use discord_sim::{Delivery, Id, InteractionSpec, View};
use http::Response;
use serde_json::{Value, json};

use crate::support::World;

/// A world with commands of all sorts registered.
pub fn world() -> World {
    let mut world = World::new();
    let string = |name: &str| json!({"type": 3, "name": name, "description": "d"});
    let mut database = string("database");
    database["required"] = json!(true);
    database["autocomplete"] = json!(true);
    let mut mode = string("mode");
    mode["choices"] = json!([{"name": "Fast", "value": "f"}, {"name": "Slow", "value": "s"}]);
    let mut short = string("short");
    short["max_length"] = json!(3);
    let commands = json!([
        {"name": "put", "description": "x", "options": [
            database, string("document"), mode, short,
            {"type": 4, "name": "count", "description": "d", "min_value": 1, "max_value": 9},
            {"type": 5, "name": "dry", "description": "d"},
            {"type": 6, "name": "who", "description": "d"},
            {"type": 7, "name": "where", "description": "d"},
            {"type": 10, "name": "ratio", "description": "d"},
            {"type": 11, "name": "file", "description": "d"},
        ]},
        {"name": "plain", "description": "x"},
        {"name": "admin", "description": "x", "default_member_permissions": "32"},
        {"name": "job", "description": "x", "options": [
            {"type": 1, "name": "start", "description": "d", "options": [string("name")]},
            {"type": 2, "name": "card", "description": "d", "options": [
                {"type": 1, "name": "show", "description": "d", "options": []},
            ]},
        ]},
    ]);
    let path = world.commands();
    world.put(&path, commands).ok();
    world
}

pub fn run(world: &mut World, text: &str) -> Delivery {
    world
        .discord
        .interact(world.now, InteractionSpec::text(world.guild.guild_id, text))
        .unwrap()
}

pub fn refused(world: &mut World, text: &str) -> String {
    world
        .discord
        .interact(world.now, InteractionSpec::text(world.guild.guild_id, text))
        .unwrap_err()
        .text
}

pub fn payload(delivery: &Delivery) -> Value {
    serde_json::from_slice(&delivery.body).unwrap()
}

pub fn answer(world: &mut World, id: Id, body: &Value) -> View {
    let response = Response::builder().header("content-type", "application/json");
    let response = response.body(Bytes::from(body.to_string())).unwrap();
    world
        .discord
        .answered(world.now, id, Some(response))
        .unwrap()
}

pub fn original(world: &World, token: &str) -> String {
    format!(
        "/webhooks/{}/{token}/messages/@original",
        world.discord.application().id
    )
}
