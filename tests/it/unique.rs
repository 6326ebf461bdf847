//! Values of a unique index are held against each other once a write is complete: rows can take each other's.

use std::collections::BTreeMap;

use crate::crud::{on_users, refused};
use crate::indexes::{INDEX, shows, with_index};
use crate::references_model::Draws;
use crate::world::World;
use serde_json::{Value, json};

fn transact(ops: &Value) -> String {
    format!("/dbc_transact database:prod ops_json:{ops}")
}

fn update(key: &str, patch: &Value) -> Value {
    json!({"op": "update", "table": "users", "key": key, "patch": patch})
}

/// Rows `k1`, `k2` and `k3` with their numbers in `n`, of which no two may be the same.
fn with_numbers(seed: u64) -> World {
    let mut world = World::with_table(seed);
    let rows = (1..=3).map(
        |n| json!({"op": "insert", "table": "users", "key": format!("k{n}"), "value": {"n": n}}),
    );
    world.ok(&transact(&rows.collect()));
    world.ok(&on_users("dbc_index_create", "field:n unique:true"));
    world
}

/// The keys of the rows that the index has under each number, in its order.
fn by_number(world: &mut World) -> Vec<String> {
    let reply = world.ok(&on_users("dbc_find", "sort:n select:n"));
    assert!(reply.contains("by `INDEX n"), "{reply}");
    let rows = reply.lines().filter(|line| line.starts_with('k'));
    rows.map(|row| row.split_whitespace().collect()).collect()
}

