//! Every document that somebody who may see everything in the guild can still find: in messages of
//! all channels and threads, and in the files that hang on them, packed or not.
//!
//! The engine's own readers are not used: what they overlook has to be found as well.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use discord_sim::Outcome;
use flate2::read::GzDecoder;
use http::Request;
use serde_json::Value;

use crate::harness::world::World;

/// What each document is marked with.
const MARK: &str = "\"v\":";
/// The first line of a message that is a part of a file begins so.
const PART: &str = "§ ";

/// The marks of all documents in the guild.
pub fn values_to_be_found(world: &World) -> BTreeSet<u64> {
    let mut values = BTreeSet::new();
    for text in texts(world) {
        for (at, _) in text.match_indices(MARK) {
            let rest = text[at + MARK.len()..].trim_start();
            let digits = rest.find(|c: char| !c.is_ascii_digit());
            let number = rest[..digits.unwrap_or(rest.len())].parse::<u64>();
            values.extend(number.ok());
        }
    }
    values
}

fn texts(world: &World) -> Vec<String> {
    let state = world.state();
    let mut texts = Vec::new();
    // A file that is cut into messages, by what their titles have in common.
    let mut parts: BTreeMap<String, BTreeMap<usize, Vec<u8>>> = BTreeMap::new();
    for place in ["channels", "threads"] {
        for channel in list(&state[place]) {
            // An index over the mark has it in back-ticks, before the word that it is found by.
            let topic = channel["topic"].as_str().unwrap_or_default();
            let is_of_marks = topic.starts_with("dbcord:1:index:") && topic.contains(" under v,");
            for message in list(&channel["messages"]) {
                let content = message["content"].as_str().unwrap_or_default();
                let embeds = list(&message["embeds"]).map(|embed| &embed["description"]);
                let embeds: Vec<&str> = embeds.filter_map(Value::as_str).collect();
                if let Some((file, number)) = part_of(content) {
                    let body = content.split_once('\n').map_or("", |(_, body)| body);
                    let text = std::iter::once(body).chain(embeds.iter().copied());
                    let base64: String = text.map(|text| text.replace(['`', '\n'], "")).collect();
                    let bytes = STANDARD.decode(base64).unwrap_or_default();
                    parts.entry(file).or_default().insert(number, bytes);
                }
                let lines = content.lines().filter(|_| is_of_marks);
                texts.extend(lines.filter_map(|line| {
                    let (value, _) = line.strip_prefix('`')?.split_once("` dx")?;
                    Some(format!("{MARK}{value}"))
                }));
                texts.push(content.to_owned());
                texts.extend(embeds.into_iter().map(str::to_owned));
                let urls = list(&message["attachments"]).map(|file| &file["url"]);
                let files = urls.filter_map(|url| fetch(world, url.as_str()?));
                texts.extend(files.map(|file| text(&file)));
            }
        }
    }
    let files = parts.into_values();
    texts.extend(files.map(|parts| text(&parts.into_values().flatten().collect::<Vec<u8>>())));
    texts
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// `§ name · part 1/2 · sum · sum of the part`: which file, and which part.
fn part_of(content: &str) -> Option<(String, usize)> {
    let title = content.lines().next()?.strip_prefix(PART)?;
    let (name, rest) = title.split_once(" · part ")?;
    let (number, rest) = rest.split_once('/')?;
    let (of_and_sum, _) = rest.rsplit_once(" · ")?;
    Some((format!("{name} {of_and_sum}"), number.parse().ok()?))
}

/// As far as it can be unpacked.
fn text(file: &[u8]) -> String {
    let mut unpacked = Vec::new();
    if file.starts_with(&[0x1f, 0x8b]) {
        // What comes before a fault is kept.
        let _ = GzDecoder::new(file).read_to_end(&mut unpacked);
    } else {
        unpacked.extend_from_slice(file);
    }
    String::from_utf8_lossy(&unpacked).into_owned()
}

/// Faults that are meant for the database are over, but for files that the host lets nobody fetch:
/// those nobody finds.
fn fetch(world: &World, url: &str) -> Option<Bytes> {
    let request = Request::get(url).body(Bytes::new()).ok()?;
    let now = world.now();
    match world.with_discord(|discord| discord.handle(now, request)) {
        Outcome::Responded { response, .. } if response.status() == 200 => {
            Some(response.into_body())
        }
        _ => None,
    }
}
