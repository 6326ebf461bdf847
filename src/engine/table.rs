//! Tables.

use super::database::Database;
use super::layout::{self, Room};
use super::log::{CommitId, Op, Origin};
use super::state::Batch;
use super::{names, not_written};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;

impl<H: Host> Database<H> {
    /// Creates a table whose rows are keyed by the top-level field `pk`. Its channel follows in
    /// the background.
    ///
    /// # Errors
    /// Bad names, a table of that name, or a server without room for its channel.
    pub async fn create_table(&self, origin: &Origin, table: &str, pk: &str) -> Result<CommitId> {
        names::check_name("table", table)?;
        names::check_field("pk", pk)?;
        // Told now rather than found out by the background later.
        let channels = self.shared.channels().await;
        let channels = channels.map_err(|error| {
            let doing = format!("Looking for room for table `{table}`");
            not_written(&doing, &error)
        })?;
        let home = self.opened()?.category;
        if layout::room(&channels, &self.name, home) == Room::GuildFull {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "table `{table}` would need a channel, and this server has {} of {} already.",
                    channels.len(),
                    crate::limits::GUILD_CHANNELS
                ),
            )
            .option("table")
            .hint("Delete channels that are not needed."));
        }
        let (name, pk) = (table.to_owned(), pk.to_owned());
        let build = move |batch: &mut Batch<'_>| {
            if let Some(existing) = batch.find_table(&name) {
                return Err(Error::new(
                    ErrorKind::Conflict,
                    format!(
                        "database `{}` has a table `{name}` already, keyed by `{}`, with {} rows.",
                        batch.database(),
                        existing.pk,
                        existing.sum.rows
                    ),
                )
                .option("table"));
            }
            batch.push(Op::CreateTable {
                table: name.clone(),
                id: batch.next_table_id(),
                pk: pk.clone(),
                mirror: true,
            })
        };
        Ok(self.write(origin, &[], build).await?.at)
    }
}
