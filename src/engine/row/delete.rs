//! Deleting a row.

use super::{Change, Changed, Deletion, no_such_row};
use crate::engine::state::Batch;
use crate::error::Result;

/// Deletes the row as a part of `deletion`. A tombstone can still be deleted for good: what its row was is
/// in the log and in its thread until then.
pub(super) fn delete(
    batch: &mut Batch<'_>,
    change: &Change,
    hard: bool,
    deletion: &mut Deletion,
) -> Result<Changed> {
    let table = batch.table(&change.table)?;
    let before = batch.row(&table, &change.key);
    let is_there = |doc: Option<&str>, is_gone: bool| doc.is_some() || (hard && !is_gone);
    let row = before.filter(|row| is_there(row.doc, row.hard));
    let row =
        row.ok_or_else(|| no_such_row(batch.database(), &change.table, &change.key, before))?;
    change.check_rev(batch.database(), row.rev)?;
    let rev = row.rev + 1;
    let was_there = row.doc.is_some();
    deletion.add(batch, &table, (&change.key, rev), hard, was_there)?;
    Ok(Changed::to(rev))
}
