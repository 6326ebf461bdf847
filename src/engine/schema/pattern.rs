//! `pattern`: regular expressions as JSON Schema writes them (ECMA-262 in Unicode mode), run by an
//! engine whose time is linear in pattern times text.
//!
//! The engine's own syntax differs in places, so patterns are rewritten, and what either side lacks
//! is refused by name: look-around, backreferences, `\p{…}`, flags.

use std::iter::Peekable;
use std::str::Chars;

use regex_lite::RegexBuilder;

use crate::engine::regex::Automaton;

/// A compiled pattern.
pub(super) struct Pattern {
    /// As it was given.
    pub(super) source: Box<str>,
    pub(super) automaton: Automaton,
}

/// White space in ECMA-262: the control characters, the line ends, and Unicode's space separators.
const SPACE: &str =
    r"\t-\r \u{a0}\u{1680}\u{2000}-\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}\u{feff}";
/// Everything else.
const NOT_SPACE: &str = r"\u{0}-\u{8}\u{e}-\u{1f}!-\u{9f}\u{a1}-\u{167f}\u{1681}-\u{1fff}\u{200b}-\u{2027}\u{202a}-\u{202e}\u{2030}-\u{205e}\u{2060}-\u{2fff}\u{3001}-\u{fefe}\u{ff00}-\u{10ffff}";

impl Pattern {
    /// # Errors
    /// What is wrong with the pattern, as half a sentence.
    pub(super) fn new(pattern: &str) -> Result<Pattern, String> {
        let rewritten = Rewriter {
            rest: pattern.chars().peekable(),
            out: String::with_capacity(pattern.len() + 16),
        }
        .rewrite()?;
        Ok(Pattern {
            source: pattern.into(),
            automaton: Automaton::new(&mut RegexBuilder::new(&rewritten))?,
        })
    }
}

struct Rewriter<'a> {
    rest: Peekable<Chars<'a>>,
    out: String,
}

