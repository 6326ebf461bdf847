//! What Discord's search is asked, so that it finds the message of every row that matches, and as few
//! others as can be. Each of them is held against the whole query afterwards.
//!
//! Discord says little of how it cuts text into words, so only what any way of cutting leaves whole is
//! searched for: words as they stand between blanks in the row's message, without digits, which are reported
//! to be found unreliably. Words that stand one after the other in the message may be searched for together.

use serde_json::Value;

use super::bounds;
use crate::discord::search::Wanted;
use crate::engine::index::{Definition, token};
use crate::engine::query::filter::{Comparison, Condition, Element, Filter, Test, TextSearch};
use crate::limits::SEARCH_CONTENT;
use crate::text::{escape_json, utf16_len};

/// Searches for one query, each at least one request: Discord cannot be asked for one of several words.
pub const SEARCHES: usize = 8;
/// Words that are searched for together.
const RUN: usize = 8;

/// What is searched for. A row that matches is found by one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Searches {
    /// For people.
    pub name: String,
    /// The index in whose channel they are; the table's own channel otherwise.
    pub index: Option<u32>,
    pub texts: Vec<String>,
    /// Whether anything is known to stand in that channel.
    pub shows_some: bool,
    /// Words of messages that have only the beginning of their row, where there may be such ones.
    pub cut: Option<&'static str>,
}

/// An index, and what its channel shows.
#[derive(Debug, Clone, Copy)]
pub struct IndexChannel<'a> {
    pub id: u32,
    pub definition: &'a Definition,
    pub shows: Shows,
}

/// Which rows a channel shows, but for those in memory; the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shows {
    All,
    Some,
    None,
}

impl Shows {
    /// Of a table with so many rows, at most `behind` of which it does not show.
    pub fn of(rows: u64, behind: u64) -> Shows {
        match behind {
            0 => Shows::All,
            behind if behind < rows => Shows::Some,
            _ => Shows::None,
        }
    }
}

impl Searches {
    /// One each; in the table's channel, also for files and for what is cut, since the rest of such rows is not
    /// searched.
    pub fn wanted(&self) -> impl Iterator<Item = Wanted> {
        let texts = self.texts.iter().cloned();
        let cut = self.cut.filter(|_| self.index.is_none());
        let texts = texts.chain(cut.map(str::to_owned)).map(Wanted::Words);
        texts.chain(self.index.is_none().then_some(Wanted::Files))
    }

    pub fn count(&self) -> usize {
        self.wanted().count()
    }
}

/// What to search for: values of an index, in a channel that shows all of them; words of the rows; or an index
/// whose channel does not show all rows yet. None where the query has nothing of it.
pub fn searches(filter: &Filter, indexes: &[IndexChannel<'_>]) -> Option<Searches> {
    let of = |index: &IndexChannel<'_>| {
        let texts = tokens(filter, index)?;
        Some((
            index.shows,
            Searches {
                name: format!("SEARCH INDEX {}", index.definition.label()),
                index: Some(index.id),
                texts,
                shows_some: index.shows != Shows::None,
                cut: None,
            },
        ))
    };
    let in_indexes = indexes.iter().filter_map(of);
    let best = in_indexes.min_by_key(|(shows, searches)| (*shows, searches.texts.len()));
    if let Some((Shows::All, searches)) = best {
        return Some(searches);
    }
    let words = of_conditions(filter.conditions()).filter(|texts| texts.len() <= SEARCHES);
    let words = words.map(|texts| Searches {
        name: "SEARCH WORDS".to_owned(),
        index: None,
        texts,
        shows_some: true,
        cut: None,
    });
    words.or(best.map(|(_, searches)| searches))
}

/// The words of the index's entries that a row which matches has one of.
fn tokens(filter: &Filter, index: &IndexChannel<'_>) -> Option<Vec<String>> {
    // Whether rows have several values is known of tables in memory only.
    let bounds = bounds::of_index(filter.conditions(), index.definition, true)?;
    let is_whole = bounds.used == index.definition.paths().len();
    let is_points = bounds.ranges.iter().all(|range| range.is_point);
    if !is_whole || !is_points || bounds.ranges.len() >= SEARCHES {
        return None;
    }
    let values = bounds.ranges.iter().map(|range| range.from.as_slice());
    // And that of entries that do not have all of their row's values.
    let values = values.chain([&[][..]]);
    Some(values.map(|value| token(index.id, value)).collect())
}

/// All of the conditions hold: whichever is searched for best.
fn of_conditions(conditions: &[Condition]) -> Option<Vec<String>> {
    best(conditions.iter().filter_map(of_condition))
}

fn of_condition(condition: &Condition) -> Option<Vec<String>> {
    match condition {
        Condition::All(conditions) => of_conditions(conditions),
        Condition::Any(branches) => all(branches.iter().map(of_condition)),
        Condition::Text(search) => of_text(search),
        Condition::Field { test, .. } => of_test(test),
        Condition::None(_) => None,
    }
}

