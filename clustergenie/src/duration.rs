//! Durations as people write them: `500ms`, `90s`, `15m`, `12h`, `30d`.

use std::time::Duration;

/// Units and their milliseconds. `ms` comes first, so that it is not read as `s`.
const UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// Reads a whole number with a unit.
///
/// # Errors
/// A sentence with examples.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    UNITS
        .iter()
        .find_map(|(unit, milliseconds)| {
            let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
            Some(Duration::from_millis(number.checked_mul(*milliseconds)?))
        })
        .ok_or_else(|| {
            "write a whole number with a unit (ms, s, m, h or d), such as 500ms or 30d".to_owned()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_known() {
        for (text, seconds) in [
            ("90s", 90),
            ("15m", 900),
            ("12h", 43_200),
            ("30d", 2_592_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse("0ms"), Ok(Duration::ZERO));
    }

    #[test]
    fn anything_else_is_refused() {
        for bad in [
            "",
            "5",
            "ms",
            "-5s",
            "1.5h",
            "5 s",
            "5y",
            "99999999999999999999d",
        ] {
            assert!(parse(bad).is_err(), "{bad:?} was taken");
        }
        assert!(parse(&format!("{}d", u64::MAX)).is_err());
    }
}
