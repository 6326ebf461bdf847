//! Records to messages and back.
//!
//! A record is JSON with its CRC-32 as the last field. It stands in the message's content when it
//! fits, else in embed descriptions, else in an attached file, packed when it is long, or, where files cannot be
//! read back, in a text file that the message refers to; a first line for people comes before it. The JSON is written so that Discord returns it unchanged (`text::escape_json`), and
//! the checksum is over the text itself, so that it holds whatever parses it.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::record::{
    CommitId, IN_TEXT, Link, Op, Record, VERSION, WITH_RULES, crc_text, parse_crc,
};
use crate::discord::model::Message;
use crate::discord::multipart::File;
use crate::engine::checkpoint::text_file::TextRef;
use crate::engine::gzip;
use crate::limits::{ATTACHMENT_BYTES, EMBED_DESCRIPTION, EMBED_TOTAL, MESSAGE_CONTENT};
use crate::text::{
    FENCE_END, JSON_FENCE, escape_json, escape_markdown, inline, truncate, unfence, utf16_len,
};

const CRC_FIELD: &str = ",\"crc\":\"";
/// Files up to this size stay plain, so that people can look at them where they are.
const PLAIN_FILE_BYTES: usize = 64 * 1024;
/// What a file unpacks to at most: beyond it a reader takes it for one made to exhaust memory.
const UNPACKED_BYTES: usize = 64 * 1024 * 1024;

/// A record ready to be posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    pub link: Link,
    pub content: String,
    pub embeds: Vec<String>,
    pub file: Option<File>,
}

/// Where a message of the log keeps its record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordBody {
    /// In the message itself.
    Inline(String),
    /// In a file that must be fetched first.
    Attachment { url: String },
    /// In a text file, packed.
    Text(TextRef),
    /// The message does not claim to be a record.
    NotARecord,
}

/// Why a text is no record that this code can use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DecodeError {
    Damaged(String),
    /// Written by a version that this one does not know.
    Newer(u32),
}

/// Writes a record.
///
/// # Errors
/// The size in bytes, when not even a file can hold it: packed, unless it is the unpacked text that
/// is too long.
pub fn encode(record: &Record) -> Result<Encoded, usize> {
    let (json, crc) = to_text(record);
    let link = Link {
        id: record.id(),
        crc,
    };
    let title = title(record);
    let content = format!("{title}\n{JSON_FENCE}{json}{FENCE_END}");
    if utf16_len(&content) <= MESSAGE_CONTENT {
        return Ok(Encoded {
            link,
            content,
            embeds: Vec::new(),
            file: None,
        });
    }
    if let Some(embeds) = split_into_embeds(&json) {
        return Ok(Encoded {
            link,
            content: title,
            embeds,
            file: None,
        });
    }
    Ok(Encoded {
        link,
        content: title,
        embeds: Vec::new(),
        file: Some(file(record.seq, json)?),
    })
}

/// Makes a record that needs a file refer to the text file that has it, [`Encoded::packed`].
pub fn refer(encoded: Encoded, text: TextRef) -> Encoded {
    let away = Away { v: IN_TEXT, text };
    // It has string keys only, so writing it cannot fail.
    let (json, _) = seal(&serde_json::to_string(&away).unwrap_or_default());
    let title = encoded.content;
    Encoded {
        content: format!("{title}\n{JSON_FENCE}{json}{FENCE_END}"),
        file: None,
        ..encoded
    }
}

/// Where a message says that its record stands, unless it has the record itself.
fn referred_to(json: &str) -> Option<TextRef> {
    let is_away = json.starts_with(&format!("{{\"v\":{IN_TEXT},"));
    let (text, _) = unseal(json).ok().filter(|_| is_away)?;
    let away: Away = serde_json::from_str(&text).ok()?;
    (away.v == IN_TEXT).then_some(away.text)
}

/// What stands in a message instead of its record.
#[derive(Serialize, Deserialize)]
struct Away {
    v: u32,
    text: TextRef,
}

impl Encoded {
    /// The record's file as a text file has it.
    pub fn packed(&self) -> Option<Bytes> {
        let bytes = &self.file.as_ref()?.bytes;
        Some(match gzip::is_gzip(bytes) {
            true => bytes.clone(),
            false => gzip::pack(bytes).into(),
        })
    }
}

/// Finds a message's record.
pub fn locate(message: &Message) -> RecordBody {
    if title_seq(&message.content).is_none() {
        return RecordBody::NotARecord;
    }
    if let Some((_, body)) = message.content.split_once('\n') {
        let text = unfence(body, JSON_FENCE).unwrap_or(body);
        return match referred_to(text) {
            Some(text) => RecordBody::Text(text),
            None => RecordBody::Inline(text.to_owned()),
        };
    }
    if let Some(file) = message.attachments.first() {
        return RecordBody::Attachment {
            url: file.url.clone(),
        };
    }
    let chunks = message
        .embeds
        .iter()
        .filter_map(|e| e.description.as_deref());
    let bare = |block| unfence(block, JSON_FENCE).unwrap_or(block);
    RecordBody::Inline(chunks.map(bare).collect())
}

/// The sequence number in a record's first line; a damaged record still shows it.
pub fn title_seq(content: &str) -> Option<u64> {
    let (seq, _) = content.strip_prefix('#')?.split_once(" · ")?;
    seq.parse().ok()
}

