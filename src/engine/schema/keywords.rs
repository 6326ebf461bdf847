//! What may stand in a schema, and what is told to those who write something else.

use super::value::Kinds;

/// Everything that is checked.
pub(super) const KEYWORDS: &[&str] = &[
    "$anchor",
    "$defs",
    "$id",
    "$ref",
    "$schema",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "contains",
    "default",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "if",
    "items",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "not",
    "oneOf",
    "on_delete",
    "pattern",
    "patternProperties",
    "prefixItems",
    "properties",
    "propertyNames",
    "ref",
    "required",
    "then",
    "type",
    "uniqueItems",
];

/// Kept and shown, without a meaning for dbcord.
pub(super) const ANNOTATIONS: &[&str] = &[
    "$comment",
    "deprecated",
    "description",
    "examples",
    "readOnly",
    "title",
    "writeOnly",
];

/// Words of JSON Schema, some of other versions, that dbcord does not carry out, and what to do
/// instead. To ignore them would be to accept what the schema forbids.
pub(super) const UNSUPPORTED: &[(&str, &str)] = &[
    ("$dynamicAnchor", "Use `$anchor` and `$ref`."),
    ("$dynamicRef", "Use `$ref` with `#/$defs/…`."),
    ("$recursiveAnchor", "Use `$anchor` and `$ref`."),
    ("$recursiveRef", "Use `$ref` with `#/$defs/…`."),
    (
        "$vocabulary",
        "It is for schemas of schemas only; leave it out.",
    ),
    (
        "additionalItems",
        "In draft 2020-12 it is `items` beside `prefixItems`.",
    ),
    ("contentEncoding", "Use `pattern` to check the text itself."),
    (
        "contentMediaType",
        "Use `pattern` to check the text itself.",
    ),
    (
        "contentSchema",
        "Store the value itself instead of its text.",
    ),
    ("definitions", "In draft 2020-12 it is `$defs`."),
    (
        "dependencies",
        "In draft 2020-12 it is `dependentRequired` or `dependentSchemas`.",
    ),
    ("nullable", "Write `\"type\": [\"str\", \"null\"]`."),
    (
        "unevaluatedItems",
        "Use `items: false` beside `prefixItems`.",
    ),
    ("unevaluatedProperties", "Use `additionalProperties`."),
];

/// Names of types: dbcord's short ones and JSON Schema's, which have none in common.
pub(super) const TYPES: &[(&str, Kinds)] = &[
    ("str", Kinds::STRING),
    ("int", Kinds::WHOLE),
    ("float", Kinds::NUMBER),
    ("bool", Kinds::BOOL),
    ("list", Kinds::LIST),
    ("dict", Kinds::OBJECT),
    ("any", Kinds::ANY),
    (DATETIME, Kinds::STRING),
    ("string", Kinds::STRING),
    ("integer", Kinds::WHOLE),
    ("number", Kinds::NUMBER),
    ("boolean", Kinds::BOOL),
    ("array", Kinds::LIST),
    ("object", Kinds::OBJECT),
    ("null", Kinds::NULL),
];

/// The one type that is a string of a certain format.
pub(super) const DATETIME: &str = "datetime";

pub(super) fn kinds(name: &str) -> Option<Kinds> {
    let found = TYPES.iter().find(|(known, _)| *known == name);
    found.map(|(_, kinds)| *kinds)
}

/// What stands for this draft in `$schema`, an empty fragment left out.
pub(super) const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";
