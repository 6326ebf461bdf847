//! Channels that were a table's and are left alone, since somebody took the mark out of the topic or
//! writes there: rows may be shown in them for ever. And what a checkpoint tells of those that are still to go.

use super::marks::ChannelDrop;
use super::mirror::Mirror;
use crate::discord::model::Channel;
use crate::discord::{CallError, Patience, routes};
use crate::engine::checkpoint::manifest::{LeftEntry, Manifest};
use crate::engine::database::Database;
use crate::engine::state::State;
use crate::host::Host;

/// A channel that may show rows and is none of ours any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftChannel {
    pub channel: u64,
    /// None where the table or index was dropped.
    pub table: Option<String>,
}

impl Mirror {
    /// As a checkpoint keeps them: whoever opens the database with other storage knows of them by that.
    pub(in crate::engine) fn left_entries(&self) -> Vec<LeftEntry> {
        let left = self.left.iter();
        left.map(|(&channel, &table_id)| LeftEntry { channel, table_id })
            .collect()
    }

    /// The same of channels that are to go with their table or index.
    pub(in crate::engine) fn dropped_entries(&self) -> Vec<LeftEntry> {
        let drops = self.drops.iter().filter(|(_, drop)| !drop.is_spare);
        let entry = |(&channel, drop): (&u64, &ChannelDrop)| LeftEntry {
            channel,
            table_id: drop.table,
        };
        drops.map(entry).collect()
    }

    /// Where storage is new, what the checkpoint knows of channels is all that there is: which are left
    /// alone, and which were to go then, or are since.
    pub(in crate::engine) fn recall_channels(&mut self, manifest: &Manifest, state: &State) {
        let left = manifest.left.iter();
        self.left
            .extend(left.map(|left| (left.channel, left.table_id)));
        let head = state.head_id().unwrap_or_default();
        let indexes = manifest.indexes.iter().map(|index| &index.view);
        let views = manifest.tables.iter().chain(indexes);
        let views = views.filter_map(|view| Some((view.id, view.channel?)));
        let dropped = manifest.dropped.iter();
        let dropped = dropped.map(|dropped| (dropped.table_id, dropped.channel));
        for (id, channel) in views.chain(dropped) {
            if state.view(id).is_none() {
                self.drop_channel(id, channel, head);
            }
        }
    }
}

impl<H: Host> Database<H> {
    /// Channels that may show rows of the table, or of any if there is no table of that name any more.
    /// Those that were deleted meanwhile are forgotten.
    pub async fn left_channels(&self, table: Option<&str>) -> Vec<LeftChannel> {
        let Ok(known) = self.opened().map(|opened| {
            let table = table.and_then(|name| opened.state.tables.get(name));
            let id = table.map(|table| table.id);
            let left = opened.mirror.left.iter();
            // Of a dropped index, nobody knows any more which table's it was: any that was there before.
            let is_of = |view: u32, id: u32| {
                let table = opened.state.table_of_view(view);
                view >= id && table.is_none_or(|(_, table)| table.id == id)
            };
            let left = left.filter(|&(_, view)| id.is_none_or(|id| is_of(*view, id)));
            left.map(|(&channel, &table)| (table, channel))
                .collect::<Vec<_>>()
        }) else {
            return Vec::new();
        };
        let mut left = Vec::new();
        let mut is_gone = false;
        for (table, channel) in known {
            // What cannot be found out may be there.
            let is_there = self.is_there(channel).await.unwrap_or(true);
            let told = self.with_opened(|opened| {
                if !is_there {
                    opened.mirror.left.remove(&channel);
                    return None;
                }
                let table = opened.state.table_of_view(table);
                let table = table.map(|(name, _)| name.to_owned());
                Some(LeftChannel { channel, table })
            });
            is_gone |= !is_there;
            left.extend(told.ok().flatten());
        }
        if is_gone {
            self.store_hints().await;
        }
        left
    }

    /// Of channels that are lost, those that were not deleted.
    pub(super) async fn still_there(
        &self,
        lost: Vec<(u32, u64)>,
        all: &[Channel],
    ) -> Result<Vec<(u64, u32)>, CallError> {
        let mut left = Vec::new();
        for (table, channel) in lost {
            // The list leaves out what the bot may not see.
            let is_listed = all.iter().any(|listed| listed.id == channel);
            if is_listed || self.is_there(channel).await? {
                left.push((channel, table));
            }
        }
        Ok(left)
    }

    /// Whether there is such a channel, seen or not.
    async fn is_there(&self, channel: u64) -> Result<bool, CallError> {
        let route = routes::channel(channel);
        let asked = self.shared.client.get::<Channel>(&route, Patience::COMMAND);
        match asked.await {
            Ok(_) | Err(CallError::Refused { status: 403, .. }) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }
}
