//! Group commit: one commit is in flight, writes that arrive meanwhile wait and go together as the
//! next. Each is validated in order against the state plus the ones before it; one that is refused
//! is refused alone.

mod needs;
mod outcome;
mod post;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use futures_channel::oneshot;
use futures_util::future::{Either, LocalBoxFuture, select};
use futures_util::lock::MutexGuard;

use super::attachments::{self, Access};
use super::database::Database;
use super::log::{CommitId, Origin, Part};
use super::state::{Batch, State};
use crate::discord::model::created_ms;
use crate::discord::{Patience, routes};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::limits::INTERACTION_TOKEN_MS;

pub(super) use needs::{Need, Touch};
pub(super) use post::{Contents, PostError};

/// How long after it was asked for a write may begin.
const QUEUE_MS: u64 = INTERACTION_TOKEN_MS * 2 / 3;
/// How often a record of the background lets commits go first that came while it waited.
const TRIES: u32 = 5;
/// What a group grows to at most: more would only make everybody in it wait longer.
const GROUP_WRITES: usize = 1_000;
const GROUP_BYTES: usize = 512 * 1024;
/// The same where only a message's text can be used.
const GROUP_BYTES_INLINE: usize = 4_000;
/// So many in a group mean that more come all the time: small groups in between would only use up
/// Discord's limit.
const CROWD: usize = 5;

/// A write that is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed<T> {
    /// The commit that made it so; of one that changes nothing, the last one before it.
    pub at: CommitId,
    /// What validating it found out.
    pub value: T,
}

