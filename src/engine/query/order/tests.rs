use std::cmp::Ordering;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::json::tests::{json, number};
use super::*;

/// The order by its definition, written over trees without the encoding in mind.
fn compare(a: &Value, b: &Value) -> Ordering {
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
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => compare_numbers(a, b),
        (Value::String(a), Value::String(b)) => a.chars().cmp(b.chars()),
        (Value::Bool(a), Value::Bool(b)) => a.cmp(b),
        (Value::Array(a), Value::Array(b)) => {
            let unequal = a
                .iter()
                .zip(b)
                .map(|(a, b)| compare(a, b))
                .find(|o| o.is_ne());
            unequal.unwrap_or(a.len().cmp(&b.len()))
        }
        (Value::Object(a), Value::Object(b)) => {
            for ((a_name, a), (b_name, b)) in a.iter().zip(b) {
                let order = rank(a)
                    .cmp(&rank(b))
                    .then_with(|| a_name.chars().cmp(b_name.chars()))
                    .then_with(|| compare(a, b));
                if order.is_ne() {
                    return order;
                }
            }
            a.len().cmp(&b.len())
        }
        _ => rank(a).cmp(&rank(b)),
    }
}

/// Doubles have at most a whole part below 2^1024 and end at 2^-1074: taken apart, compared exactly.
fn compare_numbers(a: &serde_json::Number, b: &serde_json::Number) -> Ordering {
    fn parts(number: &serde_json::Number) -> (i128, f64) {
        if let Some(int) = number.as_i128() {
            return (int, 0.0);
        }
        let float = number.as_f64().unwrap();
        // From here on all are whole and beyond every integer; only their own order is left.
        if float.abs() >= 2f64.powi(100) {
            return (if float < 0.0 { i128::MIN } else { i128::MAX }, float);
        }
        // Exact, unlike the distance from the floor of a number just below zero.
        (float.trunc() as i128, float.fract())
    }
    let ((a, a_rest), (b, b_rest)) = (parts(a), parts(b));
    a.cmp(&b).then(a_rest.partial_cmp(&b_rest).unwrap())
}

