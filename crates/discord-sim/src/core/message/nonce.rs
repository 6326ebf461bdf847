//! Nonces: the guard against posting one message twice.
//!
//! With `enforce_nonce`, a message whose author used the same nonce within "the past few minutes" is not created
//! again; the earlier one is returned (docs `resources/message`, "Create Message"). The docs name the author but no
//! channel, so a nonce counts across all channels.

use std::collections::{HashMap, VecDeque};

use serde_json::Value;

use crate::core::id::Id;

/// Longest nonce, in characters.
pub(crate) const NONCE_MAX: usize = 25;
/// "The past few minutes", in milliseconds. Reported, not documented.
const WINDOW_MS: u64 = 5 * 60 * 1_000;

/// An author, and a nonce of theirs as text.
type Key = (Id, String);

#[derive(Clone, Copy, Debug)]
struct Use {
    at: u64,
    channel: Id,
    message: Id,
}

/// Which nonces were used lately.
#[derive(Debug, Default)]
pub(crate) struct Nonces {
    latest: HashMap<Key, Use>,
    /// In the order of use, so that forgetting costs no search.
    uses: VecDeque<(u64, Key)>,
}

impl Nonces {
    /// Channel and message of the author's latest use of `nonce` within the window, deleted or not.
    pub(crate) fn find(&mut self, now: u64, author: Id, nonce: &Value) -> Option<(Id, Id)> {
        self.forget(now);
        let used = self.latest.get(&(author, text(nonce)))?;
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
        let key = (author, text(nonce));
        self.uses.push_back((now, key.clone()));
        self.latest.insert(
            key,
            Use {
                at: now,
                channel,
                message,
            },
        );
    }

    fn forget(&mut self, now: u64) {
        while let Some((at, _)) = self.uses.front()
            && now.saturating_sub(*at) > WINDOW_MS
        {
            let Some((at, key)) = self.uses.pop_front() else {
                return;
            };
            // A later use of the same nonce stays.
            if self.latest.get(&key).is_some_and(|used| used.at == at) {
                self.latest.remove(&key);
            }
        }
    }
}

fn text(nonce: &Value) -> String {
    match nonce {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
