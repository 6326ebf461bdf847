//! `/dbc_databases`

use twilight_interactions::command::{CommandModel, CreateCommand};

use super::{Context, SlashCommand, manage_server};
use crate::engine::list::{Contents, Listed};
use crate::error::Result;
use crate::host::Host;
use crate::interactions::Reply;
use crate::limits::MESSAGE_CONTENT;
use crate::text::{truncate, utf16_len};

/// Characters of why a removal waits; any other command on the database says all of it.
const WHY: usize = 200;

/// List the databases of this server
#[derive(CommandModel, CreateCommand)]
#[command(
    name = "dbc_databases",
    default_permissions = "manage_server",
    contexts = "guild",
    integration_types = "guild_install"
)]
pub(super) struct Databases {}

impl SlashCommand for Databases {
    const HELP: &'static str = "By the channels that there are. How many rows a database has is known while it is open, which any other command on it sees to.";
    const EXAMPLE: &'static str = "/dbc_databases";
    const WRITES: bool = false;

    async fn run<H: Host>(self, context: Context<H>) -> Result<Reply> {
        let databases = context.engine.list().await?;
        Ok(Reply::new(describe(&databases)))
    }
}

fn describe(databases: &[Listed]) -> String {
    if databases.is_empty() {
        return "There is no database in this server. Create one with `/dbc_init`.".to_owned();
    }
    let mut text = String::new();
    for (index, database) in databases.iter().enumerate() {
        let line = line(database);
        let left = format!("… and {} more.", databases.len() - index);
        if utf16_len(&text) + utf16_len(&line) + utf16_len(&left) + 1 > MESSAGE_CONTENT {
            text.push_str(&left);
            break;
        }
        text.push_str(&line);
        text.push('\n');
    }
    text.trim_end().to_owned()
}

fn line(database: &Listed) -> String {
    let log = match database.logs.as_slice() {
        [] => "no log, or one without its mark: see `/dbc_init`".to_owned(),
        logs => {
            let logs: Vec<String> = logs.iter().map(|log| format!("<#{log}>")).collect();
            format!("log: {}", logs.join(", "))
        }
    };
    let contents = match &database.contents {
        Contents::Open { tables, rows } => format!("tables: {tables} · rows: {rows}"),
        Contents::Closed { channels } => format!("table channels: {channels} · not open now"),
        Contents::BeingRemoved { waits_for: None } => "dropped, being removed".to_owned(),
        Contents::BeingRemoved {
            waits_for: Some(why),
        } => format!("dropped, being removed, waiting: {}", truncate(why, WHY)),
    };
    format!("`{}` · {contents} · {log}", database.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_says_how_many_are_left_out() {
        let listed = |n: usize| Listed {
            name: format!("database_{n}"),
            logs: vec![u64::MAX],
            contents: Contents::Open { tables: 1, rows: 2 },
        };
        let text = describe(&(0..100).map(listed).collect::<Vec<_>>());
        assert!(utf16_len(&text) <= MESSAGE_CONTENT);
        let shown = text.lines().count() - 1;
        assert!(
            text.ends_with(&format!("… and {} more.", 100 - shown)),
            "{text}"
        );
        assert_eq!(
            describe(&[listed(7)]),
            format!("`database_7` · tables: 1 · rows: 2 · log: <#{}>", u64::MAX)
        );
    }
}
