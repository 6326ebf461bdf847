//! What search takes for a word, and when words in a row are found.

use super::plan::mix;

/// A word of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    /// Stands for the word: two words with the same number are none that anybody has met.
    pub(super) hash: u64,
    pub(super) has_digit: bool,
}

/// The words of a text, in order.
///
/// The docs say nothing of how text is cut up. Assumed are the word boundaries of Unicode (UAX #29), as far as they matter
/// here: letters, digits and `_` make words; an apostrophe, a full stop or a colon between two letters, and a full stop or
/// a comma between two digits, join them. So `a_b` and `a.b` are one word, of which no part is found on its own, while
/// `a-b` and `a/b` are two. Capitals count as small letters (reported); accents are kept, and no word is reduced to its
/// stem.
pub(crate) fn words(text: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut word = Partial::default();
    let mut chars = text.chars().peekable();
    let mut last = ' ';
    while let Some(c) = chars.next() {
        let next = chars.peek().copied().unwrap_or(' ');
        if is_in_words(c) || (word.any && joins(last, c, next)) {
            word.push(c);
        } else {
            words.extend(word.take());
        }
        last = c;
    }
    words.extend(word.take());
    words
}

fn is_in_words(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn joins(before: char, c: char, after: char) -> bool {
    let letters = before.is_alphabetic() && after.is_alphabetic();
    let digits = before.is_numeric() && after.is_numeric();
    match c {
        '\'' | '\u{2019}' | ':' => letters,
        '.' => letters || digits,
        ',' => digits,
        _ => false,
    }
}

/// A word as far as it has been read.
#[derive(Default)]
struct Partial {
    state: u64,
    any: bool,
    has_digit: bool,
}

impl Partial {
    fn push(&mut self, c: char) {
        self.any = true;
        self.has_digit |= c.is_numeric();
        for c in c.to_lowercase() {
            self.state = mix(self.state ^ u64::from(c));
        }
    }

    fn take(&mut self) -> Option<Word> {
        let word = std::mem::take(self);
        word.any.then_some(Word {
            hash: word.state,
            has_digit: word.has_digit,
        })
    }
}

/// Whether a text has all the words of a query in their order, with no more than `slop` other words between them.
///
/// Docs: `slop` is the "max number of words to skip between matching tokens in the search content". Read strictly: those
/// skipped are counted together, not for each gap. That the order matters is reported.
pub(super) fn has_in_order(text: &[u64], query: &[Word], slop: usize) -> bool {
    let Some((first, rest)) = query.split_first() else {
        return false;
    };
    let starts = text
        .iter()
        .enumerate()
        .filter(|(_, word)| **word == first.hash);
    starts.map(|(start, _)| start).any(|start| {
        let end = text.len().min(start + query.len() + slop);
        // The next place of each word that comes is the best one: it leaves the most room for those behind it.
        let mut left = text[start + 1..end].iter();
        rest.iter()
            .all(|wanted| left.any(|word| *word == wanted.hash))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn found(text: &str, query: &str, slop: usize) -> bool {
        let text: Vec<u64> = words(text).iter().map(|word| word.hash).collect();
        has_in_order(&text, &words(query), slop)
    }

    #[test]
    fn texts_are_cut_into_words() {
        for (text, count) in [
            ("", 0),
            ("... -- !", 0),
            ("one", 1),
            ("one two\nthree\tfour", 4),
            ("hy-phen sla/sh (brackets) \"quotes\"", 6),
            ("under_score _both_", 2),
            ("don't a.b c:d", 3),
            ("end. 'quoted' a: b", 4),
            ("1.5 1,000 1:2 a,b x.1", 8),
            ("gr\u{fc}n \u{65e5}\u{672c}", 2),
        ] {
            assert_eq!(words(text).len(), count, "{text:?}");
        }
        assert_eq!(words("ALPHA \u{c4}rger"), words("alpha \u{e4}rger"));
        assert_ne!(words("gr\u{fc}n"), words("grun"));
        let digits: Vec<bool> = words("a b2 33").iter().map(|word| word.has_digit).collect();
        assert_eq!(digits, [false, true, true]);
    }

    #[test]
    fn order_and_slop() {
        let text = "the quick brown fox jumps over the lazy dog";
        for (query, slop, expected) in [
            ("QUICK", 0, true),
            ("quic", 100, false),
            ("quick brown", 0, true),
            ("brown quick", 100, false),
            ("quick fox", 0, false),
            ("quick fox", 1, true),
            // Two words skipped in one gap and one in the other: three together.
            ("quick jumps the", 2, false),
            ("quick jumps the", 3, true),
            ("the the", 4, false),
            ("the the", 5, true),
            ("the dog", 1, true),
            ("dog", 100, true),
            ("", 2, false),
            ("...", 2, false),
        ] {
            assert_eq!(found(text, query, slop), expected, "{query:?} {slop}");
        }
    }

    /// By the definition: some places of the words, rising, of which the last is not too far from the first.
    fn slowly(text: &[u64], query: &[Word], slop: usize) -> bool {
        fn from(text: &[u64], query: &[Word], at: usize, last: usize) -> bool {
            query.split_first().is_none_or(|(first, rest)| {
                (at..=last.min(text.len().saturating_sub(1)))
                    .any(|n| text.get(n) == Some(&first.hash) && from(text, rest, n + 1, last))
            })
        }
        (0..text.len()).any(|start| {
            text[start] == query[0].hash
                && from(text, &query[1..], start + 1, start + query.len() - 1 + slop)
        })
    }

    proptest! {
        #[test]
        fn as_slowly_by_the_definition(text in prop::collection::vec(0u64..4, 0..14), query in prop::collection::vec(0u64..4, 1..5), slop in 0usize..6) {
            let query: Vec<Word> = query.into_iter().map(|hash| Word { hash, has_digit: false }).collect();
            prop_assert_eq!(has_in_order(&text, &query, slop), slowly(&text, &query, slop));
        }
    }
}
