//! The protocol as a state machine: objects that follow each other over one object storage, their
//! log, and everything that can happen to them.

use crate::checker::Model;
use crate::log::{Log, NONE, Place, Reading, Record, Writes, moved_down, moved_up};
use crate::properties::{Law, Promises, seen};
use crate::rules::{Bounds, Clock, Rules, UnstoredHead, Wait, WaitWhen, World};
use crate::words;

pub const OBJECTS: usize = 3;

pub struct Ownership {
    pub rules: Rules,
    pub world: World,
    pub bounds: Bounds,
    /// The laws that are watched.
    pub laws: &'static [Law],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Phase {
    #[default]
    Unborn,
    /// Reads the log and claims after that, which is against the rules.
    ReadingUnclaimed,
    /// Has read, and has not claimed yet.
    ReadUnclaimed,
    /// Claimed, and waits for what may still surface.
    Waiting,
    /// Claimed, and reads the log.
    Reading,
    /// Open: serves reads and may write.
    Hot,
    /// A record was posted, and neither answered nor given up.
    Posted,
    /// Acknowledged before it was stored, which is against the rules.
    Told,
    /// Has noticed that it was replaced, or can do nothing any more that anybody would see.
    Dead,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Object {
    pub phase: Phase,
    pub epoch: u8,
    /// As loaded when the database was opened, then as stored by this object.
    pub floor: u8,
    pub head: u8,
    /// The writes up to the head.
    pub list: Writes,
    /// The record that was posted last, in `Posted` and `Told`.
    pub posted: u8,
    /// Its write whose outcome it does not know; 0 for none.
    pub unknown: u8,
    pub has_waited: bool,
}

impl Object {
    fn in_phase(phase: Phase) -> Self {
        Object {
            phase,
            epoch: 0,
            floor: NONE,
            head: NONE,
            list: Writes::default(),
            posted: NONE,
            unknown: 0,
            has_waited: false,
        }
    }
}

/// What object storage holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Storage {
    /// 0 for none.
    pub epoch: u8,
    pub floor: u8,
    /// The epoch was claimed over wiped storage, and nothing was stored under it yet.
    pub is_unsettled: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct State {
    pub log: Log,
    pub storage: Storage,
    pub objects: [Object; OBJECTS],
    /// Objects that have been started.
    pub started: u8,
    /// The only one that storage obeys; `NONE` until the first claim.
    pub current: u8,
    pub clock: u8,
    pub claims: u8,
    pub writes: u8,
    pub wipes: u8,
    pub promises: Promises,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Opens without claiming.
    Load(u8),
    Claim(u8),
    /// The wait ends; these of the records under way got into the log meanwhile, and where the
    /// wait drains, the others never will.
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
            if record.place == Place::UnderWay {
                let mut after = *state;
                after.log.put(at, Place::InLog);
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
        laws.into_iter()
            .find(|&law| state.promises.are_broken(law, state, &self.rules))
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
                if record.place != Place::UnderWay {
                    if !self.rules.store_before_acknowledging && record.write != 0 {
                        let mut after = *state;
                        after.objects[usize::from(object)].phase = Phase::Told;
                        after.promises.serve(me.list.then(record.write));
                        out.push((Step::Tell(object), after));
                    } else if is_current {
                        self.commit(state, object, out);
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
                    is_wiped || storage.is_unsettled && !me.has_waited
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
            me.phase = if waits {
                Phase::Waiting
            } else {
                Phase::Reading
            };
            out.push((Step::Claim(object), after));
        }
    }

    fn end_wait(&self, state: &State, object: u8, out: &mut Vec<(Step, State)>) {
        let under_way = state.log.which(|place| place == Place::UnderWay);
        for surfaced in subsets(under_way) {
            let drains = self.world.wait == Wait::Drains;
            // What surfaces during the wait is a step of its own where the rest stays under way.
            if !drains && surfaced != 0 {
                continue;
            }
            let mut after = *state;
            let me = &mut after.objects[usize::from(object)];
            me.phase = Phase::Reading;
            me.has_waited = true;
            for at in (0..RECORD_BITS).rev() {
                if surfaced & 1 << at != 0 {
                    after.log.put(at, Place::InLog);
                } else if drains && under_way & 1 << at != 0 {
                    after.forget(at);
                }
            }
            for at in 0..RECORD_BITS {
                if after.log.which(|place| place == Place::InLog) & 1 << at != 0 {
                    after.log.put(at, Place::Shown);
                }
            }
            if drains {
                for other in (0..state.started).filter(|&other| other != object) {
                    after.objects[usize::from(other)] = Object::in_phase(Phase::Dead);
                }
            }
            out.push((Step::Wait(object, surfaced), after));
        }
    }

    fn read(&self, state: &State, object: u8, out: &mut Vec<(Step, State)>) {
        let me = state.objects[usize::from(object)];
        let sure = state.log.which(|place| place == Place::Shown);
        let perhaps = state.log.which(|place| place == Place::InLog);
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
            after.storage.floor = reading.head;
            after.storage.is_unsettled = false;
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
        if after.log.is_full() {
            return;
        }
        let me = &after.objects[usize::from(object)];
        let record = Record {
            epoch: me.epoch,
            seq: after.log.get(me.head).seq + 1,
            write,
            prev: me.head,
            by: object,
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
        after.storage.floor = posted;
        after.storage.is_unsettled = false;
        let (list, unknown) = (me.list, me.unknown);
        me.unknown = 0;
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

const RECORD_BITS: u8 = 16;

impl State {
    /// The write that an object has under way, or did not know the outcome of before.
    fn unknown_write(&self, object: u8) -> u8 {
        let me = &self.objects[usize::from(object)];
        if me.posted == NONE {
            return me.unknown;
        }
        match self.log.get(me.posted).write {
            0 => me.unknown,
            write => write,
        }
    }

    /// Storage obeys `object` alone from now on.
    fn replace(&mut self, object: u8, rules: &Rules) {
        self.current = object;
        for other in 0..self.started {
            let them = &mut self.objects[usize::from(other)];
            let can_still_tell = !rules.store_before_acknowledging && them.phase == Phase::Posted;
            let is_done = matches!(them.phase, Phase::Posted | Phase::Told) && !can_still_tell;
            if other != object && is_done {
                *them = Object::in_phase(Phase::Dead);
            }
        }
    }

    fn add(&mut self, record: Record) -> u8 {
        let at = self.log.add(record);
        self.point(|index| moved_up(index, at));
        at
    }

    fn forget(&mut self, at: u8) {
        for object in &mut self.objects {
            if object.posted == at {
                object.posted = NONE;
            }
        }
        self.log.remove(at);
        self.point(|index| moved_down(index, at));
    }

    fn point(&mut self, to: impl Fn(u8) -> u8) {
        self.storage.floor = to(self.storage.floor);
        for object in &mut self.objects {
            object.floor = to(object.floor);
            object.head = to(object.head);
            object.posted = to(object.posted);
        }
    }
}

/// All subsets, the fullest first.
fn subsets(of: u16) -> impl Iterator<Item = u16> {
    let mut next = Some(of);
    std::iter::from_fn(move || {
        let subset = next?;
        next = (subset != 0).then(|| (subset - 1) & of);
        Some(subset)
    })
}
