//! `/dbc_count`

use twilight_interactions::command::{CommandModel, CreateCommand};
use twilight_model::channel::Attachment;

use super::{Context, SlashCommand, input, manage_server, results};
use crate::error::Result;
use crate::host::Host;
use crate::interactions::Reply;

/// Count the rows of a table that match
#[derive(CommandModel, CreateCommand)]
#[command(
    name = "dbc_count",
    default_permissions = "manage_server",
    contexts = "guild",
    integration_types = "guild_install"
)]
pub(super) struct Count {
    /// Database
    #[command(autocomplete = true, max_length = 32)]
    database: String,
    /// Table
    #[command(autocomplete = true, max_length = 32)]
    table: String,
    /// What must hold, as JSON; without it, all rows count
    #[command(max_length = 6000)]
    where_json: Option<String>,
    /// Instead of where_json: a file with the filter
    where_file: Option<Attachment>,
    /// Where the rows come from (default: memory, which is exact, wherever the table fits)
    via: Option<input::ViaOption>,
}

impl SlashCommand for Count {
    const HELP: &'static str = "Filters are those of `/dbc_find`. Exact: what was acknowledged is counted at once, unless `via` asks for the rows' messages.";
    const EXAMPLE: &'static str =
        "/dbc_count database:prod table:users where_json:{\"role\":\"teacher\"}";
    const WRITES: bool = false;

    async fn run<H: Host>(self, context: Context<H>) -> Result<Reply> {
        let database = context.for_reading(&self.database).await?;
        let filter = input::filter(&context, self.where_json, self.where_file).await?;
        let via = self.via.map(Into::into);
        let (matched, cost) = database.count(&self.table, &filter, via).await?;
        let least = if cost.is_partial() { "at least " } else { "" };
        Ok(Reply::new(format!(
            "{least}{} in `{}.{}` · {}",
            results::rows_of(matched),
            self.database,
            self.table,
            results::cost(&cost)
        )))
    }
}
