mod errors;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::json::tests::json;
use super::super::order::{encoded, kind};
use super::*;

fn filter(query: &Value) -> Filter {
    Filter::parse("where_json", &query.to_string())
        .unwrap_or_else(|error| panic!("{query}: {error}"))
}

fn matches(query: &Value, document: &Value) -> bool {
    filter(query).matches(Json::new(&document.to_string()))
}

/// Documents that a query matches, and documents that it does not.
#[track_caller]
fn check(query: Value, yes: Value, no: Value) {
    for (documents, expected) in [(yes, true), (no, false)] {
        for document in documents.as_array().unwrap() {
            assert_eq!(matches(&query, document), expected, "{query} on {document}");
        }
    }
}

#[test]
fn equality() {
    check(json!({}), json!([{}, {"a": 1}]), json!([]));
    check(
        json!({"a": 1}),
        json!([{"a": 1}, {"a": 1.0}, {"a": [2, 1]}, {"b": 0, "a": 1}]),
        json!([{}, {"a": "1"}, {"a": true}, {"a": [[1]]}, {"a": 2}, {"A": 1}, {"a": {"a": 1}}]),
    );
    check(
        json!({"a": null}),
        json!([{}, {"a": null}, {"a": [1, null]}]),
        json!([{"a": 0}, {"a": ""}, {"a": []}, {"a": false}]),
    );
    check(
        json!({"a.b": null}),
        json!([{}, {"a": 1}, {"a": {}}, {"a": {"b": null}}, {"a": [{}]}, {"a": [{"b": 1}, {}]}]),
        json!([{"a": {"b": 1}}, {"a": [1]}, {"a": []}, {"a": [{"b": 1}]}]),
    );
    check(
        json!({"a": [1, 2]}),
        json!([{"a": [1, 2]}, {"a": [[1, 2], 3]}, {"a": [1.0, 2.0]}]),
        json!([{"a": [2, 1]}, {"a": [1, 2, 3]}, {"a": 1}, {"a": [1]}]),
    );
    check(
        json!({"a": {"x": 1, "y": [true]}}),
        json!([{"a": {"x": 1, "y": [true]}}, {"a": [{"x": 1.0, "y": [true]}]}]),
        json!([{"a": {"y": [true], "x": 1}}, {"a": {"x": 1}}, {"a": {"x": 1, "y": true}}]),
    );
    check(
        json!({"a": {}}),
        json!([{"a": {}}]),
        json!([{}, {"a": []}, {"a": {"b": 1}}]),
    );
    check(
        json!({"a\"b": "ü\n"}),
        json!([{"a\"b": "ü\n"}]),
        json!([{"a\"b": "ü"}]),
    );
}

#[test]
fn ranges_stay_within_a_kind() {
    check(
        json!({"a": {"$gt": 1}}),
        json!([{"a": 2}, {"a": 1.5}, {"a": [0, 3]}, {"a": 18_446_744_073_709_551_615_u64}]),
        json!([{"a": 1}, {"a": "2"}, {"a": null}, {}, {"a": true}, {"a": [0, 1]}, {"a": {"b": 2}}]),
    );
    // Different items may answer for the two.
    check(
        json!({"a": {"$gt": 1, "$lt": 3}}),
        json!([{"a": 2}, {"a": [0, 5]}]),
        json!([{"a": 3}, {"a": [5]}]),
    );
    check(
        json!({"a": {"$gte": 9_007_199_254_740_993_i64}}),
        json!([{"a": 9_007_199_254_740_993_i64}, {"a": 1e300}]),
        json!([{"a": 9_007_199_254_740_992_i64}, {"a": 9_007_199_254_740_992.0}]),
    );
    check(
        json!({"a": {"$lte": "b"}}),
        json!([{"a": "b"}, {"a": "a"}, {"a": ""}, {"a": "a\n"}]),
        json!([{"a": "ba"}, {"a": 1}, {"a": ["c"]}]),
    );
    check(
        json!({"a": {"$gte": null}}),
        json!([{}, {"a": null}]),
        json!([{"a": 1}]),
    );
    check(
        json!({"a": {"$gt": null}}),
        json!([]),
        json!([{}, {"a": null}, {"a": 1}]),
    );
    check(
        json!({"a": {"$lt": true}}),
        json!([{"a": false}]),
        json!([{"a": true}, {"a": 0}]),
    );
    check(
        json!({"a": {"$gt": [1]}}),
        json!([{"a": [1, 0]}, {"a": [2]}, {"a": [[3]]}]),
        json!([{"a": [1]}, {"a": [0, 9]}, {"a": 2}]),
    );
    check(
        json!({"a": {"$lt": {"b": 2}}}),
        json!([{"a": {"b": 1}}, {"a": {}}]),
        json!([{"a": {"b": 2}}, {"a": {"b": "x"}}]),
    );
}

