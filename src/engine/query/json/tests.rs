use super::*;
use proptest::prelude::*;

/// Any JSON, with names and values that come again, and with what is read by special rules.
pub(in crate::engine) fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number().prop_map(Value::from),
        "[ab\"\\\\\u{0}\u{1}\n/é\u{1f600}]{0,3}".prop_map(Value::from),
        "[a-z \"\\\\]{0,40}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec(("[ab.\"\\\\0-2\u{0}]{0,2}", inner), 0..5)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Numbers where the three kinds meet, and any others.
pub(in crate::engine::query) fn number() -> impl Strategy<Value = serde_json::Number> {
    let edges = prop_oneof![
        Just(0i128),
        Just(1 << 53),
        Just(1 << 62),
        Just(1 << 63),
        Just(1 << 64)
    ];
    let near = (edges, -3i128..=3, any::<bool>(), any::<bool>());
    let near = near.prop_map(|(edge, by, is_negative, is_float)| {
        let near = (edge + by) * if is_negative { -1 } else { 1 };
        let whole = i64::try_from(near)
            .map(serde_json::Number::from)
            .or_else(|_| u64::try_from(near).map(serde_json::Number::from));
        match whole {
            Ok(whole) if !is_float => whole,
            _ => serde_json::Number::from_f64(near as f64).unwrap(),
        }
    });
    let half = (-6i32..6).prop_map(|half| f64::from(half) / 2.0);
    let float = any::<f64>().prop_filter("finite", |float| float.is_finite());
    prop_oneof![
        near,
        (-3i64..4).prop_map(serde_json::Number::from),
        any::<i64>().prop_map(serde_json::Number::from),
        any::<u64>().prop_map(serde_json::Number::from),
        prop_oneof![half, Just(-0.0), float]
            .prop_map(|float| serde_json::Number::from_f64(float).unwrap()),
    ]
}

fn all_strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(all_strings).collect(),
        Value::Object(fields) => fields.values().flat_map(all_strings).collect(),
        _ => Vec::new(),
    }
}

/// Calls everything there is to call, and so on with what comes back.
fn walk(json: Json<'_>, levels: usize) {
    let _ = (json.kind(), json.text(), json.as_number(), json.as_bool());
    let _ = (json.as_str(), json.get("a"), json.get("\""), json.at(1));
    if let Some(string) = json.as_string() {
        assert_eq!(string.decode(), string.chars().collect::<String>());
    }
    json.strings().for_each(drop);
    if let Some(levels) = levels.checked_sub(1) {
        json.items().for_each(|item| walk(item, levels));
        json.fields().for_each(|(_, value)| walk(value, levels));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_serde_json_wrote_is_read(value in json()) {
        let text = value.to_string();
        let json = Json::new(&text);
        prop_assert_eq!(json.to_value(), value.clone());
        prop_assert_eq!(json.text(), &text);
        walk(json, 6);
        let strings: Vec<_> = json.strings().map(|string| string.decode().into_owned()).collect();
        prop_assert_eq!(strings, all_strings(&value));
        if let Value::Object(fields) = &value {
            for (name, field) in fields {
                let found = json.get(name).map(Json::to_value);
                prop_assert_eq!(found.as_ref(), Some(field));
            }
            for other in ["no such", "a\\", "a\"", "\"", "\\", ""] {
                prop_assert_eq!(json.get(other).is_some(), fields.contains_key(other));
            }
        }
        if let Value::Array(items) = &value {
            for (index, item) in items.iter().enumerate() {
                let found = json.at(index).map(Json::to_value);
                prop_assert_eq!(found.as_ref(), Some(item));
            }
            prop_assert!(json.at(items.len()).is_none());
        }
    }

    /// Others escape more than serde_json does.
    #[test]
    fn every_way_to_write_a_string_is_read(text in any::<String>(), mask in any::<u64>()) {
        let mut written = String::from("\"");
        for (at, c) in text.chars().enumerate() {
            if mask >> (at % 64) & 1 == 1 || c < ' ' || c == '"' || c == '\\' {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    written += &format!("\\u{unit:04X}");
                }
            } else {
                written.push(c);
            }
        }
        written += "\"";
        let string = Json::new(&written).as_string().unwrap();
        prop_assert_eq!(string.decode(), text.as_str());
        prop_assert!(string.eq_str(&text));
        prop_assert_eq!(string.cmp_str(&text), Ordering::Equal);
        prop_assert!(string.starts_with(&text));
        let longer = text + "x";
        prop_assert!(!string.starts_with(&longer));
        prop_assert!(string.cmp_str(&longer).is_lt());
    }

    #[test]
    fn no_text_makes_it_panic_or_go_on_for_ever(text in any::<String>()) {
        walk(Json::new(&text), 4);
        let _ = Json::new(&text).to_value();
    }

    #[test]
    fn no_json_like_text_makes_it_panic_or_go_on_for_ever(text in "[\\[\\]{}\",:\\\\a1eutfn ü-]{0,40}") {
        walk(Json::new(&text), 4);
        let _ = Json::new(&text).to_value();
    }
}

#[test]
fn what_nests_too_deep_ends() {
    for text in ["[".repeat(100_000), "{\"a\":".repeat(100_000)] {
        walk(Json::new(&text), 2);
        let _ = Json::new(&text).to_value();
    }
}

#[test]
fn what_follows_a_value_is_not_part_of_it() {
    let text = r#"{"a":"x","b":[1,{"c":2}],"d":-1.5e3,"e":true}"#;
    let parts: Vec<_> = Json::new(text)
        .fields()
        .map(|(_, value)| value.text())
        .collect();
    assert_eq!(parts, ["\"x\"", "[1,{\"c\":2}]", "-1.5e3", "true"]);
}
