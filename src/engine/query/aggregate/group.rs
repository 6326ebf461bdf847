//! `$group`: one row for all that have the same key.

use std::borrow::Cow;

use super::expression::{Expression, Name, Parts, append, check_levels};
use super::numbered::Numbered;
use super::run::Memory;
use super::{GROUPS, Trouble};
use crate::engine::query::json::Json;
use crate::engine::query::number::Sum;
use crate::engine::query::order;

/// What a group, and an accumulator in it, take beside their texts.
const GROUP_OVERHEAD: usize = 64;
const STATE_OVERHEAD: usize = 64;

#[derive(Debug, Clone)]
pub(super) struct Group {
    pub key: Expression,
    pub fields: Vec<Field>,
}

#[derive(Debug, Clone)]
pub(super) struct Field {
    pub name: Name,
    pub accumulator: Accumulator,
    pub of: Expression,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accumulator {
    Sum,
    Avg,
    Min,
    Max,
    Count,
    Push,
    AddToSet,
    First,
    Last,
}

impl Accumulator {
    pub const ALL: &[Accumulator] = &[
        Accumulator::Sum,
        Accumulator::Avg,
        Accumulator::Min,
        Accumulator::Max,
        Accumulator::Count,
        Accumulator::Push,
        Accumulator::AddToSet,
        Accumulator::First,
        Accumulator::Last,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Accumulator::Sum => "$sum",
            Accumulator::Avg => "$avg",
            Accumulator::Min => "$min",
            Accumulator::Max => "$max",
            Accumulator::Count => "$count",
            Accumulator::Push => "$push",
            Accumulator::AddToSet => "$addToSet",
            Accumulator::First => "$first",
            Accumulator::Last => "$last",
        }
    }
}

/// The groups so far.
pub(super) struct Groups<'a> {
    spec: &'a Group,
    keys: Numbered,
    groups: Vec<Open>,
    scratch: Vec<u8>,
}

/// A group that may still get rows.
struct Open {
    /// As the first row of the group has it.
    key: Box<str>,
    states: Vec<State>,
}

/// What an accumulator knows so far.
enum State {
    Sum(Sum),
    Count(u64),
    /// The value, and its bytes in the order of all values.
    Extreme(Option<(String, Vec<u8>)>),
    /// Values with commas between them.
    Values(String),
    /// Each value once, as the first row has it.
    Set(Numbered, Vec<Box<str>>),
    One(Option<String>),
}

impl<'a> Groups<'a> {
    pub fn new(spec: &'a Group) -> Groups<'a> {
        Groups {
            spec,
            keys: Numbered::default(),
            groups: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Takes a row into its group.
    pub fn take(&mut self, row: &str, memory: &Memory) -> Result<(), Trouble> {
        let row = Json::new(row);
        let key = self
            .spec
            .key
            .evaluate(row)?
            .unwrap_or(Cow::Borrowed("null"));
        let (number, is_new) = self.keys.number(Some(Json::new(&key)), memory)?;
        if is_new {
            if number == GROUPS {
                return Err(Trouble::Groups);
            }
            memory.hold(GROUP_OVERHEAD + key.len() + STATE_OVERHEAD * self.spec.fields.len())?;
            self.groups.push(Open {
                key: key.into(),
                states: self.spec.fields.iter().map(State::of).collect(),
            });
        }
        let states = self.groups.get_mut(number).map(|group| &mut group.states);
        for (field, state) in self.spec.fields.iter().zip(states.into_iter().flatten()) {
            state.take(field, row, memory, &mut self.scratch)?;
        }
        Ok(())
    }

    /// The groups' rows, in the order of their keys.
    pub fn into_rows(self, memory: &Memory) -> GroupRows<'a> {
        memory.release(self.keys.held());
        GroupRows {
            spec: self.spec,
            order: self.keys.in_order().collect::<Vec<_>>().into_iter(),
            groups: self.groups.into_iter().map(Some).collect(),
        }
    }
}

/// See [`Groups::into_rows`].
pub(super) struct GroupRows<'a> {
    spec: &'a Group,
    order: std::vec::IntoIter<usize>,
    groups: Vec<Option<Open>>,
}

impl GroupRows<'_> {
    /// The next row. What was held for its group is let go.
    pub fn next(&mut self, memory: &Memory) -> Option<Result<String, Trouble>> {
        let number = self.order.next()?;
        let group = self.groups.get_mut(number)?.take()?;
        Some(self.spec.row(&group, memory))
    }
}

impl Group {
    fn row(&self, group: &Open, memory: &Memory) -> Result<String, Trouble> {
        let mut out = String::new();
        let mut parts = Parts::open('{', &mut out);
        parts.field("\"_id\":", &mut out, &mut |out| {
            append(&group.key, out).map(|()| true)
        })?;
        memory.release(GROUP_OVERHEAD + group.key.len());
        for (field, state) in self.fields.iter().zip(&group.states) {
            parts.field(&field.name.written, &mut out, &mut |out| {
                state.write(field, out).map(|()| true)
            })?;
            memory.release(STATE_OVERHEAD + state.held());
        }
        append("}", &mut out)?;
        check_levels(&out)?;
        Ok(out)
    }
}

