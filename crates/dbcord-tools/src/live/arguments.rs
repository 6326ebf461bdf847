//! The command line.

use std::ffi::OsString;

use crate::command_line::{self, Common};

/// Also what the script prints, which need not build the program for it.
pub const USAGE: &str = include_str!("usage.txt");

const NONCE_MINUTES: u64 = 5;
const NONCE_MINUTES_MAX: u64 = 60;

#[derive(Debug, PartialEq, Eq)]
pub struct Arguments {
    pub common: Common,
    pub keep: bool,
    pub quick: bool,
    pub nonce_minutes: u64,
}

impl Arguments {
    /// # Errors
    /// A sentence that names the argument.
    pub fn from_command_line() -> Result<Arguments, String> {
        Arguments::parse(std::env::args_os().skip(1))
    }

    fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Arguments, String> {
        let (mut keep, mut quick, mut nonce_minutes) = (false, false, NONCE_MINUTES);
        let common = command_line::read(arguments, |option, values| {
            match option {
                "keep" => keep = true,
                "quick" => quick = true,
                "nonce-minutes" => nonce_minutes = minutes(&values.next()?)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(Arguments {
            common,
            keep,
            quick,
            nonce_minutes,
        })
    }
}

fn minutes(text: &str) -> Result<u64, String> {
    let minutes = text.parse().ok().filter(|&n| n <= NONCE_MINUTES_MAX);
    minutes.ok_or_else(|| {
        format!("--nonce-minutes takes a whole number from 0 to {NONCE_MINUTES_MAX}, not `{text}`.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        Arguments::parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn arguments_are_read() {
        let parsed = parse("--quick --keep --guild 7 --nonce-minutes=12").unwrap();
        assert!(parsed.quick && parsed.keep && !parsed.common.help);
        assert_eq!(parsed.nonce_minutes, 12);
        assert_eq!(parse("").unwrap().nonce_minutes, NONCE_MINUTES);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for line in ["--nonce-minutes 61", "--nonce-minutes x", "--fast"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
