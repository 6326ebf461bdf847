//! The HTTP face: the real binary on a loopback port, and an endpoint of the test's own for interactions.
#![cfg(feature = "server")]
#![expect(
    clippy::disallowed_methods,
    reason = "the real server is timed by the real clock"
)]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::post;
use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

struct Server {
    child: Child,
    ready: Value,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_discord-sim"));
    command
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

impl Server {
    fn start(args: &[&str]) -> Server {
        let mut child = command(args)
            .arg("--exit-when-stdin-closes")
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let ready = serde_json::from_str(&line).unwrap();
        Server {
            child,
            ready,
            client: Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.ready["url"].as_str().unwrap())
    }

    async fn send(&self, request: Request<Full<Bytes>>) -> Result<(u16, Value), String> {
        let answer = self
            .client
            .request(request)
            .await
            .map_err(|error| error.to_string())?;
        let status = answer.status().as_u16();
        let bytes = answer
            .into_body()
            .collect()
            .await
            .map_err(|error| error.to_string())?
            .to_bytes();
        Ok((
            status,
            serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        ))
    }

    async fn sim(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let body = if body.is_null() {
            Bytes::new()
        } else {
            Bytes::from(body.to_string())
        };
        let request = Request::builder()
            .method(method)
            .uri(self.url(&format!("/sim{path}")));
        self.send(request.body(Full::new(body)).unwrap())
            .await
            .unwrap()
    }

    async fn api(&self, method: &str, path: &str, body: Value) -> Result<(u16, Value), String> {
        let request = Request::builder()
            .method(method)
            .uri(self.url(&format!("/api/v10{path}")))
            .header(
                "authorization",
                format!("Bot {}", self.ready["bot_token"].as_str().unwrap()),
            )
            .header("user-agent", "DiscordBot (https://example.com, 1)")
            .header("content-type", "application/json");
        let body = if body.is_null() {
            Bytes::new()
        } else {
            Bytes::from(body.to_string())
        };
        self.send(request.body(Full::new(body)).unwrap()).await
    }

