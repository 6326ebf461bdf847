//! Files as the text of messages, for guilds where attachments cannot be read back: those of checkpoints,
//! and records.
//!
//! Each message is a part: a first line that names it, then base64 in code blocks, in the content
//! and in embed descriptions. Base64 has nothing that Discord would trim, strip or fold.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::file_sum::FileSum;
use crate::discord::model::Message;
use crate::discord::multipart::file_name;
use crate::engine::log::record::{crc_text, parse_crc};
use crate::engine::numbers::id_list;
use crate::limits::{EMBED_DESCRIPTION, EMBED_TOTAL, MESSAGE_CONTENT};
use crate::text::{FENCE, FENCE_END, inline, unfence, utf16_len};

/// A record's first line begins with `#`, a row's with `**`: no part is taken for either.
const MARK: &str = "§ ";
const RECORD: &str = "record.";
const RECORD_ENDING: &str = ".json.gz";

/// Where a text file stands, and by what it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextRef {
    #[serde(with = "id_list")]
    pub messages: Vec<u64>,
    pub sum: FileSum,
    pub bytes: u64,
}

/// A message to be posted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextPart {
    pub content: String,
    /// Descriptions.
    pub embeds: Vec<String>,
}

/// The content of a message that has the file attached.
pub fn attachment_title(name: &str, sum: FileSum) -> String {
    format!("{MARK}{} · attached · {sum}", file_name(name))
}

/// Whether a message is part of a checkpoint or of a record, as its first line says.
pub fn is_part(content: &str) -> bool {
    content.starts_with(MARK)
}

/// A file that takes more messages than it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManyParts {
    pub parts: usize,
    pub max_parts: usize,
}

/// The name of the file that a message is a part of, or has attached.
pub fn name_of(content: &str) -> Option<&str> {
    let (name, _) = content.strip_prefix(MARK)?.split_once(" · ")?;
    Some(name)
}

/// What the text of a record is called.
pub fn name_of_record(seq: u64) -> String {
    format!("{RECORD}{seq}{RECORD_ENDING}")
}

/// The number of the record that a file of this name has the text of.
pub fn record_of(name: &str) -> Option<u64> {
    let seq = name.strip_prefix(RECORD)?.strip_suffix(RECORD_ENDING)?;
    seq.parse().ok()
}

/// Cuts a file into messages. An empty file is one part too.
///
/// # Errors
/// [`TooManyParts`]
pub fn split(name: &str, bytes: &[u8], max_parts: usize) -> Result<Vec<TextPart>, TooManyParts> {
    let name = file_name(name);
    let file = FileSum::of(bytes);
    // The first line is never longer than that of the last part there may be.
    let longest_title = utf16_len(&title(&name, max_parts, max_parts, file, 0));
    let room = Room::beside(longest_title);
    let parts = bytes.len().div_ceil(room.bytes()).max(1);
    if parts > max_parts {
        return Err(TooManyParts { parts, max_parts });
    }
    let part = |(at, bytes): (usize, &[u8])| {
        let text = STANDARD.encode(bytes);
        let crc = crc32fast::hash(text.as_bytes());
        let title = title(&name, at + 1, parts, file, crc);
        let (in_content, rest) = cut(&text, room.content);
        let (first, second) = cut(rest, room.first_embed);
        let embeds = [first, second].into_iter().filter(|text| !text.is_empty());
        TextPart {
            content: format!("{title}\n{}", fence(in_content)),
            embeds: embeds.map(fence).collect(),
        }
    };
    if bytes.is_empty() {
        return Ok(vec![part((0, bytes))]);
    }
    Ok(bytes.chunks(room.bytes()).enumerate().map(part).collect())
}

/// A part as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenPart {
    /// The message's id.
    pub message: u64,
    pub name: String,
    /// From 1 on.
    pub number: usize,
    pub of: usize,
    /// The whole file's.
    pub sum: FileSum,
    /// None when they are not what the first line says: the message was changed, or somebody hid
    /// its embeds.
    pub bytes: Option<Bytes>,
}

/// Reads a part; None when the message does not claim to be one.
pub fn parse(message: &Message) -> Option<SeenPart> {
    let (title, body) = match message.content.split_once('\n') {
        Some((title, body)) => (title, Some(body)),
        None => (message.content.as_str(), None),
    };
    let mut fields = title.strip_prefix(MARK)?.split(" · ");
    let name = fields.next()?.to_owned();
    let (number, of) = fields.next()?.strip_prefix("part ")?.split_once('/')?;
    let (number, of) = (number.parse().ok()?, of.parse().ok()?);
    let sum = FileSum::parse(fields.next()?)?;
    let crc = parse_crc(fields.next()?)?;
    if fields.next().is_some() || number < 1 || number > of {
        return None;
    }
    let descriptions = message
        .embeds
        .iter()
        .filter_map(|embed| embed.description.as_deref());
    let bare = |block| unfence(block, FENCE).unwrap_or(block);
    let text: String = body.into_iter().chain(descriptions).map(bare).collect();
    let bytes = if crc32fast::hash(text.as_bytes()) == crc {
        STANDARD.decode(&text).ok().map(Bytes::from)
    } else {
        None
    };
    Some(SeenPart {
        message: message.id,
        name,
        number,
        of,
        sum,
        bytes,
    })
}

