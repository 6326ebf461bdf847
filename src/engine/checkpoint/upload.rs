//! A file on its way into the log's channel, a message at a time: as text it may take more requests
//! than may be sent at once.

use bytes::Bytes;

use super::file_sum::FileSum;
use super::manifest::{FileEntry, Place};
use super::store;
use super::text_file::{self, SeenPart, TextPart};
use crate::discord::Patience;
use crate::discord::model::Message;
use crate::engine::Shared;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::limits::{MESSAGE_PAGE, ROW_BYTES};

/// What a message surely holds of a file, whatever its name.
const PART_BYTES: usize = 5_700;
/// The size of files where they are text: one page of messages has all of one, and what was posted of
/// the last one is all that is lost with the object.
pub const TEXT_FILE_BYTES: usize = MESSAGE_PAGE * PART_BYTES;
/// How many messages a file may take all the same: so many hold the largest row.
const TEXT_PARTS: usize = ROW_BYTES / PART_BYTES + MESSAGE_PAGE;

#[derive(Debug)]
pub(in crate::engine) struct Upload {
    name: String,
    bytes: Bytes,
    sum: FileSum,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Attachment,
    Text {
        parts: Vec<TextPart>,
        /// The parts' messages, as far as they are posted.
        messages: Vec<Option<u64>>,
    },
}

impl Upload {
    pub fn as_attachment(name: &str, bytes: Bytes) -> Upload {
        Upload {
            name: name.to_owned(),
            sum: FileSum::of(&bytes),
            bytes,
            way: Way::Attachment,
        }
    }

    /// Goes on with what is there already of the very same file, by an object that is gone.
    ///
    /// # Errors
    /// A file that takes more messages than a checkpoint is worth.
    pub fn as_text<'a>(
        name: &str,
        bytes: Bytes,
        seen: impl Iterator<Item = &'a Message>,
    ) -> Result<Upload> {
        let sum = FileSum::of(&bytes);
        let text = sum.to_string();
        let seen = seen.filter(|message| message.content.contains(&text));
        let intact = |part: &SeenPart| part.sum == sum && part.bytes.is_some();
        let seen: Vec<SeenPart> = seen.filter_map(text_file::parse).filter(intact).collect();
        // Where a file is cut depends on its name, which may be that of an earlier commit.
        let name = seen.first().map_or(name, |part| part.name.as_str());
        let parts = text_file::split(name, &bytes, TEXT_PARTS).map_err(|error| {
            Error::new(
                ErrorKind::TooLarge,
                format!(
                    "`{name}` would take {} messages of text, and {} is the most where Discord does not let this Worker read files back.",
                    error.parts, error.max_parts
                ),
            )
        })?;
        let mut messages = vec![None; parts.len()];
        let of_this = |part: &&SeenPart| part.name == name && part.of == parts.len();
        for part in seen.iter().filter(of_this) {
            if let Some(place) = messages.get_mut(part.number.saturating_sub(1)) {
                *place = Some(part.message);
            }
        }
        Ok(Upload {
            name: name.to_owned(),
            sum,
            bytes,
            way: Way::Text { parts, messages },
        })
    }

    /// Posts the next message; text with this patience. The file's entry once it is there as a whole.
    ///
    /// # Errors
    /// When that message cannot be posted; the next call tries it again.
    pub(in crate::engine) async fn step<H: Host>(
        &mut self,
        shared: &Shared<H>,
        log: u64,
        patience: Patience,
    ) -> Result<Option<FileEntry>> {
        let place = match &mut self.way {
            Way::Attachment => {
                store::post_attachment(shared, log, &self.name, &self.bytes, self.sum).await?
            }
            Way::Text { parts, messages } => {
                let mut missing = parts.iter().zip(messages.iter_mut());
                let missing = missing.find(|(_, message)| message.is_none());
                if let Some((part, message)) = missing {
                    *message =
                        Some(store::post_part(shared, log, &self.name, part, patience).await?);
                }
                let posted = messages.iter().copied().collect::<Option<Vec<u64>>>();
                let Some(messages) = posted else {
                    return Ok(None);
                };
                Place::Text { messages }
            }
        };
        Ok(Some(FileEntry {
            name: self.name.clone(),
            sum: self.sum,
            bytes: self.bytes.len() as u64,
            place,
        }))
    }
}
