//! Asking a table: which rows, how many, which values. Answered from memory, so exactly as of the
//! last acknowledged commit.

use super::database::Database;
use super::include::{self, Include, Joined};
use super::log::CommitId;
use super::query::cursor::Question;
use super::query::memory::{self, Candidate, Distinct, Query};
use super::query::{Cursor, Filter, Json, Path, Select, Sort};
use super::state::{State, Table};
use crate::error::{Error, Result};
use crate::host::Host;

/// Rows that are asked for.
#[derive(Debug, Clone)]
pub struct Find {
    pub filter: Filter,
    pub sort: Option<String>,
    pub select: Option<String>,
    /// References whose rows are shown in the place of their keys.
    pub include: Include,
    pub skip: usize,
    pub limit: usize,
    pub cursor: Option<String>,
}

/// The rows that were found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rows {
    pub rows: Vec<FoundRow>,
    /// Rows that match, where all were looked at; with a cursor, from there on.
    pub matched: Option<usize>,
    /// What the next page is asked for with.
    pub next: Next,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundRow {
    pub key: String,
    /// As compact JSON: the fields that were chosen.
    pub doc: String,
}

/// Whether there are more rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    Nothing,
    Cursor(String),
    /// There are, and the values that they are sorted by are too long for a cursor.
    TooLong,
}

/// What an answer took, and how fresh it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Rows that were looked at.
    pub examined: usize,
    /// Requests to Discord, the object's other work at that time counted.
    pub requests: u64,
    pub ms: u64,
    /// The commit as of which it is true.
    pub at: CommitId,
}

impl<H: Host> Database<H> {
    /// The rows that match.
    ///
    /// # Errors
    /// What makes no sense in the question, or a table that is not there or cannot be loaded.
    pub async fn find(&self, table: &str, find: &Find) -> Result<(Rows, Cost)> {
        let sort = find.sort.as_deref();
        let sort = sort.map(|sort| Sort::parse("sort", sort)).transpose()?;
        let sort = sort.unwrap_or_default();
        self.ask_table(table, &find.include, |state, found| {
            let select = find.select.as_deref();
            let select = select.map(|select| Select::parse("select", select, &found.pk));
            let select = select.transpose()?;
            let question = Question::new(&found.id.to_string(), &find.filter, &sort);
            let cursor = find.cursor.as_deref();
            let after = cursor.map(|cursor| Cursor::decode("cursor", cursor, question));
            let query = Query {
                filter: find.filter.clone(),
                sort,
                after: after.transpose()?,
                skip: find.skip,
                limit: find.limit,
            };
            let page = memory::find(candidates(found), &query);
            let next = page.next.map(|next| next.encode(question));
            let joins = find.include.resolve(state, found)?;
            let mut joined = Joined::new(state);
            let rows = page.rows.iter().map(|row| {
                if joins.is_empty() {
                    return Ok(shown(row.key, row.doc, select.as_ref()));
                }
                let doc = joined.row(&joins, row.doc)?;
                Ok(shown(row.key, &doc, select.as_ref()))
            });
            let rows = rows.collect::<Result<_>>()?;
            Ok((
                page.examined + joined.examined,
                Rows {
                    rows,
                    matched: page.matched,
                    next: match next {
                        None => Next::Nothing,
                        Some(Some(cursor)) => Next::Cursor(cursor),
                        Some(None) => Next::TooLong,
                    },
                },
            ))
        })
        .await
    }

    /// How many rows match.
    ///
    /// # Errors
    /// As [`Database::find`].
    pub async fn count(&self, table: &str, filter: &Filter) -> Result<(usize, Cost)> {
        self.ask_table(table, &Include::default(), |_, found| {
            let (matched, examined) = memory::count(candidates(found), filter);
            Ok((examined, matched))
        })
        .await
    }

    /// The values that a field has in the rows that match, at most `limit` of them.
    ///
    /// # Errors
    /// As [`Database::find`].
    pub async fn distinct(
        &self,
        table: &str,
        field: &str,
        filter: &Filter,
        limit: usize,
    ) -> Result<(Distinct, Cost)> {
        let path = Path::parse(field).map_err(|why| {
            Error::invalid("field", format!("{why}.")).hint("Like `address.zip`.")
        })?;
        self.ask_table(table, &Include::default(), |_, found| {
            let distinct = memory::distinct(candidates(found), filter, &path, limit);
            Ok((distinct.examined, distinct))
        })
        .await
    }

    /// Loads the table, asks it, and sums up what that took.
    async fn ask_table<T>(
        &self,
        table: &str,
        include: &Include,
        answer: impl FnOnce(&State, &Table) -> Result<(usize, T)>,
    ) -> Result<(T, Cost)> {
        let began = self.shared.host.now();
        let sent = self.shared.client.requests_sent();
        self.load_table_for_reading(table).await?;
        self.load_included(table, include).await?;
        let opened = self.opened()?;
        let found = opened.state.table(&self.name, table)?;
        let (examined, answer) = answer(&opened.state, found)?;
        let cost = Cost {
            examined,
            requests: self.shared.client.requests_sent().saturating_sub(sent),
            ms: self.shared.host.now().saturating_sub(began),
            at: opened.state.head_id().unwrap_or_default(),
        };
        Ok((answer, cost))
    }
}

impl<H: Host> Database<H> {
    /// Loads the tables that `include` leads to, and the table itself once more, should the database
    /// have been closed meanwhile: nothing is awaited once all are there.
    async fn load_included(&self, table: &str, include: &Include) -> Result<()> {
        loop {
            let wanted = {
                let opened = self.opened()?;
                let found = opened.state.table(&self.name, table)?;
                let mut ids = vec![found.id];
                include::tables(&include.resolve(&opened.state, found)?, &mut ids);
                let mut tables = ids.iter().filter_map(|id| opened.state.table_by_id(*id));
                let wanted = tables.find(|(_, table)| !table.is_loaded);
                wanted.map(|(name, _)| name.to_owned())
            };
            match wanted {
                Some(wanted) => self.load_table(&wanted).await?,
                None => return Ok(()),
            }
        }
    }
}

fn candidates(table: &Table) -> impl Iterator<Item = Candidate<'_>> {
    let live = table.live();
    live.map(|(key, _, doc)| Candidate { key, doc })
}

fn shown(key: &str, doc: &str, select: Option<&Select>) -> FoundRow {
    let doc = match select {
        None => doc.to_owned(),
        Some(select) => {
            let mut chosen = String::new();
            select.apply(Json::new(doc), &mut chosen);
            chosen
        }
    };
    FoundRow {
        key: key.to_owned(),
        doc,
    }
}
