//! `/dbc_inspect`

use twilight_interactions::command::{CommandModel, CreateCommand};

use super::{Context, SlashCommand, manage_server};
use crate::engine::attachments::Access;
use crate::engine::inspect::{IndexInspection, Inspection, TableInspection};
use crate::engine::materialize::Backlog;
use crate::engine::permissions::Lacking;
use crate::error::Result;
use crate::host::Host;
use crate::interactions::Reply;
use crate::limits::MESSAGE_CONTENT;
use crate::text::{inline, truncate, utf16_len};

/// Channels of a kind that are warned of.
const WARNINGS: usize = 3;
/// Characters of why a table is damaged; a command on the table says all of it.
const DAMAGE: usize = 300;
/// Characters of an index's fields.
const INDEX: usize = 100;

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
    const HELP: &'static str = "`epoch` rises whenever the database is opened anew; `backlog` counts what the channels do not show yet.";
    const EXAMPLE: &'static str = "/dbc_inspect database:prod";
    const WRITES: bool = false;

    async fn run<H: Host>(self, context: Context<H>) -> Result<Reply> {
        let database = context.for_reading(&self.database).await?;
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
        describe_checkpoint(inspection),
        describe_backlog(&inspection.waiting, inspection.stalled.as_deref()),
        format!(
            "attachments: {attachments} · requests since start: {}",
            inspection.requests
        ),
    ];
    if inspection.erasing > 0 {
        let why = inspection.erasing_stalled.as_deref();
        let why = why.map(|why| format!(" · waiting: {}", truncate(why, DAMAGE)));
        lines.push(format!(
            "deleted for good, copies still being removed: {}{}",
            inspection.erasing,
            why.unwrap_or_default()
        ));
    }
    warn(&mut lines, inspection);
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
        let line = format!(
            "\n- `{}` · key `{}` · rows: {} · digest `{:016x}`{} · {}",
            table.name,
            table.pk,
            table.rows,
            table.digest,
            describe_schema(table),
            describe_mirror(table)
        );
        let indexes = table.indexes.iter().map(describe_index);
        let line = indexes.fold(line, |line, index| line + &index);
        let rest = format!("\n… and {} more", inspection.tables.len() - at);
        if utf16_len(&text) + utf16_len(&line) + utf16_len(&rest) > MESSAGE_CONTENT {
            text.push_str(&rest);
            break;
        }
        text.push_str(&line);
    }
    text
}

/// What somebody changed by hand and should put right.
fn warn(lines: &mut Vec<String>, inspection: &Inspection) {
    if let Some(mark) = &inspection.log_mark {
        lines.push(format!(
            "⚠️ <#{}> is not marked as the log any more: make its topic begin with `{mark}` again, or the database cannot be found once the object's storage is lost",
            inspection.log
        ));
    }
    for lacking in inspection.lacking.iter().take(WARNINGS) {
        lines.push(format!("⚠️ {}", describe_lacking(lacking)));
    }
    for left in inspection.left.iter().take(WARNINGS) {
        let whose = left.table.as_ref().map_or_else(
            || "a table or index that was dropped".to_owned(),
            |table| format!("table `{table}`"),
        );
        lines.push(format!(
            "⚠️ <#{}> may show rows of {whose} and is left alone, since somebody took dbcord's mark out of its topic or writes there",
            left.channel
        ));
    }
}

/// What to do about permissions that the bot lacks in a channel.
pub(super) fn describe_lacking(lacking: &Lacking) -> String {
    format!(
        "the bot lacks permissions in <#{}>: {}",
        lacking.channel,
        lacking.permissions.join(", ")
    )
}

fn describe_checkpoint(inspection: &Inspection) -> String {
    let newest = inspection.checkpoint.map_or("none".to_owned(), |head| {
        format!("of commit #{}", head.seq())
    });
    let mut text = format!("checkpoint: {newest} · commits since: {}", inspection.tail);
    if let Some(reason) = &inspection.checkpoint_stalled {
        text.push_str(&format!(" · the next one waits: {reason}"));
    }
    text
}

fn describe_backlog(backlog: &Backlog, stalled: Option<&str>) -> String {
    let kinds = [
        (backlog.rows, "rows"),
        (backlog.cards, "cards"),
        (backlog.channels, "channels"),
        (backlog.history, "earlier revisions"),
    ];
    let kinds = kinds.iter().filter(|(count, _)| *count > 0);
    let mut parts: Vec<String> = kinds.map(|(n, kind)| format!("{kind} {n}")).collect();
    if parts.is_empty() {
        parts.push("0".to_owned());
    }
    if let Some(since) = backlog.since {
        parts.push(format!("oldest from <t:{}:R>", since / 1_000));
    }
    if let Some(reason) = stalled {
        parts.push(format!("waiting: {reason}"));
    }
    format!("backlog: {}", parts.join(" · "))
}

fn describe_index(index: &IndexInspection) -> String {
    let name = inline(&truncate(&index.name, INDEX));
    let mut parts = vec![format!("\n  - index `{name}`")];
    if !index.rules.is_empty() {
        parts.push(index.rules.to_owned());
    }
    parts.extend(index.values.map(|values| format!("values: {values}")));
    parts.extend(index.channel.map(|channel| format!("<#{channel}>")));
    let behind = index.behind.filter(|&behind| behind > 0);
    parts.extend(behind.map(|behind| format!("behind: {behind}")));
    parts.join(" · ")
}

fn describe_schema(table: &TableInspection) -> String {
    let schema = table.schema.map(|(version, validate)| {
        let validate = validate.as_str();
        format!(" · schema: version {version}, {validate}")
    });
    schema.unwrap_or_default()
}

fn describe_mirror(table: &TableInspection) -> String {
    if let Some(why) = &table.damage {
        return format!(
            "⚠️ its rows cannot be read, and every command on it tries again: {}",
            truncate(why, DAMAGE)
        );
    }
    if !table.mirror {
        return "not shown as messages".to_owned();
    }
    let Some(channel) = table.channel else {
        return "its channel is being made".to_owned();
    };
    match table.behind {
        Some(0) | None => format!("<#{channel}>"),
        Some(behind) => format!("<#{channel}> · behind: {behind}"),
    }
}
