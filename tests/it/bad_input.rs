//! Bad input gets an error that names the option, and changes nothing.

use crate::world::World;

/// Each line is refused with all of the words, and neither guild nor log changes.
#[track_caller]
fn refused(world: &mut World, line: &str, words: &[&str]) {
    let before = world.state();
    let reply = world.refused(line);
    for word in words {
        assert!(reply.contains(word), "{line}: {word:?} is not in: {reply}");
    }
    world.settle();
    assert_eq!(world.state(), before, "{line} changed something");
}

#[test]
fn every_mistake_is_named() {
    let mut world = World::with_table(1);
    world.ok(r#"/dbc_insert database:prod table:users key:u_1 value_json:{"id":"u_1"}"#);
    world.settle();
    let insert = |key: &str, value: &str| {
        format!("/dbc_insert database:prod table:users key:{key} value_json:{value}")
    };
    let nothing = "Nothing was written";
    let cases: Vec<(String, Vec<&str>)> = vec![
        (
            insert("a", r#"{"id":"a",}"#),
            vec!["`value_json`", "line 1, column 11", nothing],
        ),
        (
            insert("a", "[1,2]"),
            vec!["`value_json`", "a list", nothing],
        ),
        (
            insert("a", r#"{"id":"a","x":1,"x":2}"#),
            vec!["`value_json`", "`x` stands twice"],
        ),
        (
            insert("a", r#"{"id":"a","n":99999999999999999999}"#),
            vec!["`value_json`", "quotes"],
        ),
        (
            insert("a", r#"{"id":"b"}"#),
            vec!["`key`", "`a`", "`b`", nothing],
        ),
        (
            insert("a", r#"{"id":["a"]}"#),
            vec!["`value_json`", "`id`", nothing],
        ),
        (
            insert("u_1", r#"{"id":"u_1"}"#),
            vec!["`key`", "`u_1`", "`users`", "`prod`", "revision 1"],
        ),
        (
            "/dbc_insert database:prdo table:users key:a value_json:{}".into(),
            vec!["`database`", "`prdo`", "`prod`"],
        ),
        (
            "/dbc_insert database:prod table:usres key:a value_json:{}".into(),
            vec!["`table`", "`usres`", "`users`"],
        ),
        (
            "/dbc_get database:prod table:zzz key:a".into(),
            vec!["`table`", "`zzz`", "There are: `users`"],
        ),
        (
            "/dbc_get database:prod table:users key:nope".into(),
            vec!["`key`", "`nope`", "`users`"],
        ),
        (
            "/dbc_init database:My Data".into(),
            vec!["`database`", "`my_data` would do"],
        ),
        ("/dbc_init database:日本".into(), vec!["`database`", "a-z"]),
        (
            "/dbc_table_create database:prod table:Users pk:id".into(),
            vec!["`table`", "`users` would do"],
        ),
        (
            "/dbc_table_create database:prod table:users pk:id".into(),
            vec!["`table`", "`users`", "already"],
        ),
        (
            "/dbc_table_create database:prod table:posts pk:a b".into(),
            vec!["`pk`"],
        ),
    ];
    for (line, words) in &cases {
        refused(&mut world, line, words);
    }
}

#[test]
fn reads_do_not_talk_of_writing() {
    let mut world = World::with_table(2);
    let reply = world.refused("/dbc_get database:prod table:users key:nope");
    assert!(!reply.contains("written"), "{reply}");
}

#[test]
fn a_value_that_nothing_can_hold_is_refused() {
    let mut world = World::with_table(3);
    // Without files, what does not fit a message's text cannot be committed.
    world.evict();
    world.lose_storage();
    world.refuse_files();
    let text = "é".repeat(5_900);
    let line = format!(
        r#"/dbc_insert database:prod table:users key:big value_json:{{"id":"big","t":"{text}"}}"#
    );
    let reply = world.refused(&line);
    assert!(
        reply.contains("does not let this Worker read files back"),
        "{reply}"
    );
    assert!(reply.contains("Nothing was written"), "{reply}");
    world.refused("/dbc_get database:prod table:users key:big");
    world.ok(r#"/dbc_insert database:prod table:users key:small value_json:{"id":"small"}"#);
}

#[test]
fn missing_permissions_are_named_before_anything_is_made() {
    let mut world = World::new(4);
    let guild = world.guild.guild_id;
    // Everything but Manage Channels and Embed Links.
    let bits = discord_sim::permissions::BOT_DEFAULT & !(1 << 4) & !(1 << 14);
    world.with_discord(|discord| discord.set_bot_permissions(guild, bits).unwrap());
    refused(
        &mut world,
        "/dbc_init database:prod",
        &["Manage Channels", "Embed Links"],
    );
}

#[test]
fn a_file_that_cannot_be_read_back_is_no_commit() {
    let mut world = World::with_table(5);
    // Files were readable when the database was made; now they are not any more.
    world.refuse_files();
    let text = "é".repeat(5_900);
    let line = format!(
        r#"/dbc_insert database:prod table:users key:big value_json:{{"id":"big","t":"{text}"}}"#
    );
    let reply = world.refused(&line);
    assert!(reply.contains("Nothing was written"), "{reply}");
    world.evict();
    // The log can be opened without the file, and nothing of it is there.
    world.refused("/dbc_get database:prod table:users key:big");
    world.ok(r#"/dbc_insert database:prod table:users key:small value_json:{"id":"small"}"#);
    assert!(
        world
            .refused(&line)
            .contains("does not let this Worker read files back")
    );
    world.clear_faults();
    world.ok(&line);
}
