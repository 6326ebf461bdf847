//! What `$text` asks for: words of a document, whichever field they stand in.

use std::ops::ControlFlow;

use crate::engine::query::json::Json;

/// More phrases than anybody searches for.
pub(super) const PHRASES: usize = 32;

/// Words to be found in the strings of a document. Words are letters and digits of any script; whether
/// they are small or capital makes no difference.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextSearch {
    source: String,
    words: Vec<Box<str>>,
    phrases: Vec<Phrase>,
    excluded: Vec<Phrase>,
}

/// Words one after the other.
type Phrase = Vec<Box<str>>;

impl TextSearch {
    /// Takes a search apart: words, `"phrases"`, `-words` and `-"phrases"`.
    pub fn parse(source: &str) -> TextSearch {
        let mut search = TextSearch {
            source: source.to_owned(),
            ..TextSearch::default()
        };
        let mut rest = source.trim_start();
        while !rest.is_empty() {
            // In the middle of a word, a dash excludes nothing.
            let is_excluded = rest.starts_with('-');
            let term = rest.strip_prefix('-').unwrap_or(rest);
            let (part, after, is_phrase) = match term.strip_prefix('"') {
                Some(quoted) => {
                    let (phrase, after) = quoted.split_once('"').unwrap_or((quoted, ""));
                    (phrase, after, true)
                }
                None => {
                    let end = term.find(|c: char| c.is_whitespace() || c == '"');
                    let (part, after) = term.split_at(end.unwrap_or(term.len()));
                    (part, after, false)
                }
            };
            let words: Phrase = words(part).map(lowercase).collect();
            if words.is_empty() {
                // Nothing but punctuation.
            } else if is_excluded {
                search.excluded.push(words);
            } else if is_phrase {
                search.phrases.push(words);
            } else {
                search.words.extend(words);
            }
            rest = after.trim_start();
        }
        for terms in [&mut search.phrases, &mut search.excluded] {
            terms.sort_unstable();
            terms.dedup();
        }
        search.words.sort_unstable();
        search.words.dedup();
        search
    }

    /// As it was given.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether there is anything to look for.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty() && self.phrases.is_empty()
    }

    /// Single words, in small letters. One of them must be there unless there are phrases.
    pub fn words(&self) -> impl ExactSizeIterator<Item = &str> {
        self.words.iter().map(|word| &**word)
    }

    /// All of them must be there, each within one string.
    pub fn phrases(&self) -> &[Vec<Box<str>>] {
        &self.phrases
    }

    /// None of them may be there.
    pub fn excluded(&self) -> &[Vec<Box<str>>] {
        &self.excluded
    }

    /// How often a document's text is gone through for it, about.
    pub(super) fn weight(&self) -> usize {
        1 + self.words.len() + self.phrases.len() + self.excluded.len()
    }

    pub fn matches(&self, document: Json<'_>) -> bool {
        // A phrase that is there has been said to be: its bit.
        let all_phrases = (1u64 << self.phrases.len().min(PHRASES)) - 1;
        let mut phrases = 0;
        let mut word = false;
        let excluded = document.strings().try_for_each(|string| {
            let text = string.decode();
            if self.excluded.iter().any(|phrase| has(&text, phrase)) {
                return ControlFlow::Break(());
            }
            if self.phrases.is_empty() {
                word = word || self.has_word(&text);
                if word && self.excluded.is_empty() {
                    return ControlFlow::Break(());
                }
            }
            for (at, phrase) in self.phrases.iter().take(PHRASES).enumerate() {
                if phrases >> at & 1 == 0 && has(&text, phrase) {
                    phrases |= 1 << at;
                }
            }
            ControlFlow::Continue(())
        });
        match excluded {
            // Found, with nothing that could still be in the way.
            ControlFlow::Break(()) if self.excluded.is_empty() => true,
            ControlFlow::Break(()) => false,
            ControlFlow::Continue(()) if self.phrases.is_empty() => word,
            ControlFlow::Continue(()) => phrases == all_phrases,
        }
    }

    fn has_word(&self, text: &str) -> bool {
        words(text).any(|word| self.words.iter().any(|wanted| is_word(word, wanted)))
    }
}

/// The words of a text.
pub fn words(text: &str) -> impl Iterator<Item = &str> + Clone {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
}

/// A word as it is compared.
pub fn lowercase(word: &str) -> Box<str> {
    word.chars().flat_map(char::to_lowercase).collect()
}

/// Whether a text has these words, one after the other.
fn has(text: &str, phrase: &[Box<str>]) -> bool {
    let mut from = words(text);
    loop {
        let mut here = from.clone();
        let mut wanted = phrase.iter();
        if wanted.all(|wanted| here.next().is_some_and(|word| is_word(word, wanted))) {
            return true;
        }
        if from.next().is_none() {
            return false;
        }
    }
}

/// Whether a word is the one that is wanted, which is in small letters.
fn is_word(word: &str, wanted: &str) -> bool {
    if word.is_ascii() {
        return word.eq_ignore_ascii_case(wanted);
    }
    word.chars().flat_map(char::to_lowercase).eq(wanted.chars())
}