fn of_test(test: &Test) -> Option<Vec<String>> {
    match test {
        Test::Compare(Comparison::Equal, operand) => of_value(operand.value()),
        Test::In(operands) => all(operands.values().iter().map(of_value)),
        Test::Every(tests) | Test::Element(Element::Item(tests)) => {
            best(tests.iter().filter_map(of_test))
        }
        Test::Element(Element::Document(conditions)) => of_conditions(conditions),
        _ => None,
    }
}

/// One of them is enough.
fn all(each: impl Iterator<Item = Option<Vec<String>>>) -> Option<Vec<String>> {
    let each: Option<Vec<Vec<String>>> = each.collect();
    let mut texts = each?.concat();
    texts.sort_unstable();
    texts.dedup();
    Some(texts)
}

/// The fewest searches, of these the one with the longest words.
fn best(of: impl Iterator<Item = Vec<String>>) -> Option<Vec<String>> {
    of.min_by_key(|texts| {
        let shortest = texts.iter().map(String::len).min();
        (texts.len(), std::cmp::Reverse(shortest))
    })
}

/// Words of the strings in a value, at any depth; documents do not nest deep.
fn of_value(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![run(text)?]),
        Value::Array(items) => best(items.iter().filter_map(of_value)),
        Value::Object(fields) => best(fields.values().filter_map(of_value)),
        _ => None,
    }
}

