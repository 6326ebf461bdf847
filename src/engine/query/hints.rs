//! What to do now, after a name that nobody knows.

use crate::text::nearest;

/// The nearest of the known names, or all of them.
pub fn did_you_mean(name: &str, known: &[&str]) -> String {
    if let Some(instead) = instead(name) {
        return instead.to_owned();
    }
    let near = nearest(name, known.iter().copied());
    let quoted = |name: &dyn std::fmt::Display| format!("`{name}`");
    if near.is_empty() {
        let known: Vec<String> = known.iter().map(|name| quoted(name)).collect();
        format!("There are {}.", known.join(", "))
    } else {
        let near: Vec<String> = near.iter().map(|name| quoted(name)).collect();
        format!("Did you mean {}?", near.join(" or "))
    }
}

/// What to do instead of an operator or a stage that MongoDB has and dbcord does not.
fn instead(word: &str) -> Option<&'static str> {
    Some(match word {
        "$expr" | "$where" | "$function" => {
            "Fields are compared with values only: keep what you compare in a field of its own."
        }
        "$mod" | "$bitsAllSet" | "$bitsAnySet" | "$bitsAllClear" | "$bitsAnyClear" => {
            "Ask for the values themselves with `$in`, or keep what you ask for in a field of its own."
        }
        "$jsonSchema" => "`/dbc_schema_set` holds all rows of a table against a schema.",
        "$comment" => "Leave it out: comments are not kept.",
        "$like" => "Use `$contains`, `$prefix` or `$regex`.",
        "$setOnInsert" => "`/dbc_insert` with `mode:upsert` stores a whole document.",
        "$pushAll" | "$pullAll" => {
            "`$push` takes `{\"$each\":[…]}`, and `$pull` takes `{\"$in\":[…]}`."
        }
        "$addFields" | "$set" | "$replaceRoot" | "$replaceWith" | "$unset" => {
            "`$project` says which fields there are, and computes them."
        }
        "$sortByCount" | "$bucket" | "$bucketAuto" | "$facet" => {
            "`$group` with `$count` and then `$sort` counts what there is of each."
        }
        "$out" | "$merge" => {
            "A pipeline writes nothing: `/dbc_update_many` changes rows, `/dbc_transact` stores them."
        }
        "$unionWith" | "$graphLookup" => "`$lookup` joins with one table.",
        _ => return None,
    })
}
