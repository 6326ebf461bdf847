//! What replies say.

use serde_json::Value;

use super::doc::Doc;
use super::found::{Found, read_found};
use super::operation::Command;
use super::place::Cell;

/// In the reply to whoever names a table that is not there.
pub const NO_TABLE: &str = "there is no table `";

/// In the reply to whoever reads while the log does not show all that must be in it.
pub const READ_ONLY: &str = "⚠️ read-only: ";

/// What a reply lets its reader conclude.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Row {
        rev: u64,
        /// None where the document stands in a file that could not be fetched.
        doc: Option<Doc>,
    },
    /// With the revision of its deletion; 0 where there never was a row.
    Absent(u64),
    /// It was deleted for good.
    Gone,
    /// What the row was, newest first.
    Past(Vec<Told>),
    /// What a question found.
    Found(Found),
    /// A table's schema.
    Schema(Shown),
    /// Committed, with the revision - or the rows of a dropped table, the rows that matched, or the version
    /// of a schema - where the reply says so.
    Done(Option<u64>),
    Refused(Refusal),
    /// For sure not written, for a reason that has nothing to do with what is stored.
    NotWritten,
    /// Nobody knows, or nobody said.
    Unknown,
    /// A read that failed.
    Unread,
    /// A reply that must never come.
    Wrong(String),
}

/// Reasons that tell something about the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    Taken,
    Missing,
    OtherRevision,
    /// Back to where it is.
    SameRevision,
    NoTable,
    TableTaken,
    /// It breaks a schema.
    Unfit,
    /// Another row has a value that must be unique.
    Clash,
    /// Rows name it, and are not to lose it.
    Kept,
    /// To add to something else than a number.
    NoNumber,
    /// So many rows were not expected.
    OtherNumber,
    /// It is as it is to be.
    AsBefore,
}

/// A schema, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// 0 where there never was one.
    pub version: u64,
    /// The schema, and what becomes of rows that break it; none where it was taken away.
    pub schema: Option<(Value, String)>,
}

/// A revision, as a history tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub rev: u64,
    pub commit: u64,
    pub content: Content,
    /// Where the history knows.
    pub by: Option<By>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    Is(Doc),
    /// It stands in a file that could not be fetched.
    Unread,
    Deleted,
    DeletedForGood,
}

/// Who made a revision, by which command, and when in Unix seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    pub user: u64,
    pub command: String,
    pub at: u64,
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Answer::Row {
                rev,
                doc: Some(doc),
            } => {
                write!(f, "at revision {rev}, v={}, balance {}", doc.v, doc.balance)
            }
            Answer::Row { rev, doc: None } => write!(f, "at revision {rev}"),
            Answer::Absent(rev) => write!(f, "absent since revision {rev}"),
            other => write!(f, "{other:?}"),
        }
    }
}

impl Answer {
    /// Reads a reply; `file` is the document where it stands in a file.
    pub fn read(command: &Command, reply: &str, file: Option<&str>) -> Answer {
        let answer = Answer::told(command, reply, file);
        match answer {
            Answer::Wrong(_) => answer,
            // It says of itself that it may be out of date.
            _ if reply.contains(READ_ONLY) => Answer::Unread,
            _ => answer,
        }
    }

    fn told(command: &Command, reply: &str, file: Option<&str>) -> Answer {
        match command {
            Command::Get(cell) => read_row(*cell, reply, file),
            Command::Past(cell) => read_past(*cell, reply, file),
            Command::Drop(_) => match read_change(reply) {
                Answer::Done(_) => Answer::Done(number_after(reply, " is dropped, with ")),
                other => other,
            },
            Command::Ask { query, .. } => read_found(query, reply, file),
            Command::AskElsewhere { .. } => Answer::Unread,
            Command::ShowSchema(_) => read_schema(reply, file),
            Command::Many { .. } if reply.starts_with("No row of ") => Answer::Done(Some(0)),
            Command::Many { .. } if reply.contains(" match and are like that already") => {
                let count = reply.split(' ').next().and_then(|count| count.parse().ok());
                Answer::Done(count)
            }
            Command::Many { edit, .. } => match read_change(reply) {
                Answer::Done(_) => {
                    let done = if edit.is_some() {
                        "Updated "
                    } else {
                        "Deleted "
                    };
                    Answer::Done(number_after(reply, done))
                }
                other => other,
            },
            Command::SetSchema { .. } => match read_change(reply) {
                Answer::Done(_) => Answer::Done(number_after(reply, " is version ")),
                other => other,
            },
            _ => read_change(reply),
        }
    }
}

