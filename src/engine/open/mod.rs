//! Opening a database: claim it, read its log, and only then believe what was read.

mod errors;
mod history;
mod read_only;
mod tenure;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use super::checkpoint::take::Attempts;
use super::commit::Contents;
use super::database::{Database, Opened, Removal};
use super::erase::Search;
use super::log::{CommitId, Op};
use super::materialize::Mirror;
use super::object_storage::{Floor, Hints, Wait};
use super::state::{State, Table};
use super::unknown_database;
use super::{layout, not_written};
use crate::discord::model::created_ms;
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, UnixMillis};

use history::History;
pub(super) use read_only::ReadOnly;

pub(super) enum OpenError {
    /// No channel is marked as this database's log.
    NoSuchDatabase {
        known: Vec<String>,
    },
    Failed(Error),
}

impl OpenError {
    /// The error that somebody who named the database is told.
    pub fn for_user(self, database: &str) -> Error {
        match self {
            OpenError::NoSuchDatabase { known } => unknown_database(database, &known),
            OpenError::Failed(error) => error,
        }
    }
}

impl From<Error> for OpenError {
    fn from(error: Error) -> Self {
        OpenError::Failed(error)
    }
}

impl<H: Host> Database<H> {
    /// Opens the database. The caller holds the writer's lock. The steps are those of
    /// `docs/architecture.md`, "Opening a database".
    pub(super) async fn open_locked(&self) -> Result<(), OpenError> {
        if self.is_open() {
            return Ok(());
        }
        self.close();
        let mut hints = self.keys().hints().await?;
        let log = match hints.log {
            Some(log) => log,
            None => self.find_channels(&mut hints).await?,
        };
        let wait = self.wait_is_over().await?;
        let floor = self.keys().floor().await?;
        if self.keys().is_unsettled().await? {
            self.is_unsettled.set(true);
        }
        let epoch = self.claim(None).await?;
        let written_by = last_known_write(&hints, floor.as_ref(), wait.as_ref());
        let history = self.history(&mut hints, log, epoch, floor.as_ref(), written_by);
        let mut history = history.await?;
        let lacking = history.lacking.take();
        let has_unread = !history.unread.is_empty();
        let taken_in = self.take_in(history, &mut hints, log, wait.as_ref());
        if let Some(lacking) = lacking {
            if let Ok((opened, _)) = taken_in {
                self.go_read_only(opened, &lacking.missing);
            }
            return Err(lacking.error.into());
        }
        let (mut opened, tenure) = taken_in?;
        if hints.log.is_none() {
            hints.log = Some(log);
            self.keys().store_hints(&hints).await?;
        }
        // The head may be somebody's commit that was never stored. Then it is built on and that is
        // stored, so that nobody can ever again read the log without it.
        // An empty log has no head to settle, and may be one that the bot may not read: a first
        // record would void all others.
        let is_settled = match opened.state.head {
            None => floor.is_none(),
            head => {
                let is_ours = head == floor.map(|floor| floor.link);
                is_ours && wait.is_none() && !self.is_unsettled.get() && !has_unread
            }
        };
        opened.is_settled = is_settled;
        let is_behind = hints.mirrored < opened.state.head_id();
        self.opened.replace(Some(opened));
        self.read_only.replace(None);
        if !is_settled {
            self.settle(tenure).await?;
        }
        if wait.is_some() {
            self.keys().forget_wait().await?;
        }
        if is_behind || self.opened()?.is_unfinished() {
            self.ask_for_alarm().await;
        }
        Ok(())
    }

    /// What is in memory of a database with this history, its head not settled yet, and the op that makes
    /// the log this object's, where there is to be one.
    fn take_in(
        &self,
        history: History,
        hints: &mut Hints,
        log: u64,
        wait: Option<&Wait>,
    ) -> Result<(Opened, Option<Op>)> {
        let (mut state, replaced) = self.replay(&history)?;
        let tenure = self.check_tenure(&state, &history.takeovers, wait)?;
        for (&table, why) in &hints.damaged {
            state.set_damage(table, Some(why.as_str().into()));
        }
        let mut mirror = mirror_after_open(&state, hints, self.shared.host.now());
        if let (None, Some(manifest)) = (hints.mirrored, &history.manifest) {
            mirror.recall_channels(manifest, &state);
        }
        mirror.recall(replaced, &state, hints.history_from);
        let tail = history.tail();
        let opened = Opened {
            epoch: history.epoch,
            log,
            catalog: hints.catalog,
            category: hints.category,
            state,
            mirror,
            is_settled: false,
            confirmed_at: history.read_at,
            known: history.known,
            tenure_asked_at: Cell::new(history.read_at),
            outcomes_since: history.outcomes_since,
            tail,
            covered: history.covered_by,
            search: Search::default(),
            void: hints.void.union(&history.unread).copied().collect(),
            removal: Removal {
                is_log_last: hints.is_removed,
                waits_for: hints.removal_waits_for.take(),
            },
            written_at: 0,
            checkpoints: Attempts::default(),
            seen: history.seen,
        };
        Ok((opened, tenure))
    }

