//! Where an operator acts: names and list indexes, joined by dots. Unlike a query's paths, these name
//! one place, so lists are not looked through; an index stands for itself.

use serde_json::{Map, Value};

use super::wrong;
use crate::engine::document;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::DOCUMENT_DEPTH;
use crate::text::inline;

/// So many places of lists at most does one update fill with null, because it sets an item beyond the
/// end. MongoDB allows 1,500,000 an item; here the row has to fit a message or a file.
pub const PADDING: usize = 10_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path(String);

/// Why a path leads nowhere in a document.
pub(super) enum Blocked {
    /// What stands at the first so many parts has no inside.
    Scalar { parts: usize, found: String },
    /// At the first so many parts is a list, and the part after them is no index.
    NoIndex { parts: usize },
    /// An index is too far beyond the end of its list.
    TooFar { parts: usize, items: usize },
}

/// A value that a path leads to.
pub(super) struct Place<'a> {
    pub value: &'a mut Value,
    /// Nothing was there before; null is now.
    pub is_new: bool,
}

impl Path {
    pub fn parse(option: &'static str, operator: &str, text: &str) -> Result<Path> {
        let refused = |why: &str| wrong(option, operator, text, why);
        if text.split('.').any(str::is_empty) {
            return Err(refused("a path has no empty parts.").hint(
                "Parts are separated by one dot, as in `address.city`. A field whose name has dots in it, or none at all, can only be changed by storing the row as a whole.",
            ));
        }
        if let Some(part) = text.split('.').find(|part| is_positional(part)) {
            return Err(refused(&format!(
                "the positional `{}` is not supported.",
                inline(part)
            ))
            .hint("Name the item by its index, counted from 0, as in `grades.0.mean`."));
        }
        if let Some(part) = text.split('.').find(|part| part.starts_with('$')) {
            return Err(refused(&format!(
                "`{}` begins with `$`, which no part of a path does.",
                inline(part)
            ))
            .hint("Operators stand at the top of the patch, as in `{\"$inc\":{\"n\":1}}`."));
        }
        let path = Path(text.to_owned());
        path.check_levels(option, operator, 0)?;
        Ok(path)
    }

    /// Refuses to put something there that nests so many levels itself.
    pub fn check_levels(&self, option: &'static str, operator: &str, levels: usize) -> Result<()> {
        if self.parts().len() + levels <= DOCUMENT_DEPTH {
            return Ok(());
        }
        let why = format!("the row would nest deeper than {DOCUMENT_DEPTH} levels.");
        Err(Error {
            kind: ErrorKind::TooLarge,
            ..wrong(option, operator, &self.0, &why)
        })
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn parts(&self) -> Vec<&str> {
        self.0.split('.').collect()
    }

    /// The value there, or none.
    pub fn find<'a>(&self, root: &'a mut Value) -> Result<Option<&'a mut Value>, Blocked> {
        find(root, &self.parts())
    }

    /// The value there. What is missing on the way is made: objects, and null before an item beyond
    /// the end of a list, taken from what is left of [`PADDING`].
    pub fn reach<'a>(
        &self,
        root: &'a mut Value,
        padding: &mut usize,
    ) -> Result<Place<'a>, Blocked> {
        let parts = self.parts();
        let mut at = root;
        let mut is_new = false;
        for (depth, part) in parts.iter().enumerate() {
            let empty = match depth + 1 == parts.len() {
                true => Value::Null,
                false => Value::Object(Map::new()),
            };
            at = match at {
                Value::Object(fields) => {
                    is_new = !fields.contains_key(*part);
                    fields.entry(*part).or_insert(empty)
                }
                Value::Array(items) => {
                    let index = index(part).ok_or(Blocked::NoIndex { parts: depth })?;
                    let too_far = Blocked::TooFar {
                        parts: depth,
                        items: items.len(),
                    };
                    is_new = index >= items.len();
                    if is_new {
                        let gap = index - items.len();
                        match padding.checked_sub(gap) {
                            Some(left) => *padding = left,
                            None => return Err(too_far),
                        }
                        items.resize(index, Value::Null);
                        items.push(empty);
                    }
                    items.get_mut(index).ok_or(too_far)?
                }
                scalar => return Err(Blocked::scalar(depth, scalar)),
            };
        }
        Ok(Place { value: at, is_new })
    }

    /// Takes the value there out of its object; in a list it leaves null, so that no other item moves.
    pub fn take(&self, root: &mut Value) -> Option<Value> {
        let parts = self.parts();
        let (last, parents) = parts.split_last()?;
        match find(root, parents).ok()?? {
            Value::Object(fields) => fields.shift_remove(*last),
            Value::Array(items) => {
                let item = items.get_mut(index(last)?)?;
                Some(item.take()).filter(|item| !item.is_null())
            }
            _ => None,
        }
    }

    /// Whether the way there, the end not counted, leads through a list.
    pub fn crosses_list(&self, root: &mut Value) -> bool {
        let parts = self.parts();
        (1..parts.len()).any(|length| {
            let before = parts.get(..length).unwrap_or_default();
            matches!(find(root, before), Ok(Some(Value::Array(_))))
        })
    }

    pub fn blocked(&self, option: &'static str, operator: &str, why: &Blocked) -> Error {
        let parts = self.parts();
        let before = |length: usize| parts.get(..length).unwrap_or_default().join(".");
        let next = |length: usize| inline(parts.get(length).copied().unwrap_or_default());
        let (why, hint) = match why {
            Blocked::Scalar { parts, found } => (
                format!(
                    "in the row, `{}` is {found}, so there is no `{}` inside it.",
                    inline(&before(*parts)),
                    next(*parts)
                ),
                "To have an object there, set it as a whole.".to_owned(),
            ),
            Blocked::NoIndex { parts } => {
                let list = inline(&before(*parts));
                (
                    format!(
                        "in the row, `{list}` is a list, and `{}` is no index of it.",
                        next(*parts)
                    ),
                    format!("Name the item, counted from 0, as in `{list}.0`."),
                )
            }
            Blocked::TooFar { parts, items } => {
                let list = inline(&before(*parts));
                (
                    format!(
                        "in the row, `{list}` has {items} items, and an update fills at most {PADDING} places with null to reach an index, not as many as index {} takes.",
                        next(*parts)
                    ),
                    "`$push` adds an item at the end.".to_owned(),
                )
            }
        };
        let kind = ErrorKind::Conflict;
        Error {
            kind,
            ..wrong(option, operator, &self.0, &why)
        }
        .hint(hint)
    }
}

