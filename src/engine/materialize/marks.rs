//! Which channels are whose, by what is remembered and by the marks that they carry. A table that
//! is shown has one; every other with its mark goes.

use std::collections::{BTreeMap, BTreeSet};

use super::cards::Cards;
use super::mirror::Mirror;
use super::table_work::TableWork;
use super::work::Lane;
use crate::engine::layout::DatabaseChannels;
use crate::engine::log::CommitId;
use crate::engine::state::State;

/// A channel to be deleted.
#[derive(Debug, Clone, Copy)]
pub(super) struct ChannelDrop {
    pub table: u32,
    /// What it waits for since.
    pub at: CommitId,
    /// The table is there, but this is not its channel: what stands in it has been posted into the
    /// other one, or will be.
    pub is_spare: bool,
}

impl Mirror {
    /// Whether the channels are to be looked at before anything else.
    pub(super) fn needs_verification(&self) -> bool {
        !self.is_verified
    }

    pub(super) fn is_unverified_behind(&self) -> bool {
        !self.is_verified && self.was_behind
    }

    /// Compares what is remembered with the channels that carry our marks. Those that do not are
    /// lost: deleted, or no longer ours. What is `hidden` is not lost: its mark cannot be read now.
    /// Comes back with marked channels of tables that this database never had.
    pub(super) fn verify(
        &mut self,
        found: &DatabaseChannels,
        hidden: &BTreeSet<u64>,
        state: &mut State,
    ) -> Vec<u64> {
        self.is_verified = true;
        for (table, _) in self.lost(found, hidden) {
            self.channel_lost(table, state);
        }
        // Whether it has the table's name cannot be seen: it gets it once it can.
        let head = state.head_id().unwrap_or_default();
        for (&table, channel) in &self.channels {
            if hidden.contains(channel) {
                self.renames.entry(table).or_insert(head);
            }
        }
        self.take_in_marks(found, state)
    }

    /// Tables' channels that are remembered and do not carry the table's mark. Of hidden ones that is
    /// not known.
    pub(super) fn lost(&self, found: &DatabaseChannels, hidden: &BTreeSet<u64>) -> Vec<(u32, u64)> {
        let channels = self
            .channels
            .iter()
            .map(|(&table, &channel)| (table, channel));
        let lost = channels.filter(|&(table, channel)| {
            !found.is_tables(table, channel) && !hidden.contains(&channel)
        });
        lost.collect()
    }

    /// Every channel that is remembered, of tables and of what is to be deleted.
    pub(super) fn known_channels(&self) -> impl Iterator<Item = u64> {
        self.channels.values().chain(self.drops.keys()).copied()
    }

    /// A channel of a dropped database is gone.
    pub(super) fn forget_channel(&mut self, channel: u64) {
        self.channels.retain(|_, known| *known != channel);
        self.drops.remove(&channel);
    }

    /// What storage keeps of the channels: also those of dropped tables, as long as they are there.
    /// Ids are given once, so they stand beside the others.
    pub(super) fn stored_channels(&self) -> BTreeMap<u32, u64> {
        let dropped = self.drops.iter().filter(|(_, drop)| !drop.is_spare);
        let dropped = dropped.map(|(&channel, drop)| (drop.table, channel));
        let own = self
            .channels
            .iter()
            .map(|(&table, &channel)| (table, channel));
        dropped.chain(own).collect()
    }

    /// The channels of tables that were dropped before the opening are still to go: one that is hidden
    /// is found nowhere else.
    pub(super) fn take_in_dropped(&mut self, state: &State) {
        let is_known = |view: u32| state.view(view).is_some();
        let dropped = self.channels.extract_if(.., |&table, _| !is_known(table));
        let dropped: Vec<(u32, u64)> = dropped.collect();
        let head = state.head_id().unwrap_or_default();
        for (table, channel) in dropped {
            // One that was never given is not ours.
            if table <= state.last_table_id {
                self.drop_channel(table, channel, head);
            }
        }
        self.rewind(None);
    }

    /// Messages that should not be in the table's channel.
    pub(in crate::engine) fn remove_messages(&mut self, table: u32, messages: Vec<u64>) {
        let extra = &mut self.work(table).extra;
        extra.extend(messages);
        extra.sort_unstable();
        extra.dedup();
    }

    /// Whether channels of dropped tables and indexes may be there still, and in them what rows said. Of a
    /// dropped index, nobody knows any more which table's it was.
    pub(in crate::engine) fn may_have_dropped(&self) -> bool {
        self.is_unverified_behind() || self.drops.values().any(|drop| !drop.is_spare)
    }

