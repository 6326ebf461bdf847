//! A guild, a Discord, and an object that can be made to die.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use dbcord::config::{Config, Secret};
use dbcord::host::UnixMillis;
use dbcord::instance::Instance;
use dbcord::interactions::Interaction;
use discord_sim::{
    Direction, Discord, Fault, FaultKind, Guild, GuildSpec, Id, InteractionSpec, Outcome, View,
};
use futures_executor::LocalPool;
use futures_util::task::LocalSpawnExt;
use http::{Request, Response};
use serde_json::{Value, json};

use super::host::{Crash, Outside, Side, SimHost};

const START_MS: UnixMillis = 1_800_000_000_000;
const HOUR_MS: u64 = 3_600_000;

pub struct World {
    outside: Rc<Outside>,
    pool: LocalPool,
    object: Option<Rc<Instance<SimHost>>>,
    pub guild: Guild,
    alarms: u64,
}

impl World {
    pub fn new(seed: u64) -> World {
        let config = discord_sim::Config {
            seed,
            base_url: "http://discord.test".to_owned(),
            message_content_intent: true,
            latency_ms: (40, 160),
            ..discord_sim::Config::default()
        };
        let mut discord = Discord::new(config);
        let guild = discord.create_guild(START_MS, GuildSpec::named("Test guild"));
        register_commands(&mut discord, &guild);
        let outside = Outside {
            discord: RefCell::new(discord),
            now: Cell::new(START_MS + 60_000),
            timers: RefCell::default(),
            storage: RefCell::default(),
            alarm: Cell::new(None),
            serial: Cell::new(seed),
            steps: Cell::new(0),
            crash: Cell::new(None),
            life: Cell::new(0),
            storage_broken: Cell::new(false),
            wake_fails: Cell::new(false),
            clock_behind: Cell::new(0),
            late_by: Cell::new(None),
            late: RefCell::default(),
        };
        World {
            outside: Rc::new(outside),
            pool: LocalPool::new(),
            object: None,
            guild,
            alarms: 0,
        }
    }

    /// A world with database `prod` and table `users`, all quiet.
    pub fn with_table(seed: u64) -> World {
        let mut world = World::new(seed);
        world.ok("/dbc_init database:prod");
        world.ok("/dbc_table_create database:prod table:users pk:id");
        world.settle();
        world
    }

    /// Types a command as the guild's owner, and waits for what comes of it.
    pub fn run(&mut self, text: &str) -> View {
        self.interact(InteractionSpec::text(self.guild.guild_id, text))
    }

    /// The reply's text.
    pub fn reply(&mut self, text: &str) -> String {
        content(&self.run(text))
    }

    /// Runs a command that must succeed.
    #[track_caller]
    pub fn ok(&mut self, text: &str) -> String {
        let reply = self.reply(text);
        assert!(!reply.starts_with('❌'), "{text}: {reply}");
        reply
    }

    /// Runs a command that must be refused.
    #[track_caller]
    pub fn refused(&mut self, text: &str) -> String {
        let reply = self.reply(text);
        assert!(reply.starts_with('❌'), "{text}: {reply}");
        reply
    }

    pub fn interact(&mut self, spec: InteractionSpec) -> View {
        let id = self.send(spec);
        self.wait_for(id)
    }

    /// Sends a command without waiting.
    pub fn send(&mut self, spec: InteractionSpec) -> Id {
        let delivery = self
            .outside
            .discord
            .borrow_mut()
            .interact(self.now(), spec)
            .expect("Discord's client would not send this");
        self.deliver(delivery.body, delivery.interaction_id);
        delivery.interaction_id
    }

    /// Hands an interaction's body to the object, as the entry would.
    pub fn deliver(&mut self, body: Bytes, id: Id) {
        let interaction = Interaction::parse(&body).expect("the entry would refuse this");
        let object = self.object();
        let outside = Rc::clone(&self.outside);
        self.spawn(async move {
            let callback = object.handle(interaction).await;
            let response = Response::builder()
                .header("content-type", "application/json")
                .body(callback.to_json().to_string().into())
                .expect("a plain response");
            let now = outside.now.get();
            let _ = outside
                .discord
                .borrow_mut()
                .answered(now, id, Some(response));
        });
    }

