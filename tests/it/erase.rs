//! Rows that were deleted for good: in the end no message and no file has a copy.

use crate::crud::on_users;
use crate::world::{World, content, get, insert};
use bytes::Bytes;
use dbcord::discord::client::USER_AGENT;
use dbcord::engine::checkpoint::file_sum::FileSum;
use dbcord::engine::checkpoint::segment;
use discord_sim::{Fault, FaultKind, Outcome};
use http::Request;
use serde_json::{Value, json};

pub const SECRET: &str = "swordfish";
pub const HARD_DELETE: &str = "/dbc_delete database:prod table:users key:s hard:true";

pub fn insert_secret(key: &str) -> String {
    format!(
        r#"/dbc_insert database:prod table:users key:{key} value_json:{{"id":"{key}","word":"{SECRET}"}}"#
    )
}

/// Everything that stands in the guild: messages, threads, and what their files contain.
pub fn everything(world: &World) -> String {
    let state = world.state();
    let mut text = state.to_string();
    let mut urls = Vec::new();
    attachments(&state, &mut urls);
    for url in urls {
        let request = Request::get(&url).header("user-agent", USER_AGENT);
        let request = request.body(Bytes::new()).unwrap();
        let now = world.now();
        let outcome = world.with_discord(|discord| discord.handle(now, request));
        let Outcome::Responded { response, .. } = outcome else {
            panic!("{url} is lost")
        };
        let bytes = response.into_body();
        text.push_str(&String::from_utf8_lossy(&bytes));
        if url.contains(".ndjson.gz") {
            let mut reader = segment::Reader::new(&bytes, FileSum::of(&bytes)).unwrap();
            while reader.next_section().unwrap().is_some() {
                while let Some(row) = reader.next_row().unwrap() {
                    text.push_str(row.doc.as_deref().unwrap_or_default());
                }
            }
        }
    }
    text
}

/// The number of the commit that a reply tells of.
pub fn commit_of(reply: &str) -> &str {
    let rest = reply.split("commit #").nth(1).expect("a commit");
    let end = rest.find(|c: char| !c.is_ascii_digit());
    &rest[..end.unwrap_or(rest.len())]
}

#[track_caller]
pub fn no_copy_is_left(world: &World) {
    assert!(!everything(world).contains(SECRET), "a copy is left");
}

fn attachments(value: &Value, urls: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| attachments(item, urls)),
        Value::Object(fields) => {
            if let Some(Value::Array(files)) = fields.get("attachments") {
                let found = files.iter().filter_map(|file| file["url"].as_str());
                urls.extend(found.map(str::to_owned));
            }
            fields.values().for_each(|field| attachments(field, urls));
        }
        _ => {}
    }
}

