//! Values that are told apart: each gets a number, the same for all that are equal.

use std::collections::BTreeMap;

use super::Trouble;
use super::run::Memory;
use crate::engine::query::json::Json;
use crate::engine::query::order;

/// What a value takes beside its bytes.
const OVERHEAD: usize = 48;

/// Values by their bytes in the order of all values, in which 1 and 1.0 are the same.
#[derive(Debug, Default)]
pub(super) struct Numbered {
    numbers: BTreeMap<Vec<u8>, usize>,
    scratch: Vec<u8>,
}

impl Numbered {
    /// The value's number, and whether it is new: numbers count from 0. None is null.
    pub fn number(
        &mut self,
        value: Option<Json<'_>>,
        memory: &Memory,
    ) -> Result<(usize, bool), Trouble> {
        self.encode(value);
        if let Some(number) = self.numbers.get(&self.scratch) {
            return Ok((*number, false));
        }
        memory.hold(self.scratch.len() + OVERHEAD)?;
        let number = self.numbers.len();
        self.numbers.insert(self.scratch.clone(), number);
        Ok((number, true))
    }

    /// The number of a value that is there.
    pub fn find(&mut self, value: Option<Json<'_>>) -> Option<usize> {
        self.encode(value);
        self.numbers.get(&self.scratch).copied()
    }

    /// The numbers in the order of their values.
    pub fn in_order(&self) -> impl Iterator<Item = usize> {
        self.numbers.values().copied()
    }

    /// What [`Numbered::number`] held for all of them.
    pub fn held(&self) -> usize {
        self.numbers.keys().map(|key| key.len() + OVERHEAD).sum()
    }

    fn encode(&mut self, value: Option<Json<'_>>) {
        self.scratch.clear();
        match value {
            Some(value) => order::encode(value, &mut self.scratch),
            None => order::encode_missing(&mut self.scratch),
        }
    }
}
