//! What is found by its words.

use discord_sim::{SearchOddity, SearchPlan};
use serde_json::json;

use super::{calm, found, seeded, write};

const NOTHING: [&str; 0] = [];

#[test]
fn words_are_found_whole_whatever_their_case() {
    let mut world = calm();
    write(&mut world, "owner", "Alpha beta, GAMMA!");
    for query in ["alpha", "ALPHA", "gamma", "Beta", "beta.", "%22alpha%22"] {
        assert_eq!(
            found(&mut world, &format!("content={query}")).len(),
            1,
            "{query}"
        );
    }
    for query in ["alph", "lpha", "alphabeta", "delta", "alpha+delta", "!!"] {
        assert_eq!(
            found(&mut world, &format!("content={query}")),
            NOTHING,
            "{query}"
        );
    }
}

#[test]
fn all_words_are_needed_in_their_order_and_not_far_apart() {
    let mut world = calm();
    write(&mut world, "owner", "one two three four five");
    let finds = |world: &mut crate::support::World, query: &str| !found(world, query).is_empty();
    assert!(finds(&mut world, "content=one+two"));
    assert!(!finds(&mut world, "content=two+one&slop=100"));
    assert!(
        finds(&mut world, "content=one+four"),
        "two words between them by default"
    );
    assert!(!finds(&mut world, "content=one+five"));
    assert!(finds(&mut world, "content=one+five&slop=3"));
    assert!(!finds(&mut world, "content=one+three&slop=0"));
    assert!(
        !finds(&mut world, "content=one+three+five&slop=1"),
        "one between each is two"
    );
    assert!(finds(&mut world, "content=one+three+five"));
}

#[test]
fn an_empty_content_asks_for_everything() {
    let mut world = calm();
    write(&mut world, "owner", "alpha");
    assert_eq!(found(&mut world, "content="), ["alpha"]);
    assert_eq!(found(&mut world, ""), ["alpha"]);
}

#[test]
fn embeds_are_not_searched() {
    let mut world = calm();
    let path = world.messages();
    let form =
        json!({"content": "outside", "embeds": [{"title": "inside", "description": "within"}]});
    world.post(&path, form).ok();
    assert_eq!(found(&mut world, "content=outside"), ["outside"]);
    for query in ["inside", "within"] {
        assert_eq!(found(&mut world, &format!("content={query}")), NOTHING);
    }
}

#[test]
fn file_names_are_no_words() {
    let mut world = calm();
    super::attach(&mut world, "see the file", "alpha.txt");
    assert_eq!(found(&mut world, "content=alpha.txt"), NOTHING);
    assert_eq!(found(&mut world, "content=file"), ["see the file"]);
}

/// How many of 60 messages with a number are found by it, and by their word.
fn with_digits(seed: u64, plan: SearchPlan) -> (Vec<usize>, usize) {
    let mut world = seeded(seed, plan);
    for n in 0..60 {
        write(&mut world, "owner", &format!("word n{n}"));
    }
    let lost = (0..60).filter(|n| found(&mut world, &format!("content=n{n}")).is_empty());
    let lost = lost.collect();
    let page = super::page(&mut world, "content=word");
    (lost, page["total_results"].as_u64().unwrap() as usize)
}

#[test]
fn words_with_digits_may_not_be_found() {
    assert_eq!(with_digits(1, SearchPlan::calm()), (vec![], 60));
    let plan = SearchPlan::calm().rate(SearchOddity::LostDigits, 0.5);
    let (lost, others) = with_digits(1, plan.clone());
    assert!((15..45).contains(&lost.len()), "{lost:?}");
    assert_eq!(others, 60, "words of letters are");
    assert_eq!(with_digits(1, plan.clone()).0, lost, "the same again");
    assert_ne!(with_digits(2, plan).0, lost);
}
