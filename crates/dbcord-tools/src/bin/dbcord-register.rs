//! Tells Discord about the slash commands, and says what changed.
//! <https://docs.discord.com/developers/interactions/application-commands#bulk-overwrite-guild-application-commands>

use std::collections::BTreeMap;
use std::process::ExitCode;

use dbcord::discord::client::USER_AGENT;
use dbcord_tools::settings::Settings;
use serde_json::Value;

const USAGE: &str = "\
Usage: dbcord-register [--guild ID | --global] [--api-base URL] [--dry-run] [--print]

  --guild ID      register for this guild (default: each guild of DBCORD_GUILD_ID)
  --global        register for every guild that the application is in
  --api-base URL  default: DISCORD_API_BASE, else https://discord.com/api/v10
  --dry-run       say what would change, change nothing
  --print         print the definitions as JSON, talk to nobody

Reads DISCORD_APPLICATION_ID, DISCORD_BOT_TOKEN and DBCORD_GUILD_ID from the
environment, else from .dev.vars.";

#[derive(Default)]
struct Arguments {
    guild: Option<String>,
    global: bool,
    api_base: Option<String>,
    dry_run: bool,
    print: bool,
    help: bool,
}

fn main() -> ExitCode {
    let result = arguments().and_then(|arguments| run(&arguments));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("dbcord-register: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> Result<Arguments, String> {
    use lexopt::prelude::*;
    let mut parsed = Arguments::default();
    let mut parser = lexopt::Parser::from_env();
    let wrong = |error: lexopt::Error| format!("{error}. --help says what there is.");
    while let Some(argument) = parser.next().map_err(wrong)? {
        let text = |parser: &mut lexopt::Parser| {
            let value = parser.value().map_err(wrong)?;
            value.string().map_err(wrong)
        };
        match argument {
            Long("guild") => parsed.guild = Some(text(&mut parser)?),
            Long("global") => parsed.global = true,
            Long("api-base") => parsed.api_base = Some(text(&mut parser)?),
            Long("dry-run") => parsed.dry_run = true,
            Long("print") => parsed.print = true,
            Short('h') | Long("help") => parsed.help = true,
            other => return Err(wrong(other.unexpected())),
        }
    }
    if parsed.global && parsed.guild.is_some() {
        return Err("--guild and --global exclude each other.".to_owned());
    }
    Ok(parsed)
}

fn run(arguments: &Arguments) -> Result<(), String> {
    if arguments.help {
        println!("{USAGE}");
        return Ok(());
    }
    let definitions = dbcord::commands::registration();
    if arguments.print {
        println!("{:#}", Value::from(definitions));
        return Ok(());
    }
    let settings = Settings::load();
    let application = id(
        "DISCORD_APPLICATION_ID",
        &settings.require("DISCORD_APPLICATION_ID")?,
    )?;
    let api_base = arguments.api_base.clone();
    let api_base = api_base.or_else(|| settings.get("DISCORD_API_BASE"));
    let discord = Discord {
        base: api_base
            .unwrap_or_else(|| dbcord::config::DEFAULT_API_BASE.to_owned())
            .trim_end_matches('/')
            .to_owned(),
        token: settings.require("DISCORD_BOT_TOKEN")?,
        agent: ureq::Agent::config_builder()
            .http_status_as_error(false)
            .user_agent(USER_AGENT)
            .timeout_global(Some(std::time::Duration::from_secs(30)))
            .build()
            .into(),
    };
    for (scope, path) in targets(arguments, &settings, &application)? {
        register(&discord, &scope, &path, &definitions, arguments.dry_run)?;
    }
    Ok(())
}

/// Where to register: a description for people, and the path.
fn targets(
    arguments: &Arguments,
    settings: &Settings,
    application: &str,
) -> Result<Vec<(String, String)>, String> {
    if arguments.global {
        let path = format!("/applications/{application}/commands");
        return Ok(vec![("every server".to_owned(), path)]);
    }
    let guilds = match &arguments.guild {
        Some(guild) => guild.clone(),
        None => settings
            .require("DBCORD_GUILD_ID")
            .map_err(|problem| format!("{problem} Or use --guild ID or --global."))?,
    };
    let target = |guild: &str| {
        let guild = id("the guild id", guild)?;
        let path = format!("/applications/{application}/guilds/{guild}/commands");
        Ok((format!("server {guild}"), path))
    };
    guilds.split(',').map(target).collect()
}

fn id(what: &str, text: &str) -> Result<String, String> {
    let text = text.trim();
    match text.parse::<u64>() {
        Ok(id) if id > 0 => Ok(id.to_string()),
        _ => Err(format!(
            "{what} is `{text}`, which is not an id: ids are digits."
        )),
    }
}

fn register(
    discord: &Discord,
    scope: &str,
    path: &str,
    definitions: &[Value],
    dry_run: bool,
) -> Result<(), String> {
    let before = discord.call("GET", path, None)?;
    let changes = Changes::between(&before, definitions);
    if changes.is_empty() {
        println!(
            "Commands of {scope}: all {} are up to date.",
            definitions.len()
        );
        return Ok(());
    }
    let verb = if dry_run { "would be " } else { "" };
    if !dry_run {
        discord.call("PUT", path, Some(&Value::from(definitions.to_vec())))?;
    }
    println!("Commands of {scope}:");
    for (mark, done, names) in [
        ('+', "added", &changes.added),
        ('~', "changed", &changes.changed),
        ('-', "removed", &changes.removed),
    ] {
        for name in names {
            println!("  {mark} /{name} {verb}{done}");
        }
    }
    let same = definitions.len() - changes.added.len() - changes.changed.len();
    if same > 0 {
        println!("  {same} unchanged");
    }
    Ok(())
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Changes {
    added: Vec<String>,
    changed: Vec<String>,
    removed: Vec<String>,
}

impl Changes {
    fn between(before: &Value, after: &[Value]) -> Changes {
        let name = |command: &Value| command["name"].as_str().unwrap_or_default().to_owned();
        let empty = Vec::new();
        let before = before.as_array().unwrap_or(&empty);
        let mut known: BTreeMap<String, &Value> = before
            .iter()
            .map(|command| (name(command), command))
            .collect();
        let mut changes = Changes::default();
        for command in after {
            match known.remove(&name(command)) {
                None => changes.added.push(name(command)),
                Some(old) if !is_same(old, command) => changes.changed.push(name(command)),
                Some(_) => {}
            }
        }
        changes.removed = known.into_keys().collect();
        changes
    }

    fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

/// Whether Discord's command has everything that ours says. Discord adds fields of its own and
/// leaves out defaults, so only what we say counts, and saying the default is saying nothing.
fn is_same(theirs: &Value, ours: &Value) -> bool {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            ours.iter().all(|(field, ours)| {
                field == "version"
                    || match theirs.get(field) {
                        Some(theirs) => is_same(theirs, ours),
                        None => is_default(ours),
                    }
            }) && ["options", "choices"]
                .iter()
                .all(|field| ours.contains_key(*field) || theirs.get(*field).is_none_or(is_default))
        }
        (Value::Array(theirs), Value::Array(ours)) => {
            theirs.len() == ours.len() && theirs.iter().zip(ours).all(|(t, o)| is_same(t, o))
        }
        (theirs, ours) => theirs == ours || (is_default(theirs) && is_default(ours)),
    }
}

fn is_default(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

struct Discord {
    base: String,
    token: String,
    agent: ureq::Agent,
}

impl Discord {
    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, String> {
        let uri = format!("{}{path}", self.base);
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(&uri)
            .header("Authorization", format!("Bot {}", self.token));
        let sent = match body {
            Some(body) => {
                let request = request.header("Content-Type", "application/json");
                let request = request.body(body.to_string());
                self.agent.run(request.map_err(|error| error.to_string())?)
            }
            None => {
                let request = request.body(());
                self.agent.run(request.map_err(|error| error.to_string())?)
            }
        };
        let mut response = sent.map_err(|error| {
            format!("{uri} could not be reached: {error}. Nothing is known to have changed.")
        })?;
        let status = response.status().as_u16();
        let text = response.body_mut().read_to_string().unwrap_or_default();
        let answer: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        if (200..300).contains(&status) {
            return Ok(answer);
        }
        Err(explain(status, &answer))
    }
}

fn explain(status: u16, answer: &Value) -> String {
    let code = answer["code"].as_u64().unwrap_or_default();
    let message = answer["message"].as_str().unwrap_or("no reason given");
    let said = format!("Discord says: {message} (HTTP {status}, code {code}).");
    match (status, code) {
        (401, _) => format!(
            "{said} DISCORD_BOT_TOKEN is wrong or was reset: take the current one from the application's Bot page."
        ),
        (403, 50001) => format!(
            "{said} The application may not register commands there: invite it to the server with the scope applications.commands (and bot)."
        ),
        (404, 10002) => format!("{said} DISCORD_APPLICATION_ID is not this bot's application."),
        (403 | 404, _) => format!(
            "{said} Check DISCORD_APPLICATION_ID and the guild id, and that the bot is in that server."
        ),
        (400, 30034) => {
            format!("{said} Discord allows 200 new commands a day and server; try again tomorrow.")
        }
        (400, _) => {
            let details = answer.get("errors").map(|errors| format!("\n{errors:#}"));
            format!(
                "{said} A definition was rejected; nothing was changed.{}",
                details.unwrap_or_default()
            )
        }
        (429, _) => {
            let seconds = answer["retry_after"].as_f64().unwrap_or(1.0).ceil();
            format!("{said} Try again in {seconds} s.")
        }
        _ => format!("{said} Try again later."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_changed_is_told_apart() {
        let before = json!([
            {"id": "1", "name": "same", "description": "d", "nsfw": false, "options": [{"name": "a", "type": 3}]},
            {"id": "2", "name": "gone", "description": "d"},
            {"id": "3", "name": "other", "description": "old"},
            {"id": "4", "name": "fewer", "description": "d", "options": [{"name": "a", "type": 3}]},
        ]);
        let after = [
            json!({"name": "same", "description": "d", "options": [{"name": "a", "type": 3, "required": false}], "version": "1"}),
            json!({"name": "other", "description": "new"}),
            json!({"name": "new", "description": "d"}),
            json!({"name": "fewer", "description": "d"}),
        ];
        let changes = Changes::between(&before, &after);
        assert_eq!(changes.added, ["new"]);
        assert_eq!(changes.changed, ["other", "fewer"]);
        assert_eq!(changes.removed, ["gone"]);
    }
}
