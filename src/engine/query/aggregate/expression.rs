//! What is computed of a row: references to its fields, literals, and objects and lists of these.

use std::borrow::Cow;

use super::Trouble;
use crate::engine::query::json::{Json, Kind, LEVELS};
use crate::limits::ROW_BYTES;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expression {
    /// As compact JSON.
    Literal(Box<str>),
    /// `$$ROOT`
    Root,
    /// `$a.b`
    Field(Box<[Name]>),
    Object(Vec<(Name, Expression)>),
    List(Vec<Expression>),
}

/// A field's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub plain: Box<str>,
    /// As it stands in an object, with quotes and colon.
    pub written: Box<str>,
}

impl Name {
    pub fn new(name: &str) -> Name {
        // Writing a string has no way to fail.
        let quoted = serde_json::to_string(name).unwrap_or_default();
        Name {
            plain: name.into(),
            written: format!("{quoted}:").into(),
        }
    }
}

impl Expression {
    /// The value's text; none where it is missing.
    pub fn evaluate<'r>(&'r self, row: Json<'r>) -> Result<Option<Cow<'r, str>>, Trouble> {
        let value = match self {
            Expression::Literal(text) => Some(Cow::Borrowed(&**text)),
            Expression::Root => Some(Cow::Borrowed(row.text())),
            Expression::Field(names) => field(row, names)?,
            Expression::Object(_) | Expression::List(_) => {
                let mut text = String::new();
                self.write(row, &mut text)?;
                Some(Cow::Owned(text))
            }
        };
        if let Some(Cow::Owned(made)) = &value {
            check_levels(made)?;
        }
        Ok(value)
    }

    /// Appends the value; whether there is one.
    pub fn write(&self, row: Json<'_>, out: &mut String) -> Result<bool, Trouble> {
        match self {
            Expression::Object(fields) => {
                let mut parts = Parts::open('{', out);
                for (name, value) in fields {
                    parts.field(&name.written, out, &mut |out| value.write(row, out))?;
                }
                append("}", out)?;
            }
            Expression::List(items) => {
                let mut parts = Parts::open('[', out);
                for item in items {
                    parts.field("", out, &mut |out| {
                        if !item.write(row, out)? {
                            append("null", out)?;
                        }
                        Ok(true)
                    })?;
                }
                append("]", out)?;
            }
            Expression::Literal(_) | Expression::Root | Expression::Field(_) => {
                match self.evaluate(row)? {
                    Some(text) => append(&text, out)?,
                    None => return Ok(false),
                }
            }
        }
        Ok(true)
    }
}

/// The parts of an object or a list, with commas between them.
pub(super) struct Parts {
    is_empty: bool,
}

impl Parts {
    pub fn open(bracket: char, out: &mut String) -> Parts {
        out.push(bracket);
        Parts { is_empty: true }
    }

    /// Appends a part, `name` and what `write` appends, unless there is nothing to write. One copy of it in the
    /// wasm is worth a call that is not inlined.
    pub fn field(
        &mut self,
        name: &str,
        out: &mut String,
        write: &mut dyn FnMut(&mut String) -> Result<bool, Trouble>,
    ) -> Result<(), Trouble> {
        let begin = out.len();
        if !self.is_empty {
            out.push(',');
        }
        append(name, out)?;
        if write(out)? {
            self.is_empty = false;
        } else {
            out.truncate(begin);
        }
        Ok(())
    }
}

/// Appends, within the length that a row may have.
pub(super) fn append(text: &str, out: &mut String) -> Result<(), Trouble> {
    if out.len().saturating_add(text.len()) > ROW_BYTES {
        return Err(Trouble::Long);
    }
    out.push_str(text);
    Ok(())
}

/// Refuses what is nested so deep that it could not be read or compared as a whole.
pub(super) fn check_levels(text: &str) -> Result<(), Trouble> {
    let (mut levels, mut is_string, mut is_escaped) = (0usize, false, false);
    for byte in text.bytes() {
        if is_string {
            is_string = is_escaped || byte != b'"';
            is_escaped = !is_escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'"' => is_string = true,
            b'{' | b'[' if levels == LEVELS => return Err(Trouble::Deep),
            b'{' | b'[' => levels += 1,
            b'}' | b']' => levels = levels.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// Objects are entered, and the objects in lists: what is found there is a list again. Numbers are names.
fn field<'r>(row: Json<'r>, names: &[Name]) -> Result<Option<Cow<'r, str>>, Trouble> {
    let (mut value, mut rest) = (row, names);
    while let Some((name, below)) = rest.split_first() {
        match value.kind() {
            Kind::Object => match value.get(&name.plain) {
                Some(found) => (value, rest) = (found, below),
                None => return Ok(None),
            },
            // As deep as the path is long.
            Kind::Array => {
                let mut out = String::new();
                let mut parts = Parts::open('[', &mut out);
                for item in value.items().filter(|item| item.kind() == Kind::Object) {
                    let found = field(item, rest)?;
                    parts.field("", &mut out, &mut |out| match &found {
                        Some(found) => append(found, out).map(|()| true),
                        None => Ok(false),
                    })?;
                }
                append("]", &mut out)?;
                return Ok(Some(Cow::Owned(out)));
            }
            _ => return Ok(None),
        }
    }
    Ok(Some(Cow::Borrowed(value.text())))
}
