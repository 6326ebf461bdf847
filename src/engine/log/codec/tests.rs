//! Records come back as they were, wherever they stand; and what does not is noticed.

use super::*;
use crate::engine::digest::TableSum;
use crate::engine::document::Document;
use crate::engine::log::record::{Origin, Part};
use proptest::prelude::*;
use serde_json::{Map, json};
use std::collections::BTreeMap;

fn record(doc: Map<String, serde_json::Value>, key: String) -> Record {
    Record {
        v: VERSION,
        epoch: 1_763_632_103_000,
        seq: 1042,
        prev: Some(Link {
            id: CommitId(1_763_632_100_000, 1041),
            crc: 0x9f3a_01bc,
        }),
        at: 1_763_632_104_123,
        by: vec![Part {
            origin: Origin {
                interaction: "11".into(),
                user: "12".into(),
                command: "dbc_insert".into(),
            },
            ops: 1,
        }],
        ops: vec![Op::Put {
            table: "users".into(),
            key,
            rev: 1,
            doc: Document::new(&doc),
        }],
        sum: BTreeMap::from([("users".to_owned(), TableSum { rows: 1, digest: 7 })]),
    }
}

/// What Discord would give back.
fn message(encoded: &Encoded) -> Message {
    let embeds: Vec<_> = encoded
        .embeds
        .iter()
        .map(|text| json!({ "description": text }))
        .collect();
    let attachments: Vec<_> = encoded
        .file
        .iter()
        .map(|file| json!({"filename": file.name, "url": "https://cdn.example/1"}))
        .collect();
    serde_json::from_value(json!({
        "id": "1", "channel_id": "2", "author": {"id": "3"},
        "content": encoded.content, "embeds": embeds, "attachments": attachments,
    }))
    .unwrap()
}

fn round_trip(record: &Record) -> &'static str {
    let encoded = encode(record).unwrap();
    let message = message(&encoded);
    let (text, tier) = match locate(&message) {
        RecordBody::Inline(text) if encoded.embeds.is_empty() => (text, "content"),
        RecordBody::Inline(text) => (text, "embeds"),
        RecordBody::Attachment { .. } => {
            let bytes = encoded.file.clone().unwrap().bytes;
            (file_text(&bytes).unwrap(), tier_of_file(&encoded))
        }
        RecordBody::Text(_) | RecordBody::NotARecord => panic!("lost"),
    };
    let (back, link) = decode(&text).unwrap();
    assert_eq!(&back, record);
    assert_eq!(link, encoded.link);
    tier
}

fn tier_of_file(encoded: &Encoded) -> &'static str {
    let file = encoded.file.as_ref().unwrap();
    match (file.name.as_str(), gzip::is_gzip(&file.bytes)) {
        ("1042.json", false) => "file",
        ("1042.json.gz", true) => "packed file",
        (name, _) => panic!("{name}"),
    }
}

#[test]
fn size_decides_where_a_record_stands() {
    let of = |n: usize| {
        let doc = Map::from_iter([("t".to_owned(), json!("é ".repeat(n)))]);
        round_trip(&record(doc, "u_1".into()))
    };
    assert_eq!(of(10), "content");
    assert_eq!(of(1_000), "embeds");
    assert_eq!(of(2_500), "embeds");
    assert_eq!(of(3_000), "file");
    assert_eq!(of(21_000), "file");
    assert_eq!(of(22_000), "packed file");
}

#[test]
fn what_no_file_can_hold_is_refused_with_its_size() {
    let mut random = fastrand::Rng::with_seed(1);
    let noise: String = (0..14 << 20).map(|_| random.alphanumeric()).collect();
    let packed = file(1, noise).unwrap_err();
    assert!(
        (ATTACHMENT_BYTES + 1..14 << 20).contains(&packed),
        "{packed}"
    );
    let unpacked = UNPACKED_BYTES + 1;
    assert_eq!(file(1, "x".repeat(unpacked)), Err(unpacked));
    assert!(file(1, "x".repeat(UNPACKED_BYTES)).is_ok());
}

#[test]
fn a_file_that_unpacks_without_end_is_given_up() {
    let bomb = gzip::pack(&vec![b' '; UNPACKED_BYTES + 1]);
    let error = file_text(&bomb).unwrap_err();
    let DecodeError::Damaged(why) = error else {
        panic!("{error:?}")
    };
    assert!(why.contains("unpacks to more than"), "{why}");
}

