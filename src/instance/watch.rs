//! Answers that say more once something has happened: whoever deleted a row for good is told when
//! its last copy is gone, for as long as the interaction's token allows.

use serde::{Deserialize, Serialize};

use super::Instance;
use super::deferral::OwedReply;
use crate::discord::{Draft, original};
use crate::error::ErrorKind;
use crate::host::{Host, Level, UnixMillis};
use crate::interactions::Reply;
use crate::interactions::reply::Watch;
use crate::limits::INTERACTION_TOKEN_MS;

const PREFIX: &str = "watch/";

/// An answer to be added to, as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Watched {
    interaction: u64,
    application: u64,
    token: String,
    watch: Watch,
    /// What the answer says so far.
    text: String,
    since: UnixMillis,
}

impl<H: Host> Instance<H> {
    /// Notes that an answer is to be added to. Failing that, `/dbc_inspect` still tells.
    pub(super) async fn watch(&self, owed: &OwedReply, reply: &Reply) {
        let Some(watch) = reply.watch.clone() else {
            return;
        };
        let watched = Watched {
            interaction: owed.interaction,
            application: owed.application,
            token: owed.token.clone(),
            watch,
            text: reply.shown(),
            since: owed.since,
        };
        let key = format!("{PREFIX}{}", owed.interaction);
        let text = serde_json::to_string(&watched).unwrap_or_default();
        if let Err(error) = self.host.store(&key, &text).await {
            let line = format!("interaction {}: not watched: {error}", owed.interaction);
            self.host.log(Level::Warn, &line);
        }
    }

    /// Adds to the answers for which it is time.
    pub(super) async fn tell_watchers(&self) {
        for (key, text) in self.host.load_prefix(PREFIX).await.unwrap_or_default() {
            let watched = serde_json::from_str::<Watched>(&text).ok();
            let is_done = match &watched {
                Some(watched) => self.tell(watched).await,
                None => true,
            };
            if is_done && let Err(error) = self.host.remove(&key).await {
                self.host.log(Level::Warn, &format!("{key} stays: {error}"));
            }
        }
    }

    /// Whether there is nothing more to tell.
    async fn tell(&self, watched: &Watched) -> bool {
        let is_over = watched.since.saturating_add(INTERACTION_TOKEN_MS) <= self.host.now();
        if is_over {
            return true;
        }
        let database = match self.engine.database(&watched.watch.database).await {
            Ok(database) => database,
            Err(error) => return error.kind == ErrorKind::NotFound,
        };
        if database.is_erasing(watched.watch.epoch, watched.watch.seq) {
            return false;
        }
        let draft = Draft {
            content: &format!("{}\nThe last copy is gone.", watched.text),
            ..Draft::default()
        };
        let client = self.engine.client();
        let edited = original::edit(client, watched.application, &watched.token, &draft);
        if let Err(error) = edited.await {
            let line = format!("interaction {}: {error}", watched.interaction);
            self.host.log(Level::Warn, &line);
        }
        true
    }
}
