//! The parts of Discord's objects that dbcord reads. Unknown fields are ignored, and whatever
//! Discord documents as optional may be missing.

use serde::{Deserialize, Deserializer};

use crate::host::UnixMillis;

/// Channel types. <https://docs.discord.com/developers/resources/channel#channel-object-channel-types>
pub const TEXT_CHANNEL: u8 = 0;
pub const CATEGORY: u8 = 4;
pub const ANNOUNCEMENT_CHANNEL: u8 = 5;

/// Overwrite types. <https://docs.discord.com/developers/resources/channel#overwrite-object>
pub const ROLE_OVERWRITE: u8 = 0;
pub const MEMBER_OVERWRITE: u8 = 1;

/// When something was made, from its id.
/// <https://docs.discord.com/developers/reference#snowflakes>
pub fn created_ms(id: u64) -> UnixMillis {
    const EPOCH_MS: u64 = 1_420_070_400_000;
    (id >> 22).saturating_add(EPOCH_MS)
}

/// The lowest id that Discord gives to anything made then.
pub fn first_id_at(ms: UnixMillis) -> u64 {
    ms.saturating_sub(created_ms(0)) << 22
}

#[derive(Debug, Clone, Deserialize)]
pub struct Channel {
    #[serde(deserialize_with = "id")]
    pub id: u64,
    #[serde(rename = "type")]
    pub kind: u8,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub topic: Option<String>,
    #[serde(default, deserialize_with = "optional_id")]
    pub parent_id: Option<u64>,
    #[serde(default)]
    pub permission_overwrites: Vec<Overwrite>,
}

impl Channel {
    /// Whether it can be one of ours: somebody may have made it an announcement channel, which is one
    /// in every other respect.
    pub fn is_text(&self) -> bool {
        matches!(self.kind, TEXT_CHANNEL | ANNOUNCEMENT_CHANNEL)
    }
}

#[derive(Debug, Clone, Deserialize)]
pub struct Overwrite {
    #[serde(deserialize_with = "id")]
    pub id: u64,
    #[serde(rename = "type")]
    pub kind: u8,
    #[serde(default, deserialize_with = "id")]
    pub allow: u64,
    #[serde(default, deserialize_with = "id")]
    pub deny: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Role {
    #[serde(deserialize_with = "id")]
    pub id: u64,
    #[serde(deserialize_with = "id")]
    pub permissions: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Member {
    #[serde(deserialize_with = "ids")]
    pub roles: Vec<u64>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Threads {
    pub threads: Vec<Thread>,
    #[serde(default)]
    pub has_more: bool,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Thread {
    /// That of the message that it was started from, too.
    #[serde(deserialize_with = "id")]
    pub id: u64,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default, deserialize_with = "optional_id")]
    pub parent_id: Option<u64>,
    #[serde(default, deserialize_with = "optional_id")]
    pub owner_id: Option<u64>,
    #[serde(default)]
    pub thread_metadata: Option<ThreadMetadata>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct ThreadMetadata {
    #[serde(default)]
    pub archived: bool,
    pub archive_timestamp: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Message {
    #[serde(deserialize_with = "id")]
    pub id: u64,
    #[serde(deserialize_with = "id")]
    pub channel_id: u64,
    #[serde(default, rename = "type")]
    pub kind: u8,
    pub author: User,
    #[serde(default)]
    pub content: String,
    #[serde(default)]
    pub embeds: Vec<Embed>,
    #[serde(default)]
    pub attachments: Vec<Attachment>,
    #[serde(default)]
    pub flags: u64,
}

/// What a search comes to: a page of what it finds, or that there is no index yet (HTTP 202).
/// <https://docs.discord.com/developers/resources/message#search-guild-messages>
#[derive(Debug, Clone, Deserialize)]
pub struct SearchAnswer {
    /// Each in a list of its own. None where there is no index.
    pub messages: Option<Vec<Vec<Message>>>,
    /// Not exact while messages come and go.
    #[serde(default)]
    pub total_results: u64,
    /// Old messages are not found yet.
    #[serde(default)]
    pub doing_deep_historical_index: bool,
    /// When to ask again, in seconds; 0 is "after a short delay".
    #[serde(default)]
    pub retry_after: f64,
}

/// Embeds are there and not shown.
/// <https://docs.discord.com/developers/resources/message#message-object-message-flags>
pub const SUPPRESS_EMBEDS: u64 = 1 << 2;

/// A thread hangs on the message. Same page.
pub const HAS_THREAD: u64 = 1 << 5;
/// The type of the message by which Discord announces a thread in the channel.
/// <https://docs.discord.com/developers/resources/message#message-object-message-types>
pub const THREAD_CREATED: u8 = 18;

#[derive(Debug, Clone, Deserialize)]
pub struct User {
    #[serde(deserialize_with = "id")]
    pub id: u64,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Embed {
    #[serde(default)]
    pub description: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Attachment {
    #[serde(default)]
    pub size: u64,
    pub url: String,
}

/// The body of most refusals. <https://docs.discord.com/developers/reference#error-messages>
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ErrorBody {
    #[serde(default)]
    pub code: u64,
    #[serde(default)]
    pub message: String,
    #[serde(default)]
    pub errors: Option<serde_json::Value>,
    #[serde(default)]
    pub retry_after: Option<f64>,
    #[serde(default)]
    pub global: bool,
}

fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse()
        .map_err(|_| serde::de::Error::custom(format!("`{text}` is not an id")))
}

fn ids<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u64>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let ids = texts.iter().map(|text| text.parse());
    ids.collect::<Result<_, _>>()
        .map_err(|_| serde::de::Error::custom("not a list of ids"))
}

fn optional_id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| {
        text.parse()
            .map_err(|_| serde::de::Error::custom(format!("`{text}` is not an id")))
    })
    .transpose()
}
