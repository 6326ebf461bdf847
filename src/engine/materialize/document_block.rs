//! A document in a message: in a code block as far as it fits, in a file where it does not.

use crate::discord::model::Message;
use crate::discord::multipart::{File, file_name};
use crate::engine::digest::RowSum;
use crate::engine::document::{self, Document};
use crate::engine::log::CommitId;
use crate::limits::MESSAGE_CONTENT;
use crate::text::{FENCE_END, JSON_FENCE, escape_json, truncate, unfence, utf16_len};

/// Documents with more lines than this are shown on one line: a channel should stay readable.
const PRETTY_LINES: usize = 20;
/// How much of a document that does not fit is shown.
const PREVIEW: usize = 600;
const FOOT: &str = "\n-# at ";
const IN_FILE: &str = " bytes in ";
/// What a message says that has only the beginning of its document, and no file.
pub const CUT: &str = "the beginning of";

/// A message, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    pub content: String,
    /// The whole document, when the content only has its beginning.
    pub file: Option<File>,
}

/// What becomes of a document that does not fit a message's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overflow {
    File,
    /// Files could not be read back: the beginning is shown, and the log has the rest.
    Cut,
}

/// The commit and the checksum that a message of ours states, and its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stated {
    pub at: CommitId,
    pub sum: RowSum,
    /// As compact JSON, when all of it stands in the message.
    pub doc: Option<String>,
    /// Where the file is that has the document, when there is one.
    pub file: Option<String>,
}

/// Writes `head`, the document if there is one, and a last line by which the message is known
/// again.
pub(super) fn render(
    head: &str,
    doc: Option<&str>,
    at: CommitId,
    sum: RowSum,
    name: &str,
    overflow: Overflow,
) -> Rendered {
    let foot = format!("{FOOT}{at} · sum {sum}");
    let Some(doc) = doc else {
        let content = format!("{head}{foot}");
        return Rendered {
            content,
            file: None,
        };
    };
    let fences = utf16_len(JSON_FENCE) + utf16_len(FENCE_END);
    let frame = utf16_len(head) + 1 + fences + utf16_len(&foot);
    let room = MESSAGE_CONTENT.saturating_sub(frame);
    // A code unit is at most three bytes: what is far too long is not laid out at all.
    if doc.len() <= 3 * MESSAGE_CONTENT {
        let compact = escape_json(doc);
        let pretty = document::pretty(doc);
        let is_short = pretty.lines().count() <= PRETTY_LINES && utf16_len(&pretty) <= room;
        let shown = if is_short { &pretty } else { &compact };
        if utf16_len(shown) <= room {
            return Rendered {
                content: format!("{head}\n{JSON_FENCE}{shown}{FENCE_END}{foot}"),
                file: None,
            };
        }
    }
    let (file, note) = match overflow {
        Overflow::File => {
            let file = File {
                name: file_name(&format!("{name}.json")),
                content_type: "application/json",
                bytes: doc.to_owned().into(),
            };
            let note = format!(" · {}{IN_FILE}{}", doc.len(), file.name);
            (Some(file), note)
        }
        Overflow::Cut => (None, format!(" · {CUT} {} bytes", doc.len())),
    };
    // One character more than can be shown, so that it is seen to go on.
    let beginning: String = doc.chars().take(PREVIEW + 1).collect();
    let beginning = escape_json(&beginning);
    let preview = truncate(
        &beginning,
        room.saturating_sub(utf16_len(&note)).min(PREVIEW),
    );
    Rendered {
        content: format!("{head}\n{JSON_FENCE}{preview}{FENCE_END}{foot}{note}"),
        file,
    }
}

/// Reads everything below the first line.
pub(super) fn parse(message: &Message, rest: &str) -> Option<Stated> {
    // Without a document, the last line is the only one.
    let (body, last) = match rest.rsplit_once(FOOT) {
        Some((body, last)) => (body, last),
        None => ("", rest.strip_prefix(FOOT.trim_start())?),
    };
    let mut parts = last.split(" · ");
    let at = CommitId::parse(parts.next()?)?;
    let sum = parts.next()?.strip_prefix("sum ")?;
    let note = parts.next();
    let file = note
        .filter(|note| note.contains(IN_FILE))
        .and_then(|_| message.attachments.first())
        .map(|file| file.url.clone());
    let doc = unfence(body, JSON_FENCE)
        .filter(|_| note.is_none())
        .and_then(|text| serde_json::from_str::<Document>(text).ok());
    Some(Stated {
        at,
        sum: RowSum::parse(sum)?,
        doc: doc.map(|doc| doc.into_text().into()),
        file,
    })
}
