//! Dotted paths as MongoDB reads them: `address.zip`, `tags.0`, and through the items of lists without
//! being told.

use std::fmt;

use super::json::{Json, Kind, is_written_as_it_is};
use super::order;
use crate::limits::DOCUMENT_DEPTH;

/// The longest path in bytes.
pub const PATH_BYTES: usize = 500;
/// How many names of a path may be numbers: in a list each is the number of an item and the name of a field of
/// its items, so that each doubles the ways there.
pub const PATH_NUMBERS: usize = 8;

/// A path, taken apart once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    text: Box<str>,
    steps: Box<[Step]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    name: Box<str>,
    /// See [`Json::find`].
    is_plain: bool,
    /// Which item of a list it names, where it names one.
    index: Option<usize>,
}

/// Whether to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Go {
    On,
    Stop,
}

/// What a row is sorted or found by.
#[derive(Debug, Clone, Copy)]
pub enum Key<'a> {
    /// Counts as null.
    Missing,
    /// A list with nothing in it: less than anything else.
    EmptyList,
    Value(Json<'a>),
}

/// Why a text is no path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathError {
    /// No name before, between or after dots.
    NoName,
    /// A name that begins with `$`.
    Dollar,
    TooLong,
    TooDeep,
    TooManyNumbers,
    /// A name with a space or another character that has to stand in JSON.
    Unusual,
}

impl Path {
    /// Takes a path apart at its dots.
    ///
    /// # Errors
    /// What leads nowhere: see [`PathError`].
    pub fn parse(text: &str) -> Result<Path, PathError> {
        if text.len() > PATH_BYTES {
            return Err(PathError::TooLong);
        }
        let steps: Vec<Step> = text.split('.').map(Step::new).collect();
        if steps.len() > DOCUMENT_DEPTH {
            return Err(PathError::TooDeep);
        }
        if steps.iter().filter(|step| step.index.is_some()).count() > PATH_NUMBERS {
            return Err(PathError::TooManyNumbers);
        }
        for step in &steps {
            if step.name.is_empty() {
                return Err(PathError::NoName);
            }
            if step.name.starts_with('$') {
                return Err(PathError::Dollar);
            }
        }
        Ok(Path {
            text: text.into(),
            steps: steps.into(),
        })
    }

    /// The same for a path that is typed as it is, among others perhaps. What such a one cannot have most often
    /// means something else, such as the direction of an order.
    ///
    /// # Errors
    /// As [`Path::parse`], and [`PathError::Unusual`].
    pub fn typed(text: &str) -> Result<Path, PathError> {
        let is_unusual = |c: char| c.is_whitespace() || "{}[]()\"'`,;:*".contains(c);
        if text.starts_with(['+', '-']) || text.contains(is_unusual) {
            return Err(PathError::Unusual);
        }
        Path::parse(text)
    }

    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names between the dots.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &str> + ExactSizeIterator {
        self.steps.iter().map(|step| &*step.name)
    }

    /// The name of the field, where the path is one name.
    pub fn as_field(&self) -> Option<&str> {
        match &*self.steps {
            [step] => Some(&step.name),
            _ => None,
        }
    }

    /// Calls back with each value that the path leads to, and with `None` for each object, or other value
    /// that has no fields, where it ends before. A list at the end comes as a whole.
    ///
    /// On the way, lists are entered: the rest of the path is followed from each of their items that is an
    /// object, and from the item that the next name is the number of. A list without objects leads nowhere,
    /// so nothing is said to be missing in it.
    pub fn visit<'a>(
        &self,
        document: Json<'a>,
        found: &mut dyn FnMut(Option<Json<'a>>) -> Go,
    ) -> Go {
        self.follow(document, &mut |value, _| found(value))
    }

    /// The same for comparisons: of a list at the end, each item comes, and then the whole. A list that the
    /// path's last name is the number of comes only as a whole.
    pub fn visit_each<'a>(
        &self,
        document: Json<'a>,
        found: &mut dyn FnMut(Option<Json<'a>>) -> Go,
    ) -> Go {
        self.follow(document, &mut |value, opens| match value {
            Some(list) if opens && list.kind() == Kind::Array => {
                for item in list.items() {
                    if found(Some(item)) == Go::Stop {
                        return Go::Stop;
                    }
                }
                found(value)
            }
            _ => found(value),
        })
    }

    /// Calls back with what a row has for its keys under this path, in sort orders and indexes: each item of a
    /// list at the end, and something in any case.
    ///
    /// Unlike a visit, a number in the path is nothing but the number of an item where there is a list, since
    /// otherwise every object in that list would have a key for what it misses. In a list without a number
    /// in the path, what is no object misses the rest of it.
    pub fn visit_keys<'a>(&self, document: Json<'a>, found: &mut dyn FnMut(Key<'a>)) {
        follow_keys(document, &self.steps, found);
    }

