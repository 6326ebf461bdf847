//! Documents: JSON objects, read strictly so that what is stored is what was meant.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use crate::error::{Error, Result};
use crate::limits::DOCUMENT_DEPTH;
use crate::text::{escape_json, inline, truncate};

/// Reads a JSON object. Refused beside what JSON forbids: a repeated field, a number that would not
/// come back as the same decimal, nesting deeper than [`DOCUMENT_DEPTH`].
///
/// # Errors
/// Names the option, the place in the text, and what stands there.
pub fn parse(option: &'static str, text: &str) -> Result<Map<String, Value>> {
    match read(option, text, DOCUMENT_DEPTH)? {
        Value::Object(fields) => Ok(fields),
        other => {
            let what = kind(&other);
            Err(Error::invalid(
                option,
                format!(
                    "a document is a JSON object like `{{\"name\": \"Ada\"}}`; this is {what}."
                ),
            ))
        }
    }
}

/// Reads a JSON list as strictly as [`parse`] reads an object. Its items are objects that have
/// documents in them, so it may nest two levels deeper.
///
/// # Errors
/// The same.
pub fn parse_list(option: &'static str, text: &str) -> Result<Vec<Value>> {
    match read(option, text, DOCUMENT_DEPTH + 2)? {
        Value::Array(items) => Ok(items),
        other => {
            let what = kind(&other);
            Err(Error::invalid(
                option,
                format!("this must be a JSON list, `[` … `]`; it is {what}."),
            ))
        }
    }
}

/// What a value is called in an error.
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Object(_) => "an object",
        Value::Array(_) => "a list",
        Value::String(_) => "a string",
        Value::Number(_) => "a number",
        Value::Bool(_) => "a truth value",
        Value::Null => "null",
    }
}

fn read(option: &'static str, text: &str, levels: usize) -> Result<Value> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Strict { levels }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| at(option, text, &error))?;
    match inexact_number(text) {
        None => Ok(value),
        Some((offset, digits)) => {
            let shown = inline(&truncate(digits, 40));
            Err(Error::invalid(
                option,
                format!(
                    "the number `{shown}` {} has more digits than can be kept exactly.",
                    place(text, offset)
                ),
            )
            .hint("Put it in quotes to keep it as text."))
        }
    }
}

/// A document's text as it is stored: compact, fields in the order given.
pub fn to_text(fields: &Map<String, Value>) -> String {
    // Writing a `Value` to a string has no way to fail.
    serde_json::to_string(fields).unwrap_or_default()
}

/// A document's text with one field a line, escaped for a message. What is stored is always valid;
/// anything else comes back as it is.
pub fn pretty(doc: &str) -> String {
    let document = serde_json::from_str::<Document>(doc);
    let text = document.and_then(|document| serde_json::to_string_pretty(&document));
    let text = text.unwrap_or_else(|_| doc.to_owned());
    // Line breaks of the layout stay; whatever is fragile inside strings does not.
    let lines: Vec<String> = text.lines().map(escape_json).collect();
    lines.join("\n")
}

