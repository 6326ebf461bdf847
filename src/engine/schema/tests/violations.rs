//! What people are told of a row that does not fit.

use serde_json::{Map, Value, json};

use super::*;

fn users() -> Schema {
    schema(json!({
        "required": ["id", "email"],
        "properties": {
            "id": "str",
            "email": {"type": "str", "format": "email"},
            "age": {"type": "integer", "minimum": 0},
            "role": {"enum": ["admin", "teacher"], "default": "teacher"},
            "since": "datetime",
            "tags": {"type": "list", "items": "str", "uniqueItems": true, "maxItems": 3},
            "address": {"type": "dict", "required": ["zip"], "properties": {"zip": {"type": "str", "pattern": "^[0-9]{5}$"}}},
            "team": {"ref": "teams", "on_delete": "cascade"},
        },
        "additionalProperties": false,
    }))
}

#[test]
fn people_read_what_is_wrong() {
    let users = users();
    for (row, expected) in [
        (
            json!({"id": "u", "email": "a@b.c", "age": 0, "team": 7, "tags": []}),
            "",
        ),
        (json!({"id": "u"}), "`email` must be there, and is missing"),
        (
            json!({"id": 5, "email": "a"}),
            "`id` must be a string, and is `5`\n`email` must be an email address such as `a@example.com`, and is the string `a`",
        ),
        (
            json!({"id": "u", "email": "a@b.c", "age": "12"}),
            "`age` must be a whole number, and is the string `12`",
        ),
        (
            json!({"id": "u", "email": "a@b.c", "age": -1}),
            "`age` must be at least 0, and is `-1`",
        ),
        (
            json!({"id": "u", "email": "a@b.c", "role": "pupil"}),
            "`role` must be one of `admin`, `teacher`, and is the string `pupil`",
        ),
        (
            json!({"id": "u", "email": "a@b.c", "since": 2026}),
            "`since` must be a date and time such as `2026-01-31T12:00:00Z`, and is `2026`",
        ),
        (
            json!({"id": "u", "email": "a@b.c", "tags": ["a", "b", 3]}),
            "`tags[2]` must be a string, and is `3`",
        ),
        (
            json!({"id": "u", "email": "a@b.c", "tags": ["a", "b", "a", "c"]}),
            "`tags` must have at most 3 items, and is a list of 4 items\n`tags` must not have the same item twice, as it has at 0 and 2, and is a list of 4 items",
        ),
        (
            json!({"id": "u", "email": "a@b.c", "address": {"zip": "123"}}),
            "`address.zip` must match the pattern `^[0-9]{5}$`, and is the string `123`",
        ),
        (
            json!({"id": "u", "email": "a@b.c", "adress": {}}),
            "`adress` is not a field of the schema (is `address` meant?), and is an object with 0 fields",
        ),
        (
            json!({"id": "u", "email": "a@b.c", "team": [1]}),
            "`team` must be a string or a whole number or null, and is a list of 1 item",
        ),
    ] {
        assert_eq!(told(&users, row.clone()), expected, "{row}");
    }
}

