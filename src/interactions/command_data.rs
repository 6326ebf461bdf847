//! What a command was given: its options, and the files among them.
//! <https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object-application-command-data-structure>
//!
//! Read field by field into twilight's types, since twilight's own deserializers know all of
//! Discord; `docs/decisions/0001-interaction-envelope.md` has the figures.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;
use twilight_interactions::command::CommandInputData;
use twilight_model::application::command::CommandOptionType;
use twilight_model::application::interaction::InteractionDataResolved;
use twilight_model::application::interaction::application_command::{
    CommandDataOption, CommandOptionValue,
};
use twilight_model::channel::Attachment;
use twilight_model::id::Id;
use twilight_model::id::marker::AttachmentMarker;

const STRING: u64 = 3;
const INTEGER: u64 = 4;
const BOOLEAN: u64 = 5;
const NUMBER: u64 = 10;
const ATTACHMENT: u64 = 11;

/// A command with what was typed.
#[derive(Debug, Clone, PartialEq)]
pub struct CommandData {
    pub name: String,
    pub options: Vec<CommandDataOption>,
    /// The files that options name.
    pub files: Vec<Attachment>,
}

impl CommandData {
    /// Reads an interaction's `data`.
    ///
    /// # Errors
    /// A sentence about the first thing that is wrong with it.
    pub fn read(data: &Value) -> Result<CommandData, String> {
        let options = data.get("options").and_then(Value::as_array);
        let files = data.pointer("/resolved/attachments");
        let files = files.and_then(Value::as_object).into_iter().flatten();
        Ok(CommandData {
            name: text(data, "name")?.to_owned(),
            options: options
                .into_iter()
                .flatten()
                .map(option)
                .collect::<Result<_, _>>()?,
            files: files
                .map(|(_, file)| attachment(file))
                .collect::<Result<_, _>>()?,
        })
    }
}

impl From<CommandData> for CommandInputData<'static> {
    fn from(data: CommandData) -> Self {
        let files = data.files.into_iter().map(|file| (file.id, file));
        let resolved = InteractionDataResolved {
            attachments: files.collect(),
            channels: HashMap::new(),
            members: HashMap::new(),
            messages: HashMap::new(),
            roles: HashMap::new(),
            users: HashMap::new(),
        };
        CommandInputData {
            options: data.options,
            resolved: Some(Cow::Owned(resolved)),
        }
    }
}

fn option(option: &Value) -> Result<CommandDataOption, String> {
    let name = text(option, "name")?;
    let wrong = || malformed(format_args!("the value of option {name}"));
    let value = option.get("value").unwrap_or(&Value::Null);
    let kind = option.get("type").and_then(Value::as_u64);
    let is_focused = option.get("focused").and_then(Value::as_bool);
    let value = if is_focused == Some(true) {
        // Whatever the option's type, this is what stands in the field so far.
        let typed = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        CommandOptionValue::Focused(typed, option_type(kind).ok_or_else(wrong)?)
    } else {
        let value = match kind {
            Some(STRING) => value
                .as_str()
                .map(|text| CommandOptionValue::String(text.to_owned())),
            Some(INTEGER) => value.as_i64().map(CommandOptionValue::Integer),
            Some(BOOLEAN) => value.as_bool().map(CommandOptionValue::Boolean),
            Some(NUMBER) => value.as_f64().map(CommandOptionValue::Number),
            Some(ATTACHMENT) => id(Some(value)).map(CommandOptionValue::Attachment),
            // dbcord has no options of other types.
            _ => None,
        };
        value.ok_or_else(wrong)?
    };
    Ok(CommandDataOption {
        name: name.to_owned(),
        value,
    })
}

fn option_type(kind: Option<u64>) -> Option<CommandOptionType> {
    match kind? {
        STRING => Some(CommandOptionType::String),
        INTEGER => Some(CommandOptionType::Integer),
        NUMBER => Some(CommandOptionType::Number),
        // No others can be completed.
        _ => None,
    }
}

