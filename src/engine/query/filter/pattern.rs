//! What `$regex` asks for, and how much work that may be.

use std::cell::Cell;
use std::rc::Rc;

use regex_lite::RegexBuilder;

use crate::engine::regex::Automaton;
use crate::error::{Error, ErrorKind, Result};

/// Bytes of documents that all conditions of one question may be held against together, each byte once for each
/// condition: a second or two, during which the guild's object does nothing else.
const BYTES: u64 = 512 << 20;
/// As how many of them a step of a pattern's search counts. A byte of text is one step or two for a simple
/// pattern, and 65 for the largest.
const STEP_BYTES: u64 = 64;
/// Bytes of all compiled patterns of one question.
pub(super) const COMPILED_BYTES: usize = 1 << 20;

/// Characters that may mean something else than themselves.
const SPECIAL: [char; 14] = [
    '\\', '.', '+', '*', '?', '(', ')', '|', '[', ']', '{', '}', '^', '$',
];

/// What a question has cost so far, in bytes. A clone counts on the same.
#[derive(Debug, Clone, Default)]
pub struct Effort(Rc<Cell<u64>>);

impl Effort {
    /// Whether there was room to read so many bytes more.
    pub(super) fn read(&self, bytes: u64) -> bool {
        let spent = self.0.get().saturating_add(bytes);
        self.0.set(spent);
        spent <= BYTES
    }

    /// Begins anew, for the next question.
    ///
    /// # Errors
    /// As [`Effort::check`].
    pub fn end(&self) -> Result<()> {
        let checked = self.check();
        self.0.set(0);
        checked
    }

    /// # Errors
    /// When the question would have cost more than one may: what it said then is of no use.
    pub fn check(&self) -> Result<()> {
        if self.0.get() <= BYTES {
            return Ok(());
        }
        let message = format!(
            "the question is too much work: its conditions would be held against more than {} MiB of text, each byte counted once for each condition, each value of `$all` and each word of `$text`, and 64 to 4,160 times for `$regex`.",
            BYTES >> 20
        );
        Err(Error::new(ErrorKind::TooLarge, message).hint(
            "Leave rows out by another condition, best one with an index; or use fewer conditions, words and repetitions, `$in` for many values, and `$prefix` or `$contains` instead of patterns.",
        ))
    }
}

/// A regular expression. Matching takes time in proportion to the text and to the pattern's size, and beyond
/// what a question may cost it matches nothing any more.
#[derive(Debug, Clone)]
pub struct Pattern {
    source: Box<str>,
    options: Box<str>,
    /// None where nothing in the pattern means anything but itself: finding a text is ten times as fast.
    automaton: Option<Automaton>,
    effort: Effort,
}

impl Pattern {
    /// Compiles a pattern with options, of which [`unknown_option`] finds none that is unknown.
    ///
    /// # Errors
    /// What is wrong with the pattern.
    pub(super) fn new(source: &str, options: &str, effort: &Effort) -> Result<Pattern, String> {
        let is_plain = !source.contains(SPECIAL) && !options.contains(['i', 'x']);
        let automaton = (!is_plain).then(|| compiled(source, options));
        Ok(Pattern {
            source: source.into(),
            options: options.into(),
            automaton: automaton.transpose()?,
            effort: effort.clone(),
        })
    }

    pub fn source(&self) -> &str {
        &self.source
    }

    /// Letters of `imsx`.
    pub fn options(&self) -> &str {
        &self.options
    }

    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.automaton.as_ref().map_or(0, Automaton::bytes)
    }

    pub fn is_match(&self, text: &str) -> bool {
        match &self.automaton {
            Some(automaton) => {
                let bytes = automaton.steps(text).saturating_mul(STEP_BYTES);
                self.effort.read(bytes) && automaton.is_match(text)
            }
            None => text.contains(&*self.source),
        }
    }
}

fn compiled(source: &str, options: &str) -> Result<Automaton, String> {
    Automaton::new(
        RegexBuilder::new(source)
            .case_insensitive(options.contains('i'))
            .multi_line(options.contains('m'))
            .dot_matches_new_line(options.contains('s'))
            .ignore_whitespace(options.contains('x')),
    )
}

/// The first option that is none.
pub(super) fn unknown_option(options: &str) -> Option<char> {
    options.chars().find(|option| !"imsx".contains(*option))
}
