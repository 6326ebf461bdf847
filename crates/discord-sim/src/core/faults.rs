//! Bad luck to order: requests and answers that get lost, delays, refusals that are not the application's fault.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Response, StatusCode};
use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Problem;
use super::traffic::Direction;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The request never arrives; nothing changes.
    LostRequest,
    /// The request is carried out, but its answer never arrives.
    LostResponse,
    /// The answer takes `ms` longer.
    Delay,
    /// Refused with `status` and `body`, before anything is done.
    Status,
    /// The whole address is blocked: `status` 403 (default) or 429, no rate-limit headers, no time to wait.
    EgressBlock,
    /// The attachment host answers 403.
    AttachmentsRefused,
}

/// A fault, and which requests meet it. JSON names as in the control API.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    #[serde(rename = "fault")]
    pub kind: FaultKind,
    /// Only this method.
    #[serde(default)]
    pub method: Option<String>,
    /// Regular expression on the path without `/api/v10` and without the query.
    #[serde(default)]
    pub path: Option<String>,
    /// So many matching requests pass first.
    #[serde(default)]
    pub skip: u64,
    /// So many requests meet it; 0 means until cleared.
    #[serde(default = "once")]
    pub times: u64,
    /// For [`FaultKind::Delay`], in milliseconds.
    #[serde(default)]
    pub ms: Option<u64>,
    /// For [`FaultKind::Status`] and [`FaultKind::EgressBlock`].
    #[serde(default)]
    pub status: Option<u16>,
    /// For [`FaultKind::Status`]: a string is sent as text, anything else as JSON.
    #[serde(default)]
    pub body: Option<Value>,
}

impl Fault {
    /// One that strikes the very next request.
    pub fn new(kind: FaultKind) -> Fault {
        Fault {
            kind,
            method: None,
            path: None,
            skip: 0,
            times: 1,
            ms: None,
            status: None,
            body: None,
        }
    }
}

fn once() -> u64 {
    1
}

#[derive(Debug)]
struct Armed {
    fault: Fault,
    method: Option<Method>,
    path: Option<Regex>,
    skip: u64,
    left: Option<u64>,
}

/// What a request meets.
#[derive(Debug)]
pub(crate) enum Strike {
    LostRequest,
    LostResponse,
    Delay(Duration),
    Answer(&'static str, Response<Bytes>),
}

impl Strike {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Strike::LostRequest => "lost_request",
            Strike::LostResponse => "lost_response",
            Strike::Delay(_) => "delay",
            Strike::Answer(name, _) => name,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Faults {
    armed: Vec<(u64, Armed)>,
    injected: u64,
}

impl Faults {
    /// Arms a fault and returns its number.
    pub(crate) fn inject(&mut self, fault: Fault) -> Result<u64, Problem> {
        let method = match &fault.method {
            Some(name) => Some(
                Method::from_bytes(name.to_uppercase().as_bytes())
                    .map_err(|_| Problem::bad(format!("{name:?} is not a method")))?,
            ),
            None => None,
        };
        let path = match &fault.path {
            Some(pattern) => Some(Regex::new(pattern).map_err(|error| {
                Problem::bad(format!("path is not a regular expression: {error}"))
            })?),
            None => None,
        };
        if let Some(status) = fault.status {
            let wrong = !(200..=599).contains(&status)
                || (fault.kind == FaultKind::EgressBlock && !matches!(status, 403 | 429));
            if wrong {
                return Err(Problem::bad(format!(
                    "status {status} makes no sense for this fault"
                )));
            }
        }
        self.injected += 1;
        let left = (fault.times > 0).then_some(fault.times);
        self.armed.push((
            self.injected,
            Armed {
                skip: fault.skip,
                left,
                method,
                path,
                fault,
            },
        ));
        Ok(self.injected)
    }

    pub(crate) fn clear(&mut self) {
        self.armed.clear();
    }

    /// The first armed fault that a request meets, if any. Uses it up.
    pub(crate) fn strike(
        &mut self,
        direction: Direction,
        method: &Method,
        path: &str,
    ) -> Option<Strike> {
        let at = self.armed.iter_mut().position(|(_, armed)| {
            let place = match armed.fault.kind {
                FaultKind::AttachmentsRefused => direction == Direction::Cdn,
                FaultKind::EgressBlock => direction == Direction::Rest,
                _ => true,
            };
            let matches = place
                && armed.method.as_ref().is_none_or(|wanted| wanted == method)
                && armed
                    .path
                    .as_ref()
                    .is_none_or(|wanted| wanted.is_match(path));
            if matches && armed.skip > 0 {
                armed.skip -= 1;
                return false;
            }
            matches
        })?;
        let armed = &mut self.armed[at].1;
        let strike = armed.fault.strike();
        if let Some(left) = &mut armed.left {
            *left -= 1;
            if *left == 0 {
                self.armed.remove(at);
            }
        }
        Some(strike)
    }
}

impl Fault {
    fn strike(&self) -> Strike {
        match self.kind {
            FaultKind::LostRequest => Strike::LostRequest,
            FaultKind::LostResponse => Strike::LostResponse,
            FaultKind::Delay => Strike::Delay(Duration::from_millis(self.ms.unwrap_or(1_000))),
            FaultKind::Status => {
                let status = status(self.status.unwrap_or(503));
                let body = self.body.clone().unwrap_or_else(|| {
                    let reason = status.canonical_reason().unwrap_or("Error");
                    json!({"message": format!("{}: {reason}", status.as_u16()), "code": 0})
                });
                Strike::Answer("status", answer(status, &body))
            }
            FaultKind::EgressBlock => {
                let message = "You are being blocked from accessing our API temporarily due to exceeding our rate limits \
                               frequently. Please read our docs at https://discord.com/developers/docs/topics/rate-limits \
                               to prevent this moving forward.";
                let body = json!({"code": 0, "message": message});
                Strike::Answer(
                    "egress_block",
                    answer(status(self.status.unwrap_or(403)), &body),
                )
            }
            FaultKind::AttachmentsRefused => Strike::Answer(
                "attachments_refused",
                answer(StatusCode::FORBIDDEN, &json!("Forbidden")),
            ),
        }
    }
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
