//! What there is: two deployments, their log, and what people were told.

use crate::log::{Log, NONE, Place, Record, Writes, moved_up, subsets};
use crate::properties::Promises;

use super::rules::{LEASE, STALE};

pub const DEPLOYMENTS: usize = 2;
pub const NOTICES: usize = 3;

/// Which of two ownerships is the later: the one of the higher term; of two in the same term, that
/// of the higher owner id.
pub type Rank = (u8, u8);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Phase {
    /// Nothing in memory.
    #[default]
    Cold,
    /// Waits, since its storage is new.
    Waiting,
    /// Announced; waits.
    Announced,
    Hot,
    Posted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Deployment {
    pub phase: Phase,
    /// In object storage, as is the floor.
    pub stored_epoch: u8,
    pub floor: u8,
    /// Nothing is known of what was written over this storage before.
    pub is_new: bool,
    /// 0 when none was claimed since it was closed.
    pub epoch: u8,
    pub term: u8,
    pub head: u8,
    pub list: Writes,
    pub posted: u8,
    /// Ticks since its last clean read, up to `LEASE`; or since its wait began, up to that.
    pub ticks: u8,
}

/// That a takeover has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Notice {
    pub term: u8,
    pub by: u8,
    pub place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct State {
    pub log: Log,
    /// Sorted.
    pub notices: [Notice; NOTICES],
    pub noticed: u8,
    /// Begun so far, each with a notice.
    pub takeovers: u8,
    pub deployments: [Deployment; DEPLOYMENTS],
    /// Claims so far, which is what the clock says: no two see the same time.
    pub claims: u8,
    pub writes: u8,
    pub wipes: u8,
    pub promises: Promises,
}

/// What a read shows, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    pub records: u16,
    pub notices: u16,
}

/// What a read shows where the right to read was taken away, and may be given back at any time.
pub const NOTHING: Shown = Shown {
    records: 0,
    notices: 0,
};

impl State {
    pub fn of(&self, by: u8) -> &Deployment {
        &self.deployments[usize::from(by)]
    }

    pub fn me(&mut self, by: u8) -> &mut Deployment {
        &mut self.deployments[usize::from(by)]
    }

    pub fn notices(&self) -> &[Notice] {
        &self.notices[..usize::from(self.noticed)]
    }

    pub fn tick(&mut self, wait: u8) {
        self.log.age(STALE);
        for notice in &mut self.notices[..usize::from(self.noticed)] {
            notice.place = notice.place.after_tick(STALE);
        }
        for them in &mut self.deployments {
            let most = match them.phase {
                Phase::Cold => 0,
                Phase::Waiting | Phase::Announced => wait,
                Phase::Hot | Phase::Posted => LEASE,
            };
            them.ticks = (them.ticks + 1).min(most);
        }
    }

    /// Everything that a read may show now.
    pub fn readings(&self) -> impl Iterator<Item = Shown> + '_ {
        let (mut sure, mut perhaps) = (0, 0);
        for (at, notice) in self.notices().iter().enumerate() {
            match notice.place {
                Place::Shown => sure |= 1 << at,
                _ => perhaps |= 1 << at,
            }
        }
        let records = self.log.which(|place| place == Place::Shown);
        let more = self.log.which(|place| matches!(place, Place::InLog(_)));
        subsets(more).flat_map(move |more| {
            subsets(perhaps).map(move |notices| Shown {
                records: records | more,
                notices: sure | notices,
            })
        })
    }

    fn ranks(&self, shown: Shown) -> impl Iterator<Item = Rank> + '_ {
        let is_in = |set: u16, at: usize| set & 1 << at != 0;
        let notices = self.notices().iter().enumerate();
        let announced = notices
            .filter(move |(at, _)| is_in(shown.notices, *at))
            .map(|(_, notice)| (notice.term, notice.by));
        let records = self.log.all().iter().enumerate();
        let owned = records
            .filter(move |(at, _)| is_in(shown.records, *at))
            .map(|(_, record)| (record.term, record.by));
        announced.chain(owned)
    }

    /// Whether somebody else's notice or ownership of a higher rank is shown.
    pub fn is_outranked(&self, rank: Rank, shown: Shown) -> bool {
        self.ranks(shown)
            .any(|other| other.1 != rank.1 && other > rank)
    }

    pub fn highest_term(&self, shown: Shown) -> u8 {
        self.ranks(shown).map(|(term, _)| term).max().unwrap_or(0)
    }

    pub fn add_notice(&mut self, notice: Notice) {
        self.notices[usize::from(self.noticed)] = notice;
        self.noticed += 1;
        self.notices[..usize::from(self.noticed)].sort_unstable();
    }

    /// Forgets everything that is not stored.
    pub fn close(&mut self, by: u8) {
        let me = self.me(by);
        *me = Deployment {
            phase: Phase::Cold,
            epoch: 0,
            term: 0,
            head: NONE,
            list: Writes::default(),
            posted: NONE,
            ticks: 0,
            ..*me
        };
    }

    /// Object storage is gone, and the object with it.
    pub fn wipe(&mut self, by: u8) {
        self.close(by);
        let me = self.me(by);
        me.stored_epoch = 0;
        me.floor = NONE;
        me.is_new = true;
    }

    pub fn post(&mut self, by: u8, write: u8) {
        let me = self.of(by);
        let record = Record {
            epoch: me.epoch,
            seq: self.log.get(me.head).seq + 1,
            write,
            prev: me.head,
            by,
            term: me.term,
            place: Place::UnderWay,
        };
        let at = self.log.add(record);
        for them in &mut self.deployments {
            them.floor = moved_up(them.floor, at);
            them.head = moved_up(them.head, at);
            them.posted = moved_up(them.posted, at);
        }
        let me = self.me(by);
        me.phase = Phase::Posted;
        me.posted = at;
    }
}
