//! How far the projections are: for operators, and for clients who waited in vain for what they wrote.
//!
//! One statement tells it of any number of consumers, in a time that is bounded however far behind they are:
//! it is asked every second.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use event_store::consume::consumer::Consumer;
use event_store::envelope::{Position, Shard};
use event_store::log;
use serde_json::Value;
use sqlx::PgPool;

use crate::consistency::ReadModels;
use crate::reader::{ReadError, Reader};
use crate::registry;

mod row;

use self::row::Row;

/// How far a consumer is: a projection, or the to-do list of the platform's runner.
#[derive(Debug, Clone, PartialEq)]
pub struct ProjectionStatus {
    /// Its name, such as `droplets`.
    pub name: &'static str,
    /// Which generation of its tables serves.
    pub generation: i32,
    /// The version of the code that made this generation.
    pub version: i32,
    /// What it does.
    pub state: State,
    /// Every event up to here that concerns it was applied, or is parked.
    pub position: Position,
    /// How many events of the log it has not applied yet; exactly, up to 10,000 a shard.
    pub lag_events: i64,
    /// How old the oldest of them is, by the database's clock; zero when there is none.
    pub lag: Duration,
    /// How many streams are parked in it, without those that were skipped; at most 10,000.
    pub parked_streams: i64,
    /// How many parked streams were given up in it; at most 10,000.
    pub skipped_streams: i64,
    /// The generation that is being made, if there is one.
    pub building: Option<Building>,
    /// The last generation that was made after the one that serves and was found wrong.
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
    /// Nothing: code of another version made the generation that serves. Code of a higher version makes one of
    /// its own, which then takes its place; code of a lower one waits to be replaced.
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

/// A generation in the making.
#[derive(Debug, Clone, PartialEq)]
pub struct Building {
    /// Its number.
    pub generation: i32,
    /// The version of the code that makes it.
    pub version: i32,
    /// How far it has come.
    pub stage: Stage,
    /// How much of the log it has applied: from 0 to 1, the mean over the shards.
    pub share: f64,
    /// How long it takes until it is filled, if it goes on as it went so far; none before it has begun,
    /// and after it was filled. To compare it takes about as long again.
    pub rest: Option<Duration>,
    /// Who asked for it.
    pub requested_by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub since: DateTime<Utc>,
}

/// How far a generation in the making has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// It applies the events of the log from the first one on, or waits until others are made.
    Filling,
    /// It has applied them, and is compared with the log row by row.
    Comparing,
    /// It was found equal, and waits only for what came meanwhile and for queries that run for long.
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
    /// The version of the code that made it.
    pub version: i32,
    /// Who asked for it.
    pub requested_by: String,
    /// Why.
    pub reason: String,
    /// When it was found wrong.
    pub at: DateTime<Utc>,
    /// How many of its rows are not what the log says.
    pub differences: u64,
    /// What the comparison said, with rows of any organization.
    pub report: Value,
}

/// How far each of these consumers is, in one statement. One that never ran has applied nothing.
///
/// # Errors
/// When Postgres fails.
pub async fn of(
    pool: &PgPool,
    consumers: &[&dyn Consumer],
) -> Result<Vec<ProjectionStatus>, sqlx::Error> {
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
        .await?;
    let told = consumers.iter().zip(rows);
    Ok(told.map(|(consumer, row)| row.told(*consumer)).collect())
}

/// The same consumers, as [`of`] takes them.
#[must_use]
pub fn each(consumers: &[Arc<dyn Consumer>]) -> Vec<&dyn Consumer> {
    consumers.iter().map(AsRef::as_ref).collect()
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
        Ok(of(&self.store, &each(&registry::consumers())).await?)
    }

    /// How many recorded events the slowest of the read models has not applied yet; with none of them,
    /// how many have no position yet.
    pub(crate) async fn lag(&self, models: ReadModels<'_>) -> Result<i64, ReadError> {
        let statuses = of(&self.store, models).await?;
        let slowest = statuses.iter().map(|status| status.lag_events).max();
        let unsequenced: i64 = sqlx::query_scalar(
            "select count(*) from es.events e where e.seq > (select low_mark from es.log_head) \
             and not exists (select from es.log l where l.seq = e.seq)",
        )
        .fetch_one(&self.store)
        .await?;
        Ok(slowest.unwrap_or_default() + unsequenced)
    }
}
