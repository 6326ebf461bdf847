//! Indexes: what they forbid, and what their channels show, whatever happens in between.

use std::collections::BTreeMap;

use crate::crud::{on_users, refused};
use crate::erase::{HARD_DELETE, insert_secret, no_copy_is_left};
use crate::world::{World, get};
use serde_json::{Value, json};

pub const INDEX: &str = "idx-users-email";

fn put(world: &mut World, row: &Value) {
    let key = row["id"].as_str().unwrap();
    world.ok(&on_users(
        "dbc_insert",
        &format!("key:{key} mode:upsert value_json:{row}"),
    ));
}

fn create(world: &mut World, rest: &str) -> String {
    world.ok(&on_users("dbc_index_create", rest))
}

/// A table with an index over `email` and three rows.
pub fn with_index(seed: u64, rest: &str) -> World {
    let mut world = World::with_table(seed);
    for row in [
        json!({"id": "a", "email": "a@x"}),
        json!({"id": "b", "email": ["b@x", "bb@x"]}),
        json!({"id": "c"}),
    ] {
        put(&mut world, &row);
    }
    create(&mut world, &format!("field:email {rest}"));
    world
}

/// What an index's channel shows: by key, the values as JSON. One message a row.
#[track_caller]
pub fn shows(world: &World, channel: &str) -> BTreeMap<String, Vec<String>> {
    let mut shown = BTreeMap::new();
    for message in world.messages(channel) {
        let key = message
            .strip_prefix("**")
            .and_then(|rest| rest.split_once("** · rev "));
        let (key, _) = key.unwrap_or_else(|| panic!("no entry: {message}"));
        let values = message.lines().filter_map(|line| {
            let (value, token) = line.strip_prefix('`')?.rsplit_once("` ")?;
            assert!(token.starts_with("dx") && token.len() == 18, "{line}");
            Some(value.to_owned())
        });
        let before = shown.insert(key.to_owned(), values.collect());
        assert!(before.is_none(), "{key} is there twice");
    }
    shown
}

fn entries(of: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    let own = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
    of.iter()
        .map(|(key, values)| ((*key).to_owned(), own(values)))
        .collect()
}

fn first_three() -> BTreeMap<String, Vec<String>> {
    entries(&[
        ("a", &["\"a@x\""]),
        ("b", &["\"b@x\"", "\"bb@x\""]),
        ("c", &["nothing"]),
    ])
}

#[test]
fn its_channel_shows_the_values_of_rows_that_were_there_and_that_come() {
    let mut world = with_index(1, "");
    put(&mut world, &json!({"id": "d", "email": 1}));
    world.settle();
    let mut expected = first_three();
    expected.extend(entries(&[("d", &["1"])]));
    assert_eq!(shows(&world, INDEX), expected);
    let message = &world.messages(INDEX)[0];
    assert!(
        message.contains("[row](<https://discord.com/channels/"),
        "{message}"
    );
    let card = world.messages("dbc-catalog");
    assert!(
        card.iter()
            .any(|card| card.starts_with("**users** · index over `email`\nValues: <#")),
        "{card:?}"
    );

    put(&mut world, &json!({"id": "a", "email": "other"}));
    world.ok(&on_users("dbc_delete", "key:b"));
    world.settle();
    expected.extend(entries(&[("a", &["\"other\""])]));
    expected.remove("b");
    assert_eq!(shows(&world, INDEX), expected);
    world.ok(&on_users("dbc_restore_row", "key:b rev:1"));
    world.settle();
    expected.extend(entries(&[("b", &["\"b@x\"", "\"bb@x\""])]));
    assert_eq!(shows(&world, INDEX), expected);
    let inspection = world.ok("/dbc_inspect database:prod");
    assert!(
        inspection.contains("index `email` · values: 5 · <#"),
        "{inspection}"
    );
}

#[test]
fn a_change_of_another_field_leaves_its_message_alone() {
    let mut world = with_index(2, "");
    world.settle();
    let before = world.messages(INDEX);
    world.ok(&on_users(
        "dbc_update",
        r#"key:a patch_json:{"name":"Ada"}"#,
    ));
    world.settle();
    assert_eq!(world.messages(INDEX), before);
    // Also where the row was not in memory.
    world.evict();
    world.ok(&on_users(
        "dbc_update",
        r#"key:a patch_json:{"name":"Eve"}"#,
    ));
    world.settle();
    assert_eq!(world.messages(INDEX), before);
}

