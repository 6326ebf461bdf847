//! `/dbc_help`

use twilight_interactions::command::{CommandModel, CreateCommand};
use twilight_model::application::command::Command;

use super::{Context, Entry, SlashCommand, Typing, manage_server, registry};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::interactions::{Choice, Reply};
use crate::text::{did_you_mean, inline};

/// Explain the commands, or one of them
#[derive(CommandModel, CreateCommand)]
#[command(
    name = "dbc_help",
    default_permissions = "manage_server",
    contexts = "guild",
    integration_types = "guild_install"
)]
pub(super) struct Help {
    /// Command to explain
    #[command(autocomplete = true)]
    command: Option<String>,
}

impl SlashCommand for Help {
    const HELP: &'static str = "Without an option it lists all commands.";
    const EXAMPLE: &'static str = "/dbc_help command:dbc_insert";
    const WRITES: bool = false;

    async fn run<H: Host>(self, _context: Context<H>) -> Result<Reply> {
        let entries = registry::<H>();
        let Some(wanted) = self.command else {
            return Ok(Reply::new(overview(&entries)));
        };
        let name = wanted.trim().trim_start_matches('/');
        match entries.iter().find(|entry| entry.name == name) {
            Some(entry) => Ok(Reply::new(explain(entry))),
            None => {
                let error = Error::new(
                    ErrorKind::NotFound,
                    format!("there is no command `{}`.", inline(name)),
                )
                .option("command");
                let names: Vec<&str> = entries.iter().map(|entry| entry.name).collect();
                let all = || "`/dbc_help` lists them all.".to_owned();
                Err(error.hint(did_you_mean(name, &names).unwrap_or_else(all)))
            }
        }
    }

    async fn complete<H: Host>(_context: Context<H>, typing: Typing) -> Vec<Choice> {
        let typed = typing.text.trim_start_matches('/').to_lowercase();
        let entries = registry::<H>();
        let matching = entries.iter().filter(|entry| entry.name.contains(&typed));
        matching
            .map(|entry| Choice {
                name: format!("/{}", entry.name),
                value: entry.name.to_owned(),
            })
            .collect()
    }
}

fn overview<H>(entries: &[Entry<H>]) -> String {
    let mut text = "dbcord keeps a document database in this server's channels.\n".to_owned();
    for entry in entries {
        let definition = (entry.definition)();
        text.push_str(&format!("`/{}` {}\n", entry.name, definition.description));
    }
    text.push_str("More about one: `/dbc_help command:…`. Not for secrets, regulated data or other people's conversations.");
    text
}

fn explain<H>(entry: &Entry<H>) -> String {
    let definition: Command = (entry.definition)();
    let mut text = format!("**/{}** {}\n", entry.name, definition.description);
    for option in &definition.options {
        let required = match option.required {
            Some(true) => "",
            _ => " (optional)",
        };
        text.push_str(&format!(
            "- `{}`{required}: {}\n",
            option.name, option.description
        ));
    }
    text.push_str(&format!("{}\nExample: `{}`", entry.help, entry.example));
    text
}
