//! A row as a message: its key and revision, its document, and a last line by which dbcord knows
//! the message again. A deleted row leaves a tombstone: its key struck through, and no document.

pub use super::document_block::CUT;
use super::document_block::{self, Overflow, Rendered};
use crate::discord::model::Message;
use crate::engine::digest::RowSum;
use crate::engine::log::CommitId;
use crate::engine::state::Row;
use crate::text::{escape_markdown, unescape_markdown};

const DELETED: &str = " · deleted";

/// A row message, read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub key: String,
    pub rev: u64,
    pub at: CommitId,
    /// Over the empty text for a tombstone.
    pub sum: RowSum,
    pub is_tombstone: bool,
    /// The whole document as compact JSON, when the message has it.
    pub doc: Option<String>,
    /// The URL of the file with the document, when that is where it stands.
    pub file: Option<String>,
}

/// Writes a row's message.
pub fn render(key: &str, row: &Row, sum: RowSum, overflow: Overflow) -> Rendered {
    let name = escape_markdown(key);
    let head = match row.doc {
        Some(_) => format!("**{name}** · rev {}", row.rev),
        None => format!("~~**{name}**~~ · rev {}{DELETED}", row.rev),
    };
    document_block::render(&head, row.doc.as_deref(), row.at, sum, key, overflow)
}

/// Whether a row's message has all of it, without a file.
pub fn is_whole(key: &str, row: &Row) -> bool {
    // All sums are equally long.
    render(key, row, RowSum(0), Overflow::File).file.is_none()
}

/// The checksum that a row's message states.
pub fn sum(table: u32, key: &str, row: &Row) -> RowSum {
    RowSum::of(table, key, row.rev, row.doc.as_deref().unwrap_or_default())
}

/// Reads a row's message back; none for anything else.
pub fn parse(message: &Message) -> Option<Seen> {
    let (first, rest) = message.content.split_once('\n')?;
    let tombstone = first
        .strip_prefix("~~**")
        .and_then(|first| first.strip_suffix(DELETED));
    let (key, rev) = match tombstone {
        Some(first) => first.rsplit_once("**~~ · rev ")?,
        None => first.strip_prefix("**")?.rsplit_once("** · rev ")?,
    };
    let stated = document_block::parse(message, rest)?;
    Some(Seen {
        key: unescape_markdown(key),
        rev: rev.parse().ok()?,
        at: stated.at,
        sum: stated.sum,
        is_tombstone: tombstone.is_some(),
        doc: stated.doc,
        file: stated.file,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::MESSAGE_CONTENT;
    use crate::text::utf16_len;
    use proptest::prelude::*;
    use serde_json::json;

    fn row(doc: &str) -> Row {
        Row::new(3, Some(doc.into()), CommitId(1_763_632_103_000, 1042))
    }

    fn message(rendered: &Rendered) -> Message {
        let url = rendered
            .file
            .as_ref()
            .map(|_| json!({"url": "https://cdn.test/1"}));
        serde_json::from_value(json!({
            "id": "1", "channel_id": "2", "author": {"id": "3"},
            "content": rendered.content, "attachments": url.into_iter().collect::<Vec<_>>(),
        }))
        .unwrap()
    }

    #[test]
    fn a_small_row_is_readable() {
        let row = row(r#"{"id":"u_1","n":1}"#);
        let rendered = render("u_1", &row, RowSum(7), Overflow::File);
        assert_eq!(
            rendered.content,
            "**u_1** · rev 3\n```json\n{\n  \"id\": \"u_1\",\n  \"n\": 1\n}\n```\n-# at 1763632103000.1042 · sum 0000000000000007"
        );
    }

    #[test]
    fn a_large_row_has_its_document_in_a_file() {
        let doc = json!({"id": "u/1", "text": "é`".repeat(2_000)}).to_string();
        let rendered = render("u/1", &row(&doc), RowSum(7), Overflow::File);
        assert!(utf16_len(&rendered.content) <= MESSAGE_CONTENT);
        let seen = parse(&message(&rendered)).unwrap();
        assert_eq!((seen.key.as_str(), seen.doc), ("u/1", None));
        assert_eq!(seen.file.as_deref(), Some("https://cdn.test/1"));
        let file = rendered.file.unwrap();
        assert_eq!(
            (file.name.as_str(), &file.bytes[..]),
            ("u_1.json", doc.as_bytes())
        );
    }

    #[test]
    fn where_files_are_refused_a_large_row_says_that_it_is_cut() {
        let doc = json!({"id": "a", "text": "x".repeat(2_000)}).to_string();
        let rendered = render("a", &row(&doc), RowSum(7), Overflow::Cut);
        assert!(rendered.content.ends_with(" · the beginning of 2020 bytes"));
        let seen = parse(&message(&rendered)).unwrap();
        assert_eq!((rendered.file, seen.doc, seen.file), (None, None, None));
    }

    #[test]
    fn other_messages_are_not_rows() {
        for content in [
            "",
            "hello",
            "**a** · rev 1",
            "**a** · rev 1\n-# at 1.2 · sum 7",
            "**a** · rev x\n-# at 1.2 · sum 0000000000000007",
        ] {
            let rendered = Rendered {
                content: content.to_owned(),
                file: None,
            };
            assert_eq!(parse(&message(&rendered)), None);
        }
    }

    proptest! {
        #[test]
        fn every_row_comes_back(
            key in r"[^\p{C}\p{Z}]{1,40}",
            text in any::<String>(),
            copies in proptest::option::of(0usize..300),
        ) {
            let doc = copies.map(|n| json!({"t": text.repeat(n)}).to_string().into_boxed_str());
            let row = Row { doc, ..row("") };
            let rendered = render(&key, &row, RowSum(9), Overflow::File);
            prop_assert!(utf16_len(&rendered.content) <= MESSAGE_CONTENT);
            let seen = parse(&message(&rendered)).unwrap();
            let (doc, file) = match &rendered.file {
                None => (row.doc.as_deref().map(str::to_owned), None),
                Some(file) => {
                    prop_assert_eq!(Some(&file.bytes[..]), row.doc.as_deref().map(str::as_bytes));
                    (None, Some("https://cdn.test/1".to_owned()))
                }
            };
            let is_tombstone = row.doc.is_none();
            let expected = Seen { key, rev: 3, at: row.at, sum: RowSum(9), is_tombstone, doc, file };
            prop_assert_eq!(seen, expected);
        }
    }
}
