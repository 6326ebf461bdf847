//! What the database promises.

use crate::log::{History, Log, Writes};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    /// Every history that is served begins with the one served before. So nothing acknowledged and
    /// nothing once read is lost or moved, and writes count in the order of their acknowledgement.
    ServedStays,
    /// What was reported as not written is in no history that is served.
    DeniedStaysAway,
    /// Whoever reads the whole log and knows nothing else finds what was served, and nothing that
    /// was denied.
    LogTells,
    /// No two different records in the log have the same (epoch, seq).
    OneRecordOneName,
}

/// Broken as soon as somebody sees it.
pub const TO_PEOPLE: &[Law] = &[Law::ServedStays, Law::DeniedStaysAway];

/// That, and broken as soon as the log alone would tell it wrongly: somebody who opens it after one
/// more wipe or change of hands sees it.
pub const PROMISED: &[Law] = &[Law::ServedStays, Law::DeniedStaysAway, Law::LogTells];

pub const EVERY: &[Law] = &[
    Law::ServedStays,
    Law::DeniedStaysAway,
    Law::LogTells,
    Law::OneRecordOneName,
];

/// What was said to people so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Promises {
    /// The history served last. An object that can serve is taken to have served.
    pub served: Writes,
    /// Writes reported as not written, as bits.
    pub denied: u8,
    served_was_lost: bool,
    denied_was_served: bool,
}

impl Promises {
    pub fn serve(&mut self, list: Writes) {
        self.served_was_lost |= !self.served.is_start_of(list);
        self.served = list;
        self.denied_was_served |= list.has_any_of(self.denied);
    }

    pub fn deny(&mut self, write: u8) {
        self.denied |= 1 << write;
        self.denied_was_served |= self.served.contains(write);
    }

    pub fn are_broken(&self, law: Law, log: &Log, rule: History) -> bool {
        match law {
            Law::ServedStays => self.served_was_lost,
            Law::DeniedStaysAway => self.denied_was_served,
            Law::LogTells => {
                let all = log.which(|place| !place.is_under_way());
                let reading = log.history(rule, all);
                reading.is_none_or(|reading| {
                    let list = reading.writes;
                    !self.served.is_start_of(list) || list.has_any_of(self.denied)
                })
            }
            Law::OneRecordOneName => log.has_twins(),
        }
    }
}
