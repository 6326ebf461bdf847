//! What people do by hand to channels that are not theirs: deletions, hidden embeds, renamings, messages out of place.
//!
//! All of it is done by the guild's owner, through the same routes and rules as everything else.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request};
use serde_json::{Value, json};

use super::id::Id;
use super::{Discord, Problem};

impl Discord {
    /// A moderator deletes a message.
    ///
    /// # Errors
    ///
    /// What Discord would answer, here and below: no such channel or message, a limit.
    pub fn delete_by_hand(&mut self, now: u64, channel: Id, message: Id) -> Result<(), Problem> {
        let path = format!("/channels/{channel}/messages/{message}");
        self.by_hand(now, channel, "DELETE", &path, &Value::Null)?;
        Ok(())
    }

    /// A moderator deletes some message of a channel, which the seed chooses; gives its id.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn delete_any_by_hand(&mut self, now: u64, channel: Id) -> Result<Id, Problem> {
        let messages = self.channels.get(&channel).map(|channel| &channel.messages);
        let ids: Vec<Id> = messages
            .into_iter()
            .flatten()
            .filter(|(_, message)| message.kind.is_deletable())
            .map(|(id, _)| *id)
            .collect();
        if ids.is_empty() {
            return Err(Problem::missing(format!(
                "channel {channel} has no message that can be deleted"
            )));
        }
        let id = ids[self.rng.usize(..ids.len())];
        self.delete_by_hand(now, channel, id)?;
        Ok(id)
    }

    /// A moderator hides the embeds of a message.
    ///
    /// # Errors
    ///
    /// See [`Discord::delete_by_hand`].
    pub fn suppress_embeds_by_hand(
        &mut self,
        now: u64,
        channel: Id,
        message: Id,
    ) -> Result<(), Problem> {
        let path = format!("/channels/{channel}/messages/{message}");
        self.by_hand(now, channel, "PATCH", &path, &json!({"flags": 4}))?;
        Ok(())
    }

    /// A moderator gives a channel another topic, or takes it away.
    ///
    /// # Errors
    ///
    /// See [`Discord::delete_by_hand`].
    pub fn set_topic_by_hand(
        &mut self,
        now: u64,
        channel: Id,
        topic: Option<&str>,
    ) -> Result<(), Problem> {
        let path = format!("/channels/{channel}");
        self.by_hand(now, channel, "PATCH", &path, &json!({"topic": topic}))?;
        Ok(())
    }

    /// A moderator renames a channel.
    ///
    /// # Errors
    ///
    /// See [`Discord::delete_by_hand`].
    pub fn rename_by_hand(&mut self, now: u64, channel: Id, name: &str) -> Result<(), Problem> {
        let path = format!("/channels/{channel}");
        self.by_hand(now, channel, "PATCH", &path, &json!({"name": name}))?;
        Ok(())
    }

    /// A moderator deletes a channel.
    ///
    /// # Errors
    ///
    /// See [`Discord::delete_by_hand`].
    pub fn delete_channel_by_hand(&mut self, now: u64, channel: Id) -> Result<(), Problem> {
        let path = format!("/channels/{channel}");
        self.by_hand(now, channel, "DELETE", &path, &Value::Null)?;
        Ok(())
    }

    /// A person writes in a channel; gives the message's id.
    ///
    /// # Errors
    ///
    /// See [`Discord::delete_by_hand`].
    pub fn post_by_hand(&mut self, now: u64, channel: Id, content: &str) -> Result<Id, Problem> {
        let path = format!("/channels/{channel}/messages");
        let sent = self.by_hand(now, channel, "POST", &path, &json!({"content": content}))?;
        let id = sent["id"].as_str().and_then(|id| id.parse().ok());
        id.ok_or_else(|| Problem::bad(format!("the answer to a message has no id: {sent}")))
    }

    fn by_hand(
        &mut self,
        now: u64,
        channel: Id,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<Value, Problem> {
        let owner = self
            .channels
            .get(&channel)
            .and_then(|channel| self.guilds.get(&channel.guild_id))
            .map(|guild| guild.owner_id);
        let owner =
            owner.ok_or_else(|| Problem::missing(format!("there is no channel {channel}")))?;
        let bytes = match body {
            Value::Null => Bytes::new(),
            body => Bytes::from(body.to_string()),
        };
        let mut request = Request::new(bytes);
        *request.method_mut() = method
            .parse()
            .map_err(|_| Problem::bad(format!("{method} is not a method")))?;
        *request.uri_mut() = path
            .parse()
            .map_err(|_| Problem::bad(format!("{path} is not a path")))?;
        request
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let response = self.act_as(now, owner, request);
        let answer = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
        if response.status().is_success() {
            return Ok(answer);
        }
        Err(Problem {
            status: response.status(),
            text: format!("{method} {path} was refused: {answer}"),
        })
    }
}
