//! What a checkpoint writes: for each table the rows that changed, merged with earlier segments
//! where those are no larger than a few times as much. Pure: a state in, files and a manifest out.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::file_sum::FileSum;
use super::manifest::{
    FileEntry, IndexEntry, LeftEntry, Manifest, PartEntry, SegmentEntry, TableEntry,
};
use super::segment::{SegmentFile, Writer};
use super::text_file;
use crate::engine::index::Definition;
use crate::engine::log::{CommitId, Link};
use crate::engine::state::{
    Erasure, Index, State, Stored, StoredPart, StoredSegment, Table, covered_by,
};

/// A table has at most so many segments: each is a file to be fetched when it is loaded.
const SEGMENTS: usize = 3;
/// A segment is merged with the changes after it unless it has more than so many times their rows.
/// Then it takes that many changes before its rows are written again: the cost of all rewriting
/// together stays logarithmic.
const RATIO: u64 = 4;
/// Tables with more text than this part of a file get files of their own, which live until they are
/// merged, and are the same whatever happens to other tables meanwhile.
const OWN_FILE_SHARE: usize = 4;

/// How the names of files end.
const ENDING: &str = ".ndjson.gz";
/// How the names of files begin that several tables share.
const SHARED: &str = "delta.";

/// What the materializer knows of a table's channel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Channel {
    pub id: Option<u64>,
    pub scan_from: Option<u64>,
}

/// A checkpoint before its files are stored.
#[derive(Debug)]
pub struct Plan {
    pub head: Link,
    pub generation: u32,
    erasing: Vec<Erasure>,
    /// Channels that may show rows and are left alone.
    pub left: Vec<LeftEntry>,
    /// Those of dropped tables and indexes that are still to be deleted.
    pub dropped: Vec<LeftEntry>,
    /// New files and their names.
    pub files: Vec<(String, SegmentFile)>,
    tables: Vec<PlannedTable>,
}

#[derive(Debug)]
struct PlannedTable {
    /// Without its segments.
    entry: TableEntry,
    /// Of an index, the rest of its entry.
    index: Option<PlannedIndex>,
    /// Segments that stay.
    kept: Vec<StoredSegment>,
    /// The new one: the generation that it goes on from, and parts by file and section.
    new: Option<(u32, Vec<(usize, usize)>)>,
}

#[derive(Debug)]
struct PlannedIndex {
    of: u32,
    definition: Rc<Definition>,
}

/// Lays out the checkpoint of a state, in files of so many bytes. Every table that changed must be
/// loaded, unless it cannot be: of such a one the segments stay, and the commits since go into one
/// more.
///
/// # Errors
/// A row that no file can hold, in words.
pub fn plan(
    state: &State,
    head: Link,
    generation: u32,
    channels: &BTreeMap<u32, Channel>,
    file_bytes: usize,
) -> Result<Plan, String> {
    let mut shared = Writer::new(file_bytes);
    let mut has_shared = false;
    let mut files = Vec::new();
    let mut tables = Vec::new();
    let seq = head.id.seq();
    let leaving = leaving(state);
    for (name, table, index) in views(state) {
        let name = name.as_str();
        let stay = segments_that_stay(table, &leaving);
        let segments = &table.stored.segments;
        let kept = segments.get(..stay.unwrap_or(segments.len()));
        let kept = kept.unwrap_or_default().to_vec();
        let after = covered_by(&kept);
        if stay.is_some() {
            let changed = || table.changed_after(after);
            let rows = changed().map(|(key, row)| row.to_segment(key));
            let bytes: usize = changed()
                .map(|(_, row)| row.doc.as_ref().map_or(0, |doc| doc.len()))
                .sum();
            if bytes > file_bytes / OWN_FILE_SHARE {
                let mut own = Writer::new(file_bytes);
                own.section(name, table.id, rows);
                let what = if kept.is_empty() { "base" } else { "delta" };
                files.extend(named(&format!("{name}.{what}.{seq}"), own.finish()?));
            } else {
                shared.section(name, table.id, rows);
                has_shared = true;
            }
        }
        tables.push(PlannedTable {
            entry: entry(name, table, channels.get(&table.id)),
            index: index.map(|index| PlannedIndex {
                of: index.of,
                definition: Rc::clone(&index.definition),
            }),
            kept,
            new: stay.map(|_| (after, Vec::new())),
        });
    }
    if has_shared {
        files.extend(named(&format!("{SHARED}{seq}"), shared.finish()?));
    }
    for table in &mut tables {
        let id = table.entry.id;
        if let Some((_, parts)) = &mut table.new {
            for (at, (_, file)) in files.iter().enumerate() {
                let sections = file.sections.iter().enumerate();
                let ours = sections.filter(|(_, info)| info.table == id);
                parts.extend(ours.map(|(section, _)| (at, section)));
            }
        }
    }
    Ok(Plan {
        head,
        generation,
        erasing: state.erasing.clone(),
        left: Vec::new(),
        dropped: Vec::new(),
        files,
        tables,
    })
}

