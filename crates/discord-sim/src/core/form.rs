//! Reading request forms: typed fields, with every fault noted under its path.

use serde_json::{Map, Value};

use super::error::FormErrors;
use super::id::Id;

/// Length as Discord is assumed to count it: UTF-16 code units, the strictest of the plausible measures.
pub(crate) fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// A JSON object of a request, and where in the request it stands.
pub(crate) struct Form<'a> {
    fields: &'a Map<String, Value>,
    path: Vec<String>,
    pub(crate) errors: &'a mut FormErrors,
}

static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);

impl<'a> Form<'a> {
    /// A value that is not an object is noted as such and read as an empty one.
    pub(crate) fn new(value: &'a Value, path: Vec<String>, errors: &'a mut FormErrors) -> Form<'a> {
        let fields = match value {
            Value::Object(fields) => fields,
            _ => {
                errors.add(
                    &path,
                    "DICT_TYPE_CONVERT",
                    "Only dictionaries may be used in a DictType",
                );
                &EMPTY
            }
        };
        Form {
            fields,
            path,
            errors,
        }
    }

    pub(crate) fn path(&self, field: &str) -> Vec<String> {
        let mut path = self.path.clone();
        path.push(field.to_owned());
        path
    }

    pub(crate) fn fail(&mut self, field: &str, code: &'static str, message: impl Into<String>) {
        let path = self.path(field);
        self.errors.add(&path, code, message);
    }

    /// Whether the field was sent at all, `null` included.
    pub(crate) fn has(&self, field: &str) -> bool {
        self.fields.contains_key(field)
    }

    /// The field, unless absent or `null`.
    pub(crate) fn raw(&self, field: &str) -> Option<&'a Value> {
        self.fields.get(field).filter(|value| !value.is_null())
    }

    pub(crate) fn require(&mut self, field: &str) -> bool {
        let there = self.raw(field).is_some();
        if !there {
            self.fail(field, "BASE_TYPE_REQUIRED", "This field is required");
        }
        there
    }

    pub(crate) fn string(&mut self, field: &str, min: usize, max: usize) -> Option<String> {
        let value = self.raw(field)?;
        let Value::String(text) = value else {
            self.fail(
                field,
                "STRING_TYPE_CONVERT",
                "Could not convert the value to a string.",
            );
            return None;
        };
        let count = length(text);
        if count < min || count > max {
            if min > 0 {
                self.fail(
                    field,
                    "BASE_TYPE_BAD_LENGTH",
                    format!("Must be between {min} and {max} in length."),
                );
            } else {
                self.fail(
                    field,
                    "BASE_TYPE_MAX_LENGTH",
                    format!("Must be {max} or fewer in length."),
                );
            }
            return None;
        }
        Some(text.clone())
    }

    pub(crate) fn boolean(&mut self, field: &str) -> Option<bool> {
        match self.raw(field)? {
            Value::Bool(flag) => Some(*flag),
            _ => {
                self.fail(
                    field,
                    "BOOLEAN_TYPE_CONVERT",
                    "Must be either true or false.",
                );
                None
            }
        }
    }

    pub(crate) fn integer(&mut self, field: &str, min: i64, max: i64) -> Option<i64> {
        let value = self.raw(field)?;
        let Some(number) = value.as_i64() else {
            self.fail(
                field,
                "NUMBER_TYPE_COERCE",
                format!("Value \"{}\" is not int.", shorten(value)),
            );
            return None;
        };
        if number < min {
            self.fail(
                field,
                "NUMBER_TYPE_MIN",
                format!("int value should be greater than or equal to {min}."),
            );
            return None;
        }
        if number > max {
            self.fail(
                field,
                "NUMBER_TYPE_MAX",
                format!("int value should be less than or equal to {max}."),
            );
            return None;
        }
        Some(number)
    }

    /// One of a set of small integers.
    pub(crate) fn choice(&mut self, field: &str, choices: &[i64]) -> Option<i64> {
        let value = self.raw(field)?;
        match value.as_i64() {
            Some(number) if choices.contains(&number) => Some(number),
            _ => {
                let list: Vec<String> = choices.iter().map(i64::to_string).collect();
                self.fail(
                    field,
                    "BASE_TYPE_CHOICES",
                    format!("Value must be one of {{{}}}.", list.join(", ")),
                );
                None
            }
        }
    }

    pub(crate) fn snowflake(&mut self, field: &str) -> Option<Id> {
        let value = self.raw(field)?;
        let id = snowflake(value);
        if id.is_none() {
            self.fail(
                field,
                "NUMBER_TYPE_COERCE",
                format!("Value \"{}\" is not snowflake.", shorten(value)),
            );
        }
        id
    }

    /// A permission set: a decimal string, or a number as older clients send it.
    pub(crate) fn bits(&mut self, field: &str) -> Option<u64> {
        let value = self.raw(field)?;
        let bits = snowflake(value).map(|id| id.0);
        if bits.is_none() {
            self.fail(
                field,
                "NUMBER_TYPE_COERCE",
                format!("Value \"{}\" is not int.", shorten(value)),
            );
        }
        bits
    }

    pub(crate) fn list(&mut self, field: &str, max: usize) -> Option<&'a [Value]> {
        let value = self.raw(field)?;
        let Value::Array(items) = value else {
            self.fail(
                field,
                "LIST_TYPE_CONVERT",
                "Only iterables may be used in a ListType",
            );
            return None;
        };
        if items.len() > max {
            self.fail(
                field,
                "BASE_TYPE_MAX_LENGTH",
                format!("Must be {max} or fewer in length."),
            );
            return None;
        }
        Some(items)
    }

    pub(crate) fn snowflakes(&mut self, field: &str, max: usize) -> Option<Vec<Id>> {
        let items = self.list(field, max)?;
        let mut ids = Vec::with_capacity(items.len());
        for (n, item) in items.iter().enumerate() {
            match snowflake(item) {
                Some(id) if ids.contains(&id) => {
                    self.fail(
                        field,
                        "SET_TYPE_ALREADY_CONTAINS_VALUE",
                        "The set already contains this value",
                    );
                }
                Some(id) => ids.push(id),
                None => {
                    let mut path = self.path(field);
                    path.push(n.to_string());
                    let message = format!("Value \"{}\" is not snowflake.", shorten(item));
                    self.errors.add(&path, "NUMBER_TYPE_COERCE", message);
                }
            }
        }
        Some(ids)
    }

    /// An object inside this one.
    pub(crate) fn nested(&mut self, field: &str) -> Option<Form<'_>> {
        let value = self.raw(field)?;
        let path = self.path(field);
        Some(Form::new(value, path, self.errors))
    }

    /// The `n`th object of a list inside this one.
    pub(crate) fn item(&mut self, field: &str, n: usize, value: &'a Value) -> Form<'_> {
        let mut path = self.path(field);
        path.push(n.to_string());
        Form::new(value, path, self.errors)
    }
}

pub(crate) fn snowflake(value: &Value) -> Option<Id> {
    match value {
        Value::String(text) if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
        Value::Number(number) => number.as_u64().map(Id),
        _ => None,
    }
}

/// A value as it may stand in an error message.
fn shorten(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.chars().take(100).collect()
}
