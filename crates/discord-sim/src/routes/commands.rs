//! `/applications/{id}/commands` and the same under `/guilds/{id}`: docs `interactions/application-commands`.

use http::Method;
use serde_json::Value;

use super::{Call, Entry, Reply, rule};
use crate::core::Discord;
use crate::core::commands::{Scope, check};
use crate::core::error::{ApiError, ApiResult, FormErrors, form_error};
use crate::core::form::Form;
use crate::core::ratelimit::Rule;

/// Commands in one bulk overwrite, as Discord's OpenAPI document has it (slash commands, and those of context menus).
const OVERWRITE_MAX: usize = 130;
const READ: Rule = rule("commands/read", 10, 10_000);
const WRITE: Rule = rule("commands/write", 5, 20_000);

const GLOBAL: &str = "/applications/{application_id}/commands";
const GLOBAL_ONE: &str = "/applications/{application_id}/commands/{command_id}";
const GUILD: &str = "/applications/{application_id}/guilds/{guild_id}/commands";
const GUILD_ONE: &str = "/applications/{application_id}/guilds/{guild_id}/commands/{command_id}";

pub(super) const ROUTES: &[Entry] = &[
    Entry::new(Method::GET, GLOBAL, list, READ),
    Entry::new(Method::POST, GLOBAL, create, WRITE),
    Entry::new(Method::PUT, GLOBAL, overwrite, WRITE),
    Entry::new(Method::GET, GLOBAL_ONE, get, READ),
    Entry::new(Method::PATCH, GLOBAL_ONE, edit, WRITE),
    Entry::new(Method::DELETE, GLOBAL_ONE, delete, WRITE),
    Entry::new(Method::GET, GUILD, list, READ),
    Entry::new(Method::POST, GUILD, create, WRITE),
    Entry::new(Method::PUT, GUILD, overwrite, WRITE),
    Entry::new(Method::GET, GUILD_ONE, get, READ),
    Entry::new(Method::PATCH, GUILD_ONE, edit, WRITE),
    Entry::new(Method::DELETE, GUILD_ONE, delete, WRITE),
];

/// Whose commands a call is about. A guild that the bot was not invited to with `applications.commands` answers 50001,
/// and so does one that does not exist: there is no telling them apart.
fn scope(discord: &Discord, call: &Call) -> ApiResult<Scope> {
    if call.id("application_id")? != discord.application.id {
        return Err(ApiError::unknown_application());
    }
    if call.actor != discord.application.bot_user_id {
        return Err(ApiError::missing_access());
    }
    if call.text("guild_id").is_empty() {
        return Ok(None);
    }
    let guild = call.id("guild_id")?;
    let invited = discord
        .guilds
        .get(&guild)
        .is_some_and(|guild| guild.commands_scope);
    if invited {
        Ok(Some(guild))
    } else {
        Err(ApiError::missing_access())
    }
}

fn list(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let scope = scope(discord, call)?;
    call.query_flag("with_localizations")?;
    let application = discord.application.id;
    Reply::ok(
        discord
            .commands
            .list(scope)
            .iter()
            .map(|command| command.json(application))
            .collect(),
    )
}

fn get(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let scope = scope(discord, call)?;
    let command = discord.commands.get(scope, call.id("command_id")?)?;
    Reply::ok(command.json(discord.application.id))
}

fn create(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let scope = scope(discord, call)?;
    let mut errors = FormErrors::default();
    let definition = check(Form::new(&call.body.payload, Vec::new(), &mut errors), None);
    errors.finish()?;
    let Some(definition) = definition else {
        return Err(form_error(&[], "BASE_TYPE_REQUIRED", "Invalid command"));
    };
    let (command, new) = discord
        .commands
        .upsert(call.now, &mut discord.ids, scope, definition)?;
    let body = command.json(discord.application.id);
    if new {
        Reply::created(body)
    } else {
        Reply::ok(body)
    }
}

fn overwrite(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let scope = scope(discord, call)?;
    let Value::Array(items) = &call.body.payload else {
        return Err(form_error(
            &[],
            "LIST_TYPE_CONVERT",
            "Only iterables may be used in a ListType",
        ));
    };
    if items.len() > OVERWRITE_MAX {
        return Err(form_error(
            &[],
            "BASE_TYPE_MAX_LENGTH",
            format!("Must be {OVERWRITE_MAX} or fewer in length."),
        ));
    }
    let mut errors = FormErrors::default();
    let mut definitions = Vec::with_capacity(items.len());
    for (n, item) in items.iter().enumerate() {
        // Each with errors of its own, so that one bad command does not spoil the check of the next.
        let mut own = FormErrors::default();
        definitions.extend(check(Form::new(item, vec![n.to_string()], &mut own), None));
        errors.extend(own);
    }
    errors.finish()?;
    let application = discord.application.id;
    let commands = discord
        .commands
        .overwrite(call.now, &mut discord.ids, scope, definitions)?;
    Reply::ok(
        commands
            .iter()
            .map(|command| command.json(application))
            .collect(),
    )
}

fn edit(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let scope = scope(discord, call)?;
    let id = call.id("command_id")?;
    let base = discord.commands.get(scope, id)?.definition.clone();
    let mut errors = FormErrors::default();
    let definition = check(
        Form::new(&call.body.payload, Vec::new(), &mut errors),
        Some(&base),
    );
    errors.finish()?;
    let definition = definition.unwrap_or(base);
    let command = discord
        .commands
        .edit(call.now, &mut discord.ids, scope, id, definition)?;
    Reply::ok(command.json(discord.application.id))
}

fn delete(discord: &mut Discord, call: &Call) -> ApiResult<Reply> {
    let scope = scope(discord, call)?;
    discord.commands.delete(scope, call.id("command_id")?)?;
    Reply::no_content()
}
