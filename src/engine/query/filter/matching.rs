//! Holding conditions against a document.

use std::cell::Cell;
use std::fmt;

use super::{Comparison, Condition, Test};
use crate::engine::query::json::{Json, Kind};
use crate::engine::query::path::{Go, Path};

/// Room for the bytes of a list or an object, kept from one document to the next.
#[derive(Default)]
pub(super) struct Scratch(Cell<Vec<u8>>);

impl Scratch {
    pub(super) fn lend<T>(&self, to: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let mut bytes = self.0.take();
        let result = to(&mut bytes);
        self.0.set(bytes);
        result
    }
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scratch")
    }
}

impl Clone for Scratch {
    fn clone(&self) -> Scratch {
        Scratch::default()
    }
}

pub(super) fn all(conditions: &[Condition], document: Json<'_>, scratch: &mut Vec<u8>) -> bool {
    conditions
        .iter()
        .all(|condition| holds(condition, document, scratch))
}

fn any(conditions: &[Condition], document: Json<'_>, scratch: &mut Vec<u8>) -> bool {
    conditions
        .iter()
        .any(|condition| holds(condition, document, scratch))
}

fn holds(condition: &Condition, document: Json<'_>, scratch: &mut Vec<u8>) -> bool {
    match condition {
        Condition::All(conditions) => all(conditions, document, scratch),
        Condition::Any(conditions) => any(conditions, document, scratch),
        Condition::None(conditions) => !any(conditions, document, scratch),
        Condition::Text(search) => search.matches(document),
        Condition::Field { path, test } => field(path, test, document, scratch),
    }
}

/// Asks what a path leads to.
fn field(path: &Path, test: &Test, document: Json<'_>, scratch: &mut Vec<u8>) -> bool {
    match test {
        Test::Every(tests) => tests
            .iter()
            .all(|test| field(path, test, document, scratch)),
        Test::Not(test) => !field(path, test, document, scratch),
        Test::Never => false,
        test => {
            let mut ask = |value: Option<Json<'_>>| {
                if single(test, value, scratch) {
                    Go::Stop
                } else {
                    Go::On
                }
            };
            let go = if is_asked_of_items(test) {
                path.visit_each(document, &mut ask)
            } else {
                path.visit(document, &mut ask)
            };
            go == Go::Stop
        }
    }
}

/// Asks an item of a list by itself.
pub(super) fn item(test: &Test, value: Json<'_>, scratch: &mut Vec<u8>) -> bool {
    match test {
        Test::Every(tests) => tests.iter().all(|test| item(test, value, scratch)),
        Test::Not(test) => !item(test, value, scratch),
        Test::Never => false,
        test => single(test, Some(value), scratch),
    }
}

/// Whether a list's items may answer for the list.
fn is_asked_of_items(test: &Test) -> bool {
    matches!(
        test,
        Test::Compare(..) | Test::In(_) | Test::Prefix(_) | Test::Regex(_) | Test::Type(_)
    )
}

/// Asks one value, or one that is missing.
fn single(test: &Test, value: Option<Json<'_>>, scratch: &mut Vec<u8>) -> bool {
    match test {
        Test::Compare(Comparison::Equal, operand) => operand.equals(value, scratch),
        Test::Compare(comparison, operand) => operand
            .order(value, scratch)
            .is_some_and(|order| comparison.holds(order)),
        Test::In(operands) => operands.contain(value, scratch),
        Test::Prefix(prefix) => value
            .and_then(Json::as_string)
            .is_some_and(|string| string.starts_with(prefix)),
        Test::Regex(pattern) => value
            .and_then(Json::as_str)
            .is_some_and(|text| pattern.is_match(&text)),
        Test::Type(types) => value.is_some_and(|value| types.contain(value)),
        Test::Exists => value.is_some(),
        Test::Contains(operand) => value.is_some_and(|value| match operand.value() {
            serde_json::Value::String(part) if value.kind() == Kind::String => value
                .as_string()
                .is_some_and(|string| string.contains(part)),
            _ => value
                .items()
                .any(|item| operand.equals(Some(item), scratch)),
        }),
        Test::Size(size) => value.is_some_and(|value| {
            value.kind() == Kind::Array && value.items().map(|_| 1u64).sum::<u64>() == *size
        }),
        Test::Element(element) => {
            value.is_some_and(|list| list.items().any(|item| element.holds(item, scratch)))
        }
        // Of these, `field` and `item` ask the parts.
        Test::Every(_) | Test::Not(_) | Test::Never => false,
    }
}
