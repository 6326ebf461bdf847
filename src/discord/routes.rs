//! The routes of Discord's API that dbcord calls, one function each.

use http::Method;

use super::search::Wanted;
use crate::limits::SEARCH_PAGE;

/// One request's address, and what the client must know about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub method: Method,
    /// Path and query below the API base.
    pub path: String,
    /// Rate limits are learned per template and top-level resource.
    pub template: &'static str,
    /// The channel, guild or webhook that the path starts with.
    pub major: u64,
    /// Whether sending the request twice does no more than sending it once.
    pub repeatable: bool,
    /// Interaction endpoints are outside the global limit and carry no bot token.
    pub interaction: bool,
}

fn route(method: Method, template: &'static str, major: u64, path: String) -> Route {
    let repeatable = method != Method::POST;
    Route {
        method,
        path,
        template,
        major,
        repeatable,
        interaction: false,
    }
}

/// <https://docs.discord.com/developers/resources/user#get-current-user>
pub fn current_user() -> Route {
    route(Method::GET, "/users/@me", 0, "/users/@me".to_owned())
}

/// <https://docs.discord.com/developers/resources/guild#get-guild-channels>
pub fn guild_channels(guild: u64) -> Route {
    let path = format!("/guilds/{guild}/channels");
    route(Method::GET, "/guilds/{}/channels", guild, path)
}

/// <https://docs.discord.com/developers/resources/guild#create-guild-channel>
pub fn create_channel(guild: u64) -> Route {
    let path = format!("/guilds/{guild}/channels");
    route(Method::POST, "/guilds/{}/channels", guild, path)
}

/// <https://docs.discord.com/developers/resources/guild#get-guild-roles>
pub fn guild_roles(guild: u64) -> Route {
    let path = format!("/guilds/{guild}/roles");
    route(Method::GET, "/guilds/{}/roles", guild, path)
}

/// <https://docs.discord.com/developers/resources/guild#get-guild-member>
pub fn guild_member(guild: u64, user: u64) -> Route {
    let path = format!("/guilds/{guild}/members/{user}");
    route(Method::GET, "/guilds/{}/members/{}", guild, path)
}

/// A channel or a thread.
/// <https://docs.discord.com/developers/resources/channel#get-channel>
pub fn channel(channel: u64) -> Route {
    let path = format!("/channels/{channel}");
    route(Method::GET, "/channels/{}", channel, path)
}

/// Of a channel or a thread.
/// <https://docs.discord.com/developers/resources/channel#modify-channel>
pub fn modify_channel(channel: u64) -> Route {
    let path = format!("/channels/{channel}");
    route(Method::PATCH, "/channels/{}", channel, path)
}

/// Of a channel or a thread.
/// <https://docs.discord.com/developers/resources/channel#deleteclose-channel>
pub fn delete_channel(channel: u64) -> Route {
    let path = format!("/channels/{channel}");
    route(Method::DELETE, "/channels/{}", channel, path)
}

/// Newest first. <https://docs.discord.com/developers/resources/message#get-channel-messages>
pub fn messages(channel: u64, before: Option<u64>) -> Route {
    let mut path = format!(
        "/channels/{channel}/messages?limit={}",
        crate::limits::MESSAGE_PAGE
    );
    if let Some(before) = before {
        path.push_str(&format!("&before={before}"));
    }
    route(Method::GET, "/channels/{}/messages", channel, path)
}

/// The messages that follow one, newest first; from the channel's first for 0. Same page.
pub fn messages_after(channel: u64, after: u64) -> Route {
    let path = format!(
        "/channels/{channel}/messages?limit={}&after={after}",
        crate::limits::MESSAGE_PAGE
    );
    route(Method::GET, "/channels/{}/messages", channel, path)
}

