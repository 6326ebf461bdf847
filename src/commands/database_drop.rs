//! `/dbc_database_drop`

use twilight_interactions::command::{CommandModel, CreateCommand};

use super::{Context, SlashCommand, confirmed, manage_server};
use crate::error::Result;
use crate::host::Host;
use crate::interactions::Reply;

/// Drop a database with all of its tables
#[derive(CommandModel, CreateCommand)]
#[command(
    name = "dbc_database_drop",
    default_permissions = "manage_server",
    contexts = "guild",
    integration_types = "guild_install"
)]
pub(super) struct DatabaseDrop {
    /// Database
    #[command(autocomplete = true, max_length = 32)]
    database: String,
    /// The database's name once more, so that nothing is dropped by accident
    #[command(max_length = 32)]
    confirm: String,
}

impl SlashCommand for DatabaseDrop {
    const HELP: &'static str = "All of its channels are deleted shortly after, the log with them. It cannot be undone. \
        Channels that are not dbcord's own stay, and so does a category that has any.";
    const EXAMPLE: &'static str = "/dbc_database_drop database:test confirm:test";
    const WRITES: bool = true;

    async fn run<H: Host>(self, context: Context<H>) -> Result<Reply> {
        let database = context.engine.database(&self.database).await?;
        confirmed(&self.confirm, "database", &self.database)?;
        let committed = database.drop_database(&context.origin).await?;
        Ok(Reply::new(format!(
            "Database `{}` is dropped (commit #{}). Its channels are being removed; until they are gone, every command on it says so.",
            self.database,
            committed.at.seq()
        )))
    }
}
