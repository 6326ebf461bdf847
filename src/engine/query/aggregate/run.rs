//! Putting rows through the stages.

use std::borrow::Cow;
use std::cell::Cell;

use super::group::Groups;
use super::lookup::{Joined, Lookup};
use super::{BUILT_BYTES, BUILT_ROW_BYTES, HELD_BYTES, Pipeline, Rows, Stage, Trouble};
use crate::engine::query::json::Json;
use crate::engine::query::path::Go;
use crate::engine::query::sort::{Sort, Top};
use crate::error::Result;

/// A row on its way: the table's own, or one that a stage made.
pub(super) type Row<'a> = Cow<'a, str>;

/// What a row takes beside its text where it is held.
const OVERHEAD: usize = 64;

/// What came out at the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Output {
    /// The first of the rows, as compact JSON.
    pub rows: Vec<String>,
    /// How many rows there were.
    pub count: usize,
    /// Rows that were looked at, of the table and of those that it was joined with.
    pub examined: usize,
}

/// What is held and made, over all stages.
#[derive(Debug, Default)]
pub(super) struct Memory {
    held: Cell<usize>,
    built: Cell<usize>,
}

impl Memory {
    pub fn hold(&self, bytes: usize) -> Result<(), Trouble> {
        more(&self.held, bytes, HELD_BYTES, Trouble::Held)
    }

    pub fn release(&self, bytes: usize) {
        self.held.set(self.held.get().saturating_sub(bytes));
    }

    /// Counts a row that a stage made.
    fn built<'a>(&self, row: Row<'a>) -> Result<Row<'a>, Trouble> {
        let bytes = row.len() + BUILT_ROW_BYTES;
        more(&self.built, bytes, BUILT_BYTES, Trouble::Built)?;
        Ok(row)
    }
}

fn more(
    counter: &Cell<usize>,
    bytes: usize,
    limit: usize,
    trouble: Trouble,
) -> Result<(), Trouble> {
    let sum = counter.get().saturating_add(bytes);
    if sum > limit {
        return Err(trouble);
    }
    counter.set(sum);
    Ok(())
}

/// A stage at work.
enum Step<'a> {
    Plain(&'a Stage),
    Group(Groups<'a>),
    Sort(&'a Sort, Top<Held<'a>>, usize),
    Limit(usize),
    Skip(usize),
    Lookup(Joined<'a>),
    Count(usize),
}

/// A row that waits for its turn, and what is held for it.
struct Held<'a>(Row<'a>, usize);

struct Run<'a> {
    pipeline: &'a Pipeline,
    memory: Memory,
    limit: usize,
    output: Output,
}

pub(super) fn run<'a>(
    pipeline: &'a Pipeline,
    rows: Rows<'a>,
    table: &dyn Fn(&str) -> Result<Rows<'a>>,
    limit: usize,
) -> Result<Output> {
    let mut run = Run {
        pipeline,
        memory: Memory::default(),
        limit,
        output: Output::default(),
    };
    let mut steps = Vec::with_capacity(pipeline.stages.len());
    for (index, stage) in pipeline.stages.iter().enumerate() {
        steps.push(match stage {
            Stage::Match(_) | Stage::Project(_) | Stage::Unwind(_) => Step::Plain(stage),
            Stage::Group(group) => Step::Group(Groups::new(group)),
            Stage::Sort(sort) => Step::Sort(sort, Top::new(wanted_after(pipeline, index)), 0),
            Stage::Limit(limit) => Step::Limit(*limit),
            Stage::Skip(skip) => Step::Skip(*skip),
            Stage::Count(_) => Step::Count(0),
            Stage::Lookup(lookup) => Step::Lookup(run.join(index, lookup, table)?),
        });
    }
    for row in rows {
        run.output.examined += 1;
        if run.push(&mut steps, 0, Cow::Borrowed(row))? == Go::Stop {
            break;
        }
    }
    run.end(steps)?;
    for (index, stage) in pipeline.stages.iter().enumerate() {
        if let Stage::Match(filter) = stage {
            let ended = filter.end();
            ended.map_err(|error| pipeline.about(index, error))?;
        }
    }
    #[cfg(test)]
    run.check_memory();
    Ok(run.output)
}

/// How many rows of a sort the stages after it can want.
fn wanted_after(pipeline: &Pipeline, index: usize) -> usize {
    let (mut skipped, mut wanted) = (0usize, usize::MAX);
    for stage in pipeline.stages.iter().skip(index + 1) {
        match stage {
            Stage::Skip(skip) => skipped = skipped.saturating_add(*skip),
            Stage::Limit(limit) => wanted = wanted.min(skipped.saturating_add(*limit)),
            _ => break,
        }
    }
    wanted
}

