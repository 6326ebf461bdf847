//! What a schema as a whole promises; its parts have tests of their own, and `tests/queries/`
//! compares it with another validator.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

fn schema(schema: Value) -> Schema {
    Schema::new("schema_json", &map(schema)).unwrap_or_else(|error| panic!("{error}"))
}

#[track_caller]
fn refused(schema: Value, expected: &str) {
    let error = Schema::new("schema_json", &map(schema.clone())).expect_err("not refused");
    assert_eq!(error.option, Some("schema_json"));
    let told = error.to_string();
    assert!(told.contains(expected), "{schema}: {told}");
}

/// What is wrong with a row, a line each.
fn told(schema: &Schema, row: Value) -> String {
    let found = schema.validate(&map(row)).err().unwrap_or_default();
    assert!(found.len() <= VIOLATIONS);
    let lines: Vec<&str> = found.iter().map(|v| v.message.as_str()).collect();
    lines.join("\n")
}

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

#[test]
fn what_is_no_schema_is_refused_with_the_place() {
    for (schema, expected) in [
        (
            json!({"id": "str"}),
            "a schema has no `id`. Nothing was written. Fields stand below `properties`: `{\"properties\": {\"id\": \"str\"}}`.",
        ),
        (
            json!({"properties": {"a": {"minimun": 1}}}),
            "at `properties.a`: a schema has no `minimun`. Nothing was written. Did you mean `minimum`",
        ),
        (
            json!({"properties": {"a": "strin"}}),
            "`properties.a` must be the name of a type, and is the string `strin`. Nothing was written. Did you mean `string`",
        ),
        (
            json!({"properties": {"a": {"type": "date"}}}),
            "Did you mean `datetime`",
        ),
        (
            json!({"properties": {"a": 5}}),
            "`properties.a` must be a type such as `\"str\"` or a schema",
        ),
        (
            json!({"properties": {"a": {"minimum": "5"}}}),
            "`properties.a.minimum` must be a number, and is the string `5`.",
        ),
        (
            json!({"properties": {"a": {"maxLength": -1}}}),
            "`properties.a.maxLength` must be a whole number from 0 on, and is `-1`.",
        ),
        (
            json!({"properties": {"a": {"multipleOf": 0}}}),
            "must be a number above zero",
        ),
        (
            json!({"properties": {"a": {"uniqueItems": 1}}}),
            "must be `true` or `false`",
        ),
        (
            json!({"properties": {"a": {"pattern": "("}}}),
            "`properties.a.pattern` is no pattern that can be used",
        ),
        (
            json!({"properties": {"a": {"pattern": "(?=x)"}}}),
            "look-around is not supported",
        ),
        (
            json!({"properties": {"a": {"format": "hostname"}}}),
            "is the format `hostname`, which dbcord cannot check.",
        ),
        (
            json!({"properties": {"a": {"format": "datetime"}}}),
            "Did you mean `date-time`",
        ),
        (
            json!({"properties": {"a": {"type": "datetime", "format": "date"}}}),
            "`datetime` is a format itself",
        ),
        (
            json!({"properties": {"a": {"format": "date", "type": "datetime"}}}),
            "`datetime` is a format itself",
        ),
        (
            json!({"properties": {"a": {"items": ["str"]}}}),
            "`prefixItems`",
        ),
        (
            json!({"properties": {"a": {"anyOf": []}}}),
            "must be a list of at least one schema",
        ),
        (
            json!({"required": ["a", "a"]}),
            "at `required`: `a` stands twice.",
        ),
        (json!({"required": "a"}), "`required` must be a list"),
        (json!({"type": "list"}), "a row is an object"),
        (
            json!({"type": []}),
            "must be the name of a type or a list of such names",
        ),
        (
            json!({"$schema": "http://json-schema.org/draft-07/schema#"}),
            "a kind of schema that dbcord does not know",
        ),
        (
            json!({"properties": {"a": {"$id": "x"}}}),
            "`$id` can only stand at the top",
        ),
        (
            json!({"unevaluatedProperties": false}),
            "dbcord does not support `unevaluatedProperties`. Nothing was written. Use `additionalProperties`.",
        ),
        (json!({"definitions": {}}), "it is `$defs`"),
        (
            json!({"$dynamicRef": "#a"}),
            "does not support `$dynamicRef`",
        ),
        (
            json!({"properties": {"a": {"contentEncoding": "base64"}}}),
            "does not support `contentEncoding`",
        ),
        (
            json!({"properties": {"a": {"$ref": "https://example.com/a"}}}),
            "`properties.a.$ref` is `https://example.com/a`, which is outside of this schema.",
        ),
        (
            json!({"$defs": {"address": {}}, "properties": {"a": {"$ref": "#/$defs/adress"}}}),
            "no such subschema. Nothing was written. Did you mean `#/$defs/address`?",
        ),
        (
            json!({"properties": {"a": {"$ref": "#/properties/a"}}}),
            "leads back to itself",
        ),
        (
            json!({"$defs": {"a": {"not": {"$ref": "#/$defs/b"}}, "b": {"anyOf": ["str", {"$ref": "#/$defs/a"}]}}}),
            "leads back to itself",
        ),
        (json!({"allOf": [{"$ref": "#"}]}), "leads back to itself"),
        (
            json!({"properties": {"a": {"properties": {"b": {"ref": "users"}}}}}),
            "`ref` can only stand in a property of the row itself",
        ),
        (
            json!({"properties": {"a": {"ref": "Users"}}}),
            "at `properties.a.ref`: `Users` cannot be a name",
        ),
        (
            json!({"properties": {"a": {"ref": "users", "on_delete": "cascad"}}}),
            "Did you mean `cascade`?",
        ),
        (
            json!({"properties": {"a": {"on_delete": "cascade"}}}),
            "`on_delete` means something only beside `ref`.",
        ),
        (
            json!({"properties": {"a": {"ref": "users", "type": "bool"}}}),
            "`type` allows more than that",
        ),
        (
            json!({"properties": {"a": {"ref": "users", "type": "str", "on_delete": "set_null"}}}),
            "needs a property that may be null",
        ),
        (
            json!({"properties": {"a": {"ref": "users", "enum": ["x"], "on_delete": "set_null"}}}),
            "its schema does not allow that",
        ),
        (
            json!({"properties": {"a": {"items": {"ref": "users"}}}}),
            "must be a list",
        ),
        (
            json!({"properties": {"a": {"type": "list", "ref": "users", "items": "str"}}}),
            "`ref` stands in these",
        ),
        (
            json!({"properties": {"a": {"type": "int", "default": "x"}}}),
            "the `default` at `#/properties/a` does not fit its own schema: the default must be a whole number, and is the string `x`.",
        ),
        (
            json!({"anyOf": [{"properties": {"a": {"default": 1}}}]}),
            "the `default` at `#/anyOf/0/properties/a` would never be filled in.",
        ),
        (
            json!({"$defs": {"n": {"properties": {"n": {"$ref": "#/$defs/n", "default": {}}}}}, "properties": {"a": {"$ref": "#/$defs/n"}}}),
            "never ends",
        ),
    ] {
        refused(schema, expected);
    }
}

