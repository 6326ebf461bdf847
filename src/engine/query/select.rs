//! Which fields of a document are shown.

use serde_json::{Map, Value};

use super::json::{Json, Kind, LEVELS};
use super::path::{Path, PathError};
use crate::engine::document;
use crate::error::{Error, Result};
use crate::text::inline;

/// How many fields may be selected, at most.
pub const SELECT_FIELDS: usize = 200;

/// The fields to keep, or those to leave out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Select {
    keeps: bool,
    fields: Vec<Field>,
}

/// A field, or with `inner` the fields in it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Field {
    name: Box<str>,
    inner: Vec<Field>,
}

impl Select {
    /// Reads `a,b.c`, `-a`, `{"a":1,"b.c":1}` or `{"a":0}`. `pk` is the name of the table's key field, which
    /// is kept unless it is left out by name.
    ///
    /// # Errors
    /// Names the option, the field, and what may stand there.
    pub fn parse(option: &'static str, text: &str, pk: &str) -> Result<Select> {
        if text.trim_start().starts_with('{') {
            return Select::new(option, &document::parse_query(option, text)?, pk);
        }
        let mut wanted = Vec::new();
        for field in text.split(',').map(str::trim) {
            wanted.push(match field.strip_prefix('-') {
                Some(path) => (path.trim_start(), false),
                None => (field, true),
            });
        }
        select(option, &wanted, pk, Path::typed)
    }

    /// The same from JSON.
    ///
    /// # Errors
    /// As [`Select::parse`].
    pub fn new(option: &'static str, source: &Map<String, Value>, pk: &str) -> Result<Select> {
        let mut wanted = Vec::new();
        for (path, value) in source {
            let keeps = match (value.as_bool(), value.as_f64()) {
                (Some(keeps), _) => keeps,
                (_, Some(1.0)) => true,
                (_, Some(0.0)) => false,
                _ => {
                    let path = inline(path);
                    let given = inline(&value.to_string());
                    let message =
                        format!("`{path}` is 1, to keep it, or 0, to leave it out, not `{given}`.");
                    return Err(Error::invalid(option, message));
                }
            };
            wanted.push((path.as_str(), keeps));
        }
        select(option, &wanted, pk, Path::parse)
    }

    /// Appends a document's text with what is selected of it, fields in the document's order.
    ///
    /// Lists are entered. Where fields in a list are kept, its items that have no fields go, since nothing
    /// in them was asked for; where fields are left out, they stay.
    pub fn apply(&self, document: Json<'_>, out: &mut String) {
        if self.fields.is_empty() {
            out.push_str(document.text());
        } else {
            self.value(document, &self.fields, LEVELS, out);
        }
    }

    /// Whether a value has something left to show that is looked into for `inner`.
    fn is_shown(&self, kind: Kind) -> bool {
        !self.keeps || matches!(kind, Kind::Object | Kind::Array)
    }

    fn value(&self, value: Json<'_>, fields: &[Field], levels: usize, out: &mut String) {
        match (value.kind(), levels.checked_sub(1)) {
            (Kind::Object, Some(levels)) => self.object(value, fields, levels, out),
            (Kind::Array, Some(levels)) => {
                let mut between = '[';
                for item in value.items().filter(|item| self.is_shown(item.kind())) {
                    out.push(between);
                    self.value(item, fields, levels, out);
                    between = ',';
                }
                close(between, "[]", ']', out);
            }
            _ => out.push_str(value.text()),
        }
    }

    fn object(&self, object: Json<'_>, fields: &[Field], levels: usize, out: &mut String) {
        let mut between = '{';
        for (name, value) in object.fields() {
            let named = fields.iter().find(|field| name.eq_str(&field.name));
            let inner = named.map(|field| field.inner.as_slice());
            let is_shown = match inner {
                None => !self.keeps,
                Some([]) => self.keeps,
                Some(_) => self.is_shown(value.kind()),
            };
            if !is_shown {
                continue;
            }
            out.push(between);
            out.push('"');
            out.push_str(name.raw());
            out.push_str("\":");
            match inner {
                None | Some([]) => out.push_str(value.text()),
                Some(inner) => self.value(value, inner, levels, out),
            }
            between = ',';
        }
        close(between, "{}", '}', out);
    }
}

/// Ends an object or a list of which `between` has been written before each part.
fn close(between: char, empty: &str, closing: char, out: &mut String) {
    if between == ',' {
        out.push(closing);
    } else {
        out.push_str(empty);
    }
}

fn select(
    option: &'static str,
    wanted: &[(&str, bool)],
    pk: &str,
    parse: fn(&str) -> Result<Path, PathError>,
) -> Result<Select> {
    if wanted.len() > SELECT_FIELDS {
        let given = wanted.len();
        let message = format!("at most {SELECT_FIELDS} fields can be selected, not {given}.");
        return Err(Error::invalid(option, message));
    }
    let mut others = wanted.iter().filter(|(path, _)| *path != pk).peekable();
    let own = wanted.iter().find(|(path, _)| *path == pk);
    // The key goes along with either, so the others decide.
    let keeps = match (others.peek(), own) {
        (Some((_, keeps)), _) | (None, Some((_, keeps))) => *keeps,
        (None, None) => false,
    };
    let mut select = Select {
        keeps,
        fields: Vec::new(),
    };
    for (path, is_kept) in others {
        let shown = inline(path);
        if *is_kept != keeps {
            let message = format!(
                "`{shown}` is to be {}, fields before it are to be {}: there is only one of both.",
                if *is_kept { "kept" } else { "left out" },
                if keeps { "kept" } else { "left out" },
            );
            let hint = format!(
                "Beside fields to keep, only the key `{}` can be left out.",
                inline(pk)
            );
            return Err(Error::invalid(option, message).hint(hint));
        }
        let parsed = parse(path).map_err(|error| {
            let message = format!("`{shown}` is no path to select: {error}.");
            let example = "For example `name,address.zip`, `-notes`, or `{\"first name\":1}`.";
            Error::invalid(option, message).hint(example)
        })?;
        let names: Vec<&str> = parsed.names().collect();
        if !insert(&mut select.fields, &names) {
            let message = format!("`{shown}` stands twice, or beside a field around it or in it.");
            return Err(Error::invalid(option, message));
        }
    }
    let is_key_named = select.fields.iter().any(|field| *field.name == *pk);
    let is_key_wanted = own.is_none_or(|(_, is_kept)| *is_kept);
    if is_key_wanted == keeps && !is_key_named && (keeps || own.is_some()) {
        select.fields.push(Field {
            name: pk.into(),
            inner: Vec::new(),
        });
    }
    Ok(select)
}

/// Adds a path, unless it overlaps with one that is there.
fn insert(fields: &mut Vec<Field>, names: &[&str]) -> bool {
    let Some((name, rest)) = names.split_first() else {
        return false;
    };
    match fields.iter_mut().find(|field| *field.name == **name) {
        Some(field) => !field.inner.is_empty() && insert(&mut field.inner, rest),
        None => {
            let mut inner = Vec::new();
            let is_new = rest.is_empty() || insert(&mut inner, rest);
            let name = (*name).into();
            fields.push(Field { name, inner });
            is_new
        }
    }
}

#[cfg(test)]
mod tests;
