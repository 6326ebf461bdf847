//! Nonces: the guard against posting one message twice.
//!
//! With `enforce_nonce`, a message whose author used the same nonce within "the past few minutes" is not created
//! again; the earlier one is returned (docs `resources/message`, "Create Message"). The docs name the author but no
//! channel, so a nonce counts across all channels.

use std::collections::VecDeque;

use serde_json::Value;

use crate::core::id::Id;

/// Longest nonce, in characters.
pub(crate) const NONCE_MAX: usize = 25;
/// "The past few minutes", in milliseconds. Reported, not documented.
const WINDOW_MS: u64 = 5 * 60 * 1_000;

#[derive(Debug)]
struct Used {
    at: u64,
    author: Id,
    nonce: String,
    channel: Id,
    message: Id,
}

/// Which nonces were used lately.
#[derive(Debug, Default)]
pub(crate) struct Nonces {
    recent: VecDeque<Used>,
}

impl Nonces {
    /// Channel and message of the author's latest use of `nonce` within the window, deleted or not.
    pub(crate) fn find(&mut self, now: u64, author: Id, nonce: &Value) -> Option<(Id, Id)> {
        self.forget(now);
        let nonce = text(nonce);
        let used = self
            .recent
            .iter()
            .rev()
            .find(|used| used.author == author && used.nonce == nonce)?;
        Some((used.channel, used.message))
    }

    pub(crate) fn remember(
        &mut self,
        now: u64,
        author: Id,
        nonce: &Value,
        channel: Id,
        message: Id,
    ) {
        self.forget(now);
        self.recent.push_back(Used {
            at: now,
            author,
            nonce: text(nonce),
            channel,
            message,
        });
    }

    fn forget(&mut self, now: u64) {
        while self
            .recent
            .front()
            .is_some_and(|used| now.saturating_sub(used.at) > WINDOW_MS)
        {
            self.recent.pop_front();
        }
    }
}

fn text(nonce: &Value) -> String {
    match nonce {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
