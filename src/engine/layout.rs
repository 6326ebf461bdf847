//! How a guild's channels become databases.
//!
//! A channel is ours when its topic starts with a mark, `dbcord:1:<kind>:<database>[:<table>:<id>]`;
//! what people do to its name or category plays no part. Channels without the mark are never
//! read, written or deleted.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::discord::model::{CATEGORY, Channel, MEMBER_OVERWRITE, ROLE_OVERWRITE, TEXT_CHANNEL};
use crate::discord::permissions::{OWN, SEND_MESSAGES, VIEW_CHANNEL};
use crate::engine::names::is_name;
use crate::limits::{CATEGORY_CHANNELS, CHANNEL_NAME, GUILD_CHANNELS};
use crate::text::{escape_markdown, truncate};

const MARK: &str = "dbcord:1:";
/// Characters of the paths of an index in a topic, which takes 1,024.
const SHOWN_PATHS: usize = 500;

/// What a marked channel is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    Log {
        database: String,
    },
    Catalog {
        database: String,
    },
    Table {
        database: String,
        table: String,
        id: u32,
    },
    Index {
        database: String,
        table: String,
        id: u32,
        /// The paths that it is over, with commas between them; none from a mark, which does not have them.
        over: String,
    },
}

impl Role {
    pub fn database(&self) -> &str {
        match self {
            Role::Log { database }
            | Role::Catalog { database }
            | Role::Table { database, .. }
            | Role::Index { database, .. } => database,
        }
    }

    /// The name that the channel is made with.
    fn channel_name(&self) -> String {
        match self {
            Role::Log { .. } => "dbc-log".to_owned(),
            Role::Catalog { .. } => "dbc-catalog".to_owned(),
            Role::Table { table, .. } => format!("table-{table}"),
            Role::Index { table, over, .. } => {
                let name = format!("idx-{table}-{}", as_channel_name(over));
                truncate(&name, CHANNEL_NAME)
            }
        }
    }

    /// What its topic begins with, and has it found by.
    pub fn mark(&self) -> String {
        match self {
            Role::Log { database } => format!("{MARK}log:{database}"),
            Role::Catalog { database } => format!("{MARK}catalog:{database}"),
            Role::Table {
                database,
                table,
                id,
            } => format!("{MARK}table:{database}:{table}:{id}"),
            Role::Index {
                database,
                table,
                id,
                ..
            } => format!("{MARK}index:{database}:{table}:{id}"),
        }
    }

    fn topic(&self) -> String {
        let mark = self.mark();
        match self {
            Role::Log { database } => format!(
                "{mark} · Commit log of database {database}: each message is one commit. Do not delete messages here."
            ),
            Role::Catalog { database } => {
                format!("{mark} · What database {database} contains, kept up to date by dbcord.")
            }
            Role::Table {
                database, table, ..
            } => format!(
                "{mark} · Rows of table {table} in database {database}, kept up to date by dbcord."
            ),
            Role::Index {
                database,
                table,
                over,
                ..
            } => format!(
                "{mark} · Values of table {table} in database {database} under {}, kept up to date by dbcord.",
                truncate(&escape_markdown(over), SHOWN_PATHS)
            ),
        }
    }

    fn parse(topic: &str) -> Option<Role> {
        let mark = topic.split_whitespace().next()?.strip_prefix(MARK)?;
        let mut parts = mark.split(':');
        let kind = parts.next()?;
        // What no command takes is no name of ours, and could be anything, Markdown for one.
        let mut name = || parts.next().filter(|name| is_name(name)).map(str::to_owned);
        let database = name()?;
        let role = match kind {
            "log" => Role::Log { database },
            "catalog" => Role::Catalog { database },
            "table" => Role::Table {
                database,
                table: name()?,
                id: parts.next()?.parse().ok()?,
            },
            "index" => Role::Index {
                database,
                table: name()?,
                id: parts.next()?.parse().ok()?,
                over: String::new(),
            },
            _ => return None,
        };
        parts.next().is_none().then_some(role)
    }
}

/// The channels of one database, by id. Several where a lost answer left a twin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DatabaseChannels {
    pub category: Option<u64>,
    pub logs: Vec<u64>,
    pub catalogs: Vec<u64>,
    /// By the id of the table or index, oldest first.
    pub tables: BTreeMap<u32, Vec<TableChannel>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableChannel {
    pub id: u64,
    /// The table's name as the channel has it, which a renaming may not have reached.
    pub table: String,
    /// Whether it shows an index of the table instead.
    pub is_index: bool,
}

