//! Going the way that a plan says: rows from memory, and how many of an index's values that took.

use std::cell::Cell;
use std::rc::Rc;

use super::channels::Gathered;
use crate::engine::index::{Entries, Entry};
use crate::engine::query::memory::Candidate;
use crate::engine::query::plan::{
    self, Access, Bounds, Direction, IndexStatistics, Plans, Question, Range, Statistics,
};
use crate::engine::query::{Cursor, Filter, Sort, order};
use crate::engine::state::{State, Table};

/// A table with its indexes, and its rows: in memory, or gathered from messages.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    pub state: &'a State,
    pub table: &'a Table,
    /// Its rows, where they are from its messages instead.
    pub gathered: Option<&'a Gathered>,
}

/// Rows on their way.
pub struct Rows<'a> {
    pub candidates: Box<dyn Iterator<Item = Candidate<'a>> + 'a>,
    /// Whether they come in the order that is asked for, where one is.
    pub in_order: bool,
    /// Values of an index that were looked at so far.
    pub keys: Rc<Cell<usize>>,
}

impl<'a> Asked<'a> {
    pub fn new(state: &'a State, table: &'a Table) -> Self {
        Asked {
            state,
            table,
            gathered: None,
        }
    }

    /// The ways to the rows that a question is about.
    pub fn plan(&self, question: &Question<'_>) -> Plans {
        if let Some(gathered) = self.gathered {
            return Plans {
                chosen: gathered.plan(!question.sort.fields().is_empty()),
                rejected: Vec::new(),
                useless: Vec::new(),
            };
        }
        let indexes = self.state.indexes_of(self.table.id);
        let statistics = Statistics {
            pk: &self.table.pk,
            rows: usize::try_from(self.table.sum.rows).unwrap_or(usize::MAX),
            indexes: indexes
                .map(|index| IndexStatistics {
                    id: index.id(),
                    definition: &index.definition,
                    entries: &index.entries,
                })
                .collect(),
        };
        plan::plan(question, &statistics)
    }

    /// The rows that a way leads to: in the order of their keys unless they come in the one asked for. Those
    /// of pages before `after` may be left out.
    pub fn rows(&self, access: &Access, after: Option<&Cursor>) -> Rows<'a> {
        let keys = Rc::new(Cell::new(0));
        let of_key = self.of_key();
        let (candidates, in_order): (Box<dyn Iterator<Item = Candidate<'a>> + 'a>, bool) =
            match access {
                Access::Scan => {
                    let live = self.table.live();
                    let live = live.map(|(key, _, doc)| Candidate { key, doc });
                    (Box::new(live), false)
                }
                Access::Elsewhere => {
                    let rows = self
                        .gathered
                        .into_iter()
                        .flat_map(|gathered| &gathered.rows);
                    // What has no document is in memory.
                    let rows = rows.filter_map(move |(key, row)| match row.doc.as_deref() {
                        Some(doc) => Some(Candidate { key, doc }),
                        None => of_key(key),
                    });
                    (Box::new(rows), false)
                }
                Access::Keys(keys) => {
                    let found = keys.iter().filter_map(|key| of_key(key));
                    let found: Vec<Candidate<'a>> = found.collect();
                    (Box::new(found.into_iter()), false)
                }
                Access::Index { id, bounds, order } => {
                    let index = self.state.indexes.get(id);
                    let entries = index.map(|index| counted(&index.entries, &keys));
                    match (entries, order) {
                        (None, _) => (Box::new(std::iter::empty()), false),
                        (Some(entries), None) => {
                            let ranges = bounds.ranges.iter();
                            let found = ranges.flat_map(|range| entries.ascending(range));
                            // Of rows with several values each comes once.
                            let mut found: Vec<&'a str> = found.map(Entry::key).collect();
                            found.sort_unstable();
                            found.dedup();
                            (Box::new(found.into_iter().filter_map(of_key)), false)
                        }
                        (Some(entries), Some(direction)) => {
                            let found = entries.in_order(bounds, *direction, after);
                            (Box::new(found.filter_map(of_key)), true)
                        }
                    }
                }
            };
        Rows {
            candidates,
            in_order,
            keys,
        }
    }

    /// The way to all rows that may match, in whatever order.
    pub fn all_rows(&self, filter: &Filter) -> (Plans, Rows<'a>) {
        let plans = self.plan(&Question {
            filter,
            sort: &Sort::default(),
            enough: None,
        });
        let rows = self.rows(&plans.chosen.access, None);
        (plans, rows)
    }

    fn of_key(&self) -> impl Fn(&str) -> Option<Candidate<'a>> + 'a + use<'a> {
        let table = self.table;
        move |key| {
            let (key, row) = table.rows.get_key_value(key)?;
            let doc = row.doc.as_deref()?;
            Some(Candidate { key, doc })
        }
    }
}

