//! Results of questions as people read them: a table where rows are small and flat, JSON where not,
//! and a file where a message does not hold them.

use serde_json::Value;

use crate::engine::find::Cost;
use crate::engine::query::{Json, Kind};
use crate::interactions::Reply;
use crate::limits::MESSAGE_CONTENT;
use crate::text::{self, escape_json, utf16_len};

/// What fits a phone's width, about, before lines wrap.
const TABLE_WIDTH: usize = 72;
const CELL_WIDTH: usize = 24;

/// `1 row`, `20 rows`
pub(super) fn rows_of(count: usize) -> String {
    number_of(count as u64, "row")
}

/// What the answer took, and how fresh it is.
pub(super) fn cost(cost: &Cost) -> String {
    format!(
        "looked at {} {} by `{}` · {} ms, {} to Discord · {}",
        rows_of(cost.examined),
        if cost.report.is_some() {
            "from messages"
        } else {
            "in memory"
        },
        cost.plans.chosen.name,
        cost.ms,
        requests(cost.requests),
        freshness(cost),
    ) + &match &cost.key_field {
        Some(field) => format!(" · `_id` is a field like any other; the key is in `{field}`"),
        None => String::new(),
    }
}

/// `1 request`, `20 requests`
pub(super) fn requests(count: u64) -> String {
    number_of(count, "request")
}

/// As of when the answer is, and where it is from messages, what may be missing.
pub(super) fn freshness(cost: &Cost) -> String {
    let head = cost.at.seq();
    let Some(report) = &cost.report else {
        let exact = if cost.is_exact { "exact " } else { "" };
        return format!("{exact}as of commit #{head}");
    };
    let mut parts = vec![
        format!(
            "eventual: {} read",
            number_of(report.messages as u64, "message")
        ),
        counted(report.dropped, "dropped as out of date"),
        counted(
            report.added,
            "added from memory, which has changes since the checkpoint",
        ),
        counted(report.unreadable, "too long for a message and not readable"),
        counted(report.lost, "known to the index only"),
        counted(report.behind as usize, "or fewer not shown yet"),
        counted(report.waits as usize, "times Discord had no index yet"),
    ];
    if let Some(shown) = report.shown {
        parts.push(format!(
            "channels show everything up to commit #{} of #{head}",
            shown.seq()
        ));
    }
    if report.is_deep {
        parts.push("Discord does not find old messages yet".to_owned());
    }
    if report.rest.is_some() {
        parts.push("there are more to read than a command may".to_owned());
    }
    parts.extend(report.because.clone());
    parts.retain(|part| !part.is_empty());
    parts.join(", ")
}

pub(super) fn number_of(count: u64, thing: &str) -> String {
    match count {
        1 => format!("1 {thing}"),
        count => format!("{count} {thing}s"),
    }
}

fn counted(count: usize, what: &str) -> String {
    match count {
        0 => String::new(),
        count => format!("{count} {what}"),
    }
}

/// Documents, or values, below a line about them and above one about what is not shown.
pub(super) fn reply(head: &str, values: &[&str], more: &str, file: &str) -> Reply {
    let around = |inner: &str| {
        let parts = [head, inner, more];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join("\n")
    };
    if values.is_empty() {
        return Reply::new(around(""));
    }
    let lines: Vec<String> = values.iter().map(|value| escape_json(value)).collect();
    let as_lines = format!("```json\n{}\n```", lines.join("\n"));
    let as_table = table(values).map(|table| format!("```\n{table}\n```"));
    for inner in as_table.iter().chain([&as_lines]) {
        let content = around(inner);
        if utf16_len(&content) <= MESSAGE_CONTENT {
            return Reply::new(content);
        }
    }
    // One document a line, so that programs and people can both read it.
    let text = format!("[\n{}\n]\n", values.join(",\n"));
    Reply {
        content: around("They do not fit a message; they are in the file."),
        file: Some((file.to_owned(), text)),
        watch: None,
    }
}

