//! Every parameter, within its limits and beyond them.

use serde_json::{Value, json};

use super::{calm, search, write};
use crate::support::World;

fn refused(world: &mut World, query: &str) -> Value {
    let answer = search(world, query);
    world.now += 1_100;
    assert_eq!(answer.refusal(), (400, 50035), "{query:.80}");
    answer.body["errors"].clone()
}

/// The code at a path of the errors.
fn code(errors: &Value, path: &str) -> String {
    let code = errors.pointer(&format!("/{path}/_errors/0/code"));
    code.map_or_else(
        || format!("none: {errors}"),
        |code| code.as_str().unwrap().to_owned(),
    )
}

fn accepted(world: &mut World, query: &str) {
    let answer = search(world, query);
    world.now += 1_100;
    assert_eq!(answer.status, 200, "{query:.80}: {}", answer.body);
}

fn repeated(name: &str, values: impl Iterator<Item = String>) -> String {
    let pairs: Vec<String> = values.map(|value| format!("{name}={value}")).collect();
    pairs.join("&")
}

#[test]
fn numbers_have_limits() {
    let mut world = calm();
    for (name, min, max) in [("limit", 1, 25), ("offset", 0, 9_975), ("slop", 0, 100)] {
        for fits in [min, max] {
            accepted(&mut world, &format!("{name}={fits}"));
        }
        for (wrong, expected) in [
            ((min - 1).to_string(), "NUMBER_TYPE_MIN"),
            ((max + 1).to_string(), "NUMBER_TYPE_MAX"),
            ("1.5".to_owned(), "NUMBER_TYPE_COERCE"),
            ("many".to_owned(), "NUMBER_TYPE_COERCE"),
            (String::new(), "NUMBER_TYPE_COERCE"),
        ] {
            let errors = refused(&mut world, &format!("{name}={wrong}"));
            assert_eq!(code(&errors, name), expected, "{name}={wrong}");
        }
    }
}

#[test]
fn ids_are_snowflakes_without_leading_zeros() {
    let mut world = calm();
    for name in ["min_id", "max_id"] {
        accepted(&mut world, &format!("{name}=0"));
        accepted(&mut world, &format!("{name}=9223372036854775807"));
        for wrong in ["", "-1", "+1", "01", "1e3", "abc", "9223372036854775808"] {
            let wrong = wrong.replace('+', "%2B");
            let errors = refused(&mut world, &format!("{name}={wrong}"));
            assert_eq!(code(&errors, name), "NUMBER_TYPE_COERCE", "{name}={wrong}");
        }
    }
}

#[test]
fn booleans_are_written_in_one_of_six_ways() {
    let mut world = calm();
    for name in ["mention_everyone", "pinned", "include_nsfw"] {
        for fits in ["true", "True", "1", "false", "False", "0"] {
            accepted(&mut world, &format!("{name}={fits}"));
        }
        for wrong in ["", "yes", "TRUE", "2"] {
            let errors = refused(&mut world, &format!("{name}={wrong}"));
            assert_eq!(code(&errors, name), "BOOLEAN_TYPE_CONVERT");
        }
    }
}

#[test]
fn content_has_at_most_1024_characters() {
    let mut world = calm();
    accepted(&mut world, &format!("content={}", "x".repeat(1_024)));
    accepted(&mut world, "content=");
    let errors = refused(&mut world, &format!("content={}", "x".repeat(1_025)));
    assert_eq!(code(&errors, "content"), "BASE_TYPE_MAX_LENGTH");
    // Outside of the basic plane a character counts for two.
    accepted(
        &mut world,
        &format!("content={}", "%F0%9F%98%80".repeat(512)),
    );
    refused(
        &mut world,
        &format!("content={}", "%F0%9F%98%80".repeat(513)),
    );
}

#[test]
fn choices_are_those_of_the_document() {
    let mut world = calm();
    let has = "link embed file image video sound sticker poll snapshot";
    for (name, choices, signed) in [
        ("has", has, true),
        ("author_type", "user bot webhook", true),
        ("embed_type", "image video gif sound article", false),
        ("sort_by", "timestamp relevance", false),
        ("sort_order", "asc desc", false),
    ] {
        let path = match name {
            "sort_by" | "sort_order" => name.to_owned(),
            _ => format!("{name}/0"),
        };
        for choice in choices.split(' ') {
            accepted(&mut world, &format!("{name}={choice}"));
            let minus = search(&mut world, &format!("{name}=-{choice}"));
            world.now += 1_100;
            assert_eq!(minus.status == 200, signed, "{name}=-{choice}");
            let errors = refused(&mut world, &format!("{name}={}", choice.to_uppercase()));
            assert_eq!(code(&errors, &path), "BASE_TYPE_CHOICES");
        }
        let errors = refused(&mut world, &format!("{name}="));
        assert_eq!(code(&errors, &path), "BASE_TYPE_CHOICES");
    }
    // A list is repeated, not joined.
    let errors = refused(&mut world, "has=link&has=link,file");
    assert_eq!(code(&errors, "has/1"), "BASE_TYPE_CHOICES");
}

