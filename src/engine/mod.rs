//! The storage engine: a guild's databases, their state, their log, and the channels that show
//! them.
//!
//! A write is one message in the log; [`Database::write`] is the only way to make one. Reads are
//! answered from memory. What people see in the channels follows in the background
//! ([`materialize`]).

pub mod attachments;
mod channels;
pub mod checkpoint;
mod commit;
pub mod database;
pub mod digest;
pub mod document;
mod drop;
mod erase;
pub mod find;
mod gzip;
pub mod history;
pub mod index;
pub mod init;
pub mod inspect;
pub mod layout;
pub mod list;
mod load;
pub mod log;
pub mod many;
pub mod materialize;
mod merge_patch;
pub mod names;
mod numbers;
mod object_storage;
mod open;
pub mod permissions;
pub mod query;
mod rebuild;
mod regex;
pub mod row;
pub mod schema;
pub mod set_schema;
pub mod state;
pub mod table;
pub mod transact;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use sha2::{Digest as _, Sha256};

use crate::discord::model::{Channel, Message, User};
use crate::discord::{CallError, Client, Draft, Patience, routes};
use crate::error::{Error, ErrorKind, Result, Written};
use crate::host::{Host, Level};
use crate::limits::MESSAGE_PAGE;
use crate::text::{inline, near_or_known};

pub use database::Database;
pub use log::Origin;

/// All databases of one guild. One of these lives in each guild's object.
pub struct Engine<H> {
    shared: Rc<Shared<H>>,
    databases: RefCell<BTreeMap<String, Rc<Database<H>>>>,
}

/// What every part of the engine works with.
pub(crate) struct Shared<H> {
    pub host: Rc<H>,
    pub client: Client<H>,
    pub guild: u64,
    /// How this object names itself in logs.
    pub owner: String,
    /// The bot's own user id, once asked for.
    me: Cell<Option<u64>>,
    /// Making channels is not atomic, so one at a time looks which are missing and makes them.
    pub making_channels: futures_util::lock::Mutex<()>,
    /// Whether attachments can be read back, once tried.
    attachments: Cell<Option<attachments::Access>>,
}

impl<H: Host> Engine<H> {
    pub fn new(host: Rc<H>, client: Client<H>, guild: u64) -> Self {
        let owner = digest::first_8_bytes(&Sha256::digest(host.object_id()));
        Engine {
            shared: Rc::new(Shared {
                owner: format!("{owner:016x}"),
                host,
                client,
                guild,
                me: Cell::new(None),
                making_channels: futures_util::lock::Mutex::new(()),
                attachments: Cell::new(None),
            }),
            databases: RefCell::default(),
        }
    }

    /// The database of this name, opened.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] with the nearest names, what opening it failed on, or that it was
    /// dropped.
    pub async fn database(&self, name: &str) -> Result<Rc<Database<H>>> {
        let database = self.open(name).await?;
        database.check_not_dropped()?;
        Ok(database)
    }

    /// The same, also where it was dropped and is being removed.
    ///
    /// # Errors
    /// As [`Engine::database`].
    pub async fn open(&self, name: &str) -> Result<Rc<Database<H>>> {
        names::check_name("database", name)?;
        let database = self.handle(name);
        match database.open().await {
            Ok(()) if database.is_initialised() => Ok(database),
            Ok(()) => {
                // An empty log may be one that could not be read; the next try reads it again.
                let log = database.claimed().map(|opened| opened.log);
                let log = log.map_or("its log".to_owned(), |log| format!("<#{log}>"));
                database.close();
                Err(Error::new(
                    ErrorKind::NotFound,
                    format!(
                        "Setting up database `{name}` was interrupted, or the bot lacks Read Message History in {log}."
                    ),
                )
                .option("database")
                .hint(format!(
                    "Run `/dbc_init database:{name}`: it finds out which. Nothing is lost."
                )))
            }
            Err(error) => Err(error.for_user(name)),
        }
    }

