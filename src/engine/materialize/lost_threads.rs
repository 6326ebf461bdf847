//! Threads whose message is gone, as when somebody deleted it by hand: Discord keeps them, with the
//! row's earlier revisions, and no message leads to them any more.

use super::history_message::Seen;
use super::threads::thread_name;
use super::{Stop, row_message};
use crate::discord::model::{Message, Thread, Threads};
use crate::discord::{Patience, routes};
use crate::engine::database::Database;
use crate::engine::digest::RowSum;
use crate::host::Host;

impl<H: Host> Database<H> {
    /// Removes the threads of a row that was deleted for good, and of whose message nothing is
    /// known.
    pub(super) async fn remove_lost_threads(
        &self,
        table: u32,
        channel: u64,
        key: &str,
    ) -> Result<(), Stop> {
        let me = self.shared.me().await?;
        let name = thread_name(key);
        // Somebody else's may be called anything, and have something of ours in it.
        let is_candidate = |thread: &&Thread| {
            thread.parent_id == Some(channel)
                && (thread.owner_id != Some(me) || thread.name.as_ref() == Some(&name))
        };
        let threads = self.threads_of(channel).await?;
        for thread in threads.iter().filter(is_candidate) {
            if self.is_of_another_row(channel, thread.id, key).await? {
                continue;
            }
            if thread.owner_id == Some(me) {
                self.remove_found_thread(thread).await?;
            } else {
                let may_be_of_row = |seen: &Seen| {
                    let text = seen.doc.as_deref().unwrap_or_default();
                    let is_whole = seen.doc.is_some() || seen.is_tombstone;
                    !is_whole || RowSum::of(table, key, seen.rev, text) == seen.sum
                };
                self.withdraw_from(thread, &may_be_of_row).await?;
            }
        }
        Ok(())
    }

    /// All threads of a channel, and the active ones of the others.
    async fn threads_of(&self, channel: u64) -> Result<Vec<Thread>, Stop> {
        let client = &self.shared.client;
        let route = routes::active_threads(self.shared.guild);
        let active: Threads = client.get(&route, Patience::BACKGROUND).await?;
        let mut threads = active.threads;
        let mut before: Option<String> = None;
        loop {
            let route = routes::archived_threads(channel, before.as_deref());
            let page: Threads = client.get(&route, Patience::BACKGROUND).await?;
            let last = page.threads.last();
            let archived = last.and_then(|thread| thread.thread_metadata.as_ref());
            before = archived.map(|metadata| metadata.archive_timestamp.clone());
            threads.extend(page.threads);
            if !page.has_more || before.is_none() {
                return Ok(threads);
            }
        }
    }

    /// Long keys that begin alike have threads of the same name; whose one is, its message tells, if
    /// it is there.
    async fn is_of_another_row(&self, channel: u64, message: u64, key: &str) -> Result<bool, Stop> {
        let route = routes::message(channel, message);
        let client = &self.shared.client;
        match client.get::<Message>(&route, Patience::BACKGROUND).await {
            Ok(message) => Ok(row_message::parse(&message).is_some_and(|seen| seen.key != key)),
            Err(error) if error.is_unknown_message() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}
