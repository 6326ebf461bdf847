//! Rows that are cut in their messages, since files could not be read: no search finds what is left out.

use crate::crud::on_users;
use crate::search::{search_is, with_rows};
use crate::search_stale::{BOB, SEVENTEEN, finds, people, with_index};
use crate::world::{World, content};
use discord_sim::{Fault, FaultKind, InteractionSpec, SearchPlan};
use serde_json::json;

fn refuse_files(world: &mut World) {
    let channels = ["dbc-log", "dbc-catalog", "table-users"].map(|name| world.channel_id(name));
    world.fault(Fault {
        path: Some(format!("^/attachments/({})/", channels.join("|"))),
        times: 0,
        status: Some(403),
        ..Fault::new(FaultKind::Status)
    });
    world.with_storage(|entries| entries.remove("attachments"));
    world.evict();
}

fn put_long(world: &mut World, key: &str, word: &str) {
    let long = json!({"id": key, "t": "long ".repeat(1_800), "z": word});
    let line = format!("/dbc_insert database:prod table:users key:{key} value_file:@f");
    let spec = InteractionSpec::text(world.guild.guild_id, &line);
    let told = content(&world.interact(spec.file("f", long.to_string().into_bytes())));
    assert!(told.contains("Stored"), "{told}");
}

/// The searches that a command makes.
fn searches(world: &mut World, command: &str) -> usize {
    // Discord's limit is not what is counted.
    world.wait(10_000);
    let before = world.requests().len();
    world.ok(command);
    let sent = world.requests().split_off(before);
    let is_search = |(_, path, _): &&(String, String, Option<u16>)| path.contains("/search");
    sent.iter().filter(is_search).count()
}

#[test]
fn rows_that_are_cut_in_their_messages_are_counted_or_taken_from_memory() {
    let mut world = World::with_table(11);
    search_is(&world, SearchPlan::calm());
    refuse_files(&mut world);
    put_long(&mut world, "d", "Dee");
    put_long(&mut world, "e", "Eve");
    let others = ["f", "h", "i", "j", "k", "l", "m"];
    let other = |key: &str| json!({"id": key, "z": format!("the beginning of {key}")});
    with_rows(&mut world, others.map(other));
    let shown = world.messages("table-users");
    let is_cut = |text: &&String| text.contains("the beginning of 9");
    assert_eq!(shown.iter().filter(is_cut).count(), 2);
    for is_readable in [false, true] {
        if is_readable {
            // What was cut before stays so.
            world.clear_faults();
            put_long(&mut world, "g", "Gil");
            world.settle();
        }
        let question = r#"where_json:{"z":{"$in":["Dee","the beginning of f"]}}"#;
        for via in ["scan", "search"] {
            world.evict();
            let question = format!("{question} via:{via}");
            let reply = finds(&mut world, &question, &["f"]);
            assert!(reply.contains("2 too long for a message"), "{via}: {reply}");
            world.ok(&on_users("dbc_get", "key:d"));
            finds(&mut world, &question, &["d", "f"]);
        }
    }
}

#[test]
fn rows_that_are_cut_are_not_searched_for_where_there_are_none() {
    let mut world = people(12);
    with_index(&mut world, "age");
    let searched = |world: &mut World, question: &str| {
        world.evict();
        searches(
            world,
            &on_users("dbc_count", &format!("{question} via:search")),
        )
    };
    assert_eq!(searched(&mut world, BOB), 2);
    refuse_files(&mut world);
    assert_eq!(searched(&mut world, BOB), 3);
    // Entries of an index lead to them.
    assert_eq!(searched(&mut world, SEVENTEEN), 2);
    let plan = world.ok(&on_users("dbc_explain", &format!("{BOB} via:search")));
    assert!(plan.contains("estimate: at least 3 requests"), "{plan}");
}
