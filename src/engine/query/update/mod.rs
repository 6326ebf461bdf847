//! Update operators, as MongoDB has them: `{"$inc":{"n":1},"$push":{"tags":"new"}}`. What they make of
//! a document depends on the document, so they are applied when a write is validated, to the row as it
//! is then.

mod condition;
mod date;
mod list;
mod parse;
mod path;
#[cfg(test)]
mod tests;

use serde_json::{Map, Number, Value};

use super::{number, order};
use crate::error::{Error, ErrorKind, Result};
use crate::host::UnixMillis;
use crate::text::inline;
use list::{End, Pull, Push};
use path::{Path, Place, described};

pub use condition::Condition;
pub use path::PADDING;

/// Paths that one update may name (our own rule: every one is looked up in the document).
pub const PATHS: usize = 1_000;

/// An update that makes sense by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Update {
    steps: Vec<Step>,
    /// The option that it came in.
    option: &'static str,
}

/// The time that `$currentDate` writes: one for everything in a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now(pub UnixMillis);

/// What an update did to a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    Changed,
    /// The document is as it was, to the last digit.
    Unchanged,
}

/// One operator at one path.
#[derive(Debug, Clone, PartialEq)]
struct Step {
    path: Path,
    action: Action,
}

#[derive(Debug, Clone, PartialEq)]
enum Action {
    Set(Value),
    Unset,
    Add(Number),
    Multiply(Number),
    Least(Value),
    Greatest(Value),
    Rename(Path),
    Push(Push),
    AddToSet(Vec<Value>),
    Pull(Pull),
    Pop(End),
    CurrentDate,
}

impl Update {
    /// Reads an update. Refused beside what makes no sense: two paths of which one lies in the other,
    /// positional paths, more than [`PATHS`] of them.
    ///
    /// # Errors
    /// Names the option, operator, path and value.
    pub fn parse(option: &'static str, update: &Map<String, Value>) -> Result<Update> {
        let steps = parse::steps(option, update)?;
        Ok(Update { steps, option })
    }

    /// Applies all of it, or refuses it and leaves the document as it is. Fields keep their place, and
    /// new ones come last, in the update's order.
    ///
    /// # Errors
    /// What the document does not allow; names the option, operator, path, and what stands there.
    pub fn apply(&self, document: &mut Map<String, Value>, now: &Now) -> Result<Applied> {
        let mut root = Value::Object(document.clone());
        let mut padding = PADDING;
        let mut is_changed = false;
        for step in &self.steps {
            is_changed |= step.apply(self.option, &mut root, now, &mut padding)?;
        }
        match root {
            Value::Object(fields) if is_changed => {
                *document = fields;
                Ok(Applied::Changed)
            }
            _ => Ok(Applied::Unchanged),
        }
    }
}

/// Whether a patch is an update: all names at its top begin with `$`. None does in a merge patch.
///
/// # Errors
/// Refuses a mixture.
pub fn is_update(option: &'static str, patch: &Map<String, Value>) -> Result<bool> {
    let operator = patch.keys().find(|name| name.starts_with('$'));
    let field = patch.keys().find(|name| !name.starts_with('$'));
    match (operator, field) {
        (Some(operator), Some(field)) => {
            let (operator, field) = (inline(operator), inline(field));
            let message = format!(
                "the patch has both the operator `{operator}` and the field `{field}` at its top."
            );
            Err(Error::invalid(option, message).hint(format!(
                "With operators, fields are set by `$set`: `{{\"$set\":{{\"{field}\":…}},\"{operator}\":…}}`."
            )))
        }
        (operator, _) => Ok(operator.is_some()),
    }
}

impl Step {
    fn paths(&self) -> impl Iterator<Item = &Path> {
        let to = match &self.action {
            Action::Rename(to) => Some(to),
            _ => None,
        };
        std::iter::once(&self.path).chain(to)
    }

    /// Whether it changed anything. After an error, `root` is good for nothing.
    fn apply(
        &self,
        option: &'static str,
        root: &mut Value,
        now: &Now,
        padding: &mut usize,
    ) -> Result<bool> {
        // These make nothing where there is nothing.
        match &self.action {
            Action::Unset => return Ok(self.path.take(root).is_some()),
            Action::Rename(to) => return self.rename(option, root, to),
            Action::Pull(_) | Action::Pop(_) => {
                let Ok(Some(value)) = self.path.find(root) else {
                    return Ok(false);
                };
                let items = self.items(option, value)?;
                return match &self.action {
                    Action::Pull(pull) => list::pull(items, pull),
                    Action::Pop(end) => Ok(list::pop(items, *end)),
                    _ => Ok(false),
                };
            }
            _ => {}
        }
        let reached = self.path.reach(root, padding);
        let Place { value, is_new } =
            reached.map_err(|why| self.path.blocked(option, self.action.name(), &why))?;
        let put = |value: &mut Value, new: Value| {
            let is_changed = is_new || !identical(value, &new);
            *value = new;
            is_changed
        };
        let is_better = |value: &Value, new: &Value, wanted: std::cmp::Ordering| {
            is_new || order::compare(new, value) == wanted
        };
        Ok(match &self.action {
            Action::Set(new) => put(value, new.clone()),
            Action::CurrentDate => put(value, Value::String(date::iso8601(now.0))),
            Action::Least(new) if is_better(value, new, std::cmp::Ordering::Less) => {
                put(value, new.clone())
            }
            Action::Greatest(new) if is_better(value, new, std::cmp::Ordering::Greater) => {
                put(value, new.clone())
            }
            Action::Add(by) if is_new => put(value, Value::Number(by.clone())),
            Action::Multiply(by) if is_new => put(value, Value::Number(number::zero(by))),
            Action::Add(by) => {
                let sum = self.calculate(option, value, by, number::add)?;
                put(value, sum)
            }
            Action::Multiply(by) => {
                let product = self.calculate(option, value, by, number::multiply)?;
                put(value, product)
            }
            Action::Push(push) => {
                if is_new {
                    *value = Value::Array(Vec::new());
                }
                list::push(self.items(option, value)?, push) || is_new
            }
            Action::AddToSet(values) => {
                if is_new {
                    *value = Value::Array(Vec::new());
                }
                list::add_to_set(self.items(option, value)?, values) || is_new
            }
            Action::Least(_)
            | Action::Greatest(_)
            | Action::Unset
            | Action::Rename(_)
            | Action::Pull(_)
            | Action::Pop(_) => false,
        })
    }

