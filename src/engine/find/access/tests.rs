//! Whatever way is taken, the pages are the same.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::engine::index::Definition;
use crate::engine::log::CommitId;
use crate::engine::query::memory::{self, Page, Query};
use crate::engine::query::plan::Plan;
use crate::engine::query::{Filter, Sort};
use crate::engine::state::{Index, Row};

const INDEXES: [&str; 6] = ["a", "b", "a,b", "b,a", "a.c", "b"];

fn state(rows: &BTreeMap<String, Value>) -> State {
    let mut table = Table::new(1, "id", true, CommitId(1, 1));
    for (key, row) in rows {
        let row = Row::new(1, Some(row.to_string().into()), CommitId(1, 2));
        table.rows.insert(key.clone(), row);
    }
    table.sum.rows = rows.len() as u64;
    let mut state = State::default();
    for (number, fields) in (2..).zip(INDEXES) {
        // The last of them.
        let is_sparse = number == 7;
        let definition = Definition::parse("field", fields, false, is_sparse).unwrap();
        let docs = table.live().map(|(key, _, doc)| (key, doc));
        let entries = Entries::of(&definition, docs);
        let mut index = Index::new(number, 1, definition, true, CommitId(1, 3));
        index.entries = entries;
        state.indexes.insert(number, index);
    }
    state.tables.insert("t".to_owned(), table);
    state
}

/// All pages of a question by one way.
fn pages(asked: &Asked<'_>, plan: &Plan, query: &Query<'_>) -> Vec<(String, bool)> {
    let mut query = query.clone();
    let mut found = Vec::new();
    loop {
        let way = asked.rows(&plan.access, query.after.as_ref());
        query.in_order = way.in_order;
        let page: Page<'_> = memory::find(way.candidates, &query).unwrap();
        let is_last = page.next.is_none();
        found.extend(page.rows.iter().map(|row| (row.key.to_owned(), is_last)));
        query.after = page.next;
        query.skip = 0;
        if is_last || found.len() > 100 {
            return found;
        }
    }
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        3 => (0i64..4).prop_map(|n| json!(n)),
        1 => Just(json!(null)),
        1 => "[xy]{0,1}".prop_map(|s| json!(s)),
        1 => prop::collection::vec(0i64..3, 0..3).prop_map(|list| json!(list)),
        1 => (0i64..3).prop_map(|n| json!({"c": n})),
    ]
}

fn filter() -> impl Strategy<Value = Value> {
    let path = prop_oneof![Just("a"), Just("b"), Just("a.c")];
    let test = prop_oneof![
        value(),
        (0i64..4).prop_map(|n| json!({"$gte": n})),
        (0i64..4, 0i64..4).prop_map(|(a, b)| json!({"$gt": a, "$lte": b})),
        prop::collection::vec(0i64..4, 0..3).prop_map(|values| json!({"$in": values})),
        (0i64..4).prop_map(|n| json!({"$ne": n})),
    ];
    let one = (path, test).prop_map(|(path, test)| (path.to_owned(), test));
    prop::collection::vec(one, 0..3).prop_map(|fields| Value::Object(fields.into_iter().collect()))
}

fn row() -> impl Strategy<Value = Value> {
    let field = || prop::option::of(value());
    (field(), field()).prop_map(|(a, b)| {
        let mut row = json!({});
        for (name, value) in [("a", a), ("b", b)] {
            if let Some(value) = value {
                row[name] = value;
            }
        }
        row
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn every_way_has_the_same_pages(
        rows in prop::collection::vec(row(), 0..25),
        filter in filter(),
        sort in prop_oneof![
            Just(""), Just("a"), Just("-a"), Just("b"), Just("-b"), Just("a,b"), Just("-a,-b"), Just("b,a"), Just("a,-b"), Just("a.c"),
        ],
        limit in 1usize..8,
        skip in prop_oneof![3 => Just(0usize), 1 => 0usize..4],
    ) {
        let rows: BTreeMap<String, Value> = rows.into_iter().enumerate()
            .map(|(n, row)| (format!("k{n:02}"), row)).collect();
        let state = state(&rows);
        let asked = Asked::new(&state, &state.tables["t"]);
        let sort = if sort.is_empty() { Sort::default() } else { Sort::parse("sort", sort).unwrap() };
        let filter = Filter::parse("where_json", &filter.to_string()).unwrap();
        let plans = asked.plan(&Question { filter: &filter, sort: &sort, enough: Some(skip + limit + 1) });
        let query = Query { filter: &filter, sort: &sort, after: None, skip, limit, in_order: false };
        let all: Vec<&Plan> = std::iter::once(&plans.chosen).chain(&plans.rejected).collect();
        let scan = all.iter().find(|plan| plan.access == Access::Scan).unwrap();
        let expected = pages(&asked, scan, &query);
        for plan in &all {
            prop_assert_eq!(&pages(&asked, plan, &query), &expected, "{}", plan.name);
        }
    }
}

proptest! {
    /// Downwards, values fall and the keys of equal ones rise, however many there are of each; and each
    /// value is looked at when its row is taken, and not before.
    #[test]
    fn an_index_is_gone_through_downwards(
        values in prop::collection::vec(0u8..6, 0..40),
        (from, to) in (0u8..7, 0u8..7),
        wanted in 0usize..40,
    ) {
        let index = Definition::parse("fields", "a", false, false).unwrap();
        let mut entries = Entries::default();
        for (number, value) in values.iter().enumerate() {
            entries.insert(&index, &format!("k{number:02}"), &format!("{{\"a\":{value}}}"));
        }
        let encoded = |value: u8| order::encoded(&serde_json::json!(value));
        let range = Range { from: encoded(from), to: encoded(to), is_point: false };
        let mut expected: Vec<(u8, String)> = values.iter().enumerate()
            .filter(|(_, value)| (from..to).contains(*value))
            .map(|(number, value)| (u8::MAX - value, format!("k{number:02}")))
            .collect();
        expected.sort();
        let expected: Vec<&str> = expected.iter().take(wanted).map(|(_, key)| key.as_str()).collect();
        let keys = Rc::new(Cell::new(0));
        let found = counted(&entries, &keys).descending(range);
        prop_assert_eq!(found.take(wanted).collect::<Vec<_>>(), &expected[..]);
        prop_assert_eq!(keys.get(), expected.len());
    }
}
