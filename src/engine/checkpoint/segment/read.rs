//! Files to rows, one at a time: the unpacked file is never in memory as a whole.

use std::io::{BufRead, BufReader, Read as _};

use flate2::bufread::MultiGzDecoder;
use serde::Deserialize;

use super::{FORMAT, LINE_BYTES, SectionInfo, SegmentError, SegmentRow, UNPACKED_BYTES, VERSION};
use crate::engine::checkpoint::file_sum::FileSum;
use crate::engine::digest::{RowSum, TableSum};
use crate::engine::document::Document;
use crate::engine::log::CommitId;
use crate::engine::log::codec::LAST;
use crate::engine::numbers::{hex16, optional_id};
use crate::text::inline;

/// Reads the rows of one section, the one that a manifest points to.
///
/// # Errors
/// [`SegmentError`], also when the section is another than the manifest says. Rows handed out
/// before an error must not be used.
pub fn read_part(
    bytes: &[u8],
    sum: FileSum,
    section: usize,
    info: &SectionInfo,
    mut on_row: impl FnMut(SegmentRow),
) -> Result<(), SegmentError> {
    let mut reader = Reader::new(bytes, sum)?;
    let mut found = reader.next_section()?;
    for _ in 0..section {
        if found.is_none() {
            break;
        }
        found = reader.next_section()?;
    }
    match found {
        Some(found) if found.info == *info => {}
        Some(found) => {
            return Err(SegmentError::damaged(format!(
                "its section {section}, of table `{}`, is not the one that was recorded",
                inline(&found.table)
            )));
        }
        None => {
            return Err(SegmentError::damaged(format!(
                "it has no section {section}"
            )));
        }
    }
    while let Some(row) = reader.next_row()? {
        on_row(row);
    }
    Ok(())
}

/// A section's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// The table's name when the section was written.
    pub table: String,
    pub info: SectionInfo,
}

/// Reads a file from its beginning to its end.
pub struct Reader<'a> {
    lines: Lines<'a>,
    at_work: Option<AtWork>,
}

/// The section being read.
struct AtWork {
    info: SectionInfo,
    read: u64,
    sum: TableSum,
    last: String,
}

impl<'a> Reader<'a> {
    /// # Errors
    /// [`SegmentError::Damaged`] when the bytes do not have this checksum.
    pub fn new(bytes: &'a [u8], sum: FileSum) -> Result<Self, SegmentError> {
        let actual = FileSum::of(bytes);
        if actual != sum {
            return Err(SegmentError::damaged(format!(
                "its checksum is {actual} instead of {sum}"
            )));
        }
        Ok(Reader {
            lines: Lines::new(bytes),
            at_work: None,
        })
    }

    /// The next section's header, None at the end of the file. Rows of the section before it that
    /// were not read are passed over; the file's checksum stands for them.
    ///
    /// # Errors
    /// [`SegmentError`]
    pub fn next_section(&mut self) -> Result<Option<Section>, SegmentError> {
        if let Some(before) = self.at_work.take() {
            for read in before.read..before.info.lines {
                if self.lines.next()?.is_none() {
                    return Err(too_few(read, &before.info));
                }
            }
        }
        let Some(line) = self.lines.next()? else {
            return Ok(None);
        };
        let section = parse_header(line)?;
        self.at_work = Some(AtWork {
            info: section.info.clone(),
            read: 0,
            sum: TableSum::default(),
            last: String::new(),
        });
        Ok(Some(section))
    }

    /// The section's next row. None at its end, when everything that its header says was found
    /// true.
    ///
    /// # Errors
    /// [`SegmentError`]
    pub fn next_row(&mut self) -> Result<Option<SegmentRow>, SegmentError> {
        let Some(section) = &mut self.at_work else {
            return Ok(None);
        };
        if section.read == section.info.lines {
            return section.check_end().map(|()| None);
        }
        let Some(line) = self.lines.next()? else {
            return Err(too_few(section.read, &section.info));
        };
        let row = parse_row(line).map_err(|error| self.lines.damaged(&error))?;
        section.take(&row).map_err(|why| self.lines.damaged(&why))?;
        Ok(Some(row))
    }
}

impl AtWork {
    fn take(&mut self, row: &SegmentRow) -> Result<(), String> {
        if self.read == 0 {
            if row.key != self.info.first {
                return Err("it is not the first key that the header names".to_owned());
            }
        } else if row.key <= self.last {
            return Err(format!("the key `{}` is out of order", inline(&row.key)));
        }
        row.key.clone_into(&mut self.last);
        self.read += 1;
        if let Some(doc) = &row.doc {
            let sum = RowSum::of(self.info.table, &row.key, row.rev, doc);
            self.sum.add(sum);
        }
        Ok(())
    }

