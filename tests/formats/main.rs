//! Golden files: what this version writes, and what every later version must be able to read.
//! `docs/format.md` describes them. A changed golden file is a changed format: it needs a new
//! version number, and the old file stays and must still be read.
//!
//! `UPDATE_GOLDEN=1 cargo test --test formats` writes files that are missing; it never overwrites.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod checkpoints;
mod packed;
mod schemas;

use std::collections::BTreeMap;
use std::path::PathBuf;

use dbcord::discord::model::Message;
use dbcord::engine::checkpoint::file_sum::FileSum;
use dbcord::engine::checkpoint::manifest::ManifestRef;
use dbcord::engine::checkpoint::text_file::{self, TextRef};
use dbcord::engine::digest::{RowSum, TableSum};
use dbcord::engine::document::Document;
use dbcord::engine::index::{Definition, token, values};
use dbcord::engine::log::codec::{self, Encoded, RecordBody};
use dbcord::engine::log::notice;
use dbcord::engine::log::record::{Link, VERSION, WITH_RULES};
use dbcord::engine::log::{CommitId, Op, Origin, Part, Record};
use dbcord::engine::materialize::history_message::{self, Ending};
use dbcord::engine::materialize::{Overflow, Rendered, card, index_message, row_message};
use dbcord::engine::query::Json;
use dbcord::engine::state::{Index, Row, Table};
use serde_json::{Map, Value, json};

const EPOCH: u64 = 1_800_000_000_123;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/formats/v1")
        .join(name)
}

fn golden(name: &str, actual: &str) {
    let path = path(name);
    if !path.exists() && std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{name}: {error}; UPDATE_GOLDEN=1 writes it"));
    assert_eq!(actual, expected, "{name}: the format has changed");
}

/// A message as text: content, then each embed's description, then the file.
fn show(encoded: &Encoded) -> String {
    let mut parts = vec![encoded.content.clone()];
    parts.extend(
        encoded
            .embeds
            .iter()
            .map(|text| format!("--- embed\n{text}")),
    );
    if let Some(file) = &encoded.file {
        let text = std::str::from_utf8(&file.bytes).unwrap();
        parts.push(format!("--- file {}\n{text}", file.name));
    }
    parts.join("\n") + "\n"
}

/// Reads such a text back as if it had come from Discord.
fn read(text: &str) -> (Record, Link) {
    let text = text.strip_suffix('\n').unwrap();
    let (message, file) = match text.split_once("\n--- file ") {
        Some((message, file)) => (message, file.split_once('\n').map(|(_, text)| text)),
        None => (text, None),
    };
    let mut parts = message.split("\n--- embed\n");
    let content = parts.next().unwrap();
    let embeds: Vec<Value> = parts.map(|text| json!({ "description": text })).collect();
    let attachments = match file {
        Some(_) => json!([{"filename": "record.json", "url": "https://cdn.test/1"}]),
        None => json!([]),
    };
    let message = serde_json::from_value(json!({
        "id": "1", "channel_id": "2", "author": {"id": "3"},
        "content": content, "embeds": embeds, "attachments": attachments,
    }))
    .unwrap();
    match codec::locate(&message) {
        RecordBody::Inline(text) => codec::decode(&text).unwrap(),
        RecordBody::Attachment { .. } => codec::decode(file.unwrap()).unwrap(),
        RecordBody::Text(_) | RecordBody::NotARecord => panic!("{content}"),
    }
}

fn record(seq: u64, prev: Option<u32>, ops: Vec<Op>, sum: &[(&str, u64, u64)]) -> Record {
    let sum = sum
        .iter()
        .map(|&(table, rows, digest)| (table.to_owned(), TableSum { rows, digest }));
    Record {
        v: VERSION,
        epoch: EPOCH,
        seq,
        prev: prev.map(|crc| Link {
            id: CommitId(EPOCH, seq - 1),
            crc,
        }),
        at: EPOCH + seq,
        by: vec![Part {
            origin: Origin {
                interaction: format!("{}", 1_300_000_000_000_000_000 + seq),
                user: "1200000000000000000".to_owned(),
                command: "dbc_test".to_owned(),
            },
            ops: ops.len(),
        }],
        ops,
        sum: sum.collect::<BTreeMap<_, _>>(),
    }
}

