//! What a command must be like to be registered.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value, json};

use super::Definition;
use super::options::{self, Listed};
use crate::core::form::{Form, length};

/// Names, descriptions and values of a command together, of each localised text the longest (docs, "Registering a
/// Command").
const COMMAND_SIZE_MAX: usize = 8_000;
pub(super) const DESCRIPTION_MAX: usize = 100;
pub(super) const NAME_MAX: usize = 32;

/// Docs, "Application Command Naming".
static NAME: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$").ok());

static LOCALES: &[&str] = &[
    "id", "da", "de", "en-GB", "en-US", "es-ES", "es-419", "fr", "hr", "it", "lt", "hu", "nl",
    "no", "pl", "pt-BR", "ro", "fi", "sv-SE", "vi", "tr", "cs", "el", "bg", "ru", "uk", "hi", "th",
    "zh-CN", "ja", "zh-TW", "ko", "ar", "he",
];

/// Checks a command form; `None` when something was wrong, which is then in the form's errors. `base` are the fields of
/// the command that is edited, where one is.
pub(crate) fn check(mut form: Form<'_>, base: Option<&Definition>) -> Option<Definition> {
    let old = |field: &str| {
        base.map(|base| base.fields[field].clone())
            .filter(|value| !value.is_null())
    };
    let kind = match base {
        Some(base) => base.kind,
        None => form.choice("type", &[1, 2, 3]).unwrap_or(1),
    };
    let mut fields = Map::new();
    fields.insert("type".to_owned(), json!(kind));
    let name = match old("name").filter(|_| !form.has("name")) {
        Some(name) => name.as_str().map(str::to_owned),
        None => read_name(&mut form, kind == 1),
    };
    let mut size = name.as_deref().map_or(0, length);
    if let Some(name) = &name {
        fields.insert("name".to_owned(), json!(name));
    }
    size = size.max(read_localizations(
        &mut form,
        "name_localizations",
        &mut fields,
        NAME_MAX,
        kind == 1,
    ));
    let description = match old("description").filter(|_| !form.has("description")) {
        Some(description) => description.as_str().map(str::to_owned),
        None => read_description(&mut form, kind == 1),
    };
    let described = description.as_deref().map_or(0, length);
    fields.insert(
        "description".to_owned(),
        json!(description.clone().unwrap_or_default()),
    );
    size += described.max(read_localizations(
        &mut form,
        "description_localizations",
        &mut fields,
        DESCRIPTION_MAX,
        false,
    ));

    match old("options").filter(|_| !form.has("options")) {
        Some(options) => drop(fields.insert("options".to_owned(), options)),
        None if kind == 1 => {
            let Listed {
                options,
                size: inner,
            } = options::read(&mut form, 0);
            size += inner;
            if !options.is_empty() {
                fields.insert("options".to_owned(), Value::Array(options));
            }
        }
        None if form
            .raw("options")
            .is_some_and(|options| *options != json!([])) =>
        {
            form.fail(
                "options",
                "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
                "Context menu commands cannot have options",
            );
        }
        None => {}
    }
    read_settings(&mut form, &mut fields, base);
    if size > COMMAND_SIZE_MAX {
        let path = form.path("");
        let message = format!("Command exceeds maximum size ({COMMAND_SIZE_MAX})");
        form.errors.add(
            &path[..path.len() - 1],
            "APPLICATION_COMMAND_TOO_LARGE",
            message,
        );
    }
    if !form.errors.is_empty() {
        return None;
    }
    Some(Definition {
        kind,
        name: name?,
        fields: Value::Object(fields),
    })
}

/// Reads `name`. A slash command's and every option's must match the pattern and be lower case where its script has
/// cases.
pub(super) fn read_name(form: &mut Form<'_>, strict: bool) -> Option<String> {
    if !form.require("name") {
        return None;
    }
    let name = form.string("name", 1, NAME_MAX)?;
    if strict && !is_valid_name(&name) {
        form.fail(
            "name",
            "APPLICATION_COMMAND_INVALID_NAME",
            "Command name is invalid",
        );
        return None;
    }
    Some(name)
}

fn is_valid_name(name: &str) -> bool {
    NAME.as_ref().is_some_and(|pattern| pattern.is_match(name)) && name.to_lowercase() == name
}

pub(super) fn read_description(form: &mut Form<'_>, required: bool) -> Option<String> {
    if required {
        form.require("description")
            .then(|| form.string("description", 1, DESCRIPTION_MAX))?
    } else {
        // Context menu commands have none.
        form.string("description", 0, 0)
    }
}

/// Reads a dictionary of localised texts into `fields`, and returns the length of the longest.
pub(super) fn read_localizations(
    form: &mut Form<'_>,
    field: &str,
    fields: &mut Map<String, Value>,
    max: usize,
    names: bool,
) -> usize {
    let Some(Value::Object(texts)) = form.raw(field) else {
        if form.raw(field).is_some() {
            form.fail(
                field,
                "DICT_TYPE_CONVERT",
                "Only dictionaries may be used in a DictType",
            );
        }
        return 0;
    };
    let locales: Vec<String> = texts.keys().cloned().collect();
    let mut longest = 0;
    let mut out = Map::new();
    if let Some(mut nested) = form.nested(field) {
        for locale in locales {
            if !LOCALES.contains(&locale.as_str()) {
                nested.fail(
                    &locale,
                    "BASE_TYPE_CHOICES",
                    "Value must be one of Discord's locales.",
                );
            }
            let Some(text) = nested.string(&locale, 1, max) else {
                continue;
            };
            if names && !is_valid_name(&text) {
                nested.fail(
                    &locale,
                    "APPLICATION_COMMAND_INVALID_NAME",
                    "Command name is invalid",
                );
            }
            longest = longest.max(length(&text));
            out.insert(locale, json!(text));
        }
    }
    fields.insert(field.to_owned(), Value::Object(out));
    longest
}

fn read_settings(form: &mut Form<'_>, fields: &mut Map<String, Value>, base: Option<&Definition>) {
    let old = |field: &str| base.map_or(Value::Null, |base| base.fields[field].clone());
    let permissions = if form.has("default_member_permissions") {
        json!(
            form.bits("default_member_permissions")
                .map(|bits| bits.to_string())
        )
    } else {
        old("default_member_permissions")
    };
    fields.insert("default_member_permissions".to_owned(), permissions);
    if let Some(nsfw) = form.boolean("nsfw") {
        fields.insert("nsfw".to_owned(), json!(nsfw));
    } else {
        fields.insert(
            "nsfw".to_owned(),
            json!(old("nsfw").as_bool().unwrap_or(false)),
        );
    }
    if let Some(dm) = form.boolean("dm_permission") {
        fields.insert("dm_permission".to_owned(), json!(dm));
    }
    for (field, allowed) in [
        ("contexts", [0, 1, 2].as_slice()),
        ("integration_types", [0, 1].as_slice()),
    ] {
        let Some(items) = form.list(field, allowed.len()) else {
            if !old(field).is_null() {
                fields.insert(field.to_owned(), old(field));
            }
            continue;
        };
        let good = |item: &Value| item.as_i64().is_some_and(|n| allowed.contains(&n));
        let repeated = items
            .iter()
            .enumerate()
            .any(|(n, item)| items[..n].contains(item));
        if items.is_empty() || repeated || !items.iter().all(good) {
            form.fail(
                field,
                "BASE_TYPE_CHOICES",
                format!("Values must be distinct and of {allowed:?}."),
            );
        }
        fields.insert(field.to_owned(), json!(items));
    }
}
