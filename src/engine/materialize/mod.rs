//! Brings the channels up to date with the state, in the background, at the pace that Discord
//! allows: rows to messages in their table's channel, their earlier revisions to threads, tables
//! to cards in `#dbc-catalog`.
//!
//! Work is done oldest first, in several channels side by side. Where this object does not know
//! what a channel holds - after a cold open - it reads the channel first and adopts what is right
//! already.

pub mod card;
mod cards;
mod commits;
mod document_block;
mod history;
pub mod history_message;
pub mod index_message;
mod late;
mod left;
mod lost_threads;
mod marks;
mod mirror;
mod places;
mod removal;
pub mod row_message;
mod rows;
mod scan;
mod send;
mod table_work;
mod threads;
mod work;

pub(in crate::engine) use commits::{Recalled, recalled};
pub use document_block::{Overflow, Rendered};
pub use left::LeftChannel;
pub use mirror::{Backlog, Mirror};

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{FuturesUnordered, StreamExt as _};

use super::channels::ChannelError;
use super::database::{Database, Opened};
use super::load::AFTER_DAMAGE_MS;
use super::object_storage::Hints;
use super::state::State;
use crate::discord::CallError;
use crate::error::{Error, ErrorKind};
use crate::host::{Host, Level, UnixMillis};
use crate::limits::DISORDER_MS;
use work::{Item, Lane, Next};

