//! Makes a plan that breaks a law as short as it gets: what can be left out while the same law
//! stays broken is left out.

use super::Report;
use super::plan::Plan;

/// Runs spent on making one plan shorter.
const RUNS: usize = 400;

/// The shortest plan found, and its report. `run` carries a plan out.
pub fn minimise(plan: Plan, report: Report, run: impl Fn(&Plan) -> Report) -> (Plan, Report) {
    let law = |report: &Report| report.violation.as_ref().map(|violation| violation.law);
    let broken = law(&report);
    let (mut plan, mut report) = (plan, report);
    let mut runs = 0;
    let mut size = plan.steps.len().div_ceil(2);
    while size > 0 && runs < RUNS {
        let mut is_shorter = false;
        let mut from = 0;
        while from < plan.steps.len() && runs < RUNS {
            let mut shorter = plan.clone();
            let until = (from + size).min(plan.steps.len());
            shorter.steps.drain(from..until);
            let found = run(&shorter);
            runs += 1;
            if law(&found) == broken {
                (plan, report) = (shorter, found);
                is_shorter = true;
            } else {
                from += size;
            }
        }
        if !(is_shorter && size == 1) {
            size /= 2;
        }
    }
    (plan, report)
}
