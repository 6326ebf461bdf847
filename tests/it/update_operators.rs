//! Update operators: they act on a row as it is when the write is committed.

use crate::crud::{commits, on_users, refused, shown, unnumbered};
use crate::host::Side;
use crate::world::{World, content, get, insert};
use dbcord::engine::query::update::{Now, Update};
use discord_sim::{FaultKind, Id, InteractionSpec};
use serde_json::{Value, json};

const WRITERS: u64 = 50;

fn update(key: &str, patch: &Value) -> String {
    on_users("dbc_update", &format!("key:{key} patch_json:{patch}"))
}

fn transact(ops: &Value) -> String {
    format!("/dbc_transact database:prod ops_json:{ops}")
}

/// So many count at once.
fn count(world: &mut World, writers: u64) -> Vec<Id> {
    let guild = world.guild.guild_id;
    let line = update("a", &json!({"$inc":{"n":1}}));
    (0..writers)
        .map(|_| world.send(InteractionSpec::text(guild, &line)))
        .collect()
}

fn counted(world: &mut World) -> (u64, u64) {
    let reply = world.ok(&get("a"));
    let rev = reply.split("rev ").nth(1).unwrap().split(' ').next();
    let n = shown(&reply)["n"].as_u64().unwrap_or(0);
    (n, rev.unwrap().parse().unwrap())
}

#[test]
fn a_row_is_changed_in_place() {
    let mut world = World::with_table(1);
    let document = r#"{"id":"a","n":1,"tags":["x"],"at":{"city":"Oslo"},"old":true}"#;
    world.ok(&on_users(
        "dbc_insert",
        &format!("key:a value_json:{document}"),
    ));
    let reply = world.ok(&update(
        "a",
        &json!({
            "$inc":{"n":41,"at.visits":1},
            "$push":{"tags":{"$each":["z","y"],"$sort":1,"$slice":2}},
            "$rename":{"old":"new"},
            "$set":{"at.street":"Main"},
        }),
    ));
    assert_eq!(
        unnumbered(&reply),
        "Updated `a` in `prod.users` to revision 2 (commit #N)."
    );
    world.evict();
    assert_eq!(
        shown(&world.ok(&get("a"))).to_string(),
        r#"{"id":"a","n":42,"tags":["x","y"],"at":{"city":"Oslo","visits":1,"street":"Main"},"new":true}"#
    );
    // The log has the outcome, so nothing is counted again when it is read.
    world.lose_storage();
    assert_eq!(shown(&world.ok(&get("a")))["n"], 42);
}

#[test]
fn no_count_is_lost_among_writers() {
    let mut world = World::with_table(2);
    world.ok(&insert("a"));
    world.settle();
    let before = commits(&world).len();
    let sent = count(&mut world, WRITERS);
    for id in sent {
        let reply = content(&world.wait_for(id));
        assert!(reply.starts_with("Updated `a`"), "{reply}");
    }
    assert_eq!(counted(&mut world), (WRITERS, WRITERS + 1));
    // Several went together, so they have met each other's outcome before it was stored.
    assert!(commits(&world).len() - before < usize::try_from(WRITERS).unwrap());
    world.evict();
    assert_eq!(counted(&mut world), (WRITERS, WRITERS + 1));
    world.lose_storage();
    assert_eq!(counted(&mut world), (WRITERS, WRITERS + 1));
}

#[test]
fn no_count_is_lost_or_made_up_in_a_crash() {
    let mut in_a_group = 0;
    for side in [Side::Before, Side::After] {
        for step in 1..=16 {
            let mut world = World::with_table(3);
            world.ok(&insert("a"));
            world.settle();
            world.crash_at(step, side);
            let sent = count(&mut world, WRITERS);
            let replies: Vec<String> = sent
                .into_iter()
                .map(|id| content(&world.wait_for(id)))
                .collect();
            world.cancel_crash();
            let done = |reply: &&String| {
                reply.starts_with("Updated `a`") || reply.contains("had been committed")
            };
            let acknowledged = replies.iter().filter(done).count() as u64;
            world.evict();
            let (n, rev) = counted(&mut world);
            assert_eq!(
                rev,
                n + 1,
                "{side:?} step {step}: a revision for each count"
            );
            assert!(
                (acknowledged..=WRITERS).contains(&n),
                "{side:?} step {step}: {n} counted, {acknowledged} acknowledged: {replies:?}"
            );
            in_a_group += u64::from(n > acknowledged + 1);
            // Once more, by all that are not in yet.
            for id in count(&mut world, WRITERS - n) {
                world.wait_for(id);
            }
            world.lose_storage();
            let all = (WRITERS, WRITERS + 1);
            assert_eq!(counted(&mut world), all, "{side:?} step {step}");
        }
    }
    assert!(
        in_a_group > 0,
        "no crash came between a group's commit and its answers"
    );
}

