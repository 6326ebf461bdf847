//! Messages as they are seen, and putting them where they are seen.

use serde_json::{Value, json};

use super::{Kind, Message, Reference, content, flags};
use crate::core::Discord;
use crate::core::id::Id;

impl Discord {
    /// A message as `reader` sees it: what people wrote is blank for the bot unless it has the intent or is mentioned.
    pub(crate) fn show_to(&self, reader: Id, now: u64, message: &Message) -> Value {
        let mut body = self.show(now, message);
        let bot = self.application.bot_user_id;
        let hidden = |author: &Value, mentions: &Value| {
            let is_bot = |user: &Value| user["id"] == json!(bot);
            reader == bot
                && !self.config.message_content_intent
                && !is_bot(author)
                && !mentions
                    .as_array()
                    .is_some_and(|users| users.iter().any(is_bot))
        };
        if hidden(&body["author"], &body["mentions"]) {
            blank(&mut body);
        }
        if body["referenced_message"].is_object() {
            let referenced = &mut body["referenced_message"];
            if hidden(&referenced["author"], &referenced["mentions"]) {
                blank(referenced);
            }
        }
        body
    }

    /// A message as the API shows it, to whoever may read all of it. Membership of its thread is the bot's.
    pub(crate) fn show(&self, now: u64, message: &Message) -> Value {
        let mut body = message.json(now, &self.urls);
        if let Some(reference) = message.reference
            && let Some(channel) = self.channels.get(&message.channel_id)
        {
            body["message_reference"]["guild_id"] = json!(channel.guild_id);
            if let Some(id) = reference.message
                && message.shows_reference()
            {
                body["referenced_message"] = self
                    .message(reference.channel, id)
                    .map_or(Value::Null, |other| other.json(now, &self.urls));
            }
        }
        // A thread has its starter's id. It does not go when the starter does, so ids alone prove nothing.
        if message.had_thread
            && let Some(thread) = self.channels.get(&message.id)
        {
            body["flags"] = json!(message.flags | flags::HAS_THREAD);
            body["thread"] = thread.json(self.application.bot_user_id);
        }
        body
    }

    /// Puts a message into its channel, new or changed.
    pub(crate) fn keep(&mut self, message: Message) {
        let Some(channel) = self.channels.get_mut(&message.channel_id) else {
            return;
        };
        debug_assert!(channel.is_textual());
        let is_new = !channel.messages.contains_key(&message.id);
        channel.last_message_id = channel.last_message_id.max(Some(message.id));
        if is_new && message.kind != Kind::ThreadStarter {
            self.count_in_thread(&message);
        }
        let (channel_id, id) = (message.channel_id, message.id);
        if let Some(channel) = self.channels.get_mut(&channel_id) {
            let before = channel.messages.insert(id, message);
            let place = (channel.guild_id, channel_id, id);
            self.index.note(self.latest_ms, place, before.as_ref());
            self.journal.note(self.latest_ms, channel_id, id, before);
        }
    }

    /// Posts what Discord itself notes in a channel when somebody does something there.
    pub(crate) fn note(
        &mut self,
        now: u64,
        channel: Id,
        actor: Id,
        kind: Kind,
        content: &str,
        reference: Option<Reference>,
    ) {
        let Some(author) = self.users.get(&actor).cloned() else {
            return;
        };
        let message = Message {
            id: self.ids.next(now),
            channel_id: channel,
            author,
            content: content.to_owned(),
            embeds: Vec::new(),
            components: Vec::new(),
            attachments: Vec::new(),
            flags: 0,
            tts: false,
            mentions: content::Mentions::default(),
            created_ms: now,
            posted_ms: now,
            edited_ms: None,
            pinned_ms: None,
            nonce: None,
            kind,
            reference,
            had_thread: false,
            origin: None,
            application_id: None,
        };
        self.keep(message);
    }
}

fn blank(message: &mut Value) {
    message["content"] = json!("");
    for field in ["embeds", "attachments", "components"] {
        message[field] = json!([]);
    }
}
