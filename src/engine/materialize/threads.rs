//! Threads on row messages: a row's earlier revisions. A message has one thread at most, so where
//! somebody began one, the revisions go into that; it stays theirs, to archive and to delete.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::history::Past;
use super::history_message::Seen;
use super::table_work::Audit;
use super::{Stop, history_message, row_message};
use crate::discord::model::{Channel, Message, Thread};
use crate::discord::{CallError, Patience, routes};
use crate::engine::database::Database;
use crate::engine::log::CommitId;
use crate::engine::state::Shown;
use crate::host::{Host, Level};
use crate::limits::MESSAGE_PAGE;
use crate::text::truncate;

/// Minutes without a message after which Discord archives a thread by itself.
const AUTO_ARCHIVE_MINUTES: u32 = 60;
/// Characters of a thread's name.
const NAME: usize = 100;
/// How long to leave threads alone when the guild has no room for another active one.
const AFTER_TOO_MANY_MS: u64 = 10 * 60_000;
/// What a thread is called whose row is gone for good, where it cannot be deleted.
const EMPTIED: &str = "deleted";
/// Messages that a thread is emptied of at a time.
const AT_ONCE: usize = 5;

/// The message has a thread already.
const HAS_A_THREAD: u64 = 160_004;
const TOO_MANY_THREADS: u64 = 160_006;

/// What the thread of a row is called.
pub(super) fn thread_name(key: &str) -> String {
    truncate(key, NAME)
}

/// What the next step of a table's history is.
enum Step {
    Start(Past, u64, Shown),
    /// An object before this one may have posted it.
    Read(Past, u64),
    Post(Past, u64),
    /// The row has no message that a thread could hang on.
    Drop(Past),
    Archive(String, Option<u64>),
}

impl<H: Host> Database<H> {
    /// Does the next step of a table's history: one request.
    pub(super) async fn sync_history(&self, table: u32, channel: u64) -> Result<(), Stop> {
        match self.look(|opened| {
            let shown = |key: &str| {
                let (_, table) = opened.state.table_by_id(table)?;
                let shown = table.rows.get(key)?.shown;
                Some((shown.message_id()?, shown))
            };
            let history = &opened.mirror.history;
            if let Some(past) = history.first(table).cloned() {
                return Some(match shown(&past.key) {
                    None => Step::Drop(past),
                    Some((message, shown)) if shown.thread && past.is_recalled => {
                        Step::Read(past, message)
                    }
                    Some((message, shown)) if shown.thread => Step::Post(past, message),
                    Some((message, shown)) => Step::Start(past, message, shown),
                });
            }
            let key = history.to_archive(table)?.to_owned();
            let message = shown(&key).map(|(message, _)| message);
            Some(Step::Archive(key, message))
        })? {
            None => Ok(()),
            Some(Step::Drop(past)) => self.history_done(&past),
            Some(Step::Start(past, message, shown)) => {
                self.start_thread(&past, channel, message, shown).await
            }
            Some(Step::Read(past, thread)) => self.read_thread(&past, thread).await,
            Some(Step::Post(past, thread)) => self.post_history(&past, thread).await,
            Some(Step::Archive(key, message)) => {
                if let Some(thread) = message {
                    self.archive(thread).await?;
                }
                self.change(|opened| opened.mirror.history.thread_archived(table, &key))
            }
        }
    }

    async fn start_thread(
        &self,
        past: &Past,
        channel: u64,
        message: u64,
        shown: Shown,
    ) -> Result<(), Stop> {
        let body = json!({
            "name": thread_name(&past.key),
            "auto_archive_duration": AUTO_ARCHIVE_MINUTES,
        });
        let route = routes::start_thread(channel, message);
        let client = &self.shared.client;
        let started = client
            .send::<Value>(&route, &body, &[], Patience::BACKGROUND)
            .await;
        let is_new = started.is_ok();
        match started {
            Ok(_)
            | Err(CallError::Refused {
                code: HAS_A_THREAD, ..
            }) => self.change(|opened| {
                let shown = Shown {
                    thread: true,
                    ..shown
                };
                opened
                    .mirror
                    .show(&mut opened.state, past.table, &past.key, shown);
                if is_new {
                    opened.mirror.history.note_ours(message);
                }
                // Discord announces it in the channel, which is to show rows and nothing else.
                opened.mirror.work(past.table).audit = Audit::Due;
            }),
            Err(error) => self.history_refused(past, error),
        }
    }

