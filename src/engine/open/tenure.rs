//! Whose the log is: one object's, until another deployment takes it over.
//!
//! Within one deployment the Durable Object's storage keeps a replaced incarnation from
//! acknowledging anything: it can no longer store. Another deployment has other storage, so there
//! it is time that decides. Who takes over says so in the log, waits [`OWNERSHIP_WAIT_MS`], and
//! reads again; who owns the log looks at it at least every [`LEASE_MS`] before it acknowledges or
//! answers anything, and stops when it finds such a notice.

use std::time::Duration;

use crate::discord::model::{Message, created_ms};
use crate::discord::{Draft, Patience, routes};
use crate::engine::commit::PostError;
use crate::engine::database::Database;
use crate::engine::log::notice::{self, Takeover};
use crate::engine::log::read::{LogReader, ReadError};
use crate::engine::log::{Op, codec};
use crate::engine::object_storage::Wait;
use crate::engine::state::State;
use crate::engine::{describe, not_written};
use crate::error::{Error, ErrorKind, Result, Written};
use crate::host::{Host, UnixMillis};
use crate::limits::{DISORDER_MS, LEASE_MS, OWNERSHIP_WAIT_MS, STALE_PAUSE_MS, STALE_READS};

/// What a look at the log shows of what it must.
enum Seen {
    All,
    NotAll {
        log: u64,
        message: u64,
    },
    /// It is younger than reads are old.
    Nothing(ReadError),
}

impl<H: Host> Database<H> {
    /// Raises the epoch above everything known, durably, before the log is read.
    pub(super) async fn claim(&self, seen: Option<u64>) -> Result<u64> {
        let stored = self.keys().epoch().await?;
        let above = stored.max(seen).map_or(0, |epoch| epoch.saturating_add(1));
        // The clock keeps epochs rising even when storage was wiped.
        let epoch = above.max(self.shared.host.now());
        // Nobody could read what is written with it.
        if epoch > codec::LAST {
            return Err(self.no_epoch_left());
        }
        self.keys().store_epoch(epoch).await?;
        Ok(epoch)
    }

    /// Claims the open database anew. Nobody else can have claimed it since: they would have replaced
    /// this object, whose storage would fail then.
    pub(in crate::engine) async fn claim_again(&self) -> Result<()> {
        let epoch = self.claim(None).await?;
        self.with_claimed(|opened| opened.epoch = epoch)
    }

    /// Claims a log that is about to be made, so that it is known to be nobody else's.
    pub(in crate::engine) async fn claim_new(&self) -> Result<()> {
        self.claim(None).await.map(|_| ())
    }

    /// Who knows nothing of a log that may have been written a moment ago - storage was wiped, or
    /// another deployment wrote it - waits until whatever is under way has arrived and can be read.
    /// The wait that is over, if there was one.
    pub(super) async fn wait_is_over(&self) -> Result<Option<Wait>> {
        let now = self.shared.host.now();
        let wait = match self.keys().wait().await? {
            Some(wait) => wait,
            None if self.keys().epoch().await?.is_some() => return Ok(None),
            None => {
                let wait = Wait {
                    until: now + OWNERSHIP_WAIT_MS,
                    notice: None,
                };
                // First the wait: with an epoch alone, the next opening would not know of it.
                self.keys().store_wait(&wait).await?;
                self.claim(None).await?;
                wait
            }
        };
        if now >= wait.until {
            return Ok(Some(wait));
        }
        let why = match wait.notice {
            Some(_) => "it is being taken over from another deployment",
            None => "this object's storage is new, so that it cannot know what was written last",
        };
        Err(Error::new(
            ErrorKind::Unavailable,
            format!(
                "Database `{}` waits until everything under way has reached its log: {why}.",
                self.name
            ),
        )
        .hint(format!(
            "Try again in {} s. Nothing is lost.",
            (wait.until - now).div_ceil(1_000)
        )))
    }

    /// Whether an opening waits only because storage is new.
    pub(in crate::engine) async fn waits_for_nobody(&self) -> Result<bool> {
        let wait = self.keys().wait().await?;
        let now = self.shared.host.now();
        Ok(wait.is_some_and(|wait| wait.notice.is_none() && now < wait.until))
    }

