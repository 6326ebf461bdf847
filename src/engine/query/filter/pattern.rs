//! What `$regex` asks for.

use regex_lite::{Regex, RegexBuilder};

/// How large a compiled pattern may be: repetitions of repetitions grow with every level.
const COMPILED_BYTES: usize = 256 * 1024;

/// A regular expression. Matching takes time in proportion to the text, whatever the pattern.
#[derive(Debug, Clone)]
pub struct Pattern {
    source: Box<str>,
    options: Box<str>,
    regex: Regex,
}

impl Pattern {
    /// Compiles a pattern with options, of which [`unknown_option`] finds none that is unknown.
    ///
    /// # Errors
    /// What is wrong with the pattern.
    pub(super) fn new(source: &str, options: &str) -> Result<Pattern, String> {
        let regex = RegexBuilder::new(source)
            .case_insensitive(options.contains('i'))
            .multi_line(options.contains('m'))
            .dot_matches_new_line(options.contains('s'))
            .ignore_whitespace(options.contains('x'))
            .size_limit(COMPILED_BYTES)
            .build();
        Ok(Pattern {
            source: source.into(),
            options: options.into(),
            regex: regex.map_err(|error| error.to_string())?,
        })
    }

    pub fn source(&self) -> &str {
        &self.source
    }

    /// Letters of `imsx`.
    pub fn options(&self) -> &str {
        &self.options
    }

    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

/// The first option that is none.
pub(super) fn unknown_option(options: &str) -> Option<char> {
    options.chars().find(|option| !"imsx".contains(*option))
}
