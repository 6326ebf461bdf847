//! From a schema's JSON to nodes, with a word on everything that is not right.

use serde_json::{Map, Value};

use super::format::{FORMATS, Format};
use super::keywords::{ANNOTATIONS, DATETIME, DRAFT, KEYWORDS, TYPES, kinds};
use super::node::{
    Condition, ListRules, Logic, Node, NodeId, NumberRules, ObjectRules, StringRules,
};
use super::number::Num;
use super::path::Path;
use super::pattern::Pattern;
use super::reference::Reference;
use super::resolve::{Pending, resolve};
use super::value::Kinds;
use super::{PATTERN_BYTES, SCHEMA_BYTES, SCHEMA_DEPTH, SUBSCHEMAS};
use crate::error::{Error, ErrorKind, Result};
use crate::text::{did_you_mean, inline};

/// A schema as it is checked, the root first, and the references to other tables in it.
pub(super) struct Compiled {
    pub(super) nodes: Vec<Node>,
    pub(super) references: Vec<Reference>,
    /// Where the subschemas stand, as JSON Pointers; a few have a name beside that.
    pub(super) places: Vec<(String, NodeId)>,
}

/// Compiles a schema.
///
/// # Errors
/// Names the place in the schema, what is expected there, and what there is.
pub(super) fn compile(option: &'static str, schema: &Value) -> Result<Compiled> {
    let bytes = schema.to_string().len();
    let too_large = |message: String| Error::new(ErrorKind::TooLarge, message).option(option);
    if bytes > SCHEMA_BYTES {
        return Err(too_large(format!(
            "a schema has at most {SCHEMA_BYTES} bytes, and this one has {bytes}."
        )));
    }
    if levels(schema) > SCHEMA_DEPTH {
        let message = format!("a schema nests at most {SCHEMA_DEPTH} levels deep.");
        let hint = "Put parts of it into `$defs`, and name them with `$ref`.";
        return Err(too_large(message).hint(hint));
    }
    let mut compiler = Compiler {
        option,
        nodes: Vec::new(),
        references: Vec::new(),
        places: Vec::new(),
        pending: Vec::new(),
        pattern_bytes: 0,
        implied_null: Vec::new(),
    };
    compiler.schema(schema, &Path::ROOT, Place::Root)?;
    compiler.forbid_null_where_required();
    resolve(
        option,
        &mut compiler.nodes,
        &compiler.places,
        &compiler.pending,
    )?;
    Ok(Compiled {
        nodes: compiler.nodes,
        references: compiler.references,
        places: compiler.places,
    })
}

pub(super) struct Compiler {
    pub(super) option: &'static str,
    pub(super) nodes: Vec<Node>,
    pub(super) references: Vec<Reference>,
    /// What `$ref` can name, without the `#`.
    places: Vec<(String, NodeId)>,
    pending: Vec<Pending>,
    /// What all automata take together.
    pattern_bytes: usize,
    /// References that may be null because nothing says otherwise.
    pub(super) implied_null: Vec<String>,
}

/// Where a subschema stands, as far as it matters for references to other tables.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place<'a> {
    Root,
    /// A property of the row.
    Property(&'a str),
    /// The items of a property of the row.
    Items(&'a str),
    Deeper,
}

/// One keyword with its operand.
#[derive(Clone, Copy)]
struct Entry<'a> {
    keyword: &'static str,
    operand: &'a Value,
    at: &'a Path<'a>,
}

impl Compiler {
    /// Compiles a subschema.
    pub(super) fn schema(
        &mut self,
        schema: &Value,
        at: &Path<'_>,
        place: Place<'_>,
    ) -> Result<NodeId> {
        // The number is taken before those of the subschemas inside.
        let id = self.push(Node::any())?;
        self.places.push((at.pointer(), id));
        let node = match schema {
            Value::Bool(true) => Node::any(),
            Value::Bool(false) => Node::never(),
            Value::String(name) => {
                let mut node = Node::any();
                node.kinds = self.kind(name, schema, at)?;
                if name == DATETIME {
                    string(&mut node).format = Some(Format::DateTime);
                }
                node
            }
            Value::Object(fields) => self.object(fields, id, at, place)?,
            _ => {
                let must = "a type such as `\"str\"` or a schema such as `{\"type\": \"str\"}`";
                return Err(self.wrong(at, must, schema));
            }
        };
        if let Some(slot) = self.nodes.get_mut(id.0) {
            *slot = node;
        }
        Ok(id)
    }

