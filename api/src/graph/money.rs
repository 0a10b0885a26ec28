//! The GraphQL type `Money`.

use async_graphql::Enum;
use domain::money::MicroDollars;

use crate::graph::execute::object::{Fields, Object};
use crate::graph::execute::output::enums;
use crate::graph::scalars::BigInt;

impl Object for MicroDollars {
    const NAME: &'static str = "Money";
    const DESCRIPTION: &'static str = "An exact amount of money.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.value(
            "micros",
            "The amount in millionths of one unit of the currency: `\"5950\"` is $0.00595.",
            |money| BigInt(money.micros()),
        );
        fields.value("currency", "The currency.", |_| Currency::Usd);
        fields.value(
            "display",
            "The amount for people, such as `$0.00595`.",
            MicroDollars::to_string,
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