fn at(option: &'static str, text: &str, error: &serde_json::Error) -> Error {
    if text.trim().is_empty() {
        return Error::invalid(option, "there is no JSON here, only space.");
    }
    let offset = offset(text, error.line(), error.column());
    // serde_json ends its messages with the position, which ours replaces.
    let full = error.to_string();
    let reason = full
        .rsplit_once(" at line ")
        .map_or(full.as_str(), |(reason, _)| reason);
    let place = place(text, offset);
    let error = Error::invalid(option, format!("this is not valid JSON: {reason} {place}."));
    match likely_mistake(text) {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// What people who type JSON on a phone or paste it from a chat run into.
fn likely_mistake(text: &str) -> Option<&'static str> {
    if text.contains(['“', '”', '„', '‘', '’']) {
        Some("There are typographic quotes in it: JSON takes plain \" only.")
    } else if text.trim_start().starts_with("```") {
        Some("Leave out the ``` around it.")
    } else if text.trim_start().starts_with("{'") {
        Some("JSON takes double quotes \" only.")
    } else if text.contains(['\n', '\t']) {
        Some("Inside a string, a line break is written \\n and a tab \\t.")
    } else {
        None
    }
}

/// `at line 1, column 5, near ...`, both counted from 1 in characters.
fn place(text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let column =
        before.chars().count() - before.get(..line_start).map_or(0, |s| s.chars().count()) + 1;
    let from = before
        .char_indices()
        .rev()
        .take(12)
        .last()
        .map_or(offset, |(at, _)| at);
    // Line breaks would show as rubble in one line of text.
    let near = text
        .get(from..)
        .unwrap_or_default()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let near: String = near.chars().take(24).collect();
    format!("at line {line}, column {column}, near `{}`", inline(&near))
}

/// The byte offset of serde_json's position: lines from 1, columns in bytes and past the culprit.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let mut offset = (start + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

/// The first number outside of strings that would be stored as another one.
fn inexact_number(text: &str) -> Option<(usize, &str)> {
    let mut in_string = false;
    let mut escaped = false;
    let mut number: Option<usize> = None;
    // A blank after the end ends a number that stands there.
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        if in_string {
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        in_string = c == '"';
        match number {
            None if c == '-' || c.is_ascii_digit() => number = Some(at),
            Some(start) if !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E') => {
                let token = text.get(start..at)?;
                if !is_kept(token) {
                    return Some((start, token));
                }
                number = None;
            }
            _ => {}
        }
    }
    None
}

/// Whether a number comes back as the same decimal: whole numbers that 64 bits hold do, and others
/// when the double that is stored is written with the same digits.
fn is_kept(token: &str) -> bool {
    if !token.contains(['.', 'e', 'E']) {
        return token.parse::<i64>().is_ok() || token.parse::<u64>().is_ok();
    }
    let stored = token.parse().ok().and_then(Number::from_f64);
    stored.is_some_and(|stored| decimal(&stored.to_string()) == decimal(token))
}

/// A decimal's significant digits and the power of ten of the first; zero has no digits.
fn decimal(token: &str) -> Option<(String, i64)> {
    let (mantissa, exponent) = token.split_once(['e', 'E']).unwrap_or((token, "0"));
    let exponent: i64 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let whole = whole.trim_start_matches(['-', '+']);
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    let zeros = i64::try_from(digits.len() - significant.len()).ok()?;
    let whole = i64::try_from(whole.len()).ok()?;
    let significant = significant.trim_end_matches('0');
    if significant.is_empty() {
        return Some((String::new(), 0));
    }
    Some((significant.to_owned(), exponent.checked_add(whole - zeros)?))
}

/// A document's fields, as a record has them. Read by our own visitor: serde_json's `Value` takes
/// some field names for magic when one of its features is on, whoever in the build turned it on.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Document(pub Map<String, Value>);

impl Document {
    /// About how long it is as JSON.
    pub fn size(&self) -> usize {
        fn of(value: &Value) -> usize {
            match value {
                Value::String(text) => text.len() + 2,
                Value::Array(items) => 2 + items.iter().map(|item| of(item) + 1).sum::<usize>(),
                Value::Object(fields) => of_fields(fields),
                Value::Null | Value::Bool(_) | Value::Number(_) => 5,
            }
        }
        fn of_fields(fields: &Map<String, Value>) -> usize {
            let field = |(name, value): (&String, &Value)| name.len() + 4 + of(value);
            2 + fields.iter().map(field).sum::<usize>()
        }
        of_fields(&self.0)
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let strict = Strict {
            levels: DOCUMENT_DEPTH,
        };
        match strict.deserialize(deserializer)? {
            Value::Object(fields) => Ok(Document(fields)),
            _ => Err(D::Error::custom("a document is an object")),
        }
    }
}

