//! Where something stands: in a row, or in the schema itself.

use crate::text::{inline, truncate};

/// A place, as a list from the inside out: nothing is allocated until it is shown.
#[derive(Clone, Copy)]
pub(super) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Field(&'a str),
    Item(usize),
    /// The name of a field itself.
    Name(&'a str),
}

/// Names beyond this are cut where a path is shown.
const SHOWN_NAME: usize = 40;
/// Of a longer path the end is shown, which says most.
const SHOWN_PATH: usize = 120;

impl<'a> Path<'a> {
    pub(super) const ROOT: Path<'static> = Path {
        parent: None,
        step: Step::Root,
    };

    pub(super) fn field(&'a self, name: &'a str) -> Path<'a> {
        self.step(Step::Field(name))
    }

    pub(super) fn item(&'a self, index: usize) -> Path<'a> {
        self.step(Step::Item(index))
    }

    pub(super) fn name(&'a self, name: &'a str) -> Path<'a> {
        self.step(Step::Name(name))
    }

    fn step(&'a self, step: Step<'a>) -> Path<'a> {
        Path {
            parent: Some(self),
            step,
        }
    }

    /// How many steps lead here.
    pub(super) fn depth(&self) -> usize {
        self.steps().len()
    }

    /// `address.zip`, `tags[2]`, `["odd name"]`; nothing for the root. Safe in inline code.
    pub(super) fn shown(&self) -> String {
        let mut shown = String::new();
        for step in self.steps() {
            match step {
                Step::Root => {}
                Step::Item(index) => shown.push_str(&format!("[{index}]")),
                Step::Field(name) | Step::Name(name) => {
                    let is_plain = !name.is_empty() && !name.contains(['.', '[', ']', '"', ' ']);
                    let name = inline(&truncate(name, SHOWN_NAME));
                    if !is_plain {
                        shown.push_str(&format!("[\"{name}\"]"));
                    } else if shown.is_empty() {
                        shown.push_str(&name);
                    } else {
                        shown.push('.');
                        shown.push_str(&name);
                    }
                }
            }
        }
        match shown.char_indices().rev().nth(SHOWN_PATH) {
            Some((at, _)) => format!("…{}", shown.get(at..).unwrap_or_default()),
            None => shown,
        }
    }

    /// The subject of a sentence about this place.
    pub(super) fn subject(&self, root: &str) -> String {
        match self.step {
            Step::Root => root.to_owned(),
            Step::Name(_) => format!("the name of the field `{}`", self.shown()),
            Step::Field(_) | Step::Item(_) => format!("`{}`", self.shown()),
        }
    }

    /// As a JSON Pointer (RFC 6901).
    pub(super) fn pointer(&self) -> String {
        let mut pointer = String::new();
        for step in self.steps() {
            match step {
                Step::Root => {}
                Step::Item(index) => pointer.push_str(&format!("/{index}")),
                Step::Field(name) | Step::Name(name) => {
                    pointer.push('/');
                    for c in name.chars() {
                        match c {
                            '~' => pointer.push_str("~0"),
                            '/' => pointer.push_str("~1"),
                            c => pointer.push(c),
                        }
                    }
                }
            }
        }
        pointer
    }

    /// From the root to here, the root itself left out.
    fn steps(&self) -> Vec<Step<'a>> {
        let mut steps = Vec::new();
        let mut place = *self;
        while let Some(parent) = place.parent {
            steps.push(place.step);
            place = *parent;
        }
        steps.reverse();
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_readable_and_escaped() {
        let root = Path::ROOT;
        let address = root.field("address");
        let tags = address.field("tags");
        let item = tags.item(2);
        let odd = item.field("a.b`\n");
        assert_eq!(root.shown(), "");
        assert_eq!(root.subject("the row"), "the row");
        assert_eq!(item.shown(), "address.tags[2]");
        assert_eq!(odd.shown(), "address.tags[2][\"a.bˋ\u{fffd}\"]");
        assert_eq!(item.depth(), 3);
        let name = address.name("zip");
        assert_eq!(
            name.subject("the row"),
            "the name of the field `address.zip`"
        );
        let slashed = address.field("a/b~c");
        assert_eq!(slashed.pointer(), "/address/a~1b~0c");
        assert_eq!(item.pointer(), "/address/tags/2");
    }

    #[test]
    fn the_end_of_a_long_path_is_shown() {
        let long = "x".repeat(1_000);
        let (a, b, c) = (Path::ROOT, &long, &long);
        let b = a.field(b);
        let c = b.field(c);
        let d = c.field("y".repeat(39).leak());
        let e = d.field("last");
        let shown = e.shown();
        assert!(
            shown.starts_with('…') && shown.ends_with(".last"),
            "{shown}"
        );
        assert!(shown.chars().count() <= SHOWN_PATH + 2, "{shown}");
    }
}