#[test]
fn rules_of_json_schema_are_told_as_well() {
    for (rules, value, expected) in [
        (json!({"const": 5}), json!(6), "must be `5`, and is `6`"),
        (
            json!({"multipleOf": 0.5}),
            json!(0.7),
            "must be a multiple of 0.5, and is `0.7`",
        ),
        (
            json!({"exclusiveMaximum": 5}),
            json!(5),
            "must be less than 5, and is `5`",
        ),
        (
            json!({"minLength": 3}),
            json!("é"),
            "must have at least 3 characters and has 1, and is the string `é`",
        ),
        (
            json!({"contains": "str"}),
            json!([1]),
            "must have at least 1 of the items that `contains` describes and has 0, and is a list of 1 item",
        ),
        (
            json!({"minProperties": 1}),
            json!({}),
            "must have at least 1 field, and is an object with 0 fields",
        ),
        (
            json!({"not": "str"}),
            json!("a"),
            "must not fit what `not` describes, and is the string `a`",
        ),
        (
            json!(false),
            json!(null),
            "must not be there, and is `null`",
        ),
        (
            json!({"enum": []}),
            json!(1),
            "has no value that is allowed, and is `1`",
        ),
        (
            json!({"if": "str", "then": {"maxLength": 1}, "else": "int"}),
            json!("ab"),
            "must have at most 1 character and has 2, and is the string `ab`",
        ),
        (
            json!({"if": "str", "then": {"maxLength": 1}, "else": "int"}),
            json!(true),
            "must be a whole number, and is `true`",
        ),
        (
            json!({"oneOf": [{"minimum": 1}, {"maximum": 5}]}),
            json!(3),
            "must fit exactly one of 2 forms (`oneOf`) and fits number 1 and 2, and is `3`",
        ),
    ] {
        let schema = schema(json!({"properties": {"v": rules}}));
        let expected = format!("`v` {expected}");
        assert_eq!(told(&schema, json!({"v": value})), expected);
    }
    let schema = schema(json!({"properties": {
        "pay": {"anyOf": ["str", {"properties": {"card": {"minLength": 4}}, "required": ["card"]}]},
        "map": {"propertyNames": {"pattern": "^[a-z]+$"}, "dependentRequired": {"a": ["b"]}},
    }}));
    assert_eq!(
        told(&schema, json!({"pay": {"card": "123"}})),
        "`pay` must fit one of 2 forms (`anyOf`), and is an object with 1 field; the closest one says: `pay.card` must have at least 4 characters and has 3, and is the string `123`"
    );
    assert_eq!(
        told(&schema, json!({"map": {"a": 1, "B": 2}})),
        "the name of the field `map.B` must match the pattern `^[a-z]+$`, and is the string `B`\n`map.b` must be there where there is `a`, and is missing"
    );
}

#[test]
fn at_most_five_violations_are_told() {
    let schema = schema(json!({"additionalProperties": "int"}));
    let row: Map<String, Value> = (0..50).map(|n| (format!("f{n}"), json!("x"))).collect();
    let found = schema.validate(&row).unwrap_err();
    assert_eq!(found.len(), VIOLATIONS);
    assert_eq!((found[4].path.as_str(), found[4].rule), ("f4", "type"));
    let error = refusal("value_json", "users", &found);
    assert!(
        error.to_string().starts_with(
            "Option `value_json`: the row does not fit the schema of table `users`: `f0` must be"
        ),
        "{error}"
    );
}

#[test]
fn short_types_mean_what_they_say() {
    let values = [
        ("str", json!("a")),
        ("int", json!(1)),
        ("int", json!(1.0)),
        ("float", json!(1.5)),
        ("bool", json!(true)),
        ("list", json!([])),
        ("dict", json!({})),
        ("datetime", json!("2026-01-31T12:00:00Z")),
        ("any", json!(null)),
    ];
    let is_also = |of: &str, kind: &str| {
        kind == "any"
            || of == kind
            || (of, kind) == ("int", "float")
            || (of, kind) == ("datetime", "str")
    };
    for kind in [
        "str", "int", "float", "bool", "list", "dict", "any", "datetime",
    ] {
        for rules in [json!(kind), json!({"type": kind})] {
            let schema = schema(json!({"properties": {"v": rules}}));
            for (of, value) in &values {
                let row = map(json!({"v": value}));
                assert_eq!(
                    schema.validate(&row).is_ok(),
                    is_also(of, kind),
                    "{kind}: {value}"
                );
            }
        }
    }
    let schema = schema(
        json!({"properties": {"a": {"type": ["datetime", "null"]}, "b": {"type": ["datetime", "str"]}}}),
    );
    assert_eq!(told(&schema, json!({"a": null, "b": "x"})), "");
    assert!(told(&schema, json!({"a": "x"})).contains("a date and time"));
}
