//! Searching a guild's messages: what can be asked, what is found, and how the index is wrong.

mod filters;
mod form;
mod index;
mod pages;
mod plan;
mod readable;
mod words;

use bytes::Bytes;
use discord_sim::{Config, Discord, GuildSpec, SearchPlan};
use http::Request;
use serde_json::{Value, json};

use crate::support::{Answer, START_MS, World, multipart, text};

/// A world whose application may search.
fn world(plan: SearchPlan) -> World {
    seeded(0, plan)
}

fn seeded(seed: u64, plan: SearchPlan) -> World {
    let mut discord = Discord::new(Config {
        seed,
        message_content_intent: true,
        search: plan,
        ..Config::default()
    });
    let guild = discord.create_guild(START_MS, GuildSpec::named("Test guild"));
    World {
        discord,
        guild,
        now: START_MS + 60_000,
    }
}

fn calm() -> World {
    world(SearchPlan::calm())
}

/// `query` without its question mark.
fn search(world: &mut World, query: &str) -> Answer {
    let path = format!("/guilds/{}/messages/search?{query}", world.guild.guild_id);
    world.get(&path)
}

/// The same, and time goes on, so that no number of searches meets a limit.
#[track_caller]
fn page(world: &mut World, query: &str) -> Value {
    let page = search(world, query).ok();
    world.now += 1_100;
    page
}

fn messages(page: &Value) -> Vec<Value> {
    let groups = page["messages"].as_array().unwrap();
    let flat = groups.iter().flat_map(|group| group.as_array().unwrap());
    flat.cloned().collect()
}

/// What the messages of a page say, in its order.
#[track_caller]
fn found(world: &mut World, query: &str) -> Vec<String> {
    let page = page(world, query);
    let messages = messages(&page);
    messages
        .iter()
        .map(|message| text(&message["content"]))
        .collect()
}

/// A person writes, whom no limit stops; gives the message's id.
#[track_caller]
fn write(world: &mut World, user: &str, content: &str) -> String {
    let path = world.messages();
    let sent = world.act(user, "POST", &path, &json!({"content": content}));
    text(&sent.ok()["id"])
}

/// The owner attaches a file; gives the message's id.
fn attach(world: &mut World, content: &str, filename: &str) -> String {
    let file: (&str, &str, &[u8]) = ("files[0]", filename, b"data");
    let (content_type, body) = multipart(&json!({"content": content}), &[file]);
    let request = Request::post(world.messages()).header("content-type", content_type);
    let request: Request<Bytes> = request.body(body).unwrap();
    let owner = world.guild.users["owner"];
    let answer = Answer::from(&world.discord.act_as(world.now, owner, request));
    text(&answer.ok()["id"])
}

/// The owner does something to a message in `general`.
fn touch(world: &mut World, method: &str, message: &str, body: &Value) {
    let path = format!("{}/{message}", world.messages());
    let answer = world.act("owner", method, &path, body);
    assert!(answer.status < 300, "{}", answer.body);
}
