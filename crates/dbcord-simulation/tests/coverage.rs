//! Workloads are worth what happens in them: in a few seeds, each rule of a table is kept and enforced, and
//! every way to rows is gone.

use dbcord_simulation::simulate::{Plan, simulate};

/// The most that it may take.
const SEEDS: u64 = 60;

#[test]
fn a_few_seeds_have_something_of_everything() {
    let mut missing = vec![
        "does not fit the schema of table",
        "do not fit this schema",
        "must name a row of table `teams`",
        "⚠️",
        "This is the schema of",
        "has no schema any more",
        "in the unique index `code`",
        "in the unique index `role,rank`",
        "have the same value under",
        "Deleted along, since they named it",
        "No longer named by",
        "stays, since",
        "takes a number",
        "match, not",
        "Updated 2 rows",
        "Deleted 2 rows",
        "by `INDEX code",
        "by `INDEX role,rank",
        "by `INDEX team",
        "by `INDEX tags",
        "by `INDEX v",
        "by `KEYS`",
        "by `SCAN`",
        "by `CHANNEL SCAN`",
        "by `SEARCH WORDS`",
        "by `SEARCH INDEX",
        "dropped as out of date",
        "added from memory",
    ];
    for seed in 0..SEEDS {
        let report = simulate(&Plan::draw(seed, 100), None);
        assert_eq!(report.violation, None, "seed {seed}");
        missing.retain(|text| !report.trace.iter().any(|line| line.contains(text)));
        if missing.is_empty() {
            return;
        }
    }
    panic!("not in {SEEDS} seeds: {missing:?}");
}
