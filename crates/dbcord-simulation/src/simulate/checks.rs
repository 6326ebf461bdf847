//! What must be true of the guild once everything is quiet, and of the requests of a whole run.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::doc::Doc;
use super::model::Database;
use super::place::{BALANCE, Cell, LASTING, TABLES, has_rules, indexed};
use super::plan::has_bank;
use super::rules::INDEXES;
use super::violation::{Law, Violation};
use super::{copies, deed};
use crate::harness::world::World;

/// A channel that is none of the database's business, as it looked in the beginning.
pub struct Bystander {
    channel: String,
    state: Value,
}

pub fn make_bystander(world: &mut World) -> Bystander {
    let guild = world.guild.guild_id;
    let body = json!({"name": "table-users", "topic": "about users", "type": 0});
    let made = world.by_hand("POST", &format!("/guilds/{guild}/channels"), Some(body));
    let made: Value = serde_json::from_slice(made.body()).expect("a channel");
    let channel = made["id"].as_str().expect("an id").to_owned();
    for text in ["**a** · rev 1", "#1 · prod init"] {
        let path = format!("/channels/{channel}/messages");
        world.by_hand("POST", &path, Some(json!({ "content": text })));
    }
    let state = channel_by_id(world, &channel);
    Bystander { channel, state }
}

pub fn bystander_is_untouched(world: &World, bystander: &Bystander) -> Result<(), Violation> {
    let now = channel_by_id(world, &bystander.channel);
    if now == bystander.state {
        return Ok(());
    }
    Err(Violation::new(
        Law::Bystander,
        format!("{now} was {}", bystander.state),
    ))
}

pub fn requests_are_lawful(world: &World, is_fair: bool) -> Result<(), Violation> {
    let observed = world.observed();
    let guilty = |text: String| Err(Violation::new(Law::Requests, text));
    if let Some(line) = observed.crossed.first() {
        return guilty(format!(
            "{line} was answered with a message of another channel"
        ));
    }
    // How often a channel may be renamed no header tells before the refusal, so an object that
    // does not know of its predecessor's renames finds out by asking.
    let is_rename = |line: &&String| line.starts_with("PATCH") && !line.contains("/messages/");
    let mut limited = observed.limited.iter();
    if is_fair && let Some(line) = limited.find(|line| !is_rename(line)) {
        return guilty(format!("429 for {line}"));
    }
    if is_fair && observed.over_budget > 0 {
        let times = observed.over_budget;
        return guilty(format!(
            "{times} requests over what the host allows between two events"
        ));
    }
    Ok(())
}

/// What a run lets the channels look like.
#[derive(Debug, Clone, Copy)]
pub struct Looks {
    /// Where files cannot be read back, a message has only the beginning of a long document.
    pub has_files: bool,
    /// Nobody gave channels other names by hand.
    pub has_names: bool,
}

/// One message for each row, and it shows the row; a channel and a card for each table, and none
/// of tables that are gone.
pub fn channels_say_what_rows_are(
    world: &World,
    database: &Database,
    looks: Looks,
) -> Result<(), Violation> {
    // All of the guild: to put it together takes longer than everything that is done with it.
    let guild = &world.state();
    for (index, name) in TABLES.iter().enumerate() {
        let table = database.tables.get(&(index as u8));
        let channels = channels_of(guild, name);
        let is_right = match table.map(|table| table.is_shown) {
            Some(None) => channels.len() <= 1,
            Some(Some(is_shown)) => channels.len() == usize::from(is_shown),
            None => channels.is_empty(),
        };
        if !is_right {
            return guilty(format!(
                "table {name} is {}, and has {} channels",
                table.map_or("not there".to_owned(), |table| format!("{table:?}")),
                channels.len()
            ));
        }
        for channel in channels {
            let called = channel["name"].as_str().unwrap_or_default();
            if looks.has_names && called != format!("table-{name}") {
                return guilty(format!("the channel of table {name} is #{called}"));
            }
            shows_rows(channel, index as u8, database, looks.has_files)?;
        }
    }
    for table in 0..TABLES.len() as u8 {
        match has_rules(table) {
            true => shows_all_indexes(guild, table, database)?,
            false => shows_index(guild, table, database)?,
        }
    }
    cards_are_right(guild, database)
}

