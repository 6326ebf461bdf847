//! One database: its state in memory, and the single writer to its log.

use std::cell::{Cell, Ref, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use futures_util::lock::Mutex;

use super::Shared;
use super::checkpoint::file_sum::FileSum;
use super::checkpoint::manifest::ManifestRef;
use super::checkpoint::take::{Attempts, is_worth_taking};
use super::commit::Waiting;
use super::erase::Search;
use super::log::known::Known;
use super::log::replay::Entry;
use super::log::{CommitId, Op, Record};
use super::materialize::Mirror;
use super::object_storage::DatabaseKeys;
use super::open::{OpenError, ReadOnly};
use super::state::{Row, State, Stored};
use crate::discord::model::Message;
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, UnixMillis};

/// A database's handle. It may be closed; reading or writing opens it.
pub struct Database<H> {
    pub name: String,
    pub(super) shared: Rc<Shared<H>>,
    pub(super) opened: RefCell<Option<Opened>>,
    /// Held while the log is read or written: being in an object is no mutual exclusion, since
    /// handlers interleave at every await.
    pub(super) writer: Mutex<()>,
    /// Held by who opens it, so that those who wait for that do not wait for commits.
    opening: Mutex<()>,
    /// By table id: held while the table is loaded, so that none is loaded twice, and nobody waits
    /// for another's.
    pub(super) loading: RefCell<BTreeMap<u32, Rc<Mutex<()>>>>,
    /// Writes that wait for the next commit.
    pub(super) queue: RefCell<VecDeque<Waiting>>,
    /// Whether a commit may still surface of which nobody knows what became.
    pub(super) is_unsettled: Cell<bool>,
    /// How many of the next writes go alone, since together they were too large.
    pub(super) one_by_one: Cell<usize>,
    /// How many writes were committed together last.
    pub(super) last_group: Cell<usize>,
    /// What is read while this cannot be opened.
    pub(super) read_only: RefCell<Option<ReadOnly<H>>>,
    /// What every answer says, where this is such a one.
    pub(super) warning: Option<String>,
}

/// What an open database has in memory.
pub(super) struct Opened {
    /// Ours since we claimed it; every record that we write carries it.
    pub epoch: u64,
    pub log: u64,
    pub catalog: Option<u64>,
    pub category: Option<u64>,
    pub state: State,
    pub mirror: Mirror,
    /// When the log was last asked for what anybody else wrote into it.
    pub confirmed_at: UnixMillis,
    /// Records that a look at the log must show, or it was none.
    pub known: Known,
    /// The time at which the lease was asked for last; the end of time where it is to be looked at again
    /// whatever the clock says.
    pub tenure_asked_at: Cell<UnixMillis>,
    /// Commits of interactions made since then are known, by [`State::outcomes`].
    pub outcomes_since: UnixMillis,
    /// When this object last wrote a record, but for empty ones and checkpoints.
    pub written_at: UnixMillis,
    pub checkpoints: Attempts,
    /// The newest checkpoint.
    pub covered: Option<Covered>,
    /// The search for copies of rows that were deleted for good.
    pub search: Search,
    /// Messages of the log that are no commits and never will be, still to be deleted.
    pub void: BTreeSet<u64>,
    /// What the next opening has to replay.
    pub tail: Tail,
    /// Messages with files of checkpoints, read along with the log: their addresses are fresh.
    pub seen: BTreeMap<u64, Message>,
    /// How its removal goes, once it was dropped.
    pub removal: Removal,
    /// Whether the head is stored as ours. Until then nobody may see the state, or anything that
    /// derives from it.
    pub is_settled: bool,
}

/// How far the removal of a dropped database has come.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Removal {
    /// Nothing but the log is left, and that may be gone.
    pub is_log_last: bool,
    /// Why it did not go on when that was last tried.
    pub waits_for: Option<String>,
}

/// A checkpoint that is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Covered {
    /// The commit up to which it has everything.
    pub head: CommitId,
    pub message: u64,
    /// The message of the first checkpoint since which nothing was deleted for good, as far as this object
    /// knows.
    pub since_erasure: u64,
    /// The messages of its manifest, where that stands outside of the record.
    pub manifest: Vec<u64>,
}

/// How much of the log no checkpoint covers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tail {
    pub records: usize,
    /// About, as JSON.
    pub bytes: usize,
}

impl Covered {
    /// By a record, if it is a checkpoint.
    pub fn by(entry: &Entry) -> Option<Covered> {
        let (head, manifest) = entry.record.checkpoint()?;
        let manifest = match manifest {
            ManifestRef::Inline(_) => Vec::new(),
            ManifestRef::Text(text) => text.messages.clone(),
        };
        Some(Covered {
            head: head.id,
            message: entry.message,
            since_erasure: entry.message,
            manifest,
        })
    }
}

