//! Dropping a database: one commit ends it, and the background removes what is left of it.

use super::commit::Committed;
use super::database::Database;
use super::log::{Op, Origin};
use super::state::{Batch, being_removed};
use crate::error::Result;
use crate::host::Host;

impl<H: Host> Database<H> {
    /// Drops the database: from this commit on, nobody reads or writes it any more.
    ///
    /// # Errors
    /// When it was dropped already, or the commit failed.
    pub async fn drop_database(&self, origin: &Origin) -> Result<Committed<()>> {
        let build = move |batch: &mut Batch<'_>| {
            let database = batch.database().to_owned();
            batch.push(Op::DropDatabase { database })
        };
        self.write(origin, &[], build).await
    }

    /// Refuses what comes after that.
    pub(super) fn check_not_dropped(&self) -> Result<()> {
        let opened = self.opened()?;
        if !opened.state.is_dropped {
            return Ok(());
        }
        let mut error = being_removed(&self.name);
        // A database that is dropped cannot be inspected.
        if let Some(why) = &opened.removal.waits_for {
            error.message.push_str(&format!(" Waiting: {why}"));
        }
        Err(error)
    }
}