/// An escape, or one part of a character class.
enum Atom {
    Char(char),
    /// Several characters, as the inside of a class.
    Set(&'static str),
    /// A position.
    Look(&'static str),
}

impl Rewriter<'_> {
    fn rewrite(mut self) -> Result<String, String> {
        while let Some(c) = self.rest.next() {
            match c {
                '.' => self.out.push_str(r"[^\n\r\u{2028}\u{2029}]"),
                '[' => self.class()?,
                '(' => self.group()?,
                '{' => self.count()?,
                ']' | '}' => return Err(format!("a single `{c}` must be written `\\{c}`")),
                '\\' => match self.escape(false)? {
                    Atom::Char(c) => self.char(c),
                    Atom::Set(set) => self.out.push_str(&format!("[{set}]")),
                    Atom::Look(look) => self.out.push_str(look),
                },
                '^' | '$' | '|' | ')' | '*' | '+' | '?' => self.out.push(c),
                c => self.char(c),
            }
        }
        Ok(self.out)
    }

    /// A character that stands for itself.
    fn char(&mut self, c: char) {
        if c.is_ascii_alphanumeric() || !c.is_ascii() {
            self.out.push(c);
        } else {
            self.out.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
        }
    }

    /// What follows `(`.
    fn group(&mut self) -> Result<(), String> {
        self.out.push('(');
        if self.rest.next_if_eq(&'?').is_none() {
            return Ok(());
        }
        match self.rest.next() {
            Some(':') => self.out.push_str("?:"),
            Some('<') if !matches!(self.rest.peek(), Some('=' | '!')) => self.out.push_str("?<"),
            Some('<' | '=' | '!') => return Err("look-around is not supported".to_owned()),
            _ => return Err("flags in a pattern are not supported".to_owned()),
        }
        // The name of a group is checked by the engine.
        if self.out.ends_with('<') {
            while let Some(c) = self.rest.next_if(|c| *c != '>') {
                self.out.push(c);
            }
        }
        if self.rest.next_if_eq(&'>').is_some() {
            self.out.push('>');
        }
        Ok(())
    }

    /// What follows `{`: `n}`, `n,}` or `n,m}`.
    fn count(&mut self) -> Result<(), String> {
        let mut inside = String::new();
        while let Some(c) = self.rest.next_if(|c| c.is_ascii_digit() || *c == ',') {
            inside.push(c);
        }
        let is_count = inside.starts_with(|c: char| c.is_ascii_digit())
            && inside.matches(',').count() <= 1
            && self.rest.next_if_eq(&'}').is_some();
        if !is_count {
            return Err("a single `{` must be written `\\{`".to_owned());
        }
        self.out.push_str(&format!("{{{inside}}}"));
        Ok(())
    }

    /// What follows `[`.
    fn class(&mut self) -> Result<(), String> {
        let is_negated = self.rest.next_if_eq(&'^').is_some();
        let mut inside = String::new();
        loop {
            let first = match self.class_atom()? {
                None => break,
                Some(Atom::Char(c)) => c,
                Some(Atom::Set(set) | Atom::Look(set)) => {
                    inside.push_str(set);
                    if self.rest.peek() == Some(&'-') {
                        self.after_set()?;
                        inside.push_str("\\-");
                    }
                    continue;
                }
            };
            let mut last = first;
            if self.rest.next_if_eq(&'-').is_some() {
                match self.class_atom()? {
                    // A hyphen at the end stands for itself.
                    None => {
                        inside.push_str(&format!("\\u{{{:x}}}\\-", u32::from(first)));
                        break;
                    }
                    Some(Atom::Char(c)) if c >= first => last = c,
                    Some(Atom::Char(_)) => {
                        return Err("a range in `[…]` runs backwards".to_owned());
                    }
                    Some(_) => return Err("a range in `[…]` ends with a class".to_owned()),
                }
            }
            inside.push_str(&format!(
                "\\u{{{:x}}}-\\u{{{:x}}}",
                u32::from(first),
                u32::from(last)
            ));
        }
        match (is_negated, inside.is_empty()) {
            (true, true) => self.out.push_str("(?s:.)"),
            (false, true) => self.out.push_str(r"[^\u{0}-\u{10ffff}]"),
            (true, false) => self.out.push_str(&format!("[^{inside}]")),
            (false, false) => self.out.push_str(&format!("[{inside}]")),
        }
        Ok(())
    }

    /// A hyphen after a set stands for itself only at the end of the class.
    fn after_set(&mut self) -> Result<(), String> {
        self.rest.next();
        if self.rest.peek() == Some(&']') {
            Ok(())
        } else {
            Err("a range in `[…]` begins with a class".to_owned())
        }
    }

    /// The next part of a class, nothing at its end.
    fn class_atom(&mut self) -> Result<Option<Atom>, String> {
        match self.rest.next() {
            None => Err("`[` has no `]`".to_owned()),
            Some(']') => Ok(None),
            Some('\\') => self.escape(true).map(Some),
            Some(c) => Ok(Some(Atom::Char(c))),
        }
    }

    /// What follows a backslash.
    fn escape(&mut self, in_class: bool) -> Result<Atom, String> {
        let Some(c) = self.rest.next() else {
            return Err("it ends with a single `\\`".to_owned());
        };
        Ok(match c {
            'd' => Atom::Set(r"0-9"),
            'D' => Atom::Set(r"\u{0}-/:-\u{10ffff}"),
            'w' => Atom::Set(r"0-9A-Z_a-z"),
            'W' => Atom::Set(r"\u{0}-/:-@\u{5b}-\u{5e}\u{60}\u{7b}-\u{10ffff}"),
            's' => Atom::Set(SPACE),
            'S' => Atom::Set(NOT_SPACE),
            'b' if in_class => Atom::Char('\u{8}'),
            'b' => Atom::Look(r"\b"),
            'B' if !in_class => Atom::Look(r"\B"),
            't' => Atom::Char('\t'),
            'n' => Atom::Char('\n'),
            'v' => Atom::Char('\u{b}'),
            'f' => Atom::Char('\u{c}'),
            'r' => Atom::Char('\r'),
            '0' if !matches!(self.rest.peek(), Some('0'..='9')) => Atom::Char('\0'),
            'c' => match self.rest.next() {
                Some(letter) if letter.is_ascii_alphabetic() => {
                    Atom::Char(char::from_u32(u32::from(letter) % 32).unwrap_or_default())
                }
                _ => return Err("`\\c` needs a letter".to_owned()),
            },
            'x' => Atom::Char(self.hex(2)?),
            'u' => Atom::Char(self.unicode()?),
            'p' | 'P' => {
                return Err("classes of Unicode properties (`\\p{…}`) are not supported".to_owned());
            }
            '0'..='9' | 'k' => return Err("backreferences are not supported".to_owned()),
            '-' if in_class => Atom::Char('-'),
            '^' | '$' | '\\' | '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|'
            | '/' => Atom::Char(c),
            c => return Err(format!("`\\{c}` means nothing")),
        })
    }

    /// What follows `\u`: four digits, two times four for a pair of surrogates, or `{…}`.
    fn unicode(&mut self) -> Result<char, String> {
        if self.rest.next_if_eq(&'{').is_some() {
            let mut code = 0_u32;
            while let Some(digit) = self.rest.peek().and_then(|c| c.to_digit(16)) {
                code = code.saturating_mul(16).saturating_add(digit);
                self.rest.next();
            }
            let ends = self.rest.next_if_eq(&'}').is_some();
            let c = char::from_u32(code).filter(|_| ends);
            return c.ok_or_else(|| "`\\u{…}` needs the number of a character".to_owned());
        }
        let high = self.hex_digits(4)?;
        if let Some(c) = char::from_u32(high) {
            return Ok(c);
        }
        let is_pair = self.rest.next_if_eq(&'\\').is_some() && self.rest.next_if_eq(&'u').is_some();
        let low = if is_pair { self.hex_digits(4)? } else { 0 };
        let units = [high, low].map(|unit| u16::try_from(unit).unwrap_or_default());
        let c = char::decode_utf16(units).next().and_then(Result::ok);
        c.ok_or_else(|| "half of a surrogate pair is no character".to_owned())
    }

    fn hex(&mut self, count: usize) -> Result<char, String> {
        Ok(char::from_u32(self.hex_digits(count)?).unwrap_or_default())
    }

    fn hex_digits(&mut self, count: usize) -> Result<u32, String> {
        let mut code = 0;
        for _ in 0..count {
            match self.rest.next().and_then(|c| c.to_digit(16)) {
                Some(digit) => code = code * 16 + digit,
                None => return Err("`\\x` needs two hexadecimal digits, `\\u` four".to_owned()),
            }
        }
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn means_what_ecma_262_says() {
        for (pattern, fits, not) in [
            ("^a.c$", "aéc", "a\nc"),
            ("^a.c$", "a\u{b}c", "a\rc"),
            ("^a.c$", "a🦀c", "a\u{2028}c"),
            (r"^\s$", "\u{a0}", "a"),
            (r"^\S$", "é", "\u{feff}"),
            (r"^[\s\d]+$", "1\u{3000}2", "a"),
            (r"^[^\s]$", "x", "\u{2003}"),
            (r"^[\S]$", "\u{10ffff}", "\u{1680}"),
            (r"^\w\W\d\D$", "a-1x", "é-1x"),
            (r"^[\w\-]+$", "a-b", "a b"),
            (r"^[\w-]+$", "a-b", "a b"),
            ("^[a-]+$", "a-", "b"),
            ("^[-a]+$", "a-", "b"),
            ("^[+--]+$", "+,-", "."),
            ("^[[:a]+$", "[:a", "b"),
            ("^[a&&b]+$", "a&b", "c"),
            ("^[~~^]+$", "~^", "a"),
            ("^[^^]$", "a", "^"),
            ("^[^]$", "\n", ""),
            ("^(a|[])$", "a", ""),
            (r"^\x41\u0042\u{43}\cJ\0$", "ABC\n\0", "ABC"),
            (r"^[\ud83e\udd80]$", "🦀", "x"),
            (r"^[\b]$", "\u{8}", "b"),
            (r"\bx\b", "a x b", "axb"),
            (r"a\Bb", "ab", "a b"),
            ("^(?:a|b){2,3}$", "aba", "a"),
            ("^(?<year>[0-9]{4})$", "2026", "26"),
            (r"^\$\.\/\{\}$", "$./{}", "x"),
            ("^a b#c$", "a b#c", "abc"),
            ("a$", "a", "a\n"),
            ("^é{2}$", "éé", "é"),
            ("", "", "\0never"),
        ] {
            let compiled = Pattern::new(pattern).unwrap_or_else(|why| panic!("{pattern}: {why}"));
            assert!(
                compiled.automaton.is_match(fits),
                "{pattern} takes {fits:?}"
            );
            assert!(
                not == "\0never" || !compiled.automaton.is_match(not),
                "{pattern} refuses {not:?}"
            );
        }
    }

    #[test]
    fn every_character_is_in_a_class_or_its_opposite() {
        let is_space = |c: char| c == '\u{feff}' || (c.is_whitespace() && c != '\u{85}');
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let classes: [(_, _, &dyn Fn(char) -> bool); 3] = [
            (r"\s", r"\S", &is_space),
            (r"\w", r"\W", &is_word),
            (r"\d", r"\D", &|c| c.is_ascii_digit()),
        ];
        for (class, opposite, is_in) in classes {
            let (class, opposite) = (
                Pattern::new(class).unwrap(),
                Pattern::new(opposite).unwrap(),
            );
            for c in '\0'..='\u{ffff}' {
                let text = c.to_string();
                assert_eq!(
                    class.automaton.is_match(&text),
                    is_in(c),
                    "{} {c:?}",
                    class.source
                );
                assert_eq!(
                    opposite.automaton.is_match(&text),
                    !is_in(c),
                    "{} {c:?}",
                    opposite.source
                );
            }
        }
    }

    #[test]
    fn what_is_not_supported_is_refused_by_name() {
        for (pattern, why) in [
            ("(?=a)", "look-around"),
            ("(?<!a)b", "look-around"),
            (r"(a)\1", "backreferences"),
            (r"\k<a>", "backreferences"),
            (r"\p{L}", "Unicode properties"),
            ("(?i)a", "flags"),
            ("(?P<a>b)", "flags"),
            (r"\A", "means nothing"),
            (r"[\B]", "means nothing"),
            ("a{", "`\\{`"),
            ("a{,2}", "`\\{`"),
            ("a}", "`\\}`"),
            ("[a", "no `]`"),
            ("[z-a]", "backwards"),
            (r"[\d-z]", "begins with a class"),
            (r"[a-\d]", "ends with a class"),
            ("a\\", "ends with"),
            (r"\ud83e", "surrogate"),
            (r"\u{110000}", "number of a character"),
            ("(a", "group"),
            ("*a", "repetition"),
            ("a{2,1}", "min"),
        ] {
            let refused = Pattern::new(pattern).err().unwrap_or_default();
            assert!(refused.contains(why), "{pattern}: {refused:?}");
        }
    }

    #[test]
    fn patterns_that_explode_are_refused() {
        for pattern in [
            "((a{100}){100}){100}".to_owned(),
            "(){4294967295}".to_owned(),
            "a{99999}".to_owned(),
            "(".repeat(8_000),
            format!("{}a{}", "(".repeat(5_000), ")".repeat(5_000)),
            format!("a{}", "{9}".repeat(60)),
        ] {
            let shown: String = pattern.chars().take(20).collect();
            assert!(Pattern::new(&pattern).is_err(), "{shown}");
        }
        // What makes backtracking engines hang.
        let pattern = Pattern::new("^(a+)+$").unwrap();
        assert!(
            !pattern
                .automaton
                .is_match(&format!("{}b", "a".repeat(10_000)))
        );
    }

    proptest! {
        #[test]
        fn no_pattern_makes_it_panic(pattern in prop_oneof![
            any::<String>(), r"[a\\\[\]\-^(){}?:<>0-9,xudsbwSk.*+|$é]{0,24}",
        ], text in any::<String>()) {
            if let Ok(pattern) = Pattern::new(&pattern) {
                pattern.automaton.is_match(&text);
            }
        }
    }
}
