//! Checking and typing the values of a command, as Discord's client does before it sends anything.

use std::collections::BTreeMap;

use serde::Deserialize as _;
use serde_json::{Map, Value, json};

use super::file::OptionFile;
use super::text::Invocation;
use crate::core::commands::options::{
    ATTACHMENT, BOOLEAN, CHANNEL, INTEGER, INTEGER_MAX, MENTIONABLE, NUMBER, ROLE, STRING, USER,
};
use crate::core::form::length;
use crate::core::id::Id;
use crate::core::{Discord, Problem};

const STRING_MAX: usize = 6_000;

/// The `data` of an interaction.
pub(super) struct Data {
    pub(super) json: Value,
    /// Set for autocomplete.
    pub(super) focused_kind: Option<i64>,
}

/// The objects that options refer to by id.
#[derive(Default)]
struct Resolved(Map<String, Value>);

impl Resolved {
    fn put(&mut self, kind: &str, id: Id, value: Value) {
        let group = self.0.entry(kind).or_insert_with(|| json!({}));
        group[id.to_string()] = value;
    }
}

pub(super) fn fill(
    discord: &mut Discord,
    now: u64,
    guild: Id,
    channel: Id,
    invocation: &Invocation,
) -> Result<Data, Problem> {
    unused_file(invocation)?;
    let mut resolved = Resolved::default();
    let mut options: Vec<Value> = Vec::new();
    let mut focused_kind = None;
    for (n, (name, raw)) in invocation.given.iter().enumerate() {
        let known = invocation
            .known
            .iter()
            .find(|option| option["name"] == *name);
        let known = known.ok_or_else(|| problem(name, "is not an option of this command"))?;
        if invocation.given[..n].iter().any(|(other, _)| other == name) {
            return Err(problem(name, "is given twice"));
        }
        let kind = known["type"].as_i64().unwrap_or(STRING);
        let focused = invocation.focused.as_deref() == Some(name.as_str());
        let mut place = Place {
            discord,
            now,
            guild,
            channel,
            files: &invocation.files,
            resolved: &mut resolved,
        };
        // While it is typed, a value is text, whatever it is to become.
        let value = if focused {
            json!(as_text(raw))
        } else {
            place.convert(known, kind, name, raw)?
        };
        let mut option = json!({"name": name, "type": kind, "value": value});
        if focused {
            focused_kind = Some(kind);
            option["focused"] = json!(true);
        }
        options.push(option);
    }
    if let Some(name) = &invocation.focused {
        let known = invocation
            .known
            .iter()
            .find(|option| option["name"] == *name);
        let known = known.ok_or_else(|| problem(name, "is not an option of this command"))?;
        if known["autocomplete"] != json!(true) {
            return Err(problem(name, "has no autocomplete"));
        }
        if focused_kind.is_none() {
            let kind = known["type"].as_i64().unwrap_or(STRING);
            focused_kind = Some(kind);
            options.push(json!({"name": name, "type": kind, "value": "", "focused": true}));
        }
    } else {
        for option in invocation
            .known
            .iter()
            .filter(|option| option["required"] == json!(true))
        {
            let name = option["name"].as_str().unwrap_or_default();
            if !invocation.given.iter().any(|(given, _)| given == name) {
                return Err(problem(name, "is required"));
            }
        }
    }
    for sub in invocation.subcommands.iter().rev() {
        options = vec![json!({"name": sub["name"], "type": sub["type"], "options": options})];
    }
    let command = &invocation.command;
    let mut data =
        json!({"id": command.id, "name": command.definition.name, "type": command.definition.kind});
    if !options.is_empty() {
        data["options"] = json!(options);
    }
    if !resolved.0.is_empty() {
        data["resolved"] = Value::Object(resolved.0);
    }
    if let Some(guild) = command.scope {
        data["guild_id"] = json!(guild);
    }
    Ok(Data {
        json: data,
        focused_kind,
    })
}

