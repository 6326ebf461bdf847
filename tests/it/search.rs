//! Rows from messages instead of memory: found with Discord's search, or by reading the table's channel.

use std::collections::BTreeSet;

use crate::crud::on_users;
use crate::world::World;
use discord_sim::{Fault, FaultKind, SearchOddity, SearchPlan};
use serde_json::{Value, json};

/// From now on, search is as odd as this.
pub fn search_is(world: &World, plan: SearchPlan) {
    let set = world.with_discord(|discord| discord.set_search_plan(plan));
    set.expect("a plan");
}

/// Puts these rows into the table; all of them are shown and in a checkpoint then.
pub fn with_rows(world: &mut World, rows: impl IntoIterator<Item = Value>) {
    let op = |row: Value| {
        json!({"op": "insert", "table": "users", "key": row["id"], "value": row}).to_string()
    };
    let mut some = String::new();
    let mut put = |some: &str| world.ok(&format!("/dbc_transact database:prod ops_json:[{some}]"));
    for op in rows.into_iter().map(op) {
        if some.len() + op.len() > 5_500 {
            put(&some);
            some.clear();
        }
        if !some.is_empty() {
            some.push(',');
        }
        some.push_str(&op);
    }
    put(&some);
    world.settle();
}

fn people(seed: u64) -> World {
    let mut world = World::with_table(seed);
    search_is(&world, SearchPlan::calm());
    with_rows(
        &mut world,
        [
            json!({"id": "a", "name": "Ada Lovelace", "age": 36, "tags": ["math", "code"]}),
            json!({"id": "b", "name": "Bob", "age": 17, "note": "first\nsecond line"}),
            json!({"id": "c", "name": "Cy Twombly", "age": 52, "address": {"city": "Oslo"}}),
            json!({"a_text": "long ".repeat(600), "id": "d", "name": "Dee", "age": 17, "tags": ["code"]}),
        ],
    );
    world
}

/// The keys that a question finds, in their order, and the reply.
#[track_caller]
pub fn found(world: &mut World, question: &str) -> (Vec<String>, String) {
    let view = world.run(&on_users("dbc_find", &format!("select:id {question}")));
    let reply = crate::world::content(&view);
    assert!(!reply.starts_with('❌'), "{question}: {reply}");
    let block = match world.reply_file(&view) {
        Some(file) => file,
        None => reply.split("```").nth(1).unwrap_or_default().to_owned(),
    };
    let key = |line: &str| match serde_json::from_str::<Value>(line.trim_end_matches(',')) {
        Ok(document) => document["id"].as_str().map(str::to_owned),
        Err(_) => line.split_whitespace().next().map(str::to_owned),
    };
    let keys = block.lines().skip(1).filter_map(key);
    let keys = keys.filter(|key| key != "id" && !key.starts_with("--") && key != "]");
    (keys.collect(), reply)
}

fn explained(world: &mut World, question: &str) -> String {
    world.ok(&on_users("dbc_explain", question))
}

/// The requests that a command sends.
fn requests(world: &mut World, command: &str) -> usize {
    let before = world.requests().len();
    world.ok(command);
    let sent = world.requests().split_off(before);
    let is_of_it = |(_, path, _): &&(String, String, Option<u16>)| !path.contains("/webhooks/");
    sent.iter().filter(is_of_it).count()
}

fn change(world: &mut World, key: &str, value: &Value) {
    let value = format!("key:{key} mode:upsert value_json:{value}");
    world.ok(&on_users("dbc_insert", &value));
}

/// `find` with each of the ways, from a cold table and from one in memory.
#[track_caller]
fn is_found_every_way(world: &mut World, question: &str, expected: &[&str]) {
    for is_cold in [true, false] {
        for via in ["search", "scan", "memory"] {
            if is_cold {
                world.evict();
            }
            let (keys, reply) = found(world, &format!("{question} via:{via}"));
            assert_eq!(keys, expected, "{question} {via} {is_cold}: {reply}");
            let says_so = reply.contains("eventual");
            assert_eq!(says_so, via != "memory", "{reply}");
        }
    }
}