#[test]
fn limits_of_a_schema() {
    let long = "x".repeat(SCHEMA_BYTES);
    refused(json!({"title": long}), "at most 16384 bytes");
    let mut deep = json!("str");
    for _ in 0..SCHEMA_DEPTH {
        deep = json!({"items": deep});
    }
    Schema::new("schema_json", &map(deep.clone())).unwrap();
    refused(json!({"items": deep}), "at most 32 levels deep");
    let many: Map<String, Value> = (0..SUBSCHEMAS)
        .map(|n| (format!("{n}"), json!({})))
        .collect();
    refused(json!({"properties": many}), "at most 1000 subschemas");
    let patterns: Vec<Value> = (0..100)
        .map(|_| json!({"pattern": "(?:[a-c]x){300}"}))
        .collect();
    refused(json!({"allOf": patterns}), "too much memory");
    let chain: Map<String, Value> = (0..40)
        .map(|n| {
            (
                format!("d{n}"),
                json!({"$ref": format!("#/$defs/d{}", n + 1)}),
            )
        })
        .chain([("d40".to_owned(), json!({}))])
        .collect();
    refused(
        json!({"$defs": chain}),
        "more than 32 subschemas apply to one value",
    );
}

#[test]
fn defaults_are_filled_in_wherever_something_is_missing() {
    let schema = schema(json!({
        "$defs": {"port": {"type": "int", "default": 80}},
        "properties": {
            "z": {"default": 1},
            "a": {"default": [1, 2]},
            "server": {"default": {}, "properties": {"port": {"$ref": "#/$defs/port"}, "host": {"default": "h"}}},
            "list": {"items": {"properties": {"n": {"default": null}}}},
        },
        "allOf": [{"properties": {"b": {"default": true}, "a": {"default": 3}}}],
    }));
    for (row, expected) in [
        (
            json!({}),
            json!({"z": 1, "a": [1, 2], "server": {"port": 80, "host": "h"}, "b": true}),
        ),
        (
            json!({"a": null, "server": {"host": "x"}, "list": [{}, {"n": 1}, 5, [{}]]}),
            json!({"a": null, "server": {"host": "x", "port": 80}, "list": [{"n": null}, {"n": 1}, 5, [{}]], "z": 1, "b": true}),
        ),
        (
            json!({"z": 0, "a": 0, "server": 5, "list": {}, "b": 0}),
            json!({"z": 0, "a": 0, "server": 5, "list": {}, "b": 0}),
        ),
    ] {
        let mut filled = map(row);
        schema.fill_defaults(&mut filled).unwrap();
        assert_eq!(document::to_text(&filled), expected.to_string());
        let before = filled.clone();
        schema.fill_defaults(&mut filled).unwrap();
        assert_eq!(filled, before);
    }
}