#[test]
fn lists_have_so_many_values_and_each_once() {
    let mut world = calm();
    let ids = [
        "author_id",
        "mentions",
        "mentions_role_id",
        "replied_to_user_id",
        "replied_to_message_id",
    ];
    let texts = [
        "link_hostname",
        "embed_provider",
        "attachment_extension",
        "attachment_filename",
    ];
    for name in ids.into_iter().chain(texts) {
        let list = |count: u64| repeated(name, (1..=count).map(|n| n.to_string()));
        accepted(&mut world, &list(100));
        let errors = refused(&mut world, &list(101));
        assert_eq!(code(&errors, name), "BASE_TYPE_MAX_LENGTH");
        let errors = refused(&mut world, &format!("{name}=1&{name}=2&{name}=1"));
        assert_eq!(code(&errors, name), "SET_TYPE_ALREADY_CONTAINS_VALUE");
    }
    for name in ids {
        let errors = refused(&mut world, &format!("{name}=1&{name}=x"));
        assert_eq!(code(&errors, &format!("{name}/1")), "NUMBER_TYPE_COERCE");
        let errors = refused(&mut world, &format!("{name}=1,2"));
        assert_eq!(code(&errors, &format!("{name}/0")), "NUMBER_TYPE_COERCE");
    }
    let all = "link embed file image video sound sticker poll snapshot".split(' ');
    let signed: Vec<String> = all
        .flat_map(|has| [has.to_owned(), format!("-{has}")])
        .collect();
    accepted(&mut world, &repeated("has", signed.iter().cloned()));
    let errors = refused(
        &mut world,
        &repeated("has", signed.into_iter().chain(["link".to_owned()])),
    );
    assert_eq!(code(&errors, "has"), "BASE_TYPE_MAX_LENGTH");
}

#[test]
fn up_to_500_channels_can_be_named() {
    let mut world = calm();
    let list = |count: u64| repeated("channel_id", (1..=count).map(|n| n.to_string()));
    // The form is right, and then there is no such channel.
    assert_eq!(search(&mut world, &list(500)).refusal(), (404, 10003));
    let errors = refused(&mut world, &list(501));
    assert_eq!(code(&errors, "channel_id"), "BASE_TYPE_MAX_LENGTH");
}

#[test]
fn texts_in_lists_have_lengths() {
    let mut world = calm();
    for (name, max) in [
        ("link_hostname", 256),
        ("embed_provider", 256),
        ("attachment_extension", 256),
        ("attachment_filename", 1_024),
    ] {
        accepted(&mut world, &format!("{name}={}", "x".repeat(max)));
        let errors = refused(
            &mut world,
            &format!("{name}=a&{name}={}", "x".repeat(max + 1)),
        );
        assert_eq!(code(&errors, &format!("{name}/1")), "BASE_TYPE_MAX_LENGTH");
    }
}

#[test]
fn what_is_no_list_comes_once() {
    let mut world = calm();
    for query in [
        "limit=1&limit=2",
        "offset=1&offset=1",
        "slop=1&slop=2",
        "content=a&content=b",
        "min_id=1&min_id=2",
        "max_id=1&max_id=1",
        "pinned=true&pinned=true",
        "sort_by=timestamp&sort_by=timestamp",
        "sort_order=asc&sort_order=desc",
    ] {
        let (name, _) = query.split_once('=').unwrap();
        let errors = refused(&mut world, query);
        assert!(errors[name]["_errors"].is_array(), "{query}: {errors}");
    }
}

#[test]
fn one_answer_names_all_that_is_wrong() {
    let mut world = calm();
    let answer = search(&mut world, "limit=26&has=nonsense&sort_by=size&content=x");
    let errors =
        |code: &str, message: &str| json!({"_errors": [{"code": code, "message": message}]});
    assert_eq!(answer.body["message"], "Invalid Form Body");
    assert_eq!(
        answer.body["errors"]["limit"],
        errors(
            "NUMBER_TYPE_MAX",
            "int value should be less than or equal to 25."
        )
    );
    assert_eq!(
        answer.body["errors"]["sort_by"],
        errors(
            "BASE_TYPE_CHOICES",
            "Value must be one of ('timestamp', 'relevance')."
        )
    );
    assert_eq!(code(&answer.body["errors"], "has/0"), "BASE_TYPE_CHOICES");
    assert_eq!(answer.body["errors"].as_object().unwrap().len(), 3);
}

#[test]
fn parameters_that_nobody_knows_change_nothing() {
    let mut world = calm();
    write(&mut world, "owner", "alpha");
    assert_eq!(
        super::found(&mut world, "content=alpha&colour=red"),
        ["alpha"]
    );
}
