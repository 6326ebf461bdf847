//! Rows that are deleted together: in which order they come makes no difference, and what names many of them
//! is changed once.

use crate::crud::{on_users, refused, shown, with_file};
use crate::references::{get, on, put, set};
use crate::world::World;
use serde_json::{Value, json};

fn transact(ops: &Value) -> String {
    format!("/dbc_transact database:prod ops_json:{ops}")
}

fn delete(key: &str) -> Value {
    json!({"op": "delete", "table": "users", "key": key})
}

fn key(n: usize) -> String {
    format!("k{n:05}")
}

fn insert_users(world: &mut World, count: usize, value: &Value) {
    let ops = (0..count)
        .map(|n| json!({"op": "insert", "table": "users", "key": key(n), "value": value}));
    let ops: Value = ops.collect();
    let line = "/dbc_transact database:prod ops_file:@f";
    let reply = with_file(world, line, ops.to_string());
    assert!(reply.starts_with("Committed"), "{reply}");
}

/// A table `lists` and in it a row `l` whose list has the keys of so many users.
fn insert_list(world: &mut World, count: usize, rest: &str) {
    world.ok("/dbc_table_create database:prod table:lists pk:id");
    let of = json!({"of": {"type": "list", "items": {"ref": "users", "on_delete": "set_null"}}});
    world.ok(&set("lists", &of, rest));
    let keys: Vec<String> = (0..count).map(key).collect();
    let line = on("insert", "lists", "key:l value_file:@f");
    let reply = with_file(world, &line, json!({ "of": keys }).to_string());
    assert!(reply.starts_with("Stored"), "{reply}");
}

