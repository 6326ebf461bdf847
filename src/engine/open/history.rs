//! Reading the log until it shows everything that is known to be in it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::OpenError;
use crate::discord::model::{Message, created_ms};
use crate::engine::checkpoint::manifest::Manifest;
use crate::engine::checkpoint::store;
use crate::engine::database::{Covered, Database, Tail};
use crate::engine::log::known::Known;
use crate::engine::log::notice::Takeover;
use crate::engine::log::read::{LogReader, ReadError};
use crate::engine::log::replay::{self, Chain, End, Entry};
use crate::engine::log::{CommitId, Link};
use crate::engine::materialize::{Recalled, recalled};
use crate::engine::object_storage::{Floor, Hints};
use crate::engine::state::State;
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, UnixMillis};
use crate::limits::{DISORDER_MS, STALE_PAUSE_MS, STALE_READS, STALENESS_MS};

/// The commits that matter, and what was learned on the way.
pub(super) struct History {
    /// Why the log cannot be believed: a commit is missing that must be in it. Then the rest of this is
    /// what it proves all the same, and only to be shown.
    pub lacking: Option<Lacking>,
    /// The epoch in the end: it rises when the log turns out to have a higher one.
    pub epoch: u64,
    /// What the newest checkpoint says.
    pub manifest: Option<Manifest>,
    /// The commits that it does not cover, oldest first.
    pub entries: Vec<Entry>,
    /// That checkpoint.
    pub covered_by: Option<Covered>,
    pub takeovers: Vec<Takeover>,
    /// The head, if there is one.
    pub known: Known,
    /// When the newest page was asked for.
    pub read_at: UnixMillis,
    /// Who asked for a commit since then is known.
    pub outcomes_since: UnixMillis,
    /// Outcomes of commits that the checkpoint covers, as far as they were read anyway.
    covered: Vec<Entry>,
    /// Messages with files of checkpoints.
    pub seen: BTreeMap<u64, Message>,
    /// Messages with records in files that could not be fetched. They are beyond the floor, and void
    /// once the head is settled.
    pub unread: BTreeSet<u64>,
}

impl History {
    /// How much there is to replay at the next opening, but for a checkpoint.
    pub fn tail(&self) -> Tail {
        let mut tail = Tail::default();
        for entry in &self.entries {
            tail.add(&entry.record);
        }
        tail
    }
}

/// A log that does not have what must be in it.
pub(super) struct Lacking {
    pub error: Error,
    /// The numbers of commits that are missing, newest first.
    pub missing: Vec<u64>,
}

/// What a look at the log comes to.
enum Look {
    Enough(Chain),
    /// All of it was read, and this commit is not there.
    Lacks(CommitId, Error),
    Older,
    /// Somebody opened the log after we claimed our epoch.
    HigherEpoch(u64),
}

impl<H: Host> Database<H> {
    /// Reads the log back to the newest checkpoint, or to its beginning. It is known to have been
    /// `written_by` then.
    pub(super) async fn history(
        &self,
        hints: &mut Hints,
        log: u64,
        mut epoch: u64,
        floor: Option<&Floor>,
        written_by: Option<UnixMillis>,
    ) -> Result<History, OpenError> {
        let new_reader = || match written_by {
            Some(_) => LogReader::of_records(log),
            None => LogReader::new(log),
        };
        let is_visible = |now| written_by.is_some_and(|at| at.saturating_add(STALENESS_MS) <= now);
        let mut stale_reads = 0;
        let mut claims = 0;
        let mut unusable = BTreeSet::new();
        let mut read_at = self.shared.host.now();
        let mut reader = new_reader();
        loop {
            let looked = match reader.older(&self.shared).await {
                Ok(()) => self.look_at(&mut reader, epoch, floor, &unusable).await,
                // The hint may be of a channel that is gone: look once, then say so.
                Err(ReadError::Call(error)) if error.is_not_found() => {
                    return Err(self.log_is_gone(hints, log).await);
                }
                // What is younger may only not be shown yet.
                Err(error @ ReadError::Hidden { .. }) if !is_visible(read_at) => {
                    Err(OpenError::Failed(self.unreadable(&error)))
                }
                Err(error) => return Err(self.unreadable(&error).into()),
            };
            let problem = match looked {
                Ok(Look::Older) => continue,
                // The missing part may only be late.
                Ok(Look::Lacks(missing, error)) if stale_reads == STALE_READS => {
                    let left = self.what_is_left(reader, unusable, epoch, read_at, missing);
                    let Some((mut history, missing)) = left.await else {
                        return Err(error.into());
                    };
                    history.lacking = Some(Lacking { error, missing });
                    return Ok(history);
                }
                Ok(Look::Lacks(_, error)) => Some(error.into()),
                Ok(Look::Enough(chain)) => match self.manifest(&reader, &chain).await {
                    Ok(manifest) => {
                        return Ok(history(reader, chain, manifest, epoch, read_at));
                    }
                    // An older checkpoint, or the whole log, says the same.
                    Err(error)
                        if chain.checkpoint.is_some() && error.kind == ErrorKind::Corrupt =>
                    {
                        unusable.extend(chain.checkpoint);
                        None
                    }
                    Err(error) => return Err(error.into()),
                },
                // Claim above, and read again, so that whatever they wrote before our new claim is
                // seen.
                Ok(Look::HigherEpoch(_)) if claims == STALE_READS => {
                    return Err(self.opened_elsewhere().into());
                }
                Ok(Look::HigherEpoch(other)) => {
                    claims += 1;
                    epoch = self.claim(Some(other)).await?;
                    None
                }
                Err(problem) => Some(problem),
            };
            if let Some(problem) = problem {
                // What could not be used may only have been read too early.
                unusable.clear();
                let OpenError::Failed(_) = &problem else {
                    return Err(problem);
                };
                if stale_reads == STALE_READS {
                    return Err(problem);
                }
                stale_reads += 1;
                let pause = STALE_PAUSE_MS * u64::from(stale_reads);
                self.shared.host.sleep(Duration::from_millis(pause)).await;
            }
            read_at = self.shared.host.now();
            reader = new_reader();
        }
    }

