//! What must be true of the guild once everything is quiet, and of the requests of a whole run.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::deed;
use super::linear::Database;
use super::operation::{BALANCE, Cell, Doc, TABLES};
use super::plan::has_bank;
use super::violation::{Law, Violation};
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
    if is_fair && let Some(line) = observed.limited.first() {
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

/// One message for each row, and it shows the row; a card for each table.
///
/// Where files cannot be read back, a message has only the beginning of a long document.
pub fn channels_say_what_rows_are(
    world: &World,
    database: &Database,
    has_files: bool,
) -> Result<(), Violation> {
    let guilty = |text: String| Err(Violation::new(Law::Mirrored, text));
    for (index, table) in TABLES.iter().enumerate() {
        let mut shown = rows_shown(world, table);
        let in_table = |cell: &Cell| usize::from(cell.table) == index;
        for cell in Cell::all().filter(in_table) {
            let messages = shown.remove(cell.key()).unwrap_or_default();
            let (gone, there): (Vec<_>, Vec<_>) = messages.iter().partition(|m| is_tombstone(m));
            let Some(doc) = database.current(cell) else {
                if !there.is_empty() || gone.len() > 1 {
                    return guilty(format!(
                        "{cell} is not there, and #{table} has {messages:?}"
                    ));
                }
                continue;
            };
            let [message] = there[..] else {
                return guilty(format!("{cell} has {} messages", there.len()));
            };
            let rev = database.0[&cell].len();
            if !gone.is_empty() || !shows(message, cell, rev, doc, has_files) {
                return guilty(format!(
                    "{cell} is at revision {rev}, {doc:?}; #{table} has {messages:?}"
                ));
            }
        }
        if let Some((key, _)) = shown.first_key_value() {
            return guilty(format!("#{table} shows a row `{key}` that there never was"));
        }
    }
    let catalog = deed::channel(world, "dbcord:1:catalog:").unwrap_or_default();
    let cards = catalog["messages"].as_array().into_iter().flatten();
    let cards = cards.filter(|message| message["author"]["bot"] == true);
    let cards: Vec<&str> = cards.filter_map(|card| card["content"].as_str()).collect();
    for table in TABLES {
        let of_table = |card: &&&str| card.starts_with(&format!("**{table}**"));
        if cards.iter().filter(of_table).count() != 1 {
            return guilty(format!("the cards are {cards:?}"));
        }
    }
    Ok(())
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

/// The messages of a table's channel, by key. The bystander has the same name, and no mark.
fn rows_shown(world: &World, table: &str) -> BTreeMap<String, Vec<Value>> {
    let state = world.state();
    let channels = state["channels"].as_array().expect("channels");
    let mark = format!("dbcord:1:table:prod:{table}:");
    let is_marked = |channel: &&Value| {
        let topic = channel["topic"].as_str();
        topic.is_some_and(|topic| topic.starts_with(&mark))
    };
    let mut rows: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for channel in channels.iter().filter(is_marked) {
        for message in channel["messages"].as_array().expect("messages") {
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
    }
    rows
}

/// Struck through.
fn is_tombstone(message: &Value) -> bool {
    let content = message["content"].as_str().unwrap_or_default();
    content.starts_with("~~")
}

fn shows(message: &Value, cell: Cell, rev: usize, doc: Doc, has_files: bool) -> bool {
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
