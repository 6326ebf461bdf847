//! What pipelines answer, and what they refuse. `tests/queries/` holds them against a model and mingo.

mod laws;
mod refusals;

use serde_json::{Value, json};

use super::*;

pub(super) const ALL: usize = usize::MAX;

/// What comes out of rows that go through a pipeline; other tables are empty.
pub(super) fn run(pipeline: &Value, rows: &[Value]) -> Result<Vec<Value>> {
    join(pipeline, rows, &[])
}

/// The same beside a table `other`.
pub(super) fn join(pipeline: &Value, rows: &[Value], other: &[Value]) -> Result<Vec<Value>> {
    let pipeline = Pipeline::parse("pipeline_json", &pipeline.to_string(), "id")?;
    let texts = |rows: &[Value]| rows.iter().map(Value::to_string).collect::<Vec<_>>();
    let (rows, other) = (texts(rows), texts(other));
    let table = |name: &str| {
        let rows = if name == "other" {
            other.as_slice()
        } else {
            &[]
        };
        Ok::<Rows<'_>, Error>(Box::new(rows.iter().map(String::as_str)))
    };
    let rows = Box::new(rows.iter().map(String::as_str));
    let output = pipeline.run(rows, &table, ALL)?;
    assert_eq!(output.count, output.rows.len());
    let parse = |row: &String| serde_json::from_str(row).expect("compact JSON");
    Ok(output.rows.iter().map(parse).collect())
}

#[track_caller]
pub(super) fn check(pipeline: Value, rows: &[Value], expected: Value) {
    let found = run(&pipeline, rows).unwrap_or_else(|error| panic!("{pipeline}: {error}"));
    // As text: the order of fields matters, and 1 is not 1.0.
    assert_eq!(
        Value::from(found).to_string(),
        expected.to_string(),
        "{pipeline}"
    );
}

#[test]
fn groups_are_told_apart_by_value_and_come_in_its_order() {
    let rows = [
        json!({"id": "a", "k": 1, "n": 2}),
        json!({"id": "b", "k": "x", "n": 0.5}),
        json!({"id": "c", "k": 1.0, "n": "no number"}),
        json!({"id": "d", "n": 7}),
        json!({"id": "e", "k": null, "n": [1]}),
    ];
    let group = json!([{"$group": {"_id": "$k", "rows": {"$count": {}}, "sum": {"$sum": "$n"}, "avg": {"$avg": "$n"}}}]);
    check(
        group,
        &rows,
        json!([
            {"_id": null, "rows": 2, "sum": 7, "avg": 7.0},
            {"_id": 1, "rows": 2, "sum": 2, "avg": 2.0},
            {"_id": "x", "rows": 1, "sum": 0.5, "avg": 0.5},
        ]),
    );
    check(
        json!([{"$group": {"_id": {"k": "$k", "is": "a"}}}]),
        &rows[2..],
        json!([{"_id": {"k": null, "is": "a"}}, {"_id": {"k": 1.0, "is": "a"}}, {"_id": {"is": "a"}}]),
    );
    check(json!([{"$group": {"_id": null}}]), &[], json!([]));
}

#[test]
fn accumulators_take_what_is_theirs() {
    let rows = [
        json!({"n": null}),
        json!({"n": 3, "l": [1]}),
        json!({}),
        json!({"n": [0]}),
        json!({"n": 3.0, "l": [1.0]}),
        json!({"n": "s"}),
        json!({"n": null}),
    ];
    let all = |accumulator: &str, of: &str| json!([{"$group": {"_id": null, "x": {accumulator: of}}}, {"$project": {"_id": 0}}]);
    for (accumulator, of, expected) in [
        ("$min", "$n", json!(3)),
        ("$max", "$n", json!([0])),
        ("$sum", "$n", json!(6.0)),
        ("$avg", "$no", json!(null)),
        ("$sum", "$no", json!(0)),
        ("$max", "$no", json!(null)),
        ("$push", "$n", json!([null, 3, [0], 3.0, "s", null])),
        ("$addToSet", "$n", json!([null, 3, "s", [0]])),
        ("$addToSet", "$l", json!([[1]])),
        ("$first", "$l", json!(null)),
        ("$last", "$n", json!(null)),
    ] {
        check(all(accumulator, of), &rows, json!([{"x": expected}]));
    }
    check(
        all("$first", "$$ROOT"),
        &rows[1..],
        json!([{"x": {"n": 3, "l": [1]}}]),
    );
    check(all("$last", "$n"), &rows[..6], json!([{"x": "s"}]));
}

