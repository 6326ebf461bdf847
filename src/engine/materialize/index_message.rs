//! A row as a message in the channel of an index: its values there, each with the word that Discord's
//! search finds it by. First and last line are those of a row's message ([`super::row_message`]).

use super::Rendered;
use crate::discord::model::Message;
use crate::engine::digest::RowSum;
use crate::engine::index::{display, token, values};
use crate::engine::query::Json;
use crate::engine::state::{Index, Row};
use crate::limits::MESSAGE_CONTENT;
use crate::text::{escape_markdown, inline, truncate, utf16_len};

/// Characters of a value.
const SHOWN: usize = 80;
/// For the line that says that there are more.
const MORE: usize = 60;

/// Writes the message of a row that has values in the index. `link` leads to the row's own message.
pub fn render(
    index: &Index,
    key: &str,
    row: &Row,
    doc: &str,
    link: Option<&str>,
    sum: RowSum,
) -> Rendered {
    let document = Json::new(doc);
    let link = link.map_or(String::new(), |link| format!("[row](<{link}>)\n"));
    let head = format!("**{}** · rev {}\n{link}", escape_markdown(key), row.rev);
    let foot = format!("-# at {} · sum {sum}", row.at);
    let room = MESSAGE_CONTENT - utf16_len(&head) - utf16_len(&foot) - MORE;
    let values = values(&index.definition, document);
    let mut lines = String::new();
    for (at, value) in values.iter().enumerate() {
        let shown = truncate(&display(&index.definition, document, value), SHOWN);
        let line = format!("`{}` {}\n", inline(&shown), token(index.id(), value));
        if utf16_len(&lines) + utf16_len(&line) > room {
            // Whoever searches for a value that is not here searches for this word as well.
            let rest = values.len() - at;
            lines.push_str(&format!("and {rest} more {}\n", token(index.id(), &[])));
            break;
        }
        lines.push_str(&line);
    }
    Rendered {
        content: format!("{head}{lines}{foot}"),
        file: None,
    }
}

/// Channel and id of the row's own message, as an entry links to it.
pub fn row(entry: &Message) -> Option<(u64, u64)> {
    let link = entry.content.lines().nth(1)?;
    let link = link.strip_prefix("[row](<")?.strip_suffix(">)")?;
    let mut parts = link.rsplit('/').map(str::parse);
    let (message, channel) = (parts.next()?.ok()?, parts.next()?.ok()?);
    Some((channel, message))
}

#[cfg(test)]
mod tests {
    use super::super::row_message;
    use super::*;
    use crate::engine::index::Definition;
    use crate::engine::log::CommitId;
    use serde_json::json;

    fn message(content: &str) -> Message {
        serde_json::from_value(json!({
            "id": "1", "channel_id": "2", "author": {"id": "3"}, "content": content, "attachments": [],
        }))
        .unwrap()
    }

    #[test]
    fn it_says_what_it_is_found_by_and_is_known_again() {
        let definition = Definition::parse("field", "tags", false, false).unwrap();
        let index = Index::new(7, 1, definition, true, CommitId(1, 1));
        let row = Row::new(3, None, CommitId(5, 6));
        let doc = json!({"tags": ["x`y", "b"]}).to_string();
        let rendered = render(&index, "u_1", &row, &doc, Some("https://d/1"), RowSum(9));
        let lines: Vec<&str> = rendered.content.lines().collect();
        assert_eq!(lines.len(), 5, "{}", rendered.content);
        assert_eq!(lines[0], "**u_1** · rev 3");
        assert!(lines[2].starts_with("`\"b\"` dx"), "{}", lines[2]);
        let seen = row_message::parse(&message(&rendered.content)).unwrap();
        assert_eq!(
            (seen.key.as_str(), seen.at, seen.sum),
            ("u_1", row.at, RowSum(9))
        );
        assert_eq!(super::row(&message(&rendered.content)), None);
        let link = Some("https://discord.com/channels/1/22/333");
        let linked = render(&index, "u_1", &row, &doc, link, RowSum(9));
        assert_eq!(super::row(&message(&linked.content)), Some((22, 333)));

        let many: Vec<String> = (0..500).map(|n| "\u{1F600}".repeat(n)).collect();
        let doc = json!({"tags": many}).to_string();
        let key = "k".repeat(100);
        let rendered = render(&index, &key, &row, &doc, Some("https://d/1"), RowSum(9));
        assert!(utf16_len(&rendered.content) <= MESSAGE_CONTENT);
        assert!(rendered.content.contains(&token(7, &[])));
        assert!(row_message::parse(&message(&rendered.content)).is_some());
    }
}
