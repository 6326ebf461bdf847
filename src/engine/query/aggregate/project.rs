//! `$project`: which fields a row keeps, and which are computed.

use super::Trouble;
use super::expression::{Expression, Name, Parts, append, check_levels};
use super::run::Row;
use crate::engine::query::Select;
use crate::engine::query::json::{Json, Kind, LEVELS};

#[derive(Debug, Clone)]
pub(super) enum Projection {
    /// Everything but some fields.
    Without(Select),
    /// Some fields only.
    With(Vec<Node>),
}

/// What becomes of a field.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub name: Name,
    pub part: Part,
}

#[derive(Debug, Clone)]
pub(super) enum Part {
    Keep,
    Compute(Expression),
    /// Fields in it. `computes` says whether some of these are computed, at any depth.
    Inner {
        nodes: Vec<Node>,
        computes: bool,
    },
}

impl Projection {
    pub fn apply<'a>(&self, row: &str) -> Result<Row<'a>, Trouble> {
        let mut out = String::new();
        let row = Json::new(row);
        match self {
            Projection::Without(select) => select.apply(row, &mut out),
            Projection::With(nodes) => {
                object(nodes, Some(row), row, LEVELS, &mut out)?;
                check_levels(&out)?;
            }
        }
        Ok(Row::Owned(out))
    }
}

/// Adds a field, unless it overlaps with one that is there.
pub(super) fn insert(nodes: &mut Vec<Node>, names: &[&str], part: Part) -> bool {
    let Some((name, rest)) = names.split_first() else {
        return false;
    };
    let is_computed = matches!(part, Part::Compute(_));
    let known = nodes.iter_mut().find(|node| *node.name.plain == **name);
    match known.map(|node| &mut node.part) {
        Some(Part::Inner { nodes, computes }) => {
            *computes |= is_computed;
            insert(nodes, rest, part)
        }
        Some(Part::Keep | Part::Compute(_)) => false,
        None => {
            let part = if rest.is_empty() {
                part
            } else {
                let mut inner = Vec::new();
                insert(&mut inner, rest, part);
                Part::Inner {
                    nodes: inner,
                    computes: is_computed,
                }
            };
            let name = Name::new(name);
            nodes.push(Node { name, part });
            true
        }
    }
}

/// Appends an object's fields that are kept, in its order, then those that are computed and were not there.
fn object(
    nodes: &[Node],
    object: Option<Json<'_>>,
    row: Json<'_>,
    levels: usize,
    out: &mut String,
) -> Result<bool, Trouble> {
    let mut parts = Parts::open('{', out);
    for (name, value) in object.into_iter().flat_map(Json::fields) {
        let Some(node) = nodes.iter().find(|node| name.eq_str(&node.name.plain)) else {
            continue;
        };
        match &node.part {
            Part::Compute(_) => {}
            Part::Keep => parts.field(&node.name.written, out, &mut |out| {
                append(value.text(), out).map(|()| true)
            })?,
            Part::Inner { nodes, computes } => {
                parts.field(&node.name.written, out, &mut |out| {
                    inner(nodes, *computes, value, row, levels, out)
                })?
            }
        }
    }
    for node in nodes {
        match &node.part {
            Part::Compute(expression) => {
                parts.field(&node.name.written, out, &mut |out| {
                    expression.write(row, out)
                })?;
            }
            Part::Inner { nodes, computes } => {
                let is_there = object.is_some_and(|object| object.get(&node.name.plain).is_some());
                if *computes && !is_there {
                    parts.field(&node.name.written, out, &mut |out| {
                        self::object(nodes, None, row, levels, out)
                    })?;
                }
            }
            Part::Keep => {}
        }
    }
    append("}", out)?;
    Ok(true)
}

/// The same of a value in a field: lists are entered. What has no fields goes, or gives way to an object where
/// there is something to compute.
fn inner(
    nodes: &[Node],
    computes: bool,
    value: Json<'_>,
    row: Json<'_>,
    levels: usize,
    out: &mut String,
) -> Result<bool, Trouble> {
    let levels = levels.checked_sub(1).ok_or(Trouble::Deep)?;
    match value.kind() {
        Kind::Object => object(nodes, Some(value), row, levels, out),
        Kind::Array => {
            let mut parts = Parts::open('[', out);
            for item in value.items() {
                parts.field("", out, &mut |out| {
                    inner(nodes, computes, item, row, levels, out)
                })?;
            }
            append("]", out)?;
            Ok(true)
        }
        _ if computes => object(nodes, None, row, levels, out),
        _ => Ok(false),
    }
}
