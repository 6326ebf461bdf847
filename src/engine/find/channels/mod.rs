//! Rows that are not taken from memory: found with Discord's search, or by reading the table's channel. Both
//! only lead to rows; what memory has of them counts, and each is held against the query like any other.

mod gathered;
mod reader;

use std::collections::BTreeSet;

use gathered::letter;
pub use gathered::{Gathered, Report};
use reader::{Reader, Stop};

use crate::discord::CallError;
use crate::engine::database::{Database, Opened};
use crate::engine::query::Filter;
use crate::engine::query::plan::{IndexChannel, Searches, Source, Standing, Via, Way, searches};
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
        let (standing, searches) = self.standing(name, wanted.filter)?;
        let mut source = standing.source(wanted.via, searches);
        if source == Some(Source::Memory) {
            let Err(broken) = self.load_table(name).await else {
                return Ok(None);
            };
            if wanted.via.is_some() || broken.kind != ErrorKind::Corrupt {
                return Err(broken);
            }
            let (standing, searches) = self.standing(name, wanted.filter)?;
            source = standing.source(None, searches);
            if source == Some(Source::Memory) {
                return Err(broken);
            }
        }
        let source = source.ok_or_else(|| self.nothing_to_search(name, wanted.filter))?;
        let stop = match self.read(name, &source, wanted.cursor).await? {
            Ok(gathered) => return Ok(Some(gathered)),
            Err(stop) => stop,
        };
        let is_refused = match &stop {
            Stop::NotIndexed | Stop::TooMany => true,
            Stop::Call(error) => matches!(error, CallError::Refused { status: 403, .. }),
        };
        let failed = self.failed(name, &source, stop);
        if source == Source::Scan || wanted.via.is_some() || !is_refused {
            return Err(failed);
        }
        // Nobody asked for a search, and reading the channel needs less.
        match self.read(name, &Source::Scan, wanted.cursor).await? {
            Ok(mut gathered) => {
                gathered.report.because = Some(failed.message);
                Ok(Some(gathered))
            }
            Err(stop) => Err(self.failed(name, &Source::Scan, stop)),
        }
    }

    /// All the ways to the rows there are, for people.
    ///
    /// # Errors
    /// When the database was closed, or the table is not there.
    pub fn ways(&self, name: &str, filter: &Filter) -> Result<Vec<Way>> {
        let (standing, searches) = self.standing(name, filter)?;
        Ok(standing.ways(searches.as_ref()))
    }

    fn standing(&self, name: &str, filter: &Filter) -> Result<(Standing, Option<Searches>)> {
        let opened = self.opened()?;
        let table = opened.state.table(&self.name, name)?;
        let indexes = opened.state.indexes_of(table.id);
        let indexes = indexes.filter(|index| opened.mirror.channel(index.id()).is_some());
        let indexes: Vec<IndexChannel<'_>> = indexes
            .map(|index| IndexChannel {
                id: index.id(),
                definition: &index.definition,
                shows_all: shows_all(&index.view),
            })
            .collect();
        Ok((standing(&opened, table), searches(filter, &indexes)))
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
            let channels = opened
                .mirror
                .channel(table.id)
                .zip(opened.mirror.channel(view));
            let stored = opened.state.view(view).filter(|view| !view.is_loaded);
            let behind = stored.map_or(0, |view| match view.stored.channel {
                Some(_) => view.stored.behind,
                None => table.sum.rows,
            });
            if !table.mirror {
                let message = format!(
                    "the rows of `{}.{name}` are not shown as messages, so there is nothing to search or to read.",
                    self.name
                );
                return Err(Error::invalid("via", message).hint("Use `via:memory`."));
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
        Ok(read.map(|()| gathered))
    }

    /// Whether there are rows in the table's channel: a list of messages is empty where the bot may not read.
    fn must_show_rows(&self, table: u32) -> Result<bool> {
        let opened = self.opened()?;
        let stored = opened
            .state
            .table_by_id(table)
            .map(|(_, table)| &table.stored);
        Ok(stored.is_some_and(|stored| stored.sum.rows > stored.behind))
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

    fn failed(&self, name: &str, source: &Source, stop: Stop) -> Error {
        let is_search = *source != Source::Scan;
        let doing = match is_search {
            true => format!("Searching `{}.{name}`", self.name),
            false => format!("Reading the channel of `{}.{name}`", self.name),
        };
        match stop {
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

/// Whether an index's channel shows every row but those in memory.
fn shows_all(view: &Table) -> bool {
    view.is_loaded || (view.stored.channel.is_some() && view.stored.behind == 0)
}

fn standing(opened: &Opened, table: &Table) -> Standing {
    let mut files = BTreeSet::new();
    let mut packed_bytes = 0;
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
            }
        }
    }
    Standing {
        is_loaded: table.is_loaded,
        is_damaged: table.damage.is_some(),
        is_shown: table.mirror,
        rows: table.sum.rows,
        files: files.len() as u64,
        packed_bytes,
    }
}

/// Where the part begins that a cursor is of.
fn part(cursor: Option<&str>, source: &Source) -> Result<Option<u64>> {
    let Some((part, _)) = cursor.and_then(|cursor| cursor.trim().split_once('.')) else {
        return Ok(None);
    };
    let from = part
        .strip_prefix(letter(source))
        .and_then(|id| id.parse().ok());
    from.map(Some).ok_or_else(|| {
        Error::invalid(
            "cursor",
            "this cursor goes on with another way to the rows.",
        )
        .hint("Ask with the same `via` again, or leave the cursor out.")
    })
}
