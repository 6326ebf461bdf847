//! The schema of a table in memory, with the versions before it.
//!
//! A manifest is posted anew with every checkpoint and read at every opening, so it keeps little of
//! the past: who set which version and when, and the texts of a few. The log has the others.

use std::cell::OnceCell;
use std::rc::Rc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::State;
use crate::engine::checkpoint::file_sum::FileSum;
use crate::engine::document::{self, Document};
use crate::engine::log::{CommitId, Op, Record};
use crate::engine::schema::{KeyType, Reference, Schema, rename_tables};
use crate::error::{Error, ErrorKind, Result};
use crate::host::UnixMillis;
use crate::text::inline;

/// Versions that are remembered, the current one counted.
const VERSIONS: usize = 20;
/// What the texts of versions before the current one may have together.
const EARLIER_BYTES: usize = 8 * 1024;

/// What becomes of a write that breaks the schema.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Validate {
    /// It is refused.
    #[default]
    Strict,
    /// It is carried out, and whoever asked is told.
    Warn,
    /// Nobody looks: the schema is kept and has no effect.
    Off,
}

impl Validate {
    /// As people write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Validate::Strict => "strict",
            Validate::Warn => "warn",
            Validate::Off => "off",
        }
    }

    fn parse(name: &str) -> Option<Validate> {
        let mut all = [Validate::Strict, Validate::Warn, Validate::Off].into_iter();
        all.find(|validate| validate.as_str() == name)
    }

    pub fn is_strict(&self) -> bool {
        *self == Validate::Strict
    }
}

/// A schema that was set, or taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// 1 for a table's first.
    pub number: u32,
    pub at: CommitId,
    /// When the commit was written, for people.
    pub time: UnixMillis,
    /// Who asked for it; empty where that is not known.
    pub user: String,
    pub validate: Validate,
    /// Tells texts apart; none where the schema was taken away.
    pub sum: Option<FileSum>,
    /// The tables that its references mean, in their order: names change, ids do not.
    pub refs: Vec<u32>,
    /// None where it was taken away, and of an earlier one whose text is not kept.
    pub schema: Option<Document>,
}

impl Version {
    /// The text with the names that the tables have now, as `name_of` tells them.
    pub fn text(&self, name_of: &dyn Fn(u32) -> Option<String>) -> Option<String> {
        let text = self.schema.as_ref()?.text();
        let (Ok(schema), Ok(mut fields)) =
            (Schema::parse("schema_json", text), document::fields(text))
        else {
            return Some(text.to_owned());
        };
        let ids: Vec<(&str, u32)> = named(&schema, &self.refs).collect();
        rename_tables(&mut fields, &|name| {
            let (_, id) = ids.iter().find(|(known, _)| *known == name)?;
            name_of(*id)
        });
        Some(document::to_text(&fields))
    }
}

/// The tables that a schema's references name, with their ids.
fn named<'a>(schema: &'a Schema, refs: &'a [u32]) -> impl Iterator<Item = (&'a str, u32)> {
    let names = schema.refs().iter().map(|reference| &*reference.table);
    names.zip(refs.iter().copied())
}

/// A schema that rows are held against.
#[derive(Debug)]
pub struct Bound {
    pub schema: Schema,
    pub key: KeyType,
    pub validate: Validate,
    /// Its references, and the ids of the tables that they mean.
    pub references: Vec<(Reference, u32)>,
}

impl Bound {
    /// Takes a compiled schema for a table with this key field.
    ///
    /// # Errors
    /// Names the key's property, when it cannot be a key.
    pub fn new(
        option: &'static str,
        schema: Schema,
        pk: &str,
        refs: &[u32],
        validate: Validate,
    ) -> Result<Bound> {
        let key = schema.key_type(option, pk)?;
        let references = schema.refs().iter().cloned();
        let references = references.zip(refs.iter().copied()).collect();
        Ok(Bound {
            schema,
            key,
            validate,
            references,
        })
    }
}

/// A table's schema: cheap to copy, and compiled when it is first needed.
#[derive(Debug, Clone, Default)]
pub struct TableSchema(Option<Rc<Kept>>);

#[derive(Debug)]
struct Kept {
    /// Oldest first. The last one counts.
    versions: Vec<Version>,
    bound: OnceCell<Result<Bound, Error>>,
}

impl TableSchema {
    fn of(versions: Vec<Version>) -> TableSchema {
        let bound = OnceCell::new();
        TableSchema((!versions.is_empty()).then(|| Rc::new(Kept { versions, bound })))
    }

    /// Whether the table never had one.
    pub fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Oldest first; the last one counts.
    pub fn versions(&self) -> &[Version] {
        self.0.as_ref().map_or(&[], |kept| &kept.versions)
    }

    /// The version that counts, unless the schema was taken away.
    pub fn current(&self) -> Option<&Version> {
        self.versions()
            .last()
            .filter(|version| version.schema.is_some())
    }