/// The longest run of words of a string as they stand in a row's message, one after the other.
fn run(text: &str) -> Option<String> {
    let json = escape_json(&Value::from(text).to_string());
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    let (mut best, mut best_part) = (String::new(), "");
    let (mut here, mut words) = (String::new(), 0);
    for piece in inner.split(' ') {
        // What follows an escape has the escape's letter in front of it.
        let (piece, is_cut) = match piece.split_once('\\') {
            Some((piece, _)) => (piece, true),
            None => (piece, false),
        };
        let word = piece.trim_matches(|c| !is_of_word(c));
        if is_findable(word) && words < RUN && utf16_len(&here) + utf16_len(word) < SEARCH_CONTENT {
            if !here.is_empty() {
                here.push(' ');
            }
            here.push_str(word);
            words += 1;
        } else {
            (here, words) = (String::new(), 0);
            // Of `ada@example2.com`, `ada`.
            let parts = word.split(|c| !is_of_word(c) && !".:'’".contains(c));
            let findable = parts.filter(|part| is_findable(part));
            best_part = findable
                .chain([best_part])
                .max_by_key(|part| part.len())
                .unwrap_or("");
        }
        if here.len() > best.len() {
            best.clone_from(&here);
        }
        if is_cut {
            (here, words) = (String::new(), 0);
        }
    }
    if best.is_empty() {
        best.push_str(best_part);
    }
    (!best.is_empty()).then_some(best)
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn is_findable(word: &str) -> bool {
    let has_letter = word.chars().any(char::is_alphabetic);
    has_letter && !word.chars().any(char::is_numeric) && utf16_len(word) < SEARCH_CONTENT
}

/// A word of all phrases, or all single words; each also as it stands in a message behind a line break.
fn of_text(search: &TextSearch) -> Option<Vec<String>> {
    let of_phrases = search.phrases().iter().flatten().map(|word| &**word);
    let longest = of_phrases
        .filter(|word| is_findable(word))
        .max_by_key(|word| word.len());
    let words: Vec<&str> = match longest {
        Some(word) => vec![word],
        None if search.phrases().is_empty() => search.words().collect(),
        None => return None,
    };
    if !words.iter().all(|word| is_findable(word)) {
        return None;
    }
    let each = words.iter();
    Some(
        each.flat_map(|word| [(*word).to_owned(), format!("n{word}")])
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is searched for in the table's channel.
    fn texts(filter: &str) -> Option<Vec<String>> {
        let filter = Filter::parse("where_json", filter).unwrap();
        searches(&filter, &[]).map(|searches| searches.texts)
    }

    #[test]
    fn words_are_those_that_every_match_has() {
        for (filter, expected) in [
            (r#"{"name":"Ada Lovelace"}"#, Some(vec!["Ada Lovelace"])),
            // Whatever says most.
            (r#"{"a":"x","b":{"$eq":"longer"}}"#, Some(vec!["longer"])),
            (r#"{"a":{"$in":["x","y z"]}}"#, Some(vec!["x", "y z"])),
            (r#"{"a":{"$in":["x",null]}}"#, None),
            (r#"{"$or":[{"a":"x"},{"b":"y"}]}"#, Some(vec!["x", "y"])),
            (r#"{"$or":[{"a":"x"},{"b":1}]}"#, None),
            (r#"{"$or":[{"a":"x"},{"b":1}],"c":"z"}"#, Some(vec!["z"])),
            (r#"{"a":{"$all":["x","yy"]}}"#, Some(vec!["yy"])),
            (
                r#"{"a":{"$elemMatch":{"b":"x","n":{"$gt":1}}}}"#,
                Some(vec!["x"]),
            ),
            (r#"{"a":{"b":[1,"deep down"]}}"#, Some(vec!["deep down"])),
            // Nothing that must be there, or nothing that is a word.
            ("{}", None),
            (r#"{"a":1}"#, None),
            (r#"{"a":"42"}"#, None),
            (r#"{"a":{"$ne":"x"}}"#, None),
            (r#"{"$nor":[{"a":"x"}]}"#, None),
            (r#"{"a":{"$not":{"$eq":"x"}}}"#, None),
            (r#"{"a":{"$contains":"x"}}"#, None),
            (r#"{"a":{"$prefix":"x"}}"#, None),
            (r#"{"a":{"$gte":"x"}}"#, None),
            (
                r#"{"a":{"$in":["a","b","c","d","e","f","g","h","i"]}}"#,
                None,
            ),
            (r#"{"$text":"Oslo"}"#, Some(vec!["oslo", "noslo"])),
            (r#"{"$text":"b a"}"#, Some(vec!["a", "na", "b", "nb"])),
            (
                r#"{"$text":"a \"much longer\" -no"}"#,
                Some(vec!["longer", "nlonger"]),
            ),
            (r#"{"$text":"a 42"}"#, None),
        ] {
            let expected = expected.map(|texts| texts.into_iter().map(str::to_owned).collect());
            assert_eq!(texts(filter), expected, "{filter}");
        }
    }

    #[test]
    fn what_words_do_not_find_is_searched_for_beside_them() {
        let searches = |index, cut| Searches {
            name: String::new(),
            index,
            texts: vec!["x".to_owned()],
            shows_some: true,
            cut,
        };
        let words = |text: &str| Wanted::Words(text.to_owned());
        for (searches, expected) in [
            (searches(None, None), vec![words("x"), Wanted::Files]),
            (
                searches(None, Some("cut")),
                vec![words("x"), words("cut"), Wanted::Files],
            ),
            (searches(Some(1), Some("cut")), vec![words("x")]),
        ] {
            assert_eq!(searches.count(), expected.len());
            assert_eq!(searches.wanted().collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn what_a_channel_shows() {
        for (rows, behind, expected) in [
            (3, 0, Shows::All),
            (3, 1, Shows::Some),
            (3, 3, Shows::None),
            // Of commits that were counted as well, though they replace rows.
            (3, 4, Shows::None),
            (0, 0, Shows::All),
        ] {
            assert_eq!(Shows::of(rows, behind), expected, "{rows} {behind}");
        }
    }

    #[test]
    fn words_are_as_they_stand_in_a_message() {
        for (text, expected) in [
            ("one", Some("one")),
            ("(one), two!", Some("one two")),
            // The second word is `ntwo` there.
            ("one\ntwo", Some("one")),
            ("\ttwo", None),
            ("a\u{301}b", Some("a")),
            ("flat 3b is mine", Some("is mine")),
            ("say \"hi there\"", Some("there")),
            ("it's o_o a-b", Some("it's o_o a-b")),
            ("ada@example2.com", Some("ada")),
            ("a1b2 17", None),
            ("... - !", None),
            ("a b c d e f g h i", Some("a b c d e f g h")),
        ] {
            assert_eq!(run(text).as_deref(), expected, "{text:?}");
        }
        let long = "x".repeat(SEARCH_CONTENT + 1);
        assert_eq!(run(&long), None);
        assert_eq!(run(&format!("{long} y")).as_deref(), Some("y"));
        let words = vec!["word"; 1_000].join(" ");
        assert!(run(&words).is_some_and(|run| utf16_len(&run) <= SEARCH_CONTENT));
    }

    #[test]
    fn an_index_that_shows_all_rows_goes_first() {
        let name = Definition::parse("field", "name", false, false).unwrap();
        let both = Definition::parse("field", "name,n", false, false).unwrap();
        let found = |filter: &str, shows| {
            let filter = Filter::parse("where_json", filter).unwrap();
            let index = |id, definition| IndexChannel {
                id,
                definition,
                shows,
            };
            let indexes = [index(1, &name), index(2, &both)];
            searches(&filter, &indexes).map(|it| (it.name.clone(), it.texts.len(), it.count()))
        };
        let of = |name: &str, texts, count| Some((name.to_owned(), texts, count));
        // With the word of entries that do not have all values.
        assert_eq!(
            found(r#"{"name":"x"}"#, Shows::All),
            of("SEARCH INDEX name", 2, 2)
        );
        assert_eq!(
            found(r#"{"name":null}"#, Shows::All),
            of("SEARCH INDEX name", 2, 2)
        );
        assert_eq!(
            found(r#"{"name":{"$in":[1,2]}}"#, Shows::All),
            of("SEARCH INDEX name", 3, 3)
        );
        assert_eq!(
            found(r#"{"name":"x"}"#, Shows::Some),
            of("SEARCH WORDS", 1, 2)
        );
        assert_eq!(
            found(r#"{"name":1}"#, Shows::Some),
            of("SEARCH INDEX name", 2, 2)
        );
        // Ranges have no words, nor has a part of an index's fields.
        assert_eq!(found(r#"{"name":{"$gt":1}}"#, Shows::All), None);
        assert_eq!(found(r#"{"n":1}"#, Shows::All), None);
    }
}