#[test]
fn whatever_happens_to_object_or_channel_it_shows_the_values_once() {
    let mut world = with_index(3, "");
    world.settle();
    type Misfortune = fn(&mut World);
    let misfortunes: [Misfortune; 6] = [
        World::evict,
        World::lose_storage,
        |world| world.delete_channel(INDEX),
        // Found when it is to be edited.
        |world| world.delete_message(INDEX, "**d**"),
        |world| {
            world.delete_channel(INDEX);
            world.lose_storage();
        },
        |world| {
            world.delete_message(INDEX, "**b**");
            world.lose_storage();
        },
    ];
    for (at, misfortune) in misfortunes.iter().enumerate() {
        misfortune(&mut world);
        put(&mut world, &json!({"id": "d", "email": at}));
        world.settle();
        let mut expected = first_three();
        expected.extend(entries(&[("d", &[&at.to_string()])]));
        assert_eq!(shows(&world, INDEX), expected, "misfortune {at}");
        world.wait(400_000);
    }
}

#[test]
fn an_object_that_dies_after_it_was_made_leaves_it_to_the_next() {
    for wiped in [false, true] {
        let mut world = World::with_table(4);
        put(&mut world, &json!({"id": "a", "email": "a@x"}));
        world.settle();
        // The row stands in a checkpoint, the index in the log after it.
        create(&mut world, "field:email unique:true");
        world.evict();
        if wiped {
            world.lose_storage();
        }
        let again = r#"key:b value_json:{"id":"b","email":"a@x"}"#;
        let reply = world.refused(&on_users("dbc_insert", again));
        assert!(reply.contains("row `a` has that already"), "{reply}");
        assert!(reply.contains("Nothing was written"), "{reply}");
        world.settle();
        assert_eq!(shows(&world, INDEX), entries(&[("a", &["\"a@x\""])]));
    }
}

