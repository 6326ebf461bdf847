//! Reads Rust files just well enough to see what they name: line by line, as rustfmt lays them out.

use std::fs;
use std::path::{Path, PathBuf};

/// A Rust file.
pub struct Source {
    pub path: String,
    /// The modules that lead to it, from the root.
    pub module: Vec<String>,
    pub names: Vec<Name>,
}

/// A path such as `crate::host::Clock`, or a single word, and where it stands.
pub struct Name {
    pub line: usize,
    pub parts: Vec<String>,
    /// Whether it stands right behind `use`.
    used: bool,
    /// Modules around it in the same file, such as `tests`.
    inline: usize,
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
        module.retain(|part| part != "mod" && part != "lib");
        let mut names = Vec::new();
        let mut inline = 0;
        for (index, line) in text.lines().enumerate() {
            let code = code(line);
            if !line.starts_with(' ') && code.contains("mod ") && code.trim_end().ends_with('{') {
                inline = 1;
            } else if line == "}" {
                inline = 0;
            }
            let words = code.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
            let mut used = false;
            for word in words.map(|word| word.strip_suffix(':').unwrap_or(word)) {
                // What follows a path's last `::` may be no word but `{`, `*` or `<`.
                let word = if word.ends_with(':') {
                    format!("{word}:")
                } else {
                    word.to_owned()
                };
                if word.is_empty() {
                    continue;
                }
                names.push(Name {
                    line: index + 1,
                    parts: word.split("::").map(str::to_owned).collect(),
                    used,
                    inline,
                });
                used = word == "use";
            }
        }
        Source {
            path: path.to_string_lossy().into_owned(),
            module,
            names,
        }
    }

    /// The top-level modules that this file names through `crate::` or a chain of `super::`, each
    /// with its line; empty where a group or a glob stands there.
    pub fn crate_modules(&self) -> impl Iterator<Item = (usize, &str)> {
        self.names.iter().filter_map(|name| {
            let depth = self.module.len() + name.inline;
            let ups = name.parts.iter().take_while(|part| *part == "super");
            let at = match name.parts.first()?.as_str() {
                "crate" => 1,
                "super" if ups.count() == depth => depth,
                _ => return None,
            };
            Some((name.line, name.parts.get(at)?.as_str()))
        })
    }

    /// Where one of these crates is named: `name::` or `use name`.
    pub fn extern_crates(&self, crates: &[&str]) -> impl Iterator<Item = (usize, &str)> {
        let named = |name: &&Name| name.parts.len() > 1 || name.used;
        self.names.iter().filter(named).filter_map(move |name| {
            let first = name.parts.first()?.as_str();
            crates.contains(&first).then_some((name.line, first))
        })
    }
}

/// A line without its strings and its comment. A string over several lines is not seen as one:
/// that may find too much, never too little.
fn code(line: &str) -> String {
    let mut code = String::new();
    let line = line.replace("\\\"", "").replace("'\"'", "");
    for outside in line.split('"').step_by(2) {
        if let Some((before, _)) = outside.split_once("//") {
            return code + before;
        }
        code.push_str(outside);
        code.push(' ');
    }
    code
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

#[track_caller]
fn names(path: &str, text: &str, expected: &[&str]) {
    let source = Source::new(Path::new(path), text);
    let found: Vec<_> = source.crate_modules().map(|(_, name)| name).collect();
    assert_eq!(found, expected);
}

#[test]
fn sees_paths_and_chains_of_super() {
    let table = "src/engine/table.rs";
    let text = "use crate::worker::x;\nfn f(x: crate::host::Y) { crate::text(); }";
    names(table, text, &["worker", "host", "text"]);
    let text = "use super::super::instance::x;\nuse super::row;";
    names(table, text, &["instance"]);
    names("src/engine/mod.rs", "use super::host::x;", &["host"]);
    let text = "mod tests {\n    use super::super::row;\n    use super::super::super::worker;\n}";
    names(table, text, &["worker"]);
    let text = "pub(crate) mod tests {\n}\nuse super::super::worker;";
    names(table, text, &["worker"]);
    names("src/config.rs", "mod tests {\n    use super::*;\n}", &[]);
}

#[test]
fn groups_and_globs_of_the_root_have_no_name() {
    names("src/engine/table.rs", "use crate::{host, text};", &[""]);
    names("src/config.rs", "use super::*;", &[""]);
}

#[test]
fn skips_comments_and_strings() {
    let text = "//! crate::a\nf(\"crate::b \\\" crate::c\", '\"'); crate::d(); // crate::e";
    names("src/engine/table.rs", text, &["d"]);
}

#[test]
fn tells_a_crate_from_a_module_of_that_name() {
    let text = "use worker::Env;\nuse crate::worker::x;\nlet worker = 1;\nuse worker;";
    let source = Source::new(Path::new("src/instance/mod.rs"), text);
    let found: Vec<_> = source.extern_crates(&["worker"]).collect();
    assert_eq!(found, [(1, "worker"), (4, "worker")]);
}
