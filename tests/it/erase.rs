//! Rows that were deleted for good: in the end no message and no file has a copy.

use crate::crud::on_users;
use crate::world::{World, content, get, insert};
use bytes::Bytes;
use dbcord::discord::client::USER_AGENT;
use dbcord::engine::checkpoint::file_sum::FileSum;
use dbcord::engine::checkpoint::segment;
use discord_sim::{Fault, FaultKind, InteractionSpec, Outcome};
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
    assert!(!everything(&world).contains(SECRET), "a copy is left");
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
    let view = world.run("/dbc_delete database:prod table:users key:s hard:true");
    assert!(!content(&view).contains("is gone."), "{}", content(&view));
    world.evict();
    world.settle();
    let view = world.with_discord(|discord| discord.interaction(view.id).unwrap());
    assert!(
        content(&view).contains("The last copy is gone."),
        "{}",
        content(&view)
    );
    assert!(!everything(&world).contains(SECRET), "a copy is left");
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
        let view = world.run("/dbc_delete database:prod table:users key:s hard:true");
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
fn an_eviction_brings_nothing_back_into_a_thread() {
    for is_checkpointed in [false, true] {
        for in_one_commit in [false, true] {
            let mut world = World::with_table(6);
            world.ok(&insert_secret("s"));
            world.wait(1_500);
            if is_checkpointed {
                world.settle();
            }
            if in_one_commit {
                // Those that wait while another is in flight go together.
                let commands = [insert("x"), HARD_DELETE.to_owned(), insert("s")];
                let sent = commands.map(|command| {
                    world.send(InteractionSpec::text(world.guild.guild_id, &command))
                });
                for id in sent {
                    world.wait_for(id);
                }
            } else {
                world.ok(HARD_DELETE);
                world.ok(&insert("s"));
            }
            // Before anything of it is shown.
            world.evict();
            world.settle();
            let left = everything(&world).contains(SECRET);
            assert!(!left, "{is_checkpointed} {in_one_commit}: a copy is left");
        }
    }
}

#[test]
fn what_was_inserted_again_under_the_key_stays() {
    let mut world = World::with_table(2);
    world.ok(&insert_secret("s"));
    world.settle();
    world.ok("/dbc_delete database:prod table:users key:s hard:true");
    world.ok(&insert("s"));
    world.settle();
    assert!(!everything(&world).contains(SECRET), "a copy is left");
    assert!(world.ok(&get("s")).contains("rev 3"));
    world.lose_storage();
    assert!(world.ok(&get("s")).contains("rev 3"));
    assert_eq!(world.messages("table-users").len(), 1);
}

