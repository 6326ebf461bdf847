//! The measurements themselves, in a small size: that they are the same every time, and that the
//! goals are met which do not depend on the size.

use std::process::{Command, Output};

use dbcord_simulation::bench::query::{self, Contender as _};
use dbcord_simulation::bench::{Measurement, SUBJECTS, Scale, measure};

fn measured() -> Vec<Measurement> {
    measure(&SUBJECTS, &Scale::SMALL, None, |_| ())
}

fn value(all: &[Measurement], name: &str) -> f64 {
    let mut found = all.iter().filter(|m| m.name.contains(name));
    let value = found.next().unwrap_or_else(|| panic!("no {name:?}")).value;
    assert!(found.next().is_none(), "several {name:?}");
    value
}

#[test]
fn what_writes_and_reads_cost_is_counted() {
    let all = measured();
    let missed: Vec<_> = all.iter().filter(|m| m.is_met() == Some(false)).collect();
    assert!(missed.is_empty(), "{missed:#?}");
    for (name, expected) in [
        ("insert: before", 1.0),
        ("update: before", 1.0),
        ("delete: before", 1.0),
        ("over 3 tables: before", 1.0),
        // The first goes alone, the others follow together in a file, which is fetched once.
        ("100 concurrent inserts", 3.0),
        ("get of a loaded table", 0.0),
        ("not acknowledged", 0.0),
        ("refused by a rate limit", 0.0),
    ] {
        assert_eq!(value(&all, name), expected, "{name}");
    }
    // More than the writers alone, as each writes again; far fewer commits than writes.
    let writes = value(&all, "20 writers for 10 s: writes");
    let commits = value(&all, "20 writers for 10 s: commits");
    assert!(
        writes > 20.0 && commits * 5.0 < writes,
        "{commits} of {writes}"
    );
    let pace = value(&all, "rows shown");
    assert!((0.8..=1.0).contains(&pace), "{pace} a second");
    assert_eq!(measured(), all, "the same again");
}

#[test]
fn queries_of_a_loaded_table_need_no_request_and_the_ways_to_its_rows_the_same_before() {
    let all = query::requests::measure(&query::Scale::SMALL);
    let missed: Vec<_> = all.iter().filter(|m| m.is_met() == Some(false)).collect();
    assert!(missed.is_empty(), "{missed:#?}");
    let cold = |way: &str| {
        ["requests", "in sequence"]
            .map(|what| value(&all, &format!("cold: find in 300 rows by {way}: {what}")))
    };
    assert!(cold("KEYS")[0] >= 3.0, "{all:#?}");
    for way in ["INDEX n", "SCAN"] {
        assert_eq!(cold(way), cold("KEYS"), "{way}");
    }
}

/// Beside SQLite, which takes a while to compile, they are asked in `tests/bench_query.rs`.
#[test]
fn the_questions_beside_sqlite_have_the_answers_that_their_names_say() {
    let users = query::Users::new(query::Scale::SMALL.rows);
    let mut lengths = users.rows().map(|(_, doc)| doc.len());
    assert!(lengths.all(|length| (300..320).contains(&length)));
    let mut engine = query::Engine::new(&users);
    let questions = query::QUESTIONS.iter();
    let rows = questions.map(|question| {
        let text = &question.texts(&users, 1)[0];
        engine.answer(question, text).len()
    });
    let rows: Vec<usize> = rows.collect();
    let [key, index, range, page, scan, count, groups] = rows[..] else {
        panic!("{rows:?}");
    };
    assert_eq!((key, index, range, page), (1, 1, 100, 20));
    assert!((1..100).contains(&scan), "{scan}");
    assert_eq!((count, groups), (1, 50));
}

#[test]
fn the_program_writes_tables_and_json_and_says_whether_goals_are_met() {
    let folder = std::env::temp_dir().join(format!("dbcord-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let [readme, rest] = ["README.md", "rest.md"].map(|name| {
        let document = folder.join(name);
        let text = "a\n<!-- bench:engine -->\n<!-- /bench:engine -->\nb\n";
        std::fs::write(&document, text).unwrap();
        document
    });
    let more = folder.join("more.json");
    let missed = r#"[{"name":"the moon","value":2.0,"unit":"cheeses","goal":{"below":2.0}}]"#;
    std::fs::write(&more, missed).unwrap();
    let (readme_path, more_path) = (readme.to_str().unwrap(), more.to_str().unwrap());

    let output = call(&[
        "--small",
        "--json",
        "--with",
        more_path,
        "--readme",
        readme_path,
        "--rest",
        rest.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(1), "a goal is missed");
    let all: Vec<Measurement> = serde_json::from_slice(&output.stdout).unwrap();
    assert!(value(&all, "memory a row") > 100.0);
    let written = std::fs::read_to_string(&readme).unwrap();
    assert!(
        written.starts_with("a\n<!-- bench:engine -->\n| measured "),
        "{written}"
    );
    assert!(
        written.ends_with("|\n<!-- /bench:engine -->\nb\n"),
        "{written}"
    );
    let line = written
        .lines()
        .find(|line| line.contains("the moon"))
        .unwrap();
    assert!(
        line.contains("2 cheeses") && line.contains("**missed**"),
        "{line}"
    );
    let rest = std::fs::read_to_string(&rest).unwrap();
    for (figure, has_goal) in [("the moon", true), ("memory a row", false)] {
        assert_eq!(written.contains(figure), has_goal, "{figure}: {written}");
        assert_eq!(rest.contains(figure), !has_goal, "{figure}: {rest}");
    }
    std::fs::remove_dir_all(&folder).unwrap();

    let help = call(&["--help"]);
    assert!(help.status.success());
    assert!(help.stdout.starts_with(b"Usage: scripts/bench"));
    assert_eq!(call(&["--fast"]).status.code(), Some(2));
}

fn call(arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_dbcord-bench");
    let output = Command::new(program).args(arguments).output();
    output.expect("the program is built")
}
