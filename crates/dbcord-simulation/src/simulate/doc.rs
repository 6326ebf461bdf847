//! What documents look like.

use serde_json::{Map, Value, json};

/// A document, as far as it differs from others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Doc {
    /// Unique to the write that made it.
    pub v: u64,
    pub balance: i64,
    /// Characters of padding: what decides in which part of a message it goes.
    pub pad: u32,
    pub id: KeyForm,
    /// Of rows in tables with rules, by [`Name::place`].
    pub fields: [Field; FIELDS.len()],
}

/// Padding from here on is of letters that have nothing to do with each other.
const LARGE: u32 = 900;

fn ideograph(place: u32) -> char {
    let mixed = place.wrapping_add(1).wrapping_mul(0x9e37_79b9);
    let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x85eb_ca6b);
    char::from_u32(0x4e00 + (mixed >> 13) % 0x5000).unwrap_or('一')
}

/// The key in the document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum KeyForm {
    #[default]
    Text,
    Whole,
    /// It is left to the database.
    LeftOut,
}

/// A field of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Name {
    Id,
    V,
    Balance,
    Code,
    Team,
    Role,
    Rank,
    Tags,
}

/// The fields that only rows in tables with rules have.
pub const FIELDS: [Name; 5] = [Name::Code, Name::Team, Name::Role, Name::Rank, Name::Tags];

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Field {
    #[default]
    Missing,
    Null,
    Int(i16),
    /// One of [`WORDS`].
    Text(u8),
    /// Of [`TAGS`], those whose bits are set.
    List(u8),
}

/// The last ones look like keys.
pub const WORDS: [&str; 7] = ["hand", "lead", "odd", "1", "2", "3", "4"];
pub const TAGS: [&str; 3] = ["x", "y", "z"];

impl Name {
    pub fn text(self) -> &'static str {
        match self {
            Name::Id => "id",
            Name::V => "v",
            Name::Balance => "balance",
            Name::Code => "code",
            Name::Team => "team",
            Name::Role => "role",
            Name::Rank => "rank",
            Name::Tags => "tags",
        }
    }

    /// Its place among [`FIELDS`].
    pub fn place(self) -> Option<usize> {
        FIELDS.iter().position(|name| *name == self)
    }
}

impl Field {
    pub fn json(self) -> Option<Value> {
        match self {
            Field::Missing => None,
            Field::Null => Some(Value::Null),
            Field::Int(number) => Some(json!(number)),
            Field::Text(word) => Some(json!(WORDS[usize::from(word)])),
            Field::List(tags) => Some(tags_of(tags).collect()),
        }
    }

    fn parse(value: Option<&Value>) -> Option<Field> {
        Some(match value {
            None => Field::Missing,
            Some(Value::Null) => Field::Null,
            Some(Value::Number(number)) => Field::Int(number.as_i64()?.try_into().ok()?),
            Some(Value::String(text)) => {
                Field::Text(WORDS.iter().position(|word| word == text)? as u8)
            }
            Some(Value::Array(items)) => {
                let bit = |item: &Value| Some(1 << TAGS.iter().position(|tag| item == tag)?);
                let bits: Option<Vec<u8>> = items.iter().map(bit).collect();
                Field::List(bits?.into_iter().sum())
            }
            Some(_) => return None,
        })
    }
}

/// The items of a list.
pub fn tags_of(tags: u8) -> impl Iterator<Item = &'static str> {
    let tags = move |at: &usize| tags & (1 << at) != 0;
    (0..TAGS.len()).filter(tags).map(|at| TAGS[at])
}

impl Doc {
    pub fn field(&self, name: Name) -> Field {
        name.place()
            .map_or(Field::Missing, |place| self.fields[place])
    }

    pub fn set(&mut self, name: Name, field: Field) {
        if let Some(place) = name.place() {
            self.fields[place] = field;
        }
    }

    pub fn json(self, key: &str) -> Value {
        let mut fields = Map::new();
        match self.id {
            KeyForm::Text => fields.insert("id".to_owned(), json!(key)),
            KeyForm::Whole => fields.insert("id".to_owned(), json!(key.parse::<u64>().ok())),
            KeyForm::LeftOut => None,
        };
        let pad: String = match self.pad {
            // A back-tick takes six characters in a message, so that padding reaches every tier.
            0..LARGE => "`".repeat(self.pad as usize),
            // Packing makes these little smaller, so that text takes several messages.
            LARGE.. => (0..self.pad).map(ideograph).collect(),
        };
        let always = [
            ("v", json!(self.v)),
            ("balance", json!(self.balance)),
            ("pad", json!(pad)),
        ];
        let always = always
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value));
        fields.extend(always);
        for (name, field) in FIELDS.iter().zip(self.fields) {
            fields.extend(field.json().map(|value| (name.text().to_owned(), value)));
        }
        Value::Object(fields)
    }

    /// None when it is not a document of this key, whole.
    pub fn parse(key: &str, text: &str) -> Option<Doc> {
        let value: Value = serde_json::from_str(text).ok()?;
        let mut doc = Doc {
            v: value["v"].as_u64()?,
            balance: value["balance"].as_i64()?,
            pad: u32::try_from(value["pad"].as_str()?.chars().count()).ok()?,
            id: match value["id"] {
                Value::Number(_) => KeyForm::Whole,
                _ => KeyForm::Text,
            },
            ..Doc::default()
        };
        for (name, field) in FIELDS.iter().zip(&mut doc.fields) {
            *field = Field::parse(value.get(name.text()))?;
        }
        (value == doc.json(key)).then_some(doc)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_whole_or_not_at_all() {
        let doc = Doc {
            v: 7,
            balance: -3,
            pad: 2,
            ..Doc::default()
        };
        let text = doc.json("a").to_string();
        assert_eq!(Doc::parse("a", &text), Some(doc));
        assert_eq!(Doc::parse("b", &text), None);
        assert_eq!(Doc::parse("a", &text.replace("``", "`x")), None);
        let fields = [
            Field::Int(-2),
            Field::Text(3),
            Field::Null,
            Field::Missing,
            Field::List(5),
        ];
        let id = KeyForm::Whole;
        let doc = Doc { id, fields, ..doc };
        let text = doc.json("3").to_string();
        assert!(
            text.ends_with(r#""code":-2,"team":"1","role":null,"tags":["x","z"]}"#),
            "{text}"
        );
        assert_eq!(Doc::parse("3", &text), Some(doc));
        assert_eq!(Doc::parse("3", &text.replace("-2", "true")), None);
    }
}
