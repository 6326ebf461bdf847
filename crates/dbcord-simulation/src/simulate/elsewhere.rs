//! Questions whose rows come from messages: found by Discord's search, or read in the table's channel. While
//! things happen, nothing follows from their answers, but they keep laws of their own. At rest, every way to
//! the rows leads to the same answer.

use std::collections::BTreeSet;

use discord_sim::{SearchOddity, SearchPlan};
use fastrand::Rng;
use serde_json::{Value, json};

use super::answer::{Answer, NO_TABLE, READ_ONLY, number_after};
use super::doc::{Doc, FIELDS, Name};
use super::found::{Found, read_eventual, read_exact};
use super::linear::Call;
use super::model::{Database, sort, values};
use super::operation::{Action, Command};
use super::place::{Cell, LASTING, has_rules, indexed, is_passing};
use super::plan::Ask;
use super::query::{Filter, Find, Query, Scalar, Select, Test, Via};
use super::ruled;
use super::run::{HOUR_MS, Run};
use super::violation::{Law, Violation};
use crate::harness::world::content;

/// How often somebody left in peace asks again before that is a fault.
const TRIES: u32 = 5;
/// What is answered while something goes wrong.
const PASSING: [&str; 7] = [
    "waits until everything under way has reached its log",
    "Discord's rate limit asks for a pause",
    "belongs to another deployment of dbcord",
    "is being taken over by another deployment of dbcord",
    "no reply: ",
    " was interrupted. Run it again.",
    "Try again",
];
/// So many searches may be made for a query.
const SEARCHES: usize = 8;

/// A question, as far as its answer depends on it.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    pub table: u8,
    pub via: Via,
    pub query: &'a Query,
    /// The moment.
    pub at: u64,
}

impl<'a> Asked<'a> {
    /// Once everything is known.
    fn in_peace(table: u8, via: Via, query: &'a Query) -> Asked<'a> {
        Asked {
            table,
            via,
            query,
            at: u64::MAX,
        }
    }
}

/// Whether pages of a search lack some of what is found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Gaps {
    Some,
    None,
}

impl Run {
    /// A question that is answered from messages.
    pub(super) fn question_elsewhere(&self, ask: &Ask) -> Command {
        let rng = &mut ruled::dice(ask);
        let table = ask.cell.table;
        let via = if rng.u8(..5) < 2 {
            Via::Scan
        } else {
            Via::Search
        };
        let seen = self.seen[ask.client].iter();
        let seen = seen.filter(|(cell, _)| cell.table == table);
        let seen = seen.map(|(cell, (_, doc))| (*cell, *doc));
        let rows: Vec<(Cell, Doc)> = self.before.live(table).into_iter().chain(seen).collect();
        let mut query = draw(rng, table, self.newest_value(), &rows);
        for _ in 0..3 {
            if via == Via::Search && has_words(&query).is_none() {
                query = draw(rng, table, self.newest_value(), &rows);
            }
        }
        Command::AskElsewhere { table, via, query }
    }

    /// Takes in what was answered to such a question, while anything may happen.
    pub(super) fn hear_elsewhere(
        &self,
        asked: Asked<'_>,
        reply: &str,
        file: Option<&str>,
    ) -> Result<(), Violation> {
        let is_warned = reply.starts_with(READ_ONLY);
        let answer = match reply.split_once('\n').filter(|_| is_warned) {
            Some((_, answer)) => answer,
            None => reply,
        };
        let Some(found) = read_eventual(asked.query, answer, file) else {
            return self.may_fail(asked, reply);
        };
        let rows = self.rows_are_honest(asked, &found)?;
        // What was changed since the checkpoint is in memory, and what was before is shown by then, unless the
        // answer says otherwise. A search may find what was shown before that.
        let is_current = asked.via == Via::Scan && !is_warned && !answer.contains(" not shown yet");
        for (cell, doc) in rows.iter().flatten() {
            if let Some(why) = self.outdated(*cell, doc.v, asked.at, is_current) {
                let text = format!("{cell} with v={} is shown, and {why}: {reply}", doc.v);
                return Err(Violation::new(Law::Fresh, text));
            }
        }
        Ok(())
    }