#[test]
fn defaults_that_would_swell_a_row_are_not_filled_in() {
    let big = "x".repeat(10_000);
    let schema =
        schema(json!({"properties": {"l": {"items": {"properties": {"b": {"default": big}}}}}}));
    let mut row = map(json!({"l": vec![json!({}); 10_000]}));
    let violation = schema.fill_defaults(&mut row).unwrap_err();
    assert!(violation.message.contains("too large"), "{violation}");
    // A visit of every place twice at each level would take 2^60 steps.
    let schema = self::schema(
        json!({"$defs": {"n": {"properties": {"x": {"default": 1}, "c": {"allOf": [{"$ref": "#/$defs/n"}, {"$ref": "#/$defs/n"}]}}}}, "$ref": "#/$defs/n"}),
    );
    let mut row = json!({});
    for _ in 0..60 {
        row = json!({"c": row});
    }
    schema.fill_defaults(&mut map(row)).unwrap_err();
}

#[test]
fn references_are_listed_and_read() {
    let schema = schema(json!({"properties": {
        "author": {"ref": "users"},
        "editor": {"ref": "users", "on_delete": "set_null"},
        "tags": {"type": "list", "items": {"ref": "tags", "on_delete": "cascade"}},
        "likes": {"type": "list", "ref": "users", "on_delete": "set_null"},
        "maybe": {"ref": "users", "type": ["str", "null"]},
        "needed": {"ref": "users"},
    }, "required": ["needed"]}));
    let found: Vec<_> = schema
        .refs()
        .iter()
        .map(|r| {
            (
                r.field.as_str(),
                r.table.as_str(),
                r.on_delete.as_str(),
                r.is_list,
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("author", "users", "restrict", false),
            ("editor", "users", "set_null", false),
            ("tags", "tags", "cascade", true),
            ("likes", "users", "set_null", true),
            ("maybe", "users", "restrict", false),
            ("needed", "users", "restrict", false),
        ]
    );
    let row = json!({"needed": "u", "author": 12, "editor": null, "tags": ["a", 2.0], "likes": [], "maybe": null});
    assert_eq!(told(&schema, row.clone()), "");
    assert_eq!(told(&schema, json!({"needed": 1, "author": null})), "");
    let keys = |at: usize| schema.refs()[at].keys(row.as_object().unwrap());
    assert_eq!(keys(0), ["12"]);
    assert_eq!(keys(2), ["a", "2"]);
    assert!(keys(1).is_empty() && keys(3).is_empty() && keys(4).is_empty());
    for row in [
        json!({"author": 1.5}),
        json!({"needed": null}),
        json!({"editor": true}),
        json!({"tags": [null]}),
        json!({"likes": "u_1"}),
        json!({"likes": [{}]}),
        json!({"maybe": 1}),
    ] {
        let mut row = row;
        if row.get("needed").is_none() {
            row["needed"] = json!("u");
        }
        assert_ne!(told(&schema, row.clone()), "", "{row}");
    }
}

#[test]
fn primary_keys_are_strings_or_whole_numbers() {
    for (rules, expected) in [
        (json!({}), Ok(KeyType::Either)),
        (json!({"properties": {"id": "str"}}), Ok(KeyType::Text)),
        (json!({"properties": {"id": "int"}}), Ok(KeyType::Whole)),
        (
            json!({"properties": {"id": {"type": ["int", "string"]}}}),
            Ok(KeyType::Either),
        ),
        (
            json!({"properties": {"id": {"enum": ["a", "b"]}}}),
            Ok(KeyType::Text),
        ),
        (
            json!({"properties": {"id": {"ref": "users"}}}),
            Ok(KeyType::Either),
        ),
        (
            json!({"properties": {"id": {"$ref": "#/$defs/id"}}, "$defs": {"id": "datetime"}}),
            Ok(KeyType::Text),
        ),
        (
            json!({"patternProperties": {"^i": {}}, "additionalProperties": false}),
            Ok(KeyType::Either),
        ),
        (
            json!({"properties": {"id": "float"}}),
            Err("must be a string or a whole number"),
        ),
        (
            json!({"properties": {"id": "any"}}),
            Err("must be a string or a whole number"),
        ),
        (
            json!({"properties": {"id": {"minLength": 2}}}),
            Err("must be a string or a whole number"),
        ),
        (
            json!({"properties": {"id": {"type": "str", "default": "x"}}}),
            Err("cannot have a default"),
        ),
        (
            json!({"additionalProperties": false}),
            Err("is not among the `properties`"),
        ),
    ] {
        let told = schema(rules.clone()).key_type("schema_json", "id");
        match expected {
            Ok(expected) => assert_eq!(told.unwrap(), expected, "{rules}"),
            Err(why) => assert!(told.unwrap_err().message.contains(why), "{rules}"),
        }
    }
}

#[test]
fn the_text_is_kept_as_it_was_given() {
    let text =
        r#"{"properties":{"b":"str","a":{"type":"int","description":"x"}},"required":["b"]}"#;
    let schema = Schema::parse("schema_json", &format!(" {text}\n")).unwrap();
    assert_eq!(schema.text(), text);
    assert_eq!(schema.digest().len(), 16);
    let again = Schema::parse("schema_json", schema.text()).unwrap();
    assert_eq!(again.digest(), schema.digest());
    let other = Schema::parse("schema_json", "{}").unwrap();
    assert_ne!(other.digest(), schema.digest());
}

#[test]
fn what_would_take_exponential_time_is_given_up() {
    // Each level doubles: 2^15 checks of a value, for each of a few hundred.
    let defs: Map<String, Value> = (0..15)
        .map(|n| {
            let next = json!({"$ref": format!("#/$defs/d{}", n + 1)});
            (format!("d{n}"), json!({"allOf": [next, next]}))
        })
        .chain([("d15".to_owned(), json!({"type": "int"}))])
        .collect();
    let schema = schema(json!({"$defs": defs, "additionalProperties": {"$ref": "#/$defs/d0"}}));
    let row: Map<String, Value> = (0..200).map(|n| (format!("f{n}"), json!(n))).collect();
    let found = schema.validate(&row).unwrap_err();
    assert_eq!(found[0].rule, "budget");
    let kind = refusal("value_json", "t", &found).kind;
    assert_eq!(kind, ErrorKind::TooLarge);
    // What is known to be wrong by then is told.
    let mut row = row;
    row.shift_insert(0, "first".to_owned(), json!("x"));
    assert_eq!(schema.validate(&row).unwrap_err()[0].rule, "type");
}

#[test]
fn ordinary_schemas_have_budget_for_the_largest_rows() {
    let schema = schema(json!({"properties": {
        "n": {"type": "list", "items": {"type": "int", "minimum": 0, "maximum": 9}, "contains": {"const": 1}},
        "o": {"type": "list", "uniqueItems": true, "items": {"type": "dict", "required": ["a"], "properties": {"a": "int"}, "additionalProperties": false}},
        "t": {"type": "str", "pattern": "^[a-z]+$", "maxLength": 9_000_000},
    }}));
    let row = json!({
        "n": vec![1; 500_000],
        "o": (0..100_000).map(|n| json!({"a": n})).collect::<Vec<_>>(),
        "t": "x".repeat(1_000_000),
    });
    assert_eq!(told(&schema, row), "");
}

#[test]
fn recursion_ends_with_the_document() {
    let tree = schema(json!({"$ref": "#/$defs/tree", "$defs": {"tree": {
        "type": "dict", "required": ["n"],
        "properties": {"n": "int", "left": {"$ref": "#/$defs/tree"}, "right": {"anyOf": ["int", {"$ref": "#/$defs/tree"}]}},
    }}}));
    let mut row = json!({"n": 0});
    for level in 1..60 {
        row = json!({"n": level, (if level % 2 == 0 { "left" } else { "right" }): row});
    }
    assert_eq!(told(&tree, row), "");
    assert!(
        told(&tree, json!({"n": 1, "left": {"n": 2, "left": {}}}))
            .contains("`left.left.n` must be there")
    );
}

fn any_json(depth: u32) -> impl Strategy<Value = Value> {
    let words: Vec<&'static str> = keywords::KEYWORDS.to_vec();
    let word = prop_oneof![
        4 => prop::sample::select(words),
        1 => prop::sample::select(vec!["a", "b", "str", "int", "#", "#/$defs/a", "#/properties/a", "^a", "date", "users", "cascade", ""]),
    ];
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(Value::from),
        (-3i64..4).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        word.clone().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(depth, 40, 5, move |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            3 => prop::collection::vec((word.clone(), inner), 0..5)
                .prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>().into()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_schema_and_no_row_make_it_panic(rules in any_json(6), row in any_json(4)) {
        if let Ok(schema) = JsonSchema::new("schema_json", &rules) {
            let _ = schema.check(&row);
            let _ = schema.check(&rules);
        }
        if let (Value::Object(rules), Value::Object(mut row)) = (rules, row)
            && let Ok(schema) = Schema::new("schema_json", &rules)
        {
            let _ = schema.key_type("schema_json", "a");
            for reference in schema.refs() {
                reference.keys(&row);
            }
            if schema.fill_defaults(&mut row).is_ok() {
                let once = row.clone();
                schema.fill_defaults(&mut row).unwrap();
                prop_assert_eq!(once, row);
            }
        }
    }
}
