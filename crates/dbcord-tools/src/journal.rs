//! What went over the wire, as far as the probes want to know: statuses and rate-limit headers.
//! Neither tokens nor contents are kept.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use dbcord::discord::rate_limit::millis;
use dbcord::host::TransportError;
use http::{HeaderMap, Method, Response};
use serde_json::Value;

/// All requests of a run, in order.
#[derive(Debug, Default)]
pub struct Journal {
    exchanges: Vec<Exchange>,
}

#[derive(Debug)]
pub struct Exchange {
    pub method: Method,
    /// The path with every id replaced by `{}`.
    pub template: String,
    pub elapsed: Duration,
    /// None when no answer came.
    pub answer: Option<Answer>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    pub status: u16,
    /// Discord's own code in a refusal.
    pub code: Option<u64>,
    pub quota: Option<Quota>,
    /// The time to wait that a refusal names: the body's, else the header's.
    pub retry_after_ms: Option<u64>,
    pub scope: Option<String>,
    /// The channel that was created.
    created_channel: Option<u64>,
    /// Names of headers about limits.
    limit_headers: Vec<String>,
}

/// What one answer says about its bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    pub hash: Option<String>,
    pub limit: u32,
    pub remaining: u32,
    pub reset_after_ms: u64,
}

/// A bucket, pieced together from several answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    pub hash: Option<String>,
    pub limit: u32,
    /// The longest time to the reset that was seen, which for the first request of a window is
    /// the window itself.
    pub window_ms: u64,
}

impl Journal {
    pub fn note(
        &mut self,
        method: &Method,
        path: &str,
        elapsed: Duration,
        result: Result<&Response<Bytes>, &TransportError>,
    ) {
        let template = template_of(path);
        let answer = result
            .ok()
            .map(|response| Answer::of(response, &template, method));
        self.exchanges.push(Exchange {
            method: method.clone(),
            template,
            elapsed,
            answer,
        });
    }

    pub fn len(&self) -> usize {
        self.exchanges.len()
    }

    pub fn last(&self) -> Option<&Exchange> {
        self.exchanges.last()
    }

    /// The answer to a request sent after the first `before` ones, if any was sent and answered.
    pub fn answer_since(&self, before: usize) -> Option<&Answer> {
        self.exchanges.get(before..)?.last()?.answer.as_ref()
    }

    /// Channels that were created, oldest first.
    pub fn created_channels(&self) -> Vec<u64> {
        let answers = self.exchanges.iter().filter_map(|e| e.answer.as_ref());
        answers
            .filter_map(|answer| answer.created_channel)
            .collect()
    }

    /// What is known about a route's bucket.
    pub fn bucket(&self, method: &Method, template: &str) -> Option<Bucket> {
        let same = |e: &&Exchange| e.method == *method && e.template == template;
        let exchanges = self.exchanges.iter().filter(same);
        let quotas = exchanges.filter_map(|e| e.answer.as_ref()?.quota.as_ref());
        quotas.fold(None, |known: Option<Bucket>, quota| {
            let seen = known.map_or(0, |bucket| bucket.window_ms);
            Some(Bucket {
                hash: quota.hash.clone(),
                limit: quota.limit,
                window_ms: seen.max(quota.reset_after_ms),
            })
        })
    }

    /// Names of all headers about limits that were seen.
    pub fn limit_headers(&self) -> BTreeSet<&str> {
        let answers = self.exchanges.iter().filter_map(|e| e.answer.as_ref());
        answers
            .flat_map(|a| &a.limit_headers)
            .map(String::as_str)
            .collect()
    }
}

impl Answer {
    fn of(response: &Response<Bytes>, template: &str, method: &Method) -> Answer {
        let headers = response.headers();
        let status = response.status();
        let creates = *method == Method::POST && template.ends_with("/guilds/{}/channels");
        // Files that are downloaded can be large, and are no JSON.
        let wanted = creates || !status.is_success();
        let body = wanted.then(|| serde_json::from_slice::<Value>(response.body()).ok());
        let body = body.flatten().unwrap_or_default();
        let seconds = body["retry_after"].as_f64();
        let id = body["id"].as_str().and_then(|id| id.parse().ok());
        Answer {
            status: status.as_u16(),
            code: body["code"].as_u64(),
            quota: Quota::of(headers),
            retry_after_ms: seconds
                .or_else(|| number(headers, "retry-after"))
                .map(millis),
            scope: text(headers, "x-ratelimit-scope").map(str::to_owned),
            created_channel: id.filter(|_| creates && status.is_success()),
            limit_headers: headers
                .keys()
                .map(http::HeaderName::as_str)
                .filter(|name| name.contains("ratelimit") || *name == "retry-after")
                .map(str::to_owned)
                .collect(),
        }
    }
}

