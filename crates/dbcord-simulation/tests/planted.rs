//! The checks are worth what they find: each of these bugs is planted on purpose, and must be found
//! within a few seeds. Without it, the same seeds break no law.

use dbcord::planted::Bug;
use dbcord_simulation::harness::planted::PlantedBug;
use dbcord_simulation::simulate::{Law, Plan, simulate};

const OPERATIONS: usize = 100;

/// The most seeds that it may take.
const SEEDS: u64 = 120;

fn is_found(bug: PlantedBug, laws: &[Law]) {
    for seed in 0..SEEDS {
        let plan = Plan::draw(seed, OPERATIONS);
        let Some(violation) = simulate(&plan, Some(bug)).violation else {
            continue;
        };
        println!("{bug:?}, seed {seed}: {violation}");
        assert!(laws.contains(&violation.law), "seed {seed}: {violation}");
        assert_eq!(simulate(&plan, None).violation, None, "seed {seed}");
        return;
    }
    panic!("{bug:?} was not found in {SEEDS} seeds");
}

#[test]
fn reading_before_the_claim_is_found() {
    // Two who both take the database for theirs also post things twice.
    is_found(
        PlantedBug::ReadBeforeClaim,
        &[Law::Linearizable, Law::Mirrored, Law::Available],
    );
}

#[test]
fn a_nonce_that_is_not_enforced_is_found() {
    is_found(PlantedBug::NonceNotEnforced, &[Law::Mirrored]);
}

#[test]
fn a_nonce_without_its_channel_is_found() {
    is_found(
        PlantedBug::NonceWithoutChannel,
        &[Law::Requests, Law::Mirrored],
    );
}

#[test]
fn an_acknowledgement_before_the_store_is_found() {
    is_found(PlantedBug::AcknowledgedBeforeStored, &[Law::Linearizable]);
}

#[test]
fn a_checkpoint_that_drops_the_tail_is_found() {
    // Whoever has a floor misses it; who has none serves what is out of date.
    is_found(
        PlantedBug::TailDropped,
        &[Law::Linearizable, Law::Available],
    );
}

#[test]
fn values_that_are_unique_only_beside_the_same_batch_are_found() {
    is_found(
        PlantedBug::Engine(Bug::UniqueBesideBatch),
        &[Law::Linearizable],
    );
}

#[test]
fn entries_of_an_index_that_stay_when_rows_change_are_found() {
    is_found(PlantedBug::Engine(Bug::EntriesStay), &[Law::Linearizable]);
}

#[test]
fn rows_as_messages_show_them_whatever_memory_has_are_found() {
    is_found(
        PlantedBug::Engine(Bug::OverlayDropped),
        &[Law::Fresh, Law::Ways],
    );
}

#[test]
fn a_cascade_that_stops_at_the_first_row_is_found() {
    is_found(PlantedBug::Engine(Bug::CascadeStops), &[Law::Linearizable]);
}
