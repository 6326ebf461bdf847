//! Putting tables through pipelines.

use crate::crud::{on_users, refused, with_file};
use crate::world::World;
use serde_json::{Value, json};

/// Authors in `users`, and what they wrote in `posts`.
fn authors(seed: u64) -> World {
    let mut world = World::with_table(seed);
    world.ok("/dbc_table_create database:prod table:posts pk:id");
    let row = |table: &str, row: Value| json!({"op": "insert", "table": table, "key": row["id"], "value": row});
    let ops = json!([
        row(
            "users",
            json!({"id": "a", "name": "Ada", "role": "teacher", "age": 36, "posts": ["p1", "p3"]})
        ),
        row(
            "users",
            json!({"id": "b", "name": "Bob", "role": "student", "age": 17})
        ),
        row(
            "users",
            json!({"id": "c", "name": "Cy", "role": "teacher", "age": 52.5, "posts": ["p2"]})
        ),
        row("posts", json!({"id": "p1", "by": "a", "likes": 3})),
        row("posts", json!({"id": "p2", "by": "c", "likes": 4})),
        row("posts", json!({"id": "p3", "by": "a", "likes": 5})),
    ]);
    world.ok(&format!("/dbc_transact database:prod ops_json:{ops}"));
    world
}

fn aggregate(pipeline: &Value) -> String {
    on_users("dbc_aggregate", &format!("pipeline_json:{pipeline}"))
}

/// The rows that a reply shows as JSON.
fn rows(reply: &str) -> Vec<Value> {
    let block = reply.split("```json\n").nth(1).unwrap_or_default();
    let lines = block.split("\n```").next().unwrap_or_default().lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn by_role() -> Value {
    json!([
        {"$match": {"age": {"$gte": 18}}},
        {"$unwind": "$posts"},
        {"$lookup": {"from": "posts", "localField": "posts", "foreignField": "id", "as": "post"}},
        {"$unwind": "$post"},
        {"$group": {"_id": {"role": "$role"}, "likes": {"$sum": "$post.likes"}, "who": {"$addToSet": "$name"}}},
    ])
}

#[test]
fn rows_go_through_stages_and_join_other_tables() {
    let mut world = authors(1);
    let expected = [json!({"_id": {"role": "teacher"}, "likes": 12, "who": ["Ada", "Cy"]})];
    let reply = world.ok(&aggregate(&by_role()));
    assert_eq!(rows(&reply), expected, "{reply}");
    let head = "1 row from `prod.users` · looked at 6 rows in memory";
    assert!(reply.starts_with(head), "{reply}");
    assert!(reply.contains("exact as of commit #"), "{reply}");
    // Neither table is in memory after an eviction.
    world.be_quiet();
    world.evict();
    let reply = world.ok(&aggregate(&by_role()));
    assert_eq!(rows(&reply), expected, "{reply}");
    // What was acknowledged is in the next answer.
    world.ok("/dbc_update database:prod table:posts key:p2 patch_json:{\"likes\":40}");
    world.ok(&on_users("dbc_delete", "key:a"));
    let expected = [json!({"_id": {"role": "teacher"}, "likes": 40, "who": ["Cy"]})];
    assert_eq!(rows(&world.ok(&aggregate(&by_role()))), expected);
}

#[test]
fn flat_rows_are_a_table_and_the_key_goes_along() {
    let mut world = authors(2);
    let reply = world.ok(&aggregate(
        &json!([{"$project": {"years": "$age"}}, {"$sort": {"years": -1}}, {"$limit": 2}]),
    ));
    assert!(
        reply.contains("id  years\n---------\nc   52.5\na   36"),
        "{reply}"
    );
    let reply = world.ok(&aggregate(
        &json!([{"$match": {"age": 0}}, {"$count": "n"}]),
    ));
    assert!(reply.starts_with("0 rows from `prod.users`"), "{reply}");
    let reply = world.ok(&aggregate(&json!([])));
    assert!(reply.starts_with("3 rows from"), "{reply}");
}

#[test]
fn pipelines_come_as_files_and_long_results_go_as_such() {
    let mut world = authors(3);
    let items: Vec<u32> = (0..1_500).collect();
    let pipeline =
        json!([{"$limit": 1}, {"$project": {"n": {"$literal": items}}}, {"$unwind": "$n"}]);
    let line = on_users("dbc_aggregate", "pipeline_file:@f");
    let reply = with_file(&mut world, &line, pipeline.to_string());
    assert!(
        reply.starts_with("1000 rows of 1500 from `prod.users`"),
        "{reply}"
    );
    assert!(
        reply.contains("in the file") && reply.contains("`$skip`"),
        "{reply}"
    );
    let reply = with_file(&mut world, &line, "[{\"$mach\":1}]");
    assert!(
        reply.contains("`pipeline_file`") && reply.contains("`$match`"),
        "{reply}"
    );
}

#[test]
fn what_makes_no_sense_is_refused_with_its_stage() {
    let mut world = authors(4);
    let lookup = |from: &str| json!({"$lookup": {"from": from, "localField": "id", "foreignField": "by", "as": "posts"}});
    for (pipeline, words) in [
        (json!({"$match": {}}), ["`pipeline_json`", "list"]),
        (
            json!([{"$skip": 1}, {"$groop": {}}]),
            ["stage 2", "`$group`"],
        ),
        (
            json!([{"$group": {"_id": null, "n": {"$summ": 1}}}]),
            ["stage 1, `$group`: `n.$summ`", "`$sum`"],
        ),
        (
            json!([{"$match": {"age": {"$gtt": 1}}}]),
            ["stage 1, `$match`: `age.$gtt`", "`$gt`"],
        ),
        (
            json!([{"$project": {"id": 0, "a": 1, "b": 0}}]),
            ["stage 1, `$project`: `b`", "the key `id`"],
        ),
        (
            json!([lookup("post")]),
            ["`pipeline_json`", "Did you mean `posts`?"],
        ),
    ] {
        refused(&mut world, &aggregate(&pipeline), &words);
    }
    let line = "/dbc_aggregate database:prod table:usres pipeline_json:[]";
    refused(&mut world, line, &["Did you mean `users`?"]);
    refused(
        &mut world,
        &on_users("dbc_aggregate", ""),
        &["`pipeline_json`", "nothing"],
    );
    // Another table may be named like this one.
    let reply = world.ok(&aggregate(
        &json!([lookup("users"), {"$project": {"posts": 1}}, {"$limit": 1}]),
    ));
    assert_eq!(rows(&reply), [json!({"id": "a", "posts": []})]);
}
