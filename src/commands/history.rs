//! `/dbc_history`

use serde::Serialize;
use twilight_interactions::command::{CommandModel, CreateCommand};

use super::{Context, SlashCommand, Typing, manage_server, suggest};
use crate::engine::document::{self, LAID_OUT_BYTES, Stored};
use crate::engine::history::{Before, Depth, History, Revision};
use crate::error::Result;
use crate::host::Host;
use crate::interactions::{Choice, Reply};
use crate::limits::{ATTACHMENT_BYTES, MESSAGE_CONTENT};
use crate::text::{inline, utf16_len};

const DEFAULT_LIMIT: usize = 10;

/// How long a file with documents gets: there is room left for what is said of the others.
const FILE_BYTES: usize = ATTACHMENT_BYTES - 64 * 1024;

/// As the option's `max_value` says.
const MAX_LIMIT: i64 = 100;

/// Show the earlier revisions of a row
#[derive(CommandModel, CreateCommand)]
#[command(
    name = "dbc_history",
    default_permissions = "manage_server",
    contexts = "guild",
    integration_types = "guild_install"
)]
pub(super) struct ShowHistory {
    /// Database
    #[command(autocomplete = true, max_length = 32)]
    database: String,
    /// Table
    #[command(autocomplete = true, max_length = 32)]
    table: String,
    /// The row's key
    #[command(autocomplete = true, max_length = 100)]
    key: String,
    /// How many revisions, the newest first (default: 10)
    #[command(min_value = 1, max_value = 100)]
    limit: Option<i64>,
}

impl SlashCommand for ShowHistory {
    const HELP: &'static str = "Who changed the row, when, and what it was then, deletions included. It reads the log, so it takes longer than `/dbc_get`.";
    const EXAMPLE: &'static str = "/dbc_history database:prod table:users key:u_1 limit:5";
    const WRITES: bool = false;

    async fn run<H: Host>(self, context: Context<H>) -> Result<Reply> {
        let database = context.for_reading(&self.database).await?;
        let limit = self.limit.and_then(|limit| usize::try_from(limit).ok());
        let depth = Depth::Revisions(limit.unwrap_or(DEFAULT_LIMIT));
        let history = database.row_history(&self.table, &self.key, depth).await?;
        Ok(describe(&self, &history))
    }

    async fn complete<H: Host>(context: Context<H>, typing: Typing) -> Vec<Choice> {
        suggest::names_and_deleted_keys(context, typing).await
    }
}

fn describe(asked: &ShowHistory, history: &History) -> Reply {
    let shown = history.revisions.iter();
    let head = format!(
        "History of `{}` in `{}.{}`",
        inline(&asked.key),
        asked.database,
        asked.table
    );
    let rest = rest(history.before, asked.limit);
    let lines: Vec<String> = shown.clone().map(line).collect();
    let documents = shown.clone().filter_map(|revision| revision.doc.as_deref());
    // A code unit is at most three bytes: what is far too long is not laid out at all.
    let is_short = documents.map(str::len).sum::<usize>() <= 3 * MESSAGE_CONTENT;
    if is_short && !shown.clone().any(|revision| revision.is_left_out) {
        let with_documents: Vec<String> = lines
            .iter()
            .zip(shown)
            .map(|(line, revision)| match &revision.doc {
                Some(doc) => format!("{line}\n```json\n{}\n```", document::pretty(doc)),
                None => line.clone(),
            })
            .collect();
        let content = format!("{head}\n{}{rest}", with_documents.join("\n"));
        if utf16_len(&content) <= MESSAGE_CONTENT {
            return Reply::new(content);
        }
    }
    let (file, left_out) = file(&history.revisions);
    let note = match left_out {
        None => "\nThe documents are in the file.".to_owned(),
        Some(rev) => format!(
            "\nThe documents are in the file. Those of revision {rev} and before do not fit into it: `/dbc_restore_row` brings one back."
        ),
    };
    let mut content = head;
    for line in &lines {
        // Room for the last sentences.
        let after = utf16_len(&content) + utf16_len(line) + utf16_len(&note) + utf16_len(rest) + 4;
        if after > MESSAGE_CONTENT {
            content.push_str("\n…");
            break;
        }
        content.push('\n');
        content.push_str(line);
    }
    content.push_str(&note);
    content.push_str(rest);
    Reply {
        content,
        file: Some((format!("{}.history.json", asked.key), file)),
        watch: None,
    }
}

