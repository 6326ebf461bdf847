//! Rows from messages where these are not, or not all, what they were: channels that are gone, made anew or
//! out of sight, indexes and tables that took another's place.

use crate::crud::on_users;
use crate::search::{found, search_is, with_rows};
use crate::world::World;
use discord_sim::{Fault, FaultKind, SearchPlan, permissions};
use serde_json::{Value, json};

pub const BOB: &str = r#"where_json:{"name":"Bob"}"#;
pub const SEVENTEEN: &str = r#"where_json:{"age":17}"#;

pub fn people(seed: u64) -> World {
    let mut world = World::with_table(seed);
    search_is(&world, SearchPlan::calm());
    let rows = [("a", "Ada", 36), ("b", "Bob", 17), ("c", "Cy", 52)];
    let row = |(id, name, age)| json!({"id": id, "name": name, "age": age});
    with_rows(&mut world, rows.map(row));
    world
}

pub fn with_index(world: &mut World, field: &str) {
    world.ok(&on_users("dbc_index_create", &format!("field:{field}")));
    world.settle();
}

/// From now on, the table's rows can be had neither from segments nor all of them from messages.
fn damage(world: &mut World) {
    world.delete_messages("dbc-log", |text| {
        text.contains("users/") || text.starts_with("§ ")
    });
    world.delete_message("table-users", "**a**");
    world.evict();
}

/// The background looks at the channels, and takes a checkpoint.
fn background_works(world: &mut World, table: &str) {
    world.evict();
    world.ok(&format!(
        "/dbc_table_create database:prod table:{table} pk:id"
    ));
    world.settle();
}

pub fn count(world: &mut World, question: &str) -> String {
    world.reply(&on_users("dbc_count", question))
}

#[track_caller]
pub fn finds(world: &mut World, question: &str, expected: &[&str]) -> String {
    let (keys, reply) = found(world, question);
    assert_eq!(keys, expected, "{question}: {reply}");
    reply
}

#[test]
fn a_channel_that_is_filled_again_does_not_count_as_complete() {
    let mut world = World::with_table(1);
    search_is(&world, SearchPlan::calm());
    let rows = (0..60).map(|n| json!({"id": format!("k{n}"), "name": "Bob"}));
    with_rows(&mut world, rows);
    world.delete_channel("table-users");
    world.evict();
    world.ok("/dbc_table_create database:prod table:posts pk:id");
    world.wait(20_000);
    let shown = world.messages("table-users").len();
    assert!((1..60).contains(&shown), "{shown}");
    for via in ["scan", "search"] {
        world.evict();
        let told = count(&mut world, &format!("{BOB} via:{via}"));
        let is_told = told.contains("60 or fewer not shown yet");
        assert!(!told.starts_with("60 rows") && is_told, "{told}");
    }
    world.settle();
    for via in ["scan", "search", "memory"] {
        world.evict();
        let told = count(&mut world, &format!("{BOB} via:{via}"));
        let is_told = told.contains("not shown yet");
        assert!(told.starts_with("60 rows") && !is_told, "{told}");
    }
}

#[test]
fn a_damaged_table_whose_channel_was_made_anew_is_not_empty() {
    let mut world = people(2);
    damage(&mut world);
    world.delete_channel("table-users");
    for table in ["posts", "more", "others"] {
        background_works(&mut world, table);
        assert!(world.channel("table-users").is_some());
        for question in [BOB, SEVENTEEN, ""] {
            let told = count(&mut world, question);
            for words in [
                "checkpoint cannot be read",
                "The channel that showed them is gone",
                "dbc_table_drop",
            ] {
                assert!(told.contains(words), "{table}, {question}: {told}");
            }
        }
        for via in ["scan", "search"] {
            let told = count(&mut world, &format!("{BOB} via:{via}"));
            assert!(told.contains("3 or fewer not shown yet"), "{table}: {told}");
        }
        let plan = world.ok(&on_users("dbc_explain", &format!("{BOB} via:scan")));
        assert!(
            plan.contains("its channel shows none of the rows"),
            "{plan}"
        );
    }
}

