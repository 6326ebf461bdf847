//! Points in time as text, since JSON has no type for them.

use crate::host::UnixMillis;

/// ISO 8601 in UTC with milliseconds, as in `2025-11-20T09:48:24.123Z`: until the year 9999, the order
/// of the texts is that of the times.
pub(super) fn iso8601(time: UnixMillis) -> String {
    const DAY_MS: u64 = 86_400_000;
    let (year, month, day) = civil(time / DAY_MS);
    let ms = time % DAY_MS;
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z",
        ms % 1_000
    )
}

/// Year, month and day, so many days after 1970-01-01. The Gregorian calendar repeats every 400 years,
/// and in years that begin in March, months have lengths in a pattern of five.
fn civil(days: u64) -> (u64, u64, u64) {
    const CYCLE: u64 = 146_097;
    // 0000-03-01 lies 719,468 days before 1970-01-01.
    let days = days + 719_468;
    let (cycle, day) = (days / CYCLE, days % CYCLE);
    // Every 4th year has a day more, but not every 100th; the last day of the cycle is a 400th's.
    let year = (day - day / 1_460 + day / 36_524 - day / (CYCLE - 1)) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, later) = match month {
        0..10 => (month + 3, 0),
        _ => (month - 9, 1),
    };
    (cycle * 400 + year + later, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times() {
        for (time, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_763_632_104_123, "2025-11-20T09:48:24.123Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(iso8601(time), text);
        }
        // Nobody lives to see it, but it must end.
        iso8601(u64::MAX);
    }

    /// Counts the days of four centuries and more one by one.
    #[test]
    fn every_day_is_the_one_after_the_day_before() {
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..200_000 {
            assert_eq!(civil(days), (year, month, day));
            let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = match month {
                2 if is_leap => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            (month, day) = if day == length {
                (month + 1, 1)
            } else {
                (month, day + 1)
            };
            (year, month) = if month == 13 {
                (year + 1, 1)
            } else {
                (year, month)
            };
        }
    }
}
