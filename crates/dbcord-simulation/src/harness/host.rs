//! The host that an object runs on: storage, alarm, clock and network.

use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use dbcord::host::{
    Clock, Durable, Entropy, Host, Level, StorageError, Transport, TransportError, UnixMillis,
};
use discord_sim::Outcome;
use futures_channel::oneshot;
use futures_executor::LocalSpawner;
use futures_util::future::LocalBoxFuture;
use futures_util::task::LocalSpawnExt;
use http::{Method, Request, Response};

use super::deployment::Storage;
use super::ledger::Attributed;
pub use super::outside::Side;
use super::outside::{CONNECTIONS, Life, Outside, REQUESTS_AN_EVENT, Standing, without_newer};
use super::planted::{PlantedBug, without_tail};

/// How long an object with [`PlantedBug::ReadBeforeClaim`] takes from its reading to its claim.
const CLAIM_AFTER_MS: u64 = 400;
/// How long storage takes with [`PlantedBug::AcknowledgedBeforeStored`].
const STORED_AFTER_MS: u64 = 3_000;

pub struct SimHost {
    pub outside: Rc<Outside>,
    pub storage: Rc<Storage>,
    pub life: Rc<Life>,
    pub spawner: LocalSpawner,
}

impl SimHost {
    /// Counts a step; whether it may take effect, and whether the object lives on after it.
    async fn step<T>(&self, effect: impl FnOnce() -> T) -> T {
        if self.life.standing.get() == Standing::Dead {
            return pending().await;
        }
        let step = self.outside.steps.get() + 1;
        self.outside.steps.set(step);
        match self.outside.crash.get() {
            Some(crash) if step >= crash.step && self.is_of(crash.deployment) => {
                self.outside.crash.set(None);
                self.outside.observed.borrow_mut().crashes += 1;
                self.life.standing.set(Standing::Dead);
                if crash.side == Side::After {
                    effect();
                }
                pending().await
            }
            _ => effect(),
        }
    }

    fn is_of(&self, deployment: Option<usize>) -> bool {
        deployment.is_none_or(|deployment| self.storage.deployment == deployment)
    }

    /// Whether storage is this object's.
    fn touch_storage(&self) -> Result<(), StorageError> {
        if self.planted() != Some(PlantedBug::ReadBeforeClaim) {
            self.storage.fence_older_than(self.life.number);
        }
        if self.life.standing.get() == Standing::Replaced {
            return Err(StorageError("this object was replaced".to_owned()));
        }
        Ok(())
    }

    fn touch_storage_to_write(&self) -> Result<(), StorageError> {
        self.touch_storage()?;
        if self.outside.storage_broken.get() {
            return Err(StorageError("the disk is gone".to_owned()));
        }
        match self.outside.storage_flaky.get() {
            (0, 0) => Ok(()),
            (0, fails) => {
                self.outside.storage_flaky.set((0, fails - 1));
                Err(StorageError("the disk is busy".to_owned()))
            }
            (passes, fails) => {
                self.outside.storage_flaky.set((passes - 1, fails));
                Ok(())
            }
        }
    }

    fn planted(&self) -> Option<PlantedBug> {
        self.outside.planted.get()
    }

    /// What an object with a bug in its reading sees. One that reads before its claim sees nothing
    /// that came after its birth.
    fn as_misread(&self, path: &str, mut response: Response<Bytes>) -> Response<Bytes> {
        let is_list = path.ends_with("/messages");
        if is_list && self.planted() == Some(PlantedBug::ReadBeforeClaim) {
            let until_ms = self.life.born + CLAIM_AFTER_MS + 1_000;
            if self.outside.now.get() < until_ms {
                *response.body_mut() = without_newer(response.body(), self.life.born);
            }
        }
        if is_list && self.planted() == Some(PlantedBug::TailDropped) {
            *response.body_mut() = without_tail(response.body());
        }
        response
    }
}

impl Transport for SimHost {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let outside = &self.outside;
        let request = match self.planted() {
            Some(bug) => bug.distort(request),
            None => request,
        };
        if self.life.requests_left.get() == 0 {
            outside.observed.borrow_mut().over_budget += 1;
            return Err(TransportError::NotSent("Too many subrequests".to_owned()));
        }
        self.life
            .requests_left
            .set(self.life.requests_left.get() - 1);
        {
            let used = REQUESTS_AN_EVENT - self.life.requests_left.get();
            let mut observed = outside.observed.borrow_mut();
            observed.window_max = observed.window_max.max(used);
        }
        let _connection = Connection::open(&self.life).await;
        let path = request.uri().path().to_owned();
        let is_post = request.method() == Method::POST && path.ends_with("/messages");
        if is_post && let Some(by_ms) = outside.late_by.take() {
            let key = (outside.now.get() + by_ms, outside.serial());
            outside.late.borrow_mut().insert(key, request);
            return pending().await;
        }
        if outside.uplink_ms.get() > 0 {
            let uplink_ms = outside.draw(outside.uplink_ms.get());
            self.sleep(Duration::from_millis(uplink_ms)).await;
        }
        let noted = outside.note_sent(&request);
        match self.step(|| outside.exchange(request)).await {
            Outcome::Responded { after, response } => {
                self.sleep(after).await;
                outside.note_answered(noted);
                Ok(self.as_misread(&path, response))
            }
            // Nobody says so; the client has to give up by itself.
            Outcome::LostRequest | Outcome::LostResponse => pending().await,
        }
    }
}

