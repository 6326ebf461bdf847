//! Which plan is chosen, as a table; and that each plan finds what a look at all rows finds.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::engine::query::json::Json;

struct Table {
    rows: BTreeMap<String, String>,
    indexes: Vec<(Definition, Entries)>,
}

impl Table {
    /// A table of these rows, with indexes as `a,b unique sparse`.
    fn new(rows: impl IntoIterator<Item = serde_json::Value>, indexes: &[&str]) -> Table {
        let rows = rows.into_iter().enumerate();
        let rows: BTreeMap<String, String> = rows
            .map(|(n, mut row)| {
                let key = format!("k{n:04}");
                row["id"] = json!(key);
                (key, row.to_string())
            })
            .collect();
        let indexes = indexes.iter().map(|index| {
            let (fields, rules) = index.split_once(' ').unwrap_or((index, ""));
            let (unique, sparse) = (rules.contains("unique"), rules.contains("sparse"));
            let index = Definition::parse("field", fields, unique, sparse).unwrap();
            let docs = rows.iter().map(|(key, doc)| (key.as_str(), doc.as_str()));
            let entries = Entries::of(&index, docs);
            (index, entries)
        });
        let indexes = indexes.collect();
        Table { rows, indexes }
    }

    fn statistics(&self) -> Statistics<'_> {
        let indexes = self.indexes.iter().zip(1..);
        Statistics {
            pk: "id",
            rows: self.rows.len(),
            indexes: indexes
                .map(|((definition, entries), id)| IndexStatistics {
                    id,
                    definition,
                    entries,
                })
                .collect(),
        }
    }

    fn plans(&self, filter: &str, sort: &str, enough: Option<usize>) -> Plans {
        let filter = Filter::parse("where_json", filter).unwrap();
        let sort = match sort {
            "" => Sort::default(),
            sort => Sort::parse("sort", sort).unwrap(),
        };
        let question = Question {
            filter: &filter,
            sort: &sort,
            enough,
        };
        plan(&question, &self.statistics())
    }

    /// The keys of the rows that a way leads to, in its order.
    fn keys(&self, access: &Access) -> Vec<String> {
        match access {
            Access::Scan => self.rows.keys().cloned().collect(),
            Access::Keys(keys) => keys.clone(),
            Access::Index { id, bounds, .. } => {
                let (_, entries) = &self.indexes[*id as usize - 1];
                let ranges = bounds.ranges.iter();
                let entries = ranges.flat_map(|range| entries.range(&range.from, Some(&range.to)));
                entries.map(|entry| entry.key().to_owned()).collect()
            }
            Access::Elsewhere => panic!("it is no way in memory"),
        }
    }
}

/// 1,000 people of 10 teams, 25 of each age from 20 on, some with tags.
fn people(indexes: &[&str]) -> Table {
    let rows = (0..1_000).map(|n| {
        let mut row = json!({"team": n % 10, "age": 20 + n / 25, "name": format!("n{n:03}")});
        if n % 100 == 0 {
            row["tags"] = json!(["x", "y"]);
            row["note"] = json!("rare");
        }
        row
    });
    Table::new(rows, indexes)
}