    /// Names of the databases that can be offered without asking Discord.
    pub async fn known_databases(&self) -> Vec<String> {
        object_storage::known_databases(&*self.shared.host)
            .await
            .unwrap_or_default()
    }

    /// Names of a database's tables, as far as they can be offered without asking Discord.
    pub async fn known_tables(&self, database: &str) -> Vec<String> {
        if let Some(open) = self.open_database(database) {
            return open.table_names();
        }
        let keys = object_storage::DatabaseKeys::new(&*self.shared.host, database);
        keys.hints().await.unwrap_or_default().table_names
    }

    /// Closed databases whose channels do not show everything yet.
    pub async fn databases_behind(&self) -> Vec<String> {
        let mut behind = Vec::new();
        for name in self.known_databases().await {
            let keys = object_storage::DatabaseKeys::new(&*self.shared.host, &name);
            if self.open_database(&name).is_none() && keys.is_behind().await {
                behind.push(name);
            }
        }
        behind
    }

    /// Forgets a database whose removal was all but complete when its object died.
    pub async fn forget_removed(&self, name: &str) {
        let keys = object_storage::DatabaseKeys::new(&*self.shared.host, name);
        if !keys.hints().await.is_ok_and(|hints| hints.is_removed) {
            return;
        }
        if let Err(error) = keys.forget().await {
            let line = format!("database {name}: not forgotten: {error}");
            self.shared.host.log(Level::Warn, &line);
        }
    }

    /// The databases that are open now.
    pub fn open_databases(&self) -> Vec<Rc<Database<H>>> {
        let databases = self.databases.borrow();
        databases
            .values()
            .filter(|d| d.is_open())
            .cloned()
            .collect()
    }

    /// A database that is open already.
    pub fn open_database(&self, name: &str) -> Option<Rc<Database<H>>> {
        let database = self.databases.borrow().get(name).cloned();
        database.filter(|database| database.is_open())
    }

    pub fn client(&self) -> &Client<H> {
        &self.shared.client
    }

    /// Lets go of everything in memory.
    pub fn close(&self) {
        for (_, database) in self.databases.take() {
            database.close();
            database.read_only.take();
        }
    }

    fn handle(&self, name: &str) -> Rc<Database<H>> {
        let mut databases = self.databases.borrow_mut();
        let new = || Rc::new(Database::new(name, Rc::clone(&self.shared)));
        Rc::clone(databases.entry(name.to_owned()).or_insert_with(new))
    }
}

impl<H: Host> Shared<H> {
    /// The bot's own user id: only its messages count.
    pub async fn me(&self) -> Result<u64, CallError> {
        if let Some(me) = self.me.get() {
            return Ok(me);
        }
        let route = routes::current_user();
        let user: User = self.client.get(&route, Patience::COMMAND).await?;
        self.me.set(Some(user.id));
        Ok(user.id)
    }

    pub async fn channels(&self) -> Result<Vec<Channel>, CallError> {
        let route = routes::guild_channels(self.guild);
        self.client.get(&route, Patience::COMMAND).await
    }

    /// All messages of `author` in a channel, newest first, page by page. Other people's messages
    /// have no say in a channel of ours.
    pub async fn own_messages(
        &self,
        channel: u64,
        author: u64,
        patience: Patience,
    ) -> Result<Vec<Message>, CallError> {
        let mut messages = Vec::new();
        let mut before = None;
        loop {
            let route = routes::messages(channel, before);
            let page: Vec<Message> = self.client.get(&route, patience).await?;
            let is_full = page.len() >= MESSAGE_PAGE;
            before = page.iter().map(|message| message.id).min();
            let own = page.into_iter().filter(|m| m.author.id == author);
            messages.extend(own);
            if !is_full {
                return Ok(messages);
            }
        }
    }