#[test]
fn several_values_and_negation() {
    check(
        json!({"a": {"$in": [1, "x", null, [2]]}}),
        json!([{"a": 1.0}, {"a": "x"}, {}, {"a": [2]}, {"a": [5, "x"]}, {"a": [[2]]}]),
        json!([{"a": 2}, {"a": "y"}, {"a": [3]}, {"a": []}]),
    );
    check(json!({"a": {"$in": []}}), json!([]), json!([{}, {"a": 1}]));
    check(
        json!({"a": {"$nin": [1, null]}}),
        json!([{"a": 2}, {"a": []}]),
        json!([{}, {"a": 1}, {"a": [2, 1]}]),
    );
    check(
        json!({"a": {"$ne": 1}}),
        json!([{}, {"a": 2}, {"a": [2]}]),
        json!([{"a": 1}, {"a": [2, 1]}]),
    );
    check(
        json!({"a": {"$not": {"$gt": 1, "$lt": 3}}}),
        json!([{}, {"a": 3}, {"a": "2"}]),
        json!([{"a": 2}, {"a": [0, 5]}]),
    );
    check(
        json!({"a": {"$not": {"$not": {"$eq": 1}}}}),
        json!([{"a": 1}]),
        json!([{}, {"a": 2}]),
    );
}

#[test]
fn what_is_there() {
    check(
        json!({"a": {"$exists": true}}),
        json!([{"a": null}, {"a": []}]),
        json!([{}, {"b": 1}]),
    );
    check(
        json!({"a": {"$exists": false}}),
        json!([{}, {"b": {"a": 1}}]),
        json!([{"a": null}]),
    );
    check(
        json!({"a.b": {"$exists": true}}),
        json!([{"a": [1, {"b": null}]}]),
        json!([{"a": [1]}, {"a": []}, {"a": 1}]),
    );
    check(
        json!({"a.b": {"$exists": false}}),
        json!([{"a": [1]}, {"a": []}, {}]),
        json!([{"a": [{}, {"b": 1}]}]),
    );
    check(
        json!({"a": {"$size": 2}}),
        json!([{"a": [1, [2, 3]]}]),
        json!([{}, {"a": "ab"}, {"a": [1]}, {"a": [[1, 2]]}, {"a": {"b": 1, "c": 2}}]),
    );
    check(
        json!({"a": {"$size": 0.0}}),
        json!([{"a": []}]),
        json!([{"a": [0]}]),
    );
    for (name, value) in [
        ("str", json!("")),
        ("string", json!("x")),
        ("int", json!(1)),
        ("long", json!(u64::MAX)),
        ("float", json!(1.0)),
        ("double", json!(1e300)),
        ("bool", json!(false)),
        ("dict", json!({})),
        ("object", json!({})),
        ("null", json!(null)),
        ("number", json!(1)),
        ("number", json!(1.5)),
        ("list", json!([])),
        ("array", json!([1])),
    ] {
        let others = [
            json!("-"),
            json!(0.5),
            json!(true),
            json!(null),
            json!({}),
            json!([]),
        ];
        let others = others.iter().filter(|other| kind(other) != kind(&value));
        let others: Vec<Value> = others.map(|other| json!({"a": other})).collect();
        check(
            json!({"a": {"$type": name}}),
            json!([{"a": value}, {"a": [value]}]),
            others.into(),
        );
    }
    check(
        json!({"a": {"$type": "int"}}),
        json!([{"a": 1}]),
        json!([{"a": 1.0}, {"a": []}]),
    );
    check(
        json!({"a": {"$type": ["int", "null"]}}),
        json!([{"a": 1}, {"a": null}]),
        json!([{}, {"a": "1"}]),
    );
}

