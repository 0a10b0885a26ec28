//! Money, as whole numbers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// An amount in millionths of a US dollar. Amounts are exact: none is ever a floating-point number.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct MicroDollars(i64);

impl MicroDollars {
    const PER_DOLLAR: u64 = 1_000_000;
    const DECIMALS: usize = 6;

    /// Returns the amount of so many millionths of a dollar.
    #[must_use]
    pub const fn new(micros: i64) -> Self {
        Self(micros)
    }

    /// Returns the amount in millionths of a dollar.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }
}

/// Writes the exact amount with at least two decimals: `$4.00`, `$0.00595`, `-$1.50`.
impl fmt::Display for MicroDollars {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let dollars = self.0.unsigned_abs() / Self::PER_DOLLAR;
        let decimals = format!("{:06}", self.0.unsigned_abs() % Self::PER_DOLLAR);
        let significant = decimals.trim_end_matches('0').len().max(2);
        write!(formatter, "{sign}${dollars}.{}", &decimals[..significant])
    }
}

/// Reads a plain decimal number of dollars, such as `0.00595`, without a sign.
impl FromStr for MicroDollars {
    type Err = InvalidAmount;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidAmount {
            given: crate::checked::beginning(text),
        };
        let (dollars, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if dollars.is_empty()
            || text.ends_with('.')
            || decimals.len() > Self::DECIMALS
            || !digits(dollars)
            || !digits(decimals)
        {
            return Err(invalid());
        }
        let micros = format!("{dollars}{decimals:0<width$}", width = Self::DECIMALS);
        micros.parse().map(Self).map_err(|_| invalid())
    }
}

/// A text that is no amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "{given:?} is not an amount in dollars: use digits with at most six decimals, like 0.00595"
)]
pub struct InvalidAmount {
    given: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_shown_exactly() {
        for (micros, shown) in [
            (0, "$0.00"),
            (5_950, "$0.00595"),
            (4_000_000, "$4.00"),
            (1_500_000, "$1.50"),
            (1, "$0.000001"),
            (-1_500_000, "-$1.50"),
            (i64::MAX, "$9223372036854.775807"),
            (i64::MIN, "-$9223372036854.775808"),
        ] {
            assert_eq!(MicroDollars::new(micros).to_string(), shown);
        }
    }

    #[test]
    fn what_is_shown_is_read_again() {
        for micros in (0..3_000_000).step_by(997) {
            let amount = MicroDollars::new(micros);
            assert_eq!(
                amount.to_string().trim_start_matches('$').parse(),
                Ok(amount)
            );
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for bad in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e3",
            "0.1234567",
            "1,5",
            "9223372036855",
        ] {
            assert!(bad.parse::<MicroDollars>().is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn json_holds_the_whole_number() {
        let json = serde_json::to_string(&MicroDollars::new(5_950)).expect("it serialises");
        assert_eq!(json, "5950");
    }
}
