//! A file on its way into the log's channel, a message at a time: as text it may take more requests
//! than may be sent at once.

use bytes::Bytes;

use super::file_sum::FileSum;
use super::manifest::{FileEntry, Place};
use super::store;
use super::text_file::{self, TextPart};
use crate::engine::Shared;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;

/// How many messages a file of text may take: at Discord's pace, minutes of posting.
const TEXT_PARTS: usize = 200;

#[derive(Debug)]
pub struct Upload {
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
        /// Those of the parts that are posted.
        messages: Vec<u64>,
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

    /// # Errors
    /// A file that takes more messages than a checkpoint is worth.
    pub fn as_text(name: &str, bytes: Bytes) -> Result<Upload> {
        let parts = text_file::split(name, &bytes, TEXT_PARTS).map_err(|error| {
            Error::new(
                ErrorKind::TooLarge,
                format!(
                    "`{name}` would take {} messages of text, and {} is the most where Discord does not let this Worker read files back.",
                    error.parts, error.max_parts
                ),
            )
        })?;
        Ok(Upload {
            name: name.to_owned(),
            sum: FileSum::of(&bytes),
            bytes,
            way: Way::Text {
                parts,
                messages: Vec::new(),
            },
        })
    }

    pub fn sum(&self) -> FileSum {
        self.sum
    }

    /// Posts the next message. The file's entry once it is there as a whole.
    ///
    /// # Errors
    /// When that message cannot be posted; the next call tries it again.
    pub(in crate::engine) async fn step<H: Host>(
        &mut self,
        shared: &Shared<H>,
        log: u64,
    ) -> Result<Option<FileEntry>> {
        let place = match &mut self.way {
            Way::Attachment => {
                store::post_attachment(shared, log, &self.name, &self.bytes, self.sum).await?
            }
            Way::Text { parts, messages } => {
                if let Some(part) = parts.get(messages.len()) {
                    messages.push(store::post_part(shared, log, &self.name, part).await?);
                }
                if messages.len() < parts.len() {
                    return Ok(None);
                }
                Place::Text {
                    messages: messages.clone(),
                }
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
