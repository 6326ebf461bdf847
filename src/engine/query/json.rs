//! A value inside compact JSON text, read in place.
//!
//! Nothing is looked at before it is asked for: a value is known by where it begins, its end is found
//! only when something behind it is wanted. The text is one that [`crate::engine::document`] wrote, so it
//! is valid and has no space between its parts. Whatever else stands there is read as something, ends, and
//! never panics.

mod skip;

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Map, Value};

use self::skip::{end_of_scalar, end_of_string, end_of_value};
use super::order::NumberKey;
use crate::limits::DOCUMENT_DEPTH;

/// How deep a value is looked into. Results of queries nest deeper than documents, but never by this much.
pub(super) const LEVELS: usize = 2 * DOCUMENT_DEPTH;

/// A value. Behind it in its text there may stand more.
#[derive(Debug, Clone, Copy)]
pub struct Json<'a> {
    text: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Null,
    Number,
    String,
    Object,
    Array,
    Bool,
}

/// A number as it is stored: exactly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    Int(i64),
    /// Above what `i64` holds.
    Uint(u64),
    /// Written with a fraction or an exponent.
    Float(f64),
}

impl<'a> Json<'a> {
    /// The value that `text` begins with.
    pub fn new(text: &'a str) -> Json<'a> {
        Json { text }
    }

    pub fn kind(self) -> Kind {
        match self.text.as_bytes().first() {
            Some(b'"') => Kind::String,
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(b't' | b'f') => Kind::Bool,
            Some(b'-' | b'0'..=b'9') => Kind::Number,
            _ => Kind::Null,
        }
    }

    /// The text of the value alone.
    pub fn text(self) -> &'a str {
        let end = end_of_value(self.text.as_bytes(), 0);
        self.text.get(..end).unwrap_or_default()
    }

    /// How long the text is that the value begins: at least as long as the value.
    pub(super) fn text_to_its_end(self) -> usize {
        self.text.len()
    }

    pub fn as_bool(self) -> Option<bool> {
        match self.text.as_bytes().first() {
            Some(b't') => Some(true),
            Some(b'f') => Some(false),
            _ => None,
        }
    }

    pub fn as_number(self) -> Option<Number> {
        (self.kind() == Kind::Number).then(|| Number::parse(self.text))
    }

    /// A string as it is written.
    pub fn as_string(self) -> Option<JsonString<'a>> {
        let bytes = self.text.as_bytes();
        (bytes.first() == Some(&b'"')).then(|| string_at(self.text, 1).0)
    }

    /// A string's characters, borrowed where none is escaped.
    pub fn as_str(self) -> Option<Cow<'a, str>> {
        self.as_string().map(JsonString::decode)
    }

    /// The items of a list; none of anything else.
    pub fn items(self) -> Items<'a> {
        Items(Parts::new(self.text, b'['))
    }

    /// The fields of an object; none of anything else.
    pub fn fields(self) -> Fields<'a> {
        Fields(Parts::new(self.text, b'{'))
    }

    /// A field of an object.
    pub fn get(self, name: &str) -> Option<Json<'a>> {
        self.find(name, is_written_as_it_is(name))
    }

    /// An item of a list.
    pub fn at(self, index: usize) -> Option<Json<'a>> {
        self.items().nth(index)
    }

    /// All strings in the value, at any depth; names of fields are none of them.
    pub fn strings(self) -> Strings<'a> {
        Strings {
            text: self.text(),
            at: 0,
        }
    }

    /// The value as a tree, down to a depth that no document has.
    pub fn to_value(self) -> Value {
        to_value(self, LEVELS)
    }

    /// [`Json::get`], for names of which [`is_written_as_it_is`] is known. The work of every scan is done
    /// here, so names are compared as bytes, and read only where they have escapes.
    #[inline]
    pub(super) fn find(self, name: &str, is_plain: bool) -> Option<Json<'a>> {
        let bytes = self.text.as_bytes();
        if bytes.first() != Some(&b'{') {
            return None;
        }
        let mut at = 1;
        while bytes.get(at) == Some(&b'"') {
            let begin = at + 1;
            let here = bytes.get(begin..)?;
            let value = if is_plain
                && here.get(name.len()) == Some(&b'"')
                && here.starts_with(name.as_bytes())
            {
                let value = begin + name.len() + 2;
                return self.text.get(value..).map(Json::new);
            } else {
                let (key, end) = string_at(self.text, begin);
                if key.has_escapes && key.eq_str(name) {
                    return self.text.get(end + 2..).map(Json::new);
                }
                end + 2
            };
            let end = end_of_value(bytes, value);
            if bytes.get(end) != Some(&b',') {
                return None;
            }
            at = end + 1;
        }
        None
    }
}

