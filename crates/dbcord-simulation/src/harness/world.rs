//! A guild, a Discord, and an object that can be made to die.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bytes::Bytes;
use dbcord::config::{Config, Secret};
use dbcord::host::UnixMillis;
use dbcord::instance::Instance;
use dbcord::interactions::Interaction;
use discord_sim::{Discord, Guild, GuildSpec, Id, InteractionSpec, Outcome, View};
use http::{Request, Response};
use serde_json::Value;

pub use super::inspect::shown_rows;

use super::deployment::Deployment;
use super::host::SimHost;
use super::ledger::{Attributed, Event};
use super::outside::Outside;

const START_MS: UnixMillis = 1_800_000_000_000;
pub(super) const HOUR_MS: u64 = 3_600_000;

pub struct World {
    pub(super) outside: Rc<Outside>,
    pub(super) deployments: Vec<Deployment>,
    /// The deployment that gets the interactions.
    pub(super) endpoint: usize,
    pub guild: Guild,
    pub(super) alarms: u64,
    pub(super) keeps_traffic: bool,
}

impl World {
    pub fn new(seed: u64) -> World {
        World::with_config(discord_sim::Config {
            seed,
            base_url: "http://discord.test".to_owned(),
            message_content_intent: true,
            latency_ms: (40, 160),
            ..discord_sim::Config::default()
        })
    }

    pub fn with_config(config: discord_sim::Config) -> World {
        World::in_guild(config, GuildSpec::named("Test guild"))
    }

    pub fn in_guild(config: discord_sim::Config, guild: GuildSpec) -> World {
        let (seed, keeps_traffic) = (config.seed, config.record_traffic);
        let mut discord = Discord::new(config);
        let guild = discord.create_guild(START_MS, guild);
        register_commands(&mut discord, &guild);
        let outside = Outside {
            discord: RefCell::new(discord),
            now: Cell::new(START_MS + 60_000),
            timers: RefCell::default(),
            serial: Cell::new(seed),
            steps: Cell::new(0),
            crash: Cell::new(None),
            storage_broken: Cell::new(false),
            storage_flaky: Cell::new((0, 0)),
            wake_fails: Cell::new(false),
            clock_behind: Cell::new(0),
            uplink_ms: Cell::new(0),
            stale_ms: Cell::new(0),
            late_by: Cell::new(None),
            late: RefCell::default(),
            planted: Cell::new(None),
            observed: RefCell::default(),
            event: Cell::default(),
            ledger: RefCell::default(),
            answering: RefCell::default(),
            is_loud: Cell::new(true),
        };
        World {
            outside: Rc::new(outside),
            deployments: vec![Deployment::new(0)],
            endpoint: 0,
            guild,
            alarms: 0,
            keeps_traffic,
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

    /// The same, and row `a` is there and shown.
    pub fn with_row(seed: u64) -> World {
        let mut world = World::with_table(seed);
        world.ok(&insert("a"));
        world.settle();
        world
    }

    /// Types a command as the guild's owner, and waits for what comes of it.
    pub fn run(&mut self, text: &str) -> View {
        let id = self.begin(text);
        self.wait_for(id)
    }

    /// Types a command as the guild's owner, and does not wait.
    pub fn begin(&mut self, text: &str) -> Id {
        self.send(InteractionSpec::text(self.guild.guild_id, text))
    }

    /// Types commands at once, so that those after the first go together, and waits for all of them;
    /// their replies.
    pub fn all_at_once<S: AsRef<str>>(&mut self, lines: &[S]) -> Vec<String> {
        let sent: Vec<Id> = lines.iter().map(|line| self.begin(line.as_ref())).collect();
        let replies = sent.into_iter().map(|id| content(&self.wait_for(id)));
        replies.collect()
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
        let object = self.object_for_event(self.endpoint);
        let outside = Rc::clone(&self.outside);
        self.spawn(self.endpoint, Event::Command(id), async move {
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
            outside.note_answer(id);
        });
    }

    /// Hands an interaction's body to the object once more; what it answers.
    pub fn replay(&mut self, id: Id) -> String {
        let body =
            self.with_discord(|discord| discord.delivery(id).expect("it was sent").body.clone());
        let interaction = Interaction::parse(&body).expect("the entry would refuse this");
        let object = self.object_for_event(self.endpoint);
        let answer = Rc::new(RefCell::new(None));
        let slot = Rc::clone(&answer);
        self.spawn(self.endpoint, Event::Command(id), async move {
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

    /// Another deployment of the bot, with the same token, and storage and objects of its own. It
    /// gets no interactions yet.
    pub fn deploy_another(&mut self) -> usize {
        let deployment = self.deployments.len();
        self.deployments.push(Deployment::new(deployment));
        deployment
    }

    pub fn deployments(&self) -> usize {
        self.deployments.len()
    }

    /// From now on Discord sends interactions to this deployment, and what befalls "the object"
    /// befalls that one's.
    pub fn point_at(&mut self, deployment: usize) {
        self.endpoint = deployment;
    }

    /// Keeps what objects log to itself.
    pub fn be_quiet(&mut self) {
        self.outside.is_loud.set(false);
    }

    /// How often the alarm rang.
    pub fn alarms(&self) -> usize {
        self.alarms as usize
    }

    pub fn with_discord<T>(&self, look: impl FnOnce(&mut Discord) -> T) -> T {
        look(&mut self.outside.discord.borrow_mut())
    }

    pub fn now(&self) -> UnixMillis {
        self.outside.now.get()
    }

    pub(super) fn outside(&self) -> &Outside {
        &self.outside
    }

    pub(super) fn deployment(&mut self) -> &mut Deployment {
        &mut self.deployments[self.endpoint]
    }

    pub(super) fn object_for_event(&mut self, deployment: usize) -> Rc<Instance<SimHost>> {
        let config = self.config();
        self.deployments[deployment].object_for_event(&self.outside, config)
    }

    fn config(&self) -> Config {
        let discord = self.outside.discord.borrow();
        let application = discord.application();
        let mut public_key = [0; 32];
        hex::decode_to_slice(&application.public_key, &mut public_key).expect("hexadecimal");
        Config {
            application_id: application.id.0,
            public_key,
            bot_token: Secret::new(application.bot_token.clone()),
            guild_ids: vec![self.guild.guild_id.0],
            api_base: "http://discord.test/api/v10".to_owned(),
        }
    }

    pub(super) fn spawn(
        &self,
        deployment: usize,
        event: Event,
        task: impl Future<Output = ()> + 'static,
    ) {
        let task = Attributed::new(&self.outside, event, task);
        self.deployments[deployment].spawn(task);
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
