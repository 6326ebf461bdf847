//! Brings the channels up to date with the state, in the background, at the pace that Discord
//! allows: rows to messages in their table's channel, tables to cards in `#dbc-catalog`.
//!
//! Work is done oldest first. Where this object does not know what a channel holds - after a cold
//! open - it reads the channel first and adopts what is right already.

pub mod card;
mod mirror;
pub mod row_message;

pub use mirror::Mirror;
pub(crate) use mirror::{Item, Work};

use super::channels::{ChannelError, ChannelMaker};
use super::database::Database;
use super::layout::Role;
use crate::discord::model::Message;
use crate::discord::multipart::File;
use crate::discord::{CallError, Draft, Patience, routes};
use crate::host::{Host, Level, UnixMillis};

/// How long to leave alone what Discord refuses, and what fails on the way.
const AFTER_REFUSAL_MS: u64 = 5 * 60_000;
const AFTER_FAILURE_MS: u64 = 10_000;

/// How far a turn of background work got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Everything shows what the state says.
    Done,
    /// There is more to do, from this time on.
    More(UnixMillis),
}

/// Why a piece of work is not done.
enum Stop {
    Call(CallError),
    Channel(ChannelError),
    /// The database was closed; whoever opens it next starts over.
    Closed,
}

impl From<ChannelError> for Stop {
    fn from(error: ChannelError) -> Self {
        match error {
            ChannelError::Call { error, .. } => Stop::Call(error),
            full @ ChannelError::GuildFull => Stop::Channel(full),
        }
    }
}

impl From<CallError> for Stop {
    fn from(error: CallError) -> Self {
        Stop::Call(error)
    }
}

impl<H: Host> Database<H> {
    /// Works until everything is up to date, or until the client has sent `stop_at` requests in
    /// its life.
    pub async fn materialize(&self, stop_at: u64) -> Progress {
        loop {
            let now = self.shared.host.now();
            let next = self.opened().ok().and_then(|opened| opened.mirror.next());
            let Some(work) = next else {
                self.note_progress().await;
                return Progress::Done;
            };
            if self.shared.client.requests_sent() >= stop_at {
                self.note_progress().await;
                return Progress::More(now);
            }
            let result = match work.item {
                Item::Card { table } => self.mirror_card(&work, table).await,
                Item::Row { table, ref key } => self.mirror_row(&work, table, key).await,
            };
            let stalled = match result {
                Ok(()) => None,
                Err(Stop::Closed) => return Progress::Done,
                Err(Stop::Call(error)) => Some((error.to_string(), again_at(now, &error))),
                Err(Stop::Channel(error)) => {
                    let error = crate::error::Error::from(error);
                    Some((error.message, now + AFTER_REFUSAL_MS))
                }
            };
            let reason = stalled.as_ref().map(|(reason, _)| reason.clone());
            let _ = self.with_opened(|opened| opened.mirror.stalled = reason);
            if let Some((reason, at)) = stalled {
                let line = format!("database {}: background work waits: {reason}", self.name);
                self.shared.host.log(Level::Warn, &line);
                self.note_progress().await;
                return Progress::More(at);
            }
        }
    }

    /// Posts a table's card unless it is there.
    async fn mirror_card(&self, work: &Work, table: u32) -> Result<(), Stop> {
        let rows = self.table_channel(table).await?;
        let catalog = self.catalog_channel().await?;
        if self.look(|opened| opened.mirror.is_catalog_unread())? {
            let messages = self.messages(catalog).await?;
            self.change(|opened| {
                opened.mirror.mark_catalog_read();
                for id in messages.iter().filter_map(|m| card::parse(&m.content)) {
                    opened.mirror.card_done(id);
                }
            })?;
            // Maybe it was there; the caller asks again for what is next.
            return Ok(());
        }
        let content = self.look(|opened| {
            let (name, table) = opened.state.table_by_id(table)?;
            Some(card::render(name, table, rows))
        })?;
        if let Some(content) = content {
            let identity = format!("{catalog}:card:{table}:{}", work.at);
            let posted = self.post_message(catalog, &content, None, &identity).await;
            if let Err(error) = posted {
                if error.is_not_found() {
                    // Deleted by hand: it is made again, and all cards with it.
                    return self.change(|opened| {
                        opened.catalog = None;
                        opened.mirror.catalog_lost(&opened.state);
                    });
                }
                return Err(error.into());
            }
        }
        self.change(|opened| opened.mirror.card_done(table))
    }

