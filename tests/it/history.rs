//! A row's past, and bringing it back.

use crate::crud::{commits, on_users, refused, unnumbered, with_file};
use crate::world::{World, content, get, insert};
use discord_sim::{Fault, FaultKind, InteractionSpec};
use serde_json::{Value, json};

fn history(rest: &str) -> String {
    on_users("dbc_history", rest)
}

/// A world where row `a` was inserted, updated, deleted and inserted again.
fn with_a_past(seed: u64) -> World {
    let mut world = World::with_table(seed);
    world.ok(&on_users("dbc_insert", r#"key:a value_json:{"n":1}"#));
    world.ok(&on_users("dbc_update", r#"key:a patch_json:{"n":2}"#));
    world.ok(&insert("other"));
    world.ok(&on_users("dbc_delete", "key:a"));
    world.ok(&on_users("dbc_insert", r#"key:a value_json:{"n":4}"#));
    world
}

#[test]
fn every_revision_says_who_when_and_what() {
    let mut world = with_a_past(1);
    for _ in 0..2 {
        let reply = unnumbered(&world.ok(&history("key:a")));
        let owner = world.guild.users["owner"];
        let lines: Vec<&str> = reply.lines().filter(|l| l.contains("**rev")).collect();
        let parts = [
            ("**rev 4**", "/dbc_insert · commit #N"),
            ("**rev 3**", "/dbc_delete · commit #N · deleted"),
            ("**rev 2**", "/dbc_update · commit #N"),
            ("**rev 1**", "/dbc_insert · commit #N"),
        ];
        assert_eq!(lines.len(), parts.len(), "{reply}");
        for (line, (rev, end)) in lines.iter().zip(parts) {
            assert!(line.starts_with(&format!("{rev} · <t:18000")), "{line}");
            assert!(line.contains(&format!(":f> · <@{owner}> · ")), "{line}");
            assert!(line.ends_with(end), "{line}");
        }
        let documents: Vec<&str> = reply.split("```json\n").skip(1).collect();
        let numbers = documents.iter().map(|text| {
            let text = text.split("\n```").next().unwrap();
            serde_json::from_str::<Value>(text).unwrap()["n"].clone()
        });
        assert_eq!(numbers.collect::<Vec<_>>(), [json!(4), json!(2), json!(1)]);
        assert!(!reply.contains("lder"), "{reply}");
        world.evict();
    }
    let reply = world.ok(&history("key:a limit:1"));
    assert!(reply.contains("**rev 4**"), "{reply}");
    assert!(!reply.contains("**rev 3**"), "{reply}");
    assert!(reply.contains("There are older ones"), "{reply}");
}

#[test]
fn who_did_what_is_kept_apart_in_a_group() {
    let mut world = World::with_table(2);
    let guild = world.guild.guild_id;
    let member = world.guild.users["member"];
    let manager = 1 << 5;
    let everyone = guild;
    // Everybody may use the commands.
    let path = format!("/guilds/{guild}/roles/{everyone}");
    let roles = world.state()["roles"].clone();
    let bits: u64 = roles
        .as_array()
        .and_then(|roles| roles.iter().find(|role| role["id"] == everyone.to_string()))
        .and_then(|role| role["permissions"].as_str())
        .map_or(0, |bits| bits.parse().unwrap());
    let body = json!({"permissions": (bits | manager).to_string()});
    assert!(
        world
            .by_hand("PATCH", &path, Some(body))
            .status()
            .is_success()
    );
    let sent: Vec<_> = [
        ("a", None),
        ("b", Some(member)),
        ("c", None),
        ("d", Some(member)),
    ]
    .into_iter()
    .map(|(key, user)| {
        let mut spec = InteractionSpec::text(guild, &insert(key));
        spec.user_id = user;
        (key, user, world.send(spec))
    })
    .collect();
    for (_, _, id) in &sent {
        let reply = content(&world.wait_for(*id));
        assert!(reply.starts_with("Stored"), "{reply}");
    }
    let owner = world.guild.users["owner"];
    for (key, user, _) in sent {
        let reply = world.ok(&history(&format!("key:{key}")));
        let who = user.unwrap_or(owner);
        assert!(reply.contains(&format!("<@{who}>")), "{key}: {reply}");
    }
}

#[test]
fn a_long_past_goes_into_a_file() {
    let mut world = World::with_table(3);
    world.ok(&insert("a"));
    for n in 0..30 {
        let patch = json!({"n": n, "text": "x".repeat(200)});
        world.ok(&on_users(
            "dbc_update",
            &format!("key:a patch_json:{patch}"),
        ));
    }
    let view = world.run(&history("key:a limit:100"));
    let reply = view.reply.unwrap();
    let content = reply["content"].as_str().unwrap();
    assert!(content.contains("**rev 31**"), "{content}");
    assert!(content.contains("in the file"), "{content}");
    assert_eq!(reply["attachments"][0]["filename"], "a.history.json");
    let size = reply["attachments"][0]["size"].as_u64().unwrap();
    assert!(size > 31 * 200, "{size}");
}

#[test]
fn the_past_is_found_behind_pages_of_other_commits() {
    let mut world = World::with_table(8);
    world.ok(&on_users("dbc_insert", r#"key:a value_json:{"n":1}"#));
    for n in 0..130 {
        world.ok(&insert(&format!("k{n}")));
    }
    world.settle();
    world.evict();
    let pages = |world: &World| {
        let log = format!("/channels/{}/messages", world.channel_id("dbc-log"));
        let reads = world.requests().into_iter();
        reads
            .filter(|(method, path, _)| method == "GET" && path.starts_with(&log))
            .count()
    };
    // So that opening does not count.
    world.ok(&get("a"));
    let before = pages(&world);
    let reply = world.ok(&history("key:a"));
    assert!(reply.contains("/dbc_insert · commit #"), "{reply}");
    assert_eq!(pages(&world) - before, 2);
    world.ok(&on_users("dbc_update", r#"key:a patch_json:{"n":2}"#));
    let before = pages(&world);
    let reply = world.ok(&history("key:a limit:1"));
    assert!(reply.contains("There are older ones"), "{reply}");
    // What was asked for stands on the newest page, so no other is read.
    assert_eq!(pages(&world) - before, 1);
    world.ok(&on_users("dbc_restore_row", "key:a rev:1"));
}

#[test]
fn a_revision_comes_back_as_a_new_one() {
    let mut world = with_a_past(4);
    world.ok(&on_users("dbc_delete", "key:a"));
    let restore = |rev: u64| on_users("dbc_restore_row", &format!("key:a rev:{rev}"));
    assert_eq!(
        unnumbered(&world.ok(&restore(2))),
        "Restored `a` in `prod.users` to the document of revision 2, as revision 6 (commit #N)."
    );
    let reply = world.ok(&get("a"));
    assert!(reply.contains("\"n\": 2"), "{reply}");
    let restored = world.ok(&history("key:a limit:1"));
    assert!(restored.contains("/dbc_restore_row"), "{restored}");
    for (rev, words) in [
        (6, vec!["`rev`", "at revision 6 already"]),
        (3, vec!["`rev`", "is its deletion"]),
        (9, vec!["`rev`", "no revision 9", "The newest is 6."]),
    ] {
        refused(&mut world, &restore(rev), &words);
    }
    refused(
        &mut world,
        &on_users("dbc_restore_row", "key:nope rev:1"),
        &["`key`", "`nope`", "Nothing was written"],
    );
    let told = world.refused(&history("key:nope"));
    assert!(told.contains("no row with key `nope`"), "{told}");
    assert!(!told.contains("written"), "{told}");
}

#[test]
fn what_was_deleted_for_good_has_no_past() {
    let mut world = with_a_past(5);
    world.ok(&on_users("dbc_delete", "key:a hard:true"));
    let reply = world.ok(&history("key:a"));
    assert!(reply.contains("deleted for good"), "{reply}");
    assert!(!reply.contains("```"), "{reply}");
    let told = world.refused(&on_users("dbc_restore_row", "key:a rev:4"));
    assert!(told.contains("deleted for good"), "{told}");
    let told = world.refused(&on_users("dbc_restore_row", "key:a rev:5"));
    assert!(told.contains("its deletion for good"), "{told}");
    assert!(!told.contains("Take the one before"), "{told}");
    assert!(world.ok(&insert("a")).contains("as revision 6"));
    let reply = world.ok(&history("key:a"));
    assert_eq!(reply.matches("**rev").count(), 2, "{reply}");
    assert!(
        world
            .refused(&on_users("dbc_restore_row", "key:a rev:4"))
            .contains("deleted for good")
    );
}

#[test]
fn history_goes_through_a_rename_and_not_into_the_next_table_of_that_name() {
    let mut world = with_a_past(6);
    world.ok("/dbc_table_rename database:prod table:users to:people");
    world.ok("/dbc_table_create database:prod table:users pk:id");
    world.ok(&insert("a"));
    let reply = world.ok(&history("key:a"));
    assert_eq!(reply.matches("**rev").count(), 1, "{reply}");
    let reply = world.ok("/dbc_history database:prod table:people key:a");
    assert_eq!(reply.matches("**rev").count(), 4, "{reply}");
    world.ok("/dbc_restore_row database:prod table:people key:a rev:1");
}

#[test]
fn a_revision_that_nobody_was_told_of_is_not_shown() {
    let mut world = World::with_table(7);
    world.ok(&insert("a"));
    world.settle();
    world.fault_on_posts(
        "dbc-log",
        Fault {
            ms: Some(5_000),
            ..Fault::new(FaultKind::Delay)
        },
    );
    let before = commits(&world).len();
    let line = on_users("dbc_update", r#"key:a patch_json:{"n":1}"#);
    let id = world.send(InteractionSpec::text(world.guild.guild_id, &line));
    // Until it stands in the log; its answer is on its way then.
    let is_there = |world: &World| commits(world).len() > before;
    for _ in 0..20 {
        if !is_there(&world) {
            world.wait(100);
        }
    }
    assert!(is_there(&world));
    let reply = world.ok(&history("key:a"));
    assert_eq!(reply.matches("**rev").count(), 1, "{reply}");
    assert!(content(&world.wait_for(id)).starts_with("Updated"));
    let reply = world.ok(&history("key:a"));
    assert_eq!(reply.matches("**rev").count(), 2, "{reply}");
}

#[test]
fn what_the_log_no_longer_has_is_read_from_the_thread() {
    let mut world = World::with_table(9);
    world.ok(&on_users("dbc_insert", r#"key:a value_json:{"n":1}"#));
    world.settle();
    let long = "x".repeat(3_000);
    let patch = json!({"n": 2, "long": long});
    world.ok(&on_users(
        "dbc_update",
        &format!("key:a patch_json:{patch}"),
    ));
    world.settle();
    for n in 3..=4 {
        let patch = json!({"n": n, "long": null});
        world.ok(&on_users(
            "dbc_update",
            &format!("key:a patch_json:{patch}"),
        ));
        world.settle();
    }
    let whole = unnumbered(&world.ok(&history("key:a limit:2")));
    // A checkpoint covers these commits: nobody needs them to open the database.
    for _ in 0..4 {
        world.delete_message("dbc-log", "· users/a put");
    }
    world.evict();
    let cut = unnumbered(&world.ok(&history("key:a limit:2")));
    assert_eq!(cut, whole);
    let reply = world.ok(&history("key:a limit:100"));
    let lines: Vec<&str> = reply.lines().filter(|l| l.contains("**rev")).collect();
    assert_eq!(lines.len(), 4, "{reply}");
    assert!(lines[2].contains("/dbc_update"), "{reply}");
    assert!(!reply.contains("lder"), "{reply}");
    world.ok(&on_users("dbc_restore_row", "key:a rev:2"));
    let view = world.run(&get("a"));
    let file = &view.reply.unwrap()["attachments"][0];
    assert!(file["size"].as_u64().unwrap() > 3_000, "{file}");
}

#[test]
fn no_more_revisions_are_offered_than_can_be_shown() {
    let mut world = World::with_table(10);
    world.ok(&insert("a"));
    let update = |n| json!({"op": "update", "table": "users", "key": "a", "patch": {"n": n}});
    let updates: Value = (0..100).map(update).collect();
    world.ok(&format!("/dbc_transact database:prod ops_json:{updates}"));
    let reply = world.ok(&history("key:a limit:99"));
    assert!(reply.contains("raise `limit`"), "{reply}");
    let reply = world.ok(&history("key:a limit:100"));
    assert!(reply.contains("There are older ones"), "{reply}");
    assert!(!reply.contains("raise `limit`"), "{reply}");
}

#[test]
fn a_row_that_was_deleted_is_not_missing() {
    let mut world = with_a_past(11);
    world.ok(&on_users("dbc_delete", "key:a"));
    let update = |key: &str| on_users("dbc_update", &format!(r#"key:{key} patch_json:{{"n":1}}"#));
    let told = world.refused(&update("a"));
    assert!(told.contains("`/dbc_restore_row`"), "{told}");
    assert!(!told.contains("`/dbc_insert`"), "{told}");
    let told = world.refused(&update("nope"));
    assert!(told.contains("`/dbc_insert`"), "{told}");
}

#[test]
fn a_revision_that_waits_for_its_thread_is_known_when_its_record_is_gone() {
    let mut world = World::with_table(21);
    world.ok(
        r#"/dbc_transact database:prod ops_json:[{"op":"insert","table":"users","key":"s","value":{}},{"op":"insert","table":"users","key":"a","value":{"n":1}}]"#,
    );
    world.settle();
    world.ok("/dbc_delete database:prod table:users key:s hard:true");
    world.wait(3_600_000);
    // Two revisions at once: the first is not in the thread before the second is replaced.
    world.ok(
        r#"/dbc_transact database:prod ops_json:[{"op":"update","table":"users","key":"a","patch":{"n":2}},{"op":"update","table":"users","key":"a","patch":{"n":3}}]"#,
    );
    world.ok("/dbc_restore_row database:prod table:users key:a rev:1");
    let row = world.ok(&get("a"));
    assert!(row.contains("rev 4") && row.contains("\"n\": 1"), "{row}");
}

/// Documents go into the file until it is full; of the others the lines are there, and what to do.
#[test]
fn a_history_of_large_rows_is_shown_as_far_as_it_fits() {
    let mut world = World::with_table(1);
    let text = format!(r#"{{"t":"{}"}}"#, "x".repeat(3 * 1024 * 1024));
    let line = on_users("dbc_insert", "key:h value_file:@f");
    with_file(&mut world, &line, text);
    for n in 0..4 {
        world.ok(&on_users(
            "dbc_update",
            &format!(r#"key:h patch_json:{{"n":{n}}}"#),
        ));
    }
    let view = world.run(&on_users("dbc_history", "key:h"));
    let told = content(&view);
    let file = world.reply_file(&view);
    let file = file.unwrap_or_else(|| panic!("no file: {told}"));
    let revisions: Vec<Value> = serde_json::from_str(&file).unwrap();
    let has_document: Vec<bool> = revisions.iter().map(|r| r["doc"].is_object()).collect();
    assert_eq!(has_document, [true, true, true, false, false]);
    assert!(
        told.contains("Those of revision 2 and before do not fit")
            && told.contains("`/dbc_restore_row`")
            && told.contains("**rev 1**")
            && !told.contains("deleted"),
        "{told}"
    );
    world.ok(&on_users("dbc_restore_row", "key:h rev:1"));
}
