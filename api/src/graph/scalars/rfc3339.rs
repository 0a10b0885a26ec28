//! Writes times by RFC 3339, in UTC, with 0, 3, 6 or 9 decimals of a second.
//!
//! A list of 50 droplets has 100 times, and the formatter of chrono took a thirtieth of its processor time.

use chrono::{DateTime, Datelike, SecondsFormat, Timelike, Utc};

/// Writes a time, such as `2026-11-01T12:00:00.250Z`.
pub(super) fn write(time: &DateTime<Utc>, bytes: &mut Vec<u8>) {
    let (year, nanos) = (time.year(), time.nanosecond());
    let (Ok(year @ 0..=9999), 0..1_000_000_000) = (u32::try_from(year), nanos) else {
        // Other years have a sign, and leap seconds have more nanoseconds.
        let text = time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        return bytes.extend_from_slice(text.as_bytes());
    };
    let mut text = *b"0000-00-00T00:00:00";
    for (place, digits, number) in [
        (0, 4, year),
        (5, 2, time.month()),
        (8, 2, time.day()),
        (11, 2, time.hour()),
        (14, 2, time.minute()),
        (17, 2, time.second()),
    ] {
        put(&mut text[place..place + digits], number);
    }
    bytes.extend_from_slice(&text);
    let mut decimals = *b".000000000";
    put(&mut decimals[1..], nanos);
    let length = match nanos {
        0 => 0,
        nanos if nanos % 1_000_000 == 0 => 4,
        nanos if nanos % 1_000 == 0 => 7,
        _ => 10,
    };
    bytes.extend_from_slice(&decimals[..length]);
    bytes.push(b'Z');
}

/// Writes the last digits of a number, with zeros before it.
fn put(digits: &mut [u8], mut number: u32) {
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789"[(number % 10) as usize];
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_by_chrono() {
        let leap = DateTime::parse_from_rfc3339("2016-12-31T23:59:60.5Z").unwrap();
        let mut times = vec![
            leap.to_utc(),
            DateTime::<Utc>::MIN_UTC,
            DateTime::<Utc>::MAX_UTC,
        ];
        // From the year -2,000 to 12,000.
        for step in 0..4_000 {
            let seconds = -125_000_000_000 + step * 110_449_123;
            for nanos in [
                0,
                1,
                1_000,
                1_000_000,
                250_000_000,
                123_456_000,
                999_999_999,
            ] {
                times.extend(DateTime::from_timestamp(seconds, nanos));
            }
        }
        assert!(times.len() > 20_000);
        for time in times {
            let mut bytes = Vec::new();
            write(&time, &mut bytes);
            let expected = time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
            assert_eq!(String::from_utf8(bytes).unwrap(), expected);
        }
    }
}