    fn check_end(&self) -> Result<(), SegmentError> {
        let info = &self.info;
        let expected = TableSum {
            rows: info.live,
            digest: info.digest,
        };
        let why = if self.sum != expected {
            "the digest of its rows is another than its header says"
        } else if self.last != info.last || (info.lines == 0 && !info.first.is_empty()) {
            "its keys end elsewhere than its header says"
        } else {
            return Ok(());
        };
        Err(SegmentError::damaged(why))
    }
}

/// The file's text by lines, each within a limit.
struct Lines<'a> {
    text: BufReader<MultiGzDecoder<&'a [u8]>>,
    line: Vec<u8>,
    number: u64,
    left: usize,
}

impl<'a> Lines<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Lines {
            text: BufReader::new(MultiGzDecoder::new(bytes)),
            line: Vec::new(),
            number: 0,
            left: UNPACKED_BYTES,
        }
    }

    /// The next line without its end.
    fn next(&mut self) -> Result<Option<&[u8]>, SegmentError> {
        self.line.clear();
        self.number += 1;
        let limit = self.left.min(LINE_BYTES);
        let limit_with_one_more = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        let read = (&mut self.text)
            .take(limit_with_one_more)
            .read_until(b'\n', &mut self.line)
            .map_err(|error| self.damaged(&format!("it cannot be unpacked: {error}")))?;
        if read == 0 {
            return Ok(None);
        }
        if read > limit {
            return Err(self.damaged(&format!("more than {limit} bytes are left of it")));
        }
        self.left -= read;
        match self.line.strip_suffix(b"\n") {
            Some(line) => Ok(Some(line)),
            None => Err(self.damaged("it is cut off")),
        }
    }

    fn damaged(&self, why: &str) -> SegmentError {
        SegmentError::Damaged(format!("line {}: {why}", self.number))
    }
}

/// What the headers of every version have.
#[derive(Deserialize)]
struct Version {
    format: String,
    v: u32,
}

#[derive(Deserialize)]
struct Header {
    table: String,
    id: u32,
    first: String,
    last: String,
    lines: u64,
    live: u64,
    #[serde(with = "hex16")]
    digest: u64,
}

#[derive(Deserialize)]
struct Row {
    k: String,
    rev: u64,
    at: CommitId,
    // Must be there, so that a row that lost it is not taken for a tombstone.
    #[serde(deserialize_with = "Option::deserialize")]
    row: Option<Document>,
    #[serde(default, deserialize_with = "optional_id::deserialize")]
    msg: Option<u64>,
    #[serde(default)]
    mirrored: Option<CommitId>,
    #[serde(default)]
    hard: bool,
    #[serde(default)]
    thread: bool,
}

fn parse_header(line: &[u8]) -> Result<Section, SegmentError> {
    let no_header = |error: serde_json::Error| {
        SegmentError::damaged(format!("a section has no header: {error}"))
    };
    let version: Version = serde_json::from_slice(line).map_err(no_header)?;
    if version.format != FORMAT {
        return Err(SegmentError::damaged(format!(
            "it is a file of another kind, `{}`",
            inline(&version.format)
        )));
    }
    match version.v {
        VERSION => {}
        newer if newer > VERSION => return Err(SegmentError::Newer(newer)),
        other => {
            let why = format!("`v` is {other}, no format version");
            return Err(SegmentError::damaged(why));
        }
    }
    let header: Header = serde_json::from_slice(line).map_err(no_header)?;
    Ok(Section {
        table: header.table,
        info: SectionInfo {
            table: header.id,
            first: header.first,
            last: header.last,
            lines: header.lines,
            live: header.live,
            digest: header.digest,
        },
    })
}

fn parse_row(line: &[u8]) -> Result<SegmentRow, String> {
    let row: Row =
        serde_json::from_slice(line).map_err(|error| format!("it is no row: {error}"))?;
    if row.rev > LAST {
        return Err("its revision leaves no room for a next one".to_owned());
    }
    Ok(SegmentRow {
        key: row.k,
        rev: row.rev,
        at: row.at,
        doc: row.row.map(Document::into_text),
        message: row.msg,
        mirrored: row.mirrored,
        hard: row.hard,
        thread: row.thread,
    })
}

fn too_few(read: u64, info: &SectionInfo) -> SegmentError {
    SegmentError::damaged(format!(
        "a section ends after {read} of {} rows",
        info.lines
    ))
}
