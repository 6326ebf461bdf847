//! The steps of a takeover in words, and what must be seen happening.

use crate::log::Record;

use super::protocol::Step;
use super::state::{NOTHING, Phase, Shown, State};

/// Somebody else became the owner, and served.
pub const TAKEN: u32 = 1;
/// The old owner learnt it from a read.
pub const DEPOSED: u32 = 1 << 1;
/// It had writes in the log that its new owner serves.
pub const KEPT: u32 = 1 << 2;
/// The old owner's record surfaced after that, and is void.
pub const LATE: u32 = 1 << 3;
/// Of two that announced one gave way.
pub const GAVE_WAY: u32 = 1 << 4;
/// The log went back to whom it had been taken from.
pub const TAKEN_BACK: u32 = 1 << 5;

/// Whoever took over had new storage when it announced that, and waited once.
pub const FROM_NEW: u32 = 1 << 6;
/// An owner whose storage was wiped has waited and serves again.
pub const REOPENED: u32 = 1 << 7;

/// An owner's read showed nothing, and it learnt nothing from it.
pub const HIDDEN: u32 = 1 << 8;

/// Everything that happens while storage is kept.
pub const EVERYTHING: u32 = ((1 << 6) - 1) | HIDDEN;

pub fn seen(before: &State, step: &Step, after: &State) -> u32 {
    let mut seen = 0;
    let mut note = |bit: u32, is_seen: bool| seen |= if is_seen { bit } else { 0 };
    match *step {
        Step::Commit(by) => {
            let head = after.log.get(after.of(by).head);
            let prev = after.log.get(head.prev);
            let changed = prev.by != by;
            note(TAKEN, changed);
            note(KEPT, changed && after.promises.served.0 != 0);
            note(TAKEN_BACK, changed && head.term > 1 && by == 0);
        }
        Step::Surface(at) => {
            let record = before.log.get(at);
            let other = before.of(1 - record.by);
            note(LATE, other.phase == Phase::Hot && other.term > record.term);
        }
        Step::Look { by, shown } => {
            note(DEPOSED, after.of(by).phase == Phase::Cold);
            note(HIDDEN, shown == NOTHING && after == before);
        }
        Step::Take { by, .. } => {
            note(GAVE_WAY, after.of(by).phase == Phase::Cold);
            note(FROM_NEW, before.of(by).is_new && !after.of(by).is_new);
        }
        Step::Open { by, .. } => note(REOPENED, before.of(by).phase == Phase::Waiting),
        _ => {}
    }
    seen
}

pub fn tell(before: &State, step: &Step, after: &State) -> String {
    match *step {
        Step::Tick => "a tick passes".to_owned(),
        Step::Surface(at) => format!("{} gets into the log", before.log.get(at)),
        Step::Open { by, shown } => {
            format!(
                "{} opens: {}{}",
                name(by),
                read(before, shown),
                outcome(after, by)
            )
        }
        Step::Look { by, shown } => {
            let then = match after.of(by).phase {
                Phase::Cold => ", and knows that it is the owner no more",
                _ if after == before => ", and learns nothing",
                _ => ", and has its lease anew",
            };
            format!("{} looks: {}{then}", name(by), read(before, shown))
        }
        Step::Announce { by, shown } => {
            format!(
                "{} announces a takeover, having read {}",
                name(by),
                read(before, shown)
            )
        }
        Step::Take { by, shown } => {
            let waited = format!("{} has waited: {}", name(by), read(before, shown));
            format!("{waited}{}", outcome(after, by))
        }
        Step::Write(by) => format!("{} writes{}", name(by), outcome(after, by)),
        Step::Commit(by) => {
            let me = after.of(by);
            let record = after.log.get(me.head);
            format!("{} stores {record} and has {}", name(by), me.list)
        }
        Step::Wait(by) => format!("{} waits, since its storage is new", name(by)),
        Step::Wipe(by) => format!("{}'s storage is wiped", name(by)),
        Step::Evict(by) => format!("{} is evicted", name(by)),
    }
}

fn name(by: u8) -> &'static str {
    if by == 0 { "A" } else { "B" }
}

fn outcome(after: &State, by: u8) -> String {
    let me = after.of(by);
    match me.phase {
        Phase::Hot => format!(", and has {}", me.list),
        Phase::Posted => {
            let record = after.log.get(me.posted);
            format!(", and posts {record} on {}", after.log.get(record.prev))
        }
        Phase::Cold => ", and gives way".to_owned(),
        Phase::Waiting | Phase::Announced => String::new(),
    }
}

fn read(state: &State, shown: Shown) -> String {
    let records = state.log.all().iter().enumerate();
    let is_shown = |set: u16, at: usize| set & 1 << at != 0;
    let all = records.filter(|(_, record)| !record.place.is_under_way());
    let (seen, missed): (Vec<_>, Vec<_>) = all.partition(|(at, _)| is_shown(shown.records, *at));
    let words = |list: Vec<(usize, &Record)>| -> Vec<String> {
        list.into_iter()
            .map(|(_, record)| record.to_string())
            .collect()
    };
    if shown == NOTHING {
        return "nothing at all".to_owned();
    }
    let (mut seen, mut missed) = (words(seen), words(missed));
    for (at, notice) in state.notices().iter().enumerate() {
        let list = if is_shown(shown.notices, at) {
            &mut seen
        } else {
            &mut missed
        };
        list.push(format!("notice {} of {}", notice.term, name(notice.by)));
    }
    match missed.is_empty() {
        true => seen.join(" "),
        false => format!("{}, missing {}", seen.join(" "), missed.join(" ")),
    }
}