    /// Rows are of the table, as somebody wrote them, match, and stand in order and once each. None where they are
    /// not shown.
    fn rows_are_honest(
        &self,
        asked: Asked<'_>,
        found: &Found,
    ) -> Result<Option<Vec<(Cell, Doc)>>, Violation> {
        let guilty = |text: String| Err(Violation::new(Law::Honest, text));
        let most = Cell::of_table(asked.table).count();
        if found.count > most || found.matched.is_some_and(|matched| matched > most) {
            return guilty(format!(
                "of {most} rows, {} were told: {found:?}",
                asked.query
            ));
        }
        let (Query::Find(find), Some(shown)) = (asked.query, &found.shown) else {
            return Ok(None);
        };
        if shown.len() > find.limit {
            return guilty(format!("to {find:?}, too many are shown: {shown:?}"));
        }
        let mut rows: Vec<(Cell, Doc)> = Vec::new();
        let mut known = BTreeSet::new();
        for row in shown {
            let Some((cell, doc)) = row_of(asked.table, find.select, row) else {
                return guilty(format!(
                    "nobody wrote {row}, which is shown to {}",
                    asked.query
                ));
            };
            let why = if !known.insert(cell) {
                "stands there twice"
            } else if !find.filter.matches(cell, &doc) {
                "does not match"
            } else if !self.pasts.is_of(cell, doc.v) {
                "was never written there"
            } else if self.erased.contains(&doc.v) {
                let text = format!("{row} is shown, of which there is no copy");
                return Err(Violation::new(Law::Erased, text));
            } else {
                rows.push((cell, doc));
                continue;
            };
            return guilty(format!("{row} {why}, and is shown to {}", asked.query));
        }
        let mut in_order = rows.clone();
        sort(&mut in_order, &find.sort);
        if rows != in_order {
            return guilty(format!(
                "{} was answered in another order: {shown:?}",
                asked.query
            ));
        }
        Ok(Some(rows))
    }

    /// Why a row cannot be shown with this mark any more to who asks at that moment. What was so at the last time of
    /// rest, everything shows; and the rest of what was acknowledged by then, what is current.
    fn outdated(&self, cell: Cell, v: u64, at: u64, is_current: bool) -> Option<String> {
        let of_cell = |call: &&Call| {
            let mut changes = call.command.changes().iter();
            changes.any(|change| change.cell == cell)
        };
        let calls: Vec<&Call> = self.calls.iter().filter(of_cell).collect();
        let leaves = |call: &Call| {
            let mut changes = call.command.changes().iter().rev();
            changes
                .find(|change| change.cell == cell)
                .map(|change| change.action)
        };
        let is_restored = |call: &&Call| matches!(leaves(call), Some(Action::Restore(_)));
        if is_passing(cell.table) || calls.iter().any(is_restored) {
            return None;
        }
        let is_writer = |call: &&&Call| {
            let mut changes = call.command.changes().iter();
            changes.any(|change| change.action.value() == Some(v))
        };
        let since = match calls.iter().find(is_writer) {
            Some(writer) if leaves(writer)?.value() != Some(v) => {
                return Some(format!("only within {}", writer.command));
            }
            Some(writer) => match &writer.returned {
                Some((at, Answer::Done(_))) => *at,
                // Nobody knows when.
                _ => return None,
            },
            None => {
                let current = self.before.current(cell).map(|doc| doc.v);
                if current != Some(v) {
                    return Some(format!("{current:?} was there at the last time of rest"));
                }
                0
            }
        };
        let is_later = |call: &&&Call| {
            let is_done = matches!(&call.returned, Some((done, Answer::Done(_))) if *done < at);
            is_done && call.invoked > since
        };
        let later = calls.iter().find(is_later).filter(|_| is_current)?;
        Some(format!("{} was acknowledged before", later.command))
    }

    /// Whether this may be all that is answered.
    fn may_fail(&self, asked: Asked<'_>, reply: &str) -> Result<(), Violation> {
        let has = |text: &str| reply.contains(text);
        let is_search = asked.via == Via::Search;
        let is_expected = self.has_nothing_to_search(asked, reply)?
            || has(NO_TABLE)
            || has("are not shown as messages") && is_passing(asked.table)
            || has("Discord is still indexing") && is_search
            // Somebody dropped an index, or the table, while it was asked.
            || has("Unknown Channel") && has("Try again")
            || (has("Discord refused: Missing ") || has("HTTP 403")) && self.has_been_blind
            || PASSING.iter().any(|text| has(text)) && !self.expects_answers;
        if is_expected {
            return Ok(());
        }
        let text = format!("{} via {}: {reply}", asked.query, asked.via.text());
        Err(Violation::new(Law::Available, text))
    }

    /// What Discord's search shows of messages: late, within an hour all, and with gaps that chance makes.
    pub(super) fn search_is(&mut self, gaps: Gaps) {
        let plan = SearchPlan::usual().lasting(SearchOddity::Straggler, 65_000, HOUR_MS);
        let plan = match gaps {
            Gaps::Some => plan,
            Gaps::None => plan.rate(SearchOddity::ShortPage, 0.0),
        };
        let set = self
            .world
            .with_discord(|discord| discord.set_search_plan(plan));
        set.expect("a plan within bounds");
    }

