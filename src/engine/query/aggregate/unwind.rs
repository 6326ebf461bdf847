//! `$unwind`: a row for each item of a list.

use super::Trouble;
use super::expression::Name;
use super::put::{put, within};
use super::run::Row;
use crate::engine::query::json::{Json, Kind};
use crate::engine::query::path::Go;
use crate::error::Result;

#[derive(Debug, Clone)]
pub(super) struct Unwind {
    pub path: Box<[Name]>,
    /// Where the item's number goes.
    pub index: Option<Box<[Name]>>,
    /// Whether rows without items stay.
    pub keeps_empty: bool,
}

impl Unwind {
    /// Hands on what becomes of a row: one for each item, and what is no list as it is.
    pub fn apply<'a>(
        &self,
        row: Row<'a>,
        on: &mut dyn FnMut(Result<Row<'a>, Trouble>) -> Result<Go>,
    ) -> Result<Go> {
        let found = within(Json::new(&row), &self.path);
        let list = match found {
            Some(list) if list.kind() == Kind::Array => list,
            Some(value) if value.kind() != Kind::Null => {
                return on(self.numbered(row, None));
            }
            _ if self.keeps_empty => return on(self.numbered(row, None)),
            _ => return Ok(Go::On),
        };
        // What stands before and after it is found once, not for each item.
        let text = list.text();
        let start = (text.as_ptr() as usize).saturating_sub(row.as_ptr() as usize);
        let before = row.get(..start).unwrap_or_default();
        let after = row.get(start + text.len()..).unwrap_or_default();
        let mut is_empty = true;
        for (index, item) in list.items().enumerate() {
            is_empty = false;
            let one = Row::Owned([before, item.text(), after].concat());
            let one = self.numbered(one, Some(index));
            if on(one)? == Go::Stop {
                return Ok(Go::Stop);
            }
        }
        if is_empty && self.keeps_empty {
            let mut without = String::new();
            let put = put(Some(Json::new(&row)), &self.path, None, &mut without);
            return on(put.and_then(|_| self.numbered(Row::Owned(without), None)));
        }
        Ok(Go::On)
    }

    fn numbered<'a>(&self, row: Row<'a>, index: Option<usize>) -> Result<Row<'a>, Trouble> {
        let Some(path) = &self.index else {
            return Ok(row);
        };
        let index = index.map_or_else(|| "null".to_owned(), |index| index.to_string());
        let mut out = String::new();
        put(Some(Json::new(&row)), path, Some(&index), &mut out)?;
        Ok(Row::Owned(out))
    }
}
