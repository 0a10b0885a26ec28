//! How far the projections are: for operators, and for readers who wait for what they wrote.

use std::time::Duration;

use domain::ids::OrgId;
use event_store::consumer::Consumer;
use event_store::envelope::{Position, Shard, StreamId, Version};
use event_store::log;

use crate::reader::{ReadError, Reader};

/// How far a projection is.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectionStatus {
    /// Its name, such as `droplets`.
    pub name: &'static str,
    /// The version of its tables.
    pub generation: i32,
    /// Every event up to here that concerns it was applied, or is parked.
    pub position: Position,
    /// How many events of the log it has not applied yet, exactly.
    pub lag_events: i64,
    /// How old the oldest of them is, by the database's clock; zero when there is none.
    pub lag: Duration,
    /// How many streams are parked in it.
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

    /// Whether every read model shows these versions of an organization's streams. A stream that is
    /// parked counts as shown: nothing more will come. One of another organization never is.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn reached(
        &self,
        org: &OrgId,
        streams: &[(StreamId, Version)],
    ) -> Result<bool, ReadError> {
        let projections = crate::all();
        let mut wanted = Wanted::default();
        for (stream, version) in streams {
            for projection in &projections {
                if projection.stream_types().contains(&stream.stream_type) {
                    wanted.streams.push(stream.uuid);
                    wanted.versions.push(version.0);
                    wanted.consumers.push(projection.id().name);
                    wanted.generations.push(projection.id().generation);
                }
            }
        }
        let reached = sqlx::query_scalar(include_str!("reached.sql"))
            .bind(org.as_str())
            .bind(wanted.streams)
            .bind(wanted.versions)
            .bind(wanted.consumers)
            .bind(wanted.generations);
        Ok(reached.fetch_one(&mut *self.session(org).await?).await?)
    }

    async fn projection(&self, projection: &dyn Consumer) -> Result<ProjectionStatus, ReadError> {
        let id = projection.id();
        let shards: Vec<i16> = Shard::all(projection.stream_types())
            .iter()
            .map(|shard| shard.0)
            .collect();
        let (position, lag_events, lag_seconds, parked_streams): (i64, i64, f64, i64) =
            sqlx::query_as(include_str!("status.sql"))
                .bind(id.name)
                .bind(id.generation)
                .bind(shards)
                .fetch_one(&self.store)
                .await?;
        Ok(ProjectionStatus {
            name: id.name,
            generation: id.generation,
            position: Position(position),
            lag_events,
            lag: Duration::try_from_secs_f64(lag_seconds).unwrap_or_default(),
            parked_streams,
        })
    }
}

/// Which version of which stream must have been applied by whom, as columns.
#[derive(Default)]
struct Wanted {
    streams: Vec<uuid::Uuid>,
    versions: Vec<i64>,
    consumers: Vec<&'static str>,
    generations: Vec<i32>,
}