    /// Tries whether a message posted to a channel can be seen there. Discord answers with an empty
    /// list where Read Message History is missing, so an empty channel may be one out of sight.
    pub async fn sees_own_messages(&self, channel: u64) -> Result<bool, CallError> {
        let seen = self.seen_beside_own_message(channel).await;
        seen.map(|others| others.is_some())
    }

    /// The same; what else the newest page shows, if that message is among it.
    pub async fn seen_beside_own_message(
        &self,
        channel: u64,
    ) -> Result<Option<Vec<Message>>, CallError> {
        let identity = format!("{channel}:{:016x}", self.host.next_u64());
        let draft = Draft {
            content: "dbcord checks whether it can read this channel. This message can be deleted.",
            identity: Some(&identity),
            ..Draft::default()
        };
        let route = routes::create_message(channel);
        let posted = self
            .client
            .send_draft::<Message>(&route, &draft, Patience::COMMAND);
        let posted = posted.await?;
        let route = routes::messages(channel, None);
        let newest = self
            .client
            .get::<Vec<Message>>(&route, Patience::COMMAND)
            .await;
        let route = routes::delete_message(channel, posted.id);
        let deleted = self.client.delete(&route, Patience::COMMAND).await;
        let mut newest = newest?;
        let before = newest.len();
        newest.retain(|message| message.id != posted.id);
        deleted?;
        Ok((newest.len() < before).then_some(newest))
    }

    /// A link to a message, for replies.
    pub fn message_link(&self, channel: u64, message: u64) -> String {
        routes::message_link(self.guild, channel, message)
    }
}

fn unknown_database(name: &str, known: &[String]) -> Error {
    let error = Error::new(
        ErrorKind::NotFound,
        format!("there is no database `{}` in this server.", inline(name)),
    )
    .option("database");
    let create = || format!("Create it with `/dbc_init database:{name}`.");
    error.hint(near_or_known(name, known).unwrap_or_else(create))
}

/// A call that failed before anything of a write could have happened.
pub(crate) fn not_written(doing: &str, error: &CallError) -> Error {
    describe(doing, error, Written::No)
}

/// The error that a failed call becomes: what we were doing, what Discord said, what to do now.
pub(crate) fn describe(doing: &str, error: &CallError, written: Written) -> Error {
    let (kind, hint) = match error {
        CallError::Refused { status: 401, .. } => (
            ErrorKind::Misconfigured,
            "The bot token is wrong or was reset: an operator must set DISCORD_BOT_TOKEN again."
                .to_owned(),
        ),
        CallError::Refused { status: 403, .. } => (
            ErrorKind::Forbidden,
            "Check the bot's role and the channel's permissions; the README lists what it needs."
                .to_owned(),
        ),
        CallError::Refused { .. } => (
            ErrorKind::Unavailable,
            "Trying again will most likely end the same way; `/dbc_inspect` shows the state."
                .to_owned(),
        ),
        CallError::RateLimited { retry_after_ms } | CallError::OldEdits { retry_after_ms } => (
            ErrorKind::Unavailable,
            format!("Try again in {} s.", retry_after_ms.div_ceil(1_000)),
        ),
        CallError::Blocked { .. } => (
            ErrorKind::Unavailable,
            "This passes by itself, often within minutes to an hour; try again then.".to_owned(),
        ),
        CallError::NotSent(_)
        | CallError::Ambiguous(_)
        | CallError::Failed(_)
        | CallError::Malformed(_) => (ErrorKind::Unavailable, "Try again in a minute.".to_owned()),
    };
    Error::new(kind, format!("{doing}: {error}"))
        .written(written)
        .hint(hint)
}

/// Why nothing is known of what stands in a channel.
fn cannot_read(channel: u64) -> CallError {
    CallError::Refused {
        status: 403,
        code: 0,
        message: format!(
            "the bot may not read the messages of <#{channel}>: give it Read Message History there"
        ),
    }
}
