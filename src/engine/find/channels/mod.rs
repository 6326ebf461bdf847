//! Rows that are not taken from memory: found with Discord's search, or by reading the table's channel. Both
//! only lead to rows; what memory has of them counts, and each is held against the query like any other.

mod gathered;
mod reader;

use std::collections::BTreeSet;

use gathered::letter;
pub use gathered::{Gathered, Report};
use reader::{Reader, Stop};

use crate::discord::CallError;
use crate::engine::attachments::{self, Access};
use crate::engine::checkpoint::manifest::Place;
use crate::engine::database::{Database, Opened};
use crate::engine::materialize::row_message;
use crate::engine::query::Filter;
use crate::engine::query::plan::{
    IndexChannel, Searches, Shows, Source, Standing, Via, Way, searches,
};
use crate::engine::state::Table;
use crate::engine::{cannot_read, describe, document};
use crate::error::{Error, ErrorKind, Result, Written};
use crate::host::Host;
use crate::text::{inline, truncate};

/// Characters of a query that an error names.
const QUERY: usize = 200;
const USE_MEMORY: &str = "`via:memory` needs neither.";

/// Where the rows of a question are to come from.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    pub via: Option<Via>,
    pub filter: &'a Filter,
    pub cursor: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    /// All rows that match.
    pub fn all(via: Option<Via>, filter: &'a Filter) -> Wanted<'a> {
        Wanted {
            via,
            filter,
            cursor: None,
        }
    }
}

impl<H: Host> Database<H> {
    /// The rows, where they are not taken from memory; none where the table is in memory then.
    ///
    /// # Errors
    /// When there is no way to the rows, or not the one that is asked for.
    pub(super) async fn gather(&self, name: &str, wanted: Wanted<'_>) -> Result<Option<Gathered>> {
        let mut source = self.source(name, wanted).await?;
        let mut because = None;
        loop {
            if source == Source::Memory {
                let Err(broken) = self.load_table(name).await else {
                    return Ok(None);
                };
                if wanted.via.is_some() || broken.kind != ErrorKind::Corrupt {
                    return Err(broken);
                }
                // It is known to be damaged now.
                source = self.source(name, wanted).await?;
                if source == Source::Memory {
                    return Err(self.shown_nowhere(name, broken));
                }
            }
            let stop = match self.read(name, &source, wanted.cursor).await? {
                Ok(mut gathered) => {
                    gathered.report.because = because;
                    return Ok(Some(gathered));
                }
                Err(stop) => stop,
            };
            let next = self.instead(name, &source, &stop, wanted).await?;
            let failed = self.failed(name, &source, stop);
            source = next.ok_or_else(|| failed.clone())?;
            because = because.or(Some(failed.message));
        }
    }

    /// Where the rows are to be taken from; where a cursor goes on with what was next best, from there.
    async fn source(&self, name: &str, wanted: Wanted<'_>) -> Result<Source> {
        let (standing, searches) = self.standing(name, wanted.filter).await?;
        let best = standing.source(wanted.via, searches);
        let best = best.ok_or_else(|| self.nothing_to_search(name, wanted.filter))?;
        let mut source = match &best {
            Source::Search(searches) if !searches.shows_some => next_best(&best, wanted),
            best => Some(best.clone()),
        };
        while let Some(this) = source {
            if part(wanted.cursor, &this).is_ok() {
                return Ok(this);
            }
            source = next_best(&this, wanted);
        }
        Ok(best)
    }

