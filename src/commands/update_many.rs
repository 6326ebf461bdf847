//! `/dbc_update_many`

use twilight_interactions::command::{CommandModel, CreateCommand};
use twilight_model::channel::Attachment;

use super::input::{self, Options, WHERE};
use super::{Context, SlashCommand, besides, manage_server, preview, results};
use crate::engine::document;
use crate::engine::many::Many;
use crate::engine::query::Filter;
use crate::engine::row::{Action, Patch};
use crate::error::Result;
use crate::host::Host;
use crate::interactions::Reply;

/// Change all rows of a table that match, in one commit
#[derive(CommandModel, CreateCommand)]
#[command(
    name = "dbc_update_many",
    default_permissions = "manage_server",
    contexts = "guild",
    integration_types = "guild_install"
)]
pub(super) struct UpdateMany {
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
    /// What changes in each: a JSON Merge Patch, or operators like {"$inc":{"n":1}}
    #[command(max_length = 6000)]
    patch_json: Option<String>,
    /// Instead of patch_json: a file with the patch
    patch_file: Option<Attachment>,
    /// Only try it, and tell which rows it would change
    dry_run: Option<bool>,
    /// Only if so many rows match
    #[command(min_value = 0)]
    expect: Option<i64>,
}

impl SlashCommand for UpdateMany {
    const HELP: &'static str = "All rows that match at the moment of the commit are changed, or none: at most 5,000. \
        `dry_run:true` tries it, changes nothing, and tells how many it would be; `expect` refuses any other number, so that \
        nothing is changed that the preview did not count. Patches are those of `/dbc_update`.";
    const EXAMPLE: &'static str = "/dbc_update_many database:prod table:users where_json:{\"role\":\"student\"} patch_json:{\"$inc\":{\"year\":1}} dry_run:true";
    const WRITES: bool = true;

    async fn run<H: Host>(self, context: Context<H>) -> Result<Reply> {
        let database = context.engine.database(&self.database).await?;
        let filter = input::read(&context, WHERE, self.where_json, self.where_file).await?;
        let where_option = filter.option;
        let options = Options {
            json: "patch_json",
            file: "patch_file",
        };
        let patch = input::read(&context, options, self.patch_json, self.patch_file).await?;
        let option = patch.option;
        let patch = document::parse_patch(option, &patch.text)?;
        let many = Many {
            table: self.table.clone(),
            filter: Filter::parse(where_option, &filter.text)?,
            option: where_option,
            action: Action::Update {
                patch: Patch::parse(option, patch)?,
                option,
            },
            expect: preview::expected(self.expect),
        };
        if self.dry_run.unwrap_or(false) {
            return preview::of(&database, &many, "changed").await;
        }
        let committed = database.change_many(&context.origin, many).await?;
        let (count, changed) = (committed.value.keys.len(), committed.value.changed);
        if count == 0 {
            return Ok(preview::nothing(&self.database, &self.table));
        }
        let rows = results::rows_of(count);
        let of = format!("{rows} of `{}.{}`", self.database, self.table);
        let done = match changed.unchanged {
            0 => format!("Updated {of} (commit #{}).", committed.at.seq()),
            all if all == count => {
                format!("{of} match and are like that already; nothing was written.")
            }
            some => format!(
                "Updated {of} (commit #{}); {some} of them were like that already.",
                committed.at.seq()
            ),
        };
        Ok(Reply::new(format!("{done}{}", besides(&changed))))
    }
}
