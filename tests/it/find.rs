//! Asking a table: which rows, how many, which values.

use crate::crud::{on_users, refused};
use crate::world::World;
use serde_json::json;

/// A table with these rows.
fn with_rows(seed: u64, rows: impl IntoIterator<Item = serde_json::Value>) -> World {
    let mut world = World::with_table(seed);
    let ops: Vec<_> = rows
        .into_iter()
        .map(|row| json!({"op": "insert", "table": "users", "key": row["id"], "value": row}))
        .collect();
    for some in ops.chunks(20) {
        let some = serde_json::Value::from(some);
        world.ok(&format!("/dbc_transact database:prod ops_json:{some}"));
    }
    world
}

fn people(seed: u64) -> World {
    with_rows(
        seed,
        [
            json!({"id": "a", "name": "Ada", "age": 36, "tags": ["x", "y"]}),
            json!({"id": "b", "name": "Bob", "age": 17}),
            json!({"id": "c", "name": "Cy", "age": 52, "address": {"city": "Oslo"}}),
            json!({"id": "d", "name": "Dee", "age": null, "tags": ["y"]}),
        ],
    )
}

/// The keys in a reply, in their order.
fn keys(reply: &str) -> Vec<String> {
    let block = reply.split("```").nth(1).unwrap_or_default();
    let lines = block.lines().skip(1);
    let key = |line: &str| match serde_json::from_str::<serde_json::Value>(line) {
        Ok(document) => document["id"].as_str().map(str::to_owned),
        Err(_) => line.split_whitespace().next().map(str::to_owned),
    };
    let keys = lines.filter_map(key);
    keys.filter(|key| key != "id" && !key.starts_with("--"))
        .collect()
}

