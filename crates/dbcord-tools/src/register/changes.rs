//! What registering would change.

use std::collections::BTreeMap;

use serde_json::Value;

/// Names of commands, by what becomes of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub added: Vec<String>,
    pub changed: Vec<String>,
    pub removed: Vec<String>,
}

impl Changes {
    pub fn between(before: &[Value], after: &[Value]) -> Changes {
        let name = |command: &Value| command["name"].as_str().unwrap_or_default().to_owned();
        let mut known: BTreeMap<String, &Value> = before
            .iter()
            .map(|command| (name(command), command))
            .collect();
        let mut changes = Changes::default();
        for command in after {
            match known.remove(&name(command)) {
                None => changes.added.push(name(command)),
                Some(old) if !is_same(old, command) => changes.changed.push(name(command)),
                Some(_) => {}
            }
        }
        changes.removed = known.into_keys().collect();
        changes
    }

    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

/// Whether Discord's command has everything that ours says. Discord adds fields of its own and
/// leaves out defaults, so only what we say counts, and saying the default is saying nothing.
fn is_same(theirs: &Value, ours: &Value) -> bool {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            ours.iter().all(|(field, ours)| {
                field == "version"
                    || match theirs.get(field) {
                        Some(theirs) => is_same(theirs, ours),
                        None => is_default(ours),
                    }
            }) && ["options", "choices"]
                .iter()
                .all(|field| ours.contains_key(*field) || theirs.get(*field).is_none_or(is_default))
        }
        (Value::Array(theirs), Value::Array(ours)) => {
            theirs.len() == ours.len() && theirs.iter().zip(ours).all(|(t, o)| is_same(t, o))
        }
        (theirs, ours) => theirs == ours || (is_default(theirs) && is_default(ours)),
    }
}

fn is_default(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_changed_is_told_apart() {
        let before = [
            json!({"id": "1", "name": "same", "description": "d", "nsfw": false, "options": [{"name": "a", "type": 3}]}),
            json!({"id": "2", "name": "gone", "description": "d"}),
            json!({"id": "3", "name": "other", "description": "old"}),
            json!({"id": "4", "name": "fewer", "description": "d", "options": [{"name": "a", "type": 3}]}),
        ];
        let after = [
            json!({"name": "same", "description": "d", "options": [{"name": "a", "type": 3, "required": false}], "version": "1"}),
            json!({"name": "other", "description": "new"}),
            json!({"name": "new", "description": "d"}),
            json!({"name": "fewer", "description": "d"}),
        ];
        let changes = Changes::between(&before, &after);
        assert_eq!(changes.added, ["new"]);
        assert_eq!(changes.changed, ["other", "fewer"]);
        assert_eq!(changes.removed, ["gone"]);
    }
}
