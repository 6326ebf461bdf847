//! Rows that are deleted together, and what becomes of those that name them.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::store::{Place, judge, store_as_is};
use super::{Changed, check_size, place};
use crate::engine::document::{self, Document};
use crate::engine::log::Op;
use crate::engine::query::Json;
use crate::engine::schema::{OnDelete, Reference};
use crate::engine::state::{Batch, Bound, TableView, Validate};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::TRANSACTION_OPERATIONS;
use crate::planted::{Bug, is_planted};
use crate::text::inline;

/// Rows that are told of when a deletion is refused.
const TOLD: usize = 5;

/// A deletion of rows, with what follows from it. First all of them go, then whatever goes along with them;
/// only then it is looked at which rows stay and name something that is gone. So nothing depends on the
/// order of the rows, and a row that names many of them is changed once.
#[derive(Default)]
pub(in crate::engine) struct Deletion {
    /// The rows that were asked for.
    roots: Vec<Root>,
    /// The number of its first op.
    since: usize,
    /// For which of the roots each of its ops deletes a row.
    caused_by: Vec<usize>,
    /// Deleted rows whose namers were not looked for yet: the table's id, the key, and the root.
    open: Vec<(u32, String, usize)>,
    /// Rows that may name something that is gone, and stay: by the tables' ids.
    left: Vec<(u32, BTreeSet<String>)>,
    /// The root that is under way.
    at: usize,
    changed: Changed,
}

struct Root {
    table: String,
    key: String,
    hard: bool,
    /// How many rows were deleted or changed along.
    along: usize,
}

/// Rows that forbid a deletion.
#[derive(Default)]
struct Forbidden {
    /// What they keep.
    root: usize,
    count: usize,
    /// The first of them.
    told: Vec<String>,
    /// Whether they name the row itself, and whether they name what goes along.
    of_root: bool,
    of_others: bool,
}

impl Deletion {
    /// Deletes a row that is at revision `rev` then. One that was there already as a tombstone drags nothing
    /// along.
    pub(super) fn add(
        &mut self,
        batch: &mut Batch<'_>,
        table: &TableView,
        (key, rev): (&str, u64),
        hard: bool,
        was_there: bool,
    ) -> Result<()> {
        if self.roots.is_empty() {
            self.since = batch.op_count();
        }
        let root = self.roots.len();
        self.roots.push(Root {
            table: table.name.clone(),
            key: key.to_owned(),
            hard,
            along: 0,
        });
        self.delete(batch, table, key.to_owned(), rev, root)?;
        if !was_there {
            self.open.pop();
        }
        Ok(())
    }

    /// Carries out what follows from it; what that came to.
    ///
    /// # Errors
    /// Rows that forbid it, or more than one write can do; and which of the rows that were added is to blame.
    pub fn finish(mut self, batch: &mut Batch<'_>) -> Result<Changed, (usize, Error)> {
        let done = self.spread(batch).and_then(|()| self.settle(batch));
        match done {
            Ok(()) => Ok(self.changed),
            Err(error) => Err((self.at, error)),
        }
    }

    fn delete(
        &mut self,
        batch: &mut Batch<'_>,
        table: &TableView,
        key: String,
        rev: u64,
        root: usize,
    ) -> Result<()> {
        self.open.push((table.id, key.clone(), root));
        self.caused_by.push(root);
        batch.push(Op::Delete {
            table: table.name.clone(),
            key,
            rev,
            hard: self.roots.get(root).is_some_and(|root| root.hard),
        })
    }

    /// Deletes whatever is deleted along, however far that goes.
    fn spread(&mut self, batch: &mut Batch<'_>) -> Result<()> {
        while let Some((named, key, root)) = self.open.pop() {
            self.at = root;
            for table in batch.tables_naming(named) {
                let Some(bound) = table.schema.enforced(&table.pk)? else {
                    continue;
                };
                for row in batch.rows_naming(&table, (named, &key), true) {
                    let found = batch.row(&table, &row);
                    let Some((rev, doc)) = found.and_then(|row| Some((row.rev, row.doc?))) else {
                        continue;
                    };
                    let names_it = |(reference, id): &(Reference, u32)| {
                        *id == named
                            && reference.on_delete == OnDelete::Cascade
                            && reference.keys_of(Json::new(doc)).contains(&key)
                    };
                    if is_planted(Bug::CascadeStops) && self.changed.deleted > 0 {
                        continue;
                    }
                    if bound.references.iter().any(names_it) {
                        self.count(batch.database())?;
                        self.changed.deleted += 1;
                        self.delete(batch, &table, row, rev + 1, root)?;
                    }
                }
                // These are read at the end, once each, however many of the keys in them go.
                for row in batch.rows_naming(&table, (named, &key), false) {
                    self.leave(table.id, row);
                }
            }
        }
        Ok(())
    }

