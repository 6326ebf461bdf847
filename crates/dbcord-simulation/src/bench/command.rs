//! The program behind `scripts/bench engine`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::{Arg, Parser, ValueExt as _};

use super::{HeapBytes, Measurement, SUBJECTS, Scale, measure, report};

/// Also what the script prints, which need not build the program for it.
pub const USAGE: &str = include_str!("usage.txt");

#[derive(Debug, Default, PartialEq, Eq)]
struct Arguments {
    json: bool,
    /// Gets the figures with a goal.
    readme: Option<PathBuf>,
    /// Gets the others.
    rest: Option<PathBuf>,
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
        print!("{USAGE}");
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
                Arg::Long("rest") => parsed.rest = Some(parser.value().map_err(wrong)?.into()),
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
            Some(_) if parsed.readme.is_some() || parsed.rest.is_some() => {
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
        let subjects = match &self.only {
            Some(subject) => vec![subject.as_str()],
            None => SUBJECTS.to_vec(),
        };
        let progress = |what: &str| eprintln!("measuring: {what}");
        let mut all = measure(&subjects, &scale, Some(heap), progress);
        if let Some(file) = &self.with {
            let text =
                std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
            let more: Vec<Measurement> = serde_json::from_slice(&text)
                .map_err(|error| format!("{}: {error}", file.display()))?;
            all.extend(more);
        }
        if self.json {
            let json = serde_json::to_string_pretty(&all);
            println!("{}", json.map_err(|error| error.to_string())?);
        } else {
            print!("{}", report::table(&all));
        }
        for (file, has_goal) in [(&self.readme, true), (&self.rest, false)] {
            let Some(file) = file else { continue };
            let some = all.iter().filter(|one| one.goal.is_some() == has_goal);
            report::write_into(file, &[("engine", report::table(some))])?;
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
        let parsed = parse("--json --readme a.md --rest c.md --with=b.json").unwrap();
        let expected = Arguments {
            json: true,
            readme: Some("a.md".into()),
            rest: Some("c.md".into()),
            with: Some("b.json".into()),
            ..Arguments::default()
        };
        assert_eq!(parsed, expected);
        assert_eq!(parse("--only day").unwrap().only.as_deref(), Some("day"));
        assert!(parse("--only night").unwrap_err().contains("night"));
        assert!(parse("--only day --readme a").is_err());
        assert!(parse("--only day --rest a").is_err());
        assert!(parse("--fast").unwrap_err().contains("--fast"));
        assert!(parse("--with").unwrap_err().contains("--with"));
    }
}
