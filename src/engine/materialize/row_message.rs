//! A row as a message: its key and revision, its document, and a last line by which dbcord knows
//! the message again.

use crate::discord::model::Message;
use crate::discord::multipart::{File, file_name};
use crate::engine::digest::RowSum;
use crate::engine::document;
use crate::engine::log::CommitId;
use crate::engine::state::Row;
use crate::limits::MESSAGE_CONTENT;
use crate::text::{escape_json, escape_markdown, truncate, unescape_markdown, utf16_len};

/// Documents with more lines than this are shown on one line: a channel should stay readable.
const PRETTY_LINES: usize = 20;

/// A row's message, ready to be posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    pub content: String,
    /// The whole document, when the content only has its beginning.
    pub file: Option<File>,
}

/// A row message, read back.
#[derive(Debug, PartialEq, Eq)]
pub struct Seen {
    pub key: String,
    pub at: CommitId,
    pub sum: RowSum,
}

/// Writes a row's message.
pub fn render(key: &str, row: &Row, sum: RowSum) -> Rendered {
    let head = format!("**{}** · rev {}\n```json\n", escape_markdown(key), row.rev);
    let foot = format!("\n```\n-# at {} · sum {sum}", row.at);
    let room = MESSAGE_CONTENT.saturating_sub(utf16_len(&head) + utf16_len(&foot));
    let compact = escape_json(row.doc.as_deref().unwrap_or_default());
    let pretty = document::pretty(row.doc.as_deref().unwrap_or_default());
    let is_short = pretty.lines().count() <= PRETTY_LINES && utf16_len(&pretty) <= room;
    let shown = if is_short { &pretty } else { &compact };
    if utf16_len(shown) <= room {
        return Rendered {
            content: format!("{head}{shown}{foot}"),
            file: None,
        };
    }
    let file = File {
        name: file_name(&format!("{key}.json")),
        content_type: "application/json",
        bytes: row.doc.as_deref().unwrap_or_default().to_owned().into(),
    };
    let note = format!(" · {} bytes in {}", file.bytes.len(), file.name);
    let preview = truncate(&compact, room.saturating_sub(utf16_len(&note)).min(600));
    Rendered {
        content: format!("{head}{preview}{foot}{note}"),
        file: Some(file),
    }
}

/// Reads the first and the last line; what is between them is for people.
pub fn parse(message: &Message) -> Option<Seen> {
    let (first, rest) = message.content.split_once('\n')?;
    let (key, _) = first.strip_prefix("**")?.rsplit_once("** · rev ")?;
    let (_, last) = rest.rsplit_once("\n-# at ")?;
    let mut parts = last.split(" · ");
    let (epoch, seq) = parts.next()?.split_once('.')?;
    let sum = parts.next()?.strip_prefix("sum ")?;
    Some(Seen {
        key: unescape_markdown(key),
        at: CommitId(epoch.parse().ok()?, seq.parse().ok()?),
        sum: RowSum::parse(sum)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn row(doc: &str) -> Row {
        Row::new(3, Some(doc.into()), CommitId(1_763_632_103_000, 1042))
    }

    fn message(content: &str) -> Message {
        serde_json::from_value(
            json!({"id": "1", "channel_id": "2", "author": {"id": "3"}, "content": content}),
        )
        .unwrap()
    }

    #[test]
    fn a_small_row_is_readable() {
        let rendered = render("u_1", &row(r#"{"id":"u_1","n":1}"#), RowSum(7));
        assert_eq!(
            rendered.content,
            "**u_1** · rev 3\n```json\n{\n  \"id\": \"u_1\",\n  \"n\": 1\n}\n```\n-# at 1763632103000.1042 · sum 0000000000000007"
        );
    }

    #[test]
    fn a_large_row_has_its_document_in_a_file() {
        let doc = json!({"id": "u/1", "text": "é`".repeat(2_000)}).to_string();
        let rendered = render("u/1", &row(&doc), RowSum(7));
        assert!(utf16_len(&rendered.content) <= MESSAGE_CONTENT);
        let file = rendered.file.unwrap();
        assert_eq!(
            (file.name.as_str(), &file.bytes[..]),
            ("u_1.json", doc.as_bytes())
        );
        assert_eq!(parse(&message(&rendered.content)).unwrap().key, "u/1");
    }

    #[test]
    fn other_messages_are_not_rows() {
        for content in [
            "",
            "hello",
            "**a** · rev 1",
            "**a** · rev 1\n-# at 1.2 · sum 7",
        ] {
            assert_eq!(parse(&message(content)), None);
        }
    }

    proptest! {
        #[test]
        fn every_row_is_known_again(key in r"[^\p{C}\p{Z}]{1,40}", text in any::<String>(), n in 0usize..300) {
            let doc = json!({"t": text.repeat(n)}).to_string();
            let rendered = render(&key, &row(&doc), RowSum(9));
            prop_assert!(utf16_len(&rendered.content) <= MESSAGE_CONTENT);
            let seen = parse(&message(&rendered.content)).unwrap();
            prop_assert_eq!(seen, Seen { key, at: row("").at, sum: RowSum(9) });
        }
    }
}
