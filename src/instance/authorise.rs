//! Who may do what. The one place where that is decided.

use twilight_model::id::Id;
use twilight_model::id::marker::GuildMarker;

use crate::config::Config;
use crate::discord::permissions::{MANAGE_GUILD, covers};
use crate::error::{Error, ErrorKind, Result};
use crate::interactions::Interaction;

/// Decides whether an interaction may go on, and where: to the object of this guild.
///
/// # Errors
/// [`ErrorKind::Forbidden`] with the reason.
pub(super) fn authorise(config: &Config, interaction: &Interaction) -> Result<Id<GuildMarker>> {
    let Some(guild) = interaction.guild_id else {
        return Err(
            forbidden("dbcord works in servers only, not in direct messages.")
                .hint("Run the command in a server that has a database."),
        );
    };
    if !config.guild_ids.contains(&guild.get()) {
        return Err(forbidden(
            "this server is not among those that this deployment of dbcord serves.",
        )
        .hint("Its operator can add the server's id to DBCORD_GUILD_ID."));
    }
    if interaction.application_id.get() != config.application_id {
        return Err(forbidden(
            "the command belongs to another application than DISCORD_APPLICATION_ID.",
        )
        .hint("An operator has to correct the configuration."));
    }
    if !covers(interaction.member_permissions.bits(), MANAGE_GUILD) {
        return Err(
            forbidden("you need the permission Manage Server to use dbcord here.")
                .hint("Ask somebody who manages this server."),
        );
    }
    Ok(guild)
}

fn forbidden(message: &str) -> Error {
    Error::new(ErrorKind::Forbidden, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    #[test]
    fn every_condition_counts() {
        let config = Config {
            application_id: 2,
            public_key: [0; 32],
            bot_token: Secret::new("t"),
            guild_ids: vec![3, 4],
            api_base: String::new(),
        };
        let check = |application: u64, guild: Option<u64>, permissions: &str| {
            let guild = guild.map_or(String::new(), |id| format!(r#""guild_id":"{id}","#));
            let body = format!(
                r#"{{"id":"1","application_id":"{application}","type":3,{guild}
                "member":{{"user":{{"id":"5"}},"permissions":"{permissions}"}}}}"#
            );
            authorise(&config, &Interaction::parse(body.as_bytes()).unwrap()).is_ok()
        };
        assert!(check(2, Some(3), "32"));
        assert!(check(2, Some(4), "8"));
        assert!(!check(2, Some(9), "32"));
        assert!(!check(2, None, "32"));
        assert!(!check(7, Some(3), "32"));
        assert!(!check(2, Some(3), "2048"));
    }
}
