//! The way of a request through Discord: faults, bans, limits, authorisation, and then its route.

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, DATE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};

use super::body::Body;
use super::error::{ApiError, ApiResult};
use super::faults::Strike;
use super::id::Id;
use super::ratelimit::{self, Taken};
use super::time::http_date;
use super::traffic::{Direction, Exchange};
use super::{Discord, Outcome};
use crate::routes::{self, Call, Matched, Reply};

const PREFIX: &str = "/api/v10";

/// A request as it arrived, its body understood as far as it can be.
#[derive(Debug)]
pub(crate) struct Arrival {
    now: u64,
    method: Method,
    /// Without host and query, but with `/api/v10`.
    path: String,
    query: String,
    headers: HeaderMap,
    body: ApiResult<Body>,
    has_body: bool,
    bend: Bend,
}

/// How a fault bends what a handler does.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bend {
    /// Messages are read as they were then.
    pub(crate) as_of: Option<u64>,
    /// A new message's id says that it was made so much earlier.
    pub(crate) early_ms: u64,
}

impl Discord {
    /// Carries out one HTTP request of the application's, to the REST API under `/api/v10` or to the attachment host
    /// under `/attachments`. Whatever host name it carries is ignored. `now` is in Unix milliseconds and never goes back.
    pub fn handle(&mut self, now: u64, request: Request<Bytes>) -> Outcome {
        self.advance(now);
        let (parts, bytes) = request.into_parts();
        let body = if bytes.len() > self.config.request_bytes_max {
            Err(ApiError::too_large())
        } else {
            Body::read(&parts.method, &parts.headers, &bytes)
        };
        let mut arrival = Arrival {
            now,
            has_body: !bytes.is_empty(),
            bend: Bend::default(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            method: parts.method,
            headers: parts.headers,
            body,
        };
        let path = arrival.short_path().to_owned();
        let cdn = path.starts_with("/attachments/");
        let direction = if cdn { Direction::Cdn } else { Direction::Rest };
        let mut exchange = self.open_exchange(&arrival, direction);

        let strike = self.faults.strike(now, direction, &arrival.method, &path);
        if let (Some(exchange), Some(strike)) = (&mut exchange, &strike) {
            exchange.fault = Some(strike.name());
        }
        let mut after = self.latency();
        let response = match &strike {
            Some(Strike::LostRequest) => {
                self.traffic.push(exchange);
                return Outcome::LostRequest;
            }
            Some(Strike::Late(ms)) => {
                self.traffic.push(exchange);
                self.late.send(now.saturating_add(*ms), arrival);
                return Outcome::LostResponse;
            }
            Some(Strike::Answer(_, response)) => response.clone(),
            Some(Strike::RateLimit(ms)) => self.spurious_limit(&arrival, *ms),
            other => {
                match other {
                    Some(Strike::Delay(more)) => after += *more,
                    Some(Strike::StaleRead(ms)) => {
                        arrival.bend.as_of = Some(now.saturating_sub(*ms));
                    }
                    Some(Strike::IdsOutOfOrder(ms)) => arrival.bend.early_ms = *ms,
                    _ => {}
                }
                let response = if cdn {
                    routes::cdn::get(self, now, &arrival.method, &path, &arrival.query)
                } else {
                    self.rest(arrival)
                };
                match other {
                    Some(Strike::AnswerAfter(instead)) => instead.clone(),
                    _ => response,
                }
            }
        };
        self.close_exchange(exchange, &response);
        match strike {
            Some(Strike::LostResponse) => Outcome::LostResponse,
            _ => Outcome::Responded { after, response },
        }
    }

    /// Lets time pass: late requests arrive; first answers that are overdue, and deferred replies whose token has run
    /// out, become failures; threads in which nothing happens archive themselves. Every call that takes `now` does this
    /// first.
    pub fn advance(&mut self, now: u64) {
        while let Some((at, mut arrival)) = self.late.take(now) {
            self.pass_time(at);
            arrival.now = at;
            let mut exchange = self.open_exchange(&arrival, Direction::Rest);
            if let Some(exchange) = &mut exchange {
                exchange.fault = Some("late_arrival");
            }
            let response = self.rest(arrival);
            self.close_exchange(exchange, &response);
        }
        self.pass_time(now);
    }

    /// When the next late request arrives, in Unix milliseconds; `None` where none is under way. It is carried out by the
    /// first call with such a time, at its own time.
    pub fn next_due(&self) -> Option<u64> {
        self.late.next_ms()
    }

    fn pass_time(&mut self, now: u64) {
        self.latest_ms = self.latest_ms.max(now);
        self.archive_idle_threads(now);
        self.expire_interactions(now);
    }

    /// Begins the log's entry for a request; `None` where no log is kept.
    fn open_exchange(&self, arrival: &Arrival, direction: Direction) -> Option<Exchange> {
        if !self.config.record_traffic {
            return None;
        }
        let path = arrival.short_path();
        let shown = match arrival.query.as_str() {
            "" => path.to_owned(),
            query => format!("{path}?{query}"),
        };
        let mut exchange = Exchange::new(arrival.now, direction, arrival.method.as_str(), &shown);
        exchange.note_request(&arrival.headers, &self.bot_authorization());
        if let Ok(body) = &arrival.body {
            exchange.note_body(body, arrival.has_body);
        }
        Some(exchange)
    }

    fn close_exchange(&mut self, exchange: Option<Exchange>, response: &Response<Bytes>) {
        let exchange = exchange.map(|mut exchange| {
            exchange.note_response(
                response.status().as_u16(),
                response.headers(),
                response.body(),
            );
            exchange
        });
        self.traffic.push(exchange);
    }

    /// The 429 of a limit that others have used up (docs `topics/rate-limits`, scope `shared`).
    fn spurious_limit(&self, arrival: &Arrival, wait_ms: u64) -> Response<Bytes> {
        let now = arrival.now;
        let rule = routes::find(&arrival.method, arrival.short_path())
            .ok()
            .map(|matched| matched.entry.rule(self, now, &matched));
        let limits = Limits {
            bucket: rule.map(|rule| Taken::exhausted(rule, now.saturating_add(wait_ms))),
            exceeded: Some((wait_ms, "shared")),
        };
        let mut response = respond(now, Err(limits.error()));
        limits.put(now, &mut response);
        response
    }

    fn rest(&mut self, arrival: Arrival) -> Response<Bytes> {
        let now = arrival.now;
        if self.invalid.is_banned(now) {
            return cloudflare_ban(now);
        }
        let mut limits = Limits::default();
        let mut response = respond(now, self.route(arrival, &mut limits));
        limits.put(now, &mut response);
        self.invalid.note(now, response.status(), false);
        response
    }

    fn route(&mut self, arrival: Arrival, limits: &mut Limits) -> ApiResult<Reply> {
        let Arrival {
            now,
            method,
            path,
            query,
            headers,
            body,
            has_body: _,
            bend,
        } = arrival;
        if !user_agent_is_valid(&headers) {
            return Err(ApiError::bad_user_agent());
        }
        let path = match path.strip_prefix(PREFIX) {
            Some(path) => path,
            None if path.starts_with("/api/v") => return Err(ApiError::invalid_api_version()),
            None => return Err(ApiError::no_such_route()),
        };
        let matched = routes::find(&method, path)?;
        let actor = self.authorise(&matched, &headers)?;
        if !matched.entry.interaction {
            let global = self.buckets.take(now, ratelimit::GLOBAL, &Method::GET, "");
            if !global.allowed {
                limits.exceeded = Some((global.resets_ms.saturating_sub(now), "global"));
                return Err(limits.error());
            }
        }
        let rule = matched.entry.rule(self, now, &matched);
        let taken = self.buckets.take(now, rule, &method, &matched.resource());
        let allowed = taken.allowed;
        let wait = taken.resets_ms.saturating_sub(now);
        limits.bucket = Some(taken);
        if !allowed {
            limits.exceeded = Some((wait, "user"));
            return Err(limits.error());
        }
        let mut call = Call::new(now, actor, matched, &query, body?);
        call.bend = bend;
        let result = (call.handler())(self, &call);
        if let Err(ApiError {
            retry_after: Some(seconds),
            ..
        }) = &result
        {
            // A limit that no header announced: the bucket above still has room, and yet there is a time to wait.
            limits.exceeded = Some(((seconds * 1_000.0).ceil() as u64, "user"));
        }
        result
    }

    /// Who is calling. Webhook and callback routes carry their token in the path and need no header.
    fn authorise(&self, matched: &Matched, headers: &HeaderMap) -> ApiResult<Id> {
        let given = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        match given {
            Some(given) if given == self.bot_authorization().as_bytes() => {
                Ok(self.application.bot_user_id)
            }
            _ if matched.entry.interaction => Ok(self.application.bot_user_id),
            _ => Err(ApiError::unauthorized()),
        }
    }

    fn bot_authorization(&self) -> String {
        format!("Bot {}", self.application.bot_token)
    }

    fn latency(&mut self) -> Duration {
        let (min, max) = self.config.latency_ms;
        Duration::from_millis(if min < max {
            self.rng.u64(min..=max)
        } else {
            min
        })
    }

    /// Carries out a REST call as a person: a moderator who edits or deletes by hand. Same rules and permissions as
    /// for anyone, but none of the limits on applications. The path may come with or without `/api/v10`.
    pub fn act_as(&mut self, now: u64, user_id: Id, request: Request<Bytes>) -> Response<Bytes> {
        self.advance(now);
        let (parts, bytes) = request.into_parts();
        let full_path = parts.uri.path();
        let path = full_path.strip_prefix(PREFIX).unwrap_or(full_path);
        let result = (|| {
            if !self.users.contains_key(&user_id) {
                return Err(ApiError::unauthorized());
            }
            let matched = routes::find(&parts.method, path)?;
            if matched.entry.interaction {
                return Err(ApiError::unauthorized());
            }
            let body = Body::read(&parts.method, &parts.headers, &bytes)?;
            let call = Call::new(
                now,
                user_id,
                matched,
                parts.uri.query().unwrap_or_default(),
                body,
            );
            (call.handler())(self, &call)
        })();
        respond(now, result)
    }
}

impl Arrival {
    /// The path without `/api/v10`.
    fn short_path(&self) -> &str {
        self.path.strip_prefix(PREFIX).unwrap_or(&self.path)
    }
}

/// What rate limits add to an answer.
#[derive(Default)]
struct Limits {
    bucket: Option<Taken>,
    /// Milliseconds to wait, and the scope.
    exceeded: Option<(u64, &'static str)>,
}

impl Limits {
    fn error(&self) -> ApiError {
        let (wait, scope) = self.exceeded.unwrap_or((0, "user"));
        let mut error = ApiError::new(
            StatusCode::TOO_MANY_REQUESTS,
            0,
            "You are being rate limited.",
        );
        error.retry_after = Some(ratelimit::seconds(wait));
        error.global = scope == "global";
        error
    }

