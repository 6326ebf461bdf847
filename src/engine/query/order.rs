//! The one order of all values, as bytes: what is less has lesser bytes, what is equal has equal ones.
//!
//! Indexes, sort keys, groups, distinct values and comparisons with lists and objects go by these bytes.
//! No encoding begins another, so several one after the other compare one after the other, also where
//! some are turned round ([`invert`]).
//!
//! | value | bytes |
//! | --- | --- |
//! | null, or missing | `05` |
//! | number | `0a`, then [`NumberKey`]: 8 bytes, from 2^53 on 2 more |
//! | string | `0f`, UTF-8 with `00` as `01 01` and `01` as `01 02`, `00` |
//! | object | `14`, each field as first byte of its value, name like a string, rest of its value; `00` |
//! | list | `19`, its items, `00` |
//! | truth value | `28`, then `00` or `01` |
//!
//! The first bytes are MongoDB's canonical types. What an index or a cursor keeps is never older than the
//! code that reads it, but for cursors, which carry a version.

use std::cmp::Ordering;

use serde_json::Value;

use super::json::{Json, JsonString, Kind, LEVELS, Number};

/// Less than every value: how an empty list sorts.
pub const LEAST: u8 = 0x01;
/// Ends strings, objects and lists.
const END: u8 = 0x00;

/// Appends a value's bytes.
pub fn encode(value: Json<'_>, out: &mut Vec<u8>) {
    out.push(tag(value.kind()));
    encode_rest(value, LEVELS, out);
}

/// The same for a tree.
pub fn encode_value(value: &Value, out: &mut Vec<u8>) {
    out.push(tag(kind(value)));
    encode_rest_of_value(value, LEVELS, out);
}

/// How two trees compare.
pub fn compare(a: &Value, b: &Value) -> Ordering {
    encoded(a).cmp(&encoded(b))
}

/// A value's bytes by themselves.
pub fn encoded(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_value(value, &mut bytes);
    bytes
}

/// The same for a string.
pub fn encode_str(text: &str, out: &mut Vec<u8>) {
    out.push(tag(Kind::String));
    encode_text(text.bytes(), out);
}

/// Appends what a missing field counts as: null.
pub fn encode_missing(out: &mut Vec<u8>) {
    out.push(tag(Kind::Null));
}

/// Turns the order of encodings round, for descending keys: `invert(&mut key[begin..])`.
pub fn invert(encoding: &mut [u8]) {
    for byte in encoding {
        *byte = !*byte;
    }
}

/// The first byte of a kind's encodings.
pub fn tag(kind: Kind) -> u8 {
    match kind {
        Kind::Null => 0x05,
        Kind::Number => 0x0a,
        Kind::String => 0x0f,
        Kind::Object => 0x14,
        Kind::Array => 0x19,
        Kind::Bool => 0x28,
    }
}

/// What kind of value a tree is.
pub fn kind(value: &Value) -> Kind {
    match value {
        Value::Null => Kind::Null,
        Value::Bool(_) => Kind::Bool,
        Value::Number(_) => Kind::Number,
        Value::String(_) => Kind::String,
        Value::Array(_) => Kind::Array,
        Value::Object(_) => Kind::Object,
    }
}

/// A number as two that compare like it: the double next to it towards zero, and how far it is from there.
/// Below 2^53 there is no distance, and no whole number that is stored has more than 11 bits of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NumberKey {
    double: u64,
    distance: u16,
}

const SIGN: u64 = 1 << 63;
/// The bits of 2^53, from where on doubles are further than 1 apart.
const COARSE: u64 = (1023 + 53) << 52;

impl NumberKey {
    pub fn new(number: Number) -> NumberKey {
        let (is_negative, (bits, distance)) = match number {
            Number::Int(int) => (int < 0, split(int.unsigned_abs())),
            Number::Uint(uint) => (false, split(uint)),
            Number::Float(float) => (float < 0.0, (float.abs().to_bits(), 0)),
        };
        if is_negative {
            NumberKey {
                double: !(bits | SIGN),
                distance: !distance,
            }
        } else {
            NumberKey {
                double: bits | SIGN,
                distance,
            }
        }
    }

    fn encode(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.double.to_be_bytes());
        let is_negative = self.double & SIGN == 0;
        let bits = if is_negative {
            !self.double
        } else {
            self.double
        } & !SIGN;
        if bits >= COARSE {
            out.extend_from_slice(&self.distance.to_be_bytes());
        }
    }
}

/// A whole number as the bits of a double, and the rest that the double has no room for.
#[expect(
    clippy::cast_precision_loss,
    reason = "what is kept has 53 bits, which a double holds"
)]
fn split(whole: u64) -> (u64, u16) {
    let too_many = (u64::BITS - whole.leading_zeros()).saturating_sub(f64::MANTISSA_DIGITS);
    let rest = whole & ((1 << too_many) - 1);
    let bits = ((whole - rest) as f64).to_bits();
    (bits, u16::try_from(rest).unwrap_or(u16::MAX))
}

/// What follows the first byte.
fn encode_rest(value: Json<'_>, levels: usize, out: &mut Vec<u8>) {
    match value.kind() {
        Kind::Null => {}
        Kind::Bool => out.push(u8::from(value.as_bool() == Some(true))),
        Kind::Number => {
            if let Some(number) = value.as_number() {
                number.key().encode(out);
            }
        }
        Kind::String => {
            if let Some(string) = value.as_string() {
                encode_string(string, out);
            }
        }
        Kind::Array => {
            if let Some(levels) = levels.checked_sub(1) {
                for item in value.items() {
                    out.push(tag(item.kind()));
                    encode_rest(item, levels, out);
                }
            }
            out.push(END);
        }
        Kind::Object => {
            if let Some(levels) = levels.checked_sub(1) {
                for (name, field) in value.fields() {
                    out.push(tag(field.kind()));
                    encode_string(name, out);
                    encode_rest(field, levels, out);
                }
            }
            out.push(END);
        }
    }
}

fn encode_rest_of_value(value: &Value, levels: usize, out: &mut Vec<u8>) {
    match value {
        Value::Null => {}
        Value::Bool(value) => out.push(u8::from(*value)),
        Value::Number(number) => Number::from(number).key().encode(out),
        Value::String(text) => encode_text(text.bytes(), out),
        Value::Array(items) => {
            if let Some(levels) = levels.checked_sub(1) {
                for item in items {
                    out.push(tag(kind(item)));
                    encode_rest_of_value(item, levels, out);
                }
            }
            out.push(END);
        }
        Value::Object(fields) => {
            if let Some(levels) = levels.checked_sub(1) {
                for (name, field) in fields {
                    out.push(tag(kind(field)));
                    encode_text(name.bytes(), out);
                    encode_rest_of_value(field, levels, out);
                }
            }
            out.push(END);
        }
    }
}

fn encode_string(string: JsonString<'_>, out: &mut Vec<u8>) {
    match string.plain() {
        // JSON has no control characters but escaped.
        Some(plain) => {
            out.extend_from_slice(plain.as_bytes());
            out.push(END);
        }
        None => encode_text(string.decode().bytes(), out),
    }
}

fn encode_text(bytes: std::str::Bytes<'_>, out: &mut Vec<u8>) {
    for byte in bytes {
        match byte {
            0 => out.extend_from_slice(&[1, 1]),
            1 => out.extend_from_slice(&[1, 2]),
            byte => out.push(byte),
        }
    }
    out.push(END);
}

#[cfg(test)]
mod tests;
