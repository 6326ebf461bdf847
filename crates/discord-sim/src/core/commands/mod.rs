//! Registered application commands, in guilds and global.
//!
//! Docs `interactions/application-commands`.

mod check;
pub(crate) mod options;

use std::collections::BTreeMap;

use serde_json::{Value, json};

pub(crate) use self::check::check;

use super::error::{ApiError, ApiResult, form_error};
use super::id::{Id, IdGenerator};
use super::ratelimit::seconds;

/// Slash commands in a guild, and as many global ones.
const COMMANDS_MAX: usize = 100;
/// Context menu commands, of each of their two types. Together with the slash commands this makes the 130 that Discord's
/// OpenAPI document allows in a bulk overwrite.
const MENU_COMMANDS_MAX: usize = 15;
/// Creations in a day, in a guild; another count for global ones.
const DAILY_CREATES_MAX: usize = 200;
const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

/// Where commands are registered: a guild, or `None` for everywhere.
pub(crate) type Scope = Option<Id>;

/// A command as it was checked, but without the ids that it gets here.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Definition {
    pub(crate) kind: i64,
    pub(crate) name: String,
    /// The fields of an `ApplicationCommandResponse` that come from the request.
    pub(crate) fields: Value,
}

#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) id: Id,
    pub(crate) version: Id,
    pub(crate) scope: Scope,
    pub(crate) definition: Definition,
}

impl Command {
    /// An `ApplicationCommandResponse`.
    pub(crate) fn json(&self, application: Id) -> Value {
        let mut body = self.definition.fields.clone();
        body["id"] = json!(self.id);
        body["application_id"] = json!(application);
        body["version"] = json!(self.version);
        if let Some(guild) = self.scope {
            body["guild_id"] = json!(guild);
        }
        body
    }

    pub(crate) fn options(&self) -> &[Value] {
        self.definition.fields["options"]
            .as_array()
            .map_or(&[], Vec::as_slice)
    }

