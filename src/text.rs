//! Text as Discord treats it: how long it is, what it leaves alone, what Markdown makes of it.

use std::fmt::Write;

/// What editors on Windows put before a text in UTF-8.
pub const BYTE_ORDER_MARK: &str = "\u{feff}";

/// What a code block of JSON begins with, and one of plain text.
pub const JSON_FENCE: &str = "```json\n";
pub const FENCE: &str = "```\n";
/// What either ends with.
pub const FENCE_END: &str = "\n```";

/// The text in a code block that begins with `fence`; none of anything else.
pub fn unfence<'a>(block: &'a str, fence: &str) -> Option<&'a str> {
    block.strip_prefix(fence)?.strip_suffix(FENCE_END)
}

/// Length in UTF-16 code units, the count that all of [`crate::limits`] is in.
pub fn utf16_len(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The longest beginning of `text` that has at most `limit` code units, its last one an ellipsis
/// when something was cut.
pub fn truncate(text: &str, limit: usize) -> String {
    if utf16_len(text) <= limit {
        return text.to_owned();
    }
    let mut left = limit.saturating_sub(1);
    let mut short: String = text
        .chars()
        .take_while(|c| {
            let fits = c.len_utf16() <= left;
            left = left.saturating_sub(c.len_utf16());
            fits
        })
        .collect();
    if limit > 0 {
        short.push('…');
    }
    short
}

/// A number written in exactly this many hexadecimal digits.
pub fn fixed_hex(text: &str, digits: usize) -> Option<u64> {
    let is_hex = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| u64::from_str_radix(text, 16).ok()).flatten()
}

/// Rewrites JSON text so that Discord returns exactly what it was sent and shows it as it is:
/// characters that Discord strips, that render as nothing, or that end a code block become
/// `\uXXXX`. In JSON text all of these can only stand inside strings, so the value is the same.
pub fn escape_json(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if is_fragile(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Whether a character may be lost, changed or misread between sending and reading back.
pub fn is_fragile(c: char) -> bool {
    match c {
        '`' => true,
        // Plain ASCII, by far the commonest case.
        ' '..='~' => false,
        _ => {
            c.is_control()
                // Whitespace may be trimmed or folded.
                || c.is_whitespace()
                || matches!(c,
                    // Soft hyphen, Arabic and Mongolian marks, joiners, directions, invisible
                    // operators, byte-order mark, annotation, replacement.
                    '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
                    | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
                    | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                    | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
                    | '\u{fff0}'..='\u{ffff}' | '\u{fdd0}'..='\u{fdef}'
                    // Private use, and what has no character at all.
                    | '\u{e000}'..='\u{f8ff}' | '\u{e0000}'..='\u{10ffff}'
                    | '\u{1d173}'..='\u{1d17a}')
                || u32::from(c) & 0xfffe == 0xfffe
                // At the start of a chunk, or reordered by normalisation.
                || is_combining(c)
        }
    }
}

/// Whether a character is a mark on the one before it.
pub fn is_combining(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Escapes what Markdown would act on, so that the text shows as it is. `_` between letters or
/// digits is left alone, as Discord leaves it.
pub fn escape_markdown(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut escaped = String::with_capacity(text.len());
    for (at, &c) in chars.iter().enumerate() {
        let word = |index: Option<usize>| {
            index
                .and_then(|index| chars.get(index))
                .is_some_and(|c| c.is_alphanumeric())
        };
        let inside_word = word(at.checked_sub(1)) && word(Some(at + 1));
        match c {
            '_' if inside_word => {}
            '\\' | '*' | '_' | '~' | '|' | '`' | '<' | '>' | '@' | '#' | '[' | ']' | '(' | ')'
            | ':' => escaped.push('\\'),
            _ => {}
        }
        escaped.push(c);
    }
    escaped
}

/// Takes back [`escape_markdown`].
pub fn unescape_markdown(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let escaped = if c == '\\' {
            chars.next_if(char::is_ascii_punctuation)
        } else {
            None
        };
        plain.push(escaped.unwrap_or(c));
    }
    plain
}

/// Text from a user, safe inside `inline code` of a reply: one line, no back-ticks, bounded.
pub fn inline(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| match c {
            // A back-tick would end the code; this looks like one.
            '`' => 'ˋ',
            c if is_fragile(c) => '\u{fffd}',
            c => c,
        })
        .collect();
    let clean = truncate(&clean, 100);
    if clean.trim().is_empty() {
        "(blank)".to_owned()
    } else {
        clean
    }
}

/// How many columns a text takes in a fixed-width font: two for the wide characters of East Asia and for emoji,
/// none for what joins the character before.
pub fn columns(text: &str) -> usize {
    let of = |c: char| match u32::from(c) {
        0x300..=0x36f | 0x200b..=0x200f | 0xfe00..=0xfe0f | 0x1f3fb..=0x1f3ff => 0,
        0x1100..=0x115f
        | 0x2e80..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    };
    text.chars().map(of).sum()
}

/// Whether a text has letters that are written from right to left, so that what stands behind them in a line is
/// drawn before them.
pub fn is_right_to_left(text: &str) -> bool {
    let is_such = |c: char| matches!(u32::from(c), 0x590..=0x8ff | 0xfb1d..=0xfdff | 0xfe70..=0xfefe | 0x10800..=0x10fff);
    text.chars().any(is_such)
}

/// The up to three of `known` that are closest to `wanted`, all equally close; none that is far off. What all
/// operators begin with is no likeness.
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    // Distances cost the product of both lengths.
    let wanted: String = wanted.to_lowercase().chars().take(64).collect();
    let wanted = wanted.trim_start_matches('$');
    let mut scored: Vec<(usize, &str)> = known
        .into_iter()
        .map(|name| {
            let core = name.trim_start_matches('$');
            let distance = strsim::osa_distance(wanted, core);
            let longer = wanted.chars().count().max(core.chars().count());
            let is_part = wanted.chars().count() > 2 && core.contains(wanted);
            let is_near = distance <= (longer / 3).clamp(1, 4);
            (
                if is_part || is_near {
                    distance
                } else {
                    usize::MAX
                },
                name,
            )
        })
        .filter(|(distance, _)| *distance < usize::MAX)
        .collect();
    scored.sort_unstable();
    let best = scored.first().map(|(distance, _)| *distance);
    scored.retain(|(distance, _)| Some(*distance) == best);
    scored.truncate(3);
    scored
        .into_iter()
        .map(|(_, name)| name.to_owned())
        .collect()
}

