use discord_sim::{Config, Discord, GuildSpec};
use serde_json::{Value, json};

use crate::support::{START_MS, World, text};

fn contents(page: &Value) -> Vec<String> {
    page.as_array()
        .unwrap()
        .iter()
        .map(|message| text(&message["content"]))
        .collect()
}

#[test]
fn a_message_comes_back_as_it_was_stored() {
    let mut world = World::new();
    let path = world.messages();
    let sent = world
        .post(
            &path,
            json!({"content": "hello", "allowed_mentions": {"parse": []}}),
        )
        .ok();
    assert_eq!(sent["content"], "hello");
    assert_eq!(sent["edited_timestamp"], Value::Null);
    assert_eq!(
        sent["author"]["id"],
        json!(world.discord.application().bot_user_id)
    );
    let id = text(&sent["id"]);
    let read = world.get(&format!("{path}/{id}")).ok();
    assert_eq!(read, sent);
}

#[test]
fn content_is_trimmed_and_stripped() {
    let mut world = World::new();
    let path = world.messages();
    let sent = world
        .post(
            &path,
            json!({"content": " \n a\u{0}b\u{7}c\td\u{202e}e\r\nf \n"}),
        )
        .ok();
    assert_eq!(sent["content"], "abc\tde\nf");
}

#[test]
fn nothing_but_blanks_is_an_empty_message() {
    let mut world = World::new();
    let path = world.messages();
    for body in [
        json!({}),
        json!({"content": ""}),
        json!({"content": " \n\u{0} "}),
        json!({"content": null, "embeds": []}),
    ] {
        assert_eq!(world.post(&path, body).refusal(), (400, 50006));
        world.rest();
    }
}

#[test]
fn content_is_measured_in_utf16() {
    let mut world = World::new();
    let path = world.messages();
    world
        .post(&path, json!({"content": "x".repeat(2_000)}))
        .ok();
    world
        .post(&path, json!({"content": "😀".repeat(1_000)}))
        .ok();
    let refused = world.post(
        &path,
        json!({"content": format!("{}x", "😀".repeat(1_000))}),
    );
    assert_eq!(refused.refusal(), (400, 50035));
    assert_eq!(
        refused.body["errors"]["content"]["_errors"][0]["code"],
        "BASE_TYPE_MAX_LENGTH"
    );
}

#[test]
fn pages_are_newest_first_whichever_way_they_are_asked_for() {
    let mut world = World::new();
    let mut ids = Vec::new();
    for n in 0..7 {
        ids.push(world.say(&n.to_string()));
        world.now += 2_000;
    }
    let path = world.messages();
    for (query, expected) in [
        ("limit=3".to_owned(), vec!["6", "5", "4"]),
        (format!("limit=2&before={}", ids[4]), vec!["3", "2"]),
        (format!("limit=2&after={}", ids[1]), vec!["3", "2"]),
        (format!("limit=3&around={}", ids[3]), vec!["4", "3", "2"]),
        (format!("limit=100&after={}", ids[6]), vec![]),
        (String::new(), vec!["6", "5", "4", "3", "2", "1", "0"]),
    ] {
        let page = world.get(&format!("{path}?{query}")).ok();
        assert_eq!(contents(&page), expected, "{query}");
        world.rest();
    }
    for query in [
        "limit=0",
        "limit=101",
        "limit=x",
        "before=x",
        "before=1&after=2",
    ] {
        assert_eq!(
            world.get(&format!("{path}?{query}")).refusal(),
            (400, 50035),
            "{query}"
        );
        world.rest();
    }
}

#[test]
fn only_own_messages_can_be_edited_but_moderators_may_suppress_embeds() {
    let mut world = World::new();
    let path = world.messages();
    let sent = world
        .post(&path, json!({"embeds": [{"description": "data"}]}))
        .ok();
    let message = format!("{path}/{}", text(&sent["id"]));

    assert_eq!(
        world
            .act("owner", "PATCH", &message, &json!({"content": "mine"}))
            .refusal(),
        (403, 50005)
    );
    assert_eq!(
        world
            .act("member", "PATCH", &message, &json!({"flags": 4}))
            .refusal(),
        (403, 50013)
    );
    world
        .act("owner", "PATCH", &message, &json!({"flags": 4}))
        .ok();
    let hidden = world.get(&message).ok();
    assert_eq!(
        (hidden["flags"].clone(), hidden["embeds"].clone()),
        (json!(4), json!([]))
    );

    let back = world.patch(&message, json!({"flags": 0})).ok();
    assert_eq!(back["embeds"][0]["description"], "data");
    let own = world.patch(&message, json!({"flags": 4})).ok();
    assert_eq!(own["embeds"], json!([]), "an author may do the same");
    assert_eq!(
        back["edited_timestamp"],
        Value::Null,
        "flags alone are no edit"
    );
}

