//! The GraphQL type `RateLimit`: the cost of the request, and the points that are left.

use crate::graph::execute::object::{Fields, Object};
use crate::graph::request::Charge;
use crate::graph::scalars::Time;

/// The charge of a request.
pub(crate) struct RateLimit(pub(crate) Charge);

impl Object for RateLimit {
    const NAME: &'static str = "RateLimit";
    const DESCRIPTION: &'static str = "The points of the caller. Every operation costs points, by the data \
        that it asks for; points are refilled continuously. A caller with too few points is rejected with \
        the code RATE_LIMITED and the time of the retry.";

    fn fields(fields: &mut Fields<'_, Self>) {
        fields.value("cost", "The points that this operation cost.", |charge| {
            int(charge.0.cost)
        });
        fields.value("limit", "The maximum number of points.", |charge| {
            int(charge.0.limit)
        });
        fields.value(
            "remaining",
            "The points that were left after this operation.",
            |charge| int(charge.0.remaining),
        );
        fields.value(
            "resetAt",
            "The time at which all points will be refilled, if none is spent.",
            |charge| Time::from(charge.0.full_at),
        );
    }
}

fn int(points: impl TryInto<i32>) -> i32 {
    points.try_into().unwrap_or(i32::MAX)
}
