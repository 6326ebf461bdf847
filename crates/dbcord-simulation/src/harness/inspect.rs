//! What tests do to a guild by hand, and how they look at it.

use std::collections::HashMap;

use bytes::Bytes;
use dbcord::discord::client::USER_AGENT;
use discord_sim::{Direction, Fault, FaultKind, Id, Outcome, View};
use http::{Request, Response};
use serde_json::{Value, json};

use super::outside::Observed;
use super::world::World;

/// How often a person tries to fetch a file.
const FETCHES: u32 = 20;

impl World {
    pub fn fault(&mut self, fault: Fault) {
        let injected = self.outside().discord.borrow_mut().inject(fault);
        injected.expect("a fault that the simulator knows");
    }

    /// A fault for messages posted to a channel.
    pub fn fault_on_posts(&mut self, channel: &str, fault: Fault) {
        let channel = self.channel_id(channel);
        self.fault(Fault {
            method: Some("POST".to_owned()),
            path: Some(format!("^/channels/{channel}/messages$")),
            ..fault
        });
    }

    /// A fault for POSTs to the log of `prod`; a delay is one of 6 seconds.
    pub fn fault_on_log_post(&mut self, kind: FaultKind, times: u64) {
        let fault = Fault {
            times,
            ms: Some(6_000),
            ..Fault::new(kind)
        };
        self.fault_on_posts("dbc-log", fault);
    }

    /// From now on nobody can fetch files, until the faults are cleared.
    pub fn refuse_files(&mut self) {
        self.fault(Fault {
            times: 0,
            ..Fault::new(FaultKind::AttachmentsRefused)
        });
    }

    pub fn clear_faults(&mut self) {
        self.outside().discord.borrow_mut().clear_faults();
    }

