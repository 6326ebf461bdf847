//! Holding conditions against a document.

use std::cell::Cell;
use std::fmt;

use super::{Comparison, Condition, Effort, Test};
use crate::engine::query::json::{Json, Kind};
use crate::engine::query::path::{Go, Path};

/// Room for the bytes of a list or an object, kept from one document to the next.
#[derive(Default)]
pub(super) struct Scratch(Cell<Vec<u8>>);

/// What asking a document takes: room, and what is counted.
pub(super) struct Work<'a> {
    bytes: Vec<u8>,
    effort: &'a Effort,
    /// How long the document is that conditions are held against.
    document: usize,
}

/// What asking one value counts at least, in bytes.
const ASKED: usize = 64;

impl Scratch {
    /// Holds conditions against a document, which has so many bytes.
    pub(super) fn lend<T>(
        &self,
        effort: &Effort,
        document: usize,
        to: impl FnOnce(&mut Work<'_>) -> T,
    ) -> T {
        let mut work = Work {
            bytes: self.0.take(),
            effort,
            document,
        };
        let result = to(&mut work);
        self.0.set(work.bytes);
        result
    }
}

impl Work<'_> {
    /// The same for a document inside the document.
    pub(super) fn inside<T>(&mut self, document: usize, to: impl FnOnce(&mut Self) -> T) -> T {
        let outside = std::mem::replace(&mut self.document, document);
        let result = to(self);
        self.document = outside;
        result
    }

    /// Whether there is room to go through the document so often more.
    fn may_read(&self, times: usize) -> bool {
        let bytes = (self.document + ASKED).saturating_mul(times);
        self.effort.read(bytes as u64)
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

pub(super) fn all(conditions: &[Condition], document: Json<'_>, work: &mut Work<'_>) -> bool {
    conditions
        .iter()
        .all(|condition| holds(condition, document, work))
}

fn any(conditions: &[Condition], document: Json<'_>, work: &mut Work<'_>) -> bool {
    conditions
        .iter()
        .any(|condition| holds(condition, document, work))
}

fn holds(condition: &Condition, document: Json<'_>, work: &mut Work<'_>) -> bool {
    match condition {
        Condition::All(conditions) => all(conditions, document, work),
        Condition::Any(conditions) => any(conditions, document, work),
        Condition::None(conditions) => !any(conditions, document, work),
        Condition::Text(search) => work.may_read(search.weight()) && search.matches(document),
        Condition::Field { path, test } => field(path, test, document, work),
    }
}

/// Asks what a path leads to.
fn field(path: &Path, test: &Test, document: Json<'_>, work: &mut Work<'_>) -> bool {
    match test {
        Test::Every(tests) => tests.iter().all(|test| field(path, test, document, work)),
        Test::Not(test) => !field(path, test, document, work),
        Test::Never => false,
        // Beyond what a question may cost nothing matches any more, and whoever asks is told.
        _ if !work.may_read(1) => false,
        test => {
            let mut ask = |value: Option<Json<'_>>| {
                if single(test, value, work) {
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
pub(super) fn item(test: &Test, value: Json<'_>, work: &mut Work<'_>) -> bool {
    match test {
        Test::Every(tests) => tests.iter().all(|test| item(test, value, work)),
        Test::Not(test) => !item(test, value, work),
        Test::Never => false,
        test => work.effort.read(ASKED as u64) && single(test, Some(value), work),
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
fn single(test: &Test, value: Option<Json<'_>>, work: &mut Work<'_>) -> bool {
    match test {
        Test::Compare(Comparison::Equal, operand) => operand.equals(value, &mut work.bytes),
        Test::Compare(comparison, operand) => operand
            .order(value, &mut work.bytes)
            .is_some_and(|order| comparison.holds(order)),
        Test::In(operands) => operands.contain(value, &mut work.bytes),
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
                .any(|item| operand.equals(Some(item), &mut work.bytes)),
        }),
        Test::Size(size) => value.is_some_and(|value| {
            value.kind() == Kind::Array && value.items().map(|_| 1u64).sum::<u64>() == *size
        }),
        Test::Element(element) => {
            value.is_some_and(|list| list.items().any(|item| element.holds(item, work)))
        }
        // Of these, `field` and `item` ask the parts.
        Test::Every(_) | Test::Not(_) | Test::Never => false,
    }
}