fn link(seq: u64, crc: u32) -> Link {
    let id = CommitId(EPOCH, seq);
    Link { id, crc }
}

fn put(key: &str, doc: Value) -> Op {
    let Value::Object(doc) = doc else {
        panic!("not an object")
    };
    Op::Put {
        table: "users".to_owned(),
        key: key.to_owned(),
        rev: 1,
        doc: Document::new(&doc),
    }
}

fn check(name: &str, record: &Record) {
    let encoded = codec::encode(record).unwrap();
    let text = show(&encoded);
    golden(name, &text);
    assert_eq!(read(&text), (record.clone(), encoded.link));
}

/// One of each kind that the other records have none of.
fn other_ops() -> Vec<Op> {
    let (table, key) = ("users".to_owned(), "u_1".to_owned());
    let delete = |rev, hard| Op::Delete {
        table: table.clone(),
        key: key.clone(),
        rev,
        hard,
    };
    vec![
        Op::Takeover {
            owner: "0123456789abcdef".to_owned(),
            notice: 1_593_540_492_656_640_000,
        },
        Op::CreateTable {
            table: "events".to_owned(),
            id: 2,
            pk: "id".to_owned(),
            mirror: false,
        },
        delete(2, false),
        delete(3, true),
        Op::RenameTable {
            table: table.clone(),
            to: "people".to_owned(),
        },
        Op::Erased {
            up_to: CommitId(EPOCH, 4),
            gaps: vec![
                (link(3, 0x0000_0a0b), Some(link(1, 0xfeed_0001))),
                (link(0, 1), None),
            ],
        },
        Op::DropTable {
            table: "events".to_owned(),
        },
        Op::DropDatabase {
            database: "prod".to_owned(),
        },
    ]
}

#[test]
fn records_of_indexes() {
    let create = |id, fields: &[&str], unique, sparse| Op::CreateIndex {
        table: "users".to_owned(),
        id,
        fields: fields.iter().map(|&field| field.to_owned()).collect(),
        unique,
        sparse,
    };
    let ops = vec![
        create(2, &["email"], true, true),
        create(3, &["address.zip", "na`me"], false, false),
        Op::DropIndex {
            table: "users".to_owned(),
            id: 2,
        },
    ];
    let record = Record {
        v: WITH_RULES,
        ..record(8, Some(5), ops, &[])
    };
    check("../v2/record-indexes.txt", &record);
}

#[test]
fn records() {
    let init = Op::Init {
        database: "prod".to_owned(),
        private: true,
        owner: None,
    };
    let create = Op::CreateTable {
        table: "users".to_owned(),
        id: 1,
        pk: "id".to_owned(),
        mirror: true,
    };
    check("record-init.txt", &record(1, None, vec![init], &[]));
    check(
        "record-create-table.txt",
        &record(2, Some(0x0000_00ff), vec![create], &[("users", 0, 0)]),
    );
    let odd = json!({"id": "u`1", "text": "tick ` zero\u{200b} tab\t emoji 😀 rtl\u{202e}", "n": [1, 1.5, null, true]});
    check(
        "record-put.txt",
        &record(
            3,
            Some(0x9f3a_01bc),
            vec![put("u`1", odd)],
            &[("users", 1, u64::MAX)],
        ),
    );
    check(
        "record-ops.txt",
        &record(5, Some(2), other_ops(), &[("people", 0, 0)]),
    );
    let mut settled = record(4, Some(1), vec![], &[]);
    settled.by.clear();
    check("record-empty.txt", &settled);
    let long = |n: usize| {
        put(
            "long",
            Value::Object(Map::from_iter([("t".to_owned(), json!("ab ".repeat(n)))])),
        )
    };
    check(
        "record-embeds.txt",
        &record(5, Some(2), vec![long(1_400)], &[("users", 2, 7)]),
    );
    check(
        "record-file.txt",
        &record(6, Some(3), vec![long(2_400)], &[("users", 2, 7)]),
    );
}

