//! Segments: the rows of tables as sorted lines of JSON in gzip files.
//!
//! A file holds sections, each of one table: a header line, then a line a row in the order of
//! keys. Header and rows are gzip members of their own, since the header says what only the whole
//! of the rows tells, and rows are packed as they come; `gunzip` shows one text all the same.

mod read;
#[cfg(test)]
mod tests;
mod write;

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::file_sum::FileSum;
use crate::engine::log::CommitId;
use crate::engine::numbers::hex16;

pub use read::{Reader, Section, read_part};
pub use write::Writer;

/// What the first field of every header says.
const FORMAT: &str = "dbcord segment";
/// The format that this code writes, and the newest that it reads.
pub const VERSION: u32 = 1;
/// The longest line: the largest document with what stands around it, and room to spare.
pub const LINE_BYTES: usize = 16 * 1024 * 1024;
/// What a file unpacks to at most: beyond it the next one begins, however well it packs, so that
/// readers can tell a file of ours from one made to exhaust them.
pub const UNPACKED_BYTES: usize = 64 * 1024 * 1024;

/// A row as a checkpoint keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentRow {
    pub key: String,
    pub rev: u64,
    pub at: CommitId,
    /// The document's text; none in a tombstone.
    pub doc: Option<Box<str>>,
    /// The message that shows the row, when there is one.
    pub message: Option<u64>,
    /// The commit that the message shows.
    pub mirrored: Option<CommitId>,
    /// Deleted so that no copy is to remain.
    pub hard: bool,
    /// The row's message has a thread with its history.
    pub thread: bool,
}

impl SegmentRow {
    pub fn borrowed(&self) -> SegmentRowRef<'_> {
        SegmentRowRef {
            key: &self.key,
            rev: self.rev,
            at: self.at,
            doc: self.doc.as_deref(),
            message: self.message,
            mirrored: self.mirrored,
            hard: self.hard,
            thread: self.thread,
        }
    }
}

/// A [`SegmentRow`] to be written, left where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentRowRef<'a> {
    pub key: &'a str,
    pub rev: u64,
    pub at: CommitId,
    /// Compact JSON as [`crate::engine::document::to_text`] writes it.
    pub doc: Option<&'a str>,
    pub message: Option<u64>,
    pub mirrored: Option<CommitId>,
    pub hard: bool,
    pub thread: bool,
}

/// What a section holds: enough to choose it by key and to know it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SectionInfo {
    /// The table's id.
    pub table: u32,
    /// The lowest key; empty when there are no rows.
    pub first: String,
    /// The highest key; empty when there are no rows.
    pub last: String,
    /// All rows, tombstones among them.
    pub lines: u64,
    /// Rows that are no tombstones.
    pub live: u64,
    /// The sum of the live rows' checksums.
    #[serde(with = "hex16")]
    pub digest: u64,
}

/// A finished file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentFile {
    pub bytes: Bytes,
    pub sum: FileSum,
    pub sections: Vec<SectionInfo>,
}

/// Why a segment cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SegmentError {
    Damaged(String),
    /// Written by a version that this one does not know.
    Newer(u32),
}

impl SegmentError {
    fn damaged(why: impl Into<String>) -> Self {
        SegmentError::Damaged(why.into())
    }
}

impl fmt::Display for SegmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SegmentError::Damaged(why) => write!(f, "the segment is damaged: {why}"),
            SegmentError::Newer(version) => write!(
                f,
                "the segment has format version {version}, and this dbcord knows {VERSION} at most: update dbcord"
            ),
        }
    }
}
