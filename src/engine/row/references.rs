//! Rows that name other rows: that these are there, and what becomes of them when one is deleted.

use serde_json::{Map, Value};

use super::store::{Place, judge, store_as_is};
use super::{Changed, check_size};
use crate::engine::document::{self, Document};
use crate::engine::log::Op;
use crate::engine::query::Json;
use crate::engine::schema::{OnDelete, Reference, VIOLATIONS, Violation};
use crate::engine::state::{Batch, Bound, TableView, Validate};
use crate::error::{Error, ErrorKind, Result};
use crate::limits::TRANSACTION_OPERATIONS;
use crate::planted::{Bug, is_planted};
use crate::text::inline;

/// Rows that are told of when a deletion is refused.
const TOLD: usize = 5;

/// The rows that a document names and that are not there, at most [`VIOLATIONS`].
pub(in crate::engine) fn missing(
    batch: &Batch<'_>,
    bound: &Bound,
    fields: &Map<String, Value>,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (reference, table) in &bound.references {
        let keys = reference.keys(fields);
        if keys.is_empty() {
            continue;
        }
        let table = batch.table_by_id(*table);
        let name = table
            .as_ref()
            .map_or(&*reference.table, |table| &table.name);
        for key in keys
            .iter()
            .filter(|key| is_gone(batch, table.as_ref(), key))
        {
            if violations.len() == VIOLATIONS {
                return violations;
            }
            let field = inline(&reference.field);
            let message = format!(
                "`{field}` must name a row of table `{}`, and `{}` is not there",
                inline(name),
                inline(key)
            );
            violations.push(Violation::of_reference(&field, message));
        }
    }
    violations
}

/// Whether there is no such row.
fn is_gone(batch: &Batch<'_>, table: Option<&TableView>, key: &str) -> bool {
    let row = table.and_then(|table| batch.row(table, key));
    row.is_none_or(|row| row.doc.is_none())
}

/// A deletion that is carried out, with what follows from it.
struct Deletion {
    /// The row that was asked for.
    key: String,
    table: String,
    hard: bool,
    /// Rows that name something that is gone, and stay: the tables' ids, and the keys.
    left: Vec<(u32, Vec<String>)>,
    changed: Changed,
}

/// Deletes, changes or keeps the rows that name a row that was just deleted; what that came to.
///
/// # Errors
/// Rows that forbid it, or more than one write can do.
pub(super) fn row_deleted(
    batch: &mut Batch<'_>,
    table: &TableView,
    key: &str,
    rev: u64,
    hard: bool,
) -> Result<Changed> {
    let mut deletion = Deletion {
        key: key.to_owned(),
        table: table.name.clone(),
        hard,
        left: Vec::new(),
        changed: Changed::to(rev),
    };
    deletion.spread(batch, (table.id, key.to_owned()))?;
    deletion.settle(batch)?;
    Ok(deletion.changed)
}

impl Deletion {
    /// Deletes whatever is deleted along, however far that goes.
    fn spread(&mut self, batch: &mut Batch<'_>, first: (u32, String)) -> Result<()> {
        let mut open = vec![first];
        while let Some((named, key)) = open.pop() {
            for table in batch.tables_naming(named) {
                let Some(bound) = table.schema.enforced(&table.pk)? else {
                    continue;
                };
                for row in batch.rows_naming(&table, named, &key) {
                    let Some(found) = batch.row(&table, &row) else {
                        continue;
                    };
                    let doc = Json::new(found.doc.unwrap_or_default());
                    let cascades = |(reference, id): &(Reference, u32)| {
                        *id == named
                            && reference.on_delete == OnDelete::Cascade
                            && reference.keys_of(doc).contains(&key)
                    };
                    if is_planted(Bug::CascadeStops) && self.changed.deleted > 0 {
                        continue;
                    }
                    if !bound.references.iter().any(cascades) {
                        self.leave(table.id, row);
                        continue;
                    }
                    let rev = found.rev + 1;
                    self.count()?;
                    self.changed.deleted += 1;
                    open.push((table.id, row.clone()));
                    batch.push(Op::Delete {
                        table: table.name.clone(),
                        key: row,
                        rev,
                        hard: self.hard,
                    })?;
                }
            }
        }
        Ok(())
    }