#[test]
fn strings() {
    check(
        json!({"a": {"$contains": "é\"x"}}),
        json!([{"a": "-é\"x-"}, {"a": ["b", "é\"x"]}]),
        json!([{}, {"a": "x"}, {"a": ["-é\"x-"]}, {"a": 1}]),
    );
    check(
        json!({"a": {"$contains": 1}}),
        json!([{"a": [1.0]}]),
        json!([{"a": 1}, {"a": "1"}, {"a": [[1]]}]),
    );
    check(
        json!({"a": {"$contains": {"b": 1}}}),
        json!([{"a": [{"b": 1}]}]),
        json!([{"a": {"b": 1}}]),
    );
    check(
        json!({"a": {"$contains": null}}),
        json!([{"a": [null]}]),
        json!([{}, {"a": null}, {"a": []}]),
    );
    check(
        json!({"a": {"$prefix": "ab"}}),
        json!([{"a": "ab"}, {"a": "abc"}, {"a": ["x", "abc"]}, {"a": "ab\n"}]),
        json!([{}, {"a": "a"}, {"a": "xab"}, {"a": "Ab"}, {"a": [["ab"]]}]),
    );
    check(
        json!({"a": {"$regex": "^a.c$"}}),
        json!([{"a": "abc"}, {"a": ["x", "a\"c"]}, {"a": "aüc"}]),
        json!([{}, {"a": "ABC"}, {"a": "xabc"}, {"a": 1}, {"a": "a\nc"}]),
    );
    check(
        json!({"a": {"$options": "is", "$regex": "^a. c"}}),
        json!([{"a": "A\n cd"}]),
        json!([{"a": "a  x"}]),
    );
    check(
        json!({"a": {"$regex": "^ b $ # x", "$options": "mx"}}),
        json!([{"a": "a\nb\nc"}]),
        json!([{"a": "ab"}]),
    );
    check(
        json!({"a": {"$not": {"$regex": "b"}}}),
        json!([{}, {"a": "a"}, {"a": 1}]),
        json!([{"a": "b"}, {"a": ["a", "b"]}]),
    );
}

#[test]
fn lists() {
    check(
        json!({"a": {"$all": [1, "x"]}}),
        json!([{"a": ["x", 1, 2]}]),
        json!([{}, {"a": 1}, {"a": [1]}, {"a": [[1, "x"]]}]),
    );
    check(
        json!({"a": {"$all": [1]}}),
        json!([{"a": 1}, {"a": [1]}]),
        json!([{"a": 2}]),
    );
    check(
        json!({"a": {"$all": []}}),
        json!([]),
        json!([{}, {"a": []}, {"a": [1]}]),
    );
    check(
        json!({"a": {"$all": [[1]]}}),
        json!([{"a": [1]}, {"a": [[1]]}]),
        json!([{"a": [2]}]),
    );
    check(
        json!({"a": {"$all": [{"$elemMatch": {"x": 1}}, {"$elemMatch": {"x": 2}}]}}),
        json!([{"a": [{"x": 2}, {"x": 1}]}]),
        json!([{"a": [{"x": 1}]}]),
    );
    check(
        json!({"a": {"$elemMatch": {"$gt": 1, "$lt": 3}}}),
        json!([{"a": [0, 2]}]),
        json!([{}, {"a": 2}, {"a": [0, 5]}, {"a": [[2]]}]),
    );
    check(
        json!({"a": {"$elemMatch": {"x": 1, "y.z": {"$gt": 2}}}}),
        json!([{"a": [{}, {"x": 1, "y": [{"z": 3}]}]}]),
        json!([{"a": [{"x": 1}, {"y": {"z": 3}}]}, {"a": {"x": 1, "y": {"z": 3}}}]),
    );
    check(
        json!({"a": {"$elemMatch": {"0": 1}}}),
        json!([{"a": [[1]]}]),
        json!([{"a": [1]}]),
    );
    check(
        json!({"a": {"$elemMatch": {"$or": [{"x": 1}, {"x": 2}]}}}),
        json!([{"a": [{"x": 2}]}]),
        json!([{"a": [{"x": 3}]}]),
    );
    check(
        json!({"a": {"$elemMatch": {}}}),
        json!([{"a": [{}]}, {"a": [[]]}]),
        json!([{"a": [1]}, {"a": []}]),
    );
    check(
        json!({"a": {"$elemMatch": {"$not": {"$eq": 1}}}}),
        json!([{"a": [1, 2]}]),
        json!([{"a": [1]}]),
    );
    check(
        json!({"a": {"$elemMatch": {"$elemMatch": {"$in": [1]}}}}),
        json!([{"a": [[1]]}]),
        json!([{"a": [1]}]),
    );
}

