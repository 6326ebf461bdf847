//! Brings the channels up to date with the state, in the background, at the pace that Discord
//! allows: rows to messages in their table's channel, tables to cards in `#dbc-catalog`.
//!
//! Work is done oldest first. Where this object does not know what a channel holds - after a cold
//! open - it reads the channel first and adopts what is right already.

pub mod card;
mod document_block;
pub mod history_message;
mod mirror;
pub mod row_message;

pub use document_block::{Overflow, Rendered};
pub use mirror::Mirror;
pub(crate) use mirror::{Item, Work};

use std::collections::{BTreeMap, BTreeSet};

use super::channels::{ChannelError, ChannelMaker};
use super::database::{Database, Opened};
use super::layout::{self, Role};
use crate::discord::model::Message;
use crate::discord::multipart::File;
use crate::discord::{CallError, Draft, Patience, routes};
use crate::error::Error;
use crate::host::{Host, Level, UnixMillis};

/// How long to leave alone what Discord refuses, and what fails on the way.
const AFTER_REFUSAL_MS: u64 = 5 * 60_000;
const AFTER_FAILURE_MS: u64 = 10_000;
/// How long to leave Discord alone with a channel that is gone before it is made again.
const AFTER_LOSS_MS: u64 = 1_000;

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
    GuildFull(ChannelError),
    /// The channel that it belongs into is gone.
    Lost,
    /// The database was closed; whoever opens it next starts over.
    Closed,
}

impl From<ChannelError> for Stop {
    fn from(error: ChannelError) -> Self {
        match error {
            ChannelError::Call { error, .. } => Stop::Call(error),
            full @ ChannelError::GuildFull => Stop::GuildFull(full),
        }
    }
}

impl From<CallError> for Stop {
    fn from(error: CallError) -> Self {
        if error.is_unknown_channel() {
            Stop::Lost
        } else {
            Stop::Call(error)
        }
    }
}

impl<H: Host> Database<H> {
    /// Works until everything is up to date, or until the client has sent `stop_at` requests in
    /// its life.
    pub async fn materialize(&self, stop_at: u64) -> Progress {
        let progress = loop {
            let now = self.shared.host.now();
            let Ok((next, rested_at)) = self.look(|opened| {
                let mirror = &opened.mirror;
                (mirror.next(now), mirror.rested_at())
            }) else {
                return Progress::Done;
            };
            let Some(work) = next else {
                break rested_at.map_or(Progress::Done, Progress::More);
            };
            if self.shared.client.requests_sent() >= stop_at {
                break Progress::More(now);
            }
            match self.do_work(&work).await {
                Ok(()) => {}
                Err(Stop::Closed) => return Progress::Done,
                Err(stop) => {
                    if let Some(until) = self.stopped(&work, stop).await {
                        break Progress::More(until);
                    }
                }
            }
        };
        let moved = self.with_opened(|opened| {
            if progress == Progress::Done {
                opened.mirror.stalled = None;
            }
            opened.mirror.advance(&opened.state)
        });
        if moved.unwrap_or(false) {
            self.store_hints().await;
        }
        progress
    }

    async fn do_work(&self, work: &Work) -> Result<(), Stop> {
        if !self.look(|opened| opened.mirror.is_verified())? {
            return self.verify_channels().await;
        }
        match &work.item {
            Item::Card { table } => self.mirror_card(work, *table).await,
            Item::Row { table, key } => self.mirror_row(work, *table, key).await,
        }
    }

    /// Decides what an obstacle means: for this channel, or - with a time - for all of them.
    async fn stopped(&self, work: &Work, stop: Stop) -> Option<UnixMillis> {
        let now = self.shared.host.now();
        let (reason, until) = match &stop {
            Stop::Call(error) => (error.to_string(), again_at(now, error)),
            Stop::GuildFull(error) => {
                let error = Error::from(error.clone());
                (error.message, now + AFTER_REFUSAL_MS)
            }
            Stop::Lost => ("a channel was deleted".to_owned(), now + AFTER_LOSS_MS),
            Stop::Closed => return Some(now),
        };
        let line = format!("database {}: background work waits: {reason}", self.name);
        self.shared.host.log(Level::Warn, &line);
        let changed = self.with_opened(|opened| {
            let mirror = &mut opened.mirror;
            mirror.stalled = Some(reason);
            match &stop {
                // It may be there all the same: look before the next try.
                Stop::Call(error) if error.may_have_happened() => mirror.mark_unread(&work.item),
                Stop::Lost => match work.item {
                    Item::Card { .. } => {
                        opened.catalog = None;
                        mirror.catalog_lost(&opened.state);
                    }
                    Item::Row { table, .. } => mirror.channel_lost(table, &opened.state),
                },
                _ => {}
            }
            mirror.rest(&work.item, until);
        });
        if changed.is_ok() && matches!(stop, Stop::Lost) {
            // Whoever opens the database next has to know as well.
            self.store_hints().await;
        }
        match stop {
            Stop::Call(CallError::Refused { .. }) | Stop::GuildFull(_) | Stop::Lost => None,
            _ => Some(until),
        }
    }

