//! Threads on row messages: a row's earlier revisions.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::history::Past;
use super::table_work::Audit;
use super::{Stop, history_message, row_message};
use crate::discord::model::{Channel, Message};
use crate::discord::{CallError, Patience, routes};
use crate::engine::database::Database;
use crate::engine::log::CommitId;
use crate::engine::state::Shown;
use crate::host::{Host, Level};
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
                    let archived = self.modify(thread, json!({ "archived": true })).await;
                    if let Err(error) = archived {
                        // Discord does it by itself a while later.
                        self.best_effort(&error);
                    }
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
                // Discord announces it in the channel, which is to show rows and nothing else.
                opened.mirror.work(past.table).audit = Audit::Due;
            }),
            Err(error) => self.history_refused(past, error),
        }
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

    /// Removes the thread on a message. Who may not delete threads empties it, since its messages
    /// are ours, and takes the key out of its name.
    pub(super) async fn remove_thread(&self, thread: u64) -> Result<(), Stop> {
        let client = &self.shared.client;
        let route = routes::delete_channel(thread);
        match client.delete(&route, Patience::BACKGROUND).await {
            Ok(()) => return Ok(()),
            Err(error) if error.is_not_found() => return Ok(()),
            Err(CallError::Refused { status: 403, .. }) => {}
            Err(error) => return Err(Stop::Call(error)),
        }
        let unarchived = self.modify(thread, json!({ "archived": false })).await?;
        let me = self.shared.me().await?;
        let route = routes::messages(thread, None);
        let page: Vec<Message> = client.get(&route, Patience::BACKGROUND).await?;
        let own = |message: &&Message| {
            message.author.id == me && history_message::parse(message).is_some()
        };
        let own: Vec<u64> = page.iter().filter(own).map(|message| message.id).collect();
        for &message in own.iter().take(AT_ONCE) {
            self.delete_message(thread, message).await?;
        }
        if own.len() > AT_ONCE {
            return Err(Stop::Unfinished);
        }
        // Names may be changed only twice in ten minutes.
        let body = if unarchived.name.as_deref() == Some(EMPTIED) {
            json!({ "archived": true })
        } else {
            json!({ "name": EMPTIED, "archived": true })
        };
        self.modify(thread, body).await?;
        Ok(())
    }

    async fn modify(&self, channel: u64, body: Value) -> Result<Channel, CallError> {
        let route = routes::modify_channel(channel);
        let client = &self.shared.client;
        client.send(&route, &body, &[], Patience::BACKGROUND).await
    }
}
