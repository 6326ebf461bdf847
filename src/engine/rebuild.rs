//! A table whose segments cannot be read, put together again from its row messages and the log.
//! The digest proves that the result is the table, or that it is not.

use std::collections::BTreeMap;
use std::num::NonZeroU64;

use futures_util::future::join_all;

use super::checkpoint::store::Unreadable;
use super::database::Database;
use super::digest::RowSum;
use super::document::Document;
use super::load::FILES_AT_ONCE;
use super::log::read::LogReader;
use super::log::replay::{self, Entry};
use super::log::{CommitId, Op};
use super::materialize::row_message::{self, Seen};
use super::not_written;
use super::state::{Row, Shown};
use crate::discord::{CallError, Patience};
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, Level};

/// A row's message, and what it says that it shows.
struct Place {
    shown: Shown,
    sum: RowSum,
}

impl<H: Host> Database<H> {
    /// Loads the table from its messages and the log. `broken` is what its segments failed on.
    ///
    /// # Errors
    /// `broken`, with what is missing here too.
    pub(super) async fn rebuild_table(
        &self,
        name: &str,
        id: u32,
        broken: Unreadable,
    ) -> Result<()> {
        let Unreadable {
            error: broken,
            mut is_passing,
        } = broken;
        let line = format!(
            "database {}, table {name}: its segments cannot be read, so its messages are: {broken}",
            self.name
        );
        self.shared.host.log(Level::Error, &line);
        let (mut rows, places) = self.rows_from_messages(name, id, &mut is_passing).await?;
        for (key, row) in self.rows_from_log(name, id, &mut is_passing).await? {
            let is_newer = rows.get(&key).is_none_or(|known| known.at < row.at);
            if is_newer {
                rows.insert(key, row);
            }
        }
        for (key, place) in places {
            if let Some(row) = rows.get_mut(&key) {
                let says_so = row.at == place.shown.at;
                let is_right = !says_so || row_message::sum(id, &key, row) == place.sum;
                row.shown = place.shown;
                row.shown.at = if is_right {
                    place.shown.at
                } else {
                    CommitId::default()
                };
            }
        }
        let found = rows.values().filter(|row| row.doc.is_some()).count();
        let expected = self.claimed()?.state.table(&self.name, name)?.sum.rows;
        let is_right = self.with_claimed(|opened| opened.rebuilt(id, rows))?;
        if is_right.is_ok() {
            // So that the next opening need not do it again.
            self.ask_for_alarm().await;
            return Ok(());
        }
        if is_passing {
            return Err(Error::new(
                ErrorKind::Unavailable,
                format!(
                    "Database `{}`, table `{name}`: its rows cannot be read now. {broken}",
                    self.name
                ),
            )
            .hint("Try again in a minute. Nothing is lost."));
        }
        Err(Error::new(
            ErrorKind::Corrupt,
            format!(
                "Database `{}`, table `{name}`: its checkpoint cannot be read ({}), and its messages and the log together give {found} rows, with what was deleted, that are not the {expected} that it has.",
                self.name,
                broken.message.trim_end_matches('.')
            ),
        )
        .hint("Nothing was changed, and the other tables go on. If files cannot be read at the moment, try again later. Deleted messages cannot be brought back; if the rows are lost for good, `/dbc_table_drop` ends the table."))
    }

