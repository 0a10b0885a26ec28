//! Generations of a consumer's tables: one serves, another may be built beside it.
//!
//! A consumer's code has a version, its tables have generations. A generation is written only by code of
//! its version, and only while it serves or is being built: its checkpoints, which every batch must move,
//! are removed in the transaction that takes it out of service. So a worker that does not know yet that
//! another generation serves can write nothing.
//!
//! Which tables a generation has, and how queries find those of the one that serves, is not known here.

use std::time::Duration;

use sqlx::{PgConnection, PgExecutor, PgPool};

use crate::consume::consumer::Consumer;
use crate::consume::source::ConsumerId;
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
    /// Nothing: the generation that serves was made by code of another version.
    OtherVersion {
        /// The version of the generation that serves.
        serving: i32,
    },
}

/// How often a consumer that may do nothing looks whether it still may not.
pub const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// What a consumer of this program may do now. One that never ran gets its first generation.
///
/// # Errors
/// When Postgres fails.
pub async fn mode(pool: &PgPool, consumer: &dyn Consumer) -> Result<ConsumerMode, StoreError> {
    begin(pool, consumer.name(), consumer.version()).await?;
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
    Ok(match paused {
        Some(reason) => ConsumerMode::Paused { reason },
        None if version != consumer.version() => ConsumerMode::OtherVersion { serving: version },
        None => ConsumerMode::Follow(generation),
    })
}

/// Gives a consumer that never ran its first generation, which serves at once.
///
/// # Errors
/// When Postgres fails.
pub async fn begin(
    executor: impl PgExecutor<'_>,
    consumer: &str,
    version: i32,
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into es.generations \
             (consumer, generation, version, state, requested_by, reason, decided_at) \
         select $1, 1, $2, 'SERVING', 'clustergenie', 'the first one', clock_timestamp() \
         where not exists (select from es.generations where consumer = $1) \
         on conflict do nothing",
    )
    .bind(consumer)
    .bind(version)
    .execute(executor)
    .await
    .map_err(StoreError::unavailable("making a first generation"))?;
    Ok(())
}

/// The generation that serves; the first one, for a consumer that never ran.
///
/// # Errors
/// When Postgres fails.
pub async fn serving(pool: &PgPool, consumer: &'static str) -> Result<ConsumerId, StoreError> {
    let generation: Option<i32> = sqlx::query_scalar(
        "select generation from es.generations where consumer = $1 and state = 'SERVING'",
    )
    .bind(consumer)
    .fetch_optional(pool)
    .await
    .map_err(StoreError::unavailable(
        "looking up the generation that serves",
    ))?;
    Ok(ConsumerId {
        name: consumer,
        generation: generation.unwrap_or(1),
    })
}

/// What has become of a generation, such as `SERVING`: none if there is no such generation.
///
/// # Errors
/// When Postgres fails.
pub async fn state(
    pool: &PgPool,
    consumer: &str,
    generation: i32,
) -> Result<Option<String>, StoreError> {
    sqlx::query_scalar("select state from es.generations where consumer = $1 and generation = $2")
        .bind(consumer)
        .bind(generation)
        .fetch_optional(pool)
        .await
        .map_err(StoreError::unavailable("looking up a generation"))
}

/// How a transaction works on the tables of a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// As ordinary batches do, any number at once: they lock rows in an order that all of them share.
    Together,
    /// Alone, because it locks rows in an order of its own: event by event.
    Alone,
}

/// Lets a transaction work on the tables of a generation, which it then finds by their bare names. Waits
/// for those that it cannot work beside. To be called before the transaction locks anything.
pub(crate) async fn enter(
    transaction: &mut PgConnection,
    id: ConsumerId,
    access: Access,
) -> Result<(), StoreError> {
    let lock = match access {
        Access::Together => {
            "select set_config('search_path', $1, true), \
             pg_advisory_xact_lock_shared(hashtextextended('clustergenie ' || $1, 0))::text"
        }
        Access::Alone => {
            "select set_config('search_path', $1, true), \
             pg_advisory_xact_lock(hashtextextended('clustergenie ' || $1, 0))::text"
        }
    };
    sqlx::query(lock)
        .bind(tables_of(id))
        .execute(transaction)
        .await
        .map_err(StoreError::unavailable("beginning to apply events"))?;
    Ok(())
}

/// The schema that holds the tables of a generation.
#[must_use]
pub fn tables_of(id: ConsumerId) -> String {
    format!("{}_{}", id.name, id.generation)
}
