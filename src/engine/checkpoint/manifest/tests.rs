use super::*;
use proptest::prelude::*;

fn part(file: usize, table: u32, first: &str, last: &str) -> PartEntry {
    PartEntry {
        file,
        section: 0,
        info: SectionInfo {
            table,
            first: first.to_owned(),
            last: last.to_owned(),
            lines: 2,
            live: 1,
            digest: u64::MAX,
        },
    }
}

fn manifest() -> Manifest {
    Manifest {
        head: Link {
            id: CommitId(7, 8),
            crc: 9,
        },
        owner: Some("o".into()),
        tenure: None,
        private: Some(false),
        last_table_id: 4,
        generation: 5,
        erasing: vec![],
        left: vec![],
        dropped: vec![],
        tables: vec![
            TableEntry {
                name: "users".into(),
                id: 1,
                pk: "id".into(),
                created: CommitId(7, 2),
                mirror: true,
                schema: TableSchema::default(),
                sum: TableSum { rows: 2, digest: 3 },
                tombstones: 1,
                behind: 0,
                channel: Some(u64::MAX),
                scan_from: None,
                segments: vec![
                    SegmentEntry {
                        from: 0,
                        to: 2,
                        parts: vec![part(0, 1, "a", "c"), part(1, 1, "d", "d")],
                    },
                    SegmentEntry {
                        from: 2,
                        to: 5,
                        parts: vec![part(1, 1, "a", "z")],
                    },
                ],
            },
            TableEntry {
                name: "posts".into(),
                id: 4,
                pk: "id".into(),
                created: CommitId(7, 3),
                mirror: false,
                schema: TableSchema::default(),
                sum: TableSum::default(),
                tombstones: 0,
                behind: 6,
                channel: None,
                scan_from: Some(10),
                segments: vec![],
            },
        ],
        indexes: Vec::new(),
        files: vec![
            FileEntry {
                name: "users.base.8".into(),
                sum: FileSum(1),
                bytes: 2,
                place: Place::Text {
                    messages: vec![u64::MAX, 1],
                },
            },
            FileEntry {
                name: "delta.9".into(),
                sum: FileSum(u64::MAX),
                bytes: 3,
                place: Place::Attachment {
                    message: u64::MAX,
                    index: 0,
                },
            },
        ],
    }
}

#[test]
fn it_comes_back_from_a_file_and_from_a_record() {
    let manifest = manifest();
    let bytes = manifest.pack();
    assert_eq!(
        Manifest::unpack(&bytes, FileSum::of(&bytes)),
        Ok(manifest.clone())
    );
    // As an op of a record has it.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(tag = "op")]
    enum Op {
        Checkpoint { manifest: ManifestRef },
    }
    for manifest in [
        ManifestRef::Inline(Box::new(manifest)),
        ManifestRef::Text(TextRef {
            messages: vec![u64::MAX],
            sum: FileSum(1),
            bytes: 2,
        }),
    ] {
        let op = Op::Checkpoint { manifest };
        let json = serde_json::to_string(&op).unwrap();
        assert_eq!(serde_json::from_str::<Op>(&json).unwrap(), op);
    }
}

#[test]
fn ids_and_checksums_are_no_json_numbers() {
    let json = manifest().to_json();
    assert_eq!(json.matches("\"18446744073709551615\"").count(), 3);
    assert_eq!(json.matches("18446744073709551615").count(), 3);
    assert_eq!(json.matches("\"ffffffffffffffff\"").count(), 4);
}

#[test]
fn fields_that_are_not_known_are_passed_over() {
    let json = manifest().to_json().replace('{', r#"{"new":{},"#);
    // The one object that is a choice and not a list of fields.
    let json = json.replace(r#""place":{"new":{},"#, r#""place":{"#);
    assert_eq!(serde_json::from_str::<Manifest>(&json).unwrap(), manifest());
}

#[test]
fn its_length_inline_is_that_of_its_escaped_text() {
    let mut manifest = manifest();
    let before = manifest.inline_len();
    assert_eq!(before, manifest.to_json().len());
    manifest.tables[0].segments[0].parts[0].info.first = "a`😀".into();
    assert_eq!(manifest.inline_len(), before + 6 + 2);
}

#[test]
fn what_cannot_be_true_is_refused() {
    #[track_caller]
    fn refused(expected: &str, change: impl Fn(&mut Manifest)) {
        let mut manifest = manifest();
        assert_eq!(manifest.check(), Ok(()));
        change(&mut manifest);
        let error = manifest.check().unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
        let bytes = manifest.pack();
        assert_eq!(Manifest::unpack(&bytes, FileSum::of(&bytes)), Err(error));
    }
    refused("`users` is named twice", |m| {
        m.tables[1].name = "users".into();
    });
    refused("`posts` has the id 1 of another", |m| m.tables[1].id = 1);
    refused("4, which was never given", |m| m.last_table_id = 3);
    refused("file 1, which is not there", |m| m.files.truncate(1));
    refused("the table with id 9", |m| {
        m.tables[0].segments[1].parts[0].info.table = 9;
    });
    refused("parts out of order", |m| {
        m.tables[0].segments[0].parts[1].info.first = "c".into();
    });
    refused("generations 1 to 5 after 2 of 5", |m| {
        m.tables[0].segments[1].from = 1;
    });
    refused("generations 5 to 5", |m| {
        m.tables[0].segments[1].from = 5;
    });
    refused("to 5 after 2 of 4", |m| m.generation = 4);
}

#[test]
fn a_bomb_is_given_up() {
    let bomb = gzip::pack(&vec![b' '; UNPACKED_BYTES + 1]);
    let error = Manifest::unpack(&bomb, FileSum::of(&bomb)).unwrap_err();
    assert!(error.0.contains("unpacks to more than"), "{error}");
}

proptest! {
    #[test]
    fn any_flipped_bit_is_noticed(at in any::<prop::sample::Index>(), bit in 0u32..8) {
        let bytes = manifest().pack();
        let sum = FileSum::of(&bytes);
        let mut bytes = bytes.to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= 1u8 << bit;
        let error = Manifest::unpack(&bytes, sum).unwrap_err();
        prop_assert!(error.0.contains("instead of"));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Manifest::unpack(&bytes, FileSum::of(&bytes));
        let packed = gzip::pack(&bytes);
        let _ = Manifest::unpack(&packed, FileSum::of(&packed));
    }

    #[test]
    fn no_change_of_its_text_makes_it_panic(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut json = manifest().to_json().into_bytes();
        let at = at.index(json.len());
        json[at] = to;
        let packed = gzip::pack(&json);
        let _ = Manifest::unpack(&packed, FileSum::of(&packed));
    }
}
