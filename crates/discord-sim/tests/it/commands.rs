use discord_sim::{GuildSpec, InteractionSpec};
use serde_json::{Value, json};

use crate::support::{World, text};

fn option(kind: u8, name: &str) -> Value {
    json!({"type": kind, "name": name, "description": "d"})
}

fn with(mut value: Value, field: &str, more: Value) -> Value {
    value[field] = more;
    value
}

#[test]
fn what_is_registered_comes_back() {
    let mut world = World::new();
    let path = world.commands();
    let command = json!({
        "name": "dbc_insert", "description": "Insert a document", "default_member_permissions": "32",
        "contexts": [0], "integration_types": [0],
        "options": [
            with(with(option(3, "database"), "required", json!(true)), "autocomplete", json!(true)),
            with(with(option(3, "document"), "required", json!(true)), "max_length", json!(6_000)),
            with(with(option(4, "count"), "min_value", json!(1)), "max_value", json!(100)),
            with(option(3, "mode"), "choices", json!([{"name": "A", "value": "a"}, {"name": "B", "value": "b"}])),
        ],
    });
    let registered = world.put(&path, json!([command])).ok();
    let first = &registered[0];
    for field in [
        "name",
        "description",
        "default_member_permissions",
        "contexts",
        "options",
    ] {
        assert_eq!(first[field], command[field], "{field}");
    }
    assert_eq!(first["guild_id"], json!(world.guild.guild_id));
    assert_eq!(
        first["application_id"],
        json!(world.discord.application().id)
    );
    assert_eq!(world.get(&path).ok(), registered);
    assert_eq!(
        world.get(&format!("{path}?with_localizations=true")).ok(),
        registered
    );
    assert_eq!(
        world.get(&format!("{path}/{}", text(&first["id"]))).ok(),
        *first
    );
}

#[test]
fn commands_are_checked() {
    let mut world = World::new();
    let path = world.commands();
    let command = |options: Value| json!({"name": "x", "description": "x", "options": options});
    let required = |name: &str| with(option(3, name), "required", json!(true));
    let choice = |name: &str, value: Value| json!({"name": name, "value": value});
    let long = |n: usize| "x".repeat(n);
    for (body, place) in [
        (json!({"description": "x"}), "/errors/0/name"),
        (
            json!({"name": "Upper", "description": "x"}),
            "/errors/0/name",
        ),
        (
            json!({"name": "two words", "description": "x"}),
            "/errors/0/name",
        ),
        (
            json!({"name": long(33), "description": "x"}),
            "/errors/0/name",
        ),
        (json!({"name": "x"}), "/errors/0/description"),
        (
            json!({"name": "x", "description": ""}),
            "/errors/0/description",
        ),
        (
            json!({"name": "x", "description": long(101)}),
            "/errors/0/description",
        ),
        (
            json!({"name": "x", "description": "x", "contexts": [7]}),
            "/errors/0/contexts",
        ),
        (
            json!({"name": "x", "description": "x", "contexts": []}),
            "/errors/0/contexts",
        ),
        (
            json!({"name": "x", "description": "x", "default_member_permissions": "all"}),
            "/errors/0/default_member_permissions",
        ),
        (
            json!({"name": "x", "description": "x", "name_localizations": {"xx": "x"}}),
            "/errors/0/name_localizations/xx",
        ),
        (
            json!({"name": "x", "description": "x", "name_localizations": {"de": "X"}}),
            "/errors/0/name_localizations/de",
        ),
        (
            command(json!([option(12, "a")])),
            "/errors/0/options/0/type",
        ),
        (command(json!([option(3, "A")])), "/errors/0/options/0/name"),
        (
            command(json!([option(3, "a"), option(4, "a")])),
            "/errors/0/options/1/name",
        ),
        (
            command(json!([option(3, "a"), required("b")])),
            "/errors/0/options/1/required",
        ),
        (
            command(json!(
                (0..26)
                    .map(|n| option(3, &format!("o{n}")))
                    .collect::<Vec<_>>()
            )),
            "/errors/0/options",
        ),
        (
            command(json!([with(
                option(3, "a"),
                "choices",
                json!([choice("", json!("v"))])
            )])),
            "/errors/0/options/0/choices/0/name",
        ),
        (
            command(json!([with(
                option(4, "a"),
                "choices",
                json!([choice("n", json!("v"))])
            )])),
            "/errors/0/options/0/choices/0/value",
        ),
        (
            command(json!([with(
                option(3, "a"),
                "choices",
                json!([choice("n", json!(long(101)))])
            )])),
            "/errors/0/options/0/choices/0/value",
        ),
        (
            command(json!([with(
                option(3, "a"),
                "choices",
                json!(vec![choice("n", json!("v")); 2])
            )])),
            "/errors/0/options/0/choices/1/name",
        ),
        (
            command(json!([with(
                option(3, "a"),
                "choices",
                json!(
                    (0..26)
                        .map(|n| choice(&n.to_string(), json!(n.to_string())))
                        .collect::<Vec<_>>()
                )
            )])),
            "/errors/0/options/0/choices",
        ),
        (
            command(json!([with(
                with(option(3, "a"), "choices", json!([choice("n", json!("v"))])),
                "autocomplete",
                json!(true)
            )])),
            "/errors/0/options/0/autocomplete",
        ),
        (
            command(json!([with(option(5, "a"), "autocomplete", json!(true))])),
            "/errors/0/options/0/autocomplete",
        ),
        (
            command(json!([with(
                with(option(4, "a"), "min_value", json!(5)),
                "max_value",
                json!(4)
            )])),
            "/errors/0/options/0/max_value",
        ),
        (
            command(json!([with(option(3, "a"), "max_length", json!(6_001))])),
            "/errors/0/options/0/max_length",
        ),
        (
            command(json!([option(1, "sub"), option(3, "a")])),
            "/errors/0/options/_errors",
        ),
        (
            command(json!([with(
                option(1, "sub"),
                "options",
                json!([option(1, "inner")])
            )])),
            "/errors/0/options/0/options/0/type",
        ),
    ] {
        let refused = world.put(&path, json!([body]));
        assert_eq!(refused.refusal(), (400, 50035), "{place} {}", refused.body);
        assert!(
            refused.body.pointer(place).is_some(),
            "{place}: {}",
            refused.body
        );
        world.rest();
    }
    assert_eq!(
        world.get(&path).ok(),
        json!([]),
        "nothing of all this was registered"
    );
}

