//! What a table's rows can be held to: a small part of what schemas can say, and indexes.

use std::fmt;
use std::ops::Range;

use fastrand::Rng;
use serde_json::{Map, Value, json};

use super::doc::{Doc, FIELDS, Field, Name, tags_of};
use super::place::{TABLES, TEAMS};

/// A table's schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Schema {
    /// What the key must be, where something is said of it.
    pub id: Option<Types>,
    /// By [`Name::place`].
    pub properties: [Option<Property>; FIELDS.len()],
    /// By place as well.
    pub required: [bool; FIELDS.len()],
    /// No other fields.
    pub is_closed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Property {
    pub types: Types,
    pub at_least: Option<i16>,
    pub at_most: Option<i16>,
    /// One of the first so many words.
    pub words: Option<u8>,
    pub default: Field,
    /// It names a team.
    pub reference: Option<OnDelete>,
}

/// What a value may be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Types {
    pub int: bool,
    pub text: bool,
    pub null: bool,
    pub list: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OnDelete {
    Restrict,
    Cascade,
    SetNull,
}

/// What becomes of rows that break the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Validate {
    Strict,
    Warn,
    Off,
}

/// What an index is over, and what it asks for.
#[derive(Debug, PartialEq, Eq)]
pub struct Index {
    pub names: &'static [Name],
    pub is_unique: bool,
    pub is_sparse: bool,
}

/// Those of members in the beginning, in the run of this seed. Where values need not be unique at first, they
/// are in the way of being so later.
pub fn first_indexes(seed: u64) -> Range<u8> {
    if seed.is_multiple_of(2) { 0..3 } else { 2..4 }
}

/// All that a table with rules can have.
pub const INDEXES: [Index; 4] = [
    Index {
        names: &[Name::Code],
        is_unique: true,
        is_sparse: false,
    },
    Index {
        names: &[Name::Role, Name::Rank],
        is_unique: true,
        is_sparse: true,
    },
    Index {
        names: &[Name::Team],
        is_unique: false,
        is_sparse: false,
    },
    Index {
        names: &[Name::Tags],
        is_unique: false,
        is_sparse: true,
    },
];

impl Index {
    pub fn fields(&self) -> String {
        let names: Vec<&str> = self.names.iter().map(|name| name.text()).collect();
        names.join(",")
    }

    /// The values of a row in it, as its channel shows them.
    pub fn shown(&self, doc: &Doc) -> Vec<String> {
        let fields = self.names.iter().map(|name| doc.field(*name));
        if self.is_sparse && fields.clone().all(|field| field == Field::Missing) {
            return Vec::new();
        }
        let mut values = vec![String::new()];
        for (at, field) in fields.enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            let shown: Vec<String> = match field {
                Field::Missing => vec!["null".to_owned()],
                Field::List(0) => vec!["[]".to_owned()],
                Field::List(tags) => tags_of(tags).map(|tag| format!("\"{tag}\"")).collect(),
                field => vec![field.json().unwrap_or_default().to_string()],
            };
            let joined = values.iter().flat_map(|before| {
                let after = shown.iter();
                after.map(move |after| format!("{before}{comma}{after}"))
            });
            values = joined.collect();
        }
        values
    }
}

const INT: Types = Types {
    int: true,
    text: false,
    null: false,
    list: false,
};
const TEXT: Types = Types {
    int: false,
    text: true,
    null: false,
    list: false,
};
const LIST: Types = Types {
    int: false,
    text: false,
    null: false,
    list: true,
};

impl Schema {
    /// What the table has in the beginning, in the run of this seed.
    pub fn first(table: u8, seed: u64) -> Schema {
        let mut properties = [None; FIELDS.len()];
        if table != TEAMS {
            let on_delete = OnDelete::ALL[(seed % 3) as usize];
            properties[1] = Some(reference(on_delete, false));
        }
        Schema {
            id: (table == TEAMS).then_some(INT),
            properties,
            required: [false; FIELDS.len()],
            is_closed: false,
        }
    }

    /// One that most rows may fit.
    pub fn draw(rng: &mut Rng, table: u8) -> Schema {
        let mut required = [false; FIELDS.len()];
        for is_required in &mut required {
            *is_required = rng.u8(..12) == 0;
        }
        let on_delete = OnDelete::ALL[rng.usize(..3)];
        // Teams name teams as well, so that there are chains and circles.
        let has_reference = rng.u8(..if table == TEAMS { 2 } else { 8 }) != 0;
        let team = has_reference.then(|| reference(on_delete, required[1]));
        let id = match rng.u8(..4) {
            0 => None,
            1 => Some(TEXT),
            2 => Some(Types { text: true, ..INT }),
            _ if table == TEAMS => Some(INT),
            _ => None,
        };
        Schema {
            id,
            properties: [
                draw_code(rng),
                team,
                draw_role(rng),
                draw_rank(rng),
                draw_tags(rng),
            ],
            required,
            is_closed: rng.u8(..8) == 0,
        }
    }