    /// Permissions that its users need, unless a guild's settings say otherwise. 0 is "administrators only".
    pub(crate) fn member_permissions(&self) -> Option<u64> {
        self.definition.fields["default_member_permissions"]
            .as_str()?
            .parse()
            .ok()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Commands {
    registered: BTreeMap<Scope, Vec<Command>>,
    creates_ms: BTreeMap<Scope, Vec<u64>>,
}

impl Commands {
    pub(crate) fn list(&self, scope: Scope) -> &[Command] {
        self.registered.get(&scope).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn get(&self, scope: Scope, id: Id) -> ApiResult<&Command> {
        self.list(scope)
            .iter()
            .find(|command| command.id == id)
            .ok_or_else(ApiError::unknown_application_command)
    }

    /// The slash command that a person in `guild` finds under `name`: the guild's own before a global one.
    pub(crate) fn find(&self, guild: Id, name: &str) -> Option<&Command> {
        [Some(guild), None]
            .into_iter()
            .flat_map(|scope| self.list(scope))
            .find(|command| command.definition.name == name && command.definition.kind == 1)
    }

    /// Creates a command, or replaces the one with its name and type. Says whether it is new.
    pub(crate) fn upsert(
        &mut self,
        now: u64,
        ids: &mut IdGenerator,
        scope: Scope,
        definition: Definition,
    ) -> ApiResult<(Command, bool)> {
        let list = self.registered.entry(scope).or_default();
        if let Some(command) = list
            .iter_mut()
            .find(|command| same(&command.definition, &definition))
        {
            if command.definition != definition {
                command.version = ids.next(now);
                command.definition = definition;
            }
            return Ok((command.clone(), false));
        }
        check_count(
            list.iter()
                .map(|command| &command.definition)
                .chain([&definition]),
        )?;
        self.count_creates(now, scope, 1)?;
        let id = ids.next(now);
        let command = Command {
            id,
            version: ids.next(now),
            scope,
            definition,
        };
        self.registered
            .entry(scope)
            .or_default()
            .push(command.clone());
        Ok((command, true))
    }

    /// Replaces all commands. Those that were there keep their ids; only new names count against the day's creations.
    pub(crate) fn overwrite(
        &mut self,
        now: u64,
        ids: &mut IdGenerator,
        scope: Scope,
        definitions: Vec<Definition>,
    ) -> ApiResult<&[Command]> {
        for (n, definition) in definitions.iter().enumerate() {
            if definitions[..n].iter().any(|other| same(other, definition)) {
                return Err(form_error(
                    &[&n.to_string(), "name"],
                    "APPLICATION_COMMANDS_DUPLICATE_NAME",
                    "Application command names must be unique",
                ));
            }
        }
        check_count(&definitions)?;
        let old = self.registered.remove(&scope).unwrap_or_default();
        let is_new = |definition: &Definition| {
            !old.iter()
                .any(|command| same(&command.definition, definition))
        };
        let new = definitions
            .iter()
            .filter(|definition| is_new(definition))
            .count();
        if let Err(error) = self.count_creates(now, scope, new) {
            self.registered.insert(scope, old);
            return Err(error);
        }
        let mut list = Vec::with_capacity(definitions.len());
        for definition in definitions {
            let earlier = old
                .iter()
                .find(|command| same(&command.definition, &definition));
            let unchanged = earlier.filter(|command| command.definition == definition);
            let id = earlier.map_or_else(|| ids.next(now), |command| command.id);
            let version = unchanged.map_or_else(|| ids.next(now), |command| command.version);
            list.push(Command {
                id,
                version,
                scope,
                definition,
            });
        }
        self.registered.insert(scope, list);
        Ok(self.list(scope))
    }

    pub(crate) fn edit(
        &mut self,
        now: u64,
        ids: &mut IdGenerator,
        scope: Scope,
        id: Id,
        definition: Definition,
    ) -> ApiResult<&Command> {
        let list = self.registered.entry(scope).or_default();
        if list
            .iter()
            .any(|command| command.id != id && same(&command.definition, &definition))
        {
            return Err(form_error(
                &["name"],
                "APPLICATION_COMMANDS_DUPLICATE_NAME",
                "Application command names must be unique",
            ));
        }
        let command = list
            .iter_mut()
            .find(|command| command.id == id)
            .ok_or_else(ApiError::unknown_application_command)?;
        if command.definition != definition {
            command.version = ids.next(now);
            command.definition = definition;
        }
        Ok(command)
    }

    pub(crate) fn delete(&mut self, scope: Scope, id: Id) -> ApiResult<()> {
        self.get(scope, id)?;
        self.registered
            .entry(scope)
            .or_default()
            .retain(|command| command.id != id);
        Ok(())
    }

    /// Drops all commands of a scope.
    pub(crate) fn forget(&mut self, scope: Scope) {
        self.registered.remove(&scope);
    }

    fn count_creates(&mut self, now: u64, scope: Scope, count: usize) -> ApiResult<()> {
        let recent = self.creates_ms.entry(scope).or_default();
        recent.retain(|at| now.saturating_sub(*at) < DAY_MS);
        if recent.len() + count > DAILY_CREATES_MAX {
            let wait = recent.first().map_or(DAY_MS, |at| at + DAY_MS - now);
            return Err(ApiError::too_many_daily_commands(seconds(wait)));
        }
        recent.extend(std::iter::repeat_n(now, count));
        Ok(())
    }
}

fn check_count<'a>(definitions: impl IntoIterator<Item = &'a Definition>) -> ApiResult<()> {
    let mut counts = BTreeMap::new();
    for definition in definitions {
        let count: &mut usize = counts.entry(definition.kind).or_default();
        *count += 1;
        let max = if definition.kind == 1 {
            COMMANDS_MAX
        } else {
            MENU_COMMANDS_MAX
        };
        if *count > max {
            return Err(ApiError::too_many_commands(max));
        }
    }
    Ok(())
}

fn same(a: &Definition, b: &Definition) -> bool {
    a.kind == b.kind && a.name == b.name
}
