use super::*;
use crate::engine::document::Document;
use serde_json::{Map, json};

fn put(table: &str, key: &str, rev: u64) -> Op {
    Op::Put {
        table: table.into(),
        key: key.into(),
        rev,
        doc: Document::new(&Map::from_iter([("rev".to_owned(), json!(rev))])),
    }
}

fn put_number(key: &str, n: usize) -> Op {
    Op::Put {
        table: "t".into(),
        key: key.into(),
        rev: 1,
        doc: Document::new(&Map::from_iter([("n".to_owned(), json!(n))])),
    }
}

fn create(table: &str, id: u32) -> Op {
    Op::CreateTable {
        table: table.into(),
        id,
        pk: "id".into(),
        mirror: true,
    }
}

#[test]
fn a_write_is_refused_before_it_is_too_large_and_whatever_came_before_it() {
    let state = State::default();
    let mut batch = Batch::new("test", &state, 0);
    batch.push(create("t", 1)).unwrap();
    let large = |key: &str| {
        let text = "x".repeat(COMMIT_BYTES / 2 - 1_000);
        let fields = Map::from_iter([("text".to_owned(), json!(text))]);
        Op::Put {
            table: "t".into(),
            key: key.into(),
            rev: 1,
            doc: Document::new(&fields),
        }
    };
    for write in 0..2 {
        let before = batch.savepoint();
        for n in 0..2 {
            batch.push(large(&format!("{write}.{n}"))).unwrap();
        }
        let refused = batch.push(large("too much")).unwrap_err();
        assert_eq!(refused.kind, ErrorKind::TooLarge);
        assert_eq!(batch.ops_since(before), 2);
    }
}

#[test]
fn what_is_taken_back_leaves_no_trace() {
    let state = State::default();
    let mut batch = Batch::new("test", &state, 0);
    for op in [create("t", 1), put("t", "a", 1)] {
        batch.push(op).unwrap();
    }
    let (before, sum) = (batch.savepoint(), batch.table("t").unwrap().sum);
    let rename = Op::RenameTable {
        table: "t".into(),
        to: "u".into(),
    };
    for op in [
        put("t", "a", 2),
        put("t", "b", 1),
        rename,
        Op::DropTable { table: "u".into() },
        create("t", 2),
        put("t", "c", 1),
    ] {
        batch.push(op).unwrap();
    }
    assert_eq!(batch.table("t").unwrap().id, 2);
    let database = "test".to_owned();
    batch.push(Op::DropDatabase { database }).unwrap();
    assert_eq!(
        batch.push(put("t", "d", 1)).unwrap_err(),
        being_removed("test")
    );
    batch.roll_back(before);
    let table = batch.table("t").unwrap();
    assert_eq!((table.id, table.sum), (1, sum));
    assert_eq!(batch.row(&table, "a").unwrap().rev, 1);
    assert_eq!(batch.row(&table, "b"), None);
    assert_eq!(batch.next_table_id(), 2);
    assert_eq!(batch.table_names(), ["t"]);
    assert_eq!(batch.finish().0.len(), 2);
}

#[test]
fn a_value_counts_once_a_write_is_complete_and_not_when_it_is_taken_back() {
    let state = State::default();
    let mut batch = Batch::new("test", &state, 0);
    let index = Op::CreateIndex {
        table: "t".into(),
        id: 2,
        fields: vec!["n".into()],
        unique: true,
        sparse: false,
    };
    for op in [
        create("t", 1),
        index,
        put_number("a", 1),
        put_number("b", 2),
    ] {
        batch.push(op).unwrap();
    }
    assert!(batch.clash().is_none());
    for (writes, expected) in [
        (&[("a", 2)][..], Some((4, "`b` has"))),
        // The second to take it is to blame, whatever comes after.
        (
            &[("c", 9), ("a", 9), ("c", 9), ("d", 3)],
            Some((5, "`c` has")),
        ),
        (&[("a", 2), ("c", 1), ("b", 7)], None),
        (&[("a", 2), ("b", 1), ("a", 1), ("b", 2)], None),
    ] {
        let before = batch.savepoint();
        for (key, n) in writes {
            batch.push(put_number(key, *n)).unwrap();
        }
        let clash = batch.clash();
        assert_eq!(
            clash.as_ref().map(|clash| clash.op),
            expected.map(|(op, _)| op)
        );
        if let (Some(clash), Some((_, holder))) = (clash, expected) {
            assert!(clash.error.message.contains(holder), "{}", clash.error);
        }
        batch.roll_back(before);
        assert!(batch.clash().is_none());
    }
    assert_eq!(
        batch.row(&batch.table("t").unwrap(), "a").unwrap().doc,
        Some(r#"{"n":1}"#)
    );
}
