//! From what a person types to a command and its raw values.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::InteractionSpec;
use super::file::OptionFile;
use crate::core::commands::Command;
use crate::core::commands::options::{SUB_COMMAND, SUB_COMMAND_GROUP};
use crate::core::{Discord, Problem};

/// A command, found and with its values told apart, but not yet checked.
pub(crate) struct Invocation {
    pub(crate) command: Command,
    /// With subcommands.
    pub(crate) name: String,
    /// Group and subcommand, from the outside in.
    pub(crate) subcommands: Vec<Value>,
    /// The options that can be given.
    pub(crate) known: Vec<Value>,
    pub(crate) given: Vec<(String, Value)>,
    pub(crate) files: BTreeMap<String, OptionFile>,
    pub(crate) focused: Option<String>,
}

pub(crate) fn resolve(discord: &Discord, spec: &InteractionSpec) -> Result<Invocation, Problem> {
    let typed = match (&spec.text, &spec.command) {
        (Some(text), None) => text.trim_start(),
        (None, Some(command)) => command.trim_start(),
        _ => return Err(Problem::bad("give either text or command")),
    };
    let (name, mut rest) = word(typed.strip_prefix('/').unwrap_or(typed));
    let command = discord
        .commands
        .find(spec.guild_id, name)
        .ok_or_else(|| Problem::missing(format!("/{name} is not registered for this guild")))?
        .clone();
    let mut full_name = name.to_owned();
    let mut known = command.options().to_vec();
    let mut subcommands = Vec::new();
    while known.iter().any(is_sub) {
        let (sub, after) = word(rest);
        let found = known.iter().find(|option| option["name"] == sub);
        let Some(found) = found.cloned() else {
            return Err(Problem::bad(format!(
                "/{full_name} needs a subcommand, and {sub:?} is none"
            )));
        };
        full_name = format!("{full_name} {sub}");
        known = found["options"].as_array().cloned().unwrap_or_default();
        subcommands.push(found);
        rest = after;
    }
    let names: Vec<&str> = known
        .iter()
        .filter_map(|option| option["name"].as_str())
        .collect();
    let given = if spec.text.is_some() {
        if !spec.options.is_empty() {
            return Err(Problem::bad("options go with command, not with text"));
        }
        split_values(rest, &names)?
    } else if rest.trim().is_empty() {
        in_order(&spec.options, &names)
    } else {
        return Err(Problem::bad(format!(
            "{:?} after the command; values go into options",
            rest.trim()
        )));
    };
    Ok(Invocation {
        command,
        name: full_name,
        subcommands,
        known,
        given,
        files: spec.files.clone(),
        focused: spec.autocomplete.clone(),
    })
}

fn is_sub(option: &Value) -> bool {
    matches!(
        option["type"].as_i64(),
        Some(SUB_COMMAND | SUB_COMMAND_GROUP)
    )
}

fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()))
}

/// Splits `a:1 b:two words c:{"d": 1}` at the known option names. A value runs until the next blank that is followed by
/// a known name and a colon, so it may hold blanks, colons, line feeds and JSON. A name that had its value already is
/// text like any other.
fn split_values(text: &str, names: &[&str]) -> Result<Vec<(String, Value)>, Problem> {
    let text = text.trim();
    let mut starts: Vec<(usize, &str)> = Vec::new();
    for (at, _) in text.char_indices() {
        if at > 0 && !text[..at].ends_with(' ') {
            continue;
        }
        let here = names.iter().find(|name| {
            let has_value = starts.iter().any(|(_, known)| known == *name);
            let rest = text[at..].strip_prefix(**name);
            !has_value && rest.is_some_and(|rest| rest.starts_with(':'))
        });
        if let Some(name) = here {
            starts.push((at, name));
        }
    }
    if starts.first().map_or(!text.is_empty(), |(at, _)| *at > 0) {
        let (unknown, _) = word(text);
        let list = if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        };
        return Err(Problem::bad(format!(
            "{unknown:?} is not one of this command's options ({list})"
        )));
    }
    let mut values = Vec::with_capacity(starts.len());
    for (n, (at, name)) in starts.iter().enumerate() {
        let end = starts.get(n + 1).map_or(text.len(), |(next, _)| *next);
        let value = text[at + name.len() + 1..end].trim();
        values.push(((*name).to_owned(), Value::String(value.to_owned())));
    }
    Ok(values)
}

/// Known options in the order in which the command declares them, unknown ones after.
fn in_order(options: &Map<String, Value>, names: &[&str]) -> Vec<(String, Value)> {
    let mut given: Vec<_> = options
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    given.sort_by_key(|(name, _)| {
        names
            .iter()
            .position(|known| known == name)
            .unwrap_or(names.len())
    });
    given
}
