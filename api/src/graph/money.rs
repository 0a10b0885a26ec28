//! The GraphQL type `Money`.

use async_graphql::Enum;
use domain::money::MicroDollars;

use crate::graph::execute::object::{Fields, Object};
use crate::graph::execute::output::enums;
use crate::graph::scalars::BigInt;

/// An exact amount of money.
pub(crate) struct Money {
    /// The amount in millionths of one unit of the currency: `"5950"` is $0.00595.
    micros: BigInt,
    /// The currency.
    currency: Currency,
    /// The amount for people, such as `$0.00595`.
    display: String,
}

impl Object for Money {
    const NAME: &'static str = "Money";
    const DESCRIPTION: &'static str = "An exact amount of money.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.value(
            "micros",
            "The amount in millionths of one unit of the currency: `\"5950\"` is $0.00595.",
            |money| BigInt(money.micros.0),
        );
        fields.value("currency", "The currency.", |money| money.currency);
        fields.text(
            "display",
            "The amount for people, such as `$0.00595`.",
            |money| &money.display,
        );
    }
}

enums!(Currency);

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
