//! What must hold about the shape of the repository: which way dependencies point, that the paths named in the
//! documents exist, and that the lock files name no particular registry.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod reader;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use reader::{files_below, root, sources};

/// The layers, each of which may name those after it, and the leaves.
const LAYERS: &[&str] = &["worker", "instance", "commands", "engine", "discord"];

/// What everything may name; leaves name nothing but each other.
const LEAVES: &[&str] = &["host", "config", "error", "limits", "planted", "text"];

/// `interactions` may name the leaves, and the first three layers may name it.
const PURE: &str = "interactions";
const NAME_THE_PURE: &[&str] = &["worker", "instance", "commands"];

/// What computes answers from what it is given, and does nothing else.
const PURE_FOLDERS: &[&str] = &["src/interactions", "src/engine/query", "src/engine/schema"];

/// What a pure module cannot do without ceasing to be one.
const IMPURE: &[&str] = &[
    "async",
    "await",
    "Transport",
    "Clock",
    "Entropy",
    "Durable",
    "SystemTime",
    "Instant",
];

/// What only exists in workerd: nothing outside `src/worker/` may need it.
const WASM_CRATES: &[&str] = &[
    "worker",
    "wasm_bindgen",
    "wasm_bindgen_futures",
    "js_sys",
    "web_sys",
    "console_error_panic_hook",
];

/// Folders whose mention in a document is a promise that the path exists.
const FOLDERS: &[&str] = &["src", "crates", "scripts", "tests", "docs", ".ci"];

#[test]
fn dependencies_point_one_way() {
    let mut wrong = String::new();
    for source in sources("src") {
        let from = source.module.first().map_or("", String::as_str);
        if from.is_empty() {
            continue; // lib.rs lists the modules
        }
        if !LAYERS.contains(&from) && !LEAVES.contains(&from) && from != PURE {
            writeln!(
                wrong,
                "{}: say in tests/structure/main.rs where `{from}` belongs",
                source.path
            )
            .unwrap();
        }
        for (line, to) in source.crate_modules() {
            if !may_name(from, to) {
                writeln!(
                    wrong,
                    "{}:{line}: `{from}` must not name `{to}`",
                    source.path
                )
                .unwrap();
            }
        }
    }
    none(&wrong);
}

fn may_name(from: &str, to: &str) -> bool {
    let layer = |name: &str| LAYERS.iter().position(|layer| *layer == name);
    if from == to || LEAVES.contains(&to) {
        return true;
    }
    if to == PURE {
        return NAME_THE_PURE.contains(&from);
    }
    matches!((layer(from), layer(to)), (Some(from), Some(to)) if from < to)
}

#[test]
fn what_is_called_pure_is() {
    let mut wrong = String::new();
    for source in PURE_FOLDERS.iter().flat_map(|folder| sources(folder)) {
        for name in &source.names {
            let impure = |part: &&String| IMPURE.contains(&part.as_str());
            for part in name.parts.iter().filter(impure) {
                let (path, line) = (&source.path, name.line);
                writeln!(wrong, "{path}:{line}: `{part}` in a pure module").unwrap();
            }
        }
    }
    none(&wrong);
}

#[test]
fn only_the_worker_folder_uses_the_runtime() {
    let mut wrong = String::new();
    for source in sources("src") {
        if source
            .module
            .first()
            .is_some_and(|module| module == "worker")
        {
            continue;
        }
        for (line, name) in source.extern_crates(WASM_CRATES) {
            writeln!(
                wrong,
                "{}:{line}: `{name}` belongs below src/worker/",
                source.path
            )
            .unwrap();
        }
    }
    none(&wrong);
}

#[test]
fn the_simulator_and_the_database_share_no_code() {
    let mut wrong = String::new();
    for source in sources("src") {
        for (line, name) in source.extern_crates(&["discord_sim"]) {
            writeln!(wrong, "{}:{line}: src/ must not use {name}", source.path).unwrap();
        }
    }
    let foreign = [
        "dbcord",
        "twilight_model",
        "twilight_interactions",
        "twilight_validate",
    ];
    for source in sources("crates/discord-sim/src") {
        for (line, name) in source.extern_crates(&foreign) {
            writeln!(
                wrong,
                "{}:{line}: the simulator must not use {name}",
                source.path
            )
            .unwrap();
        }
    }
    let manifest = fs::read_to_string(root().join("crates/discord-sim/Cargo.toml")).unwrap();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with("dbcord") || line.starts_with("twilight") {
            writeln!(wrong, "crates/discord-sim/Cargo.toml: {line}").unwrap();
        }
    }
    none(&wrong);
}