impl<'a> Run<'a> {
    fn join(
        &mut self,
        index: usize,
        lookup: &'a Lookup,
        table: &dyn Fn(&str) -> Result<Rows<'a>>,
    ) -> Result<Joined<'a>> {
        let rows = table(lookup.from())?;
        let joined = Joined::new(lookup, rows, &self.memory);
        let joined = joined.map_err(|trouble| self.pipeline.wrong(index, trouble))?;
        self.output.examined += joined.len();
        Ok(joined)
    }

    /// Puts a row through these steps, of which the first is that of stage `index`. [`Go::Stop`] where no row
    /// after it can make a difference to anything behind.
    fn push(&mut self, steps: &mut [Step<'a>], index: usize, row: Row<'a>) -> Result<Go> {
        let pipeline = self.pipeline;
        let wrong = |trouble| pipeline.wrong(index, trouble);
        let Some((step, rest)) = steps.split_first_mut() else {
            self.output.count += 1;
            if self.output.rows.len() < self.limit {
                let held = self.memory.hold(row.len() + OVERHEAD);
                held.map_err(|trouble| pipeline.wrong(index.saturating_sub(1), trouble))?;
                self.output.rows.push(row.into_owned());
            }
            return Ok(Go::On);
        };
        let row = match step {
            Step::Plain(Stage::Match(filter)) => {
                if !filter.matches(Json::new(&row)) {
                    return Ok(Go::On);
                }
                row
            }
            Step::Plain(Stage::Project(projection)) => {
                let made = projection.apply(&row);
                made.and_then(|row| self.memory.built(row)).map_err(wrong)?
            }
            Step::Plain(Stage::Unwind(unwind)) => {
                return unwind.apply(row, &mut |made| {
                    let row = made.and_then(|row| self.memory.built(row)).map_err(wrong)?;
                    self.push(rest, index + 1, row)
                });
            }
            Step::Plain(_) => row,
            Step::Lookup(joined) => {
                let made = joined.apply(&row);
                made.and_then(|row| self.memory.built(row)).map_err(wrong)?
            }
            Step::Group(groups) => {
                groups.take(&row, &self.memory).map_err(wrong)?;
                return Ok(Go::On);
            }
            Step::Sort(sort, top, seen) => {
                self.hold(sort, top, seen, row).map_err(wrong)?;
                return Ok(Go::On);
            }
            Step::Count(rows) => {
                *rows += 1;
                return Ok(Go::On);
            }
            Step::Skip(0) => row,
            Step::Skip(left) => {
                *left -= 1;
                return Ok(Go::On);
            }
            Step::Limit(0) => return Ok(Go::Stop),
            Step::Limit(left) => {
                *left -= 1;
                let is_last = *left == 0;
                let go = self.push(rest, index + 1, row)?;
                return Ok(if is_last { Go::Stop } else { go });
            }
        };
        self.push(rest, index + 1, row)
    }

    fn hold(
        &self,
        sort: &Sort,
        top: &mut Top<Held<'a>>,
        seen: &mut usize,
        row: Row<'a>,
    ) -> Result<(), Trouble> {
        let mut key = Vec::new();
        // Rows that are equal in the order keep theirs.
        sort.key(Json::new(&row), &format!("{seen:010}"), &mut key);
        *seen += 1;
        let text = match &row {
            Cow::Borrowed(_) => 0,
            Cow::Owned(text) => text.len(),
        };
        let bytes = text + key.len() + OVERHEAD;
        self.memory.hold(bytes)?;
        if let Some(Held(_, less)) = top.offer(&key, Held(row, bytes)) {
            self.memory.release(less);
        }
        Ok(())
    }

    /// Nothing is held at the end but what is returned and what was joined with.
    #[cfg(test)]
    fn check_memory(&self) {
        if self.pipeline.tables().next().is_none() {
            let rows = self.output.rows.iter().map(|row| row.len() + OVERHEAD);
            assert_eq!(self.memory.held.get(), rows.sum::<usize>());
        }
    }

    /// What stages held until the last row goes on from them.
    fn end(&mut self, steps: Vec<Step<'a>>) -> Result<()> {
        let pipeline = self.pipeline;
        let mut steps = steps;
        let mut after = steps.as_mut_slice();
        let mut index = 0;
        while let Some((step, rest)) = after.split_first_mut() {
            let step = std::mem::replace(step, Step::Skip(0));
            self.flush(step, rest, index + 1)
                .map_err(|trouble| match trouble {
                    Failed::Here(trouble) => pipeline.wrong(index, trouble),
                    Failed::Behind(error) => error,
                })?;
            after = rest;
            index += 1;
        }
        Ok(())
    }

    fn flush(&mut self, step: Step<'a>, rest: &mut [Step<'a>], next: usize) -> Result<(), Failed> {
        match step {
            Step::Sort(_, top, _) => {
                let mut go = Go::On;
                for (_, Held(row, bytes)) in top.into_sorted() {
                    self.memory.release(bytes);
                    if go == Go::On {
                        go = self.push(rest, next, row)?;
                    }
                }
            }
            Step::Group(groups) => {
                let mut rows = groups.into_rows(&self.memory);
                let mut go = Go::On;
                while let Some(row) = rows.next(&self.memory) {
                    if go == Go::On {
                        let row = row.and_then(|row| self.memory.built(Cow::Owned(row)))?;
                        go = self.push(rest, next, row)?;
                    }
                }
            }
            Step::Count(rows) if rows > 0 => {
                let name = match self.pipeline.stages.get(next - 1) {
                    Some(Stage::Count(name)) => &*name.written,
                    _ => "",
                };
                self.push(rest, next, Cow::Owned(format!("{{{name}{rows}}}")))?;
            }
            _ => {}
        }
        Ok(())
    }
}

/// Where something went wrong: in the stage that is asked, or in one behind it.
enum Failed {
    Here(Trouble),
    Behind(crate::error::Error),
}

impl From<Trouble> for Failed {
    fn from(trouble: Trouble) -> Failed {
        Failed::Here(trouble)
    }
}

impl From<crate::error::Error> for Failed {
    fn from(error: crate::error::Error) -> Failed {
        Failed::Behind(error)
    }
}
