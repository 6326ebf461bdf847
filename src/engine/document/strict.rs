//! Reading JSON into values, without forgiving what serde_json's own reading forgives.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::limits::DOCUMENT_DEPTH;
use crate::text::inline;

/// How much may be read, and what was more than that.
pub(super) struct Bounds {
    /// Values that are left.
    pub values: Cell<usize>,
    /// Items of the outermost list.
    pub items: Option<usize>,
    pub excess: Cell<Option<Excess>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Excess {
    Values,
    Items,
}

/// Builds a [`Value`]. Our own visitor, since serde_json's `Value` takes some field names for magic
/// when one of its features is on, whoever in the build turned it on.
#[derive(Clone, Copy)]
pub(super) struct Strict<'a> {
    /// How many levels are left to nest.
    levels: usize,
    bounds: &'a Bounds,
    is_outermost: bool,
}

impl<'a> Strict<'a> {
    pub fn new(levels: usize, bounds: &'a Bounds) -> Self {
        Strict {
            levels,
            bounds,
            is_outermost: true,
        }
    }

    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        let levels = one_less(self.levels)?;
        Ok(Strict {
            levels,
            is_outermost: false,
            ..self
        })
    }
}

/// The levels that are left within one.
pub(super) fn one_less<E: serde::de::Error>(levels: usize) -> Result<usize, E> {
    levels
        .checked_sub(1)
        .ok_or_else(|| E::custom(format_args!("nested deeper than {DOCUMENT_DEPTH} levels")))
}

pub(super) fn twice<E: serde::de::Error>(name: &str) -> E {
    E::custom(format_args!("the field `{}` stands twice", inline(name)))
}

impl Bounds {
    fn exceeded<E: serde::de::Error>(&self, excess: Excess) -> E {
        self.excess.set(Some(excess));
        E::custom("too large")
    }
}

/// How many values an object is, itself included.
pub fn values(fields: &Map<String, Value>) -> usize {
    fn of(value: &Value) -> usize {
        match value {
            Value::Array(items) => 1 + items.iter().map(of).sum::<usize>(),
            Value::Object(fields) => values(fields),
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => 1,
        }
    }
    1 + fields.values().map(of).sum::<usize>()
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.bounds.values.get().checked_sub(1) {
            Some(left) => self.bounds.values.set(left),
            None => return Err(self.bounds.exceeded(Excess::Values)),
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let most = self.bounds.items.filter(|_| self.is_outermost);
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(seed)? {
            if most.is_some_and(|most| list.len() >= most) {
                return Err(self.bounds.exceeded(Excess::Items));
            }
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let seed = self.deeper()?;
        let mut fields = Map::new();
        while let Some(name) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(seed)?;
            if fields.contains_key(&name) {
                return Err(twice(&name));
            }
            fields.insert(name, value);
        }
        Ok(Value::Object(fields))
    }
}
