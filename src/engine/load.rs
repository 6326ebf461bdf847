//! Loading a table's rows when they are needed: from the segments of the newest checkpoint, with
//! what came after it on top.

use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};

use super::checkpoint::file_sum::FileSum;
use super::checkpoint::manifest::FileEntry;
use super::checkpoint::store::Unreadable;
use super::checkpoint::{segment, store};
use super::database::Database;
use super::state::{Row, Shown, Stored, sum_of};
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, Level};

/// When to try again to load a table that could not be loaded: each try reads the whole log, and most
/// often somebody has to do something first.
pub(super) const AFTER_DAMAGE_MS: u64 = 5 * 60_000;
/// Files of rows that are fetched side by side: two connections less than a Worker has, since the database is
/// open, and commits and other commands go on meanwhile.
pub(super) const FILES_AT_ONCE: usize = 4;

/// What has to be read to load a table.
struct Wanted {
    id: u32,
    stored: Stored,
    /// Of the channels of its indexes, by index.
    indexes: Vec<(u32, Stored)>,
}

/// Rows by their keys.
type Rows = BTreeMap<String, Row>;

impl<H: Host> Database<H> {
    /// Makes sure that the rows of the table, if there is one, are in memory.
    ///
    /// # Errors
    /// When neither its segments nor its messages can be read.
    pub(super) async fn load_table(&self, name: &str) -> Result<()> {
        while let Some(id) = self.wanted(name)?.map(|wanted| wanted.id) {
            let loading = Rc::clone(self.loading.borrow_mut().entry(id).or_default());
            let _one_at_a_time = loading.lock().await;
            // It may have been loaded meanwhile, and the name may be another table's now.
            if let Some(wanted) = self.wanted(name)?.filter(|wanted| wanted.id == id) {
                return self.load_wanted(name, &wanted).await;
            }
        }
        Ok(())
    }

    async fn load_wanted(&self, name: &str, wanted: &Wanted) -> Result<()> {
        let loaded = match self.load_from_segments(wanted).await {
            Ok(()) => Ok(()),
            // Messages may show what is not in it, and nothing is noted.
            Err(broken) if self.warning.is_some() => return Err(broken.error),
            Err(broken) => self.rebuild_table(name, wanted.id, broken).await,
        };
        self.note_damage(wanted.id, loaded.as_ref().err()).await;
        loaded
    }

    async fn load_from_segments(&self, wanted: &Wanted) -> Result<(), Unreadable> {
        let (rows, shown) = self.rows_from_segments(wanted).await?;
        let why = "the rows in its segments and the commits since are not those that the last commit's digest stands for";
        self.with_claimed(|opened| opened.loaded(wanted.id, rows, shown))?
            .map_err(|()| Error::new(ErrorKind::Corrupt, why).into())
    }

    /// Notes whether the table's rows can be had, for checkpoints, which are taken without them, and
    /// for people. What may pass by itself in a moment says nothing.
    async fn note_damage(&self, id: u32, failed: Option<&Error>) {
        if failed.is_some_and(|error| error.kind == ErrorKind::Unavailable) {
            return;
        }
        let damage = failed.map(|error| error.message.as_str().into());
        let is_news = self.with_claimed(|opened| {
            let is_news = opened.state.set_damage(id, damage);
            if is_news {
                opened.mirror.damage_changed(&opened.state, id);
            }
            is_news
        });
        // What is only read is not worked on.
        if is_news.unwrap_or(false) && self.warning.is_none() {
            self.store_hints().await;
            self.ask_for_alarm().await;
        }
    }

    /// The same for a reader: what it reads is no older than its question.
    pub(super) async fn load_table_for_reading(&self, name: &str) -> Result<()> {
        self.confirm_tenure().await?;
        self.load_table(name).await
    }