    /// Asks about some table, by every way to its rows, once they are known. Half of the time none of it is in memory.
    pub(super) fn ask_every_way(&mut self) -> Result<(), Violation> {
        let newest = self.newest_value();
        let mut rng = Rng::with_seed(newest);
        let state = self.before.clone();
        let shown = state.tables.iter();
        let shown = shown.filter(|(_, table)| table.is_shown == Some(true));
        let tables: Vec<u8> = shown.map(|(table, _)| *table).collect();
        let table = tables[rng.usize(..tables.len())];
        let query = draw(&mut rng, table, newest, &state.live(table));
        if rng.bool() {
            self.world.evict();
        }
        for via in [Via::Scan, Via::Search, Via::Memory] {
            self.comes_to(&state, Asked::in_peace(table, via, &query), None)?;
        }
        Ok(())
    }

    /// What was changed just now is in every answer, and what it was before in none: memory goes over messages.
    pub(super) fn ask_after_a_change(&mut self) -> Result<(), Violation> {
        // What is unknown may happen any time.
        if !self.calls.is_empty() {
            return Ok(());
        }
        let mut rng = Rng::with_seed(self.newest_value());
        let table = rng.u8(..LASTING);
        let cells = Cell::of_table(table).filter(|cell| !cell.is_account());
        let cells: Vec<Cell> = cells.collect();
        let cell = cells[rng.usize(..cells.len())];
        let doc = Doc {
            v: self.value_in_text(),
            ..Doc::default()
        };
        let was = self.before.live(table);
        let change = ruled::draw_change(&mut rng, cell, doc);
        self.invoke(0, Command::Change(change));
        self.join_client(0)?;
        let mut state = self.before.clone();
        let is_done = self.calls.last().is_some_and(|call| {
            let answer = call.returned.as_ref().map(|(_, answer)| answer);
            let done = answer.filter(|answer| matches!(answer, Answer::Done(_)));
            // What it should not have been turns out when everything is compared.
            done.is_some_and(|answer| state.answers(&call.request(), answer))
        });
        // It is what was heard last.
        let heard = self.trace.last().filter(|_| is_done);
        let commit = heard.and_then(|heard| number_after(heard, "(commit #"));
        if commit.is_none() {
            return Ok(());
        }
        if rng.bool() {
            self.world.evict();
        }
        let rows = was.into_iter().chain(state.live(table));
        let rows: Vec<(Cell, Doc)> = rows.filter(|(other, _)| *other == cell).collect();
        let query = draw(&mut rng, table, doc.v, &rows);
        for via in [Via::Scan, Via::Search] {
            self.comes_to(&state, Asked::in_peace(table, via, &query), commit)?;
        }
        Ok(())
    }

    /// The answer is what follows from the state, at the latest after some tries; of the last change, where that
    /// was made just now with this commit, only as far as the answer does not leave it to the search.
    fn comes_to(
        &mut self,
        state: &Database,
        asked: Asked<'_>,
        commit: Option<u64>,
    ) -> Result<(), Violation> {
        let Asked {
            table, via, query, ..
        } = asked;
        let command = Command::AskElsewhere {
            table,
            via,
            query: query.clone(),
        };
        let known = state.answer(table, query);
        let mut reply = String::new();
        for _ in 0..commit.map_or(TRIES, |_| 1) {
            self.search_is(Gaps::None);
            let spec = command.spec(self.world.guild.guild_id, self.user(0));
            let view = self.world.interact(spec);
            self.search_is(Gaps::Some);
            reply = content(&view);
            let file = self.world.reply_file(&view);
            let told = match via {
                Via::Memory => read_exact(query, &reply, file.as_deref()),
                Via::Scan | Via::Search => read_eventual(query, &reply, file.as_deref()),
            };
            let Some(told) = told else {
                if self.has_nothing_to_search(asked, &reply)? {
                    return Ok(());
                }
                self.world.wait(60_000);
                continue;
            };
            if known.as_ref().is_some_and(|known| known.is_told_as(&told)) {
                return Ok(());
            }
            let has = |text: &str| reply.contains(text);
            // Of what does not fit a message, nobody can read the rest; or it is in none yet, and was in memory.
            let is_less = has(" not readable") && !self.looks.has_files || has(" not shown yet");
            // An entry of an index leads to where its row was before somebody deleted that message.
            let is_lost = has(" known to the index only") && self.has_been_meddled;
            if is_less || is_lost {
                return Ok(());
            }
            // It takes its time; what was in no message that was found is shown meanwhile, but not found.
            let is_late = has("does not find old messages yet") || has("had no index yet");
            let shown = number_after(&reply, "channels show everything up to commit #");
            let is_left = via == Via::Search && commit.is_some() && shown >= commit;
            let is_late = is_late || is_left;
            if !is_late {
                self.note(&format!("in peace: {command}: {reply}"));
                let text = format!("{command} is {known:?}; it was answered with: {reply}");
                return Err(Violation::new(Law::Ways, text));
            }
            self.world.wait(60_000);
        }
        match commit {
            Some(_) => Ok(()),
            None => Err(Violation::new(
                Law::Available,
                format!("{command}: {reply}"),
            )),
        }
    }

