//! Rows: inserted, updated, replaced, deleted, one at a time and many at once.

use std::collections::BTreeMap;

use crate::world::{World, content, get, insert};
use discord_sim::{Fault, FaultKind, InteractionSpec};
use serde_json::{Map, Value, json};

/// A command on table `users` of `prod`.
pub fn on_users(command: &str, rest: &str) -> String {
    format!("/{command} database:prod table:users {rest}")
}

/// Runs a command with a file; the reply.
pub fn with_file(world: &mut World, line: &str, bytes: impl Into<Vec<u8>>) -> String {
    let spec = InteractionSpec::text(world.guild.guild_id, line);
    let bytes: Vec<u8> = bytes.into();
    content(&world.interact(spec.file("f", bytes)))
}

/// The document that a reply shows.
pub fn shown(reply: &str) -> Value {
    let block = reply.split("```json\n").nth(1).expect("a document");
    let text = block.split("\n```").next().expect("its end");
    serde_json::from_str(text).expect("JSON")
}

fn update(key: &str, patch: &Value, rest: &str) -> String {
    on_users("dbc_update", &format!("key:{key} patch_json:{patch}{rest}"))
}

/// The commits in the log, checkpoints left out: those come by themselves.
pub fn commits(world: &World) -> Vec<String> {
    let mut log = world.messages("dbc-log");
    log.retain(|text| text.starts_with('#') && !text.contains("· checkpoint of commit"));
    log
}

/// A reply without the number of its commit, which depends on checkpoints.
pub fn unnumbered(reply: &str) -> String {
    let mut parts = reply.split("commit #");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_digit());
        format!("{text}commit #N{rest}")
    })
}

/// A command is refused with all of the words, and nothing is committed.
#[track_caller]
pub fn refused(world: &mut World, line: &str, words: &[&str]) {
    let before = commits(world);
    let reply = world.refused(line);
    for word in words {
        assert!(reply.contains(word), "{line}: {word:?} is not in: {reply}");
    }
    assert_eq!(commits(world), before, "{line} was committed");
}

#[test]
fn an_update_merges_and_keeps_the_order_of_fields() {
    let mut world = World::with_table(1);
    let document = r#"{"id":"a","role":"student","tags":["x"],"at":{"city":"Oslo","zip":1}}"#;
    world.ok(&on_users(
        "dbc_insert",
        &format!("key:a value_json:{document}"),
    ));
    let patch = json!({"at":{"zip":null,"street":"Main"},"role":null,"tags":["y","z"],"n":1});
    let reply = world.ok(&update("a", &patch, ""));
    assert_eq!(
        unnumbered(&reply),
        "Updated `a` in `prod.users` to revision 2 (commit #N)."
    );
    // The number is that of the record in the log.
    let number = reply.split("commit #").nth(1).unwrap();
    let number = number.trim_end_matches(").");
    let record = commits(&world).pop().unwrap();
    let first = format!("#{number} · users/a put\n");
    assert!(record.starts_with(&first), "{record}");
    world.evict();
    let reply = world.ok(&get("a"));
    let at = format!("rev 2 · commit #{number}");
    assert!(reply.contains(&at), "{reply}");
    assert_eq!(
        shown(&reply).to_string(),
        r#"{"id":"a","tags":["y","z"],"at":{"city":"Oslo","street":"Main"},"n":1}"#
    );
    // Naming the key is fine as long as it is the same.
    world.ok(&update("a", &json!({"id":"a","n":2}), ""));
}