    pub(super) fn push(&mut self, node: Node) -> Result<NodeId> {
        let id = NodeId(self.nodes.len());
        if id.0 >= SUBSCHEMAS {
            let message =
                format!("a schema has at most {SUBSCHEMAS} subschemas, and this one has more.");
            return Err(Error::new(ErrorKind::TooLarge, message).option(self.option));
        }
        self.nodes.push(node);
        Ok(id)
    }

    fn object(
        &mut self,
        fields: &Map<String, Value>,
        id: NodeId,
        at: &Path<'_>,
        place: Place<'_>,
    ) -> Result<Node> {
        let mut node = Node::any();
        for (name, operand) in fields {
            let here = at.field(name);
            let Some(keyword) = KEYWORDS.iter().find(|known| *known == name) else {
                if ANNOTATIONS.contains(&name.as_str()) {
                    continue;
                }
                return Err(self.unknown(name, operand, at, place));
            };
            let entry = Entry {
                keyword,
                operand,
                at: &here,
            };
            self.keyword(&mut node, id, entry, place)?;
        }
        self.condition(&mut node, fields, at)?;
        self.reference(&mut node, fields, at, place)?;
        Ok(node)
    }

    fn keyword(
        &mut self,
        node: &mut Node,
        id: NodeId,
        entry: Entry<'_>,
        place: Place<'_>,
    ) -> Result<()> {
        let Entry {
            keyword,
            operand,
            at,
        } = entry;
        match keyword {
            "type" => self.types(node, operand, at)?,
            "enum" => node.values = Some(self.list(operand, at)?.to_vec()),
            "const" => node.constant = Some(operand.clone()),
            "default" => node.default = Some(operand.clone()),
            "minimum" => number(node).minimum = Some(self.number(operand, at)?),
            "maximum" => number(node).maximum = Some(self.number(operand, at)?),
            "exclusiveMinimum" => number(node).exclusive_minimum = Some(self.number(operand, at)?),
            "exclusiveMaximum" => number(node).exclusive_maximum = Some(self.number(operand, at)?),
            "multipleOf" => {
                let divisor = self.number(operand, at)?;
                if Num::of(&divisor).compare(Num::Natural(0)).is_le() {
                    return Err(self.wrong(at, "a number above zero", operand));
                }
                number(node).multiple_of = Some(divisor);
            }
            "minLength" => string(node).min = Some(self.count(operand, at)?),
            "maxLength" => string(node).max = Some(self.count(operand, at)?),
            "pattern" => {
                let pattern = self.text(operand, at)?;
                string(node).pattern = Some(self.pattern(pattern, at)?);
            }
            "format" => self.set_format(node, self.format(operand, at)?, at)?,
            "minItems" => list(node).min = Some(self.count(operand, at)?),
            "maxItems" => list(node).max = Some(self.count(operand, at)?),
            "minContains" => list(node).min_contains = Some(self.count(operand, at)?),
            "maxContains" => list(node).max_contains = Some(self.count(operand, at)?),
            "uniqueItems" => list(node).unique = self.truth(operand, at)?,
            "contains" => list(node).contains = Some(self.schema(operand, at, Place::Deeper)?),
            "prefixItems" => list(node).first = self.schemas(operand, at)?,
            "items" => {
                if operand.is_array() {
                    let error = self.wrong(at, "one schema for all items", operand);
                    return Err(
                        error.hint("A schema for each of the first items is `prefixItems`.")
                    );
                }
                let place = match place {
                    Place::Property(name) => Place::Items(name),
                    _ => Place::Deeper,
                };
                list(node).items = Some(self.schema(operand, at, place)?);
            }
            "properties" => {
                for (name, schema) in self.map(operand, at)? {
                    let place = match place {
                        Place::Root => Place::Property(name),
                        _ => Place::Deeper,
                    };
                    let schema = self.schema(schema, &at.field(name), place)?;
                    if let Some(field) = object(node).field_mut(name) {
                        field.node = Some(schema);
                    }
                }
            }
            "patternProperties" => {
                for (pattern, schema) in self.map(operand, at)? {
                    let here = at.field(pattern);
                    let compiled = self.pattern(pattern, &here)?;
                    let schema = self.schema(schema, &here, Place::Deeper)?;
                    object(node).patterns.push((compiled, schema));
                }
            }
            "additionalProperties" => {
                object(node).additional = Some(self.schema(operand, at, Place::Deeper)?);
            }
            "propertyNames" => {
                object(node).names = Some(self.schema(operand, at, Place::Deeper)?)
            }
            "minProperties" => object(node).min = Some(self.count(operand, at)?),
            "maxProperties" => object(node).max = Some(self.count(operand, at)?),
            "required" => {
                let rules = object(node);
                for name in self.names(operand, at)? {
                    if let Some(field) = rules.field_mut(name) {
                        field.required = true;
                        rules.required += 1;
                    }
                }
            }
            "dependentRequired" => {
                for (name, others) in self.map(operand, at)? {
                    let others = self.names(others, &at.field(name))?;
                    let others = others.into_iter().map(Into::into).collect();
                    let entry = (name.as_str().into(), others);
                    object(node).dependent_required.push(entry);
                }
            }
            "dependentSchemas" => {
                for (name, schema) in self.map(operand, at)? {
                    let schema = self.schema(schema, &at.field(name), Place::Deeper)?;
                    let entry = (name.as_str().into(), schema);
                    object(node).dependent_schemas.push(entry);
                }
            }
            "allOf" => logic(node).all = self.some_schemas(operand, at)?,
            "anyOf" => logic(node).any = self.some_schemas(operand, at)?,
            "oneOf" => logic(node).one = self.some_schemas(operand, at)?,
            "not" => logic(node).not = Some(self.schema(operand, at, Place::Deeper)?),
            "$defs" => {
                for (name, schema) in self.map(operand, at)? {
                    self.schema(schema, &at.field(name), Place::Deeper)?;
                }
            }
            "$ref" => {
                let target = self.text(operand, at)?.to_owned();
                self.pending.push(Pending {
                    id,
                    target,
                    at: at.shown(),
                });
            }
            "$anchor" => {
                let name = self.text(operand, at)?.to_owned();
                self.places.push((name, id));
            }
            "$schema" | "$id" => self.identity(keyword, operand, at, place)?,
            // The rest is seen to once all of them are there.
            _ => {}
        }
        Ok(())
    }

