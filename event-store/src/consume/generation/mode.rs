//! The mode of a consumer of this program.

use std::cmp::Ordering;
use std::time::Duration;

use sqlx::PgPool;

use super::restart::restart;
use crate::consume::consumer::{Consumer, Rebuild};
use crate::error::StoreError;

/// The mode of a consumer of this program: whether it may apply events now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConsumerMode {
    /// The consumer follows the events, and writes this generation.
    Follow(i32),
    /// The consumer does nothing: an operator has paused it.
    Paused {
        /// The reason of the pause.
        reason: String,
    },
    /// The consumer does nothing: the generation that serves was filled by code of another version.
    OtherVersion {
        /// The version of the generation that serves.
        serving: i32,
    },
}

/// The poll interval at which a consumer that may do nothing checks its mode.
pub const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// Returns the mode of a consumer of this program. A consumer that never ran gets its first generation. A
/// consumer whose version was raised and that is [rebuilt in place](Rebuild::InPlace) starts again from the
/// first event.
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
                // Every iteration raises the version that serves, here or in another process.
                Rebuild::InPlace { clear } => restart(pool, consumer, clear, generation).await?,
            },
        }
    }
}
