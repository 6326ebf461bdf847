//! A deployment of the bot: object storage and an alarm of its own, and the objects that live on
//! them. Several deployments can have the same token and the same guild.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::rc::Rc;

use dbcord::config::Config;
use dbcord::host::UnixMillis;
use dbcord::instance::Instance;
use futures_executor::LocalPool;
use futures_util::task::LocalSpawnExt;

use super::host::SimHost;
use super::outside::{Life, Outside, Standing};

/// How long an object goes on that was replaced.
const REPLACED_MS: u64 = 20_000;

/// What outlives the objects of a deployment.
pub struct Storage {
    /// Which deployment it is, counted from 0.
    pub deployment: usize,
    pub entries: RefCell<BTreeMap<String, String>>,
    pub alarm: Cell<Option<UnixMillis>>,
    /// Lives that are not over, oldest first.
    lives: RefCell<Vec<Rc<Life>>>,
}

impl Storage {
    /// An object touches storage: whoever was there before it has lost it from now on.
    pub fn fence_older_than(&self, life: u64) {
        for older in self.lives.borrow().iter().filter(|l| l.number < life) {
            older.standing.set(Standing::Replaced);
        }
    }

    fn forget_the_dead(&self) {
        for life in self.lives.borrow().iter() {
            if life.standing.get() == Standing::Dead && life.alarms.get() > 0 {
                // The runtime promises a whole run of the handler, if not in this life.
                // <https://developers.cloudflare.com/durable-objects/api/alarms/>
                self.alarm.set(Some(0));
            }
        }
        let mut lives = self.lives.borrow_mut();
        lives.retain(|life| life.standing.get() != Standing::Dead);
    }
}

/// An object, and the tasks that die with it.
struct Running {
    instance: Rc<Instance<SimHost>>,
    pool: LocalPool,
    life: Rc<Life>,
}

pub struct Deployment {
    pub storage: Rc<Storage>,
    object: Option<Running>,
    /// Objects that were replaced, and when they end.
    replaced: Vec<(Running, UnixMillis)>,
    born: u64,
}

impl Deployment {
    pub fn new(deployment: usize) -> Deployment {
        let storage = Storage {
            deployment,
            entries: RefCell::default(),
            alarm: Cell::new(None),
            lives: RefCell::default(),
        };
        Deployment {
            storage: Rc::new(storage),
            object: None,
            replaced: Vec::new(),
            born: 0,
        }
    }

    /// The object that an event goes to. The event brings it a new share of requests.
    pub fn object_for_event(
        &mut self,
        outside: &Rc<Outside>,
        config: Config,
    ) -> Rc<Instance<SimHost>> {
        let running = match self.object.take() {
            Some(running) => running,
            None => self.begin(outside, config),
        };
        running.life.top_up();
        let instance = Rc::clone(&running.instance);
        self.object = Some(running);
        instance
    }

    /// The newest object's life.
    pub fn life(&self) -> Rc<Life> {
        let running = self.object.as_ref().expect("an event has begun it");
        Rc::clone(&running.life)
    }

    /// Runs a task in the newest object.
    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        let running = self.object.as_ref().expect("an event has begun it");
        let spawned = running.pool.spawner().spawn_local(task);
        spawned.expect("the pool is there");
    }

    pub fn run_tasks(&mut self, now: UnixMillis) {
        for running in self.replaced.iter_mut().map(|(running, _)| running) {
            running.pool.run_until_stalled();
        }
        if let Some(running) = &mut self.object {
            running.pool.run_until_stalled();
        }
        for (running, until) in &self.replaced {
            if *until <= now {
                running.life.standing.set(Standing::Dead);
            }
        }
        // What crashed or ended: its tasks are gone, and nothing of it can act any more.
        let is_over = |running: &Running| running.life.standing.get() == Standing::Dead;
        self.replaced.retain(|(running, _)| !is_over(running));
        self.object = self.object.take().filter(|running| !is_over(running));
        self.storage.forget_the_dead();
    }

    /// When the next of the replaced objects ends.
    pub fn next_end(&self) -> Option<UnixMillis> {
        self.replaced.iter().map(|(_, until)| *until).min()
    }

    /// The newest object gets no more events, and goes on for a while.
    pub fn replace(&mut self, now: UnixMillis) {
        if let Some(running) = self.object.take() {
            self.replaced.push((running, now + REPLACED_MS));
        }
    }

    /// Ends the newest object's life.
    pub fn bury(&mut self) {
        if let Some(running) = self.object.take() {
            running.life.standing.set(Standing::Dead);
        }
        self.storage.forget_the_dead();
    }

    /// Storage is wiped with it, alarm and all.
    pub fn wipe(&mut self) {
        self.bury();
        self.storage.entries.borrow_mut().clear();
        self.storage.alarm.set(None);
    }

    fn begin(&mut self, outside: &Rc<Outside>, config: Config) -> Running {
        self.born += 1;
        let life = Rc::new(Life::new(self.born, outside.now.get()));
        self.storage.lives.borrow_mut().push(Rc::clone(&life));
        let pool = LocalPool::new();
        let host = SimHost {
            outside: Rc::clone(outside),
            storage: Rc::clone(&self.storage),
            life: Rc::clone(&life),
            spawner: pool.spawner(),
        };
        let guild = config.guild_ids.first().copied().unwrap_or_default();
        Running {
            instance: Instance::new(Rc::new(host), config, guild),
            pool,
            life,
        }
    }
}
