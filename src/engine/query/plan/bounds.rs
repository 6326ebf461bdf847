//! Where in an index the rows stand that a filter may match: ranges of bytes.

use crate::engine::index::Definition;
use crate::engine::query::filter::{Comparison, Condition, Operand, Test};
use crate::engine::query::json::Kind;
use crate::engine::query::order;
use crate::engine::query::path::Path;

/// Ranges of an index at most: of a longer list of values, all rows are looked at.
pub const RANGES: usize = 1_000;
/// Greater than whatever follows a value in an index: the first byte of another value, or of a key.
const AFTER: u8 = 0xff;

/// Some of the values that a field can have, from `from` on and less than `to`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    pub from: Vec<u8>,
    pub to: Vec<u8>,
    /// It is one value: the bytes of `from`. Bounds alone do not tell it from those of a `$prefix`.
    pub is_point: bool,
}

/// A part of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// In order; none overlaps another.
    pub ranges: Vec<Range>,
    /// How many of the index's fields have one value only in all of it.
    pub fixed: usize,
    /// How many of the fields were of any use.
    pub used: usize,
}

impl Range {
    /// A value and nothing else.
    fn point(value: &[u8]) -> Range {
        Range {
            from: value.to_vec(),
            to: after(value),
            is_point: true,
        }
    }

    fn between(from: Vec<u8>, to: Vec<u8>) -> Range {
        let is_point = false;
        Range { from, to, is_point }
    }

    fn within(&self, prefix: &[u8]) -> Range {
        Range {
            from: [prefix, &self.from].concat(),
            to: [prefix, &self.to].concat(),
            is_point: self.is_point,
        }
    }

    fn has(&self, bytes: &[u8]) -> bool {
        self.from.as_slice() <= bytes && bytes < self.to.as_slice()
    }
}

/// The part of an index in which every row stands that the conditions may match; none where that is all of
/// it. `has_lists` says whether rows may have several values: then each condition may be met by another.
pub fn of_index(conditions: &[Condition], index: &Definition, has_lists: bool) -> Option<Bounds> {
    let mut prefixes: Vec<Vec<u8>> = vec![Vec::new()];
    let mut bounds = Bounds {
        ranges: Vec::new(),
        fixed: 0,
        used: 0,
    };
    let mut leaves_nothing_out = index.sparse;
    for path in index.paths() {
        let Some(ranges) = of_path(conditions, path, has_lists) else {
            break;
        };
        if ranges.len().saturating_mul(prefixes.len()) > RANGES {
            break;
        }
        bounds.used += 1;
        let missing = Range::point(&[order::tag(Kind::Null)]);
        let may_be_missing = ranges.iter().any(|range| range.has(&missing.from));
        leaves_nothing_out &= may_be_missing;
        let all = prefixes.iter();
        let all = all.flat_map(|prefix| ranges.iter().map(|range| range.within(prefix)));
        bounds.ranges = all.collect();
        if !ranges.iter().all(|range| range.is_point) {
            break;
        }
        prefixes = bounds
            .ranges
            .iter()
            .map(|range| range.from.clone())
            .collect();
        if prefixes.len() == 1 {
            bounds.fixed = bounds.used;
        }
    }
    // What a sparse index leaves out could match.
    (bounds.used > 0 && !leaves_nothing_out).then_some(bounds)
}

/// Single values of a path, one of which a row must have; none where it is more than that.
pub fn values_of<'a>(
    conditions: &'a [Condition],
    path: &Path,
) -> Option<Vec<&'a serde_json::Value>> {
    conditions.iter().find_map(|condition| match condition {
        Condition::All(conditions) => values_of(conditions, path),
        Condition::Field { path: of, test } if of == path => values_in(test),
        _ => None,
    })
}

fn values_in(test: &Test) -> Option<Vec<&serde_json::Value>> {
    match test {
        Test::Compare(Comparison::Equal, operand) => Some(vec![operand.value()]),
        Test::In(operands) => Some(operands.values().iter().collect()),
        Test::Every(tests) => tests.iter().find_map(values_in),
        _ => None,
    }
}