impl DatabaseChannels {
    /// How many tables have a channel.
    pub fn table_count(&self) -> usize {
        let is_table = |marked: &&Vec<TableChannel>| marked.iter().any(|it| !it.is_index);
        self.tables.values().filter(is_table).count()
    }

    /// The tables' channels, where a table has just one. Of several, the log may tell which one
    /// the rows' messages are in.
    pub fn sole_channels(&self) -> BTreeMap<u32, u64> {
        let sole = self.tables.iter().filter_map(|(&table, marked)| {
            let [channel] = marked.as_slice() else {
                return None;
            };
            Some((table, channel.id))
        });
        sole.collect()
    }

    /// Whether the channel carries the table's mark.
    pub fn is_tables(&self, table: u32, channel: u64) -> bool {
        let marked = self.tables.get(&table);
        marked.is_some_and(|marked| marked.iter().any(|marked| marked.id == channel))
    }
}

/// A text as Discord has it in a channel's name: small letters, digits, `-` and `_`.
fn as_channel_name(text: &str) -> String {
    let mut name = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() || c == '_' {
            name.push(c);
        } else if !name.ends_with('-') {
            name.push('-');
        }
    }
    name.trim_matches('-').to_owned()
}

/// Sorts a guild's channels by database.
pub fn discover(channels: &[Channel]) -> BTreeMap<String, DatabaseChannels> {
    let mut databases: BTreeMap<String, DatabaseChannels> = BTreeMap::new();
    let mut marked: Vec<_> = channels
        .iter()
        .filter(|channel| channel.is_text())
        .filter_map(|channel| Some((channel, Role::parse(channel.topic.as_deref()?)?)))
        .collect();
    marked.sort_by_key(|(channel, _)| channel.id);
    for (channel, role) in marked {
        let found = databases.entry(role.database().to_owned()).or_default();
        match role {
            Role::Log { .. } => {
                found.category = channel.parent_id.or(found.category);
                found.logs.push(channel.id);
            }
            Role::Catalog { .. } => found.catalogs.push(channel.id),
            Role::Table { .. } | Role::Index { .. } => {
                let is_index = matches!(role, Role::Index { .. });
                let (Role::Table { id, table, .. } | Role::Index { id, table, .. }) = role else {
                    continue;
                };
                let marked = found.tables.entry(id).or_default();
                let id = channel.id;
                marked.push(TableChannel {
                    id,
                    table,
                    is_index,
                });
            }
        }
        found.category = found.category.or(channel.parent_id);
    }
    databases
}

/// What is deleted of a dropped database, in this order, but for its log, which goes last: all
/// that carries its mark, then its categories. A category stays while anything else is in it.
pub fn remains(channels: &[Channel], database: &str, log: u64, me: u64) -> Vec<u64> {
    let is_ours = |channel: &&Channel| {
        let role = channel.topic.as_deref().and_then(Role::parse);
        channel.is_text() && role.is_some_and(|role| role.database() == database)
    };
    let ours: Vec<&Channel> = channels.iter().filter(is_ours).collect();
    let is_empty = |category: u64| {
        let mut inside = channels.iter().filter(|c| c.parent_id == Some(category));
        inside.all(|inside| ours.iter().any(|ours| ours.id == inside.id))
    };
    let name = category_name(database, 1);
    let is_home = |channel: &&Channel| {
        let named = channel.name.as_deref().and_then(|n| n.strip_prefix(&*name));
        let numbered = |rest: &str| {
            let number = rest.strip_prefix('-').and_then(|n| n.parse::<u32>().ok());
            rest.is_empty() || number.is_some()
        };
        channel.kind == CATEGORY
            && (ours.iter().any(|ours| ours.parent_id == Some(channel.id))
                || named.is_some_and(numbered) && is_made_by(channel, me))
            && is_empty(channel.id)
    };
    let marked = ours.iter().map(|channel| channel.id);
    let marked = marked.filter(|&id| id != log);
    let homes = channels.iter().filter(is_home).map(|category| category.id);
    marked.chain(homes).collect()
}

/// Whether a category has the overwrite that this bot makes categories with.
fn is_made_by(category: &Channel, me: u64) -> bool {
    let mut overwrites = category.permission_overwrites.iter();
    overwrites.any(|o| o.kind == MEMBER_OVERWRITE && o.id == me && o.allow & VIEW_CHANNEL != 0)
}

