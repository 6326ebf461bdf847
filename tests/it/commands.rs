//! The commands on a quiet day.

use crate::world::{World, content, get, insert, shown_rows};
use discord_sim::{Fault, FaultKind, InteractionSpec};
use serde_json::{Map, json};

#[test]
fn the_tour_works_and_survives_a_restart() {
    let mut world = World::new(1);
    assert!(world.ok("/dbc_init database:prod").contains("is ready"));
    world.ok("/dbc_table_create database:prod table:users pk:id");
    let insert = r#"/dbc_insert database:prod table:users key:u_1 value_json:{"id":"u_1","email":"a@example.com","role":"student"}"#;
    assert!(
        world
            .ok(insert)
            .contains("Stored `u_1` in `prod.users` as revision 1 (commit #3)")
    );
    let get = "/dbc_get database:prod table:users key:u_1";
    let before = world.ok(get);
    assert!(before.contains("\"email\": \"a@example.com\""), "{before}");
    world.evict();
    let after = world.ok(get);
    assert_eq!(after.split("```").nth(1), before.split("```").nth(1));
    world.settle();
    let log = world.messages("dbc-log");
    assert!(log[2].starts_with("#3 · users/u_1 put\n"));
    let rows = shown_rows(&world, "users");
    assert_eq!(rows["u_1"].len(), 1);
    assert!(rows["u_1"][0].starts_with("**u_1** · rev 1\n```json\n"));
    assert_eq!(world.messages("dbc-catalog").len(), 1);
}

#[test]
fn init_keeps_everyone_out_unless_told_otherwise() {
    const VIEW: u64 = 1 << 10;
    for (option, hidden) in [("", true), (" private:false", false)] {
        let mut world = World::new(2);
        world.ok(&format!("/dbc_init database:prod{option}"));
        world.ok("/dbc_table_create database:prod table:users pk:id");
        world.settle();
        let everyone = world.guild.guild_id.to_string();
        for name in ["dbcord-prod", "dbc-log", "dbc-catalog", "table-users"] {
            let channel = world.channel(name).unwrap();
            let overwrites = channel["permission_overwrites"].as_array().unwrap();
            let denied = overwrites.iter().find(|o| o["id"] == everyone).unwrap();
            let bits: u64 = denied["deny"].as_str().unwrap().parse().unwrap();
            assert_eq!(bits & VIEW != 0, hidden, "{name}");
        }
    }
}

#[test]
fn init_again_makes_only_what_is_missing() {
    let mut world = World::with_table(3);
    let before = world.state();
    assert!(
        world
            .ok("/dbc_init database:prod")
            .contains("nothing was missing")
    );
    world.settle();
    assert_eq!(world.state(), before);
    let catalog = world.channel("dbc-catalog").unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    world.by_hand("DELETE", &format!("/channels/{catalog}"), None);
    world.evict();
    let reply = world.ok("/dbc_init database:prod private:true");
    assert!(
        reply.contains("Made what was missing: dbc-catalog"),
        "{reply}"
    );
    world.settle();
    assert_eq!(world.messages("dbc-catalog").len(), 1);
}

#[test]
fn channels_made_later_are_as_private_as_the_first() {
    let mut world = World::new(12);
    world.ok("/dbc_init database:prod private:false");
    let overwrites = world.channel("dbc-catalog").unwrap()["permission_overwrites"].clone();
    let catalog = world.channel_id("dbc-catalog");
    world.by_hand("DELETE", &format!("/channels/{catalog}"), None);
    world.evict();
    world.ok("/dbc_init database:prod private:true");
    let again = world.channel("dbc-catalog").unwrap();
    assert_eq!(again["permission_overwrites"], overwrites);
}

#[test]
fn channels_go_along_with_a_category_that_was_hidden() {
    let mut world = World::new(13);
    world.ok("/dbc_init database:prod private:false");
    let (category, everyone) = (world.channel_id("dbcord-prod"), world.guild.guild_id);
    let view = 1 << 10;
    let path = format!("/channels/{category}/permissions/{everyone}");
    world.by_hand(
        "PUT",
        &path,
        Some(json!({"type": 0, "allow": "0", "deny": view.to_string()})),
    );
    world.ok("/dbc_table_create database:prod table:users pk:id");
    world.settle();
    let table = world.channel("table-users").unwrap();
    let overwrites = table["permission_overwrites"].as_array().unwrap();
    let denied = overwrites
        .iter()
        .find(|o| o["id"] == everyone.to_string())
        .unwrap();
    let bits: u64 = denied["deny"].as_str().unwrap().parse().unwrap();
    assert!(bits & view != 0);
}