    /// Whether the log that was read is this object's. With the op that makes it so, where a
    /// takeover was asked for and its wait is over.
    pub(super) fn check_tenure(
        &self,
        state: &State,
        takeovers: &[Takeover],
        wait: Option<&Wait>,
    ) -> Result<Option<Op>> {
        let me = &self.shared.owner;
        let ours = wait.and_then(|wait| wait.notice);
        // Of several that take over at once, the last notice decides, for all of them alike.
        let since = ours.unwrap_or(state.tenure);
        let newest = takeovers.iter().filter(|notice| notice.owner != *me);
        if let Some(other) = newest.max_by_key(|notice| notice.message)
            && other.message > since
        {
            return Err(self.deposed(&other.owner));
        }
        match (&state.owner, ours) {
            (Some(owner), Some(notice)) if owner != me || state.tenure != notice => {
                Ok(Some(Op::Takeover {
                    owner: me.clone(),
                    notice,
                }))
            }
            (Some(owner), None) if owner != me => Err(self.belongs_to(owner)),
            _ => Ok(None),
        }
    }

    /// Begins to take the database over from another deployment; when it will be done.
    ///
    /// # Errors
    /// When the notice cannot be posted or stored; then nothing has changed.
    pub(in crate::engine) async fn take_over(&self, log: u64) -> Result<Wait> {
        let _writer = self.writer.lock().await;
        let doing = format!("Taking over database `{}`", self.name);
        self.close();
        let content = notice::render(&self.shared.owner);
        let identity = format!("{log}:takeover:{:016x}", self.shared.host.next_u64());
        let draft = Draft {
            content: &content,
            identity: Some(&identity),
            ..Draft::default()
        };
        let route = routes::create_message(log);
        let client = &self.shared.client;
        let posted = client.send_draft::<Message>(&route, &draft, Patience::COMMAND);
        let posted = posted.await.map_err(|error| {
            if error.may_have_happened() {
                // A notice that surfaces later stops the present owner all the same.
                return describe(&doing, &error, Written::Unknown)
                    .hint("Run the command again, so that the takeover is completed.");
            }
            not_written(&doing, &error)
        })?;
        let wait = Wait {
            until: self.shared.host.now() + OWNERSHIP_WAIT_MS,
            notice: Some(posted.id),
        };
        let announced = |error: Error| {
            let message = format!(
                "{doing}: its log says so, and whoever wrote it so far stops. But {}",
                error.message
            );
            Error { message, ..error }
                .written(Written::ReadOnly)
                .hint("Run the command again, so that the takeover is completed.")
        };
        self.keys().store_wait(&wait).await.map_err(announced)?;
        // What this deployment stored before another owned the log says nothing any more.
        self.keys().forget_floor().await.map_err(announced)?;
        Ok(wait)
    }

    /// Makes sure, before anything is told, that nobody has taken the log over meanwhile. Costs
    /// nothing while the log was looked at a moment ago. A look that lacks what it must show is none:
    /// see [`Known`](crate::engine::log::known::Known).
    ///
    /// # Errors
    /// When somebody has, or when that cannot be found out.
    pub(in crate::engine) async fn confirm_tenure(&self) -> Result<()> {
        if self.warning.is_some() {
            return Ok(());
        }
        let age = {
            let opened = self.claimed()?;
            opened.age_of_tenure(self.shared.host.now())
        };
        if age.is_some_and(|age| age <= LEASE_MS) {
            return Ok(());
        }
        self.look_at_log().await
    }

    /// The same, however long ago the log was looked at: whether it can be read now.
    ///
    /// # Errors
    /// As [`Database::confirm_tenure`].
    pub(in crate::engine) async fn look_at_log(&self) -> Result<()> {
        let mut stale_reads = 0;
        loop {
            let read_at = self.shared.host.now();
            let problem = match self.look_once(read_at).await? {
                Seen::All => return self.with_claimed(|opened| opened.tenure_confirmed(read_at)),
                problem => problem,
            };
            if stale_reads == STALE_READS {
                return Err(match problem {
                    Seen::NotAll { log, message } => {
                        self.put_aside();
                        self.record_is_missing(log, message)
                    }
                    Seen::Nothing(error) => self.unreadable(&error),
                    Seen::All => self.closed(),
                });
            }
            stale_reads += 1;
            let pause = STALE_PAUSE_MS * u64::from(stale_reads);
            self.shared.host.sleep(Duration::from_millis(pause)).await;
        }
    }

