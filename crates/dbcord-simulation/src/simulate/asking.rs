//! What a client types, from what it wants and what it has seen.

use fastrand::Rng;

use super::doc::Doc;
use super::operation::{Action, Change, Command, Mode, Patch};
use super::place::{Cell, LASTING, TABLES, is_passing};
use super::plan::{Ask, Intent};
use super::ruled;
use super::run::Run;

impl Run {
    /// What a client types, from what it wants and what it has seen.
    pub(super) fn command(&mut self, ask: &Ask) -> Command {
        let cell = ask.cell;
        let seen = self.seen[ask.client].get(&cell).copied();
        let rng = &mut ruled::dice(ask);
        let doc = Doc {
            v: self.next_value(),
            pad: ask.pad,
            ..Doc::default()
        };
        let doc = ruled::furnish(rng, cell, doc);
        let patch = Action::Patch(Patch {
            v: doc.v,
            balance: None,
            edit: ruled::edit_of(rng, cell),
        });
        let if_rev = seen.filter(|_| ask.insists).map(|(rev, _)| rev);
        let change = |action, if_rev| {
            Command::Change(Change {
                cell,
                action,
                if_rev,
            })
        };
        match ask.intent {
            Intent::Get => Command::Get(cell),
            Intent::Put(mode) => change(Action::Put(mode, doc), None),
            Intent::Update => change(patch, if_rev),
            Intent::Delete => change(Action::Delete { is_hard: false }, if_rev),
            Intent::DeleteForGood => change(Action::Delete { is_hard: true }, if_rev),
            Intent::Restore => match seen.and_then(|(rev, _)| self.restorable(cell, rev)) {
                Some(rev) => change(Action::Restore(rev), None),
                None => Command::Get(cell),
            },
            Intent::Past => Command::Past(cell),
            Intent::Transact => {
                if let Some(swap) = self.swap(ask) {
                    return swap;
                }
                let action = if seen.is_some() {
                    patch
                } else {
                    Action::Put(Mode::Upsert, doc)
                };
                let first = Change {
                    cell,
                    action,
                    if_rev,
                };
                self.transaction(ask, first)
            }
            Intent::Create => Command::Create {
                table: cell.table,
                is_shown: !ask.twist.is_multiple_of(4),
            },
            Intent::Rename => Command::Rename {
                table: cell.table,
                to: other_passing(cell.table),
            },
            Intent::Drop => Command::Drop(cell.table),
            Intent::Transfer => self.transfer(ask, doc.v),
            Intent::Ask => self.question(ask),
            Intent::AskElsewhere => self.question_elsewhere(ask),
            Intent::UpdateMany => self.change_of_many(ask, false),
            Intent::DeleteMany => self.change_of_many(ask, true),
            Intent::SetSchema => ruled::set_schema(ask),
            Intent::ChangeIndex => ruled::change_index(ask),
        }
    }

    /// Up to three changes, any of which may be refused. The same row may come twice.
    fn transaction(&mut self, ask: &Ask, first: Change) -> Command {
        let mut changes = vec![first];
        let rest = [(ask.other, ask.twist), (ask.third, ask.twist >> 8)];
        // Most transactions have two.
        let rest = rest
            .into_iter()
            .take(1 + (ask.twist >> 16) as usize % 4 / 3);
        for (cell, twist) in rest {
            let doc = Doc {
                v: self.next_value(),
                pad: ask.pad,
                ..Doc::default()
            };
            let mut rng = Rng::with_seed(twist.into());
            changes.push(ruled::draw_change(&mut rng, cell, doc));
        }
        Command::Transact(changes)
    }

    /// The revision before this one. Of those before the last comparison only the newest is sure:
    /// several orders may explain how the row got there.
    fn restorable(&self, cell: Cell, rev: u64) -> Option<u64> {
        let mut sure_from = self.before.rev(cell).max(1);
        if is_passing(cell.table) {
            // The table may be what was the other one.
            let table = other_passing(cell.table);
            sure_from = sure_from.max(self.before.rev(Cell { table, ..cell }));
        }
        Some(rev.saturating_sub(1).max(sure_from)).filter(|&earlier| earlier <= rev)
    }

    /// Money goes from one account to another, on condition that both are as they were read.
    fn transfer(&mut self, ask: &Ask, v: u64) -> Command {
        let of_other = self.next_value();
        let seen = &mut self.seen[ask.client];
        let (from, to) = (ask.cell, ask.other);
        let Some(&(from_rev, from_doc)) = seen.get(&from) else {
            return Command::Get(from);
        };
        let Some(&(to_rev, to_doc)) = seen.get(&to).filter(|_| to != from) else {
            return Command::Get(to);
        };
        // What they are afterwards has to be read again.
        seen.remove(&from);
        seen.remove(&to);
        let amount = i64::from(ask.pad % 50) + 1;
        let change = |cell, v, balance, rev| Change {
            cell,
            action: Action::Patch(Patch {
                v,
                balance: Some(balance),
                edit: None,
            }),
            if_rev: Some(rev),
        };
        Command::Transact(vec![
            change(from, v, from_doc.balance - amount, from_rev),
            change(to, of_other, to_doc.balance + amount, to_rev),
        ])
    }
}

/// Of the tables that come and go, the other one.
fn other_passing(table: u8) -> u8 {
    LASTING + TABLES.len() as u8 - 1 - table
}