#[test]
fn an_edit_changes_what_it_names_and_nothing_else() {
    let mut world = World::new();
    let path = world.messages();
    let sent = world
        .post(&path, json!({"content": "a", "embeds": [{"title": "t"}]}))
        .ok();
    let message = format!("{path}/{}", text(&sent["id"]));
    let edited = world.patch(&message, json!({"content": "b"})).ok();
    assert_eq!(
        (&edited["content"], &edited["embeds"][0]["title"]),
        (&json!("b"), &json!("t"))
    );
    assert!(edited["edited_timestamp"].is_string());
    let edited = world.patch(&message, json!({"embeds": []})).ok();
    assert_eq!(
        (&edited["content"], &edited["embeds"]),
        (&json!("b"), &json!([]))
    );
    assert_eq!(
        world.patch(&message, json!({"content": ""})).refusal(),
        (400, 50006)
    );
}

#[test]
fn edits_of_old_messages_meet_a_limit_of_their_own() {
    let mut world = World::new();
    let id = world.say("old");
    let message = format!("{}/{id}", world.messages());
    world.now += 60 * 60 * 1_000 + 1;
    for n in 0..3 {
        world
            .patch(&message, json!({"content": n.to_string()}))
            .ok();
    }
    let refused = world.patch(&message, json!({"content": "more"}));
    assert_eq!(refused.refusal(), (429, 30046));
    assert_eq!(
        refused.header("x-ratelimit-remaining"),
        "1",
        "the bucket announced nothing of this"
    );
    assert!(refused.body["retry_after"].as_f64().unwrap() > 0.0);
    world.now += 6_000;
    world.patch(&message, json!({"content": "more"})).ok();
}

#[test]
fn embeds_have_limits_each_and_together() {
    let mut world = World::new();
    let path = world.messages();
    let field = |name: &str| json!({"name": name, "value": "v"});
    let long = |n: usize| "x".repeat(n);
    for (embeds, place) in [
        (
            json!([{"title": long(257)}]),
            "/errors/embeds/0/title/_errors",
        ),
        (
            json!([{"title": "t"}, {"description": long(4_097)}]),
            "/errors/embeds/1/description/_errors",
        ),
        (
            json!([{"fields": [field("n"), {"name": "n"}]}]),
            "/errors/embeds/0/fields/1/value/_errors",
        ),
        (
            json!([{"fields": vec![field("n"); 26]}]),
            "/errors/embeds/0/fields/_errors",
        ),
        (
            json!([{"title": "t", "footer": {"text": long(2_049)}}]),
            "/errors/embeds/0/footer/text/_errors",
        ),
        (
            json!([{"title": "t", "author": {}}]),
            "/errors/embeds/0/author/name/_errors",
        ),
        (
            json!([{"title": "t", "color": 16_777_216}]),
            "/errors/embeds/0/color/_errors",
        ),
        (
            json!([{"title": "t", "timestamp": "yesterday"}]),
            "/errors/embeds/0/timestamp/_errors",
        ),
        (
            json!([{"title": "t", "url": "ftp://x"}]),
            "/errors/embeds/0/url/_errors",
        ),
        (json!([{}]), "/errors/embeds/0/description/_errors"),
        (
            json!(vec![json!({"title": "t"}); 11]),
            "/errors/embeds/_errors",
        ),
        (
            json!([{"description": long(4_000)}, {"description": long(2_001)}]),
            "/errors/embeds/_errors",
        ),
        (json!("text"), "/errors/embeds/_errors"),
    ] {
        let refused = world.post(&path, json!({"embeds": embeds}));
        assert_eq!(refused.refusal(), (400, 50035), "{place}");
        assert!(
            refused.body.pointer(place).is_some(),
            "{place}: {}",
            refused.body
        );
        world.rest();
    }
    let sent = world.post(&path, json!({"embeds": [{"title": " t ", "timestamp": "2024-05-06T07:08:09Z", "type": "video"}]})).ok();
    let embed = &sent["embeds"][0];
    assert_eq!(
        (&embed["title"], &embed["type"]),
        (&json!("t"), &json!("rich"))
    );
    assert_eq!(embed["timestamp"], "2024-05-06T07:08:09.000000+00:00");
}

#[test]
fn allowed_mentions_decide_who_is_mentioned() {
    let mut world = World::new();
    let path = world.messages();
    let member = world.guild.users["member"];
    let content = format!("<@{member}> @everyone");
    let all = world.post(&path, json!({"content": content})).ok();
    assert_eq!(all["mentions"][0]["id"], json!(member));
    assert_eq!(
        all["mention_everyone"], false,
        "the bot may not mention everyone"
    );
    let none = world
        .post(
            &path,
            json!({"content": content, "allowed_mentions": {"parse": []}}),
        )
        .ok();
    assert_eq!(none["mentions"], json!([]));
    let wrong =
        json!({"content": content, "allowed_mentions": {"parse": ["users"], "users": [member]}});
    assert_eq!(world.post(&path, wrong).refusal(), (400, 50035));
    let wrong = json!({"content": content, "allowed_mentions": {"parse": ["nobody"]}});
    assert!(
        world
            .post(&path, wrong)
            .body
            .pointer("/errors/allowed_mentions/parse/0/_errors")
            .is_some()
    );
}

