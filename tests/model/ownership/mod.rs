//! Objects that follow each other over one object storage and one log.

mod protocol;
mod rules;
mod seen;
mod state;
mod words;

use crate::checker::search;
use crate::log::History;
use crate::properties::{EVERY, Law, PROMISED, TO_PEOPLE};

use protocol::Ownership;
use rules::{
    ALL, Bounds, LATE_AND_STALLED_WORLD, LATE_WORLD, Rules, STALLED_WORLD, UnstoredHead, WaitWhen,
    World,
};

/// Two objects reach most of what there is to see.
const TWO: Bounds = Bounds {
    objects: 2,
    claims: 4,
    writes: 2,
    wipes: 1,
};
const THREE: Bounds = Bounds { objects: 3, ..TWO };

/// Searches in full, finds nothing, and has seen everything in `expected` on the way.
fn holds(rules: Rules, world: World, bounds: Bounds, expected: u32) {
    let report = search(&Ownership {
        rules,
        world,
        bounds,
        laws: EVERY,
    });
    println!(
        "{bounds:?}, {world:?}: {} states, up to {} steps",
        report.states, report.depth
    );
    if let Some(counterexample) = report.counterexample {
        panic!("{counterexample}");
    }
    let unseen = expected & !report.seen;
    assert_eq!(unseen, 0, "never happened (bits of seen.rs): {unseen:b}");
}

/// Finds a shortest run that breaks one of `laws`, which must be `law`.
fn breaks(rules: Rules, world: World, bounds: Bounds, laws: &'static [Law], law: Law) {
    let report = search(&Ownership {
        rules,
        world,
        bounds,
        laws,
    });
    let counterexample = report.counterexample.expect("the rule is needed");
    println!("{counterexample}({} states)", report.states);
    assert_eq!(counterexample.law, law);
}

#[test]
fn the_protocol_holds_with_a_right_clock_whatever_is_late() {
    // Nothing makes an object claim again here: with a right clock no epoch in the log is ever
    // above that of an opener.
    holds(ALL, LATE_WORLD, THREE, seen::ALL & !seen::CLAIMED_AGAIN);
}

#[test]
fn the_protocol_holds_with_a_stalled_clock_if_nothing_is_later_than_the_wait() {
    holds(ALL, STALLED_WORLD, THREE, seen::ALL);
}

#[test]
#[ignore = "minutes and 3 GB: cargo test --profile simulate --test model -- --ignored"]
fn the_protocol_holds_in_longer_runs() {
    let more_claims = Bounds { claims: 5, ..THREE };
    let more_of_all = Bounds {
        writes: 3,
        wipes: 2,
        ..THREE
    };
    let both_wipes = Bounds {
        wipes: 2,
        ..more_claims
    };
    for bounds in [more_claims, more_of_all, both_wipes] {
        holds(ALL, LATE_WORLD, bounds, seen::ALL & !seen::CLAIMED_AGAIN);
        holds(ALL, STALLED_WORLD, bounds, seen::ALL);
    }
}

#[test]
fn while_storage_is_kept_neither_the_clock_nor_lateness_matters() {
    let no_wipes = Bounds { wipes: 0, ..THREE };
    let expected = seen::ALL & !seen::WIPE_SURVIVED & !seen::CLAIMED_AGAIN;
    holds(ALL, LATE_AND_STALLED_WORLD, no_wipes, expected);
}

#[test]
fn after_a_wipe_a_wrong_clock_and_a_post_later_than_the_wait_are_too_much() {
    // What is assumed of the world is no more than is needed: a POST that surfaces after the
    // wait, under an epoch that the clock did not rise above, is beyond any rule of this protocol.
    breaks(ALL, LATE_AND_STALLED_WORLD, THREE, PROMISED, Law::LogTells);
}

#[test]
fn without_the_chain() {
    // A base number says which sequence number an epoch began on, and not which record of that
    // number: another one of an epoch in between takes its place when it surfaces.
    let rules = Rules {
        history: History::BaseNumber,
        ..ALL
    };
    breaks(rules, LATE_WORLD, TWO, TO_PEOPLE, Law::ServedStays);
}

#[test]
fn without_the_floor() {
    let rules = Rules {
        floor: false,
        ..ALL
    };
    breaks(rules, LATE_WORLD, TWO, TO_PEOPLE, Law::ServedStays);
}

#[test]
fn without_the_empty_record_on_an_unstored_head() {
    let rules = Rules {
        unstored_head: UnstoredHead::Believe,
        ..ALL
    };
    breaks(rules, LATE_WORLD, TWO, TO_PEOPLE, Law::ServedStays);
}

#[test]
fn with_the_head_stored_instead_of_an_empty_record() {
    // Object storage alone then knows which of two heads counts, and it may be wiped.
    let rules = Rules {
        unstored_head: UnstoredHead::StoreOnly,
        ..ALL
    };
    breaks(rules, LATE_WORLD, TWO, TO_PEOPLE, Law::ServedStays);
}

#[test]
fn without_claiming_again() {
    let rules = Rules {
        reclaim: false,
        ..ALL
    };
    let two_wipes = Bounds {
        claims: 3,
        wipes: 2,
        ..THREE
    };
    breaks(rules, STALLED_WORLD, two_wipes, TO_PEOPLE, Law::ServedStays);
    // It is for a clock that does not rise: one that does puts every opener above the log.
    holds(rules, LATE_WORLD, TWO, 0);
}

#[test]
fn without_the_clock_in_the_epoch() {
    // The late record is above the new epoch. One wipe later the write would be served of which it
    // was said that it does not exist.
    let rules = Rules {
        clock: false,
        ..ALL
    };
    breaks(rules, LATE_WORLD, TWO, PROMISED, Law::LogTells);
    // It is for what is later than the wait.
    holds(rules, STALLED_WORLD, TWO, 0);
}

#[test]
fn without_claiming_before_reading() {
    let rules = Rules {
        claim_first: false,
        ..ALL
    };
    // A wipe is not needed, and what an unclaimed opener should wait for is not defined.
    let no_wipes = Bounds { wipes: 0, ..TWO };
    breaks(rules, LATE_WORLD, no_wipes, TO_PEOPLE, Law::ServedStays);
}

#[test]
fn without_the_wait_after_a_wipe() {
    let rules = Rules {
        wait: WaitWhen::Never,
        ..ALL
    };
    breaks(rules, LATE_WORLD, TWO, TO_PEOPLE, Law::ServedStays);
}

#[test]
fn with_the_wait_only_where_no_epoch_is_found() {
    // An object that claims over wiped storage and goes during its wait leaves an epoch, which
    // tells the next one nothing about how much of the log it can see.
    let rules = Rules {
        wait: WaitWhen::NoEpoch,
        ..ALL
    };
    breaks(rules, LATE_WORLD, TWO, TO_PEOPLE, Law::ServedStays);
}

#[test]
fn with_acknowledging_before_storing() {
    let rules = Rules {
        store_before_acknowledging: false,
        ..ALL
    };
    breaks(rules, LATE_WORLD, TWO, TO_PEOPLE, Law::ServedStays);
}

#[test]
fn with_the_same_name_used_again_after_an_unknown_outcome() {
    let rules = Rules {
        fresh_name: false,
        ..ALL
    };
    breaks(rules, LATE_WORLD, TWO, TO_PEOPLE, Law::ServedStays);
}

#[test]
fn without_settling_before_saying_that_nothing_was_written() {
    let rules = Rules {
        settle_before_denying: false,
        ..ALL
    };
    breaks(rules, LATE_WORLD, TWO, TO_PEOPLE, Law::DeniedStaysAway);
}
