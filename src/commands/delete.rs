//! `/dbc_delete`

use twilight_interactions::command::{CommandModel, CreateCommand};

use super::{Context, SlashCommand, Typing, besides, manage_server, revision, suggest};
use crate::engine::row::{Action, Change};
use crate::error::Result;
use crate::host::Host;
use crate::interactions::reply::Watch;
use crate::interactions::{Choice, Reply};
use crate::text::inline;

/// Delete a row
#[derive(CommandModel, CreateCommand)]
#[command(
    name = "dbc_delete",
    default_permissions = "manage_server",
    contexts = "guild",
    integration_types = "guild_install"
)]
pub(super) struct Delete {
    /// Database
    #[command(autocomplete = true, max_length = 32)]
    database: String,
    /// Table
    #[command(autocomplete = true, max_length = 32)]
    table: String,
    /// The row's key
    #[command(autocomplete = true, max_length = 100)]
    key: String,
    /// Only if the row is still at this revision
    #[command(min_value = 1)]
    if_rev: Option<i64>,
    /// Remove every copy, history too: it cannot be brought back (default: false)
    hard: Option<bool>,
}

impl SlashCommand for Delete {
    const HELP: &'static str = "`/dbc_restore_row` can bring the row back; where the table is shown, the row's message stays, struck through. \
        With `hard:true` its copies in the log, its message and its history are removed as well, also of a row that was deleted before; that there was a row of this key, and when it was deleted, stays.";
    const EXAMPLE: &'static str = "/dbc_delete database:prod table:users key:u_1";
    const WRITES: bool = true;

    async fn run<H: Host>(self, context: Context<H>) -> Result<Reply> {
        let database = context.engine.database(&self.database).await?;
        let hard = self.hard.unwrap_or(false);
        let if_rev = self.if_rev.map(|rev| revision("if_rev", rev)).transpose()?;
        let change = Change {
            table: self.table.clone(),
            key: self.key.clone(),
            if_rev,
            action: Action::Delete { hard },
        };
        let shown = if database.is_mirrored(&self.table) {
            "its message, its history, "
        } else {
            ""
        };
        let committed = database.change_row(&context.origin, change).await?;
        let mut text = format!(
            "Deleted `{}` from `{}.{}`; the deletion is revision {} (commit #{}).",
            inline(&self.key),
            self.database,
            self.table,
            committed.value.rev,
            committed.at.seq()
        );
        text.push_str(&besides(&committed.value));
        if hard {
            text.push_str(&format!(
                "\nAll copies are being removed: {shown}its place in the log and in checkpoints. \
                 This takes minutes, and a quarter of an hour where the row is new. Its key stays in the record of its deletion. This answer says so when the last copy is gone; \
                 after a quarter of an hour, `/dbc_inspect database:{}` does.",
                self.database
            ));
        }
        Ok(Reply {
            watch: hard.then(|| {
                Box::new(Watch {
                    database: self.database.clone(),
                    epoch: committed.at.epoch(),
                    seq: committed.at.seq(),
                    // Rows that went along may be of any table.
                    table: Some(self.table.clone()).filter(|_| committed.value.deleted == 0),
                })
            }),
            ..Reply::new(text)
        })
    }

    async fn complete<H: Host>(context: Context<H>, typing: Typing) -> Vec<Choice> {
        if typing.flag("hard") {
            // Of a deleted row there are copies left.
            suggest::names_and_deleted_keys(context, typing).await
        } else {
            suggest::names(context, typing).await
        }
    }
}
