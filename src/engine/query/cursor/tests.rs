use proptest::prelude::*;

use super::*;

fn question(scope: &str, filter: &str, sort: &str) -> Question {
    let filter = Filter::parse("where_json", filter).unwrap();
    Question::new(scope, &filter, &Sort::parse("sort", sort).unwrap())
}

#[test]
fn another_question_is_another_page() {
    let all = [
        question("prod/users", "{\"a\":1}", "a"),
        question("prod/user", "{\"a\":1}", "a"),
        question("prod/users", "{\"a\":2}", "a"),
        question("prod/users", "{\"a\":1}", "-a"),
        question("prod/users", "{\"a\":1}", "a,b"),
        question("prod/users", "{\"a\":1}", "b"),
    ];
    let cursor = Cursor {
        sort_key: vec![1, 2, 255],
        row_key: "ü_1".into(),
    };
    for (at, one) in all.iter().enumerate() {
        let text = cursor.encode(*one).unwrap();
        for (other_at, other) in all.iter().enumerate() {
            let decoded = Cursor::decode("cursor", &text, *other);
            assert_eq!(decoded.is_ok(), at == other_at);
            if let Err(error) = decoded {
                assert!(error.message.contains("another query"), "{error}");
            }
        }
    }
}

#[test]
fn a_key_that_no_option_takes_has_no_cursor() {
    let cursor = |bytes: usize| Cursor {
        sort_key: vec![0; bytes - 400],
        row_key: "k".repeat(400),
    };
    let question = question("t", "{}", "a");
    assert!(cursor(CURSOR_KEY_BYTES).encode(question).unwrap().len() <= 1_700);
    assert_eq!(cursor(CURSOR_KEY_BYTES + 1).encode(question), None);
}

proptest! {
    #[test]
    fn what_was_encoded_is_decoded_and_any_damage_is_seen(
        sort_key in prop::collection::vec(any::<u8>(), 0..60),
        row_key in "\\PC{0,20}",
        at in any::<prop::sample::Index>(),
        by in prop::sample::select(('A'..='Z').chain('0'..='9').chain(['-', '_', '=', 'ü']).collect::<Vec<_>>()),
    ) {
        let question = question("t", "{}", "a");
        let cursor = Cursor { sort_key, row_key };
        let text = cursor.encode(question).unwrap();
        prop_assert_eq!(&Cursor::decode("cursor", &format!(" {text}\n"), question).unwrap(), &cursor);
        let mut damaged: Vec<char> = text.chars().collect();
        let at = at.index(damaged.len());
        damaged[at] = by;
        let damaged: String = damaged.into_iter().collect();
        prop_assert!(damaged == text || Cursor::decode("cursor", &damaged, question).is_err());
        prop_assert!(Cursor::decode("cursor", text.get(..at).unwrap(), question).is_err());
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = Cursor::decode("cursor", &text, question("t", "{}", "a"));
    }
}
