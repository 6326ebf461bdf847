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
