//! Replies are understood.

use super::*;
use crate::simulate::doc::{Field, KeyForm};
use crate::simulate::operation::{Action, Change, Mode};
use serde_json::json;

const CELL: Cell = Cell { table: 0, key: 0 };
const DOC: Doc = Doc {
    v: 7,
    balance: -3,
    pad: 2,
    id: KeyForm::Text,
    fields: [Field::Missing; 5],
};

#[test]
fn replies_are_understood() {
    let insert = Command::Change(Change {
        cell: CELL,
        action: Action::Put(Mode::Insert, DOC),
        if_rev: None,
    });
    for (reply, answer) in [
        (
            "Stored `a` in `prod.users` as revision 12 (commit #40).",
            Answer::Done(Some(12)),
        ),
        (
            "Restored `a` in `prod.users` to the document of revision 1, as revision 3 (commit #4).",
            Answer::Done(Some(3)),
        ),
        ("Committed 2 operations (commit #10).", Answer::Done(None)),
        (
            "`/dbc_insert` was interrupted. It had been committed by then, as commit #4.",
            Answer::Done(None),
        ),
        (
            "❌ Option `key`: table `users` of database `prod` has a row with key `a` already (revision 3). Nothing was written.",
            Answer::Refused(Refusal::Taken),
        ),
        (
            "❌ Option `ops_json`: operation 2 of 2 (x of `a` in table `t`): operation 1 of this transaction inserts it, so the key is taken then. Nothing was written.",
            Answer::Refused(Refusal::Taken),
        ),
        (
            "❌ Option `ops_json`: operation 2 of 2 (x of `a` in table `t`): operation 1 of this transaction deletes it, so there is no such row then. Nothing was written.",
            Answer::Refused(Refusal::Missing),
        ),
        (
            "❌ Option `ops_json`: operation 2 of 2 (x of `a` in table `t`): operation 1 of this transaction updates it, to revision 2, and `if_rev` is 1. Nothing was written.",
            Answer::Refused(Refusal::OtherRevision),
        ),
        (
            "❌ Discord is away. Nothing was written. Try again.",
            Answer::NotWritten,
        ),
        (
            "❌ Discord is away. It is not known whether the write was committed.",
            Answer::Unknown,
        ),
        ("no reply: failed", Answer::Unknown),
    ] {
        assert_eq!(Answer::read(&insert, reply, None), answer, "{reply}");
    }
    let get = Command::Get(CELL);
    let row = format!(
        "`a` in `prod.users` · rev 2 · commit #9\n```json\n{}\n```",
        DOC.json("a")
    );
    assert_eq!(
        Answer::read(&get, &row, None),
        Answer::Row {
            rev: 2,
            doc: Some(DOC)
        }
    );
    assert_eq!(
        Answer::read(
            &get,
            "❌ Option `key`: table `users` of database `prod` has no row with key `a`.",
            None
        ),
        Answer::Absent(0)
    );
    assert_eq!(
        Answer::read(
            &get,
            "❌ Table `users` of database `prod` has no row with key `a`. It was deleted as of revision 2. `/dbc_history` shows what it was.",
            None
        ),
        Answer::Absent(2)
    );
    assert_eq!(Answer::read(&get, "❌ Try again.", None), Answer::Unread);
    let out_of_date = format!("⚠️ read-only: commit #10 is missing.\n{row}");
    assert_eq!(Answer::read(&get, &out_of_date, None), Answer::Unread);
}

#[test]
fn histories_are_understood() {
    let reply = "History of `a` in `prod.users`\n\
         **rev 3** · commit #9 · deleted for good, with all before it";
    let past =
        |reply: &str, file: Option<&str>| match Answer::read(&Command::Past(CELL), reply, file) {
            Answer::Past(past) => past,
            other => panic!("{other:?}"),
        };
    let gone = past(reply, None);
    assert_eq!(gone[0].content, Content::DeletedForGood);
    assert_eq!((gone[0].rev, gone[0].commit, &gone[0].by), (3, 9, &None));
    let head = "History of `a` in `prod.users`\n\
         **rev 2** · <t:1800000000:f> · <@7> · /dbc_delete · commit #8 · deleted\n\
         **rev 1** · <t:1700000000:f> · <@8> · /dbc_insert · commit #5";
    let document = DOC.json("a");
    let inline = past(&format!("{head}\n```json\n{document}\n```"), None);
    assert_eq!(inline[0].content, Content::Deleted);
    assert_eq!(inline[1].content, Content::Is(DOC));
    let by = By {
        user: 8,
        command: "dbc_insert".to_owned(),
        at: 1_700_000_000,
    };
    assert_eq!(inline[1].by, Some(by));
    let file = json!([{"rev": 2, "doc": null}, {"rev": 1, "doc": document}]).to_string();
    let note = "\nThe documents are in the file.";
    assert_eq!(past(&format!("{head}{note}"), Some(&file)), inline);
    assert_eq!(
        past(&format!("{head}{note}"), None)[1].content,
        Content::Unread
    );
}
