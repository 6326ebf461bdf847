//! Times of rest, when everything is read and compared.

use std::collections::BTreeSet;

use fastrand::Rng;

use super::answer::Answer;
use super::checks;
use super::doc::Doc;
use super::linear::{self, Call, Verdict, Window};
use super::model::Database;
use super::operation::{Action, Change, Command, Mode};
use super::place::{BANKS, Cell, DATABASE, MEMBERS, TABLES, TEAMS, has_rules, is_passing};
use super::query::Query;
use super::run::{HOUR_MS, Run};
use super::violation::{Law, Violation};
use crate::harness::world::{World, content};

/// How often a reader left in peace asks again before that is a fault.
const READS_IN_PEACE: u32 = 5;

impl Run {
    /// Calm, an hour of rest, and everything is read and compared. That is also when operations of
    /// unknown outcome are counted anew.
    pub(super) fn be_quiet(&mut self) -> Result<(), Violation> {
        self.join()?;
        self.calm();
        self.own_the_log()?;
        self.world.wait(HOUR_MS + 60_000);
        if std::mem::take(&mut self.is_meddled) {
            // Who opens the database and has something to show compares the channels with the rows.
            self.world.evict();
            for table in (0..TABLES.len() as u8).filter(|table| !has_rules(*table)) {
                self.write_in_peace(Cell { table, key: 0 })?;
            }
            self.world.wait(HOUR_MS);
        }
        self.read_all_in_peace()?;
        self.ask_in_peace()?;
        self.world.settle();
        self.erasures_are_told()?;
        self.close_window()?;
        if self.is_undecided {
            // Nobody knows what the rows are.
            return Ok(());
        }
        checks::channels_say_what_rows_are(&self.world, &self.before, self.looks)?;
        checks::no_copy_is_left(&self.world, &self.erased)?;
        checks::bank_is_whole(&self.before)?;
        checks::rules_hold(&self.before)?;
        let changes = self.world.observed().changes;
        self.world.wait(HOUR_MS);
        self.world.settle();
        let more = self.world.observed().changes - changes;
        if more > 0 {
            let text = format!("{more} more requests that change something");
            return Err(Violation::new(Law::Idle, text));
        }
        // By now, everything that was shown is found as well.
        self.ask_every_way()?;
        self.ask_after_a_change()
    }

    fn write_in_peace(&mut self, cell: Cell) -> Result<(), Violation> {
        let v = self.value_in_text();
        // What an index is over changes as well.
        let balance = v as i64;
        let doc = Doc {
            v,
            balance,
            ..Doc::default()
        };
        let change = Change {
            cell,
            action: Action::Put(Mode::Upsert, doc),
            if_rev: None,
        };
        self.invoke(0, Command::Change(change));
        self.join_client(0)
    }

    /// Reads every row; twice where a change's outcome is unknown. For all that one round tells, a
    /// transaction could have happened between the readings of two of its rows, and the checker
    /// would take it to have overwritten what it was overwritten by. Of rows that were deleted for
    /// good, the past is read as well.
    fn read_all_in_peace(&mut self) -> Result<(), Violation> {
        let is_unknown = self.calls.iter().any(Call::is_unknown);
        let changes = self.calls.iter().flat_map(|call| call.command.changes());
        let is_erasing = |change: &&Change| change.action == Action::Delete { is_hard: true };
        let erased: BTreeSet<Cell> = changes.filter(is_erasing).map(|it| it.cell).collect();
        // The table may have another name now; and where rows name others, more may have gone.
        let may_be_erased = |cell: Cell| {
            let is_like = |erased: &Cell| match has_rules(cell.table) {
                true => has_rules(erased.table),
                false => erased.key == cell.key,
            };
            erased.iter().any(is_like)
        };
        for cell in Cell::all() {
            self.read_in_peace(Command::Get(cell))?;
        }
        for _ in 0..1 + usize::from(is_unknown) {
            for table in [TEAMS, MEMBERS] {
                self.read_in_peace(Command::ShowSchema(table))?;
                let query = Query::of_indexes();
                self.read_in_peace(Command::Ask { table, query })?;
            }
        }
        for cell in Cell::all() {
            if may_be_erased(cell) {
                self.read_in_peace(Command::Past(cell))?;
            } else if is_unknown {
                self.read_in_peace(Command::Get(cell))?;
            }
        }
        Ok(())
    }

    /// Asks a few questions, each as it is and in a way that no index helps with: the answers are the same.
    fn ask_in_peace(&mut self) -> Result<(), Violation> {
        let newest = self.newest_value();
        let mut rng = Rng::with_seed(newest);
        for table in [TEAMS, MEMBERS, rng.u8(..BANKS)] {
            let query = Query::draw(&mut rng, table, newest);
            for query in [query.clone(), query.in_disguise()] {
                self.read_in_peace(Command::Ask { table, query })?;
            }
        }
        Ok(())
    }

