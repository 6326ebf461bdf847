//! `/dbc_table_create`

use twilight_interactions::command::{CommandModel, CreateCommand};

use super::{Context, SlashCommand, manage_server};
use crate::discord::permissions::{MANAGE_CHANNELS, covers};
use crate::engine::table::TableOptions;
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
    /// Show its rows as messages in a channel of their own (default: true)
    mirror: Option<bool>,
}

impl SlashCommand for TableCreate {
    const HELP: &'static str = "A row is a JSON document; its primary key is the top-level field named by `pk`. \
        The table's channel `#table-<table>` appears shortly after, and about one row a second gets its message there. \
        With `mirror:false` there is no channel: rows are kept in the log and in checkpoints only.";
    const EXAMPLE: &'static str = "/dbc_table_create database:prod table:users pk:id";
    const WRITES: bool = true;

    async fn run<H: Host>(self, context: Context<H>) -> Result<Reply> {
        let database = context.engine.database(&self.database).await?;
        let mirror = self.mirror.unwrap_or(true);
        let options = TableOptions {
            pk: self.pk.clone(),
            mirror,
        };
        let committed = database
            .create_table(&context.origin, &self.table, options)
            .await?;
        let granted = context.app_permissions;
        let may_make = granted.is_none_or(|granted| covers(granted, MANAGE_CHANNELS));
        let shown = if mirror && !may_make {
            format!(
                "Its channel `#table-{}` cannot be made: the bot lacks Manage Channels. It appears once the bot's role has that.",
                self.table
            )
        } else if mirror {
            format!("Its channel `#table-{}` appears shortly.", self.table)
        } else {
            "It has no channel: its rows are kept in the log and in checkpoints only.".to_owned()
        };
        Ok(Reply::new(format!(
            "Table `{table}` is created in database `{name}`, keyed by `{pk}` (commit #{seq}). {shown}\n\
             Next: `/dbc_insert database:{name} table:{table} key:… value_json:{{…}}`",
            table = self.table,
            name = self.database,
            pk = self.pk,
            seq = committed.at.seq(),
        )))
    }
}
