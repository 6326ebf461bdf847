//! The pure core: state, and everything that changes it.

pub(crate) mod application;
pub(crate) mod body;
pub(crate) mod commands;
pub(crate) mod config;
mod control;
mod damage;
pub(crate) mod error;
pub(crate) mod faults;
pub(crate) mod form;
pub(crate) mod guild;
pub(crate) mod handle;
pub(crate) mod id;
pub(crate) mod interactions;
pub(crate) mod message;
pub(crate) mod ratelimit;
pub(crate) mod search;
pub(crate) mod store;
pub(crate) mod time;
pub(crate) mod traffic;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Serialize;

use self::application::{Application, derive};
use self::commands::Commands;
use self::config::Config;
use self::faults::Faults;
use self::faults::late::Late;
use self::guild::channel::Channel;
use self::guild::{GuildState, User};
use self::handle::Arrival;
use self::id::{Id, IdGenerator};
use self::interactions::Interactions;
use self::message::attachments::{StoredFile, UrlSigner};
use self::message::journal::Journal;
use self::message::nonce::Nonces;
use self::ratelimit::{Buckets, InvalidRequests};
use self::search::SearchIndex;
use self::traffic::Traffic;

/// What became of a request.
#[derive(Debug)]
pub enum Outcome {
    /// Answered, after this time.
    Responded {
        after: Duration,
        response: Response<Bytes>,
    },
    /// Never arrived; nothing changed.
    LostRequest,
    /// Carried out, or yet to be ([`FaultKind::Late`](crate::FaultKind::Late)), but the caller never hears of it.
    LostResponse,
}

/// The ids of a guild that was made by [`Discord::create_guild`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Guild {
    pub guild_id: Id,
    /// The text channel `general`.
    pub channel_id: Id,
    /// User ids by name: `owner`, `member`, and those of the spec.
    pub users: BTreeMap<String, Id>,
}

/// Why something asked of the simulator itself (not of Discord's API) cannot be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// 400, 403 or 404; the status that the control API answers with.
    pub status: StatusCode,
    pub text: String,
}

impl Problem {
    pub(crate) fn bad(text: impl Into<String>) -> Problem {
        Problem {
            status: StatusCode::BAD_REQUEST,
            text: text.into(),
        }
    }

    pub(crate) fn forbidden(text: impl Into<String>) -> Problem {
        Problem {
            status: StatusCode::FORBIDDEN,
            text: text.into(),
        }
    }

    pub(crate) fn missing(text: impl Into<String>) -> Problem {
        Problem {
            status: StatusCode::NOT_FOUND,
            text: text.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Problem {}

/// A Discord: guilds, one application, the limits between them. See the crate's documentation.
#[derive(Debug)]
pub struct Discord {
    pub(crate) config: Config,
    /// The time of the latest call. Not a clock: it stands still in between.
    pub(crate) latest_ms: u64,
    pub(crate) application: Application,
    pub(crate) ids: IdGenerator,
    pub(crate) rng: fastrand::Rng,
    pub(crate) users: BTreeMap<Id, User>,
    pub(crate) guilds: BTreeMap<Id, GuildState>,
    /// Threads among them.
    pub(crate) channels: BTreeMap<Id, Channel>,
    /// When to look which thread has gone quiet.
    pub(crate) thread_watch: BTreeSet<(u64, Id)>,
    pub(crate) files: BTreeMap<Id, StoredFile>,
    pub(crate) urls: UrlSigner,
    pub(crate) journal: Journal,
    pub(crate) index: SearchIndex,
    pub(crate) nonces: Nonces,
    pub(crate) commands: Commands,
    pub(crate) interactions: Interactions,
    pub(crate) interactions_endpoint: Option<String>,
    pub(crate) buckets: Buckets,
    pub(crate) invalid: InvalidRequests,
    pub(crate) faults: Faults,
    pub(crate) late: Late<Arrival>,
    pub(crate) traffic: Traffic,
}

impl Discord {
    /// A Discord without guilds.
    pub fn new(config: Config) -> Discord {
        let index = SearchIndex::new(&config);
        let application = Application::from_seed(config.seed);
        let bot = User {
            id: application.bot_user_id,
            name: "dbcord".to_owned(),
            bot: true,
        };
        Discord {
            application,
            latest_ms: 0,
            ids: IdGenerator::default(),
            rng: fastrand::Rng::with_seed(config.seed),
            users: BTreeMap::from([(bot.id, bot)]),
            guilds: BTreeMap::new(),
            channels: BTreeMap::new(),
            thread_watch: BTreeSet::new(),
            files: BTreeMap::new(),
            urls: UrlSigner::new(&config.base_url, derive(config.seed, "attachment urls")),
            journal: Journal::default(),
            index,
            nonces: Nonces::default(),
            commands: Commands::default(),
            interactions: Interactions::default(),
            interactions_endpoint: None,
            buckets: Buckets::default(),
            invalid: InvalidRequests::default(),
            faults: Faults::default(),
            late: Late::default(),
            traffic: Traffic::new(config.traffic_kept),
            config,
        }
    }

    /// The application under test, with its keys and token.
    pub fn application(&self) -> &Application {
        &self.application
    }
}
