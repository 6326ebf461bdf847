//! Deleting a row.

use super::{Change, Changed, no_such_row, references};
use crate::engine::log::Op;
use crate::engine::state::Batch;
use crate::error::Result;

/// Deletes the row, and does what its schema says to those that name it; what that came to. A tombstone can still be deleted for good: what
/// its row was is in the log and in its thread until then.
pub(super) fn delete(batch: &mut Batch<'_>, change: &Change, hard: bool) -> Result<Changed> {
    let table = batch.table(&change.table)?;
    let before = batch.row(&table, &change.key);
    let is_there = |doc: Option<&str>, is_gone: bool| doc.is_some() || (hard && !is_gone);
    let row = before.filter(|row| is_there(row.doc, row.hard));
    let row =
        row.ok_or_else(|| no_such_row(batch.database(), &change.table, &change.key, before))?;
    change.check_rev(batch.database(), row.rev)?;
    let rev = row.rev + 1;
    let was_there = row.doc.is_some();
    batch.push(Op::Delete {
        table: change.table.clone(),
        key: change.key.clone(),
        rev,
        hard,
    })?;
    if !was_there {
        return Ok(Changed::to(rev));
    }
    references::row_deleted(batch, &table, &change.key, rev, hard)
}
