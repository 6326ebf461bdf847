//! `/dbc_delete_many`

use twilight_interactions::command::{CommandModel, CreateCommand};
use twilight_model::channel::Attachment;

use super::input::{self, WHERE};
use super::{Context, SlashCommand, besides, manage_server, preview, results};
use crate::engine::many::Many;
use crate::engine::query::Filter;
use crate::engine::row::Action;
use crate::error::Result;
use crate::host::Host;
use crate::interactions::Reply;

/// Delete all rows of a table that match, in one commit
#[derive(CommandModel, CreateCommand)]
#[command(
    name = "dbc_delete_many",
    default_permissions = "manage_server",
    contexts = "guild",
    integration_types = "guild_install"
)]
pub(super) struct DeleteMany {
    /// Database
    #[command(autocomplete = true, max_length = 32)]
    database: String,
    /// Table
    #[command(autocomplete = true, max_length = 32)]
    table: String,
    /// Which rows, as JSON, as for /dbc_find; {} for all of them
    #[command(max_length = 6000)]
    where_json: Option<String>,
    /// Instead of where_json: a file with the filter
    where_file: Option<Attachment>,
    /// Only try it, and tell which rows it would delete
    dry_run: Option<bool>,
    /// Only if so many rows match
    #[command(min_value = 0)]
    expect: Option<i64>,
}

impl SlashCommand for DeleteMany {
    const HELP: &'static str = "All rows that match at the moment of the commit are deleted, or none: at most 5,000. \
        `dry_run:true` tries it, changes nothing, and tells how many it would be; `expect` refuses any other number. \
        `/dbc_restore_row` brings single rows back.";
    const EXAMPLE: &'static str =
        "/dbc_delete_many database:prod table:users where_json:{\"role\":\"guest\"} expect:3";
    const WRITES: bool = true;

    async fn run<H: Host>(self, context: Context<H>) -> Result<Reply> {
        let database = context.engine.database(&self.database).await?;
        let filter = input::read(&context, WHERE, self.where_json, self.where_file).await?;
        let many = Many {
            table: self.table.clone(),
            filter: Filter::parse(filter.option, &filter.text)?,
            option: filter.option,
            action: Action::Delete { hard: false },
            expect: preview::expected(self.expect),
        };
        if self.dry_run.unwrap_or(false) {
            return preview::of(&database, &many, "deleted").await;
        }
        let committed = database.change_many(&context.origin, many).await?;
        let count = committed.value.keys.len();
        if count == 0 {
            return Ok(preview::nothing(&self.database, &self.table));
        }
        Ok(Reply::new(format!(
            "Deleted {} from `{}.{}` (commit #{}).{}",
            results::rows_of(count),
            self.database,
            self.table,
            committed.at.seq(),
            besides(&committed.value.changed)
        )))
    }
}
