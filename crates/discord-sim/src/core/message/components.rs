//! Message components: action rows of buttons and select menus.
//!
//! Checked for shape and limits (docs `components/reference`); the newer layout components (IS_COMPONENTS_V2) are
//! refused.

use serde_json::{Map, Value, json};

use crate::core::form::Form;

const ROWS_MAX: usize = 5;
const BUTTONS_MAX: usize = 5;
const CUSTOM_ID_MAX: usize = 100;
const LABEL_MAX: usize = 80;
const OPTIONS_MAX: usize = 25;

/// Reads `components` and returns them as they come back, with their numeric ids filled in.
pub(crate) fn read(form: &mut Form<'_>) -> Option<Vec<Value>> {
    let rows = form.list("components", ROWS_MAX)?;
    let mut next_id = 0;
    let mut custom_ids = Vec::new();
    let mut out = Vec::with_capacity(rows.len());
    for (n, row) in rows.iter().enumerate() {
        let mut row = form.item("components", n, row);
        row.require("type");
        row.choice("type", &[1]);
        row.require("components");
        next_id += 1;
        let row_id = next_id;
        let mut inner = Vec::new();
        for (m, component) in row
            .list("components", BUTTONS_MAX)
            .unwrap_or_default()
            .iter()
            .enumerate()
        {
            next_id += 1;
            inner.push(read_component(
                row.item("components", m, component),
                next_id,
                &mut custom_ids,
            ));
        }
        if inner.is_empty() {
            row.fail(
                "components",
                "BASE_TYPE_BAD_LENGTH",
                format!("Must be between 1 and {BUTTONS_MAX} in length."),
            );
        }
        out.push(json!({"type": 1, "id": row_id, "components": inner}));
    }
    Some(out)
}

fn read_component(mut form: Form<'_>, id: u32, custom_ids: &mut Vec<String>) -> Value {
    let mut out = Map::new();
    out.insert("id".to_owned(), json!(id));
    form.require("type");
    let Some(kind) = form.choice("type", &[2, 3, 5, 6, 7, 8]) else {
        return Value::Object(out);
    };
    out.insert("type".to_owned(), json!(kind));
    if let Some(disabled) = form.boolean("disabled") {
        out.insert("disabled".to_owned(), json!(disabled));
    }
    if kind == 2 {
        form.require("style");
        let style = form.choice("style", &[1, 2, 3, 4, 5]).unwrap_or(1);
        out.insert("style".to_owned(), json!(style));
        if let Some(label) = form.string("label", 0, LABEL_MAX) {
            out.insert("label".to_owned(), json!(label));
        }
        if let Some(mut emoji) = form.nested("emoji") {
            let name = emoji.string("name", 0, 32);
            out.insert(
                "emoji".to_owned(),
                json!({"name": name.unwrap_or_default()}),
            );
        }
        if style == 5 {
            form.require("url");
            if let Some(url) = form.string("url", 1, 512) {
                out.insert("url".to_owned(), json!(url));
            }
            return Value::Object(out);
        }
    } else {
        if let Some(text) = form.string("placeholder", 0, 150) {
            out.insert("placeholder".to_owned(), json!(text));
        }
        for (field, min) in [("min_values", 0), ("max_values", 1)] {
            let value = form.integer(field, min, 25).unwrap_or(1);
            out.insert(field.to_owned(), json!(value));
        }
        if kind == 3 {
            form.require("options");
            out.insert("options".to_owned(), Value::Array(read_options(&mut form)));
        }
    }
    form.require("custom_id");
    if let Some(custom_id) = form.string("custom_id", 1, CUSTOM_ID_MAX) {
        if custom_ids.contains(&custom_id) {
            form.fail(
                "custom_id",
                "COMPONENT_CUSTOM_ID_DUPLICATED",
                "Component custom id cannot be duplicated",
            );
        }
        custom_ids.push(custom_id.clone());
        out.insert("custom_id".to_owned(), json!(custom_id));
    }
    Value::Object(out)
}

fn read_options(form: &mut Form<'_>) -> Vec<Value> {
    let mut out = Vec::new();
    for (n, option) in form
        .list("options", OPTIONS_MAX)
        .unwrap_or_default()
        .iter()
        .enumerate()
    {
        let mut option = form.item("options", n, option);
        let mut fields = Map::new();
        for (field, required) in [("label", true), ("value", true), ("description", false)] {
            if required {
                option.require(field);
            }
            if let Some(text) = option.string(field, 1, 100) {
                fields.insert(field.to_owned(), json!(text));
            }
        }
        if let Some(default) = option.boolean("default") {
            fields.insert("default".to_owned(), json!(default));
        }
        out.push(Value::Object(fields));
    }
    out
}