#[test]
fn no_copy_is_left_of_a_row_that_was_deleted_for_good() {
    let mut world = World::with_table(1);
    for key in ["a", "b", "c"] {
        world.ok(&insert(key));
    }
    world.ok(&insert_secret("s"));
    world.settle();
    world.ok(r#"/dbc_update database:prod table:users key:s patch_json:{"n":1}"#);
    world.settle();
    world.ok("/dbc_table_rename database:prod table:users to:people");
    world.settle();
    world.ok(r#"/dbc_update database:prod table:people key:s patch_json:{"n":2}"#);
    world.ok(r#"/dbc_update database:prod table:people key:a patch_json:{"n":2}"#);
    world.settle();
    assert!(everything(&world).contains(SECRET));
    world.ok("/dbc_delete database:prod table:people key:s hard:true");
    let inspected = world.ok("/dbc_inspect database:prod");
    assert!(inspected.contains("copies"), "{inspected}");
    world.settle();
    no_copy_is_left(&world);
    let inspected = world.ok("/dbc_inspect database:prod");
    assert!(!inspected.contains("copies"), "{inspected}");
    let quiet = world.requests().len();
    world.wait(3_600_000);
    assert_eq!(world.requests().len(), quiet, "nothing is left to do");
    // The others are as they were, with and without their checkpoint.
    world.evict();
    for key in ["a", "b", "c"] {
        world.ok(&get(key).replace("users", "people"));
    }
    world.delete_messages("dbc-log", |text| text.starts_with("§ "));
    world.evict();
    for key in ["a", "b", "c"] {
        world.ok(&get(key).replace("users", "people"));
    }
}

#[test]
fn the_answer_says_when_the_last_copy_is_gone() {
    let mut world = World::with_table(4);
    world.ok(&insert_secret("s"));
    world.settle();
    world.wait(1_200_000);
    let view = world.run(HARD_DELETE);
    assert!(!content(&view).contains("is gone."), "{}", content(&view));
    world.evict();
    world.settle();
    let view = world.with_discord(|discord| discord.interaction(view.id).unwrap());
    assert!(
        content(&view).contains("The last copy is gone."),
        "{}",
        content(&view)
    );
    no_copy_is_left(&world);
}

#[test]
fn an_answer_that_is_paid_late_does_not_take_back_what_was_added_to_it() {
    for failures in 1..40 {
        let mut world = World::with_table(5);
        world.be_quiet();
        world.ok(&insert_secret("s"));
        world.settle();
        world.wait(1_200_000);
        // The command is deferred, and its answer does not get through for a while.
        world.fault_on_log_post(FaultKind::Delay, 1);
        world.fault(Fault {
            method: Some("PATCH".into()),
            path: Some("^/webhooks/".into()),
            status: Some(503),
            times: failures,
            ..Fault::new(FaultKind::Status)
        });
        let view = world.run(HARD_DELETE);
        world.settle();
        let view = world.with_discord(|discord| discord.interaction(view.id).unwrap());
        let said = content(&view);
        assert!(
            said.contains("The last copy is gone."),
            "{failures}: {said}"
        );
    }
}

#[test]
fn the_thread_of_a_message_that_somebody_deleted_goes_too() {
    for is_storage_lost in [false, true] {
        let mut world = World::with_table(12);
        world.ok(&insert_secret("s"));
        world.settle();
        world.ok(&on_users("dbc_update", r#"key:s patch_json:{"n":1}"#));
        world.settle();
        world.delete_message("table-users", "**s**");
        if is_storage_lost {
            // And nobody remembers that there was one: the files of checkpoints are gone as well.
            world.delete_messages("dbc-log", |text| text.starts_with("§ "));
            world.lose_storage();
            world.ok(&get("s"));
        }
        world.ok(HARD_DELETE);
        world.settle();
        no_copy_is_left(&world);
        assert_eq!(world.state()["threads"].as_array().map(Vec::len), Some(0));
    }
}

#[test]
fn a_row_that_was_deleted_in_the_commit_that_inserted_it_leaves_no_copy() {
    let mut world = World::with_table(8);
    // The first is on its way while the others arrive, so that these go together.
    let replies = world.all_at_once(&[&insert("a"), &insert_secret("s"), HARD_DELETE]);
    assert_eq!(
        commit_of(&replies[1]),
        commit_of(&replies[2]),
        "{replies:?}"
    );
    world.settle();
    no_copy_is_left(&world);
    world.evict();
    world.ok(&get("a"));
    world.lose_storage();
    world.ok(&get("a"));
    assert!(world.refused(&get("s")).contains("deleted for good"));
}

#[test]
fn a_row_of_a_table_that_was_dropped_since_leaves_no_copy() {
    let mut world = World::with_table(9);
    for line in [
        "/dbc_table_create database:prod table:notes pk:id",
        &insert_secret("s").replace("users", "notes"),
        "/dbc_table_rename database:prod table:notes to:drafts",
        "/dbc_delete database:prod table:drafts key:s hard:true",
        "/dbc_table_drop database:prod table:drafts confirm:drafts",
        "/dbc_table_create database:prod table:drafts pk:id",
    ] {
        world.ok(line);
    }
    world.settle();
    no_copy_is_left(&world);
}

#[test]
fn a_row_that_was_written_in_the_commit_that_renamed_its_table_leaves_no_copy() {
    let mut world = World::with_table(13);
    world.ok(&insert_secret("s"));
    world.settle();
    let together = |world: &mut World, lines: &[&str]| {
        for reply in world.all_at_once(lines) {
            assert!(!reply.starts_with('❌'), "{reply}");
        }
    };
    let update = on_users(
        "dbc_update",
        &format!(r#"key:s patch_json:{{"more":"{SECRET}"}}"#),
    );
    let rename = "/dbc_table_rename database:prod table:users to:people";
    together(
        &mut world,
        &[
            "/dbc_table_create database:prod table:x pk:id",
            &update,
            rename,
        ],
    );
    let delete = "/dbc_delete database:prod table:people key:s hard:true";
    let drop = "/dbc_table_drop database:prod table:people confirm:people";
    together(&mut world, &[delete, drop]);
    world.settle();
    no_copy_is_left(&world);
}

#[test]
fn erasing_goes_on_after_evictions() {
    let mut world = World::with_table(3);
    world.ok(&insert_secret("s"));
    world.ok(&insert("a"));
    world.settle();
    world.ok(HARD_DELETE);
    for _ in 0..40 {
        world.wait(30_000);
        world.evict();
    }
    world.settle();
    no_copy_is_left(&world);
    world.ok(&get("a"));
}

#[test]
fn a_segment_that_is_much_larger_than_the_deletion_is_written_again() {
    let mut world = World::with_table(5);
    let rows: Vec<Value> = (0..40)
        .map(|n| json!({"op": "insert", "table": "users", "key": format!("k{n}"), "value": {"n": n}}))
        .collect();
    world.ok(&format!(
        "/dbc_transact database:prod ops_json:{}",
        Value::from(rows)
    ));
    world.ok(&insert_secret("s"));
    world.settle();
    world.ok(HARD_DELETE);
    world.settle();
    no_copy_is_left(&world);
    world.evict();
    world.ok(&get("k7"));
}

#[test]
fn a_record_stays_while_it_is_the_only_place_but_the_segment_for_another_row() {
    let mut world = World::with_table(6);
    world.ok("/dbc_table_create database:prod table:posts pk:id");
    world.settle();
    let refuse = Fault {
        status: Some(500),
        times: 0,
        ..Fault::new(FaultKind::Status)
    };
    world.fault_on_posts("table-posts", refuse);
    world.ok(&format!(
        r#"/dbc_transact database:prod ops_json:[{{"op":"insert","table":"users","key":"s","value":{{"word":"{SECRET}"}}}},{{"op":"insert","table":"posts","key":"p","value":{{}}}}]"#
    ));
    world.ok(HARD_DELETE);
    // Many commits make a checkpoint due although the posts are not shown.
    for n in 0..70 {
        world.ok(&insert(&format!("k{n}")));
    }
    world.wait(3_600_000);
    let inspected = world.ok("/dbc_inspect database:prod");
    assert!(inspected.contains("copies"), "{inspected}");
    assert!(
        everything(&world).contains(SECRET),
        "the post has no message"
    );
    world.clear_faults();
    world.wait(3_600_000);
    world.settle();
    no_copy_is_left(&world);
    world.ok("/dbc_get database:prod table:posts key:p");
}
