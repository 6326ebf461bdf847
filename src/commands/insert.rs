//! `/dbc_insert`

use twilight_interactions::command::{CommandModel, CommandOption, CreateCommand, CreateOption};
use twilight_model::channel::Attachment;

use super::input::{self, Options};
use super::{Context, SlashCommand, Typing, besides, manage_server, suggest, unchanged};
use crate::engine::document;
use crate::engine::row::{Action, Change, PutMode};
use crate::error::Result;
use crate::host::Host;
use crate::interactions::{Choice, Reply};
use crate::text::inline;

/// Insert a row, or put a document in the place of one
#[derive(CommandModel, CreateCommand)]
#[command(
    name = "dbc_insert",
    default_permissions = "manage_server",
    contexts = "guild",
    integration_types = "guild_install"
)]
pub(super) struct Insert {
    /// Database
    #[command(autocomplete = true, max_length = 32)]
    database: String,
    /// Table
    #[command(autocomplete = true, max_length = 32)]
    table: String,
    /// The row's key: the value of the table's primary-key field
    #[command(autocomplete = true, max_length = 100)]
    key: String,
    /// The row as a JSON object, for example {"id":"u_1","email":"a@example.com"}
    #[command(max_length = 6000)]
    value_json: Option<String>,
    /// Instead of value_json: a file with the JSON object
    value_file: Option<Attachment>,
    /// What to do about a row that has the key already (default: insert)
    mode: Option<Mode>,
}

#[derive(CommandOption, CreateOption)]
enum Mode {
    #[option(name = "insert: refuse when the key is taken", value = "insert")]
    Insert,
    #[option(name = "upsert: insert, or replace the row", value = "upsert")]
    Upsert,
    #[option(name = "replace: only a row that is there", value = "replace")]
    Replace,
}

impl From<Mode> for PutMode {
    fn from(mode: Mode) -> PutMode {
        match mode {
            Mode::Insert => PutMode::Insert,
            Mode::Upsert => PutMode::Upsert,
            Mode::Replace => PutMode::Replace,
        }
    }
}

impl SlashCommand for Insert {
    const HELP: &'static str = "Refused when the key is taken, unless `mode` says otherwise. When the reply says that the row is stored, it is: in the log, for good. \
        Where the table is shown, the row's message follows in its channel within seconds. A row has at most 8 MiB as JSON and 100,000 values; what does not fit `value_json` goes into `value_file`.";
    const EXAMPLE: &'static str = "/dbc_insert database:prod table:users key:u_1 value_json:{\"id\":\"u_1\",\"email\":\"a@example.com\"}";
    const WRITES: bool = true;

    async fn run<H: Host>(self, context: Context<H>) -> Result<Reply> {
        let database = context.engine.database(&self.database).await?;
        let options = Options {
            json: "value_json",
            file: "value_file",
        };
        let input = input::read(&context, options, self.value_json, self.value_file).await?;
        let change = Change {
            table: self.table.clone(),
            key: self.key.clone(),
            if_rev: None,
            action: Action::Put {
                mode: self.mode.map(PutMode::from).unwrap_or_default(),
                fields: document::parse(input.option, &input.text)?,
                option: input.option,
            },
        };
        let committed = database.change_row(&context.origin, change).await?;
        if committed.value.unchanged > 0 {
            let place = (&*self.database, &*self.table, &*self.key);
            return Ok(unchanged(place, &committed.value));
        }
        Ok(Reply::new(format!(
            "Stored `{}` in `{}.{}` as revision {} (commit #{}).{}",
            inline(&self.key),
            self.database,
            self.table,
            committed.value.rev,
            committed.at.seq(),
            besides(&committed.value)
        )))
    }

    async fn complete<H: Host>(context: Context<H>, typing: Typing) -> Vec<Choice> {
        let is_new = !matches!(typing.other("mode"), Some("upsert" | "replace"));
        if typing.option == "key" && is_new {
            // Any key that there is would be refused.
            return Vec::new();
        }
        suggest::names(context, typing).await
    }
}