/// What is not shown, and why.
fn rest(before: Before, limit: Option<i64>) -> &'static str {
    match before {
        Before::Nothing => "",
        Before::More if limit == Some(MAX_LIMIT) => {
            "\nThere are older ones, more than are shown at once."
        }
        Before::More => "\nThere are older ones: raise `limit` to see them.",
        Before::CutOff => "\nOlder revisions are not in the log any more.",
        Before::FarBack => {
            "\nOlder revisions are further back in the log than can be read at once."
        }
    }
}

/// `rev 3 · <when> · <who> · /dbc_update · commit #17`
fn line(revision: &Revision) -> String {
    let mut parts = vec![format!("**rev {}**", revision.rev)];
    if let Some(author) = &revision.by {
        parts.push(format!("<t:{}:f>", author.time / 1_000));
        parts.push(format!("<@{}>", author.user));
        parts.push(format!("/{}", author.command));
    }
    parts.push(format!("commit #{}", revision.at.seq()));
    match (&revision.doc, revision.hard) {
        (Some(_), _) => {}
        (None, _) if revision.is_left_out => {}
        (None, false) => parts.push("deleted".to_owned()),
        (None, true) => parts.push("deleted for good, with all before it".to_owned()),
    }
    parts.join(" · ")
}

/// A revision in the file.
#[derive(Serialize)]
struct Entry<'a> {
    rev: u64,
    commit: u64,
    time_ms: Option<u64>,
    user: Option<&'a str>,
    command: Option<&'a str>,
    /// There is a document, and it is not here.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    left_out: bool,
    doc: Option<Stored<'a>>,
}

/// All revisions as a JSON list, with their documents until the file is full; the revision from which
/// on there are none.
fn file(revisions: &[Revision]) -> (String, Option<u64>) {
    let mut text = String::new();
    let mut left_out = None;
    for revision in revisions {
        let author = revision.by.as_ref();
        let doc = revision.doc.as_deref();
        let entry = Entry {
            rev: revision.rev,
            commit: revision.at.seq(),
            time_ms: author.map(|author| author.time),
            user: author.map(|author| author.user.as_str()),
            command: author.map(|author| author.command.as_str()),
            left_out: false,
            doc: doc.map(Stored),
        };
        let is_full = revision.is_left_out || left_out.is_some();
        let room = FILE_BYTES.saturating_sub(text.len());
        let written = written(&entry).filter(|text| !is_full && text.len() <= room);
        let is_there = doc.is_none() && !revision.is_left_out;
        let written = written.unwrap_or_else(|| {
            if !is_there {
                left_out.get_or_insert(revision.rev);
            }
            let entry = Entry {
                left_out: !is_there,
                doc: None,
                ..entry
            };
            serde_json::to_string(&entry).unwrap_or_default()
        });
        text.push_str(if text.is_empty() { "[\n" } else { ",\n" });
        text.push_str(&written);
    }
    text.push_str("\n]");
    (text, left_out)
}

/// With a field a line, unless that is too long for a file.
fn written(entry: &Entry<'_>) -> Option<String> {
    let is_long = entry
        .doc
        .as_ref()
        .is_some_and(|doc| doc.0.len() > LAID_OUT_BYTES);
    let text = if is_long {
        serde_json::to_string(entry)
    } else {
        serde_json::to_string_pretty(entry)
    };
    text.ok()
}
