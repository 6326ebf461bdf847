//! The protocol as a state machine: objects that follow each other over one object storage, their
//! log, and everything that can happen to them.

use crate::checker::Model;
use crate::log::{Log, NONE, Place, Reading, Record, subsets};
use crate::properties::{Law, Promises};

use super::rules::{Bounds, Clock, Rules, UnstoredHead, Wait, WaitWhen, World};
use super::seen::seen;
use super::state::{OBJECTS, Object, Phase, State, Storage};
use super::words;

pub struct Ownership {
    pub rules: Rules,
    pub world: World,
    pub bounds: Bounds,
    /// The laws that are watched.
    pub laws: &'static [Law],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Opens without claiming.
    Load(u8),
    Claim(u8),
    /// The wait ends. Where it drains, these of the records under way got into the log meanwhile,
    /// and the others never will.
    Wait(u8, u16),
    Read {
        object: u8,
        shown: u16,
    },
    Write(u8),
    /// Discord refused for certain.
    Refused(u8),
    /// No answer; the object goes on under the same epoch, which is against the rules.
    GoOn(u8),
    Surface(u8),
    /// Answered and stored, but the object has not heard of it.
    StoreUnheard(u8),
    /// Answered, stored, acknowledged.
    Commit(u8),
    /// Acknowledged on the answer alone, which is against the rules.
    Tell(u8),
    Wipe,
}

impl Model for Ownership {
    type State = State;
    type Step = Step;
    type Law = Law;

    fn initial(&self) -> State {
        State {
            log: Log::new(),
            storage: Storage {
                epoch: 1,
                floor: 0,
                is_unsettled: false,
            },
            objects: [Object::in_phase(Phase::Unborn); OBJECTS],
            started: 0,
            current: NONE,
            clock: 1,
            waits: 0,
            claims: 0,
            writes: 0,
            wipes: 0,
            promises: Promises::default(),
        }
    }

    fn next(&self, state: &State, out: &mut Vec<(Step, State)>) {
        if state.started < self.bounds.objects {
            self.open(state, state.started, out);
        }
        for object in 0..state.started {
            self.act(state, object, out);
        }
        for (at, record) in (0_u8..).zip(state.log.all()) {
            if record.place.is_under_way() {
                let mut after = *state;
                after.log.put(at, Place::InLog(state.waits));
                out.push((Step::Surface(at), after));
            }
        }
        if state.wipes < self.bounds.wipes {
            let mut after = *state;
            after.wipes += 1;
            after.storage = Storage {
                epoch: 0,
                floor: NONE,
                is_unsettled: false,
            };
            out.push((Step::Wipe, after));
        }
    }

    fn broken(&self, state: &State) -> Option<Law> {
        let laws = self.laws.iter().copied();
        laws.into_iter().find(|&law| {
            state
                .promises
                .are_broken(law, &state.log, self.rules.history)
        })
    }

    fn seen(&self, before: &State, step: &Step, after: &State) -> u32 {
        seen(before, step, after)
    }

    fn tell(&self, before: &State, step: &Step, after: &State) -> String {
        words::tell(before, step, after)
    }
}

impl Ownership {
    fn act(&self, state: &State, object: u8, out: &mut Vec<(Step, State)>) {
        let me = state.objects[usize::from(object)];
        let is_current = state.current == object;
        match me.phase {
            Phase::Unborn | Phase::Dead => {}
            Phase::Waiting => self.end_wait(state, object, out),
            Phase::Reading | Phase::ReadingUnclaimed => self.read(state, object, out),
            Phase::ReadUnclaimed => self.claim(state, object, 0, out),
            Phase::Hot => self.write(state, object, out),
            Phase::Posted => {
                let record = *state.log.get(me.posted);
                if !record.place.is_under_way() {
                    if !self.rules.store_before_acknowledging && record.write != 0 {
                        let mut after = *state;
                        after.objects[usize::from(object)].phase = Phase::Told;
                        after.promises.serve(me.list.then(record.write));
                        out.push((Step::Tell(object), after));
                    } else if is_current {
                        self.commit(state, object, out);
                        let mut after = *state;
                        after.store(me.posted);
                        out.push((Step::StoreUnheard(object), after));
                    }
                } else if is_current && record.write != 0 {
                    self.refused(state, object, out);
                }
                if is_current {
                    if self.rules.fresh_name {
                        self.open(state, object, out);
                    } else {
                        self.go_on(state, object, out);
                    }
                }
            }
            Phase::Told => {
                if is_current {
                    self.commit(state, object, out);
                }
            }
        }
    }

