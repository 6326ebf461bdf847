//! What a checkpoint says: which tables there are, and which files hold their rows.

use std::collections::BTreeSet;
use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::file_sum::FileSum;
use super::segment::SectionInfo;
use super::text_file::TextRef;
use crate::engine::digest::TableSum;
use crate::engine::gzip;
use crate::engine::log::{CommitId, Link};
use crate::engine::numbers::{id, id_list, optional_id};
use crate::engine::state::{Erasure, TableSchema};
use crate::text::{escape_json, inline, utf16_len};

/// What a packed manifest unpacks to at most: some 100,000 tables.
const UNPACKED_BYTES: usize = 32 * 1024 * 1024;

/// Where a checkpoint's record keeps its manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ManifestRef {
    /// In the record.
    Inline(Box<Manifest>),
    /// In a text file ([`super::text_file`]) made by [`Manifest::pack`].
    Text(TextRef),
}

/// The state of a database at a commit. Readers ignore fields they do not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The last commit that is in it.
    pub head: Link,
    /// The object that writes the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The message by which it announced its takeover; none where there was none.
    #[serde(default, with = "optional_id", skip_serializing_if = "Option::is_none")]
    pub tenure: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private: Option<bool>,
    /// The highest id of a table or index ever given.
    pub last_table_id: u32,
    /// How many checkpoints the database has had, this one counted.
    pub generation: u32,
    /// Rows that were deleted for good and of which copies may be left.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub erasing: Vec<Erasure>,
    /// Channels that were a table's, are left alone and may show rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left: Vec<LeftEntry>,
    /// Channels of dropped tables and indexes that are still to be deleted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<LeftEntry>,
    pub tables: Vec<TableEntry>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<IndexEntry>,
    pub files: Vec<FileEntry>,
}

/// An index, and where it is written what its channel shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexEntry {
    /// The table's id.
    pub of: u32,
    /// The paths that it is over.
    pub fields: Vec<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unique: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sparse: bool,
    /// Its rows have no documents; its name and key field say nothing.
    pub view: TableEntry,
}

/// A channel that a table had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftEntry {
    #[serde(with = "id")]
    pub channel: u64,
    pub table_id: u32,
}

/// A table and where its rows are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableEntry {
    pub name: String,
    pub id: u32,
    pub pk: String,
    pub created: CommitId,
    /// Whether its rows are shown as messages.
    #[serde(default = "yes", skip_serializing_if = "bool::clone")]
    pub mirror: bool,
    /// Its schema, and those before it.
    #[serde(default, skip_serializing_if = "TableSchema::is_none")]
    pub schema: TableSchema,
    /// Its live rows.
    pub sum: TableSum,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tombstones: u64,
    /// Rows whose message does not show them as they are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub behind: u64,
    #[serde(default, with = "optional_id", skip_serializing_if = "Option::is_none")]
    pub channel: Option<u64>,
    /// Messages of rows that are not in the segments have ids from here on.
    #[serde(default, with = "optional_id", skip_serializing_if = "Option::is_none")]
    pub scan_from: Option<u64>,
    /// Oldest first: a row in a later one replaces that in an earlier one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<SegmentEntry>,
}

/// The rows that changed in the generations `from < g <= to`, by key over one or several files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentEntry {
    pub from: u32,
    pub to: u32,
    pub parts: Vec<PartEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartEntry {
    /// Which of [`Manifest::files`].
    pub file: usize,
    /// Which of the file's sections.
    pub section: usize,
    pub info: SectionInfo,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    pub name: String,
    pub sum: FileSum,
    pub bytes: u64,
    pub place: Place,
}

impl FileEntry {
    /// How a message refers to it, where it is text.
    pub fn text_ref(&self) -> TextRef {
        TextRef {
            messages: self.place.messages().to_vec(),
            sum: self.sum,
            bytes: self.bytes,
        }
    }
}

/// Where in the log channel a file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    Attachment {
        #[serde(with = "id")]
        message: u64,
        /// Which of the message's attachments.
        #[serde(default, skip_serializing_if = "is_first")]
        index: usize,
    },
    /// A text file ([`super::text_file`]), a message a part, in their order.
    Text {
        #[serde(with = "id_list")]
        messages: Vec<u64>,
    },
}

