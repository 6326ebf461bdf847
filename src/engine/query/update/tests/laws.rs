//! What holds for all documents and updates.

use super::super::*;
use super::NOW;
use crate::engine::document;
use crate::engine::query::order;
use proptest::prelude::*;
use serde_json::json;

/// Whether an update may change a field of the document, or something inside it.
fn touches(update: &Update, field: &str) -> bool {
    let mut paths = update.steps.iter().flat_map(Step::paths);
    paths.any(|path| path.as_str().split('.').next() == Some(field))
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i8>().prop_map(Value::from),
        prop::sample::select(vec![
            json!(i64::MIN),
            json!(i64::MAX),
            json!(u64::MAX),
            json!(0.0),
            json!(-0.0),
            json!(1.0),
            json!(1e308),
            json!(5e-324),
        ]),
        "[a-c]{0,2}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            object(inner),
        ]
    })
}

fn object(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    // Few names, so that updates meet what they change.
    let fields = prop::collection::vec(("[a-c]", inner), 0..4);
    fields.prop_map(|fields| Value::Object(fields.into_iter().collect()))
}

/// Mostly of sense, so that most of them are applied.
fn step() -> impl Strategy<Value = (String, String, Value)> {
    let path = prop_oneof![
        9 => "[a-c](\\.[a-c0-3]){0,3}",
        1 => "[a$.]{0,4}(\\[\\])?",
    ];
    let each = prop::collection::vec(json_value(), 0..3);
    let push =
        (each, -3..4_i64, -3..4_i64, any::<u8>()).prop_map(|(each, position, slice, which)| {
            let mut modifiers = json!({"$each":each});
            if which & 1 > 0 {
                modifiers["$position"] = json!(position);
            }
            if which & 2 > 0 {
                modifiers["$slice"] = json!(slice);
            }
            match which & 12 {
                4 => modifiers["$sort"] = json!(-1),
                8 => modifiers["$sort"] = json!({"a.b":1,"c":-1}),
                _ => {}
            }
            modifiers
        });
    let action = prop_oneof![
        (
            prop::sample::select(vec![
                "$set",
                "$unset",
                "$min",
                "$max",
                "$push",
                "$addToSet",
                "$pull"
            ]),
            json_value()
        ),
        (
            prop::sample::select(vec!["$inc", "$mul"]),
            (-4..5_i64).prop_map(Value::from)
        ),
        (Just("$inc"), json_value()),
        (
            Just("$rename"),
            "[a-c](\\.[a-c]){0,2}".prop_map(Value::from)
        ),
        (Just("$push"), push),
        (
            Just("$addToSet"),
            prop::collection::vec(json_value(), 0..4).prop_map(|each| json!({"$each":each}))
        ),
        (
            Just("$pop"),
            prop::sample::select(vec![json!(1), json!(-1)])
        ),
        (Just("$currentDate"), Just(json!(true))),
    ];
    (path, action).prop_map(|(path, (operator, operand))| (operator.to_owned(), path, operand))
}

fn update() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::vec(step(), 0..4).prop_map(|steps| {
        let mut update = Map::new();
        for (operator, path, operand) in steps {
            let paths = update.entry(operator).or_insert_with(|| json!({}));
            paths[path] = operand;
        }
        update
    })
}

