//! What to do now, after a name that nobody knows.

use crate::text::near_or_known;

/// What MongoDB has under that name is done otherwise here, or the name is one of the known ones, nearly.
pub fn unknown(name: &str, known: &[&str]) -> String {
    let instead = instead(name).map(str::to_owned);
    let hint = instead.or_else(|| near_or_known(name, known));
    hint.unwrap_or_default()
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
