//! Asking a table: which rows, how many, which values. Answered from memory, so exactly as of the
//! last acknowledged commit, by the way that the planner finds; or from its messages ([`channels`]).

mod access;
mod aggregate;
mod channels;
mod include;

pub use access::Asked;
pub use aggregate::Aggregate;
pub use channels::Report;
pub use include::Include;

use channels::Wanted;

use include::Joined;

use super::database::Database;
use super::log::CommitId;
use super::query::memory::{self, Distinct, Query};
use super::query::plan::{Plans, Question, Via};
use super::query::{Cursor, Filter, Json, Path, Select, Sort, cursor};
use super::state::State;
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, UnixMillis};

/// Rows that are asked for.
#[derive(Debug, Clone, Default)]
pub struct Find {
    pub filter: Filter,
    pub sort: Option<String>,
    pub select: Option<String>,
    /// References whose rows are shown in the place of their keys.
    pub include: Include,
    pub skip: usize,
    pub limit: usize,
    pub cursor: Option<String>,
    /// Where the rows are to come from.
    pub via: Option<Via>,
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    /// The way to the rows, and those that were not taken.
    pub plans: Plans,
    /// Values of an index that were looked at.
    pub keys: usize,
    /// Rows that were looked at.
    pub examined: usize,
    /// Whether the table was in memory when it was asked.
    pub was_loaded: bool,
    /// Requests to Discord, the object's other work at that time counted.
    pub requests: u64,
    pub ms: u64,
    /// The commit as of which it is true.
    pub at: CommitId,
    /// What was read, where the rows are from their messages: then it is not exact.
    pub report: Option<Report>,
    /// Whether that is the last commit that was acknowledged, where they are from memory.
    pub is_exact: bool,
    /// The field that has the key, where the question names `_id` as if that were it.
    pub key_field: Option<String>,
}

impl Cost {
    /// Whether there is more than was read.
    pub fn is_partial(&self) -> bool {
        let report = self.report.as_ref();
        report.is_some_and(|report| report.rest.is_some())
    }
}

impl<H: Host> Database<H> {
    /// The rows that match.
    ///
    /// # Errors
    /// What makes no sense in the question, or a table that is not there or cannot be loaded.
    pub async fn find(&self, table: &str, find: &Find) -> Result<(Rows, Cost)> {
        let wanted = Wanted {
            via: find.via,
            filter: &find.filter,
            cursor: find.cursor.as_deref(),
        };
        let include = &find.include;
        self.ask_table(table, include, wanted, |found| found.find(find))
            .await
    }

    /// How many rows match, of those that were read.
    ///
    /// # Errors
    /// As [`Database::find`].
    pub async fn count(
        &self,
        table: &str,
        filter: &Filter,
        via: Option<Via>,
    ) -> Result<(usize, Cost)> {
        let include = Include::default();
        let wanted = Wanted::all(via, filter);
        self.ask_table(table, &include, wanted, |found| found.count(filter))
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
        via: Option<Via>,
        limit: usize,
    ) -> Result<(Distinct, Cost)> {
        // A JSON string may have any name.
        let path = match serde_json::from_str::<String>(field) {
            Ok(name) => Path::parse(&name),
            Err(_) => Path::typed(field),
        };
        let path = path.map_err(|why| {
            Error::invalid("field", format!("{why}."))
                .hint("Like `address.zip`, or `\"first name\"`.")
        })?;
        let wanted = Wanted::all(via, filter);
        self.ask_table(table, &Include::default(), wanted, |found| {
            let (plans, way) = found.all_rows(filter);
            let distinct = memory::distinct(way.candidates, filter, &path, limit)?;
            let looked = Looked {
                plans,
                keys: way.keys.get(),
                examined: distinct.examined,
            };
            Ok((looked, distinct))
        })
        .await
    }

