//! `/dbc_transact`

use twilight_interactions::command::{CommandModel, CreateCommand};
use twilight_model::channel::Attachment;

use super::input::{self, Options};
use super::{Context, SlashCommand, besides, manage_server, results};
use crate::engine::transact::Transaction;
use crate::error::Result;
use crate::host::Host;
use crate::interactions::Reply;

/// Change several rows at once: all of it, or nothing
#[derive(CommandModel, CreateCommand)]
#[command(
    name = "dbc_transact",
    default_permissions = "manage_server",
    contexts = "guild",
    integration_types = "guild_install"
)]
pub(super) struct Transact {
    /// Database
    #[command(autocomplete = true, max_length = 32)]
    database: String,
    /// A JSON list of operations, for example [{"op":"delete","table":"users","key":"u_1"}]
    #[command(max_length = 6000)]
    ops_json: Option<String>,
    /// Instead of ops_json: a file with the JSON list
    ops_file: Option<Attachment>,
}

impl SlashCommand for Transact {
    const HELP: &'static str = "At most 5,000 operations and 200,000 values in all, each `{\"op\":…,\"table\":…,\"key\":…}` with `value` for `insert`, `upsert` and `replace`, `patch` for `update`, \
        nothing more for `delete`; `if_rev` may go with `replace`, `update` and `delete`. Each sees what the ones before it did. One that is refused refuses all.";
    const EXAMPLE: &'static str = "/dbc_transact database:prod ops_json:[{\"op\":\"update\",\"table\":\"users\",\"key\":\"u_1\",\"patch\":{\"role\":\"teacher\"}},{\"op\":\"delete\",\"table\":\"users\",\"key\":\"u_2\"}]";
    const WRITES: bool = true;

    async fn run<H: Host>(self, context: Context<H>) -> Result<Reply> {
        let database = context.engine.database(&self.database).await?;
        let options = Options {
            json: "ops_json",
            file: "ops_file",
        };
        let input = input::read(&context, options, self.ops_json, self.ops_file).await?;
        let transaction = Transaction::parse(input.option, &input.text)?;
        let count = transaction.operations();
        let operations = results::number_of(count as u64, "operation");
        let committed = database.transact(&context.origin, transaction).await?;
        let besides = besides(&committed.value);
        let unchanged = committed.value.unchanged;
        if unchanged == count {
            return Ok(Reply::new(format!(
                "Nothing to commit: {operations} leave all rows of database `{}` as they are; nothing was written.{besides}",
                self.database
            )));
        }
        let some = match unchanged {
            0 => String::new(),
            some => format!(" {some} of them changed nothing."),
        };
        Ok(Reply::new(format!(
            "Committed {operations} (commit #{}).{some}{besides}",
            committed.at.seq(),
        )))
    }
}