/// Messages of one author in a channel that Discord's search finds, newest first; those below an id.
/// <https://docs.discord.com/developers/resources/message#search-guild-messages>
pub fn search(
    guild: u64,
    (channel, author): (u64, u64),
    wanted: &Wanted,
    below: Option<u64>,
) -> Route {
    let mut path = format!(
        "/guilds/{guild}/messages/search?channel_id={channel}&author_id={author}&include_nsfw=true&sort_by=timestamp&sort_order=desc&limit={SEARCH_PAGE}"
    );
    match wanted {
        Wanted::Words(text) => {
            path.push_str("&content=");
            percent_encode(text, &mut path);
        }
        Wanted::Files => path.push_str("&has=file"),
    }
    if let Some(below) = below {
        path.push_str(&format!("&max_id={below}"));
    }
    route(Method::GET, "/guilds/{}/messages/search", guild, path)
}

/// Writes a text so that it can be the value of a query's parameter.
fn percent_encode(text: &str, to: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                to.push(char::from(byte));
            }
            _ => to.push_str(&format!("%{byte:02X}")),
        }
    }
}

/// One message, with fresh addresses of its files.
/// <https://docs.discord.com/developers/resources/message#get-channel-message>
pub fn message(channel: u64, message: u64) -> Route {
    let path = format!("/channels/{channel}/messages/{message}");
    route(Method::GET, "/channels/{}/messages/{}", channel, path)
}

/// <https://docs.discord.com/developers/resources/channel#start-thread-from-message>
pub fn start_thread(channel: u64, message: u64) -> Route {
    let path = format!("/channels/{channel}/messages/{message}/threads");
    let template = "/channels/{}/messages/{}/threads";
    route(Method::POST, template, channel, path)
}

/// <https://docs.discord.com/developers/resources/guild#list-active-guild-threads>
pub fn active_threads(guild: u64) -> Route {
    let path = format!("/guilds/{guild}/threads/active");
    route(Method::GET, "/guilds/{}/threads/active", guild, path)
}

/// Archived threads of a channel, the last archived first; those archived before a time, as Discord
/// writes it.
/// <https://docs.discord.com/developers/resources/channel#list-public-archived-threads>
pub fn archived_threads(channel: u64, before: Option<&str>) -> Route {
    let before = before.map(|time| format!("&before={}", time.replace('+', "%2B")));
    let path = format!(
        "/channels/{channel}/threads/archived/public?limit=100{}",
        before.unwrap_or_default()
    );
    let template = "/channels/{}/threads/archived/public";
    route(Method::GET, template, channel, path)
}

/// A POST that is repeatable all the same: every message of ours carries an enforced nonce.
/// <https://docs.discord.com/developers/resources/message#create-message>
pub fn create_message(channel: u64) -> Route {
    let path = format!("/channels/{channel}/messages");
    let route = route(Method::POST, "/channels/{}/messages", channel, path);
    Route {
        repeatable: true,
        ..route
    }
}

/// <https://docs.discord.com/developers/resources/message#edit-message>
pub fn edit_message(channel: u64, message: u64) -> Route {
    let path = format!("/channels/{channel}/messages/{message}");
    route(Method::PATCH, "/channels/{}/messages/{}", channel, path)
}

/// <https://docs.discord.com/developers/resources/message#delete-message>
pub fn delete_message(channel: u64, message: u64) -> Route {
    let path = format!("/channels/{channel}/messages/{message}");
    route(Method::DELETE, "/channels/{}/messages/{}", channel, path)
}

/// <https://docs.discord.com/developers/interactions/receiving-and-responding#edit-original-interaction-response>
pub fn edit_original(application: u64, token: &str) -> Route {
    // The token stands in the path, so it must not be able to change the path.
    let token: String = token
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || "-_.:=".contains(*c))
        .collect();
    let path = format!("/webhooks/{application}/{token}/messages/@original");
    // The limit is counted for the webhook with its token: answers to one do not hold up another's.
    let major = application ^ u64::from(crc32fast::hash(token.as_bytes()));
    Route {
        interaction: true,
        ..route(
            Method::PATCH,
            "/webhooks/{}/{}/messages/@original",
            major,
            path,
        )
    }
}

/// Where people find a message.
pub fn message_link(guild: u64, channel: u64, message: u64) -> String {
    format!("https://discord.com/channels/{guild}/{channel}/{message}")
}
