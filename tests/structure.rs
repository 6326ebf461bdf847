//! What must hold about the shape of the repository: which way dependencies point, that the paths named in the
//! documents exist, and that the lock files name no particular registry.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The layers, each of which may name those after it, and the leaves.
const LAYERS: &[&str] = &["worker", "instance", "commands", "engine", "discord"];

/// What everything may name; leaves name nothing but each other.
const LEAVES: &[&str] = &["host", "config", "error", "limits", "text"];

/// `interactions` may name the leaves, and the first three layers may name it.
const PURE: &str = "interactions";
const NAME_THE_PURE: &[&str] = &["worker", "instance", "commands"];

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
                "{}: say in tests/structure.rs where `{from}` belongs",
                source.path
            )
            .unwrap();
        }
        for (line, to) in source.crate_modules() {
            if !may_name(from, &to) {
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
fn interactions_are_pure() {
    let mut wrong = String::new();
    for source in sources("src/interactions") {
        for token in source
            .tokens
            .iter()
            .filter(|token| IMPURE.contains(&token.text.as_str()))
        {
            writeln!(
                wrong,
                "{}:{}: `{}` in a pure module",
                source.path, token.line, token.text
            )
            .unwrap();
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
        "twilight_util",
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

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A Rust file: its path from the root, its module path, and its words and signs without comments and strings.
struct Source {
    path: String,
    module: Vec<String>,
    tokens: Vec<Token>,
}

#[derive(Debug, PartialEq)]
struct Token {
    line: usize,
    text: String,
}

fn sources(folder: &str) -> Vec<Source> {
    let files = files_below(Path::new(folder), "rs");
    files
        .into_iter()
        .map(|path| Source::new(&path, &fs::read_to_string(root().join(&path)).unwrap()))
        .collect()
}

impl Source {
    fn new(path: &Path, text: &str) -> Source {
        let mut module: Vec<String> = path
            .components()
            .skip(1)
            .map(|part| part.as_os_str().to_string_lossy().replace(".rs", ""))
            .collect();
        module.retain(|part| part != "mod" && part != "lib" && part != "main" && part != "src");
        Source {
            path: path.to_string_lossy().into_owned(),
            module,
            tokens: tokens(text),
        }
    }

    fn text(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.text.as_str())
    }

    /// The top-level modules that this file names through `crate::` or a chain of `super::`, each with its line.
    fn crate_modules(&self) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        let mut inline = Vec::new(); // brace depth at which each `mod name {` opened
        let mut depth = 0usize;
        for at in 0..self.tokens.len() {
            match self.text(at) {
                "{" => {
                    if at >= 2 && self.text(at - 2) == "mod" {
                        inline.push(depth);
                    }
                    depth += 1;
                }
                "}" => {
                    depth = depth.saturating_sub(1);
                    if inline.last() == Some(&depth) {
                        inline.pop();
                    }
                }
                "crate" if self.text(at + 1) == "::" => self.first_names(at + 2, &mut found),
                "super" if at == 0 || self.text(at - 1) != "::" => {
                    let mut next = at;
                    let mut ups = 0;
                    while self.text(next) == "super" && self.text(next + 1) == "::" {
                        ups += 1;
                        next += 2;
                    }
                    if ups == self.module.len() + inline.len() {
                        self.first_names(next, &mut found);
                    }
                }
                _ => {}
            }
        }
        let exports = root_exports();
        found
            .into_iter()
            .map(|(line, name)| (line, exports.get(&name).cloned().unwrap_or(name)))
            .collect()
    }

    /// The first name of a path, or of each path in a `{a::b, c}`.
    fn first_names(&self, at: usize, found: &mut Vec<(usize, String)>) {
        if self.text(at) != "{" {
            if let Some(token) = self.tokens.get(at) {
                found.push((token.line, token.text.clone()));
            }
            return;
        }
        let mut depth = 0usize;
        for index in at..self.tokens.len() {
            match self.text(index) {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ if depth == 1 && matches!(self.text(index - 1), "{" | ",") => {
                    found.push((self.tokens[index].line, self.tokens[index].text.clone()));
                }
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// Where one of these crates is named: `name::` or `use name`, and not as part of another path.
    fn extern_crates(&self, names: &[&str]) -> Vec<(usize, String)> {
        let mut found = Vec::new();
        for (at, token) in self.tokens.iter().enumerate() {
            let starts_path =
                at == 0 || self.text(at - 1) != "::" || !is_word(self.text(at.saturating_sub(2)));
            let is_use = at > 0 && self.text(at - 1) == "use";
            if names.contains(&token.text.as_str())
                && starts_path
                && (self.text(at + 1) == "::" || is_use)
            {
                found.push((token.line, token.text.clone()));
            }
        }
        found
    }
}

/// What `src/lib.rs` re-exports at the root, and from which module: `pub use error::Error` gives `Error -> error`.
fn root_exports() -> BTreeMap<String, String> {
    let lib = Source::new(
        Path::new("src/lib.rs"),
        &fs::read_to_string(root().join("src/lib.rs")).unwrap(),
    );
    let mut exports = BTreeMap::new();
    for at in 0..lib.tokens.len() {
        if lib.text(at) != "use" {
            continue;
        }
        let start = if matches!(lib.text(at + 1), "crate" | "self") {
            at + 3
        } else {
            at + 1
        };
        let rest = lib.tokens[start..]
            .iter()
            .take_while(|token| token.text != ";");
        for token in rest.skip(1).filter(|token| is_word(&token.text)) {
            exports.insert(token.text.clone(), lib.text(start).to_owned());
        }
    }
    exports
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// Words, `::` and single signs; comments, strings and character literals are left out.
fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let (mut at, mut line, mut out) = (0, 1, Vec::new());
    while at < chars.len() {
        let start = at;
        at = match (chars[at], chars.get(at + 1).copied().unwrap_or(' ')) {
            ('/', '/') => end_of(&chars, at, |c, _| c == '\n'),
            ('/', '*') => end_of_block_comment(&chars, at),
            ('"', _) => end_of_string(&chars, at),
            ('r', '"' | '#') | ('b', '"') if raw_or_byte_string(&chars, at) => {
                end_of_raw_string(&chars, at)
            }
            ('\'', '\\') => end_of(&chars, at + 3, |c, _| c == '\'') + 1,
            ('\'', _) if chars.get(at + 2) == Some(&'\'') => at + 3,
            (':', ':') => {
                out.push(Token {
                    line,
                    text: "::".into(),
                });
                at + 2
            }
            (c, _) if c.is_alphanumeric() || c == '_' => {
                let end = end_of(&chars, at, |c, _| !(c.is_alphanumeric() || c == '_'));
                out.push(Token {
                    line,
                    text: chars[at..end].iter().collect(),
                });
                end
            }
            (c, _) => {
                if !c.is_whitespace() {
                    out.push(Token {
                        line,
                        text: c.into(),
                    });
                }
                at + 1
            }
        };
        at = at.min(chars.len());
        line += chars[start..at].iter().filter(|c| **c == '\n').count();
    }
    out
}

fn end_of(chars: &[char], from: usize, stop: impl Fn(char, char) -> bool) -> usize {
    (from..chars.len())
        .find(|&at| stop(chars[at], *chars.get(at + 1).unwrap_or(&' ')))
        .unwrap_or(chars.len())
}

fn end_of_block_comment(chars: &[char], from: usize) -> usize {
    let (mut at, mut depth) = (from, 0);
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn end_of_string(chars: &[char], from: usize) -> usize {
    let mut at = from + 1;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// Whether a string starts here (`r"`, `r#"`, `b"`), and not a word or a raw identifier (`r#type`).
fn raw_or_byte_string(chars: &[char], at: usize) -> bool {
    let hashes = end_of(chars, at + 1, |c, _| c != '#');
    chars.get(hashes) == Some(&'"')
}

fn end_of_raw_string(chars: &[char], from: usize) -> usize {
    if chars[from] == 'b' {
        return end_of_string(chars, from + 1);
    }
    let quote = end_of(chars, from + 1, |c, _| c != '#');
    let hashes = quote - from - 1;
    let closes =
        |at: usize| chars[at] == '"' && (1..=hashes).all(|i| chars.get(at + i) == Some(&'#'));
    (quote + 1..chars.len())
        .find(|&at| closes(at))
        .map_or(chars.len(), |at| at + 1 + hashes)
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

/// Files with this extension below a folder of the repository, as paths from the root, in order.
fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(root().join(folder)) else {
        return found;
    };
    for entry in entries.map(Result::unwrap) {
        let path = folder.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            found.extend(files_below(&path, extension));
        } else if path.extension().is_some_and(|it| it == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

mod the_reader {
    use super::*;

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

    #[track_caller]
    fn names(path: &str, text: &str, expected: &[&str]) {
        let source = Source::new(Path::new(path), text);
        let found: Vec<_> = source
            .crate_modules()
            .into_iter()
            .map(|(_, name)| name)
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn sees_paths_groups_and_chains_of_super() {
        names(
            "src/engine/table.rs",
            "use crate::worker::x; fn f() { crate::host::now() }",
            &["worker", "host"],
        );
        names(
            "src/engine/table.rs",
            "use crate::{error::{A, B}, host, discord::c};",
            &["error", "host", "discord"],
        );
        names(
            "src/engine/table.rs",
            "use super::super::instance::x; use super::row;",
            &["instance"],
        );
        names(
            "src/engine/mod.rs",
            "use super::instance::x;",
            &["instance"],
        );
        names(
            "src/engine/table.rs",
            "mod tests { use super::super::row; use super::super::super::worker; }",
            &["worker"],
        );
        names(
            "src/engine/table.rs",
            "pub(crate) mod tests { fn f() {} } use super::super::worker;",
            &["worker"],
        );
    }

    #[test]
    fn skips_comments_strings_and_literals() {
        let text = "// crate::a\n/* crate::b /* crate::c */ */ \"crate::d \\\" crate::e\" r#\"crate::f\"# 'x' '\\'' crate::g";
        names("src/engine/table.rs", text, &["g"]);
        names(
            "src/engine/table.rs",
            "fn f<'a>(x: &'a str) -> &'a str { crate::h(x) }",
            &["h"],
        );
    }

    #[test]
    fn tells_a_crate_from_a_module_of_that_name() {
        let source = Source::new(
            Path::new("src/instance/mod.rs"),
            "use worker::Env;\nuse crate::worker::x;\nlet worker = 1;",
        );
        assert_eq!(
            source.extern_crates(&["worker"]),
            [(1, "worker".to_owned())]
        );
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
}
