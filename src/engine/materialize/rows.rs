//! A row's message: posted, edited, read again, or removed.

use super::mirror::shown;
use super::{Overflow, Rendered, Stop, index_message, row_message, send};
use crate::discord::model::Message;
use crate::discord::{CallError, Patience, routes};
use crate::engine::database::{Database, Opened};
use crate::engine::log::CommitId;
use crate::engine::state::Shown;
use crate::host::{Host, Level, UnixMillis};

/// What a row's message needs.
enum Step {
    Post {
        at: CommitId,
        rendered: Rendered,
    },
    Edit {
        shown: Shown,
        message: u64,
        at: CommitId,
        rendered: Rendered,
    },
    /// An edit that nobody answered can no longer arrive: what does the message show?
    ReadAgain {
        shown: Shown,
        message: u64,
    },
    /// No copy of the row is to remain.
    Remove {
        message: Option<u64>,
        at: CommitId,
        rev: u64,
    },
    /// Of what the row was when it was deleted for good, before the key was used again.
    RemovePast {
        message: u64,
    },
}

impl<H: Host> Database<H> {
    /// Brings a row's message up to date.
    pub(super) async fn sync_row(&self, table: u32, key: &str) -> Result<(), Stop> {
        let overflow = self.overflow().await;
        let now = self.shared.host.now();
        let next = self.look(|opened| {
            let channel = opened.mirror.channel(table)?;
            Some((
                channel,
                step(opened, self.shared.guild, table, key, overflow)?,
            ))
        })?;
        let Some((channel, step)) = next else {
            return Ok(());
        };
        match step {
            Step::Post { at, rendered } => {
                self.post_row(table, key, channel, at, &rendered, now).await
            }
            Step::Edit {
                shown,
                message,
                at,
                rendered,
            } => {
                let client = &self.shared.client;
                let file = rendered.file.as_ref();
                let edited = send::edit(client, channel, message, &rendered.content, file).await;
                if let Ok(message) = &edited {
                    self.check_unaltered(message, &rendered);
                }
                self.row_edited(table, key, shown, at, edited.map(|_| ()))
            }
            Step::ReadAgain { shown, message } => {
                let route = routes::message(channel, message);
                let read = self.shared.client.get(&route, Patience::BACKGROUND).await;
                self.row_read_again(table, key, shown, read)
            }
            Step::RemovePast { message } => {
                self.remove_row_message(table, channel, message).await?;
                self.show(table, key, Shown::default())
            }
            Step::Remove { message, at, rev } => {
                let is_gone = match message {
                    // One that was not there may have been replaced by another, which only a look at
                    // the channel tells.
                    Some(message) => self.remove_row_message(table, channel, message).await?,
                    // Before its second revision a row has no thread.
                    None if rev > 2 && self.has_threads(table)? => {
                        self.remove_lost_threads(table, channel, key).await?;
                        true
                    }
                    None => true,
                };
                let shown = Shown {
                    at: if is_gone { at } else { CommitId::default() },
                    ..Shown::default()
                };
                self.show(table, key, shown)
            }
        }
    }

    /// Removes a row's message, and first its thread: that would stay, and nobody would know whose it
    /// was. Whether the message was there.
    pub(super) async fn remove_row_message(
        &self,
        view: u32,
        channel: u64,
        message: u64,
    ) -> Result<bool, Stop> {
        if self.has_threads(view)? {
            self.remove_thread(message).await?;
        }
        self.delete_message(channel, message).await
    }

    /// Whether rows' messages there have threads with earlier revisions: those of indexes have none.
    fn has_threads(&self, view: u32) -> Result<bool, Stop> {
        self.look(|opened| !opened.state.indexes.contains_key(&view))
    }

    async fn post_row(
        &self,
        table: u32,
        key: &str,
        channel: u64,
        at: CommitId,
        rendered: &Rendered,
        now: UnixMillis,
    ) -> Result<(), Stop> {
        let identity = format!("{channel}:{key}:{at}");
        let file = rendered.file.as_ref();
        match self
            .post_message(channel, &rendered.content, file, &identity)
            .await
        {
            Ok(message) => {
                // A POST that was repeated is answered with what became of the message since.
                self.check_not_overtaken(std::slice::from_ref(&message), message.author.id)?;
                self.check_unaltered(&message, rendered);
                self.show(table, key, shown(message.id, at, false))
            }
            Err(error) => {
                if error.may_have_happened() {
                    // It may be there all the same: look before the next try.
                    self.change(|opened| opened.mirror.work(table).post_unanswered(now))?;
                }
                Err(error.into())
            }
        }
    }

