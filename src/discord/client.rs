//! Sends calls to Discord: waits where the rate limit says so, repeats what may be repeated, and
//! tells apart what did not happen, what happened, and what nobody knows.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use futures_channel::oneshot;
use futures_util::future::{Either, select};
use http::{Method, Request, Response, header};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::budget::{Budget, Leave, Turn};
use super::draft::Draft;
use super::multipart::{self, Body, File};
use super::rate_limit::{Permit, RateLimits, Verdict};
use super::retry::{Answer, CallError, backoff_ms};
use super::routes::Route;
use crate::config::Secret;
use crate::host::{Io, TransportError};
use crate::limits::{LONGEST_SLEEP_MS, REQUEST_TIMEOUT_MS};

/// Discord refuses clients that do not say who they are.
/// <https://docs.discord.com/developers/reference#user-agent>
pub const USER_AGENT: &str = concat!(
    "DiscordBot (",
    env!("CARGO_PKG_HOMEPAGE"),
    ", ",
    env!("CARGO_PKG_VERSION"),
    ")"
);

/// How long a caller goes on trying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// Times a request may be sent.
    pub attempts: u32,
    /// The longest single wait for a rate limit.
    pub wait_ms: u64,
    /// How many requests of a window are left to others.
    pub reserve: u32,
}

impl Patience {
    /// Somebody waits for the result.
    pub const COMMAND: Patience = Patience {
        attempts: 4,
        wait_ms: LONGEST_SLEEP_MS,
        reserve: 0,
    };
    /// The alarm comes back later anyway.
    pub const BACKGROUND: Patience = Patience {
        attempts: 2,
        wait_ms: LONGEST_SLEEP_MS,
        reserve: 0,
    };
    /// The same in the channel that commits go to, which must not have to wait for it.
    pub const BESIDE_COMMITS: Patience = Patience {
        reserve: 2,
        ..Patience::BACKGROUND
    };
}

/// A client for one bot in one object. Cheap to clone.
pub struct Client<H> {
    shared: Rc<Shared<H>>,
}

impl<H> Clone for Client<H> {
    fn clone(&self) -> Self {
        Client {
            shared: Rc::clone(&self.shared),
        }
    }
}

struct Shared<H> {
    host: Rc<H>,
    api_base: String,
    token: Secret,
    limits: RefCell<RateLimits>,
    /// Woken at the next answer, whatever it is.
    waiting: RefCell<Vec<oneshot::Sender<()>>>,
    sent: Cell<u64>,
    background: Budget,
}

impl<H: Io> Client<H> {
    pub fn new(host: Rc<H>, api_base: String, token: Secret) -> Self {
        Client {
            shared: Rc::new(Shared {
                host,
                api_base,
                token,
                limits: RefCell::default(),
                waiting: RefCell::default(),
                sent: Cell::new(0),
                background: Budget::default(),
            }),
        }
    }

    /// The host that requests go through.
    pub fn host(&self) -> &H {
        &self.shared.host
    }

    /// Requests sent so far, repetitions counted.
    pub fn requests_sent(&self) -> u64 {
        self.shared.sent.get()
    }

    /// Runs background work until it is done, or none when it has sent so many requests and wants to
    /// send another: then the next turn goes on with it.
    pub async fn turn<F: Future + ?Sized>(
        &self,
        requests: u32,
        work: Pin<&mut F>,
    ) -> Option<F::Output> {
        Turn::new(&self.shared.background, requests, work).await
    }

    /// Until when Discord blocks our address as a whole, as far as we know.
    pub fn blocked_until(&self) -> Option<u64> {
        let now = self.shared.host.now();
        self.shared.limits.borrow_mut().blocked_until(now)
    }

    /// How long to hold back a request to a route that many more will go to, in milliseconds; as
    /// many as there can be, in a `crowd`.
    pub fn pace(&self, route: &Route, crowd: bool) -> u64 {
        let now = self.shared.host.now();
        self.shared.limits.borrow_mut().pace(now, route, crowd)
    }

    /// How long to wait, in milliseconds, until a request with this patience could go.
    pub fn wait(&self, route: &Route, patience: Patience) -> u64 {
        let now = self.shared.host.now();
        let mut limits = self.shared.limits.borrow_mut();
        limits
            .room_at(now, route, patience.reserve)
            .saturating_sub(now)
    }