    async fn guild(&self) -> Value {
        let (status, guild) = self
            .sim(
                "POST",
                "/guilds",
                json!({"members": [{"name": "alice", "permissions": "32"}]}),
            )
            .await;
        assert_eq!(status, 200, "{guild}");
        guild
    }
}

/// An application that answers as the command's name says.
async fn application(public_key: &str) -> String {
    use ed25519_dalek::{Signature, VerifyingKey};
    let key: [u8; 32] = hex::decode(public_key).unwrap().try_into().unwrap();
    let key = Arc::new(VerifyingKey::from_bytes(&key).unwrap());
    let answer = move |headers: HeaderMap, body: Bytes| {
        let key = key.clone();
        async move {
            let signature = hex::decode(headers["x-signature-ed25519"].as_bytes()).unwrap();
            let mut message = headers["x-signature-timestamp"].as_bytes().to_vec();
            message.extend_from_slice(&body);
            if key
                .verify_strict(&message, &Signature::from_slice(&signature).unwrap())
                .is_err()
            {
                return (http::StatusCode::UNAUTHORIZED, axum::Json(json!({})));
            }
            let body: Value = serde_json::from_slice(&body).unwrap();
            let answer = match body["data"]["name"].as_str() {
                None => json!({"type": 1}),
                Some("defer") => json!({"type": 5}),
                Some("slow") => {
                    tokio::time::sleep(Duration::from_millis(3_300)).await;
                    json!({"type": 4, "data": {"content": "late"}})
                }
                Some(name) => json!({"type": 4, "data": {"content": format!("ran {name}")}}),
            };
            (http::StatusCode::OK, axum::Json(answer))
        }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/interactions", listener.local_addr().unwrap());
    let router = Router::new().route("/interactions", post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn a_command_goes_out_and_its_answer_comes_back() {
    let server = Server::start(&["--seed", "11"]);
    let guild = server.guild().await;
    let guild_id = guild["guild_id"].as_str().unwrap();
    let application_id = server.ready["application_id"].as_str().unwrap();
    let mut commands: Vec<_> = ["plain", "defer", "slow"]
        .iter()
        .map(|name| json!({"name": name, "description": "x"}))
        .collect();
    commands[0]["options"] = json!([{"type": 11, "name": "file", "description": "x"}]);
    let path = format!("/applications/{application_id}/guilds/{guild_id}/commands");
    assert_eq!(
        server.api("PUT", &path, json!(commands)).await.unwrap().0,
        200
    );

    let spec = |text: &str| json!({"guild_id": guild_id, "text": text});
    let (status, refused) = server.sim("POST", "/interactions", spec("/plain")).await;
    assert_eq!(
        (status, refused["problem"].is_string()),
        (400, true),
        "no endpoint yet"
    );
    let url = application(server.ready["public_key"].as_str().unwrap()).await;
    let set = server.sim("PUT", "/endpoint", json!({"url": url})).await;
    assert_eq!(set, (200, json!({"ok": true})));

    let (_, view) = server.sim("POST", "/interactions", spec("/plain")).await;
    assert_eq!(
        (&view["state"], &view["reply"]["content"]),
        (&json!("answered"), &json!("ran plain"))
    );
    let mut with_file = spec("/plain file:@f");
    let megabytes = "AAAA".repeat(1024 * 1024);
    with_file["files"] = json!({"f": {"filename": "f.bin", "base64": megabytes}});
    let (status, filed) = server.sim("POST", "/interactions", with_file).await;
    assert_eq!(
        (status, &filed["reply"]["content"]),
        (200, &json!("ran plain"))
    );
    let again = server
        .sim(
            "POST",
            &format!("/interactions/{}/redeliver", view["id"].as_str().unwrap()),
            Value::Null,
        )
        .await;
    assert_eq!((again.0, &again.1["status"]), (200, &json!(200)));
    let (status, refused) = server.sim("POST", "/interactions", spec("/unknown")).await;
    assert_eq!(status, 404, "{refused}");

    let (_, view) = server.sim("POST", "/interactions", spec("/defer")).await;
    assert_eq!(
        (&view["state"], &view["reply"]),
        (&json!("deferred"), &Value::Null)
    );
    let id = view["id"].as_str().unwrap();
    let waiting = format!("/interactions/{id}?wait_ms=20000");
    let patch = format!(
        "/webhooks/{application_id}/{}/messages/@original",
        view["token"].as_str().unwrap()
    );
    let started = Instant::now();
    let (waited, patched) = tokio::join!(
        server.sim("GET", &waiting, Value::Null),
        server.api("PATCH", &patch, json!({"content": "done"}))
    );
    assert_eq!(patched.unwrap().0, 200);
    assert_eq!(
        (&waited.1["state"], &waited.1["reply"]["content"]),
        (&json!("answered"), &json!("done"))
    );
    assert!(
        started.elapsed() < Duration::from_secs(10),
        "it did not wait to the end"
    );

    let (_, view) = server.sim("POST", "/interactions", spec("/slow")).await;
    assert_eq!(view["state"], "failed");
    tokio::time::sleep(Duration::from_millis(600)).await;
    let (_, traffic) = server.sim("GET", "/traffic", Value::Null).await;
    let last = traffic["exchanges"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone();
    assert_eq!(
        (&last["direction"], &last["late"]),
        (&json!("interaction"), &json!(true))
    );
    let (_, view) = server
        .sim(
            "GET",
            &format!("/interactions/{}", view["id"].as_str().unwrap()),
            Value::Null,
        )
        .await;
    assert_eq!(
        (&view["state"], &view["reply"]),
        (&json!("failed"), &Value::Null),
        "a late answer is void"
    );
}

#[tokio::test]
async fn an_endpoint_that_takes_bad_signatures_is_refused() {
    let server = Server::start(&[]);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let router = Router::new().route("/", post(|| async { axum::Json(json!({"type": 1})) }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let (status, refused) = server.sim("PUT", "/endpoint", json!({"url": url})).await;
    assert_eq!(status, 400);
    assert!(
        refused["problem"]
            .as_str()
            .unwrap()
            .contains("badly signed"),
        "{refused}"
    );
    for url in ["http://127.0.0.1:1/", "http://example.com/", "nonsense"] {
        assert_eq!(
            server.sim("PUT", "/endpoint", json!({"url": url})).await.0,
            400,
            "{url}"
        );
    }
}

#[tokio::test]
async fn lost_answers_close_the_connection() {
    let server = Server::start(&[]);
    let guild = server.guild().await;
    let path = format!(
        "/channels/{}/messages",
        guild["channel_id"].as_str().unwrap()
    );
    for (fault, messages) in [("lost_request", 0), ("lost_response", 1)] {
        assert_eq!(
            server
                .sim("POST", "/faults", json!({"fault": fault, "method": "POST"}))
                .await
                .0,
            200
        );
        assert!(
            server
                .api("POST", &path, json!({"content": "x"}))
                .await
                .is_err()
        );
        let (status, page) = server.api("GET", &path, Value::Null).await.unwrap();
        assert_eq!(
            (status, page.as_array().unwrap().len()),
            (200, messages),
            "{fault}"
        );
    }
    assert_eq!(
        server
            .sim("POST", "/faults", json!({"fault": "bad luck"}))
            .await
            .0,
        400
    );
    assert_eq!(server.sim("DELETE", "/faults", Value::Null).await.0, 200);
}

#[tokio::test]
async fn controls_show_and_change_the_guild() {
    let server = Server::start(&["--latency-ms", "1..3"]);
    let guild = server.guild().await;
    let (id, general) = (
        guild["guild_id"].as_str().unwrap(),
        guild["channel_id"].as_str().unwrap(),
    );
    let path = format!("/channels/{general}/messages");
    let (_, message) = server
        .api("POST", &path, json!({"content": "x"}))
        .await
        .unwrap();
    let (_, state) = server
        .sim("GET", &format!("/guilds/{id}"), Value::Null)
        .await;
    assert_eq!(state["channels"][0]["messages"][0]["content"], "x");
    let delete = format!("{path}/{}", message["id"].as_str().unwrap());
    let act =
        |user: &str| json!({"user_id": guild["users"][user], "method": "DELETE", "path": delete});
    assert_eq!(
        server.sim("POST", "/act", act("alice")).await.1["status"],
        403
    );
    assert_eq!(
        server.sim("POST", "/act", act("owner")).await.1,
        json!({"status": 204, "body": null})
    );
    let bits = json!({"permissions": "1024"});
    assert_eq!(
        server
            .sim("PUT", &format!("/guilds/{id}/bot-permissions"), bits)
            .await
            .0,
        200
    );
    assert_eq!(
        server
            .api("POST", &path, json!({"content": "x"}))
            .await
            .unwrap()
            .0,
        403
    );
    let (_, before) = server.sim("GET", "", Value::Null).await;
    let (_, moved) = server
        .sim("POST", "/clock", json!({"advance_ms": 86_400_000}))
        .await;
    assert!(moved["now"].as_u64().unwrap() >= before["now"].as_u64().unwrap() + 86_400_000);
    let plan = json!({"rates": {"lost_request": 1.0}});
    assert_eq!(server.sim("PUT", "/fault-plan", plan).await.0, 200);
    assert!(server.api("GET", "/users/@me", Value::Null).await.is_err());
    let too_much = json!({"rates": {"lost_request": 2.0}});
    assert_eq!(server.sim("PUT", "/fault-plan", too_much).await.0, 400);
    let ended = server.sim("DELETE", "/fault-plan", Value::Null).await.0;
    let (status, _) = server.api("GET", "/users/@me", Value::Null).await.unwrap();
    assert_eq!((ended, status), (200, 200));
    assert_eq!(before["counts"]["guilds"], 1);
    assert_eq!(server.sim("GET", "/guilds/1", Value::Null).await.0, 404);
    assert_eq!(server.sim("GET", "/nonsense", Value::Null).await.0, 404);
    assert_eq!(
        server.sim("POST", "/guilds", json!({"nam": "x"})).await.0,
        400
    );
}

#[tokio::test]
async fn search_and_its_oddities_are_switched_from_outside() {
    let server = Server::start(&["--message-content-intent"]);
    let guild = server.guild().await;
    let path = format!(
        "/guilds/{}/messages/search",
        guild["guild_id"].as_str().unwrap()
    );
    let messages = format!(
        "/channels/{}/messages",
        guild["channel_id"].as_str().unwrap()
    );
    let search = async |query: &str| {
        let path = format!("{path}?{query}");
        server.api("GET", &path, Value::Null).await.unwrap()
    };
    let say = async |content: &str| {
        let sent = server
            .api("POST", &messages, json!({"content": content}))
            .await;
        assert_eq!(sent.unwrap().0, 200);
    };
    let (status, body) = search("").await;
    assert_eq!(
        (status, &body["code"]),
        (202, &json!(110_000)),
        "odd by default"
    );

    let calm = server.sim("DELETE", "/search-plan", Value::Null).await;
    assert_eq!(calm.0, 200);
    say("alpha").await;
    let (status, body) = search("content=ALPHA").await;
    assert_eq!((status, &body["total_results"]), (200, &json!(1)));
    assert_eq!(body["messages"][0][0]["content"], "alpha");

    let late = json!({"rates": {"lag": 1}, "ms": {"lag": [35_000, 35_000]}});
    assert_eq!(server.sim("PUT", "/search-plan", late).await.0, 200);
    say("beta").await;
    assert_eq!(search("content=beta").await.1["total_results"], 0);
    server
        .sim("POST", "/clock", json!({"advance_ms": 35_000}))
        .await;
    assert_eq!(search("content=beta").await.1["total_results"], 1);

    for wrong in [
        json!({"rates": {"lag": 2}}),
        json!({"rates": {"nonsense": 1}}),
        json!({"seed": 1}),
    ] {
        let (status, body) = server.sim("PUT", "/search-plan", wrong).await;
        assert!(status == 400 && body["problem"].is_string(), "{body}");
    }
    let off = json!({"message_content_intent": false});
    assert_eq!(server.sim("PUT", "/application", off).await.0, 200);
    assert_eq!(search("content=beta").await.0, 403);
}

#[tokio::test]
async fn every_exchange_is_a_line_in_the_traffic_file() {
    let file =
        std::env::temp_dir().join(format!("discord-sim-traffic-{}.jsonl", std::process::id()));
    let server = Server::start(&["--traffic", file.to_str().unwrap()]);
    server.api("GET", "/users/@me", Value::Null).await.unwrap();
    server.api("GET", "/nonsense", Value::Null).await.unwrap();
    let lines: Vec<Value> = std::fs::read_to_string(&file)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    drop(std::fs::remove_file(&file));
    let seen: Vec<_> = lines
        .iter()
        .map(|line| (line["n"].clone(), line["status"].clone()))
        .collect();
    assert_eq!(seen, [(json!(0), json!(200)), (json!(1), json!(404))]);
}

#[test]
fn it_ends_when_its_standard_input_closes() {
    let mut server = Server::start(&[]);
    drop(server.child.stdin.take());
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(5) {
        if let Some(status) = server.child.try_wait().unwrap() {
            assert_eq!(status.code(), Some(0));
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("still running");
}

#[test]
fn a_taken_port_and_wrong_arguments_end_with_2() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = command(&["--port", &port]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(
        message.contains(&port) && message.contains("in use"),
        "{message}"
    );
    assert!(output.stdout.is_empty());
    assert_eq!(
        command(&["--nonsense"]).output().unwrap().status.code(),
        Some(2)
    );
    assert_eq!(
        command(&["--help"]).output().unwrap().status.code(),
        Some(0)
    );
}
