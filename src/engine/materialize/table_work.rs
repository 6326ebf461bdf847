//! What is to be done in one table's channel.

use std::collections::{BTreeMap, BTreeSet};

use super::LATE_MS;
use super::late::Late;
use super::work::{Item, Next, Rank};
use crate::discord::model::{created_ms, first_id_at};
use crate::engine::log::CommitId;
use crate::engine::state::{Row, Shown, Table};
use crate::host::UnixMillis;

/// From this age on, Discord limits how often messages may be edited, and says so with 30046.
const OLD_MS: u64 = 60 * 60_000;
/// How long old messages are left alone after that, at first and at most.
const OLD_EDITS_MS: (u64, u64) = (5_000, 60_000);
/// How far back a message may be dated whose POST nobody answered.
const DATED_BACK_MS: u64 = 120_000;

#[derive(Debug, Default)]
pub(super) struct TableWork {
    /// The rows may be behind and are not in memory.
    pub to_load: bool,
    /// Messages that its rows are thought to have are gone.
    pub is_lost: bool,
    /// Rows whose message does not say what they say.
    rows: BTreeSet<(CommitId, Box<str>)>,
    pub scan: Scan,
    /// Messages to be removed.
    pub extra: Vec<u64>,
    doubts: BTreeMap<Box<str>, Doubt>,
    old_edits_until: UnixMillis,
    old_edits_ms: u64,
    pub audit: Audit,
    /// Whether requests may arrive that change the channel: nothing counts as shown for good before
    /// it was looked at after them.
    late: Late,
}

/// How far the channel was read since the database was opened.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// What is known from before the opening to be accounted for.
    start: u64,
    /// Every message of ours up to here is accounted for.
    after: u64,
    /// And every other as well, since the channel was read to its end.
    pub is_done: bool,
    /// A message may be there of which nothing is known but that its POST was not answered.
    is_needed: bool,
    /// From here on a message may surface late, whatever was read.
    late_from: Option<u64>,
}

/// An edit that nobody answered may arrive later, over a newer one.
#[derive(Debug)]
struct Doubt {
    /// From then on, reading the message tells what it will go on showing.
    until: UnixMillis,
    /// The commit that it was edited to since.
    sent: Option<CommitId>,
}

/// Whether the newest page was compared with the state.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audit {
    /// Nothing was changed yet that would call for it.
    #[default]
    Idle,
    Due,
    Done,
}

impl Scan {
    /// From where on the channel is to be read.
    pub fn after(&self) -> u64 {
        self.after
    }
}

impl TableWork {
    /// The next thing to do for the table's rows. `opened_at` is what the head was at the opening.
    pub fn next(
        &mut self,
        id: u32,
        table: &Table,
        has_channel: bool,
        now: UnixMillis,
        opened_at: Option<CommitId>,
    ) -> Next {
        if !table.mirror {
            *self = TableWork::default();
            return Next::Nothing;
        }
        let oldest = self.rows.first().map_or(table.created, |(at, _)| *at);
        if self.to_load {
            return Next::Work(Rank::Due(oldest), Item::Load { table: id });
        }
        let (ready, wake) = self.ready(table, now);
        let Some((at, key)) = ready else {
            let extra = self.extra.last().filter(|_| has_channel);
            return match extra {
                Some(&message) => Next::Work(
                    Rank::Due(table.created),
                    Item::Remove { table: id, message },
                ),
                None => Next::Nothing.or_at(wake),
            };
        };
        let needs_scan = table
            .rows
            .get(&*key)
            .is_some_and(|row| self.needs_scan(row, opened_at));
        let item = if !has_channel {
            Item::Channel { table: id }
        } else if let Some(&message) = self.extra.last() {
            Item::Remove { table: id, message }
        } else if needs_scan {
            Item::Scan { table: id }
        } else {
            Item::Row { table: id, key }
        };
        Next::Work(Rank::Due(at), item)
    }

    /// The oldest row that can be worked at now, and when the next of the others can be.
    fn ready(
        &mut self,
        table: &Table,
        now: UnixMillis,
    ) -> (Option<(CommitId, Box<str>)>, Option<UnixMillis>) {
        let mut wake: Option<UnixMillis> = None;
        let mut settled = Vec::new();
        let mut ready = None;
        for entry in &self.rows {
            let (at, key) = entry;
            let row = table.rows.get(&**key);
            match row.filter(|row| row.at == *at && !row.is_shown()) {
                None => settled.push(entry.clone()),
                Some(row) => match self.waits_until(key, row, now) {
                    None => {
                        ready = Some(entry.clone());
                        break;
                    }
                    Some(until) => wake = Some(wake.map_or(until, |wake| wake.min(until))),
                },
            }
        }
        for entry in settled {
            self.rows.remove(&entry);
        }
        (ready, wake)
    }

    fn waits_until(&self, key: &str, row: &Row, now: UnixMillis) -> Option<UnixMillis> {
        let doubt = self.doubts.get(key);
        if let Some(doubt) = doubt.filter(|doubt| doubt.sent == Some(row.at) && now < doubt.until) {
            return Some(doubt.until);
        }
        let is_old = |message| created_ms(message).saturating_add(OLD_MS) <= now;
        let message = row.shown.message_id();
        let is_old_edit = !row.hard && message.is_some_and(is_old);
        (is_old_edit && now < self.old_edits_until).then_some(self.old_edits_until)
    }

    /// Whether the row may have a message that nobody knows of. One that is new since the opening
    /// has none but those that this object posted.
    fn needs_scan(&self, row: &Row, opened_at: Option<CommitId>) -> bool {
        let is_new = row.rev == 1 && Some(row.at) > opened_at;
        !self.scan.is_done && row.shown.message.is_none() && (self.scan.is_needed || !is_new)
    }

