//! What there is: objects, their storage, their log, and what people were told.

use crate::log::{Log, NONE, Record, Writes, moved_down, moved_up};
use crate::properties::Promises;

use super::rules::Rules;

pub const OBJECTS: usize = 3;

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
    /// The number of its wait; 0 for none since it was opened.
    pub wait: u8,
}

impl Object {
    pub fn in_phase(phase: Phase) -> Self {
        Object {
            phase,
            epoch: 0,
            floor: NONE,
            head: NONE,
            list: Writes::default(),
            posted: NONE,
            unknown: 0,
            wait: 0,
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
    /// Waits that have begun.
    pub waits: u8,
    pub claims: u8,
    pub writes: u8,
    pub wipes: u8,
    pub promises: Promises,
}

impl State {
    /// The write that an object has under way, or did not know the outcome of before.
    pub fn unknown_write(&self, object: u8) -> u8 {
        let me = &self.objects[usize::from(object)];
        if me.posted == NONE {
            return me.unknown;
        }
        match self.log.get(me.posted).write {
            0 => me.unknown,
            write => write,
        }
    }

    pub fn store(&mut self, floor: u8) {
        self.storage.floor = floor;
        self.storage.is_unsettled = false;
    }

    /// Storage obeys `object` alone from now on.
    pub fn replace(&mut self, object: u8, rules: &Rules) {
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

    pub fn add(&mut self, record: Record) -> u8 {
        let at = self.log.add(record);
        self.point(|index| moved_up(index, at));
        at
    }

    pub fn forget(&mut self, at: u8) {
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
