//! Pipelines, as MongoDB has them: stages that rows go through one after the other, and what comes out at the
//! end. `docs/queries.md` has every word of them.
//!
//! Rows go through one at a time. Only groups, sorts and the tables that are joined with are held, and what
//! they hold is counted, so that a pipeline ends with an error before memory does.

mod expression;
mod group;
mod lookup;
mod numbered;
mod parse;
mod project;
mod put;
mod run;
mod unwind;

#[cfg(test)]
mod tests;

use self::group::Group;
use self::lookup::Lookup;
use self::project::Projection;
use self::unwind::Unwind;
use super::{Filter, Sort, number};
use crate::engine::document;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::ROW_BYTES;
use crate::text::inline;

pub use run::Output;

/// Stages of a pipeline.
pub const STAGES: usize = 20;
/// Groups of one `$group`, and fields of one group.
pub const GROUPS: usize = 100_000;
pub const GROUP_FIELDS: usize = 100;
/// What all stages hold at a time, in bytes, with what is returned: a fraction of a Worker's memory, of which
/// the loaded tables need most.
pub const HELD_BYTES: usize = 32 << 20;
/// All rows that stages make, in bytes, each with what it takes beside its text: it bounds the time that `$unwind`
/// and `$lookup` can take.
pub const BUILT_BYTES: usize = 256 << 20;
pub const BUILT_ROW_BYTES: usize = 256;

/// A pipeline that makes sense by itself.
#[derive(Debug, Clone)]
pub struct Pipeline {
    stages: Vec<Stage>,
    option: &'static str,
}

#[derive(Debug, Clone)]
enum Stage {
    Match(Filter),
    Group(Group),
    Sort(Sort),
    Limit(usize),
    Skip(usize),
    Project(Projection),
    Unwind(Unwind),
    Lookup(Lookup),
    Count(expression::Name),
}

/// Why a stage cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Trouble {
    /// A row with more than [`ROW_BYTES`].
    Long,
    /// A row that nests deeper than anything is looked into.
    Deep,
    /// More than [`HELD_BYTES`].
    Held,
    /// More than [`BUILT_BYTES`].
    Built,
    /// More than [`GROUPS`].
    Groups,
    /// The accumulator of this field.
    Range(&'static str, Box<str>),
}

/// The rows of a table, as compact JSON.
pub type Rows<'a> = Box<dyn Iterator<Item = &'a str> + 'a>;

impl Pipeline {
    /// Reads a JSON list of stages. `key` is the name of the table's key field, which `$project` keeps unless
    /// it is left out by name.
    ///
    /// # Errors
    /// Names the option, the stage, the place in it, the rule, and what would be right.
    pub fn parse(option: &'static str, text: &str, key: &str) -> Result<Pipeline> {
        let stages = document::parse_stages(option, text)?;
        Ok(Pipeline {
            stages: parse::stages(option, &stages, key)?,
            option,
        })
    }

    /// The filter that it begins with. Rows that do not match it have no part in the answer, so whoever has a
    /// better way to them can leave them out; of those that are handed over, each is asked again.
    pub fn leading_filter(&self) -> Option<&Filter> {
        match self.stages.first() {
            Some(Stage::Match(filter)) => Some(filter),
            _ => None,
        }
    }

    /// The tables that it joins with.
    pub fn tables(&self) -> impl Iterator<Item = &str> {
        self.stages.iter().filter_map(|stage| match stage {
            Stage::Lookup(lookup) => Some(lookup.from()),
            _ => None,
        })
    }

    /// Puts rows through. Of what comes out, the first `limit` are kept. `table` has the rows of
    /// [`Pipeline::tables`].
    ///
    /// # Errors
    /// More than the limits allow, or sums that are out of range; what `table` fails with.
    pub fn run<'a>(
        &'a self,
        rows: Rows<'a>,
        table: &dyn Fn(&str) -> Result<Rows<'a>>,
        limit: usize,
    ) -> Result<Output> {
        run::run(self, rows, table, limit)
    }

    /// Why a stage could not go on, for people; `index` counts from 0.
    fn wrong(&self, index: usize, trouble: Trouble) -> Error {
        let (kind, what, hint) = trouble.told();
        self.about(index, Error::new(kind, what).hint(hint))
    }

    /// Says at which stage that was.
    fn about(&self, index: usize, error: Error) -> Error {
        let name = self.stages.get(index).map_or("", Stage::name);
        error.option(self.option).about(&place(index, name))
    }
}

impl Stage {
    fn name(&self) -> &'static str {
        match self {
            Stage::Match(_) => "$match",
            Stage::Group(_) => "$group",
            Stage::Sort(_) => "$sort",
            Stage::Limit(_) => "$limit",
            Stage::Skip(_) => "$skip",
            Stage::Project(_) => "$project",
            Stage::Unwind(_) => "$unwind",
            Stage::Lookup(_) => "$lookup",
            Stage::Count(_) => "$count",
        }
    }
}

impl Trouble {
    fn told(self) -> (ErrorKind, String, String) {
        let (what, hint) = match self {
            Trouble::Long => (
                format!("a row would have more than {} MiB.", ROW_BYTES >> 20),
                "`$unwind` and `$group` can work on the items of a long list without holding all of them.",
            ),
            Trouble::Deep => (
                "a row would nest deeper than can be looked into.".to_owned(),
                "Put fewer objects and lists around what is nested already.",
            ),
            Trouble::Held => (
                format!("there is more to hold than {} MiB.", HELD_BYTES >> 20),
                "Put a `$match` before it, a `$project` with the fields that are needed, or a `$limit` after a `$sort`.",
            ),
            Trouble::Built => (
                format!("more than {} MiB of rows were made.", BUILT_BYTES >> 20),
                "Put a `$match` before it, or a `$project` with the fields that are needed.",
            ),
            Trouble::Groups => (
                format!("there are more than {GROUPS} groups."),
                "Put a `$match` before it, or group by something that fewer rows differ in.",
            ),
            Trouble::Range(accumulator, field) => {
                let field = inline(&field);
                let what = format!("`{accumulator}` of `{field}` is out of range.");
                return (ErrorKind::Conflict, what, number::range());
            }
        };
        (ErrorKind::TooLarge, what, hint.to_owned())
    }
}

/// How errors name a stage; `index` counts from 0.
fn place(index: usize, name: &str) -> String {
    format!("stage {}, `{name}`", index + 1)
}
