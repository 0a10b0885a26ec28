//! The status of consumers: for operators, for readiness, and for clients whose wait for a write timed out.
//!
//! One statement covers any number of consumers, and its cost is bounded however far behind they are.
//! Processes send it every second.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgPool;

use crate::consume::consumer::Consumer;
use crate::envelope::{Position, Shard};
use crate::error::StoreError;

mod row;

use self::row::Row;

/// The status of a consumer: a projection, or the to-do list of a process manager.
#[derive(Debug, Clone, PartialEq)]
pub struct ConsumerStatus {
    /// The name of the consumer, such as `droplets`.
    pub name: &'static str,
    /// The generation of the consumer's tables that serves.
    pub generation: i32,
    /// The version of the code that fills this generation.
    pub version: i32,
    /// The state of the consumer.
    pub state: State,
    /// The position up to which every event that concerns the consumer was applied, or is parked.
    pub position: Position,
    /// The lag: the number of events of the log that the consumer has not applied yet. Exact up to 10,000 a
    /// shard.
    pub lag_events: i64,
    /// The age of the oldest event that is not applied yet, by the database's clock; zero if there is none.
    pub lag: Duration,
    /// The number of streams that are parked in the generation, without the skipped ones; at most 10,000.
    pub parked_streams: i64,
    /// The number of parked streams that are skipped in the generation; at most 10,000.
    pub skipped_streams: i64,
    /// The generation that is being built, if there is one.
    pub building: Option<Building>,
    /// The last generation that was built after the one that serves and was found wrong.
    pub failed: Option<Failed>,
}

/// The state of a consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The consumer follows the events, as long as a process runs it.
    Following,
    /// The consumer is paused by an operator.
    Paused {
        /// The operator who paused the consumer.
        by: String,
        /// The reason of the pause.
        reason: String,
        /// The time of the pause.
        since: DateTime<Utc>,
    },
    /// The consumer applies nothing: code of another version filled the generation that serves. Code of a
    /// higher version builds a generation of its own, which then serves. Code of a lower version waits to
    /// be replaced.
    OtherVersion {
        /// The version of this program's code.
        wanted: i32,
    },
}

impl State {
    /// Returns the name of the state, such as `FOLLOWING`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Following => "FOLLOWING",
            Self::Paused { .. } => "PAUSED",
            Self::OtherVersion { .. } => "OTHER_VERSION",
        }
    }
}

/// A generation that is being built.
#[derive(Debug, Clone, PartialEq)]
pub struct Building {
    /// The number of the generation.
    pub generation: i32,
    /// The version of the code that fills the generation.
    pub version: i32,
    /// The stage of the build.
    pub stage: Stage,
    /// The share of the log that the generation has applied: from 0 to 1, the mean over the shards.
    pub share: f64,
    /// The remaining time until the generation is filled, at the speed so far. `None` before the filling
    /// has begun and after it has ended. The comparison takes about as long again.
    pub rest: Option<Duration>,
    /// The requester of the rebuild.
    pub requested_by: String,
    /// The reason of the rebuild.
    pub reason: String,
    /// The time of the request.
    pub since: DateTime<Utc>,
}

/// The stage of the build of a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The generation applies the events of the log from the first one on, or waits until others are built.
    Filling,
    /// The generation has applied the events, and is compared with the log row by row.
    Comparing,
    /// The generation was found equal, and waits only for new events and for long queries.
    Switching,
}

impl Stage {
    /// Returns the name of the stage, such as `FILLING`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Filling => "FILLING",
            Self::Comparing => "COMPARING",
            Self::Switching => "SWITCHING",
        }
    }
}

/// A generation that was found wrong, and never served.
#[derive(Debug, Clone, PartialEq)]
pub struct Failed {
    /// The number of the generation.
    pub generation: i32,
    /// The version of the code that filled the generation.
    pub version: i32,
    /// The requester of the rebuild.
    pub requested_by: String,
    /// The reason of the rebuild.
    pub reason: String,
    /// The time at which the generation was found wrong.
    pub at: DateTime<Utc>,
    /// The number of the generation's rows that differ from what the log says.
    pub differences: u64,
    /// The report of the comparison, with rows of any organization.
    pub report: Value,
}

/// Returns the status of each of these consumers, in their order, by one statement. A consumer that never
/// ran has applied nothing.
///
/// # Errors
/// When Postgres fails.
pub async fn of(
    pool: &PgPool,
    consumers: &[&dyn Consumer],
) -> Result<Vec<ConsumerStatus>, StoreError> {
    let names: Vec<_> = consumers.iter().map(|consumer| consumer.name()).collect();
    let concerns = consumers.iter().flat_map(|consumer| {
        let shards = Shard::all(consumer.stream_types());
        let pair = |shard: Shard| (consumer.name(), shard.0);
        shards.into_iter().map(pair).collect::<Vec<_>>()
    });
    let (of, shards): (Vec<_>, Vec<_>) = concerns.unzip();
    let rows: Vec<Row> = sqlx::query_as(include_str!("status.sql"))
        .bind(names)
        .bind(of)
        .bind(shards)
        .fetch_all(pool)
        .await
        .map_err(StoreError::unavailable("reading how far consumers are"))?;
    let rows = consumers.iter().zip(rows);
    Ok(rows.map(|(consumer, row)| row.status(*consumer)).collect())
}

/// Returns the consumers in the form that [`of`] takes.
#[must_use]
pub fn each(consumers: &[Arc<dyn Consumer>]) -> Vec<&dyn Consumer> {
    consumers.iter().map(AsRef::as_ref).collect()
}
