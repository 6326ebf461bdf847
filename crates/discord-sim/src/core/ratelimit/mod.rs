//! Rate limits: per-route buckets, the global limit, and the ban for too many invalid requests.
//!
//! Docs `topics/rate-limits`. The numbers of the single buckets are in the route tables.

mod buckets;
mod invalid;

pub(crate) use self::buckets::{Buckets, Rule, Taken};
pub(crate) use self::invalid::InvalidRequests;

use http::{HeaderMap, HeaderValue};

/// The limit on all of a bot's requests together (docs, "Global Rate Limit").
pub(crate) const GLOBAL: Rule = Rule {
    name: "global",
    limit: 50,
    window_ms: 1_000,
};

/// Seconds, to the millisecond.
pub(crate) fn seconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}

pub(crate) fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// The headers of a request that was counted against a bucket.
pub(crate) fn put_bucket(headers: &mut HeaderMap, taken: &Taken, now: u64) {
    put(headers, "x-ratelimit-limit", &taken.limit.to_string());
    put(
        headers,
        "x-ratelimit-remaining",
        &taken.remaining.to_string(),
    );
    put(
        headers,
        "x-ratelimit-reset",
        &format!("{:.3}", seconds(taken.resets_ms)),
    );
    put(
        headers,
        "x-ratelimit-reset-after",
        &format!("{:.3}", seconds(taken.resets_ms.saturating_sub(now))),
    );
    put(headers, "x-ratelimit-bucket", &taken.hash);
}

/// The headers that only a 429 has. `Retry-After` is in whole seconds, rounded up.
pub(crate) fn put_exceeded(headers: &mut HeaderMap, wait_ms: u64, scope: &str) {
    put(headers, "retry-after", &wait_ms.div_ceil(1_000).to_string());
    put(headers, "x-ratelimit-scope", scope);
    if scope == "global" {
        put(headers, "x-ratelimit-global", "true");
    }
}
