//! `/dbc_get`

use twilight_interactions::command::{CommandModel, CreateCommand};

use super::{Context, SlashCommand, Typing, manage_server, suggest};
use crate::engine::row::Found;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::interactions::{Choice, Reply};
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
    #[command(autocomplete = true)]
    database: String,
    /// Table
    #[command(autocomplete = true)]
    table: String,
    /// The row's key
    key: String,
}

impl SlashCommand for Get {
    const HELP: &'static str = "Exact: shows what the last acknowledged write made of the row, whether or not its message is up to date yet.";
    const EXAMPLE: &'static str = "/dbc_get database:prod table:users key:u_1";
    const WRITES: bool = false;

    async fn run<H: Host>(self, context: Context<H>) -> Result<Reply> {
        let database = context.engine.database(&self.database).await?;
        let found = database.get(&self.table, &self.key)?.ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                format!(
                    "table `{}` of database `{}` has no row with key `{}`.",
                    self.table,
                    self.database,
                    inline(&self.key)
                ),
            )
            .option("key")
        })?;
        Ok(describe(&self, &found))
    }

    async fn complete<H: Host>(context: Context<H>, typing: Typing) -> Vec<Choice> {
        suggest::names(context, typing).await
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
    let value = serde_json::from_str::<serde_json::Value>(&found.doc);
    let pretty = value.and_then(|value| serde_json::to_string_pretty(&value));
    let pretty = pretty.unwrap_or_else(|_| found.doc.clone());
    let shown: Vec<String> = pretty.lines().map(escape_json).collect();
    let content = format!("{head}\n```json\n{}\n```", shown.join("\n"));
    if utf16_len(&content) <= MESSAGE_CONTENT {
        return Reply::new(content);
    }
    Reply {
        content: format!("{head}\nThe document does not fit a message; it is in the file."),
        file: Some((format!("{}.json", get.key), pretty)),
    }
}
