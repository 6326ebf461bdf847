//! A log that changes hands between two deployments with the same token, each with an object and
//! an object storage of its own.

mod protocol;
mod rules;
mod state;
mod words;

use crate::checker::search;
use crate::properties::{EVERY, Law, PROMISED, TO_PEOPLE};

use protocol::Takeover;
use rules::{ALL, Bounds, LEASE, NoticePlace, Rules, WAIT};

const ONCE: Bounds = Bounds {
    notices: 1,
    claims: 3,
    writes: 2,
    wipes: 0,
};
const TWICE: Bounds = Bounds {
    notices: 2,
    writes: 1,
    ..ONCE
};

const WIPED: Bounds = Bounds {
    wipes: 1,
    writes: 1,
    ..ONCE
};

/// Searches in full, finds nothing, and has seen everything in `expected` on the way.
fn holds(bounds: Bounds, expected: u32) {
    let report = search(&Takeover {
        rules: ALL,
        bounds,
        laws: EVERY,
    });
    println!(
        "{bounds:?}: {} states, up to {} steps",
        report.states, report.depth
    );
    if let Some(counterexample) = report.counterexample {
        panic!("{counterexample}");
    }
    let unseen = expected & !report.seen;
    assert_eq!(unseen, 0, "never happened (bits of words.rs): {unseen:b}");
}

/// Finds a shortest run that breaks one of `laws`, which must be `law`.
fn breaks(rules: Rules, bounds: Bounds, laws: &'static [Law], law: Law) {
    let report = search(&Takeover {
        rules,
        bounds,
        laws,
    });
    let counterexample = report.counterexample.expect("the rule is needed");
    println!("{counterexample}({} states)", report.states);
    assert_eq!(counterexample.law, law);
}

#[test]
fn a_takeover_holds() {
    let once = words::TAKEN | words::DEPOSED | words::KEPT | words::LATE | words::FROM_NEW;
    let once = once | words::HIDDEN;
    holds(ONCE, once);
}

#[test]
fn a_takeover_from_new_storage_waits_once() {
    // The wait that new storage needs may run beside that of the takeover: both end before the log
    // is read, and nothing is done with what is there before that.
    let expected = words::TAKEN | words::KEPT | words::FROM_NEW | words::REOPENED;
    holds(WIPED, expected);
}

#[test]
fn without_the_wait_of_new_storage() {
    let rules = Rules {
        wait_when_new: false,
        ..ALL
    };
    breaks(rules, WIPED, TO_PEOPLE, Law::ServedStays);
}

#[test]
fn two_takeovers_hold() {
    holds(TWICE, words::EVERYTHING);
}

#[test]
#[ignore = "minutes and 3 GB: cargo test --profile simulate --test model -- --ignored"]
fn takeovers_hold_in_longer_runs() {
    holds(Bounds { claims: 4, ..ONCE }, 0);
    holds(Bounds { wipes: 1, ..ONCE }, 0);
    holds(Bounds { claims: 4, ..TWICE }, words::EVERYTHING);
    holds(Bounds { writes: 2, ..TWICE }, words::EVERYTHING);
}

#[test]
fn without_the_lease() {
    let rules = Rules {
        lease: false,
        ..ALL
    };
    breaks(rules, ONCE, TO_PEOPLE, Law::ServedStays);
}

#[test]
fn without_a_look_that_shows_what_it_must() {
    // Whoever may not read the log is shown an empty one, and no notice in it.
    let rules = Rules {
        look_shows_records: false,
        ..ALL
    };
    breaks(rules, ONCE, TO_PEOPLE, Law::ServedStays);
}

#[test]
fn without_the_wait() {
    let rules = Rules { wait: 0, ..ALL };
    breaks(rules, ONCE, TO_PEOPLE, Law::ServedStays);
}

#[test]
fn a_lease_that_is_only_shorter_than_the_wait() {
    // Reads are stale at both ends: the old owner's read of the notice, and the new owner's
    // read of the last commit.
    let rules = Rules {
        wait: WAIT - 1,
        ..ALL
    };
    assert!(LEASE < rules.wait);
    breaks(rules, ONCE, TO_PEOPLE, Law::ServedStays);
}

#[test]
fn with_the_notice_in_the_chain() {
    // It would void what the owner goes on acknowledging until it reads it.
    let rules = Rules {
        notice: NoticePlace::InChain,
        ..ALL
    };
    breaks(rules, ONCE, PROMISED, Law::LogTells);
}

#[test]
fn with_the_epoch_claimed_before_the_wait() {
    // The old owner may claim above it as long as it does not see the notice, and its last
    // record may surface under that epoch.
    let rules = Rules {
        claim_after_wait: false,
        ..ALL
    };
    let four_claims = Bounds { claims: 4, ..ONCE };
    breaks(rules, four_claims, PROMISED, Law::LogTells);
}

#[test]
fn without_the_clock_in_the_epoch() {
    let rules = Rules {
        clock: false,
        ..ALL
    };
    breaks(rules, ONCE, PROMISED, Law::LogTells);
}

#[test]
fn without_looking_whose_it_is() {
    let rules = Rules {
        look_before_opening: false,
        ..ALL
    };
    breaks(rules, ONCE, TO_PEOPLE, Law::ServedStays);
}

#[test]
fn without_giving_way() {
    let rules = Rules {
        give_way: false,
        ..ALL
    };
    breaks(rules, TWICE, PROMISED, Law::LogTells);
}
