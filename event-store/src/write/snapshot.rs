//! Folded states of long streams, so that loading one does not read its whole history. A shortcut,
//! never a truth: losing all of them changes nothing but time.

use domain::decider::Decider;
use sqlx::PgPool;

use crate::envelope::{StreamId, Version};
use crate::error::StoreError;

/// A snapshot is taken when a stream has grown by this many events since the last one.
pub const EVERY: i64 = 100;

/// Reads the snapshot of a stream, if there is one of this program's shape.
///
/// # Errors
/// When Postgres fails. A snapshot that does not decode counts as none.
pub async fn load<D: Decider>(
    pool: &PgPool,
    stream: StreamId,
) -> Result<Option<(D, Version)>, StoreError> {
    let row: Option<(i64, String)> = sqlx::query_as(
        "select version, state::text from es.snapshots where stream_id = $1 and state_version = $2",
    )
    .bind(stream.uuid)
    .bind(D::STATE_VERSION)
    .fetch_optional(pool)
    .await
    .map_err(StoreError::unavailable("loading a snapshot"))?;
    Ok(row.and_then(|(version, state)| {
        let state = serde_json::from_str(&state)
            .inspect_err(|error| tracing::warn!(%error, stream.id = %stream, "bad snapshot"))
            .ok()?;
        Some((state, Version(version)))
    }))
}

/// Stores the state of a stream as of a version that is committed already. An older snapshot never
/// replaces a newer one of the same shape.
///
/// # Errors
/// When Postgres fails.
pub async fn save<D: Decider>(
    pool: &PgPool,
    stream: StreamId,
    state: &D,
    version: Version,
) -> Result<(), StoreError> {
    let state = serde_json::to_string(state).map_err(|error| StoreError::Unavailable {
        doing: "writing a snapshot as JSON",
        source: sqlx::Error::Encode(error.into()),
    })?;
    sqlx::query(
        "insert into es.snapshots (stream_id, version, state_version, state) \
         values ($1, $2, $3, $4::json) \
         on conflict (stream_id) do update set version = excluded.version, \
             state_version = excluded.state_version, state = excluded.state \
         where snapshots.version < excluded.version \
             or snapshots.state_version <> excluded.state_version",
    )
    .bind(stream.uuid)
    .bind(version.0)
    .bind(D::STATE_VERSION)
    .bind(state)
    .execute(pool)
    .await
    .map_err(StoreError::unavailable("saving a snapshot"))?;
    Ok(())
}