#[test]
fn connectives() {
    check(
        json!({"$and": [{"a": 1}, {"b": 2}]}),
        json!([{"a": 1, "b": 2}]),
        json!([{"a": 1}]),
    );
    check(
        json!({"$or": [{"a": 1, "c": 3}, {"b": 2}]}),
        json!([{"a": 1, "c": 3}, {"b": 2}]),
        json!([{"a": 1}]),
    );
    check(
        json!({"$nor": [{"a": 1}, {"b": 2}]}),
        json!([{}, {"a": 2}]),
        json!([{"a": 1}, {"b": 2}]),
    );
    check(json!({"$or": [{}]}), json!([{}]), json!([]));
    check(
        json!({"a": 1, "$or": [{"b": 1}, {"$and": [{"c": 1}]}]}),
        json!([{"a": 1, "c": 1}]),
        json!([{"b": 1}, {"a": 1}]),
    );
}

#[test]
fn text() {
    let rose = json!({"t": "Die Rose, ein-zwei", "l": [{"x": "GRÜNE wiese"}], "wort": 5});
    for yes in [
        "rose",
        "ROSE nichts",
        "grüne",
        "Wiese",
        "ein-zwei",
        "\"grüne wiese\"",
        "\"die rose\" nichts",
        "rose -haus",
        "\"rose ein zwei\"",
        "rose -\"zwei ein\"",
        "\"Die\" \"wiese\"",
        "rose-haus",
    ] {
        check(json!({"$text": yes}), json!([rose]), json!([]));
    }
    for no in [
        "ros",
        "wort",
        "x",
        "\"rose wiese\"",
        "rose -wiese",
        "rose -\"ein zwei\"",
        "\"die rose\" \"haus\"",
        "5",
        "\"zwei grüne\"",
    ] {
        check(json!({"$text": {"$search": no}}), json!([]), json!([rose]));
    }
    check(
        json!({"$or": [{"$text": "rose"}, {"n": 1}]}),
        json!([rose, {"n": 1}]),
        json!([{}]),
    );
    check(
        json!({"$text": "a\"b"}),
        json!([{"t": "b"}]),
        json!([{"t": "a"}]),
    );
}

#[test]
fn filters_for_items_of_lists() {
    let effort = Effort::default();
    let parse = |source: Value| {
        let source = source.as_object().unwrap();
        Element::parse("patch_json", "$pull.a", source, &effort)
    };
    assert!(
        parse(json!({"$gte": 6}))
            .unwrap()
            .matches(Json::new("6"), &Effort::default())
    );
    assert!(
        !parse(json!({"$gte": 6}))
            .unwrap()
            .matches(Json::new("{\"x\":6}"), &Effort::default())
    );
    assert!(
        parse(json!({"x": 6}))
            .unwrap()
            .matches(Json::new("{\"x\":6}"), &Effort::default())
    );
    assert!(
        !parse(json!({"x": null}))
            .unwrap()
            .matches(Json::new("6"), &Effort::default())
    );
    let error = parse(json!({"$gtt": 6})).unwrap_err();
    assert!(error.message.contains("`$pull.a.$gtt`"), "{error}");
}

