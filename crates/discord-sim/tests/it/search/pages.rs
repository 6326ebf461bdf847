//! Pages: their shape, order and length, totals, and the limit on asking for them.

use discord_sim::{SearchOddity, SearchPlan};
use serde_json::json;

use super::{calm, found, messages, page, search, seeded, world, write};
use crate::support::World;

fn fill(world: &mut World, count: usize) {
    for n in 0..count {
        world.now += 10;
        write(world, "owner", &format!("alpha m{n}"));
    }
}

#[test]
fn a_page_is_an_array_of_arrays_of_one_message() {
    let mut world = calm();
    let id = write(&mut world, "owner", "alpha");
    let answer = page(&mut world, "content=alpha");
    let mut fields: Vec<&String> = answer.as_object().unwrap().keys().collect();
    // Their order is none of the answer's business, and another in other builds.
    fields.sort_unstable();
    assert_eq!(
        fields,
        ["doing_deep_historical_index", "messages", "total_results"]
    );
    assert_eq!(answer["total_results"], 1);
    assert_eq!(answer["doing_deep_historical_index"], false);
    assert_eq!(answer["messages"].as_array().unwrap().len(), 1);
    assert_eq!(answer["messages"][0].as_array().unwrap().len(), 1);
    let message = &answer["messages"][0][0];
    assert_eq!(
        (&message["id"], &message["hit"]),
        (&json!(id), &json!(true))
    );
    assert_eq!(message["author"]["username"], "owner");
    assert!(message.get("reactions").is_none());
    assert_eq!(page(&mut world, "content=beta")["messages"], json!([]));
}

#[test]
fn pages_by_limit_and_offset_newest_first() {
    let mut world = calm();
    fill(&mut world, 30);
    let first = found(&mut world, "content=alpha");
    assert_eq!(first.len(), 25, "by default");
    assert_eq!(first[0], "alpha m29");
    assert_eq!(found(&mut world, "content=alpha&offset=25").len(), 5);
    assert_eq!(found(&mut world, "content=alpha&offset=30").len(), 0);
    assert_eq!(
        found(&mut world, "limit=2&offset=3"),
        ["alpha m26", "alpha m25"]
    );
    let oldest = found(&mut world, "limit=2&sort_by=timestamp&sort_order=asc");
    assert_eq!(oldest, ["alpha m0", "alpha m1"]);
    for query in ["limit=1", "content=alpha&offset=29", "sort_order=asc"] {
        assert_eq!(page(&mut world, query)["total_results"], 30, "{query}");
    }
}

#[test]
fn relevance_knows_no_order() {
    let mut world = calm();
    for content in ["alpha alpha", "alpha and much else besides", "some alpha"] {
        write(&mut world, "owner", content);
    }
    let best_first = ["alpha alpha", "some alpha", "alpha and much else besides"];
    for order in ["", "&sort_order=asc", "&sort_order=desc"] {
        let query = format!("content=alpha&sort_by=relevance{order}");
        assert_eq!(found(&mut world, &query), best_first, "{order}");
    }
    assert_eq!(found(&mut world, "content=alpha")[0], "some alpha");
}

#[test]
fn messages_of_all_channels_are_in_one_order() {
    let mut world = calm();
    let other = world.channel(json!({"name": "other"}));
    for n in 0..4 {
        let channel = if n % 2 == 0 {
            world.general().to_string()
        } else {
            other.clone()
        };
        let path = format!("/channels/{channel}/messages");
        world.now += 10;
        let form = json!({"content": format!("m{n}")});
        world.act("owner", "POST", &path, &form).ok();
    }
    assert_eq!(found(&mut world, ""), ["m3", "m2", "m1", "m0"]);
    assert_eq!(
        found(&mut world, "sort_order=asc"),
        ["m0", "m1", "m2", "m3"]
    );
}

#[test]
fn pages_may_be_short_without_the_total_saying_so() {
    let mut world = world(SearchPlan::calm().rate(SearchOddity::ShortPage, 0.5));
    fill(&mut world, 60);
    let pages: Vec<(usize, u64)> = (0..40)
        .map(|_| {
            let page = page(&mut world, "content=alpha");
            (
                messages(&page).len(),
                page["total_results"].as_u64().unwrap(),
            )
        })
        .collect();
    let short = pages.iter().filter(|(length, _)| *length < 25).count();
    assert!((8..32).contains(&short), "{pages:?}");
    assert!(
        pages
            .iter()
            .all(|(length, total)| *length >= 21 && *total == 60)
    );
    let last = (0..20).map(|_| page(&mut world, "content=m7&limit=1"));
    let lengths: Vec<usize> = last.map(|page| messages(&page).len()).collect();
    assert!(lengths.contains(&0) && lengths.contains(&1), "{lengths:?}");
}