/// `version 3 · strict · …`, and the schema below.
fn read_schema(reply: &str, file: Option<&str>) -> Answer {
    if reply.contains("never had a schema") {
        let none = Shown {
            version: 0,
            schema: None,
        };
        return Answer::Schema(none);
    }
    let shown = || {
        let (_, rest) = reply.split_once("\nversion ")?;
        let (version, rest) = rest.split_once(" · ")?;
        let version = version.parse().ok()?;
        let (validate, _) = rest.split_once(" · ")?;
        if validate == "taken away" {
            let schema = None;
            return Some(Shown { version, schema });
        }
        let inline = reply
            .split_once("```json\n")
            .and_then(|(_, rest)| rest.split_once("\n```"));
        let text = inline.map(|(json, _)| json).or(file)?;
        let schema = Some((serde_json::from_str(text).ok()?, validate.to_owned()));
        Some(Shown { version, schema })
    };
    shown().map_or(Answer::Unread, Answer::Schema)
}

fn read_row(cell: Cell, reply: &str, file: Option<&str>) -> Answer {
    if reply.contains(NO_TABLE) {
        return Answer::Refused(Refusal::NoTable);
    }
    if reply.contains("has no row") && reply.contains("It was deleted for good.") {
        return Answer::Gone;
    }
    if reply.contains("has no row") {
        let deleted = number_after(reply, "It was deleted as of revision ");
        return Answer::Absent(deleted.unwrap_or_default());
    }
    let Some(rev) = number_after(reply, "· rev ") else {
        return Answer::Unread;
    };
    let inline = reply
        .split_once("```json\n")
        .and_then(|(_, rest)| rest.rsplit_once("\n```"))
        .map(|(json, _)| json);
    let Some(text) = inline.or(file) else {
        return Answer::Row { rev, doc: None };
    };
    match Doc::parse(cell.key(), text) {
        Some(doc) => Answer::Row {
            rev,
            doc: Some(doc),
        },
        None => Answer::Wrong(format!(
            "{cell} was read as something that nobody wrote: {text}"
        )),
    }
}

fn read_change(reply: &str) -> Answer {
    let has = |text: &str| reply.contains(text);
    if let (false, Some((told, _))) = (reply.starts_with('❌'), reply.rsplit_once("(commit #")) {
        // A restored row's reply names the revision that it went back to, and then its new one.
        return Answer::Done(number_after_last(told, "revision "));
    }
    if has("had been committed by then")
        || has("was carried out already")
        || has("The write itself is committed")
    {
        return Answer::Done(None);
    }
    if !has("Nothing was written") {
        return Answer::Unknown;
    }
    if let Some(refusal) = refused_by_rules(&has) {
        return Answer::Refused(refusal);
    }
    if has(NO_TABLE) {
        Answer::Refused(Refusal::NoTable)
    } else if has("has a table `") && has("already, keyed by") {
        Answer::Refused(Refusal::TableTaken)
    } else if has("already (revision") || has("so the key is taken then") {
        Answer::Refused(Refusal::Taken)
    } else if has("has no row") || has("so there is no such row then") {
        Answer::Refused(Refusal::Missing)
    } else if (has("is at revision") && has(", not ")) || has(", and `if_rev` is ") {
        Answer::Refused(Refusal::OtherRevision)
    } else if has("is at revision") && has(" already.") {
        Answer::Refused(Refusal::SameRevision)
    } else if has("Option `rev`") {
        Answer::Refused(Refusal::Missing)
    } else {
        Answer::NotWritten
    }
}

