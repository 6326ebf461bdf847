//! The ways in which tests let objects, storage and requests down.

use std::collections::BTreeMap;

use discord_sim::FaultPlan;

use super::outside::{Crash, Side};
use super::planted::PlantedBug;
use super::world::World;

impl World {
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

    /// The clock is set back while objects live, and stays so: it is behind by this much more.
    pub fn step_clock_back(&mut self, by_ms: u64) {
        let behind = self.outside.clock_behind.get();
        self.outside.clock_behind.set(behind + by_ms);
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

    /// Plants a bug that the checks have to find.
    pub fn plant(&mut self, bug: PlantedBug) {
        self.outside.planted.set(Some(bug));
        if let PlantedBug::Engine(bug) = bug {
            dbcord::planted::plant(Some(bug));
        }
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
        let deployment = Some(self.endpoint);
        self.plan_crash(step, side, deployment);
    }

    /// Makes whichever object gets to the step die at it.
    pub fn crash_anywhere_at(&mut self, step: u64, side: Side) {
        self.plan_crash(step, side, None);
    }

    fn plan_crash(&mut self, step: u64, side: Side, deployment: Option<usize>) {
        let step = self.outside.steps.get() + step;
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
}
