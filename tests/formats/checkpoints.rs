//! Segments, manifests, and files as text.

use dbcord::discord::model::Message;
use dbcord::engine::checkpoint::file_sum::FileSum;
use dbcord::engine::checkpoint::manifest::{
    FileEntry, IndexEntry, LeftEntry, Manifest, ManifestRef, PartEntry, Place, SegmentEntry,
    TableEntry,
};
use dbcord::engine::checkpoint::segment::{
    Reader, SectionInfo, SegmentFile, SegmentRow, Writer, read_part,
};
use dbcord::engine::checkpoint::text_file::{self, TextPart, TextRef};
use dbcord::engine::digest::TableSum;
use dbcord::engine::log::CommitId;
use dbcord::engine::log::record::Link;
use dbcord::engine::state::{Erasure, TableSchema};
use serde_json::{Value, json};

use super::packed::{golden_packed, unpack};
use super::{EPOCH, golden};

fn rows() -> Vec<SegmentRow> {
    let row = |key: &str, seq: u64, doc: Option<&str>| SegmentRow {
        key: key.to_owned(),
        rev: 2,
        at: CommitId(EPOCH, seq),
        doc: doc.map(Into::into),
        message: None,
        mirrored: None,
        hard: false,
        thread: false,
    };
    vec![
        SegmentRow {
            hard: true,
            ..row("gone", 4, None)
        },
        SegmentRow {
            message: Some(1_400_000_000_000_000_001),
            mirrored: Some(CommitId(EPOCH, 3)),
            thread: true,
            ..row("u`1", 5, Some(r#"{"id":"u`1","n":[1,1.5,null],"😀":"\t"}"#))
        },
        row("u_2", 6, Some(r#"{"id":"u_2"}"#)),
    ]
}

/// Two tables, one of them empty.
fn segment() -> (Vec<SegmentRow>, SegmentFile) {
    let mut rows = rows();
    rows.sort_by(|a, b| a.key.cmp(&b.key));
    let mut writer = Writer::new(8 << 20);
    writer.section("users", 1, rows.iter().map(SegmentRow::borrowed));
    writer.section("posts", 2, []);
    let mut files = writer.finish().unwrap();
    assert_eq!(files.len(), 1);
    (rows, files.remove(0))
}

#[test]
fn segments() {
    let (rows, file) = segment();
    golden("segment.ndjson", &unpack(&file.bytes));
    let kept = golden_packed("segment.ndjson.gz", &file.bytes);
    let sum = FileSum::of(&kept);
    let mut found = Vec::new();
    read_part(&kept, sum, 0, &file.sections[0], |row| found.push(row)).unwrap();
    assert_eq!(found, rows);
    let mut reader = Reader::new(&kept, sum).unwrap();
    let mut sections = Vec::new();
    while let Some(section) = reader.next_section().unwrap() {
        sections.push(section.info);
    }
    assert_eq!(sections, file.sections);
}

pub(super) fn manifest() -> Manifest {
    let info = SectionInfo {
        table: 1,
        first: "gone".to_owned(),
        last: "u`1".to_owned(),
        lines: 3,
        live: 2,
        digest: 0x0123_4567_89ab_cdef,
    };
    let part = |file, section| PartEntry {
        file,
        section,
        info: info.clone(),
    };
    Manifest {
        head: Link {
            id: CommitId(EPOCH, 6),
            crc: 0x9f3a_01bc,
        },
        tenure: Some(1_400_000_000_000_000_001),
        owner: Some("0badcafe".to_owned()),
        private: Some(true),
        last_table_id: 2,
        generation: 5,
        left: vec![],
        dropped: vec![],
        erasing: vec![Erasure {
            table: "users".to_owned(),
            table_id: 1,
            key: "gone".to_owned(),
            at: CommitId(EPOCH, 5),
        }],
        tables: vec![
            TableEntry {
                name: "users".to_owned(),
                id: 1,
                pk: "id".to_owned(),
                created: CommitId(EPOCH, 2),
                mirror: true,
                schema: TableSchema::default(),
                sum: TableSum {
                    rows: 2,
                    digest: 0x0123_4567_89ab_cdef,
                },
                tombstones: 1,
                behind: 2,
                channel: Some(1_400_000_000_000_000_000),
                scan_from: Some(1_400_000_000_000_000_009),
                segments: vec![
                    SegmentEntry {
                        from: 0,
                        to: 4,
                        parts: vec![part(0, 0)],
                    },
                    SegmentEntry {
                        from: 4,
                        to: 5,
                        parts: vec![part(1, 1)],
                    },
                ],
            },
            TableEntry {
                name: "posts".to_owned(),
                id: 2,
                pk: "slug".to_owned(),
                created: CommitId(EPOCH, 3),
                mirror: false,
                schema: TableSchema::default(),
                sum: TableSum::default(),
                tombstones: 0,
                behind: 0,
                channel: None,
                scan_from: None,
                segments: Vec::new(),
            },
        ],
        indexes: Vec::new(),
        files: vec![
            FileEntry {
                name: "users.base.4.ndjson.gz".to_owned(),
                sum: FileSum(0xfedc_ba98_7654_3210),
                bytes: 4_096,
                place: Place::Attachment {
                    message: 1_400_000_000_000_000_010,
                    index: 0,
                },
            },
            FileEntry {
                name: "delta.5.ndjson.gz".to_owned(),
                sum: FileSum(1),
                bytes: 9_000,
                place: Place::Text {
                    messages: vec![1_400_000_000_000_000_011, 1_400_000_000_000_000_012],
                },
            },
        ],
    }
}

#[test]
fn manifests() {
    let manifest = manifest();
    manifest.check().unwrap();
    let kept = golden_packed("manifest.json.gz", &manifest.pack());
    let read = Manifest::unpack(&kept, FileSum::of(&kept)).unwrap();
    assert_eq!(read, manifest);
    let text = ManifestRef::Text(TextRef {
        messages: vec![1_400_000_000_000_000_013, 1_400_000_000_000_000_014],
        sum: FileSum(0x00ff),
        bytes: 9_001,
    });
    for (name, place) in [
        ("manifest.json", ManifestRef::Inline(Box::new(manifest))),
        ("manifest-text.json", text),
    ] {
        let json = serde_json::to_string(&place).unwrap() + "\n";
        golden(name, &json);
        assert_eq!(serde_json::from_str::<ManifestRef>(&json).unwrap(), place);
    }
}

#[test]
fn a_manifest_with_indexes_and_channels_left() {
    let mut manifest = manifest();
    manifest.last_table_id = 3;
    manifest.left = vec![LeftEntry {
        channel: 1_400_000_000_000_000_020,
        table_id: 3,
    }];
    let users = &manifest.tables[0];
    let mut view = TableEntry {
        name: "users.idx3".to_owned(),
        id: 3,
        pk: String::new(),
        sum: TableSum::default(),
        ..users.clone()
    };
    for part in view
        .segments
        .iter_mut()
        .flat_map(|segment| &mut segment.parts)
    {
        part.info.table = 3;
        part.info.live = 0;
        part.info.digest = 0;
        part.section += 1;
    }
    let index = IndexEntry {
        of: 1,
        fields: vec!["email".to_owned(), "address.zip".to_owned()],
        unique: true,
        sparse: false,
        view,
    };
    manifest.indexes.push(index.clone());
    manifest.check().unwrap();
    let json = serde_json::to_string(&manifest).unwrap() + "\n";
    golden("../v2/manifest-indexes.json", &json);
    assert_eq!(serde_json::from_str::<Manifest>(&json).unwrap(), manifest);
    let of_nothing = IndexEntry { of: 9, ..index };
    manifest.indexes = vec![of_nothing];
    assert!(
        manifest
            .check()
            .unwrap_err()
            .to_string()
            .contains("index 3 is of no table")
    );
}

#[test]
fn a_manifest_with_channels_that_are_still_to_go() {
    let mut manifest = manifest();
    manifest.last_table_id = 4;
    let dropped = [
        (1_400_000_000_000_000_020, 3),
        (1_400_000_000_000_000_021, 4),
    ];
    let entry = |(channel, table_id)| LeftEntry { channel, table_id };
    manifest.dropped = dropped.map(entry).to_vec();
    manifest.check().unwrap();
    let json = serde_json::to_string(&manifest).unwrap() + "\n";
    golden("manifest-dropped.json", &json);
    assert_eq!(serde_json::from_str::<Manifest>(&json).unwrap(), manifest);
}

/// A part as text: content, then each embed's description.
fn show(part: &TextPart) -> String {
    let embeds = part.embeds.iter();
    let embeds = embeds.map(|text| format!("\n--- embed\n{text}"));
    part.content.clone() + &embeds.collect::<String>()
}

/// Such a text as if it had come from Discord.
fn message(text: &str) -> Message {
    let mut texts = text.split("\n--- embed\n");
    let content = texts.next().unwrap();
    let embeds: Vec<Value> = texts.map(|text| json!({ "description": text })).collect();
    serde_json::from_value(json!({
        "id": "1", "channel_id": "2", "author": {"id": "3"}, "content": content, "embeds": embeds,
    }))
    .unwrap()
}

#[test]
fn text_files() {
    let bytes: Vec<u8> = (0..6_500_u32).map(|n| (n * n / 7) as u8).collect();
    let parts = text_file::split("users.base.4.ndjson.gz", &bytes, 1_000).unwrap();
    let shown: Vec<String> = parts.iter().map(show).collect();
    let shown = shown.join("\n--- message\n") + "\n";
    golden("text-file.txt", &shown);
    let kept = shown.strip_suffix('\n').unwrap();
    let seen = kept
        .split("\n--- message\n")
        .map(|text| text_file::parse(&message(text)).unwrap());
    assert_eq!(text_file::join(seen, FileSum::of(&bytes)).unwrap(), bytes);
}
