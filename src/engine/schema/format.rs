//! The values of `format`, each checked to the letter of its RFC.

use std::net::{Ipv4Addr, Ipv6Addr};

/// What strings can be asked to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    DateTime,
    Date,
    Time,
    Email,
    Uuid,
    Uri,
    Ipv4,
    Ipv6,
}

/// Their names in JSON Schema.
pub(super) const FORMATS: &[(&str, Format)] = &[
    ("date-time", Format::DateTime),
    ("date", Format::Date),
    ("time", Format::Time),
    ("email", Format::Email),
    ("uuid", Format::Uuid),
    ("uri", Format::Uri),
    ("ipv4", Format::Ipv4),
    ("ipv6", Format::Ipv6),
];

impl Format {
    pub(super) fn fits(self, text: &str) -> bool {
        match self {
            Format::DateTime => is_date_time(text),
            Format::Date => is_date(text),
            Format::Time => is_time(text),
            Format::Email => is_email(text),
            Format::Uuid => is_uuid(text),
            Format::Uri => is_uri(text),
            Format::Ipv4 => text.parse::<Ipv4Addr>().is_ok(),
            Format::Ipv6 => text.parse::<Ipv6Addr>().is_ok(),
        }
    }

    /// As it reads after "must be".
    pub(super) fn what(self) -> &'static str {
        match self {
            Format::DateTime => "a date and time such as `2026-01-31T12:00:00Z`",
            Format::Date => "a date such as `2026-01-31`",
            Format::Time => "a time with its offset such as `12:00:00Z`",
            Format::Email => "an email address such as `a@example.com`",
            Format::Uuid => "a UUID such as `123e4567-e89b-12d3-a456-426614174000`",
            Format::Uri => "a URI such as `https://example.com/a`",
            Format::Ipv4 => "an IPv4 address such as `192.0.2.1`",
            Format::Ipv6 => "an IPv6 address such as `2001:db8::1`",
        }
    }
}

/// RFC 3339, `date-time`.
fn is_date_time(text: &str) -> bool {
    let Some((date, rest)) = text.split_at_checked(10) else {
        return false;
    };
    is_date(date) && rest.strip_prefix(['T', 't']).is_some_and(is_time)
}

/// RFC 3339, `full-date`.
fn is_date(text: &str) -> bool {
    let mut parts = text.split('-');
    let (year, month, day) = (
        digits(parts.next(), 4),
        digits(parts.next(), 2),
        digits(parts.next(), 2),
    );
    let (Some(year), Some(month), Some(day), None) = (year, month, day, parts.next()) else {
        return false;
    };
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 => 28 + u32::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// RFC 3339, `full-time`. A second 60 is one only at the end of a day in UTC.
fn is_time(text: &str) -> bool {
    let (time, offset) = match text.strip_suffix(['Z', 'z']) {
        Some(time) => (time, 0),
        None => {
            let Some(at) = text.rfind(['+', '-']) else {
                return false;
            };
            let (time, offset) = text.split_at(at);
            let sign = if offset.starts_with('-') { -1 } else { 1 };
            match offset.get(1..).map(clock) {
                Some(Some((minutes, None))) => (time, sign * minutes),
                _ => return false,
            }
        }
    };
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let has_fraction = !fraction.is_empty() && fraction.bytes().all(|b| b.is_ascii_digit());
    match clock(time) {
        Some((minutes, Some(second))) if has_fraction => {
            let last_minute = (minutes - offset).rem_euclid(24 * 60) == 24 * 60 - 1;
            second < 60 || (second == 60 && last_minute)
        }
        _ => false,
    }
}

/// `12:34` or `12:34:56` as minutes of a day, and seconds where there are any.
fn clock(text: &str) -> Option<(i32, Option<u32>)> {
    let mut parts = text.split(':');
    let hour = digits(parts.next(), 2).filter(|hour| *hour < 24)?;
    let minute = digits(parts.next(), 2).filter(|minute| *minute < 60)?;
    let second = match parts.next() {
        Some(second) => Some(digits(Some(second), 2)?),
        None => None,
    };
    let minutes = i32::try_from(hour * 60 + minute).ok()?;
    parts.next().is_none().then_some((minutes, second))
}

/// A number of exactly this many digits.
fn digits(text: Option<&str>, count: usize) -> Option<u32> {
    let text = text.filter(|text| text.len() == count)?;
    let all = text.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| text.parse().ok()).flatten()
}

