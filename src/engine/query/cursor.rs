//! Where a page of results ended, as a text that people hand back to get the next.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::filter::Filter;
use super::sort::Sort;
use crate::engine::document;
use crate::error::{Error, ErrorKind, Result};

/// How long sort key and row key may be together: with what a reply says beside it, the cursor must fit a
/// message of 2,000 characters.
pub const CURSOR_KEY_BYTES: usize = 1_200;

const VERSION: u8 = 1;

/// The last row of a page. The next page has the rows whose sort keys are greater, whatever came and went;
/// those of all rows are greater than that of the default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cursor {
    /// See [`Sort::key`].
    pub sort_key: Vec<u8>,
    pub row_key: String,
}

/// What a cursor belongs to: the same question about the same table in the same order. `scope` names the
/// table, and whatever else a page depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question([u8; 8]);

impl Question {
    pub fn new(scope: &str, filter: &Filter, sort: &Sort) -> Question {
        let mut hash = Sha256::new();
        let mut add = |part: &str| {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        };
        add(scope);
        add(&document::to_text(filter.source()));
        for field in sort.fields() {
            add(if field.descending { "-" } else { "+" });
            add(field.path.as_str());
        }
        let hash: [u8; 32] = hash.finalize().into();
        Question(*hash.first_chunk().unwrap_or(&[0; 8]))
    }
}

impl Cursor {
    /// As text of `A-Z a-z 0-9 - _`; none if the row is sorted by so long a text that no reply takes it.
    pub fn encode(&self, question: Question) -> Option<String> {
        let row_key_bytes = u16::try_from(self.row_key.len()).ok()?;
        if self.sort_key.len() + self.row_key.len() > CURSOR_KEY_BYTES {
            return None;
        }
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&question.0);
        bytes.extend_from_slice(&row_key_bytes.to_be_bytes());
        bytes.extend_from_slice(self.row_key.as_bytes());
        bytes.extend_from_slice(&self.sort_key);
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// # Errors
    /// What is no cursor, or that of another question.
    pub fn decode(option: &'static str, text: &str, question: Question) -> Result<Cursor> {
        let (of, cursor) = read(text.trim()).ok_or_else(|| {
            Error::invalid(option, "this is no cursor, or a part of one.")
                .hint("Copy it as a whole from the page before.")
        })?;
        if of != question {
            let message = "this cursor belongs to another query, table or order.";
            return Err(Error::new(ErrorKind::Conflict, message)
                .option(option)
                .hint("Ask what the page before was asked, or leave the cursor out."));
        }
        Ok(cursor)
    }
}

fn read(text: &str) -> Option<(Question, Cursor)> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (content, sum) = bytes.split_last_chunk::<4>()?;
    if crc32fast::hash(content).to_be_bytes() != *sum {
        return None;
    }
    let rest = content.strip_prefix(&[VERSION])?;
    let (question, rest) = rest.split_first_chunk::<8>()?;
    let (row_key_bytes, rest) = rest.split_first_chunk::<2>()?;
    let (row_key, sort_key) = rest.split_at_checked(u16::from_be_bytes(*row_key_bytes).into())?;
    let cursor = Cursor {
        sort_key: sort_key.to_vec(),
        row_key: std::str::from_utf8(row_key).ok()?.to_owned(),
    };
    Some((Question(*question), cursor))
}

#[cfg(test)]
mod tests;
