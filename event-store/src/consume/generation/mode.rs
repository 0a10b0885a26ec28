//! What a consumer of this program may do now.

use std::cmp::Ordering;
use std::time::Duration;

use sqlx::PgPool;

use super::restart::restart;
use crate::consume::consumer::{Consumer, Rebuild};
use crate::error::StoreError;

/// What a consumer of this program may do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsumerMode {
    /// Follow the events, and write this generation.
    Follow(i32),
    /// Nothing: an operator has paused it.
    Paused {
        /// Why.
        reason: String,
    },
    /// Nothing: the generation that serves was filled by code of another version.
    OtherVersion {
        /// The version of the generation that serves.
        serving: i32,
    },
}

/// How often a consumer that may do nothing checks whether it still may not.
pub const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// What a consumer of this program may do now. One that never ran gets its first generation; one whose
/// version was raised and that is [rebuilt in place](Rebuild::InPlace) starts again from the first event.
///
/// # Errors
/// When Postgres fails.
pub async fn mode(pool: &PgPool, consumer: &dyn Consumer) -> Result<ConsumerMode, StoreError> {
    super::begin(pool, consumer.name(), consumer.version()).await?;
    loop {
        let (generation, version, paused): (i32, i32, Option<String>) = sqlx::query_as(
            "select g.generation, g.version, p.reason from es.generations g \
             left join es.paused p on p.consumer = g.consumer \
             where g.consumer = $1 and g.state = 'SERVING'",
        )
        .bind(consumer.name())
        .fetch_one(pool)
        .await
        .map_err(StoreError::unavailable(
            "looking up the generation that serves",
        ))?;
        match (paused, version.cmp(&consumer.version())) {
            (Some(reason), _) => return Ok(ConsumerMode::Paused { reason }),
            (None, Ordering::Equal) => return Ok(ConsumerMode::Follow(generation)),
            (None, Ordering::Greater) => {
                return Ok(ConsumerMode::OtherVersion { serving: version });
            }
            (None, Ordering::Less) => match consumer.rebuild() {
                Rebuild::BesideServing => {
                    return Ok(ConsumerMode::OtherVersion { serving: version });
                }
                // Every turn raises the version that serves, here or in another process.
                Rebuild::InPlace { clear } => restart(pool, consumer, clear, generation).await?,
            },
        }
    }
}