    /// Hands an interaction's body to the object once more; what it answers.
    pub fn replay(&mut self, id: Id) -> String {
        let body =
            self.with_discord(|discord| discord.delivery(id).expect("it was sent").body.clone());
        let interaction = Interaction::parse(&body).expect("the entry would refuse this");
        let object = self.object();
        let answer = Rc::new(RefCell::new(None));
        let slot = Rc::clone(&answer);
        self.spawn(async move {
            let callback = object.handle(interaction).await;
            slot.replace(Some(callback.to_json()));
        });
        let answered = Rc::clone(&answer);
        self.drive(&move || answered.borrow().is_some(), HOUR_MS);
        let answer = answer.take().unwrap_or_default();
        answer["data"]["content"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Lets time pass until the interaction has its reply, or has failed for good.
    pub fn wait_for(&mut self, id: Id) -> View {
        let outside = Rc::clone(&self.outside);
        let settled = move || {
            let view = outside.discord.borrow().interaction(id);
            view.is_some_and(|view| matches!(view.state, "answered" | "failed"))
        };
        self.drive(&settled, HOUR_MS);
        let mut discord = self.outside.discord.borrow_mut();
        let view = discord.interaction(id).expect("it was sent");
        if view.state == "pending" {
            let now = self.outside.now.get() + 3_001;
            return discord.answered(now, id, None).expect("it was sent");
        }
        view
    }

    /// Lets time pass until nothing is left to do.
    pub fn settle(&mut self) {
        self.drive(&|| false, 24 * HOUR_MS);
    }

    /// Runs tasks, timers and alarms until `done`, a crash, or nothing is left to happen within
    /// `limit_ms`.
    fn drive(&mut self, done: &dyn Fn() -> bool, limit_ms: u64) {
        let deadline = self.now() + limit_ms;
        loop {
            self.pool.run_until_stalled();
            if self.has_crashed() {
                self.bury();
            }
            if done() {
                return;
            }
            let alarm = self.outside.alarm.get();
            let due = [self.outside.next_timer(), alarm, self.outside.next_late()];
            let Some(next) = due.into_iter().flatten().min() else {
                return;
            };
            if next > deadline {
                return;
            }
            self.outside.now.set(next.max(self.now()));
            self.outside.let_late_arrive();
            self.outside.fire_timers();
            if alarm.is_some_and(|alarm| alarm <= self.now()) {
                self.outside.alarm.set(None);
                self.alarms += 1;
                let object = self.object();
                let outside = Rc::clone(&self.outside);
                self.spawn(async move {
                    // The runtime rings again what failed.
                    if object.alarm().await.is_err() {
                        outside.alarm.set(Some(outside.now.get() + 2_000));
                    }
                });
            }
        }
    }

    /// The object loses its memory: evicted, or deployed anew.
    pub fn evict(&mut self) {
        self.bury();
    }

    /// Object storage is wiped with it, alarm and all.
    pub fn wipe_storage(&mut self) {
        self.bury();
        self.outside.storage.borrow_mut().clear();
        self.outside.alarm.set(None);
    }

    /// Object storage is wiped, and the wait that this costs database `prod` is over.
    pub fn lose_storage(&mut self) {
        self.wipe_storage();
        self.reply("/dbc_inspect database:prod");
        self.wait(61_000);
    }

    /// From now on, objects run where the clock is wrong by this much.
    pub fn set_clock_back(&mut self, by_ms: u64) {
        self.outside.clock_behind.set(by_ms);
    }

    /// The next message posted gets no answer, and arrives only this much later.
    pub fn post_late(&mut self, by_ms: u64) {
        self.outside.late_by.set(Some(by_ms));
    }

    pub fn fail_next_wake(&mut self) {
        self.outside.wake_fails.set(true);
    }

    pub fn break_storage(&mut self, broken: bool) {
        self.outside.storage_broken.set(broken);
    }

    /// Makes the object die at a step, counted from now.
    pub fn crash_at(&mut self, step: u64, side: Side) {
        let step = self.outside.steps.get() + step;
        self.outside.crash.set(Some(Crash { step, side }));
    }

    /// Whether the planned crash has happened.
    pub fn crash_is_over(&self) -> bool {
        self.outside.crash.get().is_none()
    }

    pub fn cancel_crash(&mut self) {
        self.outside.crash.set(None);
    }

    pub fn steps(&self) -> u64 {
        self.outside.steps.get()
    }

    /// How often the alarm rang.
    pub fn alarms(&self) -> usize {
        self.alarms as usize
    }

    pub fn fault(&mut self, fault: Fault) {
        let injected = self.outside.discord.borrow_mut().inject(fault);
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

    pub fn clear_faults(&mut self) {
        self.outside.discord.borrow_mut().clear_faults();
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
        self.outside
            .discord
            .borrow_mut()
            .act_as(now, owner, request)
    }

    /// Takes a permission away from the bot in one channel, by hand; with 0, gives all back.
    pub fn deny_bot(&mut self, channel: &str, bit: u64) {
        let bot = self.with_discord(|discord| discord.application().bot_user_id);
        let path = format!("/channels/{}/permissions/{bot}", self.channel_id(channel));
        let allow = discord_sim::permissions::BOT_DEFAULT & !bit;
        let body = json!({ "type": 1, "allow": allow.to_string(), "deny": bit.to_string() });
        assert!(self.by_hand("PUT", &path, Some(body)).status().is_success());
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

    /// The whole guild as Discord has it.
    pub fn state(&self) -> Value {
        let discord = self.outside.discord.borrow();
        discord.guild_state(self.guild.guild_id)
    }

    /// Requests of the object's so far: method, path, status.
    pub fn requests(&self) -> Vec<(String, String, Option<u16>)> {
        let discord = self.outside.discord.borrow();
        let sent = discord
            .traffic(0)
            .iter()
            .filter(|e| e.direction != Direction::Interaction);
        sent.map(|e| (e.method.clone(), e.path.clone(), e.status))
            .collect()
    }

    /// Everything that went over the wire, as text.
    pub fn traffic(&self) -> String {
        let discord = self.outside.discord.borrow();
        serde_json::to_string(discord.traffic(0)).expect("traffic is JSON")
    }

    pub fn with_discord<T>(&self, look: impl FnOnce(&mut Discord) -> T) -> T {
        look(&mut self.outside.discord.borrow_mut())
    }

    pub fn now(&self) -> UnixMillis {
        self.outside.now.get()
    }

    /// Lets time pass, with whatever happens in it.
    pub fn wait(&mut self, ms: u64) {
        let until = self.now() + ms;
        self.drive(&|| false, ms);
        self.outside.now.set(until.max(self.now()));
    }

    fn object(&mut self) -> Rc<Instance<SimHost>> {
        if let Some(object) = &self.object {
            return Rc::clone(object);
        }
        let discord = self.outside.discord.borrow();
        let application = discord.application();
        let mut public_key = [0; 32];
        hex::decode_to_slice(&application.public_key, &mut public_key).expect("hexadecimal");
        let config = Config {
            application_id: application.id.0,
            public_key,
            bot_token: Secret::new(application.bot_token.clone()),
            guild_ids: vec![self.guild.guild_id.0],
            api_base: "http://discord.test/api/v10".to_owned(),
        };
        let host = SimHost {
            outside: Rc::clone(&self.outside),
            life: self.outside.life.get(),
            spawner: self.pool.spawner(),
        };
        let object = Instance::new(Rc::new(host), config, self.guild.guild_id.0);
        drop(discord);
        self.object = Some(Rc::clone(&object));
        object
    }

    fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        self.pool
            .spawner()
            .spawn_local(task)
            .expect("the pool is there");
    }

    fn has_crashed(&self) -> bool {
        let crash = self.outside.crash.get();
        crash.is_some_and(|crash| self.outside.steps.get() >= crash.step)
    }

    /// Ends the object's life: its tasks are gone, and nothing of it can act any more.
    fn bury(&mut self) {
        self.outside.crash.set(None);
        self.outside.life.set(self.outside.life.get() + 1);
        self.object = None;
        self.pool = LocalPool::new();
    }
}

impl Drop for World {
    /// Leaves the traffic for the contract test, where the test runner asks for it.
    fn drop(&mut self) {
        let Some(folder) = std::env::var_os("DBCORD_TRAFFIC") else {
            return;
        };
        let test = std::thread::current().name().unwrap_or_default().to_owned();
        // Those run a scenario hundreds of times; the same exchanges once are in the others.
        let repeats = test.starts_with("crash::") || test.starts_with("random::");
        if repeats || std::thread::panicking() {
            return;
        }
        let discord = self.outside.discord.borrow();
        let mut lines = String::new();
        for exchange in discord.traffic(0) {
            lines.push_str(&serde_json::to_string(exchange).expect("traffic is JSON"));
            lines.push('\n');
        }
        static WORLDS: AtomicU64 = AtomicU64::new(0);
        let number = WORLDS.fetch_add(1, Ordering::Relaxed);
        let name = format!("native-{}-{number}.ndjson", test.replace("::", "-"));
        let file = std::path::Path::new(&folder).join(name);
        std::fs::write(file, lines).expect("the folder is there");
    }
}

/// The reply's text, or why there is none.
pub fn content(view: &View) -> String {
    match &view.reply {
        Some(reply) => reply["content"].as_str().unwrap_or_default().to_owned(),
        None => format!("no reply: {} {:?}", view.state, view.failure),
    }
}

fn register_commands(discord: &mut Discord, guild: &Guild) {
    let application = discord.application().clone();
    let body = Value::from(dbcord::commands::registration()).to_string();
    let request = Request::put(format!(
        "/api/v10/applications/{}/guilds/{}/commands",
        application.id, guild.guild_id
    ))
    .header("authorization", format!("Bot {}", application.bot_token))
    .header("user-agent", dbcord::discord::client::USER_AGENT)
    .header("content-type", "application/json")
    .body(body.into())
    .expect("a plain request");
    match discord.handle(START_MS, request) {
        Outcome::Responded { response, .. } => {
            assert_eq!(response.status(), 200, "{:?}", response.body());
        }
        _ => panic!("the registration got lost"),
    }
}

/// Inserts a row with nothing but its key into table `users` of `prod`.
pub fn insert(key: &str) -> String {
    format!(r#"/dbc_insert database:prod table:users key:{key} value_json:{{"id":"{key}"}}"#)
}

/// Reads it.
pub fn get(key: &str) -> String {
    format!("/dbc_get database:prod table:users key:{key}")
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
