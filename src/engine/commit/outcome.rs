//! What became of a write whose commit nobody answered for, told so that it stays true.

use std::time::Duration;

use crate::discord::model::created_ms;
use crate::engine::database::{Database, Opened};
use crate::engine::log::read::{LogReader, ReadError};
use crate::engine::log::replay::{self, End};
use crate::engine::log::{CommitId, Origin};
use crate::error::{Error, ErrorKind, Result, Written};
use crate::host::{Host, UnixMillis};
use crate::limits::{DISORDER_MS, STALE_PAUSE_MS, STALE_READS};

impl<H: Host> Database<H> {
    /// Settles a commit whose fate is unknown by reading the log under a new epoch. If the record
    /// is not there, an empty one is posted first: with that stored, the lost one is void even if
    /// it surfaces later, and only then may anyone be told that nothing was written.
    pub(super) async fn find_out(&self, origin: &Origin, error: Error) -> Result<CommitId> {
        let unknown = |error: &Error, why: &Error| {
            let message = format!(
                "{} Reading the log to find out failed as well: {}",
                error.message, why.message
            );
            Error::new(ErrorKind::Unavailable, message)
                .written(Written::Unknown)
                .hint("Before you try again, look whether it is there (for example with `/dbc_get` or `/dbc_inspect`).")
        };
        // `append` closed the database: this claims anew, and reads.
        if let Err(why) = self.open_locked_for_user().await {
            return Err(unknown(&error, &why));
        }
        if let Some(id) = self.outcome(&origin.interaction) {
            return Ok(id);
        }
        // Opening it has settled the log without the record, unless there was nothing to build on.
        if self.head().is_none()
            && let Err(why) = self.settle_head().await
        {
            return Err(unknown(&error, &why));
        }
        Err(error.written(Written::No))
    }

    /// What became of an interaction's write, told so that it stays true: if the log does not have
    /// it, the log is settled first.
    ///
    /// # Errors
    /// When that cannot be found out now.
    pub async fn final_outcome(&self, interaction: &str) -> Result<Option<CommitId>> {
        let _writer = self.writer.lock().await;
        self.open_locked_for_user().await?;
        self.know_outcomes_of(interaction).await?;
        if let Some(id) = self.outcome(interaction) {
            return Ok(Some(id));
        }
        self.settle_head().await?;
        Ok(None)
    }

    /// Makes sure that the outcome of an interaction is known, if it has one. A cold open reads the
    /// log back to the newest checkpoint only, and a command may be older than that.
    pub(super) async fn know_outcomes_of(&self, interaction: &str) -> Result<()> {
        let Ok(id) = interaction.parse() else {
            return Ok(());
        };
        let since = created_ms(id).saturating_sub(DISORDER_MS);
        let (known, log) = {
            let opened = self.opened()?;
            (opened.outcomes_since, opened.log)
        };
        if since >= known {
            return Ok(());
        }
        let failed = |error: ReadError| self.unreadable(&error);
        let mut stale_reads = 0;
        loop {
            let mut reader = LogReader::of_records(log);
            while !reader.reaches(since) {
                reader.older(&self.shared).await.map_err(failed)?;
            }
            reader.fetch(&self.shared, 0).await.map_err(failed)?;
            if self.with_opened(|opened| learn_outcomes(opened, &reader, since, self.now()))? {
                return Ok(());
            }
            // A page that misses commits says nothing of who asked for them.
            if stale_reads == STALE_READS {
                return Err(self.out_of_date());
            }
            stale_reads += 1;
            let pause = STALE_PAUSE_MS * u64::from(stale_reads);
            self.shared.host.sleep(Duration::from_millis(pause)).await;
        }
    }

    fn now(&self) -> UnixMillis {
        self.shared.host.now()
    }

    fn out_of_date(&self) -> Error {
        Error::new(
            ErrorKind::Unavailable,
            format!(
                "Database `{}`: Discord's answer does not show commits that are known to be in the log.",
                self.name
            ),
        )
        .hint("Try again in a minute.")
    }

    fn outcome(&self, interaction: &str) -> Option<CommitId> {
        let opened = self.opened.borrow();
        opened.as_ref()?.state.outcomes.get(interaction).copied()
    }
}

/// Takes in who asked for commits; whether what was read has every commit since then.
fn learn_outcomes(
    opened: &mut Opened,
    reader: &LogReader,
    since: UnixMillis,
    now: UnixMillis,
) -> bool {
    // What is not in the chain was never committed.
    let chain = replay::walk(&reader.records, opened.state.head, None);
    let entries = chain
        .links
        .iter()
        .filter_map(|link| reader.records.get(link));
    let oldest = chain.links.last().and_then(|link| reader.records.get(link));
    let oldest = oldest.map(|entry| created_ms(entry.message));
    let covered = opened.covered_head();
    let is_whole = match chain.end {
        End::Beginning => true,
        End::Missing { .. } if oldest.is_some_and(|oldest| oldest <= since) => true,
        // What a checkpoint covers may be deleted, when nobody can ask for it any more.
        End::Missing { wanted, .. } => reader.is_complete() && Some(wanted) <= covered,
        End::Covered => false,
    };
    if is_whole {
        for entry in entries {
            opened.state.remember_outcomes(&entry.record, now);
        }
        opened.outcomes_since = reader.reached();
    }
    is_whole
}

pub(super) fn already_done(at: CommitId) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!(
            "This very command was carried out already, as commit #{}; it is not run twice.",
            at.seq()
        ),
    )
    .written(Written::Yes)
}