#[test]
fn modes_decide_about_a_row_that_is_there() {
    let mut world = World::with_table(2);
    let put = |mode: &str, n: u64| {
        on_users(
            "dbc_insert",
            &format!(r#"key:a value_json:{{"n":{n}}} mode:{mode}"#),
        )
    };
    let told = world.refused(&put("replace", 0));
    assert!(told.contains("no row with key `a`"), "{told}");
    assert!(world.ok(&put("upsert", 1)).contains("as revision 1"));
    assert!(world.ok(&put("upsert", 2)).contains("as revision 2"));
    assert!(world.ok(&put("replace", 3)).contains("as revision 3"));
    let told = world.refused(&put("insert", 4));
    assert!(told.contains("already (revision 3)"), "{told}");
    assert_eq!(shown(&world.ok(&get("a"))), json!({"id":"a","n":3}));
    world.ok(&on_users("dbc_delete", "key:a"));
    let told = world.refused(&put("replace", 5));
    assert!(told.contains("was deleted as of revision 4"), "{told}");
    assert!(world.ok(&put("insert", 6)).contains("as revision 5"));
}

#[test]
fn a_deleted_row_is_gone_and_its_revisions_count_on() {
    let mut world = World::with_table(3);
    world.ok(&insert("a"));
    assert_eq!(
        unnumbered(&world.ok(&on_users("dbc_delete", "key:a"))),
        "Deleted `a` from `prod.users`; the deletion is revision 2 (commit #N)."
    );
    for _ in 0..2 {
        let told = world.refused(&get("a"));
        for word in ["has no row with key `a`", "revision 2", "`/dbc_history`"] {
            assert!(told.contains(word), "{told}");
        }
        world.evict();
    }
    let told = world.refused(&on_users("dbc_delete", "key:a"));
    assert!(told.contains("no row with key `a`"), "{told}");
    world.refused(&update("a", &json!({"n":1}), ""));
    assert!(world.ok(&insert("a")).contains("as revision 3"));
}

#[test]
fn a_hard_delete_can_follow_a_soft_one_and_is_the_last() {
    let mut world = World::with_table(4);
    world.ok(&insert("a"));
    world.ok(&on_users("dbc_delete", "key:a"));
    let reply = world.ok(&on_users("dbc_delete", "key:a hard:true"));
    assert!(reply.starts_with("Deleted `a`"), "{reply}");
    assert!(reply.contains("revision 3"), "{reply}");
    assert!(reply.contains("`/dbc_inspect database:prod`"), "{reply}");
    let told = world.refused(&get("a"));
    assert!(told.contains("deleted for good"), "{told}");
    assert!(!told.contains("/dbc_restore_row"), "{told}");
    let told = world.refused(&on_users("dbc_delete", "key:a hard:true"));
    assert!(told.contains("deleted for good"), "{told}");
    world.ok(&insert("b"));
    world.ok(&on_users("dbc_delete", "key:b hard:true if_rev:1"));
    world.refused(&get("b"));
}

#[test]
fn if_rev_refuses_what_was_changed_since() {
    let mut world = World::with_table(5);
    world.ok(&insert("a"));
    world.ok(&update("a", &json!({"n":1}), " if_rev:1"));
    for line in [
        update("a", &json!({"n":2}), " if_rev:1"),
        on_users("dbc_delete", "key:a if_rev:1"),
        on_users("dbc_delete", "key:a if_rev:1 hard:true"),
        update("a", &json!({"n":2}), " if_rev:3"),
    ] {
        refused(
            &mut world,
            &line,
            &["`if_rev`", "at revision 2", "Nothing was written"],
        );
    }
    world.ok(&on_users("dbc_delete", "key:a if_rev:2"));
}

#[test]
fn every_mistake_is_named() {
    let mut world = World::with_table(6);
    world.ok(&insert("a"));
    let nothing = "Nothing was written";
    for (line, words) in [
        (
            update("b", &json!({"n":1}), ""),
            vec!["`key`", "`b`", "`users`", "`/dbc_insert`", nothing],
        ),
        (
            update("a", &json!({"id":"b"}), ""),
            vec![
                "`patch_json`",
                "primary key `id`",
                "`/dbc_transact`",
                nothing,
            ],
        ),
        (
            update("a", &json!({"id":null}), ""),
            vec!["`patch_json`", "primary key `id`"],
        ),
        (
            update("a", &json!([1]), ""),
            vec!["`patch_json`", "a list", nothing],
        ),
        (
            on_users("dbc_update", "key:a"),
            vec!["`patch_json`", "`patch_file`", nothing],
        ),
        (
            on_users("dbc_insert", "key:c"),
            vec!["`value_json`", "`value_file`", nothing],
        ),
        (
            on_users("dbc_update", r#"key:a patch_json:{"n":1,}"#),
            vec!["`patch_json`", "line 1, column 8"],
        ),
        (
            on_users("dbc_delete", "key:b"),
            vec!["`key`", "`b`", "`users`", "`prod`", nothing],
        ),
        (
            on_users("dbc_delete", "key:b hard:true"),
            vec!["`key`", "`b`", nothing],
        ),
        (
            "/dbc_delete database:prod table:user key:a".into(),
            vec!["`table`", "`users`", nothing],
        ),
        (
            "/dbc_update database:prd table:users key:a patch_json:{}".into(),
            vec!["`database`", "`prod`", nothing],
        ),
    ] {
        refused(&mut world, &line, &words);
    }
}

#[test]
fn of_many_updates_of_one_revision_exactly_one_wins() {
    let mut world = World::with_table(7);
    world.ok(&insert("a"));
    let lines: Vec<_> = (0..12)
        .map(|n| update("a", &json!({"n":n}), " if_rev:1"))
        .collect();
    let replies = world.all_at_once(&lines);
    let won: Vec<usize> = (0..12)
        .filter(|&n| replies[n].starts_with("Updated"))
        .collect();
    assert_eq!(won.len(), 1, "{replies:?}");
    for (n, reply) in replies.iter().enumerate() {
        let lost = reply.contains("at revision 2, not 1") && reply.contains("Nothing was written");
        assert!(lost != won.contains(&n), "{reply}");
    }
    world.evict();
    assert_eq!(shown(&world.ok(&get("a")))["n"], won[0]);
}

#[test]
fn of_many_inserts_of_one_key_exactly_one_wins() {
    let mut world = World::with_table(8);
    let lines: Vec<_> = (0..12)
        .map(|n| on_users("dbc_insert", &format!(r#"key:a value_json:{{"n":{n}}}"#)))
        .collect();
    let replies = world.all_at_once(&lines);
    let won: Vec<usize> = (0..12)
        .filter(|&n| replies[n].starts_with("Stored"))
        .collect();
    assert_eq!(won.len(), 1, "{replies:?}");
    let taken = replies
        .iter()
        .filter(|r| r.contains("already (revision 1)"));
    assert_eq!(taken.count(), 11, "{replies:?}");
    assert_eq!(shown(&world.ok(&get("a")))["n"], won[0]);
}

#[test]
fn updates_without_a_revision_all_go_through_in_some_order() {
    let mut world = World::with_table(9);
    world.ok(&insert("a"));
    let lines: Vec<_> = (0..12)
        .map(|n| update("a", &json!({format!("f{n}"): n}), ""))
        .collect();
    for reply in world.all_at_once(&lines) {
        assert!(reply.starts_with("Updated"), "{reply}");
    }
    let reply = world.ok(&get("a"));
    assert!(reply.contains("rev 13"), "{reply}");
    assert_eq!(shown(&reply).as_object().unwrap().len(), 13);
}

#[test]
fn an_update_whose_commit_failed_leaves_the_row_as_it_was() {
    let mut world = World::with_table(10);
    world.ok(&insert("a"));
    world.settle();
    world.fault_on_log_post(FaultKind::LostRequest, 4);
    let told = world.refused(&update("a", &json!({"n":1}), ""));
    assert!(told.contains("Nothing was written"), "{told}");
    world.clear_faults();
    assert!(world.ok(&get("a")).contains("rev 1"));
    // Nobody sees a revision while its commit is on its way.
    world.fault_on_posts(
        "dbc-log",
        Fault {
            ms: Some(4_000),
            ..Fault::new(FaultKind::Delay)
        },
    );
    let line = update("a", &json!({"n":2}), "");
    let id = world.send(InteractionSpec::text(world.guild.guild_id, &line));
    world.wait(1_000);
    assert!(world.ok(&get("a")).contains("rev 1"));
    assert!(content(&world.wait_for(id)).starts_with("Updated"));
    assert!(world.ok(&get("a")).contains("rev 2"));
}

#[test]
fn keys_are_suggested_from_memory() {
    let mut world = World::with_table(11);
    for key in ["ada", "Alan", "bea_a", "zoe", "gone"] {
        world.ok(&insert(key));
    }
    world.ok(&on_users("dbc_delete", "key:gone"));
    let mut complete = |text: &str| -> Vec<String> {
        let mut spec = InteractionSpec::text(world.guild.guild_id, &on_users(text, ""));
        spec.text = Some(on_users(
            text.split(' ').next().unwrap(),
            text.split_once(' ').unwrap().1,
        ));
        spec.autocomplete = Some("key".to_owned());
        let before = world.requests().len();
        let choices = world.interact(spec).choices.unwrap_or_default();
        assert_eq!(world.requests().len(), before, "Discord was asked");
        let values = choices.iter().map(|c| c["value"].as_str().unwrap());
        values.map(str::to_owned).collect()
    };
    assert_eq!(complete("dbc_get key:a"), ["ada", "Alan", "bea_a"]);
    assert_eq!(complete("dbc_update key:OE"), ["zoe"]);
    assert_eq!(complete("dbc_get key:gon"), [""; 0]);
    assert_eq!(complete("dbc_history key:gon"), ["gone"]);
    assert_eq!(complete("dbc_delete key:gon"), [""; 0]);
    assert_eq!(complete("dbc_delete hard:true key:gon"), ["gone"]);
    assert_eq!(complete("dbc_insert key:ad"), [""; 0]);
    assert_eq!(complete("dbc_insert mode:replace key:ad"), ["ada"]);
}

#[test]
fn at_most_25_keys_are_suggested() {
    let mut world = World::with_table(12);
    let ops: Vec<_> = (0..60)
        .map(|n| json!({"op":"insert","table":"users","key":format!("k{n:02}"),"value":{}}))
        .collect();
    world.ok(&format!(
        "/dbc_transact database:prod ops_json:{}",
        json!(ops)
    ));
    let mut spec = InteractionSpec::text(world.guild.guild_id, &on_users("dbc_get", "key:k"));
    spec.autocomplete = Some("key".to_owned());
    let choices = world.interact(spec).choices.unwrap();
    let first: Vec<_> = choices.iter().map(|c| c["value"].clone()).collect();
    let expected: Vec<_> = (0..25).map(|n| json!(format!("k{n:02}"))).collect();
    assert_eq!(first, expected);
}

/// A table as a plain map has it: revision and document, tombstones kept.
#[derive(Default)]
struct Model(BTreeMap<String, (u64, Option<Map<String, Value>>)>);

impl Model {
    fn live(&self, key: &str) -> Option<(u64, &Map<String, Value>)> {
        let (rev, doc) = self.0.get(key)?;
        Some((*rev, doc.as_ref()?))
    }

    /// How many there were in all.
    fn revisions(&self) -> u64 {
        self.0.values().map(|(rev, _)| rev).sum()
    }

    /// What an operation makes of it: the row's revision then, if it is to be accepted.
    fn run(&mut self, op: &Value) -> Option<u64> {
        let key = op["key"].as_str().unwrap();
        let live = self.live(key).map(|(rev, doc)| (rev, doc.clone()));
        let doc = match (op["op"].as_str().unwrap(), live) {
            ("insert", Some(_)) | ("replace" | "update" | "delete", None) => return None,
            (_, Some((rev, _))) if op["if_rev"].as_u64().is_some_and(|wanted| wanted != rev) => {
                return None;
            }
            ("delete", _) => None,
            ("update", Some((_, doc))) => {
                let mut doc = Value::Object(doc);
                json_patch::merge(&mut doc, &op["patch"]);
                Some(doc.as_object().unwrap().clone())
            }
            _ => {
                let mut doc = op["value"].as_object().unwrap().clone();
                doc.shift_insert(0, "id".to_owned(), key.into());
                Some(doc)
            }
        };
        // With the order of its fields.
        let text = |doc: &Option<Map<String, Value>>| json!(doc).to_string();
        let before = self.live(key).map(|(rev, doc)| (rev, Some(doc.clone())));
        if let Some((rev, _)) = before.filter(|(_, before)| text(before) == text(&doc)) {
            return Some(rev);
        }
        let row = self.0.entry(key.to_owned()).or_insert((0, None));
        *row = (row.0 + 1, doc);
        Some(row.0)
    }
}

fn random_op(random: &mut fastrand::Rng) -> Value {
    let key = ["a", "b", "c", "d"][random.usize(..4)];
    let kind = ["insert", "upsert", "replace", "update", "update", "delete"][random.usize(..6)];
    let mut op = json!({"op": kind, "table": "users", "key": key});
    let field = ["x", "y", "z"][random.usize(..3)];
    let value = match random.u8(..4) {
        0 => json!({ field: {"deep": random.u8(..)} }),
        1 => json!({ field: {"deep": null, "n": 1} }),
        2 => json!({ field: null }),
        _ => json!({ field: random.u8(..) }),
    };
    match kind {
        "update" => op["patch"] = value,
        "delete" => {}
        _ => op["value"] = value,
    }
    if matches!(kind, "replace" | "update" | "delete") && random.u8(..4) == 0 {
        op["if_rev"] = random.u64(1..6).into();
    }
    op
}

/// The command for a single operation.
fn command(op: &Value) -> String {
    let key = op["key"].as_str().unwrap();
    let if_rev = op["if_rev"].as_u64();
    let if_rev = if_rev.map_or(String::new(), |rev| format!(" if_rev:{rev}"));
    match op["op"].as_str().unwrap() {
        "update" => update(key, &op["patch"], &if_rev),
        "delete" => on_users("dbc_delete", &format!("key:{key}{if_rev}")),
        mode => on_users(
            "dbc_insert",
            &format!("key:{key} value_json:{} mode:{mode}", op["value"]),
        ),
    }
}

#[test]
fn a_plain_map_says_the_same_after_any_sequence_of_commands() {
    for seed in 0..12 {
        println!("seed {seed}");
        let mut random = fastrand::Rng::with_seed(seed);
        let mut world = World::with_table(seed);
        let mut model = Model::default();
        for _ in 0..60 {
            match random.u8(..8) {
                0 => world.evict(),
                1 | 2 => {
                    let count = random.usize(1..5);
                    let ops: Vec<_> = (0..count).map(|_| random_op(&mut random)).collect();
                    let mut after = Model(model.0.clone());
                    let failed = ops.iter().position(|op| after.run(op).is_none());
                    let reply = world.reply(&format!(
                        "/dbc_transact database:prod ops_json:{}",
                        json!(ops)
                    ));
                    match failed {
                        None => {
                            let done = match after.revisions() == model.revisions() {
                                true => "Nothing to commit",
                                false => "Committed",
                            };
                            assert!(reply.starts_with(done), "{ops:?}: {reply}");
                            model = after;
                        }
                        Some(index) => {
                            let blamed = format!("operation {} of {count} ", index + 1);
                            assert!(reply.contains(&blamed), "{ops:?}: {reply}");
                        }
                    }
                }
                _ => {
                    let mut op = random_op(&mut random);
                    if op["op"] == "replace" {
                        // The command has no such option.
                        op.as_object_mut().unwrap().remove("if_rev");
                    }
                    let reply = world.reply(&command(&op));
                    let before = model.revisions();
                    match model.run(&op) {
                        Some(rev) => {
                            let told = match model.revisions() == before {
                                true => format!("already, at revision {rev}; nothing was written"),
                                false => format!("revision {rev} (commit"),
                            };
                            let is_told = reply.contains(&told) && !reply.starts_with('❌');
                            assert!(is_told, "{op}: {reply}");
                        }
                        None => assert!(reply.starts_with('❌'), "{op}: {reply}"),
                    }
                }
            }
            for key in ["a", "b", "c", "d"] {
                let reply = world.reply(&get(key));
                match model.live(key) {
                    Some((rev, doc)) => {
                        assert!(reply.contains(&format!("· rev {rev} ·")), "{key}: {reply}");
                        assert_eq!(shown(&reply), Value::Object(doc.clone()), "{key}");
                    }
                    None => assert!(reply.contains("has no row"), "{key}: {reply}"),
                }
            }
        }
    }
}
