//! The program behind `scripts/bench engine`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::{Arg, Parser, ValueExt as _};

use super::{HeapBytes, Measurement, SUBJECTS, Scale, measure, measure_one, report};

pub const USAGE: &str = "\
Usage: scripts/bench engine [--native] [--only X] [--json] [--readme]

Measures what the storage engine costs, in requests to Discord and in virtual time: every request
takes 120 ms, and Discord's limits hold. The figures are the same on every machine. Prints a table
with the goals, and whether they are met; exits with 1 when one is missed.

  --native   without the wasm's heap, which needs the Worker to be built and takes some minutes
  --json     prints the figures as JSON instead
  --readme   writes the table into README.md as well
  --only X   one subject: writes, reads, writers, background, checkpoints, memory or day
  --small    fewer of everything, to see that it works; the goals mean nothing then";

#[derive(Debug, Default, PartialEq, Eq)]
struct Arguments {
    json: bool,
    readme: Option<PathBuf>,
    /// Figures that were measured elsewhere.
    with: Option<PathBuf>,
    only: Option<String>,
    small: bool,
    help: bool,
}

pub fn main(heap: HeapBytes) -> ExitCode {
    let arguments = match Arguments::parse(std::env::args_os().skip(1)) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("dbcord-bench: {problem}");
            return ExitCode::from(2);
        }
    };
    if arguments.help {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match arguments.run(heap) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("dbcord-bench: {problem}");
            ExitCode::from(2)
        }
    }
}

impl Arguments {
    fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Arguments, String> {
        let wrong = |error: lexopt::Error| format!("{error}. --help says what there is.");
        let mut parsed = Arguments::default();
        let mut parser = Parser::from_args(arguments);
        while let Some(argument) = parser.next().map_err(wrong)? {
            match argument {
                Arg::Long("json") => parsed.json = true,
                Arg::Long("readme") => parsed.readme = Some(parser.value().map_err(wrong)?.into()),
                Arg::Long("with") => parsed.with = Some(parser.value().map_err(wrong)?.into()),
                Arg::Long("only") => {
                    let subject = parser
                        .value()
                        .and_then(|value| value.parse())
                        .map_err(wrong)?;
                    parsed.only = Some(subject);
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
    fn run(&self, heap: HeapBytes) -> Result<bool, String> {
        let scale = if self.small {
            Scale::SMALL
        } else {
            Scale::FULL
        };
        let mut all = match &self.only {
            Some(subject) => measure_one(subject, &scale, Some(heap)),
            None => measure(&scale, Some(heap), |what| eprintln!("measuring: {what}")),
        };
        if let Some(file) = &self.with {
            let text =
                std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
            let more: Vec<Measurement> = serde_json::from_slice(&text)
                .map_err(|error| format!("{}: {error}", file.display()))?;
            all.extend(more);
        }
        let table = report::table(&all);
        if self.json {
            let json = serde_json::to_string_pretty(&all);
            println!("{}", json.map_err(|error| error.to_string())?);
        } else {
            print!("{table}");
        }
        if let Some(file) = &self.readme {
            let failed = |error: std::io::Error| format!("{}: {error}", file.display());
            let readme = std::fs::read_to_string(file).map_err(failed)?;
            let readme = report::into_readme(&readme, &table)?;
            std::fs::write(file, readme).map_err(failed)?;
        }
        Ok(all.iter().all(|measured| measured.is_met() != Some(false)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        Arguments::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn arguments_are_read() {
        let parsed = parse("--json --readme a.md --with=b.json").unwrap();
        let expected = Arguments {
            json: true,
            readme: Some("a.md".into()),
            with: Some("b.json".into()),
            ..Arguments::default()
        };
        assert_eq!(parsed, expected);
        assert_eq!(parse("--only day").unwrap().only.as_deref(), Some("day"));
        assert!(parse("--only night").unwrap_err().contains("night"));
        assert!(parse("--only day --readme a").is_err());
        assert!(parse("--fast").unwrap_err().contains("--fast"));
        assert!(parse("--with").unwrap_err().contains("--with"));
    }
}
