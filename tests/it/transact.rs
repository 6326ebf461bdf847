//! Transactions: all of it, or nothing.

use crate::crud::{on_users, refused, shown, unnumbered};
use crate::world::{World, content, get, insert};
use discord_sim::{FaultKind, InteractionSpec};
use serde_json::{Value, json};

fn transact(ops: &Value) -> String {
    format!("/dbc_transact database:prod ops_json:{ops}")
}

#[test]
fn several_tables_change_in_one_commit() {
    let mut world = World::with_table(1);
    world.ok("/dbc_table_create database:prod table:posts pk:slug");
    world.ok(&insert("a"));
    world.ok(&insert("b"));
    let reply = world.ok(&transact(&json!([
        {"op":"insert","table":"posts","key":"p","value":{"by":"a"}},
        {"op":"update","table":"users","key":"a","patch":{"posts":1},"if_rev":1},
        {"op":"update","table":"users","key":"a","patch":{"posts":2},"if_rev":2},
        {"op":"delete","table":"users","key":"b"},
        {"op":"upsert","table":"users","key":"b","value":{"again":true}},
        {"op":"replace","table":"posts","key":"p","value":{"by":"b"},"if_rev":1},
    ])));
    assert_eq!(unnumbered(&reply), "Committed 6 operations (commit #N).");
    world.evict();
    let reply = world.ok(&get("a"));
    assert!(reply.contains("rev 3 · commit #"), "{reply}");
    assert_eq!(shown(&reply)["posts"], 2);
    assert_eq!(shown(&world.ok(&get("b"))), json!({"id":"b","again":true}));
    let post = world.ok("/dbc_get database:prod table:posts key:p");
    assert_eq!(shown(&post), json!({"slug":"p","by":"b"}));
    let reply = world.ok(&transact(
        &json!([{"op":"delete","table":"users","key":"a"}]),
    ));
    assert_eq!(unnumbered(&reply), "Committed 1 operation (commit #N).");
}

#[test]
fn one_bad_operation_refuses_all() {
    let mut world = World::with_table(2);
    world.ok(&insert("a"));
    let with = |last: Value| {
        transact(&json!([
            {"op":"insert","table":"users","key":"n","value":{}},
            {"op":"update","table":"users","key":"a","patch":{"n":1}},
            last,
        ]))
    };
    let nothing = "Nothing was written";
    for (op, words) in [
        (
            json!({"op":"insert","table":"users","key":"n","value":{}}),
            vec![
                "operation 3 of 3",
                "insert of `n` in table `users`",
                "operation 1 of this transaction inserts it",
            ],
        ),
        (
            json!({"op":"update","table":"users","key":"a","patch":{"n":2},"if_rev":1}),
            vec![
                "operation 3 of 3",
                "update of `a`",
                "to revision 2, and `if_rev` is 1",
            ],
        ),
        (
            json!({"op":"update","table":"users","key":"a","patch":{"id":1}}),
            vec!["operation 3", "primary key `id`"],
        ),
        (
            json!({"op":"insert","table":"users","key":"k","value":{"id":"other"}}),
            vec!["operation 3", "`k`", "`other`"],
        ),
        (
            json!({"op":"insert","table":"users","key":" k","value":{}}),
            vec!["operation 3", "begin or end with a space"],
        ),
        (
            json!({"op":"delete","table":"usres","key":"a"}),
            vec!["operation 3", "`usres`", "Did you mean `users`?"],
        ),
        (
            json!({"op":"remove","table":"users","key":"a"}),
            vec!["operation 3", "`remove`"],
        ),
        (
            json!({"op":"delete","table":"users","key":"a","hard":true}),
            vec!["operation 3", "no field `hard`"],
        ),
    ] {
        let mut words = words;
        words.extend(["`ops_json`", nothing]);
        refused(&mut world, &with(op), &words);
    }
    refused(
        &mut world,
        "/dbc_transact database:prod ops_json:[{]",
        &["`ops_json`", "line 1, column 3", nothing],
    );
    refused(
        &mut world,
        "/dbc_transact database:prod",
        &["`ops_json`", "`ops_file`", nothing],
    );
    world.refused(&get("n"));
    assert!(world.ok(&get("a")).contains("rev 1"));
}

#[test]
fn a_transaction_is_all_there_or_not_at_all_when_its_answer_is_lost() {
    for (kind, times) in [(FaultKind::LostRequest, 4), (FaultKind::LostResponse, 4)] {
        let mut world = World::with_table(3);
        world.ok(&insert("a"));
        world.settle();
        world.fault_on_log_post(kind, times);
        let ops = json!([
            {"op":"delete","table":"users","key":"a"},
            {"op":"insert","table":"users","key":"b","value":{}},
        ]);
        let reply = world.reply(&transact(&ops));
        world.clear_faults();
        world.evict();
        let a_is_there = !world.reply(&get("a")).starts_with('❌');
        let b_is_there = !world.reply(&get("b")).starts_with('❌');
        assert_ne!(a_is_there, b_is_there, "{reply}");
        assert_eq!(b_is_there, reply.starts_with("Committed"), "{reply}");
    }
}

