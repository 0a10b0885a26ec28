//! `RateLimit`: what the request cost, and what is left.

use async_graphql::Object;

use crate::admission::rate_limit::Charged;
use crate::graph::scalars::Time;

/// What a request was charged.
pub(crate) struct RateLimit(pub(crate) Charged);

/// The points of whoever asks. Every operation costs some, by what it asks for; they come back all the
/// time. Whoever has too few is refused with the code RATE_LIMITED and told when to try again.
#[Object]
impl RateLimit {
    /// The points that this operation cost.
    async fn cost(&self) -> i32 {
        int(self.0.cost)
    }

    /// The most points one can have.
    async fn limit(&self) -> i32 {
        int(self.0.standing.limit)
    }

    /// The points that were left after this operation.
    async fn remaining(&self) -> i32 {
        int(self.0.standing.remaining)
    }

    /// When all points will be back, if none is spent.
    async fn reset_at(&self) -> Time {
        Time::from(self.0.full_at)
    }
}

fn int(points: impl TryInto<i32>) -> i32 {
    points.try_into().unwrap_or(i32::MAX)
}