#[test]
fn a_count_whose_answer_is_lost_counts_once() {
    for kind in [FaultKind::LostRequest, FaultKind::LostResponse] {
        let mut world = World::with_table(4);
        world.ok(&insert("a"));
        world.settle();
        world.fault_on_log_post(kind, 1);
        world.ok(&update("a", &json!({"$inc":{"n":1}})));
        world.evict();
        assert_eq!(counted(&mut world), (1, 2), "{kind:?}");
    }
}

#[test]
fn one_commit_has_one_time() {
    let mut world = World::with_table(5);
    for key in ["a", "b"] {
        world.ok(&insert(key));
    }
    world.settle();
    let stamp = json!({"$currentDate":{"seen.at":true}});
    world.ok(&transact(&json!([
        {"op":"update","table":"users","key":"a","patch":stamp},
        {"op":"update","table":"users","key":"b","patch":stamp},
    ])));
    let record = commits(&world).pop().unwrap();
    let at = record.split(r#""at":"#).nth(1).unwrap();
    let at = at.split(',').next().unwrap().parse().unwrap();
    let update = Update::parse("patch", stamp.as_object().unwrap()).unwrap();
    let mut expected = serde_json::Map::new();
    update.apply(&mut expected, &Now(at)).unwrap();
    for key in ["a", "b"] {
        let seen = &shown(&world.ok(&get(key)))["seen"];
        assert_eq!(json!({ "seen": seen }), Value::Object(expected.clone()));
    }
}

#[test]
fn each_operation_of_a_transaction_meets_what_the_ones_before_made() {
    let mut world = World::with_table(6);
    world.ok(&insert("a"));
    let op = |patch: Value| json!({"op":"update","table":"users","key":"a","patch":patch});
    world.ok(&transact(&json!([
        op(json!({"$inc":{"n":2}})),
        op(json!({"$mul":{"n":5}})),
        op(json!({"m":null,"s":"x"})),
        op(json!({"$inc":{"n":1}})),
    ])));
    assert_eq!(
        shown(&world.ok(&get("a"))),
        json!({"id":"a","n":11,"s":"x"})
    );
    for (patch, words) in [
        (
            json!({"$inc":{"s":1}}),
            vec!["operation 2 of 2", "`$inc` of `s`", "a string"],
        ),
        (
            json!({"$icn":{"n":1}}),
            vec!["operation 2:", "`$icn`", "Did you mean `$inc`?"],
        ),
        (
            json!({"$inc":{"n":1},"s":"y"}),
            vec!["operation 2:", "`$inc`", "`s`"],
        ),
        (
            json!({"$set":{"id":"b"}}),
            vec!["operation 2 of 2", "primary key `id`"],
        ),
    ] {
        let ops = transact(&json!([op(json!({"$inc":{"n":1}})), op(patch)]));
        let mut words = words;
        words.extend(["`ops_json`", "Nothing was written"]);
        refused(&mut world, &ops, &words);
    }
    assert_eq!(shown(&world.ok(&get("a")))["n"], 11);
}

#[test]
fn mistakes_are_named_and_the_key_stays() {
    let mut world = World::with_table(7);
    world.ok(&on_users(
        "dbc_insert",
        r#"key:7 value_json:{"id":7,"s":"x","l":[1]}"#,
    ));
    let key = ["`patch_json`", "primary key `id`", "Nothing was written"];
    for patch in [
        json!({"$set":{"id":8}}),
        json!({"$inc":{"id":1}}),
        json!({"$inc":{"id":0.0}}),
        json!({"$unset":{"id":1}}),
        json!({"$rename":{"id":"key"}}),
        json!({"$rename":{"s":"id"}}),
        json!({"$currentDate":{"id":true}}),
    ] {
        refused(&mut world, &update("7", &patch), &key);
    }
    for (patch, words) in [
        (
            json!({"$inc":{"s":1}}),
            vec!["`$inc` of `s`", "a string", "takes a number"],
        ),
        (
            json!({"$push":{"s":1}}),
            vec!["`$push` of `s`", "takes a list"],
        ),
        (json!({"$set":{"l.x":1}}), vec!["`l` is a list", "`x`"]),
        (
            json!({"$set":{"a":1,"a.b":2}}),
            vec!["`a`", "`a.b`", "would conflict"],
        ),
        (json!({"$set":{"l.$":1}}), vec!["positional `$`"]),
        (
            json!({"$inc":{"n":1},"s":"y"}),
            vec!["operator `$inc`", "field `s`", "`$set`"],
        ),
    ] {
        let mut words = words;
        words.extend(["`patch_json`", "Nothing was written"]);
        refused(&mut world, &update("7", &patch), &words);
    }
    // Setting the key to what it is changes nothing.
    world.ok(&update(
        "7",
        &json!({"$set":{"id":7,"s":"y"},"$inc":{"n":1}}),
    ));
    assert_eq!(
        shown(&world.ok(&get("7"))),
        json!({"id":7,"s":"y","l":[1],"n":1})
    );
}
