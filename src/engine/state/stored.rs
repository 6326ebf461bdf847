//! What a checkpoint keeps of a table, and a state from what checkpoints keep.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Index, Row, Shown, State, Table};
use crate::engine::checkpoint::manifest::{FileEntry, IndexEntry, Manifest, TableEntry};
use crate::engine::checkpoint::segment::{SectionInfo, SegmentRow, SegmentRowRef};
use crate::engine::digest::TableSum;
use crate::engine::index::Definition;

/// Where a table's rows stand as of the newest checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// Oldest first: a row in a later one replaces that in an earlier one.
    pub segments: Vec<StoredSegment>,
    /// The rows in them.
    pub sum: TableSum,
    pub tombstones: u64,
    /// Rows whose message did not show them as they are.
    pub behind: u64,
    pub channel: Option<u64>,
    /// Messages with an id up to this are accounted for.
    pub scan_from: Option<u64>,
}

/// Rows that changed in the generations `from < g <= to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSegment {
    pub from: u32,
    pub to: u32,
    pub parts: Vec<StoredPart>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPart {
    pub file: Rc<FileEntry>,
    pub section: usize,
    pub info: SectionInfo,
}

/// Up to which generation segments have their table's rows.
pub fn covered_by(segments: &[StoredSegment]) -> u32 {
    segments.last().map_or(0, |last| last.to)
}

impl Stored {
    /// What a manifest says of a table, with its segments.
    pub fn of(entry: &TableEntry, segments: Vec<StoredSegment>) -> Stored {
        Stored {
            segments,
            sum: entry.sum,
            tombstones: entry.tombstones,
            behind: entry.behind,
            channel: entry.channel,
            scan_from: entry.scan_from,
        }
    }
}

impl StoredSegment {
    /// Rows and tombstones.
    pub fn lines(&self) -> u64 {
        self.parts.iter().map(|part| part.info.lines).sum()
    }
}

impl State {
    /// The files that the newest checkpoint refers to.
    pub fn stored_files(&self) -> impl Iterator<Item = &FileEntry> {
        let segments = self.views().flat_map(|view| &view.stored.segments);
        segments.flat_map(|segment| segment.parts.iter().map(|part| &*part.file))
    }

    /// The state as of a checkpoint, its tables' rows still where they are.
    pub fn at_checkpoint(manifest: &Manifest) -> State {
        let files: Vec<Rc<FileEntry>> = manifest.files.iter().cloned().map(Rc::new).collect();
        let tables = manifest.tables.iter();
        let tables = tables.map(|entry| (entry.name.clone(), table_at_checkpoint(entry, &files)));
        let tables: BTreeMap<String, Table> = tables.collect();
        let index = |entry: &IndexEntry| {
            let definition = Definition::of(&entry.fields, entry.unique, entry.sparse)?;
            let table = tables.values().find(|table| table.id == entry.of)?;
            let view = Table {
                // Its rows come with the table's.
                is_loaded: table.is_loaded,
                ..table_at_checkpoint(&entry.view, &files)
            };
            let id = entry.view.id;
            let index = Index::new(id, table.id, definition, table.mirror, view.created);
            Some((id, Index { view, ..index }))
        };
        State {
            private: manifest.private,
            owner: manifest.owner.clone(),
            tenure: manifest.tenure.unwrap_or_default(),
            indexes: manifest.indexes.iter().filter_map(index).collect(),
            tables,
            last_table_id: manifest.last_table_id,
            erasing: manifest.erasing.clone(),
            head: Some(manifest.head),
            generation: manifest.generation,
            ..State::default()
        }
    }
}

fn table_at_checkpoint(entry: &TableEntry, files: &[Rc<FileEntry>]) -> Table {
    let segments = entry.segments.iter().map(|segment| StoredSegment {
        from: segment.from,
        to: segment.to,
        parts: segment
            .parts
            .iter()
            // A manifest that names files it does not have was refused before.
            .filter_map(|part| {
                Some(StoredPart {
                    file: Rc::clone(files.get(part.file)?),
                    section: part.section,
                    info: part.info.clone(),
                })
            })
            .collect(),
    });
    let segments: Vec<StoredSegment> = segments.collect();
    let is_loaded = segments.iter().all(|segment| segment.lines() == 0);
    Table {
        schema: entry.schema.clone(),
        sum: entry.sum,
        is_loaded,
        stored: Stored::of(entry, segments),
        ..Table::new(entry.id, &entry.pk, entry.mirror, entry.created)
    }
}

impl Row {
    /// A row as a segment has it; `generation` is the newest of that segment.
    pub fn from_segment(row: SegmentRow, generation: u32) -> (String, Row) {
        let shown = Shown {
            message: row.message.and_then(std::num::NonZeroU64::new),
            at: row.mirrored.unwrap_or_default(),
            thread: row.thread,
        };
        let new = Row {
            hard: row.hard,
            shown,
            generation,
            ..Row::new(row.rev, row.doc, row.at)
        };
        (row.key, new)
    }

    /// The row as a segment keeps it.
    pub fn to_segment<'a>(&'a self, key: &'a str) -> SegmentRowRef<'a> {
        let shown = Some(self.shown.at).filter(|at| *at != Default::default());
        SegmentRowRef {
            key,
            rev: self.rev,
            at: self.at,
            doc: self.doc.as_deref(),
            message: self.shown.message_id(),
            mirrored: shown,
            hard: self.hard,
            thread: self.shown.thread,
        }
    }
}
