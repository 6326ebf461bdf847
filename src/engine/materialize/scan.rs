//! Reading a table's channel: what is right is taken over, what is missing is posted again, and
//! what is there twice goes.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::mirror::shown;
use super::{Stop, row_message};
use crate::discord::model::{HAS_THREAD, Message, THREAD_CREATED, created_ms};
use crate::discord::{CallError, Patience, routes};
use crate::engine::cannot_read;
use crate::engine::database::{Database, Opened};
use crate::engine::digest::RowSum;
use crate::engine::log::CommitId;
use crate::engine::state::{Row, Shown};
use crate::host::{Host, UnixMillis};
use crate::limits::MESSAGE_PAGE;

/// A message younger than this that does not show may only be late: Discord's reads are eventually
/// consistent.
const SETTLED_MS: u64 = 60_000;

impl<H: Host> Database<H> {
    /// Reads one page of a table's channel, from where the last one ended.
    pub(super) async fn scan_channel(&self, table: u32, channel: u64) -> Result<(), Stop> {
        let after = self.look(|opened| {
            let work = opened.mirror.tables.get(&table);
            work.map_or(0, |work| work.scan.after())
        })?;
        let me = self.shared.me().await?;
        let route = routes::messages_after(channel, after);
        let asked_at = self.shared.host.now();
        let page: Vec<Message> = self.shared.client.get(&route, Patience::BACKGROUND).await?;
        if page.is_empty() {
            self.check_readable(channel, after).await?;
        }
        self.check_not_overtaken(&page, me)?;
        self.change(|opened| {
            account_for(opened, table, &page, me, asked_at);
            let highest = page.iter().map(|message| message.id).max();
            let is_last = page.len() < MESSAGE_PAGE;
            opened.mirror.work(table).scanned(highest, is_last);
        })
    }

    /// Discord answers with an empty list where Read Message History is missing: whether one that came
    /// for what is `after` a message is true.
    pub(in crate::engine) async fn check_readable(
        &self,
        channel: u64,
        after: u64,
    ) -> Result<(), CallError> {
        if after > 0 {
            let route = routes::messages(channel, None);
            let newest = self.shared.client.get(&route, Patience::BACKGROUND);
            let newest: Vec<Message> = newest.await?;
            if !newest.is_empty() {
                return Ok(());
            }
        }
        match self.shared.sees_own_messages(channel).await? {
            true => Ok(()),
            false => Err(cannot_read(channel)),
        }
    }

    /// Stops where a message shows a commit of a later claim than ours: another object has the
    /// database now, and what looks wrong from here is what it wrote.
    pub(super) fn check_not_overtaken(&self, messages: &[Message], me: u64) -> Result<(), Stop> {
        let epoch = self.look(|opened| opened.epoch)?;
        let own = messages.iter().filter(|message| message.author.id == me);
        let mut seen = own.filter_map(row_message::parse);
        if seen.any(|seen| seen.at.epoch() > epoch) {
            self.log_stop("another object has the database now");
            self.close();
            return Err(Stop::Closed);
        }
        Ok(())
    }

    /// Compares the newest page of a table's channel with the state, once everything is shown.
    pub(super) async fn audit_channel(&self, table: u32, channel: u64) -> Result<(), Stop> {
        let me = self.shared.me().await?;
        let asked_at = self.shared.host.now();
        let route = routes::messages(channel, None);
        let page: Vec<Message> = self.shared.client.get(&route, Patience::BACKGROUND).await?;
        if page.is_empty() {
            self.check_readable(channel, 0).await?;
        }
        self.check_not_overtaken(&page, me)?;
        self.change(|opened| {
            account_for(opened, table, &page, me, asked_at);
            for (key, before) in missing(opened, table, &page, asked_at) {
                opened.mirror.work(table).gone(before);
                let none = Shown::default();
                opened.mirror.show(&mut opened.state, table, &key, none);
            }
            let announced = page
                .iter()
                .filter(|m| m.author.id == me && m.kind == THREAD_CREATED);
            let work = opened.mirror.work(table);
            work.extra.extend(announced.map(|message| message.id));
            work.audited(asked_at);
        })
    }
}

/// Rows whose message should be on the page and is not, and what it was thought to show.
fn missing(
    opened: &Opened,
    table: u32,
    page: &[Message],
    asked_at: UnixMillis,
) -> Vec<(String, Shown)> {
    let Some(found) = opened.state.view(table) else {
        return Vec::new();
    };
    let ids: BTreeSet<u64> = page.iter().map(|message| message.id).collect();
    let is_all = page.len() < MESSAGE_PAGE;
    let from = ids.first().copied().filter(|_| !is_all).unwrap_or(0);
    let is_missing = |(_, row): &(&String, &Row)| {
        match row.shown.message_id() {
            Some(id) => id >= from && !ids.contains(&id) && created_ms(id) + SETTLED_MS <= asked_at,
            // Nobody knows of one, and it is not there either.
            None => is_all && !row.is_shown(),
        }
    };
    let missing = found.rows.iter().filter(is_missing);
    missing.map(|(key, row)| (key.clone(), row.shown)).collect()
}

/// Takes in what messages of ours show, oldest first. Of several for a row, the one of the newest
/// commit stays.
fn account_for(opened: &mut Opened, table: u32, page: &[Message], me: u64, asked_at: UnixMillis) {
    let mut own: Vec<&Message> = page.iter().filter(|m| m.author.id == me).collect();
    own.sort_by_key(|message| message.id);
    for message in own {
        let Some(seen) = row_message::parse(message) else {
            continue;
        };
        let Some(found) = opened.state.view(table) else {
            return;
        };
        let Some(row) = found.rows.get(&seen.key) else {
            continue;
        };
        let sum = opened.state.stated_sum(table, &seen.key);
        let at = shows(row, &seen, sum);
        let is_news = at == row.at && !row.is_shown();
        // An edit that is under way may still arrive over it.
        let is_doubted = is_news && opened.mirror.work(table).edited(&seen.key, at, asked_at);
        let at = if is_doubted { row.shown.at } else { at };
        let has_thread = message.flags & HAS_THREAD != 0;
        let found = shown(message.id, at, has_thread);
        let before = row.shown;
        let is_same = before.message == found.message;
        let is_better =
            |known: Shown| (found.at, Reverse(found.message)) > (known.at, Reverse(known.message));
        match before.message_id() {
            Some(_) if is_same && before == found => {}
            Some(known) if !is_same && !is_better(before) => {
                let work = opened.mirror.work(table);
                work.extra.push(message.id);
                work.extra.retain(|&extra| extra != known);
            }
            known => {
                let extra = known.filter(|_| !is_same);
                opened
                    .mirror
                    .show(&mut opened.state, table, &seen.key, found);
                let work = opened.mirror.work(table);
                work.extra.extend(extra);
            }
        }
    }
}

/// The commit that a message shows of its row; none that could be right when it says what the row
/// never said.
fn shows(row: &Row, seen: &row_message::Seen, sum: Option<RowSum>) -> CommitId {
    let is_right = seen.at == row.at && Some(seen.sum) == sum;
    if is_right || seen.at < row.at {
        seen.at
    } else {
        CommitId::default()
    }
}