#[test]
fn rows_are_found_by_what_they_say() {
    let mut world = people(1);
    for (question, expected) in [
        ("", vec!["a", "b", "c", "d"]),
        ("where_json:{}", vec!["a", "b", "c", "d"]),
        (
            r#"where_json:{"age":{"$gte":18}} sort:-age"#,
            vec!["c", "a"],
        ),
        (r#"where_json:{"tags":"y"} select:name"#, vec!["a", "d"]),
        (r#"where_json:{"address.city":"Oslo"}"#, vec!["c"]),
        (r#"where_json:{"age":null}"#, vec!["d"]),
        (r#"where_json:{"$text":"dee OSLO"}"#, vec!["c", "d"]),
        (r#"where_json:{"age":{"$lt":0}}"#, vec![]),
        ("sort:age limit:2", vec!["d", "b"]),
        ("sort:age limit:2 skip:3", vec!["c"]),
    ] {
        let reply = world.ok(&on_users("dbc_find", question));
        assert_eq!(keys(&reply), expected, "{question}: {reply}");
    }
    let reply = world.ok(&on_users("dbc_count", r#"where_json:{"tags":{"$size":1}}"#));
    assert!(
        reply.starts_with("1 row in `prod.users` · looked at 4 rows in memory"),
        "{reply}"
    );
    let reply = world.ok(&on_users("dbc_distinct", "field:tags"));
    assert!(
        reply.contains("2 different values") && reply.contains("\"x\"\n\"y\""),
        "{reply}"
    );
}

#[test]
fn a_deleted_row_is_not_found_and_a_new_one_is_at_once() {
    let mut world = people(2);
    world.ok(&on_users("dbc_delete", "key:a"));
    world.ok(&on_users("dbc_update", r#"key:b patch_json:{"age":40}"#));
    world.ok(&on_users("dbc_insert", r#"key:e value_json:{"age":41}"#));
    let question = on_users("dbc_find", r#"where_json:{"age":{"$gt":30}} sort:age"#);
    assert_eq!(keys(&world.ok(&question)), ["b", "e", "c"]);
    // The same from a checkpoint and the log after it.
    world.be_quiet();
    world.evict();
    assert_eq!(keys(&world.ok(&question)), ["b", "e", "c"]);
}

#[test]
fn pages_follow_each_other_whatever_comes_between() {
    let mut world = with_rows(
        3,
        (0..9).map(|n| json!({"id": format!("k{n}"), "n": n / 3})),
    );
    let mut seen = Vec::new();
    let mut cursor = String::new();
    for page in 0.. {
        let reply = world.ok(&on_users("dbc_find", &format!("sort:-n limit:4{cursor}")));
        seen.extend(keys(&reply));
        let Some((_, rest)) = reply.split_once("cursor:") else {
            break;
        };
        cursor = format!(" cursor:{}", rest.trim_end_matches('`'));
        // Before and behind the place in the order.
        world.ok(&on_users(
            "dbc_insert",
            &format!(r#"key:new{page} value_json:{{"n":9}}"#),
        ));
    }
    assert_eq!(seen, ["k6", "k7", "k8", "k3", "k4", "k5", "k0", "k1", "k2"]);
    let other = on_users("dbc_find", &format!("sort:n limit:4{cursor}"));
    refused(&mut world, &other, &["belongs to another query"]);
    refused(
        &mut world,
        &on_users("dbc_find", "cursor:abc"),
        &["no cursor"],
    );
}

#[test]
fn what_makes_no_sense_is_refused_with_its_place() {
    let mut world = people(4);
    for (question, words) in [
        (
            r#"where_json:{"age":{"$gtt":1}}"#,
            ["`age.$gtt`", "Did you mean `$gt`"],
        ),
        (
            r#"where_json:{"$or":[{"a":1},{"b":{"$in":7}}]}"#,
            ["`$or[1].b.$in`", "a list"],
        ),
        (r#"where_json:{"$gt":1}"#, ["`$gt`", "field"]),
        (r#"where_json:{"a":{"$gt":1,"b":2}}"#, ["`a", "`b`"]),
        (
            r#"where_json:{"a":{"$regex":"(a"}}"#,
            ["`a.$regex`", "no pattern"],
        ),
        (
            r#"where_json:{"a":{"$regex":"((a{1,99}){1,99}){1,99}"}}"#,
            ["`a.$regex`", "no pattern"],
        ),
        (r#"where_json:{"a..b":1}"#, ["`a..b`", "no path"]),
        (r#"where_json:[1]"#, ["where_json", "list"]),
        ("sort:a,,b", ["sort", "no path"]),
        ("select:a,-b", ["select", "`b`"]),
    ] {
        refused(&mut world, &on_users("dbc_find", question), &words);
    }
    refused(
        &mut world,
        "/dbc_find database:prod table:usres",
        &["Did you mean `users`?"],
    );
}

#[test]
fn what_does_not_fit_a_message_is_in_a_file() {
    let rows = (0..60).map(|n| json!({"id": format!("k{n:02}"), "text": "x".repeat(60)}));
    let mut world = with_rows(5, rows);
    let reply = world.reply(&on_users("dbc_find", "limit:100"));
    assert!(
        reply.contains("60 rows") && reply.contains("in the file"),
        "{reply}"
    );
    let reply = world.ok(&on_users("dbc_find", "limit:3"));
    assert!(
        reply.contains("3 rows (there are more)") && reply.contains("Next page: `cursor:"),
        "{reply}"
    );
}

#[test]
fn who_asks_for_the_id_of_another_database_is_told_where_the_key_is() {
    let mut world = World::with_row(60);
    for command in ["dbc_find", "dbc_count"] {
        let reply = world.ok(&on_users(command, r#"where_json:{"_id":"u_1"}"#));
        assert!(reply.starts_with("0 rows"), "{reply}");
        assert!(reply.contains("the key is in `id`"), "{reply}");
    }
    world.ok("/dbc_table_create database:prod table:other pk:_id");
    world.ok("/dbc_insert database:prod table:other key:a value_json:{}");
    let reply = world.ok(r#"/dbc_find database:prod table:other where_json:{"_id":"a"}"#);
    assert!(
        reply.starts_with("1 row in") && !reply.contains("the key is in"),
        "{reply}"
    );
}
