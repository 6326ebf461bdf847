//! What a schema as a whole promises; its parts have tests of their own, and `tests/queries/`
//! compares it with another validator.

mod cost;
mod defaults;
mod refusals;
mod violations;

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
