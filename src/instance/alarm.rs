//! The alarm: pays what is owed, then brings the channels up to date, under a budget.

use std::rc::Rc;

use futures_util::future::LocalBoxFuture;

use super::Instance;
use crate::engine::materialize::Progress;
use crate::error::ErrorKind;
use crate::host::{Host, Level, StorageError, UnixMillis};
use crate::limits::BACKGROUND_REQUESTS;

/// When to look again after answers that could not be given, and databases that did not open.
const AGAIN_MS: u64 = 15_000;
/// Such a database is left alone for twice as long each time, but not more often than this.
const DOUBLINGS: u32 = 6;
/// The same, where somebody has to do something first.
const AFTER_TROUBLE_MS: u64 = 60 * 60_000;
/// Requests that are enough for any piece of work.
const SMALLEST_SHARE: u64 = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AlarmState {
    Idle,
    Running,
    /// Another alarm came while one was running.
    RunningAndAskedAgain,
}

/// Background work that stopped in the middle, since it had sent all that an alarm may send. It
/// comes to the time when the next turn is due, if one is.
pub(super) type Unfinished = LocalBoxFuture<'static, Option<UnixMillis>>;

impl<H: Host> Instance<H> {
    /// Handles one alarm. What goes wrong is logged, and the next one is set while anything is
    /// left to do.
    ///
    /// # Errors
    /// When that one could not be set; the runtime then rings this one again.
    pub async fn alarm(self: &Rc<Self>) -> Result<(), StorageError> {
        if self.alarm.get() != AlarmState::Idle {
            self.alarm.set(AlarmState::RunningAndAskedAgain);
            return Ok(());
        }
        self.alarm.set(AlarmState::Running);
        let mut again = self.turn().await;
        if self.alarm.replace(AlarmState::Idle) == AlarmState::RunningAndAskedAgain {
            again = Some(self.host.now());
        }
        match again {
            Some(time) => self.host.wake_at(time).await,
            None => Ok(()),
        }
    }

    /// Goes on with the work that the alarm before this one left in the middle, or begins anew; when
    /// the next alarm is due, if any is.
    async fn turn(self: &Rc<Self>) -> Option<UnixMillis> {
        let unfinished = self.unfinished.take();
        let mut work = unfinished.unwrap_or_else(|| {
            let this = Rc::clone(self);
            Box::pin(async move { this.background_work().await })
        });
        let client = self.engine.client();
        match client.turn(BACKGROUND_REQUESTS, work.as_mut()).await {
            Some(again) => again,
            None => {
                self.unfinished.replace(Some(work));
                Some(self.host.now())
            }
        }
    }

    /// What there is to do, as far as it goes; when to do the rest.
    async fn background_work(self: &Rc<Self>) -> Option<UnixMillis> {
        let client = self.engine.client();
        let stop_at = client.requests_sent() + u64::from(BACKGROUND_REQUESTS);
        let mut due = Vec::new();
        if self.pay_owed().await {
            due.push(self.host.now() + AGAIN_MS);
        }
        let failed = self.failed_openings.get();
        let mut is_in_vain = false;
        // After an eviction nothing is open, and the alarm is all that is left of the work to do.
        for name in self.engine.databases_behind().await {
            if let Err(error) = self.engine.open(&name).await {
                let line = format!("database {name}: not opened by the alarm: {error}");
                self.host.log(Level::Warn, &line);
                match error.kind {
                    // Dropped, or deleted by hand: there is nothing left to show.
                    ErrorKind::NotFound => self.engine.forget_removed(&name).await,
                    ErrorKind::Unavailable => {
                        is_in_vain = true;
                        due.push(self.host.now() + (AGAIN_MS << failed.min(DOUBLINGS)));
                    }
                    _ => due.push(self.host.now() + AFTER_TROUBLE_MS),
                }
            }
        }
        self.failed_openings.set(match is_in_vain {
            true => failed.saturating_add(1),
            false => 0,
        });
        let mut databases = self.engine.open_databases();
        if databases.len() > 1 {
            // None is always the last.
            let first = self.host.next_u64() % databases.len() as u64;
            databases.rotate_left(usize::try_from(first).unwrap_or_default());
        }
        for (number, database) in databases.iter().enumerate() {
            // What one leaves of its share is for those after it.
            let sent = client.requests_sent();
            let sharing = (databases.len() - number) as u64;
            let share = stop_at.saturating_sub(sent) / sharing;
            let stop_at = stop_at.min(sent + share.max(SMALLEST_SHARE));
            let for_rows = stop_at.saturating_sub(database.checkpoint_share());
            let mut progress = vec![database.materialize(for_rows).await];
            let before = database.head();
            progress.push(database.checkpoint_if_due(stop_at).await);
            if database.head() != before {
                // A checkpoint is a commit, which has nothing to be shown: that is noted.
                progress.push(database.materialize(stop_at).await);
            }
            progress.push(database.erase(stop_at).await);
            for progress in progress {
                if let Progress::More(time) = progress {
                    due.push(time);
                }
            }
        }
        self.tell_watchers().await;
        due.into_iter().min()
    }
}