#[test]
fn a_long_record_is_packed() {
    let doc = Map::from_iter([("t".to_owned(), json!("ab ".repeat(25_000)))]);
    let record = record(
        7,
        Some(4),
        vec![put("long", Value::Object(doc))],
        &[("users", 2, 7)],
    );
    let encoded = codec::encode(&record).unwrap();
    assert!(encoded.embeds.is_empty());
    golden("record-packed.txt", &format!("{}\n", encoded.content));
    let file = encoded.file.unwrap();
    assert_eq!(file.name, "7.json.gz");
    let kept = packed::golden_packed("record-packed.json.gz", &file.bytes);
    let text = codec::file_text(&kept).unwrap();
    assert_eq!(codec::decode(&text).unwrap(), (record, encoded.link));
}

#[test]
fn a_record_stands_in_text_where_files_cannot_be_read() {
    let mut seed = 1_u32;
    let letters = (0..9_000).map(|_| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b'a' + (seed >> 24) as u8 % 26)
    });
    let doc = Map::from_iter([("t".to_owned(), json!(letters.collect::<String>()))]);
    let record = record(
        8,
        Some(5),
        vec![put("long", Value::Object(doc))],
        &[("users", 2, 7)],
    );
    let encoded = codec::encode(&record).unwrap();
    let link = encoded.link;
    let packed = encoded.packed().unwrap();
    let kept = packed::golden_packed("../v3/record-text.json.gz", &packed);
    let name = text_file::name_of_record(8);
    assert_eq!(name, "record.8.json.gz");
    assert!(text_file::split(&name, &kept, 100).unwrap().len() > 1);
    let text = TextRef {
        messages: vec![1_400_000_000_000_000_004, 1_400_000_000_000_000_005],
        sum: FileSum::of(&kept),
        bytes: kept.len() as u64,
    };
    let referring = codec::refer(encoded, text.clone());
    assert_eq!((referring.link, &referring.file), (link, &None));
    golden("../v3/record-text.txt", &format!("{}\n", referring.content));
    let message = json!({
        "id": "1", "channel_id": "2", "author": {"id": "3"}, "content": referring.content,
    });
    let message: Message = serde_json::from_value(message).unwrap();
    assert_eq!(codec::locate(&message), RecordBody::Text(text));
    let text = codec::file_text(&kept).unwrap();
    assert_eq!(codec::decode(&text).unwrap(), (record, link));
}

#[test]
fn a_checkpoint_and_a_takeover_notice() {
    let checkpoint = Op::Checkpoint {
        head: Link {
            id: CommitId(EPOCH, 6),
            crc: 1,
        },
        manifest: ManifestRef::Text(TextRef {
            messages: vec![1_400_000_000_000_000_002, 1_400_000_000_000_000_003],
            sum: FileSum(0x0123_4567_89ab_cdef),
            bytes: 7_000,
        }),
    };
    let mut record = record(7, Some(2), vec![checkpoint], &[]);
    record.by.clear();
    check("record-checkpoint.txt", &record);
    let content = notice::render("0123456789abcdef");
    golden("takeover-notice.txt", &content);
    let message = json!({
        "id": "9", "channel_id": "2", "author": {"id": "3"}, "content": content,
    });
    let found = notice::parse(&serde_json::from_value(message).unwrap()).unwrap();
    assert_eq!(
        (found.message, found.owner.as_str()),
        (9, "0123456789abcdef")
    );
}

#[test]
fn cards() {
    for (name, channel) in [
        ("card.txt", Some(1_400_000_000_000_000_000)),
        ("card-unmirrored.txt", None),
    ] {
        let table = Table::new(1, "id", channel.is_some(), CommitId(EPOCH, 2));
        let card = card::render("users", &table, channel);
        golden(name, &card);
        assert_eq!(card::parse(&card), Some((1, CommitId(EPOCH, 2))));
    }
}

/// A message as Discord gives it back.
fn delivered(rendered: &Rendered) -> Message {
    let file = rendered
        .file
        .as_ref()
        .map(|_| json!({"url": "https://cdn.test/1"}));
    serde_json::from_value(json!({
        "id": "1", "channel_id": "2", "author": {"id": "3"},
        "content": rendered.content, "attachments": file.into_iter().collect::<Vec<_>>(),
    }))
    .unwrap()
}

