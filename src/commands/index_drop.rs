//! `/dbc_index_drop`

use twilight_interactions::command::{CommandModel, CreateCommand};

use super::{Context, SlashCommand, Typing, manage_server, suggest};
use crate::error::Result;
use crate::host::Host;
use crate::interactions::{Choice, Reply};
use crate::text::inline;

/// Drop an index of a table; its rows stay
#[derive(CommandModel, CreateCommand)]
#[command(
    name = "dbc_index_drop",
    default_permissions = "manage_server",
    contexts = "guild",
    integration_types = "guild_install"
)]
pub(super) struct IndexDrop {
    /// Database
    #[command(autocomplete = true, max_length = 32)]
    database: String,
    /// Table
    #[command(autocomplete = true, max_length = 32)]
    table: String,
    /// The index's fields, as it was created with
    #[command(autocomplete = true, max_length = 1000)]
    field: String,
}

impl SlashCommand for IndexDrop {
    const HELP: &'static str = "Its channel is deleted shortly after. Values need not be unique any more from this commit on. \
        It can be created again at any time, since it derives from the rows.";
    const EXAMPLE: &'static str = "/dbc_index_drop database:prod table:users field:email";
    const WRITES: bool = true;

    async fn run<H: Host>(self, context: Context<H>) -> Result<Reply> {
        let database = context.engine.database(&self.database).await?;
        let dropped = database
            .drop_index(&context.origin, &self.table, &self.field)
            .await?;
        let shown = if database.is_mirrored(&self.table) {
            " Its channel is being removed."
        } else {
            ""
        };
        Ok(Reply::new(format!(
            "Index over `{}` of `{}.{}` is dropped (commit #{}).{shown}",
            inline(&self.field),
            self.database,
            self.table,
            dropped.at.seq(),
        )))
    }

    async fn complete<H: Host>(context: Context<H>, typing: Typing) -> Vec<Choice> {
        suggest::names_and_indexes(context, typing).await
    }
}