/// Whether the channel carries the mark of this database's log.
pub fn is_log(channels: &[Channel], database: &str, log: u64) -> bool {
    let found = discover(channels).remove(database);
    found.is_some_and(|found| found.logs.contains(&log))
}

/// The category that a first, interrupted `/dbc_init` left: right name, our own overwrite.
pub fn abandoned_category(channels: &[Channel], database: &str, me: u64) -> Option<u64> {
    let name = category_name(database, 1);
    let ours = |channel: &&Channel| {
        channel.kind == CATEGORY
            && channel.name.as_deref() == Some(&name)
            && is_made_by(channel, me)
    };
    channels.iter().filter(ours).map(|channel| channel.id).min()
}

/// Where a new channel of a database can go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    In {
        category: u64,
    },
    /// Every category of the database is full: make this one.
    NewCategory {
        number: u32,
    },
    /// The guild has as many channels as Discord allows.
    GuildFull,
}

/// Looks for room for one more channel of `database`.
pub fn room(channels: &[Channel], database: &str, home: Option<u64>) -> Room {
    if channels.len() >= GUILD_CHANNELS {
        return Room::GuildFull;
    }
    let has_room = |category: u64| {
        let inside = |channel: &&Channel| channel.parent_id == Some(category);
        channels.iter().filter(inside).count() < CATEGORY_CHANNELS
    };
    // It may have been deleted by hand.
    let home = home.filter(|&home| channels.iter().any(|channel| channel.id == home));
    if let Some(category) = home.filter(|&category| has_room(category)) {
        return Room::In { category };
    }
    let mut number = if home.is_some() { 2 } else { 1 };
    loop {
        let name = category_name(database, number);
        let named =
            |channel: &&Channel| channel.kind == CATEGORY && channel.name.as_deref() == Some(&name);
        match channels.iter().find(named) {
            Some(category) if has_room(category.id) && number > 1 => {
                return Room::In {
                    category: category.id,
                };
            }
            Some(_) => number += 1,
            None if channels.len() + 1 >= GUILD_CHANNELS => return Room::GuildFull,
            None => return Room::NewCategory { number },
        }
    }
}

/// `dbcord-prod`, then `dbcord-prod-2` and so on.
pub fn category_name(database: &str, number: u32) -> String {
    match number {
        0 | 1 => format!("dbcord-{database}"),
        more => format!("dbcord-{database}-{more}"),
    }
}

/// Who may do what in a channel of ours. Nobody but the bot posts; @everyone does not even look
/// when the database is private. The bot's own allowance stands in the same request, since denying
/// @everyone would lock it out too.
fn overwrites(guild: u64, me: u64, private: bool) -> Value {
    let denied = if private {
        VIEW_CHANNEL | SEND_MESSAGES
    } else {
        SEND_MESSAGES
    };
    json!([
        { "id": guild.to_string(), "type": ROLE_OVERWRITE, "allow": "0", "deny": denied.to_string() },
        { "id": me.to_string(), "type": MEMBER_OVERWRITE, "allow": OWN.to_string(), "deny": "0" },
    ])
}

/// Where a new channel is made, and who may see it.
#[derive(Debug, Clone, Copy)]
pub struct Audience {
    pub guild: u64,
    pub me: u64,
    pub private: bool,
}

/// Whether somebody hid a category from @everyone, whose role has the guild's id.
pub fn is_hidden(category: &Channel, guild: u64) -> bool {
    let mut overwrites = category.permission_overwrites.iter();
    overwrites.any(|o| o.kind == ROLE_OVERWRITE && o.id == guild && o.deny & VIEW_CHANNEL != 0)
}

/// The request body for a new category.
pub fn new_category(audience: Audience, database: &str, number: u32) -> Value {
    json!({
        "name": category_name(database, number),
        "type": CATEGORY,
        "permission_overwrites": overwrites(audience.guild, audience.me, audience.private),
    })
}

/// The request body that gives a channel the name and the topic of its role.
pub fn renamed_channel(role: &Role) -> Value {
    json!({ "name": role.channel_name(), "topic": role.topic() })
}

/// The request body for a new channel.
pub fn new_channel(audience: Audience, role: &Role, category: u64) -> Value {
    json!({
        "name": role.channel_name(),
        "type": TEXT_CHANNEL,
        "topic": role.topic(),
        "parent_id": category.to_string(),
        "permission_overwrites": overwrites(audience.guild, audience.me, audience.private),
    })
}

#[cfg(test)]
mod tests;
