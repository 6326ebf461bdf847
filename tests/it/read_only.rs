//! A log that does not show what must be in it: what is proven is read, with a warning, and nothing is
//! written.

use crate::world::{World, get, insert};

const WARNING: &str = "⚠️ read-only: commit #";

/// Discord's requests that change something, but for answers.
fn changes(world: &World) -> usize {
    let requests = world.requests();
    let changes = requests.iter().filter(|(method, path, _)| {
        method != "GET" && !path.contains("/webhooks/") && !path.contains("/interactions/")
    });
    changes.count()
}

/// Messages of the log, oldest first.
fn log(world: &World) -> Vec<String> {
    let log = world.channel("dbc-log").unwrap();
    let messages = log["messages"].as_array().unwrap().iter();
    messages
        .map(|message| message["id"].as_str().unwrap().to_owned())
        .collect()
}

fn delete_record(world: &mut World, message: &str) {
    let log = world.channel_id("dbc-log");
    world.by_hand(
        "DELETE",
        &format!("/channels/{log}/messages/{message}"),
        None,
    );
}

fn update(n: u64) -> String {
    format!(r#"/dbc_update database:prod table:users key:a patch_json:{{"n":{n}}}"#)
}

/// Everything that can be asked.
fn questions() -> [String; 9] {
    [
        get("a"),
        get("nobody"),
        "/dbc_find database:prod table:users".to_owned(),
        "/dbc_count database:prod table:users".to_owned(),
        "/dbc_distinct database:prod table:users field:n".to_owned(),
        r#"/dbc_aggregate database:prod table:users pipeline_json:[{"$match":{"n":{"$gte":0}}}]"#
            .to_owned(),
        "/dbc_explain database:prod table:users".to_owned(),
        "/dbc_history database:prod table:users key:a".to_owned(),
        "/dbc_inspect database:prod".to_owned(),
    ]
}

/// Row `a` in revisions 1 to 6, a commit each; the log's messages, and the commit of revision 1.
fn world_with_revisions(seed: u64, checkpoint_after: Option<u64>) -> (World, u64) {
    let mut world = World::with_table(seed);
    let first = log(&world).len() as u64 + 1;
    world.ok(&insert("a"));
    for n in 1..=5 {
        if checkpoint_after == Some(n) {
            world.settle();
        }
        world.ok(&update(n));
    }
    world.evict();
    (world, first)
}

#[test]
fn a_log_with_a_gap_is_read_up_to_it_and_not_written() {
    for checkpoint_after in [None, Some(1), Some(3)] {
        let (world, first) = world_with_revisions(7, checkpoint_after);
        let titles = world.messages("dbc-log");
        drop(world);
        for position in 0..titles.len() {
            let (mut world, _) = world_with_revisions(7, checkpoint_after);
            let messages = log(&world);
            let seq: u64 = {
                let (seq, _) = titles[position].split_once(" · ").unwrap();
                match seq.strip_prefix('#') {
                    Some(seq) => seq.parse().unwrap(),
                    None => continue,
                }
            };
            let case = format!("{checkpoint_after:?}, #{seq} {position}");
            let checkpoint = titles
                .iter()
                .rposition(|title| title.contains("checkpoint"));
            delete_record(&mut world, &messages[position]);
            let before = changes(&world);
            let reply = world.reply(&get("a"));
            if checkpoint.is_some_and(|checkpoint| position < checkpoint) {
                assert!(reply.contains("· rev 6"), "{case}: {reply}");
                world.ok(&insert("b"));
                continue;
            }
            let head = format!("as of commit #{}, as far", seq - 1);
            if seq <= 2 {
                // There is no database before that.
                assert!(
                    reply.starts_with('❌') && !reply.contains(WARNING),
                    "{case}: {reply}"
                );
            } else if seq <= first {
                assert!(reply.starts_with('❌'), "{case}: {reply}");
                assert!(
                    reply.contains(WARNING) && reply.contains(&head),
                    "{case}: {reply}"
                );
            } else {
                let before = titles[..position].iter();
                let revs = before.filter(|title| title.contains("users/a put")).count();
                let rev = format!("· rev {revs} · commit #");
                assert!(reply.contains(&rev), "{case}: {reply}");
                for question in questions() {
                    let reply = world.reply(&question);
                    assert!(
                        reply.contains(&format!("{WARNING}{seq} is missing")),
                        "{case}: {reply}"
                    );
                    assert!(
                        reply.contains(&head) && !reply.contains("exact as of"),
                        "{case}: {reply}"
                    );
                }
            }
            for write in [insert("b"), update(9)] {
                let refused = world.refused(&write);
                assert!(refused.contains("Nothing was written"), "{case}: {refused}");
                assert!(refused.contains(&format!("#{seq}")), "{case}: {refused}");
            }
            world.settle();
            assert_eq!(changes(&world), before, "{case}");
            assert_eq!(log(&world).len(), titles.len() - 1, "{case}");
            // Nor does an object know better whose storage is new.
            world.lose_storage();
            let reply = world.reply(&get("a"));
            let is_newest = position + 1 == titles.len();
            assert!(
                is_newest || reply.contains(WARNING) || seq <= 2,
                "{case}: {reply}"
            );
        }
    }
}

#[test]
fn several_gaps_are_all_named() {
    let (mut world, first) = world_with_revisions(8, None);
    let messages = log(&world);
    for position in [1, 2, 4] {
        delete_record(
            &mut world,
            &messages[usize::try_from(first).unwrap() - 1 + position],
        );
    }
    let reply = world.ok(&get("a"));
    let named = format!("#{}, #{}, #{} is missing", first + 4, first + 2, first + 1);
    assert!(reply.contains(&named), "{reply}");
    assert!(reply.contains("· rev 1 · "), "{reply}");
}

#[test]
fn a_log_that_is_not_up_to_date_is_read_and_heals() {
    let (mut world, _) = world_with_revisions(9, None);
    world.wait(60_000);
    world.ok(&update(6));
    world.evict();
    world.stale_reads(40_000);
    let before = changes(&world);
    let reply = world.reply(&get("a"));
    assert!(reply.contains(WARNING), "{reply}");
    assert!(world.refused(&update(7)).contains("Nothing was written"));
    assert_eq!(changes(&world), before);
    // By itself, once it is shown.
    world.stale_reads(0);
    assert!(world.reply(&get("a")).contains(WARNING));
    world.wait(61_000);
    let reply = world.ok(&get("a"));
    assert!(
        reply.contains("· rev 7") && !reply.contains("read-only"),
        "{reply}"
    );
    // And at once for who writes.
    world.wait(300_000);
    world.ok(&update(8));
    world.evict();
    world.stale_reads(200_000);
    assert!(world.reply(&get("a")).contains("read-only"));
    world.stale_reads(0);
    assert!(world.ok(&update(9)).contains("revision 9"));
    assert!(!world.ok(&get("a")).contains("read-only"));
}

#[test]
fn what_is_in_memory_is_read_when_the_log_loses_its_newest_record() {
    let mut world = World::with_table(10);
    // So many rows that no checkpoint is taken for one commit.
    let rows =
        (0..110).map(|n| format!(r#"{{"op":"insert","table":"users","key":"k{n}","value":{{}}}}"#));
    let rows: Vec<String> = rows.collect();
    world.ok(&format!(
        "/dbc_transact database:prod ops_json:[{}]",
        rows[..55].join(",")
    ));
    world.ok(&format!(
        "/dbc_transact database:prod ops_json:[{}]",
        rows[55..].join(",")
    ));
    world.ok(&insert("a"));
    world.settle();
    world.ok(&update(1));
    world.settle();
    let newest = log(&world).pop().unwrap();
    delete_record(&mut world, &newest);
    world.wait(61_000);
    let before = changes(&world);
    let reply = world.ok(&get("a"));
    assert!(
        reply.contains("read-only: a commit that is known") && reply.contains("· rev 2"),
        "{reply}"
    );
    assert!(world.refused(&update(2)).contains("does not show it"));
    // What is in memory goes further than the log.
    world.wait(61_000);
    let reply = world.ok(&get("a"));
    assert!(
        reply.contains("read-only") && reply.contains("· rev 2"),
        "{reply}"
    );
    world.evict();
    let reply = world.ok(&get("a"));
    assert!(
        reply.contains(WARNING) && reply.contains("· rev 1"),
        "{reply}"
    );
    assert_eq!(changes(&world), before);
}

#[test]
fn an_answer_that_fills_its_message_keeps_its_warning() {
    let mut world = World::with_table(11);
    let text = "x".repeat(1_850);
    world.ok(&format!(
        r#"/dbc_insert database:prod table:users key:a value_json:{{"id":"a","t":"{text}"}}"#
    ));
    world.ok(&insert("b"));
    world.evict();
    let newest = log(&world).pop().unwrap();
    delete_record(&mut world, &newest);
    let view = world.run(&get("a"));
    assert!(crate::world::content(&view).starts_with(WARNING));
    let file = world.reply_file(&view).unwrap();
    assert!(file.contains(&text) && file.contains("· rev 1"), "{file}");
}