/// A file that no option names is a slip of whoever wrote the call.
fn unused_file(invocation: &Invocation) -> Result<(), Problem> {
    let is_named = |name: &str| {
        let value = format!("@{name}");
        invocation.given.iter().any(|(_, given)| *given == *value)
    };
    match invocation.files.keys().find(|name| !is_named(name)) {
        Some(name) => Err(Problem::bad(format!(
            "no option's value is @{name}, and yet there is such a file"
        ))),
        None => Ok(()),
    }
}

fn problem(name: &str, text: impl std::fmt::Display) -> Problem {
    Problem::bad(format!("option {name}: {text}"))
}

fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Where a value is looked up.
struct Place<'a> {
    discord: &'a mut Discord,
    now: u64,
    guild: Id,
    channel: Id,
    files: &'a BTreeMap<String, OptionFile>,
    resolved: &'a mut Resolved,
}

impl Place<'_> {
    fn convert(
        &mut self,
        known: &Value,
        kind: i64,
        name: &str,
        raw: &Value,
    ) -> Result<Value, Problem> {
        let choices = known["choices"].as_array().map_or(&[][..], Vec::as_slice);
        if !choices.is_empty() {
            let text = as_text(raw);
            let chosen = choices
                .iter()
                .find(|choice| choice["name"] == *text || as_text(&choice["value"]) == text);
            return match chosen {
                Some(choice) => Ok(choice["value"].clone()),
                None => Err(problem(name, format!("{text:?} is none of its choices"))),
            };
        }
        match kind {
            STRING => string(known, name, raw),
            INTEGER => integer(known, name, raw),
            NUMBER => number(known, name, raw),
            BOOLEAN => match as_text(raw).to_ascii_lowercase().as_str() {
                "true" => Ok(json!(true)),
                "false" => Ok(json!(false)),
                other => Err(problem(
                    name,
                    format!("{other:?} is neither true nor false"),
                )),
            },
            USER => self
                .user(&as_text(raw))
                .ok_or_else(|| problem(name, "no such user")),
            CHANNEL => self
                .channel(&as_text(raw))
                .ok_or_else(|| problem(name, "no such channel")),
            ROLE => self
                .role(&as_text(raw))
                .ok_or_else(|| problem(name, "no such role")),
            MENTIONABLE => {
                let text = as_text(raw);
                self.user(&text)
                    .or_else(|| self.role(&text))
                    .ok_or_else(|| problem(name, "no such user or role"))
            }
            ATTACHMENT => self.attachment(name, raw),
            _ => Err(problem(name, "has a type that takes no value")),
        }
    }

    fn user(&mut self, text: &str) -> Option<Value> {
        let guild = self.discord.guilds.get(&self.guild)?;
        let wanted = mention(text, &["<@!", "<@"]);
        let matches = |user: &&crate::core::guild::User| {
            guild.members.contains_key(&user.id)
                && (wanted == Some(user.id) || text.strip_prefix('@').unwrap_or(text) == user.name)
        };
        let user = self.discord.users.values().find(matches)?;
        let mut member = guild.members.get(&user.id)?.json(user);
        let bits = self
            .discord
            .channels
            .get(&self.channel)
            .map_or(0, |c| self.discord.permissions_in(c, user.id));
        if let Value::Object(fields) = &mut member {
            for field in ["user", "deaf", "mute"] {
                fields.remove(field);
            }
        }
        member["permissions"] = json!(bits.to_string());
        self.resolved.put("users", user.id, user.json());
        self.resolved.put("members", user.id, member);
        Some(json!(user.id))
    }

    fn channel(&mut self, text: &str) -> Option<Value> {
        let wanted = mention(text, &["<#"]);
        let name = text.strip_prefix('#').unwrap_or(text);
        let channels = self.discord.guild_channels(self.guild);
        let channel = channels
            .into_iter()
            .find(|channel| wanted == Some(channel.id) || channel.name == name)?;
        let bot = self.discord.application.bot_user_id;
        self.resolved
            .put("channels", channel.id, channel.interaction_json(bot, 0));
        Some(json!(channel.id))
    }

    fn role(&mut self, text: &str) -> Option<Value> {
        let guild = self.discord.guilds.get(&self.guild)?;
        let wanted = mention(text, &["<@&"]);
        let name = text.strip_prefix('@').unwrap_or(text);
        let role = guild
            .roles
            .values()
            .find(|role| wanted == Some(role.id) || role.name == name)?;
        self.resolved.put("roles", role.id, role.json());
        Some(json!(role.id))
    }

    fn attachment(&mut self, name: &str, raw: &Value) -> Result<Value, Problem> {
        let file = match raw {
            Value::String(text) => {
                let known = text.strip_prefix('@').and_then(|file| self.files.get(file));
                let wrong = || problem(name, format!("{text:?} is not @ and a name in files"));
                known.cloned().ok_or_else(wrong)?
            }
            other => OptionFile::deserialize(other).map_err(|error| problem(name, error))?,
        };
        if file.data.is_empty() {
            return Err(problem(name, "the file is empty"));
        }
        let max = self.discord.config.attachment_bytes_max;
        if file.data.len() > max {
            let text = format!(
                "the file has {} bytes, and {max} are allowed",
                file.data.len()
            );
            return Err(problem(name, text));
        }
        let file = self
            .discord
            .store_option_file(self.now, self.channel, &file);
        self.resolved.put(
            "attachments",
            file.id,
            file.json(self.channel, self.now, &self.discord.urls),
        );
        Ok(json!(file.id))
    }
}