    fn rename(&self, option: &'static str, root: &mut Value, to: &Path) -> Result<bool> {
        let name = self.action.name();
        let has_source = match self.path.find(root) {
            Ok(source) => source.is_some(),
            Err(why) => return Err(self.path.blocked(option, name, &why)),
        };
        if !has_source {
            return Ok(false);
        }
        for path in [&self.path, to] {
            if path.crosses_list(root) {
                let path = path.as_str();
                let why = format!("in the row, `{}` lies in a list.", inline(path));
                let error = Error {
                    kind: ErrorKind::Conflict,
                    ..wrong(option, name, self.path.as_str(), &why)
                };
                return Err(error.hint(
                    "It reaches through objects only; `$set` and `$unset` reach into lists.",
                ));
            }
        }
        let Some(value) = self.path.take(root) else {
            return Ok(false);
        };
        to.check_levels(option, name, levels(&value))?;
        let place = to.reach(root, &mut 0);
        let place = place.map_err(|why| to.blocked(option, name, &why))?;
        *place.value = value;
        Ok(true)
    }

    /// The list that stands there.
    fn items<'a>(&self, option: &'static str, value: &'a mut Value) -> Result<&'a mut Vec<Value>> {
        match value {
            Value::Array(items) => Ok(items),
            other => Err(self
                .unfit(option, other, "it takes a list")
                .hint("`$set` can put a list there.")),
        }
    }

    fn calculate(
        &self,
        option: &'static str,
        value: &Value,
        by: &Number,
        calculate: fn(&Number, &Number) -> Option<Number>,
    ) -> Result<Value> {
        let Value::Number(before) = value else {
            return Err(self
                .unfit(option, value, "it takes a number")
                .hint("`$set` can put a number there."));
        };
        calculate(before, by).map(Value::Number).ok_or_else(|| {
            let why =
                format!("in the row is {before}, and with {by} the result would be out of range.");
            let error = Error {
                kind: ErrorKind::Conflict,
                ..wrong(option, self.action.name(), self.path.as_str(), &why)
            };
            error.hint(number::range())
        })
    }

    /// What stands in the document is nothing for this operator.
    fn unfit(&self, option: &'static str, found: &Value, takes: &str) -> Error {
        let why = format!("in the row is {}; {takes}.", described(found));
        Error {
            kind: ErrorKind::Conflict,
            ..wrong(option, self.action.name(), self.path.as_str(), &why)
        }
    }
}

impl Action {
    fn name(&self) -> &'static str {
        match self {
            Action::Set(_) => "$set",
            Action::Unset => "$unset",
            Action::Add(_) => "$inc",
            Action::Multiply(_) => "$mul",
            Action::Least(_) => "$min",
            Action::Greatest(_) => "$max",
            Action::Rename(_) => "$rename",
            Action::Push(_) => "$push",
            Action::AddToSet(_) => "$addToSet",
            Action::Pull(_) => "$pull",
            Action::Pop(_) => "$pop",
            Action::CurrentDate => "$currentDate",
        }
    }
}

/// An error of one operator at one path.
fn wrong(option: &'static str, operator: &str, path: &str, why: &str) -> Error {
    Error::invalid(option, format!("`{operator}` of `{}`: {why}", inline(path)))
}

/// Whether two values would be stored as the same text. Values that compare as equal may differ in how
/// a number is written, and objects that are equal to the library in the order of their fields.
fn identical(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| identical(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let mut pairs = a.iter().zip(b);
            a.len() == b.len() && pairs.all(|(a, b)| a.0 == b.0 && identical(a.1, b.1))
        }
        (Value::Number(a), Value::Number(b)) if a.is_f64() && b.is_f64() => {
            let bits = |number: &Number| number.as_f64().map(f64::to_bits);
            bits(a) == bits(b)
        }
        _ => a == b,
    }
}

/// How many levels a value nests; a string or number is none.
fn levels(value: &Value) -> usize {
    let inside = match value {
        Value::Array(items) => items.iter().map(levels).max(),
        Value::Object(fields) => fields.values().map(levels).max(),
        _ => return 0,
    };
    inside.unwrap_or(0) + 1
}
