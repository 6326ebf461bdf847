//! `default`: what missing properties get.
//!
//! Filled in are properties of the row and of the objects and lists in it, as `properties`,
//! `items`, `prefixItems`, `allOf` and `$ref` lead to them. A default anywhere else, as in one of
//! several alternatives, would never be used, so it is refused.

use serde_json::{Map, Value};

use super::budget::{Budget, Exhausted, size};
use super::check::check;
use super::compile::Compiled;
use super::node::{Field, Node, NodeId};
use super::value::View;
use crate::error::{Error, Result};
use crate::limits::{DOCUMENT_DEPTH, ROW_BYTES};
use crate::text::inline;

/// How long a default may become by the defaults inside it.
const DEFAULT_BYTES: u64 = 64 * 1024;

/// Fills in what is missing in a row.
///
/// # Errors
/// When that takes too long or makes the row too large; then only a part is filled in.
pub(super) fn fill(nodes: &[Node], row: &mut Map<String, Value>) -> Result<(), Exhausted> {
    if !fills(nodes, NodeId::ROOT) {
        return Ok(());
    }
    let budget = Budget::measured(View::Object(row));
    Filler {
        nodes,
        budget,
        left: ROW_BYTES as u64,
        is_changed: false,
    }
    .fields(NodeId::ROOT, row, 0)
}

/// Makes the defaults ready: each one complete, and proven to fit its own schema.
///
/// # Errors
/// Names the default and what is wrong with it.
pub(super) fn prepare(option: &'static str, schema: &mut Compiled) -> Result<()> {
    let has_default = |node: &Node| node.default.is_some();
    if !schema.nodes.iter().any(has_default) {
        return Ok(());
    }
    let refused = |schema: &Compiled, id: NodeId, why: &str| {
        let place = schema.places.iter().find(|(_, other)| *other == id);
        let place = place.map_or("", |(place, _)| place);
        let message = format!("the `default` at `{}` {why}", inline(&format!("#{place}")));
        Error::invalid(option, message)
    };
    let used = used(&schema.nodes);
    let with_default = (0..schema.nodes.len()).map(NodeId).filter(|id| {
        let node = schema.nodes.get(id.0);
        node.is_some_and(has_default)
    });
    let with_default: Vec<NodeId> = with_default.collect();
    for id in &with_default {
        if !used.contains(id) {
            let error = refused(schema, *id, "would never be filled in.");
            return Err(error.hint("Defaults work in properties of the row and of objects inside it, not in alternatives such as `anyOf`."));
        }
    }
    mark(&mut schema.nodes);
    complete(&mut schema.nodes, &with_default)
        .map_err(|id| refused(schema, id, "never ends: it leads to itself."))?;
    for id in with_default {
        let default = schema
            .nodes
            .get(id.0)
            .and_then(|node| node.default.as_ref());
        let Some(default) = default else { continue };
        if let Err(found) = check(&schema.nodes, id, default.into(), "the default") {
            let first = found.into_iter().next();
            let first = first.map(|violation| violation.message).unwrap_or_default();
            let why = format!("does not fit its own schema: {first}.");
            return Err(refused(schema, id, &why));
        }
    }
    Ok(())
}

/// Fills in the defaults themselves, until nothing is missing in any of them.
fn complete(nodes: &mut [Node], with_default: &[NodeId]) -> Result<(), NodeId> {
    loop {
        let mut is_changed = false;
        for id in with_default {
            let default = nodes.get(id.0).and_then(|node| node.default.clone());
            let Some(mut default) = default else { continue };
            let mut filler = Filler {
                nodes,
                budget: Budget::measured((&default).into()),
                left: DEFAULT_BYTES,
                is_changed: false,
            };
            filler
                .value(*id, &mut default, 0)
                .map_err(|Exhausted| *id)?;
            if !filler.is_changed {
                continue;
            }
            is_changed = true;
            if size((&default).into()) > DEFAULT_BYTES {
                return Err(*id);
            }
            if let Some(node) = nodes.get_mut(id.0) {
                node.default = Some(default);
            }
        }
        if !is_changed {
            return Ok(());
        }
    }
}

/// The subschemas whose default some row may get.
fn used(nodes: &[Node]) -> Vec<NodeId> {
    let mut used = Vec::new();
    let mut is_seen = vec![false; nodes.len()];
    let mut open = vec![NodeId::ROOT];
    while let Some(id) = open.pop() {
        match is_seen.get_mut(id.0) {
            Some(seen) if !*seen => *seen = true,
            _ => continue,
        }
        let Some(node) = nodes.get(id.0) else {
            continue;
        };
        for property in properties(node) {
            let mut property = Some(property);
            while let Some(id) = property {
                used.push(id);
                property = reference(nodes, id);
            }
        }
        open.extend(inner(node));
    }
    used
}