#[test]
fn no_two_rows_have_a_value_that_is_unique() {
    let mut world = with_index(5, "unique:true");
    let insert = |row: Value| {
        let key = row["id"].as_str().unwrap().to_owned();
        on_users("dbc_insert", &format!("key:{key} value_json:{row}"))
    };
    for (row, value, holder) in [
        (json!({"id": "d", "email": "a@x"}), "`\"a@x\"`", "row `a`"),
        (
            json!({"id": "d", "email": ["n@x", "bb@x"]}),
            "`\"bb@x\"`",
            "row `b`",
        ),
        (json!({"id": "d"}), "would have nothing in", "row `c`"),
        (json!({"id": "d", "email": null}), "`null`", "row `c`"),
    ] {
        refused(
            &mut world,
            &insert(row),
            &["unique index `email`", value, holder],
        );
    }
    refused(
        &mut world,
        &on_users("dbc_update", r#"key:a patch_json:{"email":"b@x"}"#),
        &[
            "ow `a` of table `users`",
            "would have `\"b@x\"`",
            "row `b` has that already",
        ],
    );
    // A row may keep its own, and give one up for another in the same transaction.
    world.ok(&on_users(
        "dbc_update",
        r#"key:a patch_json:{"email":"a@x","n":1}"#,
    ));
    let transact = |ops: Value| format!("/dbc_transact database:prod ops_json:{ops}");
    refused(
        &mut world,
        &transact(json!([
            {"op": "insert", "table": "users", "key": "d", "value": {"email": "same"}},
            {"op": "insert", "table": "users", "key": "e", "value": {"email": "same"}},
        ])),
        &[
            "ow `e` of",
            "would have `\"same\"`",
            "row `d` has that already",
        ],
    );
    world.ok(&transact(json!([
        {"op": "delete", "table": "users", "key": "a"},
        {"op": "insert", "table": "users", "key": "d", "value": {"email": "a@x"}},
    ])));
    refused(
        &mut world,
        &on_users("dbc_restore_row", "key:a rev:1"),
        &[
            "ow `a` of",
            "would have `\"a@x\"`",
            "row `d` has that already",
        ],
    );
    let rush: Vec<String> = (0..5)
        .map(|n| insert(json!({"id": format!("r{n}"), "email": "rush"})))
        .collect();
    let replies = world.all_at_once(&rush);
    let stored = replies
        .iter()
        .filter(|reply| reply.contains("Stored"))
        .count();
    assert_eq!(stored, 1, "{replies:?}");
    world.settle();
    let shown = shows(&world, INDEX);
    assert_eq!(
        shown
            .values()
            .filter(|values| **values == ["\"rush\""])
            .count(),
        1
    );
}

#[test]
fn rows_of_one_command_take_each_others_values_whatever_their_keys() {
    let mut world = with_numbers(1);
    for (by, expected) in [
        (-1, ["k10", "k21", "k32"]),
        (1, ["k11", "k22", "k33"]),
        (2, ["k13", "k24", "k35"]),
    ] {
        let patch = json!({"$inc": {"n": by}});
        let line = format!("where_json:{{}} patch_json:{patch}");
        world.ok(&on_users("dbc_update_many", &line));
        assert_eq!(by_number(&mut world), expected);
        world.evict();
        assert_eq!(by_number(&mut world), expected);
    }
    // One that stays is in the way all the same, and what is refused leaves nothing behind.
    let line = r#"where_json:{"n":{"$lt":5}} patch_json:{"$inc":{"n":1}}"#;
    let told = [
        "ow `k2` of table `users` in database `prod` would have `5` in the unique index `n`",
        "row `k3` has that already",
    ];
    refused(&mut world, &on_users("dbc_update_many", line), &told);
    let words = ["ow `new`", "`4`", "row `k2` has that already"];
    let line = on_users("dbc_insert", r#"key:new value_json:{"n":4}"#);
    refused(&mut world, &line, &words);
    world.ok(&on_users("dbc_insert", r#"key:new value_json:{"n":6}"#));
}

#[test]
fn a_transaction_swaps_values_and_names_the_operation_that_comes_second() {
    let mut world = with_numbers(2);
    world.ok(&transact(&json!([
        update("k1", &json!({"n": 2})),
        update("k2", &json!({"n": 3})),
        update("k3", &json!({"n": 1})),
    ])));
    assert_eq!(by_number(&mut world), ["k31", "k12", "k23"]);
    // A new row takes the value of one that goes after it.
    world.ok(&transact(&json!([
        {"op": "insert", "table": "users", "key": "k4", "value": {"n": 1}},
        update("k1", &json!({"n": 7})),
        update("k1", &json!({"n": 2})),
        {"op": "delete", "table": "users", "key": "k3"},
    ])));
    assert_eq!(by_number(&mut world), ["k41", "k12", "k23"]);
    for (ops, words) in [
        (
            json!([
                update("k1", &json!({"n": 3})),
                update("k2", &json!({"m": 1}))
            ]),
            ["operation 1 of 2 (update of `k1`", "row `k2` has that"],
        ),
        (
            json!([
                update("k1", &json!({"n": 9})),
                update("k4", &json!({"n": 9})),
                update("k1", &json!({"m": 1}))
            ]),
            ["operation 2 of 3 (update of `k4`", "row `k1` has that"],
        ),
        (
            json!([
                update("k1", &json!({"n": 9})),
                update("k2", &json!({"n": 2})),
                update("k1", &json!({"n": 2}))
            ]),
            ["operation 3 of 3 (update of `k1`", "row `k2` has that"],
        ),
    ] {
        let words = [&words[..], &["in database `prod`", "Nothing was written"]].concat();
        refused(&mut world, &transact(&ops), &words);
    }
    assert_eq!(by_number(&mut world), ["k41", "k12", "k23"]);
    // The reference that a deletion takes away leaves null, and only one row may have that.
    world.ok("/dbc_table_create database:prod table:posts pk:id");
    let schema = json!({"properties": {"by": {"ref": "users", "on_delete": "set_null"}}});
    world.ok(&format!(
        "/dbc_schema_set database:prod table:posts schema_json:{schema}"
    ));
    world.ok("/dbc_index_create database:prod table:posts field:by unique:true");
    let delete = |key: &str| json!({"op": "delete", "table": "users", "key": key});
    let post = |n: &str| json!({"op": "insert", "table": "posts", "key": n, "value": {"by": n}});
    world.ok(&transact(&json!([post("k1"), post("k2")])));
    let both = transact(&json!([delete("k4"), delete("k1"), delete("k2")]));
    let words = [
        "operation 3 of 3",
        "ow `k2` of table `posts`",
        "`null`",
        "row `k1` has that",
    ];
    refused(&mut world, &both, &words);
    world.ok(&transact(&json!([delete("k4"), delete("k1")])));
}

/// Writes that are typed at once are held against what the ones before them left: those that are refused
/// leave nothing, whatever they had taken by then.
#[test]
fn random_writes_are_refused_exactly_where_two_rows_would_have_a_value() {
    const KEYS: [&str; 5] = ["a", "b", "c", "d", "e"];
    let mut refusals = 0;
    for seed in 0..6 {
        let mut world = World::with_table(20 + seed);
        world.ok(&on_users(
            "dbc_index_create",
            "field:n unique:true sparse:true",
        ));
        let mut draws = Draws(seed);
        let mut rows: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for _ in 0..12 {
            let mut lines = Vec::new();
            let mut expected = Vec::new();
            for _ in 0..6 {
                let mut next = rows.clone();
                let ops: Vec<Value> = (0..=draws.below(4))
                    .map(|_| {
                        let key = KEYS[draws.below(5)];
                        if next.contains_key(key) && draws.below(4) == 0 {
                            next.remove(key);
                            return json!({"op": "delete", "table": "users", "key": key});
                        }
                        let values: Vec<usize> =
                            (0..1 + draws.below(2)).map(|_| draws.below(7)).collect();
                        next.insert(key, values.clone());
                        json!({"op": "upsert", "table": "users", "key": key, "value": {"n": values}})
                    })
                    .collect();
                let mut values: Vec<usize> = Vec::new();
                for row in next.values() {
                    let mut row = row.clone();
                    row.sort_unstable();
                    row.dedup();
                    values.extend(row);
                }
                let count = values.len();
                values.sort_unstable();
                values.dedup();
                let fits = values.len() == count;
                if fits {
                    rows = next;
                } else {
                    refusals += 1;
                }
                lines.push(transact(&json!(ops)));
                expected.push(fits);
            }
            let replies = world.all_at_once(&lines);
            for ((line, reply), fits) in lines.iter().zip(&replies).zip(expected) {
                let is_done = reply.starts_with("Committed") || reply.starts_with("Nothing to");
                assert_eq!(is_done, fits, "{line}\n{reply}");
            }
            if draws.below(3) == 0 {
                world.evict();
            }
            for n in 0..7 {
                let holders = rows.values().filter(|values| values.contains(&n)).count();
                let filter = format!(r#"where_json:{{"n":{n}}}"#);
                let reply = world.ok(&on_users("dbc_count", &filter));
                let told = format!("{holders} row{} in", if holders == 1 { "" } else { "s" });
                assert!(reply.starts_with(&told), "{n}: {reply}");
            }
        }
    }
    assert!(refusals > 50, "{refusals}");
}