    /// Whether it has a reference to this table, whatever becomes of writes that break it.
    pub fn names(&self, table: u32) -> bool {
        self.current()
            .is_some_and(|version| version.refs.contains(&table))
    }

    /// What rows are held against: none where there is no schema, or nobody looks.
    ///
    /// # Errors
    /// A schema that this version cannot read.
    pub fn enforced(&self, pk: &str) -> Result<Option<&Bound>> {
        match self.current().map(|version| version.validate) {
            None | Some(Validate::Off) => Ok(None),
            Some(_) => self.bound(pk),
        }
    }

    /// The compiled schema, also where nobody looks.
    ///
    /// # Errors
    /// A schema that this version cannot read.
    pub fn bound(&self, pk: &str) -> Result<Option<&Bound>> {
        let (Some(kept), Some(version)) = (&self.0, self.current()) else {
            return Ok(None);
        };
        let bound = kept.bound.get_or_init(|| compile(version, pk));
        bound.as_ref().map(Some).map_err(Clone::clone)
    }

    /// The same with one more version, unless that is what counts already.
    #[must_use]
    pub fn with(&self, new: Version) -> TableSchema {
        let last = self.versions().last();
        let is_same = last.map_or(new.schema.is_none(), |last| {
            (&last.schema, &last.refs) == (&new.schema, &new.refs)
                && (last.validate == new.validate || new.schema.is_none())
        });
        if is_same {
            return self.clone();
        }
        let mut versions = self.versions().to_vec();
        let number = last.map_or(0, |last| last.number).saturating_add(1);
        versions.push(Version { number, ..new });
        let too_many = versions.len().saturating_sub(VERSIONS);
        versions.drain(..too_many);
        let mut left = EARLIER_BYTES;
        for earlier in versions.iter_mut().rev().skip(1) {
            let bytes = earlier.schema.as_ref().map_or(0, |text| text.text().len());
            match left.checked_sub(bytes) {
                Some(rest) => left = rest,
                None => {
                    left = 0;
                    earlier.schema = None;
                }
            }
        }
        TableSchema::of(versions)
    }
}

fn compile(version: &Version, pk: &str) -> Result<Bound> {
    let text = version.schema.as_ref().map_or("{}", Document::text);
    let compiled = Schema::parse("schema_json", text).and_then(|schema| {
        if schema.refs().len() != version.refs.len() {
            return Err(Error::invalid("schema_json", "its references are lost."));
        }
        Bound::new("schema_json", schema, pk, &version.refs, version.validate)
    });
    compiled.map_err(|error| {
        let why = error.message;
        let message = format!(
            "version {} of the table's schema cannot be used: {}",
            version.number,
            inline(&why)
        );
        Error::new(ErrorKind::Corrupt, message)
            .hint("Set another one with `/dbc_schema_set`, or take it away with `remove:true`.")
    })
}

impl PartialEq for TableSchema {
    fn eq(&self, other: &Self) -> bool {
        self.versions() == other.versions()
    }
}

impl Eq for TableSchema {}

// By way of values, which are read and written elsewhere already: a derived reader is made anew for
// each of the sources that manifests come from.
impl Serialize for TableSchema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let versions = self.versions().iter().map(Version::to_value);
        Value::Array(versions.collect()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TableSchema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let versions = value.as_array().map(Vec::as_slice).unwrap_or_default();
        let read: Option<Vec<Version>> = versions.iter().map(Version::from_value).collect();
        let read = read.filter(|_| value.is_array());
        let wrong = || D::Error::custom("a table's schema is a list of versions");
        read.map(TableSchema::of).ok_or_else(wrong)
    }
}

impl Version {
    fn to_value(&self) -> Value {
        let mut fields = Map::new();
        let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        put("n", self.number.into());
        put("at", Value::from(vec![self.at.epoch(), self.at.seq()]));
        put("time", self.time.into());
        if !self.user.is_empty() {
            put("user", self.user.as_str().into());
        }
        if !self.validate.is_strict() {
            put("validate", self.validate.as_str().into());
        }
        if let Some(sum) = self.sum {
            put("sum", sum.to_string().into());
        }
        if !self.refs.is_empty() {
            put("refs", self.refs.clone().into());
        }
        if let Some(schema) = &self.schema {
            // What is stored is a document.
            let schema = document::fields(schema.text()).unwrap_or_default();
            put("schema", Value::Object(schema));
        }
        Value::Object(fields)
    }

