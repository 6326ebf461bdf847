//! Rows that name rows of other tables: they are there, and what happens when one is deleted.

use crate::checkpoints::requests_of;
use crate::crud::{refused, shown, with_file};
use crate::schema::to_checkpoint;
use crate::world::World;
use serde_json::{Value, json};

pub fn on(command: &str, table: &str, rest: &str) -> String {
    format!("/dbc_{command} database:prod table:{table} {rest}")
}

pub fn put(table: &str, key: &str, value: &Value) -> String {
    on("insert", table, &format!("key:{key} value_json:{value}"))
}

pub fn get(table: &str, key: &str) -> String {
    on("get", table, &format!("key:{key}"))
}

fn delete(table: &str, key: &str) -> String {
    on("delete", table, &format!("key:{key}"))
}

pub fn set(table: &str, properties: &Value, rest: &str) -> String {
    let schema = json!({ "properties": properties });
    on("schema_set", table, &format!("schema_json:{schema}{rest}"))
}

/// Tables `users`, `posts` and `notes`, where posts have an author, and notes a list of posts.
fn world(seed: u64, author: &Value, posts: &Value) -> World {
    let mut world = World::with_table(seed);
    world.ok("/dbc_table_create database:prod table:posts pk:id");
    world.ok("/dbc_table_create database:prod table:notes pk:id");
    world.ok(&set("posts", &json!({ "author": author }), ""));
    world.ok(&set("notes", &json!({ "posts": posts }), ""));
    world
}

fn restrict() -> (Value, Value) {
    (
        json!({"ref": "users"}),
        json!({"type": "list", "items": {"ref": "posts"}}),
    )
}

#[test]
fn what_a_row_names_must_be_there() {
    let (author, posts) = restrict();
    let mut world = world(1, &author, &posts);
    let missing = ["`author`", "`u`", "table `users`", "Nothing was written"];
    refused(
        &mut world,
        &put("posts", "p", &json!({"author": "u"})),
        &missing,
    );
    // Missing names nothing, and what comes before in the same transaction counts.
    world.ok(&put("posts", "none", &json!({})));
    let ops = json!([
        {"op": "insert", "table": "users", "key": "u", "value": {}},
        {"op": "insert", "table": "posts", "key": "p", "value": {"author": "u"}},
        {"op": "insert", "table": "notes", "key": "n", "value": {"posts": ["p", "none", "p"]}},
    ]);
    world.ok(&format!("/dbc_transact database:prod ops_json:{ops}"));
    let ops = json!([
        {"op": "insert", "table": "posts", "key": "q", "value": {"author": "v"}},
        {"op": "insert", "table": "users", "key": "v", "value": {}},
    ]);
    let words = ["operation 1 of 2", "`v` is not there"];
    refused(
        &mut world,
        &format!("/dbc_transact database:prod ops_json:{ops}"),
        &words,
    );
    let line = on(
        "update",
        "notes",
        r#"key:n patch_json:{"$push":{"posts":"x"}}"#,
    );
    refused(&mut world, &line, &["`posts`", "`x` is not there"]);
    for line in [
        delete("users", "u"),
        delete("posts", "p"),
        delete("posts", "none"),
    ] {
        refused(
            &mut world,
            &line,
            &["stays", "names", "Nothing was written"],
        );
    }
    // One after the other, from the end.
    world.ok(&delete("notes", "n"));
    let ops = json!([
        {"op": "delete", "table": "posts", "key": "p"},
        {"op": "delete", "table": "users", "key": "u"},
    ]);
    world.ok(&format!("/dbc_transact database:prod ops_json:{ops}"));
    refused(
        &mut world,
        &on("restore_row", "posts", "key:p rev:1"),
        &["`author`", "`u` is not there"],
    );
    refused(
        &mut world,
        &set("posts", &json!({"author": {"ref": "usres"}}), ""),
        &["`author`", "`usres`", "Did you mean `users`?"],
    );
}

