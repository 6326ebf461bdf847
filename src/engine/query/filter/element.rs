//! Conditions on the items of a list: `$elemMatch`, and what `$pull` removes.

use serde_json::{Map, Value};

use super::matching::{self, Scratch, Work};
use super::{Condition, Effort, Test, parse};
use crate::engine::query::json::{Json, Kind};
use crate::error::Result;

/// What an item must fulfil.
#[derive(Debug, Clone)]
pub enum Element {
    /// Tests of the item itself: `{"$gte":5,"$lt":9}`.
    Item(Vec<Test>),
    /// Conditions on an item that is an object, or a list with numbers for names: `{"score":{"$gte":5}}`.
    Document(Vec<Condition>),
}

impl Element {
    /// Understands what is asked of items. `place` is where in the option it stands, for errors.
    ///
    /// # Errors
    /// As [`super::Filter::parse`].
    pub fn parse(
        option: &'static str,
        place: &str,
        source: &Map<String, Value>,
        effort: &Effort,
    ) -> Result<Self> {
        parse::element(option, place, source, effort)
    }

    /// Whether an item fulfils it.
    pub fn matches(&self, item: Json<'_>, effort: &Effort) -> bool {
        Scratch::default().lend(effort, 0, |work| self.holds(item, work))
    }

    pub(super) fn holds(&self, item: Json<'_>, work: &mut Work<'_>) -> bool {
        match self {
            Element::Item(tests) => tests.iter().all(|test| matching::item(test, item, work)),
            Element::Document(conditions) => {
                matches!(item.kind(), Kind::Object | Kind::Array)
                    && work.inside(item.text().len(), |work| {
                        matching::all(conditions, item, work)
                    })
            }
        }
    }
}
