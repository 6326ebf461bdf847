//! Large rows where files cannot be read back: their commits stand in text, before the record.

use crate::crud::{on_users, with_file};
use crate::host::Side;
use crate::world::{World, content, get, insert};
use dbcord::engine::checkpoint::file_sum::FileSum;
use dbcord::engine::checkpoint::text_file::TextRef;
use dbcord::engine::document::Document;
use dbcord::engine::log::{Op, codec};
use discord_sim::{Fault, FaultKind};
use serde_json::{Value, json};

/// Files in the database's channels are refused from now on; those that come with a command, or with a reply,
/// are not, so that rows can be as large as they like.
pub fn refuse_files_in_channels(world: &mut World) {
    let channels = ["dbc-log", "dbc-catalog", "table-users"].map(|name| world.channel_id(name));
    world.fault(Fault {
        path: Some(format!("^/attachments/({})/", channels.join("|"))),
        times: 0,
        status: Some(403),
        ..Fault::new(FaultKind::Status)
    });
    world.with_storage(|entries| entries.remove("attachments"));
    world.evict();
}

fn world(seed: u64) -> World {
    let mut world = World::with_table(seed);
    refuse_files_in_channels(&mut world);
    world
}

/// A document of about so many bytes that packing makes little smaller.
pub fn document(bytes: usize, seed: u64) -> Value {
    let mut state = seed;
    let letters = (0..bytes).map(|_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        char::from(
            b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
                [(state >> 58) as usize],
        )
    });
    json!({ "t": letters.collect::<String>() })
}

pub fn put(world: &mut World, key: &str, mode: &str, document: &Value) -> String {
    let line = format!("/dbc_insert database:prod table:users key:{key} value_file:@f mode:{mode}");
    with_file(world, &line, document.to_string())
}

/// The row's whole document, without its key.
fn row(world: &mut World, key: &str) -> Option<Value> {
    let view = world.run(&get(key));
    let text = content(&view);
    if text.starts_with('❌') {
        assert!(text.contains("has no row"), "{text}");
        return None;
    }
    assert!(!text.contains("read-only"), "{text}");
    let file = world.reply_file(&view).unwrap_or(text);
    let mut row: Value = serde_json::from_str(&file).unwrap();
    assert_eq!(row.as_object_mut().unwrap().remove("id"), Some(json!(key)));
    Some(row)
}

/// Numbers of the records that have a text in the log.
fn texts(world: &World) -> Vec<u64> {
    let parts = world.messages("dbc-log").into_iter();
    let mut texts: Vec<u64> = parts
        .filter_map(|message| {
            let name = message.strip_prefix("§ record.")?;
            name.split_once('.')?.0.parse().ok()
        })
        .collect();
    texts.dedup();
    texts
}

fn records(world: &World) -> Vec<String> {
    let log = world.messages("dbc-log").into_iter();
    log.filter(|message| message.starts_with('#')).collect()
}

fn delete_part(world: &mut World, text: &str) {
    let log = world.channel("dbc-log").unwrap();
    let messages = log["messages"].as_array().unwrap();
    let found = messages
        .iter()
        .find(|message| message["content"].as_str().unwrap().contains(text));
    let id = found.unwrap()["id"].as_str().unwrap().to_owned();
    let log = world.channel_id("dbc-log");
    world.by_hand("DELETE", &format!("/channels/{log}/messages/{id}"), None);
}

