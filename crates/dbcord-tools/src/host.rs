//! The engine's host on this machine: blocking HTTP, the system's clock, storage in memory.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Write as _};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use dbcord::host::{
    Clock, Durable, Entropy, Host, Level, StorageError, Transport, TransportError, UnixMillis,
};
use dbcord::limits::{ATTACHMENT_BYTES, REQUEST_TIMEOUT_MS};
use futures_executor::LocalSpawner;
use futures_util::future::LocalBoxFuture;
use futures_util::task::LocalSpawn;
use ureq::Timeout;

use crate::interrupt;
use crate::journal::Journal;

/// The longest stretch that a wait sleeps without looking whether it should stop.
const NAP: Duration = Duration::from_millis(100);
/// Messages are far smaller, and no attachment of ours is larger.
const LARGEST_ANSWER: u64 = 2 * ATTACHMENT_BYTES as u64;

/// Everything blocks: one thing happens at a time, and nothing needs waking.
pub struct NativeHost {
    agent: ureq::Agent,
    spawner: LocalSpawner,
    random: RefCell<fastrand::Rng>,
    stored: RefCell<BTreeMap<String, String>>,
    journal: RefCell<Journal>,
    quiet: Cell<bool>,
}

impl NativeHost {
    pub fn new(spawner: LocalSpawner) -> NativeHost {
        let timeout = Duration::from_millis(REQUEST_TIMEOUT_MS);
        NativeHost {
            agent: ureq::Agent::config_builder()
                .http_status_as_error(false)
                .max_redirects(0)
                .timeout_global(Some(timeout))
                .build()
                .into(),
            spawner,
            random: RefCell::new(fastrand::Rng::new()),
            stored: RefCell::default(),
            journal: RefCell::default(),
            quiet: Cell::new(false),
        }
    }

    /// What was sent and answered so far.
    pub fn journal(&self) -> std::cell::Ref<'_, Journal> {
        self.journal.borrow()
    }

    /// Wipes the storage, as when an object is made anew.
    pub fn forget(&self) {
        self.stored.borrow_mut().clear();
    }

    /// Whether the engine's log lines are kept back. Probes provoke refusals on purpose.
    pub fn set_quiet(&self, quiet: bool) {
        self.quiet.set(quiet);
    }

    fn transmit(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        let (parts, body) = request.into_parts();
        let sent = if body.is_empty() {
            self.agent.run(http::Request::from_parts(parts, ()))
        } else {
            self.agent.run(http::Request::from_parts(parts, &body[..]))
        };
        let (parts, mut body) = sent.map_err(|error| lost(&error))?.into_parts();
        let read = body.with_config().limit(LARGEST_ANSWER).read_to_vec();
        let bytes = read.map_err(|error| TransportError::Ambiguous(error.to_string()))?;
        Ok(http::Response::from_parts(parts, bytes.into()))
    }
}

/// What a failure says about the request: only where no connection came about is it certain that
/// nothing left.
fn lost(error: &ureq::Error) -> TransportError {
    let never_left = match error {
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::BadUri(_)
        | ureq::Error::InvalidProxyUrl
        | ureq::Error::ConnectProxyFailed(_)
        | ureq::Error::Timeout(Timeout::Resolve | Timeout::Connect) => true,
        ureq::Error::Io(error) => matches!(
            error.kind(),
            ErrorKind::ConnectionRefused
                | ErrorKind::HostUnreachable
                | ErrorKind::NetworkUnreachable
                | ErrorKind::AddrNotAvailable
        ),
        _ => false,
    };
    if never_left {
        TransportError::NotSent(error.to_string())
    } else {
        TransportError::Ambiguous(error.to_string())
    }
}

impl Transport for NativeHost {
    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<Bytes>, TransportError> {
        if interrupt::requested() {
            return Err(TransportError::NotSent("interrupted".to_owned()));
        }
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let begun = Instant::now();
        let result = self.transmit(request);
        let mut journal = self.journal.borrow_mut();
        journal.note(&method, uri.path(), begun.elapsed(), result.as_ref());
        result
    }
}

impl Clock for NativeHost {
    fn now(&self) -> UnixMillis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
    }

    async fn sleep(&self, duration: Duration) {
        let until = Instant::now() + duration;
        while !interrupt::requested() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            std::thread::sleep(left.min(NAP));
        }
    }
}

impl Entropy for NativeHost {
    fn next_u64(&self) -> u64 {
        self.random.borrow_mut().u64(..)
    }
}

impl Durable for NativeHost {
    async fn load(&self, key: &str) -> Result<Option<String>, StorageError> {
        Ok(self.stored.borrow().get(key).cloned())
    }

    async fn load_prefix(&self, prefix: &str) -> Result<Vec<(String, String)>, StorageError> {
        let stored = self.stored.borrow();
        let found = stored.iter().filter(|(key, _)| key.starts_with(prefix));
        Ok(found
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect())
    }

    async fn store(&self, key: &str, value: &str) -> Result<(), StorageError> {
        self.stored
            .borrow_mut()
            .insert(key.to_owned(), value.to_owned());
        Ok(())
    }

    async fn remove(&self, key: &str) -> Result<(), StorageError> {
        self.stored.borrow_mut().remove(key);
        Ok(())
    }

    /// No alarm here: the tour calls the materializer itself.
    async fn wake_at(&self, _at: UnixMillis) -> Result<(), StorageError> {
        Ok(())
    }
}

impl Host for NativeHost {
    fn spawn(&self, task: LocalBoxFuture<'static, ()>) {
        if self.spawner.spawn_local_obj(task.into()).is_err() {
            self.log(Level::Error, "a background task could not be started");
        }
    }

    fn object_id(&self) -> String {
        "a native tool".to_owned()
    }

    fn log(&self, level: Level, line: &str) {
        if !self.quiet.get() {
            let _ = writeln!(std::io::stderr(), "  {level:?}: {line}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn never_left(error: &ureq::Error) -> bool {
        matches!(lost(error), TransportError::NotSent(_))
    }

    #[test]
    fn only_a_failed_connection_is_known_to_have_sent_nothing() {
        let io = |kind| ureq::Error::Io(std::io::Error::from(kind));
        assert!(never_left(&ureq::Error::HostNotFound));
        assert!(never_left(&ureq::Error::Timeout(Timeout::Connect)));
        assert!(never_left(&io(ErrorKind::ConnectionRefused)));
        for error in [
            io(ErrorKind::ConnectionReset),
            io(ErrorKind::BrokenPipe),
            io(ErrorKind::UnexpectedEof),
            io(ErrorKind::TimedOut),
            ureq::Error::Timeout(Timeout::Global),
            ureq::Error::Timeout(Timeout::RecvResponse),
        ] {
            assert!(!never_left(&error), "{error:?}");
        }
    }

    #[test]
    fn a_refused_connection_is_not_sent() {
        // Bound and dropped: nobody listens there.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let mut pool = futures_executor::LocalPool::new();
        let host = NativeHost::new(pool.spawner());
        let request = http::Request::get(format!("http://{address}/")).body(Bytes::new());
        let sent = pool.run_until(host.send(request.unwrap()));
        assert!(matches!(sent, Err(TransportError::NotSent(_))), "{sent:?}");
    }
}
