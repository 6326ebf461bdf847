//! Bad luck to order, and bad luck by seed: requests and answers that get lost or late, refusals that are not the
//! application's fault, reads of the past.

pub(crate) mod late;
pub(crate) mod plan;
mod strike;

use http::Method;
use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::plan::{FaultPlan, Planned};
pub(crate) use self::strike::Strike;
use super::Problem;
use super::message::journal::JOURNAL_MS;
use super::traffic::Direction;

/// How far an id can lie about its message's time, in milliseconds. That ids of nearly simultaneous messages are in any
/// order is documented (`reference`, "Consistency"), how far that goes is not.
const SKEW_MS_MAX: u64 = 5_000;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The request never arrives; nothing changes.
    LostRequest,
    /// The request is carried out, but its answer never arrives.
    LostResponse,
    /// No answer ever arrives, and the request itself is carried out `ms` later. Not for reads.
    Late,
    /// The answer takes `ms` longer.
    Delay,
    /// Refused with `status` and `body`, before anything is done.
    Status,
    /// Answered with `status` and `body`, although it was carried out.
    StatusAfter,
    /// 429 of scope `shared`, with all headers and `ms` to wait: somebody else used up the limit.
    RateLimit,
    /// The whole address is blocked: `status` 403 (default) or 429, no rate-limit headers, no time to wait.
    EgressBlock,
    /// The attachment host answers 403.
    AttachmentsRefused,
    /// Messages are read as they were `ms` ago (docs `reference`, "Consistency"), at most a minute.
    StaleRead,
    /// A new message gets an id that says `ms` too early, at most 5 seconds, and so comes before messages that were
    /// there before it.
    IdsOutOfOrder,
}

impl FaultKind {
    /// Whether a request can meet it at all.
    fn concerns(self, direction: Direction, method: &Method, path: &str) -> bool {
        let rest = direction == Direction::Rest;
        let read = matches!(*method, Method::GET | Method::HEAD);
        match self {
            FaultKind::LostRequest
            | FaultKind::LostResponse
            | FaultKind::Delay
            | FaultKind::Status
            | FaultKind::StatusAfter => true,
            FaultKind::RateLimit | FaultKind::EgressBlock => rest,
            FaultKind::Late => rest && !read,
            FaultKind::AttachmentsRefused => direction == Direction::Cdn,
            FaultKind::StaleRead => rest && read && matches!(messages(path), Some("" | "one")),
            FaultKind::IdsOutOfOrder => {
                rest && *method == Method::POST && messages(path) == Some("")
            }
        }
    }

    /// Milliseconds where nothing else is said.
    fn usual_ms(self) -> u64 {
        match self {
            FaultKind::StaleRead => 2_000,
            _ => 1_000,
        }
    }

    fn most_ms(self) -> u64 {
        match self {
            FaultKind::StaleRead => JOURNAL_MS,
            FaultKind::IdsOutOfOrder => SKEW_MS_MAX,
            _ => u64::MAX,
        }
    }
}

/// Whether a path is that of a channel's messages (`""`) or of one of them (`"one"`).
fn messages(path: &str) -> Option<&'static str> {
    let (_, rest) = path.strip_prefix("/channels/")?.split_once('/')?;
    let inside = rest.strip_prefix("messages")?;
    match inside.strip_prefix('/') {
        None if inside.is_empty() => Some(""),
        Some(id) if !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()) => Some("one"),
        _ => None,
    }
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
    /// For those kinds that have a time, in milliseconds; 1,000 by default, and 2,000 for [`FaultKind::StaleRead`].
    #[serde(default)]
    pub ms: Option<u64>,
    /// For [`FaultKind::Status`], [`FaultKind::StatusAfter`] and [`FaultKind::EgressBlock`].
    #[serde(default)]
    pub status: Option<u16>,
    /// For [`FaultKind::Status`] and [`FaultKind::StatusAfter`]: a string is sent as text, anything else as JSON.
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

#[derive(Debug, Default)]
pub(crate) struct Faults {
    armed: Vec<(u64, Armed)>,
    injected: u64,
    plan: Option<Planned>,
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
        let most = fault.kind.most_ms();
        if fault.ms.is_some_and(|ms| ms > most) {
            return Err(Problem::bad(format!(
                "this fault takes at most {most} milliseconds"
            )));
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

    pub(crate) fn set_plan(&mut self, plan: Option<FaultPlan>) -> Result<(), Problem> {
        self.plan = plan.map(Planned::new).transpose()?;
        Ok(())
    }

    /// What a request meets, if anything: the first armed fault that fits, which uses it up, else what the plan draws.
    pub(crate) fn strike(
        &mut self,
        now: u64,
        direction: Direction,
        method: &Method,
        path: &str,
    ) -> Option<Strike> {
        // Drawn even where an armed fault comes first: arming one must not change the rest of the plan.
        let planned = self
            .plan
            .as_mut()
            .and_then(|plan| plan.strike(now, direction, method, path));
        self.armed_strike(direction, method, path).or(planned)
    }

    fn armed_strike(
        &mut self,
        direction: Direction,
        method: &Method,
        path: &str,
    ) -> Option<Strike> {
        let at = self.armed.iter_mut().position(|(_, armed)| {
            let matches = armed.fault.kind.concerns(direction, method, path)
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
        let fault = &armed.fault;
        let ms = fault.ms.unwrap_or(fault.kind.usual_ms());
        let strike = Strike::new(fault.kind, ms, fault.status, fault.body.clone());
        if let Some(left) = &mut armed.left {
            *left -= 1;
            if *left == 0 {
                self.armed.remove(at);
            }
        }
        Some(strike)
    }
}
