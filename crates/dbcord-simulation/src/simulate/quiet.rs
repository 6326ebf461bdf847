//! Times of rest, when everything is read and compared.

use super::checks;
use super::linear::{self, Call, Verdict};
use super::operation::{Action, Answer, Cell, Change, Command, Doc, Mode, TABLES};
use super::run::{HOUR_MS, Run};
use super::violation::{Law, Violation};
use crate::harness::world::World;

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
            for table in 0..TABLES.len() as u8 {
                self.write_in_peace(Cell { table, key: 0 })?;
            }
            self.world.wait(HOUR_MS);
        }
        self.read_all_in_peace()?;
        self.world.settle();
        self.close_window()?;
        checks::channels_say_what_rows_are(&self.world, &self.before, self.has_files)?;
        checks::bank_is_whole(&self.before)?;
        let changes = self.world.observed().changes;
        self.world.wait(HOUR_MS);
        self.world.settle();
        match self.world.observed().changes - changes {
            0 => Ok(()),
            more => Err(Violation::new(
                Law::Idle,
                format!("{more} more requests that change something"),
            )),
        }
    }

    fn write_in_peace(&mut self, cell: Cell) -> Result<(), Violation> {
        let doc = Doc {
            v: self.next_value(),
            balance: 0,
            pad: 0,
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
    /// would take it to have overwritten what it was overwritten by.
    fn read_all_in_peace(&mut self) -> Result<(), Violation> {
        let rounds = if self.calls.iter().any(Call::is_unknown) {
            2
        } else {
            1
        };
        for _ in 0..rounds {
            for cell in Cell::all() {
                self.read_in_peace(cell)?;
            }
        }
        Ok(())
    }

    /// As a client of its own, so that it is part of the history.
    fn read_in_peace(&mut self, cell: Cell) -> Result<(), Violation> {
        let noted = self.trace.len();
        for _ in 0..READS_IN_PEACE {
            self.invoke(0, Command::Get(cell));
            self.join_client(0)?;
            let answer = self.calls.last().and_then(|call| call.returned.clone());
            match answer {
                Some((_, Answer::Unread)) | None => self.world.wait(60_000),
                Some((_, answer)) => {
                    self.trace.truncate(noted);
                    if answer != Answer::Absent(0) {
                        self.note(&format!("read in peace: {cell} is {answer}"));
                    }
                    return Ok(());
                }
            }
        }
        let reply = self.trace.last().cloned().unwrap_or_default();
        Err(Violation::new(Law::Available, format!("{cell}: {reply}")))
    }

    /// Whether what clients saw can be explained. A change of unknown outcome that had no effect so
    /// far may have one later: its message may still be on its way.
    fn close_window(&mut self) -> Result<(), Violation> {
        let calls = std::mem::take(&mut self.calls);
        match linear::check(&self.before, &calls) {
            Verdict::Linearizable(after, open) => {
                (self.before, self.calls) = (after, open);
                self.opened_with = self.calls.len();
                Ok(())
            }
            Verdict::Impossible(cells) => {
                let cells: Vec<String> = cells.iter().map(ToString::to_string).collect();
                Err(Violation::new(Law::Linearizable, cells.join(", ")))
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
        self.world.settle();
        checks::channels_say_what_rows_are(&self.world, &self.before, self.has_files)
    }
}
