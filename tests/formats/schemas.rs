//! What tells of schemas, which version 2 of the format added.

use dbcord::engine::checkpoint::manifest::{ManifestRef, TableEntry};
use dbcord::engine::digest::TableSum;
use dbcord::engine::document::Document;
use dbcord::engine::log::record::WITH_RULES;
use dbcord::engine::log::{CommitId, Op, Record};
use dbcord::engine::materialize::card;
use dbcord::engine::state::{Table, TableSchema, Validate, Version};
use serde_json::{Value, json};

use super::checkpoints::manifest;
use super::{EPOCH, check, golden, record};

fn document(schema: Value) -> Document {
    let Value::Object(fields) = schema else {
        panic!("not an object")
    };
    Document::new(&fields)
}

fn set(schema: Option<Value>, refs: &[u32], validate: Validate) -> Op {
    Op::SetSchema {
        table: "users".to_owned(),
        schema: schema.map(document),
        refs: refs.to_vec(),
        validate,
    }
}

fn ops() -> Vec<Op> {
    let with_reference = json!({
        "required": ["id"],
        "properties": {"team": {"ref": "teams", "on_delete": "cascade"}, "tick": {"const": "`"}},
    });
    vec![
        set(Some(with_reference), &[2], Validate::Strict),
        set(Some(json!({})), &[], Validate::Warn),
        set(Some(json!({})), &[], Validate::Off),
        set(None, &[], Validate::Strict),
    ]
}

/// The table's schema after these ops.
fn schema() -> TableSchema {
    let versions = ops().into_iter().zip(11..);
    let user = "1200000000000000000";
    let versions =
        versions.filter_map(|(op, seq)| Version::of(&op, CommitId(EPOCH, seq), EPOCH + seq, user));
    versions.fold(TableSchema::default(), |schema, version| {
        schema.with(version)
    })
}

#[test]
fn a_record_that_sets_schemas() {
    let ops = ops();
    let record = Record {
        v: WITH_RULES,
        ..record(5, Some(2), ops, &[("users", 2, 7)])
    };
    check("../v2/record-set-schema.txt", &record);
}

#[test]
fn a_manifest_with_schemas() {
    let mut manifest = manifest();
    let tables = manifest.tables.iter_mut();
    for table in tables.filter(|table| table.name == "users") {
        table.schema = schema();
    }
    let text = serde_json::to_string_pretty(&ManifestRef::Inline(Box::new(manifest.clone())));
    golden("../v2/manifest.json", &format!("{}\n", text.unwrap()));
    let kept = std::fs::read_to_string(super::path("../v2/manifest.json")).unwrap();
    let read: ManifestRef = serde_json::from_str(&kept).unwrap();
    assert_eq!(read, ManifestRef::Inline(Box::new(manifest)));
}

#[test]
fn a_version_whose_text_is_not_kept() {
    let entry = json!({
        "name": "t", "id": 1, "pk": "id", "created": [1, 2], "sum": [0, "0000000000000000"],
        "schema": [
            {"n": 3, "at": [1, 4], "time": 5, "sum": "0123456789abcdef", "new": "passed over"},
            {"n": 4, "at": [1, 5], "time": 6, "user": "7", "sum": "0123456789abcdef", "schema": {}},
        ],
    });
    let entry: TableEntry = serde_json::from_value(entry).unwrap();
    assert_eq!(entry.sum, TableSum::default());
    let [first, second] = entry.schema.versions() else {
        panic!("two versions")
    };
    assert_eq!((first.number, &first.schema), (3, &None));
    assert_eq!(first.sum, second.sum);
    assert_eq!(entry.schema.current(), Some(second));
}

#[test]
fn a_card_with_a_schema() {
    let table = Table {
        schema: TableSchema::default()
            .with(Version::of(&ops()[1], CommitId(EPOCH, 9), EPOCH, "").unwrap()),
        ..Table::new(1, "id", true, CommitId(EPOCH, 2))
    };
    let card = card::render("users", &table, Some(1_400_000_000_000_000_000));
    golden("../v2/card.txt", &card);
    assert_eq!(card::parse(&card), Some((1, CommitId(EPOCH, 2))));
}
