//! How far the projections are: for operators, and for clients who waited in vain for what they wrote.

use std::time::Duration;

use event_store::consumer::Consumer;
use event_store::envelope::{Position, Shard};
use event_store::log;

use crate::consistency::ReadModels;
use crate::reader::{ReadError, Reader};

/// How far a projection is.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectionStatus {
    /// Its name, such as `droplets`.
    pub name: &'static str,
    /// Which generation of its tables serves.
    pub generation: i32,
    /// Every event up to here that concerns it was applied, or is parked.
    pub position: Position,
    /// How many events of the log it has not applied yet, exactly.
    pub lag_events: i64,
    /// How old the oldest of them is, by the database's clock; zero when there is none.
    pub lag: Duration,
    /// How many streams are parked in it, without those that were skipped.
    pub parked_streams: i64,
}

impl Reader {
    /// The last position of the log.
    ///
    /// # Errors
    /// [`ReadError::Store`].
    pub async fn head(&self) -> Result<Position, ReadError> {
        log::head(&self.store).await.map_err(ReadError::Store)
    }

    /// How far every projection is. A projection that never ran has applied nothing.
    ///
    /// # Errors
    /// [`ReadError::Unavailable`].
    pub async fn projections(&self) -> Result<Vec<ProjectionStatus>, ReadError> {
        let mut statuses = Vec::new();
        for projection in crate::all() {
            statuses.push(self.projection(projection.as_ref()).await?);
        }
        Ok(statuses)
    }

    /// How many recorded events the slowest of the read models has not applied yet; with none of them,
    /// how many have no position yet.
    pub(crate) async fn lag(&self, of: ReadModels<'_>) -> Result<i64, ReadError> {
        let mut slowest = 0;
        for projection in of {
            slowest = slowest.max(self.projection(*projection).await?.lag_events);
        }
        let unsequenced: i64 = sqlx::query_scalar(
            "select count(*) from es.events e where e.seq > (select low_mark from es.log_head) \
             and not exists (select from es.log l where l.seq = e.seq)",
        )
        .fetch_one(&self.store)
        .await?;
        Ok(slowest + unsequenced)
    }

    async fn projection(&self, projection: &dyn Consumer) -> Result<ProjectionStatus, ReadError> {
        let shards: Vec<i16> = Shard::all(projection.stream_types())
            .iter()
            .map(|shard| shard.0)
            .collect();
        let (generation, position, lag_events, lag_seconds, parked_streams): (
            i32,
            i64,
            i64,
            f64,
            i64,
        ) = sqlx::query_as(include_str!("status.sql"))
            .bind(projection.name())
            .bind(shards)
            .fetch_one(&self.store)
            .await?;
        Ok(ProjectionStatus {
            name: projection.name(),
            generation,
            position: Position(position),
            lag_events,
            lag: Duration::try_from_secs_f64(lag_seconds).unwrap_or_default(),
            parked_streams,
        })
    }
}