#[test]
fn the_cheapest_plan_is_chosen() {
    let all = ["age", "team,name", "tags", "note sparse", "name unique"];
    let table = people(&all);
    for (filter, sort, enough, chosen, rows) in [
        ("{}", "", None, "SCAN", 1000),
        ("{}", "", Some(20), "SCAN", 20),
        (r#"{"id":"k0007"}"#, "", None, "KEYS", 1),
        (
            r#"{"id":{"$in":["k0007","k0008",7]}}"#,
            "-age",
            None,
            "KEYS",
            3,
        ),
        (r#"{"id":"k0007","age":20}"#, "", None, "KEYS", 1),
        (r#"{"age":30}"#, "", None, "INDEX age", 25),
        (r#"{"age":{"$gte":30,"$lt":32}}"#, "", None, "INDEX age", 50),
        (
            r#"{"$and":[{"age":{"$gte":30}},{"age":{"$lt":31}}]}"#,
            "",
            None,
            "INDEX age",
            25,
        ),
        (
            r#"{"$or":[{"age":30},{"age":{"$in":[40,41]}}]}"#,
            "",
            None,
            "INDEX age",
            75,
        ),
        (
            r#"{"$or":[{"age":30},{"other":1}]}"#,
            "",
            None,
            "SCAN",
            1000,
        ),
        (r#"{"age":{"$ne":30}}"#, "", None, "SCAN", 1000),
        (r#"{"age":{"$not":{"$gt":30}}}"#, "", None, "SCAN", 1000),
        (r#"{"age":{"$gt":1000}}"#, "", None, "INDEX age", 0),
        (r#"{"age":"30"}"#, "", None, "INDEX age", 0),
        (r#"{"age":[30]}"#, "", None, "SCAN", 1000),
        (r#"{"team":3}"#, "", None, "INDEX team,name", 100),
        (
            r#"{"team":3,"name":{"$prefix":"n00"}}"#,
            "",
            None,
            "INDEX team,name",
            1,
        ),
        (
            r#"{"team":{"$in":[3,4]},"name":"n003"}"#,
            "",
            None,
            "INDEX team,name",
            1,
        ),
        (r#"{"name":"n003"}"#, "", None, "INDEX name (unique)", 1),
        // The beginning of a text is no value: what comes behind it in the index is not in order.
        (
            r#"{"name":{"$prefix":"n00"},"age":20}"#,
            "",
            None,
            "INDEX name (unique)",
            10,
        ),
        // Half of the rows are not worth the way by an index.
        (r#"{"age":{"$gte":20}}"#, "", None, "SCAN", 1000),
        (r#"{"tags":"x"}"#, "", None, "INDEX tags", 10),
        (r#"{"tags":null}"#, "", None, "SCAN", 1000),
        (r#"{"note":"rare"}"#, "", None, "INDEX note (sparse)", 10),
        (r#"{"note":null}"#, "", None, "SCAN", 1000),
        (r#"{"note":{"$in":[null,"rare"]}}"#, "", None, "SCAN", 1000),
        // In the order of an index nothing is sorted, and few rows are enough.
        ("{}", "age", Some(10), "INDEX age", 10),
        ("{}", "-age", Some(10), "INDEX age", 10),
        ("{}", "name", Some(10), "INDEX name (unique)", 10),
        (r#"{"team":3}"#, "name", Some(10), "INDEX team,name", 10),
        (r#"{"team":3}"#, "-name", Some(10), "INDEX team,name", 10),
        ("{}", "team,name", Some(10), "INDEX team,name", 10),
        ("{}", "team,-name", Some(10), "SCAN", 1000),
        ("{}", "team", Some(10), "SCAN", 1000),
        ("{}", "tags", Some(10), "SCAN", 1000),
        ("{}", "note", Some(10), "SCAN", 1000),
        (
            r#"{"team":{"$in":[3,4]}}"#,
            "team,name",
            Some(10),
            "INDEX team,name",
            10,
        ),
        (
            r#"{"team":{"$in":[3,4]}}"#,
            "name",
            Some(10),
            "INDEX team,name",
            200,
        ),
    ] {
        let plans = table.plans(filter, sort, enough);
        let found = (plans.chosen.name.as_str(), plans.chosen.rows);
        assert_eq!(found, (chosen, rows), "{filter} by {sort}: {plans:#?}");
        let considered = 1 + plans.rejected.len() + plans.useless.len();
        let keys = filter.contains("\"id\"");
        assert_eq!(considered, 1 + usize::from(keys) + all.len(), "{filter}");
    }
}

#[test]
fn behind_the_beginning_of_a_text_no_other_field_bounds_an_index() {
    let table = people(&["name,team"]);
    let filter = r#"{"name":{"$prefix":"n00"},"team":3}"#;
    let plan = table.plans(filter, "team", None).chosen;
    assert_eq!(
        (plan.name.as_str(), plan.rows, plan.sorts),
        ("INDEX name,team", 10, true)
    );
    assert!(table.keys(&plan.access).contains(&"k0003".to_owned()));
}

#[test]
fn numbers_of_every_size_stand_within_their_bounds() {
    let numbers = [-1e308, -1.0, 0.0, 1.0, 9e15, 1e300, 1.7e308];
    let table = Table::new(numbers.map(|n| json!({ "a": n })), &["a"]);
    for (at, number) in numbers.iter().enumerate() {
        for (operator, expected) in [("$gte", numbers.len() - at), ("$lte", at + 1), ("$eq", 1)] {
            let filter = json!({"a": {operator: number}}).to_string();
            let plans = table.plans(&filter, "", None);
            let all = [plans.chosen].into_iter().chain(plans.rejected);
            for plan in all.filter(|plan| plan.access != Access::Scan) {
                assert_eq!(table.keys(&plan.access).len(), expected, "{filter}");
            }
        }
    }
}

/// Whatever way is considered, it leads to just these rows.
#[track_caller]
fn each_way_finds(table: &Table, text: &str, expected: &[&str]) {
    let filter = Filter::parse("where_json", text).unwrap();
    let plans = table.plans(text, "", None);
    for plan in [plans.chosen].iter().chain(&plans.rejected) {
        let mut found = table.keys(&plan.access);
        found.retain(|key| {
            let doc = table.rows.get(key);
            doc.is_some_and(|doc| filter.matches(Json::new(doc)))
        });
        found.sort_unstable();
        assert_eq!(found, expected, "{}: {text}", plan.name);
    }
}

#[test]
fn what_begins_alike_is_no_single_value() {
    let rows = [("ab", 2), ("a", 1), ("ac", 1), ("b", 1)];
    let rows = rows.map(|(a, c)| json!({"a": a, "c": c}));
    let table = Table::new(rows, &["a,c"]);
    let prefix = r#"{"a":{"$prefix":"a"},"c":1}"#;
    each_way_finds(&table, prefix, &["k0001", "k0002"]);
    let plans = table.plans(r#"{"a":{"$prefix":"a"}}"#, "c", Some(10));
    let mut all = std::iter::once(&plans.chosen).chain(&plans.rejected);
    // By `a` first, they are not in the order of `c`.
    assert!(all.all(|plan| plan.sorts), "{plans:#?}");
}

#[test]
fn a_key_is_found_by_every_number_that_equals_it() {
    let mut table = Table::new([json!({})], &[]);
    for (key, numbers) in [
        ("0", vec!["0", "-0", "0.0", "-0.0", "0e5"]),
        ("7", vec!["7", "7.0", "70e-1"]),
        ("-7", vec!["-7", "-7.0"]),
        ("9007199254740992", vec!["9007199254740992.0"]),
        ("18446744073709551615", vec!["18446744073709551615"]),
    ] {
        let row = format!(r#"{{"id":{key}}}"#);
        table.rows = BTreeMap::from([(key.to_owned(), row)]);
        for number in numbers {
            each_way_finds(&table, &format!(r#"{{"id":{number}}}"#), &[key]);
        }
    }
}

fn scalar() -> impl Strategy<Value = serde_json::Value> {
    prop_oneof![
        Just(json!(null)),
        Just(json!(true)),
        (-2i64..3).prop_map(|n| json!(n)),
        Just(json!(0.5)),
        "[ab]{0,2}".prop_map(|s| json!(s)),
        Just(json!({"b": 1})),
    ]
}

fn value() -> impl Strategy<Value = serde_json::Value> {
    prop_oneof![
        4 => scalar(),
        1 => prop::collection::vec(scalar(), 0..3).prop_map(|list| json!(list)),
        1 => prop::collection::vec(scalar(), 0..3).prop_map(|list| json!([list])),
        1 => prop::collection::vec(scalar().prop_map(|b| json!({"b": b})), 0..3).prop_map(|list| json!(list)),
    ]
}

fn condition() -> impl Strategy<Value = serde_json::Value> {
    let path = prop_oneof![Just("a"), Just("a.b"), Just("c"), Just("a.0"), Just("id")];
    let test = prop_oneof![
        value(),
        (
            prop_oneof![
                Just("$gt"),
                Just("$gte"),
                Just("$lt"),
                Just("$lte"),
                Just("$eq"),
                Just("$ne")
            ],
            value()
        )
            .prop_map(|(operator, value)| json!({operator: value})),
        prop::collection::vec(value(), 0..3).prop_map(|values| json!({"$in": values})),
        prop::collection::vec(scalar(), 1..3).prop_map(|values| json!({"$all": values})),
        (scalar(), scalar()).prop_map(|(a, b)| json!({"$gte": a, "$lt": b})),
        "[ab]{0,2}".prop_map(|s| json!({"$prefix": s})),
        any::<bool>().prop_map(|b| json!({"$exists": b})),
        scalar().prop_map(|a| json!({"$not": {"$gt": a}})),
    ];
    let field = (path, test).prop_map(|(path, test)| json!({path: test}));
    field.prop_recursive(2, 6, 2, |inner| {
        let some = prop::collection::vec(inner, 1..3);
        (prop_oneof![Just("$and"), Just("$or"), Just("$nor")], some)
            .prop_map(|(operator, some)| json!({operator: some}))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    /// Whatever way is taken, no row that matches is missed; and where a way has an order, it is the one
    /// that was asked for.
    #[test]
    fn no_way_misses_a_row(
        rows in prop::collection::vec((prop::option::of(value()), prop::option::of(value())), 0..12),
        filter in condition(),
        sort in prop_oneof![Just(""), Just("a"), Just("-a"), Just("c"), Just("a.b"), Just("a,c"), Just("-a,-c")],
    ) {
        let rows = rows.into_iter().map(|(a, c)| {
            let mut row = json!({});
            if let Some(a) = a { row["a"] = a; }
            if let Some(c) = c { row["c"] = c; }
            row
        });
        let table = Table::new(rows, &["a", "a sparse", "a.b", "c", "a,c", "c,a sparse", "a.0"]);
        let text = filter.to_string();
        let filter = Filter::parse("where_json", &text).unwrap();
        let matching: Vec<&String> = table.rows.iter()
            .filter(|(_, doc)| filter.matches(Json::new(doc)))
            .map(|(key, _)| key).collect();
        let plans = table.plans(&text, sort, Some(3));
        for plan in std::iter::once(&plans.chosen).chain(&plans.rejected) {
            let found = table.keys(&plan.access);
            for key in &matching {
                prop_assert!(found.contains(key), "{} misses {}: {text}", plan.name, table.rows[*key]);
            }
            if let Access::Index { order: Some(direction), .. } = &plan.access {
                let sort = Sort::parse("sort", sort).unwrap();
                let mut places: Vec<Vec<u8>> = found.iter().map(|key| {
                    let mut place = Vec::new();
                    sort.key(Json::new(&table.rows[key]), "", &mut place);
                    place
                }).collect();
                if *direction == Direction::Descending { places.reverse(); }
                prop_assert!(places.is_sorted(), "{} is not in the order of {sort:?}", plan.name);
            }
        }
    }
}