impl Quota {
    fn of(headers: &HeaderMap) -> Option<Quota> {
        let count = |name| text(headers, name)?.parse::<u32>().ok();
        Some(Quota {
            hash: text(headers, "x-ratelimit-bucket").map(str::to_owned),
            limit: count("x-ratelimit-limit")?,
            remaining: count("x-ratelimit-remaining")?,
            reset_after_ms: millis(number(headers, "x-ratelimit-reset-after")?),
        })
    }
}

/// The path below the API base with its ids taken out.
fn template_of(path: &str) -> String {
    let segment = |segment| match str::parse::<u64>(segment) {
        Ok(_) => "{}",
        Err(_) => segment,
    };
    let whole = path.split('/').map(segment).collect::<Vec<_>>().join("/");
    // Whatever the base is, routes begin with one of these.
    let begins = ["/channels/", "/guilds/", "/users/", "/attachments/"];
    let start = begins.iter().filter_map(|begin| whole.find(begin)).min();
    whole[start.unwrap_or(0)..].to_owned()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn number(headers: &HeaderMap, name: &str) -> Option<f64> {
    text(headers, name)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGES: &str = "/channels/{}/messages";

    fn answered(
        journal: &mut Journal,
        path: &str,
        status: u16,
        quota: (u32, u32, &str),
        body: &str,
    ) {
        let response = Response::builder()
            .status(status)
            .header("X-RateLimit-Bucket", "abc")
            .header("X-RateLimit-Limit", quota.0)
            .header("X-RateLimit-Remaining", quota.1)
            .header("X-RateLimit-Reset-After", quota.2)
            .body(Bytes::copy_from_slice(body.as_bytes()))
            .unwrap();
        journal.note(&Method::POST, path, Duration::ZERO, Ok(&response));
    }

    #[test]
    fn routes_are_told_apart_whatever_the_base() {
        let path = "/api/v10/channels/12/messages/34";
        assert_eq!(template_of(path), "/channels/{}/messages/{}");
        assert_eq!(template_of("/users/@me"), "/users/@me");
    }

    #[test]
    fn the_longest_reset_is_the_window() {
        let mut journal = Journal::default();
        for (remaining, reset) in [(4, "5.000"), (3, "3.2"), (4, "4.999")] {
            answered(
                &mut journal,
                "/api/v10/channels/1/messages",
                200,
                (5, remaining, reset),
                "{}",
            );
        }
        let bucket = journal.bucket(&Method::POST, MESSAGES).unwrap();
        assert_eq!((bucket.limit, bucket.window_ms), (5, 5_000));
        assert_eq!(bucket.hash.as_deref(), Some("abc"));
        assert_eq!(journal.bucket(&Method::GET, MESSAGES), None);
        assert!(journal.limit_headers().contains("x-ratelimit-reset-after"));
    }

    #[test]
    fn only_channels_that_were_made_are_remembered() {
        let mut journal = Journal::default();
        let guild = "/api/v10/guilds/1/channels";
        answered(&mut journal, guild, 201, (1, 1, "1"), r#"{"id":"77"}"#);
        answered(
            &mut journal,
            guild,
            400,
            (1, 1, "1"),
            r#"{"id":"78","code":50035}"#,
        );
        answered(
            &mut journal,
            "/api/v10/channels/1/messages",
            200,
            (1, 1, "1"),
            r#"{"id":"79"}"#,
        );
        let lost = TransportError::Ambiguous("gone".into());
        journal.note(&Method::POST, guild, Duration::ZERO, Err(&lost));
        assert_eq!(journal.created_channels(), [77]);
        assert_eq!(journal.answer_since(1).map(|a| a.status), None);
        assert_eq!(journal.answer_since(9), None);
    }

    #[test]
    fn a_refusal_says_how_long() {
        let mut journal = Journal::default();
        let body = r#"{"code":30046,"retry_after":1.5}"#;
        answered(&mut journal, "/channels/1/messages", 429, (5, 4, "5"), body);
        let answer = journal.answer_since(0).unwrap();
        assert_eq!(
            (answer.code, answer.retry_after_ms),
            (Some(30_046), Some(1_500))
        );
    }
}
