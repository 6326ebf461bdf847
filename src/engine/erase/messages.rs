//! Whether a table's channel, or that of one of its indexes, still shows what was deleted for good: a second message of a row, of
//! which nobody keeps track, is as much of a copy as the first.

use std::collections::BTreeMap;

use super::{LATER_MS, Stepped};
use crate::discord::Patience;
use crate::discord::model::Message;
use crate::discord::routes;
use crate::engine::database::{Database, Opened};
use crate::engine::materialize::row_message;
use crate::engine::not_written;
use crate::engine::state::Index;
use crate::error::Result;
use crate::host::Host;
use crate::limits::MESSAGE_PAGE;

/// How far the channels were read, by table and index.
#[derive(Debug, Default)]
pub(super) struct Channels(BTreeMap<u32, Reading>);

#[derive(Debug, Default, Clone, Copy)]
struct Reading {
    after: u64,
    is_done: bool,
}

impl Channels {
    /// The next to be read on, with its table, and from where on.
    fn next(&self, opened: &Opened) -> Option<(u32, u64, u64)> {
        let state = &opened.state;
        let tables = state.erasing.iter().map(|erasure| erasure.table_id);
        let mut views = tables.flat_map(|table| {
            let indexes = state.indexes_of(table).map(Index::id);
            std::iter::once(table).chain(indexes)
        });
        views.find_map(|table| {
            let found = state.view(table)?;
            let channel = opened.mirror.channel(table).filter(|_| found.mirror)?;
            let reading = self.0.get(&table).copied().unwrap_or_default();
            (!reading.is_done).then_some((table, channel, reading.after))
        })
    }
}

impl<H: Host> Database<H> {
    /// Reads a page of a channel that may have copies; none once all were read to their end.
    pub(super) async fn look_for_messages(&self, read: &mut Channels) -> Result<Option<Stepped>> {
        let Some((view, channel, after)) = read.next(&*self.opened()?) else {
            return Ok(None);
        };
        let doing = format!(
            "Looking for messages of deleted rows in <#{channel}> (database `{}`)",
            self.name
        );
        let failed = |error| not_written(&doing, &error);
        let me = self.shared.me().await.map_err(failed)?;
        let route = routes::messages_after(channel, after);
        let page = self.shared.client.get(&route, Patience::BACKGROUND);
        let page: Vec<Message> = page.await.map_err(failed)?;
        if page.is_empty() {
            let readable = self.check_readable(channel, after).await;
            readable.map_err(failed)?;
        }
        let is_left = self.with_opened(|opened| {
            let state = &opened.state;
            let is_copy = |message: &&Message| {
                let seen = row_message::parse(message).filter(|_| message.author.id == me);
                seen.is_some_and(|seen| state.is_erased_since(view, &seen.key, seen.at))
            };
            let left: Vec<u64> = page.iter().filter(is_copy).map(|m| m.id).collect();
            let is_left = !left.is_empty();
            opened.mirror.remove_messages(view, left);
            is_left
        })?;
        let reading = read.0.entry(view).or_default();
        if is_left {
            // Read again, once they are removed.
            *reading = Reading::default();
            self.ask_for_alarm().await;
            return Ok(Some(Stepped::Wait(self.shared.host.now() + LATER_MS)));
        }
        let newest = page.iter().map(|message| message.id).max();
        reading.after = newest.unwrap_or(after);
        reading.is_done = page.len() < MESSAGE_PAGE;
        Ok(Some(Stepped::More))
    }
}