/// RFC 5321, `Mailbox`.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    if local.len() > 64 || domain.len() > 255 {
        return false;
    }
    let quoted = local
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let local_fits = match quoted {
        Some(quoted) => is_quoted(quoted),
        None => local
            .split('.')
            .all(|atom| !atom.is_empty() && atom.bytes().all(is_atom_byte)),
    };
    let literal = domain
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    local_fits
        && match literal {
            Some(literal) => match literal.strip_prefix("IPv6:") {
                Some(address) => Format::Ipv6.fits(address),
                None => Format::Ipv4.fits(literal),
            },
            None => domain.split('.').all(is_label),
        }
}

fn is_atom_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

/// What stands between the quotes of a quoted local part.
fn is_quoted(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'"' => return false,
            b'\\' => bytes.next().unwrap_or(0),
            byte => byte,
        };
        if !(b' '..=b'~').contains(&byte) {
            return false;
        }
    }
    true
}

fn is_label(label: &str) -> bool {
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=63).contains(&label.len())
        && label.bytes().all(is_fine)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// RFC 9562 (and 4122): five groups of hexadecimal digits.
fn is_uuid(text: &str) -> bool {
    let is_hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let lengths = text.split('-').map(str::len);
    lengths.eq([8, 4, 4, 4, 12]) && text.split('-').all(is_hex)
}

/// RFC 3986, `URI`: with a scheme, and nothing that would have to be escaped.
fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else {
        return false;
    };
    let in_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.bytes().all(in_scheme) {
        return false;
    }
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", rest),
    };
    is_authority(authority)
        && is_made_of(path, b":@/")
        && is_made_of(query, b":@/?")
        && is_made_of(fragment, b":@/?")
}