/// Queries of all shapes, most of which make sense.
fn query() -> impl Strategy<Value = Value> {
    let word = prop::sample::select(vec![
        "$and",
        "$or",
        "$nor",
        "$text",
        "$eq",
        "$ne",
        "$gt",
        "$gte",
        "$lt",
        "$lte",
        "$in",
        "$nin",
        "$exists",
        "$contains",
        "$prefix",
        "$regex",
        "$options",
        "$size",
        "$all",
        "$elemMatch",
        "$type",
        "$not",
        "$search",
        "a",
        "b",
        "a.b",
        "a.0",
        "$x",
        "",
    ]);
    json().prop_recursive(5, 24, 3, move |inner| {
        prop_oneof![
            prop::collection::vec((word.clone(), inner.clone()), 1..3).prop_map(|fields| {
                Value::Object(
                    fields
                        .into_iter()
                        .map(|(name, value)| (name.to_owned(), value))
                        .collect(),
                )
            }),
            prop::collection::vec(inner, 0..3).prop_map(Value::from),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_query_makes_it_panic(query in query(), document in json(), text in "[\\[\\]{}\",:\\\\a1eutfn ü-]{0,40}") {
        let Value::Object(query) = query else { return Ok(()) };
        if let Ok(filter) = Filter::new("where_json", query) {
            filter.matches(Json::new(&document.to_string()));
            filter.matches(Json::new(&text));
        }
    }

    /// Patterns without special characters are not compiled.
    #[test]
    fn plain_patterns_match_like_compiled_ones(pattern in "[ab.#é \\-]{0,3}", text in "[ab.#é \\-]{0,5}", options in "[imsx]{0,2}") {
        let effort = Effort::default();
        let Ok(plain) = Pattern::new(&pattern, &options, &effort) else { return Ok(()) };
        // With the option x, what is behind # is a comment.
        let Ok(compiled) = Pattern::new(&format!("(?:{pattern})"), &options, &effort) else { return Ok(()) };
        prop_assert_eq!(plain.is_match(&text), compiled.is_match(&text));
    }

    #[test]
    fn a_value_is_equal_to_itself_and_to_nothing_else_of_its_kind(value in json(), other in json()) {
        prop_assume!(!value.as_object().is_some_and(|fields| fields.keys().any(|name| name.starts_with('$'))));
        let document = json!({"a": value});
        let holds = |query: Value| matches(&query, &document);
        let equal = [
            holds(json!({"a": value})),
            holds(json!({"a": {"$in": [1, value]}})),
            holds(json!({"a": {"$gte": value, "$lte": value}})),
            !holds(json!({"a": {"$ne": value}})),
        ];
        prop_assert_eq!(equal, [true; 4]);
        if !other.is_array() {
            let less = kind(&value) == kind(&other) && encoded(&value) < encoded(&other);
            let greater = matches(&json!({"a": {"$gt": value}}), &json!({"a": other}));
            prop_assert_eq!(greater, less);
        }
    }
}

#[test]
fn what_a_pattern_would_find_beyond_its_budget_is_an_error_and_no_miss() {
    let row = json!({"a": format!("{}b", "a".repeat(9_000_000))}).to_string();
    let found = filter(&json!({"a": {"$regex": "a+b"}}));
    assert!(!found.matches(Json::new(&row)));
    let error = found.end().unwrap_err().to_string();
    assert!(error.contains("more than 512 MiB of text"), "{error}");
    assert!(found.end().is_ok(), "the next question begins anew");
    // The larger the pattern, the less text.
    let row = json!({"a": "a".repeat(3_000_000)}).to_string();
    let found = filter(&json!({"a": {"$regex": "([a-z]{1,30}){1,10}y"}}));
    assert!(!found.matches(Json::new(&row)));
    assert!(found.end().is_err());
    // Words without special characters cost nothing.
    let plain = filter(&json!({"a": {"$regex": "aa"}}));
    assert!(plain.matches(Json::new(&row)));
    assert!(plain.end().is_ok());
}

#[test]
fn every_condition_costs_what_it_reads() {
    let row = json!({"t": "a".repeat(7_900_000), "l": [1, 2]}).to_string();
    let is_refused = |query: &Value| {
        let found = filter(query);
        found.matches(Json::new(&row));
        found.end().is_err()
    };
    let some: Vec<u32> = vec![1; 20];
    let many: Vec<u32> = vec![1; 100];
    assert!(!is_refused(&json!({"l": {"$all": some}})));
    assert!(is_refused(&json!({"l": {"$all": many}})));
    let excluded: Vec<String> = (0..100).map(|n| format!("-q{n}")).collect();
    assert!(is_refused(
        &json!({"$text": format!("a {}", excluded.join(" "))})
    ));
    let branches: Vec<Value> = (0..100).map(|n| json!({"l": n + 5})).collect();
    assert!(is_refused(&json!({ "$or": branches })));
    // The same twice is once.
    assert!(!is_refused(
        &json!({"$text": format!("b{}", " -c".repeat(100))})
    ));
}

#[test]
fn items_count_as_long_as_they_are() {
    let items: Vec<Value> = (0..50_000).map(|n| json!({ "n": n })).collect();
    let row = json!({ "l": items }).to_string();
    let found = filter(&json!({"l": {"$elemMatch": {"n": -1, "m": {"$ne": 1}}}}));
    for _ in 0..20 {
        assert!(!found.matches(Json::new(&row)));
    }
    assert!(found.end().is_ok());
}

#[test]
fn patterns_are_bounded_together() {
    let one = json!({"a": {"$regex": "(a{0,50}){6}"}});
    let of = |patterns: usize| {
        let query = json!({"$or": vec![one.clone(); patterns]}).to_string();
        Filter::parse("where_json", &query)
    };
    assert!(of(2).is_ok());
    let error = of(500).unwrap_err().to_string();
    assert!(error.contains("one pattern too many"), "{error}");
}

#[test]
fn numbers_in_paths_are_bounded() {
    let path = |numbers: usize| format!("a{}", ".0".repeat(numbers));
    assert!(Filter::parse("where_json", &json!({path(8): 1}).to_string()).is_ok());
    let error = Filter::parse("where_json", &json!({path(9): 1}).to_string()).unwrap_err();
    assert!(error.message.contains("at most 8 numbers"), "{error}");
}
