//! What the thread of a row's message has of its past.

use super::trace::Trace;
use super::{Author, Before, Depth, PAGES, Revision};
use crate::discord::model::Message;
use crate::discord::{Patience, routes};
use crate::engine::database::Database;
use crate::engine::digest::RowSum;
use crate::engine::materialize::history_message::{self, Seen};
use crate::engine::not_written;
use crate::error::Result;
use crate::host::{Host, Level};
use crate::limits::MESSAGE_PAGE;

impl<H: Host> Database<H> {
    /// Goes on where the log ends. The thread is best effort: what it does not have, or what is
    /// not as it was posted, is left out.
    pub(super) async fn go_on_in_thread(
        &self,
        trace: &mut Trace,
        thread: u64,
        depth: Depth,
        before: Before,
    ) -> Result<Before> {
        let doing = "Reading the thread with the row's history";
        let me = self.shared.me().await;
        let me = me.map_err(|error| not_written(doing, &error))?;
        let mut oldest = None;
        for _ in 0..PAGES {
            let route = routes::messages(thread, oldest);
            let client = &self.shared.client;
            let page: Vec<Message> = match client.get(&route, Patience::COMMAND).await {
                Ok(page) => page,
                // Somebody deleted it.
                Err(error) if error.is_not_found() => return Ok(before),
                Err(error) => return Err(not_written(doing, &error)),
            };
            oldest = page.iter().map(|message| message.id).min();
            for message in page.iter().filter(|message| message.author.id == me) {
                let Some(seen) = history_message::parse(message) else {
                    continue;
                };
                let next = author_of_next(&seen);
                if let Some(revision) = self.posted_revision(trace, seen).await {
                    trace.posted(revision, next);
                }
                if trace.has_a_hole() {
                    continue;
                }
                if trace.is_at_the_beginning {
                    return Ok(Before::Nothing);
                }
                if trace.reaches(depth) {
                    return Ok(Before::More);
                }
            }
            if page.len() < MESSAGE_PAGE {
                return Ok(before);
            }
        }
        Ok(before)
    }

    /// A revision as its message has it; none when the message is not whole.
    async fn posted_revision(&self, trace: &Trace, seen: Seen) -> Option<Revision> {
        let doc = match (seen.doc, seen.file) {
            (Some(doc), _) => Some(doc),
            (None, Some(url)) => {
                let bytes = self.shared.client.download(&url, Patience::COMMAND).await;
                let bytes = bytes.inspect_err(|error| {
                    let line = format!("revision {} in a thread: its file: {error}", seen.rev);
                    self.shared.host.log(Level::Warn, &line);
                });
                Some(String::from_utf8(bytes.ok()?.into()).ok()?)
            }
            (None, None) if seen.is_tombstone => None,
            (None, None) => return None,
        };
        let text = doc.as_deref().unwrap_or_default();
        let is_whole = RowSum::of(trace.id, &trace.key, seen.rev, text) == seen.sum;
        is_whole.then_some(Revision {
            rev: seen.rev,
            at: seen.at,
            doc: doc.map(Into::into),
            is_left_out: false,
            hard: false,
            by: None,
        })
    }
}

/// A message says how its revision ended: who made the next one, and when.
fn author_of_next(seen: &Seen) -> Option<Author> {
    let (user, command) = seen.ending.by.as_ref()?;
    Some(Author {
        user: user.to_string(),
        command: command.clone(),
        time: seen.ending.at,
    })
}