#[test]
fn rows_that_name_each_other_go_together() {
    let trees = [
        [("a", json!({})), ("b", json!({"up": "a"}))],
        [("b", json!({})), ("a", json!({"up": "b"}))],
    ];
    for (tree, by_command) in [(0, true), (1, true), (0, false), (1, false)] {
        let mut world = World::with_table(1);
        world.ok(&set("users", &json!({"up": {"ref": "users"}}), ""));
        let put_tree = |world: &mut World| {
            for (key, row) in &trees[tree] {
                world.ok(&put("users", key, row));
            }
        };
        let remove = |world: &mut World| {
            world.ok(&match by_command {
                true => on_users("dbc_delete_many", "where_json:{}"),
                false => transact(&json!([delete("a"), delete("b")])),
            })
        };
        put_tree(&mut world);
        remove(&mut world);
        put_tree(&mut world);
        // In a circle as well.
        let (first, second) = (trees[tree][0].0, trees[tree][1].0);
        let line = format!(r#"key:{first} patch_json:{{"up":"{second}"}}"#);
        world.ok(&on_users("dbc_update", &line));
        refused(
            &mut world,
            &on_users("dbc_delete", &format!("key:{first}")),
            &["stays, since other rows name it"],
        );
        world.evict();
        remove(&mut world);
        let count = world.ok(&on_users("dbc_count", "where_json:{}"));
        assert!(count.starts_with("0 rows"), "{count}");
    }
}

#[test]
fn a_row_that_stays_keeps_what_it_names_and_is_told_of_once() {
    let mut world = World::with_table(2);
    let up = json!({"ref": "users"});
    let of = json!({"ref": "users", "on_delete": "cascade"});
    world.ok(&set("users", &json!({"up": up, "of": of}), ""));
    for (key, row) in [
        ("a", json!({})),
        ("b", json!({"of": "a"})),
        ("c", json!({"up": "a"})),
        ("d", json!({"up": "c"})),
        ("e", json!({"up": "b"})),
    ] {
        world.ok(&put("users", key, &row));
    }
    let place = "ow `a` of table `users` in database `prod` stays, since other rows name ";
    let told = |key: &str, named: &str| {
        format!("`up` of row `{key}` in table `users` names `{named}` of table `users`")
    };
    let all = |keys: &str| {
        on_users(
            "dbc_delete_many",
            &format!(r#"where_json:{{"id":{{"$in":{keys}}}}}"#),
        )
    };
    let (c, e) = (told("c", "a"), told("e", "b"));
    for (line, named) in [
        (
            on_users("dbc_delete", "key:a"),
            format!("it and what would be deleted along with it: {c}; {e}. Nothing"),
        ),
        (
            all(r#"["a","c","d"]"#),
            format!("what would be deleted along with it: {e}. Nothing"),
        ),
        (all(r#"["a","d","e"]"#), format!("it: {c}. Nothing")),
        (
            transact(&json!([delete("d"), delete("e"), delete("a")])),
            format!("it: {c}. Nothing"),
        ),
    ] {
        refused(&mut world, &line, &[place, &named]);
        let reply = world.refused(&line);
        assert_eq!(reply.matches("ow `a` of").count(), 1, "{reply}");
        let is_third = reply.contains("operation 3 of 3 (delete of `a`");
        assert_eq!(is_third, line.contains("transact"), "{reply}");
    }
    // What is put between deletions sees what became of those before it.
    let update = json!({"op": "update", "table": "users", "key": "c", "patch": {"up": null}});
    refused(
        &mut world,
        &transact(&json!([delete("e"), delete("a"), update])),
        &["operation 2 of 3 (delete of `a`", &c],
    );
    let reply = world.ok(&transact(&json!([delete("e"), update, delete("a")])));
    assert!(reply.contains("since they named it: 1 row."), "{reply}");
}

#[test]
fn a_row_that_names_many_of_them_is_changed_once() {
    let many = |_: &mut World| on_users("dbc_delete_many", "where_json:{}");
    let one = |_: &mut World| transact(&(0..40).map(|n| delete(&key(n))).collect());
    for line in [many as fn(&mut World) -> String, one] {
        let mut world = World::with_table(3);
        insert_users(&mut world, 40, &json!({}));
        insert_list(&mut world, 40, "");
        let line = line(&mut world);
        let reply = world.ok(&line);
        assert!(reply.contains("No longer named by: 1 row."), "{reply}");
        let reply = world.ok(&get("lists", "l"));
        assert!(reply.contains("rev 2 ·"), "{reply}");
        assert_eq!(shown(&reply)["of"], json!([]));
    }
}

/// With one change of the long list a row, or one reading of it a key, none of these would come to an end.
#[test]
fn many_rows_and_a_long_list_that_names_them_are_little_work() {
    let mut world = World::with_table(4);
    world.be_quiet();
    world.ok("/dbc_table_create database:prod table:tops pk:id");
    let top = json!({"ref": "tops", "on_delete": "cascade"});
    world.ok(&set("users", &json!({ "top": top }), ""));
    world.ok(&put("tops", "t", &json!({})));
    insert_users(&mut world, 4_000, &json!({"top": "t"}));
    insert_list(&mut world, 90_000, " validate:warn");
    let reply = world.ok("/dbc_delete database:prod table:tops key:t");
    assert!(
        reply.contains("named it: 4000 rows. No longer named by: 1 row."),
        "{reply}"
    );
    // And where they are what was asked for.
    world.ok("/dbc_delete database:prod table:lists key:l");
    world.ok("/dbc_table_drop database:prod table:lists confirm:lists");
    insert_users(&mut world, 4_000, &json!({}));
    insert_list(&mut world, 4_000, "");
    let reply = world.ok(&on_users("dbc_delete_many", "where_json:{}"));
    assert!(reply.starts_with("Deleted 4000 rows"), "{reply}");
    assert!(reply.contains("No longer named by: 1 row."), "{reply}");
    // Long lists that go along themselves.
    let of = json!({"of": {"type": "list", "items": {"ref": "users", "on_delete": "cascade"}}});
    insert_users(&mut world, 4_000, &json!({}));
    world.ok(&set("lists", &of, ""));
    let keys: Vec<String> = (0..4_000).map(key).collect();
    let line = on("update", "lists", "key:l patch_file:@f");
    let reply = with_file(&mut world, &line, json!({ "of": keys }).to_string());
    assert!(reply.starts_with("Updated"), "{reply}");
    let reply = world.ok(&on_users("dbc_delete_many", "where_json:{}"));
    assert!(reply.contains("since they named it: 1 row."), "{reply}");
}

#[test]
fn what_named_nothing_before_is_left_alone() {
    let mut world = World::with_table(5);
    insert_users(&mut world, 1, &json!({}));
    world.ok("/dbc_table_create database:prod table:lists pk:id");
    let cleared = json!({"ref": "users", "on_delete": "set_null"});
    let of = json!({"type": "list", "items": cleared});
    let properties = json!({"one": cleared, "of": of, "by": {"ref": "users"}});
    world.ok(&set("lists", &properties, " validate:warn"));
    let row = json!({"one": "gone", "of": ["gone", key(0), "too"], "by": "gone"});
    world.ok(&put("lists", "l", &row));
    let reply = world.ok(&on_users("dbc_delete", &format!("key:{}", key(0))));
    assert!(reply.contains("No longer named by: 1 row."), "{reply}");
    assert!(!reply.contains("which is gone"), "{reply}");
    let left = json!({"id": "l", "one": "gone", "of": ["gone", "too"], "by": "gone"});
    assert_eq!(shown(&world.ok(&get("lists", "l"))), left);
}
