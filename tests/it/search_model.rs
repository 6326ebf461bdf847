//! Whatever is asked of whatever rows: every way gives the same answer once everything is shown and found,
//! and none gives a wrong one before.

use std::collections::BTreeSet;

use crate::crud::on_users;
use crate::search::{found, search_is, with_rows};
use crate::world::World;
use discord_sim::SearchPlan;
use fastrand::Rng;
use serde_json::{Value, json};

const WORDS: &[&str] = &["red", "Blue", "grün", "o_o", "it's", "日本", "x"];
const GLUE: &[&str] = &[
    " ", " ", ", ", "\n", "-", ".", " \"", "`", "/", " 7 ", "\t", "e\u{301}",
];

/// Words with something between them.
fn text(random: &mut Rng) -> String {
    let mut text = String::new();
    for _ in 0..random.usize(0..4) {
        text.push_str(WORDS[random.usize(..WORDS.len())]);
        text.push_str(GLUE[random.usize(..GLUE.len())]);
    }
    text.push_str(WORDS[random.usize(..WORDS.len())]);
    text
}

fn value(random: &mut Rng, depth: u8) -> Value {
    match random.u8(..if depth == 0 { 6 } else { 9 }) {
        0..=2 => json!(text(random)),
        3 => json!(random.u8(..3)),
        4 => json!(null),
        5 => json!(random.bool()),
        6 => json!({"a": value(random, depth - 1)}),
        _ => {
            let items = (0..random.usize(0..3)).map(|_| value(random, depth - 1));
            items.collect::<Vec<_>>().into()
        }
    }
}

fn row(random: &mut Rng, key: usize) -> Value {
    let mut row = json!({"id": format!("k{key:02}")});
    for field in ["a", "b", "c"] {
        if random.u8(..4) > 0 {
            row[field] = value(random, 2);
        }
    }
    if random.u8(..8) == 0 {
        // Too long for a message.
        row["long"] = json!("z ".repeat(1_500));
    }
    row
}

/// A condition, often on what some row has.
fn condition(random: &mut Rng, rows: &[Value], depth: u8) -> Value {
    let field = ["a", "b", "c", "a.a"][random.usize(..4)];
    let some = |random: &mut Rng| {
        let row = &rows[random.usize(..rows.len())];
        match row.pointer(&format!("/{}", field.replace('.', "/"))) {
            Some(Value::Array(items)) if !items.is_empty() && random.bool() => {
                items[random.usize(..items.len())].clone()
            }
            Some(value) if value.to_string().len() < 500 => value.clone(),
            _ => value(random, 0),
        }
    };
    let branches = |random: &mut Rng| {
        let each = (0..2).map(|_| condition(random, rows, depth - 1));
        each.collect::<Vec<_>>()
    };
    match random.u8(..if depth == 0 { 6 } else { 9 }) {
        0 | 1 => json!({ field: {"$eq": some(random)} }),
        2 => json!({ field: {"$in": [some(random), some(random)]} }),
        3 => json!({ field: {"$all": [some(random)]} }),
        4 => json!({ field: {"$ne": some(random)} }),
        5 => json!({ field: {"$gte": some(random)} }),
        6 => json!({ "$or": branches(random) }),
        7 => json!({ "$and": branches(random) }),
        _ => json!({ field: {"$elemMatch": {"$eq": some(random)}} }),
    }
}

/// The keys by this way; none where there is nothing to search for.
fn by(world: &mut World, filter: &Value, via: &str) -> Option<Vec<String>> {
    let question = format!("where_json:{filter} limit:1000 via:{via}");
    if via == "search" {
        let reply = world.reply(&on_users(
            "dbc_count",
            &format!("where_json:{filter} via:search"),
        ));
        if reply.starts_with('❌') {
            assert!(
                reply.contains("nothing that Discord's search finds"),
                "{reply}"
            );
            return None;
        }
    }
    Some(found(world, &question).0)
}

#[test]
fn once_everything_is_found_all_ways_say_the_same() {
    let mut searched = 0;
    for seed in 1..=4 {
        let mut random = Rng::with_seed(seed);
        let mut world = World::with_table(seed);
        search_is(&world, SearchPlan::calm());
        let rows: Vec<Value> = (0..40).map(|key| row(&mut random, key)).collect();
        if seed % 2 == 0 {
            world.ok(&on_users("dbc_index_create", "field:a"));
            world.ok(&on_users("dbc_index_create", "field:b,c sparse:true"));
        }
        with_rows(
            &mut world,
            rows.iter().filter(|row| !has_two_lists(row)).cloned(),
        );
        for n in 0..60 {
            let filter = condition(&mut random, &rows, 2);
            let expected = by(&mut world, &filter, "memory");
            if n % 2 == 0 {
                world.evict();
            }
            assert_eq!(
                by(&mut world, &filter, "scan"),
                expected,
                "{seed}: {filter}"
            );
            let by_search = by(&mut world, &filter, "search");
            searched += usize::from(by_search.is_some());
            if by_search.is_some() {
                let question = format!("where_json:{filter} via:search");
                let plan = world.ok(&on_users("dbc_explain", &question));
                assert_eq!(by_search, expected, "{seed}: {filter}: {plan}");
            }
        }
    }
    assert!(searched >= 80, "{searched}");
}

/// No index has such a row.
fn has_two_lists(row: &Value) -> bool {
    let is_list = |field: &str| row[field].as_array().is_some_and(|items| items.len() > 1);
    is_list("b") && is_list("c")
}

#[test]
fn before_that_none_says_anything_wrong() {
    for seed in 11..=14 {
        let mut random = Rng::with_seed(seed);
        let mut world = World::with_table(seed);
        let mut rows: Vec<Value> = (0..30).map(|key| row(&mut random, key)).collect();
        rows.retain(|row| !has_two_lists(row));
        with_rows(&mut world, rows.iter().cloned());
        search_is(&world, SearchPlan::usual());
        world.reply(&on_users(
            "dbc_find",
            r#"where_json:{"a":"red"} via:search"#,
        ));
        world.wait(30_000);
        for _ in 0..25 {
            // What memory has of the table, cold: what was changed since the checkpoint.
            let at = random.usize(..rows.len());
            let key = rows[at]["id"].as_str().unwrap().to_owned();
            if random.u8(..4) == 0 {
                world.reply(&on_users("dbc_delete", &format!("key:{key}")));
            } else {
                let number = key[1..].parse().unwrap();
                rows[at] = row(&mut random, number);
                world.ok(&on_users(
                    "dbc_insert",
                    &format!("key:{key} mode:upsert value_json:{}", rows[at]),
                ));
            }
            let filter = condition(&mut random, &rows, 1);
            for via in ["search", "scan"] {
                if random.bool() {
                    world.evict();
                }
                let before: Option<BTreeSet<String>> =
                    by(&mut world, &filter, via).map(BTreeSet::from_iter);
                let right = by(&mut world, &filter, "memory").unwrap();
                let right = BTreeSet::from_iter(right);
                // The row that was changed last is in memory, whatever channels show.
                let Some(found) = before else { continue };
                assert_eq!(
                    found.contains(&key),
                    right.contains(&key),
                    "{seed}: {key} {filter} {via}"
                );
                // In memory, nothing that does not match is ever taken for a match.
                let again = by(&mut world, &filter, via).map(BTreeSet::from_iter);
                let again: BTreeSet<String> = again.unwrap_or_default();
                assert!(
                    again.is_subset(&right),
                    "{seed}: {filter} {via}: {again:?} {right:?}"
                );
            }
        }
    }
}
