//! The command line.

use std::ffi::OsString;

use crate::command_line::{self, Common};

pub const USAGE: &str = "\
Usage: scripts/register [--guild ID | --global] [--api-base URL] [--dry-run] [--print]

Tells Discord about dbcord's slash commands, as they are defined in the code, and says what
was added, changed and removed. Running it again changes nothing.

  --guild ID      for this guild (default: each guild of DBCORD_GUILD_ID); shows up at once
  --global        for every guild that the application is in
  --api-base URL  another Discord, such as the simulator
                  (default: DISCORD_API_BASE, else https://discord.com/api/v10)
  --dry-run       say what would change, and change nothing
  --print         print the definitions as JSON, and talk to nobody

Reads DISCORD_APPLICATION_ID, DISCORD_BOT_TOKEN, DBCORD_GUILD_ID and DISCORD_API_BASE from the
environment, else from .dev.vars.";

#[derive(Debug, PartialEq, Eq)]
pub struct Arguments {
    pub common: Common,
    pub global: bool,
    pub dry_run: bool,
    pub print: bool,
}

impl Arguments {
    /// # Errors
    /// A sentence that names the argument.
    pub fn from_command_line() -> Result<Arguments, String> {
        Arguments::parse(std::env::args_os().skip(1))
    }

    fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Arguments, String> {
        let (mut global, mut dry_run, mut print) = (false, false, false);
        let common = command_line::read(arguments, |option, _| {
            match option {
                "global" => global = true,
                "dry-run" => dry_run = true,
                "print" => print = true,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        if global && common.guild.is_some() {
            return Err("--guild and --global exclude each other.".to_owned());
        }
        Ok(Arguments {
            common,
            global,
            dry_run,
            print,
        })
    }
}
