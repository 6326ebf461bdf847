//! Schemas of tables: what a row must be like, what its missing properties get, and which of them
//! name rows of other tables.
//!
//! A schema is JSON Schema, draft 2020-12, with short names of types and `ref` beside it;
//! `docs/schemas.md` has what is supported. It is compiled once; checking a row then takes work in
//! proportion to the row, whatever the schema says, and refuses what would take more.

mod budget;
mod check;
mod compile;
mod defaults;
mod format;
mod keywords;
mod node;
mod number;
mod operand;
mod path;
mod pattern;
mod reference;
mod report;
mod resolve;
#[cfg(test)]
mod tests;
mod value;

use std::fmt;

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::engine::document;
use crate::error::{Error, ErrorKind, Result};
use crate::text::inline;
use node::{Node, NodeId};
use value::{Kinds, View};

pub use reference::{OnDelete, Reference, rename_tables};

/// A schema as compact JSON (our own rule, as all of these: it is read at every opening, and in
/// memory as long as the table).
pub const SCHEMA_BYTES: usize = 16 * 1024;
/// How deep a schema's JSON may nest.
pub const SCHEMA_DEPTH: usize = 32;
/// Subschemas in one schema.
pub const SUBSCHEMAS: usize = 1_000;
/// What the automata of all patterns of a schema may take.
pub const PATTERN_BYTES: usize = 1024 * 1024;
/// Subschemas that apply to one value in a chain of `$ref`, `allOf` and the like.
pub const IN_PLACE: usize = 32;
/// Violations that are reported of one row.
pub const VIOLATIONS: usize = 5;

/// The schema of a table.
pub struct Schema {
    text: String,
    digest: String,
    json: JsonSchema,
    references: Vec<Reference>,
}

/// What the primary key of a table may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyType {
    Text,
    Whole,
    Either,
}

impl Schema {
    /// Reads a schema's text.
    ///
    /// # Errors
    /// What is no JSON object, and what [`Schema::new`] refuses.
    pub fn parse(option: &'static str, text: &str) -> Result<Schema> {
        Schema::new(option, &document::parse(option, text)?)
    }

    /// Compiles a schema.
    ///
    /// # Errors
    /// Names the place in the schema, what is expected there and what there is; a schema over one of
    /// the limits is [`ErrorKind::TooLarge`].
    pub fn new(option: &'static str, schema: &Map<String, Value>) -> Result<Schema> {
        let text = document::to_text(schema);
        let mut compiled = compile::compile(option, &Value::Object(schema.clone()))?;
        let root = compiled.nodes.first();
        if !root.is_some_and(|root| root.kinds.have(Kinds::OBJECT)) {
            let message = "a row is an object, which the `type` of this schema does not allow.";
            return Err(Error::invalid(option, message).hint("Leave `type` out."));
        }
        check_references(option, &compiled)?;
        defaults::prepare(option, &mut compiled)?;
        let digest = Sha256::digest(&text);
        let digest = digest.iter().take(8).map(|byte| format!("{byte:02x}"));
        Ok(Schema {
            digest: digest.collect(),
            text,
            json: JsonSchema {
                nodes: compiled.nodes,
            },
            references: compiled.references,
        })
    }

    /// The schema as it was given, as compact JSON: what is stored.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// 16 hexadecimal digits that tell schemas apart by their text.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The properties that name rows, in the order of the schema.
    pub fn refs(&self) -> &[Reference] {
        &self.references
    }

    /// Gives missing properties their defaults, in the row and in what is inside it. The primary
    /// key is to be in the row already.
    ///
    /// # Errors
    /// When the row would become too large; then only a part is filled in.
    pub fn fill_defaults(&self, row: &mut Map<String, Value>) -> Result<(), Violation> {
        defaults::fill(&self.json.nodes, row).map_err(|budget::Exhausted| Violation {
            path: String::new(),
            rule: "default",
            message: "the row would become too large by the defaults of the schema".to_owned(),
            depth: 0,
        })
    }

    /// Checks a row.
    ///
    /// # Errors
    /// What does not fit, at most [`VIOLATIONS`].
    pub fn validate(&self, row: &Map<String, Value>) -> Result<(), Vec<Violation>> {
        self.json.check_view(View::Object(row))
    }

