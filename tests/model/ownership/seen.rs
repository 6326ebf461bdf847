//! What must happen somewhere in a search for its result to mean anything.

use crate::log::NONE;

use super::protocol::Step;
use super::state::{Phase, State};

/// An object took over from another.
pub const REPLACED: u32 = 1;
/// A record surfaced under an epoch below that of the stored head, and so is void.
pub const LATE_AND_VOID: u32 = 1 << 1;
/// A record surfaced whose object had been replaced.
pub const LATE: u32 = 1 << 2;
/// An empty record was posted on an unstored head.
pub const UNSTORED_HEAD: u32 = 1 << 3;
/// A database with writes in it was served again after storage had been wiped.
pub const WIPE_SURVIVED: u32 = 1 << 4;
/// A write of unknown outcome turned out to be in the log.
pub const FOUND: u32 = 1 << 5;
/// A write of unknown outcome was reported as not written.
pub const DENIED: u32 = 1 << 6;
/// The (epoch, seq) of a refused write was used by the next.
pub const REUSED_AFTER_REFUSAL: u32 = 1 << 7;
/// A read showed an epoch that made its reader claim a higher one.
pub const CLAIMED_AGAIN: u32 = 1 << 8;
/// A replaced object posted.
pub const REPLACED_POSTED: u32 = 1 << 9;

pub const ALL: u32 = (1 << 10) - 1;

pub fn seen(before: &State, step: &Step, after: &State) -> u32 {
    let mut seen = 0;
    let mut note = |bit: u32, is_seen: bool| seen |= if is_seen { bit } else { 0 };
    match *step {
        Step::Claim(object) => {
            let other = before.current;
            note(REPLACED, other != NONE && other != object);
        }
        Step::Surface(at) => {
            let record = before.log.get(at);
            note(LATE, record.by != before.current);
            let floor = before.storage.floor;
            note(
                LATE_AND_VOID,
                floor != NONE && record.epoch < before.log.get(floor).epoch,
            );
        }
        Step::Read { object, .. } => {
            let (was, is) = (
                before.objects[usize::from(object)],
                after.objects[usize::from(object)],
            );
            note(CLAIMED_AGAIN, is.epoch > was.epoch);
            note(
                UNSTORED_HEAD,
                is.phase == Phase::Posted && is.head != is.floor && is.floor != NONE,
            );
        }
        Step::Write(object) => {
            note(REPLACED_POSTED, before.current != object);
            let denied = before.promises.denied;
            note(REUSED_AFTER_REFUSAL, denied & 1 << before.writes != 0);
        }
        Step::Commit(object) => {
            let me = before.objects[usize::from(object)];
            let list = after.promises.served;
            note(FOUND, me.unknown != 0 && list.contains(me.unknown));
            note(DENIED, me.unknown != 0 && !list.contains(me.unknown));
            note(
                WIPE_SURVIVED,
                before.wipes > 0 && me.wait != 0 && before.promises.served.0 != 0,
            );
        }
        _ => {}
    }
    seen
}