    /// Calls back with what is found, and whether its items are found as well.
    pub(super) fn follow<'a>(
        &self,
        document: Json<'a>,
        found: &mut dyn FnMut(Option<Json<'a>>, bool) -> Go,
    ) -> Go {
        match (document.kind(), self.steps.split_first()) {
            // A list in the place of a document is one whose fields are numbered.
            (Kind::Array, Some((step, rest))) => match step.index.and_then(|at| document.at(at)) {
                Some(item) => follow(item, rest, found),
                None => found(None, false),
            },
            _ => follow(document, &self.steps, found),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PathError::NoName => f.write_str("a path has a name before and after each dot"),
            PathError::Dollar => f.write_str("a name in a path cannot begin with `$`"),
            PathError::TooLong => write!(f, "a path has at most {PATH_BYTES} bytes"),
            PathError::TooDeep => write!(f, "a path has at most {DOCUMENT_DEPTH} names"),
            PathError::Unusual => f.write_str(
                "a name with a sign before it, or with a space, bracket, quote, colon or star in it, is written in JSON",
            ),
            PathError::TooManyNumbers => write!(f, "a path has at most {PATH_NUMBERS} numbers"),
        }
    }
}

impl Step {
    fn new(name: &str) -> Step {
        // Only the usual way to write a number: `01` and `+1` are names.
        let is_number = name.bytes().all(|byte| byte.is_ascii_digit());
        let is_usual = is_number && (name == "0" || !name.starts_with('0'));
        Step {
            name: name.into(),
            is_plain: is_written_as_it_is(name),
            index: is_usual.then(|| name.parse().ok()).flatten(),
        }
    }
}

/// As deep as the path is long.
fn follow<'a>(
    value: Json<'a>,
    steps: &[Step],
    found: &mut dyn FnMut(Option<Json<'a>>, bool) -> Go,
) -> Go {
    let Some((step, rest)) = steps.split_first() else {
        return found(Some(value), true);
    };
    match value.kind() {
        Kind::Object => match value.find(&step.name, step.is_plain) {
            Some(field) => follow(field, rest, found),
            None => found(None, false),
        },
        Kind::Array => follow_list(value, steps, found),
        _ => found(None, false),
    }
}

fn follow_list<'a>(
    list: Json<'a>,
    steps: &[Step],
    found: &mut dyn FnMut(Option<Json<'a>>, bool) -> Go,
) -> Go {
    let Some((step, rest)) = steps.split_first() else {
        return Go::On;
    };
    for (index, item) in list.items().enumerate() {
        let kind = item.kind();
        if kind == Kind::Object && follow(item, steps, found) == Go::Stop {
            return Go::Stop;
        }
        if step.index != Some(index) {
            continue;
        }
        let go = if rest.is_empty() {
            found(Some(item), false)
        } else if matches!(kind, Kind::Object | Kind::Array) {
            follow(item, rest, found)
        } else {
            Go::On
        };
        if go == Go::Stop {
            return Go::Stop;
        }
    }
    Go::On
}

fn follow_keys<'a>(value: Json<'a>, steps: &[Step], found: &mut dyn FnMut(Key<'a>)) {
    let Some((step, rest)) = steps.split_first() else {
        return found_keys(value, found);
    };
    match (value.kind(), step.index) {
        (Kind::Object, _) => match value.find(&step.name, step.is_plain) {
            Some(field) => follow_keys(field, rest, found),
            None => found(Key::Missing),
        },
        (Kind::Array, Some(index)) => match value.at(index) {
            Some(item) => follow_keys(item, rest, found),
            None => found(Key::Missing),
        },
        (Kind::Array, None) => {
            let mut is_empty = true;
            for item in value.items() {
                is_empty = false;
                match item.kind() {
                    Kind::Object => follow_keys(item, steps, found),
                    _ => found(Key::Missing),
                }
            }
            if is_empty {
                found(Key::Missing);
            }
        }
        _ => found(Key::Missing),
    }
}

fn found_keys<'a>(value: Json<'a>, found: &mut dyn FnMut(Key<'a>)) {
    if value.kind() != Kind::Array {
        return found(Key::Value(value));
    }
    let mut is_empty = true;
    for item in value.items() {
        is_empty = false;
        found(Key::Value(item));
    }
    if is_empty {
        found(Key::EmptyList);
    }
}

impl Key<'_> {
    /// Appends its bytes, as [`super::order`] has them.
    pub fn encode(self, out: &mut Vec<u8>) {
        match self {
            Key::Missing => order::encode_missing(out),
            Key::EmptyList => out.push(order::LEAST),
            Key::Value(value) => order::encode(value, out),
        }
    }
}

#[cfg(test)]
mod tests;
