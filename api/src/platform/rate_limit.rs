//! The GraphQL type `RateLimit`: the cost of the request, and the points that are left.

use async_graphql::Object;

use crate::admission::rate_limit::Charged;
use crate::graph::scalars::Time;

/// The charge of a request.
pub(crate) struct RateLimit(pub(crate) Charged);

/// The points of the caller. Every operation costs points, by the data that it asks for; points are
/// refilled continuously. A caller with too few points is rejected with the code RATE_LIMITED and the time
/// of the retry.
#[Object]
impl RateLimit {
    /// The points that this operation cost.
    async fn cost(&self) -> i32 {
        int(self.0.cost)
    }

    /// The maximum number of points.
    async fn limit(&self) -> i32 {
        int(self.0.standing.limit)
    }

    /// The points that were left after this operation.
    async fn remaining(&self) -> i32 {
        int(self.0.standing.remaining)
    }

    /// The time at which all points will be refilled, if none is spent.
    async fn reset_at(&self) -> Time {
        Time::from(self.0.full_at)
    }
}

fn int(points: impl TryInto<i32>) -> i32 {
    points.try_into().unwrap_or(i32::MAX)
}
