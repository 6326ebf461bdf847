//! What databases, tables, fields and keys may be called.
//!
//! Names become channel names and topics, so they are kept to what Discord stores unchanged in
//! both: it lower-cases text channels and turns spaces into `-`.

use crate::error::{Error, ErrorKind, Result};
use crate::limits::{FIELD_NAME, KEY, NAME};
use crate::text::{inline, is_combining, is_fragile, utf16_len};

/// Checks a database or table name.
///
/// # Errors
/// Names the option and, where one is near, a name that would do.
pub fn check_name(option: &'static str, name: &str) -> Result<()> {
    if is_name(name) {
        return Ok(());
    }
    let error = Error::invalid(
        option,
        format!(
            "`{}` cannot be a name: use 1 to {NAME} characters, small letters a-z, digits and `_`, a letter first.",
            inline(name)
        ),
    );
    Err(match suggest(name) {
        Some(suggestion) => error.hint(format!("`{suggestion}` would do.")),
        None => error,
    })
}

/// Whether this is how names are written.
pub(super) fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && name.len() <= NAME
}

/// The name with capitals, blanks and punctuation mended, and without what cannot be seen. Letters and
/// marks on them are never dropped: a name that reads differently is no suggestion.
fn suggest(name: &str) -> Option<String> {
    let is_seen = |c: &char| c.is_whitespace() || *c == '`' || is_combining(*c) || !is_fragile(*c);
    let seen: String = name.chars().filter(is_seen).collect();
    let lower = seen.trim().to_lowercase();
    let is_foreign = |c: char| c.is_alphanumeric() && !c.is_ascii();
    if lower.chars().any(|c| is_foreign(c) || is_combining(c)) {
        return None;
    }
    let clean = lower.chars().map(|c| match c {
        'a'..='z' | '0'..='9' | '_' => c,
        _ => '_',
    });
    let clean: String = clean.take(NAME).collect();
    Some(clean).filter(|name| is_name(name))
}

/// Checks the name of a top-level field.
///
/// # Errors
/// Names the option.
pub fn check_field(option: &'static str, field: &str) -> Result<()> {
    // Some letters cannot be seen.
    let fine = |c: char| (c.is_alphanumeric() && !is_fragile(c)) || c == '_' || c == '-';
    if !field.is_empty() && utf16_len(field) <= FIELD_NAME && field.chars().all(fine) {
        return Ok(());
    }
    Err(Error::invalid(
        option,
        format!(
            "`{}` cannot be a field name here: use 1 to {FIELD_NAME} letters, digits, `_` and `-`.",
            inline(field)
        ),
    ))
}

/// Checks a row's key.
///
/// # Errors
/// Names the option; over-long keys are [`ErrorKind::TooLarge`].
pub fn check_key(option: &'static str, key: &str) -> Result<()> {
    if utf16_len(key) > KEY {
        return Err(Error::new(
            ErrorKind::TooLarge,
            format!(
                "a key has at most {KEY} characters, this one has {}.",
                utf16_len(key)
            ),
        )
        .option(option)
        .hint("Use a shorter one, and keep the rest in a field of the document."));
    }
    // Discord trims messages and drops some characters; a key must come back as it went.
    let fragile = |c: &char| *c != ' ' && *c != '`' && is_fragile(*c);
    let (problem, hint) = if key.is_empty() {
        let problem = "a key cannot be empty.".to_owned();
        (problem, "Give the row one, for example `u_1`.")
    } else if key.trim() != key {
        let problem = "a key cannot begin or end with a space.".to_owned();
        (problem, "Write it without the space.")
    } else if let Some(at) = key.chars().position(|c| fragile(&c)) {
        let code = key.chars().nth(at).map_or(0, u32::from);
        let problem = format!(
            "a key cannot contain control, invisible or combining characters; character {} is U+{code:04X}.",
            at + 1
        );
        (
            problem,
            "Write it without it: text that is copied, and keyboards for emoji, bring such characters along.",
        )
    } else {
        return Ok(());
    };
    Err(Error::invalid(option, problem).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_discord_would_change_are_refused_with_a_suggestion() {
        for good in ["users", "a", "t_1", &"x".repeat(32)] {
            check_name("table", good).unwrap();
        }
        for (bad, hint) in [
            ("Users", Some("`users` would do.")),
            ("my table", Some("`my_table` would do.")),
            ("1st", None),
            ("рrod", None),
            ("", None),
            ("日本", None),
            (
                &"x".repeat(33),
                Some("`xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx` would do."),
            ),
            ("a`b\n@everyone", Some("`a_b__everyone` would do.")),
            ("us\u{200b}ers\u{fe0f}", Some("`users` would do.")),
            // Small, that has a dot of its own on the i.
            ("İtems", None),
            ("cafe\u{301}", None),
        ] {
            let error = check_name("table", bad).unwrap_err();
            assert_eq!(error.hint.as_deref(), hint, "{bad}");
        }
    }

    #[test]
    fn keys_come_back_as_they_went() {
        for good in ["u_1", "a b", "ключ", "鍵", "a`b", "**", "🦀"] {
            check_key("key", good).unwrap();
        }
        for bad in [
            "",
            " a",
            "a ",
            "a\nb",
            "a\u{200b}b",
            "e\u{301}",
            "\u{202e}x",
        ] {
            assert!(check_key("key", bad).is_err(), "{bad:?}");
        }
        let long = check_key("key", &"k".repeat(101)).unwrap_err();
        assert_eq!(long.kind, ErrorKind::TooLarge);
    }
}