    /// Archives a thread, if it is ours. Otherwise Discord does it by itself a while later, as with
    /// one for which this fails.
    async fn archive(&self, thread: u64) -> Result<(), Stop> {
        let archived = match self.is_ours(thread).await? {
            Ok(true) => self.modify(thread, json!({ "archived": true })).await,
            Ok(false) => return Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = archived {
            self.best_effort(&error);
        }
        Ok(())
    }

    async fn is_ours(&self, thread: u64) -> Result<Result<bool, CallError>, Stop> {
        if self.look(|opened| opened.mirror.history.is_ours(thread))? {
            return Ok(Ok(true));
        }
        let me = self.shared.me().await?;
        let route = routes::channel(thread);
        let found = self.shared.client.get(&route, Patience::BACKGROUND).await;
        let found: Thread = match found {
            Ok(found) => found,
            Err(error) => return Ok(Err(error)),
        };
        let is_ours = found.owner_id == Some(me);
        if is_ours {
            self.change(|opened| opened.mirror.history.note_ours(thread))?;
        }
        Ok(Ok(is_ours))
    }

    /// Takes what a row's thread has already from what is to be posted there. What waits is newer
    /// than the rest, so the newest page has it.
    async fn read_thread(&self, past: &Past, thread: u64) -> Result<(), Stop> {
        let me = self.shared.me().await?;
        let route = routes::messages(thread, None);
        let client = &self.shared.client;
        let page: Vec<Message> = match client.get(&route, Patience::BACKGROUND).await {
            Ok(page) => page,
            Err(error) => return self.history_refused(past, error),
        };
        let own = page.iter().filter(|message| message.author.id == me);
        let seen = own.filter_map(history_message::parse);
        let seen: BTreeSet<(u64, CommitId)> = seen.map(|seen| (seen.rev, seen.at)).collect();
        self.change(|opened| {
            let history = &mut opened.mirror.history;
            history.thread_read(past.table, &past.key, &seen);
        })
    }

    async fn post_history(&self, past: &Past, thread: u64) -> Result<(), Stop> {
        let overflow = self.overflow().await;
        let sum = row_message::sum(past.table, &past.key, &past.row);
        let rendered = history_message::render(&past.key, &past.row, sum, &past.ending, overflow);
        let identity = format!("{thread}:{}:{}", past.row.rev, past.row.at);
        let file = rendered.file.as_ref();
        match self
            .post_message(thread, &rendered.content, file, &identity)
            .await
        {
            Ok(message) => {
                self.check_unaltered(&message, &rendered);
                self.change(|opened| opened.mirror.history.thread_used(past.table, &past.key))?;
                self.history_done(past)
            }
            Err(error) => self.history_refused(past, error),
        }
    }

    /// A revision could not be put into its thread: later, or never, but rows do not wait for it.
    fn history_refused(&self, past: &Past, error: CallError) -> Result<(), Stop> {
        let now = self.shared.host.now();
        match error {
            CallError::Refused {
                code: TOO_MANY_THREADS,
                ..
            } => {
                self.best_effort(&error);
                self.change(|opened| opened.mirror.history.rests_until = now + AFTER_TOO_MANY_MS)
            }
            CallError::Refused { .. } => {
                self.best_effort(&error);
                self.history_done(past)
            }
            error => Err(Stop::Call(error)),
        }
    }

    fn history_done(&self, past: &Past) -> Result<(), Stop> {
        self.change(|opened| {
            let history = &mut opened.mirror.history;
            history.done(past.table, &past.key, past.by);
        })
    }

    fn best_effort(&self, error: &CallError) {
        let line = format!("database {}: a row's history: {error}", self.name);
        self.shared.host.log(Level::Warn, &line);
    }

    /// Removes the thread on a message.
    pub(super) async fn remove_thread(&self, thread: u64) -> Result<(), Stop> {
        let route = routes::channel(thread);
        let client = &self.shared.client;
        match client.get::<Thread>(&route, Patience::BACKGROUND).await {
            Ok(found) => self.remove_found_thread(&found).await,
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(Stop::Call(error)),
        }
    }

    /// Removes a thread, or what is ours in somebody else's. Who may not delete threads empties it
    /// and takes the key out of its name.
    pub(super) async fn remove_found_thread(&self, found: &Thread) -> Result<(), Stop> {
        let thread = found.id;
        if found.owner_id != Some(self.shared.me().await?) {
            return self.withdraw_from(found, &|_| true).await;
        }
        let client = &self.shared.client;
        let route = routes::delete_channel(thread);
        match client.delete(&route, Patience::BACKGROUND).await {
            Ok(()) => return Ok(()),
            Err(error) if error.is_not_found() => return Ok(()),
            Err(CallError::Refused { status: 403, .. }) => {}
            Err(error) => return Err(Stop::Call(error)),
        }
        let unarchived = self.modify(thread, json!({ "archived": false })).await?;
        let own = self.history_in(found, &|_| true).await?;
        self.delete_some(thread, &own).await?;
        // Names may be changed only twice in ten minutes.
        let body = if unarchived.name.as_deref() == Some(EMPTIED) {
            json!({ "archived": true })
        } else {
            json!({ "name": EMPTIED, "archived": true })
        };
        self.modify(thread, body).await?;
        Ok(())
    }

    /// Deletes what is ours in somebody else's thread, as far as `is_meant`, and leaves it as it was
    /// otherwise.
    pub(super) async fn withdraw_from(
        &self,
        found: &Thread,
        is_meant: &dyn Fn(&Seen) -> bool,
    ) -> Result<(), Stop> {
        let own = self.history_in(found, is_meant).await?;
        if own.is_empty() {
            return Ok(());
        }
        let was_archived = found.thread_metadata.as_ref().is_some_and(|m| m.archived);
        if was_archived {
            self.modify(found.id, json!({ "archived": false })).await?;
        }
        let deleted = self.delete_some(found.id, &own).await;
        if was_archived {
            self.archive_again(found.id).await;
        }
        deleted
    }

    /// Only who may manage threads can; Discord does it by itself later.
    async fn archive_again(&self, thread: u64) {
        if let Err(error) = self.modify(thread, json!({ "archived": true })).await {
            self.best_effort(&error);
        }
    }

    /// Our messages in a thread: of the newest page that has any.
    async fn history_in(
        &self,
        thread: &Thread,
        is_meant: &dyn Fn(&Seen) -> bool,
    ) -> Result<Vec<u64>, Stop> {
        let me = self.shared.me().await?;
        let client = &self.shared.client;
        let is_own = |message: &&Message| {
            message.author.id == me
                && history_message::parse(message).is_some_and(|seen| is_meant(&seen))
        };
        let mut before = None;
        loop {
            let route = routes::messages(thread.id, before);
            let page: Vec<Message> = client.get(&route, Patience::BACKGROUND).await?;
            if page.is_empty() {
                // The permissions in a thread are those in its channel.
                let channel = thread.parent_id.unwrap_or(thread.id);
                self.check_readable(channel, thread.id).await?;
            }
            let own = page.iter().filter(is_own).map(|message| message.id);
            let own: Vec<u64> = own.collect();
            if !own.is_empty() || page.len() < MESSAGE_PAGE {
                return Ok(own);
            }
            before = page.iter().map(|message| message.id).min();
        }
    }

    /// Deletes a few of a thread's messages; unfinished when there may be more.
    async fn delete_some(&self, thread: u64, messages: &[u64]) -> Result<(), Stop> {
        for &message in messages.iter().take(AT_ONCE) {
            self.delete_message(thread, message).await?;
        }
        if messages.is_empty() {
            return Ok(());
        }
        Err(Stop::Unfinished)
    }

    async fn modify(&self, channel: u64, body: Value) -> Result<Channel, CallError> {
        let route = routes::modify_channel(channel);
        let client = &self.shared.client;
        client.send(&route, &body, &[], Patience::BACKGROUND).await
    }
}