fn is_authority(text: &str) -> bool {
    let (user, host) = text.split_once('@').unwrap_or(("", text));
    let (host_fits, port) = match host.strip_prefix('[') {
        Some(literal) => {
            let Some((address, port)) = literal.split_once(']') else {
                return false;
            };
            let future = address
                .strip_prefix(['v', 'V'])
                .and_then(|a| a.split_once('.'));
            let fits = match future {
                Some((version, address)) => {
                    !version.is_empty()
                        && version.bytes().all(|byte| byte.is_ascii_hexdigit())
                        && !address.is_empty()
                        && !address.contains('%')
                        && is_made_of(address, b":")
                }
                None => Format::Ipv6.fits(address),
            };
            (fits, port)
        }
        None => {
            let (name, port) = host.split_at(host.rfind(':').unwrap_or(host.len()));
            (is_made_of(name, b""), port)
        }
    };
    let port = port.strip_prefix(':').unwrap_or(port);
    is_made_of(user, b":") && host_fits && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// Only unreserved characters, sub-delimiters, escapes, and these `others`.
fn is_made_of(text: &str, others: &[u8]) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let fits = if byte == b'%' {
            let mut is_hex = || bytes.next().is_some_and(|byte| byte.is_ascii_hexdigit());
            is_hex() && is_hex()
        } else {
            byte.is_ascii_alphanumeric()
                || b"-._~!$&'()*+,;=".contains(&byte)
                || others.contains(&byte)
        };
        if !fits {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(format: Format, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(format.fits(text), "{format:?} takes {text:?}");
        }
        for text in bad {
            assert!(!format.fits(text), "{format:?} refuses {text:?}");
        }
    }

    #[test]
    fn dates_and_times() {
        check(
            Format::DateTime,
            &[
                "1963-06-19T08:30:06.283185Z",
                "1963-06-19t08:30:06z",
                "1990-12-31T15:59:50.123-08:00",
                "1998-12-31T23:59:60Z",
                "1998-12-31T15:59:60.123-08:00",
                "2024-02-29T00:00:00+23:59",
            ],
            &[
                "",
                "2026-01-31",
                "2026-01-31T12:00:00",
                "2026-01-31 12:00:00Z",
                "1998-12-31T23:58:60Z",
                "2023-02-29T00:00:00Z",
                "2026-01-31T24:00:00Z",
                "2026-01-31T12:60:00Z",
                "2026-01-31T12:00:61Z",
                "2026-01-31T12:00:00.Z",
                "2026-01-31T12:00:00+24:00",
                "2026-01-31T12:00:00+0100",
                "2026-01-31T12:00:00+01:00:00",
                "2026-01-31T12:00Z",
                "2026-1-31T12:00:00Z",
                "2026-01-3১T12:00:00Z",
                "২026-01-31T12:00:00Z",
                "+026-01-31T12:00:00Z",
            ],
        );
        check(
            Format::Date,
            &["2000-02-29", "0000-01-01", "9999-12-31"],
            &[
                "1900-02-29",
                "2026-13-01",
                "2026-04-31",
                "2026-00-10",
                "2026-01-00",
                "2026-01-011",
                "20260131",
            ],
        );
        check(
            Format::Time,
            &["08:30:06Z", "08:30:06.0+05:30", "01:29:60+01:30"],
            &[
                "08:30:06",
                "8:30:06Z",
                "08:30:06 Z",
                "01:29:60+01:31",
                "08:30:06-8:00",
                "Z",
                "+",
            ],
        );
    }

    #[test]
    fn addresses() {
        check(
            Format::Email,
            &[
                "a@example.com",
                "te~st.x+y@example.com",
                "\"a b@c\"@example.com",
                "\"\\\"\"@example.com",
                "a@localhost",
                "a@[127.0.0.1]",
                "a@[IPv6:::1]",
            ],
            &[
                "",
                "@",
                "a",
                "a@",
                "@b",
                ".a@b.c",
                "a.@b.c",
                "a..b@c.d",
                "a@b..c",
                "a@-b.c",
                "a@b_c",
                "a b@c.d",
                "ä@b.c",
                "a@[127.0.0.300]",
                "\"a\"b\"@c.d",
            ],
        );
        check(
            Format::Ipv4,
            &["192.0.2.1", "0.0.0.0"],
            &[
                "192.0.2",
                "192.0.2.01",
                "256.0.0.1",
                "0x7f.0.0.1",
                "1.2.3.4 ",
            ],
        );
        check(
            Format::Ipv6,
            &["::", "2001:db8::1", "::ffff:192.0.2.1"],
            &["12345::", "::1%eth0", "1:2:3:4:5:6:7", ":::"],
        );
        check(
            Format::Uuid,
            &[
                "123e4567-e89b-12d3-a456-426614174000",
                "123E4567-E89B-12D3-A456-426614174000",
            ],
            &[
                "123e4567e89b12d3a456426614174000",
                "123e4567-e89b-12d3-a456-42661417400g",
                "123e4567-e89b-12d3-a456-426614174000-",
            ],
        );
        check(
            Format::Uri,
            &[
                "https://example.com/a?b=c#d",
                "urn:isbn:0451450523",
                "mailto:a@example.com",
                "http://u:p@[2001:db8::1]:80/",
                "http://a%20b/",
                "file:///etc/hosts",
                "http://[v1.fe80::a+en1]/",
                "a:",
            ],
            &[
                "//example.com/a",
                "/a",
                "a b:c",
                ":a",
                "1a:b",
                "http://a b",
                "http://a/%zz",
                "http://a/%2",
                "http://[::1",
                "http://[127.0.0.1]/",
                "http://a:b/",
                "http://a/<b>",
                "http://a/[b]",
                "http://ä.de",
                "http://a#b#c",
                "http://a@b@c/",
            ],
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in prop_oneof![
            any::<String>(), "[0-9Tz:.+-]{0,30}", "[a\"@\\\\.\\[\\]:%/?#é]{0,20}",
        ]) {
            for (_, format) in FORMATS {
                format.fits(&text);
            }
        }
    }
}
