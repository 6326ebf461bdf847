//! What is kept in object storage: who may write, what was last stored, and hints that save
//! requests. Never row data: with all of it wiped, nothing is lost. `docs/format.md` lists all keys,
//! the instance's and the object's too.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::log::{CommitId, Link};
use crate::error::{Error, ErrorKind, Result, Written};
use crate::host::{Host, StorageError, UnixMillis};

/// The last commit that was stored as ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Floor {
    pub link: Link,
    pub message: u64,
}

/// A log that may not be read yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    pub until: UnixMillis,
    /// The message that announced a takeover; none where storage is new.
    #[serde(default)]
    pub notice: Option<u64>,
}

/// Where things are. May be missing or stale: everything in it can be found again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hints {
    pub log: Option<u64>,
    #[serde(default)]
    pub catalog: Option<u64>,
    #[serde(default)]
    pub category: Option<u64>,
    /// Table channels by table id, and those of dropped tables until they are gone.
    #[serde(default)]
    pub tables: BTreeMap<u32, u64>,
    /// Channels that may show rows and are left alone - somebody took the mark out of the topic - with
    /// the table whose they were.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub left: BTreeMap<u64, u32>,
    /// Names of tables, to be suggested before the log is read.
    #[serde(default)]
    pub table_names: Vec<String>,
    /// Up to here every row and card stands in its channel.
    #[serde(default)]
    pub mirrored: Option<CommitId>,
    /// When the channels were last about to be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worked_at: Option<UnixMillis>,
    /// The oldest commit that replaced a revision which is not in its row's thread yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history_from: Option<CommitId>,
    /// Messages of the log that are no commits and never will be, still to be deleted.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub void: BTreeSet<u64>,
    /// Tables whose rows could not be had when that was last tried, and why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub damaged: BTreeMap<u32, String>,
    /// The database was dropped and is being removed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_dropped: bool,
    /// Why that did not go on when it was last tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removal_waits_for: Option<String>,
    /// The database was dropped, and nothing but its log was left of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_removed: bool,
    /// A checkpoint is due, earlier revisions wait for their threads, or copies of deleted rows or void
    /// records are still to be removed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_unfinished: bool,
}

/// The keys of one database in object storage.
pub struct DatabaseKeys<'a, H> {
    host: &'a H,
    database: &'a str,
}

impl<'a, H: Host> DatabaseKeys<'a, H> {
    pub fn new(host: &'a H, database: &'a str) -> Self {
        DatabaseKeys { host, database }
    }

    pub async fn epoch(&self) -> Result<Option<u64>> {
        self.load("epoch").await
    }

    pub async fn floor(&self) -> Result<Option<Floor>> {
        self.load("floor").await
    }

    pub async fn hints(&self) -> Result<Hints> {
        Ok(self.load("hints").await?.unwrap_or_default())
    }

    pub async fn store_epoch(&self, epoch: u64) -> Result<()> {
        self.store("epoch", &epoch).await
    }

    pub async fn store_floor(&self, floor: &Floor) -> Result<()> {
        self.store("floor", floor).await
    }

    pub async fn store_hints(&self, hints: &Hints) -> Result<()> {
        self.store("hints", hints).await
    }

    pub async fn wait(&self) -> Result<Option<Wait>> {
        self.load("wait").await
    }

    pub async fn store_wait(&self, wait: &Wait) -> Result<()> {
        self.store("wait", wait).await
    }

    pub async fn is_unsettled(&self) -> Result<bool> {
        Ok(self.load("unsettled").await?.unwrap_or(false))
    }

    pub async fn store_unsettled(&self) -> Result<()> {
        self.store("unsettled", &true).await
    }

    pub async fn forget_unsettled(&self) -> Result<()> {
        self.remove("unsettled").await
    }

    pub async fn forget_wait(&self) -> Result<()> {
        self.remove("wait").await
    }

    pub async fn forget_floor(&self) -> Result<()> {
        self.remove("floor").await
    }

    /// Forgets all that is known of the database. The hints go first: without the floor, they
    /// would tell of a database whose storage was lost.
    pub async fn forget(&self) -> Result<()> {
        for what in ["hints", "floor", "unsettled", "wait", "epoch"] {
            self.remove(what).await?;
        }
        Ok(())
    }

    /// Whether there is background work to do, as far as storage knows.
    pub async fn is_behind(&self) -> bool {
        let (Ok(Some(floor)), Ok(hints)) = (self.floor().await, self.hints().await) else {
            return false;
        };
        hints.is_unfinished || hints.mirrored < Some(floor.link.id)
    }

    fn key(&self, what: &str) -> String {
        format!("db/{}/{what}", self.database)
    }

    async fn load<T: DeserializeOwned>(&self, what: &str) -> Result<Option<T>> {
        let text = self
            .host
            .load(&self.key(what))
            .await
            .map_err(storage_failed)?;
        let Some(text) = text else { return Ok(None) };
        // What cannot be read is as good as wiped, except the floor: ignoring it could hide a
        // stale read of the log.
        match serde_json::from_str(&text) {
            Ok(value) => Ok(Some(value)),
            Err(_) if what != "floor" => Ok(None),
            Err(error) => Err(Error::new(
                ErrorKind::Corrupt,
                format!(
                    "Database `{}`: the object's note of its last commit cannot be read ({error}).",
                    self.database
                ),
            )
            .hint("Report this; the data itself is in Discord and was not touched.")),
        }
    }

    async fn store<T: Serialize>(&self, what: &str, value: &T) -> Result<()> {
        let text = serde_json::to_string(value)
            .map_err(|error| storage_failed(StorageError(error.to_string())))?;
        self.host
            .store(&self.key(what), &text)
            .await
            .map_err(storage_failed)
    }

    async fn remove(&self, what: &str) -> Result<()> {
        let key = self.key(what);
        self.host.remove(&key).await.map_err(storage_failed)
    }
}

/// Names of databases that storage knows of.
pub async fn known_databases<H: Host>(host: &H) -> Result<Vec<String>> {
    let entries = host.load_prefix("db/").await.map_err(storage_failed)?;
    let mut names: Vec<String> = entries
        .iter()
        .filter_map(|(key, _)| key.strip_prefix("db/")?.strip_suffix("/hints"))
        .map(str::to_owned)
        .collect();
    names.dedup();
    Ok(names)
}

pub fn storage_failed(error: StorageError) -> Error {
    Error::new(
        ErrorKind::Unavailable,
        format!("The Durable Object's storage failed: {error}."),
    )
    .written(Written::No)
    .hint("Try again in a minute.")
}
