//! Rows come back as they were written, and what is not what it was is noticed.

use super::*;
use crate::engine::digest::RowSum;
use crate::engine::gzip;
use crate::engine::log::codec::LAST;
use proptest::prelude::*;
use std::collections::BTreeMap;

const NO_LIMIT: usize = 8 * 1024 * 1024;

fn row(key: &str, doc: Option<&str>) -> SegmentRow {
    SegmentRow {
        key: key.to_owned(),
        rev: 3,
        at: CommitId(7, 8),
        doc: doc.map(Into::into),
        message: None,
        mirrored: None,
        hard: false,
        thread: false,
    }
}

type Tables = BTreeMap<u32, Vec<SegmentRow>>;

fn write(limit: usize, tables: &Tables) -> Vec<SegmentFile> {
    let mut writer = Writer::new(limit);
    for (&id, rows) in tables {
        let rows = rows.iter().map(SegmentRow::borrowed);
        writer.section(&format!("table{id}"), id, rows);
    }
    writer.finish().unwrap()
}

fn read(files: &[SegmentFile]) -> Result<Tables, SegmentError> {
    let mut tables = Tables::new();
    for file in files {
        let mut reader = Reader::new(&file.bytes, file.sum)?;
        let mut found = Vec::new();
        while let Some(section) = reader.next_section()? {
            assert_eq!(section.table, format!("table{}", section.info.table));
            let rows = tables.entry(section.info.table).or_default();
            while let Some(row) = reader.next_row()? {
                rows.push(row);
            }
            found.push(section.info);
        }
        assert_eq!(found, file.sections);
    }
    Ok(tables)
}

/// What reading a text that was packed by somebody else fails with.
#[track_caller]
fn refused(text: &str, expected: &str) {
    let bytes = gzip::pack(text.as_bytes());
    let error = read_all(&bytes).unwrap_err();
    assert!(error.to_string().contains(expected), "{text}: {error}");
}

fn read_all(bytes: &[u8]) -> Result<u64, SegmentError> {
    let mut reader = Reader::new(bytes, FileSum::of(bytes))?;
    let mut rows = 0;
    while reader.next_section()?.is_some() {
        while reader.next_row()?.is_some() {
            rows += 1;
        }
    }
    Ok(rows)
}

fn header(first: &str, last: &str, lines: u64, live: u64, digest: u64) -> String {
    format!(
        r#"{{"format":"dbcord segment","v":1,"table":"t","id":1,"first":"{first}","last":"{last}","lines":{lines},"live":{live},"digest":"{digest:016x}"}}"#
    )
}

const A: &str = r#"{"k":"a","rev":1,"at":[1,2],"row":{"x":1}}"#;
const B: &str = r#"{"k":"b","rev":1,"at":[1,2],"row":null}"#;

