//! What a simulated Discord is made from.

use serde::{Deserialize, Deserializer};

use super::id::Id;
use super::search::plan::SearchPlan;

/// Settings of a simulated Discord; [`Config::default`] is what most tests want.
#[derive(Clone, Debug)]
pub struct Config {
    /// Ids of keys, tokens and latencies all follow from this.
    pub seed: u64,
    /// Scheme, host and port that attachment URLs start with, without a trailing slash.
    pub base_url: String,
    /// Every answer takes at least and at most this many milliseconds, drawn from the seed.
    pub latency_ms: (u64, u64),
    /// Largest attachment in bytes. Discord states 10 MiB to 20 MiB by default, depending on page and date; the
    /// smaller one is kept here.
    pub attachment_bytes_max: usize,
    /// Largest request in bytes: 25 MiB (docs `resources/message`, "Create Message", "Limitations").
    pub request_bytes_max: usize,
    /// Whether the application has the privileged MESSAGE_CONTENT intent. Without it, it sees other people's messages
    /// blank, unless they mention it (docs `resources/message`, "Message Structure", footnote on `content`), and cannot
    /// search.
    pub message_content_intent: bool,
    /// How odd search is; by default as it is documented and reported to be. A plan that makes no sense counts as a calm
    /// one; [`crate::Discord::set_search_plan`] says what is wrong with it.
    pub search: SearchPlan,
    /// Active threads that a guild may have. Documented as capped without a figure; 1,000 is reported.
    pub active_threads_max: usize,
    /// Whether [`crate::Discord::traffic`] keeps exchanges. Long runs in process may switch it off to save memory.
    pub record_traffic: bool,
    /// How many of the latest exchanges are kept at least, and about twice as many at most; by default all.
    pub traffic_kept: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            seed: 0,
            base_url: "https://cdn.discordapp.com".to_owned(),
            latency_ms: (0, 0),
            attachment_bytes_max: 10 * 1024 * 1024,
            request_bytes_max: 25 * 1024 * 1024,
            message_content_intent: false,
            search: SearchPlan::usual(),
            active_threads_max: 1_000,
            record_traffic: true,
            traffic_kept: usize::MAX,
        }
    }
}

/// A guild to be made by [`crate::Discord::create_guild`].
///
/// Its `@everyone` role holds no permissions: people have theirs from a role `Members`. So `bot_permissions` is exactly
/// what the bot has, which Discord's usual `@everyone` would blur.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuildSpec {
    /// 2 to 100 characters.
    #[serde(default = "default_guild_name")]
    pub name: String,
    /// Bits of the bot's managed role, a decimal string in JSON; by default what a README would ask for
    /// ([`crate::permissions::BOT_DEFAULT`]).
    #[serde(default, deserialize_with = "optional_bits")]
    pub bot_permissions: Option<u64>,
    /// People besides `owner` and `member`, who are always there.
    #[serde(default)]
    pub members: Vec<MemberSpec>,
    /// Whether the bot was invited with the scope `applications.commands`. Without it, command routes answer 50001.
    #[serde(default = "yes")]
    pub commands_scope: bool,
    /// Whether it has the feature `NEWS`: it may have announcement channels.
    #[serde(default)]
    pub news: bool,
}

impl GuildSpec {
    /// A guild with the bot, an `owner` and a `member`.
    pub fn named(name: &str) -> GuildSpec {
        GuildSpec {
            name: name.to_owned(),
            bot_permissions: None,
            members: Vec::new(),
            commands_scope: true,
            news: false,
        }
    }
}

/// A person in a [`GuildSpec`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberSpec {
    /// User name, unique in the guild.
    pub name: String,
    /// Bits of a role of their own, a decimal string in JSON, on top of what every member has.
    #[serde(default, deserialize_with = "optional_bits")]
    pub permissions: Option<u64>,
}

fn default_guild_name() -> String {
    "Test guild".to_owned()
}

fn yes() -> bool {
    true
}

fn optional_bits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(Option::<Id>::deserialize(deserializer)?.map(|bits| bits.0))
}
