//! `/dbc_get`

use twilight_interactions::command::{CommandModel, CreateCommand};

use super::{Context, SlashCommand, manage_server};
use crate::engine::document;
use crate::engine::row::Found;
use crate::error::Result;
use crate::host::Host;
use crate::interactions::Reply;
use crate::limits::MESSAGE_CONTENT;
use crate::text::{escape_json, inline, utf16_len};

/// Read a row by its key
#[derive(CommandModel, CreateCommand)]
#[command(
    name = "dbc_get",
    default_permissions = "manage_server",
    contexts = "guild",
    integration_types = "guild_install"
)]
pub(super) struct Get {
    /// Database
    #[command(autocomplete = true, max_length = 32)]
    database: String,
    /// Table
    #[command(autocomplete = true, max_length = 32)]
    table: String,
    /// The row's key
    #[command(autocomplete = true, max_length = 100)]
    key: String,
}

impl SlashCommand for Get {
    const HELP: &'static str = "Exact: shows what the last acknowledged write made of the row, whether or not its message is up to date yet.";
    const EXAMPLE: &'static str = "/dbc_get database:prod table:users key:u_1";
    const WRITES: bool = false;

    async fn run<H: Host>(self, context: Context<H>) -> Result<Reply> {
        let database = context.for_reading(&self.database).await?;
        let found = database.get(&self.table, &self.key).await?;
        Ok(describe(&self, &found))
    }
}

fn describe(get: &Get, found: &Found) -> Reply {
    let mut head = format!(
        "`{}` in `{}.{}` · rev {} · commit #{}",
        inline(&get.key),
        get.database,
        get.table,
        found.rev,
        found.at.seq()
    );
    if let Some(link) = &found.link {
        head.push_str(&format!(" · [message](<{link}>)"));
    }
    // A code unit is at most three bytes: what is far too long is not laid out at all.
    if found.doc.len() <= 3 * MESSAGE_CONTENT {
        for shown in [document::pretty(&found.doc), escape_json(&found.doc)] {
            let content = format!("{head}\n```json\n{shown}\n```");
            if utf16_len(&content) <= MESSAGE_CONTENT {
                return Reply::new(content);
            }
        }
    }
    Reply {
        content: format!("{head}\nThe document does not fit a message; it is in the file."),
        file: Some((format!("{}.json", get.key), document::for_file(&found.doc))),
        watch: None,
    }
}
