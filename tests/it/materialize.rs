//! Channels follow the state, whatever happened to them.

use crate::world::{World, shown_rows};

#[test]
fn once_quiet_a_second_look_changes_nothing() {
    let mut world = World::with_table(2);
    world.ok(r#"/dbc_insert database:prod table:users key:a value_json:{"id":"a"}"#);
    world.settle();
    let state = world.state();
    let before = world.requests().len();
    world.evict();
    world.ok("/dbc_get database:prod table:users key:a");
    world.settle();
    assert_eq!(world.state(), state);
    let requests: Vec<_> = world.requests()[before..]
        .iter()
        .filter(|(_, path, _)| {
            path.starts_with("/channels")
                || path.starts_with("/guilds")
                || path.starts_with("/users")
        })
        .map(|(method, path, _)| format!("{method} {}", path.split('?').next().unwrap()))
        .collect();
    assert_eq!(requests.len(), 2, "{requests:?}");
}

#[test]
fn wiped_object_storage_loses_nothing_and_repeats_nothing() {
    let mut world = World::with_table(3);
    for n in 0..8 {
        world.ok(&format!(
            r#"/dbc_insert database:prod table:users key:k{n} value_json:{{"id":"k{n}"}}"#
        ));
    }
    world.settle();
    let shown = world.messages("table-users");
    let cards = world.messages("dbc-catalog");
    world.wipe_storage();
    for n in 0..8 {
        world.ok(&format!("/dbc_get database:prod table:users key:k{n}"));
    }
    world.settle();
    assert_eq!(world.messages("table-users"), shown);
    assert_eq!(world.messages("dbc-catalog"), cards);
}

#[test]
fn a_table_channel_deleted_by_hand_is_made_again_with_its_rows() {
    let mut world = World::with_table(4);
    world.ok(r#"/dbc_insert database:prod table:users key:a value_json:{"id":"a"}"#);
    world.settle();
    let channel = world.channel("table-users").unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    world.by_hand("DELETE", &format!("/channels/{channel}"), None);
    world.ok(r#"/dbc_insert database:prod table:users key:b value_json:{"id":"b"}"#);
    world.settle();
    let rows = shown_rows(&world, "users");
    assert_eq!((rows["a"].len(), rows["b"].len()), (1, 1));
}
