//! `/dbc_table_drop`

use twilight_interactions::command::{CommandModel, CreateCommand};

use super::{Context, SlashCommand, confirmed, manage_server};
use crate::error::Result;
use crate::host::Host;
use crate::interactions::Reply;

/// Drop a table with all of its rows
#[derive(CommandModel, CreateCommand)]
#[command(
    name = "dbc_table_drop",
    default_permissions = "manage_server",
    contexts = "guild",
    integration_types = "guild_install"
)]
pub(super) struct TableDrop {
    /// Database
    #[command(autocomplete = true, max_length = 32)]
    database: String,
    /// Table
    #[command(autocomplete = true, max_length = 32)]
    table: String,
    /// The table's name once more, so that nothing is dropped by accident
    #[command(max_length = 32)]
    confirm: String,
}

impl SlashCommand for TableDrop {
    const HELP: &'static str = "Its channel, if it has one, is deleted shortly after, with the rows' messages and their history. It cannot be undone. \
        A new table may have the same name; it begins empty.";
    const EXAMPLE: &'static str = "/dbc_table_drop database:prod table:users confirm:users";
    const WRITES: bool = true;

    async fn run<H: Host>(self, context: Context<H>) -> Result<Reply> {
        let database = context.engine.database(&self.database).await?;
        database.check_table(&self.table).await?;
        confirmed(&self.confirm, "table", &self.table)?;
        let follows = if database.is_mirrored(&self.table) {
            " Its channel is being removed."
        } else {
            ""
        };
        let left = database.left_channels(Some(&self.table)).await;
        let committed = database.drop_table(&context.origin, &self.table).await?;
        let rows = match committed.value {
            1 => "1 row".to_owned(),
            rows => format!("{rows} rows"),
        };
        let left: Vec<String> = left
            .iter()
            .map(|left| format!("<#{}>", left.channel))
            .collect();
        let left = match left.is_empty() {
            true => String::new(),
            false => format!(
                " Rows may still be shown in {}, which dbcord's mark was taken from: it is left alone.",
                left.join(", ")
            ),
        };
        Ok(Reply::new(format!(
            "Table `{}` of database `{}` is dropped, with {rows} (commit #{}).{follows}{left}",
            self.table,
            self.database,
            committed.at.seq()
        )))
    }
}
