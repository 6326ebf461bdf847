//! The ban of a client that keeps making invalid requests.
//!
//! Docs `topics/rate-limits`, "Invalid Request Limit aka Cloudflare bans": 10,000 answers of 401, 403 or 429 in 10
//! minutes; 429s of shared scope do not count.

use std::collections::VecDeque;

use http::StatusCode;

const LIMIT: usize = 10_000;
const WINDOW_MS: u64 = 10 * 60 * 1_000;
/// How long a ban lasts. The docs say only "temporarily"; an hour is reported.
const BAN_MS: u64 = 60 * 60 * 1_000;

#[derive(Debug, Default)]
pub(crate) struct InvalidRequests {
    recent: VecDeque<u64>,
    banned_until_ms: u64,
}

impl InvalidRequests {
    pub(crate) fn is_banned(&self, now: u64) -> bool {
        now < self.banned_until_ms
    }

    /// Invalid answers within the window that ends now.
    pub(crate) fn count(&self, now: u64) -> usize {
        self.recent
            .iter()
            .filter(|at| now.saturating_sub(**at) < WINDOW_MS)
            .count()
    }

    pub(crate) fn note(&mut self, now: u64, status: StatusCode, shared: bool) {
        let invalid = matches!(status.as_u16(), 401 | 403 | 429) && !shared;
        if !invalid {
            return;
        }
        while self
            .recent
            .front()
            .is_some_and(|at| now.saturating_sub(*at) >= WINDOW_MS)
        {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
        if self.recent.len() >= LIMIT {
            self.recent.clear();
            self.banned_until_ms = now.saturating_add(BAN_MS);
        }
    }
}
