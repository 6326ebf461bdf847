//! A notice in the log that another deployment takes the database over. It is no record: for as
//! long as it stands there alone, it decides nothing but that the former owner has to stop.

use crate::discord::model::Message;

const FOOTER: &str = "\n-# dbcord takeover · owner ";

/// A notice as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Takeover {
    /// Of two notices, the one with the higher id counts.
    pub message: u64,
    pub owner: String,
}

/// Writes a notice.
pub fn render(owner: &str) -> String {
    format!(
        "⚑ Another deployment of dbcord takes this database over. Whoever wrote here stops now; in a minute it goes on.{FOOTER}{owner}"
    )
}

/// Reads one.
pub fn parse(message: &Message) -> Option<Takeover> {
    let (text, owner) = message.content.rsplit_once(FOOTER)?;
    let is_owner = !owner.is_empty() && owner.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (text.starts_with('⚑') && is_owner).then(|| Takeover {
        message: message.id,
        owner: owner.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn message(content: &str) -> Message {
        serde_json::from_value(
            json!({"id": "7", "channel_id": "2", "author": {"id": "3"}, "content": content}),
        )
        .unwrap()
    }

    #[test]
    fn a_notice_names_its_owner() {
        let found = parse(&message(&render("0123456789abcdef"))).unwrap();
        assert_eq!(
            (found.message, found.owner.as_str()),
            (7, "0123456789abcdef")
        );
        for foreign in ["", "⚑", "⚑ x\n-# dbcord takeover · owner ", "#1 · x"] {
            assert_eq!(parse(&message(foreign)), None);
        }
    }
}