impl Blocked {
    pub fn scalar(parts: usize, found: &Value) -> Blocked {
        Blocked::Scalar {
            parts,
            found: described(found),
        }
    }
}

/// A value in an error: what it is, and its beginning.
pub(super) fn described(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Array(items) => format!("a list of {}", items.len()),
        other => {
            let text = crate::text::truncate(&other.to_string(), 40);
            format!("{} (`{}`)", document::kind(other), inline(&text))
        }
    }
}

/// Two paths of which one is the other, or leads into it.
pub(super) fn conflict<'a>(paths: impl Iterator<Item = &'a Path>) -> Option<(&'a Path, &'a Path)> {
    let mut paths: Vec<(Vec<&str>, &Path)> = paths.map(|path| (path.parts(), path)).collect();
    // Sorted part by part, whatever a path leads into stands right before something inside it.
    paths.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    let pairs = paths.windows(2);
    pairs
        .filter_map(|pair| match pair {
            [(a, first), (b, second)] if b.starts_with(a) => Some((*first, *second)),
            _ => None,
        })
        .next()
}

fn find<'a>(root: &'a mut Value, parts: &[&str]) -> Result<Option<&'a mut Value>, Blocked> {
    let mut at = root;
    for (depth, part) in parts.iter().enumerate() {
        let inside = match at {
            Value::Object(fields) => fields.get_mut(*part),
            Value::Array(items) => {
                let index = index(part).ok_or(Blocked::NoIndex { parts: depth })?;
                items.get_mut(index)
            }
            scalar => return Err(Blocked::scalar(depth, scalar)),
        };
        match inside {
            Some(value) => at = value,
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

/// A list index as it is usually written; one that no list can have is still one.
fn index(part: &str) -> Option<usize> {
    let is_canonical = part == "0" || !part.starts_with('0');
    let is_index = is_canonical && part.bytes().all(|byte| byte.is_ascii_digit());
    is_index.then(|| part.parse().unwrap_or(usize::MAX))
}

fn is_positional(part: &str) -> bool {
    part == "$" || (part.starts_with("$[") && part.ends_with(']'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn indexes_are_canonical() {
        for (part, expected) in [
            ("0", Some(0)),
            ("10", Some(10)),
            ("99999999999999999999999", Some(usize::MAX)),
            ("01", None),
            ("00", None),
            ("-1", None),
            ("+1", None),
            ("1e2", None),
            ("²", None),
        ] {
            assert_eq!(index(part), expected, "{part}");
        }
    }

    proptest! {
        #[test]
        fn a_conflict_is_found_where_there_is_one(texts in prop::collection::vec("[ab-](\\.[ab-]){0,2}", 0..5)) {
            let paths: Vec<Path> = texts.iter().cloned().map(Path).collect();
            let is_inside = |a: &str, b: &str| a == b || b.starts_with(&format!("{a}."));
            let mut expected = false;
            for (at, a) in texts.iter().enumerate() {
                for b in &texts[at + 1..] {
                    expected |= is_inside(a, b) || is_inside(b, a);
                }
            }
            match conflict(paths.iter()) {
                Some((a, b)) => prop_assert!(expected && is_inside(&a.0, &b.0)),
                None => prop_assert!(!expected),
            }
        }
    }
}