/// A channel for each of the table's indexes, with a message for each row that has values in it.
fn shows_all_indexes(guild: &Value, table: u8, database: &Database) -> Result<(), Violation> {
    let name = TABLES[usize::from(table)];
    let mut channels = marked(guild, &deed::index_mark(table));
    let found = database.tables.get(&table);
    let has = |at: usize| found.is_some_and(|table| table.has_index(at as u8));
    for (_, index) in INDEXES.iter().enumerate().filter(|(at, _)| has(*at)) {
        let under = format!(" under {index},");
        let is_of = |channel: &&Value| {
            let topic = channel["topic"].as_str().unwrap_or_default();
            topic.contains(&under)
        };
        let Some(at) = channels.iter().position(is_of) else {
            return guilty(format!("index {index} of {name} has no channel"));
        };
        let mut shown = rows_shown(channels.swap_remove(at));
        for cell in Cell::of_table(table) {
            let doc = database.current(cell);
            let mut wanted = doc.map(|doc| index.shown(&doc)).unwrap_or_default();
            let messages = shown.remove(cell.key()).unwrap_or_default();
            let contents = messages.iter().filter_map(|m| m["content"].as_str());
            let lines = contents.flat_map(str::lines);
            let values =
                lines.filter_map(|line| Some(line.strip_prefix('`')?.split_once("` dx")?.0));
            // A field that is missing counts as null, so one that becomes null is no reason for an edit.
            let mut says: Vec<String> = values
                .map(|value| value.replace("nothing", "null"))
                .collect();
            says.sort_unstable();
            wanted.sort_unstable();
            let is_one = messages.len() == usize::from(!wanted.is_empty());
            if !is_one || says != wanted {
                return guilty(format!(
                    "index {index} of {name} says {says:?} of {cell}, which has {wanted:?}, in {} messages",
                    messages.len()
                ));
            }
        }
        if let Some((key, _)) = shown.first_key_value() {
            return guilty(format!("index {index} of {name} shows a row `{key}`"));
        }
    }
    match channels.first() {
        Some(channel) => guilty(format!(
            "{name} has one more channel of an index: {}",
            channel["topic"]
        )),
        None => Ok(()),
    }
}

/// An index's channel has a message for each row, with its value, and nothing else. Whether a table that
/// comes and goes has one, nobody keeps track of.
fn shows_index(guild: &Value, table: u8, database: &Database) -> Result<(), Violation> {
    let (name, field) = (TABLES[usize::from(table)], indexed(table));
    let found = database.tables.get(&table);
    let channels = marked(guild, &deed::index_mark(table));
    let is_shown = found.is_some_and(|found| found.is_shown != Some(false));
    let most = usize::from(is_shown);
    let least = if table < LASTING { most } else { 0 };
    if !(least..=most).contains(&channels.len()) {
        return guilty(format!(
            "the index of table {name}, which is {found:?}, has {} channels",
            channels.len()
        ));
    }
    for channel in channels {
        let mut shown = rows_shown(channel);
        for cell in Cell::of_table(table) {
            let value = database.current(cell).map(|doc| match field {
                "v" => doc.v.to_string(),
                _ => doc.balance.to_string(),
            });
            let messages = shown.remove(cell.key()).unwrap_or_default();
            let contents = messages.iter().filter_map(|m| m["content"].as_str());
            let says: Vec<Option<&str>> = contents
                .map(|content| {
                    let mut lines = content.lines();
                    lines.find_map(|line| Some(line.strip_prefix('`')?.split_once("` dx")?.0))
                })
                .collect();
            let wanted: Vec<Option<&str>> = value.iter().map(|value| Some(&**value)).collect();
            if says != wanted {
                return guilty(format!(
                    "the index of {name} says {says:?} of {cell}, which has {value:?}"
                ));
            }
        }
        if let Some((key, _)) = shown.first_key_value() {
            return guilty(format!("the index of {name} shows a row `{key}`"));
        }
    }
    Ok(())
}

fn shows_rows(
    channel: &Value,
    table: u8,
    database: &Database,
    has_files: bool,
) -> Result<(), Violation> {
    let name = TABLES[usize::from(table)];
    let mut shown = rows_shown(channel);
    for cell in Cell::of_table(table) {
        let messages = shown.remove(cell.key()).unwrap_or_default();
        let (gone, there): (Vec<_>, Vec<_>) = messages.iter().partition(|m| is_tombstone(m));
        let Some(doc) = database.current(cell) else {
            let tombstones = usize::from(!database.is_gone_for_good(cell));
            if !there.is_empty() || gone.len() > tombstones {
                return guilty(format!("{cell} is not there, and #{name} has {messages:?}"));
            }
            continue;
        };
        let [message] = there[..] else {
            return guilty(format!("{cell} has {} messages", there.len()));
        };
        let rev = database.rev(cell);
        if !gone.is_empty() || !shows(message, cell, rev, doc, has_files) {
            return guilty(format!(
                "{cell} is at revision {rev}, {doc:?}; #{name} has {messages:?}"
            ));
        }
    }
    match shown.first_key_value() {
        Some((key, _)) => guilty(format!("#{name} shows a row `{key}` that there never was")),
        None => Ok(()),
    }
}

