//! JSON Merge Patch. <https://www.rfc-editor.org/rfc/rfc7396>

use serde_json::{Map, Value};

/// Applies a patch: `null` removes a field, an object is merged, anything else replaces. Fields keep
/// their place, and new ones come last in the patch's order.
pub fn apply(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    // All at once: taking out one moves all behind it.
    if patch.values().any(Value::is_null) {
        target.retain(|name, _| !matches!(patch.get(name), Some(Value::Null)));
    }
    for (name, change) in patch {
        match change {
            Value::Null => {}
            Value::Object(change) => {
                let field = target.entry(name.clone()).or_insert(Value::Null);
                if !field.is_object() {
                    *field = Value::Object(Map::new());
                }
                if let Value::Object(fields) = field {
                    apply(fields, change);
                }
            }
            other => {
                target.insert(name.clone(), other.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn merged(target: &Value, patch: &Value) -> Value {
        let (Value::Object(target), Value::Object(patch)) = (target, patch) else {
            panic!("not objects")
        };
        let mut target = target.clone();
        apply(&mut target, patch);
        Value::Object(target)
    }

    /// The cases of the RFC's appendix A whose target and patch are objects, as documents and
    /// patches here always are.
    #[test]
    fn the_cases_of_the_rfc() {
        for (target, patch, result) in [
            (json!({"a":"b"}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"b"}), json!({"b":"c"}), json!({"a":"b","b":"c"})),
            (json!({"a":"b"}), json!({"a":null}), json!({})),
            (
                json!({"a":"b","b":"c"}),
                json!({"a":null}),
                json!({"b":"c"}),
            ),
            (json!({"a":["b"]}), json!({"a":"c"}), json!({"a":"c"})),
            (json!({"a":"c"}), json!({"a":["b"]}), json!({"a":["b"]})),
            (
                json!({"a":{"b":"c"}}),
                json!({"a":{"b":"d","c":null}}),
                json!({"a":{"b":"d"}}),
            ),
            (json!({"a":[{"b":"c"}]}), json!({"a":[1]}), json!({"a":[1]})),
            (json!({"e":null}), json!({"a":1}), json!({"e":null,"a":1})),
            (
                json!({}),
                json!({"a":{"bb":{"ccc":null}}}),
                json!({"a":{"bb":{}}}),
            ),
        ] {
            assert_eq!(merged(&target, &patch), result, "{target} with {patch}");
        }
    }

    #[test]
    fn fields_keep_their_place() {
        let target = json!({"a":1,"b":2,"c":{"x":1,"y":2,"z":3},"d":4});
        let patch = json!({"f":6,"b":null,"c":{"w":0,"x":null},"a":{"n":null},"e":5});
        assert_eq!(
            merged(&target, &patch).to_string(),
            r#"{"a":{},"c":{"y":2,"z":3,"w":0},"d":4,"f":6,"e":5}"#
        );
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i8>().prop_map(Value::from),
            "[a-c]{0,2}".prop_map(Value::from),
        ];
        // Few names, so that patches meet what they change.
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                object(inner),
            ]
        })
    }

    fn object(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
        let fields = prop::collection::hash_map("[a-d]", inner, 0..4);
        fields.prop_map(|fields| Value::Object(fields.into_iter().collect()))
    }

    proptest! {
        #[test]
        fn others_agree(target in object(json()), patch in object(json())) {
            let mut expected = target.clone();
            json_patch::merge(&mut expected, &patch);
            prop_assert_eq!(merged(&target, &patch), expected);
        }

        #[test]
        fn what_stays_is_in_the_order_it_was(target in object(json()), patch in object(json())) {
            let names = |value: &Value| -> Vec<String> {
                value.as_object().unwrap().keys().cloned().collect()
            };
            let after = names(&merged(&target, &patch));
            let mut expected = names(&target);
            expected.retain(|name| patch.get(name) != Some(&Value::Null));
            let new = names(&patch).into_iter();
            let new = new.filter(|name| target.get(name).is_none() && patch[name] != Value::Null);
            expected.extend(new);
            prop_assert_eq!(after, expected);
        }
    }
}
