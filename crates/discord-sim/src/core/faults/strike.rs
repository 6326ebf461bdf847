//! What a fault does to the request that meets it.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use super::FaultKind;

/// What a request meets. Times in milliseconds.
#[derive(Debug)]
pub(crate) enum Strike {
    LostRequest,
    LostResponse,
    Late(u64),
    Delay(Duration),
    RateLimit(u64),
    /// Instead of carrying it out.
    Answer(FaultKind, Response<Bytes>),
    /// Although it was carried out.
    AnswerAfter(Response<Bytes>),
    StaleRead(u64),
    IdsOutOfOrder(u64),
}

impl Strike {
    pub(super) fn new(kind: FaultKind, ms: u64, code: Option<u16>, body: Option<Value>) -> Strike {
        let answer_with = |default: u16, body: Option<Value>| {
            let status = status(code.unwrap_or(default));
            answer(status, &body.unwrap_or_else(|| plain_body(status)))
        };
        match kind {
            FaultKind::LostRequest => Strike::LostRequest,
            FaultKind::LostResponse => Strike::LostResponse,
            FaultKind::Late => Strike::Late(ms),
            FaultKind::Delay => Strike::Delay(Duration::from_millis(ms)),
            FaultKind::RateLimit => Strike::RateLimit(ms),
            FaultKind::StaleRead => Strike::StaleRead(ms),
            FaultKind::IdsOutOfOrder => Strike::IdsOutOfOrder(ms),
            FaultKind::Status => Strike::Answer(kind, answer_with(503, body)),
            FaultKind::StatusAfter => Strike::AnswerAfter(answer_with(502, body)),
            FaultKind::EgressBlock => Strike::Answer(kind, answer_with(403, Some(blocked_body()))),
            FaultKind::AttachmentsRefused => {
                Strike::Answer(kind, answer(StatusCode::FORBIDDEN, &json!("Forbidden")))
            }
        }
    }

    /// As in the traffic log.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Strike::LostRequest => "lost_request",
            Strike::LostResponse => "lost_response",
            Strike::Late(_) => "late",
            Strike::Delay(_) => "delay",
            Strike::RateLimit(_) => "rate_limit",
            Strike::StaleRead(_) => "stale_read",
            Strike::IdsOutOfOrder(_) => "ids_out_of_order",
            Strike::AnswerAfter(_) => "status_after",
            Strike::Answer(FaultKind::EgressBlock, _) => "egress_block",
            Strike::Answer(FaultKind::AttachmentsRefused, _) => "attachments_refused",
            Strike::Answer(..) => "status",
        }
    }
}

fn plain_body(status: StatusCode) -> Value {
    let reason = status.canonical_reason().unwrap_or("Error");
    json!({"message": format!("{}: {reason}", status.as_u16()), "code": 0})
}

fn blocked_body() -> Value {
    let message = "You are being blocked from accessing our API temporarily due to exceeding our rate limits \
                   frequently. Please read our docs at https://discord.com/developers/docs/topics/rate-limits \
                   to prevent this moving forward.";
    json!({"code": 0, "message": message})
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn answer(status: StatusCode, body: &Value) -> Response<Bytes> {
    let (kind, bytes) = match body {
        Value::String(text) => ("text/plain; charset=utf-8", text.clone().into_bytes()),
        other => ("application/json", other.to_string().into_bytes()),
    };
    let mut response = Response::new(Bytes::from(bytes));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
