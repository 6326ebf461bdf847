//! Whatever is typed at once, and whatever becomes of the object: unique values stay unique, what is named is
//! there, indexes find what a look at all rows finds, and a cold opening has the same.

use std::collections::BTreeMap;

use crate::crud::shown;
use crate::references_model::Draws;
use crate::world::{World, insert};
use serde_json::{Value, json};

const TABLES: [&str; 3] = ["users", "posts", "other"];
const KEYS: [&str; 6] = ["a", "b", "c", "d", "e", "7"];
/// What an index may be over.
const FIELDS: [&str; 3] = ["n", "m", "n,m"];
const ON_DELETE: [&str; 3] = ["restrict", "cascade", "set_null"];

fn one_of<'a>(draws: &mut Draws, all: &[&'a str]) -> &'a str {
    all[draws.below(all.len())]
}

fn row(draws: &mut Draws) -> Value {
    let mut row = json!({});
    for name in ["n", "m"] {
        match draws.below(6) {
            0 => {}
            1 => row[name] = json!(null),
            2 => row[name] = json!([draws.below(4), draws.below(4)]),
            3 => row[name] = json!([]),
            _ => row[name] = json!(draws.below(6)),
        }
    }
    match draws.below(4) {
        0 => row["up"] = json!(one_of(draws, &KEYS)),
        1 => row["ups"] = json!([one_of(draws, &KEYS), one_of(draws, &KEYS)]),
        2 => row["up"] = json!(7),
        _ => {}
    }
    row
}

fn patch(draws: &mut Draws) -> Value {
    match draws.below(7) {
        0 => json!({"$inc": {"k": 1}}),
        1 => json!({"$set": {"n": draws.below(6)}}),
        2 => json!({"$unset": {"n": ""}}),
        3 => json!({"$addToSet": {"ups": one_of(draws, &KEYS)}}),
        4 => json!({"$rename": {"n": "m"}}),
        5 => json!({"n": null}),
        _ => row(draws),
    }
}

fn filter(draws: &mut Draws) -> Value {
    match draws.below(6) {
        0 => json!({}),
        1 => json!({"n": draws.below(6)}),
        2 => json!({"m": null}),
        3 => json!({"n": {"$gte": 2, "$lt": 5}}),
        4 => json!({"up": one_of(draws, &KEYS)}),
        _ => json!({"id": {"$in": [one_of(draws, &KEYS), one_of(draws, &KEYS)]}}),
    }
}

fn schema(draws: &mut Draws) -> Value {
    let mut properties = json!({});
    let reference = |draws: &mut Draws| {
        let (table, on_delete) = (one_of(draws, &TABLES), one_of(draws, &ON_DELETE));
        json!({"ref": table, "on_delete": on_delete})
    };
    if draws.below(3) > 0 {
        properties["up"] = reference(draws);
    }
    if draws.below(2) == 0 {
        properties["ups"] = json!({"type": "list", "items": reference(draws)});
    }
    if draws.below(3) == 0 {
        properties["m"] = json!({"default": draws.below(6)});
    }
    json!({ "properties": properties })
}

fn operation(draws: &mut Draws) -> Value {
    let (table, key) = (one_of(draws, &TABLES), one_of(draws, &KEYS));
    match draws.below(3) {
        0 => json!({"op": "upsert", "table": table, "key": key, "value": row(draws)}),
        1 => json!({"op": "update", "table": table, "key": key, "patch": patch(draws)}),
        _ => json!({"op": "delete", "table": table, "key": key}),
    }
}

