//! Answers to an interaction.
//! <https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-response-object>

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::limits::{AUTOCOMPLETE_CHOICE, AUTOCOMPLETE_CHOICES, MESSAGE_CONTENT};
use crate::text::{truncate, utf16_len};

/// Only the asker sees the message. <https://docs.discord.com/developers/resources/message#message-object-message-flags>
const EPHEMERAL: u64 = 1 << 6;

/// What a command has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub content: String,
    /// A text too long for the message, as a file: name and contents.
    pub file: Option<(String, String)>,
    /// What is still to happen before all is said.
    pub watch: Option<Box<Watch>>,
}

/// Copies of a row that are still to be removed: those up to this commit of a database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    pub database: String,
    pub epoch: u64,
    pub seq: u64,
    /// Whose row it was; none in what earlier versions stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
}

/// One suggestion for an option's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub name: String,
    pub value: String,
}

/// The first answer to an interaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Callback {
    Pong,
    Message(Reply),
    /// "Thinking...": the message comes later.
    Deferred,
    Choices(Vec<Choice>),
}

impl Reply {
    pub fn new(content: impl Into<String>) -> Self {
        Reply {
            content: content.into(),
            file: None,
            watch: None,
        }
    }

    /// The content, cut to what a message holds.
    pub fn shown(&self) -> String {
        truncate(&self.content, MESSAGE_CONTENT)
    }
}

impl Callback {
    /// The body of the HTTP answer. A reply's file is not in it: it needs an edit.
    pub fn to_json(&self) -> Value {
        match self {
            Callback::Pong => json!({ "type": 1 }),
            Callback::Message(reply) => json!({
                "type": 4,
                "data": {
                    "content": reply.shown(),
                    "allowed_mentions": { "parse": [] },
                    "flags": EPHEMERAL,
                },
            }),
            Callback::Deferred => json!({ "type": 5, "data": { "flags": EPHEMERAL } }),
            Callback::Choices(choices) => {
                let choices: Vec<Value> = choices
                    .iter()
                    .filter(|choice| utf16_len(&choice.value) <= AUTOCOMPLETE_CHOICE)
                    .take(AUTOCOMPLETE_CHOICES)
                    .map(|choice| {
                        let name = truncate(&choice.name, AUTOCOMPLETE_CHOICE);
                        json!({ "name": name, "value": choice.value })
                    })
                    .collect();
                json!({ "type": 8, "data": { "choices": choices } })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_private_and_never_ping() {
        let callback = Callback::Message(Reply::new("@everyone")).to_json();
        assert_eq!(callback["data"]["flags"], 64);
        assert_eq!(callback["data"]["allowed_mentions"], json!({ "parse": [] }));
    }

    #[test]
    fn limits_hold_whatever_goes_in() {
        let callback = Callback::Message(Reply::new("😀".repeat(3_000))).to_json();
        let content = callback["data"]["content"].as_str().unwrap();
        assert!(utf16_len(content) <= MESSAGE_CONTENT);
        let choice = |value: String| Choice {
            name: value.clone(),
            value,
        };
        let many = (0..40).map(|n| choice(n.to_string()));
        let callback = Callback::Choices(
            std::iter::once(choice("x".repeat(101)))
                .chain(many)
                .collect(),
        );
        let callback = callback.to_json();
        assert_eq!(callback["data"]["choices"].as_array().unwrap().len(), 25);
        assert_eq!(callback["data"]["choices"][0]["value"], "0");
    }
}
