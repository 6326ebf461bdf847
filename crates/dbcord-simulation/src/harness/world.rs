//! A guild, a Discord, and an object that can be made to die.

use std::cell::{Cell, Ref, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use dbcord::config::{Config, Secret};
use dbcord::host::UnixMillis;
use dbcord::instance::Instance;
use dbcord::interactions::Interaction;
use discord_sim::{Discord, FaultPlan, Guild, GuildSpec, Id, InteractionSpec, Outcome, View};
use http::{Request, Response};
use serde_json::Value;

pub use super::inspect::shown_rows;

use super::deployment::Deployment;
use super::host::SimHost;
use super::ledger::{Attributed, Event, Sent};
use super::outside::{Crash, Outside, Side};
use super::planted::PlantedBug;

const START_MS: UnixMillis = 1_800_000_000_000;
const HOUR_MS: u64 = 3_600_000;

pub struct World {
    outside: Rc<Outside>,
    deployments: Vec<Deployment>,
    /// The deployment that gets the interactions.
    endpoint: usize,
    pub guild: Guild,
    alarms: u64,
    keeps_traffic: bool,
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
        let (seed, keeps_traffic) = (config.seed, config.record_traffic);
        let mut discord = Discord::new(config);
        let guild = discord.create_guild(START_MS, GuildSpec::named("Test guild"));
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

    /// Lets time pass until some commands have their replies; only with a ledger.
    pub fn next_answers(&mut self, limit_ms: u64) -> Vec<View> {
        let outside = Rc::clone(&self.outside);
        let finished = move || {
            let discord = outside.discord.borrow();
            let answering = outside.answering.borrow();
            let views = answering.iter().filter_map(|&id| discord.interaction(id));
            views
                .filter(|view| matches!(view.state, "answered" | "failed"))
                .collect::<Vec<_>>()
        };
        self.drive(&|| !finished().is_empty(), limit_ms);
        let views = finished();
        let mut answering = self.outside.answering.borrow_mut();
        answering.retain(|id| views.iter().all(|view| view.id != *id));
        drop(answering);
        views
    }

    /// Lets time pass until nothing is left to do.
    pub fn settle(&mut self) {
        self.drive(&|| false, 24 * HOUR_MS);
    }

    /// Runs tasks, timers and alarms until `done`, a crash, or nothing is left to happen within
    /// `limit_ms`.
    pub fn drive(&mut self, done: &dyn Fn() -> bool, limit_ms: u64) {
        let deadline = self.now() + limit_ms;
        loop {
            self.run_tasks();
            if done() {
                return;
            }
            let Some(next) = self.next_event().filter(|next| *next <= deadline) else {
                return;
            };
            self.outside.now.set(next.max(self.now()));
            let now = self.now();
            self.with_discord(|discord| discord.advance(now));
            self.outside.let_late_arrive();
            self.outside.fire_timers();
            self.ring_alarms();
        }
    }

    fn next_event(&self) -> Option<UnixMillis> {
        let timer = self.outside.next_timer();
        let late = self.with_discord(|discord| discord.next_due());
        let of_all = [timer, self.outside.next_late(), late];
        let of_each = |deployment: &Deployment| {
            let alarm = deployment.storage.alarm.get();
            [alarm, deployment.next_end()]
        };
        let of_each = self.deployments.iter().flat_map(of_each);
        of_all.into_iter().chain(of_each).flatten().min()
    }

    fn ring_alarms(&mut self) {
        for index in 0..self.deployments.len() {
            let storage = Rc::clone(&self.deployments[index].storage);
            if storage.alarm.get().is_none_or(|alarm| alarm > self.now()) {
                continue;
            }
            storage.alarm.set(None);
            self.alarms += 1;
            let object = self.object_for_event(index);
            let outside = Rc::clone(&self.outside);
            let life = self.deployments[index].life();
            life.alarms.set(life.alarms.get() + 1);
            self.spawn(index, Event::Alarm(self.alarms), async move {
                // The runtime rings again what failed.
                if object.alarm().await.is_err() {
                    storage.alarm.set(Some(outside.now.get() + 2_000));
                }
                life.alarms.set(life.alarms.get() - 1);
            });
        }
    }

    fn run_tasks(&mut self) {
        let now = self.now();
        for deployment in &mut self.deployments {
            deployment.run_tasks(now);
        }
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

    /// The object loses its memory: evicted, or deployed anew.
    pub fn evict(&mut self) {
        self.deployment().bury();
    }

    /// From now on another object gets the events; the old one goes on for a while. It keeps
    /// storage until the other one touches it.
    pub fn replace(&mut self) {
        let now = self.now();
        self.deployment().replace(now);
    }

    /// Object storage is wiped with it, alarm and all.
    pub fn wipe_storage(&mut self) {
        self.deployment().wipe();
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

    /// The storage writes after so many fail.
    pub fn flaky_storage(&mut self, passes: u64, fails: u64) {
        self.outside.storage_flaky.set((passes, fails));
    }

    /// Lists of messages miss what is younger than this.
    pub fn stale_reads(&mut self, ms: u64) {
        self.outside.stale_ms.set(ms);
    }

    /// Whatever can go wrong on the way to Discord and in it does so now and then.
    pub fn bad_luck(&mut self, plan: FaultPlan) {
        let set = self.with_discord(|discord| discord.set_fault_plan(Some(plan)));
        set.expect("rates and times that make sense");
    }

    /// Requests take up to this long to get to Discord.
    pub fn set_uplink(&mut self, ms: u64) {
        self.outside.uplink_ms.set(ms);
    }

    /// Whatever goes wrong stops.
    pub fn calm(&mut self) {
        self.clear_faults();
        let calmed = self.with_discord(|discord| discord.set_fault_plan(None));
        calmed.expect("no plan is always possible");
        self.outside.crash.set(None);
        self.outside.storage_broken.set(false);
        self.outside.storage_flaky.set((0, 0));
        self.outside.stale_ms.set(0);
        self.outside.late_by.set(None);
    }

    /// Keeps what objects log to itself.
    pub fn be_quiet(&mut self) {
        self.outside.is_loud.set(false);
    }

    /// Plants a bug that the checks have to find.
    pub fn plant(&mut self, bug: PlantedBug) {
        self.outside.planted.set(Some(bug));
    }

    /// From now on, every request is put down.
    pub fn keep_ledger(&mut self) {
        self.outside.ledger.replace(Some(Vec::new()));
    }

    /// The requests that were put down since they were last taken.
    pub fn ledger(&self) -> Ref<'_, [Sent]> {
        let ledger = self.outside.ledger.borrow();
        Ref::map(ledger, |ledger| ledger.as_deref().unwrap_or_default())
    }

    /// The same, which starts a new ledger.
    pub fn take_ledger(&mut self) -> Vec<Sent> {
        let mut ledger = self.outside.ledger.borrow_mut();
        ledger.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Object storage, to be tampered with.
    pub fn with_storage<T>(
        &mut self,
        change: impl FnOnce(&mut BTreeMap<String, String>) -> T,
    ) -> T {
        change(&mut self.deployment().storage.entries.borrow_mut())
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
        let deployment = self.endpoint;
        self.outside.crash.set(Some(Crash {
            step,
            side,
            deployment,
        }));
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

    pub(super) fn outside(&self) -> &Outside {
        &self.outside
    }

    fn deployment(&mut self) -> &mut Deployment {
        &mut self.deployments[self.endpoint]
    }

    fn object_for_event(&mut self, deployment: usize) -> Rc<Instance<SimHost>> {
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

    fn spawn(&self, deployment: usize, event: Event, task: impl Future<Output = ()> + 'static) {
        let task = Attributed::new(&self.outside, event, task);
        self.deployments[deployment].spawn(task);
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
        if !self.keeps_traffic || repeats || std::thread::panicking() {
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