    fn types(&mut self, node: &mut Node, operand: &Value, at: &Path<'_>) -> Result<()> {
        let names = match operand {
            Value::Array(names) if !names.is_empty() => names.as_slice(),
            Value::String(_) => std::slice::from_ref(operand),
            _ => return Err(self.wrong(at, "the name of a type or a list of such names", operand)),
        };
        let mut others = Kinds::NONE;
        let mut is_datetime = false;
        for operand in names {
            let name = operand.as_str();
            let name = name.ok_or_else(|| self.wrong(at, "made of names of types", operand))?;
            let kinds = self.kind(name, operand, at)?;
            match name {
                DATETIME => is_datetime = true,
                _ => others = others.or(kinds),
            }
        }
        node.kinds = others;
        // Beside `str`, every string will do.
        if is_datetime && !others.have(Kinds::STRING) {
            node.kinds = others.or(Kinds::STRING);
            self.set_format(node, Format::DateTime, at)?;
        }
        Ok(())
    }

    fn set_format(&self, node: &mut Node, format: Format, at: &Path<'_>) -> Result<()> {
        let slot = &mut string(node).format;
        if slot.is_some_and(|other| other != format) {
            let message = "`datetime` is a format itself, so there cannot be another `format`.";
            return Err(self.error(at, message));
        }
        *slot = Some(format);
        Ok(())
    }

    fn kind(&self, name: &str, operand: &Value, at: &Path<'_>) -> Result<Kinds> {
        kinds(name).ok_or_else(|| {
            let error = self.wrong(at, "the name of a type", operand);
            let meant = match name {
                "date" | "time" | "timestamp" => DATETIME,
                "double" | "decimal" => "float",
                other => other,
            };
            let known: Vec<&str> = TYPES.iter().map(|(name, _)| *name).collect();
            let types = || {
                "Types are `str`, `int`, `float`, `bool`, `list`, `dict`, `any`, `datetime`, and JSON Schema's own.".to_owned()
            };
            error.hint(did_you_mean(meant, &known).unwrap_or_else(types))
        })
    }