#[test]
fn money_moves_and_never_comes_or_goes() {
    let mut world = World::with_table(4);
    let accounts = ["a", "b", "c"];
    let open: Vec<_> = accounts
        .iter()
        .map(|key| json!({"op":"insert","table":"users","key":key,"value":{"n":100}}))
        .collect();
    world.ok(&transact(&json!(open)));
    let mut random = fastrand::Rng::with_seed(4);
    for _ in 0..15 {
        // Everybody reads the same, so of those that meet at an account only one may win.
        let balances: Vec<(u64, i64)> = accounts
            .iter()
            .map(|key| {
                let reply = world.ok(&get(key));
                let rev = reply.split("rev ").nth(1).unwrap();
                let rev = rev.split(' ').next().unwrap().parse().unwrap();
                (rev, shown(&reply)["n"].as_i64().unwrap())
            })
            .collect();
        assert_eq!(balances.iter().map(|(_, n)| n).sum::<i64>(), 300);
        let guild = world.guild.guild_id;
        let sent: Vec<_> = (0..4)
            .map(|_| {
                let from = random.usize(..3);
                let to = (from + random.usize(1..3)) % 3;
                let amount = random.i64(1..20);
                let change = |at: usize, by: i64| {
                    json!({"op":"update","table":"users","key":accounts[at],"if_rev":balances[at].0,
                        "patch":{"n":balances[at].1 + by}})
                };
                let ops = json!([change(from, -amount), change(to, amount)]);
                world.send(InteractionSpec::text(guild, &transact(&ops)))
            })
            .collect();
        let replies: Vec<_> = sent
            .into_iter()
            .map(|id| content(&world.wait_for(id)))
            .collect();
        let won = replies
            .iter()
            .filter(|r| r.starts_with("Committed"))
            .count();
        // Three accounts, two a transfer: no two can go through, and one always does.
        assert_eq!(won, 1, "{replies:?}");
    }
}

#[test]
fn a_thousand_rows_are_one_commit() {
    let mut world = World::with_table(5);
    world.settle();
    let ops: Vec<_> = (0..1_000)
        .map(|n| json!({"op":"insert","table":"users","key":format!("k{n}"),"value":{"n":n}}))
        .collect();
    let text = json!(ops).to_string();
    let line = "/dbc_transact database:prod ops_file:@ops.json";
    let spec = InteractionSpec::text(world.guild.guild_id, line).file("ops.json", text);
    let posts = |world: &World| {
        let path = format!("/channels/{}/messages", world.channel_id("dbc-log"));
        let sent = world.requests().into_iter();
        sent.filter(|(method, at, _)| method == "POST" && at.ends_with(&path))
            .count()
    };
    let before = posts(&world);
    let reply = content(&world.interact(spec));
    assert_eq!(unnumbered(&reply), "Committed 1000 operations (commit #N).");
    assert_eq!(posts(&world) - before, 1);
    world.evict();
    assert_eq!(shown(&world.ok(&get("k999")))["n"], 999);
    let again = on_users("dbc_insert", "key:k500 value_json:{}");
    assert!(world.refused(&again).contains("already"));
}

/// What an operation of the same transaction did is no state that anybody can look at.
#[test]
fn a_refused_transaction_does_not_tell_of_what_it_did_not_do() {
    let mut world = World::with_table(1);
    world.ok(&insert("a"));
    let delete = json!({"op":"delete","table":"users","key":"a"});
    let update = json!({"op":"update","table":"users","key":"a","patch":{"n":1}});
    let guarded = json!({"op":"delete","table":"users","key":"a","if_rev":1});
    let inserted = json!({"op":"insert","table":"users","key":"b","value":{}});
    for (ops, words) in [
        (
            json!([delete, update]),
            "operation 1 of this transaction deletes it",
        ),
        (
            json!([delete, delete]),
            "operation 1 of this transaction deletes it",
        ),
        (
            json!([delete, inserted, inserted]),
            "operation 2 of this transaction inserts it",
        ),
        (
            json!([update, guarded]),
            "operation 1 of this transaction updates it, to revision 2",
        ),
    ] {
        let told = world.refused(&format!("/dbc_transact database:prod ops_json:{ops}"));
        assert!(told.contains(words), "{told}");
        for misleading in [
            "It was deleted as of",
            "`/dbc_get`",
            "`/dbc_history`",
            "Somebody",
        ] {
            assert!(!told.contains(misleading), "{told}");
        }
    }
    assert!(world.ok(&get("a")).contains("rev 1"));
}
