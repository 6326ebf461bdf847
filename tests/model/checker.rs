//! Visits every state of a model, nearest first, so that a counterexample is a shortest one.
//!
//! A breadth-first search of our own instead of the crate `stateright`: that one brings a web
//! server and some forty crates that cannot be switched off, and all that is needed of it is this.

use std::collections::HashMap;
use std::collections::hash_map::{DefaultHasher, Entry};
use std::fmt;
use std::hash::{Hash, Hasher};

pub trait Model {
    type State: Clone + Eq + Hash;
    type Step: fmt::Debug;
    /// A law that a state can break.
    type Law: Copy + Eq + fmt::Debug;

    fn initial(&self) -> Self::State;

    /// Appends everything that can happen next.
    fn next(&self, state: &Self::State, out: &mut Vec<(Self::Step, Self::State)>);

    /// The law that is broken in this state.
    fn broken(&self, state: &Self::State) -> Option<Self::Law>;

    /// What has been seen happening in this step, as bits: shows that a search is not vacuous.
    fn seen(&self, before: &Self::State, step: &Self::Step, after: &Self::State) -> u32;

    /// The step in words.
    fn tell(&self, before: &Self::State, step: &Self::Step, after: &Self::State) -> String;
}

/// What a search found.
pub struct Report<L> {
    pub states: usize,
    /// Steps from the start to the farthest state.
    pub depth: usize,
    /// All bits of [`Model::seen`].
    pub seen: u32,
    pub counterexample: Option<Counterexample<L>>,
}

pub struct Counterexample<L> {
    pub law: L,
    /// The steps that lead to it, in words.
    pub steps: Vec<String>,
}

impl<L: fmt::Debug> fmt::Display for Counterexample<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:?} is broken after {} steps:",
            self.law,
            self.steps.len()
        )?;
        for (number, step) in self.steps.iter().enumerate() {
            writeln!(f, "  {:>2}. {step}", number + 1)?;
        }
        Ok(())
    }
}

/// Searches until a law is broken or every state has been visited.
pub fn search<M: Model>(model: &M) -> Report<M::Law> {
    // States are kept whole and compared whole: a fingerprint only says where to look, so two
    // states are never taken for one.
    let mut states = vec![model.initial()];
    let mut parents = vec![0_usize];
    let mut depths = vec![0_usize];
    let mut places: HashMap<u64, Vec<u32>> = HashMap::new();
    places.insert(fingerprint(&states[0]), vec![0]);
    let mut seen = 0;
    let mut next = Vec::new();
    let mut at = 0;
    while at < states.len() {
        let state = states[at].clone();
        model.next(&state, &mut next);
        for (step, after) in next.drain(..) {
            seen |= model.seen(&state, &step, &after);
            let known = match places.entry(fingerprint(&after)) {
                Entry::Occupied(place) => place.into_mut(),
                Entry::Vacant(place) => place.insert(Vec::with_capacity(1)),
            };
            if known.iter().any(|&place| states[place as usize] == after) {
                continue;
            }
            known.push(u32::try_from(states.len()).unwrap());
            let law = model.broken(&after);
            states.push(after);
            parents.push(at);
            depths.push(depths[at] + 1);
            if let Some(law) = law {
                let steps = steps_to(model, &states, &parents, states.len() - 1);
                return Report {
                    states: states.len(),
                    depth: depths[at] + 1,
                    seen,
                    counterexample: Some(Counterexample { law, steps }),
                };
            }
        }
        at += 1;
    }
    Report {
        states: states.len(),
        depth: depths.last().copied().unwrap_or(0),
        seen,
        counterexample: None,
    }
}

fn fingerprint<S: Hash>(state: &S) -> u64 {
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    hasher.finish()
}

fn steps_to<M: Model>(
    model: &M,
    states: &[M::State],
    parents: &[usize],
    target: usize,
) -> Vec<String> {
    let mut path = vec![target];
    while let Some(&at) = path.last().filter(|&&at| at != 0) {
        path.push(parents[at]);
    }
    path.reverse();
    let mut next = Vec::new();
    path.windows(2)
        .map(|pair| {
            let (before, after) = (&states[pair[0]], &states[pair[1]]);
            next.clear();
            model.next(before, &mut next);
            let (step, _) = next.iter().find(|(_, state)| state == after).unwrap();
            model.tell(before, step, after)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two counters that go up to 3.
    struct Counters {
        /// The sum that they must not reach.
        forbidden: u8,
    }

    impl Model for Counters {
        type State = [u8; 2];
        type Step = usize;
        type Law = &'static str;

        fn initial(&self) -> [u8; 2] {
            [0, 0]
        }

        fn next(&self, state: &[u8; 2], out: &mut Vec<(usize, [u8; 2])>) {
            for which in 0..2 {
                let mut after = *state;
                after[which] += 1;
                if after[which] <= 3 {
                    out.push((which, after));
                }
            }
        }

        fn broken(&self, state: &[u8; 2]) -> Option<&'static str> {
            (state[0] + state[1] == self.forbidden).then_some("too much")
        }

        fn seen(&self, _: &[u8; 2], step: &usize, _: &[u8; 2]) -> u32 {
            1 << step
        }

        fn tell(&self, before: &[u8; 2], step: &usize, after: &[u8; 2]) -> String {
            format!("{} becomes {}", before[*step], after[*step])
        }
    }

    #[test]
    fn every_state_is_visited_once() {
        let report = search(&Counters { forbidden: 7 });
        assert!(report.counterexample.is_none());
        assert_eq!((report.states, report.depth, report.seen), (16, 6, 0b11));
    }

    #[test]
    fn a_counterexample_is_a_shortest_one_in_order() {
        let report = search(&Counters { forbidden: 3 });
        let counterexample = report.counterexample.unwrap();
        let steps = ["0 becomes 1", "1 becomes 2", "2 becomes 3"];
        assert_eq!(counterexample.steps, steps);
    }
}