/// The ranges of values that a path must have one of, by all conditions together.
fn of_path(conditions: &[Condition], path: &Path, has_lists: bool) -> Option<Vec<Range>> {
    // Where there is a list, a number in a path may also be the name of a field of its items, which
    // indexes do not have.
    let is_number = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
    if path.names().any(is_number) {
        return None;
    }
    let mut best: Option<Vec<Range>> = None;
    let mut add = |ranges: Option<Vec<Range>>| {
        let Some(ranges) = ranges else { return };
        best = Some(match best.take() {
            None => ranges,
            Some(before) if has_lists => narrower(before, ranges),
            Some(before) => intersection(&before, &ranges),
        });
    };
    for condition in conditions {
        match condition {
            Condition::All(conditions) => add(of_path(conditions, path, has_lists)),
            Condition::Any(branches) => {
                let each = branches.iter();
                let each =
                    each.map(|branch| of_path(std::slice::from_ref(branch), path, has_lists));
                let each: Option<Vec<Vec<Range>>> = each.collect();
                add(each.map(|each| merged(each.concat())));
            }
            Condition::Field { path: of, test } if of == path => add(of_test(test, has_lists)),
            Condition::Field { .. } | Condition::None(_) | Condition::Text(_) => {}
        }
    }
    best
}

fn of_test(test: &Test, has_lists: bool) -> Option<Vec<Range>> {
    match test {
        Test::Compare(comparison, operand) => of_comparison(*comparison, operand),
        Test::In(operands) => {
            let mut values = operands.values().iter();
            // Of a list as a whole an index knows nothing.
            let has_list = values.any(serde_json::Value::is_array);
            let points = operands.bytes().map(Range::point);
            (!has_list).then(|| merged(points.collect()))
        }
        Test::Prefix(prefix) => {
            let mut from = Vec::new();
            order::encode_str(prefix, &mut from);
            from.pop();
            let to = after(&from);
            Some(vec![Range::between(from, to)])
        }
        Test::Every(tests) => {
            let ranges = tests.iter().filter_map(|test| of_test(test, has_lists));
            ranges.reduce(|a, b| match has_lists {
                true => narrower(a, b),
                false => intersection(&a, &b),
            })
        }
        _ => None,
    }
}

fn of_comparison(comparison: Comparison, operand: &Operand) -> Option<Vec<Range>> {
    let kind = operand.kind();
    if kind == Kind::Array {
        return None;
    }
    let value = operand.bytes();
    let least = vec![order::tag(kind)];
    let greatest = vec![order::tag(kind) + 1];
    let (from, to) = match comparison {
        Comparison::Equal => return Some(vec![Range::point(value)]),
        // Values of other kinds are neither less nor greater.
        Comparison::Greater => (after(value), greatest),
        Comparison::GreaterOrEqual => (value.to_vec(), greatest),
        Comparison::Less => (least, value.to_vec()),
        Comparison::LessOrEqual => (least, after(value)),
    };
    Some(if from < to {
        vec![Range::between(from, to)]
    } else {
        Vec::new()
    })
}

fn after(bytes: &[u8]) -> Vec<u8> {
    [bytes, &[AFTER]].concat()
}

/// Whichever of the two promises less.
fn narrower(a: Vec<Range>, b: Vec<Range>) -> Vec<Range> {
    let weight = |ranges: &[Range]| {
        let points = ranges.iter().filter(|range| range.is_point).count();
        // A range between two values is thought to hold as much as many points.
        (ranges.len() - points) * RANGES + points
    };
    if weight(&b) < weight(&a) { b } else { a }
}

/// Of two lists in order and without overlaps, what they have in common: in one pass, since each may have as
/// many as a query can name.
fn intersection(a: &[Range], b: &[Range]) -> Vec<Range> {
    let (mut left, mut right) = (a.iter().peekable(), b.iter().peekable());
    let mut both = Vec::new();
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let from = a.from.clone().max(b.from.clone());
        let to = a.to.clone().min(b.to.clone());
        let is_left_over = a.to <= b.to;
        if from < to {
            // What a point has in common with anything is the point, or nothing.
            let mut points = [*a, *b].into_iter().filter(|range| range.is_point);
            let is_point = points.any(|point| point.from == from && point.to == to);
            both.push(Range { from, to, is_point });
        }
        if is_left_over {
            left.next();
        } else {
            right.next();
        }
    }
    both
}

/// In order, and without overlaps.
fn merged(mut ranges: Vec<Range>) -> Vec<Range> {
    ranges.sort_unstable();
    let mut merged: Vec<Range> = Vec::new();
    for range in ranges {
        match merged.last_mut() {
            Some(last) if range.from <= last.to => {
                if (&range.from, &range.to) != (&last.from, &last.to) {
                    last.is_point = false;
                }
                if range.to > last.to {
                    last.to = range.to;
                }
            }
            _ => merged.push(range),
        }
    }
    merged
}