    /// Makes sure, once an opening, that the channels that are remembered still carry our marks:
    /// nothing is posted into one that does not.
    async fn verify_channels(&self) -> Result<(), Stop> {
        let channels = self.shared.channels().await?;
        let found = layout::discover(&channels).remove(&self.name);
        let found = found.unwrap_or_default();
        let is_lost = self.change(|opened| {
            let before = opened.mirror.mirrored();
            opened.mirror.verify(&found.tables, &opened.state);
            if opened
                .catalog
                .is_some_and(|id| !found.catalogs.contains(&id))
            {
                opened.catalog = None;
                opened.mirror.catalog_lost(&opened.state);
            }
            opened.mirror.mirrored() != before
        })?;
        if is_lost {
            self.store_hints().await;
        }
        Ok(())
    }

    /// Posts a table's card unless it is there.
    async fn mirror_card(&self, work: &Work, table: u32) -> Result<(), Stop> {
        let rows = match self.table_channel(table).await {
            // Not the catalog's loss; the table's own work deals with it.
            Err(Stop::Lost) => return self.change(|o| o.mirror.channel_lost(table, &o.state)),
            channel => channel?,
        };
        let catalog = self.catalog_channel().await?;
        if self.look(|opened| opened.mirror.is_catalog_unread())? {
            return self.adopt_cards(catalog).await;
        }
        let content = self.look(|opened| {
            let (name, table) = opened.state.table_by_id(table)?;
            Some(card::render(name, table, rows))
        })?;
        if let Some(content) = content {
            let identity = format!("{catalog}:card:{table}:{}", work.at);
            self.post_message(catalog, &content, None, &identity)
                .await?;
        }
        self.change(|opened| opened.mirror.card_done(table))
    }