#[test]
fn fields_are_kept_left_out_and_computed() {
    let row = json!({"id": "k", "a": 1, "b": {"c": 2, "d": [{"e": 3}, 4, [{"e": 5}]]}, "q\"": 6});
    for (project, expected) in [
        (json!({"a": 1}), json!({"id": "k", "a": 1})),
        (json!({"a": true, "id": 0}), json!({"a": 1})),
        (json!({"id": 0, "b": false}), json!({"a": 1, "q\"": 6})),
        (json!({"b": {"c": 1}}), json!({"id": "k", "b": {"c": 2}})),
        (
            json!({"b.d.e": 1}),
            json!({"id": "k", "b": {"d": [{"e": 3}, [{"e": 5}]]}}),
        ),
        (
            json!({"x": "$b.c", "y": "$no", "a": 1}),
            json!({"id": "k", "a": 1, "x": 2}),
        ),
        (json!({"x": "$b.d.e"}), json!({"id": "k", "x": [3]})),
        (
            json!({"x": ["$a", "$no", {"$literal": "$a"}, "t"]}),
            json!({"id": "k", "x": [1, null, "$a", "t"]}),
        ),
        (
            json!({"id": "$q\"", "x": {"$literal": {"$y": 0}}}),
            json!({"id": 6, "x": {"$y": 0}}),
        ),
        (
            json!({"b.d.z": "$a"}),
            json!({"id": "k", "b": {"d": [{"z": 1}, {"z": 1}, [{"z": 1}]]}}),
        ),
        (
            json!({"a.z": "$a", "n.m": "$no"}),
            json!({"id": "k", "a": {"z": 1}, "n": {}}),
        ),
        (json!({"x": "$$ROOT", "id": 0}), json!({"x": row})),
    ] {
        check(
            json!([{"$project": project}]),
            std::slice::from_ref(&row),
            json!([expected]),
        );
    }
    // Groups have a key of their own.
    check(
        json!([{"$group": {"_id": 7, "id": {"$sum": 1}}}, {"$project": {"x": "$_id"}}]),
        &[row],
        json!([{"_id": 7, "x": 7}]),
    );
}

#[test]
fn lists_are_unwound() {
    let rows = [
        json!({"l": [5, [6]], "b": {"l": 1}}),
        json!({"l": []}),
        json!({"l": null}),
        json!({"l": "x"}),
        json!({"m": 0}),
    ];
    check(
        json!([{"$unwind": "$l"}]),
        &rows,
        json!([{"l": 5, "b": {"l": 1}}, {"l": [6], "b": {"l": 1}}, {"l": "x"}]),
    );
    check(
        json!([{"$unwind": {"path": "$l", "includeArrayIndex": "b.i", "preserveNullAndEmptyArrays": true}}]),
        &rows,
        json!([
            {"l": 5, "b": {"l": 1, "i": 0}},
            {"l": [6], "b": {"l": 1, "i": 1}},
            {"b": {"i": null}},
            {"l": null, "b": {"i": null}},
            {"l": "x", "b": {"i": null}},
            {"m": 0, "b": {"i": null}},
        ]),
    );
}

#[test]
fn stages_that_need_no_more_rows_say_so() {
    let rows: Vec<String> = (0..100).map(|n| json!({"n": n}).to_string()).collect();
    let examined = |pipeline: Value| {
        let pipeline = Pipeline::parse("p", &pipeline.to_string(), "id").unwrap();
        let table = |_: &str| Ok::<Rows<'_>, Error>(Box::new(rows.iter().map(String::as_str)));
        let input = Box::new(rows.iter().map(String::as_str));
        let output = pipeline.run(input, &table, 3).unwrap();
        (output.examined, output.count, output.rows.len())
    };
    assert_eq!(examined(json!([])), (100, 100, 3));
    assert_eq!(examined(json!([{"$skip": 5}, {"$limit": 2}])), (7, 2, 2));
    assert_eq!(
        examined(json!([{"$match": {"n": {"$gte": 50}}}, {"$limit": 4}, {"$count": "n"}])),
        (54, 1, 1)
    );
    assert_eq!(
        examined(json!([{"$sort": {"n": -1}}, {"$limit": 2}])),
        (100, 2, 2)
    );
    let lookup = json!([{"$limit": 1}, {"$lookup": {"from": "t", "localField": "n", "foreignField": "n", "as": "t"}}]);
    assert_eq!(examined(lookup), (101, 1, 1));
}