/// Why rules of the table forbid it.
fn refused_by_rules(has: &dyn Fn(&str) -> bool) -> Option<Refusal> {
    Some(if has(" stays, since ") {
        Refusal::Kept
    } else if has("in the unique index `") || has("have the same value under `") {
        Refusal::Clash
    } else if has("does not fit the schema of table") || has("do not fit this schema") {
        Refusal::Unfit
    } else if has("takes a number") {
        Refusal::NoNumber
    } else if has(" match, not ") {
        Refusal::OtherNumber
    } else if has("This is the schema of ") || has(" has no schema. Nothing") {
        Refusal::AsBefore
    } else if has(" has an index over ") {
        Refusal::Taken
    } else if has(" has no index over ") {
        Refusal::Missing
    } else {
        return None;
    })
}

/// Lines that begin with a revision, each with its document below it where there is room; else the
/// documents stand in a file.
fn read_past(cell: Cell, reply: &str, file: Option<&str>) -> Answer {
    if reply.contains(NO_TABLE) {
        return Answer::Refused(Refusal::NoTable);
    }
    if reply.contains("has no row") {
        return Answer::Absent(0);
    }
    if !reply.starts_with("History of ") {
        return Answer::Unread;
    }
    let wrong = |what: &str| Answer::Wrong(format!("the history of {cell} has {what}: {reply}"));
    let of_file: Value = file
        .and_then(|file| serde_json::from_str(file).ok())
        .unwrap_or_default();
    let mut past: Vec<Told> = Vec::new();
    for entry in reply.split("\n**rev ").skip(1) {
        let (line, below) = entry.split_once('\n').unwrap_or((entry, ""));
        let Some(mut told) = told(line) else {
            return wrong("a line that says nothing");
        };
        let inline = below
            .split_once("```json\n")
            .and_then(|(_, rest)| rest.split_once("\n```"))
            .map(|(json, _)| json.to_owned());
        let filed = of_file.as_array().into_iter().flatten();
        let mut filed = filed.filter(|entry| entry["rev"] == told.rev);
        let text = inline.or_else(|| Some(filed.next()?["doc"].to_string()));
        if let (Content::Unread, Some(text)) = (told.content, text) {
            let Some(doc) = Doc::parse(cell.key(), &text) else {
                return wrong(&format!("what nobody wrote, {text}"));
            };
            told.content = Content::Is(doc);
        }
        past.push(told);
    }
    if past.is_empty() || past.windows(2).any(|pair| pair[0].rev <= pair[1].rev) {
        return wrong("no order");
    }
    Answer::Past(past)
}

/// `3** · <t:1800000000:f> · <@7> · /dbc_update · commit #17`, and what else there is to say.
fn told(line: &str) -> Option<Told> {
    let (rev, rest) = line.split_once("** · ")?;
    let by = || {
        let (_, user) = rest.split_once("<@")?;
        let (_, command) = rest.split_once(" · /")?;
        Some(By {
            user: user.split_once('>')?.0.parse().ok()?,
            command: command.split_once(" · ")?.0.to_owned(),
            at: number_after(rest, "<t:")?,
        })
    };
    let content = match rest.split_once(" · deleted") {
        None => Content::Unread,
        Some((_, "")) => Content::Deleted,
        Some(_) => Content::DeletedForGood,
    };
    Some(Told {
        rev: rev.parse().ok()?,
        commit: number_after(rest, "commit #")?,
        content,
        by: by(),
    })
}

fn number_after_last(text: &str, before: &str) -> Option<u64> {
    number_after(&text[text.rfind(before)?..], before)
}

pub fn number_after(text: &str, before: &str) -> Option<u64> {
    let (_, rest) = text.split_once(before)?;
    let digits = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    rest[..digits].parse().ok()
}

#[cfg(test)]
mod tests;
