use bytes::Bytes;
use http::Request;
use serde_json::json;

use crate::support::{USER_AGENT, World};

#[test]
fn form_errors_nest_under_the_path_of_the_field() {
    let mut world = World::new();
    let path = world.messages();
    let refused = world.post(
        &path,
        json!({"content": 5, "embeds": [{"title": "t"}, {"fields": [{"name": "n"}]}]}),
    );
    assert_eq!(
        refused.body,
        json!({
            "code": 50035,
            "message": "Invalid Form Body",
            "errors": {
                "content": {"_errors": [{"code": "STRING_TYPE_CONVERT", "message": "Could not convert the value to a string."}]},
                "embeds": {"1": {"fields": {"0": {"value": {
                    "_errors": [{"code": "BASE_TYPE_REQUIRED", "message": "This field is required"}],
                }}}}},
            },
        })
    );
}

#[test]
fn a_node_has_errors_or_fields_with_errors() {
    let mut world = World::new();
    let path = world.commands();
    let refused = world.put(&path, json!([[], {"name": "x"}]));
    let errors = &refused.body["errors"];
    assert_eq!(errors["0"]["_errors"][0]["code"], "DICT_TYPE_CONVERT");
    assert_eq!(errors["0"].as_object().unwrap().len(), 1);
    assert_eq!(
        errors["1"]["description"]["_errors"][0]["code"],
        "BASE_TYPE_REQUIRED"
    );
}

#[test]
fn requests_that_are_no_json_at_all() {
    let mut world = World::new();
    let path = world.messages();
    let mut send = |content_type: &str, body: &'static str| {
        let request = world
            .request("POST", &path)
            .header("content-type", content_type);
        let request = request.body(Bytes::from_static(body.as_bytes())).unwrap();
        world.rest();
        world.send(request).refusal()
    };
    assert_eq!(send("application/json", "{\"content\": "), (400, 50109));
    assert_eq!(send("application/json", "[1]"), (400, 50035));
    assert_eq!(send("text/plain", "{}"), (400, 50035));
    assert_eq!(send("", "{}"), (400, 50035));
    assert_eq!(send("multipart/form-data", "x"), (400, 50035));
    assert_eq!(
        send("multipart/form-data; boundary=b", "no parts here"),
        (400, 50035)
    );
}

#[test]
fn tokens_and_user_agents_are_needed() {
    let mut world = World::new();
    let mut send = |headers: &[(&'static str, &str)]| {
        let mut request = Request::get("/api/v10/users/@me");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        world.send(request.body(Bytes::new()).unwrap()).refusal()
    };
    assert_eq!(send(&[("user-agent", USER_AGENT)]), (401, 0));
    assert_eq!(
        send(&[("user-agent", USER_AGENT), ("authorization", "Bearer x")]),
        (401, 0)
    );
    for agent in [
        "curl/8",
        "DiscordBot",
        "DiscordBot (https://example.com)",
        "discordbot (https://example.com, 1)",
    ] {
        assert_eq!(send(&[("user-agent", agent)]), (403, 40333), "{agent}");
    }
    assert_eq!(send(&[]), (403, 40333));
}

#[test]
fn routes_that_do_not_exist() {
    let mut world = World::new();
    let general = world.general();
    for path in [
        "/",
        "/users",
        "/nonsense",
        "/channels//messages",
        &format!("/channels/{general}/pins"),
    ] {
        let answer = world.get(path);
        assert_eq!(
            (answer.status, &answer.body["message"]),
            (404, &json!("404: Not Found")),
            "{path}"
        );
    }
    assert_eq!(
        world
            .post(&format!("/channels/{general}/threads"), json!({}))
            .status,
        404
    );
    assert_eq!(world.put(&world.messages(), json!({})).refusal(), (405, 0));
    assert_eq!(
        world
            .get("/channels/abc")
            .body
            .pointer("/errors/channel_id/_errors/0/code"),
        Some(&json!("NUMBER_TYPE_COERCE"))
    );
    assert_eq!(world.get("/channels/1").refusal(), (404, 10003));
    let other_version = Request::get("/api/v6/users/@me")
        .header("user-agent", USER_AGENT)
        .body(Bytes::new())
        .unwrap();
    assert_eq!(world.send(other_version).refusal(), (400, 50041));
}