/// The documents as a table, if all of them are flat and short enough to be read as one.
fn table(documents: &[&str]) -> Option<String> {
    let mut columns: Vec<(String, usize)> = Vec::new();
    let mut rows: Vec<Vec<(usize, String)>> = Vec::new();
    for document in documents {
        let document = Json::new(document);
        if document.kind() != Kind::Object {
            return None;
        }
        let mut row = Vec::new();
        for (name, value) in document.fields() {
            let name = heading(&name.decode())?;
            let cell = cell(value)?;
            let known = columns.iter().position(|(known, _)| *known == name);
            let column = known.unwrap_or_else(|| {
                let width = text::columns(&name);
                columns.push((name, width));
                columns.len() - 1
            });
            if let Some((_, width)) = columns.get_mut(column) {
                *width = (*width).max(text::columns(&cell));
            }
            row.push((column, cell));
        }
        rows.push(row);
    }
    let width: usize = columns.iter().map(|(_, width)| width + 2).sum();
    if columns.is_empty() || width > TABLE_WIDTH {
        return None;
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let mut line = String::new();
        for (cell, (_, width)) in cells.zip(&columns) {
            line.push_str(cell);
            let room = width.saturating_sub(text::columns(cell));
            line.push_str(&" ".repeat(room + 2));
        }
        line.trim_end().to_owned()
    };
    let mut lines = vec![line(&mut columns.iter().map(|(name, _)| name.as_str()))];
    lines.push("-".repeat(width.saturating_sub(2)));
    for row in &rows {
        let of = |column: usize| {
            let cell = row.iter().find(|(of, _)| *of == column);
            cell.map_or("", |(_, cell)| cell)
        };
        lines.push(line(&mut (0..columns.len()).map(of)));
    }
    Some(lines.join("\n"))
}

/// A field's name above its column.
fn heading(name: &str) -> Option<String> {
    let escaped = escape_json(&Value::from(name).to_string());
    let inner = escaped.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.is_empty() && is_cell(inner)).then(|| inner.to_owned())
}

/// A value in a cell: strings without quotes, what is fragile in a message escaped.
fn cell(value: Json<'_>) -> Option<String> {
    let text = match value.kind() {
        Kind::Object | Kind::Array => return None,
        Kind::String => {
            let escaped = escape_json(value.text());
            let inner = escaped.strip_prefix('"')?.strip_suffix('"')?;
            // What would look like a number, a truth value or nothing keeps its quotes.
            let is_other = serde_json::from_str::<Value>(inner).is_ok();
            let is_plain = !inner.is_empty() && inner.trim() == inner && !is_other;
            if is_plain { inner.to_owned() } else { escaped }
        }
        _ => value.text().to_owned(),
    };
    is_cell(&text).then_some(text)
}

fn is_cell(text: &str) -> bool {
    text::columns(text) <= CELL_WIDTH && !text::is_right_to_left(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_flat_rows_are_a_table() {
        let reply = reply(
            "2 rows",
            &[
                r#"{"id":"a","n":1,"s":"x`y"}"#,
                r#"{"id":"true love","ok":true,"s":"7"}"#,
            ],
            "",
            "f.json",
        );
        assert_eq!(
            reply.content,
            "2 rows\n```\nid         n  s         ok\n----------------------------\na          1  x\\u0060y\ntrue love     \"7\"       true\n```"
        );
    }

    #[test]
    fn what_is_nested_is_json_and_what_is_long_is_a_file() {
        let nested = reply("1 row", &[r#"{"a":{"b":1}}"#], "more", "f.json");
        assert_eq!(
            nested.content,
            "1 row\n```json\n{\"a\":{\"b\":1}}\n```\nmore"
        );
        let long = format!("{{\"t\":\"{}\"}}", "x".repeat(3_000));
        let long = reply("1 row", &[&long], "", "f.json");
        assert!(long.content.starts_with("1 row\nThey do not fit"));
        let (name, text) = long.file.unwrap();
        assert_eq!(name, "f.json");
        assert!(serde_json::from_str::<Vec<serde_json::Value>>(&text).is_ok());
        assert_eq!(reply("0 rows", &[], "", "f").content, "0 rows");
    }
}