impl State {
    fn of(field: &Field) -> State {
        match field.accumulator {
            Accumulator::Sum | Accumulator::Avg => State::Sum(Sum::default()),
            Accumulator::Count => State::Count(0),
            Accumulator::Min | Accumulator::Max => State::Extreme(None),
            Accumulator::Push => State::Values(String::new()),
            Accumulator::AddToSet => State::Set(Numbered::default(), Vec::new()),
            Accumulator::First | Accumulator::Last => State::One(None),
        }
    }

    fn take(
        &mut self,
        field: &Field,
        row: Json<'_>,
        memory: &Memory,
        scratch: &mut Vec<u8>,
    ) -> Result<(), Trouble> {
        if let State::Count(rows) = self {
            *rows += 1;
            return Ok(());
        }
        let is_first = field.accumulator == Accumulator::First;
        if is_first && matches!(self, State::One(Some(_))) {
            return Ok(());
        }
        let value = field.of.evaluate(row)?;
        match (self, value) {
            // In the first or last row, what is missing counts as null.
            (State::One(kept), value) => {
                let value = value.unwrap_or(Cow::Borrowed("null"));
                memory.release(kept.as_ref().map_or(0, String::len));
                memory.hold(value.len())?;
                *kept = Some(value.into_owned());
            }
            (_, None) | (State::Count(_), _) => {}
            (State::Sum(sum), Some(value)) => {
                if let Some(number) = Json::new(&value).as_number() {
                    sum.add(number);
                }
            }
            (State::Extreme(kept), Some(value)) => {
                if &*value == "null" {
                    return Ok(());
                }
                scratch.clear();
                order::encode(Json::new(&value), scratch);
                let is_better = kept.as_ref().is_none_or(|(_, bytes)| {
                    let order = scratch.as_slice().cmp(bytes);
                    match field.accumulator {
                        Accumulator::Min => order.is_lt(),
                        _ => order.is_gt(),
                    }
                });
                if is_better {
                    let before = kept.take();
                    memory.release(before.map_or(0, |(text, bytes)| text.len() + bytes.len()));
                    memory.hold(value.len() + scratch.len())?;
                    *kept = Some((value.into_owned(), scratch.clone()));
                }
            }
            (State::Values(values), Some(value)) => {
                memory.hold(value.len() + 1)?;
                if !values.is_empty() {
                    values.push(',');
                }
                append(&value, values)?;
            }
            (State::Set(numbers, values), Some(value)) => {
                if numbers.number(Some(Json::new(&value)), memory)?.1 {
                    memory.hold(value.len() + size_of::<Box<str>>())?;
                    values.push(value.into());
                }
            }
        }
        Ok(())
    }

    fn write(&self, field: &Field, out: &mut String) -> Result<(), Trouble> {
        let range = || Trouble::Range(field.accumulator.name(), field.name.plain.clone());
        match self {
            State::Sum(sum) if field.accumulator == Accumulator::Sum => {
                append(&sum.total().ok_or_else(range)?.to_string(), out)
            }
            State::Sum(sum) => match sum.average().ok_or_else(range)? {
                Some(average) => append(&average.to_string(), out),
                None => append("null", out),
            },
            State::Count(rows) => append(&rows.to_string(), out),
            State::Extreme(kept) => append(kept.as_ref().map_or("null", |(text, _)| text), out),
            State::One(kept) => append(kept.as_deref().unwrap_or("null"), out),
            State::Values(values) => {
                append("[", out)?;
                append(values, out)?;
                append("]", out)
            }
            State::Set(numbers, values) => {
                let mut parts = Parts::open('[', out);
                for value in numbers.in_order().filter_map(|number| values.get(number)) {
                    parts.field("", out, &mut |out| append(value, out).map(|()| true))?;
                }
                append("]", out)
            }
        }
    }

    /// What was held for it beside its fixed part.
    fn held(&self) -> usize {
        match self {
            State::Sum(_) | State::Count(_) => 0,
            State::Extreme(kept) => kept
                .as_ref()
                .map_or(0, |(text, bytes)| text.len() + bytes.len()),
            State::One(kept) => kept.as_ref().map_or(0, String::len),
            // A comma for each value was held as well.
            State::Values(values) if values.is_empty() => 0,
            State::Values(values) => values.len() + 1,
            State::Set(numbers, values) => {
                let texts = values
                    .iter()
                    .map(|value| value.len() + size_of::<Box<str>>());
                numbers.held() + texts.sum::<usize>()
            }
        }
    }
}
