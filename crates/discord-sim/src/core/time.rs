//! Times as Discord writes them.

use jiff::Timestamp;

/// ISO 8601 with microseconds and `+00:00`, the form in Discord's JSON.
pub(crate) fn iso8601(unix_ms: u64) -> String {
    format_with(unix_ms, "%Y-%m-%dT%H:%M:%S%.6f+00:00")
}

/// The `Date` header's form (RFC 9110, section 5.6.7).
pub(crate) fn http_date(unix_ms: u64) -> String {
    format_with(unix_ms, "%a, %d %b %Y %H:%M:%S GMT")
}

/// Whether `text` is a date and time with an offset, as embeds' `timestamp` must be. Gives it back in Discord's form.
pub(crate) fn normalise_iso8601(text: &str) -> Option<String> {
    parse_iso8601(text).map(iso8601)
}

/// A date and time with an offset, in Unix milliseconds.
pub(crate) fn parse_iso8601(text: &str) -> Option<u64> {
    let stamp: Timestamp = text.parse().ok()?;
    u64::try_from(stamp.as_millisecond()).ok()
}

fn format_with(unix_ms: u64, pattern: &str) -> String {
    let millis = i64::try_from(unix_ms).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(millis)
        .unwrap_or(Timestamp::MAX)
        .strftime(pattern)
        .to_string()
}
