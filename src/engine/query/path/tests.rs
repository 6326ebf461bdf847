use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::json::tests::json;
use super::*;

fn all(path: &str, document: &Value, each: bool) -> Vec<Value> {
    let text = document.to_string();
    let path = Path::parse(path).unwrap();
    let mut values = Vec::new();
    let mut found = |value: Option<Json<'_>>| {
        values.push(value.map_or(json!("missing"), Json::to_value));
        Go::On
    };
    if each {
        path.visit_each(Json::new(&text), &mut found);
    } else {
        path.visit(Json::new(&text), &mut found);
    }
    values
}

#[track_caller]
fn check(path: &str, document: Value, expected: Value) {
    assert_eq!(
        Value::from(all(path, &document, true)),
        expected,
        "{path} in {document}"
    );
}

/// What MongoDB's own tests of its paths say.
#[test]
fn paths_lead_where_mongodb_goes() {
    let missing = "missing";
    check("a", json!({"x": 4, "a": 5}), json!([5]));
    check("a", json!({"x": 4}), json!([missing]));
    check("a", json!({"a": [5, 6]}), json!([5, 6, [5, 6]]));
    check(
        "a.b",
        json!({"a": [{"b": 5}, 3, {}, {"b": [9, 11]}, {"b": 7}]}),
        json!([5, missing, 9, 11, [9, 11], 7]),
    );
    check("a.b", json!({"a": 4}), json!([missing]));
    check("a.b", json!({"a": [4]}), json!([]));
    check("a.b", json!({"a": {"b": []}}), json!([[]]));
    check("a.1", json!({"a": [5, 7, 3]}), json!([7]));
    check("a.1", json!({"a": [5, [2, 4], 3]}), json!([[2, 4]]));
    check("a.1", json!({"a": [5, {"1": 4}, 3]}), json!([4, {"1": 4}]));
    check("a.1.b", json!({"a": [5, {"b": 4}, 3]}), json!([missing, 4]));
    check("a.1.b", json!({"a": [5, [{"b": 4}], 3]}), json!([4]));
    check(
        "a.0.b",
        json!({"a": [{"b": [2, 3]}, {"b": [4, 5]}]}),
        json!([missing, 2, 3, [2, 3], missing]),
    );
    check("a.b.x", json!({"a": [{"b": []}, {"b": []}]}), json!([]));
}

#[test]
fn numbers_name_items_only_where_they_are_written_as_usual() {
    check("a.00", json!({"a": [1]}), json!([]));
    check("a.+0", json!({"a": [1]}), json!([]));
    check("a.0", json!({"a": {"0": 1}}), json!([1]));
    check("a.99999999999999999999", json!({"a": [1]}), json!([]));
    check("0", json!([7, 8]), json!([7]));
    check("b", json!([{"b": 1}]), json!(["missing"]));
    check("0.b", json!([[{"b": 1}]]), json!([1]));
}

#[test]
fn lists_at_the_end_come_whole_when_asked_for() {
    let document = json!({"a": [{"b": [1]}, {"b": 2}, {}]});
    assert_eq!(
        all("a.b", &document, false),
        [json!([1]), json!(2), json!("missing")]
    );
}

#[test]
fn every_row_has_keys() {
    fn keys(path: &str, document: &Value) -> Value {
        let text = document.to_string();
        let mut keys = Vec::new();
        Path::parse(path)
            .unwrap()
            .visit_keys(Json::new(&text), &mut |key| {
                let mut bytes = Vec::new();
                key.encode(&mut bytes);
                keys.push(match key {
                    Key::Missing => json!("missing"),
                    Key::EmptyList => json!("empty"),
                    Key::Value(value) => value.to_value(),
                });
            });
        keys.into()
    }
    for (path, document, expected) in [
        ("a", json!({"a": 1}), json!([1])),
        ("a", json!({}), json!(["missing"])),
        ("a", json!({"a": [2, [], [3]]}), json!([2, [], [3]])),
        ("a", json!({"a": []}), json!(["empty"])),
        (
            "a.b",
            json!({"a": [{"b": [1, 2]}, {"b": 3}, {}, 4, [{"b": 5}]]}),
            json!([1, 2, 3, "missing", "missing", "missing"]),
        ),
        ("a.b", json!({"a": []}), json!(["missing"])),
        ("a.b", json!({"a": 1}), json!(["missing"])),
        ("a.0", json!({"a": [{"b": 1}, 2]}), json!([{"b": 1}])),
        ("a.0.b", json!({"a": [{"b": 1}, {"b": 2}]}), json!([1])),
        ("a.2", json!({"a": [{"b": 1}]}), json!(["missing"])),
        ("a.0", json!({"a": [[1, 2]]}), json!([1, 2])),
        ("a.0", json!({"a": {"0": 1}}), json!([1])),
    ] {
        assert_eq!(keys(path, &document), expected, "{path} in {document}");
    }
}

#[test]
fn names_with_quotes_and_backslashes_are_found() {
    for name in ["\"", "\\", "a\"", "a\\", "ü", "\n", "\u{0}"] {
        let document = json!({"a\"b": 0, "x": {name: 1}});
        check(&format!("x.{name}"), document, json!([1]));
    }
}

#[test]
fn what_is_no_path_is_refused() {
    let deep = vec!["a"; DOCUMENT_DEPTH + 1].join(".");
    for (text, why) in [
        ("", PathError::NoName),
        ("a.", PathError::NoName),
        (".a", PathError::NoName),
        ("a..b", PathError::NoName),
        ("$a", PathError::Dollar),
        ("a.$b", PathError::Dollar),
        (&*deep, PathError::TooDeep),
        (&"a".repeat(PATH_BYTES + 1), PathError::TooLong),
    ] {
        assert_eq!(Path::parse(text), Err(why), "{text}");
    }
    assert!(Path::parse(&vec!["a"; DOCUMENT_DEPTH].join(".")).is_ok());
}

proptest! {
    #[test]
    fn a_visit_can_be_stopped_anywhere(document in json(), path in "[ab0-2](\\.[ab0-2]){0,3}", stop in 0usize..4) {
        let text = document.to_string();
        let path = Path::parse(&path).unwrap();
        let mut seen = 0;
        let go = path.visit_each(Json::new(&text), &mut |_| {
            seen += 1;
            if seen > stop { Go::Stop } else { Go::On }
        });
        prop_assert!(seen <= stop + 1);
        prop_assert_eq!(go == Go::Stop, seen == stop + 1);
    }

    #[test]
    fn no_text_makes_it_panic(text in "[\\[\\]{}\",:\\\\a1eutfn ü-]{0,40}", path in any::<String>()) {
        if let Ok(path) = Path::parse(&path) {
            path.visit_each(Json::new(&text), &mut |_| Go::On);
        }
        Path::parse("a.1").unwrap().visit_each(Json::new(&text), &mut |_| Go::On);
    }
}