    /// Whether the answer is that there is nothing to search for; where there is, it must not be.
    fn has_nothing_to_search(&self, asked: Asked<'_>, reply: &str) -> Result<bool, Violation> {
        if !reply.contains("has nothing that Discord's search finds") {
            return Ok(false);
        }
        if asked.via == Via::Search && has_words(asked.query).is_none() {
            return Ok(true);
        }
        let text = format!("{} has words to search for: {reply}", asked.query);
        Err(Violation::new(Law::Ways, text))
    }
}

/// A question, mostly for what one of these rows has, and mostly of what can be searched for.
fn draw(rng: &mut Rng, table: u8, newest: u64, rows: &[(Cell, Doc)]) -> Query {
    let filter = draw_filter(rng, table, newest, rows);
    if rng.u8(..4) == 0 {
        return Query::Count(filter);
    }
    let select = match rng.u8(..8) {
        0 => Select::Everything,
        _ => Select::Short,
    };
    Query::Find(Find {
        filter,
        select,
        ..Find::draw(rng, table, newest)
    })
}

fn draw_filter(rng: &mut Rng, table: u8, newest: u64, rows: &[(Cell, Doc)]) -> Filter {
    let of_row = |rng: &mut Rng| {
        let (cell, doc) = rows.get(rng.usize(..rows.len().max(1)))?;
        Some(Filter::And(equalities(rng, *cell, doc)))
    };
    let any = Filter::draw(rng, table, newest);
    let one = match (of_row(rng), rng.u8(..8)) {
        (Some(Filter::And(mut all)), 0..7) if all.len() == 1 => all.remove(0),
        (Some(one), 0..7) => one,
        _ => return any,
    };
    match (of_row(rng), rng.u8(..10)) {
        (Some(other), 0) => Filter::Or(vec![one, other]),
        (_, 1) => Filter::And(vec![one, any]),
        _ => one,
    }
}

/// What is so of the row: one thing, or what one of the indexes is over.
fn equalities(rng: &mut Rng, cell: Cell, doc: &Doc) -> Vec<Filter> {
    let names: &[Name] = match rng.u8(..8) {
        0..2 if has_rules(cell.table) => &[Name::Role, Name::Rank],
        2..7 if has_rules(cell.table) => {
            let at = rng.usize(..FIELDS.len());
            &FIELDS[at..=at]
        }
        0..4 if indexed(cell.table) == "balance" => &[Name::Balance],
        0..4 => &[Name::V],
        _ => &[Name::Id],
    };
    let equal = |name: &Name| {
        let all = values(cell, doc, *name);
        let value = all.get(rng.usize(..all.len().max(1)));
        let value = value.copied().unwrap_or(Scalar::Null);
        let test = match rng.u8(..4) {
            0 => Test::In(vec![value, value]),
            _ => Test::Eq(value),
        };
        Filter::Is(*name, test)
    };
    names.iter().map(equal).collect()
}

fn has_words(query: &Query) -> Option<usize> {
    match query {
        Query::Count(filter) | Query::Find(Find { filter, .. }) => words(filter),
        _ => None,
    }
}

/// How many words there are to search for in a query, where there are some for sure.
fn words(filter: &Filter) -> Option<usize> {
    let is_word = |value: &Scalar| match value {
        Scalar::Text(text) => text.chars().all(char::is_alphabetic),
        Scalar::Null | Scalar::Int(_) => false,
    };
    let most = |words: Option<usize>| words.filter(|words| *words <= SEARCHES);
    most(match filter {
        Filter::Is(_, Test::Eq(value)) => is_word(value).then_some(1),
        Filter::Is(_, Test::In(values)) => values.iter().all(is_word).then_some(values.len()),
        Filter::And(all) => all.iter().filter_map(words).min(),
        Filter::Or(any) => any.iter().map(words).sum(),
        Filter::All | Filter::Is(..) | Filter::Nor(_) => None,
    })
}

/// A row as it is shown, and which it is; none where it is no row of the table.
fn row_of(table: u8, select: Select, row: &Value) -> Option<(Cell, Doc)> {
    let key = match &row["id"] {
        Value::String(key) => key.clone(),
        id => id.as_u64()?.to_string(),
    };
    let cell = Cell::of_table(table).find(|cell| cell.key() == key)?;
    let mut whole = row.clone();
    if select == Select::Short {
        whole.as_object_mut()?.insert("pad".to_owned(), json!(""));
    }
    Some((cell, Doc::parse(cell.key(), &whole.to_string())?))
}
