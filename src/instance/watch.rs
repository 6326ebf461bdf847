//! Answers that say more once something has happened: whoever deleted a row for good is told when
//! its last copy is gone, for as long as the interaction's token allows.

use super::Instance;
use super::deferral::OwedReply;
use crate::engine::materialize::LeftChannel;
use crate::error::ErrorKind;
use crate::host::Host;
use crate::interactions::Reply;
use crate::interactions::reply::Watch;

/// How what an answer waits for stands.
enum Standing {
    Pending,
    /// And these channels may still show the row.
    Happened(Vec<LeftChannel>),
    /// There is nothing to wait for any more, and nothing to tell.
    Moot,
}

impl<H: Host> Instance<H> {
    /// Adds to the answers for which it is time.
    pub(super) async fn tell_watchers(&self) {
        for key in self.owed().await.unwrap_or_default() {
            if let Some(owed) = self.load_owed(&key).await
                && owed.is_delivered
                && !self.running.borrow().contains(&owed.interaction)
            {
                self.tell(owed).await;
            }
        }
    }

    async fn tell(&self, owed: OwedReply) {
        let standing = match &owed.watch {
            Some(watch) => self.standing(watch).await,
            None => Standing::Moot,
        };
        match standing {
            Standing::Pending => {}
            Standing::Moot => self.forget(&owed).await,
            Standing::Happened(left) => {
                let said = owed.reply.as_deref().unwrap_or_default();
                let reply = Reply::new(format!("{said}\n{}", end(&left)));
                // From here on it is an answer like any other, owed until it has arrived.
                let owed = OwedReply {
                    watch: None,
                    is_delivered: false,
                    ..owed
                };
                self.deliver(&owed, &reply).await;
            }
        }
    }

    async fn standing(&self, watch: &Watch) -> Standing {
        match self.engine.database(&watch.database).await {
            Ok(database) if database.is_erasing(watch.epoch, watch.seq) => Standing::Pending,
            Ok(database) => {
                Standing::Happened(database.left_channels(watch.table.as_deref()).await)
            }
            Err(error) if error.kind == ErrorKind::NotFound => Standing::Moot,
            Err(_) => Standing::Pending,
        }
    }
}

fn end(left: &[LeftChannel]) -> String {
    if left.is_empty() {
        return "The last copy is gone.".to_owned();
    }
    let left: Vec<String> = left
        .iter()
        .map(|left| format!("<#{}>", left.channel))
        .collect();
    format!(
        "All copies are gone that dbcord may touch. But a copy may be left in {}: somebody took dbcord's mark out of the topic or writes there, so it is left alone. Delete the row's message there, or the channel.",
        left.join(", ")
    )
}
