//! What is refused, and in which words.

use super::super::*;
use super::{apply_text, becomes, refused};
use crate::engine::document;
use serde_json::json;

#[test]
fn what_makes_no_sense_is_refused() {
    let one_too_many: Map<String, Value> = (0..=PATHS).map(|n| (n.to_string(), json!(1))).collect();
    let deep = format!("a{}", ".a".repeat(64));
    for (update, words) in [
        (
            json!({"$ste":{"a":1}}),
            vec!["no update operator `$ste`", "Did you mean `$set`?"],
        ),
        (json!({"$set":{"a":1},"b":1}), vec!["`b`", "`$set`"]),
        (
            json!({"$set":1}),
            vec!["`$set` takes an object of paths", "a number"],
        ),
        (
            json!({"$inc":{"a":1},"$set":{"a.b":1}}),
            vec!["`a` (`$inc`)", "`a.b` (`$set`)", "conflict"],
        ),
        (
            json!({"$inc":{"a":1},"$set":{"a":1}}),
            vec!["`a` twice", "`$inc`", "`$set`", "conflict"],
        ),
        (
            json!({"$set":{"a":1,"a-b":1,"a.b":1}}),
            vec!["`a`", "`a.b`", "conflict"],
        ),
        (
            json!({"$rename":{"x":"a.b"},"$set":{"a":1}}),
            vec!["`a` (`$set`)", "`a.b` (`$rename`)"],
        ),
        (json!({"$set":{"a..b":1}}), vec!["`a..b`", "no empty parts"]),
        (json!({"$set":{"":1}}), vec!["no empty parts"]),
        (
            json!({"$set":{"a.$":1}}),
            vec!["`$set` of `a.$`", "positional `$`", "index"],
        ),
        (json!({"$set":{"a.$[]":1}}), vec!["positional `$[]`"]),
        (
            json!({"$inc":{"a.$[x].b":1}}),
            vec!["`$inc`", "positional `$[x]`"],
        ),
        (
            json!({"$set":{"$inc":{"a":1}}}),
            vec!["`$inc` begins with `$`", "top of the patch"],
        ),
        (
            json!({"$push":{"a":{"$eahc":[]}}}),
            vec!["no modifier `$eahc`", "Did you mean `$each`?"],
        ),
        (
            json!({"$push":{"a":{"$each":[],"x":1}}}),
            vec!["no modifier `x`"],
        ),
        (json!({"$push":{"a":{"$slice":1}}}), vec!["need `$each`"]),
        (
            json!({"$push":{"a":{"$each":1}}}),
            vec!["`$each` takes a list", "a number"],
        ),
        (
            json!({"$push":{"a":{"$each":[],"$slice":1.5}}}),
            vec!["`$slice` takes a whole number", "`1.5`"],
        ),
        (
            json!({"$push":{"a":{"$each":[],"$position":"0"}}}),
            vec!["`$position` takes a whole number"],
        ),
        (
            json!({"$push":{"a":{"$each":[],"$sort":2}}}),
            vec!["`$sort` takes 1, -1"],
        ),
        (
            json!({"$push":{"a":{"$each":[],"$sort":{}}}}),
            vec!["`$sort` takes"],
        ),
        (
            json!({"$push":{"a":{"$each":[],"$sort":{"x":0}}}}),
            vec!["`$sort` takes"],
        ),
        (
            json!({"$push":{"a":{"$each":[],"$sort":{"x.":1}}}}),
            vec!["`$sort` takes"],
        ),
        (
            json!({"$addToSet":{"a":{"$each":[],"$slice":1}}}),
            vec!["no modifier `$slice`", "`$each`"],
        ),
        (
            json!({"$pop":{"a":2}}),
            vec!["`$pop` of `a`", "1 for the last", "`2`"],
        ),
        (
            json!({"$set":one_too_many}),
            vec!["1001 paths", "at most 1000"],
        ),
        (json!({"$set":{deep:1}}), vec!["deeper than 64"]),
    ] {
        refused("{}", &update.to_string(), &words);
    }
    let document = r#"{"s":"x","n":null,"l":[1,2,3]}"#;
    for (path, words) in [
        (
            "s.a.b",
            vec![
                "`$set` of `s.a.b`",
                "`s` is a string (`\"x\"`)",
                "no `a` inside",
            ],
        ),
        ("n.a", vec!["`n` is null"]),
        ("l.1.a", vec!["`l.1` is a number (`2`)", "no `a`"]),
        ("l.x", vec!["`l` is a list", "`x` is no index", "`l.0`"]),
        ("l.-1", vec!["`-1` is no index"]),
        ("l.01", vec!["`01` is no index"]),
        (
            "l.10004",
            vec!["`l` has 3 items", "at most 10000", "index 10004"],
        ),
        ("l.99999999999999999999999", vec!["at most 10000"]),
    ] {
        refused(document, &json!({"$set":{path:1}}).to_string(), &words);
    }
    becomes(
        r#"{"l":[]}"#,
        r#"{"$set":{"l.10000":1}}"#,
        &format!(r#"{{"l":[{}1]}}"#, "null,".repeat(10_000)),
    );
    // All lists together, lest a thousand paths make a thousand long lists.
    refused(
        r#"{"a":[],"b":[]}"#,
        r#"{"$set":{"a.6000":1,"b.6000":1}}"#,
        &["`b` has 0 items"],
    );
}

#[test]
fn nothing_nests_too_deep() {
    let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    for operator in ["$set", "$min", "$max"] {
        let update = |levels| format!(r#"{{"{operator}":{{"a.b":{}}}}}"#, nested(levels));
        assert!(apply_text("{}", &update(62)).is_ok());
    }
    // The update itself nests no deeper than a document, so these take a path.
    for (operator, most) in [("$set", 64), ("$push", 63), ("$addToSet", 63)] {
        for (levels, is_fine) in [(most - 10, true), (most - 9, false)] {
            let path = ["a"; 10].join(".");
            let update = format!(r#"{{"{operator}":{{"{path}":{}}}}}"#, nested(levels));
            match is_fine {
                true => {
                    let after = apply_text("{}", &update).unwrap();
                    document::parse("value_json", &after).unwrap();
                }
                false => refused("{}", &update, &["`a.a.a", "deeper than 64"]),
            }
        }
    }
    let document = format!(r#"{{"a":{}}}"#, nested(63));
    refused(
        &document,
        r#"{"$rename":{"a":"b.c"}}"#,
        &["`$rename` of `b.c`", "deeper than 64"],
    );
    assert!(apply_text(&document, r#"{"$rename":{"a":"b"}}"#).is_ok());
}