    /// Does something by hand, as the guild's owner.
    pub fn by_hand(&mut self, method: &str, path: &str, body: Option<Value>) -> Response<Bytes> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/v10{path}"));
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let request = request.body(body.into()).expect("a plain request");
        let owner = self.guild.users["owner"];
        let now = self.now();
        self.outside()
            .discord
            .borrow_mut()
            .act_as(now, owner, request)
    }

    /// Takes a permission away from the bot in one channel, by hand; with 0, gives all back.
    pub fn deny_bot(&mut self, channel: &str, bit: u64) {
        let channel = self.channel_id(channel);
        assert!(self.deny_bot_in(&channel, bit));
    }

    /// The same in the channel with this id; whether it is there.
    pub fn deny_bot_in(&mut self, channel: &str, bit: u64) -> bool {
        let bot = self.with_discord(|discord| discord.application().bot_user_id);
        let path = format!("/channels/{channel}/permissions/{bot}");
        let allow = discord_sim::permissions::BOT_DEFAULT & !bit;
        let body = json!({ "type": 1, "allow": allow.to_string(), "deny": bit.to_string() });
        self.by_hand("PUT", &path, Some(body)).status().is_success()
    }

    /// Posts a message with the bot's token that no object knows of.
    pub fn post_as_bot(&mut self, channel: &str, content: &str) {
        let token = self.with_discord(|discord| discord.application().bot_token.clone());
        let path = format!("/api/v10/channels/{}/messages", self.channel_id(channel));
        let request = Request::post(path)
            .header("authorization", format!("Bot {token}"))
            .header("user-agent", USER_AGENT)
            .header("content-type", "application/json")
            .body(
                json!({ "content": content, "allowed_mentions": { "parse": [] } })
                    .to_string()
                    .into(),
            )
            .expect("a plain request");
        let now = self.now();
        match self.with_discord(|discord| discord.handle(now, request)) {
            Outcome::Responded { response, .. } => assert_eq!(response.status(), 200),
            _ => panic!("the message got lost"),
        }
    }

    /// Deletes a channel by hand.
    pub fn delete_channel(&mut self, name: &str) {
        let path = format!("/channels/{}", self.channel_id(name));
        assert!(self.by_hand("DELETE", &path, None).status().is_success());
    }

    /// Deletes by hand the first message of a channel that contains the text.
    pub fn delete_message(&mut self, channel: &str, text: &str) {
        let found = self.channel(channel).expect("a channel");
        let mut messages = found["messages"].as_array().expect("messages").iter();
        let contains = |message: &&Value| {
            let content = message["content"].as_str().unwrap_or_default();
            content.contains(text)
        };
        let message = messages.find(contains).expect("a message")["id"].clone();
        let message = message.as_str().expect("an id");
        let path = format!("/channels/{}/messages/{message}", self.channel_id(channel));
        assert!(self.by_hand("DELETE", &path, None).status().is_success());
    }

    /// Deletes by hand every message of a channel whose content is so.
    pub fn delete_messages(&mut self, channel: &str, is_so: impl Fn(&str) -> bool) {
        let found = self.channel(channel).expect("a channel");
        let messages = found["messages"].as_array().expect("messages");
        for message in messages {
            if is_so(message["content"].as_str().unwrap_or_default()) {
                let message = message["id"].as_str().expect("an id");
                let path = format!("/channels/{}/messages/{message}", self.channel_id(channel));
                assert!(self.by_hand("DELETE", &path, None).status().is_success());
            }
        }
    }

    /// The channel of this name, with its messages, oldest first.
    pub fn channel(&self, name: &str) -> Option<Value> {
        let state = self.state();
        let channels = state["channels"].as_array()?;
        channels.iter().find(|c| c["name"] == name).cloned()
    }

    /// The id of the channel of this name.
    pub fn channel_id(&self, name: &str) -> String {
        let channel = self
            .channel(name)
            .unwrap_or_else(|| panic!("there is no #{name}"));
        channel["id"].as_str().expect("an id").to_owned()
    }

    /// The contents of a channel's messages, oldest first.
    pub fn messages(&self, channel: &str) -> Vec<String> {
        let channel = self.channel(channel).unwrap_or_default();
        let messages = channel["messages"].as_array().cloned().unwrap_or_default();
        let content = |message: &Value| message["content"].as_str().unwrap_or_default().to_owned();
        messages.iter().map(content).collect()
    }

    /// How many checkpoints stand in the log.
    pub fn checkpoints(&self) -> usize {
        let log = self.messages("dbc-log");
        let is_checkpoint = |text: &&String| text.contains("· checkpoint of commit");
        log.iter().filter(is_checkpoint).count()
    }

    /// The whole guild as Discord has it.
    pub fn state(&self) -> Value {
        let discord = self.outside().discord.borrow();
        discord.guild_state(self.guild.guild_id)
    }

    /// Requests of the object's so far: method, path, status.
    pub fn requests(&self) -> Vec<(String, String, Option<u16>)> {
        let discord = self.outside().discord.borrow();
        let sent = discord
            .traffic(0)
            .iter()
            .filter(|e| e.direction != Direction::Interaction);
        sent.map(|e| (e.method.clone(), e.path.clone(), e.status))
            .collect()
    }

    /// What the host saw of the requests.
    pub fn observed(&self) -> std::cell::Ref<'_, Observed> {
        self.outside().observed.borrow()
    }

    /// The answer to an interaction, once it has one or can have none any more.
    pub fn answer_so_far(&mut self, id: Id) -> Option<View> {
        let now = self.now();
        let view = self.with_discord(|discord| {
            discord.advance(now);
            discord.interaction(id)
        });
        view.filter(|view| matches!(view.state, "answered" | "failed"))
    }

    /// The file of a reply, as the person's client would fetch it.
    pub fn reply_file(&mut self, view: &View) -> Option<String> {
        let file = view.reply.as_ref()?["attachments"].as_array()?.first()?;
        let url = file["url"].as_str()?;
        let now = self.now();
        // A fault that was meant for the database may strike here.
        (0..FETCHES).find_map(|_| {
            let request = Request::get(url)
                .header("user-agent", USER_AGENT)
                .body(Bytes::new())
                .ok()?;
            match self.with_discord(|discord| discord.handle(now, request)) {
                Outcome::Responded { response, .. } if response.status() == 200 => {
                    String::from_utf8(response.into_body().to_vec()).ok()
                }
                _ => None,
            }
        })
    }

    /// Everything that went over the wire, as text.
    pub fn traffic(&self) -> String {
        let discord = self.outside().discord.borrow();
        serde_json::to_string(discord.traffic(0)).expect("traffic is JSON")
    }
}

/// The messages of a table's channel, by key.
pub fn shown_rows(world: &World, table: &str) -> HashMap<String, Vec<String>> {
    let mut rows: HashMap<String, Vec<String>> = HashMap::new();
    for content in world.messages(&format!("table-{table}")) {
        let key = content.split("** · rev ").next().unwrap_or_default();
        let key = key.trim_start_matches("**").to_owned();
        rows.entry(key).or_default().push(content);
    }
    rows
}
