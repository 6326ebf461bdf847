//! What is no schema, or too large for one.

use serde_json::{Map, Value, json};

use super::*;

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
