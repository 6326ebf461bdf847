//! Embeds: limits, and the form in which they come back.
//!
//! Limits: docs `resources/message`, "Embed Limits".

use serde_json::{Map, Value, json};

use crate::core::form::{Form, length};
use crate::core::time::normalise_iso8601;

pub(crate) const EMBEDS_MAX: usize = 10;
const TITLE_MAX: usize = 256;
const DESCRIPTION_MAX: usize = 4_096;
const FIELDS_MAX: usize = 25;
const FIELD_NAME_MAX: usize = 256;
const FIELD_VALUE_MAX: usize = 1_024;
const FOOTER_MAX: usize = 2_048;
const AUTHOR_MAX: usize = 256;
const URL_MAX: usize = 2_048;
/// All texts of all embeds of one message together.
const TOTAL_MAX: usize = 6_000;

/// Reads `embeds` and returns them as `MessageEmbedResponse`s.
pub(crate) fn read(form: &mut Form<'_>) -> Option<Vec<Value>> {
    let items = form.list("embeds", EMBEDS_MAX)?;
    let mut total = 0;
    let mut embeds = Vec::with_capacity(items.len());
    for (n, item) in items.iter().enumerate() {
        let (embed, size) = read_one(form.item("embeds", n, item));
        total += size;
        embeds.push(embed);
    }
    if total > TOTAL_MAX {
        form.fail(
            "embeds",
            "MAX_EMBED_SIZE_EXCEEDED",
            format!("Embed size exceeds maximum size of {TOTAL_MAX}"),
        );
    }
    Some(embeds)
}

fn read_one(mut form: Form<'_>) -> (Value, usize) {
    let mut embed = Map::new();
    // Whatever the request says: an application's embeds are "rich".
    embed.insert("type".to_owned(), json!("rich"));
    let mut size = 0;
    let mut shown = false;
    for (field, max) in [("title", TITLE_MAX), ("description", DESCRIPTION_MAX)] {
        if let Some(text) = form.string(field, 0, max) {
            size += length(&text);
            shown |= put_text(&mut embed, field, &text);
        }
    }
    if let Some(url) = form.string("url", 0, URL_MAX) {
        put_url(&mut form, &mut embed, "url", &url, false);
    }
    if let Some(color) = form.integer("color", 0, 0xff_ffff) {
        embed.insert("color".to_owned(), json!(color));
    }
    if let Some(text) = form.string("timestamp", 0, 64) {
        match normalise_iso8601(&text) {
            Some(stamp) => drop(embed.insert("timestamp".to_owned(), json!(stamp))),
            None => form.fail(
                "timestamp",
                "DATE_TIME_TYPE_PARSE",
                format!("Could not parse {text}. Should be ISO8601."),
            ),
        }
    }
    if let Some(mut footer) = form.nested("footer") {
        let mut out = Map::new();
        if let Some(text) = footer.string("text", 0, FOOTER_MAX) {
            size += length(&text);
            shown |= put_text(&mut out, "text", &text);
        }
        put_icon(&mut footer, &mut out);
        if out.contains_key("text") {
            embed.insert("footer".to_owned(), Value::Object(out));
        }
    }
    if let Some(mut author) = form.nested("author") {
        let mut out = Map::new();
        if author.require("name")
            && let Some(text) = author.string("name", 0, AUTHOR_MAX)
        {
            size += length(&text);
            shown |= put_text(&mut out, "name", &text);
        }
        if let Some(url) = author.string("url", 0, URL_MAX) {
            put_url(&mut author, &mut out, "url", &url, false);
        }
        put_icon(&mut author, &mut out);
        if out.contains_key("name") {
            embed.insert("author".to_owned(), Value::Object(out));
        }
    }
    for field in ["image", "thumbnail"] {
        if let Some(mut image) = form.nested(field) {
            let mut out = Map::new();
            if let Some(url) = image.string("url", 0, URL_MAX) {
                put_url(&mut image, &mut out, "url", &url, true);
            }
            if !out.is_empty() {
                shown = true;
                embed.insert(field.to_owned(), Value::Object(out));
            }
        }
    }
    let (fields, fields_size) = read_fields(&mut form);
    size += fields_size;
    if !fields.is_empty() {
        shown = true;
        embed.insert("fields".to_owned(), Value::Array(fields));
    }
    if !shown {
        form.fail(
            "description",
            "BASE_TYPE_REQUIRED",
            "This field is required",
        );
    }
    (Value::Object(embed), size)
}

fn read_fields(form: &mut Form<'_>) -> (Vec<Value>, usize) {
    let mut fields = Vec::new();
    let mut size = 0;
    for (n, item) in form
        .list("fields", FIELDS_MAX)
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        let mut field = form.item("fields", n, item);
        let mut out = Map::new();
        for (key, max) in [("name", FIELD_NAME_MAX), ("value", FIELD_VALUE_MAX)] {
            if !field.require(key) {
                continue;
            }
            if let Some(text) = field.string(key, 0, max) {
                size += length(&text);
                if !put_text(&mut out, key, &text) {
                    field.fail(key, "BASE_TYPE_REQUIRED", "This field is required");
                }
            }
        }
        out.insert(
            "inline".to_owned(),
            json!(field.boolean("inline").unwrap_or(false)),
        );
        fields.push(Value::Object(out));
    }
    (fields, size)
}

/// Texts come back trimmed, and not at all where nothing is left.
fn put_text(out: &mut Map<String, Value>, key: &str, text: &str) -> bool {
    let text = super::content::clean(text);
    let any = !text.is_empty();
    if any {
        out.insert(key.to_owned(), json!(text));
    }
    any
}

fn put_icon(form: &mut Form<'_>, out: &mut Map<String, Value>) {
    if let Some(url) = form.string("icon_url", 0, URL_MAX) {
        put_url(form, out, "icon_url", &url, true);
    }
}

fn put_url(
    form: &mut Form<'_>,
    out: &mut Map<String, Value>,
    key: &str,
    url: &str,
    attachments: bool,
) {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    if matches!(scheme, "http" | "https") || (attachments && scheme == "attachment") {
        out.insert(key.to_owned(), json!(url));
    } else {
        let message = format!(
            "Scheme \"{scheme}\" is not supported. Scheme must be one of ('http', 'https')."
        );
        form.fail(key, "URL_TYPE_INVALID_SCHEME", message);
    }
}