/// Notes in which subschemas there is anything to fill in.
fn mark(nodes: &mut [Node]) {
    loop {
        let mut is_changed = false;
        for id in 0..nodes.len() {
            let Some(node) = nodes.get(id).filter(|node| !node.fills) else {
                continue;
            };
            let fills = properties(node).any(|property| default(nodes, property).is_some())
                || inner(node).into_iter().any(|inner| fills(nodes, inner));
            if let Some(node) = nodes.get_mut(id).filter(|_| fills) {
                node.fills = true;
                is_changed = true;
            }
        }
        if !is_changed {
            return;
        }
    }
}

fn fills(nodes: &[Node], id: NodeId) -> bool {
    nodes.get(id.0).is_some_and(|node| node.fills)
}

fn properties(node: &Node) -> impl Iterator<Item = NodeId> {
    let fields = node.object.iter().flat_map(|object| &object.fields);
    fields.filter_map(|field| field.node)
}

/// Where filling in goes on from a subschema.
fn inner(node: &Node) -> Vec<NodeId> {
    let mut inner: Vec<NodeId> = properties(node).collect();
    if let Some(list) = &node.list {
        inner.extend(list.first.iter().chain(&list.items));
    }
    inner.extend(beside(node));
    inner
}

/// What else applies to the same value.
fn beside(node: &Node) -> impl Iterator<Item = NodeId> {
    let logic = node.logic.iter();
    logic.flat_map(|logic| logic.reference.iter().chain(&logic.all).copied())
}

fn reference(nodes: &[Node], id: NodeId) -> Option<NodeId> {
    nodes.get(id.0)?.logic.as_ref()?.reference
}

/// A property's own default, or that of what it refers to.
fn default(nodes: &[Node], property: NodeId) -> Option<&Value> {
    let mut next = Some(property);
    while let Some(id) = next {
        let node = nodes.get(id.0)?;
        if node.default.is_some() {
            return node.default.as_ref();
        }
        next = reference(nodes, id);
    }
    None
}

struct Filler<'a> {
    nodes: &'a [Node],
    budget: Budget<'static>,
    /// How many bytes may still be added.
    left: u64,
    is_changed: bool,
}

impl<'a> Filler<'a> {
    fn value(&mut self, id: NodeId, value: &mut Value, depth: usize) -> Result<(), Exhausted> {
        match value {
            Value::Object(fields) => self.fields(id, fields, depth),
            Value::Array(items) => self.items(id, items, depth),
            _ => Ok(()),
        }
    }

    /// The subschema, when there is anything to fill in.
    fn node(&mut self, id: NodeId, depth: usize) -> Result<Option<&'a Node>, Exhausted> {
        self.budget.spend(1)?;
        if depth > DOCUMENT_DEPTH {
            return Err(Exhausted);
        }
        let nodes: &'a [Node] = self.nodes;
        Ok(nodes.get(id.0).filter(|node| node.fills))
    }

    fn items(&mut self, id: NodeId, items: &mut [Value], depth: usize) -> Result<(), Exhausted> {
        let Some(node) = self.node(id, depth)? else {
            return Ok(());
        };
        if let Some(list) = &node.list {
            let schemas = list.first.iter().chain(list.items.iter().cycle());
            for (item, schema) in items.iter_mut().zip(schemas) {
                self.value(*schema, item, depth + 1)?;
            }
        }
        for schema in beside(node) {
            self.items(schema, items, depth)?;
        }
        Ok(())
    }

    fn fields(
        &mut self,
        id: NodeId,
        fields: &mut Map<String, Value>,
        depth: usize,
    ) -> Result<(), Exhausted> {
        let Some(node) = self.node(id, depth)? else {
            return Ok(());
        };
        let known = node.object.iter().flat_map(|object| &object.fields);
        let mut missing: Vec<(NodeId, &Field, &Value)> = Vec::new();
        for field in known {
            let Some(schema) = field.node else { continue };
            self.budget.spend(1)?;
            match fields.get_mut(&*field.name) {
                Some(value) => self.value(schema, value, depth + 1)?,
                None => {
                    let default = default(self.nodes, schema);
                    missing.extend(default.map(|default| (schema, field, default)));
                }
            }
        }
        // In the order of the schema, which is that of their numbers.
        missing.sort_unstable_by_key(|(schema, ..)| schema.0);
        for (_, field, default) in missing {
            let added = field.name.len() as u64 + 4 + size(default.into());
            self.left = self.left.checked_sub(added).ok_or(Exhausted)?;
            self.is_changed = true;
            fields.insert((*field.name).to_owned(), default.clone());
        }
        for schema in beside(node) {
            self.fields(schema, fields, depth)?;
        }
        Ok(())
    }
}