    /// Every message of ours up to here was accounted for when the database was opened.
    pub fn scan_from(&mut self, message: u64) {
        self.scan.start = message;
        self.scan.after = message;
    }

    /// What was accounted for was so in what is known no more: the channel is to be read from its beginning.
    pub fn scan_anew(&mut self) {
        self.scan = Scan {
            late_from: self.scan.late_from,
            ..Scan::default()
        };
    }

    pub fn want(&mut self, at: CommitId, key: &str) {
        self.rows.insert((at, key.into()));
    }

    /// A newer revision is wanted instead.
    pub fn unwant(&mut self, at: CommitId, key: &str) {
        self.rows.remove(&(at, key.into()));
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn oldest(&self) -> Option<CommitId> {
        self.rows.first().map(|(at, _)| *at)
    }

    /// The row's message was deleted by hand: if there is a thread on it, that goes as well.
    pub fn gone(&mut self, before: Shown) {
        let message = before.message_id().filter(|_| before.thread);
        self.extra.extend(message);
    }

    /// Whether something is under way that a successor would not know of.
    pub fn is_unfinished(&self) -> bool {
        self.to_load || !self.extra.is_empty() || self.is_late()
    }

    /// Until then requests may arrive of which nothing is known.
    pub fn late(&mut self, until: UnixMillis) {
        self.late.extend(until);
        self.audit = Audit::Due;
    }

    /// Whether some may still arrive, or may have since the channel was looked at.
    pub fn is_late(&self) -> bool {
        self.late.is_open()
    }

    /// When the newest page is to be compared with the state, if it is.
    pub fn audit_at(&self) -> Option<UnixMillis> {
        let is_due = self.audit == Audit::Due && self.rows.is_empty();
        is_due.then(|| self.late.until().unwrap_or_default())
    }

    /// It was, as it stood at that time.
    pub fn audited(&mut self, asked_at: UnixMillis) {
        self.audit = Audit::Done;
        self.late.looked(asked_at);
        if self.is_late() {
            self.audit = Audit::Due;
        }
    }

    /// Nobody answered an edit.
    pub fn doubt(&mut self, key: &str, now: UnixMillis) {
        let until = now + LATE_MS;
        let doubt = Doubt { until, sent: None };
        self.doubts.insert(key.into(), doubt);
    }

    /// The row's message shows this commit; whether an earlier edit may still arrive over it.
    pub fn edited(&mut self, key: &str, at: CommitId, now: UnixMillis) -> bool {
        if let Some(until) = self.late.until().filter(|&until| now < until) {
            let doubt = self.doubts.entry(key.into());
            let doubt = doubt.or_insert(Doubt { until, sent: None });
            doubt.until = doubt.until.max(until);
        }
        match self.doubts.get_mut(key) {
            None => false,
            Some(doubt) => {
                doubt.sent = Some(at);
                true
            }
        }
    }

    /// Whether the row's message is to be read again before it counts as shown.
    pub fn is_doubted(&self, key: &str, at: CommitId) -> bool {
        let doubt = self.doubts.get(key);
        doubt.is_some_and(|doubt| doubt.sent == Some(at))
    }

    pub fn doubt_settled(&mut self, key: &str) {
        self.doubts.remove(key);
    }

    /// Discord wants fewer edits of old messages; how long they wait now.
    pub fn old_edit_refused(&mut self, now: UnixMillis, retry_after_ms: u64) -> u64 {
        let (first, most) = OLD_EDITS_MS;
        self.old_edits_ms = (self.old_edits_ms * 2).clamp(first, most);
        let wait = self.old_edits_ms.max(retry_after_ms);
        self.old_edits_until = now + wait;
        wait
    }

    pub fn edit_accepted(&mut self) {
        self.old_edits_ms = 0;
    }

    /// A message may be there whose POST nobody answered.
    pub fn post_unanswered(&mut self, now: UnixMillis) {
        let from = first_id_at(now.saturating_sub(DATED_BACK_MS));
        let scan = &mut self.scan;
        scan.after = scan.after.min(from);
        scan.is_done = false;
        scan.is_needed = true;
        scan.late_from = Some(scan.late_from.map_or(from, |earlier| earlier.min(from)));
        self.late(now + LATE_MS);
    }

    /// A page was read, up to the message `highest`.
    pub fn scanned(&mut self, highest: Option<u64>, is_last: bool) {
        let scan = &mut self.scan;
        scan.after = scan.after.max(highest.unwrap_or_default());
        if is_last {
            scan.is_done = true;
            scan.is_needed = false;
        }
    }

    /// The channel is empty, since it was just made.
    pub fn channel_is_new(&mut self) {
        self.scan = Scan {
            is_done: true,
            ..Scan::default()
        };
        self.extra.clear();
        self.doubts.clear();
        self.audit = Audit::Idle;
        self.late = Late::default();
    }

    /// A message of ours that is accounted for.
    pub fn posted(&mut self, message: u64) {
        if self.scan.is_done {
            self.scan.after = self.scan.after.max(message);
        }
        if self.audit == Audit::Idle {
            self.audit = Audit::Due;
        }
    }

    /// The highest id up to which every message of ours is accounted for.
    pub fn accounted_for(&self) -> Option<u64> {
        let after = if self.extra.is_empty() {
            self.scan.after
        } else {
            self.scan.start
        };
        let after = self.scan.late_from.map_or(after, |late| late.min(after));
        Some(after).filter(|&after| after > 0)
    }
}