impl Place {
    /// The messages that the file is in.
    pub fn messages(&self) -> &[u64] {
        match self {
            Place::Attachment { message, .. } => std::slice::from_ref(message),
            Place::Text { messages } => messages,
        }
    }
}

/// Why a packed manifest cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestError(pub String);

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the manifest is damaged: {}", self.0)
    }
}

impl Manifest {
    /// How many characters (UTF-16 code units) of a record it takes when it stands inline.
    pub fn inline_len(&self) -> usize {
        utf16_len(&escape_json(&self.to_json()))
    }

    /// The bytes of the file that a [`ManifestRef::Text`] refers to.
    pub fn pack(&self) -> Bytes {
        gzip::pack(self.to_json().as_bytes()).into()
    }

    /// Takes back [`Manifest::pack`].
    ///
    /// # Errors
    /// [`ManifestError`], also when it fails [`Manifest::check`].
    pub fn unpack(bytes: &[u8], sum: FileSum) -> Result<Manifest, ManifestError> {
        let actual = FileSum::of(bytes);
        if actual != sum {
            return Err(ManifestError(format!(
                "its checksum is {actual} instead of {sum}"
            )));
        }
        let json = gzip::unpack(bytes, UNPACKED_BYTES).map_err(ManifestError)?;
        let manifest: Manifest = serde_json::from_slice(&json)
            .map_err(|error| ManifestError(format!("it is no manifest: {error}")))?;
        manifest.check()?;
        Ok(manifest)
    }

    /// Whether what it says can be true.
    ///
    /// # Errors
    /// Names the table and what is wrong about it.
    pub fn check(&self) -> Result<(), ManifestError> {
        if self.generation > u32::MAX / 2 || self.last_table_id == u32::MAX {
            let why = "it has a number that leaves no room for a next one";
            return Err(ManifestError(why.to_owned()));
        }
        let mut names = BTreeSet::new();
        let mut ids = BTreeSet::new();
        let tables: BTreeSet<u32> = self.tables.iter().map(|table| table.id).collect();
        let no_table = |index: &&IndexEntry| !tables.contains(&index.of);
        if let Some(index) = self.indexes.iter().find(no_table) {
            let why = format!("index {} is of no table", index.view.id);
            return Err(ManifestError(why));
        }
        let of_indexes = self.indexes.iter().map(|index| &index.view);
        for table in self.tables.iter().chain(of_indexes) {
            let wrong = if !names.insert(&table.name) {
                "is named twice".to_owned()
            } else if !ids.insert(table.id) {
                format!("has the id {} of another", table.id)
            } else if table.id > self.last_table_id {
                format!("has the id {}, which was never given", table.id)
            } else if let Err(why) = self.check_segments(table) {
                why
            } else {
                continue;
            };
            let name = inline(&table.name);
            return Err(ManifestError(format!("table `{name}` {wrong}")));
        }
        Ok(())
    }

    fn check_segments(&self, table: &TableEntry) -> Result<(), String> {
        let mut covered = 0;
        for segment in &table.segments {
            if segment.from < covered || segment.to <= segment.from || segment.to > self.generation
            {
                return Err(format!(
                    "has a segment of the generations {} to {} after {covered} of {}",
                    segment.from, segment.to, self.generation
                ));
            }
            covered = segment.to;
            let mut last: Option<&str> = None;
            for part in &segment.parts {
                if part.file >= self.files.len() {
                    return Err(format!("needs file {}, which is not there", part.file));
                }
                if part.info.table != table.id {
                    return Err(format!("has rows of the table with id {}", part.info.table));
                }
                if part.info.lines == 0 {
                    continue;
                }
                if last.is_some_and(|last| part.info.first.as_str() <= last) {
                    return Err("has parts out of order".to_owned());
                }
                last = Some(&part.info.last);
            }
        }
        Ok(())
    }

    fn to_json(&self) -> String {
        // Writing these types to a string has no way to fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

fn yes() -> bool {
    true
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

fn is_first(index: &usize) -> bool {
    *index == 0
}

#[cfg(test)]
mod tests;