fn sum_of_a() -> u64 {
    RowSum::of(1, "a", 1, r#"{"x":1}"#).0
}

#[test]
fn a_file_is_headers_and_rows_as_text() {
    let mut full = row("u`1\n", Some(r#"{"id":"u`1\n"}"#));
    full.message = Some(u64::MAX);
    full.mirrored = Some(CommitId(5, 6));
    full.thread = true;
    let mut gone = row("x", None);
    gone.hard = true;
    let files = write(
        NO_LIMIT,
        &Tables::from([(1, vec![full, gone]), (2, vec![])]),
    );
    let text = gzip::unpack(&files[0].bytes, 10_000).unwrap();
    let digest = RowSum::of(1, "u`1\n", 3, r#"{"id":"u`1\n"}"#);
    let expected = format!(
        "{}\n{}\n{}\n{}\n",
        format_args!(
            r#"{{"format":"dbcord segment","v":1,"table":"table1","id":1,"first":"u`1\n","last":"x","lines":2,"live":1,"digest":"{digest}"}}"#
        ),
        r#"{"k":"u`1\n","rev":3,"at":[7,8],"row":{"id":"u`1\n"},"msg":"18446744073709551615","mirrored":[5,6],"thread":true}"#,
        r#"{"k":"x","rev":3,"at":[7,8],"row":null,"hard":true}"#,
        r#"{"format":"dbcord segment","v":1,"table":"table2","id":2,"first":"","last":"","lines":0,"live":0,"digest":"0000000000000000"}"#,
    );
    assert_eq!(String::from_utf8(text).unwrap(), expected);
}

#[test]
fn one_section_is_read_without_the_others() {
    let rows = |keys: &[&str]| keys.iter().map(|key| row(key, Some("{}"))).collect();
    let tables = Tables::from([(1, rows(&["a", "b"])), (2, rows(&[])), (3, rows(&["c"]))]);
    let file = write(NO_LIMIT, &tables).remove(0);
    for (section, info) in file.sections.iter().enumerate() {
        let mut found = Vec::new();
        let on_row = |row| found.push(row);
        read_part(&file.bytes, file.sum, section, info, on_row).unwrap();
        assert_eq!(found, tables[&info.table]);
    }
    let read = |section, info| read_part(&file.bytes, file.sum, section, info, |_| ());
    for section in [3, usize::MAX] {
        let error = read(section, &file.sections[0]).unwrap_err();
        assert!(error.to_string().contains("no section"), "{error}");
    }
    let error = read(1, &file.sections[0]).unwrap_err();
    assert!(
        error.to_string().contains("section 1, of table `table2`"),
        "{error}"
    );
}

#[test]
fn what_a_header_says_must_be_true() {
    let good = header("a", "b", 2, 1, sum_of_a());
    let text = format!("{good}\n{A}\n{B}\n");
    assert_eq!(read_all(&gzip::pack(text.as_bytes())), Ok(2));

    refused(&format!("{good}\n{A}\n"), "ends after 1 of 2");
    refused(&format!("{good}\n{A}\n{B}"), "line 3: it is cut off");
    refused(&format!("{text}{B}\n"), "has no header");
    refused(&format!("{good}\n{B}\n{A}\n"), "not the first key");
    refused(&format!("{good}\n{A}\n{A}\n"), "`a` is out of order");
    for wrong in [
        header("a", "b", 2, 2, sum_of_a()),
        header("a", "b", 2, 1, sum_of_a() + 1),
    ] {
        refused(&format!("{wrong}\n{A}\n{B}\n"), "the digest of its rows");
    }
    let wrong = header("a", "c", 2, 1, sum_of_a());
    refused(&format!("{wrong}\n{A}\n{B}\n"), "its keys end elsewhere");
    refused(
        &format!("{}\n", header("a", "", 0, 0, 0)),
        "its keys end elsewhere",
    );
    let lost = A.replace(r#""row":"#, r#""raw":"#);
    refused(
        &format!("{good}\n{lost}\n{B}\n"),
        "line 2: it is no row: missing field `row`",
    );
    refused("{}\n", "has no header");
    refused(r#"{"format":"x","v":1}"#, "cut off");
    refused("{\"format\":\"x\",\"v\":1}\n", "another kind, `x`");
    refused(
        "{\"format\":\"dbcord segment\",\"v\":0}\n",
        "no format version",
    );
}

#[test]
fn a_newer_format_is_told_from_damage() {
    let bytes = gzip::pack(b"{\"format\":\"dbcord segment\",\"v\":2,\"else\":[]}\n");
    assert_eq!(read_all(&bytes), Err(SegmentError::Newer(2)));
}

#[test]
fn fields_that_are_not_known_are_passed_over() {
    let header = header("a", "a", 1, 1, sum_of_a()).replace('{', r#"{"new":[1],"#);
    let row = A.replacen('{', r#"{"new":{"k":1},"#, 1);
    assert_eq!(
        read_all(&gzip::pack(format!("{header}\n{row}\n").as_bytes())),
        Ok(1)
    );
}

#[test]
fn a_line_that_does_not_end_is_given_up() {
    let bomb = gzip::pack(&vec![b' '; LINE_BYTES + 2]);
    assert!(bomb.len() < LINE_BYTES / 500);
    let error = read_all(&bomb).unwrap_err();
    assert!(
        error.to_string().contains("more than 16777216 bytes"),
        "{error}"
    );
}

#[test]
fn a_file_that_does_not_end_is_given_up() {
    let mut text = header("a", "z", 1 << 40, 0, 0);
    text.push('\n');
    for n in 0..70 {
        // One after the other in the order of keys, a megabyte each.
        text.push_str(&format!(
            r#"{{"k":"{}","rev":1,"at":[1,1],"#,
            "a".repeat(n + 1)
        ));
        text.push_str(&" ".repeat(1 << 20));
        text.push_str("\"row\":null}\n");
    }
    refused(&text, "bytes are left of it");
}

#[test]
fn a_file_that_packs_well_ends_where_readers_would_give_up() {
    let doc = format!(r#"{{"x":"{}"}}"#, "x".repeat(LINE_BYTES - 1_000));
    let rows = (b'a'..=b'e').map(|key| row(&char::from(key).to_string(), Some(&doc)));
    let tables = Tables::from([(1, rows.collect())]);
    let files = write(UNPACKED_BYTES, &tables);
    assert_eq!(files.len(), 2);
    assert!(
        files
            .iter()
            .all(|file| gzip::unpack(&file.bytes, UNPACKED_BYTES).is_ok())
    );
    assert_eq!(read(&files).unwrap(), tables);
}

#[test]
fn what_cannot_be_packed_keeps_the_limit_too() {
    let mut random = fastrand::Rng::with_seed(1);
    let mut noise = |len: usize| (0..len).map(|_| random.alphanumeric()).collect::<String>();
    let rows: Vec<SegmentRow> = (100..200)
        .map(|key| {
            row(
                &key.to_string(),
                Some(&format!(r#"{{"":"{}"}}"#, noise(200))),
            )
        })
        .collect();
    // And headers alone.
    let mut tables: Tables = (2..50).map(|id| (id, vec![])).collect();
    tables.insert(1, rows);
    for limit in (2_000..4_000).step_by(100) {
        let files = write(limit, &tables);
        for file in &files {
            assert!(file.bytes.len() <= limit, "{} > {limit}", file.bytes.len());
        }
        // Nor is much of it left unused.
        let fullest = files.iter().map(|file| file.bytes.len()).max();
        assert!(fullest > Some(limit / 2), "{fullest:?} of {limit}");
    }
}

#[test]
fn what_could_not_be_read_back_is_not_written() {
    let write = |rows: &[SegmentRow]| {
        let mut writer = Writer::new(NO_LIMIT);
        writer.section("t", 1, rows.iter().map(SegmentRow::borrowed));
        writer.section("t", 2, [row("z", None).borrowed()]);
        writer.finish().map(|_| ()).unwrap_err()
    };
    for second in ["a", "b"] {
        let error = write(&[row("b", None), row(second, None)]);
        assert_eq!(
            error,
            format!("table `t`: the row `{second}` is out of order")
        );
    }
    let error = write(&[row("b", Some(&"x".repeat(LINE_BYTES)))]);
    assert!(error.contains("the row `b` takes 16777"), "{error}");
}

/// Documents as they are stored, of text that packs badly and of text that packs well.
fn doc() -> impl Strategy<Value = String> {
    let text = prop_oneof![any::<String>(), "[a-z]{0,400}", "x{0,2000}"];
    (any::<String>(), text, any::<f64>()).prop_map(|(name, text, number)| {
        let doc = serde_json::json!({ name: text, "": [number, null, {"n": true}] });
        crate::engine::document::to_text(doc.as_object().unwrap())
    })
}

fn rows() -> impl Strategy<Value = Vec<SegmentRow>> {
    let id = (any::<u64>(), any::<u64>()).prop_map(|(epoch, seq)| CommitId(epoch, seq));
    let values = (
        0..=LAST,
        id.clone(),
        prop::option::weighted(0.8, doc()),
        any::<Option<u64>>(),
        prop::option::of(id),
        any::<(bool, bool)>(),
    );
    prop::collection::btree_map(any::<String>(), values, 0..12).prop_map(|rows| {
        let mut list = Vec::new();
        for (key, (rev, at, doc, message, mirrored, (hard, thread))) in rows {
            let doc: Option<String> = doc;
            list.push(SegmentRow {
                key,
                rev,
                at,
                doc: doc.map(String::into_boxed_str),
                message,
                mirrored,
                hard,
                thread,
            });
        }
        list
    })
}

fn tables() -> impl Strategy<Value = Tables> {
    prop::collection::btree_map(any::<u32>(), rows(), 0..5)
}

fn live(rows: &[SegmentRow]) -> Vec<(&str, u64, &str)> {
    rows.iter()
        .filter_map(|row| Some((row.key.as_str(), row.rev, row.doc.as_deref()?)))
        .collect()
}

proptest! {
    #[test]
    fn rows_come_back_and_files_keep_the_limit(tables in tables(), limit in 0usize..4_000) {
        let files = write(limit, &tables);
        for file in &files {
            let lines: u64 = file.sections.iter().map(|section| section.lines).sum();
            prop_assert!(
                file.bytes.len() <= limit || (file.sections.len() == 1 && lines <= 1),
                "{} bytes", file.bytes.len()
            );
        }
        prop_assert_eq!(read(&files).unwrap(), tables);
    }

    #[test]
    fn the_same_rows_give_the_same_files(tables in tables(), limit in 0usize..4_000) {
        prop_assert_eq!(write(limit, &tables), write(limit, &tables));
    }

    #[test]
    fn any_flipped_bit_is_noticed(rows in rows(), at in any::<prop::sample::Index>(), bit in 0u32..8) {
        let file = write(NO_LIMIT, &Tables::from([(1, rows)])).remove(0);
        let mut bytes = file.bytes.to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= 1u8 << bit;
        prop_assert!(Reader::new(&bytes, file.sum).is_err());
        // Whoever made the checksum fit: at worst it is other rows, and no panic.
        let _ = read_all(&bytes);
    }

    #[test]
    fn whatever_the_text_is_changed_to_live_rows_are_the_ones_written(
        rows in rows(), at in any::<prop::sample::Index>(), to in any::<u8>()
    ) {
        let file = write(NO_LIMIT, &Tables::from([(1, rows.clone())])).remove(0);
        let mut text = gzip::unpack(&file.bytes, NO_LIMIT).unwrap();
        let at = at.index(text.len());
        text[at] = to;
        let bytes = gzip::pack(&text);
        let mut found = Vec::new();
        let on_row = |row| found.push(row);
        // Even where the file's own checksum was made to fit.
        if read_part(&bytes, FileSum::of(&bytes), 0, &file.sections[0], on_row).is_ok() {
            prop_assert_eq!(live(&found), live(&rows));
        }
    }

    #[test]
    fn a_cut_file_is_noticed(rows in rows(), at in any::<prop::sample::Index>()) {
        let file = write(NO_LIMIT, &Tables::from([(1, rows.clone())])).remove(0);
        let bytes = &file.bytes[..at.index(file.bytes.len())];
        prop_assert!(Reader::new(bytes, file.sum).is_err());
        let mut found = Vec::new();
        let on_row = |row| found.push(row);
        // Of a file whose checksum was made to fit only what no row needs can be missing.
        if read_part(bytes, FileSum::of(bytes), 0, &file.sections[0], on_row).is_ok() {
            prop_assert_eq!(found, rows);
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = read_all(&bytes);
        let _ = read_all(&gzip::pack(&bytes));
    }
}
