//! An earlier revision of a row, as a message in the thread of the row's message.

use super::document_block::{self, Overflow, Rendered};
use crate::discord::model::Message;
use crate::engine::digest::RowSum;
use crate::engine::log::CommitId;
use crate::engine::state::Row;
use crate::host::UnixMillis;

const DELETED: &str = "deleted";
const UNTIL: &str = "until <t:";
const REPLACED_BY: &str = "replaced by <@";
const WITH: &str = "> with /";

/// How a revision ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// When the next revision was committed, by its writer's clock.
    pub at: UnixMillis,
    /// Who asked for the next revision, and the command that did; unknown for some.
    pub by: Option<(u64, String)>,
}

/// A history message, read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub rev: u64,
    /// The commit that made the revision.
    pub at: CommitId,
    /// Over the empty text for a revision that was a deletion.
    pub sum: RowSum,
    /// The row did not exist in this revision.
    pub is_tombstone: bool,
    /// The whole document as compact JSON, when the message has it.
    pub doc: Option<String>,
    /// The URL of the file with the document, when that is where it stands.
    pub file: Option<String>,
    /// In whole seconds.
    pub ending: Ending,
}

/// Writes the message of a revision that is no longer the row's.
pub fn render(key: &str, row: &Row, sum: RowSum, ending: &Ending, overflow: Overflow) -> Rendered {
    let mut head = format!("**rev {}**", row.rev);
    if row.doc.is_none() {
        head.push_str(&format!(" · {DELETED}"));
    }
    head.push_str(&format!(" · {UNTIL}{}:f>", ending.at / 1_000));
    if let Some((user, command)) = &ending.by {
        head.push_str(&format!(" · {REPLACED_BY}{user}{WITH}{command}"));
    }
    let name = format!("{key}.rev{}", row.rev);
    document_block::render(&head, row.doc.as_deref(), row.at, sum, &name, overflow)
}

/// Reads such a message back; none for anything else.
pub fn parse(message: &Message) -> Option<Seen> {
    let (first, rest) = message.content.split_once('\n')?;
    let mut parts = first.split(" · ").peekable();
    let rev = parts.next()?.strip_prefix("**rev ")?.strip_suffix("**")?;
    let is_tombstone = parts.next_if_eq(&DELETED).is_some();
    let until = parts.next()?.strip_prefix(UNTIL)?.strip_suffix(":f>")?;
    let by = match parts.next() {
        None => None,
        Some(part) => {
            let (user, command) = part.strip_prefix(REPLACED_BY)?.split_once(WITH)?;
            Some((user.parse().ok()?, command.to_owned()))
        }
    };
    let stated = document_block::parse(message, rest)?;
    Some(Seen {
        rev: rev.parse().ok()?,
        at: stated.at,
        sum: stated.sum,
        is_tombstone,
        doc: stated.doc,
        file: stated.file,
        ending: Ending {
            at: until.parse::<u64>().ok()?.checked_mul(1_000)?,
            by,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::MESSAGE_CONTENT;
    use crate::text::utf16_len;
    use proptest::prelude::*;
    use serde_json::json;

    fn message(rendered: &Rendered) -> Message {
        let files: Vec<_> = rendered.file.iter().collect();
        let files = files.iter().map(|_| json!({"url": "https://cdn.test/1"}));
        serde_json::from_value(json!({
            "id": "1", "channel_id": "2", "author": {"id": "3"},
            "content": rendered.content, "attachments": files.collect::<Vec<_>>(),
        }))
        .unwrap()
    }

    #[test]
    fn other_messages_are_no_history() {
        for content in [
            "",
            "hello",
            "**rev 1**\n-# at 1.2 · sum 0000000000000007",
            "**rev x** · until <t:1:f>\n-# at 1.2 · sum 0000000000000007",
            "**rev 1** · until <t:1:f> · replaced by me\n-# at 1.2 · sum 0000000000000007",
            "**rev 1** · until <t:1:f>\n-# at 1.2",
        ] {
            let message = message(&Rendered {
                content: content.to_owned(),
                file: None,
            });
            assert_eq!(parse(&message), None, "{content}");
        }
    }

    proptest! {
        #[test]
        fn every_revision_comes_back(
            rev in 1u64..1_000_000,
            seconds in 0u64..4_000_000_000,
            by in proptest::option::of((1u64.., "dbc_[a-z_]{1,12}")),
            text in any::<String>(),
            copies in proptest::option::of(0usize..300),
            refused in any::<bool>(),
        ) {
            let doc = copies.map(|n| json!({"t": text.repeat(n)}).to_string().into_boxed_str());
            let row = Row::new(rev, doc, CommitId(1_763_632_103_000, 7));
            let ending = Ending { at: seconds * 1_000, by };
            let overflow = if refused { Overflow::Cut } else { Overflow::File };
            let rendered = render("k", &row, RowSum(9), &ending, overflow);
            prop_assert!(utf16_len(&rendered.content) <= MESSAGE_CONTENT);
            let seen = parse(&message(&rendered)).unwrap();
            prop_assert_eq!((seen.rev, seen.at, seen.sum), (rev, row.at, RowSum(9)));
            prop_assert_eq!(seen.is_tombstone, row.doc.is_none());
            prop_assert_eq!(&seen.ending, &ending);
            match &rendered.file {
                Some(file) => {
                    prop_assert_eq!(Some(&file.bytes[..]), row.doc.as_deref().map(str::as_bytes));
                    prop_assert!(seen.file.is_some() && seen.doc.is_none());
                }
                None if refused && seen.doc.is_none() => prop_assert!(seen.file.is_none()),
                None => prop_assert_eq!(seen.doc.as_deref(), row.doc.as_deref()),
            }
        }
    }
}
