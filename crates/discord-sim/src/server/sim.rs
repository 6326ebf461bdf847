//! The core, its clock, and who is waiting for it to change.

use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::{Config, Discord};

/// A running simulator.
pub struct Sim {
    pub(super) url: String,
    discord: Mutex<Discord>,
    /// How far Discord's clock was moved on, in milliseconds.
    ahead_ms: AtomicU64,
    log: Mutex<Option<TrafficFile>>,
    changes: watch::Sender<u64>,
    pub(super) client: Client<HttpConnector, Full<Bytes>>,
}

struct TrafficFile {
    file: std::fs::File,
    written: u64,
}

impl Sim {
    /// A simulator that will be reachable at `config.base_url`.
    pub fn new(config: Config, traffic: Option<std::fs::File>) -> Arc<Sim> {
        Arc::new(Sim {
            url: config.base_url.clone(),
            discord: Mutex::new(Discord::new(config)),
            ahead_ms: AtomicU64::new(0),
            log: Mutex::new(traffic.map(|file| TrafficFile { file, written: 0 })),
            changes: watch::Sender::new(0),
            client: Client::builder(TokioExecutor::new()).build_http(),
        })
    }

    /// Discord's time in Unix milliseconds.
    #[expect(clippy::disallowed_methods, reason = "this is the one clock")]
    pub(super) fn now(&self) -> u64 {
        let real = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |age| age.as_millis());
        u64::try_from(real)
            .unwrap_or(u64::MAX)
            .saturating_add(self.ahead_ms.load(Ordering::Relaxed))
    }

    pub(super) fn move_clock(&self, ms: u64) {
        self.ahead_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// Does something with the core at the present time. Whoever waits for a change looks again afterwards.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut Discord, u64) -> T) -> T {
        let mut discord = self.lock();
        let now = self.now();
        discord.advance(now);
        let result = act(&mut discord, now);
        self.append_traffic(&discord);
        drop(discord);
        self.changes.send_modify(|n| *n = n.wrapping_add(1));
        result
    }

    /// Looks at the core without waking anyone.
    pub(super) fn look<T>(&self, act: impl FnOnce(&Discord) -> T) -> T {
        let mut discord = self.lock();
        let now = self.now();
        discord.advance(now);
        act(&discord)
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// A panic while the lock was held cannot have left the core half changed in a way that matters to a test that has
    /// failed by then.
    fn lock(&self) -> MutexGuard<'_, Discord> {
        self.discord.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append_traffic(&self, discord: &Discord) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(log) = log.as_mut() else { return };
        for exchange in discord.traffic(log.written) {
            log.written = exchange.n + 1;
            let line = serde_json::to_string(exchange).unwrap_or_default();
            if let Err(error) = writeln!(log.file, "{line}") {
                eprintln!("discord-sim: cannot write the traffic log: {error}");
            }
        }
    }

    /// What is printed when the server is ready.
    pub fn ready_line(&self) -> Value {
        self.look(|discord| {
            let application = discord.application();
            json!({
                "url": self.url,
                "application_id": application.id,
                "public_key": application.public_key,
                "signing_key": application.signing_key,
                "bot_token": application.bot_token,
                "bot_user_id": application.bot_user_id,
            })
        })
    }
}
