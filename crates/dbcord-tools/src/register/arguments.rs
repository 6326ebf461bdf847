//! The command line.

use std::ffi::OsString;

use crate::command_line::{self, Common};

/// Also what the script prints, which need not build the program for it.
pub const USAGE: &str = include_str!("usage.txt");

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