    /// Decides whether what was read is enough.
    async fn look_at(
        &self,
        reader: &mut LogReader,
        epoch: u64,
        floor: Option<&Floor>,
        unusable: &BTreeSet<Link>,
    ) -> Result<Look, OpenError> {
        if let Some(version) = reader.newer_format() {
            return Err(OpenError::Failed(self.too_new(version)));
        }
        let first = replay::chain(&reader.records, unusable);
        let checkpoint = first.checkpoint.and_then(|link| reader.records.get(&link));
        let covered = checkpoint.and_then(|entry| entry.record.checkpoint());
        // Commits went on while it was taken, so what it does not cover may stand before it.
        let from = covered.map_or(0, |(head, _)| head.id.seq() + 1);
        // Without some of them the chain may be whole, and has everything that was acknowledged.
        let mut unread = self.unread(reader.fetch(&self.shared, from).await)?;
        if let Some(other) = reader.highest_epoch().filter(|&other| other >= epoch) {
            return Ok(Look::HigherEpoch(other));
        }
        let mut chain = replay::chain(&reader.records, unusable);
        let is_broken = matches!(chain.end, End::Missing { .. });
        if is_broken && reader.has_unfetched() && unread.is_none() {
            // The checkpoint may be void, and the true one behind a record in a file.
            unread = self.unread(reader.fetch(&self.shared, 0).await)?;
            if let Some(other) = reader.highest_epoch().filter(|&other| other >= epoch) {
                return Ok(Look::HigherEpoch(other));
            }
            chain = replay::chain(&reader.records, unusable);
        }
        // Ids of messages follow the order of commits but for this much.
        let anchor = match chain.end {
            End::Covered => chain.checkpoint,
            End::Beginning | End::Missing { .. } => chain.links.last().copied(),
        };
        let posted = anchor.and_then(|link| reader.records.get(&link));
        let posted = posted.map(|entry| created_ms(entry.message));
        let is_deep = match (posted, chain.end) {
            (Some(posted), End::Beginning | End::Covered) => {
                reader.reaches(posted.saturating_sub(DISORDER_MS))
            }
            _ => reader.is_complete(),
        };
        let has_floor = floor.is_none_or(|floor| shows(reader, &chain, floor.link));
        let is_enough = is_deep && has_floor;
        if !(reader.is_complete() || is_enough) {
            return Ok(Look::Older);
        }
        if let End::Missing { after, wanted } = chain.end {
            let error = unread.unwrap_or_else(|| self.broken(after, wanted));
            return Ok(Look::Lacks(wanted, error));
        }
        if let Some(unread) = unread
            && (floor.is_none() || !is_enough)
        {
            return match floor {
                Some(floor) => Ok(Look::Lacks(floor.link.id, unread)),
                None => Err(unread.into()),
            };
        }
        let head_seq = chain.links.first().map_or(0, |head| head.id.seq());
        let newest_damaged = reader.damaged.iter().max_by_key(|damaged| damaged.seq);
        match (floor, newest_damaged) {
            (Some(floor), _) if !has_floor => {
                Ok(Look::Lacks(floor.link.id, self.floor_is_missing(floor)))
            }
            // With a floor, everything acknowledged is in the history, so a damaged record beyond
            // the head never was; without one, nobody knows.
            (None, Some(damaged)) if damaged.seq > head_seq => Err(OpenError::Failed(
                self.damaged_head(damaged.message, damaged.seq, reader.channel()),
            )),
            _ => Ok(Look::Enough(chain)),
        }
    }

