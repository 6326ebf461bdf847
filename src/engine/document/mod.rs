//! Documents: JSON objects, read strictly so that what is stored is what was meant.

mod exact;
mod mistakes;
mod strict;
mod text;

use std::cell::Cell;

use serde::de::DeserializeSeed;
use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind, Result};
use crate::limits::{DOCUMENT_DEPTH, DOCUMENT_VALUES, TRANSACTION_OPERATIONS, TRANSACTION_VALUES};
use crate::text::{BYTE_ORDER_MARK, inline, truncate};

pub use strict::values;
use strict::{Bounds, Excess, Strict};
pub use text::{Document, LAID_OUT_BYTES, Stored, fields, for_file, pretty};

/// What a text is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Document,
    Query,
    Schema,
    Patch,
    Operations,
    Stages,
}

/// Reads a JSON object. Refused beside what JSON forbids: a repeated field, a number that would not
/// come back as the same decimal, nesting deeper than [`DOCUMENT_DEPTH`], more than
/// [`DOCUMENT_VALUES`].
///
/// # Errors
/// Names the option, the place in the text, and what stands there.
pub fn parse(option: &'static str, text: &str) -> Result<Map<String, Value>> {
    object(option, text, Wanted::Document)
}

/// Reads a filter, an order or what is to be shown, as strictly as [`parse`] reads a document.
///
/// # Errors
/// As [`parse`].
pub fn parse_query(option: &'static str, text: &str) -> Result<Map<String, Value>> {
    object(option, text, Wanted::Query)
}

/// Reads a schema as strictly as [`parse`] reads a document.
///
/// # Errors
/// As [`parse`].
pub fn parse_schema(option: &'static str, text: &str) -> Result<Map<String, Value>> {
    object(option, text, Wanted::Schema)
}

/// Reads a patch as strictly as [`parse`] reads a document.
///
/// # Errors
/// The same; and a patch that has nothing in it.
pub fn parse_patch(option: &'static str, text: &str) -> Result<Map<String, Value>> {
    let patch = object(option, text, Wanted::Patch)?;
    if !patch.is_empty() {
        return Ok(patch);
    }
    Err(Error::invalid(option, "there is nothing in it to change.")
        .hint("Give the fields to set, or `null` for one to remove."))
}

/// Reads a transaction's JSON list as strictly as [`parse`] reads an object. Its items are objects
/// that have documents in them, so it may nest two levels deeper. Items and values are counted while
/// they are read: afterwards, memory might have run out.
///
/// # Errors
/// The same; and a list with more than [`TRANSACTION_OPERATIONS`] or [`TRANSACTION_VALUES`].
pub fn parse_list(option: &'static str, text: &str) -> Result<Vec<Value>> {
    items(option, read(option, text, Wanted::Operations)?)
}

/// Reads a pipeline's JSON list as strictly, with as many values as a document may have.
///
/// # Errors
/// As [`parse`].
pub fn parse_stages(option: &'static str, text: &str) -> Result<Vec<Value>> {
    items(option, read(option, text, Wanted::Stages)?)
}