#[test]
fn deletions_spread_and_stop_where_schemas_say_so() {
    for hard in ["", " hard:true"] {
        let mut world = world(
            2,
            &json!({"ref": "users", "on_delete": "cascade"}),
            &json!({"type": "list", "ref": "posts", "on_delete": "set_null"}),
        );
        // A table whose rows name each other, in circles.
        world.ok("/dbc_table_create database:prod table:nodes pk:id");
        let next = json!({"ref": "nodes", "on_delete": "cascade"});
        let user = json!({"ref": "users", "on_delete": "set_null"});
        world.ok(&set("nodes", &json!({"next": next, "user": user}), ""));
        for user in ["u", "v"] {
            world.ok(&put("users", user, &json!({})));
        }
        for (post, author) in [("p", "u"), ("q", "u"), ("r", "v")] {
            world.ok(&put("posts", post, &json!({ "author": author })));
        }
        world.ok(&put("notes", "n", &json!({"posts": ["p", "r", "q"]})));
        world.ok(&put("nodes", "a", &json!({"next": "a", "user": "u"})));
        world.ok(&put("nodes", "b", &json!({"next": "a", "user": "u"})));
        world.ok(&on("update", "nodes", r#"key:a patch_json:{"next":"b"}"#));
        to_checkpoint(&mut world);
        world.evict();
        let reply = world.ok(&format!("{}{hard}", delete("users", "u")));
        let told = "Deleted along, since they named it: 2 rows. No longer named by: 3 rows.";
        assert!(reply.contains(told), "{reply}");
        let look = |world: &mut World| {
            assert_eq!(
                shown(&world.ok(&get("notes", "n"))),
                json!({"id": "n", "posts": ["r"]})
            );
            for (node, next) in [("a", "b"), ("b", "a")] {
                let row = shown(&world.ok(&get("nodes", node)));
                assert_eq!(row, json!({"id": node, "next": next, "user": null}));
            }
            for post in ["p", "q"] {
                let told = world.refused(&get("posts", post));
                let gone = if hard.is_empty() {
                    "as of revision 2"
                } else {
                    "for good"
                };
                assert!(told.contains(gone), "{told}");
            }
            world.ok(&get("posts", "r"));
        };
        look(&mut world);
        let reply = world.ok(&delete("nodes", "b"));
        assert!(reply.contains("named it: 1 row."), "{reply}");
        world.evict();
        look_at_none(&mut world, "nodes", &["a", "b"]);
        to_checkpoint(&mut world);
        world.lose_storage();
        look_at_none(&mut world, "nodes", &["a", "b"]);
        look_at_none(&mut world, "posts", &["p", "q"]);
        assert_eq!(
            shown(&world.ok(&get("notes", "n"))),
            json!({"id": "n", "posts": ["r"]})
        );
    }
}

/// A command is refused with these words; after lost storage, the log may be settled beside.
#[track_caller]
fn told(world: &mut World, line: &str, words: &[&str]) {
    let reply = world.refused(line);
    for word in words {
        assert!(reply.contains(word), "{line}: {word:?} is not in: {reply}");
    }
}

fn look_at_none(world: &mut World, table: &str, keys: &[&str]) {
    for key in keys {
        world.refused(&get(table, key));
    }
}

#[test]
fn what_stays_forbids_the_whole_deletion() {
    let mut world = world(
        3,
        &json!({"ref": "users", "on_delete": "cascade"}),
        &json!({"type": "list", "ref": "posts"}),
    );
    world.ok(&put("users", "u", &json!({})));
    for n in 0..8 {
        world.ok(&put("posts", &format!("p{n}"), &json!({"author": "u"})));
        world.ok(&put(
            "notes",
            &format!("n{n}"),
            &json!({"posts": [format!("p{n}")]}),
        ));
    }
    let words = [
        "Row `u` of table `users` in database `prod` stays, since other rows name what would be",
        "`posts` of row `n0` in table `notes` names `p0` of table `posts`",
        "and 3 more",
        "Nothing was written",
    ];
    refused(&mut world, &delete("users", "u"), &words);
    world.ok(&get("posts", "p0"));
    // What would go along anyway is no obstacle.
    let both = json!({"posts": {"type": "list", "ref": "posts"}, "user": {"ref": "users", "on_delete": "cascade"}});
    world.ok(&set("notes", &both, ""));
    for n in 0..8 {
        let line = format!("key:n{n} patch_json:{}", json!({"user": "u"}));
        world.ok(&on("update", "notes", &line));
    }
    let reply = world.ok(&delete("users", "u"));
    assert!(reply.contains("named it: 16 rows."), "{reply}");
    // A property that must be there cannot become null.
    let schema = json!({"properties": {"user": {"ref": "users", "on_delete": "set_null"}}, "minProperties": 2, "dependentSchemas": {"tied": {"properties": {"user": "str"}}}});
    world.ok(&on("schema_set", "notes", &format!("schema_json:{schema}")));
    world.ok(&put("users", "w", &json!({})));
    world.ok(&put("notes", "t", &json!({"user": "w", "tied": true})));
    refused(
        &mut world,
        &delete("users", "w"),
        &["row `t` of table `notes`", "cannot do without", "`user`"],
    );
}

#[test]
fn warn_tells_and_off_does_not() {
    let (author, posts) = restrict();
    let mut world = world(4, &author, &posts);
    world.ok(&set(
        "posts",
        &json!({ "author": author }),
        " validate:warn",
    ));
    let reply = world.ok(&put("posts", "p", &json!({"author": "u"})));
    assert!(
        reply.contains("⚠️ `p`: ") && reply.contains("`u` is not there"),
        "{reply}"
    );
    refused(
        &mut world,
        &set("posts", &json!({ "author": author }), ""),
        &["1 of 1 rows", "row `p`: `author`"],
    );
    world.ok(&put("users", "u", &json!({})));
    world.ok(&set("posts", &json!({ "author": author }), ""));
    world.ok(&set(
        "posts",
        &json!({ "author": author }),
        " validate:warn",
    ));
    let reply = world.ok(&delete("users", "u"));
    assert!(
        reply.contains("⚠️ `author` of row `p`") && reply.contains("which is gone"),
        "{reply}"
    );
    world.ok(&set("posts", &json!({ "author": author }), " validate:off"));
    let reply = world.ok(&put("posts", "q", &json!({"author": "nobody"})));
    assert!(!reply.contains('⚠'), "{reply}");
}

#[test]
fn tables_that_are_named_are_renamed_and_not_dropped() {
    let (author, posts) = restrict();
    let mut world = world(5, &author, &posts);
    world.ok(&put("users", "u", &json!({})));
    world.ok(&put("posts", "p", &json!({"author": "u"})));
    let drop = |table: &str| on("table_drop", table, &format!("confirm:{table}"));
    refused(&mut world, &drop("users"), &["`users`", "stays", "`posts`"]);
    world.ok("/dbc_table_rename database:prod table:users to:people");
    world.ok("/dbc_table_create database:prod table:users pk:id");
    let look = |world: &mut World| {
        told(
            world,
            &delete("people", "u"),
            &["`author` of row `p`", "table `people`"],
        );
        told(world, &drop("people"), &["`people`", "stays", "`posts`"]);
        told(
            world,
            &put("posts", "q", &json!({"author": "x"})),
            &["table `people`"],
        );
        let shown = shown(&world.ok("/dbc_schema_show database:prod table:posts"));
        assert_eq!(shown["properties"]["author"], json!({"ref": "people"}));
    };
    look(&mut world);
    let same = set("posts", &json!({"author": {"ref": "people"}}), "");
    assert!(world.ok(&same).contains("already: version 1"));
    world.evict();
    look(&mut world);
    to_checkpoint(&mut world);
    world.lose_storage();
    look(&mut world);
    // The same text is about another table now.
    world.ok(&put("users", "u", &json!({})));
    let reply = world.ok(&set("posts", &json!({ "author": author }), ""));
    assert!(reply.contains("version 2"), "{reply}");
    world.ok(&delete("people", "u"));
    world.ok(&drop("people"));
    world.ok(&drop("notes"));
    world.ok(&drop("posts"));
    // A table that names itself is in nobody's way.
    world.ok(&set("users", &json!({"boss": {"ref": "users"}}), ""));
    world.ok(&put("users", "own", &json!({"boss": "own"})));
    world.ok(&delete("users", "own"));
    world.ok(&drop("users"));
}

#[test]
fn a_write_is_one_request_once_tables_are_in_memory_and_loads_what_it_needs_before() {
    let (author, posts) = restrict();
    let mut world = world(6, &author, &posts);
    world.ok(&put("users", "u", &json!({})));
    world.ok(&put("posts", "p", &json!({"author": "u"})));
    to_checkpoint(&mut world);
    world.evict();
    // Tables that are not in memory: the row is looked for all the same.
    world.ok(&put("posts", "q", &json!({"author": "u"})));
    refused(&mut world, &delete("users", "u"), &["stays"]);
    world.evict();
    refused(&mut world, &delete("users", "u"), &["stays"]);
    world.settle();
    let log = format!("POST /channels/{}/messages", world.channel_id("dbc-log"));
    for line in [
        put("posts", "r", &json!({"author": "u"})),
        delete("posts", "r"),
        put("users", "v", &json!({})),
        delete("users", "v"),
    ] {
        let (reply, sent) = requests_of(&mut world, &line);
        assert!(
            reply.starts_with("Stored") || reply.starts_with("Deleted"),
            "{reply}"
        );
        // The background may have begun already.
        assert!(sent.len() <= 2 && sent[0].contains(&log), "{sent:?}");
        world.settle();
    }
}

#[test]
fn more_than_one_write_can_do_is_refused() {
    let mut world = world(
        7,
        &json!({"ref": "users", "on_delete": "cascade"}),
        &json!({"type": "list", "ref": "posts"}),
    );
    world.ok(&put("users", "u", &json!({})));
    for part in 0..11 {
        let ops: Vec<Value> = (0..500)
            .map(|n| json!({"op": "insert", "table": "posts", "key": format!("{part}.{n}"), "value": {"author": "u"}}))
            .collect();
        let line = "/dbc_transact database:prod ops_file:@f";
        let told = with_file(&mut world, line, json!(ops).to_string());
        assert!(told.starts_with("Committed"), "{told}");
    }
    refused(
        &mut world,
        &delete("users", "u"),
        &["`u`", "more than 5000 rows", "Nothing was written"],
    );
}

#[test]
fn find_includes_what_rows_name() {
    let mut world = world(
        8,
        &json!({"ref": "users"}),
        &json!({"type": "list", "ref": "posts"}),
    );
    world.ok("/dbc_table_create database:prod table:teams pk:id");
    world.ok(&set("users", &json!({"team": {"ref": "teams"}}), ""));
    world.ok(&put("teams", "t", &json!({"name": "T"})));
    world.ok(&put("users", "u", &json!({"team": "t", "name": "U"})));
    world.ok(&put("users", "v", &json!({"team": null})));
    world.ok(&put("posts", "p", &json!({"author": "u", "n": 1})));
    world.ok(&put("posts", "q", &json!({"author": "v"})));
    world.ok(&put("posts", "r", &json!({"n": 3})));
    world.ok(&put("notes", "n", &json!({"posts": ["q", "p"]})));
    world.ok(&put("notes", "o", &json!({"posts": []})));
    world.ok(&set(
        "posts",
        &json!({"author": {"ref": "users"}}),
        " validate:warn",
    ));
    world.ok(&put("posts", "s", &json!({"author": "gone"})));
    let find = |world: &mut World, table: &str, rest: &str| {
        let reply = world.ok(&on("find", table, rest));
        let block = reply.split("```json\n").nth(1).expect("rows").to_owned();
        let rows = block.split("\n```").next().expect("its end").lines();
        rows.map(|row| serde_json::from_str(row).unwrap())
            .collect::<Vec<Value>>()
    };
    to_checkpoint(&mut world);
    world.evict();
    let u = json!({"id": "u", "team": "t", "name": "U"});
    let v = json!({"id": "v", "team": null});
    assert_eq!(
        find(&mut world, "posts", "include:author"),
        [
            json!({"id": "p", "author": u, "n": 1}),
            json!({"id": "q", "author": v}),
            json!({"id": "r", "n": 3}),
            json!({"id": "s", "author": null}),
        ]
    );
    let joined = json!({"id": "u", "team": {"id": "t", "name": "T"}, "name": "U"});
    for include in ["author.team", "author,author.team", "author.team, author"] {
        let rows = find(&mut world, "posts", &format!("include:{include} limit:2"));
        assert_eq!(rows[0]["author"], joined);
        assert_eq!(rows[1]["author"], v);
    }
    assert_eq!(
        find(
            &mut world,
            "posts",
            r#"include:author.team select:author.team.name where_json:{"id":"p"}"#
        ),
        [json!({"id": "p", "author": {"team": {"name": "T"}}})]
    );
    assert_eq!(
        find(&mut world, "notes", "include:posts"),
        [
            json!({"id": "n", "posts": [{"id": "q", "author": "v"}, {"id": "p", "author": "u", "n": 1}]}),
            json!({"id": "o", "posts": []}),
        ]
    );
    for (include, words) in [
        ("autor", ["`include`", "`author`"]),
        ("n", ["`include`", "`author`"]),
        ("author.name", ["`name`", "`team`"]),
        ("author.team.x", ["leads too far", "`author.team.x`"]),
        ("author,,", ["`include`", "no field"]),
    ] {
        refused(
            &mut world,
            &on("find", "posts", &format!("include:{include}")),
            &words,
        );
    }
}

#[test]
fn the_key_itself_cannot_become_null() {
    let mut world = World::with_table(104);
    world.ok("/dbc_table_create database:prod table:profiles pk:user");
    let schema = |on_delete: &str| {
        let property = json!({"ref": "users", "on_delete": on_delete});
        let schema = json!({"properties": {"user": property}});
        format!("/dbc_schema_set database:prod table:profiles schema_json:{schema}")
    };
    refused(
        &mut world,
        &schema("set_null"),
        &["`user`", "every row keeps its key", "Nothing was written"],
    );
    world.ok(&schema("cascade"));
}
