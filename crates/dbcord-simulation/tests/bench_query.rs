//! The comparison of queries with SQLite, in a small size: that both answer the same, and what the program
//! prints and writes. Times are not looked at.

use std::process::{Command, Output};

#[test]
fn both_answer_the_same_and_the_tables_are_written() {
    let folder = std::env::temp_dir().join(format!("dbcord-bench-query-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let document = folder.join("benchmarks.md");
    let markers = ["query", "query-requests"]
        .map(|name| format!("<!-- bench:{name} -->\n<!-- /bench:{name} -->\n"));
    std::fs::write(&document, markers.join("between\n")).unwrap();

    let output = call(&["--small", "--json", "--readme", document.to_str().unwrap()]);
    // 1 where a goal is missed, which says nothing in this size.
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{errors}");
    let figures: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let compared = figures["comparisons"].as_array().unwrap();
    assert!(compared.len() > 7, "{compared:?}");
    for one in compared {
        for side in ["dbcord_ns", "sqlite_ns"] {
            assert!(one[side].as_f64().unwrap() > 0.0, "{one}");
        }
    }
    assert_eq!(figures["requests"].as_array().unwrap().len(), 21);
    let written = std::fs::read_to_string(&document).unwrap();
    for part in [
        "<!-- bench:query -->\n| asked for ",
        "| SQLite 3.",
        "|\n<!-- /bench:query -->\nbetween\n<!-- bench:query-requests -->\n| measured ",
        "|\n<!-- /bench:query-requests -->\n",
    ] {
        assert!(written.contains(part), "{part}: {written}");
    }
    std::fs::remove_dir_all(&folder).unwrap();

    let help = call(&["--help"]);
    assert!(help.status.success());
    assert!(help.stdout.starts_with(b"Usage: scripts/bench query"));
    assert_eq!(call(&["--fast"]).status.code(), Some(2));
}

fn call(arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_dbcord-bench-query");
    let output = Command::new(program).args(arguments).output();
    output.expect("the program is built")
}