#[test]
fn flags_that_cannot_be_set_are_refused() {
    let mut world = World::new();
    let path = world.messages();
    assert_eq!(
        world
            .post(&path, json!({"content": "x", "flags": 64}))
            .refusal(),
        (400, 50035)
    );
    let sent = world
        .post(&path, json!({"content": "x", "flags": 4 | 4096}))
        .ok();
    assert_eq!(sent["flags"], 4 | 4096);
}

#[test]
fn a_reply_names_what_it_replies_to() {
    let mut world = World::new();
    let path = world.messages();
    let id = world.say("question");
    let reply = world
        .post(
            &path,
            json!({"content": "answer", "message_reference": {"message_id": id}}),
        )
        .ok();
    assert_eq!(
        (&reply["type"], &reply["referenced_message"]["content"]),
        (&json!(19), &json!("question"))
    );
    let lost = json!({"content": "answer", "message_reference": {"message_id": "1"}});
    assert_eq!(world.post(&path, lost.clone()).refusal(), (400, 50035));
    let mut lenient = lost;
    lenient["message_reference"]["fail_if_not_exists"] = json!(false);
    assert_eq!(world.post(&path, lenient).ok()["type"], 0);
}

#[test]
fn a_deleted_message_is_gone() {
    let mut world = World::new();
    let id = world.say("x");
    let message = format!("{}/{id}", world.messages());
    assert_eq!(world.delete(&message).status, 204);
    assert_eq!(world.get(&message).refusal(), (404, 10008));
    assert_eq!(world.delete(&message).refusal(), (404, 10008));
}

#[test]
fn bulk_deletion_has_rules() {
    let mut world = World::new();
    let path = format!("{}/bulk-delete", world.messages());
    let ids: Vec<String> = (0..3).map(|n| world.say(&n.to_string())).collect();
    assert_eq!(
        world.post(&path, json!({"messages": [ids[0]]})).refusal(),
        (400, 50016)
    );
    world.rest();
    assert_eq!(
        world
            .post(&path, json!({"messages": [ids[0], ids[0]]}))
            .refusal(),
        (400, 50035)
    );
    world.rest();
    let many: Vec<String> = (1..=101).map(|n| n.to_string()).collect();
    assert_eq!(
        world.post(&path, json!({"messages": many})).refusal(),
        (400, 50016)
    );
    world.rest();
    assert_eq!(world.post(&path, json!({"messages": ids[..2]})).status, 204);
    let left = world.messages();
    assert_eq!(contents(&world.get(&left).ok()), ["2"]);
    world.now += 14 * 24 * 60 * 60 * 1_000 + 1;
    let fresh = world.say("fresh");
    assert_eq!(
        world
            .post(&path, json!({"messages": [ids[2], fresh]}))
            .refusal(),
        (400, 50034)
    );
    assert_eq!(contents(&world.get(&left).ok()).len(), 2, "all or nothing");
}

#[test]
fn components_are_checked() {
    let mut world = World::new();
    let path = world.messages();
    let button = |id: &str| json!({"type": 2, "style": 1, "label": "Go", "custom_id": id});
    let row = |buttons: &[Value]| json!({"content": "x", "components": [{"type": 1, "components": buttons}]});
    let sent = world.post(&path, row(&[button("a"), button("b")])).ok();
    assert_eq!(sent["components"][0]["components"][1]["custom_id"], "b");
    for wrong in [
        row(&[]),
        row(&[button("a"), button("a")]),
        row(&[button(&"x".repeat(101))]),
        row(&vec![button("a"); 6]),
        json!({"components": [button("a")]}),
    ] {
        assert_eq!(world.post(&path, wrong).refusal(), (400, 50035));
        world.rest();
    }
}

#[test]
fn without_the_intent_other_peoples_words_are_blank() {
    let mut world = World::new();
    let path = world.messages();
    let bot = world.discord.application().bot_user_id;
    world
        .act("member", "POST", &path, &json!({"content": "secret"}))
        .ok();
    world
        .act(
            "member",
            "POST",
            &path,
            &json!({"content": format!("<@{bot}> hello")}),
        )
        .ok();
    world.say("own");
    let page = world.get(&path).ok();
    assert_eq!(
        contents(&page),
        ["own".to_owned(), format!("<@{bot}> hello"), String::new()]
    );
    let seen = world.act("member", "GET", &path, &Value::Null).ok();
    assert_eq!(contents(&seen)[2], "secret");

    let config = Config {
        message_content_intent: true,
        ..Config::default()
    };
    let mut discord = Discord::new(config);
    let guild = discord.create_guild(START_MS, GuildSpec::named("g"));
    let mut world = World {
        discord,
        guild,
        now: START_MS,
    };
    let path = world.messages();
    world
        .act("member", "POST", &path, &json!({"content": "secret"}))
        .ok();
    assert_eq!(contents(&world.get(&path).ok()), ["secret"]);
}
