//! What `$regex` asks for.

use regex_lite::{Regex, RegexBuilder};

/// How large a compiled pattern may be: repetitions of repetitions grow with every level.
const COMPILED_BYTES: usize = 256 * 1024;

/// Characters that may mean something else than themselves.
const SPECIAL: [char; 14] = [
    '\\', '.', '+', '*', '?', '(', ')', '|', '[', ']', '{', '}', '^', '$',
];

/// A regular expression. Matching takes time in proportion to the text, whatever the pattern.
#[derive(Debug, Clone)]
pub struct Pattern {
    source: Box<str>,
    options: Box<str>,
    /// None where nothing in the pattern means anything but itself: finding a text is ten times as fast.
    regex: Option<Regex>,
}

impl Pattern {
    /// Compiles a pattern with options, of which [`unknown_option`] finds none that is unknown.
    ///
    /// # Errors
    /// What is wrong with the pattern.
    pub(super) fn new(source: &str, options: &str) -> Result<Pattern, String> {
        let is_plain = !source.contains(SPECIAL) && !options.contains(['i', 'x']);
        let regex = (!is_plain).then(|| compiled(source, options));
        let regex = regex.transpose().map_err(|error| error.to_string())?;
        Ok(Pattern {
            source: source.into(),
            options: options.into(),
            regex,
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
        match &self.regex {
            Some(regex) => regex.is_match(text),
            None => text.contains(&*self.source),
        }
    }
}

fn compiled(source: &str, options: &str) -> Result<Regex, regex_lite::Error> {
    RegexBuilder::new(source)
        .case_insensitive(options.contains('i'))
        .multi_line(options.contains('m'))
        .dot_matches_new_line(options.contains('s'))
        .ignore_whitespace(options.contains('x'))
        .size_limit(COMPILED_BYTES)
        .build()
}

/// The first option that is none.
pub(super) fn unknown_option(options: &str) -> Option<char> {
    options.chars().find(|option| !"imsx".contains(*option))
}
