//! `/dbc_init`: makes a database's channels and its first commit. It can be run again at any
//! time: whatever is there already stays, whatever is missing is made.

use super::channels::{ChannelError, ChannelMaker};
use super::layout::{DatabaseChannels, Role};
use super::log::read::ReadError;
use super::log::{Op, Origin, codec};
use super::object_storage::Hints;
use super::permissions::Lacking;
use super::state::Batch;
use super::{Database, Engine, attachments, names, not_written};
use crate::discord::model::Message;
use crate::discord::{CallError, Patience, routes};
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, Level, UnixMillis};

/// What `/dbc_init` found and made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitReport {
    pub log: u64,
    pub catalog: u64,
    /// Names of the channels made now.
    pub made: Vec<String>,
    /// Whether the database was there before.
    pub existed: bool,
    pub private: bool,
    pub attachments: Option<attachments::Access>,
    /// Channels in which the bot lacks permissions.
    pub lacking: Vec<Lacking>,
}

/// Where a database stands, by channel id.
#[derive(Clone, Copy)]
struct Places {
    category: u64,
    log: u64,
    catalog: u64,
}

/// Settings of a new database.
#[derive(Debug, Clone, Copy)]
pub struct InitOptions {
    /// Keep @everyone out.
    pub private: bool,
}

impl<H: Host> Engine<H> {
    /// Makes the database `name`, or completes it.
    ///
    /// # Errors
    /// Says which step failed; running it again goes on from there.
    pub async fn init(
        &self,
        origin: &Origin,
        name: &str,
        options: InitOptions,
    ) -> Result<InitReport> {
        names::check_name("database", name)?;
        let _one_at_a_time = self.shared.making_channels.lock().await;
        let database = self.handle(name);
        let mut maker = ChannelMaker::new(&self.shared, name, options.private).await?;
        let found = maker.found();
        match found.logs.as_slice() {
            [] => self.check_remains(name, &found).await?,
            &[log] => self.open_readable(&database, log).await?,
            several => return Err(database.several_logs(several)),
        }
        let existed = database.is_initialised();
        if found.logs.is_empty() {
            // A log that this object is about to make is nobody else's, and needs no wait.
            database.claim_new().await?;
        }
        if existed {
            database.check_not_dropped()?;
            // It may have been open for long.
            database.look_at_log().await?;
            // Whoever set it up chose; channels made now go along with that.
            maker.private(database.opened()?.is_private());
        }
        let places = self.make_places(name, &mut maker).await?;
        let made = maker.made;
        open_in(&database, places, &found).await?;
        if existed {
            database.ask_for_alarm().await;
        } else {
            let first = Op::Init {
                database: name.to_owned(),
                private: options.private,
                owner: Some(self.shared.owner.clone()),
            };
            let build = move |batch: &mut Batch<'_>| batch.push(first.clone());
            database.write(origin, &[], build).await?;
        }
        let attachments = match attachments::access(&self.shared).await {
            Some(access) => Some(access),
            None => self.probe_attachments(places.catalog).await,
        };
        let private = database.opened()?.is_private();
        let lacking = match existed {
            true => {
                let channels = self.shared.channels().await;
                let channels = channels.unwrap_or_default();
                database.lacking(&channels).await.unwrap_or_default()
            }
            // Made a moment ago, with all that it needs.
            false => Vec::new(),
        };
        Ok(InitReport {
            lacking,
            log: places.log,
            catalog: places.catalog,
            made,
            existed,
            private,
            attachments,
        })
    }

    /// Makes of category, log and catalog what is missing.
    async fn make_places(&self, name: &str, maker: &mut ChannelMaker<'_, H>) -> Result<Places> {
        let unfinished = |error: ChannelError| {
            let mut error = Error::from(error);
            if error.kind == ErrorKind::TooLarge {
                error = error.about(&format!("database `{name}`"));
            }
            let hint = error.hint.clone().unwrap_or_default();
            error.hint(format!(
                "{hint} What is made already stays; `/dbc_init` goes on from there."
            ))
        };
        let category = maker.category().await.map_err(unfinished)?;
        let owned = || name.to_owned();
        let role = Role::Log { database: owned() };
        let log = maker.channel(&role, Some(category)).await;
        let log = log.map_err(unfinished)?;
        let role = Role::Catalog { database: owned() };
        let catalog = maker.channel(&role, Some(category)).await;
        Ok(Places {
            category,
            log,
            catalog: catalog.map_err(unfinished)?,
        })
    }

    /// Begins to take a database over from another deployment; when it can be used here.
    ///
    /// # Errors
    /// When it is this deployment's already, or cannot be read, or the log cannot be written.
    pub async fn take_over(&self, name: &str) -> Result<UnixMillis> {
        names::check_name("database", name)?;
        let database = self.handle(name);
        let opened = match database.open_for_user().await {
            // The lease says nothing of a takeover that began a moment ago.
            Ok(()) => database.look_at_log().await,
            failed => failed,
        };
        match opened {
            Ok(()) => Err(Error::new(
                ErrorKind::Conflict,
                format!("database `{name}` belongs to this deployment already."),
            )
            .option("takeover")
            .hint("There is nothing to take over.")),
            Err(error) => {
                // The wait that new storage needs runs beside that of the takeover: nothing is done
                // with what is in the log before both are over.
                let is_new = database.waits_for_nobody().await?;
                if error.kind != ErrorKind::Conflict && !is_new {
                    return Err(error);
                }
                let maker = ChannelMaker::new(&self.shared, name, true).await?;
                match maker.found().logs.as_slice() {
                    &[log] => Ok(database.take_over(log).await?.until),
                    several => Err(database.several_logs(several)),
                }
            }
        }
    }