    /// Looks after the rows that stay.
    fn settle(&mut self, batch: &mut Batch<'_>) -> Result<()> {
        // What forbids the deletion: how much of it, and the first.
        let mut forbidden = (0, Vec::new());
        for (id, mut keys) in std::mem::take(&mut self.left) {
            // A row stands there once for each row that it names and that is gone.
            keys.sort_unstable();
            keys.dedup();
            let Some(table) = batch.table_by_id(id) else {
                continue;
            };
            for key in keys {
                self.look_after(batch, &table, &key, &mut forbidden)?;
            }
        }
        let (count, first) = forbidden;
        if count == 0 {
            return Ok(());
        }
        let more = match count - first.len() {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        let (key, table) = (inline(&self.key), &self.table);
        let message = format!(
            "row `{key}` of table `{table}` stays, since others name it, or what would go along with it: {}{more}.",
            first.join("; ")
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
        forbidden: &mut (usize, Vec<String>),
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
            let of = batch.table_by_id(*named);
            let is_gone = |key: &&String| is_gone(batch, of.as_ref(), key);
            let keys = reference.keys_of(Json::new(doc));
            let Some(found) = keys.iter().find(is_gone) else {
                continue;
            };
            if reference.on_delete == OnDelete::SetNull {
                cleared.push((reference, of));
                continue;
            }
            let is_strict = bound.validate == Validate::Strict;
            if is_strict {
                forbidden.0 += 1;
            }
            if !is_strict || forbidden.1.len() < TOLD {
                let of = of.map_or_else(|| reference.table.clone(), |table| table.name);
                let told = told(table, key, reference, &of, found);
                match is_strict {
                    true => forbidden.1.push(told),
                    false => self.changed.warn(format!("{told}, which is gone")),
                }
            }
        }
        if cleared.is_empty() {
            return Ok(());
        }
        let mut fields = document::fields(doc).map_err(|error| unreadable(key, &error))?;
        for (reference, of) in cleared {
            clear(reference, &mut fields, &|key| {
                is_gone(batch, of.as_ref(), key)
            });
        }
        self.count()?;
        self.changed.cleared += 1;
        let place = Place {
            table,
            key,
            rev: rev + 1,
            option: "key",
        };
        rewrite(batch, &place, bound, &fields, &mut self.changed)
    }

    fn leave(&mut self, table: u32, row: String) {
        match self.left.iter_mut().find(|(id, _)| *id == table) {
            Some((_, rows)) => rows.push(row),
            None => self.left.push((table, vec![row])),
        }
    }

    fn count(&self) -> Result<()> {
        if self.changed.deleted + self.changed.cleared < TRANSACTION_OPERATIONS {
            return Ok(());
        }
        let message = format!(
            "row `{}` of table `{}` stays: more than {TRANSACTION_OPERATIONS} rows that name it would be deleted or changed along.",
            inline(&self.key),
            self.table
        );
        Err(Error::new(ErrorKind::TooLarge, message)
            .hint("Delete or change rows that name it first, some at a time."))
    }
}

/// Stores a row without the keys that are gone.
fn rewrite(
    batch: &mut Batch<'_>,
    place: &Place<'_>,
    bound: &Bound,
    fields: &Map<String, Value>,
    changed: &mut Changed,
) -> Result<()> {
    check_size(place.option, fields)?;
    store_as_is(batch, place, Document::new(fields))?;
    let violations = bound.schema.validate(fields).err().unwrap_or_default();
    let judged = judge(place, Some(bound), &violations).map_err(|error| {
        let (key, table) = (inline(place.key), &place.table.name);
        let message = format!(
            "the row stays, since row `{key}` of table `{table}` names it and cannot do without: {}",
            error.message
        );
        Error::new(ErrorKind::Conflict, message)
            .hint("Delete or change that row first.")
    })?;
    changed.add_warnings(judged);
    Ok(())
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

fn unreadable(key: &str, error: &serde_json::Error) -> Error {
    let message = format!(
        "row `{}` cannot be read as a document ({error}).",
        inline(key)
    );
    Error::new(ErrorKind::Corrupt, message).hint("Report this: it is a bug.")
}