/// Entries that are counted as they are looked at.
struct Counted<'a> {
    entries: &'a Entries,
    keys: Rc<Cell<usize>>,
}

fn counted<'a>(entries: &'a Entries, keys: &Rc<Cell<usize>>) -> Counted<'a> {
    let keys = Rc::clone(keys);
    Counted { entries, keys }
}

impl<'a> Counted<'a> {
    fn ascending(&self, range: &Range) -> impl Iterator<Item = &'a Entry> + use<'a> {
        let keys = Rc::clone(&self.keys);
        let entries = self.entries.range(&range.from, Some(&range.to));
        entries.inspect(move |_| keys.set(keys.get() + 1))
    }

    /// Keys in the order of the values, and those of equal values in their own.
    fn in_order(
        self,
        bounds: &Bounds,
        direction: Direction,
        after: Option<&Cursor>,
    ) -> Box<dyn Iterator<Item = &'a str> + 'a> {
        let mut ranges = bounds.ranges.clone();
        // Where all of the index's fields are sorted by, the cursor says where in it to go on.
        if let Some(value) = after
            .filter(|_| bounds.fixed == 0)
            .and_then(|after| value_of(after, direction))
        {
            for range in &mut ranges {
                match direction {
                    Direction::Ascending => range.from = value.clone().max(range.from.clone()),
                    Direction::Descending => {
                        let end = [value.as_slice(), &[u8::MAX]].concat();
                        range.to = end.min(range.to.clone());
                    }
                }
            }
            ranges.retain(|range| range.from < range.to);
        }
        match direction {
            Direction::Ascending => {
                let entries = ranges
                    .into_iter()
                    .flat_map(move |range| self.ascending(&range));
                Box::new(entries.map(Entry::key))
            }
            Direction::Descending => {
                let ranges = ranges.into_iter().rev();
                Box::new(ranges.flat_map(move |range| self.descending(range)))
            }
        }
    }

    /// The greatest value first; of equal ones the keys still rise.
    fn descending(&self, range: Range) -> impl Iterator<Item = &'a str> + use<'a> {
        let entries = self.entries;
        let keys = Rc::clone(&self.keys);
        let mut back = entries.range(&range.from, Some(&range.to)).rev().peekable();
        let mut of_one_value: Option<Box<dyn Iterator<Item = &'a str> + 'a>> = None;
        let found = std::iter::from_fn(move || {
            if let Some(key) = of_one_value.as_mut().and_then(Iterator::next) {
                return Some(key);
            }
            of_one_value = None;
            let last = back.next()?;
            let value = last.value();
            let is_alone = back.peek().is_none_or(|next| next.value() != value);
            if is_alone {
                return Some(last.key());
            }
            // There may be many of them, and the first are wanted first.
            back = entries.range(&range.from, Some(value)).rev().peekable();
            let mut all: Box<dyn Iterator<Item = &'a str> + 'a> = Box::new(entries.holders(value));
            let first = all.next();
            of_one_value = Some(all);
            first
        });
        found.inspect(move |_| keys.set(keys.get() + 1))
    }
}

/// The value that the last row of a page was sorted by, as an index has it.
fn value_of(after: &Cursor, direction: Direction) -> Option<Vec<u8>> {
    let mut key = Vec::new();
    order::encode_str(&after.row_key, &mut key);
    let mut value = after.sort_key.strip_suffix(key.as_slice())?.to_vec();
    if direction == Direction::Descending {
        order::invert(&mut value);
    }
    Some(value)
}

#[cfg(test)]
mod tests;