#[test]
fn an_index_whose_channel_was_made_anew_is_not_searched_first() {
    let mut world = people(3);
    with_index(&mut world, "name");
    damage(&mut world);
    let reply = finds(&mut world, BOB, &["b"]);
    assert!(reply.contains("`SEARCH INDEX name`"), "{reply}");
    world.delete_channel("idx-users-name");
    for table in ["posts", "more", "others"] {
        background_works(&mut world, table);
        assert!(world.channel("idx-users-name").is_some());
        let reply = finds(&mut world, BOB, &["b"]);
        assert!(reply.contains("`SEARCH WORDS`"), "{reply}");
    }
}

#[test]
fn an_index_whose_channel_shows_nothing_is_worse_than_a_scan() {
    let mut world = people(21);
    with_index(&mut world, "age");
    damage(&mut world);
    let reply = finds(&mut world, SEVENTEEN, &["b"]);
    assert!(reply.contains("`SEARCH INDEX age`"), "{reply}");
    world.delete_channel("idx-users-age");
    for table in ["posts", "more", "others"] {
        background_works(&mut world, table);
        assert!(world.channel("idx-users-age").is_some());
        for via in ["", "via:search"] {
            let reply = finds(&mut world, &format!("{SEVENTEEN} {via}"), &["b"]);
            assert!(reply.contains("`CHANNEL SCAN`"), "{reply}");
        }
    }
}

#[test]
fn an_index_that_was_new_when_its_table_was_damaged_is_not_searched_first() {
    let mut world = people(4);
    world.ok(&on_users("dbc_index_create", "field:name"));
    damage(&mut world);
    for table in ["posts", "more", "others"] {
        background_works(&mut world, table);
        assert!(world.channel("idx-users-name").is_some());
        let reply = finds(&mut world, BOB, &["b"]);
        assert!(reply.contains("`SEARCH WORDS`"), "{reply}");
    }
}

#[test]
fn a_loaded_table_whose_channel_was_made_anew_is_in_memory() {
    let mut world = people(5);
    world.delete_channel("table-users");
    background_works(&mut world, "posts");
    world.ok(&on_users("dbc_get", "key:a"));
    world.delete_messages("table-users", |_| true);
    world.delete_channel("table-users");
    world.evict();
    world.ok(&on_users("dbc_get", "key:a"));
    world.fault(Fault {
        method: Some("POST".to_owned()),
        path: Some("^/channels/[0-9]+/messages$".to_owned()),
        times: 0,
        ..Fault::new(FaultKind::LostRequest)
    });
    for via in ["scan", "search"] {
        finds(&mut world, &format!("{BOB} via:{via}"), &["b"]);
    }
    // Made anew, and empty.
    world.wait(60_000);
    assert_eq!(world.messages("table-users").len(), 0);
    for via in ["scan", "search"] {
        finds(&mut world, &format!("{BOB} via:{via}"), &["b"]);
    }
}

#[test]
fn without_its_channel_an_index_is_not_needed() {
    for is_cold in [false, true] {
        let mut world = people(6);
        with_index(&mut world, "name");
        with_index(&mut world, "age");
        for (index, question, way) in [
            ("idx-users-name", BOB, "`SEARCH WORDS`"),
            ("idx-users-age", SEVENTEEN, "`CHANNEL SCAN`"),
        ] {
            let question = format!("{question} via:search");
            let reply = finds(&mut world, &question, &["b"]);
            assert!(reply.contains("`SEARCH INDEX "), "{reply}");
            world.delete_channel(index);
            if is_cold {
                world.evict();
            }
            let reply = finds(&mut world, &question, &["b"]);
            for words in [way, "the channel of its index was deleted"] {
                assert!(reply.contains(words), "{is_cold}: {reply}");
            }
        }
        // Somebody noticed, so they are made again.
        world.settle();
        for index in ["idx-users-name", "idx-users-age"] {
            assert_eq!(world.messages(index).len(), 3);
        }
        world.evict();
        let reply = finds(&mut world, &format!("{SEVENTEEN} via:search"), &["b"]);
        assert!(reply.contains("`SEARCH INDEX age`"), "{reply}");
    }
}

