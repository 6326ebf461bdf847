//! How far the index is from what is there, in time.

use discord_sim::{GuildSpec, SearchOddity, SearchPlan};
use serde_json::{Value, json};

use super::{calm, found, messages, page, search, seeded, touch, world, write};
use crate::support::World;

const NOTHING: [&str; 0] = [];

fn only(oddity: SearchOddity, ms: u64) -> SearchPlan {
    SearchPlan::calm().rate(oddity, 1.0).lasting(oddity, ms, ms)
}

/// What is found right now, without letting time pass.
fn now(world: &mut World, query: &str) -> Vec<String> {
    let page = search(world, query).ok();
    messages(&page)
        .iter()
        .map(|message| crate::support::text(&message["content"]))
        .collect()
}

fn edit(world: &mut World, message: &str, content: &str) {
    touch(world, "PATCH", message, &json!({"content": content}));
}

fn remove(world: &mut World, message: &str) {
    touch(world, "DELETE", message, &Value::Null);
}

#[test]
fn calm_is_at_once_what_is_there() {
    let mut world = calm();
    let id = write(&mut world, "owner", "alpha");
    assert_eq!(now(&mut world, "content=alpha"), ["alpha"]);
    edit(&mut world, &id, "beta");
    assert_eq!(now(&mut world, "content=alpha"), NOTHING);
    assert_eq!(now(&mut world, "content=beta"), ["beta"]);
    remove(&mut world, &id);
    assert_eq!(now(&mut world, "content=beta"), NOTHING);
}

#[test]
fn the_first_search_of_a_guild_finds_no_index() {
    let mut world = world(only(SearchOddity::Unindexed, 10_000));
    for n in 0..10 {
        write(&mut world, "owner", &format!("alpha m{n}"));
    }
    let first = search(&mut world, "content=alpha");
    assert_eq!(first.status, 202);
    let retry_after = first.body["retry_after"].as_u64().unwrap();
    assert!(retry_after <= 5);
    assert_eq!(
        first.body,
        json!({
            "message": "Index not yet available. Try again later",
            "code": 110_000,
            "documents_indexed": 0,
            "retry_after": retry_after,
        })
    );
    world.now += 5_000;
    assert_eq!(
        search(&mut world, "content=alpha").body["documents_indexed"],
        5
    );
    world.now += 4_999;
    assert_eq!(search(&mut world, "content=alpha").status, 202);
    world.now += 1;
    assert_eq!(
        search(&mut world, "content=alpha").ok()["total_results"],
        10
    );
    // Once is enough, but every guild has an index of its own.
    world.now += 1_000_000;
    assert_eq!(search(&mut world, "content=alpha").status, 200);
    let other = world
        .discord
        .create_guild(world.now, GuildSpec::named("Other"));
    let path = format!("/guilds/{}/messages/search", other.guild_id);
    assert_eq!(world.get(&path).status, 202);
}

#[test]
fn the_time_to_wait_is_sometimes_zero_and_never_a_promise() {
    let mut world = world(only(SearchOddity::Unindexed, 1_000_000));
    let waits: Vec<u64> = (0..40)
        .map(|_| {
            world.now += 5_000;
            search(&mut world, "").body["retry_after"].as_u64().unwrap()
        })
        .collect();
    assert!(waits.contains(&0) && waits.contains(&5), "{waits:?}");
    assert!(waits.iter().all(|wait| *wait <= 5));
}

#[test]
fn a_refused_search_starts_no_index() {
    let mut world = world(only(SearchOddity::Unindexed, 10_000));
    search(&mut world, "limit=99");
    world.now += 20_000;
    assert_eq!(search(&mut world, "").status, 202);
}

#[test]
fn an_index_reaches_its_oldest_messages_last() {
    let mut world = world(only(SearchOddity::DeepIndex, 40_000));
    // The guild was made a minute before.
    for n in 0..=9 {
        write(&mut world, "owner", &format!("m{n}"));
        world.now += 60_000;
    }
    let early = search(&mut world, "sort_order=asc").ok();
    assert_eq!(early["doing_deep_historical_index"], true);
    assert_eq!(early["documents_indexed"], 5);
    // Of the eleven minutes since then, five and a half.
    assert_eq!(early["total_results"], 5);
    assert_eq!(messages(&early)[0]["content"], "m5");
    write(&mut world, "owner", "new");
    world.now += 20_000;
    let later = search(&mut world, "sort_order=asc").ok();
    assert_eq!(messages(&later)[0]["content"], "m2");
    assert_eq!(messages(&later).last().unwrap()["content"], "new");
    world.now += 20_000;
    let done = search(&mut world, "sort_order=asc").ok();
    assert_eq!(done["doing_deep_historical_index"], false);
    assert!(done.get("documents_indexed").is_none());
    assert_eq!(done["total_results"], 11);
}

