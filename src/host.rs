//! The seams: everything that dbcord needs from the world around it.
//!
//! The engine, the Discord client and the instance are written against these traits only. The
//! Worker implements them with `fetch`, Durable Object storage and JavaScript timers; tests
//! implement them with a simulated Discord and a clock that they turn by hand.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;

/// Milliseconds since 1970-01-01 UTC.
pub type UnixMillis = u64;

/// Why a request has no answer. The variant decides whether it may be repeated blindly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransportError {
    /// The request never left: repeating it cannot do anything twice.
    NotSent(String),
    /// Nobody knows whether the other side acted on it.
    Ambiguous(String),
}

/// Sends HTTP requests.
#[expect(async_fn_in_trait, reason = "one thread: futures need no Send bound")]
pub trait Transport {
    /// Sends one request and collects the whole answer, whatever its status.
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError>;
}

/// Tells the time and waits.
#[expect(async_fn_in_trait, reason = "one thread: futures need no Send bound")]
pub trait Clock {
    fn now(&self) -> UnixMillis;
    async fn sleep(&self, duration: Duration);
}

/// Random numbers, for jitter and multipart boundaries. Never for anything that must be unique.
pub trait Entropy {
    fn next_u64(&self) -> u64;
}

/// Object storage failed; the text is the host's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageError(pub String);

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The Durable Object's storage and alarm: a few small values, never row data.
#[expect(async_fn_in_trait, reason = "one thread: futures need no Send bound")]
pub trait Durable {
    async fn load(&self, key: &str) -> Result<Option<String>, StorageError>;
    /// All keys that start with `prefix`, with their values, in key order.
    async fn load_prefix(&self, prefix: &str) -> Result<Vec<(String, String)>, StorageError>;
    /// Returns once the value is confirmed on disk: what follows may rely on it.
    async fn store(&self, key: &str, value: &str) -> Result<(), StorageError>;
    async fn remove(&self, key: &str) -> Result<(), StorageError>;
    /// Makes sure that the alarm rings at `at` or before. Writes nothing when it already does.
    async fn wake_at(&self, at: UnixMillis) -> Result<(), StorageError>;
}

/// How loud a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Warn,
    Error,
}

/// What it takes to talk to Discord.
pub trait Io: Transport + Clock + Entropy + 'static {}

impl<T: Transport + Clock + Entropy + 'static> Io for T {}

/// Everything at once, plus what only the host can do.
pub trait Host: Io + Durable {
    /// Runs a task beside the caller; it goes on after the caller has answered.
    fn spawn(&self, task: LocalBoxFuture<'static, ()>);
    /// One line for the operator. Callers keep tokens and row contents out of it.
    fn log(&self, level: Level, line: &str);
    /// Names the object: the same name for all its incarnations, another for every other object,
    /// here or in another deployment.
    fn object_id(&self) -> String;
    /// Size of the heap that this code runs in, where the host knows it.
    fn heap_bytes(&self) -> Option<u64> {
        None
    }
}
