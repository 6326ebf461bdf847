use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::json::tests::json;
use super::*;

#[track_caller]
fn check(select: &str, document: &Value, expected: Value) {
    let select = Select::parse("select", select, "id").unwrap();
    let mut out = String::new();
    select.apply(Json::new(&document.to_string()), &mut out);
    assert_eq!(out, expected.to_string());
}

#[test]
fn fields_are_kept_or_left_out() {
    let document = json!({
        "a": 1, "id": "k", "b": {"c": 2, "d": [3]}, "e": null, "é\"": [],
        "l": [{"x": 1, "y": 2}, 5, [{"x": 3, "y": 4}, 6], {}],
    });
    check("a", &document, json!({"a": 1, "id": "k"}));
    check("a,-id", &document, json!({"a": 1}));
    check("id", &document, json!({"id": "k"}));
    check(
        " b.c , e",
        &document,
        json!({"id": "k", "b": {"c": 2}, "e": null}),
    );
    check("b.d.x,a.x", &document, json!({"id": "k", "b": {"d": []}}));
    check("b.z", &document, json!({"id": "k", "b": {}}));
    check(
        "l.x",
        &document,
        json!({"id": "k", "l": [{"x": 1}, [{"x": 3}], {}]}),
    );
    check("l.0", &document, json!({"id": "k", "l": [{}, [{}], {}]}));
    check("{\"é\\\"\":1}", &document, json!({"id": "k", "é\"": []}));
    check(
        "{\"id\":0,\"l\":0,\"b\":0,\"é\\\"\":0}",
        &document,
        json!({"a": 1, "e": null}),
    );
    check(
        "{\"l.x\":0,\"b.c\":0,\"a.z\":0,\"é\\\"\":0,\"e\":0}",
        &document,
        json!({
            "a": 1, "id": "k", "b": {"d": [3]}, "l": [{"y": 2}, 5, [{"y": 4}, 6], {}],
        }),
    );
    check("{\"a\":true,\"id\":0}", &document, json!({"a": 1}));
    check(
        "{\"l\":0,\"id\":1,\"b\":0,\"é\\\"\":0}",
        &document,
        json!({"a": 1, "id": "k", "e": null}),
    );
    check("{\"id\":0}", &json!({"id": 1, "x": 2}), json!({"x": 2}));
    check("{}", &document, document.clone());
    check(
        "id.x",
        &json!({"id": {"x": 1, "y": 2}, "z": 3}),
        json!({"id": {"x": 1}}),
    );
}

#[test]
fn what_is_no_selection_is_refused() {
    for (text, expected) in [
        ("", "no path"),
        ("a,,b", "no path"),
        ("a,-b", "only one of both"),
        ("-b,a", "only one of both"),
        ("a,a", "stands twice"),
        ("a.b,a", "beside a field"),
        ("a,a.b", "beside a field"),
        ("{\"a\":2}", "not `2`"),
        ("{\"a\":{\"$slice\":1}}", "not `{\"$slice\":1}`"),
        (
            &(0..201)
                .map(|n| format!("f{n}"))
                .collect::<Vec<_>>()
                .join(","),
            "at most 200",
        ),
    ] {
        let error = Select::parse("select", text, "id").unwrap_err();
        assert_eq!(error.option, Some("select"));
        assert!(error.message.contains(expected), "{text}: {error}");
    }
}

proptest! {
    #[test]
    fn what_is_shown_is_json_and_both_ways_share_out_the_fields(document in json(), path in "[ab0-2](\\.[ab0-2]){0,2}") {
        let Value::Object(fields) = &document else { return Ok(()) };
        let text = document.to_string();
        let apply = |select: &str| {
            let mut out = String::new();
            Select::parse("select", select, "no such").unwrap().apply(Json::new(&text), &mut out);
            serde_json::from_str::<Map<String, Value>>(&out).unwrap()
        };
        let (kept, rest) = (apply(&path), apply(&format!("-{path}")));
        for (name, value) in fields {
            let is_named = path == *name;
            prop_assert!(!is_named || kept.get(name) == Some(value) && !rest.contains_key(name));
            prop_assert!(is_named || rest.contains_key(name));
        }
        prop_assert!(kept.keys().all(|name| path.split('.').next() == Some(name)));
    }

    #[test]
    fn no_text_makes_it_panic(select in any::<String>(), text in "[\\[\\]{}\",:\\\\a1eutfn ü-]{0,40}") {
        let _ = Select::parse("select", &select, "id");
        for select in ["a.b", "-a.e"] {
            let select = Select::parse("select", select, "id").unwrap();
            select.apply(Json::new(&text), &mut String::new());
        }
    }
}
