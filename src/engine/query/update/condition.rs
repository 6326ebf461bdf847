//! What an item of a list must fulfil for `$pull` to remove it.

use serde_json::{Map, Value};

use crate::engine::query::Json;
use crate::engine::query::filter::Element;
use crate::error::Result;

/// A condition: with names of operators it is about the item itself (`{"$lt":5}`), with others it is a
/// query that the item, an object, is held against (`{"score":{"$lt":5}}`).
#[derive(Debug, Clone)]
pub struct Condition {
    /// As it was written.
    source: Map<String, Value>,
    element: Element,
}

impl Condition {
    /// # Errors
    /// As [`Element::parse`].
    pub(super) fn parse(
        option: &'static str,
        path: &str,
        source: &Map<String, Value>,
    ) -> Result<Condition> {
        Ok(Condition {
            element: Element::parse(option, &format!("$pull.{path}"), source)?,
            source: source.clone(),
        })
    }

    pub(super) fn holds(&self, item: &Value) -> bool {
        self.element.matches(Json::new(&item.to_string()))
    }
}

impl PartialEq for Condition {
    fn eq(&self, other: &Condition) -> bool {
        self.source == other.source
    }
}
