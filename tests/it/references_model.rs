//! Random writes of rows that name each other, held against a model of what they do.

use std::collections::{BTreeMap, BTreeSet};

use crate::crud::shown;
use crate::references::{get, on, set};
use crate::world::World;
use serde_json::{Value, json};

/// A model of what the commands below do: rows by table and key, and what each names.
#[derive(Clone, Default)]
struct Model {
    rows: BTreeMap<(usize, String), BTreeMap<usize, Vec<String>>>,
}

const TABLES: [&str; 3] = ["users", "posts", "notes"];
/// Table, field, whether it is a list, the table that it names, and what happens on deletion.
const REFERENCES: [(usize, &str, bool, usize, &str); 6] = [
    (0, "boss", false, 0, "set_null"),
    (1, "author", false, 0, "cascade"),
    (1, "parent", false, 1, "cascade"),
    (2, "posts", true, 1, "set_null"),
    (2, "user", false, 0, "restrict"),
    (0, "main", false, 1, "restrict"),
];

impl Model {
    fn put(&mut self, table: usize, key: &str, names: &BTreeMap<usize, Vec<String>>) -> bool {
        let mut next = self.clone();
        next.rows.insert((table, key.to_owned()), names.clone());
        let there = names.iter().all(|(reference, keys)| {
            let of = REFERENCES[*reference].3;
            keys.iter()
                .all(|key| next.rows.contains_key(&(of, key.clone())))
        });
        if there {
            *self = next;
        }
        there
    }

    /// Deletes rows together: whatever is in the way must be in none's.
    fn delete(&mut self, rows: &[(usize, String)]) -> bool {
        let mut gone = BTreeSet::from_iter(rows.iter().cloned());
        // Each once, and all there.
        if gone.len() < rows.len() || !gone.iter().all(|row| self.rows.contains_key(row)) {
            return false;
        }
        loop {
            let before = gone.len();
            let named = |(reference, keys): (&usize, &Vec<String>), gone: &BTreeSet<_>| {
                let (.., of, on_delete) = REFERENCES[*reference];
                on_delete == "cascade" && keys.iter().any(|key| gone.contains(&(of, key.clone())))
            };
            for (row, names) in &self.rows {
                if names.iter().any(|entry| named(entry, &gone)) {
                    gone.insert(row.clone());
                }
            }
            if gone.len() == before {
                break;
            }
        }
        let mut next = self.clone();
        next.rows.retain(|row, _| !gone.contains(row));
        for names in next.rows.values_mut() {
            for (reference, keys) in names.iter_mut() {
                let (.., of, on_delete) = REFERENCES[*reference];
                let is_gone = |key: &String| gone.contains(&(of, key.clone()));
                if keys.iter().any(is_gone) && on_delete == "restrict" {
                    return false;
                }
                keys.retain(|key| !is_gone(key));
            }
        }
        *self = next;
        true
    }

    /// A table's rows as `/dbc_find` has them.
    fn shown(&self, table: usize) -> BTreeMap<String, Value> {
        let rows = self.rows.iter().filter(|((of, _), _)| *of == table);
        rows.map(|((_, key), names)| (key.clone(), document(key, names)))
            .collect()
    }
}

fn document(key: &str, names: &BTreeMap<usize, Vec<String>>) -> Value {
    let mut row = json!({ "id": key });
    for (reference, keys) in names {
        let (_, field, is_list, ..) = REFERENCES[*reference];
        row[field] = match (is_list, keys.first()) {
            (true, _) => json!(keys),
            (false, first) => json!(first),
        };
    }
    row
}

#[test]
fn random_writes_leave_what_a_model_says() {
    let mut refusals = 0;
    for seed in 0..12 {
        let mut world = World::with_table(100 + seed);
        world.ok("/dbc_table_create database:prod table:posts pk:id");
        world.ok("/dbc_table_create database:prod table:notes pk:id");
        for (number, table) in TABLES.iter().enumerate() {
            let mut properties = json!({});
            for (of, field, is_list, named, on_delete) in REFERENCES {
                if of == number {
                    let mut property = json!({"ref": TABLES[named], "on_delete": on_delete});
                    if is_list {
                        property["type"] = json!("list");
                    }
                    properties[field] = property;
                }
            }
            world.ok(&set(table, &properties, ""));
        }
        let mut model = Model::default();
        let mut draws = Draws(seed);
        for step in 0..60 {
            let mut next = model.clone();
            let mut fits = true;
            // Deletions that follow one another are one.
            let mut together = Vec::new();
            let count = 1 + draws.below(4);
            let mut ops: Vec<Value> = Vec::new();
            for _ in 0..count {
                let table = draws.below(3);
                let key = format!("k{}", draws.below(4));
                if draws.below(2) == 0 {
                    ops.push(json!({"op": "delete", "table": TABLES[table], "key": key}));
                    together.push((table, key));
                    continue;
                }
                fits = fits && next.delete(&std::mem::take(&mut together));
                let mut names = BTreeMap::new();
                for (reference, (of, _, is_list, ..)) in REFERENCES.iter().enumerate() {
                    if *of == table && draws.below(3) > 0 {
                        let most = if *is_list { 3 } else { 1 };
                        let keys = 0..draws.below(most + 1);
                        let keys = keys.map(|_| format!("k{}", draws.below(4)));
                        names.insert(reference, keys.collect());
                    }
                }
                fits = fits && next.put(table, &key, &names);
                let value = document(&key, &names);
                ops.push(
                    json!({"op": "upsert", "table": TABLES[table], "key": key, "value": value}),
                );
            }
            fits = fits && next.delete(&together);
            let mut line = format!("/dbc_transact database:prod ops_json:{}", json!(ops));
            let mut done = "Committed";
            if draws.below(4) == 0 {
                // All rows of a table from some key on.
                let (table, from) = (draws.below(3), format!("k{}", draws.below(4)));
                next = model.clone();
                let rows = model.rows.keys();
                let rows = rows.filter(|(of, key)| *of == table && *key >= from);
                fits = next.delete(&rows.cloned().collect::<Vec<_>>());
                let filter = json!({"id": {"$gte": from}});
                line = on(
                    "delete_many",
                    TABLES[table],
                    &format!("where_json:{filter}"),
                );
                done = "Deleted";
            }
            let reply = world.reply(&line);
            let is_done = reply.starts_with(done) || reply.ends_with("; nothing was written.");
            assert_eq!(is_done, fits, "{line}\n{reply}");
            if fits {
                model = next;
            } else {
                refusals += 1;
            }
            match draws.below(12) {
                0 => world.evict(),
                1 => {
                    world.settle();
                    world.evict();
                }
                2 if step % 4 == 0 => world.lose_storage(),
                _ => {}
            }
        }
        for (number, table) in TABLES.iter().enumerate() {
            let expected = model.shown(number);
            for key in (0..4).map(|n| format!("k{n}")) {
                let reply = world.reply(&get(table, &key));
                let found = (!reply.starts_with('❌')).then(|| shown(&reply));
                assert_eq!(found.as_ref(), expected.get(&key), "{table} {key}");
            }
        }
    }
    assert!(refusals > 100, "{refusals}");
}

/// Numbers that follow from a seed.
pub struct Draws(pub u64);

impl Draws {
    pub fn below(&mut self, bound: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}