    /// As a client of its own, so that it is part of the history.
    fn read_in_peace(&mut self, command: Command) -> Result<(), Violation> {
        let noted = self.trace.len();
        for _ in 0..READS_IN_PEACE {
            self.invoke(0, command.clone());
            self.join_client(0)?;
            let answer = self.calls.last().and_then(|call| call.returned.clone());
            match answer {
                Some((_, Answer::Unread)) | None => self.world.wait(60_000),
                Some((_, answer)) => {
                    self.trace.truncate(noted);
                    let is_dull = matches!(command, Command::Ask { .. } | Command::ShowSchema(_));
                    let is_dull =
                        is_dull || matches!(answer, Answer::Absent(0) | Answer::Refused(_));
                    if !is_dull {
                        self.note(&format!("in peace: {command} is {answer}"));
                    }
                    return Ok(());
                }
            }
        }
        let reply = self.trace.last().cloned().unwrap_or_default();
        Err(Violation::new(
            Law::Available,
            format!("{command}: {reply}"),
        ))
    }

    /// Whether what clients saw can be explained. A change of unknown outcome that had no effect so
    /// far may have one later: its message may still be on its way.
    fn close_window(&mut self) -> Result<(), Violation> {
        let calls = std::mem::take(&mut self.calls);
        match linear::check(&self.before, &calls) {
            Verdict::Linearizable(Window {
                mut after,
                open,
                erasures,
            }) => {
                let erased = erasures.into_iter().flat_map(|(_, values)| values);
                let in_doubt = self.in_doubt(&calls, &after);
                self.erased
                    .extend(erased.filter(|value| !in_doubt.contains(value)));
                after.doubt_how_tables_were_made(&calls);
                (self.before, self.calls) = (after, open);
                self.before.forget();
                Ok(())
            }
            Verdict::Impossible(cells, stuck) => {
                let cells: Vec<String> = cells.iter().map(ToString::to_string).collect();
                let text = format!("{}; the search ends at{stuck}", cells.join(", "));
                Err(Violation::new(Law::Linearizable, text))
            }
            Verdict::Undecided => {
                self.is_undecided = true;
                Ok(())
            }
        }
    }

    pub(super) fn read_again(
        &mut self,
        after: &str,
        misfortune: fn(&mut World),
    ) -> Result<(), Violation> {
        self.note(&format!("everything is read again, after {after}"));
        misfortune(&mut self.world);
        self.own_the_log()?;
        self.read_all_in_peace()?;
        self.close_window()?;
        if self.is_undecided {
            // Nobody knows what the rows are.
            return Ok(());
        }
        self.world.settle();
        checks::channels_say_what_rows_are(&self.world, &self.before, self.looks)?;
        checks::no_copy_is_left(&self.world, &self.erased)
    }

    /// The marks of documents of which nobody knows for sure whether they came before a deletion for
    /// good or after it: their revision was not named, and the row's past does not tell it either.
    fn in_doubt(&self, calls: &[Call], after: &Database) -> BTreeSet<u64> {
        let mut in_doubt = BTreeSet::new();
        let is_told = |cell: Cell| !is_passing(cell.table) && after.is_told_whole(cell);
        for call in calls {
            let is_named = matches!(&call.returned, Some((_, Answer::Done(Some(_)))));
            let changes = call.command.changes().iter();
            let changes = changes
                .filter(|change| !(is_named || self.looks.has_files && is_told(change.cell)));
            in_doubt.extend(changes.filter_map(|change| change.action.value()));
        }
        in_doubt
    }

    /// Nothing is said to be still in the way of being removed. Where nothing went wrong, and there
    /// was time enough, the answer itself has said so.
    fn erasures_are_told(&mut self) -> Result<(), Violation> {
        let guilty = |text: String| Err(Violation::new(Law::Erased, text));
        let asked = std::mem::take(&mut self.erasing);
        if asked.is_empty() {
            return Ok(());
        }
        let inspected = self
            .world
            .reply(&format!("/dbc_inspect database:{DATABASE}"));
        if inspected.contains("copies still being removed") {
            return guilty(inspected);
        }
        let [erasing] = asked[..] else {
            return Ok(());
        };
        let cell = erasing.cell;
        let changes = |call: &&Call| {
            let mut changes = call.command.changes().iter();
            !call.command.is_read()
                && (call.command.changes().is_empty() || changes.any(|change| change.cell == cell))
        };
        // What is young stays in the log for a while, longer than anybody can be told.
        let is_alone = self.calls.iter().filter(changes).count() == 1 && !has_rules(cell.table);
        let is_done = self
            .calls
            .iter()
            .filter(changes)
            .any(|call| matches!(&call.returned, Some((_, Answer::Done(_)))));
        if !(self.is_fair && is_alone && is_done && self.before.current(cell).is_some()) {
            return Ok(());
        }
        let view = self.world.answer_so_far(erasing.interaction);
        let said = view.map(|view| content(&view)).unwrap_or_default();
        if said.contains("The last copy is gone.") {
            return Ok(());
        }
        guilty(format!("nobody said so: {said}"))
    }
}
