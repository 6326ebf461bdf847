//! A guild with a bot in it, and short ways to call the API.

use bytes::Bytes;
use discord_sim::{Config, Discord, Guild, GuildSpec, Id, Outcome};
use http::{HeaderMap, Request, Response};
use serde_json::{Value, json};

/// 2023-11-14; any time will do.
pub const START_MS: u64 = 1_700_000_000_000;
pub const USER_AGENT: &str = "DiscordBot (https://example.com, 1.0)";

pub struct World {
    pub discord: Discord,
    pub guild: Guild,
    pub now: u64,
}

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    pub fn from(response: &Response<Bytes>) -> Answer {
        let text = || Value::String(String::from_utf8_lossy(response.body()).into_owned());
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: match response.body().is_empty() {
                true => Value::Null,
                false => serde_json::from_slice(response.body()).unwrap_or_else(|_| text()),
            },
        }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Status and Discord's error code.
    pub fn refusal(&self) -> (u16, u64) {
        (self.status, self.body["code"].as_u64().unwrap_or(u64::MAX))
    }

    #[track_caller]
    pub fn ok(self) -> Value {
        assert!(
            (200..300).contains(&self.status),
            "{} {}",
            self.status,
            self.body
        );
        self.body
    }
}

impl World {
    pub fn new() -> World {
        World::with(GuildSpec::named("Test guild"))
    }

    pub fn with(spec: GuildSpec) -> World {
        let mut discord = Discord::new(Config::default());
        let guild = discord.create_guild(START_MS, spec);
        World {
            discord,
            guild,
            now: START_MS + 60_000,
        }
    }

    pub fn with_bot_permissions(bits: u64) -> World {
        World::with(GuildSpec {
            bot_permissions: Some(bits),
            ..GuildSpec::named("Test guild")
        })
    }

    pub fn request(&self, method: &str, path: &str) -> http::request::Builder {
        Request::builder()
            .method(method)
            .uri(format!("/api/v10{path}"))
            .header(
                "authorization",
                format!("Bot {}", self.discord.application().bot_token),
            )
            .header("user-agent", USER_AGENT)
    }

    #[track_caller]
    pub fn send(&mut self, request: Request<Bytes>) -> Answer {
        match self.discord.handle(self.now, request) {
            Outcome::Responded { response, .. } => Answer::from(&response),
            lost => panic!("{lost:?}"),
        }
    }

    #[track_caller]
    pub fn get(&mut self, path: &str) -> Answer {
        let request = self.request("GET", path).body(Bytes::new()).unwrap();
        self.send(request)
    }

    #[track_caller]
    pub fn delete(&mut self, path: &str) -> Answer {
        let request = self.request("DELETE", path).body(Bytes::new()).unwrap();
        self.send(request)
    }

    #[track_caller]
    pub fn call(&mut self, method: &str, path: &str, body: Value) -> Answer {
        let request = self
            .request(method, path)
            .header("content-type", "application/json");
        let request = request.body(Bytes::from(body.to_string())).unwrap();
        self.send(request)
    }

    #[track_caller]
    pub fn post(&mut self, path: &str, body: Value) -> Answer {
        self.call("POST", path, body)
    }

    #[track_caller]
    pub fn patch(&mut self, path: &str, body: Value) -> Answer {
        self.call("PATCH", path, body)
    }

    #[track_caller]
    pub fn put(&mut self, path: &str, body: Value) -> Answer {
        self.call("PUT", path, body)
    }

    #[track_caller]
    pub fn upload(
        &mut self,
        method: &str,
        path: &str,
        payload: &Value,
        files: &[(&str, &str, &[u8])],
    ) -> Answer {
        let (content_type, body) = multipart(payload, files);
        let request = self
            .request(method, path)
            .header("content-type", content_type)
            .body(body)
            .unwrap();
        self.send(request)
    }

    pub fn act(&mut self, user: &str, method: &str, path: &str, body: &Value) -> Answer {
        let user = self.guild.users[user];
        let bytes = if body.is_null() {
            Bytes::new()
        } else {
            Bytes::from(body.to_string())
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("content-type", "application/json");
        Answer::from(
            &self
                .discord
                .act_as(self.now, user, request.body(bytes).unwrap()),
        )
    }

    /// Lets all rate limits of ordinary routes open again.
    pub fn rest(&mut self) {
        self.now += 20_000;
    }

    pub fn general(&self) -> Id {
        self.guild.channel_id
    }

    pub fn messages(&self) -> String {
        format!("/channels/{}/messages", self.general())
    }

    /// Posts to `general` and returns the message's id.
    #[track_caller]
    pub fn say(&mut self, content: &str) -> String {
        let path = self.messages();
        let message = self.post(&path, json!({"content": content})).ok();
        text(&message["id"])
    }

    #[track_caller]
    pub fn channel(&mut self, body: Value) -> String {
        let path = format!("/guilds/{}/channels", self.guild.guild_id);
        text(&self.post(&path, body).ok()["id"])
    }

    pub fn commands(&self) -> String {
        format!(
            "/applications/{}/guilds/{}/commands",
            self.discord.application().id,
            self.guild.guild_id
        )
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Content type and body with `payload_json` and files of (field, name, bytes).
pub fn multipart(payload: &Value, files: &[(&str, &str, &[u8])]) -> (&'static str, Bytes) {
    let mut body = Vec::new();
    let head = "--b0undary\r\nContent-Disposition: form-data; name=\"payload_json\"\r\nContent-Type: application/json\r\n\r\n";
    body.extend_from_slice(head.as_bytes());
    body.extend_from_slice(payload.to_string().as_bytes());
    for (field, name, data) in files {
        let head = format!(
            "\r\n--b0undary\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(data);
    }
    body.extend_from_slice(b"\r\n--b0undary--\r\n");
    ("multipart/form-data; boundary=b0undary", Bytes::from(body))
}
