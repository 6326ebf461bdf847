//! Whether what clients saw is possible at all: a search for an order of the operations, one after
//! the other, that explains every answer and keeps to real time.
//!
//! The search is that of `stateright`'s linearizability tester, which the model of the protocol
//! uses as well. A checker that infers dependencies from list appends (Elle, and `adya` after it)
//! has little to infer here: reads see one row, and the answers say revisions. Commit numbers in
//! replies are not used: they are the database's own claim.
//!
//! The tester tries orders without remembering which it has tried, so it is given little at a
//! time: a history is cut where everything was quiet and every row was read, and within such a
//! window into groups of rows that no transaction connects. Linearizability is a local property,
//! so the groups are checked apart.

use std::cell::Cell as Counter;
use std::collections::BTreeMap;

use stateright::semantics::{ConsistencyTester, LinearizabilityTester, SequentialSpec};

use super::operation::{Action, Answer, Cell, Change, Command, Doc, Mode, Refusal};

/// Steps after which a search is given up. A history that can be explained takes some hundreds.
const STEPS: u64 = 300_000;

/// One operation as its client saw it. Moments count invocations and returns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub client: usize,
    pub command: Command,
    pub invoked: u64,
    /// None while it may still take effect.
    pub returned: Option<(u64, Answer)>,
}

impl Call {
    /// A change that may or may not have happened.
    pub fn is_unknown(&self) -> bool {
        let answer = self.returned.as_ref().map(|(_, answer)| answer);
        !self.command.changes().is_empty() && matches!(answer, None | Some(Answer::Unknown))
    }

