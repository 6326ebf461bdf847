//! `dbcord-live`: the engine on this machine, against a real guild.
//!
//! First the tour, in a throwaway database; then the probes, each of which observes something
//! that Discord does not promise; then everything that was made is removed again.

mod arguments;
mod cleanup;
mod facts;
mod preflight;
mod probes;
mod session;
mod tour;

use std::process::ExitCode;
use std::rc::Rc;

use futures_executor::LocalPool;

use self::arguments::{Arguments, USAGE};
use self::session::Session;
use crate::discord::Access;
use crate::host::NativeHost;
use crate::settings::Settings;
use crate::{command_line, interrupt};

/// Runs the program: 0 when the tour went as expected and nothing is left behind.
pub fn main() -> ExitCode {
    let done = Arguments::from_command_line().and_then(|arguments| {
        if arguments.common.help {
            say!("{}", USAGE.trim_end());
            return Ok(true);
        }
        run(&arguments)
    });
    command_line::end("dbcord-live", done)
}

fn run(arguments: &Arguments) -> Result<bool, String> {
    let settings = Settings::load();
    let access = Access::find(arguments.common.api_base.as_deref(), &settings)?;
    let guild = one_guild(&settings.guilds(arguments.common.guild.as_deref(), "--guild ID")?)?;
    interrupt::listen()?;
    let mut pool = LocalPool::new();
    let host = Rc::new(NativeHost::new(pool.spawner()));
    pool.run_until(async {
        let session = preflight::connect(host, &access, guild).await?;
        Ok(visit(&session, arguments).await)
    })
}

/// Everything that happens in the guild; whether it went well.
async fn visit(session: &Session, arguments: &Arguments) -> bool {
    say!("Tour, in the throwaway database {}", session.run);
    let tour = tour::run(session, arguments.quick).await;
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

fn one_guild(guilds: &[u64]) -> Result<u64, String> {
    match guilds {
        [guild] => Ok(*guild),
        _ => Err("DBCORD_GUILD_ID names several guilds: choose one with --guild ID.".to_owned()),
    }
}
