//! Requests a rebuild.

use event_store::consume::generation::{self, NewGeneration};
use event_store::error::StoreError;
use event_store::pool;
use sqlx::PgPool;

use crate::model::ReadModel;
use crate::tables;

/// The reason why a rebuild was not requested.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// A generation is being built already.
    #[error(
        "generation {generation} of `{projection}` is being built already: wait for it, or give it up first"
    )]
    InTheMaking {
        /// The name of the projection.
        projection: &'static str,
        /// The number of the generation that is being built.
        generation: i32,
    },
    /// Postgres failed; nothing was requested.
    #[error("the rebuild could not be requested")]
    Unavailable(#[source] sqlx::Error),
    /// The event store failed.
    #[error("the rebuild could not be requested")]
    Store(#[from] StoreError),
}

/// Requests a new generation of a projection, which is then built beside the one that serves and
/// replaces it. Returns its number. `by` and `reason` are recorded.
///
/// # Errors
/// [`RequestError`].
pub async fn request(
    pool: &PgPool,
    projection: &dyn ReadModel,
    by: &str,
    reason: &str,
) -> Result<i32, RequestError> {
    let name = projection.name();
    let mut transaction = pool::begin(pool).await.map_err(RequestError::Unavailable)?;
    let next = match generation::add(&mut transaction, projection, by, reason).await? {
        NewGeneration::Added(generation) => generation,
        NewGeneration::AlreadyBuilding(generation) => {
            return Err(RequestError::InTheMaking {
                projection: name,
                generation,
            });
        }
    };
    tables::make(&mut transaction, projection, next)
        .await
        .map_err(RequestError::Unavailable)?;
    transaction
        .commit()
        .await
        .map_err(RequestError::Unavailable)?;
    tracing::info!(
        projection = name,
        generation = next,
        by,
        reason,
        "a rebuild was requested"
    );
    Ok(next)
}
