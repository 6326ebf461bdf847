//! The host that an object runs on: storage, alarm, clock and network, and the ways in which they
//! let it down.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use dbcord::host::{
    Clock, Durable, Entropy, Host, Level, StorageError, Transport, TransportError, UnixMillis,
};
use discord_sim::{Discord, Outcome};
use futures_channel::oneshot;
use futures_executor::LocalSpawner;
use futures_util::future::LocalBoxFuture;
use futures_util::task::LocalSpawnExt;
use http::{Request, Response};

/// When an object dies: at which of its requests and storage writes, and on which side of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crash {
    pub step: u64,
    pub side: Side,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The step never took effect.
    Before,
    /// It took effect, and the object never knew.
    After,
}

/// Everything outside of the object.
pub struct Outside {
    pub discord: RefCell<Discord>,
    pub now: Cell<UnixMillis>,
    pub timers: RefCell<BTreeMap<(UnixMillis, u64), oneshot::Sender<()>>>,
    pub storage: RefCell<BTreeMap<String, String>>,
    pub alarm: Cell<Option<UnixMillis>>,
    pub serial: Cell<u64>,
    /// Steps of the object's, across its lives.
    pub steps: Cell<u64>,
    pub crash: Cell<Option<Crash>>,
    /// The life that is allowed to do anything.
    pub life: Cell<u64>,
    pub storage_broken: Cell<bool>,
    /// The next attempt to set the alarm fails.
    pub wake_fails: Cell<bool>,
    /// How far the objects' clock is behind everybody else's.
    pub clock_behind: Cell<u64>,
    /// How much later the next POST to a channel's messages arrives than its sender gave up on it.
    pub late_by: Cell<Option<u64>>,
    /// Requests on their way, with the time of their arrival.
    pub late: RefCell<BTreeMap<(UnixMillis, u64), Request<Bytes>>>,
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
            self.discord.borrow_mut().handle(self.now.get(), request);
        }
    }

    pub fn fire_timers(&self) {
        let later = self.timers.borrow_mut().split_off(&(self.now.get() + 1, 0));
        let due = self.timers.replace(later);
        for (_, timer) in due {
            let _ = timer.send(());
        }
    }

    pub fn serial(&self) -> u64 {
        self.serial.set(self.serial.get() + 1);
        self.serial.get()
    }
}

pub struct SimHost {
    pub outside: Rc<Outside>,
    pub life: u64,
    pub spawner: LocalSpawner,
}

impl SimHost {
    /// Counts a step; whether it may take effect, and whether the object lives on after it.
    async fn step<T>(&self, effect: impl FnOnce() -> T) -> T {
        if self.outside.life.get() != self.life {
            return pending().await;
        }
        let before = self.outside.steps.get();
        let step = before + 1;
        let crash = self.outside.crash.get();
        if crash.is_some_and(|crash| before >= crash.step) {
            return pending().await;
        }
        self.outside.steps.set(step);
        match crash.filter(|crash| crash.step == step) {
            None => effect(),
            Some(crash) => {
                if crash.side == Side::After {
                    effect();
                }
                pending().await
            }
        }
    }
}

impl Transport for SimHost {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let outside = &self.outside;
        let is_post = request.method() == "POST" && request.uri().path().ends_with("/messages");
        if is_post && let Some(by_ms) = outside.late_by.take() {
            let key = (outside.now.get() + by_ms, outside.serial());
            outside.late.borrow_mut().insert(key, request);
            return pending().await;
        }
        let outcome = self
            .step(|| {
                outside
                    .discord
                    .borrow_mut()
                    .handle(outside.now.get(), request)
            })
            .await;
        match outcome {
            Outcome::Responded { after, response } => {
                self.sleep(after).await;
                Ok(response)
            }
            // Nobody says so; the client has to give up by itself.
            Outcome::LostRequest | Outcome::LostResponse => pending().await,
        }
    }
}

impl Clock for SimHost {
    fn now(&self) -> UnixMillis {
        self.outside.now.get() - self.outside.clock_behind.get()
    }

    async fn sleep(&self, duration: Duration) {
        let at = self.outside.now.get() + duration.as_millis() as u64;
        let (fire, fired) = oneshot::channel();
        let key = (at, self.outside.serial());
        self.outside.timers.borrow_mut().insert(key, fire);
        let _ = fired.await;
    }
}

impl Entropy for SimHost {
    fn next_u64(&self) -> u64 {
        self.outside.serial().wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

impl Durable for SimHost {
    async fn load(&self, key: &str) -> Result<Option<String>, StorageError> {
        Ok(self.outside.storage.borrow().get(key).cloned())
    }

    async fn load_prefix(&self, prefix: &str) -> Result<Vec<(String, String)>, StorageError> {
        let storage = self.outside.storage.borrow();
        let entries = storage.iter().filter(|(key, _)| key.starts_with(prefix));
        Ok(entries.map(|(k, v)| (k.clone(), v.clone())).collect())
    }

    async fn store(&self, key: &str, value: &str) -> Result<(), StorageError> {
        if self.outside.storage_broken.get() {
            return Err(StorageError("the disk is gone".to_owned()));
        }
        let storage = &self.outside.storage;
        self.step(|| {
            storage
                .borrow_mut()
                .insert(key.to_owned(), value.to_owned())
        })
        .await;
        Ok(())
    }

    async fn remove(&self, key: &str) -> Result<(), StorageError> {
        let storage = &self.outside.storage;
        self.step(|| storage.borrow_mut().remove(key)).await;
        Ok(())
    }

    async fn wake_at(&self, at: UnixMillis) -> Result<(), StorageError> {
        if self.outside.wake_fails.replace(false) {
            return Err(StorageError("the disk is busy".to_owned()));
        }
        let at = at + self.outside.clock_behind.get();
        let alarm = &self.outside.alarm;
        if alarm.get().is_none_or(|set| set > at) {
            self.step(|| alarm.set(Some(at))).await;
        }
        Ok(())
    }
}

impl Host for SimHost {
    fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        let _ = self.spawner.spawn_local(task);
    }

    fn object_id(&self) -> String {
        "the guild's object".to_owned()
    }

    fn log(&self, _level: Level, line: &str) {
        // Shown by the test runner when the test fails.
        println!("[{}] {line}", self.outside.now.get());
    }
}
