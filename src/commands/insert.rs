//! `/dbc_insert`

use twilight_interactions::command::{CommandModel, CreateCommand};

use super::{Context, SlashCommand, Typing, manage_server, suggest};
use crate::error::Result;
use crate::host::Host;
use crate::interactions::{Choice, Reply};
use crate::text::inline;

/// Insert a new row
#[derive(CommandModel, CreateCommand)]
#[command(
    name = "dbc_insert",
    default_permissions = "manage_server",
    contexts = "guild",
    integration_types = "guild_install"
)]
pub(super) struct Insert {
    /// Database
    #[command(autocomplete = true)]
    database: String,
    /// Table
    #[command(autocomplete = true)]
    table: String,
    /// The row's key: the value of the table's primary-key field
    key: String,
    /// The row as a JSON object, for example {"id":"u_1","email":"a@example.com"}
    value_json: String,
}

impl SlashCommand for Insert {
    const HELP: &'static str = "Refused when the key is taken. When the reply says that the row is stored, it is: in the log, for good. \
        Its message in the table's channel follows within seconds.";
    const EXAMPLE: &'static str = "/dbc_insert database:prod table:users key:u_1 value_json:{\"id\":\"u_1\",\"email\":\"a@example.com\"}";
    const WRITES: bool = true;

    async fn run<H: Host>(self, context: Context<H>) -> Result<Reply> {
        let database = context.engine.database(&self.database).await?;
        let committed = database
            .insert(&context.origin, &self.table, &self.key, &self.value_json)
            .await?;
        Ok(Reply::new(format!(
            "Stored `{}` in `{}.{}` as revision 1 (commit #{}).",
            inline(&self.key),
            self.database,
            self.table,
            committed.id.seq()
        )))
    }

    async fn complete<H: Host>(context: Context<H>, typing: Typing) -> Vec<Choice> {
        suggest::names(context, typing).await
    }
}
