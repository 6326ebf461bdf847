//! Virtual time: what is due happens in its order, and nothing waits.

use std::rc::Rc;

use dbcord::host::UnixMillis;
use discord_sim::{Id, View};

use super::deployment::Deployment;
use super::ledger::Event;
use super::world::{HOUR_MS, World};

impl World {
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

    /// Lets time pass, with whatever happens in it.
    pub fn wait(&mut self, ms: u64) {
        let until = self.now() + ms;
        self.drive(&|| false, ms);
        self.outside.now.set(until.max(self.now()));
    }
}