#[test]
fn rows_that_clash_keep_a_unique_index_from_being_made() {
    let mut world = World::with_table(6);
    for row in [
        json!({"id": "a", "email": "same"}),
        json!({"id": "b", "email": ["same", 1]}),
        json!({"id": "c", "n": [1, 2], "m": [3, 4]}),
        json!({"id": "d"}),
    ] {
        put(&mut world, &row);
    }
    for (rest, words) in [
        (
            "field:email unique:true",
            vec!["`\"same\"` in rows `a`, `b`", "nothing in rows `c`, `d`"],
        ),
        (
            "field:email unique:true sparse:true",
            vec!["`\"same\"` in rows `a`, `b`."],
        ),
        ("field:n,m", vec!["row `c`", "lists in both `n` and `m`"]),
        ("field:a..b", vec!["`a..b` is no path to index"]),
        ("field:$a", vec!["cannot begin with `$`"]),
    ] {
        refused(&mut world, &on_users("dbc_index_create", rest), &words);
    }
    create(&mut world, "field:n unique:true sparse:true");
    refused(
        &mut world,
        &on_users("dbc_index_create", "field:n"),
        &["over `n` already (unique, sparse)"],
    );
    refused(
        &mut world,
        &on_users("dbc_index_drop", "field:m"),
        &["no index over `m`", "Did you mean `n`?"],
    );
    put(&mut world, &json!({"id": "c", "n": [1, 2], "m": 3}));
    create(&mut world, "field:n,m");
    refused(
        &mut world,
        &on_users("dbc_insert", r#"key:f value_json:{"n":[9,8],"m":[1,2]}"#),
        &["lists in both `n` and `m`", "`n,m`"],
    );
    world.settle();
    let expected = entries(&[("c", &["1", "2"])]);
    assert_eq!(shows(&world, "idx-users-n"), expected);
}

#[test]
fn it_follows_its_table_and_goes_with_it() {
    let mut world = with_index(7, "");
    create(&mut world, "field:name");
    world.settle();
    world.ok("/dbc_table_rename database:prod table:users to:people");
    world.settle();
    assert_eq!(shows(&world, "idx-people-email"), first_three());
    world.ok("/dbc_index_drop database:prod table:people field:name");
    world.settle();
    assert!(world.channel("idx-people-name").is_none());
    world.lose_storage();
    world.ok("/dbc_insert database:prod table:people key:n value_json:{\"email\":\"n@x\"}");
    world.settle();
    assert!(world.channel("idx-people-name").is_none());
    assert_eq!(shows(&world, "idx-people-email").len(), 4);
    world.ok("/dbc_table_drop database:prod table:people confirm:people");
    world.settle();
    assert!(world.channel("idx-people-email").is_none());
    assert_eq!(world.messages("dbc-catalog").len(), 0);
}

#[test]
fn a_table_without_messages_has_an_index_without_a_channel() {
    let mut world = World::with_table(8);
    world.ok("/dbc_table_create database:prod table:quiet pk:id mirror:false");
    world.ok("/dbc_index_create database:prod table:quiet field:n unique:true");
    world.ok("/dbc_insert database:prod table:quiet key:a value_json:{\"n\":1}");
    world.settle();
    world.evict();
    let again = "/dbc_insert database:prod table:quiet key:b value_json:{\"n\":1}";
    refused(&mut world, again, &["row `a` has that already"]);
    assert!(world.channel("idx-quiet-n").is_none());
}

#[test]
fn no_copy_is_left_of_a_value_whose_row_was_deleted_for_good() {
    for wiped in [false, true] {
        let mut world = World::with_table(9);
        create(&mut world, "field:word");
        world.ok(&insert_secret("s"));
        world.ok(&insert_secret("other"));
        world.ok(&on_users("dbc_delete", "key:other hard:true"));
        world.settle();
        assert_eq!(shows(&world, "idx-users-word").len(), 1);
        if wiped {
            world.lose_storage();
        }
        world.ok(HARD_DELETE);
        world.settle();
        world.wait(400_000);
        no_copy_is_left(&world);
        assert_eq!(shows(&world, "idx-users-word").len(), 0);
        let inspection = world.ok("/dbc_inspect database:prod");
        assert!(
            !inspection.contains("copies still being removed"),
            "{inspection}"
        );
    }
}

#[test]
fn damaged_files_of_a_checkpoint_are_made_up_for() {
    let mut world = with_index(10, "unique:true");
    world.settle();
    let log = world.channel_id("dbc-log");
    let files: Vec<String> = world.state()["channels"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|channel| channel["id"] == json!(log))
        .flat_map(|channel| channel["messages"].as_array().unwrap().clone())
        .filter(|message| !message["attachments"].as_array().unwrap().is_empty())
        .map(|message| message["id"].as_str().unwrap().to_owned())
        .collect();
    assert!(!files.is_empty());
    for file in files {
        world.by_hand("DELETE", &format!("/channels/{log}/messages/{file}"), None);
    }
    let entries = world.channel_id(INDEX);
    let posted = |world: &World| {
        let is_post = |request: &&(String, String, Option<u16>)| {
            request.0 == "POST" && request.1.contains(&format!("/{entries}/messages"))
        };
        world.requests().iter().filter(is_post).count()
    };
    let before = posted(&world);
    world.evict();
    world.ok(&get("a"));
    refused(
        &mut world,
        &on_users("dbc_insert", r#"key:d value_json:{"email":"bb@x"}"#),
        &["row `b` has that already"],
    );
    world.settle();
    assert_eq!(shows(&world, INDEX), first_three());
    // The channel is read from its beginning, for the messages are still there.
    assert_eq!(posted(&world), before);
}

/// The keys in a reply, in their order.
fn keys(reply: &str) -> Vec<String> {
    let block = reply.split("```").nth(1).unwrap_or_default();
    let lines = block.lines().skip(3);
    let keys = lines.filter_map(|line| line.split_whitespace().next());
    keys.map(str::to_owned).collect()
}

fn with_people(seed: u64, indexes: &[&str]) -> World {
    let mut world = World::with_table(seed);
    let people: Vec<Value> = (0..60)
        .map(|n| {
            let row = json!({"age": 20 + n / 3, "team": n % 4, "name": format!("n{:02}", 59 - n)});
            json!({"op": "insert", "table": "users", "key": format!("p{n:02}"), "value": row})
        })
        .collect();
    for some in people.chunks(20) {
        let some = Value::from(some);
        world.ok(&format!("/dbc_transact database:prod ops_json:{some}"));
    }
    for index in indexes {
        create(&mut world, &format!("field:{index}"));
    }
    world
}

#[test]
fn what_an_index_finds_is_what_a_look_at_all_rows_finds() {
    let indexes = ["age", "team,name", "name unique:true"];
    let mut with = with_people(11, &indexes);
    let mut without = with_people(11, &[]);
    for (question, plan) in [
        (r#"where_json:{"age":25}"#, "INDEX age"),
        (r#"where_json:{"age":{"$gt":25,"$lte":28}}"#, "INDEX age"),
        (
            r#"where_json:{"age":{"$in":[20,39,99]}} sort:-name"#,
            "INDEX age",
        ),
        (
            r#"where_json:{"team":2} sort:name limit:5"#,
            "INDEX team,name",
        ),
        (
            r#"where_json:{"team":2} sort:-name limit:5"#,
            "INDEX team,name",
        ),
        (
            r#"where_json:{"team":2} sort:-name limit:5 skip:4"#,
            "INDEX team,name",
        ),
        ("sort:age limit:7", "INDEX age"),
        ("sort:-age limit:7", "INDEX age"),
        (
            r#"sort:-age limit:7 where_json:{"team":1}"#,
            "INDEX team,name",
        ),
        (r#"where_json:{"id":"p07"}"#, "KEYS"),
        (
            r#"where_json:{"name":"n07","age":{"$gt":1}}"#,
            "INDEX name (unique)",
        ),
    ] {
        let select = "select:name";
        let find = on_users("dbc_find", &format!("{question} {select}"));
        let (a, b) = (with.ok(&find), without.ok(&find));
        assert_eq!(keys(&a), keys(&b), "{question}");
        assert!(!keys(&a).is_empty(), "{question}: {a}");
        assert!(a.contains(&format!("by `{plan}`")), "{question}: {a}");
        let explained = with.ok(&on_users("dbc_explain", question));
        assert!(
            explained.starts_with(&format!("**Plan** for `prod.users`: `{plan}`")),
            "{explained}"
        );
        // The figures are those of the run.
        let looked = |reply: &str| {
            reply
                .split("looked at ")
                .nth(1)
                .and_then(|r| r.split(" row").next().map(str::to_owned))
        };
        let examined = looked(&a).unwrap();
        assert!(
            explained.contains(&format!("{examined} row")),
            "{explained}\n{a}"
        );
    }
    // Page by page, up and down.
    for sort in ["age", "-age", "-name", "name", "team,name"] {
        let mut paged = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = with.ok(&on_users(
                "dbc_find",
                &format!("sort:{sort} limit:7 select:name{cursor}"),
            ));
            assert!(page.contains("by `INDEX"), "{page}");
            paged.extend(keys(&page));
            match page.split("`cursor:").nth(1) {
                Some(rest) => cursor = format!(" cursor:{}", rest.split('`').next().unwrap()),
                None => break,
            }
        }
        let all = without.ok(&on_users(
            "dbc_find",
            &format!("sort:{sort} limit:100 select:name"),
        ));
        assert_eq!(paged, keys(&all), "{sort}");
    }
    let count = with.ok(&on_users("dbc_count", r#"where_json:{"age":25}"#));
    assert!(
        count.starts_with("3 rows in `prod.users` · looked at 3 rows in memory by `INDEX age`"),
        "{count}"
    );
    let distinct = with.ok(&on_users(
        "dbc_distinct",
        r#"field:team where_json:{"age":25}"#,
    ));
    assert!(distinct.contains("looked at 3 rows"), "{distinct}");
    let explained = with.ok(&on_users("dbc_explain", r#"where_json:{"age":25}"#));
    for part in [
        "not taken:",
        "`SCAN` · 60 rows",
        "`INDEX team,name` · the filter has no condition",
        "looked at: 3 values of the index, 3 rows",
        "requests to Discord: 0 (the table was in memory)",
        "exact as of commit #",
    ] {
        assert!(explained.contains(part), "{part}: {explained}");
    }
    with.settle();
    with.evict();
    let cold = with.ok(&on_users("dbc_explain", r#"where_json:{"age":25}"#));
    assert!(
        cold.contains("(the table was loaded for it)") && !cold.contains("requests to Discord: 0"),
        "{cold}"
    );
}

#[test]
fn a_pipeline_finds_its_rows_by_its_first_stage() {
    let mut world = with_people(12, &["age"]);
    let pipeline = r#"pipeline_json:[{"$match":{"age":{"$lt":22}}},{"$group":{"_id":"$team","n":{"$count":{}}}}]"#;
    let reply = world.ok(&on_users("dbc_aggregate", pipeline));
    assert!(
        reply.contains("looked at 6 rows in memory by `INDEX age`"),
        "{reply}"
    );
    let explained = world.ok(&on_users("dbc_explain", pipeline));
    for part in [
        "`INDEX age`",
        "→ pipeline",
        "6 values of the index, 6 rows · returned: 4 rows",
    ] {
        assert!(explained.contains(part), "{part}: {explained}");
    }
    let both = format!("{pipeline} sort:age");
    refused(
        &mut world,
        &on_users("dbc_explain", &both),
        &["`pipeline_json`"],
    );
}
