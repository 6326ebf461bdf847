//! The command line.

use std::ffi::OsString;

use lexopt::{Arg, Parser};

/// Also what the script prints, which need not build the program for it.
pub const USAGE: &str = include_str!("usage.txt");

const SEEDS: u64 = 200;
const QUICK_SEEDS: u64 = 40;
const OPERATIONS: usize = 100;

#[derive(Debug, PartialEq, Eq)]
pub struct Arguments {
    pub seeds: u64,
    pub seed: Option<u64>,
    pub operations: usize,
    pub help: bool,
}

impl Arguments {
    /// # Errors
    /// A sentence that names the argument.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Arguments, String> {
        let mut parsed = Arguments {
            seeds: SEEDS,
            seed: None,
            operations: OPERATIONS,
            help: false,
        };
        let mut seeds = None;
        let mut is_quick = false;
        let mut parser = Parser::from_args(arguments);
        while let Some(argument) = parser.next().map_err(wrong)? {
            match argument {
                Arg::Long("seeds") => seeds = Some(number("--seeds", &mut parser)?),
                Arg::Long("seed") => parsed.seed = Some(number("--seed", &mut parser)?),
                Arg::Long("ops") => parsed.operations = number("--ops", &mut parser)? as usize,
                Arg::Long("quick") => is_quick = true,
                Arg::Long("help") | Arg::Short('h') => parsed.help = true,
                other => return Err(wrong(other.unexpected())),
            }
        }
        // Only where nothing was said, wherever it stands.
        if is_quick {
            parsed.seed.get_or_insert(1);
        }
        parsed.seeds = seeds.unwrap_or(if is_quick { QUICK_SEEDS } else { SEEDS });
        Ok(parsed)
    }
}

fn number(option: &str, parser: &mut Parser) -> Result<u64, String> {
    let value = parser.value().map_err(wrong)?;
    let number = value.to_str().and_then(|text| text.parse().ok());
    number.ok_or_else(|| {
        let value = value.to_string_lossy();
        format!("{option} takes a whole number, not `{value}`.")
    })
}

fn wrong(error: lexopt::Error) -> String {
    format!("{error}. --help says what there is.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        Arguments::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn arguments_are_read() {
        let parsed = parse("--seeds 7 --seed=3 --ops 9").unwrap();
        assert_eq!(
            (parsed.seeds, parsed.seed, parsed.operations),
            (7, Some(3), 9)
        );
        let quick = parse("--quick").unwrap();
        assert_eq!((quick.seeds, quick.seed), (QUICK_SEEDS, Some(1)));
        for line in ["--quick --seeds 5 --seed 9", "--seeds 5 --seed 9 --quick"] {
            let parsed = parse(line).unwrap();
            assert_eq!((parsed.seeds, parsed.seed), (5, Some(9)), "{line}");
        }
        assert!(parse("-h").unwrap().help);
    }

    #[test]
    fn what_cannot_be_meant_is_named() {
        for (line, named) in [
            ("--seeds x", "--seeds"),
            ("--ops", "--ops"),
            ("--fast", "--fast"),
            ("7", "7"),
        ] {
            let problem = parse(line).unwrap_err();
            assert!(problem.contains(named), "{line}: {problem}");
        }
    }
}