#[test]
fn totals_are_inexact_while_messages_come_and_go() {
    let mut world = world(SearchPlan::calm().rate(SearchOddity::InexactTotal, 0.5));
    fill(&mut world, 40);
    let totals = |world: &mut World| -> Vec<u64> {
        let pages = (0..30).map(|_| page(world, "content=alpha"));
        pages
            .map(|page| page["total_results"].as_u64().unwrap())
            .collect()
    };
    let busy = totals(&mut world);
    for wrong in [|total: &u64| *total < 40, |total: &u64| *total > 40] {
        assert!(busy.iter().any(wrong), "{busy:?}");
    }
    assert!(busy.contains(&40));
    assert!(
        busy.iter().all(|total| (36..=44).contains(total)),
        "{busy:?}"
    );
    world.now += 60_000;
    assert_eq!(totals(&mut world), vec![40; 30], "all is quiet");
    write(&mut world, "owner", "other");
    assert!(totals(&mut world).iter().any(|total| *total != 40));
}

#[test]
fn the_calm_are_exact_and_full() {
    let mut world = calm();
    fill(&mut world, 30);
    for _ in 0..30 {
        let page = page(&mut world, "content=alpha");
        assert_eq!(
            (messages(&page).len(), &page["total_results"]),
            (25, &json!(30))
        );
    }
}

#[test]
fn searching_has_a_limit_of_its_own() {
    let mut world = calm();
    let mut headers = Vec::new();
    for remaining in (0..5).rev() {
        let answer = search(&mut world, "content=x");
        assert_eq!(answer.header("x-ratelimit-limit"), "5");
        assert_eq!(
            answer.header("x-ratelimit-remaining"),
            remaining.to_string()
        );
        assert_eq!(answer.header("x-ratelimit-reset-after"), "5.000");
        headers.push(answer.header("x-ratelimit-bucket").to_owned());
        answer.ok();
    }
    let limited = search(&mut world, "content=x");
    assert_eq!(
        (limited.status, limited.header("x-ratelimit-scope")),
        (429, "user")
    );
    assert_eq!(limited.body["retry_after"], 5.0);
    let path = world.messages();
    let other = world.get(&path);
    assert_ne!(other.header("x-ratelimit-bucket"), headers[0]);
    other.ok();
    world.now += 5_000;
    search(&mut world, "content=x").ok();
}

#[test]
fn a_search_that_is_refused_or_too_early_counts_too() {
    let mut world = seeded(0, SearchPlan::calm().rate(SearchOddity::Unindexed, 1.0));
    assert_eq!(
        search(&mut world, "limit=0").header("x-ratelimit-remaining"),
        "4"
    );
    let early = search(&mut world, "");
    assert_eq!(
        (early.status, early.header("x-ratelimit-remaining")),
        (202, "3")
    );
}

/// The cost of a plain look at everything, and of the words of 10,000 messages.
#[test]
#[expect(clippy::disallowed_methods, reason = "this measures real time")]
fn ten_thousand_messages_are_searched_in_milliseconds() {
    let mut world = calm();
    let filler = "some words that stand in a row of a table like any other ".repeat(4);
    for n in 0..10_000 {
        world.now += 1;
        write(&mut world, "owner", &format!("key{n} {filler}"));
    }
    found(&mut world, "content=key5000");
    for query in [
        "content=key5000",
        "content=words+table&slop=9&limit=1",
        "content=row&sort_by=relevance&limit=1",
        "has=-file&limit=1",
        "limit=1",
    ] {
        let best = (0..10).map(|_| {
            world.now += 5_000;
            let start = std::time::Instant::now();
            search(&mut world, query).ok();
            start.elapsed()
        });
        let best = best.min().unwrap();
        println!("{query:?}: {best:?}");
        // One to three on a machine that does nothing else.
        assert!(best.as_millis() < 40, "{query:?} took {best:?}");
    }
}