    /// Where the rows are to be taken from after this went wrong, if anywhere.
    async fn instead(
        &self,
        name: &str,
        source: &Source,
        stop: &Stop,
        wanted: Wanted<'_>,
    ) -> Result<Option<Source>> {
        let is_refused = match stop {
            Stop::Gone(view) => {
                let is_loaded = {
                    let opened = self.opened()?;
                    let table = opened.state.table(&self.name, name)?;
                    (table.id == *view).then_some(table.is_loaded)
                };
                return match is_loaded {
                    // The index's.
                    None => Ok(next_best(source, wanted)),
                    Some(true) => Ok(Some(source.clone())),
                    Some(false) if wanted.via.is_none() => {
                        self.source(name, wanted).await.map(Some)
                    }
                    Some(false) => Ok(None),
                };
            }
            Stop::NotIndexed | Stop::TooMany => true,
            Stop::Call(error) => matches!(error, CallError::Refused { status: 403, .. }),
        };
        // Nobody asked for a search, and reading the channel needs less.
        let may_scan = is_refused && wanted.via.is_none() && *source != Source::Scan;
        Ok(may_scan.then_some(Source::Scan))
    }

    /// All the ways to the rows there are, for people.
    ///
    /// # Errors
    /// When the database was closed, or the table is not there.
    pub async fn ways(&self, name: &str, filter: &Filter) -> Result<Vec<Way>> {
        let (standing, searches) = self.standing(name, filter).await?;
        Ok(standing.ways(searches.as_ref()))
    }

    async fn standing(&self, name: &str, filter: &Filter) -> Result<(Standing, Option<Searches>)> {
        let access = attachments::access(&self.shared).await;
        let opened = self.opened()?;
        let table = opened.state.table(&self.name, name)?;
        let indexes = opened.state.indexes_of(table.id);
        let indexes = indexes.filter(|index| opened.mirror.channel(index.id()).is_some());
        let indexes: Vec<IndexChannel<'_>> = indexes
            .map(|index| IndexChannel {
                id: index.id(),
                definition: &index.definition,
                shows: shows(&opened, table, &index.view),
            })
            .collect();
        let standing = standing(&opened, table);
        // Where files are refused, or were at the checkpoint, rows were cut.
        let is_cut = access != Some(Access::Readable) || standing.has_text;
        let searches = searches(filter, &indexes).map(|searches| Searches {
            cut: is_cut.then_some(row_message::CUT),
            ..searches
        });
        Ok((standing, searches))
    }

    /// Reads rows; the inner error is of reading.
    async fn read(
        &self,
        name: &str,
        source: &Source,
        cursor: Option<&str>,
    ) -> Result<Result<Gathered, Stop>> {
        let (table, channels, head, behind, shown) = {
            let opened = self.opened()?;
            let table = opened.state.table(&self.name, name)?;
            let view = match source {
                Source::Search(searches) => searches.index.unwrap_or(table.id),
                _ => table.id,
            };
            let channel = opened.mirror.channel(table.id);
            let channels = channel.zip(opened.mirror.channel(view));
            let searched = opened.state.view(view).unwrap_or(table);
            let behind_of = |view: &Table| behind(&opened, table, view);
            let behind = behind_of(table).max(behind_of(searched));
            if !table.mirror {
                let message = format!(
                    "the rows of `{}.{name}` are not shown as messages, so there is nothing to search or to read.",
                    self.name
                );
                return Err(Error::invalid("via", message).hint("Use `via:memory`."));
            }
            if channels.is_none() && behind > 0 {
                let gone = if channel.is_none() { table.id } else { view };
                return Ok(Err(Stop::Gone(gone)));
            }
            let head = opened.state.head_id().unwrap_or_default();
            (table.id, channels, head, behind, opened.mirror.mirrored())
        };
        let mut gathered = Gathered::new(source.clone(), table, part(cursor, source)?);
        gathered.report.behind = behind;
        gathered.report.shown = shown;
        // Without a channel, whatever there is of the table is in memory.
        let Some((channel, searched)) = channels else {
            return Ok(Ok(gathered));
        };
        let me = match self.shared.me().await {
            Ok(me) => me,
            Err(error) => return Ok(Err(error.into())),
        };
        let mut reader = Reader::new(self, (me, head), channel, &mut gathered);
        let read = match source {
            Source::Search(searches) => reader.search(searches, searched).await,
            _ => reader.scan().await,
        };
        let is_empty = gathered.report.messages == 0 && gathered.report.from.is_none();
        let is_scan = *source == Source::Scan && read.is_ok();
        if is_scan && is_empty && self.must_show_rows(table)? {
            return Ok(Err(cannot_read(channel).into()));
        }
        if let Err(Stop::Gone(view)) = read {
            let gone = if view == table { channel } else { searched };
            self.note_gone(view, gone).await?;
        }
        Ok(read.map(|()| gathered))
    }