    /// A new object's first opening, or the same object's next one after an unknown outcome.
    fn open(&self, state: &State, object: u8, out: &mut Vec<(Step, State)>) {
        let mut opening = *state;
        opening.started = opening.started.max(object + 1);
        let unknown = state.unknown_write(object);
        let mut me = Object::in_phase(Phase::ReadingUnclaimed);
        me.unknown = unknown;
        me.floor = state.storage.floor;
        opening.objects[usize::from(object)] = me;
        if self.rules.claim_first {
            self.claim(&opening, object, 0, out);
        } else if state.claims < self.bounds.claims {
            out.push((Step::Load(object), opening));
        }
    }

    /// Raises the epoch above everything known and stores it; from then on storage obeys no
    /// earlier object. What an object loaded before that proves nothing.
    fn claim(&self, state: &State, object: u8, seen: u8, out: &mut Vec<(Step, State)>) {
        if state.claims == self.bounds.claims {
            return;
        }
        let ticks: &[u8] = match self.world.clock {
            Clock::Advances => &[1],
            Clock::MayStall => &[0, 1],
        };
        // Without the clock in it, an epoch does not depend on how late it is.
        let ticks = if self.rules.clock { ticks } else { &[0] };
        for tick in ticks {
            let mut after = *state;
            after.replace(object, &self.rules);
            after.claims += 1;
            after.clock += tick;
            let storage = &mut after.storage;
            let me = &mut after.objects[usize::from(object)];
            let is_wiped = storage.epoch == 0;
            let above = storage.epoch.max(seen) + 1;
            me.epoch = if self.rules.clock {
                above.max(after.clock)
            } else {
                above
            };
            storage.epoch = me.epoch;
            let waits = match self.rules.wait {
                WaitWhen::Never => false,
                WaitWhen::NoEpoch => is_wiped,
                WaitWhen::UntilSettled => {
                    storage.is_unsettled |= is_wiped;
                    is_wiped || storage.is_unsettled && me.wait == 0
                }
            };
            if me.phase == Phase::ReadUnclaimed {
                let reading = Reading {
                    head: me.head,
                    records: 0,
                    writes: me.list,
                };
                self.believe(after, object, reading, Step::Claim(object), out);
                continue;
            }
            me.phase = Phase::Reading;
            if waits {
                me.phase = Phase::Waiting;
                after.waits += 1;
                me.wait = after.waits;
            }
            out.push((Step::Claim(object), after));
        }
    }

    fn end_wait(&self, state: &State, object: u8, out: &mut Vec<(Step, State)>) {
        let mut waited = *state;
        let me = &mut waited.objects[usize::from(object)];
        me.phase = Phase::Reading;
        if self.world.wait == Wait::Shows {
            let wait = me.wait;
            waited.log.show_before(wait);
            out.push((Step::Wait(object, 0), waited));
            return;
        }
        // Of everything before it, what was on its way is in the log or never will be.
        waited.objects[..usize::from(object)].fill(Object::in_phase(Phase::Dead));
        let mut under_way = 0;
        for (at, record) in (0_u8..).zip(state.log.all()) {
            if record.by > object {
                continue;
            }
            match record.place {
                Place::UnderWay => under_way |= 1 << at,
                _ => waited.log.put(at, Place::Shown),
            }
        }
        for surfaced in subsets(under_way) {
            let mut after = waited;
            for at in (0..state.log.len()).rev() {
                if surfaced & 1 << at != 0 {
                    after.log.put(at, Place::Shown);
                } else if under_way & 1 << at != 0 {
                    after.forget(at);
                }
            }
            out.push((Step::Wait(object, surfaced), after));
        }
    }

    fn read(&self, state: &State, object: u8, out: &mut Vec<(Step, State)>) {
        let me = state.objects[usize::from(object)];
        let sure = state.log.which(|place| place == Place::Shown);
        let perhaps = state.log.which(|place| matches!(place, Place::InLog(_)));
        for more in subsets(perhaps) {
            let shown = sure | more;
            let step = Step::Read { object, shown };
            let mut after = *state;
            if me.phase == Phase::ReadingUnclaimed {
                if let Some(reading) = self.history(state, object, shown) {
                    let me = &mut after.objects[usize::from(object)];
                    me.phase = Phase::ReadUnclaimed;
                    me.head = reading.head;
                    me.list = reading.writes;
                    out.push((step, after));
                }
                continue;
            }
            let highest = state.log.highest_epoch(shown);
            if self.rules.reclaim && highest >= me.epoch {
                // A replaced object learns here that it was.
                if state.current == object {
                    let mut claims = Vec::new();
                    self.claim(state, object, highest, &mut claims);
                    out.extend(claims.into_iter().map(|(_, after)| (step, after)));
                }
                continue;
            }
            if let Some(reading) = self.history(state, object, shown) {
                self.believe(after, object, reading, step, out);
            }
        }
    }