    /// Checks that the schema lets `field` be the primary key, and says what it may be.
    ///
    /// # Errors
    /// Names the property, when it may be anything but a string or a whole number, is forbidden,
    /// or has a default.
    pub fn key_type(&self, option: &'static str, field: &str) -> Result<KeyType> {
        let shown = inline(field);
        let refused = |why: &str| {
            Error::invalid(option, format!("the primary key `{shown}` {why}")).hint(format!(
                "Write `{{\"properties\": {{\"{shown}\": \"str\"}}}}`, or `\"int\"`."
            ))
        };
        let nodes = &self.json.nodes;
        let rules = nodes.first().and_then(|root| root.object.as_ref());
        let Some(rules) = rules else {
            return Ok(KeyType::Either);
        };
        let Some(node) = rules.field(field).and_then(|field| field.node) else {
            let other = rules.additional.and_then(|id| nodes.get(id.0));
            let is_known = rules
                .patterns
                .iter()
                .any(|(pattern, _)| pattern.automaton.is_match(field));
            return if other.is_some_and(Node::is_never) && !is_known {
                Err(refused(
                    "is not among the `properties`, and others are forbidden.",
                ))
            } else {
                Ok(KeyType::Either)
            };
        };
        let mut kinds = Kinds::ANY;
        let mut next = Some(node);
        while let Some(node) = next.and_then(|id| nodes.get(id.0)) {
            kinds = kinds.and(node.kinds);
            let allowed = node.values.as_deref().into_iter();
            for values in allowed.chain(node.constant.as_ref().map(std::slice::from_ref)) {
                let of = |value: &Value| Kinds::of(value.into());
                kinds = kinds.and(values.iter().map(of).fold(Kinds::NONE, Kinds::or));
            }
            if node.default.is_some() {
                return Err(refused(
                    "cannot have a default: every row has a key of its own.",
                ));
            }
            next = node.logic.as_ref().and_then(|logic| logic.reference);
        }
        // A key is there, whatever its schema would let a reference be.
        if self
            .references
            .iter()
            .any(|reference| reference.field == field)
        {
            kinds = kinds.and(Kinds::KEY);
        }
        if self
            .references
            .iter()
            .any(|reference| reference.field == field && reference.on_delete == OnDelete::SetNull)
        {
            return Err(refused(
                "cannot become null (`set_null`): every row keeps its key.",
            ));
        }
        match kinds {
            Kinds::STRING => Ok(KeyType::Text),
            Kinds::WHOLE => Ok(KeyType::Whole),
            Kinds::KEY => Ok(KeyType::Either),
            _ => Err(refused(
                "must be a string or a whole number, and its type allows more than that.",
            )),
        }
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Schema").field(&self.text).finish()
    }
}

/// What two references have to obey that can only be seen from outside.
fn check_references(option: &'static str, schema: &compile::Compiled) -> Result<()> {
    let root = schema.nodes.first().and_then(|root| root.object.as_ref());
    for reference in &schema.references {
        let property = root.and_then(|root| root.field(&reference.field)?.node);
        let Some(property) = property else { continue };
        let kinds = schema
            .nodes
            .get(property.0)
            .map_or(Kinds::NONE, |node| node.kinds);
        let shown = inline(&reference.field);
        if reference.is_list && !Kinds::LIST.or(Kinds::NULL).have(kinds) {
            let message =
                format!("`properties.{shown}` has `ref` in its `items`, so it must be a list.");
            return Err(Error::invalid(option, message).hint("Add `\"type\": \"list\"`."));
        }
        let becomes_null = reference.on_delete == OnDelete::SetNull && !reference.is_list;
        if becomes_null && check::check(&schema.nodes, property, View::Null, "the value").is_err() {
            let message = format!(
                "`properties.{shown}` becomes null when the row that it names is deleted (`set_null`), and its schema does not allow that."
            );
            return Err(Error::invalid(option, message)
                .hint("Allow `null`, or choose `restrict` or `cascade`."));
        }
    }
    Ok(())
}

/// A compiled schema for values of any kind, without what only tables have.
pub struct JsonSchema {
    nodes: Vec<Node>,
}

impl JsonSchema {
    /// Compiles a schema; `default` has no effect.
    ///
    /// # Errors
    /// As [`Schema::new`].
    pub fn new(option: &'static str, schema: &Value) -> Result<JsonSchema> {
        let compiled = compile::compile(option, schema)?;
        Ok(JsonSchema {
            nodes: compiled.nodes,
        })
    }

    /// Checks a value.
    ///
    /// # Errors
    /// What does not fit, at most [`VIOLATIONS`].
    pub fn check(&self, value: &Value) -> Result<(), Vec<Violation>> {
        self.check_view(value.into())
    }

    fn check_view(&self, value: View<'_>) -> Result<(), Vec<Violation>> {
        check::check(&self.nodes, NodeId::ROOT, value, "the row")
    }
}

/// One way in which a row does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Where in the row, such as `address.zip` or `tags[2]`; empty for the row itself. Safe in inline
    /// code.
    pub path: String,
    /// The keyword that is violated; `false` for a schema that allows nothing, `budget` where the
    /// check was given up.
    pub rule: &'static str,
    /// A sentence without its full stop: what must be, and what is.
    pub message: String,
    /// How many steps from the root.
    depth: usize,
}

impl Violation {
    /// Of a reference to a row that is not there.
    pub fn of_reference(path: &str, message: String) -> Violation {
        Violation {
            path: path.to_owned(),
            rule: "ref",
            message,
            depth: 1,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// The error that violations become.
pub fn refusal(option: &'static str, table: &str, violations: &[Violation]) -> Error {
    let all: Vec<&str> = violations.iter().map(|v| v.message.as_str()).collect();
    let table = inline(table);
    let message = format!(
        "the row does not fit the schema of table `{table}`: {}.",
        all.join("; ")
    );
    let is_large = violations
        .iter()
        .any(|violation| matches!(violation.rule, "budget" | "default"));
    let kind = if is_large {
        ErrorKind::TooLarge
    } else {
        ErrorKind::InvalidInput
    };
    Error::new(kind, message).option(option)
}
