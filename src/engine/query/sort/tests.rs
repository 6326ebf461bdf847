use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::json::tests::json;
use super::super::order::encoded;
use super::*;

fn sorted(sort: &str, documents: &[Value]) -> Vec<usize> {
    let sort = Sort::parse("sort", sort).unwrap();
    let mut top = Top::new(usize::MAX);
    let mut key = Vec::new();
    for (at, document) in documents.iter().enumerate() {
        sort.key(
            Json::new(&document.to_string()),
            &format!("{at:04}"),
            &mut key,
        );
        top.offer(&key, at);
    }
    top.into_sorted().into_iter().map(|(_, at)| at).collect()
}

#[test]
fn rows_come_in_the_order_of_their_fields_and_then_keys() {
    let documents = [
        json!({"a": 2, "b": "x"}),
        json!({"a": 1}),
        json!({"a": 2, "b": "y"}),
        json!({}),
        json!({"a": null}),
        json!({"a": []}),
        json!({"a": [0, 5]}),
        json!({"a": "z"}),
        json!({"a": 1.0}),
    ];
    assert_eq!(sorted("a", &documents), [5, 3, 4, 6, 1, 8, 0, 2, 7]);
    assert_eq!(sorted("-a", &documents), [7, 6, 0, 2, 1, 8, 3, 4, 5]);
    assert_eq!(sorted(" a , -b ", &documents), [5, 3, 4, 6, 1, 8, 2, 0, 7]);
    assert_eq!(sorted("{\"a\":-1,\"b\":-1}", &documents)[2..4], [2, 0]);
}

#[test]
fn lists_count_as_their_least_or_greatest_item() {
    let documents = [
        json!({"l": [{"n": 1}, {"n": 9}]}),
        json!({"l": [{"n": 5}]}),
        json!({"l": [{"n": [7, 2]}]}),
    ];
    assert_eq!(sorted("l.n", &documents), [0, 2, 1]);
    assert_eq!(sorted("-l.n", &documents), [0, 2, 1]);
    assert_eq!(sorted("l.0.n", &documents), [0, 2, 1]);
}

#[test]
fn what_is_no_order_is_refused() {
    for (text, expected) in [
        ("", "no path"),
        ("a,,b", "no path"),
        ("a,a", "stands twice"),
        ("-$a", "cannot begin with `$`"),
        ("{\"a\":2}", "1, upwards, or -1, downwards, not `2`"),
        ("{\"a\":\"up\"}", "not `\"up\"`"),
        ("{\"a\":1", "not valid JSON"),
        (
            &(0..33)
                .map(|n| format!("f{n}"))
                .collect::<Vec<_>>()
                .join(","),
            "at most 32",
        ),
    ] {
        let error = Sort::parse("sort", text).unwrap_err();
        assert_eq!(error.option, Some("sort"));
        assert!(error.message.contains(expected), "{text}: {error}");
    }
}

proptest! {
    /// Against the definition: least or greatest encoding, fields one after the other, then the key.
    #[test]
    fn keys_compare_as_fields_do(
        rows in prop::collection::vec((json(), json()), 1..12),
        directions in any::<[bool; 2]>(),
        limit in 0usize..14,
    ) {
        let extreme = |value: &Value, descending: bool| {
            let items = match value {
                Value::Array(items) if items.is_empty() => vec![vec![order::LEAST]],
                Value::Array(items) => items.iter().map(encoded).collect(),
                other => vec![encoded(other)],
            };
            if descending { items.into_iter().max() } else { items.into_iter().min() }
        };
        let mut expected: Vec<usize> = (0..rows.len()).collect();
        expected.sort_by(|left, right| {
            let compare = |a: &Value, b: &Value, descending| {
                let order = extreme(a, descending).cmp(&extreme(b, descending));
                if descending { order.reverse() } else { order }
            };
            let ((a, b), (c, d)) = (&rows[*left], &rows[*right]);
            compare(a, c, directions[0]).then_with(|| compare(b, d, directions[1])).then(left.cmp(right))
        });
        let sign = directions.map(|descending| if descending { -1 } else { 1 });
        let source = json!({"a": sign[0], "b": sign[1]});
        let sort = Sort::new("sort", source.as_object().unwrap()).unwrap();
        let mut top = Top::new(limit);
        let mut key = Vec::new();
        for (at, (a, b)) in rows.iter().enumerate() {
            sort.key(Json::new(&json!({"a": a, "b": b}).to_string()), &format!("{at:04}"), &mut key);
            top.offer(&key, at);
        }
        let found: Vec<usize> = top.into_sorted().into_iter().map(|(_, at)| at).collect();
        expected.truncate(limit);
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn no_text_makes_it_panic(sort in any::<String>(), text in "[\\[\\]{}\",:\\\\a1eutfn ü-]{0,40}") {
        let _ = Sort::parse("sort", &sort);
        Sort::parse("sort", "a,-a.0,e.1").unwrap().key(Json::new(&text), "k", &mut Vec::new());
    }
}
