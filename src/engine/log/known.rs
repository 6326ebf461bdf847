//! What must be visible in the log: a page without it tells nothing.
//!
//! Discord answers with an empty list where Read Message History is missing, so what a page does not
//! show need not be absent. A page counts only if it shows our newest record of those that reads cannot
//! miss any more.

use std::collections::VecDeque;

use crate::host::UnixMillis;
use crate::limits::STALENESS_MS;

/// Records that are in the log for certain, by message.
#[derive(Debug, Default)]
pub struct Known {
    /// With the time since when that is known, oldest first. Of those that reads cannot miss any more
    /// only the newest is kept.
    records: VecDeque<(u64, UnixMillis)>,
}

impl Known {
    /// Takes in a record that was answered for, or read.
    pub fn add(&mut self, message: u64, now: UnixMillis) {
        self.records.push_back((message, now));
        while let Some((_, since)) = self.records.get(1)
            && since.saturating_add(STALENESS_MS) <= now
        {
            self.records.pop_front();
        }
    }

    /// What every read shows that begins now.
    pub fn visible(&self, now: UnixMillis) -> Option<u64> {
        let is_visible =
            |(_, since): &&(u64, UnixMillis)| since.saturating_add(STALENESS_MS) <= now;
        let newest = self.records.iter().rev().find(is_visible);
        newest.map(|(message, _)| *message)
    }

    /// All that reads may show, newest first.
    pub fn messages(&self) -> impl Iterator<Item = u64> + '_ {
        self.records.iter().rev().map(|(message, _)| *message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_must_be_visible_once_reads_cannot_miss_it_any_more() {
        let mut known = Known::default();
        assert_eq!(known.visible(u64::MAX), None);
        known.add(7, 1_000);
        known.add(8, 2_000);
        assert_eq!(known.visible(STALENESS_MS + 999), None);
        assert_eq!(known.visible(STALENESS_MS + 1_000), Some(7));
        assert_eq!(known.visible(STALENESS_MS + 2_000), Some(8));
        assert_eq!(known.messages().collect::<Vec<_>>(), [8, 7]);
    }

    #[test]
    fn of_those_that_must_be_visible_only_the_newest_is_kept() {
        let mut known = Known::default();
        for message in 0..100 {
            known.add(message, message * 1_000);
        }
        assert_eq!(known.messages().last(), Some(99 - STALENESS_MS / 1_000));
    }
}