    /// Posts a row's message unless it is there.
    async fn mirror_row(&self, work: &Work, table: u32, key: &str) -> Result<(), Stop> {
        let channel = self.table_channel(table).await?;
        if self.look(|opened| opened.mirror.is_unread(table))? {
            return self.adopt_rows(table, channel).await;
        }
        let rendered = self.look(|opened| {
            let (_, table) = opened.state.table_by_id(table)?;
            let row = table.rows.get(key)?;
            Some(row_message::render(key, row, table.row_sum(key, row)))
        })?;
        let Some(rendered) = rendered else {
            return self.change(|opened| opened.mirror.row_gone(work));
        };
        let identity = format!("{channel}:{key}:{}", work.at);
        let posted = self
            .post_message(channel, &rendered.content, rendered.file, &identity)
            .await;
        match posted {
            Ok(message) => {
                if message.content != rendered.content {
                    let line = format!("message {} came back altered", message.id);
                    self.shared.host.log(Level::Warn, &line);
                }
                self.change(|opened| opened.mirror.row_done(work, message.id))
            }
            Err(error) if error.is_not_found() => {
                // The channel was deleted by hand: all of its rows have to be posted again.
                self.change(|opened| {
                    let state = &opened.state;
                    opened.mirror.channel_lost(table, state);
                })
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Reads a table's channel and takes over every message that shows its row as it is.
    async fn adopt_rows(&self, table: u32, channel: u64) -> Result<(), Stop> {
        let messages = self.messages(channel).await?;
        self.change(|opened| {
            let found = opened.state.table_by_id(table).map(|(_, table)| table);
            for message in messages.iter().rev() {
                let Some(seen) = row_message::parse(message) else {
                    continue;
                };
                let row = found.and_then(|t| Some((t, t.rows.get(&seen.key)?)));
                if let Some((t, row)) = row
                    && t.row_sum(&seen.key, row) == seen.sum
                    && row.at == seen.at
                {
                    opened
                        .mirror
                        .row_adopted(table, &seen.key, row.at, message.id);
                }
            }
            opened.mirror.mark_read(table);
        })
    }

    async fn messages(&self, channel: u64) -> Result<Vec<Message>, Stop> {
        let me = self.shared.me().await?;
        let messages = self.shared.own_messages(channel, me, Patience::BACKGROUND);
        Ok(messages.await?)
    }

    /// The table's channel, made when it is not there.
    async fn table_channel(&self, id: u32) -> Result<u64, Stop> {
        if let Some(channel) = self.look(|opened| opened.mirror.channel(id))? {
            return Ok(channel);
        }
        let (name, private, home) = self.look(|opened| {
            let name = opened
                .state
                .table_by_id(id)
                .map(|(name, _)| name.to_owned());
            (name, opened.state.private, opened.category)
        })?;
        let role = Role::Table {
            database: self.name.clone(),
            table: name.ok_or(Stop::Closed)?,
            id,
        };
        let mut maker = ChannelMaker::new(&self.shared, &self.name, private).await?;
        let channel = maker.channel(&role, home).await?;
        self.change(|opened| opened.mirror.channel_found(id, channel))?;
        self.store_hints().await;
        Ok(channel)
    }

    /// The catalog's channel, made again when it is gone.
    async fn catalog_channel(&self) -> Result<u64, Stop> {
        if let Some(catalog) = self.look(|opened| opened.catalog)? {
            return Ok(catalog);
        }
        let (private, home) = self.look(|opened| (opened.state.private, opened.category))?;
        let role = Role::Catalog {
            database: self.name.clone(),
        };
        let mut maker = ChannelMaker::new(&self.shared, &self.name, private).await?;
        let catalog = maker.channel(&role, home).await?;
        self.change(|opened| opened.catalog = Some(catalog))?;
        self.store_hints().await;
        Ok(catalog)
    }

    async fn post_message(
        &self,
        channel: u64,
        content: &str,
        file: Option<File>,
        identity: &str,
    ) -> Result<Message, CallError> {
        let draft = Draft {
            content,
            files: file.as_slice(),
            identity: Some(identity),
            ..Draft::default()
        };
        let route = routes::create_message(channel);
        let client = &self.shared.client;
        client
            .send_draft(&route, &draft, Patience::BACKGROUND)
            .await
    }

    /// Stores how far everything is shown, so that the next open need not look.
    async fn note_progress(&self) {
        let moved = self.with_opened(|opened| opened.mirror.advance(&opened.state));
        if moved.unwrap_or(false) {
            self.store_hints().await;
        }
    }

    async fn store_hints(&self) {
        let Ok(hints) = self.look(|opened| super::object_storage::Hints {
            log: Some(opened.log),
            catalog: opened.catalog,
            category: opened.category,
            tables: opened.mirror.channels().clone(),
            table_names: opened.state.tables.keys().cloned().collect(),
            mirrored: opened.mirror.mirrored(),
        }) else {
            return;
        };
        if let Err(error) = self.keys().store_hints(&hints).await {
            let line = format!("database {}: hints not stored: {error}", self.name);
            self.shared.host.log(Level::Warn, &line);
        }
    }

    fn look<T>(&self, look: impl FnOnce(&super::database::Opened) -> T) -> Result<T, Stop> {
        let opened = self.opened().map_err(|_| Stop::Closed)?;
        Ok(look(&opened))
    }

    fn change<T>(&self, change: impl FnOnce(&mut super::database::Opened) -> T) -> Result<T, Stop> {
        self.with_opened(change).map_err(|_| Stop::Closed)
    }
}

fn again_at(now: UnixMillis, error: &CallError) -> UnixMillis {
    match *error {
        CallError::RateLimited { retry_after_ms } => now + retry_after_ms,
        CallError::Blocked { until } => until,
        CallError::Refused { .. } => now + AFTER_REFUSAL_MS,
        CallError::NotSent(_)
        | CallError::Ambiguous(_)
        | CallError::Failed(_)
        | CallError::Malformed(_) => now + AFTER_FAILURE_MS,
    }
}
