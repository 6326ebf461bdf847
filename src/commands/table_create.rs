//! `/dbc_table_create`

use twilight_interactions::command::{CommandModel, CreateCommand};

use super::{Context, SlashCommand, manage_server};
use crate::error::Result;
use crate::host::Host;
use crate::interactions::Reply;

/// Create a table
#[derive(CommandModel, CreateCommand)]
#[command(
    name = "dbc_table_create",
    default_permissions = "manage_server",
    contexts = "guild",
    integration_types = "guild_install"
)]
pub(super) struct TableCreate {
    /// Database that gets the table
    #[command(autocomplete = true, max_length = 32)]
    database: String,
    /// Name of the table: a-z, 0-9 and _, a letter first
    #[command(max_length = 32)]
    table: String,
    /// Field that holds each row's key
    #[command(max_length = 60)]
    pk: String,
}

impl SlashCommand for TableCreate {
    const HELP: &'static str = "A row is a JSON document; its primary key is the top-level field named by `pk`. \
        The table's channel `#table-<table>` appears shortly after.";
    const EXAMPLE: &'static str = "/dbc_table_create database:prod table:users pk:id";
    const WRITES: bool = true;

    async fn run<H: Host>(self, context: Context<H>) -> Result<Reply> {
        let database = context.engine.database(&self.database).await?;
        let committed = database
            .create_table(&context.origin, &self.table, &self.pk)
            .await?;
        Ok(Reply::new(format!(
            "Table `{table}` is created in database `{name}`, keyed by `{pk}` (commit #{seq}). Its channel `#table-{table}` appears shortly.\n\
             Next: `/dbc_insert database:{name} table:{table} key:… value_json:{{…}}`",
            table = self.table,
            name = self.database,
            pk = self.pk,
            seq = committed.seq(),
        )))
    }
}