    /// Loads the table or reads its messages, asks it, and sums up what that took.
    async fn ask_table<T>(
        &self,
        table: &str,
        include: &Include,
        wanted: Wanted<'_>,
        answer: impl FnOnce(Asked<'_>) -> Result<(Looked, T)>,
    ) -> Result<(T, Cost)> {
        let began = self.asked_now(table);
        self.confirm_tenure().await?;
        let mut gathered = self.gather(table, wanted).await?;
        self.load_included(table, include, gathered.is_none())
            .await?;
        let opened = self.opened()?;
        let found = opened.state.table(&self.name, table)?;
        if let Some(gathered) = &mut gathered {
            if gathered.table != found.id {
                let message = format!("`{}.{table}` is another table now.", self.name);
                return Err(Error::new(ErrorKind::Unavailable, message).hint("Try again."));
            }
            gathered.overlay(&opened.state, found);
        }
        let (looked, answer) = answer(Asked {
            gathered: gathered.as_ref(),
            ..Asked::new(&opened.state, found)
        })?;
        let mut cost = self.cost(began, looked, &opened.state);
        cost.report = gathered.map(|gathered| gathered.report);
        let names_id = wanted.filter.source().contains_key("_id");
        cost.key_field = (names_id && found.pk != "_id").then(|| found.pk.clone());
        Ok((answer, cost))
    }

    fn asked_now(&self, table: &str) -> Began {
        let opened = self.opened();
        Began {
            at: self.shared.host.now(),
            sent: self.shared.client.requests_sent(),
            was_loaded: opened.is_ok_and(|opened| opened.state.is_loaded(table)),
        }
    }

    /// Of an answer from memory.
    fn cost(&self, began: Began, looked: Looked, state: &State) -> Cost {
        let sent = self.shared.client.requests_sent();
        Cost {
            plans: looked.plans,
            keys: looked.keys,
            examined: looked.examined,
            was_loaded: began.was_loaded,
            requests: sent.saturating_sub(began.sent),
            ms: self.shared.host.now().saturating_sub(began.at),
            at: state.head_id().unwrap_or_default(),
            report: None,
            is_exact: self.warning().is_none(),
            key_field: None,
        }
    }

    /// Loads the tables that `include` leads to, and the table itself once more if it is needed, should the
    /// database have been closed meanwhile: nothing is awaited once all are there.
    async fn load_included(&self, table: &str, include: &Include, itself: bool) -> Result<()> {
        loop {
            let wanted = {
                let opened = self.opened()?;
                let found = opened.state.table(&self.name, table)?;
                let mut ids = Vec::from_iter(itself.then_some(found.id));
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

/// When a question came.
struct Began {
    at: UnixMillis,
    /// The requests to Discord before it.
    sent: u64,
    was_loaded: bool,
}

/// What an answer took of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// See [`Cost::plans`].
    pub plans: Plans,
    /// See [`Cost::keys`].
    pub keys: usize,
    /// See [`Cost::examined`].
    pub examined: usize,
}

impl Asked<'_> {
    /// [`Database::find`] among the rows that are there: in memory, or gathered from messages.
    ///
    /// # Errors
    /// What makes no sense in the question.
    pub fn find(&self, find: &Find) -> Result<(Looked, Rows)> {
        let sort = find.sort.as_deref();
        let sort = sort.map(|sort| Sort::parse("sort", sort)).transpose()?;
        let sort = sort.unwrap_or_default();
        let table = self.table;
        let select = find.select.as_deref();
        let select = select.map(|select| Select::parse("select", select, &table.pk));
        let select = select.transpose()?;
        // Where rows are read in parts, a cursor says which part it is of.
        let report = self.gathered.map(|gathered| &gathered.report);
        let from = report.and_then(|report| report.from);
        let rest = report.and_then(|report| report.rest);
        let prefix = |from| {
            self.gathered
                .map_or(String::new(), |rows| rows.prefix(from))
        };
        let question =
            |part: &str| cursor::Question::new(&format!("{part}{}", table.id), &find.filter, &sort);
        let part = prefix(from);
        let cursor = find.cursor.as_deref().map(str::trim);
        let cursor = cursor.map(|cursor| cursor.strip_prefix(&part).unwrap_or(cursor));
        let after = cursor.map(|cursor| Cursor::decode("cursor", cursor, question(&part)));
        let after = after.transpose()?;
        let plans = self.plan(&Question {
            filter: &find.filter,
            sort: &sort,
            // One more tells whether there are more.
            enough: Some(find.skip.saturating_add(find.limit).saturating_add(1)),
        });
        let way = self.rows(&plans.chosen.access, after.as_ref());
        let query = Query {
            filter: &find.filter,
            sort: &sort,
            after,
            skip: find.skip,
            limit: find.limit,
            in_order: way.in_order,
        };
        let page = memory::find(way.candidates, &query)?;
        let next = |part: &str, next: Cursor| {
            let cursor = next.encode(question(part));
            cursor.map_or(Next::TooLong, |cursor| {
                Next::Cursor(format!("{part}{cursor}"))
            })
        };
        let next = match (page.next, rest) {
            (Some(after), _) => next(&part, after),
            (None, Some(_)) => next(&prefix(rest), Cursor::default()),
            (None, None) => Next::Nothing,
        };
        let joins = find.include.resolve(self.state, table)?;
        let mut joined = Joined::new(self.state);
        let rows = page.rows.iter().map(|row| {
            if joins.is_empty() {
                return Ok(shown(row.key, row.doc, select.as_ref()));
            }
            let doc = joined.row(&joins, row.doc)?;
            Ok(shown(row.key, &doc, select.as_ref()))
        });
        let rows = Rows {
            rows: rows.collect::<Result<_>>()?,
            matched: page.matched.filter(|_| rest.is_none()),
            next,
        };
        let looked = Looked {
            plans,
            keys: way.keys.get(),
            examined: page.examined + joined.examined,
        };
        Ok((looked, rows))
    }

    /// [`Database::count`] among the same rows.
    ///
    /// # Errors
    /// When the answer costs more than it may.
    pub fn count(&self, filter: &Filter) -> Result<(Looked, usize)> {
        let (plans, way) = self.all_rows(filter);
        let (matched, examined) = memory::count(way.candidates, filter)?;
        let looked = Looked {
            plans,
            keys: way.keys.get(),
            examined,
        };
        Ok((looked, matched))
    }
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
