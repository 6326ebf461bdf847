//! A schema as it is checked: nodes that name each other by number, so that a schema may refer to
//! itself.

use serde_json::{Number, Value};

use super::format::Format;
use super::pattern::Pattern;
use super::value::Kinds;

/// A subschema, by its place in the list of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NodeId(pub(super) usize);

impl NodeId {
    pub(super) const ROOT: NodeId = NodeId(0);
}

/// One subschema.
pub(super) struct Node {
    /// Everything else is refused.
    pub(super) kinds: Kinds,
    pub(super) values: Option<Vec<Value>>,
    pub(super) constant: Option<Value>,
    pub(super) number: Option<Box<NumberRules>>,
    pub(super) string: Option<Box<StringRules>>,
    pub(super) list: Option<Box<ListRules>>,
    pub(super) object: Option<Box<ObjectRules>>,
    pub(super) logic: Option<Box<Logic>>,
    /// What a property without a value gets, its own missing properties filled in.
    pub(super) default: Option<Value>,
    /// Whether filling in a value of this schema may find something to fill in.
    pub(super) fills: bool,
}

impl Node {
    pub(super) fn any() -> Node {
        Node {
            kinds: Kinds::ANY,
            values: None,
            constant: None,
            number: None,
            string: None,
            list: None,
            object: None,
            logic: None,
            default: None,
            fills: false,
        }
    }

    /// What `false` means.
    pub(super) fn never() -> Node {
        Node {
            kinds: Kinds::NONE,
            ..Node::any()
        }
    }

    pub(super) fn is_never(&self) -> bool {
        self.kinds == Kinds::NONE
    }

    /// The subschemas that are checked on the very same value, so that going round them never ends.
    pub(super) fn in_place(&self) -> Vec<NodeId> {
        let mut found = Vec::new();
        if let Some(logic) = &self.logic {
            let lists = [&logic.all, &logic.any, &logic.one];
            found.extend(lists.into_iter().flatten().copied());
            found.extend(logic.reference.into_iter().chain(logic.not));
            if let Some(condition) = &logic.condition {
                found.push(condition.when);
                found.extend(condition.then.into_iter().chain(condition.otherwise));
            }
        }
        if let Some(object) = &self.object {
            found.extend(object.dependent_schemas.iter().map(|(_, id)| *id));
        }
        found
    }
}

#[derive(Default)]
pub(super) struct NumberRules {
    pub(super) multiple_of: Option<Number>,
    pub(super) minimum: Option<Number>,
    pub(super) maximum: Option<Number>,
    pub(super) exclusive_minimum: Option<Number>,
    pub(super) exclusive_maximum: Option<Number>,
}

#[derive(Default)]
pub(super) struct StringRules {
    /// In code points.
    pub(super) min: Option<u64>,
    pub(super) max: Option<u64>,
    pub(super) pattern: Option<Pattern>,
    pub(super) format: Option<Format>,
}

#[derive(Default)]
pub(super) struct ListRules {
    pub(super) first: Vec<NodeId>,
    pub(super) items: Option<NodeId>,
    pub(super) contains: Option<NodeId>,
    pub(super) min_contains: Option<u64>,
    pub(super) max_contains: Option<u64>,
    pub(super) min: Option<u64>,
    pub(super) max: Option<u64>,
    pub(super) unique: bool,
}

#[derive(Default)]
pub(super) struct ObjectRules {
    /// Those that have a schema or are required, sorted by name.
    pub(super) fields: Vec<Field>,
    /// How many of them are required.
    pub(super) required: usize,
    pub(super) patterns: Vec<(Pattern, NodeId)>,
    pub(super) additional: Option<NodeId>,
    pub(super) names: Option<NodeId>,
    pub(super) min: Option<u64>,
    pub(super) max: Option<u64>,
    pub(super) dependent_required: Vec<(Box<str>, Vec<Box<str>>)>,
    pub(super) dependent_schemas: Vec<(Box<str>, NodeId)>,
}

impl ObjectRules {
    pub(super) fn field(&self, name: &str) -> Option<&Field> {
        let at = self
            .fields
            .binary_search_by(|field| (*field.name).cmp(name));
        at.ok().and_then(|at| self.fields.get(at))
    }

    /// The same for changing it, made where there is none.
    pub(super) fn field_mut(&mut self, name: &str) -> Option<&mut Field> {
        let at = match self
            .fields
            .binary_search_by(|field| (*field.name).cmp(name))
        {
            Ok(at) => at,
            Err(at) => {
                let field = Field {
                    name: name.into(),
                    node: None,
                    required: false,
                };
                self.fields.insert(at, field);
                at
            }
        };
        self.fields.get_mut(at)
    }
}

pub(super) struct Field {
    pub(super) name: Box<str>,
    pub(super) node: Option<NodeId>,
    pub(super) required: bool,
}

#[derive(Default)]
pub(super) struct Logic {
    pub(super) reference: Option<NodeId>,
    pub(super) all: Vec<NodeId>,
    pub(super) any: Vec<NodeId>,
    pub(super) one: Vec<NodeId>,
    pub(super) not: Option<NodeId>,
    pub(super) condition: Option<Condition>,
}

pub(super) struct Condition {
    pub(super) when: NodeId,
    pub(super) then: Option<NodeId>,
    pub(super) otherwise: Option<NodeId>,
}
