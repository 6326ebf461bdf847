//! Files that people attach to commands.

use bytes::Bytes;
use discord_sim::{InteractionSpec, OptionFile};
use serde_json::{Value, json};

use super::{payload, world};
use crate::support::{Answer, World, text};

fn spec(world: &World, text: &str) -> InteractionSpec {
    InteractionSpec::text(world.guild.guild_id, text)
}

fn fetch(world: &mut World, url: &str) -> Answer {
    let path = url.strip_prefix("https://cdn.discordapp.com").unwrap();
    world.send(http::Request::get(path).body(Bytes::new()).unwrap())
}

/// The resolved attachment that the second option names.
fn attachment(payload: &Value) -> Value {
    let id = text(&payload["data"]["options"][1]["value"]);
    payload["data"]["resolved"]["attachments"][id].clone()
}

#[test]
fn a_typed_command_names_its_file() {
    let mut world = world();
    let spec = spec(&world, "/put database:prod file:@rows.json").file("rows.json", &b"[1]"[..]);
    let delivery = world.discord.interact(world.now, spec).unwrap();
    let payload = payload(&delivery);
    assert_eq!(payload["data"]["options"][1]["type"], 11);
    let file = attachment(&payload);
    assert_eq!(
        (
            &file["filename"],
            &file["size"],
            &file["content_type"],
            &file["ephemeral"]
        ),
        (
            &json!("rows.json"),
            &json!(3),
            &json!("application/json"),
            &json!(true)
        )
    );
    let url = text(&file["url"]);
    assert_eq!(fetch(&mut world, &url).body, json!([1]));
    assert_eq!(
        fetch(&mut world, &url.replace("rows.json", "other.json")).status,
        404
    );
    world.now += 24 * 60 * 60 * 1_000;
    assert_eq!(
        fetch(&mut world, &url).status,
        404,
        "a URL is good for a day"
    );
}

#[test]
fn a_file_can_be_written_as_json() {
    let mut world = world();
    let written = json!({
        "guild_id": world.guild.guild_id,
        "text": "/put database:prod file:@f",
        "files": {"f": {"filename": "ro ws.bin", "base64": "AAECAw==", "content_type": "application/x-rows"}},
    });
    let spec: InteractionSpec = serde_json::from_value(written.clone()).unwrap();
    let delivery = world.discord.interact(world.now, spec).unwrap();
    let file = attachment(&payload(&delivery));
    assert_eq!(
        (&file["filename"], &file["content_type"], &file["size"]),
        (&json!("ro_ws.bin"), &json!("application/x-rows"), &json!(4))
    );
    for wrong in [
        json!({"filename": "f"}),
        json!({"filename": "f", "text": "a", "base64": "YQ=="}),
        json!({"filename": "f", "base64": "*"}),
        json!({"text": "a"}),
        json!({"filename": "f", "text": "a", "colour": 1}),
    ] {
        let mut written = written.clone();
        written["files"]["f"] = wrong.clone();
        assert!(
            serde_json::from_value::<InteractionSpec>(written).is_err(),
            "{wrong}"
        );
    }
}

#[test]
fn slips_and_files_that_discord_would_not_take_are_named() {
    let mut world = world();
    let with = |text: &str, name: &str, data: Vec<u8>| spec(&world, text).file(name, data);
    let calls = [
        (
            spec(&world, "/put database:prod file:@b"),
            "not @ and a name in files",
        ),
        (
            with("/put database:prod file:a", "a", vec![1]),
            "no option's value is @a",
        ),
        (
            with("/put database:prod", "a", vec![1]),
            "no option's value is @a",
        ),
        (
            with("/put database:prod file:@a", "a", vec![]),
            "the file is empty",
        ),
        (
            with(
                "/put database:prod file:@a",
                "a",
                vec![0; 10 * 1024 * 1024 + 1],
            ),
            "10485760 are allowed",
        ),
    ];
    for (spec, reason) in calls {
        let told = world.discord.interact(world.now, spec).unwrap_err().text;
        let named = told.contains(reason);
        assert!(named, "{told}");
    }
    assert_eq!(world.discord.counts()["files"], 0);
    let mut most = spec(&world, "/put database:prod file:@a");
    let data = vec![0; 10 * 1024 * 1024];
    most.files
        .insert("a".to_owned(), OptionFile::new("a", data));
    world.discord.interact(world.now, most).unwrap();
}
