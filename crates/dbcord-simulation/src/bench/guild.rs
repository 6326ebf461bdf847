//! The guild that is measured: every request takes the same time, and nothing goes wrong.

use std::collections::BTreeMap;

use dbcord::host::UnixMillis;
use discord_sim::{Id, InteractionSpec};
use serde_json::{Map, Value, json};

use super::Measurement;
use crate::harness::ledger::{Event, Sent};
use crate::harness::world::{World, content};

/// What every request to Discord takes.
pub const ROUND_TRIP_MS: u64 = 120;
pub const DATABASE: &str = "prod";
/// Rows that are written together to fill a table.
pub const ROWS_A_COMMIT: usize = 1_000;
/// How soon the host takes an idle object out of memory.
pub const IDLE_MS: u64 = 10_000;

pub struct Guild {
    pub world: World,
    /// The channel of the log.
    pub log: String,
}

/// What a command cost.
pub struct Timed {
    pub ms: u64,
    /// Sent before the answer; those that only deliver it are left out.
    pub requests: usize,
    pub reply: String,
}

impl Timed {
    /// Round trips, one after the other.
    pub fn round_trips(&self) -> f64 {
        self.ms as f64 / ROUND_TRIP_MS as f64
    }

    /// All requests, and how many of them had to wait for each other.
    pub fn both(&self, name: &str) -> [Measurement; 2] {
        [
            Measurement::count(format!("{name}: requests"), self.requests, "requests"),
            Measurement::new(
                format!("{name}: in sequence"),
                self.round_trips(),
                "round trips",
            ),
        ]
    }
}

impl Guild {
    pub fn new() -> Guild {
        let mut world = World::with_config(discord_sim::Config {
            seed: 1,
            base_url: "http://discord.test".to_owned(),
            message_content_intent: true,
            latency_ms: (ROUND_TRIP_MS, ROUND_TRIP_MS),
            record_traffic: false,
            ..discord_sim::Config::default()
        });
        world.be_quiet();
        world.keep_ledger();
        world.ok(&format!("/dbc_init database:{DATABASE}"));
        world.settle();
        let log = world.channel_id("dbc-log");
        Guild { world, log }
    }

    /// Makes a table, whose rows are shown in a channel or not.
    pub fn table(&mut self, name: &str, mirror: bool) {
        self.world.ok(&format!(
            "/dbc_table_create database:{DATABASE} table:{name} pk:id mirror:{mirror}"
        ));
        self.world.settle();
    }

    pub fn spec(&self, command: &str, options: Value) -> InteractionSpec {
        let mut all = match options {
            Value::Object(options) => options,
            _ => Map::new(),
        };
        all.insert("database".to_owned(), json!(DATABASE));
        InteractionSpec::command(self.world.guild.guild_id, command, all)
    }

    pub fn put(&self, table: &str, row: &Value) -> InteractionSpec {
        self.spec(
            "dbc_insert",
            json!({"table": table, "key": row["id"], "value_json": row.to_string(), "mode": "upsert"}),
        )
    }

    pub fn get(&self, table: &str, key: &str) -> InteractionSpec {
        self.spec("dbc_get", json!({ "table": table, "key": key }))
    }

    /// A transaction that comes as a file.
    pub fn transact(&self, ops: &[Value]) -> InteractionSpec {
        self.spec("dbc_transact", json!({"ops_file": "@ops.json"}))
            .file("ops.json", Value::from(ops).to_string())
    }

    /// Runs a command, which must succeed.
    pub fn timed(&mut self, spec: InteractionSpec) -> Timed {
        let begun = self.world.now();
        let noted = self.world.ledger().len();
        let id = self.world.send(spec);
        let view = self.world.wait_for(id);
        let reply = content(&view);
        assert!(!reply.starts_with('❌'), "{reply}");
        let ledger = self.world.ledger();
        let sent = ledger.iter().skip(noted);
        Timed {
            ms: self.world.now() - begun,
            requests: sent.filter(|s| s.is_for(id) && !s.is_answer()).count(),
            reply,
        }
    }

    /// Writes rows by transactions, one a second; how many bytes of JSON they are.
    pub fn fill(&mut self, table: &str, rows: impl Iterator<Item = Value>, at_once: usize) -> u64 {
        let mut bytes = 0;
        let mut ops = Vec::new();
        let mut rows = rows.peekable();
        while let Some(row) = rows.next() {
            bytes += row.to_string().len() as u64;
            ops.push(json!({"op": "insert", "table": table, "key": row["id"], "value": row}));
            if ops.len() == at_once || rows.peek().is_none() {
                let spec = self.transact(&ops);
                self.timed(spec);
                self.world.wait(1_000);
                ops.clear();
            }
        }
        bytes
    }

    /// Writes a few rows by one transaction that comes as text.
    pub fn put_together(&mut self, table: &str, rows: impl Iterator<Item = Value>) {
        let ops: Value = rows
            .map(|row| json!({"op": "insert", "table": table, "key": row["id"], "value": row}))
            .collect();
        let spec = self.spec("dbc_transact", json!({"ops_json": ops.to_string()}));
        self.timed(spec);
        self.world.wait(1_000);
    }

    /// Nothing is left to do, and the object is out of memory.
    pub fn rest(&mut self) {
        self.world.settle();
        self.world.wait(IDLE_MS);
        self.world.evict();
    }
}

impl Default for Guild {
    fn default() -> Self {
        Guild::new()
    }
}

/// A row whose JSON is about so many bytes long. Its text is nothing that packs well.
pub fn row(number: usize, bytes: usize) -> Value {
    let mut random = fastrand::Rng::with_seed(number as u64);
    let id = format!("k{number:06}");
    let frame = json!({"id": id, "n": number, "text": ""}).to_string().len();
    let length = bytes.saturating_sub(frame);
    let text: String = (0..length).map(|_| random.alphanumeric()).collect();
    json!({"id": id, "n": number, "text": text})
}

impl Sent {
    fn is_for(&self, command: Id) -> bool {
        self.event == Event::Command(command)
    }

    /// Whether it only brings an answer to whoever asked.
    pub fn is_answer(&self) -> bool {
        self.path.contains("/webhooks/")
    }

    /// Whether it posts a message to the channel.
    pub fn is_post_to(&self, channel: &str) -> bool {
        self.method == "POST"
            && self
                .path
                .ends_with(&format!("/channels/{channel}/messages"))
    }

    pub fn is_background(&self) -> bool {
        matches!(self.event, Event::Alarm(_))
    }
}

/// How many requests each event sent.
pub fn by_event(ledger: &[Sent]) -> BTreeMap<Event, usize> {
    let mut events = BTreeMap::new();
    for sent in ledger.iter().filter(|sent| !sent.is_answer()) {
        *events.entry(sent.event).or_default() += 1;
    }
    events
}

/// From the first to the last of these requests, in seconds.
pub fn span_s<'a>(sent: impl Iterator<Item = &'a Sent>) -> f64 {
    let times: Vec<UnixMillis> = sent.map(|sent| sent.sent_at).collect();
    match (times.first(), times.last()) {
        (Some(first), Some(last)) => (last - first) as f64 / 1_000.0,
        _ => 0.0,
    }
}