impl Plan {
    /// Whether the table goes on with segments of before.
    pub fn keeps_segments(&self, table: u32) -> bool {
        let mut tables = self.tables.iter();
        tables.any(|planned| planned.entry.id == table && !planned.kept.is_empty())
    }

    /// The manifest, once the files are where `stored` says; and what each table keeps.
    pub fn finish(
        &self,
        state: &State,
        stored: &[Rc<FileEntry>],
    ) -> (Manifest, BTreeMap<u32, Stored>) {
        let mut files: Vec<Rc<FileEntry>> = Vec::new();
        let mut tables = Vec::new();
        let mut indexes = Vec::new();
        let mut keeps = BTreeMap::new();
        for planned in &self.tables {
            let mut segments = planned.kept.clone();
            if let Some((from, parts)) = &planned.new {
                let part = |&(at, section): &(usize, usize)| {
                    let (_, file) = self.files.get(at)?;
                    Some(StoredPart {
                        file: Rc::clone(stored.get(at)?),
                        section,
                        info: file.sections.get(section)?.clone(),
                    })
                };
                segments.push(StoredSegment {
                    from: *from,
                    to: self.generation,
                    parts: parts.iter().filter_map(part).collect(),
                });
            }
            let entries = segments.iter().map(|segment| SegmentEntry {
                from: segment.from,
                to: segment.to,
                parts: segment
                    .parts
                    .iter()
                    .map(|part| PartEntry {
                        file: place_of(&mut files, &part.file),
                        section: part.section,
                        info: part.info.clone(),
                    })
                    .collect(),
            });
            let entry = TableEntry {
                segments: entries.collect(),
                ..planned.entry.clone()
            };
            keeps.insert(entry.id, Stored::of(&entry, segments));
            match &planned.index {
                None => tables.push(entry),
                Some(PlannedIndex { of, definition }) => indexes.push(IndexEntry {
                    of: *of,
                    fields: definition.fields(),
                    unique: definition.unique,
                    sparse: definition.sparse,
                    view: entry,
                }),
            }
        }
        let manifest = Manifest {
            head: self.head,
            owner: state.owner.clone(),
            tenure: Some(state.tenure).filter(|&tenure| tenure != 0),
            private: state.private,
            last_table_id: state.last_table_id,
            generation: self.generation,
            erasing: self.erasing.clone(),
            left: self.left.clone(),
            dropped: self.dropped.clone(),
            tables,
            indexes,
            files: files.iter().map(|file| (**file).clone()).collect(),
        };
        (manifest, keeps)
    }
}

/// What checkpoints keep rows of: tables, and what the channels of indexes show, by the names that files
/// have them under.
fn views(state: &State) -> impl Iterator<Item = (String, &Table, Option<&Index>)> {
    let tables = state.tables.iter();
    let tables = tables.map(|(name, table)| (name.clone(), table, None));
    let indexes = state.indexes.values().map(|index| {
        let table = state.table_by_id(index.of).map_or("", |(name, _)| name);
        (index.file_name(table), &index.view, Some(index))
    });
    tables.chain(indexes)
}

/// Tables that are to be in memory when a checkpoint is laid out: they changed, or they share a file
/// with a row that was deleted for good, and the file is to go. What is damaged cannot be loaded.
pub fn to_load(state: &State) -> impl Iterator<Item = &str> {
    let leaving = leaving(state);
    let views = state.views();
    let views = views.filter(move |view| {
        !view.is_loaded && (view.changed().next().is_some() || is_in(view, &leaving))
    });
    // An index's rows come with its table's.
    let tables = views.filter_map(|view| state.table_of_view(view.id));
    let tables = tables.filter(|(_, table)| table.damage.is_none());
    tables.map(|(name, _)| name)
}

/// Whether the newest checkpoint has files that may have a row that was deleted for good.
pub fn has_what_leaves(state: &State) -> bool {
    !leaving(state).is_empty()
}

/// Whether the next one can do without one of them.
pub fn can_leave(state: &State) -> bool {
    let leaving = leaving(state);
    let is_damaged = |view: &Table| {
        let table = state.table_of_view(view.id);
        table.is_some_and(|(_, table)| table.damage.is_some())
    };
    let mut views = state.views().filter(|view| !is_damaged(view));
    views.any(|view| is_in(view, &leaving))
}