#[test]
fn a_damaged_table_is_read_without_the_channel_of_its_index() {
    let mut world = people(7);
    with_index(&mut world, "name");
    with_index(&mut world, "age");
    damage(&mut world);
    world.delete_channel("idx-users-name");
    world.delete_channel("idx-users-age");
    let reply = finds(&mut world, BOB, &["b"]);
    assert!(reply.contains("`SEARCH WORDS`"), "{reply}");
    let reply = finds(&mut world, SEVENTEEN, &["b"]);
    assert!(reply.contains("`CHANNEL SCAN`"), "{reply}");
}

#[test]
fn a_table_whose_channel_was_deleted_says_so_and_gets_another() {
    for via in ["scan", "search"] {
        let mut world = people(8);
        with_index(&mut world, "age");
        world.evict();
        world.delete_channel("table-users");
        for question in [BOB, SEVENTEEN] {
            let told = count(&mut world, &format!("{question} via:{via}"));
            for words in ["its channel was deleted", "`prod.users`", "via:memory"] {
                assert!(told.contains(words), "{told}");
            }
        }
        assert!(count(&mut world, BOB).starts_with("1 row"));
        world.settle();
        assert_eq!(world.messages("table-users").len(), 3);
        world.evict();
        finds(&mut world, &format!("{BOB} via:{via}"), &["b"]);
    }
}

#[test]
fn a_loaded_table_whose_channel_was_deleted_is_in_memory() {
    for via in ["scan", "search"] {
        let mut world = people(9);
        world.delete_channel("table-users");
        let reply = finds(&mut world, &format!("{BOB} via:{via}"), &["b"]);
        assert!(reply.contains("its channel was deleted"), "{reply}");
    }
}

#[test]
fn a_damaged_table_whose_channel_was_deleted_says_what_is_lost() {
    let mut world = people(10);
    damage(&mut world);
    finds(&mut world, BOB, &["b"]);
    world.delete_channel("table-users");
    for question in [BOB, SEVENTEEN, ""] {
        let told = count(&mut world, question);
        for words in [
            "checkpoint cannot be read",
            "The channel that showed them is gone",
            "dbc_table_drop",
        ] {
            assert!(told.contains(words), "{question}: {told}");
        }
    }
    for via in ["scan", "search"] {
        let told = count(&mut world, &format!("{BOB} via:{via}"));
        for words in ["channel was deleted", "cannot be read", "dbc_table_drop"] {
            assert!(told.contains(words), "{via}: {told}");
        }
    }
}

#[test]
fn a_scan_in_the_place_of_a_search_goes_on_where_it_ended() {
    let mut world = World::with_table(13);
    search_is(&world, SearchPlan::calm());
    let text = "z ".repeat(1_100);
    let row = |n: usize| json!({"id": format!("k{n:02}"), "n": 1, "name": "Bob", "text": text});
    with_rows(&mut world, (0..31).map(row));
    with_index(&mut world, "n");
    let all = |world: &mut World, question: &str| {
        let (mut all, mut cursor) = (Vec::new(), String::new());
        for page in 1..5 {
            let question = format!("{question} limit:1000 {cursor}");
            let (keys, reply) = found(world, &question);
            assert!(reply.contains("`CHANNEL SCAN`"), "{question}: {reply}");
            all.extend(keys);
            let Some((_, next)) = reply.split_once("Next page: `") else {
                all.sort_unstable();
                all.dedup();
                return (all.len(), page);
            };
            next.split('`').next().unwrap().clone_into(&mut cursor);
        }
        panic!("it does not end");
    };
    world.delete_messages("dbc-log", |text| {
        text.contains("users/") || text.starts_with("§ ")
    });
    world.delete_message("table-users", "**k00**");
    world.evict();
    let one = r#"where_json:{"n":1}"#;
    assert!(count(&mut world, &format!("{one} via:memory")).starts_with('❌'));
    world.with_discord(|discord| discord.set_message_content_intent(false));
    for question in [one, BOB] {
        assert_eq!(all(&mut world, question), (30, 2));
    }
    world.with_discord(|discord| discord.set_message_content_intent(true));
    world.delete_channel("idx-users-n");
    for via in ["", "via:search"] {
        assert_eq!(all(&mut world, &format!("{one} {via}")), (30, 2));
    }
}

