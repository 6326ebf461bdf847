//! Rows to files.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;

use super::{FORMAT, LINE_BYTES, SectionInfo, SegmentFile, SegmentRowRef, UNPACKED_BYTES, VERSION};
use crate::engine::checkpoint::file_sum::FileSum;
use crate::engine::digest::{RowSum, TableSum};
use crate::engine::numbers::hex16;
use crate::text::inline;

/// What a header takes beside names and keys, packed or not, and what gzip adds to both members.
const HEADER_BYTES: usize = 512;

/// Writes sections into as many files as it takes.
///
/// A file stays within the limit unless a single row is larger: that row gets a file of its own.
pub struct Writer {
    limit: usize,
    files: Vec<SegmentFile>,
    /// The finished sections of the file at work.
    packed: Vec<u8>,
    unpacked: usize,
    sections: Vec<SectionInfo>,
    /// The first thing that went wrong; nothing is written after it.
    failed: Option<String>,
}

impl Writer {
    /// `limit` is in bytes of a packed file.
    pub fn new(limit: usize) -> Self {
        Writer {
            limit,
            files: Vec::new(),
            packed: Vec::new(),
            unpacked: 0,
            sections: Vec::new(),
            failed: None,
        }
    }

    /// Writes rows of a table, in ascending order of keys. They may end up in several sections,
    /// all but the last of which end their file; no rows at all are a section too.
    pub fn section<'a>(
        &mut self,
        table: &str,
        id: u32,
        rows: impl IntoIterator<Item = SegmentRowRef<'a>>,
    ) {
        if self.failed.is_none() {
            let written = self.try_section(table, id, rows);
            self.failed = written.err();
        }
    }

    /// The files.
    ///
    /// # Errors
    /// Rows that were not in order, or a row whose line is longer than [`LINE_BYTES`]: readers
    /// would take the file for damaged.
    pub fn finish(mut self) -> Result<Vec<SegmentFile>, String> {
        if let Some(why) = self.failed {
            return Err(why);
        }
        self.end_file();
        Ok(self.files)
    }

    fn try_section<'a>(
        &mut self,
        table: &str,
        id: u32,
        rows: impl IntoIterator<Item = SegmentRowRef<'a>>,
    ) -> Result<(), String> {
        let mut section = OpenSection::new(table, id);
        if !self.has_room(&mut section, "", 0)? {
            self.end_file();
        }
        let mut line = String::new();
        for row in rows {
            write_line(&mut line, &row);
            if line.len() > LINE_BYTES {
                return Err(format!(
                    "table `{table}`: the row `{}` takes {} bytes, and a line of a segment {LINE_BYTES} at most",
                    inline(row.key),
                    line.len()
                ));
            }
            if section.lines > 0 && row.key <= section.last.as_str() {
                return Err(format!(
                    "table `{table}`: the row `{}` is out of order",
                    inline(row.key)
                ));
            }
            if !self.has_room(&mut section, row.key, line.len())? {
                if section.lines > 0 {
                    let next = OpenSection::after(&section);
                    self.end_section(std::mem::replace(&mut section, next))?;
                }
                self.end_file();
            }
            section.push(&row, &line)?;
        }
        self.end_section(section)
    }

    /// Whether the file can take one more line. Exact only where it is close: until then the rows
    /// not yet packed count as if they could not be made smaller.
    fn has_room(
        &self,
        section: &mut OpenSection,
        key: &str,
        line_bytes: usize,
    ) -> Result<bool, String> {
        let names = section.table.len() + section.first.len() + section.last.len() + key.len();
        // A character of a key may become six in JSON.
        let header = HEADER_BYTES + 6 * names;
        if self.unpacked + header + section.unpacked + line_bytes > UNPACKED_BYTES {
            return Ok(false);
        }
        let rest = self.packed.len() + header;
        if rest + section.packed_at_most(line_bytes) <= self.limit {
            return Ok(true);
        }
        section.pack_all().map_err(packing)?;
        Ok(rest + section.packed_at_most(line_bytes) <= self.limit)
    }

    fn end_section(&mut self, section: OpenSection) -> Result<(), String> {
        let (header, rows, info) = section.finish()?;
        self.packed.extend_from_slice(&header.packed);
        self.packed.extend_from_slice(&rows.packed);
        self.unpacked += header.unpacked + rows.unpacked;
        self.sections.push(info);
        Ok(())
    }

    fn end_file(&mut self) {
        if self.sections.is_empty() {
            return;
        }
        self.unpacked = 0;
        let bytes = std::mem::take(&mut self.packed);
        self.files.push(SegmentFile {
            sum: FileSum::of(&bytes),
            bytes: bytes.into(),
            sections: std::mem::take(&mut self.sections),
        });
    }
}