/// <https://docs.discord.com/developers/resources/message#attachment-object>
fn attachment(file: &Value) -> Result<Attachment, String> {
    let size = file.get("size").and_then(Value::as_u64);
    Ok(Attachment {
        id: id(file.get("id")).ok_or_else(|| malformed("a file's id"))?,
        filename: text(file, "filename")?.to_owned(),
        size: size.ok_or_else(|| malformed("a file's size"))?,
        url: text(file, "url")?.to_owned(),
        // What dbcord has no use for.
        content_type: None,
        ephemeral: false,
        duration_secs: None,
        flags: None,
        description: None,
        height: None,
        placeholder: None,
        placeholder_version: None,
        proxy_url: String::new(),
        title: None,
        waveform: None,
        width: None,
    })
}

fn id(value: Option<&Value>) -> Option<Id<AttachmentMarker>> {
    Id::new_checked(value?.as_str()?.parse().ok()?)
}

fn text<'a>(value: &'a Value, field: &str) -> Result<&'a str, String> {
    let text = value.get(field).and_then(Value::as_str);
    text.ok_or_else(|| malformed(format_args!("`{field}`")))
}

fn malformed(what: impl std::fmt::Display) -> String {
    format!("The interaction is malformed: {what} is missing or of another type.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn options_of_every_type_and_files_come_through() {
        let data = CommandData::read(&json!({
            "id": "6", "name": "dbc_insert", "type": 1,
            "options": [
                {"name": "key", "type": 3, "value": "007"},
                {"name": "if_rev", "type": 4, "value": 3},
                {"name": "hard", "type": 5, "value": true},
                {"name": "share", "type": 10, "value": 0.5},
                {"name": "value_file", "type": 11, "value": "9"},
            ],
            "resolved": {
                "attachments": {"9": {"id": "9", "filename": "a.json", "size": 2, "url": "https://cdn.test/9", "new": []}},
                "users": {"1": {"whatever": "Discord adds"}},
            },
        }));
        let data = data.unwrap();
        let values: Vec<_> = data.options.iter().map(|option| &option.value).collect();
        assert_eq!(
            values,
            [
                &CommandOptionValue::String("007".into()),
                &CommandOptionValue::Integer(3),
                &CommandOptionValue::Boolean(true),
                &CommandOptionValue::Number(0.5),
                &CommandOptionValue::Attachment(Id::new(9)),
            ]
        );
        let input = CommandInputData::from(data);
        let file = input.parse_field::<Attachment>("value_file").unwrap();
        assert_eq!(file.unwrap().url, "https://cdn.test/9");
    }

    #[test]
    fn the_option_that_is_being_typed_is_known() {
        let data = json!({"name": "dbc_get", "options": [
            {"name": "table", "type": 3, "value": "us", "focused": true},
        ]});
        let data = CommandData::read(&data).unwrap();
        let focused = CommandOptionValue::Focused("us".into(), CommandOptionType::String);
        assert_eq!(data.options[0].value, focused);
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        let option = |option: Value| json!({"name": "c", "options": [option]});
        let file = json!({"9": {"id": "9", "filename": "a", "url": "u"}});
        for (data, named) in [
            (json!({}), "`name`"),
            (json!(7), "`name`"),
            (option(json!({"name": "key"})), "option key"),
            (option(json!({"type": 3, "value": "x"})), "`name`"),
            (
                option(json!({"name": "key", "type": 3, "value": 7})),
                "option key",
            ),
            (
                option(json!({"name": "rev", "type": 4, "value": 1.5})),
                "option rev",
            ),
            (
                option(json!({"name": "file", "type": 11, "value": "0"})),
                "option file",
            ),
            (
                option(json!({"name": "who", "type": 6, "value": "1"})),
                "option who",
            ),
            (
                json!({"name": "c", "resolved": {"attachments": file}}),
                "size",
            ),
        ] {
            let error = CommandData::read(&data).unwrap_err();
            assert!(error.contains(named), "{data}: {error}");
        }
    }
}
