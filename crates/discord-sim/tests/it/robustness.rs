//! Whatever is sent, the answer is an answer.

use bytes::Bytes;
use discord_sim::{Config, Discord, GuildSpec, InteractionSpec, Outcome};
use http::Request;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{START_MS, USER_AGENT, World, text};

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        "[0-9]{1,22}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, |inner| {
        let key = prop_oneof![
            prop::sample::select(vec![
                "content",
                "embeds",
                "attachments",
                "id",
                "type",
                "data",
                "options",
                "choices",
                "name",
                "description",
                "value",
                "nonce",
                "flags",
                "components",
                "permission_overwrites",
                "allow",
                "deny",
                "parent_id",
                "messages",
                "allowed_mentions",
                "parse",
                "users",
                "fields",
                "author",
                "footer",
                "title",
                "required",
                "topic",
                "message_reference",
                "message_id",
                "custom_id",
                "style",
                "position",
                "max_value",
                "min_length",
            ])
            .prop_map(str::to_owned),
            "\\PC{0,4}",
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..8)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn paths(world: &World) -> Vec<String> {
    let (guild, channel) = (world.guild.guild_id, world.guild.channel_id);
    let application = world.discord.application().id;
    vec![
        format!("/channels/{channel}/messages"),
        format!("/channels/{channel}/messages/bulk-delete"),
        format!("/channels/{channel}/messages/1"),
        format!("/channels/{channel}"),
        format!("/channels/{channel}/permissions/{guild}"),
        format!("/guilds/{guild}/channels"),
        format!("/guilds/{guild}/roles"),
        format!("/applications/{application}/commands"),
        format!("/applications/{application}/guilds/{guild}/commands"),
        format!("/webhooks/{application}/x"),
        format!("/webhooks/{application}/x/messages/@original"),
        "/interactions/1/x/callback".to_owned(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_json_gets_an_answer(body in json_value(), which in any::<prop::sample::Index>(), method in 0usize..4) {
        let mut world = World::with_bot_permissions(discord_sim::permissions::ADMINISTRATOR);
        let paths = paths(&world);
        let path = &paths[which.index(paths.len())];
        let answer = world.call(["POST", "PUT", "PATCH", "DELETE"][method], path, body);
        prop_assert!((200..500).contains(&answer.status), "{} {}", answer.status, answer.body);
        if answer.status >= 400 {
            prop_assert!(answer.body["code"].is_u64() && answer.body["message"].is_string(), "{}", answer.body);
        }
    }

    #[test]
    fn any_bytes_and_any_path_get_an_answer(
        path in "/[a-z0-9@/%\\-]{0,60}",
        query in "[a-z0-9=&%]{0,20}",
        kind in prop::sample::select(vec![
            "application/json", "multipart/form-data; boundary=b", "multipart/form-data", "x", "",
        ]),
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut world = World::new();
        let paths = paths(&world);
        for path in [path.as_str(), paths[0].as_str(), paths[7].as_str()] {
            let uri = format!("/api/v10{path}?{query}");
            let Ok(request) = Request::post(&uri)
                .header("content-type", kind)
                .header("user-agent", USER_AGENT)
                .header("authorization", format!("Bot {}", world.discord.application().bot_token))
                .body(Bytes::from(body.clone()))
            else {
                continue;
            };
            let outcome = world.discord.handle(world.now, request);
            let answered = matches!(outcome, Outcome::Responded { .. });
            prop_assert!(answered);
        }
    }

    #[test]
    fn any_command_line_gets_an_answer(line in "\\PC{0,40}", options in json_value()) {
        let mut world = World::new();
        let path = world.commands();
        let option = json!({"type": 3, "name": "a", "description": "d"});
        world.put(&path, json!([{"name": "x", "description": "x", "options": [option]}])).ok();
        for text in [line.clone(), format!("/x {line}"), format!("/x a:{line}")] {
            drop(world.discord.interact(world.now, InteractionSpec::text(world.guild.guild_id, &text)));
        }
        if let Value::Object(options) = options {
            drop(world.discord.interact(world.now, InteractionSpec::command(world.guild.guild_id, "x", options)));
        }
    }
}

#[test]
fn deep_json_is_refused() {
    let mut world = World::new();
    let path = world.messages();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let request = world
        .request("POST", &path)
        .header("content-type", "application/json");
    let request = request.body(Bytes::from(deep)).unwrap();
    assert_eq!(world.send(request).refusal(), (400, 50109));
}

#[test]
fn headers_that_are_no_text_are_refused() {
    let mut world = World::new();
    for name in ["user-agent", "authorization", "content-type"] {
        let path = world.messages();
        let mut request = world
            .request("POST", &path)
            .body(Bytes::from_static(b"{}"))
            .unwrap();
        request
            .headers_mut()
            .insert(name, http::HeaderValue::from_bytes(b"\xff\xfe").unwrap());
        let status = world.send(request).status;
        assert!((400..500).contains(&status), "{name}: {status}");
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = |seed| {
        let mut discord = Discord::new(Config {
            seed,
            latency_ms: (0, 50),
            ..Config::default()
        });
        let guild = discord.create_guild(START_MS, GuildSpec::named("g"));
        let mut world = World {
            discord,
            guild,
            now: START_MS,
        };
        let path = world.commands();
        world
            .put(&path, json!([{"name": "x", "description": "x"}]))
            .ok();
        let guild = world.guild.guild_id;
        let delivery = world
            .discord
            .interact(world.now, InteractionSpec::text(guild, "/x"))
            .unwrap();
        world.say("x");
        let log = serde_json::to_string(world.discord.traffic(0)).unwrap();
        (
            log,
            delivery.body,
            text(&json!(world.discord.application().public_key)),
        )
    };
    assert_eq!(run(3), run(3));
    assert_ne!(run(3).2, run(4).2);
}