#[test]
fn two_databases_live_side_by_side() {
    let mut world = World::with_table(4);
    world.ok("/dbc_init database:test");
    world.ok("/dbc_table_create database:test table:users pk:id");
    world.ok(r#"/dbc_insert database:test table:users key:a value_json:{"id":"a"}"#);
    world.refused("/dbc_get database:prod table:users key:a");
    world.evict();
    world.ok("/dbc_get database:test table:users key:a");
}

#[test]
fn a_document_comes_back_exactly_whatever_is_in_it() {
    let mut world = World::with_table(5);
    let odd = json!({
        "id": "odd", "ticks": "```js\n`x`", "zero": "a\u{200b}b\u{feff}", "rtl": "\u{202e}abc",
        "ping": "@everyone <@1> <#2>", "emoji": "👩‍👩‍👧 ❤️", "n": [0, -1, 1.5, 18446744073709551615u64],
        "tabs": "\t\r\n\u{0}", "": null, "nested": {"a": {"b": [true, {}]}},
    });
    let mut options = Map::new();
    for (name, value) in [("database", "prod"), ("table", "users"), ("key", "odd")] {
        options.insert(name.to_owned(), value.into());
    }
    options.insert("value_json".to_owned(), odd.to_string().into());
    let view = world.interact(InteractionSpec::command(
        world.guild.guild_id,
        "dbc_insert",
        options,
    ));
    assert!(content(&view).starts_with("Stored"), "{}", content(&view));
    world.settle();
    world.evict();
    let reply = world.ok("/dbc_get database:prod table:users key:odd");
    let shown = reply
        .split("```json\n")
        .nth(1)
        .unwrap()
        .trim_end_matches("\n```");
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(shown).unwrap(),
        odd
    );
    // The row's message shows the same.
    let message = &shown_rows(&world, "users")["odd"][0];
    let shown = message
        .split("```json\n")
        .nth(1)
        .unwrap()
        .split("\n```\n-#")
        .next()
        .unwrap();
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(shown).unwrap(),
        odd
    );
}

#[test]
fn large_documents_go_through_embeds_and_files() {
    let mut world = World::with_table(6);
    for (key, length) in [("mid", 3_000), ("large", 5_900)] {
        let text = "é".repeat(length);
        let line = format!(
            r#"/dbc_insert database:prod table:users key:{key} value_json:{{"id":"{key}","t":"{text}"}}"#
        );
        world.ok(&line);
    }
    world.settle();
    world.evict();
    for key in ["mid", "large"] {
        let view = world.run(&format!("/dbc_get database:prod table:users key:{key}"));
        let reply = view.reply.unwrap();
        assert_eq!(reply["attachments"][0]["filename"], format!("{key}.json"));
    }
    let log = world.channel("dbc-log").unwrap();
    let records = log["messages"].as_array().unwrap();
    // The second is the table's, the third a checkpoint's.
    assert!(!records[3]["embeds"].as_array().unwrap().is_empty());
    let file = &records[4]["attachments"][0]["filename"];
    assert!(file.as_str().unwrap().starts_with("5.json"), "{file}");
    let table = world.channel("table-users").unwrap();
    let rows = table["messages"].as_array().unwrap();
    assert_eq!(rows[1]["attachments"][0]["filename"], "large.json");
}

