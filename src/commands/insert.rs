//! `/dbc_insert`

use twilight_interactions::command::{CommandModel, CreateCommand};

use super::{Context, SlashCommand, manage_server};
use crate::error::Result;
use crate::host::Host;
use crate::interactions::Reply;
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
    #[command(autocomplete = true, max_length = 32)]
    database: String,
    /// Table
    #[command(autocomplete = true, max_length = 32)]
    table: String,
    /// The row's key: the value of the table's primary-key field
    #[command(max_length = 100)]
    key: String,
    /// The row as a JSON object, for example {"id":"u_1","email":"a@example.com"}
    #[command(max_length = 6000)]
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
            "Stored `{}` in `{}.{}` as revision {} (commit #{}).",
            inline(&self.key),
            self.database,
            self.table,
            committed.value,
            committed.at.seq()
        )))
    }
}
