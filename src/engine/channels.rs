//! Makes channels of a database, so that a lost answer leaves no twin and a full category no
//! failure.

use serde_json::Value;

use super::layout::{self, Audience, DatabaseChannels, Role, Room};
use super::{Shared, describe};
use crate::discord::model::Channel;
use crate::discord::{CallError, Patience, routes};
use crate::error::{Error, ErrorKind, Written};
use crate::host::Host;

/// Why a channel is not there.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum ChannelError {
    Call { doing: String, error: CallError },
    GuildFull,
}

impl From<ChannelError> for Error {
    fn from(error: ChannelError) -> Error {
        match error {
            // A channel by itself is no write: a channel too many is found and used next time.
            ChannelError::Call { doing, error } => describe(&doing, &error, Written::No),
            ChannelError::GuildFull => Error::new(
                ErrorKind::TooLarge,
                format!(
                    "this server has no room for another channel: Discord allows {}.",
                    crate::limits::GUILD_CHANNELS
                ),
            )
            .hint("Delete channels that are not needed."),
        }
    }
}

/// Makes channels for one database, from one look at the guild's channels.
pub(super) struct ChannelMaker<'a, H> {
    shared: &'a Shared<H>,
    database: &'a str,
    audience: Audience,
    channels: Vec<Channel>,
    /// What was made, for the report.
    pub made: Vec<String>,
    /// Whether nobody answered a request to make a channel: it may arrive later.
    pub is_unanswered: bool,
}

impl<'a, H: Host> ChannelMaker<'a, H> {
    /// Looks at the guild's channels.
    pub async fn new(
        shared: &'a Shared<H>,
        database: &'a str,
        private: bool,
    ) -> Result<Self, ChannelError> {
        let call = |error| ChannelError::Call {
            doing: format!("Setting up channels of database `{database}`"),
            error,
        };
        let me = shared.me().await.map_err(call)?;
        let audience = Audience {
            guild: shared.guild,
            me,
            private,
        };
        let mut maker = ChannelMaker {
            shared,
            database,
            audience,
            channels: Vec::new(),
            made: Vec::new(),
            is_unanswered: false,
        };
        maker.look().await?;
        Ok(maker)
    }

    /// Decides whether channels made from now on are private.
    pub fn private(&mut self, private: bool) {
        self.audience.private = private;
    }

    /// The channels that the database has.
    pub fn found(&self) -> DatabaseChannels {
        let mut databases = layout::discover(&self.channels);
        databases.remove(self.database).unwrap_or_default()
    }

    /// The category for a new database, made unless an interrupted attempt left it.
    pub async fn category(&mut self) -> Result<u64, ChannelError> {
        let left = layout::abandoned_category(&self.channels, self.database, self.audience.me);
        if let Some(category) = self.found().category.or(left) {
            return Ok(category);
        }
        if layout::room(&self.channels, self.database, None) == Room::GuildFull {
            return Err(ChannelError::GuildFull);
        }
        let (database, me) = (self.database, self.audience.me);
        let body = layout::new_category(self.audience, database, 1);
        self.create(&body, |channels| {
            layout::abandoned_category(channels, database, me)
        })
        .await
    }

    /// The channel with this role, made unless it is there.
    pub async fn channel(&mut self, role: &Role, home: Option<u64>) -> Result<u64, ChannelError> {
        let database = self.database;
        let find = |channels: &[Channel]| {
            let found = layout::discover(channels).remove(database)?;
            match role {
                Role::Log { .. } => found.logs.first().copied(),
                Role::Catalog { .. } => found.catalogs.first().copied(),
                Role::Table { id, .. } | Role::Index { id, .. } => {
                    found.tables.get(id)?.first().map(|marked| marked.id)
                }
            }
        };
        if let Some(channel) = find(&self.channels) {
            return Ok(channel);
        }
        let home = home.or(self.found().category);
        // Whoever hid the category wants what comes into it hidden as well.
        let home_channel = self.channels.iter().find(|c| Some(c.id) == home);
        self.audience.private |=
            home_channel.is_some_and(|c| layout::is_hidden(c, self.audience.guild));
        let category = match layout::room(&self.channels, database, home) {
            Room::In { category } => category,
            Room::GuildFull => return Err(ChannelError::GuildFull),
            Room::NewCategory { number } => {
                let body = layout::new_category(self.audience, database, number);
                let before: Vec<u64> = self.channels.iter().map(|channel| channel.id).collect();
                let name = layout::category_name(database, number);
                self.create(&body, |channels| {
                    let new = |channel: &&Channel| {
                        channel.name.as_ref() == Some(&name) && !before.contains(&channel.id)
                    };
                    channels.iter().find(new).map(|channel| channel.id)
                })
                .await?
            }
        };
        let body = layout::new_channel(self.audience, role, category);
        self.create(&body, find).await
    }

    /// Creates a channel. Discord has no nonce for channels, so after a lost answer the list of
    /// channels tells whether it was made.
    async fn create(
        &mut self,
        body: &Value,
        find: impl Fn(&[Channel]) -> Option<u64>,
    ) -> Result<u64, ChannelError> {
        let name = body["name"].as_str().unwrap_or_default().to_owned();
        let route = routes::create_channel(self.audience.guild);
        let client = &self.shared.client;
        let sent = client
            .send::<Channel>(&route, body, &[], Patience::COMMAND)
            .await;
        match sent {
            Ok(channel) => {
                let id = channel.id;
                self.channels.push(channel);
                self.made.push(name);
                Ok(id)
            }
            Err(error) => {
                let doing = format!("Creating channel `{name}`");
                if error.may_have_happened() {
                    self.is_unanswered = true;
                    self.look().await?;
                    if let Some(id) = find(&self.channels) {
                        self.made.push(name);
                        return Ok(id);
                    }
                }
                Err(ChannelError::Call { doing, error })
            }
        }
    }

    async fn look(&mut self) -> Result<(), ChannelError> {
        let channels = self.shared.channels().await;
        self.channels = channels.map_err(|error| ChannelError::Call {
            doing: "Listing the server's channels".to_owned(),
            error,
        })?;
        Ok(())
    }
}