    fn format(&self, operand: &Value, at: &Path<'_>) -> Result<Format> {
        let name = self.text(operand, at)?;
        let found = FORMATS.iter().find(|(known, _)| *known == name);
        found.map(|(_, format)| *format).ok_or_else(|| {
            let message = format!(
                "is the format `{}`, which dbcord cannot check.",
                inline(name)
            );
            let known: Vec<&str> = FORMATS.iter().map(|(name, _)| *name).collect();
            let all = || {
                let known = known.join(", ");
                format!("There are {known}. Others can be written as a `pattern`.")
            };
            let near = did_you_mean(name, &known);
            self.at(at, &message).hint(near.unwrap_or_else(all))
        })
    }

    fn pattern(&mut self, pattern: &str, at: &Path<'_>) -> Result<Pattern> {
        let compiled = Pattern::new(pattern).map_err(|why| {
            let message = format!("is no pattern that can be used: {why}.");
            self.at(at, &message)
        })?;
        self.pattern_bytes += compiled.automaton.bytes();
        if self.pattern_bytes > PATTERN_BYTES {
            let message = "the patterns of this schema take too much memory together.";
            let error = Error::new(ErrorKind::TooLarge, message).option(self.option);
            return Err(error.hint(
                "Use fewer of them, and `maxLength` instead of large counts such as `{1000}`.",
            ));
        }
        Ok(compiled)
    }

    fn identity(
        &self,
        keyword: &str,
        operand: &Value,
        at: &Path<'_>,
        place: Place<'_>,
    ) -> Result<()> {
        let text = self.text(operand, at)?;
        if place != Place::Root {
            let message = format!("`{keyword}` can only stand at the top of a schema.");
            return Err(self.error(at, &message));
        }
        let draft = text.strip_suffix('#').unwrap_or(text);
        if keyword == "$schema" && draft != DRAFT {
            let message = format!(
                "is `{}`, a kind of schema that dbcord does not know.",
                inline(text)
            );
            return Err(self
                .at(at, &message)
                .hint(format!("Leave it out, or write `{DRAFT}`.")));
        }
        Ok(())
    }

    /// `if`, `then` and `else` mean something only together.
    fn condition(
        &mut self,
        node: &mut Node,
        fields: &Map<String, Value>,
        at: &Path<'_>,
    ) -> Result<()> {
        let mut part = |name| match fields.get(name) {
            Some(schema) => self
                .schema(schema, &at.field(name), Place::Deeper)
                .map(Some),
            None => Ok(None),
        };
        let (when, then, otherwise) = (part("if")?, part("then")?, part("else")?);
        if let Some(when) = when {
            logic(node).condition = Some(Condition {
                when,
                then,
                otherwise,
            });
        }
        Ok(())
    }

    fn schemas(&mut self, operand: &Value, at: &Path<'_>) -> Result<Vec<NodeId>> {
        let mut schemas = Vec::new();
        for (index, schema) in self.list(operand, at)?.iter().enumerate() {
            schemas.push(self.schema(schema, &at.item(index), Place::Deeper)?);
        }
        Ok(schemas)
    }

    fn some_schemas(&mut self, operand: &Value, at: &Path<'_>) -> Result<Vec<NodeId>> {
        let schemas = self.schemas(operand, at)?;
        if schemas.is_empty() {
            return Err(self.wrong(at, "a list of at least one schema", operand));
        }
        Ok(schemas)
    }
}

fn levels(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(levels).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(levels).max().unwrap_or(0),
        _ => 0,
    }
}

fn number(node: &mut Node) -> &mut NumberRules {
    node.number.get_or_insert_default()
}

fn string(node: &mut Node) -> &mut StringRules {
    node.string.get_or_insert_default()
}

pub(super) fn list(node: &mut Node) -> &mut ListRules {
    node.list.get_or_insert_default()
}

fn object(node: &mut Node) -> &mut ObjectRules {
    node.object.get_or_insert_default()
}

pub(super) fn logic(node: &mut Node) -> &mut Logic {
    node.logic.get_or_insert_default()
}
