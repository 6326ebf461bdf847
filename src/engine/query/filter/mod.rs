//! What a query asks of a document: `where_json`, understood once and held against every row.
//!
//! Words mean what they mean in MongoDB; `docs/queries.md` lists them all, and the differences.

mod element;
mod matching;
mod operand;
mod parse;
mod pattern;
mod text;
mod types;

use serde_json::{Map, Value};

use super::json::Json;
use super::path::Path;
use crate::engine::document;
use crate::error::Result;
use matching::Scratch;

pub use element::Element;
pub use operand::{Operand, Operands};
pub use pattern::{Effort, Pattern};
pub use text::TextSearch;
pub use types::Types;

/// How deep operators that contain conditions may nest.
pub const FILTER_NESTING: usize = 32;
/// How many conditions and tests a filter may have, all together.
pub const FILTER_OPERATORS: usize = 1_000;
/// How many values `$in`, `$nin` and `$all` take.
pub const OPERAND_VALUES: usize = 1_000;
/// The longest pattern of `$regex` and the longest `$text`, in bytes.
pub const OPERAND_BYTES: usize = 1_000;

/// A query's conditions, all of which a document must fulfil.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    conditions: Vec<Condition>,
    source: Map<String, Value>,
    scratch: Scratch,
    effort: Effort,
}

/// A condition on a document.
#[derive(Debug, Clone)]
pub enum Condition {
    /// `$and`
    All(Vec<Condition>),
    /// `$or`
    Any(Vec<Condition>),
    /// `$nor`
    None(Vec<Condition>),
    /// `$text`
    Text(TextSearch),
    Field {
        path: Path,
        test: Test,
    },
}

/// What is asked of that to which a path leads.
#[derive(Debug, Clone)]
pub enum Test {
    /// `$eq $gt $gte $lt $lte`: of the value, or of an item.
    Compare(Comparison, Operand),
    /// `$in`
    In(Operands),
    /// `$prefix`
    Prefix(Box<str>),
    /// `$regex`
    Regex(Pattern),
    /// `$type`
    Type(Types),
    /// `$exists`: that there is something, null included.
    Exists,
    /// `$contains`
    Contains(Operand),
    /// `$size`
    Size(u64),
    /// `$elemMatch`
    Element(Element),
    /// `$all`, and several operators where one may stand. Each is asked by itself, so that different items
    /// may answer.
    Every(Vec<Test>),
    /// `$not`, and what `$ne`, `$nin` and `$exists:false` are.
    Not(Box<Test>),
    /// `$all` of nothing.
    Never,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Filter {
    /// Understands a query as it was typed.
    ///
    /// # Errors
    /// Names the option, the place in the query, the rule, and what would be right.
    pub fn parse(option: &'static str, text: &str) -> Result<Filter> {
        Filter::new(option, document::parse_query(option, text)?)
    }

    /// Understands a query.
    ///
    /// # Errors
    /// As [`Filter::parse`].
    pub fn new(option: &'static str, source: Map<String, Value>) -> Result<Filter> {
        let effort = Effort::default();
        Ok(Filter {
            conditions: parse::conditions(option, &source, &effort)?,
            source,
            scratch: Scratch::default(),
            effort,
        })
    }

    /// All of them must be fulfilled. There are none where everything matches.
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }

    /// As it was given.
    pub fn source(&self) -> &Map<String, Value> {
        &self.source
    }

    /// Whether a document fulfils it. Whoever has asked about all documents asks [`Filter::end`], too.
    pub fn matches(&self, document: Json<'_>) -> bool {
        self.scratch
            .lend(&self.effort, document.text_to_its_end(), |work| {
                matching::all(&self.conditions, document, work)
            })
    }

    /// Ends a question, see [`Effort::end`].
    ///
    /// # Errors
    /// When the answers are of no use, since the question costs too much.
    pub fn end(&self) -> Result<()> {
        self.effort.end()
    }
}

#[cfg(test)]
mod tests;
