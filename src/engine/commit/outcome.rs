//! What became of a write whose commit nobody answered for, told so that it stays true.

use super::super::database::Database;
use super::super::log::read::{LogReader, ReadError};
use super::super::log::{CommitId, Origin, replay};
use crate::discord::model::created_ms;
use crate::error::{Error, ErrorKind, Result, Written};
use crate::host::Host;
use crate::limits::DISORDER_MS;

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
        let mut reader = LogReader::new(log);
        while !reader.reaches(since) {
            reader.older(&self.shared).await.map_err(failed)?;
        }
        reader.fetch(&self.shared, 0).await.map_err(failed)?;
        let now = self.shared.host.now();
        self.with_opened(|opened| {
            // What is not in the chain was never committed.
            for link in replay::walk(&reader.records, opened.state.head, None).links {
                if let Some(entry) = reader.records.get(&link) {
                    opened.state.remember_outcomes(&entry.record, now);
                }
            }
            opened.outcomes_since = reader.reached();
        })
    }

    fn outcome(&self, interaction: &str) -> Option<CommitId> {
        let opened = self.opened.borrow();
        opened.as_ref()?.state.outcomes.get(interaction).copied()
    }
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
