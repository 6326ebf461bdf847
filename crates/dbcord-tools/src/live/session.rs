//! What the tour and the probes work with.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use dbcord::discord::model::Channel;
use dbcord::discord::multipart::File;
use dbcord::discord::routes;
use dbcord::discord::{CallError, Client, Patience};
use dbcord::host::Clock;
use serde_json::{Value, json};

use crate::discord::PATIENT;
use crate::host::NativeHost;

/// Sent once; a refusal is the observation.
pub const ONCE: Patience = Patience {
    reserve: 0,
    attempts: 1,
    wait_ms: 20_000,
};

/// One run in one guild.
pub struct Session {
    pub host: Rc<NativeHost>,
    pub client: Client<NativeHost>,
    pub guild: u64,
    /// The bot's user id.
    pub me: u64,
    /// Names this run: the database, and a mark on everything else that it makes.
    pub run: String,
    /// The guild's channels before this run made any.
    pub before: BTreeSet<u64>,
    nonces: Cell<u32>,
}

impl Session {
    pub fn new(
        host: Rc<NativeHost>,
        client: Client<NativeHost>,
        (guild, me): (u64, u64),
        before: BTreeSet<u64>,
    ) -> Session {
        Session {
            host,
            client,
            guild,
            me,
            run: format!("live_{:06x}", fastrand::u32(..1 << 24)),
            before,
            nonces: Cell::new(0),
        }
    }

    /// A nonce that nobody used before.
    pub fn fresh_nonce(&self) -> String {
        self.nonces.set(self.nonces.get() + 1);
        format!("{}-{}", self.run, self.nonces.get())
    }

    /// Posts a message; `fields` are those of the payload besides mentions and nonce, unless they
    /// have a nonce themselves.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn post(&self, channel: u64, fields: Value) -> Result<Value, CallError> {
        self.post_files(channel, fields, &[]).await
    }

    /// As [`Session::post`], with files.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn post_files(
        &self,
        channel: u64,
        fields: Value,
        files: &[File],
    ) -> Result<Value, CallError> {
        let mut payload = json!({
            "nonce": self.fresh_nonce(),
            "enforce_nonce": true,
            "allowed_mentions": { "parse": [] },
        });
        if let (Value::Object(payload), Value::Object(fields)) = (&mut payload, fields) {
            payload.extend(fields);
        }
        let route = routes::create_message(channel);
        self.client.send(&route, &payload, files, PATIENT).await
    }

    /// The newest messages of a channel.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn messages(&self, channel: u64) -> Result<Vec<Value>, CallError> {
        self.client
            .get(&routes::messages(channel, None), PATIENT)
            .await
    }

    /// The guild's channels now.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn channels(&self) -> Result<Vec<Channel>, CallError> {
        let route = routes::guild_channels(self.guild);
        self.client.get(&route, PATIENT).await
    }

    /// Waits, unless interrupted.
    pub async fn sleep(&self, duration: Duration) {
        self.host.sleep(duration).await;
    }
}

/// An edit of a message's text: it pings nobody, as no message of ours does.
pub fn edit(content: &str) -> Value {
    json!({ "content": content, "allowed_mentions": { "parse": [] } })
}

/// An object's own id; 0 when it has none.
pub fn id_of(object: &Value) -> u64 {
    id_in(object, "id")
}

/// The id in a field; 0 when there is none.
pub fn id_in(object: &Value, field: &str) -> u64 {
    let text = object[field].as_str().unwrap_or_default();
    text.parse().unwrap_or_default()
}
