//! Documents as text, which is what they are kept as: a tree of values takes many times the memory.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::{Map, Value};

use super::strict::{Bounds, Strict, one_less, twice};
use super::to_text;
use crate::limits::DOCUMENT_DEPTH;
use crate::text::escape_json;

/// Longer documents stand in files as they are stored: laid out, a document can be a hundred times as
/// long, and a file has to be one that Discord takes.
pub const LAID_OUT_BYTES: usize = 64 * 1024;

/// A document as a record has it: as an object, and in memory as its compact text. Text goes in and
/// out value by value; no tree is built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document(Box<str>);

impl Document {
    pub fn new(fields: &Map<String, Value>) -> Self {
        Document(to_text(fields).into())
    }

    /// With one more field before the others.
    pub fn with_first(name: &str, value: &str, fields: &Map<String, Value>) -> Self {
        let (name, value) = (name.to_owned(), Value::from(value));
        let mut out = Vec::new();
        let entries = std::iter::once((&name, &value)).chain(fields);
        // Neither writing to memory nor a value can fail, and JSON is UTF-8.
        let _ = serde_json::Serializer::new(&mut out).collect_map(entries);
        Document(String::from_utf8(out).unwrap_or_default().into())
    }

    /// Compact JSON.
    pub fn text(&self) -> &str {
        &self.0
    }

    pub fn into_text(self) -> Box<str> {
        self.0
    }
}

/// The fields of a stored document, however many there are.
///
/// # Errors
/// When it is not one.
pub fn fields(text: &str) -> Result<Map<String, Value>, serde_json::Error> {
    let bounds = Bounds {
        values: Cell::new(usize::MAX),
        items: None,
        excess: Cell::new(None),
    };
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Strict::new(DOCUMENT_DEPTH, &bounds).deserialize(&mut deserializer)?;
    deserializer.end()?;
    match value {
        Value::Object(fields) => Ok(fields),
        _ => Err(serde::de::Error::custom("a document is an object")),
    }
}

/// A document's text with one field a line, escaped for a message. What is stored is always valid;
/// anything else comes back as it is.
pub fn pretty(doc: &str) -> String {
    // Line breaks of the layout stay; whatever is fragile inside strings does not.
    let lines: Vec<String> = laid_out(doc).lines().map(escape_json).collect();
    lines.join("\n")
}

/// A document's text for a file that people open: with one field a line where that is not too long.
pub fn for_file(doc: &str) -> String {
    if doc.len() > LAID_OUT_BYTES {
        return doc.to_owned();
    }
    laid_out(doc)
}

fn laid_out(doc: &str) -> String {
    serde_json::to_string_pretty(&Stored(doc)).unwrap_or_else(|_| doc.to_owned())
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut out = Vec::new();
        let copy = Copy {
            levels: DOCUMENT_DEPTH,
            out: &mut out,
        };
        copy.deserialize(deserializer)?;
        if out.first() != Some(&b'{') {
            return Err(D::Error::custom("a document is an object"));
        }
        let text = String::from_utf8(out).map_err(D::Error::custom)?;
        Ok(Document(text.into()))
    }
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Stored(&self.0).serialize(serializer)
    }
}

/// Writes what it reads as compact text. As strict as [`Strict`], but for how many values there are:
/// what is stored has to be read, whoever wrote it under whatever bounds.
struct Copy<'a> {
    levels: usize,
    out: &'a mut Vec<u8>,
}

impl Copy<'_> {
    fn write<T: Serialize + ?Sized, E: serde::de::Error>(self, value: &T) -> Result<(), E> {
        serde_json::to_writer(self.out, value).map_err(E::custom)
    }
}

impl<'de> DeserializeSeed<'de> for Copy<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Copy<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.write(&())
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.write(&value)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.write(&value)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.write(&value)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        if !value.is_finite() {
            return Err(E::custom("number out of range"));
        }
        self.write(&value)
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<(), E> {
        self.write(value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let levels = one_less(self.levels)?;
        let out = self.out;
        out.push(b'[');
        let empty = out.len();
        loop {
            let before = out.len();
            if before > empty {
                out.push(b',');
            }
            let item = Copy {
                levels,
                out: &mut *out,
            };
            if items.next_element_seed(item)?.is_none() {
                out.truncate(before);
                out.push(b']');
                return Ok(());
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let levels = one_less(self.levels)?;
        let out = self.out;
        let mut names: BTreeSet<String> = BTreeSet::new();
        out.push(b'{');
        while let Some(name) = entries.next_key::<String>()? {
            if !names.is_empty() {
                out.push(b',');
            }
            serde_json::to_writer(&mut *out, &name).map_err(A::Error::custom)?;
            out.push(b':');
            let value = Copy {
                levels,
                out: &mut *out,
            };
            entries.next_value_seed(value)?;
            if names.contains(&name) {
                return Err(twice(&name));
            }
            names.insert(name);
        }
        out.push(b'}');
        Ok(())
    }
}

/// The text of a stored document, written as the object that it is.
pub struct Stored<'a>(pub &'a str);

impl Serialize for Stored<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut deserializer = serde_json::Deserializer::from_str(self.0);
        let written = (&mut deserializer).deserialize_any(Forward(serializer));
        let written = written.map_err(S::Error::custom)?;
        deserializer.end().map_err(S::Error::custom)?;
        Ok(written)
    }
}

