use super::*;

fn channel(id: u64, kind: u8, name: &str, topic: Option<&str>, parent: Option<u64>) -> Channel {
    serde_json::from_value(json!({
        "id": id.to_string(), "type": kind, "name": name, "topic": topic,
        "parent_id": parent.map(|id| id.to_string()),
    }))
    .unwrap()
}

#[test]
fn marks_come_back_from_topics() {
    let prod = || "prod".to_owned();
    for role in [
        Role::Log { database: prod() },
        Role::Catalog { database: prod() },
        Role::Table {
            database: prod(),
            table: "users".into(),
            id: 7,
        },
    ] {
        assert_eq!(Role::parse(&role.topic()), Some(role));
    }
    let index = |over: &str| Role::Index {
        database: prod(),
        table: "users".into(),
        id: 8,
        over: over.into(),
    };
    let odd = index("Straße.Zip,*x*");
    assert_eq!(odd.channel_name(), "idx-users-straße-zip-x");
    assert_eq!(Role::parse(&odd.topic()), Some(index("")));
    assert!(index(&"x,".repeat(500)).topic().len() < 1024);
    for foreign in [
        "",
        "about dbcord:1:log:prod",
        "dbcord:2:log:prod",
        "dbcord:1:log:",
        "dbcord:1:log:Prod",
        "dbcord:1:log:x`||spoiler||<@1>",
        "dbcord:1:table:prod:`x`:1",
        "dbcord:1:log:prod:x",
        "dbcord:1:table:prod:users",
        "dbcord:1:table:prod:users:x",
    ] {
        assert_eq!(Role::parse(foreign), None, "{foreign}");
    }
}

#[test]
fn only_marked_text_channels_count_whatever_their_name() {
    let channels = [
        channel(1, CATEGORY, "dbcord-prod", None, None),
        channel(
            2,
            TEXT_CHANNEL,
            "renamed",
            Some("dbcord:1:log:prod · x"),
            Some(1),
        ),
        channel(3, TEXT_CHANNEL, "dbc-log", Some("hello"), Some(1)),
        channel(4, 2, "voice", Some("dbcord:1:catalog:prod"), Some(1)),
        channel(5, 5, "news", Some("dbcord:1:catalog:prod"), Some(1)),
        channel(
            9,
            TEXT_CHANNEL,
            "t",
            Some("dbcord:1:table:prod:users:1"),
            Some(1),
        ),
        channel(
            8,
            TEXT_CHANNEL,
            "t",
            Some("dbcord:1:table:prod:users:1"),
            Some(1),
        ),
    ];
    let found = discover(&channels);
    assert_eq!(found.len(), 1);
    let prod = &found["prod"];
    assert_eq!((prod.category, prod.logs.as_slice()), (Some(1), &[2][..]));
    assert_eq!(prod.catalogs, [5]);
    let users: Vec<u64> = prod.tables[&1].iter().map(|marked| marked.id).collect();
    assert_eq!(users, [8, 9]);
    assert!(prod.is_tables(1, 9) && !prod.is_tables(2, 9));
}

#[test]
fn a_dropped_database_takes_its_channels_along_and_nobody_elses() {
    let mark = |kind: &str| format!("dbcord:1:{kind}");
    let text =
        |id, topic: &str, parent| channel(id, TEXT_CHANNEL, "t", Some(&mark(topic)), Some(parent));
    let mut channels = vec![
        channel(1, CATEGORY, "dbcord-prod", None, None),
        channel(2, CATEGORY, "dbcord-prod-2", None, None),
        channel(3, CATEGORY, "dbcord-prod-3", None, None),
        text(10, "log:prod", 1),
        text(11, "catalog:prod", 1),
        text(12, "table:prod:users:1", 2),
        text(13, "table:prod:users:1", 2),
        text(14, "table:other:users:1", 2),
    ];
    // The third is somebody else's, and the second has a channel of another database.
    assert_eq!(remains(&channels, "prod", 10, 5), [11, 12, 13, 1]);
    channels.retain(|channel| channel.id != 14);
    assert_eq!(remains(&channels, "prod", 10, 5), [11, 12, 13, 1, 2]);
    assert!(is_log(&channels, "prod", 10) && !is_log(&channels, "prod", 11));
}

#[test]
fn the_51st_channel_opens_another_category() {
    let mut channels = vec![channel(1, CATEGORY, "dbcord-prod", None, None)];
    channels.extend((0..50).map(|n| channel(100 + n, TEXT_CHANNEL, "t", None, Some(1))));
    assert_eq!(
        room(&channels, "prod", Some(1)),
        Room::NewCategory { number: 2 }
    );
    channels.push(channel(2, CATEGORY, "dbcord-prod-2", None, None));
    assert_eq!(room(&channels, "prod", Some(1)), Room::In { category: 2 });
    channels.pop();
    channels.extend((0..449).map(|n| channel(200 + n, TEXT_CHANNEL, "x", None, None)));
    assert_eq!(room(&channels, "prod", Some(1)), Room::GuildFull);
}
