//! Settings from the environment, else from `.dev.vars`.

use std::collections::HashMap;
use std::path::Path;

/// The variables that the Worker has too.
#[derive(Debug, Default)]
pub struct Settings {
    file: HashMap<String, String>,
}

impl Settings {
    /// Reads `.dev.vars` in the current directory, if there is one.
    pub fn load() -> Settings {
        let text = std::fs::read_to_string(Path::new(".dev.vars")).unwrap_or_default();
        Settings { file: parse(&text) }
    }

    /// A variable that is set and not blank.
    pub fn get(&self, name: &str) -> Option<String> {
        let environment = std::env::var(name).ok();
        environment
            .or_else(|| self.file.get(name).cloned())
            .map(|value| value.trim().to_owned())
            .filter(|value| !value.is_empty())
    }

    /// A variable that must be there.
    ///
    /// # Errors
    /// A sentence that says where to put it.
    pub fn require(&self, name: &str) -> Result<String, String> {
        self.get(name).ok_or_else(|| {
            format!("{name} is not set. Put it into .dev.vars (see .dev.vars.example) or the environment.")
        })
    }

    /// The guilds that the command line names, else those of `DBCORD_GUILD_ID`; `otherwise` says
    /// what could be given instead.
    ///
    /// # Errors
    /// A sentence that says which id is none, or that there are none.
    pub fn guilds(&self, given: Option<&str>, otherwise: &str) -> Result<Vec<u64>, String> {
        let ids = match given {
            Some(ids) => ids.to_owned(),
            None => self
                .require("DBCORD_GUILD_ID")
                .map_err(|problem| format!("{problem} Or use {otherwise}."))?,
        };
        ids.split(',')
            .map(|id| parse_id("the guild id", id))
            .collect()
    }
}

/// # Errors
/// A sentence that says what is no id.
pub fn parse_id(what: &str, text: &str) -> Result<u64, String> {
    match text.trim().parse() {
        Ok(id) if id > 0 => Ok(id),
        _ => Err(format!(
            "{what} is `{text}`, which is not an id: ids are digits."
        )),
    }
}

/// `NAME=value` lines; `#` begins a comment line, quotes around a value are taken off.
fn parse(text: &str) -> HashMap<String, String> {
    let line = |line: &str| {
        let (name, value) = line.trim().split_once('=')?;
        let value = value.trim();
        let unquoted = ['"', '\'']
            .iter()
            .find_map(|&quote| value.strip_prefix(quote)?.strip_suffix(quote));
        Some((name.trim().to_owned(), unquoted.unwrap_or(value).to_owned()))
    };
    let commented = |line: &&str| !line.trim_start().starts_with('#');
    text.lines().filter(commented).filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_digits_and_several_are_separated_by_commas() {
        let settings = Settings::default();
        assert_eq!(settings.guilds(Some(" 42 "), "it"), Ok(vec![42]));
        assert_eq!(settings.guilds(Some("42, 43"), "it"), Ok(vec![42, 43]));
        for wrong in ["", "0", "-1", "home", "99999999999999999999", "42,"] {
            let problem = settings.guilds(Some(wrong), "it").unwrap_err();
            assert!(problem.contains("digits"), "{wrong}: {problem}");
        }
    }

    #[test]
    fn values_are_read_as_wrangler_reads_them() {
        let parsed = parse("# A=1\nB = two \nC=\"a=b\"\n\nnonsense\nD='x'\n");
        assert_eq!(parsed.len(), 3);
        assert_eq!(
            (&parsed["B"][..], &parsed["C"][..], &parsed["D"][..]),
            ("two", "a=b", "x")
        );
    }
}
