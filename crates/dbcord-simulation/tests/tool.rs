//! The tool itself: that runs can be repeated, that what is reported is short, and what it exits with.

use std::process::{Command, Output};

use dbcord_simulation::harness::planted::PlantedBug;
use dbcord_simulation::simulate::{Plan, minimise, simulate};

const BUG: PlantedBug = PlantedBug::NonceWithoutChannel;

#[test]
fn the_same_seed_is_the_same_run_to_the_last_request() {
    let mut digests = Vec::new();
    for seed in 0..6 {
        let report = simulate(&Plan::draw(seed, 40), None);
        assert_eq!(report, simulate(&Plan::draw(seed, 40), None), "seed {seed}");
        digests.push(report.digest);
    }
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), 6, "different seeds are different runs");
}

#[test]
fn the_way_to_a_violation_is_made_short() {
    let run = |plan: &Plan| simulate(plan, Some(BUG));
    let mut plans = (0..60).map(|seed| Plan::draw(seed, 30));
    let (plan, report) = plans
        .find_map(|plan| {
            let report = run(&plan);
            report.violation.is_some().then_some((plan, report))
        })
        .expect("the bug is found");
    let steps = plan.steps.len();
    let law = report.violation.as_ref().map(|violation| violation.law);
    let (shortest, report) = minimise(plan, report, run);
    assert_eq!(
        report.violation.as_ref().map(|violation| violation.law),
        law
    );
    assert!(
        shortest.steps.len() * 4 < steps,
        "{} of {steps} steps are left",
        shortest.steps.len()
    );
    assert_eq!(run(&shortest), report, "and it can be repeated");
}

#[test]
fn the_exit_code_says_how_it_went() {
    let good = call(&["--seeds", "2", "--seed", "5", "--ops", "10"]);
    let said = String::from_utf8_lossy(&good.stdout).into_owned();
    assert_eq!(good.status.code(), Some(0), "{said}");
    assert!(
        said.starts_with("2 seeds from 5, 10 operations each"),
        "{said}"
    );
    assert!(said.trim_end().ends_with("2 seeds, 0 violations"), "{said}");

    let unknown = call(&["--fast"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("--fast"));

    let help = call(&["--help"]);
    assert!(help.status.success());
    assert!(help.stdout.starts_with(b"Usage: scripts/simulate"));
}

fn call(arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_dbcord-simulate");
    let output = Command::new(program).args(arguments).output();
    output.expect("the program is built")
}
