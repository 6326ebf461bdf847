//! The parts of an interaction that dbcord reads.
//! <https://docs.discord.com/developers/interactions/receiving-and-responding#interaction-object>
//!
//! The envelope is ours, so that a field that Discord leaves out or adds cannot break it;
//! `docs/decisions/0001-interaction-envelope.md` has the figures.

use serde::Deserialize;
use serde_json::Value;
use twilight_model::guild::Permissions;
use twilight_model::id::Id;
use twilight_model::id::marker::{ApplicationMarker, GuildMarker, InteractionMarker, UserMarker};

use super::CommandData;

/// What happened at Discord's side.
#[derive(Debug, Clone)]
pub enum Kind {
    Ping,
    /// A command was run.
    Command(Box<CommandData>),
    /// Somebody is typing an option's value.
    Autocomplete(Box<CommandData>),
    /// A type that dbcord has no use for.
    Other(u8),
}

/// A signed request, understood.
#[derive(Debug, Clone)]
pub struct Interaction {
    pub id: Id<InteractionMarker>,
    pub application_id: Id<ApplicationMarker>,
    /// Good for 15 minutes of edits and follow-ups.
    pub token: String,
    pub kind: Kind,
    pub guild_id: Option<Id<GuildMarker>>,
    pub user_id: Option<Id<UserMarker>>,
    /// The member's permissions, computed for the channel; none outside of guilds.
    pub member_permissions: Permissions,
    /// The bot's own permissions in the channel.
    pub app_permissions: Option<Permissions>,
}

#[derive(Deserialize)]
struct Envelope {
    id: Id<InteractionMarker>,
    application_id: Id<ApplicationMarker>,
    #[serde(rename = "type")]
    kind: u8,
    #[serde(default)]
    token: String,
    #[serde(default)]
    data: Option<Value>,
    #[serde(default)]
    guild_id: Option<Id<GuildMarker>>,
    #[serde(default)]
    member: Option<Member>,
    #[serde(default)]
    user: Option<User>,
    #[serde(default)]
    app_permissions: Option<Permissions>,
}

#[derive(Deserialize)]
struct Member {
    #[serde(default)]
    user: Option<User>,
    #[serde(default)]
    permissions: Option<Permissions>,
}

#[derive(Deserialize)]
struct User {
    id: Id<UserMarker>,
}

const PING: u8 = 1;
const APPLICATION_COMMAND: u8 = 2;
const APPLICATION_COMMAND_AUTOCOMPLETE: u8 = 4;

impl Interaction {
    /// Reads a body whose signature has been checked.
    ///
    /// # Errors
    /// A sentence about what is wrong with it.
    pub fn parse(body: &[u8]) -> Result<Interaction, String> {
        let malformed = |error: serde_json::Error| format!("The interaction is malformed: {error}");
        let envelope: Envelope = serde_json::from_slice(body).map_err(malformed)?;
        let data = |data: Option<Value>| match data {
            Some(data) => CommandData::read(&data).map(Box::new),
            None => Err("The interaction has no data.".to_owned()),
        };
        let kind = match envelope.kind {
            PING => Kind::Ping,
            APPLICATION_COMMAND => Kind::Command(data(envelope.data)?),
            APPLICATION_COMMAND_AUTOCOMPLETE => Kind::Autocomplete(data(envelope.data)?),
            other => Kind::Other(other),
        };
        let (member_user, permissions) = match envelope.member {
            Some(member) => (member.user, member.permissions),
            None => (None, None),
        };
        Ok(Interaction {
            id: envelope.id,
            application_id: envelope.application_id,
            token: envelope.token,
            kind,
            guild_id: envelope.guild_id,
            user_id: member_user.or(envelope.user).map(|user| user.id),
            member_permissions: permissions.unwrap_or(Permissions::empty()),
            app_permissions: envelope.app_permissions,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_that_discord_documents_is_enough() {
        let ping = Interaction::parse(br#"{"id":"1","application_id":"2","type":1}"#).unwrap();
        assert!(matches!(ping.kind, Kind::Ping));
        let modal =
            br#"{"id":"1","application_id":"2","type":5,"data":{"custom_id":"x"},"new":[]}"#;
        let modal = Interaction::parse(modal).unwrap();
        assert!(matches!(modal.kind, Kind::Other(5)));
    }

    #[test]
    fn a_command_keeps_who_where_and_what() {
        let body = br#"{"id":"1","application_id":"2","type":2,"token":"t","guild_id":"3",
            "channel":{"id":"4","type":0},"member":{"user":{"id":"5","username":"u"},"permissions":"32"},
            "data":{"id":"6","name":"dbc_get","type":1,"options":[{"name":"key","type":3,"value":"k"}]}}"#;
        let interaction = Interaction::parse(body).unwrap();
        assert_eq!(interaction.user_id, Some(Id::new(5)));
        assert_eq!(interaction.member_permissions, Permissions::MANAGE_GUILD);
        let Kind::Command(data) = interaction.kind else {
            panic!("not a command")
        };
        assert_eq!((data.name.as_str(), data.options.len()), ("dbc_get", 1));
    }

    #[test]
    fn nonsense_is_refused_with_a_reason() {
        for body in [
            &b"{"[..],
            b"[]",
            br#"{"id":"0","application_id":"2","type":1}"#,
            br#"{"id":"1","application_id":"2","type":2}"#,
            br#"{"id":"1","application_id":"2","type":2,"data":7}"#,
        ] {
            assert!(Interaction::parse(body).is_err());
        }
    }
}
