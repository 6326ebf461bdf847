//! Copies in the channels of tables and indexes that are dropped: those that lost their mark, and those that
//! the bot cannot see just then.

use crate::crud::on_users;
use crate::erase::{HARD_DELETE, SECRET, everything, insert_secret};
use crate::takeover::INSPECT;
use crate::world::{World, content, insert};
use discord_sim::{InteractionSpec, permissions};
use serde_json::json;

const INDEX: &str = "idx-users-word";
const TABLE: &str = "table-users";
const DROP_TABLE: &str = "/dbc_table_drop database:prod table:users confirm:users";

fn drop_index() -> String {
    on_users("dbc_index_drop", "field:word")
}

/// A row with what is to be deleted for good, shown in the channels of a table and of its index.
fn world(seed: u64) -> World {
    let mut world = World::with_table(seed);
    world.be_quiet();
    world.ok("/dbc_table_create database:prod table:posts pk:id");
    world.ok(&on_users("dbc_index_create", "field:word"));
    world.ok(&insert_secret("s"));
    world.ok(&on_users("dbc_insert", r#"key:a value_json:{"word":"w"}"#));
    world.settle();
    world.wait(1_200_000);
    assert!(world.messages(INDEX).concat().contains(SECRET));
    world
}

/// Takes the mark out of the channel's topic; the channel.
fn unmark(world: &mut World, channel: &str) -> String {
    let id = world.channel_id(channel);
    let change = json!({"topic": "our words"});
    let patched = world.by_hand("PATCH", &format!("/channels/{id}"), Some(change));
    assert!(patched.status().is_success());
    id
}

/// Somebody works with the database after an eviction, so that the channels are looked at.
fn notice(world: &mut World) {
    world.evict();
    world.ok(&insert("c"));
    world.settle();
    world.wait(120_000);
}

/// Deletes the row for good; what is said in the end.
fn delete_for_good(world: &mut World) -> String {
    let sent = world.send(InteractionSpec::text(world.guild.guild_id, HARD_DELETE));
    world.wait_for(sent);
    world.settle();
    world.wait(3_600_000);
    content(&world.wait_for(sent))
}

/// A copy is left in the channel, and whoever deleted the row, or looks, is told; until it is deleted.
#[track_caller]
fn is_told_of(world: &mut World, channel: &str, reply: &str, what: &str) {
    assert!(everything(world).contains(SECRET), "{what}");
    let mention = format!("<#{channel}>");
    assert!(!reply.contains("The last copy is gone"), "{what}: {reply}");
    assert!(reply.contains(&mention), "{what}: {reply}");
    for _ in 0..2 {
        let told = world.ok(INSPECT);
        assert!(told.contains(&format!("⚠️ {mention}")), "{what}: {told}");
        world.evict();
    }
    world.by_hand("DELETE", &format!("/channels/{channel}"), None);
    let told = world.ok(INSPECT);
    assert!(!told.contains(&mention), "{what}: {told}");
    assert!(!everything(world).contains(SECRET), "{what}");
}

#[test]
fn an_unmarked_channel_of_an_index_is_told_of_while_the_index_is_there() {
    let mut world = world(1);
    let left = unmark(&mut world, INDEX);
    notice(&mut world);
    let reply = delete_for_good(&mut world);
    is_told_of(&mut world, &left, &reply, "there");
}

#[test]
fn an_unmarked_channel_of_an_index_that_is_dropped_later_is_told_of() {
    for loses_storage in [false, true] {
        let mut world = world(2);
        let left = unmark(&mut world, INDEX);
        notice(&mut world);
        world.ok(&drop_index());
        world.settle();
        if loses_storage {
            world.lose_storage();
            world.wait(120_000);
        }
        let reply = delete_for_good(&mut world);
        is_told_of(&mut world, &left, &reply, &format!("{loses_storage}"));
    }
}

/// Takes the mark away and drops what the channel shows, so that nobody looks at it between; then loses
/// what the object knows, or all of storage. It is told of.
fn unmarked_and_dropped(channel: &str, drop: &str, how: &str) -> (World, String) {
    let mut world = world(3);
    let left = unmark(&mut world, channel);
    world.ok(drop);
    if how != "storage lost at once" {
        world.settle();
    }
    match how {
        "settled" => {}
        "evicted" => world.evict(),
        _ => world.lose_storage(),
    }
    world.ok(&insert("c").replace("users", "posts"));
    world.wait(120_000);
    let told = world.ok(INSPECT);
    let warning = format!("⚠️ <#{left}>");
    assert!(told.contains(&warning), "{channel}, {how}: {told}");
    (world, left)
}

const LOSSES: [&str; 4] = ["settled", "evicted", "storage lost", "storage lost at once"];

#[test]
fn a_channel_of_an_index_that_is_unmarked_and_then_dropped_is_told_of() {
    for how in LOSSES {
        let (mut world, left) = unmarked_and_dropped(INDEX, &drop_index(), how);
        let reply = delete_for_good(&mut world);
        is_told_of(&mut world, &left, &reply, how);
    }
}

#[test]
fn a_channel_of_a_table_that_is_unmarked_and_then_dropped_is_told_of() {
    for how in LOSSES {
        let (mut world, left) = unmarked_and_dropped(TABLE, DROP_TABLE, how);
        assert!(everything(&world).contains(SECRET), "{how}");
        world.by_hand("DELETE", &format!("/channels/{left}"), None);
        let told = world.ok(INSPECT);
        assert!(!told.contains(&left), "{how}: {told}");
    }
}

/// One of another table says nothing of this one's rows, whatever became of that table.
#[test]
fn an_unmarked_channel_of_an_older_table_is_not_told_of() {
    let mut world = World::with_table(5);
    world.be_quiet();
    world.ok(&insert("a"));
    world.settle();
    world.wait(120_000);
    let left = unmark(&mut world, TABLE);
    notice(&mut world);
    world.ok(DROP_TABLE);
    world.ok("/dbc_table_create database:prod table:users pk:id");
    world.ok(&insert_secret("s"));
    world.settle();
    world.wait(120_000);
    let told = world.ok(INSPECT);
    assert!(told.contains(&format!("⚠️ <#{left}>")), "{told}");
    let reply = delete_for_good(&mut world);
    assert!(reply.contains("The last copy is gone"), "{reply}");
    assert!(!everything(&world).contains(SECRET));
}

/// When the row is deleted, its table or index dropped, and storage lost.
#[derive(Debug, Clone, Copy)]
enum Order {
    AtOnce,
    EvictedBetween,
    Slowly,
    StorageKept,
    EvictedBefore,
    /// A checkpoint is taken that knows nothing of the table or index any more.
    AfterCheckpoint,
}

const ORDERS: [Order; 6] = [
    Order::AtOnce,
    Order::EvictedBetween,
    Order::Slowly,
    Order::StorageKept,
    Order::EvictedBefore,
    Order::AfterCheckpoint,
];

/// The channel cannot be seen while that happens, and much later can.
fn a_hidden_channel_is_remembered(channel: &str, drop: &str) {
    for order in ORDERS {
        let mut world = world(6);
        world.deny_bot(channel, permissions::VIEW_CHANNEL);
        world.ok(HARD_DELETE);
        match order {
            Order::EvictedBetween => world.evict(),
            Order::Slowly | Order::StorageKept => world.wait(600_000),
            Order::AtOnce | Order::EvictedBefore | Order::AfterCheckpoint => {}
        }
        world.ok(drop);
        match order {
            Order::Slowly => world.wait(600_000),
            Order::EvictedBefore => {
                world.wait(600_000);
                world.evict();
                world.wait(600_000);
            }
            Order::AfterCheckpoint => {
                for number in 0..70 {
                    world.ok(&insert(&format!("k{number}")).replace("users", "posts"));
                }
                world.wait(600_000);
            }
            Order::AtOnce | Order::EvictedBetween | Order::StorageKept => {}
        }
        match order {
            Order::StorageKept => world.evict(),
            _ => world.lose_storage(),
        }
        let what = format!("{channel}, {order:?}");
        for _ in 0..20 {
            world.wait(60_000);
            let told = world.ok(INSPECT);
            assert!(everything(&world).contains(SECRET), "{what}: {told}");
            assert!(
                told.contains("copies still being removed"),
                "{what}: {told}"
            );
        }
        world.deny_bot(channel, 0);
        world.settle();
        world.wait(7_200_000);
        assert!(
            !everything(&world).contains(SECRET),
            "{what}: left for good"
        );
        let told = world.ok(INSPECT);
        assert!(!told.contains("copies still"), "{what}: {told}");
    }
}

#[test]
fn a_hidden_channel_of_an_index_that_is_dropped_is_remembered_without_storage() {
    a_hidden_channel_is_remembered(INDEX, &drop_index());
}

#[test]
fn a_hidden_channel_of_a_table_that_is_dropped_is_remembered_without_storage() {
    a_hidden_channel_is_remembered(TABLE, DROP_TABLE);
}

#[test]
fn a_hidden_channel_of_a_dropped_table_s_index_is_remembered_without_storage() {
    a_hidden_channel_is_remembered(INDEX, DROP_TABLE);
}

/// The index is dropped and made again in one group, with the row going in the next.
#[test]
fn an_index_that_is_made_again_leaves_no_values() {
    for loses_storage in [false, true] {
        let mut world = world(7);
        let again = on_users("dbc_index_create", "field:word unique:true");
        let replies = world.all_at_once(&[&drop_index(), &again, HARD_DELETE]);
        let is_refused = replies.iter().any(|reply| reply.starts_with('❌'));
        assert!(!is_refused, "{replies:?}");
        if loses_storage {
            world.lose_storage();
        }
        world.ok(INSPECT);
        world.settle();
        world.wait(3_600_000);
        assert!(!everything(&world).contains(SECRET), "{loses_storage}");
        let told = world.ok(INSPECT);
        assert!(!told.contains("copies still"), "{loses_storage}: {told}");
    }
}
