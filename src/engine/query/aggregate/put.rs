//! Changing one field of a row's text.

use super::Trouble;
use super::expression::{Name, Parts, append};
use crate::engine::query::json::{Json, Kind};

/// Appends an object with `value` at a path, or without what is there. Objects on the way are entered; what
/// is no object gives way to one. The field keeps its place, and a new one comes last.
pub(super) fn put(
    object: Option<Json<'_>>,
    path: &[Name],
    value: Option<&str>,
    out: &mut String,
) -> Result<bool, Trouble> {
    let Some((name, rest)) = path.split_first() else {
        return match value {
            Some(value) => append(value, out).map(|()| true),
            None => Ok(false),
        };
    };
    let mut parts = Parts::open('{', out);
    let mut is_there = false;
    let object = object.filter(|object| object.kind() == Kind::Object);
    for (known, field) in object.into_iter().flat_map(Json::fields) {
        let is_meant = known.eq_str(&name.plain);
        is_there |= is_meant;
        let known = format!("\"{}\":", known.raw());
        parts.field(&known, out, &mut |out| match is_meant {
            true => put(Some(field), rest, value, out),
            false => append(field.text(), out).map(|()| true),
        })?;
    }
    if !is_there {
        parts.field(&name.written, out, &mut |out| put(None, rest, value, out))?;
    }
    append("}", out)?;
    Ok(true)
}

/// What a path leads to through objects alone.
pub(super) fn within<'r>(row: Json<'r>, path: &[Name]) -> Option<Json<'r>> {
    path.iter()
        .try_fold(row, |value, name| value.get(&name.plain))
}
