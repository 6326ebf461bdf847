//! `/dbc_restore_row`

use twilight_interactions::command::{CommandModel, CreateCommand};

use super::{Context, SlashCommand, Typing, besides, manage_server, revision, suggest};
use crate::error::Result;
use crate::host::Host;
use crate::interactions::{Choice, Reply};
use crate::text::inline;

/// Bring back an earlier revision of a row
#[derive(CommandModel, CreateCommand)]
#[command(
    name = "dbc_restore_row",
    default_permissions = "manage_server",
    contexts = "guild",
    integration_types = "guild_install"
)]
pub(super) struct RestoreRow {
    /// Database
    #[command(autocomplete = true, max_length = 32)]
    database: String,
    /// Table
    #[command(autocomplete = true, max_length = 32)]
    table: String,
    /// The row's key; it may be one that was deleted
    #[command(autocomplete = true, max_length = 100)]
    key: String,
    /// The revision whose document to bring back, as /dbc_history shows it
    #[command(min_value = 1)]
    rev: i64,
}

impl SlashCommand for RestoreRow {
    const HELP: &'static str = "The document of that revision becomes a new revision, so nothing is lost by it. A row that was deleted comes back, unless it was deleted with `hard:true`.";
    const EXAMPLE: &'static str = "/dbc_restore_row database:prod table:users key:u_1 rev:2";
    const WRITES: bool = true;

    async fn run<H: Host>(self, context: Context<H>) -> Result<Reply> {
        let database = context.engine.database(&self.database).await?;
        let rev = revision("rev", self.rev)?;
        let committed = database
            .restore_row(&context.origin, &self.table, &self.key, rev)
            .await?;
        Ok(Reply::new(format!(
            "Restored `{}` in `{}.{}` to the document of revision {rev}, as revision {} (commit #{}).{}",
            inline(&self.key),
            self.database,
            self.table,
            committed.value.rev,
            committed.at.seq(),
            besides(&committed.value)
        )))
    }

    async fn complete<H: Host>(context: Context<H>, typing: Typing) -> Vec<Choice> {
        suggest::names_and_deleted_keys(context, typing).await
    }
}
