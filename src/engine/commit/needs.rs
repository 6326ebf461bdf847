//! Which tables must be in memory before a write can be validated: those that it names, and those that
//! references lead to.

use std::collections::BTreeSet;

use crate::engine::schema::OnDelete;
use crate::engine::state::Batch;

/// A table that a write looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::engine) struct Need {
    pub table: String,
    pub touch: Touch,
}

/// What a write does with a table's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Touch {
    /// It only looks at them.
    Rows,
    /// It stores rows: what they name must be there.
    Put,
    /// It deletes rows: what names them goes along, changes, or forbids it.
    Delete,
}

/// The ids of the tables that are needed, as far as they are there.
pub(super) fn tables(batch: &Batch<'_>, needs: &mut dyn Iterator<Item = &Need>) -> BTreeSet<u32> {
    let mut needed = BTreeSet::new();
    let mut deleted_from = BTreeSet::new();
    let mut open = Vec::new();
    for need in needs {
        let Some(table) = batch.find_table(&need.table) else {
            continue;
        };
        needed.insert(table.id);
        match need.touch {
            Touch::Rows => {}
            Touch::Put => {
                // A schema that cannot be read is the write's to tell.
                let bound = table.schema.enforced(&table.pk).ok().flatten();
                let references = bound.iter().flat_map(|bound| &bound.references);
                needed.extend(references.map(|(_, id)| *id));
            }
            Touch::Delete => open.push(table.id),
        }
    }
    while let Some(id) = open.pop() {
        if !deleted_from.insert(id) {
            continue;
        }
        for table in batch.tables_naming(id) {
            let Ok(Some(bound)) = table.schema.enforced(&table.pk) else {
                continue;
            };
            needed.insert(table.id);
            let mut references = bound.references.iter();
            if references
                .any(|(reference, of)| *of == id && reference.on_delete == OnDelete::Cascade)
            {
                open.push(table.id);
            }
        }
    }
    needed
}