#[test]
fn messages_and_edits_appear_late() {
    let mut world = world(only(SearchOddity::Lag, 35_000));
    let id = write(&mut world, "owner", "alpha");
    world.now += 34_999;
    assert_eq!(now(&mut world, ""), NOTHING);
    world.now += 1;
    assert_eq!(now(&mut world, "content=alpha"), ["alpha"]);
    edit(&mut world, &id, "beta");
    world.now += 34_999;
    assert_eq!(now(&mut world, "content=beta"), NOTHING);
    // Found by what it said, and shown as one or the other.
    assert_eq!(now(&mut world, "content=alpha").len(), 1);
    world.now += 1;
    assert_eq!(now(&mut world, "content=beta"), ["beta"]);
    assert_eq!(now(&mut world, "content=alpha"), NOTHING);
    remove(&mut world, &id);
    assert_eq!(
        now(&mut world, "content=beta"),
        NOTHING,
        "a lag makes no ghosts"
    );
}

#[test]
fn pins_and_hidden_embeds_are_late_like_edits() {
    let mut world = world(only(SearchOddity::Lag, 35_000));
    let id = write(&mut world, "owner", "alpha");
    world.now += 35_000;
    let path = format!("{}/pins/{id}", world.messages());
    world.act("owner", "PUT", &path, &Value::Null);
    assert_eq!(now(&mut world, "pinned=true"), NOTHING);
    assert_eq!(now(&mut world, "pinned=false"), ["alpha"]);
    world.now += 35_000;
    assert_eq!(now(&mut world, "pinned=true"), ["alpha"]);
}

#[test]
fn every_message_has_a_lag_of_its_own() {
    let mut world = world(SearchPlan::calm().rate(SearchOddity::Lag, 1.0));
    for n in 0..50 {
        write(&mut world, "owner", &format!("m{n}"));
    }
    let mut counts = Vec::new();
    for _ in 0..14 {
        counts.push(page(&mut world, "")["total_results"].as_u64().unwrap());
        world.now += 5_000 - 1_100;
    }
    assert_eq!((counts[0], counts[13]), (0, 50), "{counts:?}");
    assert!(counts.is_sorted());
    assert!(
        (15..35).contains(&counts[7]),
        "half of them after 35 s: {counts:?}"
    );
    // Not in the order in which they were written.
    world.now += 1_000_000;
    let one = write(&mut world, "owner", "x0");
    let mut late = one;
    for n in 1..40 {
        late = write(&mut world, "owner", &format!("x{n}"));
    }
    world.now += 30_000;
    let early = found(&mut world, "content=x0&limit=25");
    let some = page(
        &mut world,
        &format!(
            "min_id={}&limit=25",
            late.parse::<u64>().unwrap() - (60 << 22)
        ),
    );
    assert!(early.len() <= 1 && some["total_results"].as_u64().unwrap() < 40);
}

#[test]
fn some_take_far_longer() {
    let plan = SearchPlan::calm()
        .rate(SearchOddity::Straggler, 0.5)
        .lasting(SearchOddity::Straggler, 65_000, u64::MAX);
    let mut world = world(plan);
    for n in 0..100 {
        write(&mut world, "owner", &format!("m{n}"));
    }
    let mut counts = Vec::new();
    for wait in [0, 64_000, 65_000, 600_000, 6_000_000] {
        world.now += wait;
        counts.push(
            search(&mut world, "").ok()["total_results"]
                .as_u64()
                .unwrap(),
        );
    }
    assert_eq!(counts[0], counts[1], "the others are there at once");
    assert!((30..70).contains(&counts[0]), "{counts:?}");
    assert!(counts[1] < counts[2] && counts[2] < counts[3], "{counts:?}");
    assert!(counts[3] <= counts[4] && counts[3] < 100, "{counts:?}");
}

#[test]
fn deleted_messages_are_found_for_a_while() {
    let mut world = world(only(SearchOddity::Ghost, 60_000));
    let id = write(&mut world, "owner", "alpha");
    assert_eq!(now(&mut world, "content=alpha"), ["alpha"], "no lag");
    remove(&mut world, &id);
    world.now += 59_999;
    let ghost = search(&mut world, "content=alpha").ok();
    assert_eq!(messages(&ghost)[0]["id"], json!(id));
    assert_eq!(ghost["total_results"], 1);
    let path = format!("{}/{id}", world.messages());
    assert_eq!(world.get(&path).refusal(), (404, 10008));
    world.now += 1;
    assert_eq!(now(&mut world, "content=alpha"), NOTHING);
}

