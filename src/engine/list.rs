//! `/dbc_databases`: the databases of a guild, by its channels.

use super::layout;
use super::object_storage::DatabaseKeys;
use super::{Engine, not_written};
use crate::error::Result;
use crate::host::Host;

/// A database as it can be told without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub name: String,
    /// Its log; several where a lost answer left a twin, none where it was deleted by hand.
    pub logs: Vec<u64>,
    pub contents: Contents,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// It is open: exact.
    Open { tables: usize, rows: u64 },
    /// It is not, so this is how many of its tables have a channel.
    Closed { channels: usize },
    /// It was dropped; why its removal does not go on, if it does not.
    BeingRemoved { waits_for: Option<String> },
}

impl<H: Host> Engine<H> {
    /// Lists the databases that this guild has channels of, by name.
    ///
    /// # Errors
    /// When the guild's channels cannot be listed.
    pub async fn list(&self) -> Result<Vec<Listed>> {
        let channels = self.shared.channels().await;
        let channels = channels.map_err(|error| not_written("Listing the databases", &error))?;
        let mut listed = Vec::new();
        for (name, channels) in layout::discover(&channels) {
            let contents = match self.contents(&name) {
                Some(contents) => contents,
                None => self.contents_of_closed(&name, channels.table_count()).await,
            };
            listed.push(Listed {
                contents,
                name,
                logs: channels.logs,
            });
        }
        Ok(listed)
    }

    async fn contents_of_closed(&self, name: &str, channels: usize) -> Contents {
        let keys = DatabaseKeys::new(&*self.shared.host, name);
        match keys.hints().await {
            Ok(hints) if hints.is_dropped => Contents::BeingRemoved {
                waits_for: hints.removal_waits_for,
            },
            _ => Contents::Closed { channels },
        }
    }

    fn contents(&self, name: &str) -> Option<Contents> {
        let database = self.open_database(name)?;
        let opened = database.opened().ok()?;
        let state = &opened.state;
        Some(if state.is_dropped {
            Contents::BeingRemoved {
                waits_for: opened.removal.waits_for.clone(),
            }
        } else {
            Contents::Open {
                tables: state.tables.len(),
                rows: state.tables.values().map(|table| table.sum.rows).sum(),
            }
        })
    }
}
