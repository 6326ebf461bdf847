//! Discord's rate limits as a state machine that takes the time and returns what to do.
//!
//! Nothing is hard-coded about a route: limits are learned from headers, and a bucket whose limit
//! is not known yet has one request at a time. <https://docs.discord.com/developers/topics/rate-limits>

use std::collections::HashMap;

use http::{HeaderMap, Method};

use super::retry::Answer;
use super::routes::Route;
use crate::host::UnixMillis;

/// Requests a second that the bot allows itself over all routes; Discord allows 50.
const GLOBAL_PER_SECOND: u32 = 45;
/// An egress block has no stated end: back off from one minute up to an hour.
const BLOCK_FIRST_MS: u64 = 60_000;
const BLOCK_LONGEST_MS: u64 = 3_600_000;

/// Answers to interactions that are on their way at a time. A Worker has 6 connections; were all of
/// them taken by answers, the next commit would wait for as long as there are any.
/// <https://developers.cloudflare.com/workers/platform/limits/#simultaneous-open-connections>
const ANSWERS: u32 = 2;

/// Buckets that are kept: each interaction has one of its own, which nobody needs after its answer.
const BUCKETS: usize = 500;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Send now; the permit must be returned by `answered` or `lost`.
    Go(Permit),
    /// Nothing may be sent before this time.
    WaitUntil(UnixMillis),
    /// A request of the same bucket is under way; its answer will tell.
    WaitForAnswer,
    /// The address we leave from is blocked as a whole until about this time.
    Blocked(UnixMillis),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Permit {
    key: Key,
    is_answer: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    method: Method,
    /// The hash that Discord named, or the route's template until it has.
    bucket: String,
    major: u64,
}

#[derive(Debug, Default)]
struct Bucket {
    /// Unknown until the first answer with headers.
    limit: Option<u32>,
    remaining: u32,
    reset_at: UnixMillis,
    in_flight: u32,
}

#[derive(Debug, Default)]
pub struct RateLimits {
    hashes: HashMap<(Method, &'static str), String>,
    buckets: HashMap<Key, Bucket>,
    global_until: UnixMillis,
    second: (UnixMillis, u32),
    blocked_until: UnixMillis,
    block_ms: u64,
    /// Answers to interactions under way.
    answers: u32,
    /// What the clock said last.
    asked_at: UnixMillis,
}

impl RateLimits {
    /// Asks to send a request over `route` at `now`, leaving `reserve` requests of the window to others
    /// as far as it has more than that.
    pub fn admit(&mut self, now: UnixMillis, route: &Route, reserve: u32) -> Verdict {
        self.follow_the_clock(now);
        if now < self.blocked_until {
            return Verdict::Blocked(self.blocked_until);
        }
        if self.buckets.len() >= BUCKETS {
            // What is forgotten is learned anew.
            let is_needed = |bucket: &Bucket| bucket.in_flight > 0 || now < bucket.reset_at;
            self.buckets.retain(|_, bucket| is_needed(bucket));
        }
        if route.interaction && self.answers >= ANSWERS {
            return Verdict::WaitForAnswer;
        }
        let key = self.key(route);
        let bucket = self.buckets.entry(key.clone()).or_default();
        match bucket.limit {
            None if bucket.in_flight > 0 => return Verdict::WaitForAnswer,
            // `reset_at` is ahead here only after a 429 without headers.
            None if now < bucket.reset_at => return Verdict::WaitUntil(bucket.reset_at),
            None => {}
            Some(limit) => {
                if now >= bucket.reset_at {
                    bucket.remaining = limit;
                }
                let reserve = reserve.min(limit.saturating_sub(1));
                if bucket.in_flight >= bucket.remaining.saturating_sub(reserve) {
                    return if now < bucket.reset_at {
                        Verdict::WaitUntil(bucket.reset_at)
                    } else {
                        Verdict::WaitForAnswer
                    };
                }
            }
        }
        if !route.interaction {
            if now < self.global_until {
                return Verdict::WaitUntil(self.global_until);
            }
            if now >= self.second.0 + 1_000 {
                self.second = (now, 0);
            }
            if self.second.1 >= GLOBAL_PER_SECOND {
                return Verdict::WaitUntil(self.second.0 + 1_000);
            }
            self.second.1 += 1;
        }
        let bucket = self.buckets.entry(key.clone()).or_default();
        bucket.in_flight += 1;
        let is_answer = route.interaction;
        self.answers += u32::from(is_answer);
        Verdict::Go(Permit { key, is_answer })
    }

    /// Where the clock was set back, waits are no longer for that.
    fn follow_the_clock(&mut self, now: UnixMillis) {
        let back = self.asked_at.saturating_sub(now);
        self.asked_at = now;
        if back == 0 {
            return;
        }
        let buckets = self.buckets.values_mut();
        let resets = buckets.map(|bucket| &mut bucket.reset_at);
        let others = [
            &mut self.global_until,
            &mut self.second.0,
            &mut self.blocked_until,
        ];
        for time in resets.chain(others) {
            *time = time.saturating_sub(back);
        }
    }

