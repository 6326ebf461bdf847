//! The object dies at every single step - request or storage write - of a fixed scenario. A request
//! then was never sent, or was carried out and never heard of; the third outcome, answered and then
//! dead, is the crash before the next step.

use dbcord_simulation::harness::host::Side;
use dbcord_simulation::simulate::{Plan, Step, simulate};

#[test]
fn a_crash_before_any_step_breaks_no_law() {
    crash_everywhere(Side::Before);
}

#[test]
fn a_crash_after_any_step_breaks_no_law() {
    crash_everywhere(Side::After);
}

fn crash_everywhere(side: Side) {
    let mut step = 1;
    loop {
        let mut plan = Plan::scenario();
        plan.steps.insert(0, Step::CrashAt { step, side });
        let report = simulate(&plan, None);
        let trace = report.trace.join("\n");
        assert_eq!(report.violation, None, "{side:?} step {step}\n{trace}");
        if report.crashes == 0 {
            break;
        }
        step += 1;
    }
    assert!(step > 40, "the scenario has only {step} steps");
}

#[test]
fn the_scenario_has_something_of_everything() {
    let report = simulate(&Plan::scenario(), None);
    assert_eq!(report.violation, None);
    for what in [
        "checkpoint of commit",
        "erased up to",
        "rename_table",
        "takeover",
    ] {
        let has = |line: &String| line.contains(what);
        let trace = report.trace.join("\n");
        assert!(
            report.log.iter().any(has),
            "{what}: {:#?}\n{trace}",
            report.log
        );
    }
}
