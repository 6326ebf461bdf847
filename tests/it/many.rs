//! Changing all rows that match, in one commit.

use crate::crud::{commits, on_users, refused};
use crate::world::{World, get};
use serde_json::{Value, json};

fn with_people(seed: u64) -> World {
    let mut world = World::with_table(seed);
    let people: Vec<Value> = (0..30)
        .map(|n| {
            let row = json!({"year": n % 3, "name": format!("n{n:02}")});
            json!({"op": "insert", "table": "users", "key": format!("p{n:02}"), "value": row})
        })
        .collect();
    world.ok(&format!(
        "/dbc_transact database:prod ops_json:{}",
        Value::from(people)
    ));
    world
}

fn count(world: &mut World, filter: &str) -> String {
    let reply = world.ok(&on_users("dbc_count", &format!("where_json:{filter}")));
    reply.split(" in ").next().unwrap().to_owned()
}

#[test]
fn all_rows_that_match_change_in_one_commit() {
    let mut world = with_people(1);
    let update = r#"where_json:{"year":2} patch_json:{"$inc":{"year":1},"$set":{"seen":true}}"#;
    let before = commits(&world).len();
    let preview = world.ok(&on_users(
        "dbc_update_many",
        &format!("{update} dry_run:true"),
    ));
    assert!(
        preview.starts_with(
            "10 rows of `prod.users` match and would be changed; nothing was written. With `expect:10`"
        ),
        "{preview}"
    );
    assert!(preview.contains("`p02`, `p05`"), "{preview}");
    assert_eq!(commits(&world).len(), before);
    refused(
        &mut world,
        &on_users("dbc_update_many", &format!("{update} expect:9")),
        &[
            "`expect`",
            "10 rows of table `users`",
            "not 9",
            "Nothing was written",
        ],
    );
    let reply = world.ok(&on_users("dbc_update_many", &format!("{update} expect:10")));
    assert!(
        reply.starts_with("Updated 10 rows of `prod.users` (commit #"),
        "{reply}"
    );
    assert_eq!(commits(&world).len(), before + 1);
    assert_eq!(count(&mut world, r#"{"year":3,"seen":true}"#), "10 rows");
    let reply = world.ok(&on_users("dbc_delete_many", r#"where_json:{"year":3}"#));
    assert!(
        reply.starts_with("Deleted 10 rows from `prod.users`"),
        "{reply}"
    );
    assert_eq!(count(&mut world, "{}"), "20 rows");
    world.settle();
    world.lose_storage();
    assert_eq!(count(&mut world, "{}"), "20 rows");
    world.ok(&on_users("dbc_restore_row", "key:p02 rev:1"));
    world.ok(&get("p02"));
}

#[test]
fn what_is_like_that_already_is_not_written() {
    let mut world = with_people(4);
    let before = commits(&world).len();
    let same = "match and are like that already; nothing was written.";
    for (line, told) in [
        (
            on_users("dbc_delete_many", r#"where_json:{"year":9}"#),
            "No row of `prod.users` matches; nothing was written.",
        ),
        (
            on_users(
                "dbc_update_many",
                r#"where_json:{"year":1} patch_json:{"year":1,"no":null}"#,
            ),
            same,
        ),
        (
            on_users("dbc_update", r#"key:p00 patch_json:{"year":0} if_rev:1"#),
            "`p00` in `prod.users` is like that already, at revision 1; nothing was written.",
        ),
        (
            on_users(
                "dbc_insert",
                r#"mode:upsert key:p00 value_json:{"year":0,"name":"n00"}"#,
            ),
            "like that already, at revision 1",
        ),
        (
            r#"/dbc_transact database:prod ops_json:[{"op":"update","table":"users","key":"p00","patch":{"year":0}}]"#
                .to_owned(),
            "Nothing to commit: 1 operation",
        ),
    ] {
        let reply = world.ok(&line);
        assert!(reply.contains(told), "{line}: {reply}");
    }
    assert_eq!(commits(&world).len(), before);
    // A revision that somebody expects is still held against the row's.
    let wrong = on_users("dbc_update", r#"key:p00 patch_json:{"year":0} if_rev:2"#);
    refused(&mut world, &wrong, &["is at revision 1, not 2"]);
    // Fields in another order are another document.
    let turned = r#"mode:upsert key:p00 value_json:{"name":"n00","year":0}"#;
    let reply = world.ok(&on_users("dbc_insert", turned));
    assert!(reply.contains("revision 2"), "{reply}");
    let some = r#"where_json:{"year":{"$in":[0,1]}} patch_json:{"year":1}"#;
    let preview = world.ok(&on_users(
        "dbc_update_many",
        &format!("{some} dry_run:true"),
    ));
    assert!(
        preview.contains("10 of them are like that already."),
        "{preview}"
    );
    let reply = world.ok(&on_users("dbc_update_many", some));
    assert!(
        reply.starts_with("Updated 20 rows of")
            && reply.ends_with("; 10 of them were like that already."),
        "{reply}"
    );
    assert!(world.ok(&get("p01")).contains("· rev 1 ·"));
    assert_eq!(commits(&world).len(), before + 2);
}

#[test]
fn a_preview_tries_it() {
    let mut world = with_people(5);
    world.ok(&on_users(
        "dbc_update",
        r#"key:p29 patch_json:{"year":"many"}"#,
    ));
    let before = commits(&world).len();
    refused(
        &mut world,
        &on_users(
            "dbc_update_many",
            r#"where_json:{} patch_json:{"$inc":{"year":1}} dry_run:true"#,
        ),
        &["ow `p29` of", "year"],
    );
    world.ok("/dbc_table_create database:prod table:posts pk:id");
    let schema = json!({"properties": {
        "author": {"ref": "users", "on_delete": "cascade"},
        "editor": {"ref": "users", "on_delete": "set_null"},
    }});
    world.ok(&format!(
        "/dbc_schema_set database:prod table:posts schema_json:{schema}"
    ));
    for reference in ["author", "editor"] {
        let row = json!({reference: "p01"});
        world.ok(&format!(
            "/dbc_insert database:prod table:posts key:{reference} value_json:{row}"
        ));
    }
    let preview = world.ok(&on_users(
        "dbc_delete_many",
        r#"where_json:{"year":1} dry_run:true"#,
    ));
    assert!(
        preview.starts_with("10 rows of `prod.users` match and would be deleted"),
        "{preview}"
    );
    assert!(
        preview.contains("\nDeleted along, since they name it, would be 1 row."),
        "{preview}"
    );
    assert!(
        preview.contains("\nWhat goes would no longer be named by 1 row."),
        "{preview}"
    );
    assert_eq!(commits(&world).len(), before + 4);
}

#[test]
fn one_row_that_cannot_change_keeps_all_as_they_are() {
    let mut world = with_people(2);
    world.ok(&on_users("dbc_index_create", "field:name unique:true"));
    world.ok(&on_users(
        "dbc_update",
        r#"key:p29 patch_json:{"year":"many"}"#,
    ));
    for (rest, words) in [
        (
            r#"where_json:{"year":1} patch_json:{"name":"same"}"#,
            vec!["❌ Row `p04` of", "row `p01` has that already"],
        ),
        (
            r#"where_json:{} patch_json:{"$inc":{"year":1}}"#,
            vec!["ow `p29` of", "year"],
        ),
        (
            r#"where_json:{} patch_json:{"id":"x"}"#,
            vec!["ow `p00` of", "primary key `id`"],
        ),
        (
            r#"where_json:{"$foo":1} patch_json:{"a":1}"#,
            vec!["`where_json`", "$foo"],
        ),
        (r#"where_json:{}"#, vec!["patch_json"]),
        (r#"patch_json:{}"#, vec!["where_json"]),
    ] {
        refused(&mut world, &on_users("dbc_update_many", rest), &words);
    }
    refused(
        &mut world,
        &on_users("dbc_delete_many", ""),
        &["where_json"],
    );
    assert_eq!(count(&mut world, r#"{"year":1}"#), "10 rows");
}

#[test]
fn rows_of_the_same_moment_are_seen() {
    rows_of_the_same_moment(with_people(3));
    // By the index, which has only the commits before.
    let mut world = with_people(3);
    world.ok(&on_users("dbc_index_create", "field:year"));
    rows_of_the_same_moment(world);
}

fn rows_of_the_same_moment(mut world: World) {
    let lines = [
        on_users("dbc_insert", r#"key:new value_json:{"year":7}"#),
        on_users("dbc_update", r#"key:p00 patch_json:{"year":7}"#),
        on_users(
            "dbc_update_many",
            r#"where_json:{"year":7} patch_json:{"$inc":{"year":1}}"#,
        ),
        on_users("dbc_delete_many", r#"where_json:{"year":8}"#),
        on_users("dbc_update", r#"key:p01 patch_json:{"year":9}"#),
        on_users("dbc_delete_many", r#"where_json:{"year":1}"#),
    ];
    let replies = world.all_at_once(&lines);
    assert!(replies[2].starts_with("Updated 2 rows"), "{replies:?}");
    assert!(replies[3].starts_with("Deleted 2 rows"), "{replies:?}");
    assert!(replies[5].starts_with("Deleted 9 rows"), "{replies:?}");
    assert_eq!(count(&mut world, "{}"), "20 rows");
}

#[test]
fn rows_that_match_and_go_along_are_counted_once() {
    let mut world = World::with_table(4);
    world.ok(&on_users(
        "dbc_schema_set",
        r#"schema_json:{"properties":{"up":{"ref":"users","on_delete":"cascade"}}}"#,
    ));
    for (key, row) in [("a", "{}"), ("b", r#"{"up":"a"}"#), ("c", r#"{"up":"b"}"#)] {
        world.ok(&on_users(
            "dbc_insert",
            &format!("key:{key} value_json:{row}"),
        ));
    }
    // `c` goes along; `a` and `b` match.
    let reply = world.ok(&on_users(
        "dbc_delete_many",
        r#"where_json:{"id":{"$in":["a","b"]}}"#,
    ));
    assert!(reply.starts_with("Deleted 2 rows"), "{reply}");
    assert!(reply.contains("since they named it: 1 row."), "{reply}");
    assert_eq!(count(&mut world, "{}"), "0 rows");
}