    /// Calls a route whose answer is JSON.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn get<T: DeserializeOwned>(
        &self,
        route: &Route,
        patience: Patience,
    ) -> Result<T, CallError> {
        let response = self.call(route, None, patience).await?;
        parse(&response)
    }

    /// Calls a route with a JSON payload and the files that it names.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn send<T: DeserializeOwned>(
        &self,
        route: &Route,
        payload: &Value,
        files: &[File],
        patience: Patience,
    ) -> Result<T, CallError> {
        let body = if files.is_empty() {
            multipart::json(payload)
        } else {
            multipart::form(payload, files, self.shared.host.next_u64())
        };
        let response = self.call(route, Some(&body), patience).await?;
        parse(&response)
    }

    /// Creates or edits a message.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn send_draft<T: DeserializeOwned>(
        &self,
        route: &Route,
        draft: &Draft<'_>,
        patience: Patience,
    ) -> Result<T, CallError> {
        self.send(route, &draft.payload(), draft.files, patience)
            .await
    }

    /// Calls a route whose answer has no body.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn delete(&self, route: &Route, patience: Patience) -> Result<(), CallError> {
        self.call(route, None, patience).await.map(|_| ())
    }

    /// Fetches an attachment from the URL in its message. No bot token goes there.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn download(&self, url: &str, patience: Patience) -> Result<Bytes, CallError> {
        let mut attempt = 1;
        loop {
            let request = Request::get(url)
                .header(header::USER_AGENT, USER_AGENT)
                .body(Bytes::new())
                .map_err(|error| CallError::Malformed(format!("attachment URL: {error}")))?;
            let leave = self.shared.background.leave().await;
            let retry = match self.transmit(request, leave).await {
                Ok(response) => match Answer::of(&response) {
                    Answer::Success => return Ok(response.into_body()),
                    Answer::Refused(error) => return Err(error),
                    Answer::Blocked => {
                        return Err(CallError::Refused {
                            status: response.status().as_u16(),
                            code: 0,
                            message: "the attachment host blocks us".to_owned(),
                        });
                    }
                    Answer::Limited { retry_after_ms, .. } => {
                        CallError::RateLimited { retry_after_ms }
                    }
                    Answer::ServerError(status) => CallError::Failed(format!("HTTP {status}")),
                },
                Err(TransportError::NotSent(why)) => CallError::NotSent(why),
                Err(TransportError::Ambiguous(why)) => CallError::Failed(why),
            };
            if attempt >= patience.attempts {
                return Err(retry);
            }
            self.pause(backoff_ms(attempt, self.shared.host.next_u64()))
                .await;
            attempt += 1;
        }
    }

    async fn call(
        &self,
        route: &Route,
        body: Option<&Body>,
        patience: Patience,
    ) -> Result<Response<Bytes>, CallError> {
        let mut attempt = 1;
        // Once a POST may have been carried out, a later refusal no longer settles the matter.
        let mut ambiguous: Option<String> = None;
        let settle = |ambiguous: &Option<String>, error: CallError| match ambiguous {
            Some(why) if route.method == Method::POST => {
                CallError::Ambiguous(format!("{why}; then: {error}"))
            }
            _ => error,
        };
        loop {
            let request = self.request(route, body)?;
            let leave = self.shared.background.leave().await;
            let in_flight = match self.admitted(route, patience).await {
                Ok(permit) => InFlight {
                    shared: &self.shared,
                    permit: Some(permit),
                },
                Err(error) => return Err(settle(&ambiguous, error)),
            };
            let sent = self.transmit(request, leave).await;
            let now = self.shared.host.now();
            let failure = match sent {
                Ok(response) => {
                    let answer = Answer::of(&response);
                    in_flight.answered(now, route, &response, &answer);
                    match answer {
                        Answer::Success => return Ok(response),
                        Answer::Refused(error) => return Err(settle(&ambiguous, error)),
                        // `admit` waits, or refuses to, at the next turn.
                        Answer::Limited { retry_after_ms, .. } => {
                            CallError::RateLimited { retry_after_ms }
                        }
                        Answer::Blocked => {
                            let until = self.blocked_until().unwrap_or(now);
                            return Err(settle(&ambiguous, CallError::Blocked { until }));
                        }
                        Answer::ServerError(status) => {
                            let why = format!("HTTP {status}");
                            ambiguous = Some(why.clone());
                            CallError::Ambiguous(why)
                        }
                    }
                }
                Err(TransportError::NotSent(why)) => {
                    drop(in_flight);
                    CallError::NotSent(why)
                }
                Err(TransportError::Ambiguous(why)) => {
                    drop(in_flight);
                    ambiguous = Some(why.clone());
                    CallError::Ambiguous(why)
                }
            };
            if attempt >= patience.attempts || (ambiguous.is_some() && !route.repeatable) {
                return Err(match failure {
                    CallError::Ambiguous(_) => failure,
                    other => settle(&ambiguous, other),
                });
            }
            if !matches!(failure, CallError::RateLimited { .. }) {
                self.pause(backoff_ms(attempt, self.shared.host.next_u64()))
                    .await;
            }
            attempt += 1;
        }
    }

    /// Waits until the rate limits let a request pass.
    async fn admitted(&self, route: &Route, patience: Patience) -> Result<Permit, CallError> {
        loop {
            let now = self.shared.host.now();
            let verdict = self
                .shared
                .limits
                .borrow_mut()
                .admit(now, route, patience.reserve);
            match verdict {
                Verdict::Go(permit) => return Ok(permit),
                Verdict::Blocked(until) => return Err(CallError::Blocked { until }),
                Verdict::WaitUntil(at) if at - now > patience.wait_ms => {
                    return Err(CallError::RateLimited {
                        retry_after_ms: at - now,
                    });
                }
                Verdict::WaitUntil(at) => self.pause(at - now).await,
                Verdict::WaitForAnswer => {
                    let (wake, woken) = oneshot::channel();
                    self.shared.waiting.borrow_mut().push(wake);
                    // A sender dropped with the client ends the wait too.
                    let _ = woken.await;
                }
            }
        }
    }

    fn request(&self, route: &Route, body: Option<&Body>) -> Result<Request<Bytes>, CallError> {
        let mut request = Request::builder()
            .method(route.method.clone())
            .uri(format!("{}{}", self.shared.api_base, route.path))
            .header(header::USER_AGENT, USER_AGENT);
        if !route.interaction {
            let credentials = format!("Bot {}", self.shared.token.expose());
            request = request.header(header::AUTHORIZATION, credentials);
        }
        if let Some(body) = body {
            request = request.header(header::CONTENT_TYPE, &body.content_type);
        }
        request
            .body(body.map(|body| body.bytes.clone()).unwrap_or_default())
            .map_err(|_| CallError::NotSent("the request cannot be put into HTTP".to_owned()))
    }

    /// One attempt, bounded in time: no answer in time is as good as none.
    async fn transmit(
        &self,
        request: Request<Bytes>,
        mut leave: Leave<'_>,
    ) -> Result<Response<Bytes>, TransportError> {
        leave.is_used();
        self.shared.sent.set(self.shared.sent.get() + 1);
        let host = &self.shared.host;
        let send = std::pin::pin!(host.send(request));
        let timeout = std::pin::pin!(host.sleep(Duration::from_millis(REQUEST_TIMEOUT_MS)));
        match select(send, timeout).await {
            Either::Left((result, _)) => result,
            Either::Right(_) => Err(TransportError::Ambiguous(format!(
                "no answer within {} s",
                REQUEST_TIMEOUT_MS / 1_000
            ))),
        }
    }

    async fn pause(&self, ms: u64) {
        self.shared.host.sleep(Duration::from_millis(ms)).await;
    }
}

/// A request that has its permit. Without an answer the permit is given back as lost, also when
/// nobody waits for the answer any more.
struct InFlight<'a, H> {
    shared: &'a Shared<H>,
    permit: Option<Permit>,
}

impl<H> InFlight<'_, H> {
    fn answered(mut self, now: u64, route: &Route, response: &Response<Bytes>, answer: &Answer) {
        if let Some(permit) = self.permit.take() {
            let mut limits = self.shared.limits.borrow_mut();
            limits.answered(now, route, &permit, response.headers(), answer);
        }
        self.shared.wake_waiting();
    }
}

impl<H> Drop for InFlight<'_, H> {
    fn drop(&mut self) {
        if let Some(permit) = self.permit.take() {
            self.shared.limits.borrow_mut().lost(&permit);
            self.shared.wake_waiting();
        }
    }
}

impl<H> Shared<H> {
    fn wake_waiting(&self) {
        for waiting in self.waiting.take() {
            let _ = waiting.send(());
        }
    }
}

fn parse<T: DeserializeOwned>(response: &Response<Bytes>) -> Result<T, CallError> {
    serde_json::from_slice(response.body()).map_err(|error| CallError::Malformed(error.to_string()))
}
