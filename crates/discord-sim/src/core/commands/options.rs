//! Options of commands: docs `interactions/application-commands`, "Application Command Option Structure".

use serde_json::{Map, Value, json};

use super::check::{DESCRIPTION_MAX, NAME_MAX, read_description, read_localizations, read_name};
use crate::core::form::{Form, length};

const OPTIONS_MAX: usize = 25;
const CHOICES_MAX: usize = 25;
const CHOICE_NAME_MAX: usize = 100;
/// Docs, "Application Command Option Choice Structure".
const CHOICE_VALUE_MAX: usize = 100;
/// Longest string option.
const STRING_MAX: i64 = 6_000;
/// Integers of options lie between minus and plus this.
pub(crate) const INTEGER_MAX: i64 = (1 << 53) - 1;

pub(crate) const SUB_COMMAND: i64 = 1;
pub(crate) const SUB_COMMAND_GROUP: i64 = 2;
pub(crate) const STRING: i64 = 3;
pub(crate) const INTEGER: i64 = 4;
pub(crate) const BOOLEAN: i64 = 5;
pub(crate) const USER: i64 = 6;
pub(crate) const CHANNEL: i64 = 7;
pub(crate) const ROLE: i64 = 8;
pub(crate) const MENTIONABLE: i64 = 9;
pub(crate) const NUMBER: i64 = 10;
pub(crate) const ATTACHMENT: i64 = 11;

/// Options that were read, and the characters that they count towards the command's size.
pub(super) struct Listed {
    pub(super) options: Vec<Value>,
    pub(super) size: usize,
}

/// Reads `options`. `depth` is 0 in a command, 1 in a subcommand group, 2 in a subcommand.
pub(super) fn read(form: &mut Form<'_>, depth: u8) -> Listed {
    let items = form.list("options", OPTIONS_MAX).unwrap_or_default();
    let mut listed = Listed {
        options: Vec::with_capacity(items.len()),
        size: 0,
    };
    let mut names: Vec<String> = Vec::new();
    let mut optional_seen = false;
    let mut kinds = (false, false);
    for (n, item) in items.iter().enumerate() {
        let (option, size) = read_one(form.item("options", n, item), depth);
        listed.size += size;
        let kind = option["type"].as_i64().unwrap_or(0);
        let sub = kind == SUB_COMMAND || kind == SUB_COMMAND_GROUP;
        kinds = (kinds.0 || sub, kinds.1 || !sub);
        let required = option["required"] == json!(true);
        if required && optional_seen {
            let message = "Required options must be placed before non-required options";
            form.item("options", n, item).fail(
                "required",
                "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
                message,
            );
        }
        optional_seen |= !required;
        if let Some(name) = option["name"].as_str() {
            if names.iter().any(|other| other == name) {
                let message = "Option name already exists";
                form.item("options", n, item).fail(
                    "name",
                    "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS",
                    message,
                );
            }
            names.push(name.to_owned());
        }
        listed.options.push(option);
    }
    if kinds == (true, true) {
        let message = "Sub-command and sub-command group option types are mutually exclusive to all other types";
        form.fail(
            "options",
            "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
            message,
        );
    }
    listed
}

