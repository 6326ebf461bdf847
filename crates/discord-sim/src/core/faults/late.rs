//! Requests that are on their way long after their sender gave up on them.

use std::collections::BTreeMap;

/// What is to be carried out later, by its time and then in the order in which it was sent.
#[derive(Debug)]
pub(crate) struct Late<T> {
    waiting: BTreeMap<(u64, u64), T>,
    sent: u64,
}

impl<T> Default for Late<T> {
    fn default() -> Late<T> {
        Late {
            waiting: BTreeMap::new(),
            sent: 0,
        }
    }
}

impl<T> Late<T> {
    pub(crate) fn send(&mut self, arrives_ms: u64, what: T) {
        self.sent += 1;
        self.waiting.insert((arrives_ms, self.sent), what);
    }

    /// Unix milliseconds of the next arrival.
    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.waiting.first_key_value().map(|((at, _), _)| *at)
    }

    /// The next that has arrived by `now`, with its time.
    pub(crate) fn take(&mut self, now: u64) -> Option<(u64, T)> {
        let first = self.waiting.first_entry()?;
        let at = first.key().0;
        (at <= now).then(|| (at, first.remove()))
    }
}
