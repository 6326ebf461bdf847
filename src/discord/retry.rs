//! What an answer of Discord means, and whether a request may be sent again.

use std::fmt;

use bytes::Bytes;
use http::{Response, StatusCode};

use super::model::ErrorBody;
use super::rate_limit::millis;
use crate::host::UnixMillis;

/// Too many edits of messages older than an hour.
/// <https://docs.discord.com/developers/topics/opcodes-and-status-codes#json-json-error-codes>
const OLD_EDITS: u64 = 30_046;

/// Why a call has no result. Every variant says whether Discord may have acted on it.
#[derive(Debug, Clone, PartialEq)]
pub enum CallError {
    /// Never left; nothing happened.
    NotSent(String),
    /// Sent at least once without an answer that settles it.
    Ambiguous(String),
    /// Discord said no; nothing happened.
    Refused {
        status: u16,
        code: u64,
        message: String,
    },
    /// Waiting would take longer than the caller's patience; nothing happened.
    RateLimited { retry_after_ms: u64 },
    /// The other side failed, more than once, at something that may be repeated.
    Failed(String),
    /// Messages older than an hour were edited too often, in one channel; nothing happened.
    OldEdits { retry_after_ms: u64 },
    /// Our address is blocked as a whole; nothing happened.
    Blocked { until: UnixMillis },
    /// Answered 2xx with something that is not what was asked for.
    Malformed(String),
}

impl CallError {
    /// Whether the request may have been carried out.
    pub fn may_have_happened(&self) -> bool {
        matches!(self, CallError::Ambiguous(_) | CallError::Malformed(_))
    }

    /// Whether the channel does not exist (any more).
    pub fn is_unknown_channel(&self) -> bool {
        matches!(self, CallError::Refused { code: 10_003, .. })
    }

    /// Whether the message does not exist (any more). Posting a message says so when its nonce is
    /// known from one that was deleted meanwhile.
    pub fn is_unknown_message(&self) -> bool {
        matches!(self, CallError::Refused { code: 10_008, .. })
    }

    /// Whether it may go well in a moment, without anybody doing anything.
    pub fn is_passing(&self) -> bool {
        match self {
            CallError::NotSent(_)
            | CallError::Ambiguous(_)
            | CallError::Failed(_)
            | CallError::RateLimited { .. }
            | CallError::OldEdits { .. }
            | CallError::Blocked { .. } => true,
            CallError::Refused { .. } | CallError::Malformed(_) => false,
        }
    }

    /// Whether what was addressed does not exist (any more).
    pub fn is_not_found(&self) -> bool {
        matches!(self, CallError::Refused { status: 404, .. })
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallError::NotSent(why) => write!(f, "Discord could not be reached ({why})."),
            CallError::Ambiguous(why) => write!(f, "Discord did not answer ({why})."),
            CallError::Failed(why) => write!(f, "Discord failed ({why})."),
            CallError::Refused {
                status,
                code,
                message,
            } => write!(f, "Discord refused: {message} (HTTP {status}, code {code})."),
            CallError::RateLimited { retry_after_ms } => write!(
                f,
                "Discord's rate limit asks for a pause of {} s.",
                retry_after_ms.div_ceil(1_000)
            ),
            CallError::OldEdits { .. } => f.write_str(
                "Discord limits how often messages older than an hour may be edited.",
            ),
            CallError::Blocked { .. } => f.write_str(
                "Discord blocks the address that dbcord calls from, which may be shared with others.",
            ),
            CallError::Malformed(why) => {
                write!(f, "Discord's answer could not be understood ({why}).")
            }
        }
    }
}

/// An answer, sorted by what to do about it.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Success,
    Limited {
        retry_after_ms: u64,
        global: bool,
    },
    Blocked,
    /// The other side failed; it may have acted before it did.
    ServerError(u16),
    Refused(CallError),
}

impl Answer {
    pub fn of(response: &Response<Bytes>) -> Answer {
        let status = response.status();
        if status.is_success() {
            return Answer::Success;
        }
        if status.is_server_error() {
            return Answer::ServerError(status.as_u16());
        }
        // Not every refusal is JSON, nor is every JSON Discord's.
        let body: ErrorBody = serde_json::from_slice(response.body()).unwrap_or_default();
        if is_block(response, &body) {
            return Answer::Blocked;
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            let header = response
                .headers()
                .get("retry-after")
                .and_then(|value| value.to_str().ok())
                .and_then(|text| text.parse().ok());
            let seconds = body.retry_after.or(header).unwrap_or(1.0);
            let retry_after_ms = millis(seconds);
            // It limits a kind of message, not the route.
            if body.code == OLD_EDITS {
                return Answer::Refused(CallError::OldEdits { retry_after_ms });
            }
            return Answer::Limited {
                retry_after_ms,
                global: body.global,
            };
        }
        Answer::Refused(CallError::Refused {
            status: status.as_u16(),
            code: body.code,
            message: message(&body, status),
        })
    }
}

