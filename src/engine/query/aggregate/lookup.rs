//! `$lookup`: the rows of another table that have an equal value.

use super::expression::{Name, Parts, append, check_levels};
use super::numbered::Numbered;
use super::put::put;
use super::run::{Memory, Row};
use super::{Rows, Trouble};
use crate::engine::query::json::{Json, Kind};
use crate::engine::query::path::{Go, Path};

#[derive(Debug, Clone)]
pub(super) struct Lookup {
    pub from: Box<str>,
    pub local: Path,
    pub foreign: Path,
    /// Where the list of rows goes.
    pub into: Box<[Name]>,
}

impl Lookup {
    pub fn from(&self) -> &str {
        &self.from
    }
}

/// The other table's rows by their values: each was looked at once.
pub(super) struct Joined<'a> {
    spec: &'a Lookup,
    rows: Vec<&'a str>,
    values: Numbered,
    /// For each value, the rows that have it, upwards.
    having: Vec<Vec<usize>>,
    found: Vec<usize>,
}

impl<'a> Joined<'a> {
    pub fn new(spec: &'a Lookup, rows: Rows<'a>, memory: &Memory) -> Result<Joined<'a>, Trouble> {
        let mut joined = Joined {
            spec,
            rows: Vec::new(),
            values: Numbered::default(),
            having: Vec::new(),
            found: Vec::new(),
        };
        for row in rows {
            joined.add(row, memory)?;
        }
        Ok(joined)
    }

    /// How many rows the other table has.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    fn add(&mut self, row: &'a str, memory: &Memory) -> Result<(), Trouble> {
        memory.hold(size_of::<&str>())?;
        let at = self.rows.len();
        self.rows.push(row);
        let mut done = Ok(());
        // As a filter finds it: by an item, by the whole list, by null where it is missing.
        self.spec.foreign.visit_each(Json::new(row), &mut |value| {
            done = self.note(value, at, memory);
            if done.is_ok() { Go::On } else { Go::Stop }
        });
        done
    }

    fn note(
        &mut self,
        value: Option<Json<'_>>,
        row: usize,
        memory: &Memory,
    ) -> Result<(), Trouble> {
        let (number, is_new) = self.values.number(value, memory)?;
        if is_new {
            self.having.push(Vec::new());
        }
        if let Some(rows) = self
            .having
            .get_mut(number)
            .filter(|rows| rows.last() != Some(&row))
        {
            memory.hold(size_of::<usize>())?;
            rows.push(row);
        }
        Ok(())
    }

    /// The row with the list of those that it is joined with, in their order.
    pub fn apply(&mut self, row: &str) -> Result<Row<'a>, Trouble> {
        self.find(Json::new(row));
        let mut list = String::new();
        let mut parts = Parts::open('[', &mut list);
        for at in &self.found {
            let found = self.rows.get(*at).copied().unwrap_or("null");
            parts.field("", &mut list, &mut |list| {
                append(found, list).map(|()| true)
            })?;
        }
        append("]", &mut list)?;
        let mut out = String::new();
        put(Some(Json::new(row)), &self.spec.into, Some(&list), &mut out)?;
        check_levels(&out)?;
        Ok(Row::Owned(out))
    }

    /// Which rows have one of the row's values; of a list, those of its items.
    fn find(&mut self, row: Json<'_>) {
        let mut numbers = Vec::new();
        let mut is_missing = true;
        let mut ask = |value: Option<Json<'_>>| {
            is_missing = false;
            numbers.extend(self.values.find(value));
        };
        self.spec.local.visit(row, &mut |value| {
            match value {
                Some(list) if list.kind() == Kind::Array => {
                    list.items().for_each(|item| ask(Some(item)));
                }
                Some(value) => ask(Some(value)),
                None => {}
            }
            Go::On
        });
        if is_missing {
            numbers.extend(self.values.find(None));
        }
        numbers.sort_unstable();
        numbers.dedup();
        self.found.clear();
        for number in numbers {
            let rows = self.having.get(number).map_or(&[][..], Vec::as_slice);
            self.found.extend_from_slice(rows);
        }
        self.found.sort_unstable();
        self.found.dedup();
    }
}