#[test]
fn what_is_inserted_again_at_once_leaves_nothing_of_the_thread_before() {
    for is_evicted in [false, true] {
        let mut world = World::with_table(11);
        world.ok(&insert_secret("s"));
        world.settle();
        world.ok(&on_users("dbc_update", r#"key:s patch_json:{"n":1}"#));
        world.settle();
        assert!(!world.state()["threads"].as_array().unwrap().is_empty());
        world.ok(HARD_DELETE);
        world.ok(&insert("s"));
        if is_evicted {
            world.evict();
        }
        world.settle();
        assert!(!everything(&world).contains(SECRET), "a copy is left");
        assert!(world.ok(&get("s")).contains("rev 4"));
        assert_eq!(world.messages("table-users").len(), 1);
    }
}

#[test]
fn a_message_that_took_the_place_of_the_one_that_is_remembered_goes_too() {
    let mut world = World::with_table(14);
    world.ok(&insert("s"));
    world.settle();
    // The checkpoint has the message of before; that of after is shown, and no checkpoint has it.
    world.ok(HARD_DELETE);
    world.ok(&insert_secret("s"));
    world.wait(1_800);
    assert!(world.messages("table-users")[0].contains(SECRET));
    world.evict();
    world.ok(HARD_DELETE);
    world.settle();
    assert!(!everything(&world).contains(SECRET), "a copy is left");
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
        assert!(!everything(&world).contains(SECRET), "a copy is left");
        assert_eq!(world.state()["threads"].as_array().map(Vec::len), Some(0));
    }
}

#[test]
fn a_row_that_was_deleted_in_the_commit_that_inserted_it_leaves_no_copy() {
    let mut world = World::with_table(8);
    let delete = "/dbc_delete database:prod table:users key:s hard:true";
    // The first is on its way while the others arrive, so that these go together.
    let lines = [insert("a"), insert_secret("s"), delete.to_owned()];
    let sent = lines.map(|line| world.send(InteractionSpec::text(world.guild.guild_id, &line)));
    let replies = sent.map(|id| content(&world.wait_for(id)));
    let commit = |reply: &str| {
        reply
            .split("commit #")
            .nth(1)
            .map(|rest| rest[..1].to_owned())
    };
    assert_eq!(commit(&replies[1]), commit(&replies[2]), "{replies:?}");
    world.settle();
    assert!(!everything(&world).contains(SECRET), "a copy is left");
    world.evict();
    world.ok(&get("a"));
    world.lose_storage();
    world.ok(&get("a"));
    assert!(world.refused(&get("s")).contains("deleted for good"));
}

#[test]
fn what_is_inserted_again_by_the_same_commit_brings_nothing_back() {
    let mut world = World::with_table(10);
    world.ok(&insert_secret("s"));
    world.settle();
    let delete = "/dbc_delete database:prod table:users key:s hard:true";
    // The first is on its way while the others arrive, so that these go together.
    let lines = [insert("a"), delete.to_owned(), insert("s")];
    let sent = lines.map(|line| world.send(InteractionSpec::text(world.guild.guild_id, &line)));
    let replies = sent.map(|id| content(&world.wait_for(id)));
    let commit = |reply: &str| {
        reply
            .split("commit #")
            .nth(1)
            .map(|rest| rest[..1].to_owned())
    };
    assert_eq!(commit(&replies[1]), commit(&replies[2]), "{replies:?}");
    world.settle();
    assert!(!everything(&world).contains(SECRET), "a copy is left");
    assert!(world.ok(&get("s")).contains("rev 3"));
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
    assert!(!everything(&world).contains(SECRET), "a copy is left");
}

#[test]
fn a_row_that_was_written_in_the_commit_that_renamed_its_table_leaves_no_copy() {
    let mut world = World::with_table(13);
    world.ok(&insert_secret("s"));
    world.settle();
    let together = |world: &mut World, lines: &[&str]| {
        let guild = world.guild.guild_id;
        let sent: Vec<_> = lines
            .iter()
            .map(|line| world.send(InteractionSpec::text(guild, line)))
            .collect();
        for id in sent {
            let reply = content(&world.wait_for(id));
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
    assert!(!everything(&world).contains(SECRET), "a copy is left");
}

#[test]
fn erasing_goes_on_after_evictions() {
    let mut world = World::with_table(3);
    world.ok(&insert_secret("s"));
    world.ok(&insert("a"));
    world.settle();
    world.ok("/dbc_delete database:prod table:users key:s hard:true");
    for _ in 0..40 {
        world.wait(30_000);
        world.evict();
    }
    world.settle();
    assert!(!everything(&world).contains(SECRET), "a copy is left");
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
    world.ok("/dbc_delete database:prod table:users key:s hard:true");
    world.settle();
    assert!(!everything(&world).contains(SECRET), "a copy is left");
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
    world.ok("/dbc_delete database:prod table:users key:s hard:true");
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
    assert!(!everything(&world).contains(SECRET), "a copy is left");
    world.ok("/dbc_get database:prod table:posts key:p");
}

/// A world where row `a` of table `q`, which is not shown, has three revisions, and `users` then
/// has a row that is deleted for good.
fn with_a_past_in_between(seed: u64) -> World {
    let mut world = World::with_table(seed);
    world.ok("/dbc_table_create database:prod table:q pk:id mirror:false");
    let on_q = |command: &str, rest: &str| format!("/{command} database:prod table:q key:a {rest}");
    world.ok(&on_q("dbc_insert", r#"value_json:{"id":"a","n":1}"#));
    world.ok(&insert_secret("x"));
    world.ok(&on_q("dbc_update", r#"patch_json:{"n":2}"#));
    world.ok(&on_q("dbc_delete", ""));
    world.ok(&insert_secret("y"));
    world.ok("/dbc_update database:prod table:users key:y patch_json:{\"n\":2}");
    world
}

fn has_its_past(world: &mut World) {
    let history = world.ok("/dbc_history database:prod table:q key:a");
    assert_eq!(history.matches("**rev").count(), 3, "{history}");
    assert!(!history.contains("lder"), "{history}");
}

#[test]
fn the_past_of_other_rows_stays() {
    let mut world = with_a_past_in_between(7);
    for key in ["y", "x"] {
        world.ok(&format!(
            "/dbc_delete database:prod table:users key:{key} hard:true"
        ));
        world.wait(3_600_000);
        has_its_past(&mut world);
    }
    assert!(!everything(&world).contains(SECRET), "a copy is left");
    world.lose_storage();
    has_its_past(&mut world);
    world.ok("/dbc_restore_row database:prod table:q key:a rev:2");
    let row = world.ok("/dbc_get database:prod table:q key:a");
    assert!(row.contains("\"n\": 2"), "{row}");
}

#[test]
fn the_past_of_other_rows_stays_when_the_removal_is_interrupted() {
    let mut world = with_a_past_in_between(8);
    // The messages of the row's records are old enough to go at different times.
    world.ok(&insert_secret("z"));
    for n in 0..3 {
        world.wait(400_000);
        world.ok(&format!(
            "/dbc_update database:prod table:users key:z patch_json:{{\"n\":{n}}}"
        ));
        world.ok(&insert(&format!("k{n}")));
    }
    for key in ["x", "z", "y"] {
        world.ok(&format!(
            "/dbc_delete database:prod table:users key:{key} hard:true"
        ));
    }
    for _ in 0..120 {
        world.wait(15_000);
        world.evict();
    }
    world.settle();
    assert!(!everything(&world).contains(SECRET), "a copy is left");
    has_its_past(&mut world);
}

#[test]
fn what_went_along_with_another_row_is_found_in_the_thread() {
    let mut world = World::with_table(9);
    world.ok(&insert("a"));
    world.ok(&format!(
        r#"/dbc_transact database:prod ops_json:[{{"op":"insert","table":"users","key":"s","value":{{"word":"{SECRET}"}}}},{{"op":"update","table":"users","key":"a","patch":{{"n":2}}}}]"#
    ));
    world.settle();
    world.ok(r#"/dbc_update database:prod table:users key:a patch_json:{"n":3}"#);
    world.settle();
    world.ok("/dbc_delete database:prod table:users key:s hard:true");
    world.wait(3_600_000);
    assert!(!everything(&world).contains(SECRET), "a copy is left");
    let history = world.ok("/dbc_history database:prod table:users key:a");
    assert_eq!(history.matches("**rev").count(), 3, "{history}");
    world.ok("/dbc_restore_row database:prod table:users key:a rev:2");
}

#[test]
fn a_revision_that_went_along_with_another_row_was_not_deleted_for_good() {
    let mut world = World::with_table(10);
    world.ok("/dbc_table_create database:prod table:q pk:id mirror:false");
    world.ok("/dbc_insert database:prod table:q key:a value_json:{}");
    world.ok(&format!(
        r#"/dbc_transact database:prod ops_json:[{{"op":"insert","table":"users","key":"s","value":{{"word":"{SECRET}"}}}},{{"op":"update","table":"q","key":"a","patch":{{"n":2}}}}]"#
    ));
    world.ok(r#"/dbc_update database:prod table:q key:a patch_json:{"n":3}"#);
    world.ok("/dbc_delete database:prod table:users key:s hard:true");
    world.wait(3_600_000);
    let told = world.refused("/dbc_restore_row database:prod table:q key:a rev:2");
    assert!(told.contains("replaced before it was shown"), "{told}");
    assert!(!told.contains("for good"), "{told}");
    world.ok("/dbc_restore_row database:prod table:q key:a rev:1");
}