    pub fn property(&self, name: Name) -> Option<&Property> {
        self.properties[name.place()?].as_ref()
    }

    pub fn json(&self) -> Value {
        let mut properties = Map::new();
        if let Some(types) = self.id {
            properties.insert("id".to_owned(), json!({ "type": types.json() }));
        } else if self.is_closed {
            properties.insert("id".to_owned(), json!({ "type": ["str", "int"] }));
        }
        if self.is_closed {
            properties.insert("v".to_owned(), json!("int"));
            properties.insert("balance".to_owned(), json!("int"));
            properties.insert("pad".to_owned(), json!("str"));
        }
        for (name, property) in FIELDS.iter().zip(self.properties) {
            let property = property.map(|property| (name.text().to_owned(), property.json()));
            properties.extend(property);
        }
        let required = FIELDS.iter().zip(self.required);
        let required: Vec<&str> = required
            .filter(|(_, is_required)| *is_required)
            .map(|(name, _)| name.text())
            .collect();
        let mut schema = json!({ "properties": properties });
        if !required.is_empty() {
            schema["required"] = json!(required);
        }
        if self.is_closed {
            schema["additionalProperties"] = json!(false);
        }
        schema
    }
}

impl Property {
    const fn of(types: Types) -> Property {
        Property {
            types,
            at_least: None,
            at_most: None,
            words: None,
            default: Field::Missing,
            reference: None,
        }
    }

    fn json(&self) -> Value {
        let mut property = Map::new();
        let mut say = |name: &str, value: Value| property.insert(name.to_owned(), value);
        match self.reference {
            // What a key may be is understood.
            Some(on_delete) => {
                say("ref", json!(TABLES[usize::from(TEAMS)]));
                if on_delete != OnDelete::Restrict {
                    say("on_delete", json!(on_delete.text()));
                }
            }
            None => {
                say("type", self.types.json());
            }
        }
        if let Some(least) = self.at_least {
            say("minimum", json!(least));
        }
        if let Some(most) = self.at_most {
            say("maximum", json!(most));
        }
        if let Some(words) = self.words {
            say("enum", json!(super::doc::WORDS[..usize::from(words)]));
        }
        if let Some(default) = self.default.json() {
            say("default", default);
        }
        Value::Object(property)
    }
}

impl Types {
    fn json(self) -> Value {
        let names = [
            ("int", self.int),
            ("str", self.text),
            ("null", self.null),
            ("list", self.list),
        ];
        let names = names.into_iter().filter(|(_, is_one)| *is_one);
        let names: Vec<&str> = names.map(|(name, _)| name).collect();
        match names[..] {
            [name] => json!(name),
            _ => json!(names),
        }
    }
}

impl OnDelete {
    const ALL: [OnDelete; 3] = [OnDelete::Cascade, OnDelete::SetNull, OnDelete::Restrict];

    fn text(self) -> &'static str {
        match self {
            OnDelete::Restrict => "restrict",
            OnDelete::Cascade => "cascade",
            OnDelete::SetNull => "set_null",
        }
    }
}

impl Validate {
    pub fn text(self) -> &'static str {
        match self {
            Validate::Strict => "strict",
            Validate::Warn => "warn",
            Validate::Off => "off",
        }
    }
}

/// A key, or null: unless the row must name a team and keeps the name.
fn reference(on_delete: OnDelete, is_required: bool) -> Property {
    let types = Types {
        text: true,
        null: on_delete == OnDelete::SetNull || !is_required,
        ..INT
    };
    Property {
        reference: Some(on_delete),
        ..Property::of(types)
    }
}

fn draw_code(rng: &mut Rng) -> Option<Property> {
    match rng.u8(..3) {
        0 => Some(Property {
            at_least: Some(0),
            at_most: Some(3),
            ..Property::of(INT)
        }),
        1 => Some(Property::of(Types { null: true, ..INT })),
        _ => None,
    }
}

fn draw_role(rng: &mut Rng) -> Option<Property> {
    let default = Field::Text(rng.u8(..2));
    match rng.u8(..4) {
        0 => Some(Property {
            words: Some(2),
            default,
            ..Property::of(TEXT)
        }),
        1 => Some(Property {
            default,
            ..Property::of(TEXT)
        }),
        2 => Some(Property::of(Types { null: true, ..TEXT })),
        _ => None,
    }
}

fn draw_rank(rng: &mut Rng) -> Option<Property> {
    match rng.u8(..4) {
        0 => Some(Property {
            default: Field::Int(rng.i16(0..3)),
            ..Property::of(INT)
        }),
        1 => Some(Property {
            at_most: Some(2),
            ..Property::of(Types { text: true, ..INT })
        }),
        _ => None,
    }
}

fn draw_tags(rng: &mut Rng) -> Option<Property> {
    match rng.u8(..4) {
        0 => Some(Property {
            default: Field::List(rng.u8(..8)),
            ..Property::of(LIST)
        }),
        1 => Some(Property::of(Types { null: true, ..LIST })),
        _ => None,
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fields())
    }
}
