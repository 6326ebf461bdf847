//! What checking a row may cost.

use serde_json::{Map, Value, json};

use super::*;

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
