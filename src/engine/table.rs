//! Tables: creating, renaming and dropping them.

use super::commit::Committed;
use super::database::Database;
use super::layout::{self, Room};
use super::log::{Op, Origin};
use super::state::{Batch, TableView};
use super::{names, not_written};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::limits::GUILD_CHANNELS;
use crate::text::quoted;

/// What a table is made with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableOptions {
    /// The top-level field that holds a row's key.
    pub pk: String,
    /// Whether its rows are shown as messages.
    pub mirror: bool,
}

impl<H: Host> Database<H> {
    /// Creates a table. Its channel, if it gets one, follows in the background.
    ///
    /// # Errors
    /// Bad names, a table of that name, or a server without room for its channel.
    pub async fn create_table(
        &self,
        origin: &Origin,
        table: &str,
        options: TableOptions,
    ) -> Result<Committed<()>> {
        names::check_name("table", table)?;
        names::check_field("pk", &options.pk)?;
        if options.mirror {
            self.check_room(&format!("table `{table}`")).await?;
        }
        let name = table.to_owned();
        let build = move |batch: &mut Batch<'_>| {
            if let Some(existing) = batch.find_table(&name) {
                return Err(name_taken("table", batch.database(), &existing));
            }
            batch.push(Op::CreateTable {
                table: name.clone(),
                id: batch.next_table_id(),
                pk: options.pk.clone(),
                mirror: options.mirror,
            })
        };
        self.write(origin, &[], build).await
    }

    /// Gives a table another name; what it is and has stays.
    ///
    /// # Errors
    /// A bad name, one that is taken, or no such table.
    pub async fn rename_table(
        &self,
        origin: &Origin,
        table: &str,
        to: &str,
    ) -> Result<Committed<()>> {
        names::check_name("to", to)?;
        let (table, to) = (table.to_owned(), to.to_owned());
        let build = move |batch: &mut Batch<'_>| {
            batch.table(&table)?;
            if let Some(existing) = batch.find_table(&to) {
                return Err(if table == to {
                    let database = batch.database();
                    Error::invalid(
                        "to",
                        format!("table `{table}` of database `{database}` has that name already."),
                    )
                    .hint("Give it another name, or leave it as it is.")
                } else {
                    name_taken("to", batch.database(), &existing)
                });
            }
            batch.push(Op::RenameTable {
                table: table.clone(),
                to: to.clone(),
            })
        };
        self.write(origin, &[], build).await
    }

    /// Drops a table with all of its rows; how many there were. Its channel goes in the background.
    ///
    /// # Errors
    /// No such table, or one that others' schemas name.
    pub async fn drop_table(&self, origin: &Origin, table: &str) -> Result<Committed<u64>> {
        let table = table.to_owned();
        let build = move |batch: &mut Batch<'_>| {
            let dropped = batch.table(&table)?;
            let rows = dropped.sum.rows;
            check_not_named(batch, &dropped)?;
            let table = table.clone();
            batch.push(Op::DropTable { table })?;
            Ok(rows)
        };
        self.write(origin, &[], build).await
    }

    /// Refuses what is not there, before anything else is said of it.
    ///
    /// # Errors
    /// No such table.
    pub async fn check_table(&self, table: &str) -> Result<()> {
        self.confirm_tenure().await?;
        self.opened()?.state.table(&self.name, table).map(|_| ())
    }

    /// Whether the table's rows are shown as messages, as far as is known now.
    pub fn is_mirrored(&self, table: &str) -> bool {
        let opened = self.opened().ok();
        let mirror = opened.and_then(|opened| Some(opened.state.tables.get(table)?.mirror));
        mirror.unwrap_or(true)
    }

    /// Told now rather than found out by the background later.
    pub(super) async fn check_room(&self, what: &str) -> Result<()> {
        let channels = self.shared.channels().await;
        let channels = channels.map_err(|error| {
            let doing = format!("Looking for room for {what}");
            not_written(&doing, &error)
        })?;
        let home = self.opened()?.category;
        if layout::room(&channels, &self.name, home) != Room::GuildFull {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::TooLarge,
            format!(
                "{what} would need a channel, and this server has {} of {} already.",
                channels.len(),
                GUILD_CHANNELS
            ),
        )
        .option("table")
        .hint("Delete channels that are not needed, or use a table with `mirror:false`: it has no channel, and neither have its indexes."))
    }
}

/// Refuses to drop a table that another's schema names: its rows would name nothing.
fn check_not_named(batch: &Batch<'_>, table: &TableView) -> Result<()> {
    let naming = batch.tables_naming(table.id).into_iter();
    let naming = naming.filter(|other| other.id != table.id);
    let names: Vec<String> = naming.map(|other| other.name).collect();
    if names.is_empty() {
        return Ok(());
    }
    let message = format!(
        "table `{}` of database `{}` stays, since the schemas of other tables refer to it: {}.",
        table.name,
        batch.database(),
        quoted(&names)
    );
    Err(Error::new(ErrorKind::Conflict, message)
        .option("table")
        .hint("Set these schemas without the reference, or take them away, by `/dbc_schema_set`."))
}

fn name_taken(option: &'static str, database: &str, existing: &TableView) -> Error {
    let TableView { name, pk, sum, .. } = existing;
    let rows = match sum.rows {
        1 => "1 row".to_owned(),
        rows => format!("{rows} rows"),
    };
    Error::new(
        ErrorKind::Conflict,
        format!(
            "database `{database}` has a table `{name}` already, keyed by `{pk}`, with {rows}."
        ),
    )
    .option(option)
    .hint("Choose another name, or give that table another one first, by `/dbc_table_rename`.")
}
