//! `/dbc_inspect`: what a database is made of, and how it is doing.

use super::attachments::{self, Access};
use super::database::Database;
use super::layout::{self, Role};
use super::log::CommitId;
use super::materialize::{Backlog, LeftChannel};
use super::permissions::Lacking;
use super::state::Validate;
use crate::discord::model::Channel;
use crate::error::Result;
use crate::host::{Host, UnixMillis};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    pub private: bool,
    pub category: Option<u64>,
    pub log: u64,
    pub catalog: Option<u64>,
    /// The epoch that this opening of the database claimed.
    pub epoch: u64,
    pub head: Option<CommitId>,
    pub tables: Vec<TableInspection>,
    /// How much is not shown in the channels yet.
    pub backlog: usize,
    /// The same by kind, with what is best effort.
    pub waiting: Backlog,
    /// Rows that were deleted for good and of which copies are still being removed.
    pub erasing: usize,
    /// Why that does not go on.
    pub erasing_stalled: Option<String>,
    /// What the topic of the log should begin with, where it does not.
    pub log_mark: Option<String>,
    /// Channels that may show rows and are left alone.
    pub left: Vec<LeftChannel>,
    /// Channels in which the bot lacks permissions, with their names.
    pub lacking: Vec<Lacking>,
    /// The commit up to which the newest checkpoint has everything.
    pub checkpoint: Option<CommitId>,
    /// Why there is no newer one.
    pub checkpoint_stalled: Option<String>,
    /// Commits that no checkpoint covers.
    pub tail: usize,
    /// Why the background stands still, if it does.
    pub stalled: Option<String>,
    pub attachments: Option<Access>,
    pub blocked_until: Option<UnixMillis>,
    pub requests: u64,
    pub heap_bytes: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableInspection {
    pub name: String,
    pub pk: String,
    pub rows: u64,
    pub digest: u64,
    pub channel: Option<u64>,
    /// Whether its rows are shown as messages.
    pub mirror: bool,
    /// Rows whose message is not up to date yet; none while they are not in memory.
    pub behind: Option<u64>,
    /// Why its rows could not be had when that was last tried.
    pub damage: Option<String>,
    /// The version of its schema, and what becomes of rows that break it.
    pub schema: Option<(u32, Validate)>,
    pub indexes: Vec<IndexInspection>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexInspection {
    pub name: String,
    /// `unique`, `sparse`, both or nothing.
    pub rules: &'static str,
    pub channel: Option<u64>,
    /// How many values it has, and how many rows are not shown in its channel; none while they are not in
    /// memory.
    pub values: Option<usize>,
    pub behind: Option<u64>,
}

impl<H: Host> Database<H> {
    /// Describes the database as it is in memory.
    ///
    /// # Errors
    /// When it was closed meanwhile.
    pub async fn inspect(&self) -> Result<Inspection> {
        self.confirm_tenure().await?;
        let attachments = attachments::access(&self.shared).await;
        let left = self.left_channels(None).await;
        // What cannot be found out now is not told.
        let channels = self.shared.channels().await.ok();
        let lacking = match &channels {
            Some(channels) => self.lacking(channels).await.unwrap_or_default(),
            None => Vec::new(),
        };
        let opened = self.opened()?;
        let tables = opened
            .state
            .tables
            .iter()
            .map(|(name, table)| TableInspection {
                name: name.clone(),
                pk: table.pk.clone(),
                rows: table.sum.rows,
                digest: table.sum.digest,
                channel: opened.mirror.channel(table.id),
                mirror: table.mirror,
                damage: table.damage.as_deref().map(str::to_owned),
                schema: table.schema.current().map(|v| (v.number, v.validate)),
                behind: table.is_loaded.then(|| opened.mirror.behind(table.id)),
                indexes: opened
                    .state
                    .indexes_of(table.id)
                    .map(|index| IndexInspection {
                        name: index.definition.name(),
                        rules: index.definition.rules(),
                        channel: opened.mirror.channel(index.id()),
                        values: table.is_loaded.then(|| index.entries.len()),
                        behind: table.is_loaded.then(|| opened.mirror.behind(index.id())),
                    })
                    .collect(),
            });
        Ok(Inspection {
            private: opened.is_private(),
            category: opened.category,
            log: opened.log,
            catalog: opened.catalog,
            epoch: opened.epoch,
            head: opened.state.head_id(),
            tables: tables.collect(),
            backlog: opened.mirror.backlog(),
            waiting: opened.mirror.backlog_by_kind(),
            erasing: opened.state.erasing.len(),
            erasing_stalled: opened.search.stalled().map(str::to_owned),
            log_mark: channels.and_then(|channels| self.missing_mark(&channels, opened.log)),
            left,
            lacking,
            checkpoint: opened.covered_head(),
            checkpoint_stalled: opened.checkpoints.stalled.clone(),
            tail: opened.tail.records,
            stalled: opened.mirror.stalled().map(str::to_owned),
            attachments,
            blocked_until: self.shared.client.blocked_until(),
            requests: self.shared.client.requests_sent(),
            heap_bytes: self.shared.host.heap_bytes(),
        })
    }

    /// What the topic of the log should begin with, if it does not.
    fn missing_mark(&self, channels: &[Channel], log: u64) -> Option<String> {
        let database = self.name.clone();
        let is_marked = layout::is_log(channels, &database, log);
        (!is_marked).then(|| Role::Log { database }.mark())
    }
}
