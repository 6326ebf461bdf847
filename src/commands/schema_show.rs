//! `/dbc_schema_show`

use twilight_interactions::command::{CommandModel, CreateCommand};

use super::{Context, SlashCommand, manage_server};
use crate::engine::document;
use crate::engine::set_schema::ShownSchema;
use crate::engine::state::Version;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::interactions::Reply;
use crate::limits::MESSAGE_CONTENT;
use crate::text::utf16_len;

/// Versions that are listed.
const LISTED: usize = 10;

/// Show the schema of a table, and those before it
#[derive(CommandModel, CreateCommand)]
#[command(
    name = "dbc_schema_show",
    default_permissions = "manage_server",
    contexts = "guild",
    integration_types = "guild_install"
)]
pub(super) struct SchemaShow {
    /// Database
    #[command(autocomplete = true, max_length = 32)]
    database: String,
    /// Table
    #[command(autocomplete = true, max_length = 32)]
    table: String,
    /// An earlier version (default: the one that counts)
    #[command(min_value = 1)]
    version: Option<i64>,
}

impl SlashCommand for SchemaShow {
    const HELP: &'static str = "Shows who set which version and when. Of long schemas long ago only that is kept; their text is in the log.";
    const EXAMPLE: &'static str = "/dbc_schema_show database:prod table:users";
    const WRITES: bool = false;

    async fn run<H: Host>(self, context: Context<H>) -> Result<Reply> {
        let database = context.for_reading(&self.database).await?;
        let version = self.version.map(u32::try_from).transpose();
        let version = version.map_err(|_| Error::invalid("version", "there is none so high."))?;
        let schema = database.schema(&self.table, version).await?;
        Ok(describe(&self.database, &self.table, &schema))
    }
}

fn describe(database: &str, table: &str, shown: &ShownSchema) -> Reply {
    let version = &shown.version;
    let standing = match (shown.is_current, version.sum) {
        (_, None) => "there is none any more",
        (true, _) => "it counts",
        (false, _) => "it counts no more",
    };
    let head = format!(
        "**Schema of `{database}.{table}`** · {standing}\n{}",
        line(version)
    );
    let newest = shown.history.iter().rev();
    let listed: Vec<String> = newest
        .take(LISTED)
        .map(|v| format!("- {}", line(v)))
        .collect();
    let more = match shown.history.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!("\n- and {more} before"),
    };
    let history = match shown.history.len() {
        1 => String::new(),
        _ => format!("\nAll versions:\n{}{more}", listed.join("\n")),
    };
    let Some(text) = &shown.text else {
        let why = match version.sum {
            None => String::new(),
            Some(_) => format!(
                "\nIts text is not kept here; the log has it, in commit #{}.",
                version.at.seq()
            ),
        };
        return Reply::new(format!("{head}{why}{history}"));
    };
    let content = format!("{head}\n```json\n{}\n```{history}", document::pretty(text));
    if utf16_len(&content) <= MESSAGE_CONTENT {
        return Reply::new(content);
    }
    Reply {
        content: format!("{head}\nIt does not fit a message; it is in the file.{history}"),
        file: Some((
            format!("{table}.schema.{}.json", version.number),
            document::for_file(text),
        )),
        watch: None,
    }
}

/// A version in a line.
fn line(version: &Version) -> String {
    let what = match version.sum {
        Some(sum) => format!("{} · sum {sum}", version.validate.as_str()),
        None => "taken away".to_owned(),
    };
    let by = match version.user.is_empty() {
        true => String::new(),
        false => format!(" by <@{}>", version.user),
    };
    format!(
        "version {} · {what} · <t:{}:f>{by} · commit #{}",
        version.number,
        version.time / 1_000,
        version.at.seq()
    )
}
