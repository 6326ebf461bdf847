//! Whether what clients saw is possible at all: a search for an order of the operations, one after
//! the other, that explains every answer and keeps to real time.
//!
//! A checker that infers dependencies from list appends (Elle, and `adya` after it) has little to infer
//! here: reads see one row, and the answers say revisions. Commit numbers in replies are not used: they are
//! the database's own claim. Questions about whole tables are calls like any other: what they were told must
//! be the answer at one moment between their invocation and their return.
//!
//! The search (`search`) is given little at a time: a history is cut where everything was quiet and every row
//! was read, and within such a window into groups of rows that no transaction, rule or question connects.
//! Linearizability is a local property, so the groups are checked apart. `stateright`'s tester, which the
//! model of the protocol uses, must come to the same verdicts (`linear/tests.rs`).

use std::collections::BTreeSet;

use super::answer::Answer;
use super::model::{Database, Request};
use super::operation::Command;
use super::place::Cell;
use super::search::{Unexplained, explain};

/// One operation as its client saw it. Moments count invocations and returns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub client: usize,
    /// The client as Discord knows it.
    pub user: u64,
    pub command: Command,
    pub invoked: u64,
    /// None while it may still take effect.
    pub returned: Option<(u64, Answer)>,
}

impl Call {
    pub fn request(&self) -> Request {
        Request {
            user: self.user,
            command: self.command.clone(),
        }
    }

    /// A change that may or may not have happened.
    pub fn is_unknown(&self) -> bool {
        let answer = self.returned.as_ref().map(|(_, answer)| answer);
        !self.command.is_read() && matches!(answer, None | Some(Answer::Unknown))
    }

    /// Whether it says nothing about what is stored.
    pub fn is_void(&self) -> bool {
        match &self.returned {
            Some((_, answer)) => {
                matches!(
                    answer,
                    Answer::NotWritten | Answer::Unread | Answer::Wrong(_)
                ) || (*answer == Answer::Unknown && !self.is_unknown())
            }
            None => !self.is_unknown(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Linearizable(Window),
    /// Of these rows, and where the search got stuck.
    Impossible(Vec<Cell>, String),
    /// The search was given up.
    Undecided,
}

/// What became of a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// The state that it leads to.
    pub after: Database,
    /// The calls of unknown outcome that had no effect so far.
    pub open: Vec<Call>,
    /// Deletions for good, with the marks of the documents that went.
    pub erasures: Vec<(Request, BTreeSet<u64>)>,
}

/// Checks one window, from the state before it.
pub fn check(before: &Database, calls: &[Call]) -> Verdict {
    let mut window = Window {
        after: before.clone(),
        open: Vec::new(),
        erasures: Vec::new(),
    };
    let mut undecided = false;
    for group in groups(calls) {
        let of_group = |call: &&Call| group.contains(&call.command.cells()[0]);
        let calls: Vec<&Call> = calls.iter().filter(of_group).collect();
        match explain(before, &calls) {
            Ok(order) => {
                let order = without_unseen(before, order, &calls);
                let effects = window.after.carry_out(order);
                let had_effect = effects.iter().map(|(request, _)| request.clone());
                let open = without_effect(&calls, had_effect.collect());
                window.open.extend(open);
                let erasures = effects.into_iter().filter(|(_, gone)| !gone.is_empty());
                window.erasures.extend(erasures);
            }
            Err(Unexplained::Impossible(stuck)) => return Verdict::Impossible(group, stuck),
            Err(Unexplained::GivenUp) => match without_questions(before, &calls) {
                Some((group, stuck)) => return Verdict::Impossible(group, stuck),
                None => undecided = true,
            },
        }
    }
    if undecided {
        Verdict::Undecided
    } else {
        Verdict::Linearizable(window)
    }
}

/// The order without what nobody saw: a call of unknown outcome that no answer needs has not happened
/// as far as anybody can tell, wherever the search has put it.
fn without_unseen(
    before: &Database,
    mut order: Vec<(Request, Answer)>,
    calls: &[&Call],
) -> Vec<(Request, Answer)> {
    let is_known = |(request, answer): &(Request, Answer)| {
        let mut known = calls.iter().filter(|call| !call.is_unknown());
        known.any(|call| {
            let told = call.returned.as_ref().map(|(_, told)| told);
            call.request() == *request && told == Some(answer)
        })
    };
    // From the end, since the later ones may build on the earlier.
    for index in (0..order.len()).rev() {
        if is_known(&order[index]) {
            continue;
        }
        let mut shorter = order.clone();
        shorter.remove(index);
        let mut state = before.clone();
        // What nobody was told may be anything.
        let is_valid =
            |step: &(Request, Answer)| state.answers(&step.0, &step.1) || !is_known(step);
        if shorter.iter().all(is_valid) {
            order = shorter;
        }
    }
    order
}

/// The calls of unknown outcome that are not among the commands that changed something.
fn without_effect(calls: &[&Call], mut had_effect: Vec<Request>) -> Vec<Call> {
    // Commands can be alike, so each effect goes to one call; those with an answer come first.
    let (unknown, known): (Vec<&Call>, Vec<&Call>) =
        calls.iter().partition(|call| call.is_unknown());
    let mut take = |call: &Call| {
        let at = had_effect
            .iter()
            .position(|request| *request == call.request());
        at.map(|at| had_effect.swap_remove(at)).is_some()
    };
    for call in known {
        let is_done = matches!(call.returned, Some((_, Answer::Done(_))));
        let _ = is_done && take(call);
    }
    let mut open = unknown;
    open.retain(|call| !take(call));
    open.into_iter().cloned().collect()
}

/// What is impossible even without the questions: these connect rows that nothing else does, so without them
/// the groups are smaller. Whatever explains all of the calls explains those that are left.
fn without_questions(before: &Database, calls: &[&Call]) -> Option<(Vec<Cell>, String)> {
    let is_question = |call: &Call| matches!(call.command, Command::Ask { .. });
    let left = calls.iter().filter(|call| !is_question(call));
    let left: Vec<Call> = left.map(|call| (*call).clone()).collect();
    groups(&left).into_iter().find_map(|group| {
        let of_group = |call: &&Call| group.contains(&call.command.cells()[0]);
        let calls: Vec<&Call> = left.iter().filter(of_group).collect();
        match explain(before, &calls) {
            Err(Unexplained::Impossible(stuck)) => Some((group, stuck)),
            Ok(_) | Err(Unexplained::GivenUp) => None,
        }
    })
}

/// Rows that operations connect.
fn groups(calls: &[Call]) -> Vec<Vec<Cell>> {
    let mut groups: Vec<Vec<Cell>> = Vec::new();
    for call in calls.iter().filter(|call| !call.is_void()) {
        let mut joined = call.command.cells();
        groups.retain(|group| {
            let is_apart = !group.iter().any(|cell| joined.contains(cell));
            if !is_apart {
                joined.extend(group);
            }
            is_apart
        });
        joined.sort();
        joined.dedup();
        groups.push(joined);
    }
    groups
}

#[cfg(test)]
mod tests;