/// A gzip member.
struct Member {
    packed: Vec<u8>,
    unpacked: usize,
}

/// The section at work.
struct OpenSection {
    table: String,
    id: u32,
    first: String,
    last: String,
    lines: u64,
    sum: TableSum,
    encoder: GzEncoder<Vec<u8>>,
    unpacked: usize,
    /// What the encoder was given since all it had was packed.
    pending: usize,
}

impl OpenSection {
    fn new(table: &str, id: u32) -> Self {
        OpenSection {
            table: table.to_owned(),
            id,
            first: String::new(),
            last: String::new(),
            lines: 0,
            sum: TableSum::default(),
            encoder: encoder(),
            unpacked: 0,
            pending: 0,
        }
    }

    /// The section that goes on where this one ends.
    fn after(section: &OpenSection) -> Self {
        OpenSection::new(&section.table, section.id)
    }

    fn push(&mut self, row: &SegmentRowRef<'_>, line: &str) -> Result<(), String> {
        if self.lines == 0 {
            row.key.clone_into(&mut self.first);
        }
        row.key.clone_into(&mut self.last);
        self.lines += 1;
        if let Some(doc) = row.doc {
            self.sum.add(RowSum::of(self.id, row.key, row.rev, doc));
        }
        self.unpacked += line.len();
        self.pending += line.len();
        self.encoder.write_all(line.as_bytes()).map_err(packing)
    }

    /// How long the rows' member can become with this much more text. What cannot be packed grows
    /// by five bytes a block of some 32 KiB.
    fn packed_at_most(&self, more: usize) -> usize {
        let pending = self.pending + more;
        self.encoder.get_ref().len() + pending + pending / 1024 + 64
    }

    fn pack_all(&mut self) -> io::Result<()> {
        if self.pending > 0 {
            self.encoder.flush()?;
            self.pending = 0;
        }
        Ok(())
    }

    fn finish(self) -> Result<(Member, Member, SectionInfo), String> {
        let info = SectionInfo {
            table: self.id,
            first: self.first,
            last: self.last,
            lines: self.lines,
            live: self.sum.rows,
            digest: self.sum.digest,
        };
        let rows = Member {
            packed: self.encoder.finish().map_err(packing)?,
            unpacked: self.unpacked,
        };
        let header = Header {
            format: FORMAT,
            v: VERSION,
            table: &self.table,
            id: info.table,
            first: &info.first,
            last: &info.last,
            lines: info.lines,
            live: info.live,
            digest: info.digest,
        };
        let mut line = serde_json::to_string(&header).map_err(|error| error.to_string())?;
        line.push('\n');
        let mut packed = encoder();
        packed.write_all(line.as_bytes()).map_err(packing)?;
        let header = Member {
            packed: packed.finish().map_err(packing)?,
            unpacked: line.len(),
        };
        Ok((header, rows, info))
    }
}

/// A section's first line.
#[derive(Serialize)]
struct Header<'a> {
    format: &'a str,
    v: u32,
    table: &'a str,
    id: u32,
    first: &'a str,
    last: &'a str,
    lines: u64,
    live: u64,
    #[serde(with = "hex16")]
    digest: u64,
}

fn write_line(line: &mut String, row: &SegmentRowRef<'_>) {
    line.clear();
    // Writing to a string has no way to fail, and neither has a string as JSON.
    let key = serde_json::to_string(row.key).unwrap_or_default();
    let (epoch, seq) = (row.at.epoch(), row.at.seq());
    let doc = row.doc.unwrap_or("null");
    let _ = write!(
        line,
        r#"{{"k":{key},"rev":{},"at":[{epoch},{seq}],"row":{doc}"#,
        row.rev
    );
    if let Some(message) = row.message {
        let _ = write!(line, r#","msg":"{message}""#);
    }
    if let Some(at) = row.mirrored {
        let _ = write!(line, r#","mirrored":[{},{}]"#, at.epoch(), at.seq());
    }
    if row.hard {
        line.push_str(r#","hard":true"#);
    }
    if row.thread {
        line.push_str(r#","thread":true"#);
    }
    line.push_str("}\n");
}

fn encoder() -> GzEncoder<Vec<u8>> {
    // The default header names neither a time nor a system: the same rows give the same file.
    GzEncoder::new(Vec::new(), Compression::default())
}

fn packing(error: io::Error) -> String {
    format!("packing failed: {error}")
}