    /// Whether it says nothing about what is stored.
    fn is_void(&self) -> bool {
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

/// Documents by revision, the first being revision 1; a deleted row ends with None.
pub type Revisions = Vec<Option<Doc>>;

/// The sequential database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Database(pub BTreeMap<Cell, Revisions>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// With the state that it leads to, and the calls of unknown outcome that had no effect so far.
    Linearizable(Database, Vec<Call>),
    Impossible(Vec<Cell>),
    /// The search was given up.
    Undecided,
}

/// Checks one window, from the state before it.
pub fn check(before: &Database, calls: &[Call]) -> Verdict {
    let mut after = before.clone();
    let mut open = Vec::new();
    let mut undecided = false;
    for group in groups(calls) {
        let of_group = |call: &&Call| group.contains(&call.command.cells()[0]);
        let calls: Vec<&Call> = calls.iter().filter(of_group).collect();
        match explain(before, &calls) {
            Ok(Some(order)) => {
                let order = without_unseen(before, order, &calls);
                let had_effect = after.carry_out(order);
                open.extend(without_effect(&calls, had_effect));
            }
            Ok(None) => return Verdict::Impossible(group),
            Err(GivenUp) => undecided = true,
        }
    }
    if undecided {
        Verdict::Undecided
    } else {
        Verdict::Linearizable(after, open)
    }
}

/// The order without what nobody saw: a call of unknown outcome that no answer needs has not happened
/// as far as anybody can tell, wherever the search has put it.
fn without_unseen(
    before: &Database,
    mut order: Vec<(Command, Answer)>,
    calls: &[&Call],
) -> Vec<(Command, Answer)> {
    let is_known = |(command, answer): &(Command, Answer)| {
        let mut known = calls.iter().filter(|call| !call.is_unknown());
        known.any(|call| {
            let told = call.returned.as_ref().map(|(_, told)| told);
            call.command == *command && told == Some(answer)
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
            |step: &(Command, Answer)| state.answers(&step.0, &step.1) || !is_known(step);
        if shorter.iter().all(is_valid) {
            order = shorter;
        }
    }
    order
}

/// The calls of unknown outcome that are not among the commands that changed something.
fn without_effect(calls: &[&Call], mut had_effect: Vec<Command>) -> Vec<Call> {
    // Commands can be alike, so each effect goes to one call; those with an answer come first.
    let (unknown, known): (Vec<&Call>, Vec<&Call>) =
        calls.iter().partition(|call| call.is_unknown());
    let mut take = |call: &Call| {
        let at = had_effect.iter().position(|c| *c == call.command);
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

struct GivenUp;

thread_local! {
    static STEPS_LEFT: Counter<u64> = const { Counter::new(0) };
}

/// An order that explains the calls, if there is one.
fn explain(before: &Database, calls: &[&Call]) -> Result<Option<Vec<(Command, Answer)>>, GivenUp> {
    // What is unknown may happen at any time later, so that each needs a thread of its own; those
    // come last, since most of them never happened.
    let mut moments = BTreeMap::new();
    for (index, call) in calls.iter().enumerate() {
        if call.is_void() {
            continue;
        }
        let thread = if call.is_unknown() {
            1_000 + index
        } else {
            call.client
        };
        moments.insert(call.invoked, (thread, index, None));
        if let (false, Some((returned, answer))) = (call.is_unknown(), &call.returned) {
            moments.insert(*returned, (thread, index, Some(answer.clone())));
        }
    }
    let mut tester = LinearizabilityTester::new(before.clone());
    for (thread, index, answer) in moments.into_values() {
        let recorded = match answer {
            None => tester.on_invoke(thread, calls[index].command.clone()),
            Some(answer) => tester.on_return(thread, answer),
        };
        recorded.expect("a client has one operation at a time");
    }
    STEPS_LEFT.set(STEPS);
    match tester.serialized_history() {
        None if STEPS_LEFT.get() == 0 => Err(GivenUp),
        order => Ok(order),
    }
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

impl SequentialSpec for Database {
    type Op = Command;
    type Ret = Answer;

    fn invoke(&mut self, command: &Command) -> Answer {
        match command {
            Command::Get(cell) => self.read(*cell),
            Command::Change(change) => match self.apply(std::slice::from_ref(change)) {
                Ok(()) => Answer::Done(Some(self.revisions(change.cell).len() as u64)),
                Err(refusal) => Answer::Refused(refusal),
            },
            Command::Transact(changes) => match self.apply(changes) {
                Ok(()) => Answer::Done(None),
                Err(refusal) => Answer::Refused(refusal),
            },
        }
    }

    fn is_valid_step(&mut self, command: &Command, answer: &Answer) -> bool {
        let left = STEPS_LEFT.get().saturating_sub(1);
        STEPS_LEFT.set(left);
        left > 0 && self.answers(command, answer)
    }
}

impl Database {
    /// Carries a command out; whether that may be its answer.
    fn answers(&mut self, command: &Command, answer: &Answer) -> bool {
        let actual = self.invoke(command);
        match (&actual, answer) {
            (
                Answer::Row { rev, .. },
                Answer::Row {
                    rev: said,
                    doc: None,
                },
            ) => rev == said,
            (Answer::Done(_), Answer::Done(None)) => true,
            _ => actual == *answer,
        }
    }

    fn revisions(&self, cell: Cell) -> &[Option<Doc>] {
        self.0.get(&cell).map_or(&[], Vec::as_slice)
    }

    pub fn current(&self, cell: Cell) -> Option<Doc> {
        self.revisions(cell).last().copied().flatten()
    }

    pub fn read(&self, cell: Cell) -> Answer {
        match self.current(cell) {
            Some(doc) => Answer::Row {
                rev: self.revisions(cell).len() as u64,
                doc: Some(doc),
            },
            None => Answer::Absent(self.revisions(cell).len() as u64),
        }
    }

    /// Carries out what was found to be an order; the commands that changed something.
    fn carry_out(&mut self, order: Vec<(Command, Answer)>) -> Vec<Command> {
        let changes = |(command, _): (Command, Answer)| {
            let is_done = matches!(self.invoke(&command), Answer::Done(_));
            is_done.then_some(command)
        };
        order.into_iter().filter_map(changes).collect()
    }

    /// All or nothing.
    fn apply(&mut self, changes: &[Change]) -> Result<(), Refusal> {
        let before = self.clone();
        for change in changes {
            if let Err(refusal) = self.apply_one(change) {
                *self = before;
                return Err(refusal);
            }
        }
        Ok(())
    }

    fn apply_one(&mut self, change: &Change) -> Result<(), Refusal> {
        let current = self.current(change.cell);
        let rev = self.revisions(change.cell).len() as u64;
        if matches!(change.action, Action::Put(Mode::Insert, _)) {
            if current.is_some() {
                return Err(Refusal::Taken);
            }
        } else if current.is_none() && !may_be_absent(change) {
            return Err(Refusal::Missing);
        }
        if change.if_rev.is_some_and(|wanted| wanted != rev) {
            return Err(Refusal::OtherRevision);
        }
        if let Action::Restore(to) = change.action {
            if to == rev && current.is_some() {
                return Err(Refusal::SameRevision);
            }
            // Whatever the row is now: a deletion cannot be restored.
            if self.revision(change.cell, to).is_none() {
                return Err(Refusal::Missing);
            }
        }
        let next = match change.action {
            Action::Put(_, doc) => Some(doc),
            Action::Delete => None,
            Action::Restore(rev) => {
                // A deletion has no document to go back to.
                let earlier = self.revision(change.cell, rev);
                Some(earlier.ok_or(Refusal::Missing)?)
            }
            Action::Patch(patch) => current.map(|doc| Doc {
                v: patch.v,
                balance: patch.balance.unwrap_or(doc.balance),
                ..doc
            }),
        };
        self.0.entry(change.cell).or_default().push(next);
        Ok(())
    }

    fn revision(&self, cell: Cell, rev: u64) -> Option<Doc> {
        let index = usize::try_from(rev.checked_sub(1)?).ok()?;
        self.revisions(cell).get(index).copied().flatten()
    }
}

/// Whether the change can be made where there is no row.
fn may_be_absent(change: &Change) -> bool {
    match change.action {
        Action::Put(mode, _) => mode != Mode::Replace,
        Action::Restore(_) => true,
        Action::Patch(_) | Action::Delete => false,
    }
}

#[cfg(test)]
mod tests;