    /// Looks after the rows that stay.
    fn settle(&mut self, batch: &mut Batch<'_>) -> Result<()> {
        let mut forbidden = Forbidden::default();
        for (id, keys) in std::mem::take(&mut self.left) {
            let Some(table) = batch.table_by_id(id) else {
                continue;
            };
            for key in keys {
                self.look_after(batch, &table, &key, &mut forbidden)?;
            }
        }
        if forbidden.count == 0 {
            return Ok(());
        }
        self.at = forbidden.root;
        let more = match forbidden.count - forbidden.told.len() {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        let named = match (forbidden.of_root, forbidden.of_others) {
            (_, false) => "it",
            (false, true) => "what would be deleted along with it",
            (true, true) => "it and what would be deleted along with it",
        };
        let message = format!(
            "{} stays, since other rows name {named}: {}{more}.",
            self.subject(batch.database()),
            forbidden.told.join("; ")
        );
        Err(Error::new(ErrorKind::Conflict, message).hint(
            "Delete or change these rows first; `on_delete` of a reference says what happens instead.",
        ))
    }

    /// Changes a row that stays, or notes that it forbids the deletion.
    fn look_after(
        &mut self,
        batch: &mut Batch<'_>,
        table: &TableView,
        key: &str,
        forbidden: &mut Forbidden,
    ) -> Result<()> {
        let row = batch.row(table, key);
        let Some((rev, doc)) = row.and_then(|row| Some((row.rev, row.doc?))) else {
            return Ok(());
        };
        let Some(bound) = table.schema.enforced(&table.pk)? else {
            return Ok(());
        };
        let mut cleared = Vec::new();
        for (reference, named) in &bound.references {
            let keys = reference.keys_of(Json::new(doc));
            let gone = |key: &String| Some((self.cause(batch, *named, key)?, key.clone()));
            let Some(((root, is_root), found)) = keys.iter().find_map(gone) else {
                continue;
            };
            if reference.on_delete == OnDelete::SetNull {
                self.at = root;
                cleared.push((reference, *named));
                continue;
            }
            let is_strict = bound.validate == Validate::Strict;
            if is_strict {
                if forbidden.count == 0 {
                    forbidden.root = root;
                } else if forbidden.root != root {
                    continue;
                }
                forbidden.count += 1;
                forbidden.of_root |= is_root;
                forbidden.of_others |= !is_root;
            }
            if !is_strict || forbidden.told.len() < TOLD {
                let of = batch.table_by_id(*named);
                let of = of.map_or_else(|| reference.table.clone(), |table| table.name);
                let told = told(table, key, reference, &of, &found);
                match is_strict {
                    true => forbidden.told.push(told),
                    false => self.changed.warn(format!("{told}, which is gone")),
                }
            }
        }
        if cleared.is_empty() {
            return Ok(());
        }
        let mut fields = document::fields(doc)
            .map_err(|error| unreadable(&place(batch.database(), &table.name, key), &error))?;
        for (reference, named) in cleared {
            clear(reference, &mut fields, &|key| {
                self.cause(batch, named, key).is_some()
            });
        }
        self.count(batch.database())?;
        self.changed.cleared += 1;
        let subject = self.subject(batch.database());
        let place = Place {
            table,
            key,
            rev: rev + 1,
            option: "key",
            may_stay: false,
        };
        let rewritten = rewrite(batch, &place, bound, &fields, &subject)?;
        self.changed.add_warnings(rewritten);
        Ok(())
    }

    /// For which of the roots this deletion deleted a row, if it did, and whether it is that root.
    fn cause(&self, batch: &Batch<'_>, table: u32, key: &str) -> Option<(usize, bool)> {
        let op = batch.deleted_by(table, key)?.checked_sub(self.since)?;
        Some((*self.caused_by.get(op)?, op < self.roots.len()))
    }

    fn leave(&mut self, table: u32, row: String) {
        match self.left.iter_mut().find(|(id, _)| *id == table) {
            Some((_, rows)) => {
                rows.insert(row);
            }
            None => self.left.push((table, BTreeSet::from([row]))),
        }
    }

    fn count(&mut self, database: &str) -> Result<()> {
        if let Some(root) = self.roots.get_mut(self.at)
            && root.along < TRANSACTION_OPERATIONS
        {
            root.along += 1;
            return Ok(());
        }
        let message = format!(
            "{} stays: more than {TRANSACTION_OPERATIONS} rows that name it would be deleted or changed along.",
            self.subject(database)
        );
        Err(Error::new(ErrorKind::TooLarge, message)
            .hint("Delete or change rows that name it first, some at a time."))
    }

    /// The root that is under way, in an error.
    fn subject(&self, database: &str) -> String {
        let root = self.roots.get(self.at);
        root.map_or_else(String::new, |root| place(database, &root.table, &root.key))
    }
}

/// Stores a row without the keys that are gone, of which `subject` is one.
fn rewrite(
    batch: &mut Batch<'_>,
    place: &Place<'_>,
    bound: &Bound,
    fields: &Map<String, Value>,
    subject: &str,
) -> Result<Changed> {
    check_size(place.option, fields)?;
    store_as_is(batch, place, Document::new(fields))?;
    let violations = bound.schema.validate(fields).err().unwrap_or_default();
    judge(place, Some(bound), &violations).map_err(|error| {
        let (key, table) = (inline(place.key), &place.table.name);
        let message = format!(
            "{subject} stays, since row `{key}` of table `{table}` names it and cannot do without: {}",
            error.message
        );
        Error::new(ErrorKind::Conflict, message)
            .hint("Delete or change that row first.")
    })
}

/// Takes keys out of a property: `null` instead of one, a list without them.
fn clear(reference: &Reference, fields: &mut Map<String, Value>, is_gone: &dyn Fn(&str) -> bool) {
    let Some(value) = fields.get_mut(&reference.field) else {
        return;
    };
    match value {
        Value::Array(items) => {
            items.retain(|item| !reference.item_key(item).is_some_and(|key| is_gone(&key)));
        }
        value => *value = Value::Null,
    }
}

fn told(table: &TableView, key: &str, reference: &Reference, of: &str, named: &str) -> String {
    format!(
        "`{}` of row `{}` in table `{}` names `{}` of table `{}`",
        inline(&reference.field),
        inline(key),
        table.name,
        inline(named),
        of
    )
}

fn unreadable(place: &str, error: &serde_json::Error) -> Error {
    let message = format!("{place} cannot be read as a document ({error}).");
    Error::new(ErrorKind::Corrupt, message).hint("Report this: it is a bug.")
}
