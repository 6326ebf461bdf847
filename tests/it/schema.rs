//! Schemas of tables: set, versioned, shown, kept by checkpoints, and what they do to writes.

use crate::crud::{on_users, refused, shown, unnumbered, with_file};
use crate::world::{World, get, insert};
use serde_json::{Value, json};

fn set(schema: &Value, rest: &str) -> String {
    on_users("dbc_schema_set", &format!("schema_json:{schema}{rest}"))
}

fn put(key: &str, value: &Value) -> String {
    on_users("dbc_insert", &format!("key:{key} value_json:{value}"))
}

fn strict() -> Value {
    json!({
        "required": ["id", "email"],
        "properties": {
            "id": "str",
            "email": "str",
            "age": {"type": "int", "minimum": 0},
            "role": {"enum": ["pupil", "teacher"], "default": "pupil"},
        },
    })
}

/// Waits until a checkpoint has everything.
pub fn to_checkpoint(world: &mut World) {
    let before = world.checkpoints();
    world.settle();
    assert!(world.checkpoints() > before, "no checkpoint was taken");
}

const SHOW: &str = "/dbc_schema_show database:prod table:users";

#[test]
fn every_way_of_writing_is_held_against_the_schema() {
    let mut world = World::with_table(1);
    world.ok(&put("old", &json!({"email": "o"})));
    world.ok(&on_users("dbc_update", r#"key:old patch_json:{"age":"x"}"#));
    world.ok(&on_users("dbc_update", r#"key:old patch_json:{"age":1}"#));
    let reply = world.ok(&set(&strict(), ""));
    assert_eq!(
        unnumbered(&reply),
        "The schema of `prod.users` is version 1, strict (commit #N). The 1 row that there is fits it."
    );
    world.ok(&put("a", &json!({"email": "a"})));
    assert_eq!(
        shown(&world.ok(&get("a"))),
        json!({"id": "a", "email": "a", "role": "pupil"})
    );
    let nothing = "Nothing was written";
    for (line, words) in [
        (put("b", &json!({})), vec!["`email`", "`value_json`"]),
        (
            put("b", &json!({"email": 7})),
            vec!["`email`", "is `7`"],
        ),
        (
            format!("{} mode:upsert", put("a", &json!({"email": "a", "age": -1}))),
            vec!["`age`", "`-1`", "at least 0"],
        ),
        (
            format!("{} mode:replace", put("a", &json!({"email": null}))),
            vec!["`email`"],
        ),
        (
            on_users("dbc_update", r#"key:a patch_json:{"email":null}"#),
            vec!["`email`", "`patch_json`"],
        ),
        (
            on_users("dbc_update", r#"key:a patch_json:{"$set":{"role":"x"}}"#),
            vec!["`role`", "`x`"],
        ),
        (
            on_users("dbc_restore_row", "key:old rev:2"),
            vec!["`age`", "`rev`"],
        ),
        (
            r#"/dbc_transact database:prod ops_json:[{"op":"insert","table":"users","key":"c","value":{"email":"c"}},{"op":"update","table":"users","key":"c","patch":{"age":0.5}}]"#.to_owned(),
            vec!["operation 2 of 2", "`age`", "`0.5`"],
        ),
    ] {
        let mut words = words;
        words.extend([nothing, "schema of table `users`"]);
        refused(&mut world, &line, &words);
    }
    // The schema of another table is no concern of theirs.
    world.ok("/dbc_table_create database:prod table:posts pk:id");
    world.ok("/dbc_insert database:prod table:posts key:p value_json:{}");
    world.ok(&on_users(
        "dbc_update",
        r#"key:a patch_json:{"$unset":{"role":1},"$inc":{"age":3}}"#,
    ));
    // A property that is missing again gets its default again.
    assert_eq!(
        shown(&world.ok(&get("a"))),
        json!({"id": "a", "email": "a", "age": 3, "role": "pupil"})
    );
}

#[test]
fn rows_that_break_it_are_named_and_forbid_a_strict_schema() {
    let mut world = World::with_table(2);
    for n in 0..8 {
        world.ok(&put(&format!("u{n}"), &json!({"email": n})));
    }
    world.ok(&put("fine", &json!({"email": "f"})));
    refused(
        &mut world,
        &set(&strict(), ""),
        &[
            "8 of 9 rows",
            "row `u0`: `email`",
            "row `u4`",
            "and 3 more",
            "validate:warn",
            "Nothing was written",
        ],
    );
    let told = world.refused(SHOW);
    assert!(told.contains("never had a schema"), "{told}");
    let reply = world.ok(&set(&strict(), " validate:warn"));
    assert!(reply.contains("version 1, warn (commit #"), "{reply}");
    assert!(
        reply.contains("⚠️ 8 of 9 rows do not fit it: row `u0`"),
        "{reply}"
    );
    let reply = world.ok(&put("w", &json!({"email": 1})));
    assert!(reply.starts_with("Stored `w`"), "{reply}");
    assert!(
        reply.contains("⚠️ `w`: ") && reply.contains("`email`"),
        "{reply}"
    );
    assert_eq!(
        shown(&world.ok(&get("w"))),
        json!({"id": "w", "email": 1, "role": "pupil"})
    );
    let reply = world.ok(&put("v", &json!({"email": "v"})));
    assert!(!reply.contains('⚠'), "{reply}");
    let ops: Vec<Value> = (0..9)
        .map(|n| json!({"op": "update", "table": "users", "key": "w", "patch": {"age": n as f64 + 0.5}}))
        .collect();
    let reply = world.ok(&format!(
        "/dbc_transact database:prod ops_json:{}",
        json!(ops)
    ));
    assert!(reply.contains("⚠️ and 4 more"), "{reply}");
    let reply = world.ok(&set(&strict(), " validate:off"));
    assert!(
        reply.contains("version 2, off") && !reply.contains('⚠'),
        "{reply}"
    );
    world.ok(&put("x", &json!({"role": 7})));
    assert_eq!(shown(&world.ok(&get("x"))), json!({"id": "x", "role": 7}));
    world.ok(&set(&json!({"properties": {"id": "str"}}), ""));
    refused(
        &mut world,
        &set(&strict(), ""),
        &["10 of 12 rows", "Nothing was written"],
    );
}

#[test]
fn versions_are_kept_over_everything_and_the_same_schema_is_none() {
    for as_text in [false, true] {
        let mut world = World::with_table(3);
        if as_text {
            world.refuse_files();
        }
        world.ok(&insert("a"));
        world.ok(&set(&json!({"properties": {"n": "int"}}), ""));
        let reply = world.ok(&set(&json!({"properties": {"n": "int"}}), ""));
        assert!(reply.contains("already: version 1, strict"), "{reply}");
        world.ok(&set(&json!({"properties": {"n": "int"}}), " validate:warn"));
        world.ok(&on_users("dbc_schema_set", "remove:true"));
        let reply = world.ok(&on_users("dbc_schema_set", "remove:true"));
        assert!(reply.contains("has no schema. Nothing"), "{reply}");
        world.ok(&insert("free"));
        world.ok(&on_users("dbc_update", r#"key:free patch_json:{"n":"x"}"#));
        world.ok(&on_users("dbc_delete", "key:free"));
        let long: String = "long ".repeat(1_000);
        world.ok(&set(
            &json!({"description": long, "properties": {"n": "int"}}),
            "",
        ));
        let answers = |world: &mut World| {
            let versions = (1..=4).map(|n| world.ok(&format!("{SHOW} version:{n}")));
            let mut answers: Vec<String> = versions.collect();
            answers.push(world.ok(SHOW));
            answers
        };
        let before = answers(&mut world);
        let first = &before[0];
        assert!(first.contains("version 1 · strict · sum "), "{first}");
        assert!(
            first.contains(" by <@") && first.contains("commit #"),
            "{first}"
        );
        assert_eq!(shown(first), json!({"properties": {"n": "int"}}));
        assert!(
            before[2].contains("version 3 · taken away"),
            "{}",
            before[2]
        );
        assert!(before[4].contains("it is in the file"), "{}", before[4]);
        assert_eq!(before[4], before[3]);
        world.evict();
        assert_eq!(answers(&mut world), before);
        to_checkpoint(&mut world);
        for lose in [World::evict, World::lose_storage] {
            lose(&mut world);
            assert_eq!(answers(&mut world), before, "as text: {as_text}");
            refused(
                &mut world,
                &on_users("dbc_update", r#"key:a patch_json:{"n":"x"}"#),
                &["`n`", "a whole number"],
            );
        }
        let card = world.messages("dbc-catalog").join("\n");
        assert!(card.contains("Schema: version 4, strict"), "{card}");
        let inspected = world.ok("/dbc_inspect database:prod");
        assert!(
            inspected.contains("schema: version 4, strict"),
            "{inspected}"
        );
        let told = world.refused(&format!("{SHOW} version:9"));
        assert!(told.contains("The newest is 4"), "{told}");
        // The next one counts on, and what was checkpointed stays.
        world.ok(&set(&json!({}), ""));
        let reply = world.ok(SHOW);
        assert!(
            reply.contains("version 5") && reply.contains("version 1 "),
            "{reply}"
        );
    }
}

#[test]
fn who_does_not_know_schemas_is_kept_from_databases_that_have_some() {
    let mut world = World::with_table(7);
    let records = |world: &World, what: &str| {
        let mut log = world.messages("dbc-log");
        log.retain(|text| text.starts_with('#') && text.contains(what));
        log.pop().expect("a record")
    };
    world.ok(&insert("a"));
    to_checkpoint(&mut world);
    assert!(records(&world, "checkpoint").contains(r#"{"v":1,"#));
    world.ok(&set(&json!({}), ""));
    world.ok(&insert("b"));
    to_checkpoint(&mut world);
    assert!(records(&world, "users set_schema").contains(r#"{"v":2,"#));
    assert!(records(&world, "users/b put").contains(r#"{"v":1,"#));
    assert!(records(&world, "checkpoint").contains(r#"{"v":2,"#));
    // Its history is part of the table as long as that is there.
    world.ok(&on_users("dbc_schema_set", "remove:true"));
    to_checkpoint(&mut world);
    assert!(records(&world, "checkpoint").contains(r#"{"v":2,"#));
    world.ok(&on_users("dbc_table_drop", "confirm:users"));
    to_checkpoint(&mut world);
    assert!(records(&world, "checkpoint").contains(r#"{"v":1,"#));
}

#[test]
fn keys_are_numbers_where_the_schema_says_so() {
    let mut world = World::with_table(4);
    world.ok(&set(
        &json!({"required": ["id"], "properties": {"id": "int"}}),
        "",
    ));
    world.ok(&put("12", &json!({"a": 1})));
    assert_eq!(shown(&world.ok(&get("12"))), json!({"id": 12, "a": 1}));
    world.ok(&put("-7", &json!({})));
    assert_eq!(shown(&world.ok(&get("-7"))), json!({"id": -7}));
    world.ok(&put("18446744073709551615", &json!({})));
    world.ok(&on_users("dbc_update", r#"key:12 patch_json:{"a":2}"#));
    for key in ["012", "-0", "x", "1.0", "18446744073709551616", "1e3"] {
        refused(
            &mut world,
            &put(key, &json!({})),
            &["`id`", "a whole number"],
        );
    }
    refused(&mut world, &put("9", &json!({"id": "9"})), &["`id`"]);
    refused(&mut world, &put("9", &json!({"id": 8})), &["`key`", "`8`"]);
    refused(
        &mut world,
        &set(&json!({"properties": {"id": "str"}}), ""),
        &["3 of 3 rows", "row `-7`"],
    );
    for (schema, words) in [
        (
            json!({"properties": {"id": "float"}}),
            ["`id`", "string or a whole number"],
        ),
        (
            json!({"properties": {"id": {"type": "int", "default": 1}}}),
            ["`id`", "default"],
        ),
        (
            json!({"properties": {}, "additionalProperties": false}),
            ["`id`", "not among"],
        ),
        (json!({"properteis": {}}), ["`properteis`", "`properties`"]),
        (json!({"properties": {"a": "strr"}}), ["`strr`", "`str`"]),
    ] {
        for mode in ["", " validate:off"] {
            refused(&mut world, &set(&schema, mode), &words);
        }
    }
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let mut world = World::with_table(5);
    for (rest, words) in [
        ("", ["`schema_json`", "`schema_file`"]),
        ("remove:true schema_json:{}", ["`remove`", "neither"]),
        ("remove:true validate:warn", ["`remove`", "neither"]),
        ("schema_json:[]", ["`schema_json`", "object"]),
        ("schema_json:{", ["`schema_json`", "line 1"]),
        (
            r#"schema_json:{"type":"list"}"#,
            ["`schema_json`", "a row is an object"],
        ),
    ] {
        refused(&mut world, &on_users("dbc_schema_set", rest), &words);
    }
    refused(
        &mut world,
        "/dbc_schema_set database:prod table:usres schema_json:{}",
        &["`usres`", "`users`"],
    );
    refused(
        &mut world,
        "/dbc_schema_show database:prod table:usres",
        &["`usres`", "`users`"],
    );
    let line = on_users("dbc_schema_set", "schema_file:@f");
    let large = json!({"description": "x".repeat(20_000)}).to_string();
    let told = with_file(&mut world, &line, large);
    assert!(
        told.contains("`schema_file`") && told.contains("16"),
        "{told}"
    );
    let told = with_file(&mut world, &line, "{}");
    assert!(told.contains("version 1"), "{told}");
}

#[test]
fn a_schema_and_writes_that_arrive_at_once_keep_their_order() {
    let mut world = World::with_table(6);
    world.ok(&insert("a"));
    let lines = [
        put("before", &json!({"n": 1})),
        set(&json!({"properties": {"n": "int"}}), ""),
        put("after", &json!({"n": "x"})),
        put("fine", &json!({"n": 2})),
    ];
    let replies = world.all_at_once(&lines);
    assert!(replies[0].starts_with("Stored"), "{}", replies[0]);
    assert!(replies[1].contains("All 2 rows fit it"), "{}", replies[1]);
    assert!(replies[2].contains("`n`"), "{}", replies[2]);
    assert!(replies[3].starts_with("Stored"), "{}", replies[3]);
    world.evict();
    world.ok(&get("before"));
    world.refused(&get("after"));
}

#[test]
fn how_a_schema_is_enforced_can_be_changed_alone() {
    let mut world = World::with_table(30);
    let alone = |mode: &str| on_users("dbc_schema_set", &format!("validate:{mode}"));
    refused(&mut world, &alone("warn"), &["never had a schema"]);
    world.ok(&set(&strict(), " validate:off"));
    world.ok(&put("a", &json!({"email": 7})));
    // The rows are held against it as if it were new.
    refused(
        &mut world,
        &alone("strict"),
        &["1 of 1 rows", "`a`", "Nothing was written"],
    );
    let reply = world.ok(&alone("warn"));
    assert!(reply.contains("is version 2, warn"), "{reply}");
    let stored = world.ok(&put("b", &json!({"email": 7})));
    assert!(stored.contains("⚠️"), "{stored}");
    let reply = world.ok(&alone("warn"));
    assert!(reply.contains("Nothing was written"), "{reply}");
    world.ok(&on_users("dbc_schema_set", "remove:true"));
    refused(&mut world, &alone("warn"), &["`validate`", "has no schema"]);
}

#[test]
fn of_two_changes_at_once_none_brings_back_what_the_other_replaced() {
    let mut world = World::with_table(31);
    world.ok(&set(&strict(), ""));
    let other = json!({"properties": {"email": "str"}});
    let lines = [set(&other, ""), on_users("dbc_schema_set", "validate:warn")];
    let replies = world.all_at_once(&lines);
    assert!(replies[0].contains("version 2"), "{replies:?}");
    assert!(
        replies[1].contains("changed meanwhile") || replies[1].contains("version 3, warn"),
        "{replies:?}"
    );
    let shown = world.ok(SHOW);
    assert!(!shown.contains("pupil"), "{shown}");
}