fn fields_of(document: Value) -> Map<String, Value> {
    match document {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// One operator at `a` of a document that may have a value there.
fn at_a(before: Option<&Value>, operator: &str, operand: Value) -> Result<Option<Value>> {
    let mut document = Map::new();
    if let Some(value) = before {
        document.insert("a".to_owned(), value.clone());
    }
    let update = json!({operator:{"a":operand}});
    Update::parse("patch_json", update.as_object().unwrap())?.apply(&mut document, &NOW)?;
    Ok(document.shift_remove("a"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn all_or_nothing_and_said_so(document in object(json_value()), update in update()) {
        let before = fields_of(document);
        let text = document::to_text(&before);
        let mut after = before.clone();
        let Ok(update) = Update::parse("patch_json", &update) else {
            return Ok(());
        };
        let applied = update.apply(&mut after, &NOW);
        let text_after = document::to_text(&after);
        // What is stored can be read again, and is the same.
        let read = document::parse("value_json", &text_after).unwrap();
        prop_assert_eq!(document::to_text(&read), text_after.clone());
        match applied {
            Err(error) => {
                prop_assert_eq!(&text_after, &text);
                prop_assert_eq!(error.option, Some("patch_json"));
            }
            Ok(Applied::Unchanged) => prop_assert_eq!(&text_after, &text),
            Ok(Applied::Changed) => prop_assert_ne!(&text_after, &text),
        }
        // What is not touched stays as and where it was.
        let rest = |fields: &Map<String, Value>| {
            let rest = fields.iter().filter(|(name, _)| !touches(&update, name));
            document::to_text(&rest.map(|(name, value)| (name.clone(), value.clone())).collect())
        };
        prop_assert_eq!(rest(&before), rest(&after));
        let kept: Vec<&String> = before.keys().filter(|name| after.contains_key(*name)).collect();
        let order: Vec<&String> = after.keys().filter(|name| before.contains_key(*name)).collect();
        prop_assert_eq!(order, kept);
    }

    #[test]
    fn what_is_set_is_there(document in object(json_value()), path in "[a-c](\\.[a-c0-2]){0,3}", value in json_value()) {
        let mut fields = fields_of(document);
        let update = json!({"$set":{&path:value.clone()}});
        let update = Update::parse("patch_json", update.as_object().unwrap()).unwrap();
        if update.apply(&mut fields, &NOW).is_ok() {
            let pointer = format!("/{}", path.replace('.', "/"));
            let found = Value::Object(fields.clone()).pointer(&pointer).cloned();
            prop_assert!(found.is_some_and(|found| identical(&found, &value)));
            prop_assert_eq!(update.apply(&mut fields, &NOW), Ok(Applied::Unchanged));
        }
    }

    #[test]
    fn pushing_is_inserting_sorting_and_slicing(
        items in prop::collection::vec(-9..10_i64, 0..6),
        each in prop::collection::vec(-9..10_i64, 0..4),
        position in prop::option::of(-8..9_i64),
        slice in prop::option::of(-8..9_i64),
        sort in prop::option::of(prop::bool::ANY),
    ) {
        let mut expected: Vec<i64> = items.clone();
        let length = i64::try_from(items.len()).unwrap();
        let at = match position {
            None => length,
            Some(at) if at < 0 => (length + at).max(0),
            Some(at) => at.min(length),
        };
        for value in each.iter().rev() {
            expected.insert(usize::try_from(at).unwrap(), *value);
        }
        match sort {
            Some(true) => expected.sort_unstable(),
            Some(false) => expected.sort_unstable_by(|a, b| b.cmp(a)),
            None => {}
        }
        if let Some(slice) = slice {
            let many = usize::try_from(slice.abs()).unwrap().min(expected.len());
            if slice < 0 {
                expected = expected[expected.len() - many..].to_vec();
            } else {
                expected.truncate(many);
            }
        }
        let mut operand = json!({"$each":each});
        if let Some(position) = position {
            operand["$position"] = json!(position);
        }
        if let Some(slice) = slice {
            operand["$slice"] = json!(slice);
        }
        if let Some(is_ascending) = sort {
            operand["$sort"] = json!(if is_ascending { 1 } else { -1 });
        }
        prop_assert_eq!(at_a(Some(&json!(items)), "$push", operand), Ok(Some(json!(expected))));
    }

    #[test]
    fn a_set_takes_each_value_once(
        items in prop::collection::vec(json_value(), 0..5),
        each in prop::collection::vec(json_value(), 0..5),
    ) {
        let mut expected = items.clone();
        for value in &each {
            if !expected.iter().any(|item| order::compare(item, value).is_eq()) {
                expected.push(value.clone());
            }
        }
        let at_once = at_a(Some(&json!(items)), "$addToSet", json!({"$each":each}));
        prop_assert_eq!(at_once, Ok(Some(json!(expected))));
    }

    #[test]
    fn the_least_and_the_greatest_of_any_two(a in json_value(), b in json_value()) {
        let is_less = order::compare(&b, &a).is_lt();
        let least = at_a(Some(&a), "$min", b.clone()).unwrap().unwrap();
        let expected = if is_less { &b } else { &a };
        prop_assert!(identical(&least, expected));
        let is_greater = order::compare(&b, &a).is_gt();
        let greatest = at_a(Some(&a), "$max", b.clone()).unwrap().unwrap();
        let expected = if is_greater { &b } else { &a };
        prop_assert!(identical(&greatest, expected));
    }

    #[test]
    fn counts_add_up_in_any_order(start in any::<i32>(), mut by in prop::collection::vec(any::<i32>(), 0..9)) {
        let expected = by.iter().fold(i64::from(start), |sum, by| sum + i64::from(*by));
        for _ in 0..2 {
            let mut value = json!(start);
            for by in &by {
                value = at_a(Some(&value), "$inc", json!(by)).unwrap().unwrap();
            }
            prop_assert_eq!(value, json!(expected));
            by.reverse();
        }
    }
}