    fn put(&self, now: u64, response: &mut Response<Bytes>) {
        if let Some(taken) = &self.bucket {
            ratelimit::put_bucket(response.headers_mut(), taken, now);
        }
        if let Some((wait, scope)) = self.exceeded {
            ratelimit::put_exceeded(response.headers_mut(), wait, scope);
        }
    }
}

/// `DiscordBot (url, version)` and then anything (docs `reference`, "User Agent").
fn user_agent_is_valid(headers: &HeaderMap) -> bool {
    let Some(text) = headers
        .get(USER_AGENT)
        .and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let Some((inside, _)) = text
        .strip_prefix("DiscordBot (")
        .and_then(|rest| rest.split_once(')'))
    else {
        return false;
    };
    inside
        .split_once(',')
        .is_some_and(|(url, version)| !url.trim().is_empty() && !version.trim().is_empty())
}

fn respond(now: u64, result: ApiResult<Reply>) -> Response<Bytes> {
    let reply = result.unwrap_or_else(|error| Reply {
        status: error.status,
        body: Some(error.body()),
    });
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = reply.status;
    if let Some(body) = reply.body {
        *response.body_mut() = Bytes::from(body.to_string());
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    put_date(now, response.headers_mut());
    response
}

fn put_date(now: u64, headers: &mut HeaderMap) {
    if let Ok(value) = HeaderValue::from_str(&http_date(now)) {
        headers.insert(DATE, value);
    }
}

/// Cloudflare's error 1015: plain text, no rate-limit headers.
fn cloudflare_ban(now: u64) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(b"error code: 1015"));
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=UTF-8"),
    );
    put_date(now, response.headers_mut());
    response
}