fn line(draws: &mut Draws) -> String {
    let table = one_of(draws, &TABLES);
    let key = one_of(draws, &KEYS);
    let is_rare = draws.below(3) == 0;
    let (command, rest) = match draws.below(24) {
        0..7 => {
            let mode = one_of(draws, &["insert", "upsert", "upsert", "replace"]);
            let rest = format!("key:{key} mode:{mode} value_json:{}", row(draws));
            ("insert", rest)
        }
        7..10 => ("update", format!("key:{key} patch_json:{}", patch(draws))),
        10 => {
            let rest = format!("where_json:{} patch_json:{}", filter(draws), patch(draws));
            ("update_many", rest)
        }
        11 => ("delete_many", format!("where_json:{}", filter(draws))),
        12 | 13 => ("delete", format!("key:{key} hard:{is_rare}")),
        14 => (
            "restore_row",
            format!("key:{key} rev:{}", 1 + draws.below(4)),
        ),
        15 | 16 => {
            let field = one_of(draws, &FIELDS);
            let (unique, sparse) = (draws.below(2) == 0, draws.below(2) == 0);
            let rest = format!("field:{field} unique:{unique} sparse:{sparse}");
            ("index_create", rest)
        }
        17 => ("index_drop", format!("field:{}", one_of(draws, &FIELDS))),
        18 | 19 => {
            let validate = one_of(draws, &["strict", "strict", "warn", "off"]);
            let rest = format!("validate:{validate} schema_json:{}", schema(draws));
            ("schema_set", rest)
        }
        20 if is_rare => ("table_drop", format!("confirm:{table}")),
        20 | 21 => ("table_create", format!("pk:id mirror:{}", !is_rare)),
        22 if is_rare => ("table_rename", format!("to:{}", one_of(draws, &TABLES))),
        _ => {
            let ops: Vec<Value> = (0..=draws.below(4)).map(|_| operation(draws)).collect();
            return format!("/dbc_transact database:prod ops_json:{}", json!(ops));
        }
    };
    format!("/dbc_{command} database:prod table:{table} {rest}")
}

type Rows = BTreeMap<(&'static str, &'static str), Value>;

/// All rows, with their revisions.
fn rows(world: &mut World) -> Rows {
    let mut rows = Rows::new();
    for table in TABLES {
        for key in KEYS {
            let line = format!("/dbc_get database:prod table:{table} key:{key}");
            let reply = world.reply(&line);
            if reply.starts_with('❌') {
                let is_none = reply.contains("no row with key") || reply.contains("no table");
                assert!(is_none, "{line}: {reply}");
                continue;
            }
            let mut row = shown(&reply);
            row["#"] = json!(reply.lines().next().unwrap().split(" · ").nth(1));
            rows.insert((table, key), row);
        }
    }
    rows
}

fn of_table<'a>(rows: &'a Rows, table: &str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let of = rows.iter().filter(move |((of, _), _)| *of == table);
    of.map(|((_, key), row)| (*key, row))
}

/// What a row has in an index over a field.
fn items(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) if items.is_empty() => vec![json!("[]")],
        Value::Array(items) => items.clone(),
        value => vec![value.clone()],
    }
}

/// What rows of a table with a strict schema name is there; how much that is.
fn check_references(world: &mut World, rows: &Rows, table: &str) -> usize {
    let told = world.reply(&format!("/dbc_schema_show database:prod table:{table}"));
    let is_strict = told
        .lines()
        .nth(1)
        .is_some_and(|line| line.contains("· strict ·"));
    if told.starts_with('❌') || !is_strict || !told.contains("```json") {
        return 0;
    }
    let mut checked = 0;
    for (field, property) in shown(&told)["properties"].as_object().unwrap() {
        let to = property.get("ref").or(property.pointer("/items/ref"));
        let Some(to) = to.and_then(Value::as_str) else {
            continue;
        };
        for (key, row) in of_table(rows, table) {
            let named = match &row[field] {
                Value::Array(items) => items.clone(),
                value => vec![value.clone()],
            };
            for name in named.iter().filter(|name| !name.is_null()) {
                let name = name
                    .as_str()
                    .map_or_else(|| name.to_string(), str::to_owned);
                checked += 1;
                let is_there = of_table(rows, to).any(|(key, _)| key == name);
                assert!(is_there, "{table}/{key}.{field} names {name} of {to}");
            }
        }
    }
    checked
}

/// Counts, by whatever way, are those of the rows.
fn check_counts(world: &mut World, rows: &Rows, table: &str) {
    for field in ["n", "m"] {
        for n in 0..6 {
            let filter = json!({ field: n });
            let count = world.reply(&format!(
                "/dbc_count database:prod table:{table} where_json:{filter}"
            ));
            if count.starts_with('❌') {
                continue;
            }
            let has_it = |(_, row): &(&str, &Value)| items(&row[field]).contains(&json!(n));
            let expected = of_table(rows, table).filter(has_it).count();
            let told = format!("{expected} row{} in", if expected == 1 { "" } else { "s" });
            assert!(count.starts_with(&told), "{table}.{field} = {n}: {count}");
        }
    }
}