    /// A log that was deleted by hand must not be replaced by an empty one while anything else of
    /// the database is left; with nothing left, the deletion was meant, and we start over.
    async fn check_remains(&self, name: &str, found: &DatabaseChannels) -> Result<()> {
        let database = self.handle(name);
        database.close();
        let keys = database.keys();
        if let Some(log) = keys.hints().await?.log {
            self.confirm_deleted(name, log).await?;
        }
        if !found.tables.is_empty() {
            let tables: Vec<String> = found
                .tables
                .values()
                .flatten()
                .map(|channel| format!("<#{}>", channel.id))
                .collect();
            return Err(Error::new(
                ErrorKind::Corrupt,
                format!(
                    "the commit log of database `{name}` is gone, but its tables are still there: {}.",
                    tables.join(", ")
                ),
            )
            .hint(format!("If somebody took away the bot's access to `#dbc-log`, undo that; if they changed its topic, make it begin with `{}` again. If the log was deleted for good: this version cannot rebuild it, but the tables still show their rows, so save what you need before you delete anything.", log_mark(name))));
        }
        keys.forget_floor().await?;
        keys.store_hints(&Hints::default()).await
    }

    /// A list that does not show the log may be out of date; the log itself is asked.
    async fn confirm_deleted(&self, name: &str, log: u64) -> Result<()> {
        let route = routes::messages(log, None);
        let client = &self.shared.client;
        let doing = format!("Database `{name}`: making sure that its log was deleted");
        match client.get::<Vec<Message>>(&route, Patience::COMMAND).await {
            Err(error) if error.is_not_found() => Ok(()),
            Err(error @ CallError::Refused { .. }) => Err(not_written(&doing, &error).hint(format!(
                "Let the bot see and read the log again (channel id {log}): its permissions there were changed."
            ))),
            Err(error) => Err(not_written(&doing, &error)),
            Ok(_) => Err(Error::new(
                ErrorKind::Corrupt,
                format!(
                    "database `{name}` has its log in <#{log}>, but that channel no longer carries dbcord's mark in its topic."
                ),
            )
            .hint(format!(
                "Make its topic begin with `{}` again. Do not delete the channel: it holds all data of the database.",
                log_mark(name)
            ))),
        }
    }

    /// Opens a database whose log channel is there. A log without records may be one that the bot
    /// may not read; what was read then counts for nothing until it is proven that it could be.
    async fn open_readable(&self, database: &Database<H>, log: u64) -> Result<()> {
        database.open_for_user().await?;
        if database.is_initialised() {
            return Ok(());
        }
        database.close();
        let has_records = self.try_to_read(&database.name, log).await?;
        database.open_for_user().await?;
        // It could be read a moment ago.
        if has_records && database.head().is_none() {
            database.close();
            return Err(database.unreadable(&ReadError::Hidden { log }));
        }
        Ok(())
    }

    /// Discord answers with an empty list where Read Message History is missing. A first record
    /// would then void all others, so it is tried whether a message posted there can be seen. Whether
    /// there are records beside it.
    async fn try_to_read(&self, name: &str, log: u64) -> Result<bool> {
        let doing = format!("Database `{name}`: making sure that its log can be read");
        let seen = self.shared.seen_beside_own_message(log).await;
        if let Some(others) = seen.map_err(|error| not_written(&doing, &error))? {
            let me = self.shared.me().await;
            let me = me.map_err(|error| not_written(&doing, &error))?;
            let is_record = |message: &Message| {
                message.author.id == me && codec::title_seq(&message.content).is_some()
            };
            return Ok(others.iter().any(is_record));
        }
        Err(Error::new(
            ErrorKind::Forbidden,
            format!("the bot cannot read the messages of <#{log}>, so whether database `{name}` has data there is unknown."),
        )
        .hint(format!("Give the bot Read Message History in <#{log}>, then run `/dbc_init` again. Nothing is lost.")))
    }

    /// Tries attachments now, so that the reply and `/dbc_inspect` can tell. Not knowing is no reason to fail.
    async fn probe_attachments(&self, channel: u64) -> Option<attachments::Access> {
        let probed = attachments::probe(&self.shared, channel).await;
        probed
            .inspect_err(|error| {
                let line = format!("the attachment check failed: {error}");
                self.shared.host.log(Level::Warn, &line);
            })
            .ok()
    }
}

/// Stores where the database stands, and opens it there.
async fn open_in<H: Host>(
    database: &Database<H>,
    places: Places,
    found: &DatabaseChannels,
) -> Result<()> {
    let keys = database.keys();
    let hints = keys.hints().await?;
    keys.store_hints(&Hints {
        log: Some(places.log),
        catalog: Some(places.catalog),
        category: Some(places.category),
        tables: found.sole_channels(),
        ..hints
    })
    .await?;
    database.open_for_user().await?;
    let catalog = places.catalog;
    database.with_opened(|opened| {
        opened.category = Some(places.category);
        if opened.catalog.replace(catalog) != Some(catalog) {
            opened.mirror.catalog_lost(&opened.state);
        }
    })?;
    database.store_hints().await;
    Ok(())
}

fn log_mark(database: &str) -> String {
    let database = database.to_owned();
    Role::Log { database }.mark()
}