#[test]
fn a_part_of_one_channel_does_not_go_on_in_another() {
    let mut world = World::with_table(14);
    search_is(&world, SearchPlan::calm());
    let row = |n: usize| json!({"id": format!("k{n:03}"), "name": "Bob"});
    with_rows(&mut world, (0..400).map(row));
    with_index(&mut world, "name");
    let question = format!("{BOB} via:search limit:1000");
    let (_, reply) = found(&mut world, &question);
    assert!(reply.contains("`SEARCH INDEX name`"), "{reply}");
    let cursor = reply.split("Next page: `").nth(1).unwrap();
    let cursor = cursor.split('`').next().unwrap();
    // Over the same field, but another one.
    world.ok(&on_users("dbc_index_drop", "field:name"));
    with_index(&mut world, "name");
    let again = on_users("dbc_find", &format!("{question} {cursor}"));
    let reply = world.refused(&again);
    assert!(reply.contains("another way"), "{reply}");
    world.delete_channel("idx-users-name");
    world.evict();
    let reply = world.refused(&again);
    assert!(reply.contains("another way"), "{reply}");
}

#[test]
fn the_channel_of_an_index_that_was_dropped_is_not_that_of_the_next() {
    let mut world = people(15);
    with_index(&mut world, "age");
    let before = world.channel_id("idx-users-age");
    // Without its mark it is left alone when the index goes.
    unmark(&mut world, &before);
    world.ok(&on_users("dbc_index_drop", "field:age"));
    world.settle();
    world.ok(&on_users("dbc_update", r#"key:b patch_json:{"age":18}"#));
    with_index(&mut world, "age");
    let channels = world.state()["channels"].as_array().unwrap().clone();
    let named = |channel: &&Value| channel["name"] == "idx-users-age";
    assert_eq!(channels.iter().filter(named).count(), 2);
    for is_cold in [true, false] {
        if is_cold {
            world.evict();
        }
        finds(&mut world, &format!("{SEVENTEEN} via:search"), &[]);
        let eighteen = r#"where_json:{"age":18} via:search"#;
        let reply = finds(&mut world, eighteen, &["b"]);
        assert!(reply.contains("`SEARCH INDEX age`"), "{reply}");
    }
}

#[test]
fn the_channel_of_a_table_that_was_dropped_is_not_that_of_the_next() {
    let mut world = people(16);
    let before = world.channel_id("table-users");
    unmark(&mut world, &before);
    world.ok("/dbc_table_drop database:prod table:users confirm:users");
    world.settle();
    world.ok("/dbc_table_create database:prod table:users pk:id");
    for is_shown in [false, true] {
        for is_cold in [true, false] {
            if is_cold {
                world.evict();
            }
            for via in ["scan", "search"] {
                finds(&mut world, &format!("{BOB} via:{via}"), &[]);
            }
        }
        if !is_shown {
            with_rows(&mut world, [json!({"id": "n", "name": "Nobody"})]);
        }
    }
}

/// Somebody takes away what the channel is known by.
fn unmark(world: &mut World, channel: &str) {
    let body = json!({ "topic": "" });
    let path = format!("/channels/{channel}");
    let answer = world.by_hand("PATCH", &path, Some(body));
    assert!(answer.status().is_success());
}

#[test]
fn a_channel_under_another_name_or_without_its_mark_is_read() {
    let mut world = people(17);
    let channel = world.channel_id("table-users");
    let body = json!({ "name": "people" });
    let path = format!("/channels/{channel}");
    world.by_hand("PATCH", &path, Some(body));
    for _ in 0..2 {
        for via in ["scan", "search"] {
            world.evict();
            finds(&mut world, &format!("{BOB} via:{via}"), &["b"]);
        }
        unmark(&mut world, &channel);
    }
    // The background gives it up and makes another one.
    background_works(&mut world, "posts");
    for via in ["scan", "search"] {
        world.evict();
        let reply = finds(&mut world, &format!("{BOB} via:{via}"), &["b"]);
        assert!(!reply.contains("not shown yet"), "{reply}");
    }
}

#[test]
fn what_may_not_be_read_is_not_empty() {
    let mut world = people(18);
    with_index(&mut world, "age");
    for bit in [permissions::READ_MESSAGE_HISTORY, permissions::VIEW_CHANNEL] {
        world.deny_bot("table-users", bit);
        for question in [BOB, SEVENTEEN] {
            for via in ["scan", "search"] {
                world.evict();
                let told = count(&mut world, &format!("{question} via:{via}"));
                assert!(
                    told.contains("ermission")
                        || told.contains("ccess")
                        || told.contains("may not read"),
                    "{question} {via}: {told}"
                );
                assert!(told.starts_with('❌'), "{question} {via}: {told}");
            }
        }
        world.deny_bot("table-users", 0);
    }
    finds(&mut world, &format!("{SEVENTEEN} via:search"), &["b"]);
    // The first message is gone: a page of what is before it is empty, and may be.
    world.delete_message("table-users", "**a**");
    world.evict();
    let told = count(&mut world, r#"where_json:{"age":36} via:search"#);
    assert!(told.contains("1 known to the index only"), "{told}");
}

#[test]
fn the_channel_of_an_index_that_may_not_be_read_is_not_needed() {
    let mut world = people(19);
    with_index(&mut world, "name");
    damage(&mut world);
    world.deny_bot("idx-users-name", permissions::VIEW_CHANNEL);
    let reply = finds(&mut world, BOB, &["b"]);
    assert!(reply.contains("`CHANNEL SCAN`"), "{reply}");
}

#[test]
fn a_channel_without_rows_any_more_is_empty() {
    let mut world = World::with_table(20);
    search_is(&world, SearchPlan::calm());
    with_rows(&mut world, [json!({"id": "b", "name": "Bob"})]);
    world.ok(&on_users("dbc_delete", "key:b hard:true"));
    // Before the next checkpoint.
    let checkpoints = world.checkpoints();
    while !world.messages("table-users").is_empty() {
        world.wait(50);
    }
    assert_eq!(world.checkpoints(), checkpoints);
    for is_cold in [false, true] {
        if is_cold {
            world.evict();
        }
        for via in ["scan", "search"] {
            finds(&mut world, &format!("{BOB} via:{via}"), &[]);
        }
    }
}

#[test]
fn a_table_that_could_not_be_loaded_is_shown_in_its_new_channel_once_it_can() {
    let mut world = people(22);
    world.refuse_files();
    world.delete_messages("dbc-log", |text| text.contains("users/"));
    world.delete_channel("table-users");
    for table in ["posts", "more"] {
        background_works(&mut world, table);
    }
    assert_eq!(world.messages("table-users").len(), 0);
    world.clear_faults();
    world.evict();
    world.ok("/dbc_table_create database:prod table:others pk:id");
    world.settle();
    assert_eq!(world.messages("table-users").len(), 3);
}
