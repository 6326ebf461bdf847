//! What plans are drawn.

use super::*;

#[test]
fn a_seed_is_always_the_same_plan() {
    let text = |seed| format!("{:?}", Plan::draw(seed, 60));
    assert_eq!(text(7), text(7));
    assert_ne!(text(7), text(8));
}

#[test]
fn plans_are_of_every_kind() {
    let plans: Vec<Plan> = (0..40).map(|seed| Plan::draw(seed, 60)).collect();
    assert!(plans.iter().any(Plan::has_faults) && !plans.iter().all(Plan::has_faults));
    for plan in plans {
        let asks = plan
            .steps
            .iter()
            .filter(|step| matches!(step, Step::Ask(_)));
        assert_eq!(asks.count(), 60);
    }
}
