//! `/dbc_distinct`

use twilight_interactions::command::{CommandModel, CreateCommand};
use twilight_model::channel::Attachment;

use super::{Context, SlashCommand, input, manage_server, results};
use crate::error::Result;
use crate::host::Host;
use crate::interactions::Reply;
use crate::limits::DISTINCT_VALUES;
use crate::text::inline;

/// List the different values of a field
#[derive(CommandModel, CreateCommand)]
#[command(
    name = "dbc_distinct",
    default_permissions = "manage_server",
    contexts = "guild",
    integration_types = "guild_install"
)]
pub(super) struct ListDistinct {
    /// Database
    #[command(autocomplete = true, max_length = 32)]
    database: String,
    /// Table
    #[command(autocomplete = true, max_length = 32)]
    table: String,
    /// The field, like role or address.zip; elements of lists count by themselves
    #[command(max_length = 512)]
    field: String,
    /// What must hold, as JSON; without it, all rows count
    #[command(max_length = 6000)]
    where_json: Option<String>,
    /// Instead of where_json: a file with the filter
    where_file: Option<Attachment>,
    /// Where the rows come from (default: memory, which is exact, wherever the table fits)
    via: Option<input::ViaOption>,
}

impl SlashCommand for ListDistinct {
    const HELP: &'static str = "Each value once, in order. Rows without the field have none. Filters are those of `/dbc_find`.";
    const EXAMPLE: &'static str = "/dbc_distinct database:prod table:users field:role";
    const WRITES: bool = false;

    async fn run<H: Host>(self, context: Context<H>) -> Result<Reply> {
        let database = context.for_reading(&self.database).await?;
        let filter = input::filter(&context, self.where_json, self.where_file).await?;
        let via = self.via.map(Into::into);
        let asked = database.distinct(&self.table, &self.field, &filter, via, DISTINCT_VALUES);
        let (distinct, cost) = asked.await?;
        let count = distinct.values.len();
        let head = format!(
            "{count} {} of `{}` in `{}.{}` · {}",
            if count == 1 {
                "value"
            } else {
                "different values"
            },
            inline(&self.field),
            self.database,
            self.table,
            results::cost(&cost)
        );
        let more = if cost.is_partial() {
            "Not all rows were read.".to_owned()
        } else if distinct.is_whole {
            String::new()
        } else {
            format!("There are more than {DISTINCT_VALUES}; these are some of them.")
        };
        let values: Vec<&str> = distinct.values.iter().map(String::as_str).collect();
        Ok(results::reply(&head, &values, &more, "values.json"))
    }
}
