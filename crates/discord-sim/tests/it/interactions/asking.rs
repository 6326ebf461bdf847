use bytes::Bytes;
use discord_sim::InteractionSpec;
use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::json;

use super::{payload, refused, run, world};
use crate::support::text;

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
fn an_option_that_has_its_value_is_text_from_then_on() {
    let mut world = world();
    let delivery = run(
        &mut world,
        r#"/put database:a document:{"x":"y database:b"}"#,
    );
    let options = payload(&delivery)["data"]["options"].clone();
    assert_eq!(options[0]["value"], "a");
    assert_eq!(options[1]["value"], r#"{"x":"y database:b"}"#);
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
