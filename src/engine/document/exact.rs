//! Numbers that would not come back as they were written.

use serde_json::Number;

/// The first number outside of strings that would be stored as another one.
pub fn inexact_number(text: &str) -> Option<(usize, &str)> {
    let mut in_string = false;
    let mut escaped = false;
    let mut number: Option<usize> = None;
    // A blank after the end ends a number that stands there.
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        if in_string {
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        in_string = c == '"';
        match number {
            None if c == '-' || c.is_ascii_digit() => number = Some(at),
            Some(start) if !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E') => {
                let token = text.get(start..at)?;
                if !is_kept(token) {
                    return Some((start, token));
                }
                number = None;
            }
            _ => {}
        }
    }
    None
}

/// Whether a number comes back as the same decimal: whole numbers that 64 bits hold do, and others
/// when the double that is stored is written with the same digits.
fn is_kept(token: &str) -> bool {
    if !token.contains(['.', 'e', 'E']) {
        return token.parse::<i64>().is_ok() || token.parse::<u64>().is_ok();
    }
    let stored = token.parse().ok().and_then(Number::from_f64);
    stored.is_some_and(|stored| decimal(&stored.to_string()) == decimal(token))
}

/// A decimal's significant digits and the power of ten of the first; zero has no digits.
fn decimal(token: &str) -> Option<(String, i64)> {
    let (mantissa, exponent) = token.split_once(['e', 'E']).unwrap_or((token, "0"));
    let exponent: i64 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let whole = whole.trim_start_matches(['-', '+']);
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    let zeros = i64::try_from(digits.len() - significant.len()).ok()?;
    let whole = i64::try_from(whole.len()).ok()?;
    let significant = significant.trim_end_matches('0');
    if significant.is_empty() {
        return Some((String::new(), 0));
    }
    Some((significant.to_owned(), exponent.checked_add(whole - zeros)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_numbers_are_kept() {
        for number in [
            "0",
            "-0",
            "0.0",
            "-0.0",
            "0e5",
            "0.1",
            "1.10",
            "1e2",
            "1E+2",
            "100.0",
            "2.5e-3",
            "1e300",
            "0.30000000000000004",
            "5e-324",
            "-1.7976931348623157e308",
            "123456789.125",
        ] {
            assert!(is_kept(number), "{number}");
        }
        for number in [
            "18446744073709551616",
            "0.1000000000000000055511151231257827",
            "4e-324",
        ] {
            assert!(!is_kept(number), "{number}");
        }
    }
}