#[test]
fn every_way_finds_the_same() {
    let mut world = people(1);
    for (question, expected) in [
        (r#"where_json:{"name":"Ada Lovelace"}"#, vec!["a"]),
        (r#"where_json:{"tags":"code"}"#, vec!["a", "d"]),
        (r#"where_json:{"tags":"code"} sort:-name"#, vec!["d", "a"]),
        (
            r#"where_json:{"address.city":"Oslo","age":{"$gt":50}}"#,
            vec!["c"],
        ),
        (
            r#"where_json:{"address.city":"Oslo","age":{"$lt":50}}"#,
            vec![],
        ),
        (
            r#"where_json:{"name":{"$in":["Bob","Dee","Eve"]}}"#,
            vec!["b", "d"],
        ),
        (
            r#"where_json:{"$or":[{"name":"Bob"},{"tags":"math"}]}"#,
            vec!["a", "b"],
        ),
        (r#"where_json:{"$text":"oslo long"}"#, vec!["c", "d"]),
        (r#"where_json:{"$text":"second"}"#, vec!["b"]),
        (r#"where_json:{"$text":"\"cy twombly\" -ada"}"#, vec!["c"]),
    ] {
        is_found_every_way(&mut world, question, &expected);
    }
}

#[test]
fn values_of_an_index_are_searched_for_in_its_channel() {
    let mut world = people(2);
    let tags: Vec<String> = (0..80).map(|n| format!("tag number {n}")).collect();
    change(
        &mut world,
        "e",
        &json!({"id": "e", "age": null, "tags": tags}),
    );
    world.ok(&on_users("dbc_index_create", "field:age"));
    world.ok(&on_users("dbc_index_create", "field:tags"));
    world.ok(&on_users("dbc_index_create", "field:age,name"));
    world.settle();
    for (question, expected) in [
        (r#"where_json:{"age":17}"#, vec!["b", "d"]),
        (r#"where_json:{"age":17.0}"#, vec!["b", "d"]),
        (r#"where_json:{"age":{"$in":[17,52]}}"#, vec!["b", "c", "d"]),
        (r#"where_json:{"age":null}"#, vec!["e"]),
        (r#"where_json:{"tags":null}"#, vec!["b", "c"]),
        // The entry of `e` does not have all of its values.
        (r#"where_json:{"tags":"tag number 79"}"#, vec!["e"]),
        (r#"where_json:{"tags":"code","age":{"$lt":20}}"#, vec!["d"]),
        (r#"where_json:{"age":17,"name":"Dee"}"#, vec!["d"]),
        (r#"where_json:{"age":18}"#, vec![]),
    ] {
        is_found_every_way(&mut world, question, &expected);
        let plan = explained(&mut world, &format!("{question} via:search"));
        assert!(plan.contains("`SEARCH INDEX "), "{plan}");
    }
    world.evict();
    let (_, reply) = found(&mut world, r#"where_json:{"age":17} via:search"#);
    assert!(reply.contains("2 messages read"), "{reply}");
    // Two searches, one page with both rows, and the file of one; and to begin with, who the bot is, and the log.
    world.evict();
    let question = on_users("dbc_count", r#"where_json:{"age":17} via:search"#);
    let cold = requests(&mut world, &question);
    let hot = requests(&mut world, &question);
    assert_eq!((cold > hot, hot), (true, 4), "{cold}");
}

#[test]
fn what_changed_since_is_as_it_is_now() {
    let mut world = people(3);
    let by_name = |name: &str, via: &str| format!(r#"where_json:{{"name":"{name}"}} via:{via}"#);
    world.evict();
    // Nothing of this gets into a channel.
    hold_up_channel(&mut world);
    change(&mut world, "b", &json!({"id": "b", "name": "Robert"}));
    change(&mut world, "n", &json!({"id": "n", "name": "Robert"}));
    world.ok(&on_users("dbc_delete", "key:c"));
    for is_cold in [false, true] {
        for via in ["search", "scan", "memory"] {
            if is_cold {
                world.evict();
            }
            for (name, expected) in [
                ("Robert", vec!["b", "n"]),
                ("Bob", vec![]),
                ("Cy Twombly", vec![]),
                ("Dee", vec!["d"]),
            ] {
                let (keys, reply) = found(&mut world, &by_name(name, via));
                assert_eq!(keys, expected, "{name} {via} {is_cold}: {reply}");
            }
        }
    }
    let (_, reply) = found(&mut world, &by_name("Robert", "search"));
    assert!(reply.contains("2 added from memory"), "{reply}");
    let (_, reply) = found(&mut world, &by_name("Bob", "search"));
    assert!(reply.contains("1 dropped as out of date"), "{reply}");
}

/// From now on, nothing gets into the table's channel, and nothing in it changes.
fn hold_up_channel(world: &mut World) {
    for method in ["POST", "PATCH"] {
        let channel = world.channel_id("table-users");
        world.fault(Fault {
            method: Some(method.to_owned()),
            path: Some(format!("^/channels/{channel}/messages")),
            times: 0,
            ..Fault::new(FaultKind::LostRequest)
        });
    }
}

#[test]
fn a_search_is_behind_and_ghosts_are_not_rows() {
    let mut world = people(4);
    let hour = 60 * 60 * 1_000;
    let plan = SearchPlan::calm()
        .rate(SearchOddity::Lag, 1.0)
        .lasting(SearchOddity::Lag, hour, hour)
        .rate(SearchOddity::Ghost, 1.0)
        .lasting(SearchOddity::Ghost, hour, hour);
    world.wait(2 * hour);
    search_is(&world, plan);
    change(&mut world, "b", &json!({"id": "b", "name": "Robert"}));
    change(&mut world, "n", &json!({"id": "n", "name": "Robert"}));
    world.ok(&on_users("dbc_delete", "key:c"));
    world.settle();
    let by_name = |name: &str| format!(r#"where_json:{{"name":"{name}"}} via:search"#);
    // The table is in memory: what is found wrongly is known to be wrong, and what is not found is missing.
    for (name, expected, dropped) in [
        ("Robert", vec![], false),
        ("Bob", vec![], true),
        // What is found is the message as it is: struck through.
        ("Cy Twombly", vec![], false),
        ("Dee", vec!["d"], false),
    ] {
        let (keys, reply) = found(&mut world, &by_name(name));
        assert_eq!(keys, expected, "{name}: {reply}");
        let said = reply.contains("1 dropped as out of date");
        assert_eq!(said, dropped, "{name}: {reply}");
    }
    let (keys, _) = found(&mut world, r#"where_json:{"name":"Robert"} via:scan"#);
    assert_eq!(keys, ["b", "n"]);
    world.wait(2 * hour);
    let (keys, reply) = found(&mut world, &by_name("Robert"));
    assert_eq!(keys, ["b", "n"], "{reply}");
}

#[test]
fn what_gets_shown_while_it_is_searched_for_is_not_missing() {
    let mut world = people(17);
    let hour = 60 * 60 * 1_000;
    let plan = SearchPlan::calm()
        .rate(SearchOddity::Unindexed, 1.0)
        .lasting(SearchOddity::Unindexed, 7_000, 7_000)
        .rate(SearchOddity::Lag, 1.0)
        .lasting(SearchOddity::Lag, hour, hour);
    world.wait(2 * hour);
    search_is(&world, plan);
    change(&mut world, "n", &json!({"id": "n", "name": "Robert"}));
    world.evict();
    // Its message is there and in a checkpoint before there is an index, and is not in that index.
    let (keys, reply) = found(&mut world, r#"where_json:{"name":"Robert"} via:search"#);
    assert!(reply.contains("Discord had no index yet"), "{reply}");
    // That of a row in a file, which may have every word.
    assert!(reply.contains("1 message read"), "{reply}");
    assert_eq!(keys, ["n"], "{reply}");
}

#[test]
fn an_index_of_the_guild_is_waited_for() {
    let mut world = people(5);
    let building = |least, most| {
        SearchPlan::calm()
            .rate(SearchOddity::Unindexed, 1.0)
            .lasting(SearchOddity::Unindexed, least, most)
    };
    search_is(&world, building(2_500, 2_500));
    let question = r#"where_json:{"name":"Bob"}"#;
    let plan = explained(&mut world, &format!("{question} via:search"));
    assert!(plan.contains("times Discord had no index yet"), "{plan}");
    assert!(plan.contains("returned: 1 row"), "{plan}");
    search_is(&world, building(3_600_000, 3_600_000));
    let reply = world.refused(&on_users("dbc_find", &format!("{question} via:search")));
    assert!(reply.contains("still indexing"), "{reply}");
    let (keys, _) = found(&mut world, question);
    assert_eq!(keys, ["b"]);
}

/// Rows `k000` and so on, every other of them red.
fn colours(seed: u64, count: usize) -> World {
    let mut world = World::with_table(seed);
    search_is(&world, SearchPlan::calm());
    let colour = |n: usize| if n.is_multiple_of(2) { "red" } else { "blue" };
    let row = |n: usize| json!({"id": format!("k{n:03}"), "colour": colour(n), "n": n});
    with_rows(&mut world, (0..count).map(row));
    world
}

/// All pages of a question.
fn all_pages(world: &mut World, question: &str) -> (Vec<String>, usize) {
    let mut all = Vec::new();
    let mut cursor = String::new();
    for page in 1.. {
        let (keys, reply) = found(world, &format!("{question} {cursor}"));
        all.extend(keys);
        let Some((_, next)) = reply.split_once("Next page: `") else {
            return (all, page);
        };
        next.split('`').next().unwrap().clone_into(&mut cursor);
    }
    unreachable!()
}

#[test]
fn hundreds_of_hits_come_in_parts_each_row_once() {
    let mut world = colours(6, 900);
    world.evict();
    let red = r#"where_json:{"colour":"red"}"#;
    let expected: BTreeSet<String> = (0..450).map(|n| format!("k{:03}", 2 * n)).collect();
    let before = world.requests().len();
    let count = world.ok(&on_users("dbc_count", &format!("{red} via:search")));
    assert!(count.starts_with("at least 3"), "{count}");
    assert!(count.contains("there are more to read"), "{count}");
    assert!(world.requests().len() - before <= 26, "{count}");
    for (question, parts) in [
        (format!("{red} via:search limit:1000"), 2),
        (format!("{red} via:search limit:100"), 5),
        (format!("{red} via:search limit:90 sort:-n"), 6),
        (format!("{red} via:scan limit:1000"), 1),
        (format!("{red} via:scan limit:100 sort:n"), 5),
    ] {
        let (keys, pages) = all_pages(&mut world, &question);
        assert_eq!((keys.len(), pages), (450, parts), "{question}");
        assert_eq!(BTreeSet::from_iter(keys), expected, "{question}");
    }
    // Of two searches, none is ahead of the other where a part ends.
    let either = r#"where_json:{"$or":[{"colour":"red"},{"colour":"blue","n":{"$lt":100}}]}"#;
    let (keys, _) = all_pages(&mut world, &format!("{either} via:search limit:1000"));
    assert_eq!(keys.len(), 500);
    assert_eq!(BTreeSet::from_iter(keys).len(), 500);
    // A cursor of a part is of that question and that way only.
    let (_, reply) = found(&mut world, &format!("{red} via:search limit:1000"));
    let cursor = reply.split("`cursor:").nth(1).unwrap();
    let cursor = cursor.split('`').next().unwrap();
    for (question, word) in [
        (
            format!(r#"where_json:{{"colour":"blue"}} via:search cursor:{cursor}"#),
            "another query",
        ),
        (format!("{red} via:scan cursor:{cursor}"), "another way"),
        (format!("{red} via:search cursor:s1.x"), "no cursor"),
        (format!("{red} via:search cursor:s.x"), "another way"),
    ] {
        let reply = world.refused(&on_users("dbc_find", &question));
        assert!(reply.contains(word), "{question}: {reply}");
    }
}

#[test]
fn what_changed_since_is_in_the_first_part_only() {
    let mut world = colours(14, 760);
    hold_up_channel(&mut world);
    change(
        &mut world,
        "k000",
        &json!({"id": "k000", "colour": "red", "n": -1}),
    );
    change(&mut world, "new", &json!({"id": "new", "colour": "red"}));
    world.ok(&on_users("dbc_delete", "key:k002"));
    for is_cold in [false, true] {
        if is_cold {
            world.evict();
        }
        let red = r#"where_json:{"colour":"red"} via:search limit:1000"#;
        let (first, reply) = found(&mut world, red);
        assert!(reply.contains("Next page"), "{reply}");
        for key in ["k000", "new"] {
            assert!(first.iter().any(|found| found == key), "{key} {is_cold}");
        }
        let (all, _) = all_pages(&mut world, red);
        assert_eq!(all.len(), 380, "{is_cold}");
        assert_eq!(BTreeSet::from_iter(all).len(), 380, "{is_cold}");
    }
}

#[test]
fn more_files_than_a_command_fetches_are_read_on() {
    let mut world = World::with_table(15);
    search_is(&world, SearchPlan::calm());
    let text = "z ".repeat(1_100);
    let row = |n: usize| json!({"id": format!("k{n:02}"), "colour": "red", "text": text});
    with_rows(&mut world, (0..30).map(row));
    for via in ["scan", "search"] {
        world.evict();
        let red = format!(r#"where_json:{{"colour":"red"}} limit:1000 via:{via}"#);
        let (keys, pages) = all_pages(&mut world, &red);
        assert_eq!((keys.len(), pages), (30, 2), "{via}");
        assert_eq!(BTreeSet::from_iter(keys).len(), 30, "{via}");
    }
}

#[test]
fn a_channel_of_more_than_a_command_reads_is_read_on() {
    let mut world = colours(7, 2_150);
    world.evict();
    let blue = r#"where_json:{"colour":"blue","n":{"$gte":1000}} via:scan limit:1000"#;
    let (keys, pages) = all_pages(&mut world, blue);
    assert_eq!((keys.len(), pages), (575, 2));
    assert_eq!(BTreeSet::from_iter(keys).len(), 575);
}

#[test]
fn pages_that_lack_messages_and_totals_that_are_wrong_end_nothing() {
    let mut world = colours(8, 200);
    let plan = SearchPlan::calm()
        .rate(SearchOddity::ShortPage, 0.7)
        .rate(SearchOddity::InexactTotal, 1.0);
    search_is(&world, plan);
    world.evict();
    let (keys, reply) = found(
        &mut world,
        r#"where_json:{"colour":"red"} via:search limit:1000"#,
    );
    assert!((90..=100).contains(&keys.len()), "{}: {reply}", keys.len());
    assert!(keys.iter().any(|key| key.as_str() < "k010"), "{keys:?}");
}

#[test]
fn without_the_intent_or_the_permission_memory_still_answers() {
    let mut world = people(9);
    world.with_discord(|discord| discord.set_message_content_intent(false));
    world.evict();
    let question = r#"where_json:{"name":"Bob"}"#;
    let search = on_users("dbc_find", &format!("{question} via:search"));
    let reply = world.refused(&search);
    for word in [
        "Message Content Intent",
        "developer portal",
        "via:memory",
        "prod.users",
    ] {
        assert!(reply.contains(word), "{reply}");
    }
    is_found(&mut world, question, &["b"]);
    world.with_discord(|discord| discord.set_message_content_intent(true));
    is_found(&mut world, &format!("{question} via:search"), &["b"]);
    world.deny_bot(
        "table-users",
        discord_sim::permissions::READ_MESSAGE_HISTORY,
    );
    world.evict();
    assert!(world.refused(&search).contains("Read Message History"));
    let reply = world.refused(&on_users("dbc_find", "via:scan"));
    assert!(reply.contains("Read Message History"), "{reply}");
    is_found(&mut world, question, &["b"]);
}

#[test]
fn who_searches_an_index_whose_channel_is_gone_gets_the_rows_all_the_same() {
    let mut world = people(18);
    world.ok(&on_users("dbc_index_create", "field:age"));
    world.settle();
    let path = format!("/channels/{}", world.channel_id("idx-users-age"));
    world.by_hand("DELETE", &path, None);
    let (keys, reply) = found(&mut world, r#"where_json:{"age":17} via:search"#);
    assert_eq!(keys, ["b", "d"], "{reply}");
    assert!(reply.contains("`CHANNEL SCAN`"), "{reply}");
    assert!(
        reply.contains("the channel of its index was deleted"),
        "{reply}"
    );
}

#[track_caller]
fn is_found(world: &mut World, question: &str, expected: &[&str]) {
    let (keys, reply) = found(world, question);
    assert_eq!(keys, expected, "{question}: {reply}");
}

/// The table's rows can be had neither from segments nor from messages: one of them is gone.
fn damaged(seed: u64) -> World {
    let mut world = people(seed);
    world.delete_messages("dbc-log", |text| {
        text.contains("users/a put") || text.contains("users/") || text.starts_with("§ ")
    });
    world.delete_message("table-users", "**a**");
    world.evict();
    world
}

#[test]
fn a_damaged_table_is_searched_and_scanned() {
    let mut world = damaged(10);
    let bob = r#"where_json:{"name":"Bob"}"#;
    for n in 0..2 {
        let (keys, reply) = found(&mut world, bob);
        assert_eq!(keys, ["b"], "{reply}");
        assert!(
            reply.contains("`SEARCH WORDS`") && reply.contains("eventual"),
            "{n}: {reply}"
        );
    }
    let (keys, reply) = found(&mut world, r#"where_json:{"age":17}"#);
    assert_eq!(keys, ["b", "d"], "{reply}");
    assert!(reply.contains("`CHANNEL SCAN`"), "{reply}");
    let count = world.ok(&on_users("dbc_count", ""));
    assert!(count.starts_with("3 rows"), "{count}");
    let plan = explained(&mut world, bob);
    assert!(plan.contains("its rows could not be loaded"), "{plan}");
    // Whoever wants it exact is told that there is no such answer.
    let reply = world.refused(&on_users("dbc_find", &format!("{bob} via:memory")));
    assert!(reply.contains("cannot be read"), "{reply}");
    // And where the search is refused, the channel is read.
    world.with_discord(|discord| discord.set_message_content_intent(false));
    let (keys, reply) = found(&mut world, bob);
    assert_eq!(keys, ["b"], "{reply}");
    assert!(
        reply.contains("`CHANNEL SCAN`") && reply.contains("Searching `prod.users`"),
        "{reply}"
    );
}

#[test]
fn only_our_own_messages_are_rows_and_only_as_they_were_written() {
    let mut world = people(11);
    let forged = "**x** · rev 1\n```json\n{\"id\":\"x\",\"name\":\"Bob\"}\n```\n-# at 1.1 · sum 0000000000000001";
    world.post_as_bot("table-users", forged);
    let channel = world.channel_id("table-users");
    let by_hand = world.messages("table-users");
    let real = by_hand.iter().find(|text| text.contains("Bob")).unwrap();
    let copied = real.replace("**b**", "**y**");
    for content in [copied.as_str(), real] {
        let body = json!({ "content": content });
        world.by_hand("POST", &format!("/channels/{channel}/messages"), Some(body));
    }
    for is_cold in [true, false] {
        for via in ["search", "scan"] {
            if is_cold {
                world.evict();
            }
            is_found(
                &mut world,
                &format!(r#"where_json:{{"name":"Bob"}} via:{via}"#),
                &["b"],
            );
        }
    }
}

#[test]
fn what_stands_in_files_that_cannot_be_read_is_counted() {
    let mut world = people(12);
    world.refuse_files();
    let question = r#"where_json:{"tags":"code"}"#;
    for via in ["search", "scan"] {
        world.evict();
        let (keys, reply) = found(&mut world, &format!("{question} via:{via}"));
        assert_eq!(keys, ["a"], "{reply}");
        assert!(
            reply.contains("1 too long for a message and not readable"),
            "{reply}"
        );
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let mut world = people(13);
    for (question, words) in [
        (
            r#"where_json:{"age":17} via:search"#,
            ["`{\"age\":17}`", "via:memory"],
        ),
        ("via:search", ["`{}`", "via:scan"]),
        (
            r#"where_json:{"name":{"$regex":"B.b"}} via:search"#,
            ["$regex", "dbc_index_create"],
        ),
    ] {
        for command in ["dbc_find", "dbc_count", "dbc_explain"] {
            let reply = world.refused(&on_users(command, question));
            assert!(reply.contains("`via`"), "{reply}");
            assert!(words.iter().all(|word| reply.contains(word)), "{reply}");
        }
    }
    world.ok("/dbc_table_create database:prod table:quiet pk:id mirror:false");
    for via in ["search", "scan"] {
        let reply = world.refused(&format!(
            r#"/dbc_find database:prod table:quiet where_json:{{"a":"x"}} via:{via}"#
        ));
        assert!(reply.contains("not shown as messages"), "{reply}");
    }
    let reply = world.refused(&on_users(
        "dbc_explain",
        r#"pipeline_json:[{"$count":"n"}] via:scan"#,
    ));
    assert!(reply.contains("in memory only"), "{reply}");
}