impl Tail {
    pub fn add(&mut self, record: &Record) {
        if !record.ops.is_empty() && record.checkpoint().is_none() {
            self.records += 1;
            self.bytes += record.ops.iter().map(Op::size).sum::<usize>();
        }
    }
}

impl Opened {
    /// Takes in the rows of a table whose segments are of no use any more: the next checkpoint
    /// writes all of them.
    ///
    /// # Errors
    /// When they are not those that the table's sum stands for, or tombstones are missing, of which the
    /// sum says nothing; nothing has changed then.
    pub fn rebuilt(&mut self, table: u32, mut rows: BTreeMap<String, Row>) -> Result<(), ()> {
        if let Some((_, found)) = self.state.table_by_id(table)
            && !found.is_loaded
        {
            // Every key of the checkpoint, tombstones among them, and every one that is new since.
            let covered = self.covered_head();
            let is_new = |row: &&Row| row.rev == 1 && Some(row.at) > covered;
            let new = found.rows.values().filter(is_new).count() as u64;
            let known = found.stored.sum.rows + found.stored.tombstones;
            let beside = found.rows.keys().filter(|key| !rows.contains_key(*key));
            if ((rows.len() + beside.count()) as u64) < known + new {
                return Err(());
            }
        }
        for row in rows.values_mut() {
            row.generation = self.state.generation + 1;
        }
        self.loaded(table, rows, BTreeMap::new())?;
        if let Some(table) = self.state.table_by_id_mut(table) {
            table.stored.segments.clear();
        }
        self.checkpoints.is_wanted = true;
        Ok(())
    }

    /// The next checkpoint writes all rows of the tables that have some in this file. The tables whose
    /// rows have to be put together for that.
    pub fn do_without(&mut self, file: FileSum) -> Vec<String> {
        let generation = self.state.generation + 1;
        let mut unloaded = Vec::new();
        for table in self.state.views_mut() {
            let segments = table.stored.segments.iter();
            let mut parts = segments.flat_map(|segment| segment.parts.iter());
            if !parts.any(|part| part.file.sum == file) {
                continue;
            }
            if !table.is_loaded {
                unloaded.push(table.id);
                continue;
            }
            for row in table.rows.values_mut() {
                row.generation = generation;
            }
            table.stored.segments.clear();
            self.checkpoints.is_wanted = true;
        }
        // An index's rows come with its table's.
        let unloaded = unloaded.into_iter();
        let tables = unloaded.filter_map(|view| self.state.table_of_view(view));
        let tables: BTreeSet<String> = tables.map(|(name, _)| name.to_owned()).collect();
        tables.into_iter().collect()
    }

    /// Takes in the rows of a table that was loaded, if it is still there, and what the channels of its
    /// indexes show, as far as that is known.
    ///
    /// # Errors
    /// When they are not those that the table's sum stands for.
    pub fn loaded(
        &mut self,
        table: u32,
        rows: BTreeMap<String, Row>,
        shown: BTreeMap<u32, BTreeMap<String, Row>>,
    ) -> Result<(), ()> {
        match self.state.table_by_id(table) {
            Some((_, found)) if !found.is_loaded => {}
            _ => return Ok(()),
        }
        self.mirror.table_read(table, &rows);
        let indexes = self.state.indexes_of(table);
        let indexes: Vec<(u32, bool)> = indexes
            .map(|index| {
                let is_new = index.view.stored == Stored::default();
                (index.id(), is_new || shown.contains_key(&index.id()))
            })
            .collect();
        self.state.load(table, rows, shown)?;
        self.mirror.table_loaded(&mut self.state, table);
        for (index, is_known) in indexes {
            if !is_known {
                if let Some(view) = self.state.view_mut(index) {
                    view.stored.segments.clear();
                }
                self.mirror.channel_replaced(index);
                self.checkpoints.is_wanted = true;
            }
            self.mirror.table_loaded(&mut self.state, index);
        }
        Ok(())
    }

    /// A checkpoint was taken. What was found out about copies of rows that were deleted for good stays true
    /// if the one before was without them already.
    pub fn covered_by(&mut self, mut covered: Covered) {
        let newest = self.state.erasing.iter().map(|erasure| erasure.at).max();
        match &self.covered {
            Some(before) if Some(before.head) >= newest => {
                covered.since_erasure = before.since_erasure;
            }
            _ => self.search = Search::default(),
        }
        self.covered = Some(covered);
    }

