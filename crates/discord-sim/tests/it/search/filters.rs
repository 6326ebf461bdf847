//! Everything but words that messages can be searched by.

use discord_sim::InteractionSpec;
use http::Response;
use serde_json::{Value, json};

use super::{attach, calm, found, touch, write};
use crate::support::World;

const NOTHING: [&str; 0] = [];

/// Each query with what it finds, the newest first.
fn check(world: &mut World, cases: &[(String, &[&str])]) {
    for (query, expected) in cases {
        assert_eq!(found(world, query), *expected, "{query}");
    }
}

fn q(text: &str) -> String {
    text.to_owned()
}

fn reply(world: &mut World, to: &str, content: &str) {
    let path = world.messages();
    let form = json!({"content": content, "message_reference": {"message_id": to}});
    world.act("member", "POST", &path, &form).ok();
}

#[test]
fn ids_bound_from_both_sides_and_are_not_included() {
    let mut world = calm();
    let ids: Vec<String> = (0..5)
        .map(|n| {
            world.now += 1_000;
            write(&mut world, "owner", &format!("m{n}"))
        })
        .collect();
    let (one, three) = (&ids[1], &ids[3]);
    check(
        &mut world,
        &[
            (format!("min_id={three}"), &["m4"]),
            (format!("max_id={one}"), &["m0"]),
            (format!("min_id={one}&max_id={three}"), &["m2"]),
            (format!("min_id={three}&max_id={one}"), &[]),
            (format!("min_id={one}&max_id={one}"), &[]),
            (q("min_id=0"), &["m4", "m3", "m2", "m1", "m0"]),
        ],
    );
}

#[test]
fn authors_and_their_types() {
    let mut world = calm();
    write(&mut world, "owner", "by owner");
    write(&mut world, "member", "by member");
    world.say("by bot");
    answer_a_command(&mut world, "by webhook");
    let user = |name: &str| world.guild.users[name];
    let (owner, member) = (user("owner"), user("member"));
    let bot = world.discord.application().bot_user_id;
    check(
        &mut world,
        &[
            (format!("author_id={owner}"), &["by owner"]),
            (
                format!("author_id={owner}&author_id={member}"),
                &["by member", "by owner"],
            ),
            (q("author_id=7"), &NOTHING),
            (format!("author_id={bot}&author_type=bot"), &["by bot"]),
            (q("author_type=user"), &["by member", "by owner"]),
            (q("author_type=bot"), &["by bot"]),
            (q("author_type=webhook"), &["by webhook"]),
            (
                q("author_type=bot&author_type=webhook"),
                &["by webhook", "by bot"],
            ),
            (q("author_type=-user"), &["by webhook", "by bot"]),
            (
                q("author_type=-bot&author_type=-webhook"),
                &["by member", "by owner"],
            ),
            (q("author_type=user&author_type=-user"), &NOTHING),
        ],
    );
}

fn answer_a_command(world: &mut World, content: &str) {
    let path = world.commands();
    world
        .put(&path, json!([{"name": "plain", "description": "x"}]))
        .ok();
    let spec = InteractionSpec::text(world.guild.guild_id, "/plain");
    let delivery = world.discord.interact(world.now, spec).unwrap();
    let body = json!({"type": 4, "data": {"content": content}}).to_string();
    let response = Response::builder().header("content-type", "application/json");
    let response = response.body(body.into()).unwrap();
    let id = delivery.interaction_id;
    world
        .discord
        .answered(world.now, id, Some(response))
        .unwrap();
}

#[test]
fn mentions() {
    let mut world = calm();
    let member = world.guild.users["member"];
    let roles = world
        .get(&format!("/guilds/{}/roles", world.guild.guild_id))
        .ok();
    let role = roles
        .as_array()
        .unwrap()
        .iter()
        .find(|role| role["name"] == "Members");
    let role = role.unwrap()["id"].as_str().unwrap().to_owned();
    write(&mut world, "owner", "plain");
    let to_user = format!("user <@{member}>");
    let to_role = format!("role <@&{role}>");
    let to_all = "all @everyone";
    for content in [&to_user, &to_role, to_all] {
        write(&mut world, "owner", content);
    }
    check(
        &mut world,
        &[
            (format!("mentions={member}"), &[&to_user]),
            (format!("mentions=7&mentions={member}"), &[&to_user]),
            (q("mentions=7"), &NOTHING),
            (format!("mentions_role_id={role}"), &[&to_role]),
            (q("mentions_role_id=7"), &NOTHING),
            (q("mention_everyone=true"), &[to_all]),
            (q("mention_everyone=false"), &[&to_role, &to_user, "plain"]),
        ],
    );
}