    /// How long to hold a request back, in milliseconds, so that those which the window still has
    /// room for are spread over what is left of it. Nothing while more than half of them are left,
    /// unless there is a `crowd` that would use them up at once.
    pub fn pace(&mut self, now: UnixMillis, route: &Route, crowd: bool) -> u64 {
        self.follow_the_clock(now);
        let Some(bucket) = self.buckets.get(&self.key(route)) else {
            return 0;
        };
        let left = bucket.reset_at.saturating_sub(now);
        match bucket.limit {
            Some(limit) if left > 0 && (crowd || bucket.remaining <= limit / 2) => {
                left / (u64::from(bucket.remaining) + 1)
            }
            _ => 0,
        }
    }

    /// From when on a request over `route` would leave `reserve` requests of the window to others, as
    /// far as that is known.
    pub fn room_at(&mut self, now: UnixMillis, route: &Route, reserve: u32) -> UnixMillis {
        self.follow_the_clock(now);
        let Some(bucket) = self.buckets.get(&self.key(route)) else {
            return now;
        };
        let Some(limit) = bucket.limit.filter(|_| now < bucket.reset_at) else {
            return now;
        };
        let reserve = reserve.min(limit.saturating_sub(1));
        if bucket.in_flight < bucket.remaining.saturating_sub(reserve) {
            now
        } else {
            bucket.reset_at
        }
    }

    /// Takes in what an answer says.
    pub fn answered(
        &mut self,
        now: UnixMillis,
        route: &Route,
        permit: &Permit,
        headers: &HeaderMap,
        answer: &Answer,
    ) {
        self.release(permit);
        if let Some(hash) = header(headers, "x-ratelimit-bucket") {
            self.hashes
                .insert((route.method.clone(), route.template), hash.to_owned());
        }
        let key = self.key(route);
        let count = |name| header(headers, name).and_then(|text| text.parse::<u32>().ok());
        let limit = count("x-ratelimit-limit");
        let remaining = count("x-ratelimit-remaining");
        let reset_after = header(headers, "x-ratelimit-reset-after")
            .and_then(|text| text.parse::<f64>().ok())
            .map(millis);
        let bucket = self.buckets.entry(key).or_default();
        if let (Some(limit), Some(remaining), Some(reset_after)) = (limit, remaining, reset_after) {
            let reset_at = now + reset_after;
            // Answers of one window may arrive in any order: within it, the lowest count holds.
            let same_window = bucket.limit.is_some() && now < bucket.reset_at;
            bucket.remaining = if same_window {
                remaining.min(bucket.remaining)
            } else {
                remaining
            };
            // A limit of none at all would never be asked about again.
            bucket.limit = Some(limit.max(1));
            bucket.reset_at = reset_at;
        }
        match *answer {
            Answer::Limited {
                retry_after_ms,
                global: true,
            } => self.global_until = now + retry_after_ms,
            Answer::Limited {
                retry_after_ms,
                global: false,
            } => {
                bucket.remaining = 0;
                bucket.reset_at = bucket.reset_at.max(now + retry_after_ms);
            }
            Answer::Blocked => {
                self.block_ms = (self.block_ms * 2).clamp(BLOCK_FIRST_MS, BLOCK_LONGEST_MS);
                self.blocked_until = now + self.block_ms;
            }
            Answer::Success | Answer::ServerError(_) | Answer::Refused(_) => self.block_ms = 0,
        }
    }

    /// The request got no answer. It may have been counted, so its place stays taken until the
    /// bucket's window ends.
    pub fn lost(&mut self, permit: &Permit) {
        if let Some(bucket) = self.buckets.get_mut(&permit.key) {
            bucket.remaining = bucket.remaining.saturating_sub(1);
        }
        self.release(permit);
    }

    /// Until when our address is blocked as a whole, if it is.
    pub fn blocked_until(&mut self, now: UnixMillis) -> Option<UnixMillis> {
        self.follow_the_clock(now);
        (now < self.blocked_until).then_some(self.blocked_until)
    }

    fn key(&self, route: &Route) -> Key {
        let bucket = self
            .hashes
            .get(&(route.method.clone(), route.template))
            .map_or(route.template, String::as_str)
            .to_owned();
        Key {
            method: route.method.clone(),
            bucket,
            major: route.major,
        }
    }

    fn release(&mut self, permit: &Permit) {
        if let Some(bucket) = self.buckets.get_mut(&permit.key) {
            bucket.in_flight = bucket.in_flight.saturating_sub(1);
        }
        self.answers -= u32::from(permit.is_answer).min(self.answers);
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Seconds with a fraction to whole milliseconds, rounded up; nonsense counts as one second.
pub fn millis(seconds: f64) -> u64 {
    if seconds.is_finite() && seconds >= 0.0 {
        (seconds * 1_000.0).ceil().min(86_400_000.0) as u64
    } else {
        1_000
    }
}

#[cfg(test)]
mod tests;
