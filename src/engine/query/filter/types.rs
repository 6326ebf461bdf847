//! What `$type` asks for.

use crate::engine::query::json::{Json, Kind, Number};

/// Kinds of values, whole numbers and others told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Types(u8);

const NULL: u8 = 1;
const BOOL: u8 = 1 << 1;
const INT: u8 = 1 << 2;
const FLOAT: u8 = 1 << 3;
const STRING: u8 = 1 << 4;
const OBJECT: u8 = 1 << 5;
const ARRAY: u8 = 1 << 6;

/// Every name of a type: dbcord's, as in schemas, and MongoDB's.
const NAMES: &[(&str, u8)] = &[
    ("str", STRING),
    ("int", INT),
    ("float", FLOAT),
    ("bool", BOOL),
    ("list", ARRAY),
    ("dict", OBJECT),
    ("null", NULL),
    ("number", INT | FLOAT),
    ("string", STRING),
    ("double", FLOAT),
    ("long", INT),
    ("object", OBJECT),
    ("array", ARRAY),
];

impl Types {
    /// No type, to which others are added.
    pub(super) const NONE: Types = Types(0);

    /// The types of this name.
    pub(super) fn named(name: &str) -> Option<Types> {
        let found = NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, types)| Types(*types))
    }

    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        NAMES.iter().map(|(name, _)| *name)
    }

    pub(super) fn and(self, other: Types) -> Types {
        Types(self.0 | other.0)
    }

    /// Whether a value is of one of them.
    pub fn contain(self, value: Json<'_>) -> bool {
        let bit = match value.kind() {
            Kind::Null => NULL,
            Kind::Bool => BOOL,
            Kind::String => STRING,
            Kind::Object => OBJECT,
            Kind::Array => ARRAY,
            Kind::Number => match value.as_number() {
                Some(Number::Float(_)) => FLOAT,
                _ => INT,
            },
        };
        self.0 & bit != 0
    }
}
