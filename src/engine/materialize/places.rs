//! The channels that work is done in: looked at once an opening and whenever one may have been made
//! late, made when they are missing, renamed and deleted with their tables.

use std::collections::BTreeSet;

use super::{LATE_MS, Stop};
use crate::discord::model::{Channel, Message};
use crate::discord::{CallError, Patience, routes};
use crate::engine::channels::ChannelMaker;
use crate::engine::database::Database;
use crate::engine::layout::{self, DatabaseChannels, Role};
use crate::engine::state::State;
use crate::host::{Host, Level};

impl<H: Host> Database<H> {
    /// Makes sure, once an opening, that the channels that are remembered still carry our marks:
    /// nothing is posted into one that does not.
    pub(super) async fn verify_channels(&self) -> Result<(), Stop> {
        let asked_at = self.shared.host.now();
        let channels = self.shared.channels().await?;
        let found = layout::discover(&channels).remove(&self.name);
        let found = found.unwrap_or_default();
        let hidden = self.hidden_channels(&channels).await?;
        let lost = self.look(|opened| opened.mirror.lost(&found, &hidden))?;
        let left = self.still_there(lost, &channels).await?;
        let (is_lost, unknown) = self.change(|opened| {
            opened.mirror.late_channels.looked(asked_at);
            let before = (opened.mirror.mirrored(), opened.mirror.left.len());
            opened.checkpoints.is_wanted |= !left.is_empty();
            opened.mirror.left.extend(left);
            let unknown = opened.mirror.verify(&found, &hidden, &mut opened.state);
            if opened
                .catalog
                .is_some_and(|id| !found.catalogs.contains(&id) && !hidden.contains(&id))
            {
                opened.catalog = None;
                opened.mirror.catalog_lost(&opened.state);
            }
            let after = (opened.mirror.mirrored(), opened.mirror.left.len());
            (after != before, unknown)
        })?;
        for channel in unknown {
            let line = format!(
                "database {}: channel {channel} is marked as a table's that the log does not know; it is left alone",
                self.name
            );
            self.shared.host.log(Level::Warn, &line);
        }
        if is_lost {
            self.store_hints().await;
        }
        Ok(())
    }

    /// Those of the channels that are remembered which the bot cannot see: Discord leaves them out of
    /// the list, and they are there all the same.
    pub(super) async fn hidden_channels(
        &self,
        listed: &[Channel],
    ) -> Result<BTreeSet<u64>, CallError> {
        let known = self.opened().map(|opened| {
            let known = opened.mirror.known_channels();
            known.chain(opened.catalog).collect::<BTreeSet<u64>>()
        });
        let mut hidden = BTreeSet::new();
        // Whoever closed it meanwhile starts over.
        for channel in known.unwrap_or_default() {
            let is_listed = listed.iter().any(|listed| listed.id == channel);
            if !is_listed && self.is_hidden(channel).await? {
                hidden.insert(channel);
            }
        }
        Ok(hidden)
    }

    /// Whether a channel that is not in the guild's list is there: only an answer that says so means
    /// that it is not.
    async fn is_hidden(&self, channel: u64) -> Result<bool, CallError> {
        let route = routes::channel(channel);
        let found = self
            .shared
            .client
            .get::<Channel>(&route, Patience::BACKGROUND);
        match found.await {
            Err(error) if error.is_not_found() || error.is_unknown_channel() => Ok(false),
            Err(CallError::Refused { status: 403, .. }) => Ok(true),
            Err(error) => Err(error),
            // It came into sight since.
            Ok(_) => Err(CallError::Failed(
                "what it says of which channels there are changes".to_owned(),
            )),
        }
    }

    /// Looks for channels that were made late.
    pub(super) async fn look_at_channels(&self) -> Result<(), Stop> {
        // One that is being made is not in the list, and would not be told from a late one.
        let _one_at_a_time = self.shared.making_channels.lock().await;
        let asked_at = self.shared.host.now();
        let found = self.marked_channels().await?;
        self.change(|opened| {
            opened.mirror.late_channels.looked(asked_at);
            opened.mirror.take_in_marks(&found, &opened.state);
        })
    }

    async fn marked_channels(&self) -> Result<DatabaseChannels, Stop> {
        let channels = self.shared.channels().await?;
        let found = layout::discover(&channels).remove(&self.name);
        Ok(found.unwrap_or_default())
    }

    /// Makes the channel of a table or index.
    pub(super) async fn make_table_channel(&self, id: u32) -> Result<(), Stop> {
        let (role, private, home) = self.look(|opened| {
            let role = role(&self.name, &opened.state, id);
            (role, opened.is_private(), opened.category)
        })?;
        let Some(role) = role else { return Ok(()) };
        let _one_at_a_time = self.shared.making_channels.lock().await;
        let mut maker = ChannelMaker::new(&self.shared, &self.name, private).await?;
        let made = maker.channel(&role, home).await;
        if maker.is_unanswered {
            let until = self.shared.host.now() + LATE_MS;
            self.change(|opened| opened.mirror.late_channels.extend(until))?;
        }
        let channel = made?;
        let is_new = !maker.made.is_empty();
        self.change(|opened| {
            let mirror = &mut opened.mirror;
            mirror.channel_found(id, channel, is_new, &mut opened.state);
            // The table may have been renamed while it was made.
            mirror.take_in_marks(&maker.found(), &opened.state);
        })?;
        self.store_hints().await;
        Ok(())
    }

