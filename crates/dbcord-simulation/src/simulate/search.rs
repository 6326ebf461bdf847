//! The search for an order of calls that explains all answers: that of Wing and Gong, which takes one call
//! after the other of those that could be next, with what Lowe added, that no situation is looked at twice.
//! A situation is which calls have happened, and the state that they led to.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::answer::Answer;
use super::linear::Call;
use super::model::{Database, Request};

/// Steps after which a search is given up. A history that can be explained takes some hundreds.
const STEPS: u64 = 200_000;

/// Why there is no order.
pub enum Unexplained {
    /// Where the search that came farthest got stuck, in words.
    Impossible(String),
    GivenUp,
}

struct GivenUp;

/// An order that explains the calls, if there is one, with the answer of each: who heard nothing may have
/// been told so. Calls of unknown outcome are in it only where they have an effect.
pub fn explain(before: &Database, calls: &[&Call]) -> Result<Vec<(Request, Answer)>, Unexplained> {
    let mut calls: Vec<Open> = calls.iter().filter_map(|call| Open::of(call)).collect();
    // What is unknown comes last, since most of it never happened.
    calls.sort_by_key(|call| (call.answer.is_none(), call.invoked));
    let mut search = Search {
        is_done: vec![false; calls.len()],
        calls,
        order: Vec::new(),
        seen: HashSet::new(),
        farthest: (0, String::new()),
        left: STEPS,
    };
    match search.run(before) {
        Ok(true) => {
            let order = search.order.into_iter();
            let order = order.map(|(at, answer)| (search.calls[at].request.clone(), answer));
            Ok(order.collect())
        }
        Ok(false) => Err(Unexplained::Impossible(search.farthest.1)),
        Err(GivenUp) => Err(Unexplained::GivenUp),
    }
}

struct Open {
    request: Request,
    invoked: u64,
    /// None where nobody was told.
    answer: Option<(u64, Answer)>,
}

impl Open {
    fn of(call: &Call) -> Option<Open> {
        (!call.is_void()).then(|| Open {
            request: call.request(),
            invoked: call.invoked,
            answer: call.returned.clone().filter(|_| !call.is_unknown()),
        })
    }
}

struct Search {
    calls: Vec<Open>,
    is_done: Vec<bool>,
    order: Vec<(usize, Answer)>,
    /// Situations that lead nowhere, or are being looked at.
    seen: HashSet<u64>,
    /// The most calls that an order had so far, and what could not come next there.
    farthest: (usize, String),
    left: u64,
}

/// A situation that was reached, and the calls that can still be tried as the next one.
struct Situation {
    state: Database,
    next: std::vec::IntoIter<usize>,
    /// So long was the order before the calls that led here.
    depth: usize,
}

impl Search {
    fn run(&mut self, before: &Database) -> Result<bool, GivenUp> {
        let Some(first) = self.enter(before.clone(), 0)? else {
            return Ok(true);
        };
        let mut path = vec![first];
        while let Some(situation) = path.last_mut() {
            let Some(at) = situation.next.next() else {
                let depth = situation.depth;
                path.pop();
                self.take_back(depth);
                continue;
            };
            let depth = self.order.len();
            let mut state = situation.state.clone();
            let Some(answer) = self.step(&mut state, at)? else {
                continue;
            };
            self.take(at, answer);
            let Some(next) = self.enter(state, depth)? else {
                return Ok(true);
            };
            path.push(next);
        }
        Ok(false)
    }

    /// Takes everything that is true here and changes nothing, since it can wait for nothing; then what can
    /// come next. None where all that has an answer has happened.
    fn enter(&mut self, state: Database, depth: usize) -> Result<Option<Situation>, GivenUp> {
        loop {
            let next = self.possible();
            let mut is_more = false;
            for at in next {
                let changes = match &self.calls[at].answer {
                    None => true,
                    Some((_, Answer::Refused(_))) => false,
                    Some(_) => !self.calls[at].request.command.is_read(),
                };
                if changes {
                    continue;
                }
                // A refusal may leave traces in the copy.
                if let Some(answer) = self.step(&mut state.clone(), at)? {
                    self.take(at, answer);
                    is_more = true;
                }
            }
            if !is_more {
                break;
            }
        }
        let mut calls = self.calls.iter().zip(&self.is_done);
        if calls.all(|(call, is_done)| *is_done || call.answer.is_none()) {
            return Ok(None);
        }
        if self.order.len() >= self.farthest.0 {
            self.farthest = (self.order.len() + 1, self.stuck(&state));
        }
        let mut hasher = DefaultHasher::new();
        (&self.is_done, &state).hash(&mut hasher);
        let next = match self.seen.insert(hasher.finish()) {
            true => self.possible(),
            false => Vec::new(),
        };
        Ok(Some(Situation {
            state,
            next: next.into_iter(),
            depth,
        }))
    }

    /// The calls that began before any that is still to come was answered.
    fn possible(&self) -> Vec<usize> {
        let open = || (0..self.calls.len()).filter(|at| !self.is_done[*at]);
        let answered = open().filter_map(|at| Some(self.calls[at].answer.as_ref()?.0));
        let until = answered.min().unwrap_or(u64::MAX);
        open()
            .filter(|at| self.calls[*at].invoked < until)
            .collect()
    }

    /// The calls that would have to come next, and cannot.
    fn stuck(&self, state: &Database) -> String {
        let mut text = String::new();
        for at in self.possible() {
            let call = &self.calls[at];
            if let Some((_, told)) = &call.answer
                && !state.clone().answers(&call.request, told)
            {
                let actual = state.clone().invoke(&call.request);
                let command = &call.request.command;
                text.push_str(&format!(
                    "\n{command}\n  was told {told:?}\n  and not {actual:?}"
                ));
            }
        }
        text
    }

    /// What the call is answered with, if it can come next.
    fn step(&mut self, state: &mut Database, at: usize) -> Result<Option<Answer>, GivenUp> {
        self.left = self.left.checked_sub(1).ok_or(GivenUp)?;
        let call = &self.calls[at];
        Ok(match &call.answer {
            Some((_, answer)) => state.answers(&call.request, answer).then(|| answer.clone()),
            // What would be refused is as good as what never happened.
            None => Some(state.invoke(&call.request)).filter(|it| matches!(it, Answer::Done(_))),
        })
    }

    fn take(&mut self, at: usize, answer: Answer) {
        self.is_done[at] = true;
        self.order.push((at, answer));
    }

    fn take_back(&mut self, depth: usize) {
        for (at, _) in self.order.drain(depth..) {
            self.is_done[at] = false;
        }
    }
}