/// By both ways to encode.
fn bytes(value: &Value) -> Vec<u8> {
    let mut from_text = Vec::new();
    encode(Json::new(&value.to_string()), &mut from_text);
    assert_eq!(from_text, encoded(value), "{value}");
    from_text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn bytes_compare_like_values(a in json(), b in json()) {
        prop_assert_eq!(bytes(&a).cmp(&bytes(&b)), compare(&a, &b), "{} {}", a, b);
        prop_assert_eq!(bytes(&a).cmp(&bytes(&a)), Ordering::Equal);
    }

    #[test]
    fn numbers_compare_exactly(a in number(), b in number()) {
        let order = compare_numbers(&a, &b);
        prop_assert_eq!(Number::from(&a).key().cmp(&Number::from(&b).key()), order);
        prop_assert_eq!(bytes(&a.into()).cmp(&bytes(&b.into())), order);
    }

    /// Numbers that the same double is next to, and strings that begin alike.
    #[test]
    fn close_values_compare_exactly(
        edge in 52u32..64, a in -40i128..40, b in -40i128..40, is_negative in any::<bool>(),
        begin in "[\u{0}-\u{2}a]{0,2}", c in "[\u{0}-\u{2}a]{0,2}", d in "[\u{0}-\u{2}a]{0,2}",
    ) {
        let number = |by: i128| {
            let whole = ((1 << edge) + by) * if is_negative { -1 } else { 1 };
            let number = i64::try_from(whole).map(Value::from);
            number.or_else(|_| u64::try_from(whole).map(Value::from)).unwrap_or_default()
        };
        let (a, b) = (number(a), number(b));
        prop_assert_eq!(bytes(&a).cmp(&bytes(&b)), compare(&a, &b), "{} {}", a, b);
        let (c, d) = (Value::from(format!("{begin}{c}")), Value::from(format!("{begin}{d}")));
        prop_assert_eq!(bytes(&c).cmp(&bytes(&d)), compare(&c, &d), "{} {}", c, d);
    }

    #[test]
    fn concatenations_compare_one_by_one(
        rows in prop::collection::vec((json(), json(), json()), 2..8),
        descending in any::<[bool; 3]>(),
    ) {
        let key = |(a, b, c): &(Value, Value, Value)| {
            let mut key = Vec::new();
            for (value, descending) in [a, b, c].into_iter().zip(descending) {
                let begin = key.len();
                encode_value(value, &mut key);
                if descending {
                    invert(&mut key[begin..]);
                }
            }
            key
        };
        for left in &rows {
            for right in &rows {
                let pairs = [(&left.0, &right.0), (&left.1, &right.1), (&left.2, &right.2)];
                let mut expected = Ordering::Equal;
                for ((a, b), descending) in pairs.into_iter().zip(descending) {
                    let order = compare(a, b);
                    expected = expected.then(if descending { order.reverse() } else { order });
                }
                prop_assert_eq!(key(left).cmp(&key(right)), expected);
            }
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "[\\[\\]{}\",:\\\\a1eutfn ü-]{0,40}") {
        encode(Json::new(&text), &mut Vec::new());
    }
}

#[test]
fn the_order_of_kinds_and_edges() {
    let ascending = [
        json!(null),
        json!(-1.5e308),
        json!(i64::MIN),
        json!(i64::MIN + 1),
        json!(-9_007_199_254_740_993_i64),
        json!(-9_007_199_254_740_992_i64),
        json!(-1),
        json!(-5e-324),
        json!(0),
        json!(5e-324),
        json!(0.5),
        json!(1),
        json!(9_007_199_254_740_992_i64),
        json!(9_007_199_254_740_993_i64),
        json!(9_007_199_254_740_994_i64),
        json!(i64::MAX),
        json!(9_223_372_036_854_775_808_u64),
        json!(9_223_372_036_854_775_809_u64),
        json!(u64::MAX),
        json!(18_446_744_073_709_551_616.0),
        json!(1.5e308),
        json!(""),
        json!("\u{0}"),
        json!("\u{1}"),
        json!("\u{2}"),
        json!("a"),
        json!("a\u{0}"),
        json!("aa"),
        json!("b"),
        json!("\u{ffff}"),
        json!("\u{10000}"),
        json!({}),
        json!({"b": 1}),
        json!({"b": 1, "a": 1}),
        json!({"b": 2}),
        json!({"c": 0}),
        json!({"a": "x"}),
        json!([]),
        json!([null]),
        json!([1]),
        json!([1, 1]),
        json!([2]),
        json!([[]]),
        json!(false),
        json!(true),
    ];
    for (left, a) in ascending.iter().enumerate() {
        for (right, b) in ascending.iter().enumerate() {
            assert_eq!(bytes(a).cmp(&bytes(b)), left.cmp(&right), "{a} {b}");
        }
        assert!([LEAST].as_slice() < &bytes(a)[..]);
    }
    assert_eq!(bytes(&json!(1)), bytes(&json!(1.0)));
    assert_eq!(bytes(&json!(0)), bytes(&json!(-0.0)));
    assert_eq!(
        bytes(&json!(9_223_372_036_854_775_808_u64)),
        bytes(&json!(9_223_372_036_854_775_808.0))
    );
    let mut missing = Vec::new();
    encode_missing(&mut missing);
    assert_eq!(missing, bytes(&json!(null)));
}

#[test]
fn what_nests_too_deep_ends() {
    encode(Json::new(&"[".repeat(100_000)), &mut Vec::new());
}

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
            assert_eq!(super::compare(a, b), at.cmp(&other), "{a} and {b}");
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
        assert_eq!(super::compare(&a, &b), Ordering::Equal, "{a} and {b}");
    }
}
