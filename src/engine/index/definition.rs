//! What an index is over.

use crate::engine::query::{Path, Sort};
use crate::error::{Error, Result};
use crate::text::{inline, truncate};

/// How many paths an index has at most, as in MongoDB.
pub const FIELDS: usize = 32;
/// Characters of a name in a label.
const LABEL: usize = 100;

/// An index's paths and rules. Names may be anything that is a path, so an index is named by them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    paths: Box<[Path]>,
    /// No two rows may have the same value.
    pub unique: bool,
    /// Rows that have none of the fields are left out.
    pub sparse: bool,
    /// See [`Definition::label`].
    label: Box<str>,
}

impl Definition {
    /// Reads paths with commas between them, or `{"a":1,"b":-1}`: an index is read in either direction.
    ///
    /// # Errors
    /// Names the option, and the path that is none.
    pub fn parse(option: &'static str, text: &str, unique: bool, sparse: bool) -> Result<Self> {
        let in_json;
        let (fields, path): (Vec<&str>, fn(&str) -> _) = if text.trim_start().starts_with('{') {
            in_json = Sort::parse(option, text)?;
            let fields = in_json.fields().iter();
            (
                fields.map(|field| field.path.as_str()).collect(),
                Path::parse,
            )
        } else {
            (text.split(',').map(str::trim).collect(), Path::typed)
        };
        if fields.len() > FIELDS {
            let message = format!("an index is over at most {FIELDS} fields.");
            return Err(Error::invalid(option, message));
        }
        for (at, field) in fields.iter().enumerate() {
            let name = inline(field);
            if let Err(why) = path(field) {
                let message = format!("`{name}` is no path to index: {why}.");
                return Err(Error::invalid(option, message)
                    .hint("For example `email`, `team,address.zip`, or `{\"first name\":1}`."));
            }
            if fields
                .get(..at)
                .is_some_and(|before| before.contains(field))
            {
                return Err(Error::invalid(option, format!("`{name}` stands twice.")));
            }
        }
        let paths = Definition::of(&fields, unique, sparse);
        paths.ok_or_else(|| Error::invalid(option, "it is over no field."))
    }

    /// From paths as a record has them; none where one is no path, or there are none.
    pub fn of<S: AsRef<str>>(fields: &[S], unique: bool, sparse: bool) -> Option<Self> {
        let paths = fields.iter().map(|field| Path::parse(field.as_ref()).ok());
        let paths: Option<Box<[Path]>> = paths.collect();
        let paths = paths.filter(|paths| (1..=FIELDS).contains(&paths.len()))?;
        let mut index = Definition {
            paths,
            unique,
            sparse,
            label: Box::default(),
        };
        let name = inline(&truncate(&index.name(), LABEL));
        index.label = match index.rules() {
            "" => name.into(),
            rules => format!("{name} ({rules})").into(),
        };
        Some(index)
    }

    pub fn paths(&self) -> &[Path] {
        &self.paths
    }

    /// The paths as they were given, in order.
    pub fn fields(&self) -> Vec<String> {
        let paths = self.paths.iter();
        paths.map(|path| path.as_str().to_owned()).collect()
    }

    /// The paths with commas between them, which no other index of the table has.
    pub fn name(&self) -> String {
        self.fields().join(",")
    }

    /// Its name, shortened, and its rules, for people. Made once, since plans name every index of a table.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// `unique`, `sparse`, both or nothing, for people.
    pub fn rules(&self) -> &'static str {
        match (self.unique, self.sparse) {
            (true, true) => "unique, sparse",
            (true, false) => "unique",
            (false, true) => "sparse",
            (false, false) => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_with_commas_between_them() {
        let index = Definition::parse("field", " team , address.zip", true, false).unwrap();
        assert_eq!(index.fields(), ["team", "address.zip"]);
        assert_eq!(index.name(), "team,address.zip");
        for wrong in ["", "a,,b", "a..b", "$a", "a,b,a"] {
            let error = Definition::parse("field", wrong, false, false).unwrap_err();
            assert_eq!(error.option, Some("field"), "{wrong}");
        }
        let many = vec!["a"; FIELDS + 1].join(",");
        assert!(Definition::parse("field", &many, false, false).is_err());
    }
}
