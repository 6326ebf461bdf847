//! Everything outside of the objects, and the ways in which it lets them down.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use bytes::Bytes;
use dbcord::host::UnixMillis;
use discord_sim::{Discord, Id, Outcome};
use futures_channel::oneshot;
use http::{Method, Request};
use serde_json::Value;

use super::ledger::{Event, Sent};
use super::planted::PlantedBug;

/// Outgoing requests that an object has after each event, on the free plan.
/// <https://developers.cloudflare.com/workers/platform/limits/#subrequests>
pub const REQUESTS_AN_EVENT: u32 = 50;
/// Connections that an object has open at once. Same page.
pub const CONNECTIONS: u32 = 6;

/// When an object dies: at which of its requests and storage writes, and on which side of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crash {
    pub step: u64,
    pub side: Side,
    /// Whose objects it can strike; none for all.
    pub deployment: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The step never took effect.
    Before,
    /// It took effect, and the object never knew.
    After,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Live,
    /// Another object has storage now; this one has not noticed, and goes on.
    Replaced,
    Dead,
}

/// One object's life, as the host keeps it.
pub struct Life {
    pub number: u64,
    pub born: UnixMillis,
    pub standing: Cell<Standing>,
    /// Requests that it may still send before the next event.
    pub requests_left: Cell<u32>,
    pub connections: Cell<u32>,
    /// Runs of the alarm's handler that have not come to their end.
    pub alarms: Cell<u32>,
    pub waiting: RefCell<VecDeque<oneshot::Sender<()>>>,
}

/// What the host saw of the requests.
#[derive(Debug, Default)]
pub struct Observed {
    pub requests: u64,
    pub crashes: u64,
    /// Requests that change something for people to see: all but reads and interaction answers.
    pub changes: u64,
    /// Requests that were refused with 429, but for edits of old messages: no header announces
    /// that limit.
    pub limited: Vec<String>,
    /// The most requests that an object sent from one event to the next.
    pub window_max: u32,
    /// Requests refused by the host: the object had used up its share.
    pub over_budget: u64,
    /// Posts answered with a message of another channel: their nonces were the same.
    pub crossed: Vec<String>,
    /// Of everything that went over the wire, in order.
    pub digest: u64,
}

pub struct Outside {
    pub discord: RefCell<Discord>,
    pub now: Cell<UnixMillis>,
    pub timers: RefCell<BTreeMap<(UnixMillis, u64), oneshot::Sender<()>>>,
    pub serial: Cell<u64>,
    /// Steps of all objects.
    pub steps: Cell<u64>,
    pub crash: Cell<Option<Crash>>,
    pub storage_broken: Cell<bool>,
    /// So many storage writes pass, and so many fail after those.
    pub storage_flaky: Cell<(u64, u64)>,
    /// The next attempt to set the alarm fails.
    pub wake_fails: Cell<bool>,
    /// How far the objects' clock is behind everybody else's.
    pub clock_behind: Cell<u64>,
    /// The longest time, in milliseconds, that a request takes to get to Discord.
    pub uplink_ms: Cell<u64>,
    /// Lists of messages miss what is younger than this.
    pub stale_ms: Cell<u64>,
    /// How much later the next POST to a channel's messages arrives than its sender gave up on it.
    pub late_by: Cell<Option<u64>>,
    /// Requests on their way, with the time of their arrival.
    pub late: RefCell<BTreeMap<(UnixMillis, u64), Request<Bytes>>>,
    pub planted: Cell<Option<PlantedBug>>,
    pub observed: RefCell<Observed>,
    /// The event whose task is running.
    pub event: Cell<Event>,
    /// Every request, where somebody wants to know.
    pub ledger: RefCell<Option<Vec<Sent>>>,
    /// Commands that were answered, or told to wait; kept with the ledger.
    pub answering: RefCell<Vec<Id>>,
    /// Lines that the objects logged go to standard output.
    pub is_loud: Cell<bool>,
}

impl Outside {
    pub fn next_timer(&self) -> Option<UnixMillis> {
        let mut timers = self.timers.borrow_mut();
        timers.retain(|_, timer| !timer.is_canceled());
        timers.keys().next().map(|(at, _)| *at)
    }

    pub fn next_late(&self) -> Option<UnixMillis> {
        self.late.borrow().keys().next().map(|(at, _)| *at)
    }

    pub fn let_late_arrive(&self) {
        let later = self.late.borrow_mut().split_off(&(self.now.get() + 1, 0));
        for (_, request) in self.late.replace(later) {
            self.exchange(request);
        }
    }

