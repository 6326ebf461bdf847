//! Discord's rate limits and the host's budgets.

use crate::world::{World, insert, shown_rows};
use discord_sim::{Fault, FaultKind, InteractionSpec};
use serde_json::json;

#[test]
fn a_burst_of_writes_meets_no_429_and_is_all_acknowledged() {
    let mut world = World::with_table(1);
    let mut sent = Vec::new();
    for n in 0..20 {
        let line =
            format!(r#"/dbc_insert database:prod table:users key:k{n} value_json:{{"id":"k{n}"}}"#);
        sent.push(world.send(InteractionSpec::text(world.guild.guild_id, &line)));
    }
    for id in sent {
        let view = world.wait_for(id);
        let reply = crate::world::content(&view);
        assert!(reply.contains("Stored"), "{reply}");
    }
    world.settle();
    let limited: Vec<_> = world
        .requests()
        .into_iter()
        .filter(|r| r.2 == Some(429))
        .collect();
    assert_eq!(limited, []);
    let rows = shown_rows(&world, "users");
    assert_eq!(rows.len(), 20);
    assert!(rows.values().all(|messages| messages.len() == 1));
    let inspect = world.ok("/dbc_inspect database:prod");
    assert!(inspect.contains("backlog: 0"), "{inspect}");
}

#[test]
fn an_alarm_stays_within_its_share_of_requests() {
    let mut world = World::with_table(5);
    let sent: Vec<_> = (0..60)
        .map(|n| {
            let line = format!(
                r#"/dbc_insert database:prod table:users key:k{n} value_json:{{"id":"k{n}"}}"#
            );
            world.send(InteractionSpec::text(world.guild.guild_id, &line))
        })
        .collect();
    for id in sent {
        world.wait_for(id);
    }
    world.settle();
    assert_eq!(shown_rows(&world, "users").len(), 60);
    // All writes are done: from here on, only alarms send anything.
    world.by_hand(
        "DELETE",
        &format!("/channels/{}", world.channel_id("table-users")),
        None,
    );
    world.ok(r#"/dbc_insert database:prod table:users key:last value_json:{"id":"last"}"#);
    let before = (world.requests().len(), world.alarms());
    world.settle();
    assert_eq!(shown_rows(&world, "users").len(), 61);
    let requests = world.requests().len() - before.0;
    let alarms = world.alarms() - before.1;
    assert!(requests > 61, "{requests}");
    assert!(
        requests <= 25 * alarms,
        "{requests} requests in {alarms} alarms"
    );
}

#[test]
fn an_alarm_that_could_not_be_set_is_not_the_end() {
    let mut world = World::with_table(1);
    world.ok(&insert("warm"));
    world.settle();
    world.fault_on_posts(
        "table-users",
        Fault {
            status: Some(503),
            times: 2,
            ..Fault::new(FaultKind::Status)
        },
    );
    world.ok(&insert("a"));
    world.fail_next_wake();
    world.settle();
    assert_eq!(shown_rows(&world, "users").get("a").map_or(0, Vec::len), 1);
}

#[test]
fn a_storm_of_429_writes_nothing_and_passes() {
    let mut world = World::with_table(1);
    world.ok(&insert("warm"));
    world.settle();
    world.fault(Fault {
        path: Some("^/(channels|guilds|users)".into()),
        status: Some(429),
        times: 0,
        body: Some(
            json!({"message":"You are being rate limited.","retry_after":0.3,"global":false}),
        ),
        ..Fault::new(FaultKind::Status)
    });
    world.fault(Fault {
        times: 0,
        ..Fault::new(FaultKind::Delay)
    });
    for n in 0..10 {
        let r = world.reply(&insert(&format!("s{n}")));
        assert!(r.contains("Nothing was written"), "{r}");
    }
    world.wait(3_600_000);
    world.clear_faults();
    world.ok(&insert("s0"));
    world.settle();
}
