//! The end of a database: its channels go, the log last, and then what object storage knows of it.
//! Every step looks at what is left, so it can be interrupted anywhere.

use super::places::cannot_see;
use super::{Progress, again_at};
use crate::discord::CallError;
use crate::engine::database::Database;
use crate::engine::layout;
use crate::error::Result;
use crate::host::{Host, Level, UnixMillis};

impl<H: Host> Database<H> {
    /// Removes what is left of a dropped database from the guild.
    pub(super) async fn remove_database(&self, stop_at: u64) -> Progress {
        let waited_for = self.removal_waits_for();
        let progress = self.go_on_removing(stop_at).await;
        // Whoever is asked after an eviction has to know.
        if self.removal_waits_for() != waited_for {
            self.store_hints().await;
        }
        progress
    }

    async fn go_on_removing(&self, stop_at: u64) -> Progress {
        match self.remove_channels(stop_at).await {
            Ok(Some(())) => {}
            Ok(None) => return Progress::More(self.shared.host.now()),
            Err(until) => return Progress::More(until),
        }
        // Commits wait here, and find the database gone.
        let _writer = self.writer.lock().await;
        match self.remove_log().await {
            Ok(()) => Progress::Done,
            Err(until) => Progress::More(until),
        }
    }

    fn removal_waits_for(&self) -> Option<String> {
        let opened = self.opened().ok()?;
        opened.removal.waits_for.clone()
    }

    /// Deletes everything but the log; none when there is more to do than may be done now.
    async fn remove_channels(&self, stop_at: u64) -> std::result::Result<Option<()>, UnixMillis> {
        let Ok(log) = self.opened().map(|opened| opened.log) else {
            return Ok(Some(()));
        };
        let me = self.shared.me().await.map_err(|error| self.waits(&error))?;
        let channels = self.shared.channels().await;
        let channels = channels.map_err(|error| self.waits(&error))?;
        for channel in layout::remains(&channels, &self.name, log, me) {
            if self.shared.client.requests_sent() >= stop_at {
                return Ok(None);
            }
            let deleted = self.delete_channel(channel).await;
            deleted.map_err(|error| self.waits(&error))?;
            let _ = self.with_opened(|opened| {
                opened.mirror.forget_channel(channel);
                // What it waited for before is over.
                opened.removal.waits_for = None;
            });
        }
        // Nobody would come back for them.
        let hidden = self.hidden_channels(&channels).await;
        let hidden = hidden.map_err(|error| self.waits(&error))?;
        if let Some(&channel) = hidden.first() {
            return Err(self.waits(&cannot_see(channel)));
        }
        Ok(Some(()))
    }

    async fn remove_log(&self) -> std::result::Result<(), UnixMillis> {
        let Ok(log) = self.opened().map(|opened| opened.log) else {
            return Ok(());
        };
        let channels = self.shared.channels().await;
        let channels = channels.map_err(|error| self.waits(&error))?;
        self.change_hints_to_removed()
            .await
            .map_err(|error| self.waits_for(&error.message))?;
        if layout::is_log(&channels, &self.name, log) {
            let deleted = self.delete_channel(log).await;
            deleted.map_err(|error| self.waits(&error))?;
        }
        self.keys()
            .forget()
            .await
            .map_err(|error| self.waits_for(&error.message))?;
        self.close();
        Ok(())
    }

    /// Whoever finds the log gone knows from this that it was meant to go.
    async fn change_hints_to_removed(&self) -> Result<()> {
        let mut hints = self.keys().hints().await?;
        hints.is_removed = true;
        self.keys().store_hints(&hints).await?;
        self.with_opened(|opened| opened.removal.is_log_last = true)
    }

    fn waits(&self, error: &CallError) -> UnixMillis {
        let now = self.shared.host.now();
        self.waits_for(&error.to_string());
        again_at(now, error)
    }

    fn waits_for(&self, why: &str) -> UnixMillis {
        let line = format!("database {}: its removal waits: {why}", self.name);
        self.shared.host.log(Level::Warn, &line);
        // Nobody is there to be told when it was closed meanwhile.
        let _ = self.with_opened(|opened| opened.removal.waits_for = Some(why.to_owned()));
        self.shared.host.now() + super::AFTER_FAILURE_MS
    }
}