    fn from_value(value: &Value) -> Option<Version> {
        let at = value.get("at")?.as_array()?;
        let validate = match value.get("validate") {
            None => Validate::Strict,
            Some(name) => Validate::parse(name.as_str()?)?,
        };
        let id = |id: &Value| id.as_u64().and_then(|id| u32::try_from(id).ok());
        let refs: Option<Vec<u32>> = match value.get("refs") {
            None => Some(Vec::new()),
            Some(refs) => refs.as_array()?.iter().map(id).collect(),
        };
        let sum = match value.get("sum") {
            None => None,
            Some(sum) => Some(FileSum::parse(sum.as_str()?)?),
        };
        let schema = match value.get("schema") {
            None => None,
            Some(schema) => Some(Document::new(schema.as_object()?)),
        };
        let user = value.get("user").and_then(Value::as_str);
        Some(Version {
            number: id(value.get("n")?)?,
            at: CommitId(at.first()?.as_u64()?, at.get(1)?.as_u64()?),
            time: value.get("time")?.as_u64()?,
            user: user.unwrap_or_default().to_owned(),
            validate,
            sum,
            refs: refs?,
            schema,
        })
    }
}

impl Version {
    /// What an op sets, if it is of a schema; its number follows from those before it.
    pub fn of(op: &Op, at: CommitId, time: UnixMillis, user: &str) -> Option<Version> {
        let Op::SetSchema {
            schema,
            refs,
            validate,
            ..
        } = op
        else {
            return None;
        };
        let sum = |schema: &Document| FileSum::of(schema.text().as_bytes());
        Some(Version {
            number: 0,
            at,
            time,
            user: user.to_owned(),
            validate: *validate,
            sum: schema.as_ref().map(sum),
            refs: refs.clone(),
            schema: schema.clone(),
        })
    }
}

impl State {
    /// Carries out an op of a record that sets a schema; the table's id.
    pub(super) fn set_schema(
        &mut self,
        record: &Record,
        number: usize,
        name: &str,
    ) -> Result<Option<u32>, String> {
        let table = self.tables.get_mut(name).ok_or_else(|| name.to_owned())?;
        let user = record.origin_of(number).map_or("", |origin| &*origin.user);
        let version = record.ops.get(number);
        let version = version.and_then(|op| Version::of(op, record.id(), record.at, user));
        if let Some(version) = version {
            table.schema = table.schema.with(version);
        }
        Ok(Some(table.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn version(text: Option<&str>, validate: Validate) -> Version {
        let document = text.map(|text| serde_json::from_str::<Document>(text).unwrap());
        let op = Op::SetSchema {
            table: "t".into(),
            schema: document,
            refs: Vec::new(),
            validate,
        };
        Version::of(&op, CommitId(1, 2), 3, "4").unwrap()
    }

    fn titled(title: &str) -> String {
        format!(r#"{{"title":"{title}"}}"#)
    }

    #[test]
    fn what_is_set_again_is_no_new_version() {
        let none = TableSchema::default();
        assert_eq!(none.with(version(None, Validate::Strict)), none);
        let one = none.with(version(Some("{}"), Validate::Strict));
        assert_eq!(one.with(version(Some("{}"), Validate::Strict)), one);
        let warn = one.with(version(Some("{}"), Validate::Warn));
        let gone = warn.with(version(None, Validate::Strict));
        assert_eq!(gone.with(version(None, Validate::Strict)), gone);
        assert!(gone.current().is_none() && !gone.is_none());
        let again = gone.with(version(Some("{}"), Validate::Warn));
        let numbers: Vec<u32> = again.versions().iter().map(|v| v.number).collect();
        assert_eq!(numbers, [1, 2, 3, 4]);
    }

    #[test]
    fn one_that_cannot_be_read_is_told_when_it_is_needed() {
        let broken = version(Some(r#"{"type":"nonsense"}"#), Validate::Strict);
        let broken = TableSchema::default().with(broken);
        let error = broken.enforced("id").unwrap_err();
        assert_eq!(error.kind, ErrorKind::Corrupt);
        let off = broken.with(version(Some(r#"{"type":"nonsense"}"#), Validate::Off));
        assert!(off.enforced("id").unwrap().is_none());
    }

    proptest! {
        #[test]
        fn the_past_stays_within_its_bounds(lengths in prop::collection::vec(0usize..9_000, 1..60)) {
            let mut schema = TableSchema::default();
            for (n, length) in lengths.iter().enumerate() {
                let text = titled(&format!("{n}{}", "x".repeat(*length)));
                schema = schema.with(version(Some(&text), Validate::Strict));
                prop_assert_eq!(schema.current().unwrap().schema.as_ref().unwrap().text(), text);
            }
            let versions = schema.versions();
            prop_assert_eq!(versions.last().unwrap().number as usize, lengths.len());
            prop_assert!(versions.len() <= VERSIONS);
            let earlier = versions.iter().rev().skip(1).filter_map(|v| v.schema.as_ref());
            prop_assert!(earlier.map(|text| text.text().len()).sum::<usize>() <= EARLIER_BYTES);
            prop_assert!(versions.iter().all(|version| version.sum.is_some()));
            let json = serde_json::to_string(&schema).unwrap();
            prop_assert_eq!(serde_json::from_str::<TableSchema>(&json).unwrap(), schema);
        }
    }
}
