//! Snapshots: folded states of long streams, so that loading a stream does not read its whole history.
//! Snapshots are only a shortcut: the loss of all of them costs nothing but time.

use domain::decider::Decider;
use sqlx::PgPool;

use crate::envelope::{StreamId, Version};
use crate::error::StoreError;
use crate::incarnation::IncarnationId;

/// The number of events by which a stream has to grow since its last snapshot until the next one is taken.
pub const EVERY: i64 = 100;

/// Reads the snapshot of a stream, if there is one of this program's shape.
///
/// # Errors
/// [`StoreError::OtherIncarnation`], and when Postgres fails. A snapshot that does not decode counts as none.
pub async fn load<D: Decider>(
    pool: &PgPool,
    incarnation: IncarnationId,
    stream: StreamId,
) -> Result<Option<(D, Version)>, StoreError> {
    let row: Option<(i64, String)> = sqlx::query_as(
        "select version, state::text from es.snapshots \
         where stream_id = $1 and state_version = $2 and es.demand_incarnation($3)",
    )
    .bind(stream.uuid)
    .bind(D::STATE_VERSION)
    .bind(incarnation.0)
    .fetch_optional(pool)
    .await
    .map_err(StoreError::asking("loading a snapshot"))?;
    Ok(row.and_then(|(version, state)| {
        let state = serde_json::from_str(&state)
            .inspect_err(|error| tracing::warn!(%error, stream.id = %stream, "bad snapshot"))
            .ok()?;
        Some((state, Version(version)))
    }))
}

/// A state as a snapshot holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The version of the form of the state.
    pub state_version: i32,
    /// The state, as JSON.
    pub state: String,
}

impl Snapshot {
    /// Writes a state as a snapshot.
    ///
    /// # Errors
    /// When the state cannot be written as JSON.
    pub fn of<D: Decider>(state: &D) -> Result<Self, serde_json::Error> {
        Ok(Self {
            state_version: D::STATE_VERSION,
            state: serde_json::to_string(state)?,
        })
    }
}

/// Stores the state of a stream as of a version that is committed already, in this incarnation of the log. An older
/// snapshot never replaces a newer one of the same shape.
///
/// # Errors
/// [`StoreError::OtherIncarnation`]: the log may have lost that version, and would give it to another state. When
/// Postgres fails.
pub async fn save(
    pool: &PgPool,
    incarnation: IncarnationId,
    stream: StreamId,
    version: Version,
    snapshot: &Snapshot,
) -> Result<(), StoreError> {
    sqlx::query(
        "insert into es.snapshots (stream_id, version, state_version, state) \
         select $1, $2, $3, $4::json where es.demand_incarnation($5) \
         on conflict (stream_id) do update set version = excluded.version, \
             state_version = excluded.state_version, state = excluded.state \
         where snapshots.version < excluded.version \
             or snapshots.state_version <> excluded.state_version",
    )
    .bind(stream.uuid)
    .bind(version.0)
    .bind(snapshot.state_version)
    .bind(&snapshot.state)
    .bind(incarnation.0)
    .execute(pool)
    .await
    .map_err(StoreError::asking("saving a snapshot"))?;
    Ok(())
}
