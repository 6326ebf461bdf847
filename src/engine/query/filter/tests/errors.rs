use serde_json::{Value, json};

use super::super::*;

#[test]
fn errors_say_where_and_what_and_what_to_do() {
    for (query, place, hint) in [
        (
            json!({"a": {"$gtt": 1}}),
            "`a.$gtt` is no operator",
            "`$gt`",
        ),
        (
            json!({"$or": [{"b": 1}, {"a": {"$elsewhere": 1}}]}),
            "`$or[1].a.$elsewhere`",
            "There are `$eq`",
        ),
        (
            json!({"$gt": 1}),
            "`$gt` is no operator that can stand here",
            "below a field",
        ),
        (json!({"$adn": []}), "`$adn`", "`$and`"),
        (json!({"a": {"$or": []}}), "`a.$or`", "beside fields"),
        (
            json!({"$and": {}}),
            "`$and` takes a list of conditions, not an object",
            "[{",
        ),
        (json!({"$nor": []}), "at least one", ""),
        (json!({"$or": [1]}), "`$or[0]` is a condition", ""),
        (
            json!({"a": {"$in": 1}}),
            "`a.$in` takes a list of values, not a number",
            "[1,2,3]",
        ),
        (json!({"a": {"$in": [{"$gt": 1}]}}), "`$gt`", ""),
        (
            json!({"a": {"$in": vec![0; OPERAND_VALUES + 1]}}),
            "at most 1000 values",
            "",
        ),
        (
            json!({"a": {"$exists": 1}}),
            "true or false, not a number",
            "",
        ),
        (
            json!({"a": {"$size": -1}}),
            "whole number from 0, not `-1`",
            "",
        ),
        (json!({"a": {"$size": 1.5}}), "not `1.5`", ""),
        (json!({"a": {"$size": 1e300}}), "whole number", ""),
        (
            json!({"a": {"$type": "strin"}}),
            "no type `strin`",
            "`string`",
        ),
        (json!({"a": {"$type": 2}}), "the name of a type", ""),
        (json!({"a": {"$type": []}}), "the name of a type", ""),
        (json!({"a": {"$regex": "("}}), "is no pattern", ""),
        (
            json!({"a": {"$regex": "a(?=b)"}}),
            "is no pattern",
            "look ahead",
        ),
        (
            json!({"a": {"$regex": "a", "$options": "g"}}),
            "no option `g`",
            "`i`",
        ),
        (
            json!({"a": {"$regex": "a", "$options": 1}}),
            "not a string",
            "",
        ),
        (json!({"a": {"$options": "i"}}), "there is none", ""),
        (
            json!({"a": {"$regex": "a".repeat(1_001)}}),
            "at most 1000 bytes",
            "",
        ),
        (
            json!({"a": {"$regex": "(((a{1,99}){1,99}){1,99}){1,99}"}}),
            "is no pattern",
            "",
        ),
        (json!({"a": {"$prefix": 1}}), "a string, not a number", ""),
        (json!({"a": {"$not": 1}}), "at least one operator", "`$ne`"),
        (json!({"a": {"$not": {}}}), "at least one operator", ""),
        (
            json!({"a": {"$not": {"b": 1}}}),
            "at least one operator",
            "",
        ),
        (
            json!({"a": {"$gt": 1, "b": 2}}),
            "`a` mixes operators and fields, like `b`",
            "dots",
        ),
        (json!({"a": {"$eq": {"$x": 1}}}), "`$x`", ""),
        (json!({"a": {"$all": 1}}), "a list of values", ""),
        (
            json!({"a": {"$all": [1, {"$elemMatch": {}}]}}),
            "in every place",
            "",
        ),
        (
            json!({"a": {"$all": [{"$elemMatch": {}, "$gt": 1}]}}),
            "`a.$all[0]`",
            "",
        ),
        (
            json!({"a": {"$elemMatch": [1]}}),
            "an object, not a list",
            "",
        ),
        (
            json!({"a": {"$elemMatch": {"$text": "x"}}}),
            "not at items",
            "",
        ),
        (json!({"a..b": 1}), "`a..b` is no path", ""),
        (json!({"": 1}), "is no path", ""),
        (json!({"$text": "-a"}), "needs a word", ""),
        (
            json!({"$text": {"$search": "a", "$language": "de"}}),
            "one field",
            "",
        ),
        (json!({"$text": 1}), "takes the words", ""),
        (
            json!({"$text": (0..33).map(|n| format!("\"a{n}\" ")).collect::<String>()}),
            "at most 32 phrases",
            "",
        ),
    ] {
        let error = Filter::new("where_json", query.as_object().unwrap().clone()).unwrap_err();
        assert_eq!(error.option, Some("where_json"));
        assert!(error.message.contains(place), "{query}: {error}");
        let given = error.hint.clone().unwrap_or_default();
        assert!(given.contains(hint), "{query}: {error}");
    }
}

#[test]
fn too_much_is_refused() {
    let many: Vec<Value> = (0..FILTER_OPERATORS).map(|n| json!({"a": n})).collect();
    let error = Filter::new(
        "where_json",
        json!({"$or": many}).as_object().unwrap().clone(),
    );
    assert!(
        error
            .unwrap_err()
            .message
            .contains("at most 1000 conditions")
    );
    for wrap in [
        |inner: Value| json!({"$and": [inner]}),
        |inner| json!({"a": {"$elemMatch": inner}}),
    ] {
        let mut query = json!({"a": 1});
        for _ in 0..FILTER_NESTING {
            query = wrap(query);
        }
        assert!(Filter::new("where_json", query.as_object().unwrap().clone()).is_ok());
        let error = Filter::new("where_json", wrap(query).as_object().unwrap().clone());
        assert!(error.unwrap_err().message.contains("deeper than 32"));
    }
}