/// The files that may have a row that was deleted for good since they were laid out.
fn leaving(state: &State) -> BTreeSet<FileSum> {
    if state.erasing.is_empty() {
        return BTreeSet::new();
    }
    let has_copies = |table: &Table, file: &FileEntry| {
        let mut erasing = state.erasing.iter();
        erasing.any(|erasure| {
            let is_older = laid_out_at(&file.name).is_none_or(|seq| seq < erasure.at.seq());
            // What tables share may have rows of a table that no longer refers to it.
            let of = state
                .indexes
                .get(&table.id)
                .map_or(table.id, |index| index.of);
            is_older && (erasure.table_id == of || file.name.starts_with(SHARED))
        })
    };
    let files = state
        .views()
        .flat_map(|table| files_of(table).map(move |file| (table, file)));
    let leaving = files.filter(|(table, file)| has_copies(table, file));
    leaving.map(|(_, file)| file.sum).collect()
}

/// Whether a message has a file, or a part of one, of what was no later than a commit, whenever it
/// arrived: an object that is gone may have sent it.
pub fn is_from_before(content: &str, head: CommitId) -> bool {
    let name = text_file::name_of(content);
    let seq = name.and_then(|name| laid_out_at(name).or_else(|| text_file::record_of(name)));
    seq.is_some_and(|seq| seq <= head.seq())
}

/// The commit up to which a file has everything, as its name says.
fn laid_out_at(name: &str) -> Option<u64> {
    let (_, seq) = name.strip_suffix(ENDING)?.rsplit_once('.')?;
    let seq = seq.split_once('-').map_or(seq, |(seq, _)| seq);
    seq.parse().ok()
}

fn files_of(table: &Table) -> impl Iterator<Item = &FileEntry> {
    let segments = table.stored.segments.iter();
    let parts = segments.flat_map(|segment| segment.parts.iter());
    parts.map(|part| &*part.file)
}

fn is_in(table: &Table, files: &BTreeSet<FileSum>) -> bool {
    files_of(table).any(|file| files.contains(&file.sum))
}

/// How many of the table's segments stay beside a new one; none when there is to be no new one.
fn segments_that_stay(table: &Table, leaving: &BTreeSet<FileSum>) -> Option<usize> {
    let segments = &table.stored.segments;
    let mut lines = table.changed().count() as u64;
    if !table.is_loaded {
        return (lines > 0).then_some(segments.len());
    }
    // No copy of a row that was deleted for good may stay in an earlier segment, nor in a file that
    // this table shares.
    if is_in(table, leaving) {
        return Some(0);
    }
    if lines == 0 {
        return None;
    }
    let mut kept = segments.len();
    while let Some(last) = kept.checked_sub(1).and_then(|at| segments.get(at)) {
        if kept < SEGMENTS && last.lines() > lines.saturating_mul(RATIO) {
            break;
        }
        lines += last.lines();
        kept -= 1;
    }
    Some(kept)
}

fn entry(name: &str, table: &Table, channel: Option<&Channel>) -> TableEntry {
    let channel = channel.copied().unwrap_or_default();
    let (tombstones, behind) = if table.is_loaded {
        let rows = || table.rows.values();
        let behind = rows().filter(|row| table.mirror && !row.is_shown());
        let tombstones = rows().filter(|row| row.doc.is_none());
        (tombstones.count() as u64, behind.count() as u64)
    } else {
        // At least so many, and behind at most, since they may replace rows in the segments that were
        // counted before.
        let written = table.changed().filter(|(_, row)| row.doc.is_some());
        let behind = table.changed().filter(|_| table.mirror);
        let tombstones = table.stored.tombstones;
        (
            tombstones.saturating_sub(written.count() as u64),
            table.stored.behind + behind.count() as u64,
        )
    };
    TableEntry {
        name: name.to_owned(),
        id: table.id,
        pk: table.pk.clone(),
        created: table.created,
        mirror: table.mirror,
        schema: table.schema.clone(),
        sum: table.sum,
        tombstones,
        behind,
        // Of what is not loaded, the messages that the segments name are where they were.
        channel: channel
            .id
            .filter(|_| table.is_loaded)
            .or(table.stored.channel),
        scan_from: channel.scan_from.or(table.stored.scan_from),
        segments: Vec::new(),
    }
}

fn named(
    name: &str,
    files: Vec<SegmentFile>,
) -> impl Iterator<Item = (String, SegmentFile)> + use<'_> {
    files
        .into_iter()
        .enumerate()
        .map(move |(at, file)| match at {
            0 => (format!("{name}{ENDING}"), file),
            more => (format!("{name}-{}{ENDING}", more + 1), file),
        })
}

fn place_of(files: &mut Vec<Rc<FileEntry>>, file: &Rc<FileEntry>) -> usize {
    let known = files.iter().position(|known| known.place == file.place);
    known.unwrap_or_else(|| {
        files.push(Rc::clone(file));
        files.len() - 1
    })
}
