//! Permissions that somebody took from the bot: they are named, with the channel, where that shows.

use crate::crud::on_users;
use crate::takeover::INSPECT;
use crate::world::{World, insert};

const SEND_MESSAGES: u64 = 1 << 11;
const EMBED_LINKS: u64 = 1 << 14;
const ATTACH_FILES: u64 = 1 << 15;
const READ_HISTORY: u64 = 1 << 16;
const MANAGE_CHANNELS: u64 = 1 << 4;

fn insert_text(key: &str, text: &str) -> String {
    format!(r#"/dbc_insert database:prod table:users key:{key} value_json:{{"t":"{text}"}}"#)
}

#[test]
fn what_the_log_lacks_is_named_with_the_channel() {
    let mut world = World::with_table(50);
    world.ok(&insert("a"));
    world.settle();
    let log = format!("<#{}>", world.channel_id("dbc-log"));
    for (bit, name, line) in [
        (SEND_MESSAGES, "Send Messages", insert("b")),
        (
            EMBED_LINKS,
            "Embed Links",
            insert_text("c", &"é".repeat(2_500)),
        ),
    ] {
        world.deny_bot("dbc-log", bit);
        let told = world.refused(&line);
        assert!(told.contains(name) && told.contains(&log), "{told}");
        assert!(told.contains("Nothing was written"), "{told}");
        assert!(!told.contains("in a minute"), "{told}");
        let told = world.ok(INSPECT);
        assert!(
            told.contains(&format!("⚠️ the bot lacks permissions in {log}: {name}")),
            "{told}"
        );
        let told = world.ok("/dbc_init database:prod");
        assert!(
            told.contains(&format!("the bot lacks permissions in {log}: {name}")),
            "{told}"
        );
        assert!(!told.contains("nothing was missing"), "{told}");
        world.deny_bot("dbc-log", 0);
        world.ok(&line);
        assert!(!world.ok(INSPECT).contains("⚠️"));
    }
}

#[test]
fn a_file_that_may_not_be_attached_is_named() {
    let mut world = World::with_table(51);
    let log = format!("<#{}>", world.channel_id("dbc-log"));
    world.ok(&insert_text("a", &"é".repeat(5_900)));
    world.deny_bot("dbc-log", ATTACH_FILES);
    let told = world.refused(&insert_text("b", &"é".repeat(5_900)));
    assert!(
        told.contains("Attach Files") && told.contains(&log),
        "{told}"
    );
}

#[test]
fn a_table_whose_channel_cannot_be_made_says_so() {
    let mut world = World::with_table(52);
    let guild = world.guild.guild_id;
    world.with_discord(|discord| {
        let bits = discord_sim::permissions::BOT_DEFAULT & !MANAGE_CHANNELS;
        discord.set_bot_permissions(guild, bits).unwrap();
    });
    let told = world.ok("/dbc_table_create database:prod table:t pk:id");
    assert!(
        told.contains("Manage Channels") && !told.contains("shortly"),
        "{told}"
    );
}

/// It is tried ever more seldom, says why it waits, and goes on when it can.
#[test]
fn a_deletion_for_good_that_cannot_go_on_says_why() {
    let mut world = World::with_table(53);
    world.ok(&insert("a"));
    world.settle();
    world.ok(&on_users("dbc_delete", "key:a hard:true"));
    world.wait(50_000);
    world.deny_bot("dbc-log", READ_HISTORY);
    world.wait(2 * 3_600_000);
    let before = world.observed().requests;
    world.wait(48 * 3_600_000);
    let sent = world.observed().requests - before;
    assert!(sent < 500, "{sent} requests");
    world.deny_bot("dbc-log", 0);
    let told = world.ok(INSPECT);
    assert!(
        told.contains("still being removed: 1 · waiting: "),
        "{told}"
    );
    assert!(told.contains("Read Message History in <#"), "{told}");
    world.wait(2 * 3_600_000);
    assert!(!world.ok(INSPECT).contains("still being removed"));
}
