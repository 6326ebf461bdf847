//! `dbcord-live`: the engine on this machine, against a real guild.
//!
//! First the tour, in a throwaway database; then the probes, each of which observes something
//! that Discord does not promise; then everything that was made is removed again.

/// Prints a line. With nobody left to read it, as behind `| head`, the work goes on: a panic
/// would leave channels behind.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stdout(), $($text)*);
    }};
}

mod arguments;
mod cleanup;
mod facts;
mod host;
mod interrupt;
mod journal;
mod preflight;
mod probes;
mod session;
mod tour;

use std::process::ExitCode;
use std::rc::Rc;

use dbcord::config::{DEFAULT_API_BASE, Secret};
use futures_executor::LocalPool;

use self::arguments::{Arguments, USAGE};
use self::host::NativeHost;
use self::session::Session;
use crate::settings::Settings;

/// Runs the program: 0 when the tour went as expected and nothing is left behind.
pub fn main() -> ExitCode {
    let done = Arguments::from_command_line().and_then(|arguments| {
        if arguments.help {
            say!("{USAGE}");
            return Ok(true);
        }
        run(&arguments)
    });
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("dbcord-live: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool, String> {
    let target = Target::find(arguments, &Settings::load())?;
    interrupt::listen()?;
    let mut pool = LocalPool::new();
    let host = Rc::new(NativeHost::new(pool.spawner()));
    pool.run_until(async {
        let session = preflight::connect(host, target).await?;
        Ok(visit(&session, arguments).await)
    })
}

/// Everything that happens in the guild; whether it went well.
async fn visit(session: &Session, arguments: &Arguments) -> bool {
    say!("Tour, in the throwaway database {}", session.run);
    let tour = tour::run(session).await;
    let mut facts = Vec::new();
    if !interrupt::requested() {
        say!("\nProbes");
        facts = probes::run(session, tour.category, arguments).await;
    }
    if !facts.is_empty() {
        say!("\nWhat Discord does not promise\n{}", facts::table(&facts));
    }
    let interrupted = interrupt::requested();
    interrupt::ignore_until_done();
    let clean = if arguments.keep {
        cleanup::leave(session);
        true
    } else {
        cleanup::remove(session).await
    };
    say!("\n{} requests in all.", session.client.requests_sent());
    if interrupted {
        say!("Interrupted: not everything was tried.");
    }
    say!(
        "{}",
        match (tour.went_well, clean) {
            (true, true) => "The tour went as expected.",
            (true, false) => "The tour went as expected, but not everything could be removed.",
            (false, _) => "The tour did not go as expected.",
        }
    );
    tour.went_well && clean && !interrupted
}

/// Where to go, and as whom.
struct Target {
    api_base: String,
    token: Secret,
    guild: u64,
}

impl Target {
    fn find(arguments: &Arguments, settings: &Settings) -> Result<Target, String> {
        let api_base = arguments.api_base.clone();
        let api_base = api_base.or_else(|| settings.get("DISCORD_API_BASE"));
        let api_base = api_base.unwrap_or_else(|| DEFAULT_API_BASE.to_owned());
        let token = settings.require("DISCORD_BOT_TOKEN")?;
        // It becomes a header; what cannot be one would fail later, and less clearly.
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("DISCORD_BOT_TOKEN has characters that no bot token has.".to_owned());
        }
        let guild = match &arguments.guild {
            Some(guild) => guild.clone(),
            None => settings
                .require("DBCORD_GUILD_ID")
                .map_err(|problem| format!("{problem} Or use --guild ID."))?,
        };
        Ok(Target {
            api_base: api_base.trim_end_matches('/').to_owned(),
            token: Secret::new(token),
            guild: one_guild(&guild)?,
        })
    }
}

fn one_guild(text: &str) -> Result<u64, String> {
    if text.contains(',') {
        return Err("DBCORD_GUILD_ID names several guilds: choose one with --guild ID.".to_owned());
    }
    match text.trim().parse() {
        Ok(id) if id > 0 => Ok(id),
        _ => Err(format!(
            "the guild id is `{text}`, which is not an id: ids are digits."
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_guild_is_visited() {
        assert_eq!(one_guild(" 42 "), Ok(42));
        assert!(one_guild("42,43").unwrap_err().contains("--guild"));
        for wrong in ["", "0", "-1", "home", "99999999999999999999"] {
            assert!(one_guild(wrong).unwrap_err().contains("digits"), "{wrong}");
        }
    }
}