#[test]
fn a_packed_file_with_a_flipped_bit_is_never_another_record() {
    let doc = Map::from_iter([("t".to_owned(), json!("é ".repeat(22_000)))]);
    let record = record(doc, "u_1".into());
    let packed = encode(&record).unwrap().file.unwrap().bytes;
    for at in 0..packed.len() {
        let mut bytes = packed.to_vec();
        bytes[at] ^= 1;
        // The header has a time and a system, which nobody needs.
        if let Ok((found, _)) = file_text(&bytes).and_then(|text| decode(&text)) {
            assert_eq!(found, record);
            assert!(at < 10, "{at}");
        }
        let cut = file_text(&packed[..at]).and_then(|text| decode(&text));
        assert!(cut.is_err(), "{at}");
    }
}

#[test]
fn the_first_line_is_for_people() {
    let encoded = encode(&record(Map::new(), "u_1".into())).unwrap();
    assert!(
        encoded
            .content
            .starts_with("#1042 · users/u_1 put\n```json\n{\"v\":1,")
    );
}

#[test]
fn any_changed_character_is_noticed() {
    let (text, _) = to_text(&record(
        Map::from_iter([("a".into(), json!("b"))]),
        "k".into(),
    ));
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1;
        let changed = String::from_utf8(bytes).unwrap();
        // A changed letter case inside the checksum would be the same number.
        assert!(decode(&changed).is_err(), "{changed}");
    }
}

#[test]
fn a_reference_to_text_is_that_one_or_damaged() {
    let doc = Map::from_iter([("t".to_owned(), json!("é ".repeat(3_000)))]);
    let record = record(doc, "u_1".into());
    let encoded = encode(&record).unwrap();
    let packed = encoded.packed().unwrap();
    let back = file_text(&packed).and_then(|text| decode(&text));
    assert_eq!(back, Ok((record, encoded.link)));
    let text = TextRef {
        messages: (0..30).map(|n| u64::MAX - n).collect(),
        sum: crate::engine::checkpoint::file_sum::FileSum::of(&packed),
        bytes: packed.len() as u64,
    };
    let referring = refer(encoded, text.clone());
    assert!(utf16_len(&referring.content) <= MESSAGE_CONTENT);
    let mut seen = message(&referring);
    assert_eq!(locate(&seen), RecordBody::Text(text));
    let start = seen.content.find(JSON_FENCE).unwrap() + JSON_FENCE.len();
    for at in start..referring.content.len() - FENCE_END.len() {
        let mut bytes = referring.content.clone().into_bytes();
        bytes[at] ^= 1;
        seen.content = String::from_utf8(bytes).unwrap();
        let RecordBody::Inline(text) = locate(&seen) else {
            panic!("{}", seen.content)
        };
        assert!(decode(&text).is_err(), "{text}");
    }
    let (newer, _) = seal(&format!(r#"{{"v":{},"text":7}}"#, IN_TEXT + 1));
    assert_eq!(decode(&newer), Err(DecodeError::Newer(IN_TEXT + 1)));
}

#[test]
fn a_newer_format_is_told_from_damage() {
    let mut newer = record(Map::new(), "k".into());
    newer.v = IN_TEXT + 1;
    let (text, _) = to_text(&newer);
    assert_eq!(decode(&text).unwrap_err(), DecodeError::Newer(IN_TEXT + 1));
    for (record, word) in [
        (r#"{"v":0}"#, "`v` is 0"),
        (r#"{"v":3}"#, "`v` is 3"),
        ("{}", "it has no format version"),
    ] {
        let Err(DecodeError::Damaged(why)) = decode(&seal(record).0) else {
            panic!("{record}")
        };
        assert!(why.contains(word), "{why}");
    }
}

proptest! {
    #[test]
    fn every_document_survives(text in any::<String>(), key in any::<String>(), n in 1usize..200) {
        let doc = Map::from_iter([(text.clone(), json!(text.repeat(n)))]);
        round_trip(&record(doc, key));
    }

    #[test]
    fn no_text_makes_decoding_panic(text in any::<String>()) {
        let _ = decode(&text);
        let _ = title_seq(&text);
    }

    #[test]
    fn no_file_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = file_text(&bytes);
        let _ = file_text(&[&[0x1f, 0x8b], bytes.as_slice()].concat());
    }
}