/// Whether a name stands in JSON text as it is, and no other name is written like it.
pub(super) fn is_written_as_it_is(name: &str) -> bool {
    !name.bytes().any(|byte| matches!(byte, b'"' | b'\\'))
}

impl Number {
    /// The number that `text` begins with.
    fn parse(text: &str) -> Number {
        let bytes = text.as_bytes();
        let is_negative = bytes.first() == Some(&b'-');
        let mut at = usize::from(is_negative);
        let mut whole: u64 = 0;
        let mut fits = true;
        while let Some(digit @ b'0'..=b'9') = bytes.get(at) {
            let next = whole.checked_mul(10);
            let next = next.and_then(|whole| whole.checked_add(u64::from(digit - b'0')));
            match next {
                Some(next) => whole = next,
                None => fits = false,
            }
            at += 1;
        }
        let is_whole = !matches!(bytes.get(at), Some(b'.' | b'e' | b'E'));
        if is_whole && fits {
            if !is_negative {
                return i64::try_from(whole).map_or(Number::Uint(whole), Number::Int);
            }
            // Zero below zero is a float, as serde_json has it.
            if let Some(whole) = 0i64.checked_sub_unsigned(whole).filter(|whole| *whole != 0) {
                return Number::Int(whole);
            }
        }
        let end = end_of_scalar(bytes, at);
        let float = text.get(..end).and_then(|token| token.parse().ok());
        Number::Float(float.filter(|float: &f64| float.is_finite()).unwrap_or(0.0))
    }

    /// What it is compared by.
    pub fn key(self) -> NumberKey {
        NumberKey::new(self)
    }
}

impl From<&serde_json::Number> for Number {
    fn from(number: &serde_json::Number) -> Number {
        if let Some(int) = number.as_i64() {
            Number::Int(int)
        } else if let Some(uint) = number.as_u64() {
            Number::Uint(uint)
        } else {
            Number::Float(number.as_f64().unwrap_or_default())
        }
    }
}

impl From<Number> for Value {
    fn from(number: Number) -> Value {
        match number {
            Number::Int(int) => int.into(),
            Number::Uint(uint) => uint.into(),
            Number::Float(float) => float.into(),
        }
    }
}

/// What stands between the quotes of a string.
#[derive(Debug, Clone, Copy)]
pub struct JsonString<'a> {
    raw: &'a str,
    has_escapes: bool,
}

impl<'a> JsonString<'a> {
    /// The characters.
    pub fn chars(self) -> Chars<'a> {
        Chars {
            rest: self.raw.chars(),
        }
    }

    /// The characters as one text, borrowed where none is escaped.
    pub fn decode(self) -> Cow<'a, str> {
        if self.has_escapes {
            Cow::Owned(self.chars().collect())
        } else {
            Cow::Borrowed(self.raw)
        }
    }

    /// As it is written, without the quotes.
    pub fn raw(self) -> &'a str {
        self.raw
    }

    /// The text, where it stands as it is.
    pub fn plain(self) -> Option<&'a str> {
        (!self.has_escapes).then_some(self.raw)
    }

    pub fn eq_str(self, text: &str) -> bool {
        match self.plain() {
            Some(plain) => plain == text,
            None => self.chars().eq(text.chars()),
        }
    }

    /// Compares by code point.
    pub fn cmp_str(self, text: &str) -> Ordering {
        match self.plain() {
            Some(plain) => plain.cmp(text),
            None => self.chars().cmp(text.chars()),
        }
    }

    pub fn starts_with(self, prefix: &str) -> bool {
        match self.plain() {
            Some(plain) => plain.starts_with(prefix),
            None => {
                let mut chars = self.chars();
                prefix.chars().all(|c| chars.next() == Some(c))
            }
        }
    }

    pub fn contains(self, part: &str) -> bool {
        self.decode().contains(part)
    }
}

/// The characters of a string, with escapes read. A half of a surrogate pair, which no document can have,
/// comes as U+FFFD.
#[derive(Debug, Clone)]
pub struct Chars<'a> {
    rest: std::str::Chars<'a>,
}

impl Iterator for Chars<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        if c != '\\' {
            return Some(c);
        }
        Some(match self.rest.next()? {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'u' => self.unit(),
            other => other,
        })
    }
}

