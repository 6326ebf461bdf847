//! The rules of the protocol, each of which can be taken away, and what is assumed of the world.

use crate::log::History;

/// What an opener does with a head that is not the floor: somebody's unstored commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnstoredHead {
    /// Posts an empty record on it and stores that.
    PostEmpty,
    /// Stores it as the floor.
    StoreOnly,
    /// Believes it.
    Believe,
}

/// When an opener waits before it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitWhen {
    /// Storage holds no epoch, or the last claim over such storage has not led to a stored commit.
    UntilSettled,
    /// Storage holds no epoch.
    NoEpoch,
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    pub history: History,
    /// A log without the floor is a stale read.
    pub floor: bool,
    pub unstored_head: UnstoredHead,
    /// An epoch in the log that is not below ours makes us claim above it and read again.
    pub reclaim: bool,
    /// An epoch is at least the clock.
    pub clock: bool,
    /// The epoch is stored before the log is read.
    pub claim_first: bool,
    pub wait: WaitWhen,
    /// A commit is acknowledged once the floor is stored.
    pub store_before_acknowledging: bool,
    /// After an outcome that is unknown, the (epoch, seq) is not used again.
    pub fresh_name: bool,
    /// "Nothing was written" is said only once a later record is stored.
    pub settle_before_denying: bool,
}

/// The protocol as it should be.
pub const ALL: Rules = Rules {
    history: History::Chain,
    floor: true,
    unstored_head: UnstoredHead::PostEmpty,
    reclaim: true,
    clock: true,
    claim_first: true,
    wait: WaitWhen::UntilSettled,
    store_before_acknowledging: true,
    fresh_name: true,
    settle_before_denying: true,
};

/// What the wait of 60 seconds is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Every read from its end on shows what was in the log when it began.
    Shows,
    /// At its end no earlier object runs any more, and every read shows whatever those posted, or
    /// it will never be in the log.
    Drains,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Two claims never see the same time.
    Advances,
    /// It never goes back.
    MayStall,
}

/// What is assumed of the world. The protocol is safe in [`LATE_WORLD`] and in [`STALLED_WORLD`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct World {
    pub clock: Clock,
    pub wait: Wait,
}

/// The clock is right, and the network and replaced objects take as long as they like.
pub const LATE_WORLD: World = World {
    clock: Clock::Advances,
    wait: Wait::Shows,
};

/// The clock may stand still, and after a minute nothing old is under way.
pub const STALLED_WORLD: World = World {
    clock: Clock::MayStall,
    wait: Wait::Drains,
};

/// How much may happen in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Objects that follow each other over the same storage; at most [`super::state::OBJECTS`].
    pub objects: u8,
    /// Epochs claimed, by all objects together.
    pub claims: u8,
    pub writes: u8,
    pub wipes: u8,
}

/// Neither: too little, whatever the rules.
pub const LATE_AND_STALLED_WORLD: World = World {
    clock: Clock::MayStall,
    wait: Wait::Shows,
};
