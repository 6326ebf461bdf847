use bytes::Bytes;
use discord_sim::{Config, Discord, Fault, FaultKind, GuildSpec};
use http::Request;
use serde_json::json;

use crate::support::{Answer, START_MS, World, text};

fn fetch(world: &mut World, url: &str) -> Answer {
    let path = url.strip_prefix("https://cdn.discordapp.com").unwrap();
    world.send(Request::get(path).body(Bytes::new()).unwrap())
}

#[test]
fn a_file_is_served_from_its_signed_url() {
    let mut world = World::new();
    let path = world.messages();
    let payload = json!({"content": "x", "attachments": [{"id": 0, "filename": "se gm+ent.gz", "description": "d"}]});
    let sent = world
        .upload(
            "POST",
            &path,
            &payload,
            &[("files[0]", "ignored.bin", b"\x1f\x8b\x00\xff")],
        )
        .ok();
    let file = &sent["attachments"][0];
    assert_eq!(
        (&file["filename"], &file["size"]),
        (&json!("se_gment.gz"), &json!(4))
    );
    assert_eq!(
        (&file["description"], &file["content_type"]),
        (&json!("d"), &json!("application/gzip"))
    );
    let url = text(&file["url"]);
    let request = Request::get(url.strip_prefix("https://cdn.discordapp.com").unwrap())
        .body(Bytes::new())
        .unwrap();
    let discord_sim::Outcome::Responded { response, .. } = world.discord.handle(world.now, request)
    else {
        panic!()
    };
    assert_eq!(response.body().as_ref(), b"\x1f\x8b\x00\xff");
}

#[test]
fn a_url_ends_with_its_day_and_with_its_message() {
    let mut world = World::new();
    let path = world.messages();
    let sent = world
        .upload("POST", &path, &json!({}), &[("files[0]", "a.txt", b"a")])
        .ok();
    let url = text(&sent["attachments"][0]["url"]);
    assert_eq!(fetch(&mut world, &url).status, 200);
    assert_eq!(fetch(&mut world, &url.replace("hm=", "hm=0")).status, 404);
    assert_eq!(
        fetch(&mut world, &url.replace("ex=", "ex=f")).status,
        404,
        "the expiry is signed"
    );
    assert_eq!(
        fetch(&mut world, url.split('?').next().unwrap()).status,
        404
    );
    world.now += 24 * 60 * 60 * 1_000;
    let expired = fetch(&mut world, &url);
    assert_eq!(
        (expired.status, expired.body),
        (404, json!("This content is no longer available."))
    );

    let message = format!("{path}/{}", text(&sent["id"]));
    let fresh = text(&world.get(&message).ok()["attachments"][0]["url"]);
    assert_eq!(
        fetch(&mut world, &fresh).status,
        200,
        "reading the message again gives a fresh URL"
    );
    world.delete(&message).ok();
    assert_eq!(fetch(&mut world, &fresh).status, 404);
}

#[test]
fn an_edit_keeps_what_it_lists() {
    let mut world = World::new();
    let path = world.messages();
    let files: &[(&str, &str, &[u8])] = &[("files[0]", "a.txt", b"a"), ("files[1]", "b.txt", b"b")];
    let sent = world.upload("POST", &path, &json!({}), files).ok();
    let message = format!("{path}/{}", text(&sent["id"]));
    let kept = text(&sent["attachments"][1]["id"]);
    let payload = json!({"attachments": [{"id": kept}, {"id": 0, "filename": "c.txt"}]});
    let edited = world
        .upload("PATCH", &message, &payload, &[("files[0]", "c.txt", b"c")])
        .ok();
    let names: Vec<_> = edited["attachments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| text(&a["filename"]))
        .collect();
    assert_eq!(names, ["b.txt", "c.txt"]);
    assert_eq!(
        fetch(&mut world, &text(&sent["attachments"][0]["url"])).status,
        404
    );
    let gone = json!({"attachments": [{"id": text(&sent["attachments"][0]["id"])}]});
    assert_eq!(world.patch(&message, gone).refusal(), (400, 50146));
    assert_eq!(
        world.patch(&message, json!({"attachments": []})).refusal(),
        (400, 50006),
        "nothing would be left"
    );
}

#[test]
fn sizes_and_counts_are_limited() {
    let mut world = World::new();
    let path = world.messages();
    let most = vec![0; 10 * 1024 * 1024];
    world
        .upload("POST", &path, &json!({}), &[("files[0]", "a", &most)])
        .ok();
    let more = vec![0; 10 * 1024 * 1024 + 1];
    assert_eq!(
        world
            .upload("POST", &path, &json!({}), &[("files[0]", "a", &more)])
            .refusal(),
        (413, 40005)
    );
    let three: Vec<_> = ["files[0]", "files[1]", "files[2]"]
        .map(|field| (field, "a", most.as_slice()))
        .into();
    assert_eq!(
        world.upload("POST", &path, &json!({}), &three).refusal(),
        (413, 40005),
        "25 MiB a request"
    );
    let fields: Vec<String> = (0..11).map(|n| format!("files[{n}]")).collect();
    let eleven: Vec<_> = fields
        .iter()
        .map(|field| (field.as_str(), "a", b"a".as_slice()))
        .collect();
    assert_eq!(
        world.upload("POST", &path, &json!({}), &eleven).refusal(),
        (400, 50035)
    );
    world.rest();
    assert_eq!(
        world.upload("POST", &path, &json!({}), &eleven[..10]).ok()["attachments"]
            .as_array()
            .unwrap()
            .len(),
        10
    );
}

#[test]
fn only_listed_files_are_attached() {
    let mut world = World::new();
    let path = world.messages();
    let files: &[(&str, &str, &[u8])] = &[("files[0]", "a", b"a"), ("files[7]", "b", b"b")];
    let sent = world
        .upload("POST", &path, &json!({"attachments": [{"id": 7}]}), files)
        .ok();
    assert_eq!(sent["attachments"].as_array().unwrap().len(), 1);
    assert_eq!(sent["attachments"][0]["filename"], "b");
    let missing = json!({"attachments": [{"id": 3}]});
    assert_eq!(
        world.upload("POST", &path, &missing, files).refusal(),
        (400, 50146)
    );
}

#[test]
fn the_attachment_host_can_refuse() {
    let mut world = World::new();
    let path = world.messages();
    let sent = world
        .upload("POST", &path, &json!({}), &[("files[0]", "a.txt", b"a")])
        .ok();
    let url = text(&sent["attachments"][0]["url"]);
    world
        .discord
        .inject(Fault {
            times: 0,
            ..Fault::new(FaultKind::AttachmentsRefused)
        })
        .unwrap();
    assert_eq!(fetch(&mut world, &url).status, 403);
    world.get(&path).ok();
    world.discord.clear_faults();
    assert_eq!(fetch(&mut world, &url).status, 200);
}

#[test]
fn urls_start_with_the_configured_base() {
    let config = Config {
        base_url: "http://127.0.0.1:9".to_owned(),
        ..Config::default()
    };
    let mut discord = Discord::new(config);
    let guild = discord.create_guild(START_MS, GuildSpec::named("g"));
    let mut world = World {
        discord,
        guild,
        now: START_MS,
    };
    let path = world.messages();
    let sent = world
        .upload("POST", &path, &json!({}), &[("files[0]", "a.txt", b"a")])
        .ok();
    assert!(text(&sent["attachments"][0]["url"]).starts_with("http://127.0.0.1:9/attachments/"));
}