impl Chars<'_> {
    /// What `\u` stands for, which has been read.
    fn unit(&mut self) -> char {
        let high = self.hex();
        let low = if (0xd800..0xdc00).contains(&high) {
            let mut ahead = self.clone();
            let begins = ahead.rest.next() == Some('\\') && ahead.rest.next() == Some('u');
            let low = if begins { ahead.hex() } else { 0 };
            if (0xdc00..0xe000).contains(&low) {
                *self = ahead;
                Some(low)
            } else {
                None
            }
        } else {
            None
        };
        let code = low.map_or(high, |low| {
            0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00)
        });
        char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    fn hex(&mut self) -> u32 {
        (0..4).fold(0, |code, _| {
            let digit = self.rest.next().and_then(|c| c.to_digit(16));
            code << 4 | digit.unwrap_or_default()
        })
    }
}

/// See [`Json::items`].
#[derive(Debug, Clone)]
pub struct Items<'a>(Parts<'a>);

impl<'a> Iterator for Items<'a> {
    type Item = Json<'a>;

    fn next(&mut self) -> Option<Json<'a>> {
        let at = self.0.next_part(b']')?;
        self.0.value = at;
        self.0.text.get(at..).map(Json::new)
    }
}

/// See [`Json::fields`].
#[derive(Debug, Clone)]
pub struct Fields<'a>(Parts<'a>);

impl<'a> Iterator for Fields<'a> {
    type Item = (JsonString<'a>, Json<'a>);

    fn next(&mut self) -> Option<(JsonString<'a>, Json<'a>)> {
        let at = self.0.next_part(b'}')?;
        if self.0.text.as_bytes().get(at) != Some(&b'"') {
            self.0.end();
            return None;
        }
        let (name, end) = string_at(self.0.text, at + 1);
        self.0.value = end + 2;
        let value = self.0.text.get(end + 2..).unwrap_or_default();
        Some((name, Json::new(value)))
    }
}

/// See [`Json::strings`].
#[derive(Debug, Clone)]
pub struct Strings<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Iterator for Strings<'a> {
    type Item = JsonString<'a>;

    fn next(&mut self) -> Option<JsonString<'a>> {
        let bytes = self.text.as_bytes();
        loop {
            let quote = bytes
                .get(self.at..)?
                .iter()
                .position(|byte| *byte == b'"')?;
            let (string, end) = string_at(self.text, self.at + quote + 1);
            self.at = end + 1;
            // Only a name has a colon behind it.
            if bytes.get(self.at) != Some(&b':') {
                return Some(string);
            }
        }
    }
}

/// Where one is in a list or an object.
#[derive(Debug, Clone)]
struct Parts<'a> {
    text: &'a str,
    /// Where the value begins that was given out last; 0 before the first.
    value: usize,
}

impl<'a> Parts<'a> {
    fn new(text: &'a str, bracket: u8) -> Parts<'a> {
        let opens = text.as_bytes().first() == Some(&bracket);
        Parts {
            text: if opens { text } else { "" },
            value: 0,
        }
    }

    /// Where the next part begins.
    fn next_part(&mut self, closing: u8) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let at = if self.value == 0 {
            let is_empty = bytes.get(1).is_none_or(|byte| *byte == closing);
            (!is_empty).then_some(1)
        } else {
            let end = end_of_value(bytes, self.value);
            (bytes.get(end) == Some(&b',')).then_some(end + 1)
        };
        if at.is_none() {
            self.end();
        }
        at
    }

    fn end(&mut self) {
        *self = Parts { text: "", value: 0 };
    }
}

fn to_value(json: Json<'_>, levels: usize) -> Value {
    let Some(levels) = levels.checked_sub(1) else {
        return Value::Null;
    };
    match json.kind() {
        Kind::Null => Value::Null,
        Kind::Bool => json.as_bool().into(),
        Kind::Number => Number::parse(json.text).into(),
        Kind::String => json.as_str().into(),
        Kind::Array => json.items().map(|item| to_value(item, levels)).collect(),
        Kind::Object => {
            let mut fields = Map::new();
            for (name, value) in json.fields() {
                fields.insert(name.decode().into_owned(), to_value(value, levels));
            }
            Value::Object(fields)
        }
    }
}

/// The string whose opening quote stands before `begin`, and where its closing one is.
#[inline]
fn string_at(text: &str, begin: usize) -> (JsonString<'_>, usize) {
    let (end, has_escapes) = end_of_string(text.as_bytes(), begin);
    let raw = text.get(begin..end).unwrap_or_default();
    (JsonString { raw, has_escapes }, end)
}

#[cfg(test)]
pub(in crate::engine) mod tests;
