//! Queries about the platform, and about the request itself.

use super::object::Platform;
use super::rate_limit::RateLimit;
use crate::graph::error::Result;
use crate::graph::execute::context::Context;
use crate::graph::execute::object::Fields;
use crate::identity::roles::Right;

/// Declares the queries.
pub(crate) fn queries<Root: Send + Sync + 'static>(fields: &mut Fields<'_, Root>) {
    fields
        .read("platform", "The state of the platform itself.", platform)
        .needs(Right::Query);
    let rate_limit = fields.read(
        "rateLimit",
        "The cost of this request, and the points that the caller may still spend.",
        rate_limit,
    );
    rate_limit.needs(Right::Query);
}

async fn platform(_: Context, (): ()) -> Result<Platform> {
    Ok(Platform)
}

async fn rate_limit(context: Context, (): ()) -> Result<Option<RateLimit>> {
    Ok(context.charge().map(RateLimit))
}
