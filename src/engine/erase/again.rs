//! What nothing but a file would say once a record is gone: it is committed again first.
//!
//! A table is put together from its messages and the log where files cannot be read. Rows of a table
//! without messages are then in the log alone, and so are tombstones without a message, of which the
//! digest knows nothing: without them, revisions would begin anew. A row that does not fit its message
//! is in a file beside it, if anywhere.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::copies::Going;
use crate::engine::attachments::Access;
use crate::engine::commit::Contents;
use crate::engine::database::Opened;
use crate::engine::digest::TableSum;
use crate::engine::document::Document;
use crate::engine::log::codec;
use crate::engine::log::record::{Record, VERSION};
use crate::engine::log::{CommitId, Link, Op};
use crate::engine::materialize::row_message;
use crate::engine::state::{Row, State, Table};
use crate::limits::TEXT_COMMIT_BYTES;

/// The next of what is to be committed again, as much as a record holds that needs no file itself, or one
/// row as text where files cannot be read; none once all of it is. The tables must be loaded.
pub(super) fn next(
    opened: &Opened,
    going: &[Going<'_>],
    access: Option<Access>,
) -> Option<Contents> {
    let state = &opened.state;
    let written = going.iter().flat_map(|going| {
        let ops = going.record.ops.iter().zip(going.ids);
        ops.map(|(op, id)| (going.record.id(), op, *id))
    });
    let mut again: Vec<Op> = Vec::new();
    for (at, op, id) in written {
        let Some((name, key, row)) = needed(state, at, op, id) else {
            continue;
        };
        let is_taken = |taken: &Op| taken.row() == Some((name, key));
        let Some(op) = as_op(name, key, row).filter(|_| !again.iter().any(is_taken)) else {
            continue;
        };
        again.push(op);
        if !fits(state, &again, access) {
            again.pop();
            // What does not fit alone is in a file, or in the text of a segment, still.
            if !again.is_empty() {
                break;
            }
        }
    }
    let sum = sums(state, &again);
    let by = Vec::new();
    let ops = again;
    (!ops.is_empty()).then_some(Contents {
        by,
        ops,
        sum,
        at: None,
        gives_way: false,
    })
}

/// The row that an op left, if it is as it was then and no message tells all of it.
fn needed<'a>(
    state: &'a State,
    at: CommitId,
    op: &'a Op,
    id: Option<u32>,
) -> Option<(&'a str, &'a str, &'a Row)> {
    let (_, key) = op.row()?;
    let (name, table) = state.table_by_id(id?)?;
    let row = table.rows.get(key).filter(|row| row.at == at)?;
    (has_no_message(table, row.hard) || is_cut(key, row)).then_some((name, key, row))
}

/// Whether the row's message has only the beginning of it. The rest is in a file then, as in the
/// segments, or nowhere else.
pub(super) fn is_cut(key: &str, row: &Row) -> bool {
    !row_message::is_whole(key, row)
}

/// Whether no message tells of such rows of the table.
pub(super) fn has_no_message(table: &Table, is_hard: bool) -> bool {
    !table.mirror || is_hard
}

/// The row as it is. Its commit will be another, its revision not.
fn as_op(table: &str, key: &str, row: &Row) -> Option<Op> {
    let (table, key, rev) = (table.to_owned(), key.to_owned(), row.rev);
    let Some(doc) = row.doc.as_deref() else {
        let hard = row.hard;
        return Some(Op::Delete {
            table,
            key,
            rev,
            hard,
        });
    };
    let doc: Document = serde_json::from_str(doc).ok()?;
    Some(Op::Put {
        table,
        key,
        rev,
        doc,
    })
}

fn sums(state: &State, ops: &[Op]) -> BTreeMap<String, TableSum> {
    let names = ops.iter().filter_map(Op::row).map(|(table, _)| table);
    let sums = names.filter_map(|name| Some((name.to_owned(), state.tables.get(name)?.sum)));
    sums.collect()
}

/// Whether a record of these needs no file.
fn fits(state: &State, ops: &[Op], access: Option<Access>) -> bool {
    // As long as they get.
    let long = CommitId(codec::LAST, codec::LAST);
    let record = Record {
        v: VERSION,
        epoch: long.epoch(),
        seq: long.seq(),
        prev: Some(Link { id: long, crc: 0 }),
        at: codec::LAST,
        by: Vec::new(),
        ops: ops.to_vec(),
        sum: sums(state, ops),
    };
    let Ok(encoded) = codec::encode(&record) else {
        return false;
    };
    let may_be_text = access != Some(Access::Readable) && ops.len() == 1;
    let is_short = |packed: Bytes| may_be_text && packed.len() <= TEXT_COMMIT_BYTES;
    encoded.file.is_none() || encoded.packed().is_some_and(is_short)
}