/// Reads a record's text.
///
/// # Errors
/// [`DecodeError`]; a text that differs in a single bit is damaged.
pub fn decode(json: &str) -> Result<(Record, Link), DecodeError> {
    let damaged = |why: &str| DecodeError::Damaged(why.to_owned());
    let (text, crc) = unseal(json)?;
    let version = serde_json::from_str::<Version>(&text).map(|version| version.v);
    match version {
        Ok(VERSION | WITH_RULES) => {}
        Ok(newer) if newer > IN_TEXT => return Err(DecodeError::Newer(newer)),
        Ok(other) => {
            return Err(damaged(&format!(
                "`v` is {other}, no format version of records"
            )));
        }
        Err(_) => return Err(damaged("it has no format version")),
    }
    let record: Record = serde_json::from_str(&text)
        .map_err(|error| DecodeError::Damaged(format!("it is no record: {error}")))?;
    if !has_room(&record) {
        return Err(damaged(
            "it has a number that leaves no room for a next one",
        ));
    }
    let link = Link {
        id: record.id(),
        crc,
    };
    Ok((record, link))
}

/// The highest epoch, sequence number and revision: no clock and no log gets there, and every reader
/// of JSON has it exactly.
pub const LAST: u64 = (1 << 53) - 1;

/// Whether all numbers that are counted on from are within their bounds.
fn has_room(record: &Record) -> bool {
    let has_room = |id: CommitId| id.epoch() <= LAST && id.seq() <= LAST;
    has_room(record.id())
        && record.ops.iter().all(|op| match op {
            Op::Put { rev, .. } | Op::Delete { rev, .. } => *rev <= LAST,
            Op::CreateTable { id, .. } | Op::CreateIndex { id, .. } => *id < u32::MAX,
            Op::Checkpoint { head, .. } => has_room(head.id),
            _ => true,
        })
}

/// What every version of the format has.
#[derive(Deserialize)]
struct Version {
    v: u32,
}

fn to_text(record: &Record) -> (String, u32) {
    // A record has string keys only, so writing it cannot fail.
    seal(&serde_json::to_string(record).unwrap_or_default())
}

/// An object's JSON as it stands in messages, with its checksum.
fn seal(json: &str) -> (String, u32) {
    let json = escape_json(json);
    let body = json.strip_suffix('}').unwrap_or(&json);
    let crc = checksum(body);
    (format!("{body}{CRC_FIELD}{}\"}}", crc_text(crc)), crc)
}

/// Takes back [`seal`]. The text without its closing brace and checksum is what the checksum covers.
fn unseal(json: &str) -> Result<(String, u32), DecodeError> {
    let damaged = |why: &str| DecodeError::Damaged(why.to_owned());
    let (body, tail) = json
        .rsplit_once(CRC_FIELD)
        .ok_or_else(|| damaged("it has no checksum"))?;
    let crc = tail
        .strip_suffix("\"}")
        .and_then(parse_crc)
        .ok_or_else(|| damaged("its checksum cannot be read"))?;
    if checksum(body) != crc {
        return Err(damaged("its checksum does not match"));
    }
    Ok((format!("{body}}}"), crc))
}

fn checksum(body: &str) -> u32 {
    crc32fast::hash(body.as_bytes())
}

/// `#1042 · users/u_1 put`
fn title(record: &Record) -> String {
    let what = match record.ops.as_slice() {
        [] => "settled".to_owned(),
        [op] => op.summary(),
        [op, rest @ ..] => format!("{} and {} more", op.summary(), rest.len()),
    };
    let what = truncate(&escape_markdown(&inline(&what)), 150);
    format!("#{} · {what}", record.seq)
}

/// Cuts the text so that each piece, in its code block, fits a description, and all together fit
/// a message. None when they do not.
fn split_into_embeds(json: &str) -> Option<Vec<String>> {
    // A code unit is at most three bytes: what is far too long is not even looked at.
    if json.len() > 3 * EMBED_TOTAL {
        return None;
    }
    let overhead = utf16_len(JSON_FENCE) + utf16_len(FENCE_END);
    let room = EMBED_DESCRIPTION - overhead;
    let mut pieces = vec![String::new()];
    let mut used = 0;
    for c in json.chars() {
        if used + c.len_utf16() > room {
            pieces.push(String::new());
            used = 0;
        }
        used += c.len_utf16();
        pieces.last_mut()?.push(c);
    }
    let descriptions: Vec<String> = pieces
        .iter()
        .map(|piece| format!("{JSON_FENCE}{piece}{FENCE_END}"))
        .collect();
    let total: usize = descriptions.iter().map(|text| utf16_len(text)).sum();
    (total <= EMBED_TOTAL).then_some(descriptions)
}

fn file(seq: u64, json: String) -> Result<File, usize> {
    if json.len() <= PLAIN_FILE_BYTES {
        return Ok(File {
            name: format!("{seq}.json"),
            content_type: "application/json",
            bytes: json.into(),
        });
    }
    if json.len() > UNPACKED_BYTES {
        return Err(json.len());
    }
    let packed = gzip::pack(json.as_bytes());
    if packed.len() > ATTACHMENT_BYTES {
        return Err(packed.len());
    }
    Ok(File {
        name: format!("{seq}.json.gz"),
        content_type: "application/gzip",
        bytes: packed.into(),
    })
}

/// The text of a fetched file, packed or not: its first bytes tell.
///
/// # Errors
/// [`DecodeError::Damaged`] when it cannot be unpacked or is no text.
pub fn file_text(bytes: &[u8]) -> Result<String, DecodeError> {
    let unpacked = if gzip::is_gzip(bytes) {
        gzip::unpack(bytes, UNPACKED_BYTES)
            .map_err(|why| DecodeError::Damaged(format!("its file is damaged: {why}")))?
    } else {
        bytes.to_vec()
    };
    String::from_utf8(unpacked)
        .map_err(|_| DecodeError::Damaged("its file is not UTF-8 text".to_owned()))
}

#[cfg(test)]
mod tests;