#[test]
fn rows() {
    let short = r#"{"id":"u_1","text":"tick `"}"#;
    let long = format!(r#"{{"id":"*b*","text":"{}"}}"#, "x".repeat(3_000));
    for (name, key, doc, overflow) in [
        ("row.txt", "u_1", Some(short), Overflow::File),
        ("row-file.txt", "*b*", Some(&*long), Overflow::File),
        ("row-cut.txt", "*b*", Some(&*long), Overflow::Cut),
        ("row-tombstone.txt", "*b*", None, Overflow::File),
    ] {
        let row = Row::new(1, doc.map(Into::into), CommitId(EPOCH, 3));
        let sum = row_message::sum(1, key, &row);
        let rendered = row_message::render(key, &row, sum, overflow);
        golden(name, &rendered.content);
        assert_eq!(rendered.file.is_some(), name == "row-file.txt");
        let seen = row_message::parse(&delivered(&rendered)).unwrap();
        assert_eq!((seen.key.as_str(), seen.at, seen.sum), (key, row.at, sum));
        assert_eq!((seen.rev, seen.is_tombstone), (1, doc.is_none()));
        assert_eq!(seen.doc.as_deref(), doc.filter(|_| key == "u_1"));
        assert_eq!(seen.file.is_some(), rendered.file.is_some());
    }
}

#[test]
fn entries_of_indexes() {
    let definition = Definition::parse("field", "tags,n", true, false).unwrap();
    let index = Index::new(2, 1, definition, true, CommitId(EPOCH, 2));
    let doc = r#"{"tags":["b","tick `"],"n":1.5}"#;
    let row = Row::new(4, None, CommitId(EPOCH, 3));
    let tokens = values(&index.definition, Json::new(doc));
    let tokens: Vec<String> = tokens.iter().map(|value| token(2, value)).collect();
    let sum = RowSum::of(2, "*b*", 4, &tokens.join(" "));
    let link = Some("https://discord.com/channels/1/2/3");
    let rendered = index_message::render(&index, "*b*", &row, doc, link, sum);
    golden("../v2/index-entry.txt", &rendered.content);
    let seen = row_message::parse(&delivered(&rendered)).unwrap();
    assert_eq!((seen.key.as_str(), seen.at, seen.sum), ("*b*", row.at, sum));
    let card = card::render_index("users", &index, Some(1_400_000_000_000_000_000));
    golden("../v2/card-index.txt", &card);
    assert_eq!(card::parse(&card), Some((2, CommitId(EPOCH, 2))));
}

#[test]
fn history() {
    let short = r#"{"id":"u_1","text":"tick `"}"#;
    let long = format!(r#"{{"id":"u_1","text":"{}"}}"#, "x".repeat(3_000));
    for (name, doc) in [
        ("history.txt", Some(short)),
        ("history-file.txt", Some(&*long)),
        ("history-tombstone.txt", None),
    ] {
        let row = Row::new(2, doc.map(Into::into), CommitId(EPOCH, 3));
        let sum = row_message::sum(1, "u_1", &row);
        let ending = Ending {
            at: EPOCH - EPOCH % 1_000,
            by: Some((1_200_000_000_000_000_000, "dbc_update".to_owned())),
        };
        let rendered = history_message::render("u_1", &row, sum, &ending, Overflow::File);
        golden(name, &rendered.content);
        let seen = history_message::parse(&delivered(&rendered)).unwrap();
        assert_eq!((seen.rev, seen.at, seen.sum), (2, row.at, sum));
        assert_eq!(
            (seen.is_tombstone, seen.ending),
            (row.doc.is_none(), ending)
        );
        assert_eq!(seen.doc.as_deref(), doc.filter(|doc| *doc == short));
        assert_eq!(seen.file.is_some(), rendered.file.is_some());
    }
}

#[test]
fn checksums() {
    // Kept as figures, since rows outlive the code that summed them.
    assert_eq!(
        RowSum::of(1, "u_1", 1, r#"{"id":"u_1"}"#).to_string(),
        "72dc13e567fdb1d1"
    );
}