    /// Reads the newest page, and as far back as that takes. Comes back with what it does not show
    /// and must, or does not show yet: then it tells nothing of what else is not there, either.
    async fn look_once(&self, read_at: UnixMillis) -> Result<Seen> {
        let (log, is_empty, visible) = {
            let opened = self.claimed()?;
            let is_empty = opened.known.messages().next().is_none();
            (opened.log, is_empty, opened.known.visible(read_at))
        };
        let mut reader = match is_empty {
            true => LogReader::new(log),
            false => LogReader::of_records(log),
        };
        // Ids of messages follow the order of time but for this much, and whatever is newer than what
        // must be visible counts.
        let since = visible.map(|message| created_ms(message).saturating_sub(DISORDER_MS));
        loop {
            match reader.older(&self.shared).await {
                Ok(()) => {}
                Err(ReadError::Call(error)) => {
                    let doing = format!("Making sure that database `{}` is still ours", self.name);
                    return Err(not_written(&doing, &error));
                }
                Err(error) if visible.is_none() => return Ok(Seen::Nothing(error)),
                Err(error) => return Err(self.unreadable(&error)),
            }
            if let Some(error) = self.foreign(&reader)? {
                self.close();
                return Err(error);
            }
            if since.is_none_or(|since| reader.reaches(since)) {
                break;
            }
        }
        let missing = match visible {
            Some(message) => (!reader.shows(message)).then_some(message),
            None => {
                let opened = self.claimed()?;
                let newest = opened.known.messages().next();
                newest.filter(|_| !opened.known.messages().any(|known| reader.shows(known)))
            }
        };
        Ok(missing.map_or(Seen::All, |message| Seen::NotAll { log, message }))
    }

    /// Why the log is not this object's any more, by what was read of it.
    fn foreign(&self, reader: &LogReader) -> Result<Option<Error>> {
        let opened = self.claimed()?;
        let since = opened.state.tenure;
        let mut others = reader.takeovers.iter();
        let foreign = others.find(|n| n.owner != self.shared.owner && n.message > since);
        let is_ours = opened.state.head.is_some() || reader.records.is_empty();
        Ok(match foreign {
            Some(notice) => Some(self.deposed(&notice.owner)),
            None if !is_ours || reader.highest_epoch() > Some(opened.epoch) => {
                Some(self.replaced())
            }
            None => None,
        })
    }

    /// The same for a record that is posted already.
    pub(in crate::engine) async fn confirm_commit(&self) -> Result<(), PostError> {
        let confirmed = self.confirm_tenure().await;
        confirmed.map_err(|error| PostError::Unknown(error.written(Written::Unknown)))
    }

    fn deposed(&self, owner: &str) -> Error {
        Error::new(
            ErrorKind::Conflict,
            format!(
                "Database `{}` is being taken over by another deployment of dbcord (owner `{owner}`).",
                self.name
            ),
        )
        .hint(format!(
            "Use that one. To bring the database back here, stop the other and run `/dbc_init database:{} takeover:true`.",
            self.name
        ))
    }

    fn belongs_to(&self, owner: &str) -> Error {
        Error::new(
            ErrorKind::Conflict,
            format!(
                "Database `{}` belongs to another deployment of dbcord (owner `{owner}`; this one is `{}`).",
                self.name, self.shared.owner
            ),
        )
        .hint(format!(
            "If that one is no longer in use, run `/dbc_init database:{} takeover:true`: a minute later this one owns it.",
            self.name
        ))
    }

    fn replaced(&self) -> Error {
        Error::new(
            ErrorKind::Unavailable,
            format!(
                "Database `{}` was opened by another incarnation of this object meanwhile.",
                self.name
            ),
        )
        .hint("Try again.")
    }
}
