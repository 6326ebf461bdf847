//! The parameters of a search, each held against its type and its limits.
//!
//! Types and limits: docs, "Search Guild Messages", and the OpenAPI document's `guild_search`, which also has the sets
//! (`uniqueItems`), `slop` and `offset` from 0, and how many values `has`, `author_type` and `embed_type` take. Lists are
//! repeated parameters and booleans are written as docs `reference`, "Array Query Strings" and "Boolean Query Strings", say.
//! A parameter that is no list and comes twice is refused, which is not documented.

use super::super::shown;
use crate::core::error::{ApiResult, FormErrors};
use crate::core::form::length;
use crate::core::id::Id;
use crate::core::search::filter::{AuthorType, Has, Query};
use crate::core::search::words::words;

const LIMIT_MAX: i64 = 25;
const OFFSET_MAX: i64 = 9_975;
const SLOP_MAX: i64 = 100;
const SLOP_DEFAULT: usize = 2;
const CONTENT_MAX: usize = 1_024;
const CHANNELS_MAX: usize = 500;
/// Values of any other list of ids or texts.
const LIST_MAX: usize = 100;
const FILENAME_MAX: usize = 1_024;
const TEXT_MAX: usize = 256;

const AUTHOR_TYPES: &[&str] = &["user", "bot", "webhook", "-user", "-bot", "-webhook"];
const HAS: &[&str] = &[
    "link",
    "embed",
    "file",
    "image",
    "video",
    "sound",
    "sticker",
    "poll",
    "snapshot",
    "-link",
    "-embed",
    "-file",
    "-image",
    "-video",
    "-sound",
    "-sticker",
    "-poll",
    "-snapshot",
];
const EMBED_TYPES: &[&str] = &["image", "video", "gif", "sound", "article"];

/// Reads a query string. One answer names everything that is wrong.
pub(super) fn read(pairs: &[(String, String)]) -> ApiResult<Query> {
    let mut form = Form {
        pairs,
        errors: FormErrors::default(),
    };
    let query = Query {
        limit: form.integer("limit", 1, LIMIT_MAX).unwrap_or(25),
        offset: form.integer("offset", 0, OFFSET_MAX).unwrap_or(0),
        min_id: form.id("min_id"),
        max_id: form.id("max_id"),
        slop: form.integer("slop", 0, SLOP_MAX).unwrap_or(SLOP_DEFAULT),
        // An empty text asks for nothing; one of signs alone asks for words that are nowhere. Neither is documented.
        words: form
            .text("content", CONTENT_MAX)
            .filter(|text| !text.is_empty())
            .map(|text| words(&text)),
        channels: form.ids("channel_id", CHANNELS_MAX),
        author_types: signed(form.choices("author_type", AUTHOR_TYPES), author_type),
        authors: form.ids("author_id", LIST_MAX),
        mentions: form.ids("mentions", LIST_MAX),
        mentioned_roles: form.ids("mentions_role_id", LIST_MAX),
        mention_everyone: form.boolean("mention_everyone"),
        replied_to_users: form.ids("replied_to_user_id", LIST_MAX),
        replied_to_messages: form.ids("replied_to_message_id", LIST_MAX),
        pinned: form.boolean("pinned"),
        has: signed(form.choices("has", HAS), has),
        by_embed_type: !form.choices("embed_type", EMBED_TYPES).is_empty(),
        embed_providers: form.texts("embed_provider", TEXT_MAX),
        link_hostnames: form.texts("link_hostname", TEXT_MAX),
        filenames: form.texts("attachment_filename", FILENAME_MAX),
        extensions: form.texts("attachment_extension", TEXT_MAX),
        by_relevance: form.choice("sort_by", &["timestamp", "relevance"]) == Some("relevance"),
        ascending: form.choice("sort_order", &["asc", "desc"]) == Some("asc"),
        include_nsfw: form.boolean("include_nsfw").unwrap_or(false),
    };
    form.errors.finish()?;
    Ok(query)
}

/// Docs: "all types can be negated by prefixing them with `-`".
fn signed<T>(names: Vec<&str>, read: fn(&str) -> T) -> Vec<(T, bool)> {
    let sign = |name: &str| match name.strip_prefix('-') {
        Some(name) => (read(name), false),
        None => (read(name), true),
    };
    names.into_iter().map(sign).collect()
}

fn author_type(name: &str) -> AuthorType {
    match name {
        "bot" => AuthorType::Bot,
        "webhook" => AuthorType::Webhook,
        _ => AuthorType::User,
    }
}

fn has(name: &str) -> Has {
    match name {
        "link" => Has::Link,
        "embed" => Has::Embed,
        "file" => Has::File,
        "image" => Has::Image,
        "video" => Has::Video,
        "sound" => Has::Sound,
        _ => Has::Nothing,
    }
}

/// A query string, and what was found wrong with it.
struct Form<'a> {
    pairs: &'a [(String, String)],
    errors: FormErrors,
}

