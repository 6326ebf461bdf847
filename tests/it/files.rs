//! JSON that comes as a file.

use crate::crud::{commits, on_users, shown, unnumbered, with_file};
use crate::world::{World, content, get, insert};
use discord_sim::{Fault, FaultKind};
use serde_json::json;

const INSERT: &str = "/dbc_insert database:prod table:users key:a value_file:@f";

#[test]
fn rows_patches_and_transactions_come_as_files() {
    let mut world = World::with_table(1);
    let reply = with_file(&mut world, INSERT, "\u{feff}{\"n\": 1}\n");
    assert!(reply.starts_with("Stored `a`"), "{reply}");
    let update = on_users("dbc_update", "key:a patch_file:@f if_rev:1");
    let reply = with_file(&mut world, &update, r#"{"n":null,"m":"ü"}"#);
    assert!(reply.starts_with("Updated `a`"), "{reply}");
    assert_eq!(shown(&world.ok(&get("a"))), json!({"id":"a","m":"ü"}));
    let ops = json!([{"op":"delete","table":"users","key":"a"}]).to_string();
    let reply = with_file(&mut world, "/dbc_transact database:prod ops_file:@f", ops);
    assert_eq!(unnumbered(&reply), "Committed 1 operation (commit #N).");
}

#[test]
fn errors_name_the_option_with_the_file() {
    let mut world = World::with_table(2);
    world.ok(&insert("b"));
    let before = commits(&world);
    let update = on_users("dbc_update", "key:b patch_file:@f");
    let transact = "/dbc_transact database:prod ops_file:@f";
    let both = format!("{INSERT} value_json:{{}}");
    let cases: Vec<(&str, &[u8], Vec<&str>)> = vec![
        (
            INSERT,
            b"{\"n\":1,\n}",
            vec!["`value_file`", "line 2, column 1"],
        ),
        (INSERT, b"[1]", vec!["`value_file`", "a list"]),
        (INSERT, b" \n", vec!["`value_file`", "only space"]),
        (
            INSERT,
            b"\xff\xfe{\0}\0",
            vec!["`value_file`", "UTF-16", "UTF-8"],
        ),
        (INSERT, b"{\"n\":\"\xe9\"}", vec!["`value_file`", "byte 7"]),
        (INSERT, br#"{"id":7.5}"#, vec!["`value_file`", "`id`"]),
        (
            &both,
            b"{}",
            vec!["`value_file`", "`value_json`", "only one"],
        ),
        (
            &update,
            br#"{"id":"x"}"#,
            vec!["`patch_file`", "primary key"],
        ),
        (&update, b"7", vec!["`patch_file`", "a number"]),
        (transact, b"{}", vec!["`ops_file`", "an object"]),
        (
            transact,
            br#"[{"op":"delete","table":"users","key":"x"}]"#,
            vec!["`ops_file`", "operation 1 of 1", "`x`"],
        ),
    ];
    for (line, bytes, words) in cases {
        let reply = with_file(&mut world, line, bytes);
        assert!(reply.starts_with('❌'), "{line}: {reply}");
        assert!(reply.contains("Nothing was written"), "{line}: {reply}");
        for word in words {
            assert!(reply.contains(word), "{line}: {word:?} is not in: {reply}");
        }
    }
    assert_eq!(commits(&world), before);
}

#[test]
fn a_host_that_refuses_files_is_named_with_the_way_around() {
    let mut world = World::with_table(3);
    world.refuse_files();
    let reply = with_file(&mut world, INSERT, "{}");
    for word in [
        "`value_file`",
        "does not let this Worker read files",
        "`value_json`",
        "Nothing was written",
    ] {
        assert!(reply.contains(word), "{reply}");
    }
    world.clear_faults();
    assert!(with_file(&mut world, INSERT, "{}").starts_with("Stored"));
}

#[test]
fn a_host_that_fails_for_a_moment_is_asked_again() {
    let mut world = World::with_table(4);
    let failure = |times| Fault {
        path: Some("^/ephemeral-attachments|^/attachments".into()),
        status: Some(502),
        times,
        ..Fault::new(FaultKind::Status)
    };
    world.fault(failure(2));
    assert!(with_file(&mut world, INSERT, "{}").starts_with("Stored"));
    world.fault(failure(0));
    let update = on_users("dbc_update", "key:a patch_file:@f");
    let reply = with_file(&mut world, &update, "{}");
    assert!(reply.contains("`patch_file`"), "{reply}");
    assert!(reply.contains("Try again"), "{reply}");
    assert!(reply.contains("Nothing was written"), "{reply}");
}

#[test]
fn a_row_has_at_most_8_mib() {
    let mut world = World::with_table(5);
    let document = |bytes: usize| {
        let frame = r#"{"id":"a","t":""}"#.len();
        format!(r#"{{"id":"a","t":"{}"}}"#, "x".repeat(bytes - frame))
    };
    let most = 8 * 1024 * 1024;
    // White space does not count: what is stored is compact.
    let reply = with_file(&mut world, INSERT, document(most) + "      ");
    assert!(reply.starts_with("Stored"), "{reply}");
    world.evict();
    let view = world.run(&get("a"));
    let file = &view.reply.unwrap()["attachments"][0];
    assert!(file["size"].as_u64().unwrap() >= most as u64, "{file}");
    let over = with_file(
        &mut world,
        &format!("{INSERT} mode:upsert"),
        document(most + 1),
    );
    for word in [
        "`value_file`",
        "8388609 bytes",
        "8388608 (8 MiB)",
        "Nothing was written",
    ] {
        assert!(over.contains(word), "{over}");
    }
    // A patch cannot make it any larger either.
    let update = on_users("dbc_update", r#"key:a patch_json:{"u":1}"#);
    let told = world.refused(&update);
    assert!(told.contains("`patch_json`"), "{told}");
    assert!(told.contains("8 MiB"), "{told}");
}

#[test]
fn a_file_that_could_not_be_read_back_in_time_does_not_cut_rows_short() {
    let mut world = World::with_table(6);
    world.ok(&insert("a"));
    let document = |bytes: usize| format!(r#"{{"t":"{}"}}"#, "x".repeat(bytes));
    let with_key = |key: &str| INSERT.replace("key:a", &format!("key:{key}"));
    let stored = with_file(&mut world, &with_key("b"), document(20_000));
    assert!(stored.starts_with("Stored"), "{stored}");
    // Not the file that comes with the command.
    let lost = Fault {
        path: Some("^/attachments".into()),
        times: 8,
        ..Fault::new(FaultKind::LostRequest)
    };
    world.fault(lost);
    let told = with_file(&mut world, &with_key("c"), document(20_000));
    assert!(told.contains("Nothing was written"), "{told}");
    world.clear_faults();
    let long = format!("key:a patch_json:{}", document(2_500));
    world.ok(&on_users("dbc_update", &long));
    world.settle();
    let channel = world.channel("table-users").unwrap();
    let message = &channel["messages"][0];
    assert_eq!(
        message["attachments"].as_array().unwrap().len(),
        1,
        "{message:#}"
    );
}

#[test]
fn a_void_record_in_a_file_that_nobody_can_fetch_does_not_stop_the_database() {
    for failed_deletions in [0, 4, 40] {
        let mut world = World::with_table(6);
        world.ok(&insert("a"));
        world.settle();
        world.fault(Fault {
            times: 0,
            ..Fault::new(FaultKind::AttachmentsRefused)
        });
        if failed_deletions > 0 {
            let log = world.channel_id("dbc-log");
            world.fault(Fault {
                method: Some("DELETE".into()),
                path: Some(format!("^/channels/{log}/messages/")),
                status: Some(503),
                times: failed_deletions,
                ..Fault::new(FaultKind::Status)
            });
        }
        let text = "x".repeat(5_800);
        world.refused(&format!(
            r#"/dbc_insert database:prod table:users key:b value_json:{{"id":"b","t":"{text}"}}"#
        ));
        for _ in 0..2 {
            world.evict();
            world.ok(&get("a"));
            world.refused(&get("b"));
        }
        world.ok(&insert("c"));
        world.settle();
        world.evict();
        world.ok(&get("c"));
        // It is void, and goes in the end.
        let log = world.messages("dbc-log");
        let left = log.iter().filter(|text| text.contains("users/b put"));
        assert_eq!(left.count(), 0, "{failed_deletions}");
    }
}

/// The file that shows a row is within Discord's limit, whatever a row within ours is made of.
#[test]
fn what_was_stored_can_be_shown() {
    // Layout and escapes make it far longer.
    let nested = format!(
        r#"{{"t":{}{}{}}}"#,
        "[".repeat(60),
        vec!["1"; 99_000].join(","),
        "]".repeat(60)
    );
    for text in [
        format!(r#"{{"t":"{}"}}"#, "`".repeat(2 * 1024 * 1024)),
        nested,
    ] {
        let mut world = World::with_table(1);
        let line = "/dbc_insert database:prod table:users key:big value_file:@f";
        let told = with_file(&mut world, line, text.as_str());
        assert!(told.starts_with("Stored"), "{told}");
        let view = world.run(&get("big"));
        let file = world.reply_file(&view);
        let stored = text.replacen('{', r#"{"id":"big","#, 1);
        assert!(file == Some(stored), "{}", content(&view));
    }
}