    /// The catalog's channel, made again when it is gone.
    pub(super) async fn catalog_channel(&self) -> Result<u64, Stop> {
        if let Some(catalog) = self.look(|opened| opened.catalog)? {
            return Ok(catalog);
        }
        let (private, home) = self.look(|opened| (opened.is_private(), opened.category))?;
        let role = Role::Catalog {
            database: self.name.clone(),
        };
        let _one_at_a_time = self.shared.making_channels.lock().await;
        let mut maker = ChannelMaker::new(&self.shared, &self.name, private).await?;
        let catalog = maker.channel(&role, home).await?;
        let is_new = !maker.made.is_empty();
        self.change(|opened| {
            opened.catalog = Some(catalog);
            if is_new {
                opened.mirror.catalog_lost(&opened.state);
            }
        })?;
        self.store_hints().await;
        Ok(catalog)
    }

    /// Gives the channel of a renamed table the table's name.
    pub(super) async fn rename_channel(&self, table: u32) -> Result<(), Stop> {
        let Some((channel, role)) = self.look(|opened| {
            let role = role(&self.name, &opened.state, table)?;
            Some((opened.mirror.channel(table)?, role))
        })?
        else {
            return self.change(|opened| {
                opened.mirror.renames.remove(&table);
            });
        };
        let body = layout::renamed_channel(&role);
        let route = routes::modify_channel(channel);
        let client = &self.shared.client;
        let _: Channel = client
            .send(&route, &body, &[], Patience::BACKGROUND)
            .await?;
        self.change(|opened| {
            let now = self::role(&self.name, &opened.state, table);
            // It may have been renamed again meanwhile.
            if now.is_none_or(|now| now == role) {
                opened.mirror.renames.remove(&table);
            }
        })
    }

    /// Deletes the channel of a dropped table, or one that a table has beside its own, if it still
    /// carries the table's mark. One that was the dropped table's and does not is left alone.
    pub(super) async fn drop_channel(&self, channel: u64) -> Result<(), Stop> {
        let drop = self.look(|opened| opened.mirror.drops.get(&channel).copied())?;
        if let Some(drop) = drop {
            let channels = self.shared.channels().await?;
            // The table's own has to be seen as well, before another is given up for it.
            let own = self.look(|opened| opened.mirror.channel(drop.table))?;
            for needed in [channel].into_iter().chain(own) {
                let is_listed = channels.iter().any(|listed| listed.id == needed);
                if !is_listed && self.is_hidden(needed).await? {
                    return Err(Stop::Call(cannot_see(needed)));
                }
            }
            let found = layout::discover(&channels).remove(&self.name);
            let found = found.unwrap_or_default();
            let is_to_go = self.look(|opened| {
                let mirror = &opened.mirror;
                mirror.is_to_go(channel, drop, &found, &opened.state)
            })?;
            // A dropped table's or index's own, whose mark somebody took away: it shows what it did.
            let is_unmarked = !is_to_go && !drop.is_spare;
            let is_left = if is_unmarked {
                channels.iter().any(|listed| listed.id == channel)
            } else {
                is_to_go && drop.is_spare && self.is_used(channel).await?
            };
            if is_left {
                let line = format!(
                    "database {}: channel {channel} lost its mark or has somebody's messages; it is left alone",
                    self.name
                );
                self.shared.host.log(Level::Warn, &line);
                self.change(|opened| {
                    opened.checkpoints.is_wanted = true;
                    opened.mirror.left.insert(channel, drop.table)
                })?;
            } else if is_to_go {
                self.delete_channel(channel).await?;
                self.change(|opened| opened.mirror.left.remove(&channel))?;
            }
        }
        self.change(|opened| {
            opened.mirror.drops.remove(&channel);
        })?;
        self.store_hints().await;
        Ok(())
    }

    /// Whether people write in a channel. Whoever copies one in Discord copies the mark with it.
    async fn is_used(&self, channel: u64) -> Result<bool, CallError> {
        let me = self.shared.me().await?;
        let route = routes::messages(channel, None);
        let page = self.shared.client.get(&route, Patience::BACKGROUND);
        match page.await {
            Ok(page) => {
                let page: Vec<Message> = page;
                Ok(page.iter().any(|message| message.author.id != me))
            }
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Deletes a channel; one that is gone already is as good.
    pub(super) async fn delete_channel(&self, channel: u64) -> Result<(), CallError> {
        let route = routes::delete_channel(channel);
        let deleted = self.shared.client.delete(&route, Patience::BACKGROUND);
        match deleted.await {
            Err(error) if !error.is_not_found() => Err(error),
            _ => Ok(()),
        }
    }
}

/// What the channel of a table or index is for.
fn role(database: &str, state: &State, id: u32) -> Option<Role> {
    let (table, _) = state.table_of_view(id)?;
    let (database, table) = (database.to_owned(), table.to_owned());
    Some(match state.indexes.get(&id) {
        None => Role::Table {
            database,
            table,
            id,
        },
        Some(index) => Role::Index {
            database,
            table,
            id,
            over: index.definition.name(),
        },
    })
}

/// Why nothing can be done about a channel that is hidden from the bot.
pub(super) fn cannot_see(channel: u64) -> CallError {
    CallError::Refused {
        status: 403,
        code: 0,
        message: format!("the bot cannot see <#{channel}>: give it View Channel there"),
    }
}
