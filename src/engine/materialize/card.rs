//! Cards in `#dbc-catalog`: what there is, for people to read.

use crate::engine::log::CommitId;
use crate::engine::state::{Index, Table};
use crate::text::{inline, truncate};

/// Characters of an index's paths.
const NAME: usize = 500;
const FOOTER: &str = "\n-# dbcord card · table ";

/// Writes a table's card. A table whose rows are not shown as messages has no channel.
pub fn render(name: &str, table: &Table, channel: Option<u64>) -> String {
    let rows = match channel {
        Some(channel) => format!("<#{channel}>"),
        None => "not shown as messages".to_owned(),
    };
    let damage = match table.damage {
        Some(_) => "\n⚠️ Its rows cannot be read; `/dbc_inspect` says why.",
        None => "",
    };
    let schema = table.schema.current();
    let schema = schema.map(|current| {
        format!(
            "\nSchema: version {}, {}",
            current.number,
            current.validate.as_str()
        )
    });
    let schema = schema.unwrap_or_default();
    format!(
        "**{name}** · table\nKey: `{}` · Rows: {rows}{schema}{damage}{FOOTER}{} · at {}",
        table.pk, table.id, table.created
    )
}

/// Writes an index's card.
pub fn render_index(table: &str, index: &Index, channel: Option<u64>) -> String {
    let entries = match channel {
        Some(channel) => format!("<#{channel}>"),
        None => "not shown as messages".to_owned(),
    };
    let rules = match index.definition.rules() {
        "" => String::new(),
        rules => format!(" · {rules}"),
    };
    let name = truncate(&inline(&index.definition.name()), NAME);
    format!(
        "**{table}** · index over `{name}`{rules}\nValues: {entries}{FOOTER}{} · at {}",
        index.id(),
        index.view.created
    )
}

/// The table or index that a card is about, and the commit that made it: ids of a database that was started
/// over come again.
pub fn parse(content: &str) -> Option<(u32, CommitId)> {
    let (_, footer) = content.rsplit_once(FOOTER)?;
    let (id, at) = footer.split_once(" · at ")?;
    Some((id.parse().ok()?, CommitId::parse(at)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::document::Document;
    use crate::engine::state::{Validate, Version};

    #[test]
    fn a_card_is_recognised() {
        let table = Table::new(3, "id", true, CommitId(5, 6));
        let card = render("users", &table, Some(9));
        assert_eq!(parse(&card), Some((3, CommitId(5, 6))));
        assert_eq!(
            card,
            "**users** · table\nKey: `id` · Rows: <#9>\n-# dbcord card · table 3 · at 5.6"
        );
        let unmirrored = render("users", &table, None);
        assert_eq!(parse(&unmirrored), Some((3, CommitId(5, 6))));
        let version = Version {
            number: 0,
            at: CommitId(5, 7),
            time: 8,
            user: String::new(),
            validate: Validate::Warn,
            sum: None,
            refs: Vec::new(),
            schema: Some(Document::new(&serde_json::Map::new())),
        };
        let with_schema = Table {
            schema: table.schema.with(version),
            ..table.clone()
        };
        assert_eq!(
            render("users", &with_schema, Some(9)),
            "**users** · table\nKey: `id` · Rows: <#9>\nSchema: version 1, warn\n-# dbcord card · table 3 · at 5.6"
        );
        let damaged = Table {
            damage: Some("gone".into()),
            ..table
        };
        let damaged = render("users", &damaged, Some(9));
        assert!(damaged.contains("cannot be read"), "{damaged}");
        assert_eq!(parse(&damaged), Some((3, CommitId(5, 6))));
        assert_eq!(parse("hello"), None);
    }
}
