//! How far consumers are: for operators, for readiness, and for clients whose wait for a write timed out.
//!
//! One statement covers any number of consumers, and its cost is bounded however far behind they are,
//! because processes send it every second.

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

/// How far a consumer is: a projection, or the to-do list of a process manager.
#[derive(Debug, Clone, PartialEq)]
pub struct ConsumerStatus {
    /// Its name, such as `droplets`.
    pub name: &'static str,
    /// The generation of its tables that serves.
    pub generation: i32,
    /// The version of the code that fills this generation.
    pub version: i32,
    /// What it does.
    pub state: State,
    /// Every event up to here that concerns it was applied, or is parked.
    pub position: Position,
    /// How many events of the log it has not applied yet; exactly, up to 10,000 a shard.
    pub lag_events: i64,
    /// How old the oldest of them is, by the database's clock; zero when there is none.
    pub lag: Duration,
    /// How many streams are parked in it, without the skipped ones; at most 10,000.
    pub parked_streams: i64,
    /// How many parked streams are skipped in it; at most 10,000.
    pub skipped_streams: i64,
    /// The generation that is being built, if there is one.
    pub building: Option<Building>,
    /// The last generation that was built after the one that serves and was found wrong.
    pub failed: Option<Failed>,
}

/// What a consumer does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It follows the events, as long as a process runs it.
    Following,
    /// An operator has stopped it.
    Paused {
        /// Who.
        by: String,
        /// Why.
        reason: String,
        /// When.
        since: DateTime<Utc>,
    },
    /// Nothing: code of another version filled the generation that serves. Code of a higher version builds a
    /// generation of its own, which then serves; code of a lower version waits to be replaced.
    OtherVersion {
        /// The version of this program's code.
        wanted: i32,
    },
}

impl State {
    /// Its name, such as `FOLLOWING`.
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
    /// Its number.
    pub generation: i32,
    /// The version of the code that fills it.
    pub version: i32,
    /// How far it has come.
    pub stage: Stage,
    /// How much of the log it has applied: from 0 to 1, the mean over the shards.
    pub share: f64,
    /// How long it takes until it is filled, at the speed so far; none before it has begun and after it was
    /// filled. The comparison takes about as long again.
    pub rest: Option<Duration>,
    /// Who asked for it.
    pub requested_by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub since: DateTime<Utc>,
}

/// How far the building of a generation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It applies the events of the log from the first one on, or waits until others are built.
    Filling,
    /// It has applied them, and is compared with the log row by row.
    Comparing,
    /// It was found equal, and waits only for new events and for long queries.
    Switching,
}

impl Stage {
    /// Its name, such as `FILLING`.
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
    /// Its number.
    pub generation: i32,
    /// The version of the code that filled it.
    pub version: i32,
    /// Who asked for it.
    pub requested_by: String,
    /// Why.
    pub reason: String,
    /// When it was found wrong.
    pub at: DateTime<Utc>,
    /// How many of its rows are not what the log says.
    pub differences: u64,
    /// The report of the comparison, with rows of any organization.
    pub report: Value,
}

/// How far each of these consumers is, in their order, by one statement. One that never ran has applied
/// nothing.
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

/// The consumers as [`of`] takes them.
#[must_use]
pub fn each(consumers: &[Arc<dyn Consumer>]) -> Vec<&dyn Consumer> {
    consumers.iter().map(AsRef::as_ref).collect()
}
