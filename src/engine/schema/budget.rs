//! How much work a check may be: schemas can ask for exponential work, which no check may do.

use serde_json::{Map, Value};

use super::value::View;

/// More work than the budget has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exhausted;

/// Steps that every check has: some hundred microseconds.
const BASE: u64 = 20_000;
/// Steps for every byte of the document beyond that.
const EACH_BYTE: u64 = 16;

/// The steps that are left. A step is about what it takes to look at one value.
pub(super) struct Budget<'a> {
    left: u64,
    /// Measured only once the base is used up.
    document: Option<View<'a>>,
}

impl<'a> Budget<'a> {
    pub(super) fn new(document: View<'a>) -> Budget<'a> {
        Budget {
            left: BASE,
            document: Some(document),
        }
    }

    /// For a document that will change, so that it is measured at once.
    pub(super) fn measured(document: View<'_>) -> Budget<'static> {
        Budget {
            left: BASE.saturating_add(size(document).saturating_mul(EACH_BYTE)),
            document: None,
        }
    }

    pub(super) fn spend(&mut self, steps: u64) -> Result<(), Exhausted> {
        match self.left.checked_sub(steps) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => self.extend(steps),
        }
    }

    #[cold]
    fn extend(&mut self, steps: u64) -> Result<(), Exhausted> {
        let document = self.document.take().ok_or(Exhausted)?;
        self.left = self
            .left
            .saturating_add(size(document).saturating_mul(EACH_BYTE));
        self.spend(steps)
    }
}

/// About how long a value is as JSON. What nests is at most as deep as documents are.
pub(super) fn size(value: View<'_>) -> u64 {
    match value {
        View::String(text) => text.len() as u64 + 2,
        View::List(items) => 2 + items.iter().map(|item| 1 + size(item.into())).sum::<u64>(),
        View::Object(fields) => size_of_fields(fields),
        View::Null | View::Bool(_) | View::Number(_) => 4,
    }
}

fn size_of_fields(fields: &Map<String, Value>) -> u64 {
    let field = |(name, value): (&String, &Value)| name.len() as u64 + 4 + size(value.into());
    2 + fields.iter().map(field).sum::<u64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_document_pays_for_itself_once() {
        let document = json!(["x".repeat(1_000)]);
        let mut budget = Budget::new((&document).into());
        budget.spend(BASE).unwrap();
        budget.spend(EACH_BYTE * 1_000).unwrap();
        assert_eq!(budget.spend(EACH_BYTE * 10), Err(Exhausted));
    }
}
