//! What holds for all rows.

use proptest::prelude::*;

use super::super::super::json::Json;
use super::super::super::json::tests::json;
use super::super::super::order::encoded;
use super::*;

/// Rows with any values in `a` and `b`.
fn rows(most: usize) -> impl Strategy<Value = Vec<Value>> {
    let field = || prop::option::weighted(0.8, json());
    let row = (field(), field()).prop_map(|(a, b)| {
        let mut row = serde_json::Map::new();
        row.extend(a.map(|a| ("a".to_owned(), a)));
        row.extend(b.map(|b| ("b".to_owned(), b)));
        row
    });
    prop::collection::vec(row, 0..most).prop_map(|rows| {
        let numbered = rows.into_iter().enumerate().map(|(at, mut row)| {
            row.insert("id".into(), at.into());
            Value::Object(row)
        });
        numbered.collect()
    })
}

fn text(rows: Vec<Value>) -> String {
    Value::from(rows).to_string()
}

proptest! {
    #[test]
    fn groups_share_out_the_rows(rows in rows(12)) {
        let groups = run(&json!([{"$group": {"_id": "$a", "n": {"$sum": 1}, "rows": {"$push": "$$ROOT"}}}]), &rows).unwrap();
        let keys: Vec<_> = groups.iter().map(|group| encoded(&group["_id"])).collect();
        prop_assert!(keys.windows(2).all(|pair| pair[0] < pair[1]));
        let mut all = Vec::new();
        for (group, key) in groups.iter().zip(&keys) {
            let of = group["rows"].as_array().unwrap();
            prop_assert_eq!(group["n"].as_u64(), Some(of.len() as u64));
            prop_assert!(of.iter().all(|row| encoded(&row["a"]) == *key));
            all.extend(of.iter().cloned());
        }
        all.sort_by_key(|row| row["id"].as_u64());
        prop_assert_eq!(text(all), text(rows));
    }

    /// The planner may find rows in any order.
    #[test]
    fn the_order_of_rows_matters_to_no_set_and_no_number(rows in rows(10), by in 0usize..10) {
        let pipeline = json!([{"$group": {
            "_id": null, "n": {"$count": {}}, "sum": {"$sum": "$a"}, "avg": {"$avg": "$a"},
            "min": {"$min": "$a"}, "max": {"$max": "$a"}, "set": {"$addToSet": "$a"},
        }}]);
        let mut turned = rows.clone();
        turned.rotate_left(by.min(rows.len()));
        // Equal values may be written in several ways, and sums may be out of range.
        let bytes = |rows| run(&pipeline, rows).map(|found| encoded(&found.into()));
        prop_assert_eq!(bytes(&rows).ok(), bytes(&turned).ok());
    }

    #[test]
    fn a_sort_with_a_limit_is_the_beginning_of_the_sort(rows in rows(12), skip in 0usize..4, limit in 1usize..9) {
        let sort = json!({"$sort": {"a": 1, "b": -1}});
        let all = run(&json!([sort]), &rows).unwrap();
        let expected: Vec<_> = all.into_iter().skip(skip).take(limit).collect();
        for pipeline in [
            json!([sort, {"$skip": skip}, {"$limit": limit}]),
            json!([sort, {"$limit": skip + limit}, {"$skip": skip}, {"$limit": limit + 5}]),
            // Something in between, so that the sort knows of no limit.
            json!([sort, {"$match": {}}, {"$skip": skip}, {"$limit": limit}]),
        ] {
            prop_assert_eq!(text(run(&pipeline, &rows).unwrap()), text(expected.clone()));
        }
    }

    #[test]
    fn what_was_unwound_can_be_put_together(rows in rows(8)) {
        let lists: Vec<_> = rows.into_iter().filter(|row| row["a"].as_array().is_some_and(|list| !list.is_empty())).collect();
        let pipeline = json!([
            {"$unwind": {"path": "$a", "includeArrayIndex": "at"}},
            {"$sort": {"id": 1, "at": -1}},
            {"$sort": {"at": 1}},
            {"$group": {"_id": "$id", "a": {"$push": "$a"}}},
        ]);
        let expected: Vec<_> = lists.iter().map(|row| json!({"_id": row["id"], "a": row["a"]})).collect();
        prop_assert_eq!(text(run(&pipeline, &lists).unwrap()), text(expected));
    }

    /// `$lookup` finds what a filter finds.
    #[test]
    fn rows_are_joined_with_those_that_a_filter_finds(rows in rows(6), other in rows(8), nested in any::<bool>()) {
        let foreign = if nested { "b.a" } else { "b" };
        let pipeline = json!([{"$lookup": {"from": "other", "localField": "a", "foreignField": foreign, "as": "j"}}]);
        for (row, joined) in rows.iter().zip(join(&pipeline, &rows, &other).unwrap()) {
            let values = match row.get("a") {
                None => vec![Value::Null],
                Some(Value::Array(items)) if items.is_empty() => vec![Value::Null],
                Some(Value::Array(items)) => items.clone(),
                Some(value) => vec![value.clone()],
            };
            // The filter refuses what looks like an operator.
            let texts = Value::from(values.clone()).to_string();
            prop_assume!(!texts.contains('$'));
            let filter = json!({foreign: {"$in": values}});
            let filter = Filter::new("f", filter.as_object().unwrap().clone()).unwrap();
            let found = other.iter().filter(|row| filter.matches(Json::new(&row.to_string())));
            prop_assert_eq!(&joined["j"], &Value::from(found.cloned().collect::<Vec<_>>()));
            prop_assert_eq!(&joined["id"], &row["id"]);
        }
    }

    #[test]
    fn rows_that_the_leading_filter_leaves_out_have_no_part(rows in rows(10)) {
        let pipeline = json!([{"$match": {"a": {"$gt": 0}}}, {"$group": {"_id": "$b", "ids": {"$push": "$id"}}}]);
        let parsed = Pipeline::parse("p", &pipeline.to_string(), "id").unwrap();
        let filter = parsed.leading_filter().unwrap();
        let chosen: Vec<_> = rows.iter().filter(|row| filter.matches(Json::new(&row.to_string()))).cloned().collect();
        prop_assert_eq!(text(run(&pipeline, &rows).unwrap()), text(run(&pipeline, &chosen).unwrap()));
    }

    #[test]
    fn a_projection_shares_out_the_fields(rows in rows(6)) {
        let kept = run(&json!([{"$project": {"a": 1, "id": 0}}]), &rows).unwrap();
        let left = run(&json!([{"$project": {"a": 0, "id": 0}}]), &rows).unwrap();
        let computed = run(&json!([{"$project": {"a": "$a", "id": 0}}]), &rows).unwrap();
        let whole = run(&json!([{"$project": {"id": "$id", "a": "$$ROOT.a", "b": "$b"}}]), &rows);
        prop_assert!(whole.is_err(), "`$$ROOT` has no fields of its own");
        for (at, row) in rows.iter().enumerate() {
            prop_assert_eq!(kept[at].get("a"), row.get("a"));
            prop_assert_eq!(left[at].get("b"), row.get("b"));
            prop_assert!(kept[at].get("b").is_none() && left[at].get("a").is_none());
        }
        prop_assert_eq!(text(computed), text(kept));
    }

    #[test]
    fn no_pipeline_makes_it_panic(stages in prop::collection::vec(stage(), 0..5), rows in rows(6)) {
        let _ = join(&stages.into(), &rows, &rows);
    }

    #[test]
    fn no_text_makes_it_panic(text in "[\\[\\]{}\",:$_a-c1.]{0,40}", row in "[\\[\\]{}\",:\\\\a1eutfn ü-]{0,40}") {
        let _ = Pipeline::parse("p", &text, "id");
        let pipeline = json!([
            {"$unwind": {"path": "$a", "preserveNullAndEmptyArrays": true, "includeArrayIndex": "e.f"}},
            {"$project": {"a.b": "$a.b", "e": 1, "x": {"y": {"$literal": 1}}}},
            {"$group": {"_id": "$a", "s": {"$addToSet": "$e"}}},
        ]);
        let pipeline = Pipeline::parse("p", &pipeline.to_string(), "id").unwrap();
        let table = |_: &str| Ok::<Rows<'_>, Error>(Box::new(std::iter::empty()));
        let _ = pipeline.run(Box::new([row.as_str()].into_iter()), &table, ALL);
    }
}

/// Stages, or what looks like them.
fn stage() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec![
        "$match", "$group", "$sort", "$limit", "$skip", "$project", "$unwind", "$lookup", "$count",
        "$mach",
    ]);
    let word = prop::sample::select(vec![
        "$a",
        "$b.a",
        "a",
        "b",
        "$$ROOT",
        "$",
        "_id",
        "id",
        "other",
        "a.b",
        "path",
        "from",
        "as",
        "localField",
        "foreignField",
        "$sum",
        "$literal",
        "$push",
        "a.0",
        "includeArrayIndex",
    ]);
    let leaf = prop_oneof![
        word.clone().prop_map(Value::from),
        (-1i64..3).prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ];
    let spec = leaf.prop_recursive(3, 16, 4, move |inner| {
        let field = (word.clone(), inner.clone());
        prop_oneof![
            3 => prop::collection::vec(field, 0..4)
                .prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
            1 => prop::collection::vec(inner, 0..3).prop_map(Value::from),
        ]
    });
    (name, spec).prop_map(|(name, spec)| json!({ name: spec }))
}