    /// Whether there are rows in the table's channel: a list of messages is empty where the bot may not read.
    fn must_show_rows(&self, table: u32) -> Result<bool> {
        let opened = self.opened()?;
        let Some((_, table)) = opened.state.table_by_id(table) else {
            return Ok(false);
        };
        let stored = &table.stored;
        let is_same = stored.channel == opened.mirror.channel(table.id);
        let removed = table.changed().filter(|(_, row)| row.hard).count() as u64;
        Ok(is_same && stored.sum.rows > stored.behind + removed)
    }

    /// The channel of a table or index is gone: the background makes another one.
    async fn note_gone(&self, view: u32, channel: u64) -> Result<()> {
        let is_news = self.with_opened(|opened| {
            let is_news = opened.mirror.channel(view) == Some(channel);
            if is_news {
                opened.mirror.channel_lost(view, &mut opened.state);
            }
            is_news
        })?;
        if is_news && self.store_hints().await {
            self.ask_for_alarm().await;
        }
        Ok(())
    }

    /// The error of a table whose rows can be had neither from its segments nor from its channel.
    fn shown_nowhere(&self, name: &str, broken: Error) -> Error {
        let Ok(opened) = self.opened() else {
            return broken;
        };
        let table = opened.state.tables.get(name).filter(|table| table.mirror);
        let Some(table) = table else {
            return broken;
        };
        let message = match (table.stored.channel, opened.mirror.channel(table.id)) {
            (None, _) => "No channel shows them yet.".to_owned(),
            (before, Some(channel)) if before == Some(channel) => {
                format!("<#{channel}> shows none of them yet.")
            }
            (_, Some(channel)) => format!(
                "The channel that showed them is gone, and <#{channel}>, which was made instead, has none of them."
            ),
            (_, None) => "The channel that showed them is gone.".to_owned(),
        };
        Error {
            message: format!("{} {message}", broken.message),
            ..broken
        }
    }

    fn nothing_to_search(&self, name: &str, filter: &Filter) -> Error {
        let query = truncate(&document::to_text(filter.source()), QUERY);
        let message = format!(
            "`{}` in `{}.{name}` has nothing that Discord's search finds: no word of letters that every row which matches must have, and no values of an index.",
            inline(&query),
            self.name
        );
        Error::invalid("via", message).hint("Use `via:memory`, or `/dbc_index_create` over fields that must be equal to something; `via:scan` reads all messages.")
    }

    /// The channel of a table, or of an index of it, was deleted.
    fn gone(&self, name: &str, doing: &str, view: u32) -> Error {
        let opened = self.opened();
        let opened = opened.as_ref().ok();
        let table = opened.and_then(|opened| opened.state.tables.get(name));
        let Some(table) = table.filter(|table| table.id == view) else {
            let message =
                format!("{doing}: the channel of its index was deleted, and is made again.");
            return Error::new(ErrorKind::Unavailable, message).hint("Use `via:memory`.");
        };
        let message =
            format!("{doing}: its channel was deleted, and the messages of its rows with it");
        match &table.damage {
            None => Error::new(
                ErrorKind::Unavailable,
                format!("{message}. It is made again."),
            )
            .hint("Use `via:memory`; or try again later, when the rows are shown again."),
            Some(damage) => Error::new(
                ErrorKind::Corrupt,
                format!("{message}; nor can they be loaded. {damage}"),
            )
            .hint("Try again later with `via:memory`, if files cannot be read at the moment; if the rows are lost for good, `/dbc_table_drop` ends the table."),
        }
    }