/// One of the object's connections, until it is dropped.
struct Connection<'a>(&'a Life);

impl<'a> Connection<'a> {
    async fn open(life: &'a Life) -> Connection<'a> {
        while life.connections.get() >= CONNECTIONS {
            let (free, freed) = oneshot::channel();
            life.waiting.borrow_mut().push_back(free);
            let _ = freed.await;
        }
        life.connections.set(life.connections.get() + 1);
        Connection(life)
    }
}

impl Drop for Connection<'_> {
    fn drop(&mut self) {
        self.0.connections.set(self.0.connections.get() - 1);
        // One that has given up waiting leaves its turn to the next.
        while let Some(next) = self.0.waiting.borrow_mut().pop_front() {
            if next.send(()).is_ok() {
                break;
            }
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
        self.touch_storage()?;
        Ok(self.storage.entries.borrow().get(key).cloned())
    }

    async fn load_prefix(&self, prefix: &str) -> Result<Vec<(String, String)>, StorageError> {
        self.touch_storage()?;
        let entries = self.storage.entries.borrow();
        let entries = entries.iter().filter(|(key, _)| key.starts_with(prefix));
        Ok(entries.map(|(k, v)| (k.clone(), v.clone())).collect())
    }

    async fn store(&self, key: &str, value: &str) -> Result<(), StorageError> {
        let planted = self.planted();
        if planted == Some(PlantedBug::AcknowledgedBeforeStored) && key.ends_with("/floor") {
            self.store_some_time(key, value);
            return Ok(());
        }
        if planted == Some(PlantedBug::ReadBeforeClaim) && key.ends_with("/epoch") {
            self.sleep(Duration::from_millis(CLAIM_AFTER_MS)).await;
            self.storage.fence_older_than(self.life.number);
        }
        self.touch_storage_to_write()?;
        let entries = &self.storage.entries;
        self.step(|| {
            entries
                .borrow_mut()
                .insert(key.to_owned(), value.to_owned())
        })
        .await;
        Ok(())
    }

    async fn remove(&self, key: &str) -> Result<(), StorageError> {
        self.touch_storage()?;
        let entries = &self.storage.entries;
        self.step(|| entries.borrow_mut().remove(key)).await;
        Ok(())
    }

    async fn wake_at(&self, at: UnixMillis) -> Result<(), StorageError> {
        self.touch_storage()?;
        if self.outside.wake_fails.replace(false) {
            return Err(StorageError("the disk is busy".to_owned()));
        }
        let at = at + self.outside.clock_behind.get();
        let alarm = &self.storage.alarm;
        if alarm.get().is_none_or(|set| set > at) {
            self.step(|| alarm.set(Some(at))).await;
        }
        Ok(())
    }
}

impl SimHost {
    /// Stores later, unless the object dies or is replaced before.
    fn store_some_time(&self, key: &str, value: &str) {
        let (storage, life) = (Rc::clone(&self.storage), Rc::clone(&self.life));
        let (key, value) = (key.to_owned(), value.to_owned());
        let timer = SimHost {
            outside: Rc::clone(&self.outside),
            storage: Rc::clone(&storage),
            life: Rc::clone(&life),
            spawner: self.spawner.clone(),
        };
        self.spawn(Box::pin(async move {
            timer.sleep(Duration::from_millis(STORED_AFTER_MS)).await;
            if life.standing.get() == Standing::Live {
                storage.entries.borrow_mut().insert(key, value);
            }
        }));
    }
}

impl Host for SimHost {
    fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        let task = Attributed::new(&self.outside, self.outside.event.get(), task);
        let _ = self.spawner.spawn_local(task);
    }

    fn object_id(&self) -> String {
        match self.storage.deployment {
            0 => "the guild's object".to_owned(),
            other => format!("the guild's object in deployment {other}"),
        }
    }

    fn log(&self, _level: Level, line: &str) {
        if self.outside.is_loud.get() {
            // Shown by the test runner when the test fails.
            println!("[{}] {line}", self.outside.now.get());
        }
    }
}
