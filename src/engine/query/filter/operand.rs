//! Values that documents are compared with, prepared once.

use std::cmp::Ordering;

use serde_json::Value;

use super::Comparison;
use crate::engine::query::json::{Json, Kind, Number};
use crate::engine::query::order::{self, NumberKey};

/// A value to compare with.
#[derive(Debug, Clone)]
pub struct Operand {
    value: Value,
    bytes: Box<[u8]>,
    scalar: Option<Scalar>,
}

/// What is compared without encoding the document's side.
#[derive(Debug, Clone, Copy)]
enum Scalar {
    Null,
    Bool(bool),
    Number(NumberKey),
}

impl Operand {
    pub fn new(value: &Value) -> Operand {
        Operand {
            bytes: order::encoded(value).into(),
            scalar: match value {
                Value::Null => Some(Scalar::Null),
                Value::Bool(value) => Some(Scalar::Bool(*value)),
                Value::Number(number) => Some(Scalar::Number(Number::from(number).key())),
                _ => None,
            },
            value: value.clone(),
        }
    }

    pub fn value(&self) -> &Value {
        &self.value
    }

    /// As [`order`] has it.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn kind(&self) -> Kind {
        order::kind(&self.value)
    }

    /// Whether a value is equal to it. What is missing counts as null.
    pub(super) fn equals(&self, value: Option<Json<'_>>, scratch: &mut Vec<u8>) -> bool {
        match (value.and_then(Json::as_string), &self.value) {
            (Some(found), Value::String(text)) => found.eq_str(text),
            _ => self.order(value, scratch) == Some(Ordering::Equal),
        }
    }

    /// How a value is to it; nothing between values of different kinds. What is missing counts as null.
    pub(super) fn order(&self, value: Option<Json<'_>>, scratch: &mut Vec<u8>) -> Option<Ordering> {
        let Some(value) = value else {
            return (self.kind() == Kind::Null).then_some(Ordering::Equal);
        };
        if value.kind() != self.kind() {
            return None;
        }
        if let Value::String(text) = &self.value {
            return value.as_string().map(|found| found.cmp_str(text));
        }
        match self.scalar {
            Some(Scalar::Null) => Some(Ordering::Equal),
            Some(Scalar::Bool(to)) => value.as_bool().map(|found| found.cmp(&to)),
            Some(Scalar::Number(to)) => value.as_number().map(|found| found.key().cmp(&to)),
            None => {
                scratch.clear();
                order::encode(value, scratch);
                Some(scratch.as_slice().cmp(&self.bytes))
            }
        }
    }
}

/// Values one of which is to be found.
#[derive(Debug, Clone)]
pub struct Operands {
    values: Vec<Value>,
    /// In order, each once.
    bytes: Vec<Box<[u8]>>,
    /// A bit for each kind there is.
    kinds: u8,
}

impl Operands {
    pub fn new(values: &[Value]) -> Operands {
        let mut bytes: Vec<Box<[u8]>> = values.iter().map(|v| order::encoded(v).into()).collect();
        bytes.sort_unstable();
        bytes.dedup();
        Operands {
            kinds: values
                .iter()
                .fold(0, |kinds, v| kinds | bit(order::kind(v))),
            values: values.to_vec(),
            bytes,
        }
    }

    /// As they were given.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// As [`order`] has them, in its order, each once.
    pub fn bytes(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.bytes.iter().map(|bytes| &**bytes)
    }

    /// Whether a value is one of them. What is missing counts as null.
    pub(super) fn contain(&self, value: Option<Json<'_>>, scratch: &mut Vec<u8>) -> bool {
        let kind = value.map_or(Kind::Null, Json::kind);
        if self.kinds & bit(kind) == 0 {
            return false;
        }
        let Some(value) = value else {
            return true;
        };
        scratch.clear();
        order::encode(value, scratch);
        let found = scratch.as_slice();
        let compared = self.bytes.binary_search_by(|bytes| (**bytes).cmp(found));
        compared.is_ok()
    }
}

fn bit(kind: Kind) -> u8 {
    match kind {
        Kind::Null => 1,
        Kind::Number => 1 << 1,
        Kind::String => 1 << 2,
        Kind::Object => 1 << 3,
        Kind::Array => 1 << 4,
        Kind::Bool => 1 << 5,
    }
}

impl Comparison {
    pub(super) fn holds(self, order: Ordering) -> bool {
        match self {
            Comparison::Equal => order.is_eq(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterOrEqual => order.is_ge(),
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
        }
    }
}
