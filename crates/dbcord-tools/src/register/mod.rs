//! `dbcord-register`: tells Discord about the slash commands, and says what changed.
//! <https://docs.discord.com/developers/interactions/application-commands#bulk-overwrite-guild-application-commands>

mod arguments;
mod changes;

use std::process::ExitCode;
use std::rc::Rc;

use dbcord::discord::routes::Route;
use dbcord::discord::{CallError, Client};
use futures_executor::LocalPool;
use http::Method;
use serde_json::Value;

use self::arguments::{Arguments, USAGE};
use self::changes::Changes;
use crate::command_line;
use crate::discord::{Access, PATIENT, route};
use crate::host::NativeHost;
use crate::settings::{Settings, parse_id};

/// Runs the program.
pub fn main() -> ExitCode {
    let done = Arguments::from_command_line().and_then(|arguments| run(&arguments));
    command_line::end("dbcord-register", done.map(|()| true))
}

fn run(arguments: &Arguments) -> Result<(), String> {
    if arguments.common.help {
        say!("{}", USAGE.trim_end());
        return Ok(());
    }
    let definitions = dbcord::commands::registration();
    if arguments.print {
        say!("{:#}", Value::from(definitions));
        return Ok(());
    }
    let settings = Settings::load();
    let application = settings.require("DISCORD_APPLICATION_ID")?;
    let application = parse_id("DISCORD_APPLICATION_ID", &application)?;
    let access = Access::find(arguments.common.api_base.as_deref(), &settings)?;
    let scopes = scopes(arguments, &settings)?;

    let mut pool = LocalPool::new();
    let client = access.client(Rc::new(NativeHost::new(pool.spawner())));
    let registrar = Registrar {
        client,
        access,
        application,
        definitions,
        dry_run: arguments.dry_run,
    };
    for scope in scopes {
        pool.run_until(registrar.register(scope))?;
    }
    Ok(())
}

/// Where commands are registered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Everywhere,
    Guild(u64),
}

impl Scope {
    fn name(self) -> String {
        match self {
            Scope::Everywhere => "every server".to_owned(),
            Scope::Guild(guild) => format!("server {guild}"),
        }
    }

    fn commands(self, method: Method, application: u64) -> Route {
        match self {
            Scope::Everywhere => route(
                method,
                "/applications/{}/commands",
                application,
                format!("/applications/{application}/commands"),
            ),
            Scope::Guild(guild) => route(
                method,
                "/applications/{}/guilds/{}/commands",
                application,
                format!("/applications/{application}/guilds/{guild}/commands"),
            ),
        }
    }
}

fn scopes(arguments: &Arguments, settings: &Settings) -> Result<Vec<Scope>, String> {
    if arguments.global {
        return Ok(vec![Scope::Everywhere]);
    }
    let guild = arguments.common.guild.as_deref();
    let guilds = settings.guilds(guild, "--guild ID or --global")?;
    Ok(guilds.into_iter().map(Scope::Guild).collect())
}

struct Registrar {
    client: Client<NativeHost>,
    access: Access,
    application: u64,
    definitions: Vec<Value>,
    dry_run: bool,
}

impl Registrar {
    /// Overwrites the commands of a scope, if any differs, and says what changed.
    async fn register(&self, scope: Scope) -> Result<(), String> {
        let name = scope.name();
        let route = scope.commands(Method::GET, self.application);
        let before: Vec<Value> =
            self.client.get(&route, PATIENT).await.map_err(|error| {
                format!("{} Nothing was changed in {name}.", self.explain(&error))
            })?;
        let changes = Changes::between(&before, &self.definitions);
        if changes.is_empty() {
            let all = self.definitions.len();
            say!("Commands of {name}: all {all} are up to date.");
            return Ok(());
        }
        if !self.dry_run {
            self.overwrite(scope).await?;
        }
        self.report(&name, &changes);
        Ok(())
    }

    async fn overwrite(&self, scope: Scope) -> Result<(), String> {
        let route = scope.commands(Method::PUT, self.application);
        let payload = Value::from(self.definitions.clone());
        let sent = self
            .client
            .send::<Value>(&route, &payload, &[], PATIENT)
            .await;
        let Err(error) = sent else {
            return Ok(());
        };
        let state = if error.may_have_happened() {
            "Whether anything was changed is not known; running this again is safe.".to_owned()
        } else {
            format!("Nothing was changed in {}.", scope.name())
        };
        Err(format!("{} {state}", self.explain(&error)))
    }

    fn report(&self, name: &str, changes: &Changes) {
        let verb = if self.dry_run { "would be " } else { "" };
        say!("Commands of {name}:");
        for (mark, done, commands) in [
            ('+', "added", &changes.added),
            ('~', "changed", &changes.changed),
            ('-', "removed", &changes.removed),
        ] {
            for command in commands {
                say!("  {mark} /{command} {verb}{done}");
            }
        }
        let same = self.definitions.len() - changes.added.len() - changes.changed.len();
        if same > 0 {
            say!("  {same} unchanged");
        }
    }

    /// What Discord said, and what to do about it.
    fn explain(&self, error: &CallError) -> String {
        let advice = match *error {
            CallError::Refused {
                status: 403,
                code: 50_001,
                ..
            } => {
                "The application may not register commands there: invite it to the server with the scope applications.commands (and bot)."
            }
            CallError::Refused {
                status: 404,
                code: 10_002,
                ..
            } => "DISCORD_APPLICATION_ID is not this bot's application.",
            CallError::Refused {
                status: 403 | 404, ..
            } => {
                "Check DISCORD_APPLICATION_ID and the guild id, and that the bot is in that server."
            }
            CallError::Refused {
                status: 400,
                code: 30_034,
                ..
            } => "Discord allows 200 new commands a day and server; try again tomorrow.",
            CallError::Refused { status: 400, .. } => "A definition was rejected.",
            _ => return format!("{error} {}", self.access.advice(error)),
        };
        format!("{error} {advice}")
    }
}