    /// Why records could not be fetched that stand in files.
    ///
    /// # Errors
    /// What only fails for a moment is waited for: it may be the head.
    fn unread(&self, fetched: Result<(), ReadError>) -> Result<Option<Error>> {
        match fetched {
            Ok(()) => Ok(None),
            Err(error) if error.is_refused() => Ok(Some(self.unreadable(&error))),
            Err(error) => Err(self.unreadable(&error)),
        }
    }

    /// What a log proves that lacks a commit, and the numbers of those that it lacks.
    async fn what_is_left(
        &self,
        reader: LogReader,
        mut unusable: BTreeSet<Link>,
        epoch: u64,
        read_at: UnixMillis,
        missing: CommitId,
    ) -> Option<(History, Vec<u64>)> {
        loop {
            let (chain, missing) = replay::chain_below(&reader.records, &unusable, missing)?;
            match self.manifest(&reader, &chain).await {
                Ok(manifest) => {
                    return Some((history(reader, chain, manifest, epoch, read_at), missing));
                }
                Err(error) if error.kind == ErrorKind::Corrupt => {
                    unusable.extend(chain.checkpoint);
                }
                Err(_) => return None,
            }
        }
    }

    /// The manifest of the checkpoint that the chain ends at.
    async fn manifest(&self, reader: &LogReader, chain: &Chain) -> Result<Option<Manifest>> {
        let checkpoint = chain.checkpoint.and_then(|link| reader.records.get(&link));
        let Some((_, manifest)) = checkpoint.and_then(|entry| entry.record.checkpoint()) else {
            return Ok(None);
        };
        let manifest = store::manifest(&self.shared, reader.channel(), &reader.others, manifest);
        manifest.await.map(Some)
    }

    /// The state that the history adds up to, and what its commits replaced.
    pub(super) fn replay(&self, history: &History) -> Result<(State, Vec<Recalled>)> {
        let now = self.shared.host.now();
        let mut state = match &history.manifest {
            Some(manifest) => State::at_checkpoint(manifest),
            None => State::default(),
        };
        for entry in &history.covered {
            state.remember_outcomes(&entry.record, now);
        }
        let mut replaced = Vec::new();
        for entry in &history.entries {
            let applied = state.apply(entry, now);
            let superseded = applied.map_err(|why| self.does_not_add_up(&why))?;
            replaced.extend(recalled(&entry.record, superseded, &state));
        }
        Ok((state, replaced))
    }
}

/// Whether the chain has this commit, or begins with a checkpoint that covers it.
fn shows(reader: &LogReader, chain: &Chain, link: Link) -> bool {
    if chain.links.contains(&link) {
        return true;
    }
    let Some(checkpoint) = chain.checkpoint.and_then(|link| reader.records.get(&link)) else {
        return false;
    };
    let covered = checkpoint.record.checkpoint().map(|(head, _)| head);
    let before = replay::walk(&reader.records, covered, None);
    covered == Some(link)
        || before.links.contains(&link)
        // What a checkpoint covers may be deleted from the log.
        || (reader.is_complete()
            && matches!(before.end, End::Missing { wanted, .. } if link.id <= wanted))
}

fn history(
    reader: LogReader,
    chain: Chain,
    manifest: Option<Manifest>,
    epoch: u64,
    read_at: UnixMillis,
) -> History {
    let outcomes_since = reader.reached();
    let checkpoint = chain.checkpoint.and_then(|link| reader.records.get(&link));
    let covered_by = checkpoint.and_then(Covered::by);
    let mut known = Known::default();
    let head = chain.links.first().copied().or(chain.checkpoint);
    if let Some(head) = head.and_then(|link| reader.records.get(&link)) {
        known.add(head.message, read_at);
    }
    let covered_head = manifest.as_ref().map(|manifest| manifest.head);
    let unread = reader.unfetched(covered_head.map_or(0, |head| head.id.seq().saturating_add(1)));
    let unread = unread.collect();
    let mut records = reader.records;
    let covered = replay::walk(&records, covered_head, None).links;
    let mut take = |links: Vec<Link>| {
        let entries = links.into_iter().rev();
        entries.filter_map(|link| records.remove(&link)).collect()
    };
    History {
        lacking: None,
        epoch,
        manifest,
        covered_by,
        entries: take(chain.links),
        takeovers: reader.takeovers,
        known,
        read_at,
        outcomes_since,
        covered: take(covered),
        seen: reader.others,
        unread,
    }
}