    /// Posts an empty record on the head, which fixes what the head is for every later reader.
    pub(super) async fn settle_head(&self) -> Result<()> {
        self.settle(None).await
    }

    async fn settle(&self, takeover: Option<Op>) -> Result<()> {
        let contents = Contents {
            ops: takeover.into_iter().collect(),
            ..Contents::default()
        };
        match self.append(contents).await {
            Ok(_) => Ok(()),
            Err(error) => {
                self.close();
                Err(error.into_error())
            }
        }
    }

    /// Looks for this database among the guild's channels.
    async fn find_channels(&self, hints: &mut Hints) -> Result<u64, OpenError> {
        let doing = format!("Looking for database `{}`", self.name);
        let channels = self.shared.channels().await;
        let channels = channels.map_err(|error| not_written(&doing, &error))?;
        let databases = layout::discover(&channels);
        let found = databases.get(&self.name);
        match found.map(|found| found.logs.as_slice()) {
            None => Err(OpenError::NoSuchDatabase {
                known: databases.into_keys().collect(),
            }),
            Some([]) => Err(Error::new(
                ErrorKind::NotFound,
                format!("database `{}` has channels here, but no log.", self.name),
            )
            .option("database")
            .hint("Run `/dbc_init`: it says what can be done.")
            .into()),
            Some(&[log]) => {
                let found = found.cloned().unwrap_or_default();
                hints.catalog = found.catalogs.first().copied();
                hints.category = found.category;
                hints.tables = found.sole_channels();
                // Kept only once the database opened: see `open_locked`.
                Ok(log)
            }
            Some(several) => Err(self.several_logs(several).into()),
        }
    }

    async fn log_is_gone(&self, hints: &mut Hints, log: u64) -> OpenError {
        hints.log = None;
        match self.find_channels(hints).await {
            Err(OpenError::NoSuchDatabase { known }) => OpenError::NoSuchDatabase { known },
            Err(error) => error,
            Ok(other) => Error::new(
                ErrorKind::Corrupt,
                format!(
                    "Database `{}`: its log channel (id {log}) was deleted, and <#{other}> claims to be its log now.",
                    self.name
                ),
            )
            .hint("Nothing is read or written until this is settled: if the deletion was on purpose, delete the database's other channels too and run `/dbc_init` again.")
            .into(),
        }
    }
}

/// A time at which the log was written already, if storage tells of any: an empty log is none then.
fn last_known_write(
    hints: &Hints,
    floor: Option<&Floor>,
    wait: Option<&Wait>,
) -> Option<UnixMillis> {
    let floor = floor.map(|floor| created_ms(floor.message));
    let notice = wait.and_then(|wait| wait.notice).map(created_ms);
    // An epoch is older than the commits in it by no more than an opening takes.
    let shown = hints.mirrored.map(|at| at.epoch());
    floor.or(notice).or(shown)
}

/// What is known of the channels after a cold open: what storage remembers, what the checkpoint
/// says, and that whatever is newer may be shown or not.
fn mirror_after_open(state: &State, hints: &Hints, now: UnixMillis) -> Mirror {
    let mut hints = hints.clone();
    let mut scan_from = BTreeMap::new();
    let mut replaced = Vec::new();
    for table in state.views() {
        let Some(stored) = table.stored.channel else {
            continue;
        };
        // The messages that the checkpoint names are in the channel that it names.
        if *hints.tables.entry(table.id).or_insert(stored) == stored {
            scan_from.extend(table.stored.scan_from.map(|from| (table.id, from)));
        } else if !table.is_loaded {
            replaced.push(table.id);
        }
    }
    let is_newer = |at: CommitId| hints.mirrored.is_none_or(|mirrored| at > mirrored);
    let is_behind = |table: &&Table| {
        let stored = !table.is_loaded && table.stored.behind > 0;
        let is_new_index =
            !table.is_loaded && state.indexes.contains_key(&table.id) && is_newer(table.created);
        stored || is_new_index || table.rows.values().any(|row| is_newer(row.at))
    };
    let mut behind = BTreeSet::new();
    if hints.mirrored < state.head_id() {
        let tables = state.views().filter(is_behind);
        behind.extend(tables.map(|table| table.id));
    }
    let mut mirror = Mirror::after_open(state, &hints, &behind, &scan_from, now);
    for table in replaced {
        mirror.channel_replaced(table);
    }
    mirror
}