/// Hands what it is shown on to a serializer.
struct Forward<S>(S);

impl<'de, S: Serializer> Visitor<'de> for Forward<S> {
    type Value = S::Ok;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<S::Ok, E> {
        self.0.serialize_unit().map_err(E::custom)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<S::Ok, E> {
        self.0.serialize_bool(value).map_err(E::custom)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<S::Ok, E> {
        self.0.serialize_i64(value).map_err(E::custom)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<S::Ok, E> {
        self.0.serialize_u64(value).map_err(E::custom)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<S::Ok, E> {
        self.0.serialize_f64(value).map_err(E::custom)
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<S::Ok, E> {
        self.0.serialize_str(value).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<S::Ok, A::Error> {
        let mut list = self.0.serialize_seq(None).map_err(A::Error::custom)?;
        while items.next_element_seed(Item(&mut list))?.is_some() {}
        list.end().map_err(A::Error::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<S::Ok, A::Error> {
        let mut map = self.0.serialize_map(None).map_err(A::Error::custom)?;
        while let Some(name) = entries.next_key::<String>()? {
            map.serialize_key(&name).map_err(A::Error::custom)?;
            entries.next_value_seed(Field(&mut map))?;
        }
        map.end().map_err(A::Error::custom)
    }
}

struct Item<'a, L>(&'a mut L);

impl<'de, L: SerializeSeq> DeserializeSeed<'de> for Item<'_, L> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let item = Read(Cell::new(Some(deserializer)));
        self.0.serialize_element(&item).map_err(D::Error::custom)
    }
}

struct Field<'a, M>(&'a mut M);

impl<'de, M: SerializeMap> DeserializeSeed<'de> for Field<'_, M> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let value = Read(Cell::new(Some(deserializer)));
        self.0.serialize_value(&value).map_err(D::Error::custom)
    }
}

/// A value that is read while it is written, once.
struct Read<D>(Cell<Option<D>>);

impl<'de, D: Deserializer<'de>> Serialize for Read<D> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let deserializer = self.0.take();
        let deserializer = deserializer.ok_or_else(|| S::Error::custom("written twice"))?;
        let written = deserializer.deserialize_any(Forward(serializer));
        written.map_err(S::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What the same text is as a tree.
    fn as_tree(text: &str) -> Result<Map<String, Value>, String> {
        fields(text).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn agrees_with_the_tree(text: &str) {
        let document = serde_json::from_str::<Document>(text);
        match as_tree(text) {
            Err(_) => assert!(document.is_err(), "{text}"),
            Ok(tree) => {
                let document = document.unwrap();
                assert_eq!(document.text(), to_text(&tree));
                assert_eq!(serde_json::to_string(&document).unwrap(), to_text(&tree));
                let pretty = serde_json::to_string_pretty(&tree).unwrap();
                assert_eq!(laid_out(document.text()), pretty);
                assert_eq!(Document::new(&tree), document);
            }
        }
    }

    #[test]
    fn text_is_what_the_tree_is() {
        let deep = |n: usize| format!("{{\"a\":{}{}}}", "[".repeat(n), "]".repeat(n));
        for text in [
            "{}",
            "[]",
            "1",
            "",
            r#"{"a":1,"a":2}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":[],"b":{},"c":[[],{}],"d":[1,[2,3],{"e":null}]}"#,
            r#"{"n":[0,-0,-0.0,1.0,1e2,1e400,18446744073709551615,-9223372036854775808,18446744073709551616]}"#,
            r#"{"n":[0,-0,-0.0,1.0,1e2,5e-324,18446744073709551615,-9223372036854775808,18446744073709551616]}"#,
            r#"{"$serde_json::private::Number":"1","$serde_json::private::RawValue":"x"}"#,
            r#"{"\u0000\u0007\u001f\"\\/\u2028é😀":"\u0000\u0007\u001f\"\\/\u2028é😀\n\r\t\b\f"}"#,
            r#"{"s":"\ud800"}"#,
            "{\"a\" : [ 1 , 2 ] }",
            "{} x",
            &deep(62),
            &deep(63),
            &deep(64),
            &deep(200),
        ] {
            agrees_with_the_tree(text);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_what_the_tree_is(text in r#"\{("[ab]":(\[|\{|"x"|1|-2\.50|1e3|null|true|\]|\}|,){0,6},?){0,4}\}"#) {
            agrees_with_the_tree(&text);
        }
    }

    #[test]
    fn what_is_not_json_comes_back_as_it_is() {
        for text in ["", "{", "{} x", "{\"a\":}"] {
            assert_eq!(pretty(text), text);
        }
    }

    #[test]
    fn files_are_laid_out_unless_they_would_be_too_long() {
        assert_eq!(for_file(r#"{"a":"`"}"#), "{\n  \"a\": \"`\"\n}");
        let nested = |n: usize| {
            let items = vec!["[1]"; n].join(",");
            format!("{{\"a\":{}{items}{}}}", "[".repeat(60), "]".repeat(60))
        };
        let longest = nested((LAID_OUT_BYTES - 126) / 4);
        let file = for_file(&longest);
        assert!(longest.len() > LAID_OUT_BYTES - 8 && file.len() > 32 * longest.len());
        assert!(file.len() < crate::limits::ATTACHMENT_BYTES);
        let longer = nested(LAID_OUT_BYTES / 4);
        assert_eq!(for_file(&longer), longer);
    }
}