    /// Gives tables the channels that carry their marks, one each, and notes which are to be
    /// renamed or deleted. Comes back with those of tables that this database never had.
    pub(super) fn take_in_marks(&mut self, found: &DatabaseChannels, state: &State) -> Vec<u64> {
        let head = state.head_id().unwrap_or_default();
        let mut unknown = Vec::new();
        let drops_before = self.drops.len();
        for (&table, marked) in &found.tables {
            let ids = marked.iter().map(|channel| channel.id);
            let known = state.view(table);
            if known.is_none() && table > state.last_table_id {
                unknown.extend(ids);
                continue;
            }
            let mut own = None;
            let name = state.table_of_view(table).map(|(name, _)| name);
            if let Some(name) = name.filter(|_| known.is_some_and(|known| known.mirror)) {
                let oldest = marked.first().map(|channel| channel.id);
                // Rather the one that is remembered: the rows' messages are in it.
                own = self.channels.get(&table).copied().or(oldest);
                self.channels.extend(own.map(|own| (table, own)));
                // One that was another table's may show rows of that.
                self.left
                    .retain(|&channel, of| Some(channel) != own || *of != table);
                let mut marked = marked.iter();
                if marked.any(|channel| Some(channel.id) == own && channel.table != name) {
                    self.renames.entry(table).or_insert(head);
                }
            }
            for channel in ids.filter(|&channel| Some(channel) != own) {
                // Where the table is gone, it is gone for good: ids are given once.
                self.drops.entry(channel).or_insert(ChannelDrop {
                    table,
                    at: head,
                    is_spare: known.is_some(),
                });
            }
        }
        if self.drops.len() > drops_before {
            self.rewind(None);
        }
        unknown
    }

    /// Whether a channel that is to be deleted still carries its table's mark, and is not what the
    /// table is shown in.
    pub(super) fn is_to_go(
        &self,
        channel: u64,
        drop: ChannelDrop,
        found: &DatabaseChannels,
        state: &State,
    ) -> bool {
        let table = drop.table;
        let is_shown = state.view(table).is_some_and(|known| known.mirror);
        let own = self.channel(table);
        let has_other = own.is_some_and(|own| own != channel && found.is_tables(table, own));
        found.is_tables(table, channel) && (!is_shown || has_other)
    }

    /// The table has this channel; one that was just made shows nothing yet.
    pub(super) fn channel_found(
        &mut self,
        table: u32,
        channel: u64,
        is_new: bool,
        state: &mut State,
    ) {
        if state.view(table).is_none() {
            let at = state.head_id().unwrap_or_default();
            self.drop_channel(table, channel, at);
            return;
        }
        if is_new {
            self.channel_lost(table, state);
            self.work(table).channel_is_new();
        }
        self.drops.remove(&channel);
        self.channels.insert(table, channel);
    }

    /// The channel is gone and everything in it with it.
    pub(in crate::engine) fn channel_lost(&mut self, table: u32, state: &mut State) {
        self.channels.remove(&table);
        self.renames.remove(&table);
        self.history.forget_table(table);
        let Some(found) = state.view(table).filter(|view| view.mirror) else {
            return;
        };
        let (created, is_loaded) = (found.created, found.is_loaded);
        self.tables.insert(table, TableWork::default());
        self.cards.want(table, created);
        self.rewind(Some(created));
        self.forget_messages(state, table);
        self.work(table).is_lost = !is_loaded;
        self.table_behind(state, table);
    }

    /// The catalog is gone and every card with it.
    pub(crate) fn catalog_lost(&mut self, state: &State) {
        self.cards = Cards::default();
        for view in state.views() {
            self.cards.want(view.id, view.created);
        }
        self.rewind(None);
    }

    /// The table was dropped: nothing in its channel is of use any more, and it goes.
    pub(super) fn forget_table(&mut self, table: u32, at: CommitId) {
        self.tables.remove(&table);
        self.renames.remove(&table);
        self.went_well(Lane::Table(table));
        self.history.forget_table(table);
        self.cards.want(table, at);
        if let Some(channel) = self.channels.remove(&table) {
            self.drop_channel(table, channel, at);
        }
    }

    /// The channel of a table that is gone.
    pub(super) fn drop_channel(&mut self, table: u32, channel: u64, at: CommitId) {
        let is_spare = false;
        let drop = ChannelDrop {
            table,
            at,
            is_spare,
        };
        self.drops.insert(channel, drop);
    }
}