#[test]
fn the_paths_that_documents_name_exist() {
    let mut wrong = String::new();
    for path in documents() {
        let text = fs::read_to_string(root().join(&path)).unwrap();
        for (line, named) in paths_named(&text) {
            if !root().join(&named).exists() {
                writeln!(wrong, "{path}:{line}: `{named}` does not exist").unwrap();
            }
        }
        let folder = Path::new(&path).parent().unwrap();
        for (line, link) in relative_links(&text) {
            if !root().join(folder).join(&link).exists() {
                writeln!(wrong, "{path}:{line}: the link to {link} leads nowhere").unwrap();
            }
        }
    }
    none(&wrong);
}

#[test]
fn lock_files_name_no_particular_registry() {
    let npm = fs::read_to_string(root().join("package-lock.json")).unwrap();
    assert!(
        !npm.contains("\"resolved\""),
        "package-lock.json names a registry: run npm install with the .npmrc here"
    );
    let cargo = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    for line in cargo.lines().filter(|line| line.starts_with("source = ")) {
        assert_eq!(
            line, "source = \"registry+https://github.com/rust-lang/crates.io-index\"",
            "in Cargo.lock"
        );
    }
}

#[track_caller]
fn none(wrong: &str) {
    assert!(wrong.is_empty(), "\n{wrong}");
}

fn documents() -> Vec<String> {
    let mut found = vec!["README.md".into(), "CHANGELOG.md".into()];
    found.extend(
        files_below(Path::new("docs"), "md")
            .iter()
            .map(|path| path.to_string_lossy().into_owned()),
    );
    found.retain(|path| root().join(path).exists());
    found
}

/// What stands between back-ticks and looks like a path of this repository, with its line. Fenced blocks are left out.
fn paths_named(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (line, prose) in prose_lines(text) {
        for span in prose.split('`').skip(1).step_by(2) {
            let word = span
                .split_whitespace()
                .next()
                .unwrap_or("")
                .trim_end_matches(['.', ',', ':']);
            if looks_like_a_path(word) {
                found.push((line, word.to_owned()));
            }
        }
    }
    found
}

fn looks_like_a_path(word: &str) -> bool {
    let plain = word
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "_./-".contains(c));
    let folder = word.split('/').next().unwrap_or("");
    let below_a_folder = word.contains('/') && FOLDERS.contains(&folder);
    let at_the_top = !word.contains('/') && (word.ends_with(".toml") || word.ends_with(".md"));
    plain && (below_a_folder || at_the_top)
}

fn relative_links(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (line, prose) in prose_lines(text) {
        for part in prose.split("](").skip(1) {
            let target = part.split([')', '#', ' ']).next().unwrap_or("");
            if !target.is_empty() && !target.contains(':') {
                found.push((line, target.to_owned()));
            }
        }
    }
    found
}

fn prose_lines(text: &str) -> Vec<(usize, &str)> {
    let mut fenced = false;
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            found.push((index + 1, line));
        }
    }
    found
}

#[test]
fn knows_which_way_is_down() {
    assert!(
        may_name("worker", "discord")
            && may_name("engine", "host")
            && may_name("commands", "interactions")
    );
    assert!(
        !may_name("engine", "commands")
            && !may_name("discord", "engine")
            && !may_name("host", "discord")
    );
    assert!(!may_name("engine", "interactions") && !may_name("interactions", "engine"));
}

#[test]
fn finds_paths_and_links_in_documents() {
    let text = "See `src/lib.rs`, `scripts/dev --once` and `a/b`; `prod.users`.\n```\n`src/none`\n```\n[x](format.md#y)";
    assert_eq!(
        paths_named(text),
        [(1, "src/lib.rs".to_owned()), (1, "scripts/dev".to_owned())]
    );
    assert_eq!(relative_links(text), [(5, "format.md".to_owned())]);
}