/// Why parts do not make a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JoinError {
    /// No part of the file is there.
    Nothing { sum: FileSum },
    Missing {
        name: String,
        number: usize,
        of: usize,
    },
    Damaged {
        name: String,
        number: usize,
        message: u64,
    },
    /// All parts are intact, and together they are another file.
    Altered { name: String },
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JoinError::Nothing { sum } => {
                write!(f, "of the file with the checksum {sum} no part is there")
            }
            JoinError::Missing { name, number, of } => {
                let name = inline(name);
                write!(f, "of the file `{name}` part {number} of {of} is missing")
            }
            JoinError::Damaged {
                name,
                number,
                message,
            } => {
                let name = inline(name);
                write!(
                    f,
                    "of the file `{name}` part {number} (message {message}) was changed or its embeds are hidden"
                )
            }
            JoinError::Altered { name } => {
                let name = inline(name);
                write!(f, "the parts of `{name}` do not have the file's checksum")
            }
        }
    }
}

/// Puts the file with this checksum together. Parts come in any order and as often as they like;
/// those of other files are passed over.
///
/// # Errors
/// [`JoinError`], about the first part that is not as it should be.
pub fn join(parts: impl IntoIterator<Item = SeenPart>, sum: FileSum) -> Result<Bytes, JoinError> {
    // A file that was cut twice in different ways is there twice.
    let mut cuts: BTreeMap<(String, usize), BTreeMap<usize, SeenPart>> = BTreeMap::new();
    for part in parts {
        if part.sum != sum {
            continue;
        }
        let cut = cuts.entry((part.name.clone(), part.of)).or_default();
        let known = cut.get(&part.number);
        if known.is_none_or(|known| known.bytes.is_none()) {
            cut.insert(part.number, part);
        }
    }
    let mut first_error = None;
    for ((name, of), parts) in &cuts {
        match join_cut(name, *of, parts, sum) {
            Ok(bytes) => return Ok(bytes),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    Err(first_error.unwrap_or(JoinError::Nothing { sum }))
}

fn join_cut(
    name: &str,
    of: usize,
    parts: &BTreeMap<usize, SeenPart>,
    sum: FileSum,
) -> Result<Bytes, JoinError> {
    let name = || name.to_owned();
    let mut bytes = Vec::new();
    // Stops at the first gap, however many parts a message claims.
    for number in 1..=of {
        let part = parts.get(&number).ok_or_else(|| JoinError::Missing {
            name: name(),
            number,
            of,
        })?;
        let part_bytes = part.bytes.as_ref().ok_or_else(|| JoinError::Damaged {
            name: name(),
            number,
            message: part.message,
        })?;
        bytes.extend_from_slice(part_bytes);
    }
    if FileSum::of(&bytes) != sum {
        return Err(JoinError::Altered { name: name() });
    }
    Ok(bytes.into())
}

/// How many characters of base64 go where.
struct Room {
    content: usize,
    first_embed: usize,
    second_embed: usize,
}

impl Room {
    fn beside(title: usize) -> Self {
        let fences = FENCE.len() + FENCE_END.len();
        Room {
            content: MESSAGE_CONTENT.saturating_sub(title + 1 + fences),
            first_embed: EMBED_DESCRIPTION - fences,
            second_embed: EMBED_TOTAL - EMBED_DESCRIPTION - fences,
        }
    }

    /// How many bytes that is. Three bytes are four characters.
    fn bytes(&self) -> usize {
        (self.content + self.first_embed + self.second_embed) / 4 * 3
    }
}

/// `§ users.base.1042.ndjson.gz · part 2/7 · <checksum of the file> · <checksum of the part>`
fn title(name: &str, number: usize, of: usize, file: FileSum, crc: u32) -> String {
    let crc = crc_text(crc);
    format!("{MARK}{name} · part {number}/{of} · {file} · {crc}")
}

fn cut(text: &str, at: usize) -> (&str, &str) {
    text.split_at_checked(at).unwrap_or((text, ""))
}

fn fence(text: &str) -> String {
    format!("{FENCE}{text}{FENCE_END}")
}

#[cfg(test)]
mod tests;
