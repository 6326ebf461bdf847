//! What is wrong with a text that is no JSON, and what people who type JSON on a phone, or paste it
//! from a chat or a program, probably meant.

use super::Wanted;
use crate::error::Error;
use crate::text::inline;

/// An error of serde_json's, told with the place and what stands there.
pub(super) fn explain(
    option: &'static str,
    text: &str,
    error: &serde_json::Error,
    wanted: Wanted,
) -> Error {
    if text.trim().is_empty() {
        return Error::invalid(option, "there is no JSON here, only space.");
    }
    // serde_json ends its messages with the position, which ours replaces.
    let full = error.to_string();
    let reason = full
        .rsplit_once(" at line ")
        .map_or(full.as_str(), |(reason, _)| reason);
    if error.is_data() {
        // It is JSON, and breaks a rule of ours.
        let place = place(text, offset(text, error.line(), error.column()));
        return Error::invalid(option, format!("{reason} {place}."));
    }
    let (offset, place) = if error.is_eof() {
        let end = text.trim_end().len();
        let place = place(text, end);
        (
            end,
            format!("at the end, {}", place.trim_start_matches("at ")),
        )
    } else {
        let offset = offset(text, error.line(), error.column());
        (offset, place(text, offset))
    };
    let what = match reason {
        "unexpected end of hex escape" | "lone leading surrogate in hex escape" => {
            r"half of a character: escapes from \ud800 to \udfff come in pairs,"
        }
        "EOF while parsing an object" => "the object has no end, a `}` is missing",
        "EOF while parsing a list" => "the list has no end, a `]` is missing",
        "EOF while parsing a string" => "the string has no end, a `\"` is missing",
        "EOF while parsing a value" => "a value is missing",
        "trailing characters" => "there is more behind its end,",
        "expected ident" => "this is no word of JSON's,",
        other => other,
    };
    let told = Error::invalid(option, format!("this is not valid JSON: {what} {place}."));
    match likely_mistake(text, reason, offset, wanted) {
        Some(hint) => told.hint(hint),
        None => told,
    }
}

/// `line 1, column 5, near ...`, both counted from 1 in characters.
pub(super) fn place(text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let column =
        before.chars().count() - before.get(..line_start).map_or(0, |s| s.chars().count()) + 1;
    let from = before
        .char_indices()
        .rev()
        .take(12)
        .last()
        .map_or(offset, |(at, _)| at);
    let near: String = text
        .get(from..)
        .unwrap_or_default()
        .chars()
        .take(100)
        .collect();
    // Line breaks would show as rubble in one line of text.
    let near = near.split_whitespace().collect::<Vec<_>>().join(" ");
    let near: String = near.chars().take(24).collect();
    format!("at line {line}, column {column}, near `{}`", inline(&near))
}

/// A hint, where the reason and what stands at the place make it clear what was meant.
fn likely_mistake(text: &str, reason: &str, offset: usize, wanted: Wanted) -> Option<&'static str> {
    let before = text.get(..offset).unwrap_or_default();
    let after = text.get(offset..).unwrap_or_default();
    let culprit = after.chars().next();
    if reason.starts_with("control character") {
        return Some(r"Inside a string, a line break is written \n and a tab \t.");
    }
    if reason == "invalid escape" {
        return Some(r"A backslash that is meant as one is written twice: \\d.");
    }
    if reason == "trailing comma" {
        return Some("Leave out the comma before it.");
    }
    if reason == "trailing characters" {
        let line = before.rsplit('\n').next().unwrap_or_default();
        let is_another = line.trim().is_empty() && matches!(culprit, Some('{' | '['));
        return is_another.then_some(match wanted {
            Wanted::Operations => "All operations go into one list: `[`, then each with a comma between them, then `]`.",
            Wanted::Stages => "All stages go into one list: `[`, then each with a comma between them, then `]`.",
            Wanted::Document | Wanted::Query | Wanted::Schema => "This takes one document only; several rows go into `/dbc_transact`.",
            Wanted::Patch => "This takes one patch only; several changes go into `/dbc_transact`.",
        });
    }
    if reason.starts_with("EOF while parsing a string") {
        let string = before.rsplit('"').next().unwrap_or_default();
        return string
            .contains(DOUBLE_QUOTES)
            .then_some("There are typographic quotes in it: JSON takes plain \" only.");
    }
    match culprit {
        Some('‘' | '’') => {
            return Some("There are typographic quotes in it: JSON takes plain \" only.");
        }
        Some(c) if DOUBLE_QUOTES.contains(&c) => {
            return Some("There are typographic quotes in it: JSON takes plain \" only.");
        }
        Some('\'') => return Some("JSON takes double quotes \" only."),
        Some('`') => return Some("Leave out the back-ticks around it."),
        Some('/') if after.starts_with("//") || after.starts_with("/*") => {
            return Some("JSON has no comments.");
        }
        Some('/') if wanted == Wanted::Query => {
            return Some(r#"A pattern is written {"$regex":"ada","$options":"i"}."#);
        }
        _ => {}
    }
    if let Some(hint) = word_of_another_language(word(before, after)) {
        return Some(hint);
    }
    let is_name = culprit.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$');
    (reason == "key must be a string" && is_name)
        .then_some("Names of fields stand in double quotes.")
}

const DOUBLE_QUOTES: [char; 5] = ['“', '”', '„', '«', '»'];

/// The letters around a place.
fn word<'a>(before: &'a str, after: &'a str) -> (&'a str, &'a str) {
    let is_other = |c: char| !c.is_alphanumeric() && c != '_';
    let start = before.rfind(is_other).map_or(0, |at| {
        at + before
            .get(at..)
            .and_then(|s| s.chars().next())
            .map_or(1, char::len_utf8)
    });
    let end = after.find(is_other).unwrap_or(after.len());
    (
        before.get(start..).unwrap_or_default(),
        after.get(..end).unwrap_or_default(),
    )
}

fn word_of_another_language((head, tail): (&str, &str)) -> Option<&'static str> {
    match format!("{head}{tail}").to_lowercase().as_str() {
        "true" | "false" => Some("JSON writes `true` and `false` in small letters."),
        "none" | "nil" | "null" | "undefined" => Some("JSON writes `null` for nothing."),
        "objectid" | "isodate" | "new" | "date" | "numberlong" | "numberdecimal" => Some(
            "JSON has no such values: ids and dates are strings, and numbers are written as they are.",
        ),
        "nan" | "infinity" | "inf" => {
            Some("JSON has no such number: use `null`, or put it in quotes to keep it as text.")
        }
        _ => None,
    }
}

/// The byte offset of serde_json's position: lines from 1, columns in bytes and past the culprit.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let mut offset = (start + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}