    /// The rows whose documents can be had from their messages, and where each row's message is,
    /// whether they can or not.
    async fn rows_from_messages(
        &self,
        name: &str,
        id: u32,
        is_passing: &mut bool,
    ) -> Result<(BTreeMap<String, Row>, BTreeMap<String, Place>)> {
        let doing = format!(
            "Reading the messages of table `{name}` in database `{}`",
            self.name
        );
        let failed = |error: CallError| not_written(&doing, &error);
        let Some(channel) = self.claimed()?.mirror.channel(id) else {
            return Ok(<_>::default());
        };
        let me = self.shared.me().await.map_err(failed)?;
        let messages = self.shared.own_messages(channel, me, Patience::COMMAND);
        let messages = match messages.await {
            Err(error) if error.is_not_found() => Vec::new(),
            Ok(none) if none.is_empty() => {
                let readable = self.check_readable(channel, 0).await;
                readable.map_err(failed)?;
                none
            }
            messages => messages.map_err(failed)?,
        };
        let seen = messages
            .iter()
            .filter_map(|message| Some((message.id, row_message::parse(message)?)));
        let seen: Vec<(u64, Seen)> = seen.collect();
        let mut rows: BTreeMap<String, Row> = BTreeMap::new();
        let mut places: BTreeMap<String, Place> = BTreeMap::new();
        for some in seen.chunks(FILES_AT_ONCE) {
            let docs = some.iter().map(|(_, seen)| self.document(seen));
            for ((message, seen), doc) in some.iter().zip(join_all(docs).await) {
                let doc = doc.unwrap_or_else(|error| {
                    *is_passing |= error.is_passing();
                    None
                });
                let shown = Shown {
                    message: NonZeroU64::new(*message),
                    at: seen.at,
                    thread: false,
                };
                let sum = seen.sum;
                let known = places.get(&seen.key);
                if known.is_none_or(|known| known.shown.at < seen.at) {
                    places.insert(seen.key.clone(), Place { shown, sum });
                }
                if doc.is_none() && !seen.is_tombstone {
                    continue;
                }
                let row = Row::new(seen.rev, doc.map(Into::into), seen.at);
                let known = rows.get(&seen.key);
                if known.is_none_or(|known| known.at < row.at) {
                    rows.insert(seen.key.clone(), row);
                }
            }
        }
        Ok((rows, places))
    }

    /// The document that a row's message shows, or has in its file. A row whose file cannot be had may
    /// still be in the log.
    pub(super) async fn document(&self, seen: &Seen) -> Result<Option<String>, CallError> {
        let Some(url) = seen.file.as_ref().filter(|_| seen.doc.is_none()) else {
            return Ok(seen.doc.clone());
        };
        let bytes = self.shared.client.download(url, Patience::COMMAND).await?;
        let text = String::from_utf8(bytes.to_vec()).ok();
        let document = text.and_then(|text| serde_json::from_str::<Document>(&text).ok());
        Ok(document.map(|document| document.into_text().into()))
    }

    /// What the log still has of the table, newest first.
    async fn rows_from_log(
        &self,
        name: &str,
        id: u32,
        is_passing: &mut bool,
    ) -> Result<Vec<(String, Row)>> {
        let (log, head) = {
            let opened = self.claimed()?;
            (opened.log, opened.state.head)
        };
        let failed = |error| self.unreadable(&error);
        let mut reader = LogReader::of_records(log);
        while !reader.is_complete() {
            reader.older(&self.shared).await.map_err(failed)?;
        }
        // Without one that is void, or not of this table, the digest is right all the same.
        if let Err(error) = reader.fetch(&self.shared, 0).await {
            *is_passing |= error.is_passing();
        }
        let links = replay::walk_past_gaps(&reader.records, head).links;
        let entries = links.iter().filter_map(|link| reader.records.get(link));
        Ok(ops_of_table(entries, name, id))
    }
}

/// The rows that commits wrote into a table, from the newest commit back, under whatever name the
/// table had then.
fn ops_of_table<'a>(
    newest_first: impl Iterator<Item = &'a Entry>,
    name: &str,
    id: u32,
) -> Vec<(String, Row)> {
    let mut name = name.to_owned();
    let mut rows = Vec::new();
    for entry in newest_first {
        let at = entry.record.id();
        for op in entry.record.ops.iter().rev() {
            match op {
                Op::RenameTable { table, to } if *to == name => name.clone_from(table),
                Op::CreateTable { id: made, .. } if *made == id => return rows,
                op => rows.extend(row_of(op, &name, at)),
            }
        }
    }
    rows
}

fn row_of(op: &Op, name: &str, at: CommitId) -> Option<(String, Row)> {
    let (_, key) = op.row().filter(|(table, _)| *table == name)?;
    Some((key.to_owned(), Row::after(op, at)?))
}
