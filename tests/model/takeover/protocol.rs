//! The takeover as a state machine.

use crate::checker::Model;
use crate::log::{History, Log, NONE, Place, Writes};
use crate::properties::{Law, Promises};

use super::rules::{Bounds, LEASE, NoticePlace, Rules};
use super::state::{DEPLOYMENTS, Deployment, NOTHING, NOTICES, Notice, Phase, Shown, State};
use super::words;

pub struct Takeover {
    pub rules: Rules,
    pub bounds: Bounds,
    pub laws: &'static [Law],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Tick,
    Surface(u8),
    Open {
        by: u8,
        shown: Shown,
    },
    /// Reads to keep its lease.
    Look {
        by: u8,
        shown: Shown,
    },
    Announce {
        by: u8,
        shown: Shown,
    },
    /// Reads after the wait, and makes the log its own.
    Take {
        by: u8,
        shown: Shown,
    },
    Write(u8),
    Commit(u8),
    /// Begins to wait, since its storage is new.
    Wait(u8),
    Wipe(u8),
    /// Evicted, or its POST stayed without an answer.
    Evict(u8),
}

impl Model for Takeover {
    type State = State;
    type Step = Step;
    type Law = Law;

    fn initial(&self) -> State {
        let cold = Deployment {
            phase: Phase::Cold,
            stored_epoch: 0,
            floor: NONE,
            is_new: true,
            epoch: 0,
            term: 0,
            head: NONE,
            list: Writes::default(),
            posted: NONE,
            ticks: 0,
        };
        let owner = Deployment {
            stored_epoch: 1,
            floor: 0,
            is_new: false,
            ..cold
        };
        State {
            log: Log::new(),
            notices: [Notice::default(); NOTICES],
            noticed: 0,
            takeovers: 0,
            deployments: [owner, cold],
            claims: 0,
            writes: 0,
            wipes: 0,
            promises: Promises::default(),
        }
    }

    fn next(&self, state: &State, out: &mut Vec<(Step, State)>) {
        let first = out.len();
        let mut after = *state;
        after.tick(self.rules.wait);
        out.push((Step::Tick, after));
        for (at, record) in (0_u8..).zip(state.log.all()) {
            if record.place.is_under_way() {
                let mut after = *state;
                after.log.put(at, Place::InLog(0));
                out.push((Step::Surface(at), after));
            }
        }
        for by in (0..).take(DEPLOYMENTS) {
            self.act(state, by, out);
        }
        // Whoever can serve is taken to serve.
        for (_, after) in &mut out[first..] {
            for at in 0..DEPLOYMENTS {
                let them = after.deployments[at];
                if them.phase == Phase::Hot && (them.ticks < LEASE || !self.rules.lease) {
                    after.promises.serve(them.list);
                }
            }
        }
    }

    fn broken(&self, state: &State) -> Option<Law> {
        let laws = self.laws.iter().copied();
        laws.into_iter()
            .find(|&law| state.promises.are_broken(law, &state.log, History::Chain))
    }

    fn seen(&self, before: &State, step: &Step, after: &State) -> u32 {
        words::seen(before, step, after)
    }

    fn tell(&self, before: &State, step: &Step, after: &State) -> String {
        words::tell(before, step, after)
    }
}

impl Takeover {
    fn act(&self, state: &State, by: u8, out: &mut Vec<(Step, State)>) {
        let me = state.of(by);
        match me.phase {
            Phase::Cold => {
                if me.is_new && self.rules.wait_when_new {
                    let mut after = *state;
                    after.me(by).phase = Phase::Waiting;
                    out.push((Step::Wait(by), after));
                } else {
                    self.open(state, by, out);
                }
                // Also where storage is new: its wait runs beside that of the notice.
                self.announce(state, by, out);
            }
            Phase::Waiting => {
                if me.ticks >= self.rules.wait {
                    self.open(state, by, out);
                    self.announce(state, by, out);
                }
            }
            Phase::Announced => {
                if me.ticks >= self.rules.wait {
                    self.take(state, by, out);
                }
            }
            Phase::Hot => {
                self.look(state, by, out);
                if state.writes < self.bounds.writes {
                    let mut after = *state;
                    after.writes += 1;
                    after.post(by, after.writes);
                    out.push((Step::Write(by), after));
                }
            }
            Phase::Posted => {
                self.look(state, by, out);
                self.commit(state, by, out);
            }
        }
        if state.wipes < self.bounds.wipes {
            let mut after = *state;
            after.wipes += 1;
            after.wipe(by);
            out.push((Step::Wipe(by), after));
        }
        if me.phase != Phase::Cold {
            let mut after = *state;
            after.close(by);
            out.push((Step::Evict(by), after));
        }
    }