/// Builds a [`Value`] without forgiving what [`Value`]'s own deserializer forgives.
#[derive(Clone, Copy)]
struct Strict {
    /// How many levels are left to nest.
    levels: usize,
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Strict {
    fn deeper<E: serde::de::Error>(self) -> Result<Strict, E> {
        match self.levels.checked_sub(1) {
            Some(levels) => Ok(Strict { levels }),
            None => Err(E::custom(format_args!(
                "nested deeper than {DOCUMENT_DEPTH} levels"
            ))),
        }
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(seed)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let mut fields = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(seed)?;
            if fields.contains_key(&name) {
                let name = inline(&name);
                return Err(A::Error::custom(format_args!(
                    "the field `{name}` stands twice"
                )));
            }
            fields.insert(name, value);
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn refused(text: &str, expected: &str) {
        let error = parse("value_json", text).unwrap_err();
        assert_eq!(error.option, Some("value_json"));
        assert!(
            error.message.contains(expected),
            "{text}: {}",
            error.message
        );
    }

    #[test]
    fn errors_say_where_and_what() {
        refused(r#"{"a":1,}"#, "line 1, column 8");
        refused("{\n  \"ü\": tru }", "line 2, column 11");
        refused("{\"a\":1} x", "trailing characters at line 1, column 9");
        refused("", "only space");
        refused("[1]", "this is a list");
        refused(r#"{"a":1,"a":2}"#, "the field `a` stands twice");
        refused(
            r#"{"a":{"b":[{"c":1,"c":2}]}}"#,
            "the field `c` stands twice",
        );
        refused(r#"{"n":123456789012345678901}"#, "123456789012345678901");
        refused(r#"{"s":"\ud800"}"#, "not valid JSON");
        refused(r#"{"n":1e400}"#, "number out of range");
        refused(r#"{"n":0.12345678901234567890123}"#, "more digits");
        refused(r#"{"n":12345678901234567890.5}"#, "more digits");
        refused(r#"{"n":1e-400}"#, "more digits");
        refused(
            &("{\"a\":".repeat(70) + "1" + &"}".repeat(70)),
            "deeper than 64",
        );
        refused(&"[".repeat(100_000), "not valid JSON");
    }

    #[test]
    fn what_can_be_kept_exactly_is() {
        let text = r#"{"z":18446744073709551615,"a":-9223372036854775808,"f":1.5e300,"big":"123456789012345678901234","t":"\"9999999999999999999999\""}"#;
        let fields = parse("value_json", text).unwrap();
        assert_eq!(to_text(&fields).replace("1.5e+300", "1.5e300"), text);
    }

    #[test]
    fn ordinary_numbers_are_kept() {
        for number in [
            "0",
            "-0",
            "0.0",
            "-0.0",
            "0e5",
            "0.1",
            "1.10",
            "1e2",
            "1E+2",
            "100.0",
            "2.5e-3",
            "1e300",
            "0.30000000000000004",
            "5e-324",
            "-1.7976931348623157e308",
            "123456789.125",
        ] {
            assert!(is_kept(number), "{number}");
        }
        for number in [
            "18446744073709551616",
            "0.1000000000000000055511151231257827",
            "4e-324",
        ] {
            assert!(!is_kept(number), "{number}");
        }
    }

    #[test]
    fn likely_mistakes_get_a_hint() {
        for (text, hint) in [
            ("{“a”:1}", "typographic"),
            ("```json\n{}\n```", "Leave out"),
            ("{'a':1}", "double quotes"),
            ("{\"a\":\"x\ny\"}", "line break"),
        ] {
            let error = parse("value_json", text).unwrap_err();
            assert!(error.hint.unwrap().contains(hint), "{text}");
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>()
                .prop_filter("finite", |f| f.is_finite())
                .prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map(any::<String>(), inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn stored_text_is_a_fixed_point(fields in prop::collection::hash_map(any::<String>(), json(), 0..6)) {
            let fields: Map<String, Value> = fields.into_iter().collect();
            let text = to_text(&fields);
            let again = parse("value_json", &text).unwrap();
            prop_assert_eq!(to_text(&again), text);
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = parse("value_json", &text);
        }

        #[test]
        fn no_json_like_text_makes_it_panic(text in r#"[{}\[\]",:0-9eE.\\a ü\n-]{0,40}"#) {
            let _ = parse("value_json", &text);
        }
    }
}
