//! Regular expressions of which it is known what they cost, so that no pattern holds up everybody else.

use regex_lite::{Regex, RegexBuilder};

/// Sizes that are tried in turn: what a search costs a character grows with the automaton.
const SIZES: &[usize] = &[
    1 << 10,
    1 << 11,
    1 << 12,
    1 << 13,
    1 << 14,
    1 << 15,
    1 << 16,
];

/// A compiled pattern. A search takes time in proportion to its size times the text.
#[derive(Debug, Clone)]
pub struct Automaton {
    regex: Regex,
    bytes: usize,
}

impl Automaton {
    /// # Errors
    /// What is wrong with the pattern, as half a sentence.
    pub fn new(pattern: &mut RegexBuilder) -> Result<Automaton, String> {
        let mut why = String::new();
        for &bytes in SIZES {
            match pattern.size_limit(bytes).build() {
                Ok(regex) => return Ok(Automaton { regex, bytes }),
                Err(error) => why = error.to_string(),
            }
        }
        Err(why)
    }

    /// About how much memory it takes.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Steps of a search, for a budget: some 0.2 µs each, whatever the pattern.
    pub fn steps(&self, text: &str) -> u64 {
        let each_byte = 1 + self.bytes / 1_024;
        // An empty one is looked at too.
        (text.len() as u64 + 1).saturating_mul(each_byte as u64)
    }

    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_without_a_letter_are_not_free() {
        let automaton = Automaton::new(&mut RegexBuilder::new("((a?){30}){10}b")).unwrap();
        assert!(automaton.steps("") > 1);
        assert_eq!(automaton.steps("a"), 2 * automaton.steps(""));
    }
}
