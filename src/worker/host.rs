//! The seams, as Cloudflare implements them.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use js_sys::{JsString, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use worker::{
    Fetch, Headers, ListOptions, Method, Request, RequestInit, RequestRedirect, State,
    console_error, console_warn,
};

use super::timer::Timer;
use crate::host::{
    Clock, Durable, Entropy, Host, Level, StorageError, Transport, TransportError, UnixMillis,
};

/// Size of a WebAssembly page.
const PAGE_BYTES: u64 = 64 * 1024;

/// What any Worker has: `fetch`, a clock, random numbers.
pub(super) struct WorkerIo;

impl Transport for WorkerIo {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let request =
            to_js(&request).map_err(|error| TransportError::NotSent(error.to_string()))?;
        let mut response = Fetch::Request(request).send().await.map_err(lost)?;
        let body = response.bytes().await.map_err(lost)?;
        let mut answer = http::Response::builder().status(response.status_code());
        for (name, value) in response.headers().entries() {
            answer = answer.header(name, value);
        }
        answer
            .body(body.into())
            .map_err(|error| TransportError::Ambiguous(error.to_string()))
    }
}

impl Clock for WorkerIo {
    fn now(&self) -> UnixMillis {
        worker::Date::now().as_millis()
    }

    async fn sleep(&self, duration: Duration) {
        Timer::new(duration).await;
    }
}

impl Entropy for WorkerIo {
    fn next_u64(&self) -> u64 {
        let half = || (js_sys::Math::random() * f64::from(u32::MAX)) as u64;
        half() << 32 | half()
    }
}

/// An alarm that should have rung so long ago does not ring by itself soon.
const OVERDUE_MS: u64 = 1_000;

/// What a Durable Object has besides: storage, an alarm, tasks that outlive an answer.
pub(super) struct ObjectHost {
    io: WorkerIo,
    state: Rc<State>,
}

impl ObjectHost {
    pub fn new(state: Rc<State>) -> Self {
        ObjectHost {
            io: WorkerIo,
            state,
        }
    }
}

impl Transport for ObjectHost {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        self.io.send(request).await
    }
}

impl Clock for ObjectHost {
    fn now(&self) -> UnixMillis {
        self.io.now()
    }

    async fn sleep(&self, duration: Duration) {
        self.io.sleep(duration).await;
    }
}

impl Entropy for ObjectHost {
    fn next_u64(&self) -> u64 {
        self.io.next_u64()
    }
}

/// Values are strings. What a write must come before - an answer, a request to Discord - is held
/// back by the object's output gate until the write is on disk, so an awaited put is confirmed
/// for everybody outside.
/// <https://developers.cloudflare.com/durable-objects/reference/in-memory-state/>
impl Durable for ObjectHost {
    async fn load(&self, key: &str) -> Result<Option<String>, StorageError> {
        self.state.storage().get(key).await.map_err(failed)
    }

    async fn load_prefix(&self, prefix: &str) -> Result<Vec<(String, String)>, StorageError> {
        let options = ListOptions::new().prefix(prefix);
        let storage = self.state.storage();
        let map = storage.list_with_options(options).await.map_err(failed)?;
        let mut entries = Vec::new();
        map.for_each(&mut |value, key| {
            if let (Some(key), Some(value)) = (key.as_string(), value.as_string()) {
                entries.push((key, value));
            }
        });
        Ok(entries)
    }

    async fn store(&self, key: &str, value: &str) -> Result<(), StorageError> {
        let value: JsValue = JsString::from(value).unchecked_into();
        self.state
            .storage()
            .put_raw(key, value)
            .await
            .map_err(failed)
    }

    async fn remove(&self, key: &str) -> Result<(), StorageError> {
        let removed = self.state.storage().delete(key).await;
        removed.map(|_| ()).map_err(failed)
    }

    async fn wake_at(&self, at: UnixMillis) -> Result<(), StorageError> {
        let storage = self.state.storage();
        // Setting an alarm is a billed row write, reading it is not.
        let set = storage.get_alarm().await.map_err(failed)?;
        let now = self.now();
        // One that is overdue failed, or its object was taken away: the runtime rings it again
        // later and later, and after some times no more.
        // <https://developers.cloudflare.com/durable-objects/api/alarms/>
        let is_overdue = |set: u64| set + OVERDUE_MS < now;
        if set
            .and_then(|set| u64::try_from(set).ok())
            .is_some_and(|set| set <= at && !is_overdue(set))
        {
            return Ok(());
        }
        let delay = at.saturating_sub(now);
        let set = storage.set_alarm(Duration::from_millis(delay)).await;
        set.map_err(failed)
    }
}

impl Host for ObjectHost {
    fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        self.state.wait_until(task);
    }

    fn object_id(&self) -> String {
        self.state.id().to_string()
    }

    fn log(&self, level: Level, line: &str) {
        match level {
            Level::Warn => console_warn!("{line}"),
            Level::Error => console_error!("{line}"),
        }
    }

    fn heap_bytes(&self) -> Option<u64> {
        Some(core::arch::wasm32::memory_size(0) as u64 * PAGE_BYTES)
    }
}

fn to_js(request: &http::Request<Bytes>) -> worker::Result<Request> {
    let headers = Headers::new();
    for (name, value) in request.headers() {
        let value = value
            .to_str()
            .map_err(|error| worker::Error::RustError(error.to_string()))?;
        headers.set(name.as_str(), value)?;
    }
    let mut init = RequestInit::new();
    init.with_method(Method::from(request.method().as_str().to_owned()))
        .with_headers(headers)
        // The bot token must not follow anybody anywhere.
        .with_redirect(RequestRedirect::Manual);
    if !request.body().is_empty() {
        let body = Uint8Array::from(request.body().as_ref());
        init.with_body(Some(body.into()));
    }
    Request::new_with_init(&request.uri().to_string(), &init)
}

/// Only what is certain not to have left may count as not sent.
fn lost(error: worker::Error) -> TransportError {
    let text = error.to_string();
    if text.contains("Too many subrequests") {
        TransportError::NotSent("this invocation's requests are used up".to_owned())
    } else {
        TransportError::Ambiguous(text)
    }
}

fn failed(error: worker::Error) -> StorageError {
    StorageError(error.to_string())
}
