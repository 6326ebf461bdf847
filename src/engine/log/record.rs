//! What a commit says.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::engine::checkpoint::manifest::ManifestRef;
use crate::engine::digest::TableSum;
use crate::engine::document::Document;
use crate::engine::numbers::id;
use crate::engine::state::Validate;
use crate::host::UnixMillis;
use crate::text::fixed_hex;

/// The format of records that need no later one.
pub const VERSION: u32 = 1;
/// What a record has that tells of a schema or an index: who does not know of them would write rows that
/// break them, and leave them out of the next checkpoint.
pub const WITH_RULES: u32 = 2;
/// What a message has that refers to a text file with its record: who does not know of that would miss a
/// commit. The record itself has one of the versions above.
pub const IN_TEXT: u32 = 3;

/// A commit's place. Epochs rise with every open of the database, sequence numbers with every
/// commit; no pair is ever used for two different commits.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct CommitId(pub u64, pub u64);

impl CommitId {
    pub fn epoch(self) -> u64 {
        self.0
    }

    pub fn seq(self) -> u64 {
        self.1
    }

    /// Reads what it is displayed as.
    pub fn parse(text: &str) -> Option<CommitId> {
        let (epoch, seq) = text.split_once('.')?;
        Some(CommitId(epoch.parse().ok()?, seq.parse().ok()?))
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// A commit's place and checksum: enough to know it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link {
    pub id: CommitId,
    pub crc: u32,
}

impl Serialize for Link {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.id.0, self.id.1, crc_text(self.crc)).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Link {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (epoch, seq, crc) = <(u64, u64, String)>::deserialize(deserializer)?;
        let crc = parse_crc(&crc)
            .ok_or_else(|| serde::de::Error::custom("a checksum has 8 hexadecimal digits"))?;
        Ok(Link {
            id: CommitId(epoch, seq),
            crc,
        })
    }
}

/// A checksum as it is written: 8 small hexadecimal digits.
pub fn crc_text(crc: u32) -> String {
    format!("{crc:08x}")
}

pub fn parse_crc(text: &str) -> Option<u32> {
    fixed_hex(text, 8).and_then(|crc| u32::try_from(crc).ok())
}

/// Whose doing a commit is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// The interaction's id: how a command finds out whether it was carried out.
    #[serde(rename = "i")]
    pub interaction: String,
    #[serde(rename = "u")]
    pub user: String,
    #[serde(rename = "c")]
    pub command: String,
}

/// Somebody's part of a commit: the ops of all parts stand one after the other, in the order of
/// the parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    #[serde(flatten)]
    pub origin: Origin,
    /// How many of the record's ops.
    #[serde(rename = "n", skip_serializing_if = "is_one")]
    pub ops: usize,
}

fn is_one(n: &usize) -> bool {
    *n == 1
}

/// One commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub v: u32,
    pub epoch: u64,
    pub seq: u64,
    /// The commit that this one follows; none for the first.
    pub prev: Option<Link>,
    /// When the writer built it, by its own clock: for people, never for order.
    pub at: UnixMillis,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<Part>,
    /// Empty in a record that only settles who owns the log.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ops: Vec<Op>,
    /// Each touched table after the ops.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sum: BTreeMap<String, TableSum>,
}

impl Record {
    pub fn id(&self) -> CommitId {
        CommitId(self.epoch, self.seq)
    }

    /// Who asked for the op with this number.
    pub fn origin_of(&self, op: usize) -> Option<&Origin> {
        let mut end = 0;
        let part = self.by.iter().find(|part| {
            end += part.ops;
            op < end
        })?;
        Some(&part.origin)
    }

    /// The commit up to which this one is a checkpoint, and its manifest.
    pub fn checkpoint(&self) -> Option<(Link, &ManifestRef)> {
        self.ops.iter().find_map(|op| match op {
            Op::Checkpoint { head, manifest } => Some((*head, manifest)),
            _ => None,
        })
    }

    /// Where the history goes on past records that are removed.
    pub fn gaps(&self) -> impl Iterator<Item = (Link, Option<Link>)> {
        self.ops.iter().flat_map(|op| match op {
            Op::Erased { gaps, .. } => gaps.iter().copied(),
            _ => [].iter().copied(),
        })
    }
}

