//! `/dbc_inspect`

use twilight_interactions::command::{CommandModel, CreateCommand};

use super::{Context, SlashCommand, manage_server};
use crate::engine::attachments::Access;
use crate::engine::inspect::Inspection;
use crate::error::Result;
use crate::host::Host;
use crate::interactions::Reply;
use crate::limits::MESSAGE_CONTENT;
use crate::text::utf16_len;

/// Show what a database is made of and how it is doing
#[derive(CommandModel, CreateCommand)]
#[command(
    name = "dbc_inspect",
    default_permissions = "manage_server",
    contexts = "guild",
    integration_types = "guild_install"
)]
pub(super) struct Inspect {
    /// Database
    #[command(autocomplete = true, max_length = 32)]
    database: String,
}

impl SlashCommand for Inspect {
    const HELP: &'static str = "`epoch` rises whenever the database is opened anew; `backlog` counts rows and cards whose messages are still to be written.";
    const EXAMPLE: &'static str = "/dbc_inspect database:prod";
    const WRITES: bool = false;

    async fn run<H: Host>(self, context: Context<H>) -> Result<Reply> {
        let database = context.engine.database(&self.database).await?;
        let inspection = database.inspect().await?;
        Ok(Reply::new(describe(&self.database, &inspection)))
    }
}

fn describe(name: &str, inspection: &Inspection) -> String {
    let visibility = if inspection.private {
        "made private"
    } else {
        "made readable by everyone"
    };
    let catalog = inspection
        .catalog
        .map_or("missing".to_owned(), |id| format!("<#{id}>"));
    let commit = inspection
        .head
        .map_or("none".to_owned(), |head| format!("#{}", head.seq()));
    let attachments = match inspection.attachments {
        Some(Access::Readable) => "readable",
        Some(Access::Refused) => "refused to this Worker",
        None => "not tried yet",
    };
    let mut lines = vec![
        format!("**Database `{name}`** · {visibility}"),
        format!("log: <#{}> · catalog: {catalog}", inspection.log),
        format!("last commit: {commit} · epoch: {}", inspection.epoch),
        format!(
            "backlog: {}{}",
            inspection.backlog,
            match &inspection.stalled {
                Some(reason) => format!(" · waiting: {reason}"),
                None => String::new(),
            }
        ),
        format!(
            "attachments: {attachments} · requests since start: {}",
            inspection.requests
        ),
    ];
    if let Some(bytes) = inspection.heap_bytes {
        lines.push(format!("wasm heap: {} KiB", bytes / 1024));
    }
    if let Some(until) = inspection.blocked_until {
        lines.push(format!(
            "Discord blocks the Worker's address; next try <t:{}:R>",
            until / 1_000
        ));
    }
    let rows: u64 = inspection.tables.iter().map(|table| table.rows).sum();
    lines.push(format!(
        "tables: {} · rows: {rows}",
        inspection.tables.len()
    ));
    let mut text = lines.join("\n");
    for (at, table) in inspection.tables.iter().enumerate() {
        let channel = table
            .channel
            .map_or("its channel is being made".to_owned(), |id| {
                format!("<#{id}>")
            });
        let line = format!(
            "\n- `{}` · key `{}` · rows: {} · digest `{:016x}` · {channel}",
            table.name, table.pk, table.rows, table.digest
        );
        let rest = format!("\n… and {} more", inspection.tables.len() - at);
        if utf16_len(&text) + utf16_len(&line) + utf16_len(&rest) > MESSAGE_CONTENT {
            text.push_str(&rest);
            break;
        }
        text.push_str(&line);
    }
    text
}
