//! Bad input gets an error that names the option, and changes nothing.

use crate::crud::with_file;
use crate::world::World;
use dbcord::limits::DOCUMENT_VALUES;

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
            vec!["`table`", "`zzz`", "There are `users`"],
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
fn a_value_that_no_message_holds_stands_in_several() {
    let mut world = World::with_table(3);
    world.evict();
    world.lose_storage();
    world.refuse_files();
    let text = "é".repeat(5_900);
    let line = format!(
        r#"/dbc_insert database:prod table:users key:big value_json:{{"id":"big","t":"{text}"}}"#
    );
    world.ok(&line);
    world.evict();
    world.ok("/dbc_get database:prod table:users key:big");
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
    // Now that it is known, it stands in text.
    world.ok(&line);
    world.evict();
    world.ok("/dbc_get database:prod table:users key:big");
}

/// A hint fits the mistake, or is not there.
#[test]
fn hints_are_about_what_is_wrong() {
    let mut world = World::with_table(1);
    let mut told = |text: &str| {
        let line = "/dbc_insert database:prod table:users key:a value_file:@f";
        with_file(&mut world, line, text)
    };
    for text in [
        "{\n  \"a\": 1,\n}",
        "{\"a\": 1}\n{\"a\": 2}\n",
        "a,b\n1,2\n",
    ] {
        let told = told(text);
        assert!(!told.contains("nside a string"), "{told}");
    }
    let told = told("{\"t\": \"don’t\",}");
    assert!(!told.contains("typographic"), "{told}");
}

#[test]
fn a_primary_key_has_a_name_that_can_be_seen() {
    let mut world = World::with_table(1);
    let line = "/dbc_table_create database:prod table:t pk:\u{3164} mirror:false";
    refused(&mut world, line, &["`pk`", "field name"]);
}

/// Every refusal says what it is about and what to do.
#[test]
fn every_error_says_where_and_what_to_do() {
    let mut world = World::with_table(1);
    world.ok(r#"/dbc_insert database:prod table:users key:u_1 value_json:{"id":"u_1"}"#);
    world.ok(r#"/dbc_insert database:prod table:users key:7 value_json:{"id":7}"#);
    world.ok("/dbc_table_create database:prod table:one pk:id mirror:false");
    world.ok("/dbc_insert database:prod table:one key:a value_json:{}");
    world.settle();
    let row = "row `k` of table `users` in database `prod`";
    let on = |command: &str, rest: &str| format!("/{command} database:prod table:users {rest}");
    for (line, words) in [
        (on("dbc_insert", "key:k value_json:{"), vec![row, "at the end"]),
        (on("dbc_insert", "key:k"), vec![row, "Give one of the two"]),
        (on("dbc_update", "key:k patch_json:null"), vec![row, "a patch is", "null"]),
        (on("dbc_update", "key:u_1 patch_json:{}"), vec!["row `u_1`", "nothing in it to change"]),
        (
            on("dbc_insert", "key:k\u{fe0f} value_json:{}"),
            vec!["of table `users` in database `prod`", "U+FE0F", "without it"],
        ),
        (
            on("dbc_insert", r#"key:k value_json:{"id":null}"#),
            vec![row, "is null", "Leave the field out"],
        ),
        (
            on("dbc_insert", r#"key:0 value_json:{"id":-0}"#),
            vec!["row `0`", "-0.0", "Leave the field out"],
        ),
        (
            "/dbc_table_create database:prod table:one pk:id".into(),
            vec!["with 1 row.", "another name"],
        ),
        (
            "/dbc_table_rename database:prod table:users to:one".into(),
            vec!["with 1 row.", "another name"],
        ),
        (
            "/dbc_table_rename database:prod table:users to:users".into(),
            vec!["database `prod`", "another name"],
        ),
        (
            "/dbc_table_drop database:prod table:nope confirm:x".into(),
            vec!["no table `nope` in database `prod`"],
        ),
        (
            "/dbc_table_drop database:prod table:users confirm:x".into(),
            vec!["table `users` in database `prod`", "`confirm:users`"],
        ),
        (on("dbc_get", "key:k"), vec!["no row with key `k`", "capitals"]),
        (on("dbc_history", "key:k"), vec!["no row with key `k`", "capitals"]),
        (on("dbc_delete", "key:k"), vec!["no row with key `k`", "capitals"]),
        (on("dbc_restore_row", "key:k rev:1"), vec!["no row with key `k`", "capitals"]),
        (
            on("dbc_delete", "key:u_1 if_rev:99"),
            vec!["at revision 1, not 99", "There has been no revision 99"],
        ),
        (
            on("dbc_update", r#"key:7 patch_json:{"id":"7"}"#),
            vec!["is the number `7`"],
        ),
        (
            r#"/dbc_transact database:prod ops_json:[{"op":"delete","table":"users","key":"u_1","hard":true}]"#.into(),
            vec!["database `prod`", "operation 1", "`/dbc_delete` with `hard:true`"],
        ),
        (
            r#"/dbc_transact database:prod ops_json:[{"op":"delete","database":"other","table":"users","key":"u_1"}]"#.into(),
            vec!["database `prod`", "operation 1", "within one database"],
        ),
        (
            "/dbc_transact database:prod ops_json:[{]".into(),
            vec!["database `prod`", "line 1, column 3"],
        ),
    ] {
        let told = world.reply(&line);
        assert!(told.starts_with('❌'), "{line}: {told}");
        for word in words {
            assert!(told.contains(word), "{line}: {word:?} is not in: {told}");
        }
    }
}

/// What would take too much memory is refused before it does.
#[test]
fn documents_and_transactions_have_a_bounded_number_of_values() {
    let mut world = World::with_table(1);
    let mut told = |line: &str, text: String| with_file(&mut world, line, text);
    let list = |values: usize| format!(r#"{{"t":[{}]}}"#, vec!["1"; values].join(","));
    let insert =
        |key: &str| format!("/dbc_insert database:prod table:users key:{key} value_file:@f");
    // The document, the list and the key are values as well.
    let most = DOCUMENT_VALUES - 3;
    assert!(told(&insert("a"), list(most)).starts_with("Stored"));
    let patch = "/dbc_update database:prod table:users key:a patch_file:@f";
    for (line, text) in [
        (insert("b"), list(most + 1)),
        (insert("c"), list(3_000_000)),
        (patch.to_owned(), r#"{"u":1}"#.to_owned()),
    ] {
        let told = told(&line, text);
        assert!(
            told.contains("100000 values") && told.contains("Split it"),
            "{told}"
        );
    }
    let transact = "/dbc_transact database:prod ops_file:@f";
    let told = told(transact, format!("[{}]", vec!["{}"; 3_000_000].join(",")));
    assert!(
        told.contains("5000 operations") && told.contains("Split it"),
        "{told}"
    );
}
