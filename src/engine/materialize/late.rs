//! Requests that may still arrive: those that nobody answered, and those of an object that is gone.

use crate::host::UnixMillis;

/// Until when something may change that nobody here asked for. It is not over before somebody
/// looked at it after that.
#[derive(Debug, Default)]
pub(super) struct Late {
    until: Option<UnixMillis>,
}

impl Late {
    /// Something may arrive up to this time.
    pub fn extend(&mut self, until: UnixMillis) {
        self.until = self.until.max(Some(until));
    }

    /// A look was taken, at how things were at that time.
    pub fn looked(&mut self, asked_at: UnixMillis) {
        self.until = self.until.filter(|&until| asked_at < until);
    }

    /// Whether something may still arrive, or may have since the last look.
    pub fn is_open(&self) -> bool {
        self.until.is_some()
    }

    /// From when on a look tells how things stay, as long as one is due.
    pub fn until(&self) -> Option<UnixMillis> {
        self.until
    }
}
