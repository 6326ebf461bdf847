//! A table that takes more memory than one may: rows come from messages by themselves.

use crate::crud::{on_users, with_file};
use crate::search::{found, search_is, with_rows};
use crate::world::World;
use discord_sim::SearchPlan;
use serde_json::json;

/// Digits without any pattern, which pack to little less than half.
fn digits(seed: u64, count: usize) -> String {
    let mut random = fastrand::Rng::with_seed(seed);
    std::iter::repeat_with(|| random.digit(36))
        .take(count)
        .collect()
}

#[test]
fn what_does_not_fit_is_searched_for_and_memory_is_there_for_who_insists() {
    let mut world = World::with_table(1);
    search_is(&world, SearchPlan::calm());
    for key in 0..4 {
        let line = on_users("dbc_insert", &format!("key:large{key} value_file:@f"));
        let row = json!({"name": "large", "text": digits(key, 7_900_000)});
        let reply = with_file(&mut world, &line, row.to_string());
        assert!(reply.starts_with("Stored"), "{reply}");
    }
    with_rows(
        &mut world,
        [
            json!({"id": "a", "name": "Ada", "age": 36}),
            json!({"id": "b", "name": "Bob", "age": 17}),
        ],
    );
    let by_name = r#"where_json:{"name":"Ada"}"#;
    let by_age = r#"where_json:{"age":{"$gt":20}}"#;
    // While it is in memory, that is where rows come from.
    assert!(found(&mut world, by_name).1.contains("exact"));
    world.evict();
    let (keys, reply) = found(&mut world, by_name);
    assert_eq!(keys, ["a"], "{reply}");
    assert!(reply.contains("`SEARCH WORDS`"), "{reply}");
    let plan = world.ok(&on_users("dbc_explain", by_name));
    assert!(plan.contains("; it may not fit"), "{plan}");
    // All of the large rows at once would be too much for a command.
    let mut keys = Vec::new();
    let mut cursor = String::new();
    loop {
        let (some, reply) = found(&mut world, &format!("{by_age} {cursor}"));
        assert!(reply.contains("`CHANNEL SCAN`"), "{reply}");
        keys.extend(some);
        let Some((_, next)) = reply.split_once("Next page: `") else {
            break;
        };
        assert!(reply.contains("(there are more)"), "{reply}");
        cursor = next.split('`').next().unwrap().to_owned();
    }
    assert_eq!(keys, ["a"]);
    let (keys, reply) = found(&mut world, &format!("{by_name} via:memory"));
    assert_eq!(keys, ["a"], "{reply}");
    assert!(reply.contains("exact"), "{reply}");
}