    /// How long ago the log was last asked for what anybody else wrote. None where the clock was set
    /// back since, so that it does not tell.
    pub fn age_of_tenure(&self, now: UnixMillis) -> Option<u64> {
        let asked_before = self.tenure_asked_at.replace(now);
        // Once back, it is never believed again without a look: what it says from then on is less
        // than what has passed.
        if now < asked_before.max(self.confirmed_at) {
            self.tenure_asked_at.set(UnixMillis::MAX);
            return None;
        }
        now.checked_sub(self.confirmed_at)
    }

    /// The log was asked then, and nobody else wrote into it.
    pub fn tenure_confirmed(&mut self, at: UnixMillis) {
        self.confirmed_at = at;
        self.tenure_asked_at.set(at);
    }

    /// The commit up to which the newest checkpoint has everything.
    pub fn covered_head(&self) -> Option<CommitId> {
        self.covered.as_ref().map(|covered| covered.head)
    }

    /// Whether there is background work left beside showing what changed.
    pub fn is_unfinished(&self) -> bool {
        let is_to_remove = !self.state.erasing.is_empty() || !self.void.is_empty();
        is_worth_taking(self) || self.mirror.has_history() || is_to_remove
    }

    /// Whether new channels keep @everyone out: unless it is certain that they need not.
    pub fn is_private(&self) -> bool {
        self.state.private != Some(false)
    }
}

impl<H: Host> Database<H> {
    pub(super) fn new(name: &str, shared: Rc<Shared<H>>) -> Self {
        Database {
            name: name.to_owned(),
            shared,
            opened: RefCell::new(None),
            writer: Mutex::new(()),
            opening: Mutex::new(()),
            loading: RefCell::default(),
            queue: RefCell::default(),
            is_unsettled: Cell::new(false),
            one_by_one: Cell::new(0),
            last_group: Cell::new(0),
            read_only: RefCell::default(),
            warning: None,
        }
    }

    /// Makes sure that the database is in memory, and may be seen.
    pub(super) async fn open(&self) -> Result<(), OpenError> {
        if self.is_open() {
            return Ok(());
        }
        let _opening = self.opening.lock().await;
        if self.is_open() {
            return Ok(());
        }
        let _writer = self.writer.lock().await;
        self.open_locked().await
    }

    pub(super) async fn open_for_user(&self) -> Result<()> {
        self.open()
            .await
            .map_err(|error| error.for_user(&self.name))
    }

    /// The same for who holds the writer's lock already.
    pub(super) async fn open_locked_for_user(&self) -> Result<()> {
        let opened = self.open_locked().await;
        opened.map_err(|error| error.for_user(&self.name))
    }

    pub fn is_open(&self) -> bool {
        let opened = self.opened.borrow();
        opened.as_ref().is_some_and(|opened| opened.is_settled)
    }

    /// The newest commit, if it is known and may be seen.
    pub fn head(&self) -> Option<CommitId> {
        self.opened().ok()?.state.head_id()
    }

    pub(super) fn is_initialised(&self) -> bool {
        let opened = self.opened.borrow();
        opened.as_ref().is_some_and(|o| o.state.private.is_some())
    }

    /// Forgets what is in memory; the next use reads the log again.
    pub fn close(&self) {
        self.opened.replace(None);
    }

    /// Looks at the state, between awaits only.
    pub(super) fn opened(&self) -> Result<Ref<'_, Opened>> {
        let opened = self.claimed()?;
        Ref::filter_map(opened, |opened| opened.is_settled.then_some(opened))
            .map_err(|_| self.closed())
    }

    /// Changes something in memory, between awaits only.
    pub(super) fn with_opened<T>(&self, change: impl FnOnce(&mut Opened) -> T) -> Result<T> {
        // Refuses as above.
        drop(self.opened()?);
        self.with_claimed(change)
    }

    /// The state while its head may still have to be settled: for the commit path alone.
    pub(super) fn claimed(&self) -> Result<Ref<'_, Opened>> {
        Ref::filter_map(self.opened.borrow(), Option::as_ref).map_err(|_| self.closed())
    }

    pub(super) fn with_claimed<T>(&self, change: impl FnOnce(&mut Opened) -> T) -> Result<T> {
        match self.opened.borrow_mut().as_mut() {
            Some(opened) => Ok(change(opened)),
            None => Err(self.closed()),
        }
    }

    pub(super) fn keys(&self) -> DatabaseKeys<'_, H> {
        DatabaseKeys::new(&*self.shared.host, &self.name)
    }

    /// Table names, as far as they are in memory.
    pub fn table_names(&self) -> Vec<String> {
        let opened = self.opened();
        let tables = opened.iter().flat_map(|opened| opened.state.tables.keys());
        tables.cloned().collect()
    }

    pub(super) fn closed(&self) -> Error {
        Error::new(
            ErrorKind::Unavailable,
            format!("Database `{}` was closed while it was in use.", self.name),
        )
        .hint("Try again.")
    }
}