    pub fn fire_timers(&self) {
        let later = self.timers.borrow_mut().split_off(&(self.now.get() + 1, 0));
        let due = self.timers.replace(later);
        for (_, timer) in due {
            let _ = timer.send(());
        }
    }

    /// Puts a request down, as being sent now; where.
    pub fn note_sent(&self, request: &Request<Bytes>) -> Option<usize> {
        let mut ledger = self.ledger.borrow_mut();
        let ledger = ledger.as_mut()?;
        ledger.push(Sent {
            event: self.event.get(),
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            bytes: request.body().len() as u64,
            sent_at: self.now.get(),
            answered_at: None,
        });
        Some(ledger.len() - 1)
    }

    /// A command has its first answer.
    pub fn note_answer(&self, command: Id) {
        if self.ledger.borrow().is_some() {
            self.answering.borrow_mut().push(command);
        }
    }

    /// The request that was put down there has its answer now.
    pub fn note_answered(&self, noted: Option<usize>) {
        let mut ledger = self.ledger.borrow_mut();
        let sent = noted.and_then(|at| ledger.as_mut()?.get_mut(at));
        if let Some(sent) = sent {
            sent.answered_at = Some(self.now.get());
        }
    }

    pub fn serial(&self) -> u64 {
        self.serial.set(self.serial.get() + 1);
        self.serial.get()
    }

    /// A number below `bound`, from the seed.
    pub fn draw(&self, bound: u64) -> u64 {
        let mixed = self.serial().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ (mixed >> 29)) % bound.max(1)
    }

    /// One request to Discord, and what the host sees of it.
    pub fn exchange(&self, request: Request<Bytes>) -> Outcome {
        let now = self.now.get();
        let line = format!("{} {}", request.method(), request.uri());
        let path = request.uri().path().to_owned();
        let is_post = request.method() == Method::POST && path.ends_with("/messages");
        let is_read = request.method() == Method::GET || path.contains("/webhooks/");
        let body = request.body().clone();
        let mut outcome = self.discord.borrow_mut().handle(now, request);
        if let Outcome::Responded { response, .. } = &mut outcome
            && self.stale_ms.get() > 0
            && line.starts_with("GET ")
            && path.ends_with("/messages")
        {
            let seen_at = now.saturating_sub(self.stale_ms.get());
            *response.body_mut() = without_newer(response.body(), seen_at);
        }
        let mut observed = self.observed.borrow_mut();
        observed.requests += 1;
        observed.changes += u64::from(!is_read);
        let mut hasher = DefaultHasher::new();
        (observed.digest, now, &line, &body).hash(&mut hasher);
        if let Outcome::Responded { response, .. } = &outcome {
            (response.status().as_u16(), response.body()).hash(&mut hasher);
            if response.status() == 429 && !is_old_edit(response.body()) {
                observed.limited.push(line.clone());
            }
            let channel = path.split('/').nth_back(1).unwrap_or_default();
            if is_post && response.status() == 200 && !is_of_channel(response.body(), channel) {
                observed.crossed.push(line);
            }
        }
        observed.digest = hasher.finish();
        outcome
    }
}

impl Life {
    pub fn new(number: u64, born: UnixMillis) -> Life {
        Life {
            number,
            born,
            standing: Cell::new(Standing::Live),
            requests_left: Cell::new(0),
            connections: Cell::new(0),
            alarms: Cell::new(0),
            waiting: RefCell::default(),
        }
    }

    /// An event reaches the object, and with it a new share of requests.
    pub fn top_up(&self) {
        self.requests_left.set(REQUESTS_AN_EVENT);
    }
}

/// "Maximum number of edits to messages older than 1 hour reached".
fn is_old_edit(body: &[u8]) -> bool {
    let error: Value = serde_json::from_slice(body).unwrap_or_default();
    error["code"] == 30046
}

fn is_of_channel(body: &[u8], channel: &str) -> bool {
    let message: Value = serde_json::from_slice(body).unwrap_or_default();
    message["channel_id"] == channel
}

/// A list of messages as it was at that time, as far as new messages go.
pub fn without_newer(body: &Bytes, at: UnixMillis) -> Bytes {
    let Ok(Value::Array(mut messages)) = serde_json::from_slice(body) else {
        return body.clone();
    };
    messages.retain(|message| {
        let id = message["id"].as_str().and_then(|id| id.parse().ok());
        id.is_none_or(|id| dbcord::discord::model::created_ms(id) <= at)
    });
    Value::Array(messages).to_string().into()
}
