//! Tables.

use super::database::Database;
use super::layout::{self, Room};
use super::log::{CommitId, Op, Origin};
use super::state::{State, Table};
use super::{names, not_written, quoted};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::text::{inline, nearest};

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
        self.write(origin, |state| {
            if let Some(existing) = state.tables.get(table) {
                return Err(Error::new(
                    ErrorKind::Conflict,
                    format!(
                        "database `{}` has a table `{table}` already, keyed by `{}`, with {} rows.",
                        self.name, existing.pk, existing.sum.rows
                    ),
                )
                .option("table"));
            }
            Ok(vec![Op::CreateTable {
                table: table.to_owned(),
                id: state.last_table_id.saturating_add(1),
                pk: pk.to_owned(),
            }])
        })
        .await
    }
}

impl State {
    /// The table of this name.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] with the nearest names.
    pub fn table(&self, database: &str, name: &str) -> Result<&Table> {
        self.tables.get(name).ok_or_else(|| {
            let known: Vec<String> = self.tables.keys().cloned().collect();
            let near = nearest(name, known.iter().map(String::as_str));
            let error = Error::new(
                ErrorKind::NotFound,
                format!(
                    "there is no table `{}` in database `{database}`.",
                    inline(name)
                ),
            )
            .option("table");
            error.hint(if !near.is_empty() {
                format!("Did you mean {}?", quoted(&near))
            } else if known.is_empty() {
                format!(
                    "It has no tables yet: `/dbc_table_create database:{database} table:… pk:id`."
                )
            } else {
                format!("There are: {}.", quoted(&known))
            })
        })
    }
}
