//! What makes no sense, and what is too much.

use super::*;

#[test]
fn errors_name_the_stage_the_place_and_the_rule() {
    let many: Vec<Value> = (0..21).map(|_| json!({"$skip": 1})).collect();
    for (pipeline, words) in [
        (json!({}), &["list"][..]),
        (json!(many), &["at most 20 stages", "21"]),
        (json!([7]), &["stage 1", "a number"]),
        (
            json!([{"$skip": 1}, {"$limit": 1, "$skip": 2}]),
            &["stage 2", "2 fields"],
        ),
        (json!([{"$mach": {}}]), &["stage 1", "`$mach`", "`$match`"]),
        (json!([{"$match": 1}]), &["stage 1, `$match`", "an object"]),
        (
            json!([{"$match": {"a": {"$gtt": 1}}}]),
            &["stage 1, `$match`", "`a.$gtt`", "`$gt`"],
        ),
        (json!([{"$sort": {}}]), &["`$sort`", "at least one"]),
        (json!([{"$sort": {"a": "up"}}]), &["`$sort`", "`a`", "up"]),
        (json!([{"$limit": 0}]), &["`$limit`", "from 1", "`0`"]),
        (json!([{"$skip": -1}]), &["`$skip`", "from 0", "`-1`"]),
        (json!([{"$count": "a.b"}]), &["`$count`", "no dots"]),
        (json!([{"$count": 1}]), &["`$count`", "a number"]),
        (
            json!([{"$group": {"n": {"$sum": 1}}}]),
            &["`$group`", "no `_id`"],
        ),
        (
            json!([{"$group": {"_id": null, "n": {"$summ": 1}}}]),
            &["`n.$summ`", "`$sum`"],
        ),
        (
            json!([{"$group": {"_id": null, "n": 1}}]),
            &["`n`", "accumulator", "a number"],
        ),
        (
            json!([{"$group": {"_id": null, "n": {"$sum": ["$a"]}}}]),
            &["`n.$sum`", "a list"],
        ),
        (
            json!([{"$group": {"_id": null, "n": {"$count": 1}}}]),
            &["`n.$count`", "empty object"],
        ),
        (
            json!([{"$group": {"_id": null, "a.b": {"$sum": 1}}}]),
            &["`a.b`", "no dots"],
        ),
        (
            json!([{"$group": {"_id": {"$add": [1, 2]}}}]),
            &["`_id.$add`", "cannot stand here"],
        ),
        (
            json!([{"$group": {"_id": {"x": "$$NOW"}}}]),
            &["`_id.x`", "`$$NOW`", "$$ROOT"],
        ),
        (
            json!([{"$group": {"_id": "$a..b"}}]),
            &["`_id`", "`a..b`", "name before and after"],
        ),
        (json!([{"$project": {}}]), &["`$project`", "at least one"]),
        (
            json!([{"$project": {"a": 1, "b": 0}}]),
            &["`b`", "left out", "`id`"],
        ),
        (
            json!([{"$project": {"a": 0, "b": "$c"}}]),
            &["`b`", "computed"],
        ),
        (
            json!([{"$project": {"a": 0, "b": 1}}]),
            &["stage 1, `$project`", "`b`"],
        ),
        (json!([{"$project": {"a": 5}}]), &["`a`", "`5`", "$literal"]),
        (
            json!([{"$project": {"a": 1, "a.b": 1}}]),
            &["`a.b`", "beside"],
        ),
        (
            json!([{"$project": {"a": {"b": {}}}}]),
            &["`a.b`", "empty object"],
        ),
        (
            json!([{"$project": {"a": {"b": {"$size": 1}}}}]),
            &["`a.b.$size`", "cannot stand"],
        ),
        (
            json!([{"$unwind": "tags"}]),
            &["`$unwind`", "`tags`", "`$`"],
        ),
        (
            json!([{"$unwind": {"path": "$a", "index": 1}}]),
            &["`index`", "includeArrayIndex"],
        ),
        (
            json!([{"$unwind": {"path": "$a", "preserveNullAndEmptyArrays": 1}}]),
            &["true or false"],
        ),
        (json!([{"$unwind": {}}]), &["`$unwind`", "path"]),
        (
            json!([{"$lookup": {"from": "t", "localField": "a", "as": "b"}}]),
            &["`$lookup`", "no `foreignField`"],
        ),
        (
            json!([{"$lookup": {"from": "t", "pipeline": []}}]),
            &["`pipeline`"],
        ),
    ] {
        let error = run(&pipeline, &[]).unwrap_err();
        assert_eq!(error.option, Some("pipeline_json"));
        let told = error.to_string();
        for word in words {
            assert!(
                told.contains(word),
                "{pipeline}: {word:?} is not in: {told}"
            );
        }
    }
}

