//! Reading rows.

use std::ops::Bound;

use super::no_such_row;
use crate::engine::database::Database;
use crate::engine::log::CommitId;
use crate::engine::state::RowView;
use crate::error::Result;
use crate::host::Host;

/// A row as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub rev: u64,
    /// Compact JSON.
    pub doc: String,
    pub at: CommitId,
    /// Its message in the table's channel, once it is there and known.
    pub link: Option<String>,
}

impl<H: Host> Database<H> {
    /// Reads a row: exactly what the last acknowledged write made of it.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::error::ErrorKind) for the table or the row.
    pub async fn get(&self, table: &str, key: &str) -> Result<Found> {
        self.load_table_for_reading(table).await?;
        let opened = self.opened()?;
        let found = opened.state.table(&self.name, table)?;
        let row = found.rows.get(key);
        let live = row.and_then(|row| Some((row, row.doc.as_deref()?)));
        let (row, doc) = live.ok_or_else(|| {
            let tombstone = row.map(|row| RowView {
                rev: row.rev,
                doc: None,
                hard: row.hard,
            });
            no_such_row(&self.name, table, key, tombstone)
        })?;
        let message = opened.mirror.row_message(found.id, row);
        Ok(Found {
            rev: row.rev,
            doc: doc.to_owned(),
            at: row.at,
            link: message.map(|(channel, id)| self.shared.message_link(channel, id)),
        })
    }

    /// Keys that begin with or contain what somebody has typed so far, those that begin with it
    /// first: as far as they are in memory, since suggestions cannot wait.
    pub fn keys_like(
        &self,
        table: &str,
        typed: &str,
        with_deleted: bool,
        limit: usize,
    ) -> Vec<String> {
        let Ok(opened) = self.opened() else {
            return Vec::new();
        };
        let Some(table) = opened.state.tables.get(table).filter(|t| t.is_loaded) else {
            return Vec::new();
        };
        let from = (Bound::Included(typed), Bound::Unbounded);
        let beginning = table
            .rows
            .range::<str, _>(from)
            .take_while(|(key, _)| key.starts_with(typed));
        let small = typed.to_lowercase();
        let containing = table
            .rows
            .iter()
            .filter(|(key, _)| !key.starts_with(typed) && key.to_lowercase().contains(&small));
        beginning
            .chain(containing)
            .filter(|(_, row)| with_deleted || row.doc.is_some())
            .map(|(key, _)| key.clone())
            .take(limit)
            .collect()
    }
}
