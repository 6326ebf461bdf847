//! Simulation runs: random clients under random misfortune, and what must be true all the same.
//!
//! A seed is a [`Plan`]; [`simulate`] carries it out and reports the first law that was broken, if
//! any. The same plan gives the same run, to the last request.

mod answer;
mod asking;
mod beginning;
mod checks;
mod copies;
mod deed;
mod doc;
mod elsewhere;
mod found;
mod linear;
mod minimise;
mod model;
mod moving;
mod operation;
mod pasts;
mod place;
mod plan;
mod query;
mod quiet;
mod ruled;
mod rules;
mod run;
mod scenario;
mod search;
mod typed;
mod violation;
mod words;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

pub use minimise::minimise;
pub use plan::{Plan, Step};
pub use run::Report;
pub use violation::{Law, Violation};

use crate::harness::planted::PlantedBug;

/// Carries out a plan, with a bug where the checks are to be tested. A panic is a violation too.
pub fn simulate(plan: &Plan, planted: Option<PlantedBug>) -> Report {
    silence_panics();
    IS_SIMULATING.set(true);
    let report = catch_unwind(AssertUnwindSafe(|| run::run(plan, planted)));
    IS_SIMULATING.set(false);
    dbcord::planted::plant(None);
    report.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied());
        Report {
            violation: Some(Violation::new(
                Law::NoPanic,
                text.unwrap_or("without words"),
            )),
            digest: 0,
            requests: 0,
            operations: 0,
            crashes: 0,
            is_undecided: false,
            log: Vec::new(),
            trace: Vec::new(),
        }
    })
}

thread_local! {
    static IS_SIMULATING: Cell<bool> = const { Cell::new(false) };
}

/// A panic in a run is reported by the run; making it shorter panics hundreds of times.
fn silence_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !IS_SIMULATING.get() {
                usual(info);
            }
        }));
    });
}
