//! Whether a generation had to park what the one before it has applied: it would show less.

use serde::Serialize;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

/// A stream that the new generation has parked, and the old one has not, at an event that it has applied.
#[derive(Debug, FromRow, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ParkedAnew {
    stream_id: Uuid,
    position: i64,
    error: String,
}

/// The first such streams, if there are any.
pub(super) async fn parked_anew(
    connection: &mut PgConnection,
    name: &str,
    serving: i32,
    generation: i32,
) -> Result<Vec<ParkedAnew>, sqlx::Error> {
    sqlx::query_as(include_str!("parks.sql"))
        .bind(name)
        .bind(serving)
        .bind(generation)
        .fetch_all(connection)
        .await
}
