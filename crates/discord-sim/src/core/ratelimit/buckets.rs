//! Buckets: so many requests in a window that opens with the first of them.

use std::collections::HashMap;

use http::Method;
use sha2::{Digest as _, Sha256};

/// What a bucket allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    /// Routes with the same name show the same `X-RateLimit-Bucket`.
    pub(crate) name: &'static str,
    pub(crate) limit: u32,
    pub(crate) window_ms: u64,
}

/// The state of a bucket after a request asked for a place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) allowed: bool,
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// Unix milliseconds.
    pub(crate) resets_ms: u64,
    /// Not including the top-level resource: two channels show the same hash.
    pub(crate) hash: String,
}

impl Taken {
    /// What a bucket shows in which nothing is left until that time.
    pub(crate) fn exhausted(rule: Rule, resets_ms: u64) -> Taken {
        Taken {
            allowed: false,
            limit: rule.limit,
            remaining: 0,
            resets_ms,
            hash: hash(rule.name),
        }
    }
}

#[derive(Debug)]
struct Window {
    opened_ms: u64,
    used: u32,
}

/// All counters. One counts a method on a bucket of one top-level resource; that the method belongs to it although
/// the hash is the same is reported (discord-api-docs #8073), and a client that keys by hash and resource alone is merely
/// more careful than it needs to be.
#[derive(Debug, Default)]
pub(crate) struct Buckets {
    windows: HashMap<(&'static str, Method, String), Window>,
}

impl Buckets {
    pub(crate) fn take(&mut self, now: u64, rule: Rule, method: &Method, resource: &str) -> Taken {
        let key = (rule.name, method.clone(), resource.to_owned());
        let window = self.windows.entry(key).or_insert(Window {
            opened_ms: now,
            used: 0,
        });
        if now >= window.opened_ms.saturating_add(rule.window_ms) {
            *window = Window {
                opened_ms: now,
                used: 0,
            };
        }
        let allowed = window.used < rule.limit;
        if allowed {
            window.used += 1;
        }
        Taken {
            allowed,
            limit: rule.limit,
            remaining: rule.limit - window.used,
            resets_ms: window.opened_ms.saturating_add(rule.window_ms),
            hash: hash(rule.name),
        }
    }
}

fn hash(name: &str) -> String {
    hex::encode(&Sha256::digest(name.as_bytes())[..16])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULE: Rule = Rule {
        name: "test",
        limit: 5,
        window_ms: 5_000,
    };

    #[test]
    fn a_bucket_counts_down_and_opens_again() {
        let mut buckets = Buckets::default();
        for remaining in (0..5).rev() {
            let taken = buckets.take(1_000, RULE, &Method::GET, "1");
            assert!(taken.allowed);
            assert_eq!((taken.remaining, taken.resets_ms), (remaining, 6_000));
        }
        assert!(!buckets.take(5_999, RULE, &Method::GET, "1").allowed);
        assert!(
            buckets.take(5_999, RULE, &Method::GET, "2").allowed,
            "another resource"
        );
        assert!(
            buckets.take(5_999, RULE, &Method::PATCH, "1").allowed,
            "another method"
        );
        assert!(buckets.take(6_000, RULE, &Method::GET, "1").allowed);
    }

    proptest! {
        /// Who waits for the reset whenever nothing remains is never refused.
        #[test]
        fn heeding_the_headers_is_enough(gaps in prop::collection::vec(0u64..3_000, 1..200)) {
            let mut buckets = Buckets::default();
            let mut now = 0;
            for gap in gaps {
                now += gap;
                let taken = buckets.take(now, RULE, &Method::GET, "1");
                prop_assert!(taken.allowed);
                prop_assert!(taken.resets_ms > now);
                if taken.remaining == 0 {
                    now = now.max(taken.resets_ms);
                }
            }
        }

        /// However requests come, a window lets no more through than its limit.
        #[test]
        fn no_window_lets_more_through(gaps in prop::collection::vec(0u64..2_000, 1..200)) {
            let mut buckets = Buckets::default();
            let mut now = 0;
            let mut passed: Vec<(u64, u64)> = Vec::new();
            for gap in gaps {
                now += gap;
                let taken = buckets.take(now, RULE, &Method::GET, "1");
                if taken.allowed {
                    passed.push((taken.resets_ms, now));
                }
            }
            for (reset, _) in &passed {
                prop_assert!(passed.iter().filter(|(other, _)| other == reset).count() <= 5);
            }
        }
    }
}