impl<'a> Form<'a> {
    fn all(&self, name: &str) -> Vec<&'a str> {
        let pairs = self.pairs.iter().filter(|(key, _)| key == name);
        pairs.map(|(_, value)| value.as_str()).collect()
    }

    fn fail(&mut self, path: &[&str], code: &'static str, message: impl Into<String>) {
        let path: Vec<String> = path.iter().map(|step| (*step).to_owned()).collect();
        self.errors.add(&path, code, message);
    }

    /// The one value of a parameter that is no list.
    fn one(
        &mut self,
        name: &str,
        code: &'static str,
        message: fn(&str) -> String,
    ) -> Option<&'a str> {
        let values = self.all(name);
        if values.len() > 1 {
            self.fail(&[name], code, message(&values.join(", ")));
            return None;
        }
        values.first().copied()
    }

    fn integer(&mut self, name: &str, min: i64, max: i64) -> Option<usize> {
        let wrong = |text: &str| format!("Value \"{}\" is not int.", shown(text));
        let text = self.one(name, "NUMBER_TYPE_COERCE", wrong)?;
        match text.parse::<i64>() {
            Err(_) => self.fail(&[name], "NUMBER_TYPE_COERCE", wrong(text)),
            Ok(n) if n < min => {
                let message = format!("int value should be greater than or equal to {min}.");
                self.fail(&[name], "NUMBER_TYPE_MIN", message);
            }
            Ok(n) if n > max => {
                let message = format!("int value should be less than or equal to {max}.");
                self.fail(&[name], "NUMBER_TYPE_MAX", message);
            }
            Ok(n) => return usize::try_from(n).ok(),
        }
        None
    }

    fn boolean(&mut self, name: &str) -> Option<bool> {
        let wrong = |_: &str| "Must be either true or false.".to_owned();
        match self.one(name, "BOOLEAN_TYPE_CONVERT", wrong)? {
            "true" | "True" | "1" => Some(true),
            "false" | "False" | "0" => Some(false),
            other => {
                self.fail(&[name], "BOOLEAN_TYPE_CONVERT", wrong(other));
                None
            }
        }
    }

    fn text(&mut self, name: &str, max: usize) -> Option<String> {
        let wrong = |_: &str| "Could not convert the value to a string.".to_owned();
        let text = self.one(name, "STRING_TYPE_CONVERT", wrong)?;
        if length(text) > max {
            self.too_long(&[name], max);
        }
        Some(text.to_owned())
    }

    fn choice(&mut self, name: &str, choices: &[&str]) -> Option<&'a str> {
        let wrong = |_: &str| "Could not convert the value to a string.".to_owned();
        let value = self.one(name, "STRING_TYPE_CONVERT", wrong)?;
        if !choices.contains(&value) {
            self.no_choice(&[name], choices);
            return None;
        }
        Some(value)
    }

    fn id(&mut self, name: &str) -> Option<Id> {
        let text = self.one(name, "NUMBER_TYPE_COERCE", not_snowflake)?;
        let id = snowflake(text);
        if id.is_none() {
            self.fail(&[name], "NUMBER_TYPE_COERCE", not_snowflake(text));
        }
        id
    }

    fn ids(&mut self, name: &str, max: usize) -> Vec<Id> {
        self.list(name, max, |form, n, text| {
            let id = snowflake(text);
            if id.is_none() {
                form.fail(&[name, n], "NUMBER_TYPE_COERCE", not_snowflake(text));
            }
            id
        })
    }

    fn texts(&mut self, name: &str, max: usize) -> Vec<String> {
        self.list(name, LIST_MAX, |form, n, text| {
            if length(text) > max {
                form.too_long(&[name, n], max);
            }
            Some(text.to_owned())
        })
    }

    /// As many values as there are choices.
    fn choices(&mut self, name: &str, choices: &[&str]) -> Vec<&'a str> {
        self.list(name, choices.len(), |form, n, text| {
            if !choices.contains(&text) {
                form.no_choice(&[name, n], choices);
                return None;
            }
            Some(text)
        })
    }

    fn list<T: PartialEq>(
        &mut self,
        name: &str,
        max: usize,
        read: impl Fn(&mut Form<'a>, &str, &'a str) -> Option<T>,
    ) -> Vec<T> {
        let texts = self.all(name);
        if texts.len() > max {
            self.too_long(&[name], max);
            return Vec::new();
        }
        let mut values = Vec::new();
        for (n, text) in texts.into_iter().enumerate() {
            match read(self, &n.to_string(), text) {
                Some(value) if values.contains(&value) => {
                    let message = "The set already contains this value";
                    self.fail(&[name], "SET_TYPE_ALREADY_CONTAINS_VALUE", message);
                }
                value => values.extend(value),
            }
        }
        values
    }

    fn too_long(&mut self, path: &[&str], max: usize) {
        let message = format!("Must be {max} or fewer in length.");
        self.fail(path, "BASE_TYPE_MAX_LENGTH", message);
    }

    fn no_choice(&mut self, path: &[&str], choices: &[&str]) {
        let list: Vec<String> = choices.iter().map(|choice| format!("'{choice}'")).collect();
        let message = format!("Value must be one of ({}).", list.join(", "));
        self.fail(path, "BASE_TYPE_CHOICES", message);
    }
}

/// As the OpenAPI document's `SnowflakeType` has it: no leading zeros.
fn snowflake(text: &str) -> Option<Id> {
    let canonical =
        text == "0" || (!text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit()));
    let id = text.parse().ok().filter(|_| canonical)?;
    i64::try_from(id).ok().map(|_| Id(id))
}

fn not_snowflake(text: &str) -> String {
    format!("Value \"{}\" is not snowflake.", shown(text))
}