    /// Claims, reads, and opens what is its own. The order of the two, and everything else about
    /// objects over one storage, is the matter of the other model.
    fn open(&self, state: &State, by: u8, out: &mut Vec<(Step, State)>) {
        if state.claims == self.bounds.claims {
            return;
        }
        for shown in state.readings() {
            let Some(mut after) = self.read(state, by, shown) else {
                continue;
            };
            let head = *state.log.get(after.of(by).head);
            if self.rules.look_before_opening
                && (head.by != by || state.is_outranked((head.term, by), shown))
            {
                continue;
            }
            self.claim(&mut after, by, shown);
            let me = after.me(by);
            me.term = head.term;
            me.is_new = false;
            me.ticks = 0;
            me.phase = Phase::Hot;
            if me.head != me.floor {
                after.post(by, 0);
            }
            out.push((Step::Open { by, shown }, after));
        }
    }

    fn look(&self, state: &State, by: u8, out: &mut Vec<(Step, State)>) {
        for shown in state.readings().chain([NOTHING]) {
            let mut after = *state;
            let me = state.of(by);
            let counts = !self.rules.look_shows_records || shows_what_it_must(state, by, shown);
            if state.is_outranked((me.term, by), shown) {
                after.close(by);
            } else if counts {
                after.me(by).ticks = 0;
            }
            out.push((Step::Look { by, shown }, after));
        }
    }

    fn announce(&self, state: &State, by: u8, out: &mut Vec<(Step, State)>) {
        if state.takeovers == self.bounds.notices {
            return;
        }
        for shown in state.readings() {
            let Some(mut after) = self.read(state, by, shown) else {
                continue;
            };
            let term = state.highest_term(shown) + 1;
            after.takeovers += 1;
            let claims_now =
                !self.rules.claim_after_wait || self.rules.notice == NoticePlace::InChain;
            if claims_now {
                if state.claims == self.bounds.claims {
                    continue;
                }
                self.claim(&mut after, by, shown);
            }
            after.me(by).term = term;
            match self.rules.notice {
                NoticePlace::Apart => {
                    after.add_notice(Notice {
                        term,
                        by,
                        place: Place::InLog(0),
                    });
                }
                NoticePlace::InChain => {
                    after.post(by, 0);
                    let posted = after.of(by).posted;
                    after.log.put(posted, Place::InLog(0));
                }
            }
            let me = after.me(by);
            // What was read before the wait is not to be believed after it.
            me.head = NONE;
            me.list = Writes::default();
            me.posted = NONE;
            me.ticks = 0;
            me.phase = Phase::Announced;
            out.push((Step::Announce { by, shown }, after));
        }
    }

    fn take(&self, state: &State, by: u8, out: &mut Vec<(Step, State)>) {
        for shown in state.readings() {
            let mine = state.of(by);
            if self.rules.give_way && state.is_outranked((mine.term, by), shown) {
                let mut after = *state;
                after.close(by);
                out.push((Step::Take { by, shown }, after));
                continue;
            }
            let Some(mut after) = self.read(state, by, shown) else {
                continue;
            };
            let highest = state.log.highest_epoch(shown.records);
            // None was claimed yet, or not above all others.
            if mine.epoch <= highest {
                if state.claims == self.bounds.claims {
                    continue;
                }
                self.claim(&mut after, by, shown);
            }
            let me = after.me(by);
            me.ticks = 0;
            me.is_new = false;
            after.post(by, 0);
            out.push((Step::Take { by, shown }, after));
        }
    }

    /// Acknowledged as far as the lease allows: `next` sees to that.
    fn commit(&self, state: &State, by: u8, out: &mut Vec<(Step, State)>) {
        let posted = state.of(by).posted;
        let record = *state.log.get(posted);
        if record.place.is_under_way() {
            return;
        }
        let mut after = *state;
        let me = after.me(by);
        me.list = me.list.then(record.write);
        me.head = posted;
        me.floor = posted;
        me.posted = NONE;
        me.phase = Phase::Hot;
        out.push((Step::Commit(by), after));
    }

    /// The state with the history in the deployment's memory, unless the read was stale, or shows
    /// nothing.
    fn read(&self, state: &State, by: u8, shown: Shown) -> Option<State> {
        let reading = state.log.history(History::Chain, shown.records)?;
        let mut after = *state;
        let me = after.me(by);
        if me.floor != NONE && reading.records & 1 << me.floor == 0 {
            return None;
        }
        me.head = reading.head;
        me.list = reading.writes;
        Some(after)
    }

    /// Claims above everything stored and shown.
    fn claim(&self, after: &mut State, by: u8, shown: Shown) {
        after.claims += 1;
        let above = after
            .of(by)
            .stored_epoch
            .max(after.log.highest_epoch(shown.records))
            + 1;
        // The first record's epoch is 1.
        let clock = if self.rules.clock {
            after.claims + 1
        } else {
            0
        };
        let me = after.me(by);
        me.epoch = above.max(clock);
        me.stored_epoch = me.epoch;
    }
}

/// Whether the owner's newest record of those that no read can miss is shown.
fn shows_what_it_must(state: &State, by: u8, shown: Shown) -> bool {
    let mut at = state.of(by).head;
    while state.log.get(at).place != Place::Shown {
        at = state.log.get(at).prev;
    }
    shown.records & 1 << at != 0
}