fn items(option: &'static str, value: Value) -> Result<Vec<Value>> {
    match value {
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

/// Refuses a document with more values than [`parse`] would read.
///
/// # Errors
/// [`ErrorKind::TooLarge`].
pub fn check_values(option: &'static str, values: usize) -> Result<()> {
    if values <= DOCUMENT_VALUES {
        return Ok(());
    }
    Err(too_many(option, Excess::Values, Wanted::Document))
}

/// A document's text as it is stored: compact, fields in the order given.
pub fn to_text(fields: &Map<String, Value>) -> String {
    // Writing a `Value` to a string has no way to fail.
    serde_json::to_string(fields).unwrap_or_default()
}

fn object(option: &'static str, text: &str, wanted: Wanted) -> Result<Map<String, Value>> {
    let (what, example) = match wanted {
        Wanted::Patch => ("a patch", r#"{"role": "teacher"}"#),
        Wanted::Query => ("it", r#"{"age": 36}"#),
        Wanted::Schema => ("a schema", r#"{"required": ["name"]}"#),
        Wanted::Document | Wanted::Operations | Wanted::Stages => {
            ("a document", r#"{"name": "Ada"}"#)
        }
    };
    match read(option, text, wanted)? {
        Value::Object(fields) => Ok(fields),
        other => {
            let found = kind(&other);
            Err(Error::invalid(
                option,
                format!("{what} is a JSON object like `{example}`; this is {found}."),
            ))
        }
    }
}

fn read(option: &'static str, text: &str, wanted: Wanted) -> Result<Value> {
    // Editors on Windows put it before a text; it is none of the JSON.
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let bounds = match wanted {
        Wanted::Operations => Bounds {
            values: Cell::new(TRANSACTION_VALUES),
            items: Some(TRANSACTION_OPERATIONS),
            excess: Cell::new(None),
        },
        _ => Bounds {
            values: Cell::new(DOCUMENT_VALUES),
            items: None,
            excess: Cell::new(None),
        },
    };
    let levels = match wanted {
        Wanted::Operations | Wanted::Stages => DOCUMENT_DEPTH + 2,
        // So that as many operators fit as may nest, each a list and an object.
        Wanted::Query => DOCUMENT_DEPTH + 2,
        _ => DOCUMENT_DEPTH,
    };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Strict::new(levels, &bounds)
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value));
    let value = value.map_err(|error| match bounds.excess.get() {
        Some(excess) => too_many(option, excess, wanted),
        None => mistakes::explain(option, text, &error, wanted),
    })?;
    match exact::inexact_number(text) {
        None => Ok(value),
        Some((offset, digits)) => {
            let shown = inline(&truncate(digits, 40));
            Err(Error::invalid(
                option,
                format!(
                    "the number `{shown}` {} cannot be kept exactly: it has too many digits, or is too small.",
                    mistakes::place(text, offset)
                ),
            )
            .hint("Put it in quotes to keep it as text."))
        }
    }
}

fn too_many(option: &'static str, excess: Excess, wanted: Wanted) -> Error {
    let (text, hint) = match (excess, wanted) {
        (Excess::Items, _) => (
            format!(
                "there are more than {TRANSACTION_OPERATIONS} operations, and a transaction has at most that many."
            ),
            "Split it over several transactions.",
        ),
        (Excess::Values, Wanted::Operations) => (
            format!(
                "there are more than {TRANSACTION_VALUES} values in it, fields, items, lists and objects counted, and a transaction has at most that many."
            ),
            "Split it over several transactions.",
        ),
        (Excess::Values, Wanted::Stages | Wanted::Query | Wanted::Schema) => (
            format!(
                "there are more than {DOCUMENT_VALUES} values in it, and there may be at most that many."
            ),
            "Compare with fewer values.",
        ),
        (Excess::Values, Wanted::Document | Wanted::Patch) => (
            format!(
                "there are more than {DOCUMENT_VALUES} values in it, fields, items, lists and objects counted, and a row has at most that many."
            ),
            "Split it over several rows, or keep part of it as text, in one string.",
        ),
    };
    Error::new(ErrorKind::TooLarge, text)
        .option(option)
        .hint(hint)
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
        refused("{\"a\":1} x", "more behind its end, at line 1, column 9");
        refused("", "only space");
        refused("[1]", "this is a list");
        refused(r#"{"a":1,"a":2}"#, "the field `a` stands twice");
        refused(
            r#"{"a":{"b":[{"c":1,"c":2}]}}"#,
            "the field `c` stands twice",
        );
        refused(r#"{"n":123456789012345678901}"#, "123456789012345678901");
        refused(r#"{"s":"\ud800"}"#, "come in pairs, at line 1, column 13");
        refused(
            r#"{"a":1"#,
            "a `}` is missing at the end, line 1, column 7, near",
        );
        refused("{\"a\":1\n\n", "at the end, line 1, column 7, near");
        refused(r#"{"n":1e400}"#, "number out of range");
        refused(r#"{"n":0.12345678901234567890123}"#, "too many digits");
        refused(r#"{"n":12345678901234567890.5}"#, "too many digits");
        refused(r#"{"n":1e-400}"#, "is too small");
        refused(
            &("{\"a\":".repeat(70) + "1" + &"}".repeat(70)),
            "deeper than 64",
        );
        refused(&"[".repeat(100_000), "deeper than 64");
    }

    #[test]
    fn what_can_be_kept_exactly_is() {
        let text = r#"{"z":18446744073709551615,"a":-9223372036854775808,"f":1.5e300,"big":"123456789012345678901234","t":"\"9999999999999999999999\""}"#;
        let fields = parse("value_json", text).unwrap();
        assert_eq!(to_text(&fields).replace("1.5e+300", "1.5e300"), text);
    }

    #[test]
    fn likely_mistakes_get_a_hint() {
        for (text, hint) in [
            ("{“a”:1}", "typographic"),
            ("{\"a\":“x”}", "typographic"),
            ("{\"a\":\"x”}", "typographic"),
            ("{\"a\":‘x’}", "typographic"),
            ("```json\n{}\n```", "Leave out"),
            ("{'a':1}", "double quotes"),
            ("{\"a\":'x'}", "double quotes"),
            ("{\"a\":\"x\ny\"}", "line break"),
            ("{\n  \"a\": 1,\n}", "Leave out the comma"),
            ("[1,]", "Leave out the comma"),
            ("{a:1}", "Names of fields"),
            ("{\"a\":NaN}", "no such number"),
            ("{\"a\":nan}", "no such number"),
            ("{\"a\":-Infinity}", "no such number"),
            ("{\"a\":True}", "small letters"),
            ("{\"a\":None}", "`null`"),
            ("{\"a\":undefined}", "`null`"),
            ("{\"a\":1}\n{\"a\":2}\n", "one document only"),
        ] {
            let error = parse("value_json", text).unwrap_err();
            let found = error.hint.clone().unwrap_or_default();
            assert!(found.contains(hint), "{text}: {error}");
        }
        let of_list = parse_list("ops_json", "{}\n{}").unwrap_err();
        assert!(of_list.hint.unwrap().contains("one list"));
        let of_patch = parse_patch("patch_json", "{}\n{}").unwrap_err();
        assert!(of_patch.hint.unwrap().contains("one patch only"));
    }

    #[test]
    fn other_mistakes_get_none() {
        for text in [
            "a,b\n1,2\n",
            "{\"a\":1} x",
            "{\n\"t\": \"don’t\" 1}",
            "{\"t\": \"don’t",
            "{\"a\" 1}",
            "{\"a\":01}",
        ] {
            let error = parse("value_json", text).unwrap_err();
            assert_eq!(error.hint, None, "{text}: {error}");
        }
    }

    #[test]
    fn values_are_counted_while_they_are_read() {
        let with = |values: usize| format!("{{\"a\":[{}]}}", vec!["{}"; values].join(","));
        let fields = parse("value_json", &with(DOCUMENT_VALUES - 2)).unwrap();
        check_values("value_json", values(&fields)).unwrap();
        let error = parse("value_json", &with(DOCUMENT_VALUES - 1)).unwrap_err();
        assert_eq!(error.kind, ErrorKind::TooLarge);
        let mut fields = fields;
        fields.insert("b".into(), Value::Null);
        assert_eq!(check_values("value_json", values(&fields)), Err(error));
        // However many there were, the text keeps them.
        let stored = serde_json::from_str::<Document>(&with(DOCUMENT_VALUES + 1)).unwrap();
        assert_eq!(stored.text(), with(DOCUMENT_VALUES + 1));
        let list = |items: usize| format!("[{}]", vec!["{}"; items].join(","));
        assert!(parse_list("ops_json", &list(TRANSACTION_OPERATIONS)).is_ok());
        let error = parse_list("ops_json", &list(TRANSACTION_OPERATIONS + 1)).unwrap_err();
        assert!(error.message.contains("5000 operations"), "{error}");
        let error = parse_list("ops_json", &format!("[{}]", with(TRANSACTION_VALUES))).unwrap_err();
        assert!(error.message.contains("200000 values"), "{error}");
        // Only the outermost list is one of operations.
        let inner = format!("[{{\"a\":{}}}]", list(TRANSACTION_OPERATIONS + 1));
        assert!(parse_list("ops_json", &inner).is_ok());
    }

    #[test]
    fn a_byte_order_mark_is_none_of_the_json() {
        assert!(parse("value_json", "\u{feff}{}").is_ok());
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
