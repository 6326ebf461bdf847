//! The command line.

use std::ffi::OsString;

pub const USAGE: &str = "\
Usage: dbcord-live [--guild ID] [--api-base URL] [--keep] [--quick] [--nonce-minutes N]

Goes on dbcord's tour in a throwaway database of a test guild, observes what Discord's
documentation leaves open, and removes the channels that it made. About eight minutes,
most of them waiting.

  --guild ID         the test guild (default: DBCORD_GUILD_ID)
  --api-base URL     default: DISCORD_API_BASE, else https://discord.com/api/v10
  --keep             leave the channels: another run, an hour later, can then observe
                     edits of old messages
  --quick            nothing that waits: seconds instead of minutes
  --nonce-minutes N  follow a nonce for this long, 0 to 60 (default: 5)

Reads DISCORD_BOT_TOKEN and DBCORD_GUILD_ID from the environment, else from .dev.vars.
The exit code is 0 when the tour went as expected and nothing was left behind.";

const NONCE_MINUTES: u64 = 5;
const NONCE_MINUTES_MAX: u64 = 60;

#[derive(Debug, PartialEq, Eq)]
pub struct Arguments {
    pub guild: Option<String>,
    pub api_base: Option<String>,
    pub keep: bool,
    pub quick: bool,
    pub nonce_minutes: u64,
    pub help: bool,
}

impl Arguments {
    /// # Errors
    /// A sentence that names the argument.
    pub fn from_command_line() -> Result<Arguments, String> {
        Arguments::parse(std::env::args_os().skip(1))
    }

    fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Arguments, String> {
        use lexopt::prelude::*;
        let mut parsed = Arguments {
            guild: None,
            api_base: None,
            keep: false,
            quick: false,
            nonce_minutes: NONCE_MINUTES,
            help: false,
        };
        let mut parser = lexopt::Parser::from_args(arguments);
        let wrong = |error: lexopt::Error| format!("{error}. --help says what there is.");
        while let Some(argument) = parser.next().map_err(wrong)? {
            let text = |parser: &mut lexopt::Parser| {
                let value = parser.value().map_err(wrong)?;
                value.string().map_err(wrong)
            };
            match argument {
                Long("guild") => parsed.guild = Some(text(&mut parser)?),
                Long("api-base") => parsed.api_base = Some(text(&mut parser)?),
                Long("keep") => parsed.keep = true,
                Long("quick") => parsed.quick = true,
                Long("nonce-minutes") => parsed.nonce_minutes = minutes(&text(&mut parser)?)?,
                Short('h') | Long("help") => parsed.help = true,
                other => return Err(wrong(other.unexpected())),
            }
        }
        Ok(parsed)
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
        assert!(parsed.quick && parsed.keep && !parsed.help);
        assert_eq!(
            (parsed.guild.as_deref(), parsed.nonce_minutes),
            (Some("7"), 12)
        );
        assert_eq!(parse("").unwrap().nonce_minutes, NONCE_MINUTES);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for line in [
            "--nonce-minutes 61",
            "--nonce-minutes x",
            "--guild",
            "--fast",
            "7",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
