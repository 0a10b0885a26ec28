//! Generations of a consumer's tables: one serves, another may be built beside it.
//!
//! A consumer's code has a version, its tables have generations. A generation is written only by code of
//! its version, and only while it serves or is being built. The transaction that takes a generation out of
//! service removes its checkpoints, which every batch must move. So a worker that does not know yet that
//! another generation serves can write nothing.
//!
//! This module owns `es.generations`. It does not know which tables a generation has, nor how queries find
//! those of the generation that serves. The caller creates, shows and drops the tables in the same
//! transaction.

use sqlx::{FromRow, PgExecutor, PgPool, Postgres, QueryBuilder};

use crate::consume::source::ConsumerId;
use crate::error::StoreError;

mod access;
mod build;
mod drop;
mod mode;
mod restart;
mod state;
mod switch;

pub use self::access::tables_of;
pub use self::build::{NewGeneration, abandon, add, end, mark_filled, record_report};
pub use self::drop::{list_undropped, mark_dropped};
pub use self::mode::{ConsumerMode, POLL_INTERVAL, mode};
pub use self::state::GenerationState;
pub use self::switch::{hand_over, lock, lock_checkpoints, lock_serving};

pub(crate) use self::access::{Access, enter};

/// A generation of a consumer.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Generation {
    /// The name of the consumer.
    pub consumer: String,
    /// The number of the generation, from 1.
    pub generation: i32,
    /// The version of the code that fills the generation.
    pub version: i32,
    /// The state of the generation: it is being built, serves, or is out of use.
    #[sqlx(try_from = "String")]
    pub state: GenerationState,
    /// True if the generation's tables were dropped.
    pub is_dropped: bool,
    /// True if an operator has paused the consumer.
    pub is_paused: bool,
}

/// Returns all generations that these consumers ever had, oldest first.
///
/// # Errors
/// When Postgres fails.
pub async fn list(
    database: impl PgExecutor<'_>,
    consumers: &[&str],
) -> Result<Vec<Generation>, StoreError> {
    sqlx::query_as(
        "select consumer, generation, version, state, dropped_at is not null as is_dropped, \
             exists (select from es.paused p where p.consumer = g.consumer) as is_paused \
         from es.generations g where consumer = any($1) order by begun_at, generation",
    )
    .bind(consumers)
    .fetch_all(database)
    .await
    .map_err(StoreError::unavailable("listing generations"))
}

/// Adds the first generation of a consumer that never ran. The generation serves at once.
///
/// # Errors
/// When Postgres fails.
pub async fn begin(
    database: impl PgExecutor<'_>,
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
    .execute(database)
    .await
    .map_err(StoreError::unavailable("adding a first generation"))?;
    Ok(())
}

/// Returns the generation that serves; the first one, for a consumer that never ran.
///
/// # Errors
/// When Postgres fails.
pub async fn serving(pool: &PgPool, consumer: &'static str) -> Result<ConsumerId, StoreError> {
    let found = find_serving(pool, consumer).await?;
    Ok(ConsumerId {
        name: consumer,
        generation: found.map_or(1, |(generation, _)| generation),
    })
}

/// Adds the condition that the generation of a consumer that serves was filled by code of this version.
pub fn push_serves(query: &mut QueryBuilder<Postgres>, consumer: &'static str, version: i32) {
    query.push("exists (select from es.generations where state = 'SERVING' and consumer = ");
    query.push_bind(consumer).push(" and version = ");
    query.push_bind(version).push(")");
}

/// Returns the generation that serves and the version of the code that filled it. `None` for a consumer
/// that never ran.
///
/// # Errors
/// When Postgres fails.
pub async fn find_serving(pool: &PgPool, consumer: &str) -> Result<Option<(i32, i32)>, StoreError> {
    sqlx::query_as(
        "select generation, version from es.generations where consumer = $1 and state = 'SERVING'",
    )
    .bind(consumer)
    .fetch_optional(pool)
    .await
    .map_err(StoreError::unavailable(
        "looking up the generation that serves",
    ))
}

/// Returns the state of a generation; `None` if there is no such generation.
///
/// # Errors
/// When Postgres fails.
pub async fn state(
    database: impl PgExecutor<'_>,
    consumer: &str,
    generation: i32,
) -> Result<Option<GenerationState>, StoreError> {
    let state: Option<String> = sqlx::query_scalar(
        "select state from es.generations where consumer = $1 and generation = $2",
    )
    .bind(consumer)
    .bind(generation)
    .fetch_optional(database)
    .await
    .map_err(StoreError::unavailable("looking up a generation"))?;
    state.map(state::stored).transpose()
}
