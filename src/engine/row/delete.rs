//! Deleting a row.

use super::{Change, no_such_row};
use crate::engine::log::Op;
use crate::engine::state::Batch;
use crate::error::Result;

/// Deletes the row; the revision of its tombstone. A tombstone can still be deleted for good: what
/// its row was is in the log and in its thread until then.
pub(super) fn delete(batch: &mut Batch<'_>, change: &Change, hard: bool) -> Result<u64> {
    let table = batch.table(&change.table)?;
    let before = batch.row(&table, &change.key);
    let is_there = |doc: Option<&str>, is_gone: bool| doc.is_some() || (hard && !is_gone);
    let row = before.filter(|row| is_there(row.doc, row.hard));
    let row =
        row.ok_or_else(|| no_such_row(batch.database(), &change.table, &change.key, before))?;
    change.check_rev(batch.database(), row.rev)?;
    let rev = row.rev + 1;
    batch.push(Op::Delete {
        table: change.table.clone(),
        key: change.key.clone(),
        rev,
        hard,
    })?;
    Ok(rev)
}