    fn wanted(&self, name: &str) -> Result<Option<Wanted>> {
        let opened = self.claimed()?;
        let table = opened.state.tables.get(name);
        let table = table.filter(|table| !table.is_loaded);
        Ok(table.map(|table| Wanted {
            id: table.id,
            stored: table.stored.clone(),
            indexes: opened
                .state
                .indexes_of(table.id)
                .map(|index| (index.id(), index.view.stored.clone()))
                .collect(),
        }))
    }

    /// The table's rows, and what the channels of its indexes show. Where that cannot be read, the channel
    /// is: nothing depends on it.
    async fn rows_from_segments(
        &self,
        wanted: &Wanted,
    ) -> Result<(Rows, BTreeMap<u32, Rows>), Unreadable> {
        let stored =
            || std::iter::once(&wanted.stored).chain(wanted.indexes.iter().map(|it| &it.1));
        let segments = stored().flat_map(|stored| stored.segments.iter());
        let parts = segments.flat_map(|segment| segment.parts.iter());
        let mut needed: BTreeMap<FileSum, &FileEntry> = BTreeMap::new();
        for part in parts {
            needed.insert(part.file.sum, &part.file);
        }
        let fetches = needed
            .into_values()
            .map(|file| async move { (file.sum, self.file(file).await) });
        let fetches = stream::iter(fetches).buffer_unordered(FILES_AT_ONCE);
        let mut files: Files = fetches.collect().await;
        let rows = rows_in(&wanted.stored, &mut files)?;
        if sum_of(wanted.id, &rows) != wanted.stored.sum {
            let why =
                "the rows in its segments are not those that the checkpoint's digest stands for";
            return Err(Error::new(ErrorKind::Corrupt, why).into());
        }
        let mut shown = BTreeMap::new();
        for (index, stored) in &wanted.indexes {
            match rows_in(stored, &mut files) {
                Ok(rows) => {
                    shown.insert(*index, rows);
                }
                Err(unreadable) => {
                    let line = format!(
                        "database {}: what the channel of index {index} shows is read anew: {}",
                        self.name, unreadable.error
                    );
                    self.shared.host.log(Level::Warn, &line);
                }
            }
        }
        Ok((rows, shown))
    }

    /// Fetches a file of a checkpoint, and checks it.
    pub(super) async fn file(&self, file: &FileEntry) -> Result<Bytes, Unreadable> {
        let (log, seen) = {
            let opened = self.claimed()?;
            // One message of those that were read with the log, not all of them.
            let wanted = file.place.messages();
            let seen = wanted.iter().filter_map(|id| opened.seen.get(id));
            let seen: BTreeMap<u64, _> =
                seen.map(|message| (message.id, message.clone())).collect();
            (opened.log, seen)
        };
        store::get(&self.shared, log, &seen, file).await
    }
}

/// Files that were fetched, or could not be.
type Files = BTreeMap<FileSum, Result<Bytes, Unreadable>>;

/// The rows that segments have, the newest of each.
fn rows_in(stored: &Stored, files: &mut Files) -> Result<Rows, Unreadable> {
    let mut rows = Rows::new();
    for segment in &stored.segments {
        for part in &segment.parts {
            let file = match files.get(&part.file.sum) {
                Some(Ok(file)) => file.clone(),
                Some(Err(_)) => match files.remove(&part.file.sum) {
                    Some(Err(unreadable)) => return Err(unreadable),
                    _ => Bytes::new(),
                },
                None => Bytes::new(),
            };
            let add = |row| {
                let (key, mut row) = Row::from_segment(row, segment.to);
                // A commit that was checkpointed while the table could not be loaded: what the row's
                // message showed before stands in the segments before.
                if row.shown == Shown::default()
                    && let Some(before) = rows.get(&key).filter(|before: &&Row| before.at < row.at)
                {
                    row.shown = before.shown;
                }
                rows.insert(key, row);
            };
            segment::read_part(&file, part.file.sum, part.section, &part.info, add).map_err(
                |error| {
                    let why = format!("`{}` cannot be used: {error}", part.file.name);
                    Error::new(ErrorKind::Corrupt, why)
                },
            )?;
        }
    }
    Ok(rows)
}
