use bytes::Bytes;
use discord_sim::{Delivery, Id, InteractionSpec, View};
use ed25519_dalek::{Signature, VerifyingKey};
use http::Response;
use serde_json::{Value, json};

use crate::support::{World, multipart, text};

fn world() -> World {
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

fn run(world: &mut World, text: &str) -> Delivery {
    world
        .discord
        .interact(world.now, InteractionSpec::text(world.guild.guild_id, text))
        .unwrap()
}

fn refused(world: &mut World, text: &str) -> String {
    world
        .discord
        .interact(world.now, InteractionSpec::text(world.guild.guild_id, text))
        .unwrap_err()
        .text
}

fn payload(delivery: &Delivery) -> Value {
    serde_json::from_slice(&delivery.body).unwrap()
}

fn answer(world: &mut World, id: Id, body: &Value) -> View {
    let response = Response::builder().header("content-type", "application/json");
    let response = response.body(Bytes::from(body.to_string())).unwrap();
    world
        .discord
        .answered(world.now, id, Some(response))
        .unwrap()
}

fn original(world: &World, token: &str) -> String {
    format!(
        "/webhooks/{}/{token}/messages/@original",
        world.discord.application().id
    )
}

#[test]
fn a_delivery_is_signed_over_timestamp_and_body() {
    let mut world = world();
    let delivery = run(&mut world, "/plain");
    let key: [u8; 32] = hex::decode(&world.discord.application().public_key)
        .unwrap()
        .try_into()
        .unwrap();
    let key = VerifyingKey::from_bytes(&key).unwrap();
    let signature = hex::decode(delivery.headers["x-signature-ed25519"].as_bytes()).unwrap();
    let signature = Signature::from_slice(&signature).unwrap();
    let mut message = delivery.headers["x-signature-timestamp"]
        .as_bytes()
        .to_vec();
    message.extend_from_slice(&delivery.body);
    key.verify_strict(&message, &signature).unwrap();
    message.push(b' ');
    assert!(key.verify_strict(&message, &signature).is_err());

    let forged = world.discord.ping(world.now, false);
    let mut message = forged.headers["x-signature-timestamp"].as_bytes().to_vec();
    message.extend_from_slice(&forged.body);
    let signature = hex::decode(forged.headers["x-signature-ed25519"].as_bytes()).unwrap();
    assert!(
        key.verify_strict(&message, &Signature::from_slice(&signature).unwrap())
            .is_err()
    );
}

#[test]
fn a_payload_says_who_where_and_what() {
    let mut world = world();
    let owner = world.guild.users["owner"];
    let delivery = run(&mut world, "/put database:prod count:3");
    let payload = payload(&delivery);
    assert_eq!(
        (&payload["type"], &payload["version"], &payload["context"]),
        (&json!(2), &json!(1), &json!(0))
    );
    assert_eq!(payload["member"]["user"]["id"], json!(owner));
    assert_eq!(
        payload["member"]["permissions"],
        discord_sim::permissions::ALL.to_string()
    );
    assert_eq!(
        payload["app_permissions"],
        discord_sim::permissions::BOT_DEFAULT.to_string()
    );
    assert_eq!(payload["channel"]["id"], json!(world.general()));
    assert_eq!(payload["guild"]["id"], json!(world.guild.guild_id));
    assert_eq!(
        payload["authorizing_integration_owners"],
        json!({"0": world.guild.guild_id})
    );
    assert_eq!(payload["token"], json!(delivery.token));
    assert_eq!(payload["data"]["name"], "put");
    assert_eq!(
        payload["data"]["options"],
        json!([{"name": "database", "type": 3, "value": "prod"}, {"name": "count", "type": 4, "value": 3}])
    );
}

#[test]
fn member_permissions_are_those_in_the_channel() {
    let mut world = world();
    let everyone = world.guild.guild_id;
    let roles = world.get(&format!("/guilds/{everyone}/roles")).ok();
    let members = roles
        .as_array()
        .unwrap()
        .iter()
        .find(|role| role["name"] == "Members")
        .unwrap()["id"]
        .clone();
    let send = discord_sim::permissions::SEND_MESSAGES.to_string();
    let quiet = world.channel(json!({"name": "quiet", "permission_overwrites": [{"id": members, "type": 0, "deny": send}]}));
    let mut spec = InteractionSpec::text(everyone, "/plain");
    spec.user_id = Some(world.guild.users["member"]);
    spec.channel_id = Some(quiet.parse().unwrap());
    let delivery = world.discord.interact(world.now, spec).unwrap();
    let bits: u64 = text(&payload(&delivery)["member"]["permissions"])
        .parse()
        .unwrap();
    let default = discord_sim::permissions::MEMBERS_DEFAULT;
    let lost = discord_sim::permissions::SEND_MESSAGES
        | discord_sim::permissions::ATTACH_FILES
        | discord_sim::permissions::EMBED_LINKS;
    assert_eq!(bits, default & !lost);
}

#[test]
fn values_run_until_the_next_known_option() {
    let mut world = world();
    let delivery = run(
        &mut world,
        "/put database: prod  document:{\"a b\": \"x:y\",\n \"other:z\": 1} dry:TRUE mode:Fast who:member where:#general ratio:0.5",
    );
    let payload = payload(&delivery);
    let value = |name: &str| {
        let options = payload["data"]["options"].as_array().unwrap();
        options
            .iter()
            .find(|option| option["name"] == name)
            .unwrap()["value"]
            .clone()
    };
    assert_eq!(value("database"), "prod");
    assert_eq!(value("document"), "{\"a b\": \"x:y\",\n \"other:z\": 1}");
    assert_eq!(
        (value("dry"), value("mode"), value("ratio")),
        (json!(true), json!("f"), json!(0.5))
    );
    let who = world.guild.users["member"];
    assert_eq!(value("who"), json!(who));
    assert_eq!(
        payload["data"]["resolved"]["users"][who.to_string()]["username"],
        "member"
    );
    assert_eq!(
        payload["data"]["resolved"]["channels"][world.general().to_string()]["name"],
        "general"
    );
}

#[test]
fn what_a_client_would_not_send_is_refused() {
    let mut world = world();
    for (line, says) in [
        ("/unknown", "not registered"),
        ("/put", "database: is required"),
        ("/put table:x", "not one of this command's options"),
        ("/put prod database:x", "not one of this command's options"),
        ("/plain x:1", "not one of this command's options (none)"),
        ("/put database:a database:b", "given twice"),
        ("/put database:", "characters"),
        ("/put database:x count:0", "not between 1 and 9"),
        ("/put database:x count:many", "must be an integer"),
        ("/put database:x dry:perhaps", "neither true nor false"),
        ("/put database:x mode:medium", "none of its choices"),
        ("/put database:x short:long", "has 4 characters"),
        ("/put database:x who:nobody", "no such user"),
        ("/job", "needs a subcommand"),
        ("/job card hide", "none"),
    ] {
        let problem = refused(&mut world, line);
        assert!(problem.contains(says), "{line}: {problem}");
    }
    let long = format!("/put database:x document:{}", "x".repeat(6_001));
    assert!(refused(&mut world, &long).contains("6001 characters"));
    run(&mut world, &long[..long.len() - 1]);

    let mut spec = InteractionSpec::text(world.guild.guild_id, "/admin");
    spec.user_id = Some(world.guild.users["member"]);
    assert_eq!(
        world.discord.interact(world.now, spec).unwrap_err().status,
        403
    );
    run(&mut world, "/admin");
}

#[test]
fn subcommands_nest() {
    let mut world = world();
    let delivery = run(&mut world, "/job start name:n");
    let options = &payload(&delivery)["data"]["options"];
    assert_eq!(
        *options,
        json!([{"name": "start", "type": 1, "options": [{"name": "name", "type": 3, "value": "n"}]}])
    );
    let delivery = run(&mut world, "/job card show");
    let options = &payload(&delivery)["data"]["options"];
    assert_eq!(
        *options,
        json!([{"name": "card", "type": 2, "options": [{"name": "show", "type": 1, "options": []}]}])
    );
}

#[test]
fn structured_options_and_files() {
    let mut world = world();
    let options =
        json!({"database": "prod", "count": 2, "file": {"filename": "a.json", "text": "{}"}});
    let spec = InteractionSpec::command(
        world.guild.guild_id,
        "put",
        options.as_object().unwrap().clone(),
    );
    let delivery = world.discord.interact(world.now, spec).unwrap();
    let payload = payload(&delivery);
    let id = text(&payload["data"]["options"][2]["value"]);
    let file = &payload["data"]["resolved"]["attachments"][&id];
    assert_eq!(
        (&file["filename"], &file["size"]),
        (&json!("a.json"), &json!(2))
    );
    let path = text(&file["url"]);
    let request = http::Request::get(path.strip_prefix("https://cdn.discordapp.com").unwrap());
    assert_eq!(
        world.send(request.body(Bytes::new()).unwrap()).body,
        json!({})
    );
}

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
