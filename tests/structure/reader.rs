//! Reads Rust files just well enough to see which modules and crates they name.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A Rust file: its path from the root, its module path, and its words and signs without comments and strings.
pub struct Source {
    pub path: String,
    pub module: Vec<String>,
    pub tokens: Vec<Token>,
}

#[derive(Debug, PartialEq)]
pub struct Token {
    pub line: usize,
    pub text: String,
}

/// All Rust files below a folder of the repository.
pub fn sources(folder: &str) -> Vec<Source> {
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
    pub fn crate_modules(&self) -> Vec<(usize, String)> {
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
    pub fn extern_crates(&self, names: &[&str]) -> Vec<(usize, String)> {
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

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Files with this extension below a folder of the repository, as paths from the root, in order.
pub fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
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

mod tests {
    use super::*;

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
}