/// Validates a write and adds its ops.
type Build = Box<dyn Fn(&mut Batch<'_>) -> Result<()>>;

/// A write in the queue.
pub(super) struct Waiting {
    origin: Origin,
    /// Tables whose rows `build` looks at.
    needs: Vec<Need>,
    /// Called again when the write has to move to a later group.
    build: Build,
    done: oneshot::Sender<Result<CommitId>>,
}

/// Writes put together for one record.
struct Group {
    accepted: Vec<Waiting>,
    /// Those that failed validation, and whether the ones before them had any part in that.
    refused: Vec<(Waiting, Error, bool)>,
    record: Contents,
}

impl<H: Host> Database<H> {
    /// Commits what `build` makes of the current state. Validation and building happen in one
    /// stretch without an await, after everything before them is durable and `tables` are loaded.
    ///
    /// # Errors
    /// What `build` refuses; or what the commit failed on, saying whether it went through.
    pub fn write<'a, T: 'static, B: Fn(&mut Batch<'_>) -> Result<T> + 'static>(
        &'a self,
        origin: &Origin,
        tables: &[&str],
        build: B,
    ) -> impl Future<Output = Result<Committed<T>>> + use<'a, T, B, H> {
        let needs = tables.iter().map(|&table| Need {
            table: table.to_owned(),
            touch: Touch::Rows,
        });
        self.write_to(origin, needs.collect(), build)
    }

    /// The same for a write that looks at more than the rows of tables.
    pub(super) fn write_to<'a, T: 'static, B: Fn(&mut Batch<'_>) -> Result<T> + 'static>(
        &'a self,
        origin: &Origin,
        needs: Vec<Need>,
        build: B,
    ) -> impl Future<Output = Result<Committed<T>>> + use<'a, T, B, H> {
        let value = Rc::new(Cell::new(None));
        let slot = Rc::clone(&value);
        let build: Build = Box::new(move |batch| {
            slot.set(Some(build(batch)?));
            Ok(())
        });
        self.committed(origin.clone(), needs, build, value)
    }

    /// What `build` found out, once it is committed.
    async fn committed<T>(
        &self,
        origin: Origin,
        needs: Vec<Need>,
        build: Build,
        value: Rc<Cell<Option<T>>>,
    ) -> Result<Committed<T>> {
        // Boxed and without a type parameter, so that all of them share the code.
        let queued: LocalBoxFuture<'_, _> = Box::pin(self.queue_up(origin, needs, build));
        let at = queued.await?;
        match value.take() {
            Some(value) => Ok(Committed { at, value }),
            None => Err(self.closed()),
        }
    }

    /// Waits in the queue until the write is committed, or refused.
    async fn queue_up(&self, origin: Origin, needs: Vec<Need>, build: Build) -> Result<CommitId> {
        let (done, mut outcome) = oneshot::channel();
        self.queue.borrow_mut().push_back(Waiting {
            origin,
            needs,
            build,
            done,
        });
        loop {
            // Whoever has the lock may commit this write along with its own.
            match select(outcome, std::pin::pin!(self.writer.lock())).await {
                Either::Left((result, _)) => return result.map_err(|_| self.closed())?,
                Either::Right((_writer, waiting)) => {
                    outcome = waiting;
                    match outcome.try_recv() {
                        Ok(None) => self.commit_next().await,
                        Ok(Some(result)) => return result,
                        Err(_) => return Err(self.closed()),
                    }
                }
            }
        }
    }

    /// Commits the next group of the queue. The caller holds the writer's lock.
    async fn commit_next(&self) {
        self.keep_pace().await;
        let failed = match self.prepare().await {
            Ok(failed) => failed,
            Err(error) => {
                // All of them would meet the same.
                for waiting in self.queue.take() {
                    let _ = waiting.done.send(Err(error.clone()));
                }
                return;
            }
        };
        let limit = match attachments::access(&self.shared).await {
            Some(Access::Refused) => GROUP_BYTES_INLINE,
            _ => GROUP_BYTES,
        };
        let Ok(group) = self.put_together(&failed, limit) else {
            // Closed since; the next turn opens it again.
            return;
        };
        let Group {
            accepted,
            refused,
            record,
        } = group;
        self.last_group.set(accepted.len());
        let first = accepted.first().map(|waiting| waiting.origin.clone());
        let committed = match first {
            None => Err(None),
            // They change nothing, and what they rest on is durable.
            Some(_) if record.ops.is_empty() => {
                let opened = self.opened().ok();
                Ok(opened
                    .and_then(|opened| opened.state.head_id())
                    .unwrap_or_default())
            }
            Some(first) => match self.append(record).await {
                Ok(id) => Ok(id),
                Err(PostError::TooLarge(_)) if accepted.len() > 1 => {
                    // The estimate was wrong: one by one, then.
                    self.one_by_one.set(accepted.len());
                    let mut queue = self.queue.borrow_mut();
                    let again = accepted.into_iter();
                    let again = again.chain(refused.into_iter().map(|(waiting, ..)| waiting));
                    for waiting in again.collect::<Vec<_>>().into_iter().rev() {
                        queue.push_front(waiting);
                    }
                    return;
                }
                Err(PostError::TooLarge(error) | PostError::NotWritten(error)) => Err(Some(error)),
                Err(PostError::Unknown(error)) => self.find_out(&first, error).await.map_err(Some),
            },
        };
        // Refusals leave after the commit that they may rest on; where that failed, they do not
        // hold.
        for (waiting, error, is_derived) in refused {
            let error = match &committed {
                Err(Some(failure)) if is_derived => failure.clone(),
                _ => error,
            };
            let _ = waiting.done.send(Err(error));
        }
        for waiting in accepted {
            let outcome = match &committed {
                Ok(id) => Ok(*id),
                Err(Some(failure)) => Err(failure.clone()),
                Err(None) => Err(self.closed()),
            };
            let _ = waiting.done.send(outcome);
        }
        if committed.is_ok() {
            self.ask_for_alarm().await;
        }
    }

    /// Spreads commits over the time that Discord's limit leaves for them, so that nobody has to
    /// wait for a whole window when it is used up.
    async fn keep_pace(&self) {
        let Ok(log) = self.opened().map(|opened| opened.log) else {
            return;
        };
        let crowd = self.last_group.get() >= CROWD;
        let pause = self.shared.client.pace(&routes::create_message(log), crowd);
        if pause > 0 {
            self.shared.host.sleep(Duration::from_millis(pause)).await;
        }
    }

    /// The writer's lock for a record that no command waits for: taken when the record can be posted
    /// at once and there is room for a command's after it.
    pub(super) async fn writer_beside_commits(&self) -> Result<MutexGuard<'_, ()>> {
        let route = routes::create_message(self.opened()?.log);
        let client = &self.shared.client;
        for _ in 0..TRIES {
            let wait = client.wait(&route, Patience::BESIDE_COMMITS);
            if wait > 0 {
                self.shared.host.sleep(Duration::from_millis(wait)).await;
            }
            // Asked before, so that no command has to wait for it.
            self.confirm_tenure().await?;
            let writer = self.writer.lock().await;
            if client.wait(&route, Patience::BESIDE_COMMITS) == 0 {
                return Ok(writer);
            }
        }
        Ok(self.writer.lock().await)
    }

    /// Opens the database and loads the tables that the queue needs; what loading failed on, by
    /// the table's id.
    async fn prepare(&self) -> Result<BTreeMap<u32, Error>> {
        self.open_locked_for_user().await?;
        // A refusal tells what is stored, as much as an answer does.
        self.confirm_tenure().await?;
        // Most are younger than anything read; then this costs nothing.
        let asked = |waiting: &Waiting| waiting.origin.interaction.parse::<u64>().ok();
        let oldest = self.queue.borrow().iter().filter_map(asked).min();
        if let Some(oldest) = oldest {
            self.know_outcomes_of(&oldest.to_string()).await?;
        }
        let needed: Vec<(u32, String)> = {
            let opened = self.opened()?;
            let batch = Batch::new(&self.name, &opened.state, self.shared.host.now());
            let queue = self.queue.borrow();
            let mut needs = queue.iter().flat_map(|waiting| &waiting.needs);
            let tables = needs::tables(&batch, &mut needs).into_iter();
            let named = tables.filter_map(|id| Some((id, batch.table_by_id(id)?.name)));
            named.collect()
        };
        let mut failed = BTreeMap::new();
        for (id, table) in needed {
            if let Err(error) = self.load_table(&table).await {
                failed.insert(id, error);
            }
        }
        Ok(failed)
    }

    /// What a write would come to now. Nothing is committed.
    ///
    /// # Errors
    /// What `build` refuses, and what the commit would be refused for.
    pub(super) async fn rehearse<T>(
        &self,
        needs: &[Need],
        build: impl FnOnce(&mut Batch<'_>) -> Result<T>,
    ) -> Result<T> {
        self.load_needed(needs).await?;
        let opened = self.opened()?;
        let mut batch = Batch::new(&self.name, &opened.state, self.shared.host.now());
        let value = build(&mut batch)?;
        match batch.clash() {
            Some(clash) => Err(clash.error),
            None => Ok(value),
        }
    }

    /// Loads the tables that a write looks at: nothing is awaited once all are there.
    async fn load_needed(&self, needs: &[Need]) -> Result<()> {
        self.confirm_tenure().await?;
        loop {
            let wanted = {
                let opened = self.opened()?;
                let batch = Batch::new(&self.name, &opened.state, self.shared.host.now());
                let needed = needs::tables(&batch, &mut needs.iter()).into_iter();
                let mut tables = needed.filter_map(|id| opened.state.table_by_id(id));
                let wanted = tables.find(|(_, table)| !table.is_loaded);
                wanted.map(|(name, _)| name.to_owned())
            };
            match wanted {
                Some(wanted) => self.load_table(&wanted).await?,
                None => return Ok(()),
            }
        }
    }

    /// Takes from the queue what fits one record, validating each.
    fn put_together(&self, failed: &BTreeMap<u32, Error>, limit: usize) -> Result<Group> {
        let opened = self.opened()?;
        let mut batch = Batch::new(&self.name, &opened.state, self.shared.host.now());
        let mut by = Vec::new();
        let mut accepted: Vec<Waiting> = Vec::new();
        let mut refused = Vec::new();
        let most = match self.one_by_one.get() {
            0 => GROUP_WRITES,
            left => {
                self.one_by_one.set(left - 1);
                1
            }
        };
        while accepted.len() < most {
            let Some(waiting) = self.queue.borrow_mut().pop_front() else {
                break;
            };
            let savepoint = batch.savepoint();
            let checked = self.may_begin(&opened.state, &waiting.origin);
            // By what the names will mean then: a table may have been renamed in this very group.
            let needed = needs::tables(&batch, &mut waiting.needs.iter());
            let is_loaded = |id: &u32| {
                let table = opened.state.table_by_id(*id);
                table.is_none_or(|(_, table)| table.is_loaded)
            };
            let all_loaded = needed.iter().all(is_loaded);
            let loaded = || {
                match needed.iter().find_map(|table| failed.get(table)) {
                    Some(error) => Err(Some(error.clone())),
                    // It came into the queue after the others' tables were loaded.
                    None if !all_loaded => Err(None),
                    None => Ok(()),
                }
            };
            let built = checked
                .map_err(Some)
                .and_then(|()| loaded())
                .and_then(|()| {
                    let built = (waiting.build)(&mut batch);
                    built.map_err(Some)
                })
                .and_then(|()| match batch.clash() {
                    Some(clash) => Err(Some(clash.error)),
                    None => Ok(()),
                });
            match built {
                Ok(())
                    if !accepted.is_empty()
                        && (batch.bytes() > limit || batch.is_mixed_since(savepoint)) =>
                {
                    batch.roll_back(savepoint);
                    self.queue.borrow_mut().push_front(waiting);
                    break;
                }
                Ok(()) => {
                    by.push(Part {
                        origin: waiting.origin.clone(),
                        ops: batch.ops_since(savepoint),
                    });
                    accepted.push(waiting);
                }
                Err(Some(error)) => {
                    batch.roll_back(savepoint);
                    refused.push((waiting, error, !accepted.is_empty()));
                }
                Err(None) => {
                    self.queue.borrow_mut().push_front(waiting);
                    break;
                }
            }
        }
        let at = Some(batch.at());
        let (ops, sum) = batch.finish();
        Ok(Group {
            accepted,
            refused,
            record: Contents {
                by,
                ops,
                sum,
                at,
                gives_way: false,
            },
        })
    }

    fn may_begin(&self, state: &State, origin: &Origin) -> Result<()> {
        if let Some(&at) = state.outcomes.get(&origin.interaction) {
            return Err(outcome::already_done(at));
        }
        // A command that waited for most of its token's life is not begun: its outcome might never
        // reach whoever asked.
        let now = self.shared.host.now();
        let asked_at = origin.interaction.parse().map_or(now, created_ms);
        if now.saturating_sub(asked_at) < QUEUE_MS {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Unavailable,
            format!(
                "the command waited too long for others that write to database `{}`.",
                self.name
            ),
        )
        .hint("Run it again."))
    }
}
