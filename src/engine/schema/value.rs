//! JSON values as schemas see them: of which kind, whether equal, and how an error shows them.

use serde_json::{Map, Number, Value};

use super::budget::{Budget, Exhausted};
use super::number::Num;
use crate::text::inline;

/// A value, or what stands for one: a row is only a map, the name of a field only text.
#[derive(Clone, Copy)]
pub(super) enum View<'a> {
    Null,
    Bool(bool),
    Number(&'a Number),
    String(&'a str),
    List(&'a [Value]),
    Object(&'a Map<String, Value>),
}

impl<'a> From<&'a Value> for View<'a> {
    fn from(value: &'a Value) -> View<'a> {
        match value {
            Value::Null => View::Null,
            Value::Bool(truth) => View::Bool(*truth),
            Value::Number(number) => View::Number(number),
            Value::String(text) => View::String(text),
            Value::Array(items) => View::List(items),
            Value::Object(fields) => View::Object(fields),
        }
    }
}

/// A set of kinds of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kinds(u8);

impl Kinds {
    pub(super) const NONE: Kinds = Kinds(0);
    pub(super) const STRING: Kinds = Kinds(1);
    /// Numbers without a fraction.
    pub(super) const WHOLE: Kinds = Kinds(2);
    pub(super) const FRACTION: Kinds = Kinds(4);
    pub(super) const NUMBER: Kinds = Kinds(2 | 4);
    pub(super) const BOOL: Kinds = Kinds(8);
    pub(super) const LIST: Kinds = Kinds(16);
    pub(super) const OBJECT: Kinds = Kinds(32);
    pub(super) const NULL: Kinds = Kinds(64);
    pub(super) const ANY: Kinds = Kinds(127);
    /// What can be a row's key.
    pub(super) const KEY: Kinds = Kinds(1 | 2);

    pub(super) fn of(value: View<'_>) -> Kinds {
        match value {
            View::String(_) => Kinds::STRING,
            View::Number(number) if Num::of(number).is_whole() => Kinds::WHOLE,
            View::Number(_) => Kinds::FRACTION,
            View::Bool(_) => Kinds::BOOL,
            View::List(_) => Kinds::LIST,
            View::Object(_) => Kinds::OBJECT,
            View::Null => Kinds::NULL,
        }
    }

    pub(super) fn or(self, other: Kinds) -> Kinds {
        Kinds(self.0 | other.0)
    }

    pub(super) fn and(self, other: Kinds) -> Kinds {
        Kinds(self.0 & other.0)
    }

    /// Whether all of `other` are in here.
    pub(super) fn have(self, other: Kinds) -> bool {
        other.0 & !self.0 == 0
    }

    /// `a string or a whole number`.
    pub(super) fn shown(self) -> String {
        let all = [
            (Kinds::STRING, "a string"),
            (Kinds::NUMBER, "a number"),
            (Kinds::WHOLE, "a whole number"),
            (Kinds::FRACTION, "a number with a fraction"),
            (Kinds::BOOL, "a truth value"),
            (Kinds::LIST, "a list"),
            (Kinds::OBJECT, "an object"),
            (Kinds::NULL, "null"),
        ];
        let mut left = self;
        let mut names = Vec::new();
        for (kinds, name) in all {
            if left.have(kinds) && kinds != Kinds::NONE {
                left = Kinds(left.0 & !kinds.0);
                names.push(name);
            }
        }
        names.join(" or ")
    }
}

/// A value as it reads after "is", short and safe in a reply.
pub(super) fn describe(value: View<'_>) -> String {
    match value {
        View::String("") => "an empty string".to_owned(),
        View::String(text) => format!("the string `{}`", inline(&beginning(text))),
        View::Number(number) => format!("`{}`", inline(&number.to_string())),
        View::Bool(truth) => format!("`{truth}`"),
        View::Null => "`null`".to_owned(),
        View::List(list) => format!("a list of {}", counted(list.len(), "item")),
        View::Object(map) => format!("an object with {}", counted(map.len(), "field")),
    }
}

/// `1 item`, `2 items`.
pub(super) fn counted(count: usize, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {what}{ending}")
}

/// A value as it stands in a list of what is allowed.
pub(super) fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{}`", inline(&beginning(text))),
        Value::Array(_) | Value::Object(_) => {
            let text: String = value.to_string().chars().take(60).collect();
            format!("`{}`", inline(&text))
        }
        value => describe(value.into()),
    }
}

/// More than is ever shown, so that long strings are not copied.
fn beginning(text: &str) -> String {
    text.chars()
        .take(61)
        .enumerate()
        .map(|(at, c)| if at == 60 { '…' } else { c })
        .collect()
}

/// Whether two values are the same one for JSON Schema: numbers by value, objects in any order.
pub(super) fn equal(a: View<'_>, b: View<'_>, budget: &mut Budget<'_>) -> Result<bool, Exhausted> {
    budget.spend(1)?;
    Ok(match (a, b) {
        (View::Null, View::Null) => true,
        (View::Bool(a), View::Bool(b)) => a == b,
        (View::Number(a), View::Number(b)) => Num::of(a) == Num::of(b),
        (View::String(a), View::String(b)) => {
            if a.len() == b.len() {
                budget.spend(a.len() as u64 / 32)?;
            }
            a == b
        }
        (View::List(a), View::List(b)) => {
            if a.len() != b.len() {
                return Ok(false);
            }
            for (a, b) in a.iter().zip(b) {
                if !equal(a.into(), b.into(), budget)? {
                    return Ok(false);
                }
            }
            true
        }
        (View::Object(a), View::Object(b)) => return equal_fields(a, b, budget),
        _ => false,
    })
}

fn equal_fields(
    a: &Map<String, Value>,
    b: &Map<String, Value>,
    budget: &mut Budget<'_>,
) -> Result<bool, Exhausted> {
    if a.len() != b.len() {
        return Ok(false);
    }
    for (name, a) in a {
        budget.spend(1 + name.len() as u64 / 32)?;
        match b.get(name) {
            Some(b) if equal(a.into(), b.into(), budget)? => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// The first two items that are equal.
pub(super) fn twins(
    list: &[Value],
    budget: &mut Budget<'_>,
) -> Result<Option<(usize, usize)>, Exhausted> {
    let mut hashes: Vec<(u64, usize)> = Vec::with_capacity(list.len());
    for (at, item) in list.iter().enumerate() {
        hashes.push((hash(item, budget)?, at));
    }
    hashes.sort_unstable();
    let mut found: Option<(usize, usize)> = None;
    let mut rest = hashes.as_slice();
    while let Some((&(hash, first), after)) = rest.split_first() {
        // Different values may share a hash, so all that follow with the same one are compared.
        for &(_, second) in after.iter().take_while(|(other, _)| *other == hash) {
            let (Some(a), Some(b)) = (list.get(first), list.get(second)) else {
                continue;
            };
            let is_sooner = found.is_none_or(|found| (second, first) < (found.1, found.0));
            if is_sooner && equal(a.into(), b.into(), budget)? {
                found = Some((first, second));
            }
        }
        rest = after;
    }
    Ok(found)
}

/// Equal values have equal hashes.
fn hash(value: &Value, budget: &mut Budget<'_>) -> Result<u64, Exhausted> {
    budget.spend(1)?;
    Ok(match value {
        Value::Null => 1,
        Value::Bool(truth) => 2 + u64::from(*truth),
        Value::Number(number) => mix(4, Num::of(number).bits()),
        Value::String(text) => hash_text(text, budget)?,
        Value::Array(items) => {
            let mut sum = 5;
            for item in items {
                sum = mix(sum, hash(item, budget)?);
            }
            sum
        }
        Value::Object(fields) => {
            // A sum, so that the order does not matter.
            let mut sum: u64 = 6;
            for (name, value) in fields {
                let field = mix(hash_text(name, budget)?, hash(value, budget)?);
                sum = sum.wrapping_add(field);
            }
            mix(6, sum)
        }
    })
}

fn hash_text(text: &str, budget: &mut Budget<'_>) -> Result<u64, Exhausted> {
    budget.spend(text.len() as u64 / 16)?;
    let mut sum = 7;
    for byte in text.bytes() {
        sum = (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    Ok(mix(7, sum))
}

fn mix(a: u64, b: u64) -> u64 {
    let sum = (a.rotate_left(23) ^ b).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    sum ^ (sum >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn are_equal(a: &Value, b: &Value) -> bool {
        equal(a.into(), b.into(), &mut Budget::new(View::Null)).unwrap()
    }

    #[test]
    fn equal_is_by_value() {
        for (a, b, expected) in [
            (json!(1), json!(1.0), true),
            (json!(0.0), json!(-0.0), true),
            (
                json!(9_007_199_254_740_993_u64),
                json!(9_007_199_254_740_992.0),
                false,
            ),
            (json!(1), json!(true), false),
            (json!(0), json!(false), false),
            (json!("a"), json!("a"), true),
            (json!("1"), json!(1), false),
            (json!([1, 2]), json!([1.0, 2]), true),
            (json!([1, 2]), json!([2, 1]), false),
            (json!([1]), json!([1, 1]), false),
            (json!({"a":1,"b":2}), json!({"b":2.0,"a":1}), true),
            (json!({"a":1}), json!({"b":1}), false),
            (json!({"a":null}), json!({}), false),
            (json!({}), json!([]), false),
        ] {
            assert_eq!(are_equal(&a, &b), expected, "{a} and {b}");
            assert_eq!(are_equal(&b, &a), expected, "{b} and {a}");
            let list = [a, b];
            let found = twins(&list, &mut Budget::new(View::Null)).unwrap();
            assert_eq!(found.is_some(), expected, "{list:?}");
        }
    }

    fn small() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!(null)),
            any::<bool>().prop_map(Value::from),
            (-2i64..3).prop_map(Value::from),
            (-2i32..3).prop_map(|n| Value::from(f64::from(n) / 2.0)),
            "[ab]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(2, 8, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::vec(("[ab]", inner), 0..3)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn the_first_twins_are_found(list in prop::collection::vec(small(), 0..12)) {
            let mut expected = None;
            for second in 0..list.len() {
                for first in (0..second).rev() {
                    if are_equal(&list[first], &list[second]) && expected.is_none() {
                        expected = Some(second);
                    }
                }
            }
            let found = twins(&list, &mut Budget::new(View::Null)).unwrap();
            prop_assert_eq!(found.map(|(_, second)| second), expected);
            if let Some((first, second)) = found {
                prop_assert!(first < second && are_equal(&list[first], &list[second]));
            }
        }
    }

    #[test]
    fn values_are_shown_short_and_safe() {
        for (value, expected) in [
            (json!("12"), "the string `12`"),
            (json!(""), "an empty string"),
            (json!("a`b\n@everyone"), "the string `aˋb\u{fffd}@everyone`"),
            (json!(1.5), "`1.5`"),
            (json!(null), "`null`"),
            (json!([1]), "a list of 1 item"),
            (json!({"a":1,"b":2}), "an object with 2 fields"),
        ] {
            assert_eq!(describe((&value).into()), expected);
        }
        assert!(describe(View::String(&"x".repeat(100_000))).chars().count() < 80);
        assert_eq!(Kinds::KEY.shown(), "a string or a whole number");
        assert_eq!(Kinds::NUMBER.or(Kinds::NULL).shown(), "a number or null");
    }
}
