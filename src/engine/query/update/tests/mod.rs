//! The operators together: examples after MongoDB's manual.

mod laws;
mod refusals;

use super::*;
use crate::engine::document;
use serde_json::json;

/// 2025-11-20T09:48:24.123Z
const NOW: Now = Now(1_763_632_104_123);

/// Applies an update to a document, both as JSON text; the new document's text.
fn apply_text(document: &str, update: &str) -> Result<String> {
    let mut fields = document::parse("document", document)?;
    let update = document::parse("update", update)?;
    Update::parse("update", &update)?.apply(&mut fields, &NOW)?;
    Ok(document::to_text(&fields))
}

#[track_caller]
fn becomes(document: &str, update: &str, expected: &str) {
    let after = apply_text(document, update);
    let after = after.unwrap_or_else(|error| panic!("{update} of {document}: {error}"));
    assert_eq!(after, expected, "{update} of {document}");
}

#[track_caller]
fn refused(document: &str, update: &str, words: &[&str]) {
    let told = apply_text(document, update).map_err(|error| error.to_string());
    let told = told.expect_err(update);
    for word in words {
        assert!(told.contains(word), "{word:?} is not in: {told}");
    }
}

#[test]
fn fields_are_set_and_unset() {
    becomes(
        "{}",
        r#"{"$set":{"b":1,"a":{"x":null}}}"#,
        r#"{"b":1,"a":{"x":null}}"#,
    );
    becomes(
        r#"{"a":1,"b":2}"#,
        r#"{"$set":{"a":[3]}}"#,
        r#"{"a":[3],"b":2}"#,
    );
    becomes(
        "{}",
        r#"{"$set":{"a.b.c":1,"a.d":2}}"#,
        r#"{"a":{"b":{"c":1},"d":2}}"#,
    );
    // What is missing becomes an object, whatever the names look like.
    becomes("{}", r#"{"$set":{"a.0":1}}"#, r#"{"a":{"0":1}}"#);
    becomes(
        r#"{"a":{"0":1}}"#,
        r#"{"$set":{"a.01":2}}"#,
        r#"{"a":{"0":1,"01":2}}"#,
    );
    becomes(
        r#"{"a":[1,2]}"#,
        r#"{"$set":{"a.1":"x"}}"#,
        r#"{"a":[1,"x"]}"#,
    );
    becomes(
        r#"{"a":[1]}"#,
        r#"{"$set":{"a.3":4}}"#,
        r#"{"a":[1,null,null,4]}"#,
    );
    becomes(
        r#"{"a":[]}"#,
        r#"{"$set":{"a.1.b":4}}"#,
        r#"{"a":[null,{"b":4}]}"#,
    );
    becomes(
        r#"{"a":[{"b":[1,2]}]}"#,
        r#"{"$set":{"a.0.b.1":3}}"#,
        r#"{"a":[{"b":[1,3]}]}"#,
    );
    becomes(
        r#"{"a":1,"b":2,"c":3}"#,
        r#"{"$unset":{"b":""}}"#,
        r#"{"a":1,"c":3}"#,
    );
    becomes(
        r#"{"a":{"b":1,"c":2}}"#,
        r#"{"$unset":{"a.b":1}}"#,
        r#"{"a":{"c":2}}"#,
    );
    // No other item of a list moves.
    becomes(
        r#"{"a":[1,2,3]}"#,
        r#"{"$unset":{"a.1":1}}"#,
        r#"{"a":[1,null,3]}"#,
    );
    for nowhere in ["x", "x.y", "a.b.c", "l.x", "l.9", "l.0.x"] {
        let document = r#"{"a":{"b":1},"l":[1]}"#;
        becomes(
            document,
            &format!(r#"{{"$unset":{{"{nowhere}":1}}}}"#),
            document,
        );
    }
    becomes(r#"{"a":1}"#, r#"{"$set":{}}"#, r#"{"a":1}"#);
}

#[test]
fn numbers_are_added_and_multiplied() {
    becomes(
        r#"{"n":1,"f":1.5,"big":9007199254740993}"#,
        r#"{"$inc":{"n":-3,"f":1,"big":2,"new.n":7,"half":0.5}}"#,
        r#"{"n":-2,"f":2.5,"big":9007199254740995,"new":{"n":7},"half":0.5}"#,
    );
    becomes(
        r#"{"n":3,"f":3}"#,
        r#"{"$mul":{"n":-2,"f":0.5,"new":5,"half":-1.5}}"#,
        r#"{"n":-6,"f":1.5,"new":0,"half":0.0}"#,
    );
    becomes(r#"{"a":[1,2]}"#, r#"{"$inc":{"a.1":1}}"#, r#"{"a":[1,3]}"#);
    becomes(
        r#"{"n":18446744073709551614}"#,
        r#"{"$inc":{"n":1}}"#,
        r#"{"n":18446744073709551615}"#,
    );
    for (document, update, words) in [
        (
            r#"{"n":18446744073709551615}"#,
            r#"{"$inc":{"n":1}}"#,
            vec![
                "`$inc` of `n`",
                "18446744073709551615",
                "with 1",
                "out of range",
                "Whole numbers go",
            ],
        ),
        (
            r#"{"n":-9223372036854775808}"#,
            r#"{"$mul":{"n":9}}"#,
            vec!["`$mul` of `n`", "out of range"],
        ),
        (
            r#"{"n":1e308}"#,
            r#"{"$mul":{"n":10}}"#,
            vec!["1e+308", "with 10", "out of range"],
        ),
        (
            r#"{"a":{"n":"5"}}"#,
            r#"{"$inc":{"a.n":1}}"#,
            vec![
                "Option `update`",
                "`$inc` of `a.n`",
                "a string",
                "`\"5\"`",
                "takes a number",
                "`$set`",
            ],
        ),
        (
            r#"{"n":null}"#,
            r#"{"$inc":{"n":1}}"#,
            vec!["in the row is null"],
        ),
        (r#"{"n":[1,2]}"#, r#"{"$mul":{"n":1}}"#, vec!["a list of 2"]),
        (
            "{}",
            r#"{"$inc":{"n":"1"}}"#,
            vec!["`$inc` of `n`", "takes a number", "`\"1\"`"],
        ),
        (
            "{}",
            r#"{"$mul":{"n":null}}"#,
            vec!["`$mul` of `n`", "takes a number", "null"],
        ),
    ] {
        refused(document, update, &words);
    }
}

#[test]
fn the_lesser_or_greater_stays() {
    let document = r#"{"a":5,"b":5,"c":"x","d":null,"e":5}"#;
    becomes(
        document,
        r#"{"$min":{"a":4,"b":6,"c":7,"d":0,"e":5.0,"f":1}}"#,
        r#"{"a":4,"b":5,"c":7,"d":null,"e":5,"f":1}"#,
    );
    becomes(
        document,
        r#"{"$max":{"a":4,"b":6,"c":7,"d":0,"e":5.0,"f.g":[]}}"#,
        r#"{"a":5,"b":6,"c":"x","d":0,"e":5,"f":{"g":[]}}"#,
    );
}

#[test]
fn fields_are_renamed() {
    becomes(
        r#"{"a":1,"b":2}"#,
        r#"{"$rename":{"a":"c"}}"#,
        r#"{"b":2,"c":1}"#,
    );
    becomes(
        r#"{"a":1,"b":2,"c":3}"#,
        r#"{"$rename":{"a":"c"}}"#,
        r#"{"b":2,"c":1}"#,
    );
    becomes(
        r#"{"a":{"b":null}}"#,
        r#"{"$rename":{"a.b":"c.d"}}"#,
        r#"{"a":{},"c":{"d":null}}"#,
    );
    for missing in ["x", "a.x", "x.y"] {
        let update = format!(r#"{{"$rename":{{"{missing}":"c"}}}}"#);
        becomes(r#"{"a":{},"c":1}"#, &update, r#"{"a":{},"c":1}"#);
    }
    let document = r#"{"a":[{"b":1}],"s":1,"o":{}}"#;
    for (from, to, words) in [
        (
            "a.0.b",
            "c",
            ["`$rename` of `a.0.b`", "`a.0.b` lies in a list"],
        ),
        ("s", "a.0.c", ["`$rename` of `s`", "`a.0.c` lies in a list"]),
        ("s.x", "c", ["`s` is a number", "no `x`"]),
        ("o", "s.x", ["`s` is a number", "no `x`"]),
        ("s", "s", ["`s` twice", "`$rename`"]),
        ("o", "o.x", ["`o`", "`o.x`"]),
        ("o.x", "o", ["`o`", "`o.x`"]),
        ("s", "", ["`$rename` of ", "no empty parts"]),
    ] {
        refused(
            document,
            &format!(r#"{{"$rename":{{"{from}":"{to}"}}}}"#),
            &words,
        );
    }
    refused(
        "{}",
        r#"{"$rename":{"a":1}}"#,
        &["`$rename` of `a`", "the new path, a string"],
    );
}

#[test]
fn lists_grow() {
    becomes("{}", r#"{"$push":{"a.b":1}}"#, r#"{"a":{"b":[1]}}"#);
    becomes(
        r#"{"a":[1]}"#,
        r#"{"$push":{"a":[2,3]}}"#,
        r#"{"a":[1,[2,3]]}"#,
    );
    becomes(
        r#"{"a":[1]}"#,
        r#"{"$push":{"a":{"each":1}}}"#,
        r#"{"a":[1,{"each":1}]}"#,
    );
    becomes("{}", r#"{"$push":{"a":{"$each":[]}}}"#, r#"{"a":[]}"#);
    for (modifiers, expected) in [
        (r#""$each":[8,9]"#, "[3,1,2,8,9]"),
        (r#""$each":[8,9],"$position":0"#, "[8,9,3,1,2]"),
        (r#""$each":[8,9],"$position":1.0"#, "[3,8,9,1,2]"),
        (r#""$each":[8,9],"$position":99"#, "[3,1,2,8,9]"),
        (r#""$each":[8,9],"$position":-1"#, "[3,1,8,9,2]"),
        (r#""$each":[8,9],"$position":-99"#, "[8,9,3,1,2]"),
        (
            r#""$each":[8,9],"$position":-9223372036854775808"#,
            "[8,9,3,1,2]",
        ),
        (r#""$each":[8,9],"$slice":2"#, "[3,1]"),
        (r#""$each":[8,9],"$slice":-2"#, "[8,9]"),
        (r#""$each":[8,9],"$slice":0"#, "[]"),
        (r#""$each":[8,9],"$slice":-99"#, "[3,1,2,8,9]"),
        (r#""$each":[0],"$sort":1"#, "[0,1,2,3]"),
        (r#""$each":["x",null],"$sort":-1"#, r#"["x",3,2,1,null]"#),
        (
            r#""$slice":-3,"$sort":1,"$each":[9,0],"$position":0"#,
            "[2,3,9]",
        ),
        (r#""$each":[],"$sort":1"#, "[1,2,3]"),
    ] {
        becomes(
            r#"{"a":[3,1,2]}"#,
            &format!(r#"{{"$push":{{"a":{{{modifiers}}}}}}}"#),
            &format!(r#"{{"a":{expected}}}"#),
        );
    }
    // Items that are equal keep their order; what has no such field counts as null.
    becomes(
        r#"{"a":[{"n":{"x":2},"i":0},{"n":{"x":1},"i":1},7,{"n":{"x":1.0},"i":3},{"n":[5]}]}"#,
        r#"{"$push":{"a":{"$each":[{"i":4}],"$sort":{"n.x":-1,"z":1}}}}"#,
        r#"{"a":[{"n":[5]},{"n":{"x":2},"i":0},{"n":{"x":1},"i":1},{"n":{"x":1.0},"i":3},7,{"i":4}]}"#,
    );
    becomes(
        r#"{"a":[1,{"x":1}]}"#,
        r#"{"$addToSet":{"a":1.0}}"#,
        r#"{"a":[1,{"x":1}]}"#,
    );
    becomes(
        r#"{"a":[1,1,{"x":1,"y":2}]}"#,
        r#"{"$addToSet":{"a":{"$each":[3,{"y":2,"x":1},1,3.0,{"x":1.0,"y":2},2]},"b":{"$each":[]}}}"#,
        r#"{"a":[1,1,{"x":1,"y":2},3,{"y":2,"x":1},2],"b":[]}"#,
    );
}

#[test]
fn lists_shrink() {
    becomes(
        r#"{"a":[1,2,1.0,"1",[1]]}"#,
        r#"{"$pull":{"a":1}}"#,
        r#"{"a":[2,"1",[1]]}"#,
    );
    becomes(
        r#"{"a":[[1],1,[1,2]]}"#,
        r#"{"$pull":{"a":[1]}}"#,
        r#"{"a":[1,[1,2]]}"#,
    );
    becomes(r#"{"a":[1,2,3]}"#, r#"{"$pop":{"a":1}}"#, r#"{"a":[1,2]}"#);
    becomes(
        r#"{"a":[1,2,3]}"#,
        r#"{"$pop":{"a":-1.0}}"#,
        r#"{"a":[2,3]}"#,
    );
    becomes(
        r#"{"a":[],"s":1}"#,
        r#"{"$pop":{"a":-1,"b":1,"s.x":1}}"#,
        r#"{"a":[],"s":1}"#,
    );
    becomes(r#"{"a":1}"#, r#"{"$pull":{"b":1,"a.x":1}}"#, r#"{"a":1}"#);
    for operator in ["$push", "$addToSet", "$pull", "$pop"] {
        let update = format!(r#"{{"{operator}":{{"a.s":1}}}}"#);
        let named = format!("`{operator}` of `a.s`");
        refused(
            r#"{"a":{"s":"x"}}"#,
            &update,
            &[&named, "a string", "`\"x\"`", "takes a list"],
        );
    }
}

#[test]
fn the_time_is_that_of_the_commit() {
    becomes(
        r#"{"a":1}"#,
        r#"{"$currentDate":{"a":true,"b.c":{"$type":"date"}}}"#,
        r#"{"a":"2025-11-20T09:48:24.123Z","b":{"c":"2025-11-20T09:48:24.123Z"}}"#,
    );
    for operand in [
        "false",
        "1",
        "{}",
        r#"{"$type":"timestamp"}"#,
        r#"{"$type":"date","x":1}"#,
    ] {
        let update = format!(r#"{{"$currentDate":{{"a":{operand}}}}}"#);
        refused("{}", &update, &["`$currentDate` of `a`", "`true`"]);
    }
}

#[test]
fn only_what_would_be_stored_otherwise_is_a_change() {
    for (document, update, expected) in [
        (json!({"a":1}), json!({"$set":{"a":1}}), Applied::Unchanged),
        (json!({"a":1}), json!({"$set":{"a":1.0}}), Applied::Changed),
        (
            json!({"a":0.0}),
            json!({"$set":{"a":-0.0}}),
            Applied::Changed,
        ),
        (
            json!({"a":{"x":1,"y":2}}),
            json!({"$set":{"a":{"y":2,"x":1}}}),
            Applied::Changed,
        ),
        (
            json!({"a":[{"x":1}]}),
            json!({"$set":{"a.0.x":1}}),
            Applied::Unchanged,
        ),
        (json!({"a":1}), json!({"$inc":{"a":0}}), Applied::Unchanged),
        (json!({}), json!({"$set":{"a":null}}), Applied::Changed),
        (
            json!({}),
            json!({"$push":{"a":{"$each":[]}}}),
            Applied::Changed,
        ),
        (
            json!({"a":[2,1]}),
            json!({"$push":{"a":{"$each":[3],"$slice":2}}}),
            Applied::Unchanged,
        ),
        (json!({"a":[]}), json!({"$pop":{"a":1}}), Applied::Unchanged),
        (
            json!({"a":[null]}),
            json!({"$unset":{"a.0":1}}),
            Applied::Unchanged,
        ),
        (
            json!({"a":null}),
            json!({"$unset":{"a":1}}),
            Applied::Changed,
        ),
        (json!({"a":1}), json!({}), Applied::Unchanged),
    ] {
        let mut fields = document.as_object().unwrap().clone();
        let told = Update::parse("patch_json", update.as_object().unwrap()).unwrap();
        let applied = told.apply(&mut fields, &NOW).unwrap();
        assert_eq!(applied, expected, "{update} of {document}");
        let (before, after) = (document.to_string(), document::to_text(&fields));
        let is_same = before == after;
        assert_eq!(
            is_same,
            expected == Applied::Unchanged,
            "{update} of {document}"
        );
    }
}

#[test]
fn operators_do_not_mix_with_fields() {
    let is = |patch: Value| is_update("patch_json", patch.as_object().unwrap());
    assert_eq!(is(json!({})), Ok(false));
    assert_eq!(is(json!({"a":{"$inc":1}})), Ok(false));
    assert_eq!(is(json!({"$inc":{},"$x":1})), Ok(true));
    let told = is(json!({"role":"x","$inc":{"n":1}}))
        .unwrap_err()
        .to_string();
    for word in [
        "`patch_json`",
        "`$inc`",
        "`role`",
        r#"{"$set":{"role":…},"$inc":…}"#,
    ] {
        assert!(told.contains(word), "{told}");
    }
}

#[test]
fn items_are_pulled_by_conditions() {
    let pulled = |document: Value, condition: Value| {
        let update = json!({"$pull":{"a":condition}});
        let update = Update::parse("patch_json", update.as_object().unwrap()).unwrap();
        let Value::Object(mut fields) = document else {
            panic!("not an object")
        };
        let applied = update.apply(&mut fields, &NOW).unwrap();
        (document::to_text(&fields), applied)
    };
    assert_eq!(
        pulled(json!({"a":[1,5,3,7]}), json!({"$lt":5})),
        (r#"{"a":[5,7]}"#.to_owned(), Applied::Changed)
    );
    assert_eq!(
        pulled(json!({"a":[{"x":1,"y":2},{"x":2},1]}), json!({"x":1})),
        (r#"{"a":[{"x":2},1]}"#.to_owned(), Applied::Changed)
    );
    assert_eq!(
        pulled(json!({"a":[5]}), json!({"$lt":5})),
        (r#"{"a":[5]}"#.to_owned(), Applied::Unchanged)
    );
}
