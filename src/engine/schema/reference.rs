//! `ref`: properties whose value is the key of a row of some table.

use serde_json::{Map, Value};

use super::compile::{Compiler, Place, list};
use super::node::Node;
use super::number::Num;
use super::path::Path;
use super::value::Kinds;
use crate::engine::names::check_name;
use crate::engine::query::Json;
use crate::error::Result;
use crate::text::did_you_mean;

/// A property that names rows of another table, or of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// A property of the row, not a path.
    pub field: String,
    /// The table whose keys it has.
    pub table: String,
    pub on_delete: OnDelete,
    /// Whether the property is a list of keys.
    pub is_list: bool,
}

/// What happens to a row when one that it names is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDelete {
    /// The deletion is refused.
    Restrict,
    /// It is deleted as well.
    Cascade,
    /// Its property becomes `null`; of a list, the key is taken out.
    SetNull,
}

const ON_DELETE: &[(&str, OnDelete)] = &[
    ("restrict", OnDelete::Restrict),
    ("cascade", OnDelete::Cascade),
    ("set_null", OnDelete::SetNull),
];

impl OnDelete {
    /// As a schema has it.
    pub fn as_str(self) -> &'static str {
        let found = ON_DELETE.iter().find(|(_, known)| *known == self);
        found.map_or("restrict", |(name, _)| name)
    }
}

impl Reference {
    /// The keys that a row names, in the row's order: none where the property is missing or `null`.
    pub fn keys(&self, row: &Map<String, Value>) -> Vec<String> {
        row.get(&self.field)
            .map_or_else(Vec::new, |value| self.keys_in(value))
    }

    /// The same of a row's text.
    pub fn keys_of(&self, row: Json<'_>) -> Vec<String> {
        let value = row.get(&self.field);
        value.map_or_else(Vec::new, |value| self.keys_in(&value.to_value()))
    }

    /// An item of a list as the key of a row.
    pub fn item_key(&self, item: &Value) -> Option<String> {
        key(item)
    }

    fn keys_in(&self, value: &Value) -> Vec<String> {
        match Some(value) {
            Some(Value::Array(items)) if self.is_list => items.iter().filter_map(key).collect(),
            Some(value) if !self.is_list => key(value).into_iter().collect(),
            _ => Vec::new(),
        }
    }
}

/// Gives the tables that a schema's references name other names, where there is one.
pub fn rename_tables(schema: &mut Map<String, Value>, name_now: &dyn Fn(&str) -> Option<String>) {
    let rename = |property: &mut Value| {
        if let Some(Value::String(table)) = property.get_mut("ref")
            && let Some(now) = name_now(table)
        {
            *table = now;
        }
    };
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for (_, property) in properties.into_iter().flatten() {
        rename(property);
        if let Some(items) = property.get_mut("items") {
            rename(items);
        }
    }
}

/// A value as the key of a row: 12 and 12.0 name the row `12`.
fn key(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => match Num::of(number) {
            Num::Negative(whole) => Some(whole.to_string()),
            Num::Natural(whole) => Some(whole.to_string()),
            Num::Float(_) => None,
        },
        _ => None,
    }
}

impl Compiler {
    /// Carries out `ref` and `on_delete`.
    pub(super) fn reference(
        &mut self,
        node: &mut Node,
        fields: &Map<String, Value>,
        at: &Path<'_>,
        place: Place<'_>,
    ) -> Result<()> {
        let on_delete = self.on_delete(fields, at)?;
        let Some(table) = fields.get("ref") else {
            return Ok(());
        };
        let here = at.field("ref");
        let table = self.text(table, &here)?;
        check_name(self.option, table).map_err(|mut error| {
            error.message = format!("at {}: {}", here.subject(""), error.message);
            error
        })?;
        let is_declared = fields.contains_key("type");
        let (field, is_list) = match place {
            Place::Property(field) => (field, is_declared && node.kinds == Kinds::LIST),
            Place::Items(field) => (field, true),
            Place::Root | Place::Deeper => {
                let message = "`ref` can only stand in a property of the row itself, or in the `items` of one that is a list.";
                return Err(self.error(at, message));
            }
        };
        if place == Place::Property(field) && is_list {
            if fields.contains_key("items") {
                let message = "in a list with `items`, `ref` stands in these.";
                return Err(self.error(at, message));
            }
            let keys = Node {
                kinds: Kinds::KEY,
                ..Node::any()
            };
            list(node).items = Some(self.push(keys)?);
        } else {
            // With `set_null` there will be a null, unless it is taken out of a list.
            let may_be_null = on_delete == OnDelete::SetNull && !is_list;
            let is_nullable = may_be_null || is_declared || !is_list;
            let keys = match is_nullable {
                true => Kinds::KEY.or(Kinds::NULL),
                false => Kinds::KEY,
            };
            if !(may_be_null || is_declared || is_list) {
                self.implied_null.push(field.to_owned());
            }
            if is_declared && !keys.have(node.kinds) {
                let message = format!(
                    "a key is {}, and `type` allows more than that.",
                    Kinds::KEY.shown()
                );
                return Err(self.error(at, &message));
            }
            node.kinds = node.kinds.and(keys);
            if may_be_null && !node.kinds.have(Kinds::NULL) {
                let message = "`set_null` needs a property that may be null.";
                let hint = "Leave `type` out, or add `\"null\"` to it.";
                return Err(self.error(at, message).hint(hint));
            }
        }
        self.references.push(Reference {
            field: field.to_owned(),
            table: table.to_owned(),
            on_delete,
            is_list,
        });
        Ok(())
    }

    /// A row that must name another does not do so by null.
    pub(super) fn forbid_null_where_required(&mut self) {
        for name in std::mem::take(&mut self.implied_null) {
            let root = self.nodes.first().and_then(|root| root.object.as_ref());
            let field = root.and_then(|root| root.field(&name));
            let required = field.filter(|field| field.required);
            let node = required.and_then(|field| field.node);
            if let Some(node) = node.and_then(|id| self.nodes.get_mut(id.0)) {
                node.kinds = node.kinds.and(Kinds::KEY);
            }
        }
    }

    fn on_delete(&self, fields: &Map<String, Value>, at: &Path<'_>) -> Result<OnDelete> {
        let Some(operand) = fields.get("on_delete") else {
            return Ok(OnDelete::Restrict);
        };
        let here = at.field("on_delete");
        if !fields.contains_key("ref") {
            let message = "`on_delete` means something only beside `ref`.";
            return Err(self.error(at, message));
        }
        let name = operand.as_str().unwrap_or_default();
        let found = ON_DELETE.iter().find(|(known, _)| *known == name);
        found.map(|(_, on_delete)| *on_delete).ok_or_else(|| {
            let error = self.wrong(&here, "`restrict`, `cascade` or `set_null`", operand);
            let known: Vec<&str> = ON_DELETE.iter().map(|(name, _)| *name).collect();
            match did_you_mean(name, &known) {
                Some(near) => error.hint(near),
                None => error,
            }
        })
    }
}
