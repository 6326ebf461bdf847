//! What messages were a moment ago, for reads that come from behind.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

use super::Message;
use crate::core::guild::channel::Channel;
use crate::core::id::Id;

/// How far back can be looked, in milliseconds.
pub(crate) const JOURNAL_MS: u64 = 60_000;

#[derive(Debug)]
struct Change {
    at: u64,
    channel: Id,
    message: Id,
    /// `None` where it was not there.
    before: Option<Message>,
}

/// The latest changes of all messages, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    changes: VecDeque<Change>,
}

impl Journal {
    pub(crate) fn note(&mut self, at: u64, channel: Id, message: Id, before: Option<Message>) {
        while self
            .changes
            .front()
            .is_some_and(|change| at.saturating_sub(change.at) > JOURNAL_MS)
        {
            self.changes.pop_front();
        }
        self.changes.push_back(Change {
            at,
            channel,
            message,
            before,
        });
    }

    /// A channel's messages as they were at `as_of`, or as they are.
    pub(crate) fn messages<'a>(
        &self,
        channel: &'a Channel,
        as_of: Option<u64>,
    ) -> Cow<'a, BTreeMap<Id, Message>> {
        let mut messages = Cow::Borrowed(&channel.messages);
        let Some(as_of) = as_of else {
            return messages;
        };
        let since = self
            .changes
            .iter()
            .rev()
            .take_while(|change| change.at > as_of);
        for change in since.filter(|change| change.channel == channel.id) {
            match &change.before {
                Some(before) => messages.to_mut().insert(change.message, before.clone()),
                None => messages.to_mut().remove(&change.message),
            };
        }
        messages
    }
}