    fn failed(&self, name: &str, source: &Source, stop: Stop) -> Error {
        let is_search = *source != Source::Scan;
        let doing = match is_search {
            true => format!("Searching `{}.{name}`", self.name),
            false => format!("Reading the channel of `{}.{name}`", self.name),
        };
        match stop {
            Stop::Gone(view) => self.gone(name, &doing, view),
            Stop::NotIndexed => Error::new(
                ErrorKind::Unavailable,
                format!("{doing}: Discord is still indexing this server's messages."),
            )
            .hint("Try again in a minute, or use `via:memory`."),
            Stop::TooMany => Error::new(
                ErrorKind::TooLarge,
                format!("{doing}: that takes more requests than a command may send."),
            )
            .hint("Ask for fewer values, or use `via:memory`."),
            Stop::Call(error) => {
                let is_forbidden = matches!(error, CallError::Refused { status: 403, .. });
                let is_gone = error.is_unknown_channel();
                let error = describe(&doing, &error, Written::No);
                match is_forbidden {
                    // As that of an index that was dropped since the way was chosen.
                    _ if is_gone => error.hint("Try again, or use `via:memory`."),
                    true if is_search => error.hint(format!(
                        "A search needs the Message Content Intent (switch it on in Discord's developer portal, under Bot) and Read Message History. {USE_MEMORY}"
                    )),
                    _ => error,
                }
            }
        }
    }
}

/// How many rows the channel of a table or of an index of it does not show, at most, but for those in memory.
fn behind(opened: &Opened, table: &Table, view: &Table) -> u64 {
    view.behind(opened.mirror.channel(view.id), table.sum.rows)
}

fn shows(opened: &Opened, table: &Table, view: &Table) -> Shows {
    Shows::of(table.sum.rows, behind(opened, table, view))
}

/// What is left where a search cannot be made: of an index's channel, one in the table's; reading that, where
/// nobody asked for a search, or there is nothing to search for in it.
fn next_best(source: &Source, wanted: Wanted<'_>) -> Option<Source> {
    let Source::Search(best) = source else {
        return None;
    };
    let words = best.index.and_then(|_| searches(wanted.filter, &[]));
    match words {
        Some(words) => Some(Source::Search(Searches {
            cut: best.cut,
            ..words
        })),
        None if best.index.is_some() || wanted.via.is_none() => Some(Source::Scan),
        None => None,
    }
}

fn standing(opened: &Opened, table: &Table) -> Standing {
    let mut files = BTreeSet::new();
    let (mut packed_bytes, mut has_text) = (0, false);
    let views = opened.state.indexes_of(table.id).map(|index| &index.view);
    for view in std::iter::once(table).chain(views) {
        let parts = view
            .stored
            .segments
            .iter()
            .flat_map(|segment| &segment.parts);
        for part in parts {
            if files.insert(part.file.sum) {
                packed_bytes += part.file.bytes;
                has_text |= matches!(part.file.place, Place::Text { .. });
            }
        }
    }
    Standing {
        is_loaded: table.is_loaded,
        is_damaged: table.damage.is_some(),
        is_shown: table.mirror,
        shows: shows(opened, table, table),
        rows: table.sum.rows,
        files: files.len() as u64,
        packed_bytes,
        has_text,
    }
}

/// Where the part begins that a cursor is of.
fn part(cursor: Option<&str>, source: &Source) -> Result<Option<u64>> {
    let Some((part, _)) = cursor.and_then(|cursor| cursor.trim().split_once('.')) else {
        return Ok(None);
    };
    let from = part
        .strip_prefix(&*letter(source))
        .and_then(|id| id.parse().ok());
    from.map(Some).ok_or_else(|| {
        Error::invalid(
            "cursor",
            "this cursor goes on with another way to the rows.",
        )
        .hint("Ask with the same `via` again, or leave the cursor out.")
    })
}
