//! Messages to be sent.
//! <https://docs.discord.com/developers/resources/message#create-message>

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::multipart::File;

/// A message without an address.
#[derive(Debug, Default)]
pub struct Draft<'a> {
    pub content: &'a str,
    /// Descriptions of embeds.
    pub embeds: &'a [String],
    pub files: &'a [File],
    /// What makes a new message this one and no other; see [`nonce`]. None for edits.
    pub identity: Option<&'a str>,
}

impl Draft<'_> {
    /// The JSON part of the request. Whatever a message of ours contains, it notifies nobody.
    pub fn payload(&self) -> Value {
        let mut payload = Map::new();
        payload.insert("content".to_owned(), self.content.into());
        payload.insert("allowed_mentions".to_owned(), json!({ "parse": [] }));
        if !self.embeds.is_empty() {
            let embed = |text: &String| json!({ "description": text });
            let embeds = self.embeds.iter().map(embed).collect();
            payload.insert("embeds".to_owned(), embeds);
        }
        if !self.files.is_empty() {
            // Discord's API description has these ids as strings, like all others.
            let attachment =
                |(n, file): (usize, &File)| json!({ "id": n.to_string(), "filename": file.name });
            let attachments = self.files.iter().enumerate().map(attachment).collect();
            payload.insert("attachments".to_owned(), attachments);
        }
        if let Some(identity) = self.identity {
            payload.insert("nonce".to_owned(), nonce(identity).into());
            payload.insert("enforce_nonce".to_owned(), true.into());
        }
        Value::Object(payload)
    }
}

/// A message's nonce: 24 of the 25 characters allowed. Discord compares nonces across all channels
/// of an author, so the channel must be part of `identity`.
fn nonce(identity: &str) -> String {
    let mut nonce = URL_SAFE_NO_PAD.encode(Sha256::digest(identity));
    nonce.truncate(24);
    nonce
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_says_what_it_has_and_no_more() {
        let plain = Draft {
            content: "hello",
            ..Draft::default()
        };
        assert_eq!(
            plain.payload(),
            json!({ "content": "hello", "allowed_mentions": { "parse": [] } })
        );
        let payload = Draft {
            embeds: &["text".to_owned()],
            identity: Some("1:2"),
            ..plain
        }
        .payload();
        assert_eq!(payload["embeds"], json!([{ "description": "text" }]));
        assert_eq!(payload["enforce_nonce"], true);
        assert_eq!(payload["nonce"].as_str().unwrap().len(), 24);
    }
}