/// How long to leave alone what Discord refuses, and what fails on the way.
const AFTER_REFUSAL_MS: u64 = 5 * 60_000;
const AFTER_FAILURE_MS: u64 = 10_000;
/// How long to leave Discord alone with a channel that is gone before it is made again.
const AFTER_LOSS_MS: u64 = 1_000;
/// How long a turn goes on before it makes sure again that this object was not replaced.
const FENCE_MS: u64 = 5_000;
/// When a request that nobody answered can no longer arrive.
const LATE_MS: u64 = DISORDER_MS;
/// Requests under way at a time: half of the connections that Cloudflare allows, so that a command
/// never waits for one.
/// <https://developers.cloudflare.com/workers/platform/limits/#simultaneous-open-connections>
const SIDE_BY_SIDE: usize = 3;

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
    /// The table's rows cannot be had until somebody does something.
    Damaged(String),
    /// The channel that it belongs into is gone.
    Lost,
    /// There is more of it than is done at a time.
    Unfinished,
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
        let Ok((is_dropped, left_out)) = self.change(|opened| {
            let left_out = opened.mirror.history.take_left_out();
            (opened.state.is_dropped, left_out)
        }) else {
            return Progress::Done;
        };
        if left_out > 0 {
            let line = format!(
                "database {}: {left_out} earlier revisions were left out of their threads; the log has them",
                self.name
            );
            self.shared.host.log(Level::Warn, &line);
        }
        if is_dropped {
            if !self.fence().await {
                return Progress::More(self.shared.host.now() + AFTER_FAILURE_MS);
            }
            return self.remove_database(stop_at).await;
        }
        let progress = self.work_in_lanes(stop_at).await;
        self.note_mirrored().await;
        progress
    }

    /// Before the channels are changed: whoever opens the database next knows from when on nothing
    /// of it can arrive any more. A replaced object cannot write to storage, and stops here. So does one
    /// whose log another deployment has taken over: what it does not know of would look wrong to it.
    async fn fence(&self) -> bool {
        if let Err(error) = self.confirm_tenure().await {
            self.log_stop(&error.message);
            return false;
        }
        let now = self.shared.host.now();
        let noted = self.change(|opened| opened.mirror.work_begins(now));
        noted.is_ok() && self.store_hints().await
    }

    /// Stores how far everything is shown, if that is further than before.
    pub(super) async fn note_mirrored(&self) {
        let moved = self.with_opened(|opened| {
            let history = &opened.mirror.history;
            let is_over = history.stored_from.is_some() && history.from().is_none();
            opened.mirror.advance(&opened.state) || is_over
        });
        if moved.unwrap_or(false) {
            self.store_hints().await;
        }
    }

    /// Does pieces of work side by side, at most one a lane.
    async fn work_in_lanes(&self, stop_at: u64) -> Progress {
        if let Err(progress) = self.verify_first().await {
            return progress;
        }
        let client = &self.shared.client;
        let mut under_way = FuturesUnordered::new();
        let mut busy: BTreeSet<Lane> = BTreeSet::new();
        // Requests that the pieces under way may still send.
        let mut reserved = 0;
        let mut stopped: Option<UnixMillis> = None;
        let mut fenced_at: Option<UnixMillis> = None;
        loop {
            let mut wake = None;
            while stopped.is_none() && under_way.len() < SIDE_BY_SIDE {
                let now = self.shared.host.now();
                let next = self.change(|opened| opened.mirror.next(&opened.state, now, &busy));
                let item = match next {
                    Ok(Next::Work(_, item)) => item,
                    Ok(Next::At(at)) => {
                        wake = Some(at);
                        break;
                    }
                    Ok(Next::Nothing) | Err(_) => break,
                };
                let cost = item.cost();
                if client.requests_sent() + reserved + cost > stop_at {
                    stopped = Some(now);
                    break;
                }
                // Waiting for answers can take long, and a replaced object must not go on.
                let is_fenced = fenced_at.is_some_and(|at| now.saturating_sub(at) <= FENCE_MS);
                if item.changes_channels() && !is_fenced {
                    fenced_at = Some(now);
                    if !self.fence().await {
                        stopped = Some(now + AFTER_FAILURE_MS);
                    }
                    // Something else may be more urgent by now.
                    continue;
                }
                reserved += cost;
                busy.insert(item.lane());
                under_way.push(async {
                    let result = self.do_work(&item).await;
                    (item, result)
                });
            }
            let Some((item, result)) = under_way.next().await else {
                return match stopped.or(wake) {
                    Some(at) => Progress::More(at),
                    None => Progress::Done,
                };
            };
            busy.remove(&item.lane());
            reserved -= item.cost();
            if let Some(until) = self.finished(&item, result).await {
                stopped = Some(stopped.map_or(until, |earlier| earlier.max(until)));
            }
        }
    }

    /// Looks at the guild's channels before the first work of an opening.
    async fn verify_first(&self) -> Result<(), Progress> {
        let now = self.shared.host.now();
        let is_needed = self.change(|opened| {
            let mirror = &mut opened.mirror;
            mirror.needs_verification() && mirror.has_work(&opened.state, now)
        });
        match is_needed {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(_) => return Err(Progress::Done),
        }
        match self.verify_channels().await {
            Ok(()) => Ok(()),
            Err(Stop::Call(error)) => {
                self.log_stop(&error.to_string());
                let stalled = |opened: &mut Opened| opened.mirror.stall(&error.to_string());
                let until = again_at(now, &error);
                Err(match self.change(stalled) {
                    Ok(()) => Progress::More(until),
                    Err(_) => Progress::Done,
                })
            }
            Err(_) => Err(Progress::Done),
        }
    }

    async fn do_work(&self, item: &Item) -> Result<(), Stop> {
        let &table = match item {
            Item::ReadCatalog => return self.read_catalog().await,
            Item::Card { table } => return self.sync_card(*table).await,
            Item::Rename { table } => return self.rename_channel(*table).await,
            Item::Drop { channel } => return self.drop_channel(*channel).await,
            Item::Look => return self.look_at_channels().await,
            Item::Load { table } => return self.load_behind(*table).await,
            Item::Channel { table } => return self.make_table_channel(*table).await,
            Item::Scan { table }
            | Item::Remove { table, .. }
            | Item::Row { table, .. }
            | Item::History { table }
            | Item::Audit { table } => table,
        };
        let Some(channel) = self.look(|opened| opened.mirror.channel(table))? else {
            return Ok(());
        };
        match item {
            Item::Scan { .. } => self.scan_channel(table, channel).await,
            Item::Remove { message, .. } => {
                self.remove_row_message(table, channel, *message).await?;
                self.change(|opened| {
                    let work = opened.mirror.work(table);
                    work.extra.retain(|extra| extra != message);
                })
            }
            Item::Row { key, .. } => self.sync_row(table, key).await,
            Item::History { .. } => self.sync_history(table, channel).await,
            _ => self.audit_channel(table, channel).await,
        }
    }

    /// Loads a table that may have rows that are not shown.
    async fn load_behind(&self, table: u32) -> Result<(), Stop> {
        let name = self.look(|opened| {
            let found = opened.state.table_of_view(table);
            found.map(|(name, _)| name.to_owned())
        })?;
        let Some(name) = name else { return Ok(()) };
        if let Err(error) = self.load_table_for_reading(&name).await {
            return Err(match error.kind {
                ErrorKind::Unavailable => Stop::Call(CallError::Failed(error.message)),
                _ => Stop::Damaged(error.message),
            });
        }
        self.change(|opened| opened.mirror.table_loaded(&mut opened.state, table))
    }

    /// Takes note of how a piece of work ended. When the obstacle stands in the way of all lanes,
    /// comes back with the time until which it does.
    async fn finished(&self, item: &Item, result: Result<(), Stop>) -> Option<UnixMillis> {
        let now = self.shared.host.now();
        let lane = item.lane();
        let is_lost = matches!(result, Err(Stop::Lost));
        let concerns_all = matches!(
            result,
            Err(Stop::Call(
                CallError::Blocked { .. } | CallError::NotSent(_)
            ))
        );
        let (reason, until) = match result {
            Ok(()) | Err(Stop::Unfinished) => {
                // Nothing to note down where it was closed meanwhile.
                let _ = self.change(|opened| opened.mirror.went_well(lane));
                return None;
            }
            Err(Stop::Closed) => return Some(now),
            Err(Stop::Call(error)) => (error.to_string(), again_at(now, &error)),
            Err(Stop::GuildFull(error)) => (Error::from(error).message, now + AFTER_REFUSAL_MS),
            Err(Stop::Damaged(why)) => (why, now + AFTER_DAMAGE_MS),
            Err(Stop::Lost) => ("a channel was deleted".to_owned(), now + AFTER_LOSS_MS),
        };
        self.log_stop(&reason);
        let noted = self.change(|opened| {
            let mirror = &mut opened.mirror;
            if is_lost {
                match lane {
                    Lane::Catalog => {
                        opened.catalog = None;
                        mirror.catalog_lost(&opened.state);
                    }
                    Lane::Table(table) | Lane::Rename(table) => {
                        mirror.channel_lost(table, &mut opened.state);
                    }
                    Lane::Drop(channel) => {
                        mirror.drops.remove(&channel);
                    }
                    Lane::Guild => {}
                }
            }
            if concerns_all {
                mirror.stall(&reason);
            } else if !is_over(lane, &opened.state) {
                mirror.rest(lane, until, &reason);
            }
        });
        if noted.is_ok() && is_lost {
            // Whoever opens the database next has to know as well.
            self.store_hints().await;
        }
        concerns_all.then_some(until)
    }

    fn log_stop(&self, reason: &str) {
        let line = format!("database {}: background work waits: {reason}", self.name);
        self.shared.host.log(Level::Warn, &line);
    }

    /// Stores where things are, and how far everything is shown; whether that went well.
    pub(in crate::engine) async fn store_hints(&self) -> bool {
        if self.warning.is_some() {
            return false;
        }
        let Ok(hints) = self.look(|opened| Hints {
            log: Some(opened.log),
            catalog: opened.catalog,
            category: opened.category,
            tables: opened.mirror.stored_channels(),
            left: opened.mirror.left.clone(),
            table_names: opened.state.tables.keys().cloned().collect(),
            mirrored: opened.mirror.mirrored(),
            worked_at: opened.mirror.worked_at(),
            history_from: opened.mirror.history.from(),
            void: opened.void.clone(),
            damaged: damaged(&opened.state),
            is_dropped: opened.state.is_dropped,
            removal_waits_for: opened.removal.waits_for.clone(),
            is_removed: opened.removal.is_log_last,
            is_unfinished: opened.is_unfinished(),
        }) else {
            return false;
        };
        let stored = self.keys().store_hints(&hints).await;
        if let Err(error) = &stored {
            let line = format!("database {}: hints not stored: {error}", self.name);
            self.shared.host.log(Level::Warn, &line);
        }
        if stored.is_ok() {
            // Whoever closed it meanwhile starts over.
            let _ = self.change(|opened| opened.mirror.history.stored_from = hints.history_from);
        }
        stored.is_ok()
    }

    fn look<T>(&self, look: impl FnOnce(&Opened) -> T) -> Result<T, Stop> {
        let opened = self.opened().map_err(|_| Stop::Closed)?;
        Ok(look(&opened))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Opened) -> T) -> Result<T, Stop> {
        self.with_opened(change).map_err(|_| Stop::Closed)
    }
}

/// Whether the lane's table was dropped meanwhile: nothing waits there any more.
fn is_over(lane: Lane, state: &State) -> bool {
    match lane {
        Lane::Table(table) | Lane::Rename(table) => state.view(table).is_none(),
        Lane::Catalog | Lane::Drop(_) | Lane::Guild => false,
    }
}

/// Tables whose rows cannot be had, and why.
fn damaged(state: &State) -> BTreeMap<u32, String> {
    let tables = state.tables.values();
    let damaged = tables.filter_map(|table| Some((table.id, table.damage.as_deref()?.to_owned())));
    damaged.collect()
}

fn again_at(now: UnixMillis, error: &CallError) -> UnixMillis {
    match *error {
        CallError::RateLimited { retry_after_ms } | CallError::OldEdits { retry_after_ms } => {
            now + retry_after_ms
        }
        CallError::Blocked { until } => until,
        CallError::Refused { .. } => now + AFTER_REFUSAL_MS,
        CallError::NotSent(_)
        | CallError::Ambiguous(_)
        | CallError::Failed(_)
        | CallError::Malformed(_) => now + AFTER_FAILURE_MS,
    }
}
