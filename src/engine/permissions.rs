//! What the bot may do in the channels of a database: people change that by hand.

use serde::Deserialize;

use super::database::Database;
use crate::discord::model::{Channel, Member, Role};
use crate::discord::{CallError, Patience, permissions, routes};
use crate::host::Host;

/// A channel of ours, and what the bot lacks there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    pub channel: u64,
    /// As Discord's settings name them.
    pub permissions: Vec<&'static str>,
}

impl<H: Host> Database<H> {
    /// The channels of the database in which the bot lacks permissions.
    ///
    /// # Errors
    /// When that cannot be found out.
    pub(super) async fn lacking(&self, channels: &[Channel]) -> Result<Vec<Lacking>, CallError> {
        let ours = match self.opened() {
            Ok(opened) => {
                let of_tables = opened.state.views();
                let of_tables = of_tables.filter_map(|table| opened.mirror.channel(table.id));
                let ours = [opened.log].into_iter().chain(opened.catalog);
                ours.chain(of_tables).collect::<Vec<_>>()
            }
            Err(_) => return Ok(Vec::new()),
        };
        let shared = &self.shared;
        let me = shared.me().await?;
        let roles: Vec<Role> = self.ask(&routes::guild_roles(shared.guild)).await?;
        let member: Member = self.ask(&routes::guild_member(shared.guild, me)).await?;
        let of = |id: &u64| {
            let channel = channels.iter().find(|channel| channel.id == *id)?;
            let granted = permissions::in_channel(shared.guild, me, &roles, &member, channel);
            let permissions = permissions::missing(granted);
            (!permissions.is_empty()).then_some(Lacking {
                channel: *id,
                permissions,
            })
        };
        Ok(ours.iter().filter_map(of).collect())
    }

    async fn ask<T: for<'de> Deserialize<'de>>(
        &self,
        route: &routes::Route,
    ) -> Result<T, CallError> {
        self.shared.client.get(route, Patience::COMMAND).await
    }
}
