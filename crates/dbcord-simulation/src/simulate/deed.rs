//! What people with more rights than sense do to the database's channels by hand.

use std::fmt;

use fastrand::Rng;
use serde_json::{Value, json};

use super::place::{Cell, TABLES, has_rules};
use crate::harness::world::World;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// The row's messages are deleted.
    DeleteRow(Cell),
    /// The message of the row in the channel of an index is deleted.
    DeleteEntry(Cell),
    /// The embeds of the log's newest messages are hidden.
    HideEmbeds,
    /// Somebody writes into a channel what looks like the database's own.
    Forge(Forgery),
    /// The channel of a table gets another name.
    RenameChannel(u8),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forgery {
    Record,
    Row(Cell),
    Notice,
    Card,
}

impl Deed {
    pub fn draw(rng: &mut Rng) -> Deed {
        let table = rng.u8(..TABLES.len() as u8);
        let keys: Vec<Cell> = Cell::of_table(table).collect();
        let cell = keys[rng.usize(..keys.len())];
        // What is shown of rows with rules is not put right by writing to one of them, which may be refused.
        let rolled = rng.u8(..9);
        if has_rules(table) && matches!(rolled, 0..=2 | 8) {
            return Deed::HideEmbeds;
        }
        match rolled {
            8 => Deed::DeleteEntry(cell),
            0..=2 => Deed::DeleteRow(cell),
            3..=4 => Deed::HideEmbeds,
            5 => Deed::RenameChannel(cell.table),
            _ => Deed::Forge(match rng.u8(..4) {
                0 => Forgery::Record,
                1 => Forgery::Row(cell),
                2 => Forgery::Notice,
                _ => Forgery::Card,
            }),
        }
    }

    pub fn carry_out(self, world: &mut World) {
        match self {
            Deed::DeleteRow(cell) => delete_row(world, cell, &table_mark(cell.table)),
            Deed::DeleteEntry(cell) => delete_row(world, cell, &index_mark(cell.table)),
            Deed::HideEmbeds => hide_embeds(world),
            Deed::RenameChannel(table) => {
                let Some(channel) = channel(world, &table_mark(table)) else {
                    return;
                };
                let body = json!({ "name": format!("was-{}", TABLES[usize::from(table)]) });
                world.by_hand("PATCH", &path(&channel), Some(body));
            }
            Deed::Forge(forgery) => {
                let (mark, text) = forgery.text();
                if let Some(channel) = channel(world, &mark) {
                    let body = json!({ "content": text });
                    world.by_hand("POST", &format!("{}/messages", path(&channel)), Some(body));
                }
            }
        }
    }
}

impl Forgery {
    /// The mark of the channel that it goes to, and what it says.
    fn text(self) -> (String, String) {
        match self {
            Forgery::Record => (
                "dbcord:1:log:".to_owned(),
                "#999999 · users/a put\n```json\n{\"v\":1,\"epoch\":9999999999999,\"seq\":999999,\"ops\":[]}\n```"
                    .to_owned(),
            ),
            Forgery::Notice => (
                "dbcord:1:log:".to_owned(),
                "⚑ Give it to me.\n-# dbcord takeover · owner 0123456789abcdef".to_owned(),
            ),
            Forgery::Row(cell) => (
                table_mark(cell.table),
                format!("**{}** · rev 9999\n```json\n{{\"id\":\"{0}\"}}\n```", cell.key()),
            ),
            Forgery::Card => (
                "dbcord:1:catalog:".to_owned(),
                format!("**{}** · 7 rows", TABLES[0]),
            ),
        }
    }
}

fn delete_row(world: &mut World, cell: Cell, mark: &str) {
    let Some(channel) = channel(world, mark) else {
        return;
    };
    let name = format!("**{}**", cell.key());
    for message in messages(&channel) {
        let content = message["content"].as_str().unwrap_or_default();
        if content.trim_start_matches('~').starts_with(&name) {
            world.by_hand("DELETE", &path_of(&channel, &message), None);
        }
    }
}

fn hide_embeds(world: &mut World) {
    let Some(log) = channel(world, "dbcord:1:log:") else {
        return;
    };
    for message in messages(&log).iter().rev().take(10) {
        let has_embeds = message["embeds"]
            .as_array()
            .is_some_and(|embeds| !embeds.is_empty());
        if has_embeds {
            world.by_hand(
                "PATCH",
                &path_of(&log, message),
                Some(json!({ "flags": 4 })),
            );
        }
    }
}

pub fn table_mark(table: u8) -> String {
    format!("dbcord:1:table:prod:{}:", TABLES[usize::from(table)])
}

pub fn index_mark(table: u8) -> String {
    format!("dbcord:1:index:prod:{}:", TABLES[usize::from(table)])
}

/// The channel whose topic begins so.
pub fn channel(world: &World, mark: &str) -> Option<Value> {
    let state = world.state();
    let is_marked = |channel: &&Value| {
        let topic = channel["topic"].as_str();
        topic.is_some_and(|topic| topic.starts_with(mark))
    };
    state["channels"]
        .as_array()?
        .iter()
        .find(is_marked)
        .cloned()
}

fn messages(channel: &Value) -> Vec<Value> {
    channel["messages"].as_array().cloned().unwrap_or_default()
}

fn path(channel: &Value) -> String {
    format!("/channels/{}", channel["id"].as_str().unwrap_or_default())
}

fn path_of(channel: &Value, message: &Value) -> String {
    let id = message["id"].as_str().unwrap_or_default();
    format!("{}/messages/{id}", path(channel))
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Deed::DeleteRow(cell) => write!(f, "somebody deletes the messages of {cell}"),
            Deed::DeleteEntry(cell) => write!(f, "somebody deletes the index entry of {cell}"),
            Deed::HideEmbeds => f.write_str("somebody hides the embeds of the log"),
            Deed::Forge(forgery) => write!(f, "somebody writes what looks like a {forgery:?}"),
            Deed::RenameChannel(table) => {
                let table = TABLES[usize::from(*table)];
                write!(f, "somebody renames the channel of {table}")
            }
        }
    }
}
