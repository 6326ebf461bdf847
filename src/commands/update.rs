//! `/dbc_update`

use twilight_interactions::command::{CommandModel, CreateCommand};
use twilight_model::channel::Attachment;

use super::input::{self, Options};
use super::{Context, SlashCommand, besides, manage_server, revision, unchanged};
use crate::engine::document;
use crate::engine::row::{Action, Change, Patch};
use crate::error::Result;
use crate::host::Host;
use crate::interactions::Reply;
use crate::text::inline;

/// Change some fields of a row
#[derive(CommandModel, CreateCommand)]
#[command(
    name = "dbc_update",
    default_permissions = "manage_server",
    contexts = "guild",
    integration_types = "guild_install"
)]
pub(super) struct Update {
    /// Database
    #[command(autocomplete = true, max_length = 32)]
    database: String,
    /// Table
    #[command(autocomplete = true, max_length = 32)]
    table: String,
    /// The row's key
    #[command(autocomplete = true, max_length = 100)]
    key: String,
    /// A JSON Merge Patch (null removes a field), or operators like {"$inc":{"n":1}}
    #[command(max_length = 6000)]
    patch_json: Option<String>,
    /// Instead of patch_json: a file with the patch
    patch_file: Option<Attachment>,
    /// Only if the row is still at this revision
    #[command(min_value = 1)]
    if_rev: Option<i64>,
}

impl SlashCommand for Update {
    const HELP: &'static str = "The patch is a JSON Merge Patch (RFC 7396): fields in it are set, `null` removes one, objects are merged, lists are replaced as a whole. \
        Or it is operators: `$set $unset $inc $mul $min $max $rename $push $pull $addToSet $pop $currentDate`, each with an object of paths, \
        as in `{\"$inc\":{\"visits.total\":1},\"$push\":{\"tags\":\"new\"}}`; they act on the row as it is at that moment, so no count is lost when several people count. \
        With `if_rev` it is refused when somebody changed the row since you read it.";
    const EXAMPLE: &'static str =
        "/dbc_update database:prod table:users key:u_1 patch_json:{\"role\":\"teacher\"} if_rev:1";
    const WRITES: bool = true;

    async fn run<H: Host>(self, context: Context<H>) -> Result<Reply> {
        let database = context.engine.database(&self.database).await?;
        let options = Options {
            json: "patch_json",
            file: "patch_file",
        };
        let input = input::read(&context, options, self.patch_json, self.patch_file).await?;
        let patch = document::parse_patch(input.option, &input.text)?;
        let if_rev = self.if_rev.map(|rev| revision("if_rev", rev)).transpose()?;
        let change = Change {
            table: self.table.clone(),
            key: self.key.clone(),
            if_rev,
            action: Action::Update {
                patch: Patch::parse(input.option, patch)?,
                option: input.option,
            },
        };
        let committed = database.change_row(&context.origin, change).await?;
        if committed.value.unchanged > 0 {
            let place = (&*self.database, &*self.table, &*self.key);
            return Ok(unchanged(place, &committed.value));
        }
        Ok(Reply::new(format!(
            "Updated `{}` in `{}.{}` to revision {} (commit #{}).{}",
            inline(&self.key),
            self.database,
            self.table,
            committed.value.rev,
            committed.at.seq(),
            besides(&committed.value)
        )))
    }
}