#[track_caller]
fn too_much(pipeline: Value, rows: &[Value], words: &[&str]) {
    let error = join(&pipeline, rows, rows).unwrap_err();
    assert_eq!(error.option, Some("pipeline_json"));
    let told = error.to_string();
    for word in words {
        assert!(
            told.contains(word),
            "{pipeline}: {word:?} is not in: {told}"
        );
    }
}

#[test]
fn what_is_too_much_is_refused_before_memory_runs_out() {
    let long = "x".repeat(1 << 20);
    let rows: Vec<Value> = (0..40)
        .map(|n| json!({"id": n, "a": 1, "t": format!("{n}{long}")}))
        .collect();
    let copy = json!({"$project": {"t": 1}});
    too_much(
        json!([copy, {"$sort": {"id": 1}}]),
        &rows,
        &["stage 2, `$sort`", "32 MiB"],
    );
    too_much(
        json!([{"$sort": {"t": 1}}]),
        &rows,
        &["stage 1, `$sort`", "32 MiB"],
    );
    too_much(json!([copy]), &rows, &["stage 1, `$project`", "32 MiB"]);
    too_much(
        json!([{"$group": {"_id": "$t"}}]),
        &rows,
        &["`$group`", "32 MiB"],
    );
    too_much(
        json!([{"$group": {"_id": null, "all": {"$push": "$t"}}}]),
        &rows,
        &["`$group`", "8 MiB"],
    );
    too_much(
        json!([{"$group": {"_id": "$id", "all": {"$addToSet": "$t"}}}]),
        &rows,
        &["32 MiB"],
    );
    let ten: Vec<&str> = vec!["$t"; 10];
    too_much(
        json!([{"$project": {"a": ten}}]),
        &rows,
        &["`$project`", "8 MiB"],
    );
    let lookup =
        json!({"$lookup": {"from": "other", "localField": "a", "foreignField": "a", "as": "j"}});
    too_much(json!([lookup]), &rows, &["`$lookup`", "8 MiB"]);
    // What is not held at a time is no trouble.
    for pipeline in [
        json!([copy, {"$sort": {"id": -1}}, {"$skip": 1}, {"$limit": 2}, {"$project": {"id": 1}}]),
        json!([copy, {"$group": {"_id": "$id", "n": {"$count": {}}, "first": {"$min": "$id"}}}]),
        json!([{"$group": {"_id": null, "last": {"$last": "$t"}, "first": {"$max": "$t"}}}, {"$project": {"_id": 1}}]),
    ] {
        assert!(run(&pipeline, &rows).is_ok(), "{pipeline}");
    }
    // Rows that are small, but many.
    let list: Vec<Value> = (0..2_000).map(Value::from).collect();
    let wide = json!({"l": list, "t": long});
    too_much(
        json!([{"$unwind": "$l"}, {"$count": "n"}]),
        &[wide],
        &["`$unwind`", "256 MiB"],
    );
}

#[test]
fn groups_are_not_without_number() {
    let rows: Vec<Value> = (0..=GROUPS).map(|n| json!({ "n": n })).collect();
    let group = json!([{"$group": {"_id": "$n"}}, {"$count": "n"}]);
    too_much(
        group.clone(),
        &rows,
        &["stage 1, `$group`", "100000 groups"],
    );
    assert_eq!(run(&group, &rows[1..]).unwrap(), [json!({"n": GROUPS})]);
}

#[test]
fn what_nests_too_deep_is_refused() {
    let around = json!({"$project": {"a": {"a": {"a": {"a": ["$$ROOT"]}}}}});
    let stages = |n: usize| Value::from(vec![around.clone(); n]);
    let row = [json!({"id": 1})];
    assert!(run(&stages(18), &row).is_ok());
    let deeper = |times: usize| {
        let mut value = json!(["$$ROOT"]);
        for _ in 0..times {
            value = json!({"a": value});
        }
        json!({ "$project": value })
    };
    let error = run(&json!([deeper(40), deeper(40), deeper(45)]), &row).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("stage 3, `$project`: a row would nest deeper"),
        "{error}"
    );
    let text = json!([{"$project": {"a": "x".to_owned() + &"[{\\\"".repeat(300)}}]);
    assert!(run(&text, &row).is_ok());
}

#[test]
fn sums_out_of_range_are_refused_where_they_are_asked_for() {
    let rows = [json!({"n": u64::MAX}), json!({"n": 1})];
    let sum = json!({"$group": {"_id": null, "total": {"$sum": "$n"}}});
    let error = run(&json!([{"$skip": 0}, sum]), &rows).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict);
    let told = error.to_string();
    assert!(
        told.contains("stage 2, `$group`: `$sum` of `total` is out of range"),
        "{told}"
    );
    assert!(told.contains("18446744073709551615"), "{told}");
}