/// One change, as a full after-image: applying it twice is applying it once.
/// [`super::op_fields`] reads it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Op {
    /// The database begins.
    Init {
        database: String,
        private: bool,
        /// The object that writes this log from now on.
        #[serde(skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
    },
    /// Another object writes this log from now on.
    Takeover {
        owner: String,
        /// The message with its notice.
        #[serde(with = "id")]
        notice: u64,
    },
    CreateTable {
        table: String,
        /// Names the table for good; names may be reused, ids not.
        id: u32,
        /// The top-level field that holds a row's key.
        pk: String,
        /// Whether its rows are shown as messages.
        #[serde(skip_serializing_if = "bool::clone")]
        mirror: bool,
    },
    RenameTable {
        table: String,
        to: String,
    },
    DropTable {
        table: String,
    },
    CreateIndex {
        table: String,
        /// Names the index for good, from the same counter as those of tables.
        id: u32,
        /// The paths that it is over.
        fields: Vec<String>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        unique: bool,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        sparse: bool,
    },
    DropIndex {
        table: String,
        id: u32,
    },
    /// The table's rows are held against another schema from now on, or against none.
    SetSchema {
        table: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        schema: Option<Document>,
        /// The ids of the tables that its references name, in their order.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        refs: Vec<u32>,
        #[serde(skip_serializing_if = "Validate::is_strict")]
        validate: Validate,
    },
    /// Everything up to `head` stands in the files that the manifest names.
    Checkpoint {
        head: Link,
        manifest: ManifestRef,
    },
    /// No copy is left of rows that were deleted for good up to this commit.
    Erased {
        up_to: CommitId,
        /// Records that are removed, each run of them by its newest, and what comes before the run.
        /// Written ahead of the removal, with an `up_to` before every commit.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        gaps: Vec<(Link, Option<Link>)>,
    },
    /// The database ends; what is left of it is removed from the guild.
    DropDatabase {
        database: String,
    },
    Put {
        table: String,
        key: String,
        rev: u64,
        doc: Document,
    },
    Delete {
        table: String,
        key: String,
        /// One more than the deleted revision.
        rev: u64,
        /// No copy of the row is to remain anywhere.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        hard: bool,
    },
}

impl Op {
    /// The table and the key of the row that it writes, if it is of a row.
    pub fn row(&self) -> Option<(&str, &str)> {
        match self {
            Op::Put { table, key, .. } | Op::Delete { table, key, .. } => Some((table, key)),
            _ => None,
        }
    }

    /// About how long it is as JSON.
    pub fn size(&self) -> usize {
        const AROUND: usize = 80;
        AROUND
            + match self {
                Op::Put { key, doc, .. } => key.len() + doc.text().len(),
                Op::Delete { key, .. } => key.len(),
                Op::Erased { gaps, .. } => gaps.len() * AROUND,
                Op::CreateIndex { fields, .. } => fields.iter().map(String::len).sum(),
                Op::SetSchema { schema, .. } => {
                    schema.as_ref().map_or(0, |schema| schema.text().len())
                }
                _ => 0,
            }
    }

    /// A few words for people who look at the log.
    pub fn summary(&self) -> String {
        match self {
            Op::Init { database, .. } => format!("{database} init"),
            Op::Takeover { .. } => "takeover".to_owned(),
            Op::CreateTable { table, .. } => format!("{table} create_table"),
            Op::RenameTable { table, to } => format!("{table} rename_table to {to}"),
            Op::DropTable { table } => format!("{table} drop_table"),
            Op::CreateIndex { table, fields, .. } => {
                format!("{table} create_index {}", fields.join(","))
            }
            Op::DropIndex { table, id } => format!("{table} drop_index {id}"),
            Op::SetSchema { table, schema, .. } => match schema {
                Some(_) => format!("{table} set_schema"),
                None => format!("{table} set_schema to none"),
            },
            Op::Checkpoint { head, .. } => format!("checkpoint of commit {}", head.id.seq()),
            Op::Erased { up_to, gaps } if gaps.is_empty() => {
                format!("erased up to commit {}", up_to.seq())
            }
            Op::Erased { gaps, .. } => format!("gaps in the log: {}", gaps.len()),
            Op::DropDatabase { database } => format!("{database} drop_database"),
            Op::Put { table, key, .. } => format!("{table}/{key} put"),
            Op::Delete { table, key, .. } => format!("{table}/{key} delete"),
        }
    }
}