#[test]
fn a_command_has_at_most_8000_characters() {
    let mut world = World::new();
    let path = world.commands();
    let options: Vec<_> = (0..20)
        .map(|n| {
            let choices: Vec<_> = (0..3).map(|m| json!({"name": format!("{m}{}", "n".repeat(99)), "value": format!("{m}")})).collect();
            json!({"type": 3, "name": format!("o{n}"), "description": "d".repeat(100), "choices": choices})
        })
        .collect();
    let refused = world.post(
        &path,
        json!({"name": "x", "description": "x", "options": options}),
    );
    assert_eq!(
        refused.body["errors"]["_errors"][0]["code"],
        "APPLICATION_COMMAND_TOO_LARGE"
    );
    world
        .post(
            &path,
            json!({"name": "x", "description": "x", "options": options[..19]}),
        )
        .ok();
}

#[test]
fn an_overwrite_keeps_ids_and_counts_only_new_names() {
    let mut world = World::new();
    let path = world.commands();
    let list = |from: usize, to: usize| {
        json!(
            (from..to)
                .map(|n| json!({"name": format!("c{n}"), "description": "x"}))
                .collect::<Vec<_>>()
        )
    };
    let first = world.put(&path, list(0, 100)).ok();
    for _ in 0..5 {
        world.rest();
        assert_eq!(
            world.put(&path, list(0, 100)).ok(),
            first,
            "unchanged, and at no cost"
        );
    }
    world.rest();
    assert_eq!(world.put(&path, list(0, 101)).refusal(), (400, 30032));
    world.rest();
    let second = world.put(&path, list(50, 150)).ok();
    assert_eq!(second[0]["id"], first[50]["id"]);
    world.rest();
    world.put(&path, list(150, 200)).ok();
    world.rest();
    let refused = world.put(&path, list(200, 201));
    assert_eq!(refused.refusal(), (429, 30034), "200 creations a day");
    world.rest();
    assert_eq!(
        world.get(&path).ok().as_array().unwrap().len(),
        50,
        "the refused overwrite left everything as it was"
    );
    world.now += 24 * 60 * 60 * 1_000;
    world.put(&path, list(200, 201)).ok();
}

#[test]
fn names_are_unique_and_a_second_post_updates() {
    let mut world = World::new();
    let path = world.commands();
    let twice = json!([{"name": "x", "description": "1"}, {"name": "x", "description": "2"}]);
    let refused = world.put(&path, twice);
    assert_eq!(
        refused.body["errors"]["1"]["name"]["_errors"][0]["code"],
        "APPLICATION_COMMANDS_DUPLICATE_NAME"
    );
    let created = world.post(&path, json!({"name": "x", "description": "1"}));
    assert_eq!(created.status, 201);
    let updated = world.post(&path, json!({"name": "x", "description": "2"}));
    assert_eq!(
        (updated.status, &updated.body["id"]),
        (200, &created.body["id"])
    );
    assert_ne!(updated.body["version"], created.body["version"]);
    world.rest();
    let one = format!("{path}/{}", text(&created.body["id"]));
    let edited = world
        .patch(
            &one,
            json!({"description": "3", "options": [option(3, "a")]}),
        )
        .ok();
    assert_eq!(
        (&edited["name"], &edited["description"]),
        (&json!("x"), &json!("3"))
    );
    assert_eq!(world.delete(&one).status, 204);
    assert_eq!(world.delete(&one).refusal(), (404, 10063));
}

#[test]
fn guilds_without_the_scope_answer_missing_access() {
    let spec = GuildSpec {
        commands_scope: false,
        ..GuildSpec::named("g")
    };
    let mut world = World::with(spec);
    let path = world.commands();
    assert_eq!(world.get(&path).refusal(), (403, 50001));
    assert_eq!(world.put(&path, json!([])).refusal(), (403, 50001));
    let application = world.discord.application().id;
    assert_eq!(
        world
            .get(&format!("/applications/{application}/guilds/1/commands"))
            .refusal(),
        (403, 50001)
    );
    assert_eq!(
        world.get("/applications/1/commands").refusal(),
        (404, 10002)
    );
    world
        .put(
            &format!("/applications/{application}/commands"),
            json!([{"name": "x", "description": "x"}]),
        )
        .ok();
    let problem = world
        .discord
        .interact(world.now, InteractionSpec::text(world.guild.guild_id, "/x"));
    assert_eq!(problem.unwrap_err().status, 403, "not even global ones");
}
