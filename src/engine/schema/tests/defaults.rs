//! What is filled in where it is missing.

use serde_json::json;

use super::*;

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