/// What to do after a name that nobody knows: the nearest of the known ones, where one is near.
pub fn did_you_mean<S: AsRef<str>>(name: &str, known: &[S]) -> Option<String> {
    let near = nearest(name, known.iter().map(AsRef::as_ref));
    let near: Vec<String> = near
        .iter()
        .map(|name| format!("`{}`", inline(name)))
        .collect();
    (!near.is_empty()).then(|| format!("Did you mean {}?", near.join(" or ")))
}

/// The same; where none is near, what is known. None where nothing is.
pub fn near_or_known<S: AsRef<str>>(name: &str, known: &[S]) -> Option<String> {
    let known_ones = || (!known.is_empty()).then(|| format!("There are {}.", quoted(known)));
    did_you_mean(name, known).or_else(known_ones)
}

/// Names as inline code, at most ten of them.
pub fn quoted<S: AsRef<str>>(names: &[S]) -> String {
    const SHOWN: usize = 10;
    let shown = names.iter().take(SHOWN);
    let mut list: Vec<String> = shown
        .map(|name| format!("`{}`", inline(name.as_ref())))
        .collect();
    if names.len() > SHOWN {
        list.push(format!("{} more", names.len() - SHOWN));
    }
    list.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn escaping_keeps_the_json_value(text in any::<String>()) {
            let json = serde_json::to_string(&text).unwrap();
            let escaped = escape_json(&json);
            prop_assert!(!escaped.contains('`'));
            prop_assert!(!escaped.chars().any(is_fragile));
            prop_assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), text);
        }

        #[test]
        fn markdown_escaping_is_reversible(text in any::<String>()) {
            prop_assert_eq!(unescape_markdown(&escape_markdown(&text)), text);
        }

        #[test]
        fn markdown_escaping_is_reversible_in_dense_punctuation(text in r"[\\*_~a<@:]{0,12}") {
            prop_assert_eq!(unescape_markdown(&escape_markdown(&text)), text);
        }

        #[test]
        fn truncation_keeps_the_limit(text in any::<String>(), limit in 0usize..20) {
            let short = truncate(&text, limit);
            prop_assert!(utf16_len(&short) <= limit);
            prop_assert!(text.starts_with(short.trim_end_matches('…')));
        }
    }

    #[test]
    fn columns_are_those_of_a_fixed_width_font() {
        for (text, wide) in [
            ("abc", 3),
            ("日本語", 6),
            ("🦀", 2),
            ("e\u{301}", 1),
            ("👍🏽", 2),
            ("é", 1),
        ] {
            assert_eq!(columns(text), wide, "{text}");
        }
        assert!(is_right_to_left("a שלום"));
        assert!(!is_right_to_left("aé日🦀"));
    }

    #[test]
    fn hints_name_the_nearest_or_what_there_is() {
        let known = ["users", "posts"];
        let hint = |name| near_or_known(name, &known).unwrap();
        assert_eq!(hint("usres"), "Did you mean `users`?");
        assert_eq!(hint("zzzzzz"), "There are `users`, `posts`.");
        assert_eq!(near_or_known::<&str>("users", &[]), None);
        assert_eq!(did_you_mean("zzzzzz", &known), None);
        let two = did_you_mean("ax", &["ay", "az"]).unwrap();
        assert_eq!(two, "Did you mean `ay` or `az`?");
        let many: Vec<String> = (0..12).map(|n| format!("n{n}")).collect();
        assert!(quoted(&many).ends_with("`n9`, 2 more"));
    }

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let known = ["users", "posts", "user_roles"];
        assert_eq!(nearest("usres", known), ["users"]);
        assert_eq!(nearest("Users", known)[0], "users");
        assert!(nearest("zzzzzzzzzz", known).is_empty());
        assert_eq!(nearest("role", known), ["user_roles"]);
        let operators = ["$eq", "$gt", "$gte", "$not", "$nor", "$regex", "$exists"];
        assert_eq!(nearest("$exist", operators), ["$exists"]);
        assert_eq!(nearest("gte", operators), ["$gte"]);
        for other in ["$mod", "$expr", "$like", "$"] {
            assert!(nearest(other, operators).is_empty(), "{other}");
        }
    }
}