#[test]
fn large_rows_are_kept_without_files() {
    let mut world = world(1);
    let (small, large) = (document(20_000, 1), document(100_000, 2));
    assert!(put(&mut world, "a", "insert", &small).contains("Stored"));
    assert!(put(&mut world, "b", "insert", &large).contains("Stored"));
    let newer = document(30_000, 3);
    assert!(put(&mut world, "a", "replace", &newer).contains("Stored"));
    world.ok(&on_users("dbc_update", r#"key:b patch_json:{"n":1}"#));
    let mut large = large;
    large["n"] = json!(1);
    let texts = texts(&world);
    assert_eq!(texts.len(), 4, "{texts:?}");
    for step in 0..5 {
        assert!(row(&mut world, "a").as_ref() == Some(&newer), "{step}");
        assert!(row(&mut world, "b").as_ref() == Some(&large), "{step}");
        match step {
            0 => world.evict(),
            1 => world.lose_storage(),
            // From segments that are text.
            2 => {
                world.settle();
                world.evict();
            }
            _ => world.lose_storage(),
        }
    }
    let history = world.run("/dbc_history database:prod table:users key:a");
    let history = world.reply_file(&history).unwrap();
    for document in [&small, &newer] {
        assert!(history.contains(document["t"].as_str().unwrap()));
    }
    // Nothing of it was put into a file.
    let log = world.channel("dbc-log").unwrap();
    let messages = log["messages"].as_array().unwrap();
    assert!(
        messages
            .iter()
            .all(|message| message["attachments"].as_array().is_none_or(Vec::is_empty))
    );
}

#[test]
fn what_is_too_large_for_text_is_refused_with_the_reason() {
    let mut world = world(2);
    let told = put(&mut world, "a", "insert", &document(190_000, 1));
    for word in [
        "128 KiB",
        "five in five seconds",
        "Nothing was written",
        "split",
    ] {
        assert!(told.contains(word), "{told}");
    }
    assert_eq!(row(&mut world, "a"), None);
    assert!(put(&mut world, "a", "insert", &document(165_000, 1)).contains("Stored"));
    assert_eq!(
        world
            .messages("dbc-log")
            .iter()
            .filter(|text| text.starts_with("§ record."))
            .count(),
        22
    );
}

#[test]
fn rows_that_are_large_together_go_one_after_the_other() {
    let mut world = world(3);
    let documents: Vec<Value> = (0..4).map(|n| document(5_900, n)).collect();
    let lines: Vec<String> = (0..4)
        .map(|n| {
            let value = &documents[n];
            format!("/dbc_insert database:prod table:users key:k{n} value_json:{value}")
        })
        .collect();
    for reply in world.all_at_once(&lines) {
        assert!(reply.contains("Stored"), "{reply}");
    }
    assert_eq!(texts(&world).len(), 4);
    // And small ones as before.
    let small: Vec<String> = (0..20).map(|n| insert(&format!("s{n}"))).collect();
    for reply in world.all_at_once(&small) {
        assert!(reply.contains("Stored"), "{reply}");
    }
    assert_eq!(texts(&world).len(), 4);
    world.evict();
    for (n, document) in documents.iter().enumerate() {
        assert!(row(&mut world, &format!("k{n}")).as_ref() == Some(document));
    }
}

#[test]
fn a_row_in_text_leaves_no_copy_when_it_is_deleted_for_good() {
    let mut world = world(4);
    world.ok(&insert("small"));
    assert!(put(&mut world, "a", "insert", &document(20_000, 1)).contains("Stored"));
    // Both in one commit: what stays is committed again.
    let ops = format!(
        r#"[{{"op":"insert","table":"users","key":"b","value":{}}},{{"op":"insert","table":"users","key":"c","value":{}}}]"#,
        document(9_000, 2),
        document(12_000, 3)
    );
    let told = with_file(&mut world, "/dbc_transact database:prod ops_file:@f", ops);
    assert!(told.contains("Committed"), "{told}");
    world.settle();
    assert_eq!(texts(&world).len(), 2);
    for key in ["a", "b"] {
        world.ok(&format!(
            "/dbc_delete database:prod table:users key:{key} hard:true"
        ));
    }
    world.wait(3_600_000);
    world.settle();
    let inspected = world.ok("/dbc_inspect database:prod");
    assert!(
        !inspected.contains("copies still being removed"),
        "{inspected}"
    );
    let log = records(&world);
    assert!(
        log.iter()
            .all(|record| !record.contains("users/a put") && !record.contains("users/b put")),
        "{log:#?}"
    );
    // Only `c`, again.
    assert_eq!(
        log.iter()
            .filter(|record| record.contains("users/c put"))
            .count(),
        1,
        "{log:#?}"
    );
    assert_eq!(texts(&world).len(), 1);
    for _ in 0..2 {
        assert_eq!(row(&mut world, "a"), None);
        assert!(row(&mut world, "c") == Some(document(12_000, 3)));
        world.lose_storage();
    }
}

#[test]
fn a_void_record_without_its_text_does_not_keep_copies() {
    let mut world = world(11);
    world.ok(&insert("a"));
    world.ok(&insert("b"));
    world.settle();
    // As when its object died, its text went as an orphan, and then it arrived.
    let newest = records(&world).pop().unwrap();
    let json = newest.split("```json\n").nth(1).unwrap();
    let (mut record, _) = codec::decode(json.trim_end_matches("\n```")).unwrap();
    record.epoch -= 1;
    let Value::Object(doc) = document(9_000, 1) else {
        panic!()
    };
    let (table, key, doc) = ("users".to_owned(), "z".to_owned(), Document::new(&doc));
    record.ops = vec![Op::Put {
        table,
        key,
        rev: 1,
        doc,
    }];
    let text = TextRef {
        messages: vec![7, 8],
        sum: FileSum(9),
        bytes: 10,
    };
    let late = codec::refer(codec::encode(&record).unwrap(), text);
    world.post_as_bot("dbc-log", &late.content);
    let is_there = |world: &World| {
        records(world)
            .iter()
            .any(|record| record.contains("users/z put"))
    };
    assert!(is_there(&world));
    world.ok("/dbc_delete database:prod table:users key:a hard:true");
    world.wait(3_600_000);
    world.settle();
    assert!(!is_there(&world));
    let inspected = world.ok("/dbc_inspect database:prod");
    assert!(
        !inspected.contains("copies still being removed"),
        "{inspected}"
    );
    world.lose_storage();
    world.ok(&get("b"));
}

/// Inserts a row whose commit takes four messages and a record; whether that was acknowledged.
fn large_insert(world: &mut World) -> bool {
    put(world, "b", "insert", &document(20_000, 7)).contains("Stored")
}

#[test]
fn a_crash_at_any_step_of_a_commit_in_text_leaves_all_or_nothing() {
    let seed = 5;
    let prepare = || {
        let mut world = world(seed);
        world.ok(&insert("a"));
        world.wait(10_000);
        world
    };
    let mut dry = prepare();
    let before = dry.steps();
    assert!(large_insert(&mut dry));
    let steps = dry.steps() - before;
    assert!(steps >= 6, "{steps}");
    let mut outcomes = [0, 0];
    for side in [Side::Before, Side::After] {
        for step in 1..=steps {
            let mut world = prepare();
            let at = format!("{side:?} step {step}");
            world.crash_at(step, side);
            let is_acknowledged = large_insert(&mut world);
            world.cancel_crash();
            let found = row(&mut world, "b");
            assert!(found.is_some() || !is_acknowledged, "{at}: lost");
            assert!(
                found.is_none() || found == Some(document(20_000, 7)),
                "{at}: torn"
            );
            outcomes[usize::from(found.is_some())] += 1;
            assert_eq!(large_insert(&mut world), found.is_none(), "{at}");
            for _ in 0..2 {
                assert!(row(&mut world, "b") == Some(document(20_000, 7)), "{at}");
                world.ok(&get("a"));
                world.lose_storage();
            }
            // Orphans go with the next row that is deleted for good.
            world.ok("/dbc_delete database:prod table:users key:b hard:true");
            world.wait(3_600_000);
            world.settle();
            assert_eq!(texts(&world), Vec::<u64>::new(), "{at}");
            world.ok(&get("a"));
        }
    }
    assert!(outcomes[0] > 4 && outcomes[1] > 1, "{outcomes:?}");
}

#[test]
fn lost_answers_give_one_commit() {
    for kind in [FaultKind::LostRequest, FaultKind::LostResponse] {
        for times in [1, 3, 9, 30] {
            let mut world = world(6);
            world.ok(&insert("a"));
            world.fault_on_log_post(kind, times);
            let is_acknowledged = large_insert(&mut world);
            world.clear_faults();
            refuse_files_in_channels(&mut world);
            let found = row(&mut world, "b");
            assert_eq!(found.is_some(), is_acknowledged, "{kind:?} {times}");
            world.evict();
            assert_eq!(row(&mut world, "b"), found, "{kind:?} {times}");
        }
    }
}

#[test]
fn text_of_an_acknowledged_commit_that_was_deleted_is_missed() {
    for part in ["part 1/3", "part 3/3"] {
        let mut world = world(8);
        world.ok(&insert("a"));
        assert!(large_insert(&mut world));
        world.evict();
        delete_part(&mut world, part);
        // Everything before it is read, and nothing written.
        let reply = world.ok(&get("a"));
        assert!(reply.contains("read-only"), "{reply}");
        let told = world.refused(&insert("c"));
        assert!(
            told.contains("text of log message") && told.contains("Nothing was written"),
            "{told}"
        );
        let before = records(&world).len();
        world.settle();
        assert_eq!(records(&world).len(), before);
    }
}

#[test]
fn text_that_a_checkpoint_covers_is_not_needed() {
    let mut world = world(9);
    world.ok(&insert("a"));
    assert!(large_insert(&mut world));
    world.settle();
    delete_part(&mut world, "§ record.");
    for _ in 0..2 {
        world.evict();
        assert!(row(&mut world, "b") == Some(document(20_000, 7)));
        world.ok(&on_users("dbc_update", r#"key:a patch_json:{"n":1}"#));
        world.settle();
    }
}

#[test]
fn a_record_whose_text_is_gone_and_that_nobody_was_told_of_is_void() {
    let mut world = world(10);
    world.ok(&insert("a"));
    world.wait(10_000);
    let mut dry = self::world(10);
    dry.ok(&insert("a"));
    dry.wait(10_000);
    let before = dry.steps();
    assert!(large_insert(&mut dry));
    // The last step but the storing of the floor, and whatever comes after.
    let steps = dry.steps() - before;
    let mut is_tried = false;
    for step in 1..=steps {
        let mut world = self::world(10);
        world.ok(&insert("a"));
        world.wait(10_000);
        world.crash_at(step, Side::After);
        let is_acknowledged = large_insert(&mut world);
        world.cancel_crash();
        let is_there = records(&world)
            .iter()
            .any(|record| record.contains("users/b put"));
        if is_acknowledged || !is_there {
            continue;
        }
        let floor = world.with_storage(|entries| entries["db/prod/floor"].clone());
        world.evict();
        delete_part(&mut world, "part 2/3");
        let reply = world.reply(&get("a"));
        if reply.contains("read-only") {
            // It was stored already.
            continue;
        }
        is_tried = true;
        assert_ne!(
            floor,
            world.with_storage(|entries| entries["db/prod/floor"].clone())
        );
        assert_eq!(row(&mut world, "b"), None);
        assert!(large_insert(&mut world));
        world.settle();
        let left = records(&world)
            .into_iter()
            .filter(|record| record.contains("users/b put"));
        assert_eq!(left.count(), 1);
        world.lose_storage();
        assert!(row(&mut world, "b") == Some(document(20_000, 7)));
    }
    assert!(is_tried);
}