fn cards_are_right(guild: &Value, database: &Database) -> Result<(), Violation> {
    let catalog = marked(guild, "dbcord:1:catalog:");
    let catalog = catalog.first().copied().unwrap_or(&Value::Null);
    let cards = catalog["messages"].as_array().into_iter().flatten();
    let cards = cards.filter(|message| message["author"]["bot"] == true);
    let cards: Vec<&str> = cards.filter_map(|card| card["content"].as_str()).collect();
    for (index, name) in TABLES.iter().enumerate() {
        let of_table = |card: &&&str| card.starts_with(&format!("**{name}** · table"));
        let wanted = database.tables.contains_key(&(index as u8));
        if cards.iter().filter(of_table).count() != usize::from(wanted) {
            return guilty(format!("the cards are {cards:?}"));
        }
    }
    Ok(())
}

/// What was deleted for good is nowhere in the guild.
pub fn no_copy_is_left(world: &World, erased: &BTreeSet<u64>) -> Result<(), Violation> {
    if erased.is_empty() {
        return Ok(());
    }
    let found = copies::values_to_be_found(world);
    let left: Vec<&u64> = erased.intersection(&found).collect();
    if left.is_empty() {
        return Ok(());
    }
    Err(Violation::new(
        Law::Erased,
        format!("of the documents with v={left:?} there are copies"),
    ))
}

fn guilty(text: String) -> Result<(), Violation> {
    Err(Violation::new(Law::Mirrored, text))
}

/// As the rows were read.
pub fn rules_hold(database: &Database) -> Result<(), Violation> {
    match database.broken_rule() {
        Some(text) => Err(Violation::new(Law::Rules, text)),
        None => Ok(()),
    }
}

pub fn bank_is_whole(database: &Database) -> Result<(), Violation> {
    let accounts = || Cell::all().filter(|cell| has_bank() && cell.is_account());
    let balance = |cell| database.current(cell).map_or(0, |doc| doc.balance);
    let total: i64 = accounts().map(balance).sum();
    let expected = BALANCE * accounts().count() as i64;
    if total == expected {
        return Ok(());
    }
    Err(Violation::new(
        Law::Bank,
        format!("{total} instead of {expected}"),
    ))
}

/// What an object posts to see whether it can read a channel. One that dies before it has deleted
/// the message leaves it behind, and the message says so itself.
const PROBE: &str = "dbcord checks whether it can read this channel.";

/// The channels of a table. The bystander has the same name, and no mark.
fn channels_of<'a>(guild: &'a Value, table: &str) -> Vec<&'a Value> {
    marked(guild, &format!("dbcord:1:table:prod:{table}:"))
}

/// The channels whose topic begins so.
fn marked<'a>(guild: &'a Value, mark: &str) -> Vec<&'a Value> {
    let channels = guild["channels"].as_array().into_iter().flatten();
    let is_marked = |channel: &&Value| {
        let topic = channel["topic"].as_str();
        topic.is_some_and(|topic| topic.starts_with(mark))
    };
    channels.filter(is_marked).collect()
}

/// The messages of a table's channel, by key.
fn rows_shown(channel: &Value) -> BTreeMap<String, Vec<Value>> {
    let mut rows: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for message in channel["messages"].as_array().into_iter().flatten() {
        let content = message["content"].as_str().unwrap_or_default();
        // Discord's own notices, of threads for example, have another type.
        let is_ours = message["author"]["bot"] == true;
        if !is_ours || message["type"] != 0 || content.starts_with(PROBE) {
            continue;
        }
        let first = content.lines().next().unwrap_or_default();
        // A tombstone's first line begins with `~~**key**~~`.
        let name = first.trim_start_matches(['*', '~']);
        let key = name.split("**").next().unwrap_or_default().to_owned();
        rows.entry(key).or_default().push(message.clone());
    }
    rows
}

/// Struck through.
fn is_tombstone(message: &Value) -> bool {
    let content = message["content"].as_str().unwrap_or_default();
    content.starts_with("~~")
}

fn shows(message: &Value, cell: Cell, rev: u64, doc: Doc, has_files: bool) -> bool {
    let content = message["content"].as_str().unwrap_or_default();
    let head = format!("**{}** · rev {rev}\n", cell.key());
    if !content.starts_with(&head) {
        return false;
    }
    let bytes = doc.json(cell.key()).to_string().len();
    // A document that is too long stands in a file, whose size is known.
    if let Some(file) = message["attachments"]
        .as_array()
        .and_then(|files| files.first())
    {
        return file["size"] == bytes;
    }
    if !has_files && content.ends_with(&format!("the beginning of {bytes} bytes")) {
        return true;
    }
    let shown = content
        .split_once("```json\n")
        .and_then(|(_, rest)| rest.rsplit_once("\n```"));
    shown.and_then(|(text, _)| Doc::parse(cell.key(), text)) == Some(doc)
}

fn channel_by_id(world: &World, id: &str) -> Value {
    let state = world.state();
    let mut channels = state["channels"].as_array().expect("channels").iter();
    channels
        .find(|channel| channel["id"] == id)
        .cloned()
        .unwrap_or_default()
}