    /// Reads the catalog: takes over the cards that are right, and removes those that are not.
    async fn adopt_cards(&self, catalog: u64) -> Result<(), Stop> {
        let messages = self.messages(catalog).await?;
        let wrong = self.change(|opened| {
            let mut shown = BTreeSet::new();
            let mut wrong = Vec::new();
            for message in messages.iter().rev() {
                let Some((id, created)) = card::parse(&message.content) else {
                    continue;
                };
                let table = opened.state.table_by_id(id);
                let is_right = table.is_some_and(|(_, table)| table.created == created);
                if is_right && shown.insert(id) {
                    opened.mirror.card_done(id);
                } else {
                    wrong.push(message.id);
                }
            }
            opened.mirror.mark_catalog_read();
            wrong
        })?;
        self.remove_messages(catalog, &wrong).await
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
            Some(row_message::render(
                key,
                row,
                table.row_sum(key, row)?,
                Overflow::File,
            ))
        })?;
        let Some(rendered) = rendered else {
            return self.change(|opened| opened.mirror.row_gone(work));
        };
        let identity = format!("{channel}:{key}:{}", work.at);
        let file = rendered.file.as_ref();
        let message = self
            .post_message(channel, &rendered.content, file, &identity)
            .await?;
        if message.content != rendered.content {
            let line = format!("message {} came back altered", message.id);
            self.shared.host.log(Level::Warn, &line);
        }
        self.change(|opened| opened.mirror.row_done(work, message.id))
    }

    /// Reads a table's channel: takes over every message that shows its row as it is, and removes
    /// further ones of the same row.
    async fn adopt_rows(&self, table: u32, channel: u64) -> Result<(), Stop> {
        let messages = self.messages(channel).await?;
        if messages.is_empty() && !self.shared.sees_own_messages(channel).await? {
            return Err(Stop::Call(CallError::Refused {
                status: 403,
                code: 0,
                message: format!("the bot may not read the messages of <#{channel}>"),
            }));
        }
        let seen = messages.iter().rev();
        let seen: Vec<_> = seen
            .filter_map(|message| Some((message.id, row_message::parse(message)?)))
            .collect();
        let twins = self.change(|opened| {
            let Some((_, found)) = opened.state.table_by_id(table) else {
                return Vec::new();
            };
            let mut kept: BTreeMap<&str, u64> = BTreeMap::new();
            for (id, seen) in &seen {
                let row = found.rows.get(&seen.key);
                let is_right = row.is_some_and(|row| {
                    row.at == seen.at && found.row_sum(&seen.key, row) == Some(seen.sum)
                });
                if is_right {
                    kept.entry(&seen.key).or_insert(*id);
                }
            }
            for (&key, &id) in &kept {
                if let Some(row) = found.rows.get(key) {
                    opened.mirror.row_adopted(table, key, row.at, id);
                }
            }
            opened.mirror.mark_read(table);
            let twin = |(id, seen): &(u64, row_message::Seen)| {
                let kept = kept.get(seen.key.as_str());
                kept.is_some_and(|kept| kept != id).then_some(*id)
            };
            seen.iter().filter_map(twin).collect()
        })?;
        self.remove_messages(channel, &twins).await
    }

    /// Removes messages of ours, some at a time: what is left is found by the next reading.
    async fn remove_messages(&self, channel: u64, messages: &[u64]) -> Result<(), Stop> {
        const AT_ONCE: usize = 10;
        for &message in messages.iter().take(AT_ONCE) {
            let route = routes::delete_message(channel, message);
            let deleted = self.shared.client.delete(&route, Patience::BACKGROUND);
            match deleted.await {
                Err(error) if !error.is_unknown_message() => return Err(error.into()),
                _ => {}
            }
        }
        Ok(())
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
            (name, opened.is_private(), opened.category)
        })?;
        let role = Role::Table {
            database: self.name.clone(),
            table: name.ok_or(Stop::Closed)?,
            id,
        };
        let _one_at_a_time = self.shared.making_channels.lock().await;
        let mut maker = ChannelMaker::new(&self.shared, &self.name, private).await?;
        let channel = maker.channel(&role, home).await?;
        let is_new = !maker.made.is_empty();
        self.change(|opened| {
            let mirror = &mut opened.mirror;
            mirror.channel_found(id, channel, is_new, &opened.state);
        })?;
        self.store_hints().await;
        Ok(channel)
    }

    /// The catalog's channel, made again when it is gone.
    async fn catalog_channel(&self) -> Result<u64, Stop> {
        if let Some(catalog) = self.look(|opened| opened.catalog)? {
            return Ok(catalog);
        }
        let (private, home) = self.look(|opened| (opened.is_private(), opened.category))?;
        let role = Role::Catalog {
            database: self.name.clone(),
        };
        let _one_at_a_time = self.shared.making_channels.lock().await;
        let mut maker = ChannelMaker::new(&self.shared, &self.name, private).await?;
        let catalog = maker.channel(&role, home).await?;
        let is_new = !maker.made.is_empty();
        self.change(|opened| {
            opened.catalog = Some(catalog);
            if is_new {
                opened.mirror.catalog_lost(&opened.state);
            }
        })?;
        self.store_hints().await;
        Ok(catalog)
    }

    async fn post_message(
        &self,
        channel: u64,
        content: &str,
        file: Option<&File>,
        identity: &str,
    ) -> Result<Message, CallError> {
        let route = routes::create_message(channel);
        let client = &self.shared.client;
        let draft = Draft {
            content,
            files: file.map(std::slice::from_ref).unwrap_or_default(),
            identity: Some(identity),
            ..Draft::default()
        };
        let posted = client
            .send_draft(&route, &draft, Patience::BACKGROUND)
            .await;
        match posted {
            // Discord remembers the nonce of a message that somebody deleted meanwhile.
            Err(error) if error.is_unknown_message() => {
                let again = format!("{identity}:{:016x}", self.shared.host.next_u64());
                let draft = Draft {
                    identity: Some(&again),
                    ..draft
                };
                client
                    .send_draft(&route, &draft, Patience::BACKGROUND)
                    .await
            }
            posted => posted,
        }
    }

    pub(super) async fn store_hints(&self) {
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

    fn look<T>(&self, look: impl FnOnce(&Opened) -> T) -> Result<T, Stop> {
        let opened = self.opened().map_err(|_| Stop::Closed)?;
        Ok(look(&opened))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Opened) -> T) -> Result<T, Stop> {
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