    /// The history, unless it shows that the read was stale.
    fn history(&self, state: &State, object: u8, shown: u16) -> Option<Reading> {
        let floor = state.objects[usize::from(object)].floor;
        let reading = state.log.history(self.rules.history, shown)?;
        let is_stale = floor != NONE && reading.records & 1 << floor == 0;
        (!self.rules.floor || !is_stale).then_some(reading)
    }

    /// Goes on from a history: serves it, or first makes sure that it stays.
    fn believe(
        &self,
        mut after: State,
        object: u8,
        reading: Reading,
        step: Step,
        out: &mut Vec<(Step, State)>,
    ) {
        let is_current = after.current == object;
        let me = &mut after.objects[usize::from(object)];
        me.head = reading.head;
        me.list = reading.writes;
        let is_unstored = reading.head != me.floor;
        let is_missing = me.unknown != 0 && !reading.writes.contains(me.unknown);
        let is_post_due = is_unstored && self.rules.unstored_head == UnstoredHead::PostEmpty
            || is_missing && self.rules.settle_before_denying;
        if is_post_due {
            self.post(after, object, 0, step, out);
            return;
        }
        if is_unstored && self.rules.unstored_head == UnstoredHead::StoreOnly {
            if !is_current {
                return;
            }
            me.floor = reading.head;
            after.store(reading.head);
        }
        let me = &mut after.objects[usize::from(object)];
        me.phase = Phase::Hot;
        if is_missing {
            after.promises.deny(me.unknown);
        }
        me.unknown = 0;
        if is_current {
            after.promises.serve(reading.writes);
        }
        out.push((step, after));
    }

    fn write(&self, state: &State, object: u8, out: &mut Vec<(Step, State)>) {
        if state.writes == self.bounds.writes {
            return;
        }
        let mut after = *state;
        after.writes += 1;
        self.post(after, object, state.writes + 1, Step::Write(object), out);
    }

    fn post(
        &self,
        mut after: State,
        object: u8,
        write: u8,
        step: Step,
        out: &mut Vec<(Step, State)>,
    ) {
        let me = &after.objects[usize::from(object)];
        let record = Record {
            epoch: me.epoch,
            seq: after.log.get(me.head).seq + 1,
            write,
            prev: me.head,
            by: object,
            term: 0,
            place: Place::UnderWay,
        };
        let at = after.add(record);
        let me = &mut after.objects[usize::from(object)];
        me.phase = Phase::Posted;
        me.posted = at;
        if after.current != object && self.rules.store_before_acknowledging {
            // Whatever becomes of the record, its store will fail.
            *me = Object::in_phase(Phase::Dead);
        }
        out.push((step, after));
    }

    /// Nothing was written, for certain: said at once, and the same (epoch, seq) is free again.
    fn refused(&self, state: &State, object: u8, out: &mut Vec<(Step, State)>) {
        let mut after = *state;
        let posted = state.objects[usize::from(object)].posted;
        after.promises.deny(state.log.get(posted).write);
        after.forget(posted);
        after.objects[usize::from(object)].phase = Phase::Hot;
        out.push((Step::Refused(object), after));
    }

    fn go_on(&self, state: &State, object: u8, out: &mut Vec<(Step, State)>) {
        let mut after = *state;
        let me = &mut after.objects[usize::from(object)];
        me.phase = Phase::Hot;
        me.posted = NONE;
        out.push((Step::GoOn(object), after));
    }

    fn commit(&self, state: &State, object: u8, out: &mut Vec<(Step, State)>) {
        let mut after = *state;
        let me = &mut after.objects[usize::from(object)];
        let posted = me.posted;
        me.list = me.list.then(state.log.get(posted).write);
        me.head = posted;
        me.floor = posted;
        me.posted = NONE;
        me.phase = Phase::Hot;
        let (list, unknown) = (me.list, me.unknown);
        me.unknown = 0;
        after.store(posted);
        after.promises.serve(list);
        // Whoever asked for a write that is not in this history may now be told that it never
        // will be: this object's own, and those of the objects before it.
        for record in state.log.all() {
            let is_lost = record.by != object || record.write == unknown;
            if is_lost && record.write != 0 && !list.contains(record.write) {
                after.promises.deny(record.write);
            }
        }
        out.push((Step::Commit(object), after));
    }
}