/// An id, bare or as it stands in a mention.
fn mention(text: &str, starts: &[&str]) -> Option<Id> {
    let inner = starts
        .iter()
        .find_map(|start| text.strip_prefix(start)?.strip_suffix('>'));
    inner.unwrap_or(text).parse().ok()
}

fn string(known: &Value, name: &str, raw: &Value) -> Result<Value, Problem> {
    let Value::String(text) = raw else {
        return Err(problem(name, "must be a string"));
    };
    let limit = |field: &str| {
        known[field]
            .as_u64()
            .and_then(|limit| usize::try_from(limit).ok())
    };
    let (min, max) = (
        limit("min_length").unwrap_or(1).max(1),
        limit("max_length").unwrap_or(STRING_MAX),
    );
    let count = length(text);
    if count < min || count > max.min(STRING_MAX) {
        return Err(problem(
            name,
            format!("has {count} characters, not {min} to {max}"),
        ));
    }
    Ok(json!(text))
}

fn integer(known: &Value, name: &str, raw: &Value) -> Result<Value, Problem> {
    let value = match raw {
        Value::Number(number) => number.as_i64(),
        other => as_text(other).parse().ok(),
    };
    let value = value.ok_or_else(|| problem(name, "must be an integer"))?;
    let min = known["min_value"].as_i64().unwrap_or(-INTEGER_MAX);
    let max = known["max_value"].as_i64().unwrap_or(INTEGER_MAX);
    if value < min || value > max {
        return Err(problem(
            name,
            format!("{value} is not between {min} and {max}"),
        ));
    }
    Ok(json!(value))
}

fn number(known: &Value, name: &str, raw: &Value) -> Result<Value, Problem> {
    let value: Option<f64> = match raw {
        Value::Number(number) => number.as_f64(),
        other => as_text(other).parse().ok(),
    };
    let value = value
        .filter(|value| value.is_finite())
        .ok_or_else(|| problem(name, "must be a number"))?;
    let min = known["min_value"]
        .as_f64()
        .unwrap_or(-9_007_199_254_740_991.0);
    let max = known["max_value"]
        .as_f64()
        .unwrap_or(9_007_199_254_740_991.0);
    if value < min || value > max {
        return Err(problem(
            name,
            format!("{value} is not between {min} and {max}"),
        ));
    }
    Ok(json!(value))
}
