//! The program behind `scripts/bench query`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::{Arg, Parser, ValueExt as _};
use serde::Serialize;

use super::sqlite::{self, Compiled, Sqlite};
use super::{Comparison, Engine, QUESTIONS, Scale, Users, comparison, requests};
use crate::bench::{Measurement, report};

/// Also what the script prints, which need not build the program for it.
pub const USAGE: &str = include_str!("usage.txt");

/// What can be measured, by name.
const SUBJECTS: [&str; 2] = ["sqlite", "requests"];
/// Of whatever is answered so soon that compiling the statement is much of it, it is shown how it would be
/// without that.
const SOON_NS: f64 = 1e6;

#[derive(Debug, Default, PartialEq, Eq)]
struct Arguments {
    json: bool,
    /// Gets the tables.
    readme: Option<PathBuf>,
    only: Option<String>,
    small: bool,
    help: bool,
}

#[derive(Debug, Serialize)]
struct Figures {
    comparisons: Vec<Comparison>,
    requests: Vec<Measurement>,
}

pub fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args_os().skip(1)) {
        Ok(arguments) => arguments,
        Err(problem) => return end(&problem),
    };
    if arguments.help {
        print!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match arguments.run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => end(&problem),
    }
}

fn end(problem: &str) -> ExitCode {
    eprintln!("dbcord-bench-query: {problem}");
    ExitCode::from(2)
}

impl Arguments {
    fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Arguments, String> {
        let wrong = |error: lexopt::Error| format!("{error}. --help says what there is.");
        let mut parsed = Arguments::default();
        let mut parser = Parser::from_args(arguments);
        while let Some(argument) = parser.next().map_err(wrong)? {
            match argument {
                Arg::Long("json") => parsed.json = true,
                Arg::Long("readme") => {
                    parsed.readme = Some(parser.value().map_err(wrong)?.into());
                }
                Arg::Long("only") => {
                    let subject = parser.value().and_then(|value| value.parse());
                    parsed.only = Some(subject.map_err(wrong)?);
                }
                Arg::Long("small") => parsed.small = true,
                Arg::Long("help") | Arg::Short('h') => parsed.help = true,
                other => return Err(wrong(other.unexpected())),
            }
        }
        match &parsed.only {
            Some(subject) if !SUBJECTS.contains(&subject.as_str()) => Err(format!(
                "there is no subject {subject}. --help says what there is."
            )),
            Some(_) if parsed.readme.is_some() => {
                Err("--readme takes all figures: leave out --only.".to_owned())
            }
            _ => Ok(parsed),
        }
    }

    /// Whether all goals are met.
    fn run(&self) -> Result<bool, String> {
        let scale = match self.small {
            true => Scale::SMALL,
            false => Scale::FULL,
        };
        let wants = |subject: &str| self.only.as_deref().is_none_or(|only| only == subject);
        let mut figures = Figures {
            comparisons: Vec::new(),
            requests: Vec::new(),
        };
        if wants("sqlite") {
            figures.comparisons = compare_all(&scale)?;
        }
        if wants("requests") {
            eprintln!("measuring: requests");
            figures.requests = requests::measure(&scale);
        }
        let sqlite = format!("SQLite {}", rusqlite::version());
        let tables = [
            (
                "query",
                comparison::table(&sqlite, &figures.comparisons),
                !figures.comparisons.is_empty(),
            ),
            (
                "query-requests",
                report::table(&figures.requests),
                !figures.requests.is_empty(),
            ),
        ];
        let tables = tables
            .into_iter()
            .filter(|(_, _, is_measured)| *is_measured);
        let tables: Vec<(&str, String)> = tables.map(|(name, table, _)| (name, table)).collect();
        if self.json {
            let json = serde_json::to_string_pretty(&figures);
            println!("{}", json.map_err(|error| error.to_string())?);
        } else {
            let tables: Vec<&str> = tables.iter().map(|(_, table)| table.as_str()).collect();
            print!("{}", tables.join("\n"));
        }
        if let Some(file) = &self.readme {
            report::write_into(file, &tables)?;
        }
        Ok(figures.are_met())
    }
}

impl Figures {
    fn are_met(&self) -> bool {
        let compared = self.comparisons.iter().map(Comparison::is_met);
        let counted = self.requests.iter().map(Measurement::is_met);
        compared.chain(counted).all(|is_met| is_met != Some(false))
    }
}

fn compare_all(scale: &Scale) -> Result<Vec<Comparison>, String> {
    eprintln!("measuring: {} rows in memory", scale.rows);
    let users = Users::new(scale.rows);
    let mut dbcord = Engine::new(&users);
    let connection = sqlite::open(&users).map_err(|error| format!("SQLite: {error}"))?;
    let mut all = Vec::new();
    for question in &QUESTIONS {
        eprintln!("measuring: {}", question.name);
        let mut sqlite = Sqlite(&connection);
        let compared = comparison::compare(question, &users, scale, &mut dbcord, &mut sqlite)?;
        let is_soon = compared.sqlite_ns < SOON_NS;
        all.push(compared);
        if is_soon {
            let mut sqlite = Compiled::new(&connection);
            let compared = comparison::compare(question, &users, scale, &mut dbcord, &mut sqlite)?;
            all.push(Comparison {
                name: format!("{}, SQLite's statement compiled before", compared.name),
                goal: None,
                ..compared
            });
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        Arguments::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn arguments_are_read() {
        let expected = Arguments {
            json: true,
            readme: Some("a.md".into()),
            ..Arguments::default()
        };
        assert_eq!(parse("--json --readme a.md").unwrap(), expected);
        let only = parse("--only requests").unwrap().only;
        assert_eq!(only.as_deref(), Some("requests"));
        assert!(parse("--only night").unwrap_err().contains("night"));
        assert!(parse("--only sqlite --readme a").is_err());
        assert!(parse("--fast").unwrap_err().contains("--fast"));
    }
}
