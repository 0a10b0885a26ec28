//! The GraphQL type `Money`.

use async_graphql::{Enum, SimpleObject};
use domain::money::MicroDollars;

use crate::graph::scalars::BigInt;

/// An exact amount of money.
#[derive(SimpleObject)]
pub(crate) struct Money {
    /// The amount in millionths of one unit of the currency: `"5950"` is $0.00595.
    micros: BigInt,
    /// The currency.
    currency: Currency,
    /// The amount for people, such as `$0.00595`.
    display: String,
}

/// A currency, by ISO 4217.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
enum Currency {
    /// United States dollars.
    Usd,
}

impl From<MicroDollars> for Money {
    fn from(amount: MicroDollars) -> Self {
        Self {
            micros: BigInt(amount.micros()),
            currency: Currency::Usd,
            display: amount.to_string(),
        }
    }
}
