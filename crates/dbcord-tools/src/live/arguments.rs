//! The command line.

use std::ffi::OsString;

use crate::command_line::{self, Common};

pub const USAGE: &str = "\
Usage: scripts/live [--guild ID] [--api-base URL] [--keep] [--quick] [--nonce-minutes N]

For someone with a test guild and a bot token: runs dbcord's engine on this machine against
the real Discord. Goes on the tour in a throwaway database, and prints as observed what
Discord's documentation leaves open: rate-limit buckets, the window and scope of nonces, what
becomes of text, edits of old messages, search, access to attachments. Then it removes the
channels that it made, also after a failure or Ctrl-C. About eight minutes, most of them
waiting. The exit code is 0 when the tour went as expected and nothing was left behind.

  --guild ID         the test guild (default: DBCORD_GUILD_ID, where that is one guild)
  --api-base URL     another Discord, such as the simulator
                     (default: DISCORD_API_BASE, else https://discord.com/api/v10)
  --keep             leave the channels: another run, an hour later, can then observe
                     edits of old messages
  --quick            nothing that waits: seconds instead of minutes
  --nonce-minutes N  follow a nonce for this long, 0 to 60 (default: 5)

Reads DISCORD_BOT_TOKEN, DBCORD_GUILD_ID and DISCORD_API_BASE from the environment, else from
.dev.vars.";

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
