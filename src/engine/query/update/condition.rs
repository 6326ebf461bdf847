//! What an item of a list must fulfil for `$pull` to remove it.

use serde_json::{Map, Value};

use crate::engine::query::Json;
use crate::engine::query::filter::{Effort, Element};
use crate::error::Result;

/// A condition: with names of operators it is about the item itself (`{"$lt":5}`), with others it is a
/// query that the item, an object, is held against (`{"score":{"$lt":5}}`).
#[derive(Debug, Clone)]
pub struct Condition {
    /// As it was written.
    source: Map<String, Value>,
    element: Element,
    effort: Effort,
}

impl Condition {
    /// # Errors
    /// As [`Element::parse`].
    pub(super) fn parse(
        option: &'static str,
        path: &str,
        source: &Map<String, Value>,
    ) -> Result<Condition> {
        let effort = Effort::default();
        let place = format!("$pull.{path}");
        Ok(Condition {
            element: Element::parse(option, &place, source, &effort)?,
            source: source.clone(),
            effort,
        })
    }

    /// Takes out the items that fulfil it.
    ///
    /// # Errors
    /// When that costs more than it may.
    pub(super) fn remove_from(&self, items: &mut Vec<Value>) -> Result<()> {
        items.retain(|item| {
            !self
                .element
                .matches(Json::new(&item.to_string()), &self.effort)
        });
        self.effort.check()
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Condition) -> bool {
        self.source == other.source
    }
}
