//! How the programs are called, and how they end.

use std::ffi::OsString;
use std::process::ExitCode;

use lexopt::{Arg, Parser};

/// What every program takes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Common {
    pub guild: Option<String>,
    pub api_base: Option<String>,
    pub help: bool,
}

/// Where an option finds its value.
pub struct Values<'a>(&'a mut Parser);

impl Values<'_> {
    /// # Errors
    /// When there is none, or it is no text.
    pub fn next(&mut self) -> Result<String, String> {
        let value = self.0.value().map_err(wrong)?;
        value.into_string().map_err(|value| wrong(value.into()))
    }
}

/// Reads the command line. `own` takes an option, and says whether the program has it.
///
/// # Errors
/// A sentence that names the argument.
pub fn read(
    arguments: impl IntoIterator<Item = OsString>,
    mut own: impl FnMut(&str, &mut Values) -> Result<bool, String>,
) -> Result<Common, String> {
    let mut common = Common::default();
    let mut parser = Parser::from_args(arguments);
    while let Some(argument) = parser.next().map_err(wrong)? {
        let option = match argument {
            Arg::Long(name) => name.to_owned(),
            Arg::Short('h') => "help".to_owned(),
            other => return Err(wrong(other.unexpected())),
        };
        let mut values = Values(&mut parser);
        match option.as_str() {
            "guild" => common.guild = Some(values.next()?),
            "api-base" => common.api_base = Some(values.next()?),
            "help" => common.help = true,
            name => {
                if !own(name, &mut values)? {
                    return Err(wrong(Arg::Long(name).unexpected()));
                }
            }
        }
    }
    Ok(common)
}

fn wrong(error: lexopt::Error) -> String {
    format!("{error}. --help says what there is.")
}

/// The exit code: 0 when all went well.
pub fn end(program: &str, done: Result<bool, String>) -> ExitCode {
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("{program}: {problem}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<(Common, Option<String>), String> {
        let mut size = None;
        let arguments = line.split_whitespace().map(OsString::from);
        let common = read(arguments, |option, values| {
            let known = option == "size";
            if known {
                size = Some(values.next()?);
            }
            Ok(known)
        })?;
        Ok((common, size))
    }

    #[test]
    fn common_options_and_a_program_s_own_are_read() {
        let (common, size) = parse("--guild 7 --size=3 -h").unwrap();
        assert_eq!(common.guild.as_deref(), Some("7"));
        assert!(common.help && common.api_base.is_none());
        assert_eq!(size.as_deref(), Some("3"));
    }

    #[test]
    fn what_cannot_be_meant_is_named() {
        for (line, named) in [
            ("--fast", "--fast"),
            ("--guild", "--guild"),
            ("--help=1", "1"),
            ("-x", "-x"),
            ("7", "7"),
        ] {
            let problem = parse(line).unwrap_err();
            assert!(problem.contains(named), "{line}: {problem}");
        }
    }
}