fn read_one(mut form: Form<'_>, depth: u8) -> (Value, usize) {
    let mut out = Map::new();
    form.require("type");
    let kind = form
        .choice("type", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
        .unwrap_or(0);
    out.insert("type".to_owned(), json!(kind));
    let misplaced = match kind {
        SUB_COMMAND => depth > 1,
        SUB_COMMAND_GROUP => depth > 0,
        _ => depth == 1,
    };
    if misplaced {
        form.fail(
            "type",
            "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
            "This type cannot stand here",
        );
    }
    let mut size = 0;
    if let Some(name) = read_name(&mut form, true) {
        size += length(&name);
        out.insert("name".to_owned(), json!(name));
    }
    size = size.max(read_localizations(
        &mut form,
        "name_localizations",
        &mut out,
        NAME_MAX,
        true,
    ));
    let description = read_description(&mut form, true);
    let described = description.as_deref().map_or(0, length);
    if let Some(description) = description {
        out.insert("description".to_owned(), json!(description));
    }
    size += described.max(read_localizations(
        &mut form,
        "description_localizations",
        &mut out,
        DESCRIPTION_MAX,
        false,
    ));
    if let Some(required) = form.boolean("required") {
        if kind == SUB_COMMAND || kind == SUB_COMMAND_GROUP {
            form.fail(
                "required",
                "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
                "Sub-commands cannot be required",
            );
        } else if required {
            out.insert("required".to_owned(), json!(true));
        }
    }
    match kind {
        SUB_COMMAND | SUB_COMMAND_GROUP => {
            let inner = read(&mut form, if kind == SUB_COMMAND { 2 } else { 1 });
            size += inner.size;
            out.insert("options".to_owned(), Value::Array(inner.options));
        }
        STRING => read_string_limits(&mut form, &mut out),
        INTEGER => read_integer_limits(&mut form, &mut out),
        NUMBER => read_number_limits(&mut form, &mut out),
        CHANNEL => {
            if let Some(kinds) = form.list("channel_types", 13) {
                out.insert("channel_types".to_owned(), json!(kinds));
            }
        }
        _ => {}
    }
    size += read_choices(&mut form, &mut out, kind);
    (Value::Object(out), size)
}

fn read_string_limits(form: &mut Form<'_>, out: &mut Map<String, Value>) {
    let min = form.integer("min_length", 0, STRING_MAX);
    let max = form.integer("max_length", 1, STRING_MAX);
    put_limits(
        form,
        out,
        ("min_length", min.map(Value::from)),
        ("max_length", max.map(Value::from)),
        min > max && max.is_some(),
    );
}

fn read_integer_limits(form: &mut Form<'_>, out: &mut Map<String, Value>) {
    let min = form.integer("min_value", -INTEGER_MAX, INTEGER_MAX);
    let max = form.integer("max_value", -INTEGER_MAX, INTEGER_MAX);
    put_limits(
        form,
        out,
        ("min_value", min.map(Value::from)),
        ("max_value", max.map(Value::from)),
        min > max && max.is_some(),
    );
}

fn read_number_limits(form: &mut Form<'_>, out: &mut Map<String, Value>) {
    let mut read = |field: &str| {
        let value = form.raw(field)?;
        if value.as_f64().is_none() {
            form.fail(field, "FLOAT_TYPE_COERCE", "Value is not a float.");
        }
        value.as_f64()
    };
    let (min, max) = (read("min_value"), read("max_value"));
    let swapped = matches!((min, max), (Some(min), Some(max)) if min > max);
    put_limits(
        form,
        out,
        ("min_value", min.map(Value::from)),
        ("max_value", max.map(Value::from)),
        swapped,
    );
}

fn put_limits(
    form: &mut Form<'_>,
    out: &mut Map<String, Value>,
    min: (&'static str, Option<Value>),
    max: (&'static str, Option<Value>),
    swapped: bool,
) {
    if swapped {
        form.fail(
            max.0,
            "NUMBER_TYPE_MIN",
            format!("The value must not be below {}.", min.0),
        );
    }
    for (field, value) in [min, max] {
        if let Some(value) = value {
            out.insert(field.to_owned(), value);
        }
    }
}

fn read_choices(form: &mut Form<'_>, out: &mut Map<String, Value>, kind: i64) -> usize {
    let choosable = matches!(kind, STRING | INTEGER | NUMBER);
    let autocomplete = form.boolean("autocomplete").unwrap_or(false);
    if autocomplete {
        out.insert("autocomplete".to_owned(), json!(true));
    }
    let items = form.list("choices", CHOICES_MAX).unwrap_or_default();
    if (autocomplete || !items.is_empty()) && !choosable {
        let field = if autocomplete {
            "autocomplete"
        } else {
            "choices"
        };
        form.fail(
            field,
            "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
            "This type has neither choices nor autocomplete",
        );
    }
    if autocomplete && !items.is_empty() {
        let message = "Autocomplete cannot be set to true if options are present";
        form.fail(
            "autocomplete",
            "APPLICATION_COMMAND_AUTOCOMPLETE_INVALID",
            message,
        );
    }
    let mut size = 0;
    let mut choices: Vec<Value> = Vec::with_capacity(items.len());
    for (n, item) in items.iter().enumerate() {
        let mut choice = form.item("choices", n, item);
        let mut fields = Map::new();
        choice.require("name");
        let name = choice.string("name", 1, CHOICE_NAME_MAX);
        let named = name.as_deref().map_or(0, length);
        size += named.max(read_localizations(
            &mut choice,
            "name_localizations",
            &mut fields,
            CHOICE_NAME_MAX,
            false,
        ));
        choice.require("value");
        let value = read_choice_value(&mut choice, kind);
        if let Some(Value::String(text)) = &value {
            size += length(text);
        }
        if choices
            .iter()
            .any(|other| other["name"] == json!(name) || Some(&other["value"]) == value.as_ref())
        {
            choice.fail(
                "name",
                "APPLICATION_COMMAND_OPTIONS_CHOICE_NAME_ALREADY_EXISTS",
                "Option choice already exists",
            );
        }
        fields.insert("name".to_owned(), json!(name));
        fields.insert("value".to_owned(), json!(value));
        choices.push(Value::Object(fields));
    }
    if !choices.is_empty() {
        out.insert("choices".to_owned(), Value::Array(choices));
    }
    size
}

/// A choice's value, of the option's type.
pub(crate) fn read_choice_value(form: &mut Form<'_>, kind: i64) -> Option<Value> {
    match kind {
        INTEGER => form
            .integer("value", -INTEGER_MAX, INTEGER_MAX)
            .map(Value::from),
        NUMBER => {
            let value = form.raw("value")?;
            if value.as_f64().is_none() {
                form.fail("value", "FLOAT_TYPE_COERCE", "Value is not a float.");
            }
            value.as_f64().map(Value::from)
        }
        _ => form.string("value", 1, CHOICE_VALUE_MAX).map(Value::from),
    }
}
