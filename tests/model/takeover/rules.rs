//! The rules of a change of hands, each of which can be taken away.

/// Reads may miss a message for less than this many ticks after it got into the log.
pub const STALE: u8 = 2;
/// An owner serves and acknowledges for less than this many ticks after its last clean read began.
pub const LEASE: u8 = 2;
/// Then the last thing that the old owner acknowledged is shown to the new one: the notice
/// is missed for `STALE` ticks, the lease of the last read that missed it runs for `LEASE`, and
/// what is acknowledged at its end is missed for `STALE`; less the two ticks at which those end.
/// In the engine: `LEASE_MS` and `OWNERSHIP_WAIT_MS`.
pub const WAIT: u8 = 2 * STALE + LEASE - 2;

/// Where a notice stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticePlace {
    /// A message that is no part of the chain.
    Apart,
    /// A record on the head, under the announcer's epoch.
    InChain,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// An owner serves and acknowledges only under its lease.
    pub lease: bool,
    /// A look counts only if it shows the owner's newest record of those that no read can miss.
    pub look_shows_records: bool,
    /// Ticks between a notice and the read after it.
    pub wait: u8,
    pub notice: NoticePlace,
    /// The new owner's epoch is claimed after the wait, not with the notice.
    pub claim_after_wait: bool,
    /// An epoch is at least the clock, which all deployments share.
    pub clock: bool,
    /// Whoever opens looks whose the log is, and whether somebody announced a takeover.
    pub look_before_opening: bool,
    /// Whoever has new storage opens only after a wait.
    pub wait_when_new: bool,
    /// Of two notices the later, or of two at once the higher owner id, counts; the other
    /// one's deployment gives way. Without it whoever comes out of the wait owns.
    pub give_way: bool,
}

pub const ALL: Rules = Rules {
    lease: true,
    look_shows_records: true,
    wait: WAIT,
    notice: NoticePlace::Apart,
    claim_after_wait: true,
    clock: true,
    look_before_opening: true,
    wait_when_new: true,
    give_way: true,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    pub notices: u8,
    /// Epochs claimed, by both deployments together.
    pub claims: u8,
    pub writes: u8,
    /// How often object storage is wiped.
    pub wipes: u8,
}