    fn row_edited(
        &self,
        table: u32,
        key: &str,
        before: Shown,
        at: CommitId,
        edited: Result<(), CallError>,
    ) -> Result<(), Stop> {
        let now = self.shared.host.now();
        match edited {
            Ok(()) => self.change(|opened| {
                let work = opened.mirror.work(table);
                work.edit_accepted();
                // Where an earlier edit may still arrive, this one counts once it was read again.
                if !work.edited(key, at, now) {
                    let shown = Shown { at, ..before };
                    opened.mirror.show(&mut opened.state, table, key, shown);
                }
            }),
            // Deleted by hand: it is posted again.
            Err(error) if error.is_unknown_message() => self.change(|opened| {
                let work = opened.mirror.work(table);
                work.doubt_settled(key);
                work.gone(before);
                let none = Shown::default();
                opened.mirror.show(&mut opened.state, table, key, none);
            }),
            Err(CallError::OldEdits { retry_after_ms }) => {
                let wait = self.change(|opened| {
                    let work = opened.mirror.work(table);
                    work.old_edit_refused(now, retry_after_ms)
                })?;
                let line = format!(
                    "database {}: edits of messages older than an hour wait {wait} ms",
                    self.name
                );
                self.shared.host.log(Level::Warn, &line);
                Ok(())
            }
            Err(error) => {
                if error.may_have_happened() {
                    self.change(|opened| opened.mirror.work(table).doubt(key, now))?;
                }
                Err(error.into())
            }
        }
    }

    fn row_read_again(
        &self,
        table: u32,
        key: &str,
        before: Shown,
        read: Result<Message, CallError>,
    ) -> Result<(), Stop> {
        let message = match read {
            Ok(message) => {
                self.check_not_overtaken(std::slice::from_ref(&message), message.author.id)?;
                Some(message)
            }
            Err(error) if error.is_unknown_message() => None,
            Err(error) => return Err(error.into()),
        };
        self.change(|opened| {
            opened.mirror.work(table).doubt_settled(key);
            let now_shown = match &message {
                None => {
                    opened.mirror.work(table).gone(before);
                    Shown::default()
                }
                Some(message) => {
                    let row = opened.state.view(table).and_then(|view| view.rows.get(key));
                    let at = row.and_then(|row| {
                        let seen = row_message::parse(message)?;
                        let sum = opened.state.stated_sum(table, key)?;
                        (seen.at == row.at && seen.sum == sum).then_some(row.at)
                    });
                    // Otherwise the late edit came over the newer one, which is sent once more.
                    let at = at.unwrap_or_default();
                    Shown { at, ..before }
                }
            };
            opened.mirror.show(&mut opened.state, table, key, now_shown);
        })
    }

    pub(super) fn check_unaltered(&self, message: &Message, rendered: &Rendered) {
        if message.content != rendered.content {
            let line = format!("message {} came back altered", message.id);
            self.shared.host.log(Level::Warn, &line);
        }
    }

    pub(super) fn show(&self, table: u32, key: &str, shown: Shown) -> Result<(), Stop> {
        self.change(|opened| opened.mirror.show(&mut opened.state, table, key, shown))
    }
}

/// What to do about a row now; nothing where it is shown.
fn step(opened: &Opened, guild: u64, table: u32, key: &str, overflow: Overflow) -> Option<Step> {
    let found = opened.state.view(table)?;
    let row = found.rows.get(key).filter(|row| !row.is_shown())?;
    let message = row.shown.message_id();
    if row.hard {
        return Some(Step::Remove {
            message,
            at: row.at,
            rev: row.rev,
        });
    }
    let is_past = |_: &u64| opened.state.is_erased_since(table, key, row.shown.at);
    if let Some(message) = message.filter(is_past) {
        return Some(Step::RemovePast { message });
    }
    let work = opened.mirror.tables.get(&table);
    let is_doubted = work.is_some_and(|work| work.is_doubted(key, row.at));
    if let Some(message) = message.filter(|_| is_doubted) {
        return Some(Step::ReadAgain {
            shown: row.shown,
            message,
        });
    }
    let sum = opened.state.stated_sum(table, key)?;
    let rendered = match opened.state.indexes.get(&table) {
        None => row_message::render(key, row, sum, overflow),
        Some(index) => {
            let of = opened.state.table_by_id(index.of).map(|(_, table)| table);
            let of = of.and_then(|of| of.rows.get(key));
            let link = of.and_then(|of| {
                let message = of.shown.message_id()?;
                let channel = opened.mirror.channel(index.of)?;
                Some(routes::message_link(guild, channel, message))
            });
            let doc = of.and_then(|of| of.doc.as_deref()).unwrap_or_default();
            index_message::render(index, key, row, doc, link.as_deref(), sum)
        }
    };
    Some(match message {
        None => Step::Post {
            at: row.at,
            rendered,
        },
        Some(message) => Step::Edit {
            shown: row.shown,
            message,
            at: row.at,
            rendered,
        },
    })
}
