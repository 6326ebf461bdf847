//! `/dbc_table_rename`

use twilight_interactions::command::{CommandModel, CreateCommand};

use super::{Context, SlashCommand, manage_server};
use crate::error::Result;
use crate::host::Host;
use crate::interactions::Reply;

/// Give a table another name
#[derive(CommandModel, CreateCommand)]
#[command(
    name = "dbc_table_rename",
    default_permissions = "manage_server",
    contexts = "guild",
    integration_types = "guild_install"
)]
pub(super) struct TableRename {
    /// Database
    #[command(autocomplete = true, max_length = 32)]
    database: String,
    /// Table
    #[command(autocomplete = true, max_length = 32)]
    table: String,
    /// The new name: a-z, 0-9 and _, a letter first
    #[command(max_length = 32)]
    to: String,
}

impl SlashCommand for TableRename {
    const HELP: &'static str = "The new name counts at once; rows, revisions and history stay. \
        The channel's name follows when Discord lets it: it takes two such changes in ten minutes.";
    const EXAMPLE: &'static str = "/dbc_table_rename database:prod table:users to:members";
    const WRITES: bool = true;

    async fn run<H: Host>(self, context: Context<H>) -> Result<Reply> {
        let database = context.engine.database(&self.database).await?;
        let follows = if database.is_mirrored(&self.table) {
            " Its channel's name follows."
        } else {
            ""
        };
        let committed = database
            .rename_table(&context.origin, &self.table, &self.to)
            .await?;
        Ok(Reply::new(format!(
            "Table `{}` of database `{}` is now `{}` (commit #{}).{follows}",
            self.table,
            self.database,
            self.to,
            committed.at.seq()
        )))
    }
}