#[test]
fn replies() {
    let mut world = calm();
    let first = write(&mut world, "owner", "first");
    let second = write(&mut world, "member", "second");
    reply(&mut world, &first, "to first");
    reply(&mut world, &second, "to second");
    let owner = world.guild.users["owner"];
    check(
        &mut world,
        &[
            (format!("replied_to_message_id={first}"), &["to first"]),
            (
                format!("replied_to_message_id={first}&replied_to_message_id={second}"),
                &["to second", "to first"],
            ),
            (q("replied_to_message_id=7"), &NOTHING),
            (format!("replied_to_user_id={owner}"), &["to first"]),
            (
                format!("replied_to_user_id={owner}&replied_to_message_id={second}"),
                &NOTHING,
            ),
            (q("replied_to_user_id=7"), &NOTHING),
        ],
    );
}

#[test]
fn pins() {
    let mut world = calm();
    let pinned = write(&mut world, "owner", "alpha pinned");
    write(&mut world, "owner", "alpha");
    let path = format!("{}/pins/{pinned}", world.messages());
    world.act("owner", "PUT", &path, &Value::Null);
    let cases: &[(String, &[&str])] = &[
        (q("pinned=true"), &["alpha pinned"]),
        (q("content=alpha&pinned=false"), &["alpha"]),
        (q("content=alpha"), &["alpha", "alpha pinned"]),
    ];
    check(&mut world, cases);
}

#[test]
fn files() {
    let mut world = calm();
    attach(&mut world, "image", "Photo.png");
    attach(&mut world, "data", "rows.v2.json");
    attach(&mut world, "bare", "README");
    write(&mut world, "owner", "none");
    let cases: &[(String, &[&str])] = &[
        (q("has=file"), &["bare", "data", "image"]),
        (q("has=-file"), &["none"]),
        (q("has=image"), &["image"]),
        (q("has=file&has=-image"), &["bare", "data"]),
        (q("has=file&has=-file"), &[]),
        (q("has=video"), &[]),
        (q("has=sound"), &[]),
        (q("attachment_extension=json"), &["data"]),
        (
            q("attachment_extension=PNG&attachment_extension=json"),
            &["data", "image"],
        ),
        (q("attachment_extension=v2.json"), &[]),
        (q("attachment_extension=README"), &[]),
        (q("attachment_filename=photo.png"), &["image"]),
        (
            q("attachment_filename=rows.v2.json&attachment_filename=README"),
            &["bare", "data"],
        ),
        (q("attachment_filename=rows"), &[]),
    ];
    check(&mut world, cases);
}

#[test]
fn links_and_embeds() {
    let mut world = calm();
    let link = "see https://Example.com/a?b and http://docs.example.org:80";
    write(&mut world, "owner", link);
    write(&mut world, "owner", "example.com without a scheme");
    let path = world.messages();
    let embed = json!({"content": "embed", "embeds": [{"title": "t"}]});
    let message = world.post(&path, embed).ok();
    let plain = "example.com without a scheme";
    let cases: &[(String, &[&str])] = &[
        (q("has=link"), &[link]),
        (q("has=-link"), &["embed", plain]),
        (q("link_hostname=example.com"), &[link]),
        (
            q("link_hostname=other.net&link_hostname=docs.example.org"),
            &[link],
        ),
        (q("link_hostname=example"), &[]),
        (q("has=embed"), &["embed"]),
        (q("has=-embed"), &[plain, link]),
        (q("embed_type=article"), &[]),
        (q("embed_provider=Tenor"), &[]),
    ];
    check(&mut world, cases);
    let id = message["id"].as_str().unwrap().to_owned();
    touch(&mut world, "PATCH", &id, &json!({"flags": 4}));
    assert_eq!(found(&mut world, "has=embed"), NOTHING, "hidden");
}

#[test]
fn what_this_discord_does_not_have() {
    let mut world = calm();
    write(&mut world, "owner", "alpha");
    for what in ["sticker", "poll", "snapshot"] {
        assert_eq!(found(&mut world, &format!("has={what}")), NOTHING);
        assert_eq!(found(&mut world, &format!("has=-{what}")), ["alpha"]);
    }
}

#[test]
fn filters_and_words_together() {
    let mut world = calm();
    write(&mut world, "owner", "alpha beta");
    write(&mut world, "member", "alpha beta");
    write(&mut world, "member", "alpha gamma");
    let member = world.guild.users["member"];
    let query = format!("content=alpha+beta&author_id={member}&author_type=user&has=-file");
    assert_eq!(found(&mut world, &query).len(), 1);
}
