//! What updates take from queries: the order of values, and conditions on the items of a list.

use std::cmp::Ordering;
use std::fmt;
use std::rc::Rc;

use serde_json::{Map, Number, Value};

use super::number::whole;
use super::wrong;
use crate::error::Result;

/// The total order of values: null, numbers, strings, objects, lists, truth values; numbers by what
/// they are worth, strings by code point, objects and lists item by item.
pub(super) fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => compare_numbers(a, b),
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Array(a), Value::Array(b)) => {
            let pairs = a.iter().zip(b);
            let mut unequal = pairs
                .map(|(a, b)| compare(a, b))
                .filter(|order| order.is_ne());
            unequal.next().unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        (Value::Object(a), Value::Object(b)) => {
            let pairs = a.iter().zip(b);
            let field = |((a_name, a), (b_name, b)): ((&String, &Value), (&String, &Value))| {
                rank(a)
                    .cmp(&rank(b))
                    .then_with(|| a_name.cmp(b_name))
                    .then_with(|| compare(a, b))
            };
            let mut unequal = pairs.map(field).filter(|order| order.is_ne());
            unequal.next().unwrap_or_else(|| a.len().cmp(&b.len()))
        }
        _ => rank(a).cmp(&rank(b)),
    }
}

/// What an item of a list must fulfil for `$pull` to remove it.
#[derive(Clone)]
pub struct Condition {
    /// As it was written.
    source: Map<String, Value>,
    test: Rc<dyn Fn(&Value) -> bool>,
}

/// Understands conditions. Takes the option and the path that are to blame for one that makes no sense,
/// and the condition: with names of operators it is about the item itself (`{"$lt":5}`), with others it
/// is a query that the item, an object, is held against (`{"score":{"$lt":5}}`).
pub type Prepare =
    fn(option: &'static str, path: &str, condition: &Map<String, Value>) -> Result<Test>;

/// Says whether an item fulfils a condition.
pub type Test = Rc<dyn Fn(&Value) -> bool>;

impl Condition {
    pub(super) fn new(source: Map<String, Value>, test: Test) -> Condition {
        Condition { source, test }
    }

    pub(super) fn holds(&self, item: &Value) -> bool {
        (self.test)(item)
    }
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.source, f)
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Condition) -> bool {
        self.source == other.source
    }
}

/// Refuses all conditions, until there are queries.
pub(super) fn prepare(
    option: &'static str,
    path: &str,
    _condition: &Map<String, Value>,
) -> Result<Test> {
    Err(
        wrong(option, "$pull", path, "conditions are not supported yet.")
            .hint("Give the value to remove: a string, a number, a truth value, null or a list."),
    )
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Number(_) => 1,
        Value::String(_) => 2,
        Value::Object(_) => 3,
        Value::Array(_) => 4,
        Value::Bool(_) => 5,
    }
}

fn compare_numbers(a: &Number, b: &Number) -> Ordering {
    let double = |number: &Number| number.as_f64().unwrap_or_default();
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(a), None) => compare_mixed(a, double(b)),
        (None, Some(b)) => compare_mixed(b, double(a)).reverse(),
        (None, None) => double(a).partial_cmp(&double(b)).unwrap_or(Ordering::Equal),
    }
}

/// Without rounding the whole number, which a double may be too coarse for.
#[expect(
    clippy::cast_possible_truncation,
    reason = "what no whole number reaches is taken to the end of their range"
)]
fn compare_mixed(whole: i128, double: f64) -> Ordering {
    let order = whole.cmp(&(double.trunc() as i128));
    order.then_with(|| 0.0.partial_cmp(&double.fract()).unwrap_or(Ordering::Equal))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_in_order() {
        let ascending = [
            json!(null),
            json!(-1e300),
            json!(i64::MIN),
            json!(-2.5),
            json!(-2),
            json!(-0.5),
            json!(0),
            json!(0.5),
            json!(9_007_199_254_740_992_u64),
            json!(9_007_199_254_740_993_u64),
            json!(9_007_199_254_740_994_f64),
            json!(9_223_372_036_854_775_807_u64),
            json!(9_223_372_036_854_775_808_u64),
            json!(u64::MAX),
            json!(1e300),
            json!(""),
            json!("a"),
            json!("aa"),
            json!("b"),
            json!("\u{ffff}"),
            json!("\u{10000}"),
            json!({}),
            json!({"b":1}),
            json!({"b":1,"a":1}),
            json!({"b":2}),
            json!({"a":"x"}),
            json!([]),
            json!([1]),
            json!([1, null]),
            json!([2]),
            json!(false),
            json!(true),
        ];
        for (at, a) in ascending.iter().enumerate() {
            for (other, b) in ascending.iter().enumerate() {
                assert_eq!(compare(a, b), at.cmp(&other), "{a} and {b}");
            }
        }
        for (a, b) in [
            (json!(1), json!(1.0)),
            (json!(0), json!(-0.0)),
            (json!({"a":1}), json!({"a":1.0})),
            (
                json!(9_223_372_036_854_775_808_u64),
                json!(9_223_372_036_854_775_808_f64),
            ),
        ] {
            assert_eq!(compare(&a, &b), Ordering::Equal, "{a} and {b}");
        }
    }
}