/// No two rows have the same value in a unique index; how many values that are.
fn check_unique(inspection: &str, rows: &Rows, table: &str) -> usize {
    let mut checked = 0;
    let mut is_inside = false;
    for line in inspection.lines() {
        if line.starts_with("- `") {
            is_inside = line.starts_with(&format!("- `{table}`"));
        }
        let index = line.trim().trim_start_matches("- ").strip_prefix("index `");
        let Some(rest) = index.filter(|_| is_inside && line.contains("unique")) else {
            continue;
        };
        let name = rest.split('`').next().unwrap();
        let fields: Vec<&str> = name.split(" (").next().unwrap().split(',').collect();
        let mut seen = BTreeMap::new();
        for (key, row) in of_table(rows, table) {
            let has_none = fields.iter().all(|field| row.get(field).is_none());
            if line.contains("sparse") && has_none {
                continue;
            }
            let mut values = vec![String::new()];
            for field in &fields {
                let items = items(&row[field]);
                let with = |value: &String| {
                    let value = value.clone();
                    items.iter().map(move |item| format!("{value}|{item}"))
                };
                values = values.iter().flat_map(with).collect();
            }
            values.sort();
            values.dedup();
            for value in values {
                checked += 1;
                let other = seen.insert(value.clone(), key);
                assert_eq!(
                    other, None,
                    "{value} in {table} {fields:?} is also of {key}"
                );
            }
        }
    }
    checked
}

#[test]
fn what_was_true_before_is_true_after_whatever_is_typed_at_once() {
    let (mut named, mut unique) = (0, 0);
    for seed in 0..4 {
        let mut draws = Draws(seed);
        let mut world = World::with_table(300 + seed);
        world.be_quiet();
        world.ok("/dbc_table_create database:prod table:posts pk:id");
        world.ok("/dbc_table_create database:prod table:other pk:id mirror:false");
        for table in TABLES {
            for (n, key) in KEYS.iter().enumerate().skip(1) {
                let value = json!({"n": n, "m": n});
                world.ok(&format!(
                    "/dbc_insert database:prod table:{table} key:{key} value_json:{value}"
                ));
            }
            let schema = schema(&mut draws);
            world.ok(&format!(
                "/dbc_schema_set database:prod table:{table} schema_json:{schema}"
            ));
        }
        for _ in 0..20 {
            let lines: Vec<String> = (0..=draws.below(8)).map(|_| line(&mut draws)).collect();
            let replies = world.all_at_once(&lines);
            let told = format!("{lines:#?}\n{replies:#?}");
            assert!(!replies.iter().any(|reply| reply.contains("bug")), "{told}");
            let before = rows(&mut world);
            let inspection = world.ok("/dbc_inspect database:prod");
            for table in TABLES {
                named += check_references(&mut world, &before, table);
                unique += check_unique(&inspection, &before, table);
                check_counts(&mut world, &before, table);
            }
            match draws.below(5) {
                0 => world.evict(),
                1 => world.lose_storage(),
                2 => world.settle(),
                3 => {
                    world.settle();
                    world.evict();
                }
                _ => continue,
            }
            assert_eq!(before, rows(&mut world), "seed {seed}, cold: {told}");
            for table in TABLES {
                check_counts(&mut world, &before, table);
            }
        }
    }
    assert!(named > 50 && unique > 50, "{named} {unique}");
}

#[test]
fn a_crowd_that_finds_the_database_closed_is_committed_together() {
    for is_closed in [false, true] {
        let mut world = World::with_row(108);
        world.settle();
        world.wait(60_000);
        if is_closed {
            world.evict();
        }
        let lines: Vec<String> = (0..200).map(|n| insert(&format!("k{n}"))).collect();
        let began = world.now();
        let replies = world.all_at_once(&lines);
        let took = world.now() - began;
        let stored = replies.iter().filter(|reply| reply.contains("Stored"));
        assert_eq!(stored.count(), 200, "{replies:?}");
        let log = world.messages("dbc-log");
        let records = log.iter().filter(|text| text.contains("users/k")).count();
        assert!(records <= 3 && took < 3_000, "{records} records, {took} ms");
    }
}