#[test]
fn nothing_outside_of_owned_channels_is_touched() {
    let mut world = World::new(7);
    let general = world.channel("general").unwrap();
    let look_alike = serde_json::json!({"name": "table-users", "type": 0, "topic": "about dbcord:1:table:prod:users:1"});
    let guild = world.guild.guild_id;
    world.by_hand(
        "POST",
        &format!("/guilds/{guild}/channels"),
        Some(look_alike),
    );
    let before = world.channel("table-users").unwrap();
    world.ok("/dbc_init database:prod");
    world.ok("/dbc_table_create database:prod table:users pk:id");
    world.ok(r#"/dbc_insert database:prod table:users key:a value_json:{"id":"a"}"#);
    world.settle();
    assert_eq!(world.channel("general").unwrap(), general);
    assert_eq!(world.channel("table-users").unwrap(), before);
    let (general, foreign) = (
        general["id"].as_str().unwrap(),
        before["id"].as_str().unwrap(),
    );
    for (method, path, _) in world.requests() {
        let touched = path.contains(general) || path.contains(foreign);
        assert!(!touched || method == "INTERACTION", "{method} {path}");
    }
}

#[test]
fn autocomplete_offers_what_is_known() {
    let mut world = World::with_table(9);
    let mut complete = |text: &str, option: &str| -> Vec<String> {
        let mut spec = InteractionSpec::text(world.guild.guild_id, text);
        spec.autocomplete = Some(option.to_owned());
        let view = world.interact(spec);
        let choices = view.choices.unwrap_or_default();
        let values = choices
            .iter()
            .map(|c| c["value"].as_str().unwrap().to_owned());
        values.collect()
    };
    assert_eq!(complete("/dbc_get database:pr", "database"), ["prod"]);
    assert_eq!(
        complete("/dbc_get database:prod table:us", "table"),
        ["users"]
    );
    assert!(complete("/dbc_get database:prod table:zz", "table").is_empty());
    // A cold object, the usual case, offers them as well.
    world.evict();
    assert_eq!(complete_cold(&mut world), ["users"]);
}

#[test]
fn help_explains_every_command() {
    let mut world = World::new(10);
    let overview = world.ok("/dbc_help");
    for command in dbcord::commands::definitions() {
        assert!(overview.contains(&format!("`/{}`", command.name)));
        let one = world.ok(&format!("/dbc_help command:{}", command.name));
        assert!(one.contains("Example: `/"), "{one}");
        for option in &command.options {
            assert!(one.contains(&format!("- `{}`", option.name)), "{one}");
        }
    }
    assert!(
        world
            .refused("/dbc_help command:dbc_isnert")
            .contains("`dbc_insert`")
    );
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let run = || {
        let mut world = World::with_table(11);
        for n in 0..20 {
            world.ok(&format!(
                r#"/dbc_insert database:prod table:users key:k{n} value_json:{{"id":"k{n}"}}"#
            ));
        }
        world.settle();
        world.traffic()
    };
    assert_eq!(run(), run());
}

#[test]
fn every_definition_is_one_that_discord_takes() {
    for command in dbcord::commands::definitions() {
        twilight_validate::command::command(&command).unwrap();
        let permissions = command.default_member_permissions.map(|p| p.bits());
        assert_eq!(permissions, Some(1 << 5), "{}", command.name);
    }
}

#[test]
fn definitions_carry_the_limits_that_the_engine_keeps() {
    use dbcord::limits::{FIELD_NAME, KEY, NAME};
    for command in dbcord::commands::definitions() {
        for option in command.options {
            let expected = match option.name.as_str() {
                "database" | "table" | "to" | "confirm" => NAME,
                "pk" => FIELD_NAME,
                "key" => KEY,
                "value_json" | "patch_json" | "ops_json" => 6_000,
                _ => continue,
            };
            assert_eq!(
                option.max_length.map(usize::from),
                Some(expected),
                "{}",
                option.name
            );
        }
    }
}

fn complete_cold(world: &mut World) -> Vec<String> {
    let mut spec = InteractionSpec::text(world.guild.guild_id, "/dbc_get database:prod table:us");
    spec.autocomplete = Some("table".to_owned());
    let choices = world.interact(spec).choices.unwrap_or_default();
    let values = choices
        .iter()
        .map(|c| c["value"].as_str().unwrap().to_owned());
    values.collect()
}

#[test]
fn field_names_that_a_parser_might_treat_as_magic_are_plain() {
    let mut world = World::with_table(1);
    world.ok(&insert("before"));
    world.ok(r#"/dbc_insert database:prod table:users key:p value_json:{"id":"p","x":{"$serde_json::private::RawValue":"[1,2]"}}"#);
    world.settle();
    world.evict();
    world.ok(&get("before"));
}

#[test]
fn a_database_stays_private_when_its_first_commit_got_lost() {
    const VIEW: u64 = 1 << 10;
    let mut world = World::new(1);
    world.fault(Fault {
        method: Some("POST".into()),
        path: Some("^/channels/[0-9]+/messages$".into()),
        times: 4,
        ..Fault::new(FaultKind::LostRequest)
    });
    world.refused("/dbc_init database:prod");
    world.clear_faults();
    assert!(world.ok("/dbc_init database:prod").contains("is ready"));
    world.ok("/dbc_table_create database:prod table:users pk:id");
    world.settle();
    let everyone = world.guild.guild_id.to_string();
    let channel = world.channel("table-users").unwrap();
    let o = channel["permission_overwrites"]
        .as_array()
        .unwrap()
        .iter()
        .find(|o| o["id"] == everyone)
        .unwrap()
        .clone();
    let bits: u64 = o["deny"].as_str().unwrap().parse().unwrap();
    assert!(bits & VIEW != 0, "table of a private database is public");
}