#[test]
fn what_a_message_said_before_is_found_beside_what_it_says() {
    let mut world = world(only(SearchOddity::Ghost, 60_000));
    let id = write(&mut world, "owner", "alpha");
    edit(&mut world, &id, "beta");
    assert_eq!(now(&mut world, "content=beta"), ["beta"]);
    assert_eq!(now(&mut world, "content=alpha").len(), 1);
    let all = search(&mut world, "").ok();
    assert_eq!(all["total_results"], 1, "it is one message all the same");
    assert_eq!(messages(&all)[0]["content"], "beta");
    world.now += 60_000;
    assert_eq!(now(&mut world, "content=alpha"), NOTHING);
    assert_eq!(now(&mut world, "content=beta"), ["beta"]);
}

#[test]
fn ghosts_of_edits_are_shown_as_they_were_or_as_they_are() {
    let mut world = world(only(SearchOddity::Ghost, 60_000));
    for _ in 0..20 {
        let id = write(&mut world, "owner", "alpha");
        edit(&mut world, &id, "beta");
    }
    let mut shown = found(&mut world, "content=alpha");
    assert_eq!(shown.len(), 20);
    shown.sort();
    shown.dedup();
    assert_eq!(shown, ["alpha", "beta"]);
}

#[test]
fn a_message_may_appear_only_after_it_was_deleted() {
    let plan = only(SearchOddity::Lag, 35_000)
        .rate(SearchOddity::Ghost, 1.0)
        .lasting(SearchOddity::Ghost, 60_000, 60_000);
    let mut world = world(plan);
    let id = write(&mut world, "owner", "alpha");
    world.now += 10_000;
    remove(&mut world, &id);
    assert_eq!(now(&mut world, ""), NOTHING);
    world.now += 25_000;
    assert_eq!(now(&mut world, ""), ["alpha"]);
    world.now += 35_000;
    assert_eq!(now(&mut world, ""), NOTHING);
}

#[test]
fn an_edited_message_never_vanishes_and_its_deletion_ends_all_versions() {
    let plan = SearchPlan::usual()
        .rate(SearchOddity::Unindexed, 0.0)
        .rate(SearchOddity::DeepIndex, 0.0)
        .rate(SearchOddity::ShortPage, 0.0)
        .rate(SearchOddity::InexactTotal, 0.0);
    for seed in 0..20 {
        let mut world = seeded(seed, plan.clone().rate(SearchOddity::Straggler, 0.2));
        let id = write(&mut world, "owner", "alpha");
        let mut seen = false;
        for n in 0..120 {
            if n % 7 == 0 {
                edit(&mut world, &id, &format!("alpha again {n}"));
            }
            let there = page(&mut world, "content=alpha")["total_results"] == 1;
            assert!(there || !seen, "seed {seed}, step {n}");
            seen |= there;
        }
        remove(&mut world, &id);
        world.now += 90_001;
        assert_eq!(found(&mut world, ""), NOTHING, "seed {seed}");
    }
}

#[test]
fn nothing_of_a_deleted_message_outlives_what_it_said_last() {
    let plan =
        SearchPlan::calm()
            .rate(SearchOddity::Ghost, 1.0)
            .lasting(SearchOddity::Ghost, 0, 600_000);
    let mut outlived_alone = 0;
    for seed in 0..30 {
        let mut world = seeded(seed, plan.clone());
        let id = write(&mut world, "owner", "alpha");
        edit(&mut world, &id, "beta");
        remove(&mut world, &id);
        for _ in 0..61 {
            // A second apart, in this order.
            let beta = !found(&mut world, "content=beta").is_empty();
            let alpha = !found(&mut world, "content=alpha").is_empty();
            assert!(beta || !alpha, "seed {seed}");
            outlived_alone += usize::from(beta && !alpha);
            world.now += 10_000;
        }
    }
    assert!(outlived_alone > 0);
}

#[test]
fn a_channel_goes_without_ghosts() {
    let mut world = world(only(SearchOddity::Ghost, 60_000));
    let channel = world.channel(json!({"name": "other"}));
    let path = format!("/channels/{channel}/messages");
    world
        .act("owner", "POST", &path, &json!({"content": "alpha"}))
        .ok();
    assert_eq!(now(&mut world, ""), ["alpha"]);
    world.delete(&format!("/channels/{channel}")).ok();
    assert_eq!(now(&mut world, ""), NOTHING);
}

#[test]
fn bulk_deletions_leave_ghosts_too() {
    let mut world = world(only(SearchOddity::Ghost, 60_000));
    let ids = [
        write(&mut world, "owner", "one"),
        write(&mut world, "owner", "two"),
    ];
    let path = format!("{}/bulk-delete", world.messages());
    world.post(&path, json!({"messages": ids})).ok();
    assert_eq!(now(&mut world, ""), ["two", "one"]);
    world.now += 60_000;
    assert_eq!(now(&mut world, ""), NOTHING);
}