/// Cloudflare's error 1015 or Discord's own notice: 403 or 429 without any rate-limit header.
/// discord/discord-api-docs #7146 shows the bodies.
fn is_block(response: &Response<Bytes>, body: &ErrorBody) -> bool {
    let refused = matches!(
        response.status(),
        StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS
    );
    let limiter_spoke = response
        .headers()
        .keys()
        .any(|name| name.as_str().starts_with("x-ratelimit-"));
    let text = String::from_utf8_lossy(response.body());
    refused
        && !limiter_spoke
        && ((body.code == 0 && body.message.contains("being blocked")) || text.contains("1015"))
}

/// Discord's words, with the first nested form error, since that names the field.
fn message(body: &ErrorBody, status: StatusCode) -> String {
    let text = if body.message.is_empty() {
        status.canonical_reason().unwrap_or("no reason given")
    } else {
        &body.message
    };
    match body.errors.as_ref().and_then(|e| first_form_error(e, "")) {
        Some(detail) => format!("{text}; {detail}"),
        None => text.to_owned(),
    }
}

fn first_form_error(errors: &serde_json::Value, path: &str) -> Option<String> {
    let fields = errors.as_object()?;
    if let Some(list) = fields.get("_errors").and_then(|list| list.as_array()) {
        let message = list.first()?.get("message")?.as_str()?;
        return Some(format!("{}: {message}", path.trim_start_matches('.')));
    }
    fields
        .iter()
        .find_map(|(name, inner)| first_form_error(inner, &format!("{path}.{name}")))
}

/// How long to wait before attempt number `attempt` (1 is the first repetition): doubling from
/// 250 ms, with up to a quarter of jitter.
pub fn backoff_ms(attempt: u32, random: u64) -> u64 {
    let base = 250u64 << attempt.saturating_sub(1).min(5);
    base + random % (base / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Response<Bytes> {
        let mut builder = Response::builder().status(status);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder
            .body(Bytes::copy_from_slice(body.as_bytes()))
            .unwrap()
    }

    #[test]
    fn answers_are_sorted_by_what_to_do() {
        let limited = response(
            429,
            &[("x-ratelimit-scope", "user"), ("retry-after", "2")],
            r#"{"message":"You are being rate limited.","retry_after":1.234,"global":false}"#,
        );
        assert_eq!(
            Answer::of(&limited),
            Answer::Limited {
                retry_after_ms: 1_234,
                global: false
            }
        );
        let old_edits = response(
            429,
            &[("x-ratelimit-scope", "user")],
            r#"{"message":"Try again later.","code":30046,"retry_after":2.5}"#,
        );
        let retry_after_ms = 2_500;
        assert_eq!(
            Answer::of(&old_edits),
            Answer::Refused(CallError::OldEdits { retry_after_ms })
        );
        let blocked = response(
            429,
            &[],
            r#"{"code":0,"message":"You are being blocked from accessing our API temporarily"}"#,
        );
        assert_eq!(Answer::of(&blocked), Answer::Blocked);
        assert_eq!(
            Answer::of(&response(403, &[], "error code: 1015")),
            Answer::Blocked
        );
        assert_eq!(
            Answer::of(&response(502, &[], "<html>")),
            Answer::ServerError(502)
        );
        assert_eq!(Answer::of(&response(204, &[], "")), Answer::Success);
    }

    #[test]
    fn a_form_error_names_its_field() {
        let body = r#"{"code":50035,"message":"Invalid Form Body",
            "errors":{"embeds":{"0":{"title":{"_errors":[{"code":"X","message":"Too long."}]}}}}}"#;
        let Answer::Refused(error) = Answer::of(&response(400, &[], body)) else {
            panic!("not refused")
        };
        assert_eq!(
            error.to_string(),
            "Discord refused: Invalid Form Body; embeds.0.title: Too long. (HTTP 400, code 50035)."
        );
    }

    #[test]
    fn backoff_doubles_and_stays_bounded() {
        assert_eq!(backoff_ms(1, 0), 250);
        assert_eq!(backoff_ms(3, 0), 1_000);
        assert!(backoff_ms(u32::MAX, u64::MAX) <= 10_000);
    }
}
