//! The operators on lists. Each says whether it changed anything.

use std::cmp::Ordering;

use serde_json::Value;

use super::condition::Condition;
use super::identical;
use crate::engine::query::order::compare;
use crate::error::Result;

/// `$push`, with its modifiers in the order in which they act.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Push {
    pub each: Vec<Value>,
    /// Before the item of this index; counted from the end where it is negative.
    pub position: Option<i64>,
    pub sort: Option<Sort>,
    /// How many items stay: the first, or the last where it is negative.
    pub slice: Option<i64>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Sort {
    Whole(Direction),
    /// By fields of items that are objects, most significant first.
    ByFields(Vec<(Vec<String>, Direction)>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Ascending,
    Descending,
}

/// What `$pull` removes.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Pull {
    /// Items equal to it.
    Value(Value),
    Where(Condition),
}

/// Which end `$pop` takes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    First,
    Last,
}

pub(super) fn push(items: &mut Vec<Value>, push: &Push) -> bool {
    let may_restore = push.sort.is_some() || push.slice.is_some();
    let before = may_restore.then(|| items.clone());
    let at = match push.position {
        None => items.len(),
        Some(position) => place(position, items.len()),
    };
    // Never past the end, so nothing here can fail.
    let after = items.split_off(at.min(items.len()));
    items.extend(push.each.iter().cloned());
    items.extend(after);
    if let Some(sort) = &push.sort {
        items.sort_by(|a, b| sort.compare(a, b));
    }
    if let Some(slice) = push.slice {
        let end = place(slice, items.len());
        if slice < 0 {
            items.drain(..end.min(items.len()));
        } else {
            items.truncate(end);
        }
    }
    match before {
        None => !push.each.is_empty(),
        Some(before) => {
            let same = before.iter().zip(&*items).all(|(a, b)| identical(a, b));
            before.len() != items.len() || !same
        }
    }
}

/// Adds what is not there already, once.
pub(super) fn add_to_set(items: &mut Vec<Value>, values: &[Value]) -> bool {
    if let [value] = values {
        let is_new = !items.iter().any(|item| compare(item, value).is_eq());
        items.extend(is_new.then(|| value.clone()));
        return is_new;
    }
    // Sorted, so that many values in a long list do not take the product of both. Equal ones stay in
    // the order in which they came.
    let mut all: Vec<(&Value, Option<usize>)> = items.iter().map(|item| (item, None)).collect();
    all.extend(
        values
            .iter()
            .enumerate()
            .map(|(at, value)| (value, Some(at))),
    );
    all.sort_by(|(a, _), (b, _)| compare(a, b));
    let firsts = all.chunk_by(|(a, _), (b, _)| compare(a, b).is_eq());
    let mut new: Vec<usize> = firsts
        .filter_map(|equal| equal.first().and_then(|(_, at)| *at))
        .collect();
    new.sort_unstable();
    let added = new.iter().filter_map(|&at| values.get(at).cloned());
    items.extend(added);
    !new.is_empty()
}

/// # Errors
/// When finding the items costs more than it may.
pub(super) fn pull(items: &mut Vec<Value>, pull: &Pull) -> Result<bool> {
    let before = items.len();
    match pull {
        Pull::Value(value) => items.retain(|item| compare(item, value).is_ne()),
        Pull::Where(condition) => condition.remove_from(items)?,
    }
    Ok(items.len() != before)
}

pub(super) fn pop(items: &mut Vec<Value>, end: End) -> bool {
    match end {
        End::First if !items.is_empty() => {
            items.remove(0);
            true
        }
        End::First => false,
        End::Last => items.pop().is_some(),
    }
}

/// So many items from the start, or from the end where it is negative; within the list.
fn place(at: i64, length: usize) -> usize {
    let far = usize::try_from(at.unsigned_abs()).unwrap_or(usize::MAX);
    if at < 0 {
        length.saturating_sub(far)
    } else {
        far.min(length)
    }
}

impl Sort {
    fn compare(&self, a: &Value, b: &Value) -> Ordering {
        match self {
            Sort::Whole(direction) => direction.of(compare(a, b)),
            Sort::ByFields(fields) => {
                let orders = fields.iter().map(|(path, direction)| {
                    direction.of(compare(inside(a, path), inside(b, path)))
                });
                orders
                    .into_iter()
                    .find(|order| order.is_ne())
                    .unwrap_or(Ordering::Equal)
            }
        }
    }
}

impl Direction {
    fn of(self, order: Ordering) -> Ordering {
        match self {
            Direction::Ascending => order,
            Direction::Descending => order.reverse(),
        }
    }
}

/// The value at a path, where a list on the way counts as a whole; null where there is none.
fn inside<'a>(item: &'a Value, path: &[String]) -> &'a Value {
    let mut at = item;
    for (depth, name) in path.iter().enumerate() {
        at = match at {
            Value::Object(fields) => fields.get(name).unwrap_or(&Value::Null),
            Value::Array(_) if depth > 0 => return at,
            _ => return &Value::Null,
        };
    }
    at
}
